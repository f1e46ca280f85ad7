/* How the suite finds the driver, and the switches of its choices. */
#include "../../harness/reference/companion.h"
#include "choices.h"
#include <gpup/implementation.h>

extern unsigned reference_differs; /* blob.c */
DRIVER_INITIALIZE DriverEntry;

static const char *const names[CHOICES] = {"plane",    "coarse", "early",   "poll",  "lazy",   "watchdog",
                                           "noise",    "codes",  "handles", "idle",  "pooled", "late",
                                           "deferred", "masked", "forgets", "posts", "nothing"};

static bool same(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool GPUP_CALL set_option(const char *name, const char *value) {
    (void)name;
    for (unsigned i = 0; i < CHOICES; i++)
        if (same(names[i], value)) {
            choice[i] = true;
            return true;
        }
    return false;
}

static bool GPUP_CALL differ(uint32_t what) {
    reference_differs |= 1u << what;
    return true;
}

static const struct gpup_implementation implementation = {.size = sizeof implementation,
                                                          .version = GPUP_IMPLEMENTATION_VERSION,
                                                          .name = "choices",
                                                          .build = "honest, otherwise",
                                                          .set_option = set_option,
                                                          .driver_entry = DriverEntry,
                                                          .framework_driver = &companion,
                                                          .differ = differ};

const struct gpup_implementation *GPUP_CALL gpup_implementation(void) {
    return &implementation;
}
