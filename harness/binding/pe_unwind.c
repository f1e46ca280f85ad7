/* One frame up in an image, as the unwind data of its functions tells (.xdata): x64 exception handling of the
 * Microsoft documents. Nothing in the data is trusted: what leads off the stack or out of the image ends the
 * walk. */
#include "pe_frames.h"

#include <string.h>

struct stack {
    uintptr_t low, high;
};

static bool load(const struct stack *stack, uint64_t at, void *value, size_t size) {
    if (at % 8 || at < stack->low || at > stack->high - size)
        return false;
    memcpy(value, (const void *)(uintptr_t)at, size); // NOLINT(performance-no-int-to-ptr)
    return true;
}

/* The stack pointer that the prologue left, which the frame register, if there is one, keeps. */
static uint64_t base_of(const uint8_t *info, const struct gpup_frame *f) {
    return info[3] & 15 ? f->registers[info[3] & 15] - (info[3] >> 4) * UINT64_C(16) : f->registers[GPUP_SP];
}

static bool apply(const uint8_t *info, const uint8_t *code, struct gpup_frame *f, const struct stack *stack) {
    unsigned operand = code[1] >> 4;
    uint64_t *sp = &f->registers[GPUP_SP];
    switch (code[1] & 15) {
    case PE_PUSH:
        *sp += 8;
        return load(stack, *sp - 8, &f->registers[operand], 8);
    case PE_ALLOC_SMALL:
        *sp += operand * 8 + 8;
        return true;
    case PE_ALLOC_LARGE:
        *sp += operand ? gpup_pe_u32(code + 2) : gpup_pe_u16(code + 2) * UINT64_C(8);
        return true;
    case PE_SET_FRAME:
        *sp = base_of(info, f);
        return true;
    case PE_SAVE:
        return load(stack, *sp + gpup_pe_u16(code + 2) * UINT64_C(8), &f->registers[operand], 8);
    case PE_SAVE_FAR:
        return load(stack, *sp + gpup_pe_u32(code + 2), &f->registers[operand], 8);
    case PE_SAVE_XMM:
        return load(stack, *sp + gpup_pe_u16(code + 2) * UINT64_C(16), f->vectors[operand], 16);
    case PE_SAVE_XMM_FAR:
        return load(stack, *sp + gpup_pe_u32(code + 2), f->vectors[operand], 16);
    case PE_MACHINE:
        return false; /* an interrupt's frame: nobody called */
    default:
        return true;
    }
}

/* depth: how far into the prologue the function is. Saved registers lie relative to the stack pointer that
 * the prologue left. */
static bool undo(const uint8_t *info, uint32_t depth, struct gpup_frame *f, const struct stack *stack) {
    unsigned count = info[2];
    if (depth >= info[1])
        f->registers[GPUP_SP] = base_of(info, f);
    for (unsigned i = 0; i < count;) {
        const uint8_t *code = info + 4 + (size_t)2 * i;
        if ((code[1] & 15) != PE_EPILOG && code[0] <= depth && !apply(info, code, f, stack))
            return false;
        i += gpup_pe_unwind_slots(code[1] & 15, code[1] >> 4);
    }
    return true;
}

/* Has the prologue set the frame register by then? */
static bool frame_is_set(const uint8_t *info, uint32_t depth) {
    for (unsigned i = 0; i < info[2]; i += gpup_pe_unwind_slots(info[5 + 2 * i] & 15, info[5 + 2 * i] >> 4))
        if ((info[5 + 2 * i] & 15) == PE_SET_FRAME && info[4 + 2 * i] <= depth)
            return true;
    return depth >= info[1] || (info[0] >> 3 & PE_CHAINED);
}

static void find_handler(const struct gpup_pe *pe, uint32_t rva, const uint8_t *info,
                         struct gpup_frame_found *found) {
    uint32_t at = rva + 4 + 2 * ((info[2] + 1u) & ~1u);
    const uint8_t *handler = (info[0] >> 3 & PE_HANDLERS) ? gpup_pe_at(pe, at, 4) : NULL;
    if (!handler || !gpup_pe_runs(pe, gpup_pe_u32(handler)))
        return;
    found->kinds = info[0] >> 3 & PE_HANDLERS;
    found->handler = gpup_pe_u32(handler);
    found->data = at + 4;
}

/* Out of one function with an entry, and of what that is a part of. */
static bool leave_function(const struct gpup_pe *pe, struct gpup_pe_function f, uint32_t depth,
                           struct gpup_frame *frame, const struct stack *stack,
                           struct gpup_frame_found *found) {
    bool in_prologue = false;
    for (unsigned links = 0; links < PE_CHAIN; links++, depth = UINT32_MAX) {
        const uint8_t *info = gpup_pe_unwind_data(pe, f.info);
        if (!info)
            return false;
        if (!links) {
            in_prologue = depth < info[1];
            if ((info[3] & 15) && frame_is_set(info, depth))
                found->establisher = base_of(info, frame);
        }
        if (!undo(info, depth, frame, stack))
            return false;
        if (!gpup_pe_chained(info)) {
            if (!in_prologue)
                find_handler(pe, f.info, info, found);
            return true;
        }
        f = gpup_pe_function_at(
            gpup_pe_chained(info)); /* of what it is a part of, the whole prologue has run */
    }
    return false;
}

bool gpup_pe_leave(const struct gpup_pe *pe, struct gpup_frame *frame, uintptr_t low, uintptr_t high,
                   struct gpup_frame_found *found) {
    struct stack stack = {low, high};
    uint64_t rva = frame->pc - (uintptr_t)pe->memory, before = frame->registers[GPUP_SP];
    struct gpup_pe_function f;
    *found = (struct gpup_frame_found){.establisher = before};
    if (rva >= pe->image_size || high < low || high - low < 16)
        return false;
    if (gpup_pe_find_function(pe, (uint32_t)rva, &f)) {
        found->begin = f.begin;
        found->end = f.end;
        found->info = f.info;
        if (!leave_function(pe, f, (uint32_t)rva - f.begin, frame, &stack, found))
            return false;
    }
    uint64_t *sp = &frame->registers[GPUP_SP];
    *sp += 8;
    return *sp > before && load(&stack, *sp - 8, &frame->pc, 8);
}

/* --- as the kernel asks */

static bool leave(const void *context, struct gpup_frame *frame, uintptr_t low, uintptr_t high,
                  struct gpup_frame_found *found) {
    return gpup_pe_leave(context, frame, low, high, found);
}

static const void *entry(const void *context, uint32_t rva) {
    return gpup_pe_find_entry(context, rva);
}

static const uint8_t *bytes_at(const void *context, uint64_t rva, uint64_t size) {
    return gpup_pe_at(context, rva, size);
}

static bool runs(const void *context, uint32_t rva) {
    return gpup_pe_runs(context, rva);
}

struct gpup_unwinder gpup_pe_unwinder(const struct gpup_pe *pe) {
    return (struct gpup_unwinder){pe, (uintptr_t)pe->memory, pe->image_size, leave, entry, bytes_at, runs};
}
