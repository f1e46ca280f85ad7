/* Walking over the frames of an image, and its handlers on the way. */
#include "exception.h"

#include <string.h>

#define LINKS 64 /* of activations to step over at once */

_Static_assert(offsetof(CONTEXT, R15) == offsetof(CONTEXT, Rax) + (size_t)15 * 8,
               "registers by their numbers");
_Static_assert(offsetof(CONTEXT, Xmm0) == 0x1A0 && sizeof(CONTEXT) == 1232, "as Windows has it");

void gpup_context_of(const struct gpup_frame *frame, CONTEXT *context) {
    memset(context, 0, sizeof *context);
    context->ContextFlags = CONTEXT_FULL;
    context->MxCsr = frame->mxcsr;
    context->EFlags = frame->flags;
    memcpy((uint8_t *)context + offsetof(CONTEXT, Rax), frame->registers, sizeof frame->registers);
    context->Rip = frame->pc;
    memcpy((uint8_t *)context + offsetof(CONTEXT, Xmm0), frame->vectors, sizeof frame->vectors);
}

void gpup_frame_of(const CONTEXT *context, struct gpup_frame *frame) {
    memcpy(frame->registers, (const uint8_t *)context + offsetof(CONTEXT, Rax), sizeof frame->registers);
    frame->pc = context->Rip;
    frame->mxcsr = context->MxCsr & 0xFFFF;
    frame->flags = (context->EFlags & 0xCD5) | 0x202; /* arithmetic and direction; interrupts are on */
    memcpy(frame->vectors, (const uint8_t *)context + offsetof(CONTEXT, Xmm0), sizeof frame->vectors);
}

struct gpup_walk gpup_walk_from(struct gpup_os *os, const struct gpup_frame *frame) {
    const struct gpup_stack *stack = os->machine->running->stack;

    return (struct gpup_walk){os, *frame, 0, (uintptr_t)stack->window, (uintptr_t)stack->top};
}

static bool of_image(const struct gpup_os *os, uint64_t pc) {
    return pc - os->unwinder.base < os->unwinder.size;
}

/* The search or unwinding that called the handler in whose caller the walk is. */
static const struct gpup_activation *behind(const struct gpup_walk *walk) {
    const struct gpup_activation *a = walk->os->machine->running->activations;

    while (a && ((uintptr_t)a <= walk->frame.registers[GPUP_SP] || a->kind == GPUP_IN_SERVICE))
        a = a->next;
    return a;
}

/* A search goes on at what it is about: the frames between said no, and are asked again. An unwinding goes on
 * at the frame that it has come to: those before are gone. */
bool gpup_walk_settle(struct gpup_walk *walk) {
    for (unsigned links = 0; links < LINKS; links++) {
        const struct gpup_activation *a;

        if (of_image(walk->os, walk->frame.pc))
            return true;
        a = walk->frame.pc == (uintptr_t)gpup_exception_called ? behind(walk) : NULL;
        if (!a)
            return false;
        walk->frame = a->frame;
        walk->scope = a->kind == GPUP_IN_UNWINDING && a->dispatcher ? a->dispatcher->ScopeIndex : 0;
    }
    return false;
}

bool gpup_walk_look(const struct gpup_walk *walk, struct gpup_frame *above, struct gpup_frame_found *found) {
    const struct gpup_unwinder *unwinder = &walk->os->unwinder;

    *above = walk->frame;
    if (!unwinder->leave(unwinder->context, above, walk->low, walk->high, found))
        return false;
    if (found->establisher < walk->low || found->establisher >= walk->high || found->establisher % 8)
        found->handler = found->kinds = 0;
    return true;
}

EXCEPTION_DISPOSITION gpup_walk_handle(const struct gpup_walk *walk, const struct gpup_frame_found *found,
                                       EXCEPTION_RECORD *record, CONTEXT *context,
                                       DISPATCHER_CONTEXT *dispatcher) {
    uint8_t *base = (uint8_t *)walk->os->unwinder.base; // NOLINT(performance-no-int-to-ptr)
    RUNTIME_FUNCTION entry = {found->begin, found->end, found->info};
    void *establisher = (void *)found->establisher; // NOLINT(performance-no-int-to-ptr)

    *dispatcher = (DISPATCHER_CONTEXT){.ControlPc = walk->frame.pc,
                                       .ImageBase = (uintptr_t)base,
                                       .FunctionEntry = &entry,
                                       .EstablisherFrame = found->establisher,
                                       .TargetIp = dispatcher->TargetIp,
                                       .ContextRecord = context,
                                       .LanguageHandler = (PEXCEPTION_ROUTINE)(void *)(base + found->handler),
                                       .HandlerData = base + found->data,
                                       .ScopeIndex = walk->scope};
    return (EXCEPTION_DISPOSITION)gpup_exception_call(base + found->handler, record, establisher, context,
                                                      dispatcher);
}
