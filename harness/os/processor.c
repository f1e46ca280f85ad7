/* Processors: there is one, in one group, on one node, of which a driver may ask in many ways. */
#include "services.h"

static bool known(USHORT group) {
    return group == 0 || group == ALL_PROCESSOR_GROUPS;
}

ULONG DDI_CALL KeQueryActiveProcessorCount(KAFFINITY *ActiveProcessors) {
    gpup_os_enter(GPUP_SERVICE(KeQueryActiveProcessorCount));
    if (ActiveProcessors)
        *ActiveProcessors = 1;
    return 1;
}

ULONG DDI_CALL KeQueryActiveProcessorCountEx(USHORT GroupNumber) {
    gpup_os_enter(GPUP_SERVICE(KeQueryActiveProcessorCountEx));
    return known(GroupNumber);
}

ULONG DDI_CALL KeQueryMaximumProcessorCount(void) {
    gpup_os_enter(GPUP_SERVICE(KeQueryMaximumProcessorCount));
    return 1;
}

ULONG DDI_CALL KeQueryMaximumProcessorCountEx(USHORT GroupNumber) {
    gpup_os_enter(GPUP_SERVICE(KeQueryMaximumProcessorCountEx));
    return known(GroupNumber);
}

KAFFINITY DDI_CALL KeQueryActiveProcessors(void) {
    gpup_os_enter(GPUP_SERVICE(KeQueryActiveProcessors));
    return 1;
}

USHORT DDI_CALL KeQueryActiveGroupCount(void) {
    gpup_os_enter(GPUP_SERVICE(KeQueryActiveGroupCount));
    return 1;
}

USHORT DDI_CALL KeQueryMaximumGroupCount(void) {
    gpup_os_enter(GPUP_SERVICE(KeQueryMaximumGroupCount));
    return 1;
}

KAFFINITY DDI_CALL KeQueryGroupAffinity(USHORT GroupNumber) {
    gpup_os_enter(GPUP_SERVICE(KeQueryGroupAffinity));
    return GroupNumber == 0;
}

USHORT DDI_CALL KeQueryHighestNodeNumber(void) {
    gpup_os_enter(GPUP_SERVICE(KeQueryHighestNodeNumber));
    return 0;
}

USHORT DDI_CALL KeGetCurrentNodeNumber(void) {
    gpup_os_enter(GPUP_SERVICE(KeGetCurrentNodeNumber));
    return 0;
}

VOID DDI_CALL KeQueryNodeActiveAffinity(USHORT NodeNumber, PGROUP_AFFINITY Affinity, PUSHORT Count) {
    gpup_os_enter(GPUP_SERVICE(KeQueryNodeActiveAffinity));
    if (Affinity)
        *Affinity = (GROUP_AFFINITY){.Mask = NodeNumber == 0};
    if (Count)
        *Count = NodeNumber == 0;
}

ULONG DDI_CALL KeGetCurrentProcessorNumberEx(PVOID ProcNumber) {
    gpup_os_enter(GPUP_SERVICE(KeGetCurrentProcessorNumberEx));
    if (ProcNumber)
        memset(ProcNumber, 0, sizeof(PROCESSOR_NUMBER));
    return 0;
}

NTSTATUS DDI_CALL KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber) {
    gpup_os_enter(GPUP_SERVICE(KeGetProcessorNumberFromIndex));
    memset(ProcNumber, 0, sizeof *ProcNumber);
    return ProcIndex ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* MAXULONG (INVALID_PROCESSOR_INDEX): there is no such processor. */
ULONG DDI_CALL KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber) {
    gpup_os_enter(GPUP_SERVICE(KeGetProcessorIndexFromNumber));
    return ProcNumber->Group || ProcNumber->Number ? MAXULONG : 0;
}

/* --- affinity: only that an active processor is asked for */

static void check(struct gpup_os *os, const struct gpup_service_limit *service, KAFFINITY mask,
                  USHORT group) {
    if (os && (!(mask & 1) || group))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
}

KAFFINITY DDI_CALL KeSetSystemAffinityThreadEx(KAFFINITY Affinity) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeSetSystemAffinityThreadEx);

    check(gpup_os_enter(service), service, Affinity, 0);
    return 0; /* no affinity was set before */
}

VOID DDI_CALL KeRevertToUserAffinityThreadEx(KAFFINITY Affinity) {
    (void)Affinity;
    gpup_os_enter(GPUP_SERVICE(KeRevertToUserAffinityThreadEx));
}

VOID DDI_CALL KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeSetSystemGroupAffinityThread);

    check(gpup_os_enter(service), service, Affinity->Mask, Affinity->Group);
    if (PreviousAffinity)
        memset(PreviousAffinity, 0, sizeof *PreviousAffinity);
}

VOID DDI_CALL KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeRevertToUserGroupAffinityThread);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && PreviousAffinity->Group)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
}

/* On every processor at once, at IPI_LEVEL. */
ULONG_PTR DDI_CALL KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeIpiGenericCall));
    KIRQL before = os ? gpup_os_irql(os) : PASSIVE_LEVEL;
    ULONG_PTR result;

    if (os)
        gpup_os_set_irql(os, IPI_LEVEL);
    result = BroadcastFunction(Context);
    if (os)
        gpup_os_set_irql(os, before);
    return result;
}

/* Fibers keep the registers of a driver apart, so there is nothing to save but that it was done. */
NTSTATUS DDI_CALL KeSaveExtendedProcessorState(ULONG64 Mask, PXSTATE_SAVE XStateSave) {
    gpup_os_enter(GPUP_SERVICE(KeSaveExtendedProcessorState));
    memset(XStateSave, 0, sizeof *XStateSave);
    XStateSave->Reserved[0] = (uint64_t)(uintptr_t)XStateSave;
    XStateSave->Reserved[1] = Mask;
    return STATUS_SUCCESS;
}

VOID DDI_CALL KeRestoreExtendedProcessorState(PXSTATE_SAVE XStateSave) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeRestoreExtendedProcessorState);
    struct gpup_os *os = gpup_os_enter(service);

    if (os && XStateSave->Reserved[0] != (uint64_t)(uintptr_t)XStateSave)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    XStateSave->Reserved[0] = 0;
}

VOID DDI_CALL KeInvalidateAllCaches(void) {
    gpup_os_enter(GPUP_SERVICE(KeInvalidateAllCaches));
}

/* What every x64 processor has; the numbers are those of PF_... */
BOOLEAN DDI_CALL ExIsProcessorFeaturePresent(ULONG ProcessorFeature) {
    gpup_os_enter(GPUP_SERVICE(ExIsProcessorFeaturePresent));
    return ProcessorFeature == 2 || ProcessorFeature == 3 || ProcessorFeature == 6 ||
           (ProcessorFeature >= 8 && ProcessorFeature <= 10) || ProcessorFeature == 12;
}
