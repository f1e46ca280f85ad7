/* Where in the driver a service was called: return addresses in its image. A way up the stack reads nothing
 * outside of the fiber's stack, whatever the registers and the stack hold. */
#include "callers.h"

#include "fiber.h"

#define FRAMES 64 /* that are looked at: the suite's own lie between those of the driver */

struct way {
    const struct gpup_os *os;
    uintptr_t low, high; /* stack that may be read */
    uintptr_t frame;     /* frame pointer */
    struct gpup_callers *out;
};

__attribute__((no_sanitize("address"))) static uintptr_t word(uintptr_t at) {
    return *(const volatile uintptr_t *)at; // NOLINT(performance-no-int-to-ptr)
}

static bool inside(const struct gpup_os *os, uintptr_t pc) {
    return pc - os->code_start < os->code_end - os->code_start;
}

/* Does a call end here? A stale word of the stack seldom looks like the address behind one. */
__attribute__((no_sanitize("address"))) static bool follows_call(const struct gpup_os *os, uintptr_t pc) {
    const volatile uint8_t *code = (const uint8_t *)pc; // NOLINT(performance-no-int-to-ptr)

    if (!inside(os, pc - 8) || !inside(os, pc))
        return false;
    if (os->unwinder.size && !os->unwinder.at(os->unwinder.context, pc - 8 - os->unwinder.base, 8))
        return false;
    if (code[-5] == 0xE8)
        return true;
    for (unsigned length = 2; length < 8; length++) /* FF /2, with SIB and displacement as they come */
        if (code[-(int)length] == 0xFF && (code[1 - (int)length] & 0x38) == 0x10)
            return true;
    return false;
}

static void add(struct gpup_callers *out, uintptr_t offset) {
    if (out->count < GPUP_CALLERS && offset <= UINT32_MAX)
        out->at[out->count++] = (uint32_t)offset;
}

/* Out of the frames of an image, whose tables say how: *frame stands in the first of them. Registers that
 * the suite did not see are 0, and lead nowhere. */
static bool leave_image(struct way *way, struct gpup_frame *frame) {
    const struct gpup_unwinder *unwinder = &way->os->unwinder;
    struct gpup_frame_found found;

    for (unsigned i = 0; i < FRAMES && way->out->count < GPUP_CALLERS; i++) {
        if (!unwinder->leave(unwinder->context, frame, way->low, way->high, &found))
            return false;
        if (!inside(way->os, frame->pc)) {
            way->frame = frame->registers[5];
            way->low = frame->registers[GPUP_SP];
            return true;
        }
        if (!follows_call(way->os, frame->pc))
            return false;
        add(way->out, frame->pc - way->os->code_base);
    }
    return false;
}

/* The frame that returns to `pc` in an image: its caller's stack pointer is behind its two words. false: the
 * way ends. */
static bool through_image(struct way *way, uintptr_t pc) {
    struct gpup_frame frame = {.pc = pc};

    if (!way->os->config.page_guards) /* fuzzing: one address costs nothing, and tells blocks apart */
        return false;
    frame.registers[GPUP_SP] = way->frame + 16;
    frame.registers[5] = word(way->frame);
    return leave_image(way, &frame);
}

static void climb(struct way *way) {
    for (unsigned i = 0; i < FRAMES && way->out->count < GPUP_CALLERS; i++) {
        uintptr_t frame = way->frame, pc;

        if (frame < way->low || frame > way->high - 16 || frame % 8)
            return;
        pc = word(frame + 8);
        if (follows_call(way->os, pc)) {
            add(way->out, pc - way->os->code_base);
            if (way->os->unwinder.size && !through_image(way, pc))
                return;
            if (way->os->unwinder.size)
                continue;
        }
        way->frame = word(frame);
        way->low = frame + 16;
    }
}

static bool begin(struct way *way, const struct gpup_os *os, const struct gpup_fiber *fiber, uintptr_t sp,
                  struct gpup_callers *out) {
    out->count = 0;
    if (!fiber || os->code_end <= os->code_start)
        return false;
    *way = (struct way){.os = os, .low = sp, .high = (uintptr_t)fiber->stack->top, .out = out};
    return sp >= (uintptr_t)fiber->stack->window && sp < way->high && way->high - sp >= 16;
}

void gpup_callers_here(const struct gpup_os *os, struct gpup_callers *out) {
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    struct way way;

    if (!begin(&way, os, os->machine->running, frame, out))
        return;
    way.frame = frame;
    climb(&way);
}

bool gpup_callers_at(const struct gpup_os *os, const struct gpup_fiber *fiber, const struct gpup_frame *at,
                     struct gpup_callers *out) {
    struct gpup_frame frame = *at;
    struct way way;
    bool stack = begin(&way, os, fiber, at->registers[GPUP_SP], out);

    bool instruction = inside(os, at->pc);

    if (instruction)
        add(out, at->pc - os->code_base);
    if (!stack)
        return instruction;
    way.frame = at->registers[5];
    if (!instruction && !os->unwinder.size && follows_call(os, word(way.low)))
        add(out, word(way.low) - os->code_base); /* in a function of libc without a frame */
    if (!instruction || !os->unwinder.size || leave_image(&way, &frame))
        climb(&way);
    return instruction;
}

void gpup_callers_emit(struct gpup_os *os, struct gpup_event *event, const struct gpup_callers *made,
                       const struct gpup_callers *freed) {
    uint64_t room[GPUP_PLACES_ROOM];
    struct gpup_places places = {0};

    gpup_callers_here(os, &places.of[GPUP_CALLERS_HERE]);
    if (made)
        places.of[GPUP_CALLERS_ALLOCATED] = *made;
    if (freed)
        places.of[GPUP_CALLERS_FREED] = *freed;
    gpup_event_put_places(event, &places, room);
    gpup_os_emit(os, event);
}
