/* What drivers call to raise exceptions, and to look at frames. */
#include "exception.h"
#include "services.h"

static _Noreturn void raise_status(struct gpup_os *os, NTSTATUS status) {
    if (!os ||
        !os->machine->running) /* outside of any host: the trap that a fault handler of the caller sees */
        __builtin_trap();
    gpup_exception_status(os, status);
}

VOID DDI_CALL ExRaiseStatus(NTSTATUS Status) {
    raise_status(gpup_os_enter(GPUP_SERVICE(ExRaiseStatus)), Status);
}

VOID DDI_CALL ExRaiseAccessViolation(void) {
    raise_status(gpup_os_enter(GPUP_SERVICE(ExRaiseAccessViolation)), STATUS_ACCESS_VIOLATION);
}

VOID DDI_CALL ExRaiseDatatypeMisalignment(void) {
    raise_status(gpup_os_enter(GPUP_SERVICE(ExRaiseDatatypeMisalignment)), STATUS_DATATYPE_MISALIGNMENT);
}

VOID DDI_CALL RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord) {
    struct gpup_os *os = gpup_os_current();

    if (!os || !os->machine->running)
        __builtin_trap();
    gpup_exception_raise(os, ExceptionRecord);
    gpup_os_bugcheck(os, (uint32_t)ExceptionRecord->ExceptionCode);
}

/* For user addresses, of which there are none: the kernel raises an exception for its own. */
static void probe(const struct gpup_service_limit *service, const volatile void *address, SIZE_T length,
                  ULONG alignment) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!length || !os || !os->machine->running)
        return;
    if ((uintptr_t)address & (alignment - 1))
        gpup_exception_status(os, STATUS_DATATYPE_MISALIGNMENT);
    gpup_exception_status(os, STATUS_ACCESS_VIOLATION);
}

VOID DDI_CALL ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment) {
    probe(GPUP_SERVICE(ProbeForRead), Address, Length, Alignment);
}

VOID DDI_CALL ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment) {
    probe(GPUP_SERVICE(ProbeForWrite), Address, Length, Alignment);
}

/* --- frames */

VOID DDI_CALL RtlCaptureContext(PCONTEXT ContextRecord) {
    struct gpup_os *os = gpup_os_current();
    const struct gpup_activation *caller =
        os && os->machine->running ? os->machine->running->activations : NULL;
    static const struct gpup_frame unknown;

    gpup_context_of(caller && caller->kind == GPUP_IN_SERVICE ? &caller->frame : &unknown, ContextRecord);
}

static bool look(ULONG64 pc, CONTEXT *context, struct gpup_frame *above, struct gpup_frame_found *found) {
    struct gpup_os *os = gpup_os_current();

    if (!os || !os->machine->running || !os->unwinder.size)
        return false;
    gpup_frame_of(context, above);
    above->pc = pc;
    struct gpup_walk walk = gpup_walk_from(os, above);
    return gpup_walk_look(&walk, above, found);
}

PRUNTIME_FUNCTION DDI_CALL RtlLookupFunctionEntry(ULONG64 ControlPc, ULONG64 *ImageBase, PVOID HistoryTable) {
    struct gpup_os *os = gpup_os_current();

    (void)HistoryTable;
    *ImageBase = 0;
    if (!os || ControlPc - os->unwinder.base >= os->unwinder.size)
        return NULL;
    *ImageBase = os->unwinder.base;
    return (PRUNTIME_FUNCTION)(uintptr_t)os->unwinder.entry(os->unwinder.context,
                                                            (uint32_t)(ControlPc - os->unwinder.base));
}

PEXCEPTION_ROUTINE DDI_CALL RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                                             PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord,
                                             PVOID *HandlerData, ULONG64 *EstablisherFrame,
                                             PVOID ContextPointers) {
    struct gpup_frame_found found;
    struct gpup_frame above;

    (void)FunctionEntry; /* the same is found again */
    (void)ContextPointers;
    if (!look(ControlPc, ContextRecord, &above, &found)) {
        ContextRecord->Rip = 0; /* the end of a walk */
        return NULL;
    }
    gpup_context_of(&above, ContextRecord);
    *EstablisherFrame = found.establisher;
    if (!(found.kinds & HandlerType))
        return NULL;
    *HandlerData = (PVOID)(uintptr_t)(ImageBase + found.data);         // NOLINT(performance-no-int-to-ptr)
    return (PEXCEPTION_ROUTINE)(uintptr_t)(ImageBase + found.handler); // NOLINT(performance-no-int-to-ptr)
}
