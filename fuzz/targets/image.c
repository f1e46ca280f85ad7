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

/* Frame by frame, as exceptions go, until the walk ends: it must. */
static void walk(const struct gpup_unwinder *image, uint64_t pc, uint64_t *stack, unsigned words) {
    struct gpup_frame frame = {.pc = pc, .registers[GPUP_SP] = (uintptr_t)stack};
    struct gpup_frame_found found;
    frame.registers[5] = (uintptr_t)(stack + words / 2);
    for (unsigned i = 0;; i++) {
        uint64_t before = frame.registers[GPUP_SP];
        if (!image->leave(image->context, &frame, (uintptr_t)stack, (uintptr_t)(stack + words), &found))
            return;
        if (frame.registers[GPUP_SP] <= before || i > words)
            abort();
        if (found.handler && (!found.kinds || !image->runs(image->context, found.handler)))
            abort();
        const uint8_t *data = found.handler ? image->at(image->context, found.data, 4) : NULL;
        if (data)
            image->at(image->context, found.data, 4 + (uint64_t)gpup_pe_u32(data) * 16);
        image->entry(image->context, (uint32_t)(frame.pc - image->base));
    }
}

static void look_at(const struct gpup_pe *pe) {
    struct gpup_unwinder image = gpup_pe_unwinder(pe);
    uint64_t stack[16];
    uint32_t step = pe->image_size / 24 + 1;
    for (unsigned i = 0; i < 16; i++) /* returns into the image */
        stack[i] = (uintptr_t)pe->memory + (uint64_t)i * 997 % pe->image_size;
    gpup_pe_export(pe, "gpup_implementation");
    for (uint64_t pc = pe->entry % step; pc < pe->image_size; pc += step)
        walk(&image, (uintptr_t)pe->memory + pc, stack, 16);
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
