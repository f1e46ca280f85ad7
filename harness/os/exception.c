/* Raising: an exception is offered to the handlers of the frames that it is in, from the inside out. */
#include "exception.h"
#include "asan.h"
#include "fiber.h"

#include <string.h>

enum found { NOBODY, CONTINUE };

void gpup_exception_settle(struct gpup_os *os, const struct gpup_frame *frame) {
    struct gpup_fiber *fiber = os->machine->running;
    uintptr_t sp = frame->registers[GPUP_SP];

    while (fiber->activations && (uintptr_t)fiber->activations < sp)
        fiber->activations = fiber->activations->next;
    gpup_unpoison(fiber->stack->window, (size_t)(fiber->stack->top - fiber->stack->window));
}

_Noreturn void gpup_exception_resume(struct gpup_os *os, const struct gpup_frame *frame) {
    gpup_exception_settle(os, frame);
    gpup_exception_continue(frame);
}

/* What a filter makes of it: its handler leaves from in there (__C_specific_handler, RtlUnwindEx). */
static enum found search(struct gpup_os *os, EXCEPTION_RECORD *record, CONTEXT *context) {
    struct gpup_activation activation = {.kind = GPUP_IN_SEARCH};
    enum found answer = NOBODY;

    gpup_frame_of(context, &activation.frame);
    gpup_activation_push(&activation);
    struct gpup_walk walk = gpup_walk_from(os, &activation.frame);
    while (answer == NOBODY && gpup_walk_settle(&walk)) {
        struct gpup_frame_found found;
        struct gpup_frame above;
        DISPATCHER_CONTEXT dispatcher = {0};

        if (!gpup_walk_look(&walk, &above, &found))
            break;
        if ((found.kinds & GPUP_HANDLES_EXCEPTIONS) &&
            gpup_walk_handle(&walk, &found, record, context, &dispatcher) == ExceptionContinueExecution)
            answer = CONTINUE;
        walk.frame = above;
        walk.scope = 0;
    }
    gpup_activation_pop(&activation);
    return answer;
}

static enum found offer(struct gpup_os *os, EXCEPTION_RECORD *record, CONTEXT *context) {
    enum found answer = search(os, record, context);

    if (answer == CONTINUE && (record->ExceptionFlags & EXCEPTION_NONCONTINUABLE)) {
        EXCEPTION_RECORD next = {.ExceptionCode = STATUS_NONCONTINUABLE_EXCEPTION,
                                 .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                                 .ExceptionRecord = record,
                                 .ExceptionAddress = record->ExceptionAddress};

        search(os, &next, context);
        return NOBODY;
    }
    return answer;
}

/* --- from a service */

bool gpup_exception_raise(struct gpup_os *os, const EXCEPTION_RECORD *record) {
    const struct gpup_activation *caller = os->machine->running ? os->machine->running->activations : NULL;
    EXCEPTION_RECORD copy = *record;
    struct gpup_frame frame;
    CONTEXT context;

    if (!caller || caller->kind != GPUP_IN_SERVICE || !os->unwinder.size)
        return false;
    gpup_context_of(&caller->frame, &context);
    copy.ExceptionAddress = (void *)caller->frame.pc; // NOLINT(performance-no-int-to-ptr)
    if (offer(os, &copy, &context) == NOBODY)
        return false;
    gpup_frame_of(&context, &frame);
    gpup_exception_resume(os, &frame);
}

_Noreturn void gpup_exception_status(struct gpup_os *os, NTSTATUS status) {
    EXCEPTION_RECORD record = {.ExceptionCode = status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};

    gpup_exception_raise(os, &record);
    gpup_os_bugcheck(os, (uint32_t)status);
}

/* --- from an instruction that faulted */

_Noreturn void gpup_exception_landed(void) {
    struct gpup_os *os = gpup_os_current();
    struct gpup_fault_record fault = os->machine->fault;
    EXCEPTION_RECORD record = os->machine->exception.record;
    struct gpup_frame frame = os->machine->exception.frame;
    CONTEXT context;

    gpup_context_of(&frame, &context);
    if (offer(os, &record, &context) == CONTINUE) {
        gpup_frame_of(&context, &frame);
        gpup_exception_resume(os, &frame);
    }
    gpup_unpoison(os->machine->running->stack->window,
                  (size_t)(os->machine->running->stack->top - os->machine->running->stack->window));
    os->machine->fault = fault;
    os->machine->fault.pending = true;
    gpup_exception_leave(os->machine->scheduler_sp);
}
