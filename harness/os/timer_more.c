/* Further forms of DPCs and timers, local time, and the clock's resolution. */
#include "services.h"

#define TICK 156250u /* 100 ns between two interrupts of the clock */
#define FINEST 5000u

VOID DDI_CALL KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext) {
    gpup_os_enter(GPUP_SERVICE(KeInitializeThreadedDpc));
    KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext);
}

static struct gpup_os *enter(const struct gpup_service_limit *service, PKDPC dpc) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && !gpup_dpc_valid(dpc))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return os;
}

VOID DDI_CALL KeSetTargetProcessorDpc(PRKDPC Dpc, CHAR Number) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeSetTargetProcessorDpc);
    struct gpup_os *os = enter(service, Dpc);

    if (os && Number)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
}

NTSTATUS DDI_CALL KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber) {
    enter(GPUP_SERVICE(KeSetTargetProcessorDpcEx), Dpc);
    return ProcNumber->Group || ProcNumber->Number ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* The tolerable delay is not made use of. */
BOOLEAN DDI_CALL KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                                       ULONG TolerableDelay, PKDPC Dpc) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeSetCoalescableTimer);
    struct gpup_os *os = gpup_os_enter(service);

    (void)TolerableDelay;
    if (os && Period > INT32_MAX)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
    return KeSetTimerEx(Timer, DueTime, (LONG)Period, Dpc);
}

/* The host is in UTC. */
VOID DDI_CALL ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime) {
    gpup_os_enter(GPUP_SERVICE(ExSystemTimeToLocalTime));
    *LocalTime = *SystemTime;
}

VOID DDI_CALL ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime) {
    gpup_os_enter(GPUP_SERVICE(ExLocalTimeToSystemTime));
    *SystemTime = *LocalTime;
}

ULONG DDI_CALL ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution) {
    gpup_os_enter(GPUP_SERVICE(ExSetTimerResolution));
    if (!SetResolution || DesiredTime > TICK)
        return TICK;
    return DesiredTime < FINEST ? FINEST : DesiredTime;
}

VOID DDI_CALL ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime) {
    gpup_os_enter(GPUP_SERVICE(ExQueryTimerResolution));
    *MaximumTime = TICK;
    *MinimumTime = FINEST;
    *CurrentTime = TICK;
}
