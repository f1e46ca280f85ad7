/* Driver images: any bytes are refused with a message, or become an image that stays in its bounds. */
#include "target.h"

#include "pe.h"

#include <stdlib.h>
#include <string.h>

static struct gpup_pe_error error;
static char why[400];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    error = (struct gpup_pe_error){why, sizeof why};
    return 0;
}

static void never_called(const char *name) {
    (void)name;
    abort();
}

/* Some are there, some are not; nothing of an image is ever run. */
static void *resolve(void *context, const char *module, const char *name, uint16_t ordinal) {
    static char somewhere[256];
    (void)context;
    return strlen(module) % 2 ? somewhere + (name ? name[0] & 0x7F : ordinal & 0x7F) : NULL;
}

static void look_at(struct gpup_pe *pe) {
    uint64_t stack[64] = {0};
    uint32_t step = pe->image_size / 256;
    gpup_pe_export(pe, "gpup_implementation");
    for (uint64_t pc = pe->entry % step; pc < pe->image_size; pc += step) {
        struct gpup_frame frame = {.pc = (uintptr_t)pe->memory + pc, .registers[GPUP_SP] = (uintptr_t)stack};
        struct gpup_frame_found found;
        frame.registers[5] = (uintptr_t)(stack + 32);
        bool left = gpup_pe_leave(pe, &frame, (uintptr_t)stack, (uintptr_t)(stack + 64), &found);
        if (left && (frame.registers[GPUP_SP] <= (uintptr_t)stack || (found.handler && !found.kinds)))
            abort(); /* a walk would not end */
    }
    for (uint32_t i = 0; i < pe->section_count; i++)
        if ((pe->section[i].access & GPUP_PE_WRITE) && (pe->section[i].access & GPUP_PE_EXECUTE))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_pe pe;
    void (*stub)(const char *) = never_called;
    void *unsupported;
    memcpy(&unsupported, &stub, sizeof stub);
    why[0] = 0;
    if (gpup_pe_load(&pe, data, size, resolve, NULL, unsupported, &error)) {
        look_at(&pe);
        gpup_pe_unmap(&pe);
    } else if (!why[0] || pe.memory || pe.stubs) {
        abort(); /* refused without a word, or something is left */
    }
    return 0;
}
