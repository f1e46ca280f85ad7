/* An implementation with state in every kind of writable section. */
#include "state.h"

#include <gpup/implementation.h>

#include <stdio.h>
#include <string.h>

int state_data = 42;
long state_bss;
static volatile char array[100000]; /* volatile: whole, whatever is optimised */
static const int one = 1, two = 2;
static const int *pointer = &one; /* needs a relocation */
static _Bool small = 1;
static unsigned char defect;
struct state_counters state_counters; /* filled by the instrumentation, if there is any */

static void touch(void) {
    state_data += 1;
    state_bss += 1;
    pointer = &two;
    array[sizeof array - 1] += 1;
    small = 0;
}

static unsigned long local_value(bool change) {
    static unsigned long local = 7;
    local += change;
    return local;
}

static bool set_option(const char *name, const char *value) {
    void *to = NULL;
    if (strcmp(name, "touch") == 0) {
        touch();
        local_value(true);
        return true;
    }
    if (strcmp(name, "defect") == 0) {
        defect = (unsigned char)value[0];
        return true;
    }
    if (sscanf(value, "%p", &to) != 1)
        return false;
    if (strcmp(name, "look") == 0)
        *(struct state_look *)to = (struct state_look){
            {(unsigned long)state_data + defect * 1000ul, (unsigned long)state_bss, local_value(false),
             (unsigned long)*pointer, (unsigned long)array[sizeof array - 1], small}};
    else
        *(struct state_counters *)to = state_counters;
    return true;
}

static bool open_nothing(struct gpup_open *open) {
    (void)open;
    return false;
}

static void close_nothing(struct gpup_open *open) {
    (void)open;
}

const struct gpup_implementation *gpup_implementation(void) {
    static const struct gpup_implementation implementation = {.size = sizeof implementation,
                                                              .version = GPUP_IMPLEMENTATION_VERSION,
                                                              .name = "state",
                                                              .open = open_nothing,
                                                              .close = close_nothing,
                                                              .set_option = set_option};
    return &implementation;
}
