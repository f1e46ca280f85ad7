/* The table of functions (.pdata) and what it says of their frames: x64 exception handling of the Microsoft
 * documents. Here it tells who called; nothing is unwound. */
#include "pe.h"

#include <string.h>

#define ENTRY 12u
#define CHAIN 32u /* longest chain of unwind data */

enum {
    PUSH,
    ALLOC_LARGE,
    ALLOC_SMALL,
    SET_FRAME,
    SAVE,
    SAVE_FAR,
    EPILOG,
    SPARE,
    SAVE_XMM,
    SAVE_XMM_FAR,
    MACHINE
};
#define CHAINED 4 /* flag: what follows the codes is another entry */

struct function {
    uint32_t begin, end, info; /* addresses in the image */
};

static struct function function_at(const uint8_t *entry) {
    return (struct function){gpup_pe_u32(entry), gpup_pe_u32(entry + 4), gpup_pe_u32(entry + 8)};
}

/* Slots of two bytes that a code takes; 0: there is none such. */
static unsigned slots_of(unsigned operation, unsigned info) {
    switch (operation) {
    case PUSH:
    case ALLOC_SMALL:
    case SET_FRAME:
    case EPILOG:
    case MACHINE:
        return 1;
    case ALLOC_LARGE:
        return info > 1 ? 0 : 2 + info;
    case SAVE:
    case SAVE_XMM:
        return 2;
    case SAVE_FAR:
    case SAVE_XMM_FAR:
        return 3;
    default:
        return 0;
    }
}

/* Header and codes; NULL: damaged. */
static const uint8_t *unwind_at(const struct gpup_pe *pe, uint32_t rva) {
    const uint8_t *info = rva % 4 ? NULL : gpup_pe_at(pe, rva, 4);
    unsigned version = info ? info[0] & 7 : 0, count = info ? info[2] : 0;
    uint64_t tail = info && (info[0] >> 3 & CHAINED) ? ENTRY : 0;
    if (version < 1 || version > 2 || !gpup_pe_at(pe, rva, 4 + 2 * (uint64_t)((count + 1) & ~1u) + tail))
        return NULL;
    for (unsigned i = 0; i < count;) {
        unsigned slots = slots_of(info[5 + 2 * i] & 15, info[5 + 2 * i] >> 4);
        if (!slots || slots > count - i)
            return NULL;
        i += slots;
    }
    return info;
}

static const uint8_t *chained(const uint8_t *info) {
    return info[0] >> 3 & CHAINED ? info + 4 + 2 * ((info[2] + 1) & ~1) : NULL;
}

static bool whole_chain(const struct gpup_pe *pe, struct function f) {
    for (unsigned depth = 0; depth < CHAIN; depth++) {
        const uint8_t *info = f.begin < f.end && f.end <= pe->image_size ? unwind_at(pe, f.info) : NULL;
        if (!info)
            return false;
        if (!chained(info))
            return true;
        f = function_at(chained(info));
    }
    return false;
}

bool gpup_pe_check_functions(const struct gpup_pe *pe, const struct gpup_pe_error *error) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_EXCEPTION];
    const uint8_t *table = gpup_pe_at(pe, d.rva, d.size);
    uint32_t end = 0;
    if (d.size && (!table || d.size % ENTRY))
        return gpup_pe_refuse(error, "has a damaged table of functions (.pdata): %u bytes at 0x%x", d.size,
                              d.rva);
    for (uint32_t i = 0; i < d.size / ENTRY; i++) {
        struct function f = function_at(table + (size_t)i * ENTRY);
        if (f.begin < end || !whole_chain(pe, f))
            return gpup_pe_refuse(error,
                                  "has a damaged table of functions (.pdata): entry %u, from 0x%x to "
                                  "0x%x with unwind data at 0x%x",
                                  i, f.begin, f.end, f.info);
        end = f.end;
    }
    return true;
}

/* The entry that holds an address; false: a leaf function, or none. */
static bool find_function(const struct gpup_pe *pe, uint32_t rva, struct function *out) {
    struct gpup_pe_span d = pe->directory[GPUP_PE_EXCEPTION];
    const uint8_t *table = gpup_pe_at(pe, d.rva, d.size);
    uint32_t low = 0, high = table ? d.size / ENTRY : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        *out = function_at(table + (size_t)middle * ENTRY);
        if (rva < out->begin)
            high = middle;
        else if (rva >= out->end)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* --- one frame up */

struct stack {
    uintptr_t low, high;
};

static bool load(const struct stack *stack, uint64_t at, uint64_t *value) {
    if (at % 8 || at < stack->low || at > stack->high - 8)
        return false;
    memcpy(value, (const void *)(uintptr_t)at, sizeof *value); // NOLINT(performance-no-int-to-ptr)
    return true;
}

static void undo_frame_register(const uint8_t *info, struct gpup_pe_frame *f) {
    if (info[3] & 15)
        f->sp = f->registers[info[3] & 15] - (info[3] >> 4) * UINT64_C(16);
}

static bool apply(const uint8_t *info, const uint8_t *code, struct gpup_pe_frame *f,
                  const struct stack *stack) {
    unsigned operand = code[1] >> 4;
    switch (code[1] & 15) {
    case PUSH:
        f->sp += 8;
        return load(stack, f->sp - 8, &f->registers[operand]);
    case ALLOC_SMALL:
        f->sp += operand * 8 + 8;
        return true;
    case ALLOC_LARGE:
        f->sp += operand ? gpup_pe_u32(code + 2) : gpup_pe_u16(code + 2) * UINT64_C(8);
        return true;
    case SET_FRAME:
        undo_frame_register(info, f);
        return true;
    case SAVE:
        return load(stack, f->sp + gpup_pe_u16(code + 2) * UINT64_C(8), &f->registers[operand]);
    case SAVE_FAR:
        return load(stack, f->sp + gpup_pe_u32(code + 2), &f->registers[operand]);
    case MACHINE:
        return false; /* an interrupt's frame: nobody called */
    default:
        return true;
    }
}

/* depth: how far into the prologue the function is. Saved registers lie relative to the stack pointer that
 * the prologue left, which the frame register, if there is one, keeps. */
static bool undo(const uint8_t *info, uint32_t depth, struct gpup_pe_frame *f, const struct stack *stack) {
    unsigned count = info[2];
    if (depth >= info[1])
        undo_frame_register(info, f);
    for (unsigned i = 0; i < count;) {
        const uint8_t *code = info + 4 + (size_t)2 * i;
        if ((code[1] & 15) != EPILOG && code[0] <= depth && !apply(info, code, f, stack))
            return false;
        i += slots_of(code[1] & 15, code[1] >> 4);
    }
    return true;
}

bool gpup_pe_unwind(const struct gpup_pe *pe, struct gpup_pe_frame *frame, uintptr_t low, uintptr_t high) {
    struct stack stack = {low, high};
    uint64_t rva = frame->pc - (uintptr_t)pe->memory;
    struct function f = {0};
    if (rva >= pe->image_size || high - low < 8)
        return false;
    bool found = find_function(pe, (uint32_t)rva, &f);
    for (uint32_t depth = (uint32_t)rva - f.begin; found; depth = UINT32_MAX) {
        const uint8_t *info = unwind_at(pe, f.info);
        if (!info || !undo(info, depth, frame, &stack))
            return false;
        found = chained(info) != NULL; /* of what it is a part of, the whole prologue has run */
        if (found)
            f = function_at(chained(info));
    }
    frame->sp += 8;
    return load(&stack, frame->sp - 8, &frame->pc);
}
