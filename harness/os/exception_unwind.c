/* Leaving frames: each handler on the way is told, termination handlers run, and the frame that asked for it
 * goes on. */
#include "exception.h"
#include "services.h"

#define SCOPES 4096u /* most that a function has */

/* --- one frame after the other */

static _Noreturn void bad(struct gpup_os *os, NTSTATUS status) {
    gpup_os_bugcheck(os, (uint32_t)status);
}

/* From `start` up to the frame that has the address `target`; 0: to the end, which no image lives to see. */
static _Noreturn void unwind(struct gpup_os *os, const struct gpup_frame *start, uint64_t target,
                             uint64_t continue_at, EXCEPTION_RECORD *record, uint64_t result) {
    struct gpup_activation activation = {.kind = GPUP_IN_UNWINDING};
    struct gpup_walk walk = gpup_walk_from(os, start);
    CONTEXT context;

    gpup_activation_push(&activation);
    record->ExceptionFlags |= EXCEPTION_UNWINDING | (target ? 0 : EXCEPTION_EXIT_UNWIND);
    while (gpup_walk_settle(&walk)) {
        DISPATCHER_CONTEXT dispatcher = {.TargetIp = continue_at};
        struct gpup_frame_found found;
        struct gpup_frame above;

        if (!gpup_walk_look(&walk, &above, &found) || (target && found.establisher > target))
            break;
        if (found.establisher == target)
            record->ExceptionFlags |= EXCEPTION_TARGET_UNWIND;
        activation.frame = walk.frame;
        activation.dispatcher = &dispatcher;
        if (found.kinds & GPUP_HANDLES_UNWINDING) {
            gpup_context_of(&walk.frame, &context);
            if (gpup_walk_handle(&walk, &found, record, &context, &dispatcher) != ExceptionContinueSearch)
                bad(os, (NTSTATUS)0xC0000026); /* STATUS_INVALID_DISPOSITION */
        }
        activation.dispatcher = NULL;
        if (found.establisher == target) {
            walk.frame.pc = continue_at;
            walk.frame.registers[0] = result;
            gpup_exception_resume(os, &walk.frame);
        }
        walk.frame = above;
        walk.scope = 0;
    }
    bad(os, STATUS_BAD_STACK);
}

/* --- the language: scopes of C */

struct scope {
    uint32_t begin, end;
    uint32_t handler; /* filter, 1: always the handler; or what terminates, when there is no target */
    uint32_t target;
};

/* The table behind the handler; *count 0: damaged. */
static const struct scope *scopes_of(const struct gpup_os *os, const DISPATCHER_CONTEXT *d, uint32_t *count) {
    const struct gpup_unwinder *u = &os->unwinder;
    uint64_t rva = (uint64_t)(uintptr_t)d->HandlerData - u->base;
    const uint8_t *table = d->ImageBase == u->base && rva < u->size ? u->at(u->context, rva, 4) : NULL;

    *count = 0;
    if (!table)
        return NULL;
    memcpy(count, table, sizeof *count);
    if (*count > SCOPES || !u->at(u->context, rva, 4 + (uint64_t)*count * sizeof(struct scope)))
        *count = 0;
    return (const struct scope *)(const void *)(table + 4);
}

static const void *code_at(const struct gpup_os *os, uint32_t rva) {
    if (!os->unwinder.runs(os->unwinder.context, rva))
        bad(gpup_os_current(), STATUS_BAD_STACK);
    return (const void *)(os->unwinder.base + rva); // NOLINT(performance-no-int-to-ptr)
}

static EXCEPTION_DISPOSITION ask_filters(struct gpup_os *os, const struct scope *scopes, uint32_t count,
                                         EXCEPTION_RECORD *record, void *frame, CONTEXT *context,
                                         DISPATCHER_CONTEXT *d) {
    uint32_t pc = (uint32_t)(d->ControlPc - d->ImageBase);
    EXCEPTION_POINTERS pointers = {record, context};

    for (uint32_t i = d->ScopeIndex; i < count; i++) {
        const struct scope *s = &scopes[i];
        int32_t answer = EXCEPTION_EXECUTE_HANDLER;

        if (pc < s->begin || pc >= s->end || !s->target)
            continue;
        if (s->handler != 1)
            answer = (int32_t)gpup_exception_call(code_at(os, s->handler), &pointers, frame, NULL, NULL);
        if (answer < 0)
            return ExceptionContinueExecution;
        if (answer > 0) {
            struct gpup_frame start;
            const struct gpup_activation *a = os->machine->running->activations;

            while (a && a->kind != GPUP_IN_SEARCH)
                a = a->next;
            if (!a)
                bad(os, STATUS_BAD_STACK);
            start = a->frame;
            unwind(os, &start, (uintptr_t)frame, (uintptr_t)code_at(os, s->target), record,
                   (uint32_t)record->ExceptionCode);
        }
    }
    return ExceptionContinueSearch;
}

/* Inside of the scope that goes on, only what lies deeper is left. */
static void terminate(struct gpup_os *os, const struct scope *scopes, uint32_t count, ULONG flags,
                      void *frame, DISPATCHER_CONTEXT *d) {
    uint32_t pc = (uint32_t)(d->ControlPc - d->ImageBase), to = (uint32_t)(d->TargetIp - d->ImageBase);

    for (uint32_t i = d->ScopeIndex; i < count; i++) {
        const struct scope *s = &scopes[i];

        if (pc < s->begin || pc >= s->end)
            continue;
        if ((flags & EXCEPTION_TARGET_UNWIND) &&
            ((to >= s->begin && to < s->end) || (s->target && to == s->target)))
            return;
        if (!s->target) {
            d->ScopeIndex = i + 1; /* if this one raises, it is not called again */
            gpup_exception_call(code_at(os, s->handler), (const void *)TRUE, frame, NULL, NULL);
        }
    }
}

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): its name in every kernel
EXCEPTION_DISPOSITION DDI_CALL __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                                                    PCONTEXT ContextRecord,
                                                    struct _DISPATCHER_CONTEXT *DispatcherContext) {
    struct gpup_os *os = gpup_os_current();
    uint32_t count;

    if (!os || !os->machine->running)
        return ExceptionContinueSearch;
    const struct scope *scopes = scopes_of(os, DispatcherContext, &count);
    if (!(ExceptionRecord->ExceptionFlags & (EXCEPTION_UNWINDING | EXCEPTION_EXIT_UNWIND)))
        return ask_filters(os, scopes, count, ExceptionRecord, EstablisherFrame, ContextRecord,
                           DispatcherContext);
    terminate(os, scopes, count, ExceptionRecord->ExceptionFlags, EstablisherFrame, DispatcherContext);
    return ExceptionContinueSearch;
}

/* --- as services */

VOID DDI_CALL RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                          PVOID ReturnValue, PCONTEXT ContextRecord, PVOID HistoryTable) {
    EXCEPTION_RECORD own = {.ExceptionCode = STATUS_UNWIND};
    struct gpup_os *os = gpup_os_current();

    (void)ContextRecord; /* room that this one does not need */
    (void)HistoryTable;
    if (!os || !os->machine->running || !os->machine->running->activations ||
        os->machine->running->activations->kind != GPUP_IN_SERVICE || !os->unwinder.size) {
        gpup_os_unsupported("RtlUnwindEx of code that is no image");
        __builtin_trap();
    }
    unwind(os, &os->machine->running->activations->frame, (uintptr_t)TargetFrame, (uintptr_t)TargetIp,
           ExceptionRecord ? ExceptionRecord : &own, (uintptr_t)ReturnValue);
}

VOID DDI_CALL RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                        PVOID ReturnValue) {
    RtlUnwindEx(TargetFrame, TargetIp, ExceptionRecord, ReturnValue, NULL, NULL);
}

VOID DDI_CALL _local_unwind(PVOID Frame, PVOID TargetIp) {
    RtlUnwindEx(Frame, TargetIp, NULL, NULL, NULL, NULL);
}
