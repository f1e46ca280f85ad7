/* Processors, groups, nodes. */
#include "trial.h"

struct processors {
    KAFFINITY mask;
    GROUP_AFFINITY group, before;
    PROCESSOR_NUMBER number;
    USHORT count;
    XSTATE_SAVE state, other;
    KIRQL irql;
};

EFFECT(KeQueryActiveProcessorCount) {
    struct processors *p = room;

    MUST(KeQueryActiveProcessorCount(&p->mask) == 1 && p->mask == 1);
    MUST(KeQueryActiveProcessorCountEx(0) == 1 && KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) == 1);
    MUST(KeQueryActiveProcessorCountEx(3) == 0);
    MUST(KeQueryMaximumProcessorCount() == 1 && KeQueryMaximumProcessorCountEx(0) == 1);
    MUST(KeQueryActiveProcessors() == 1 && KeQueryGroupAffinity(0) == 1 && KeQueryGroupAffinity(1) == 0);
    MUST(KeQueryActiveGroupCount() == 1 && KeQueryMaximumGroupCount() == 1);
    MUST(KeQueryHighestNodeNumber() == 0 && KeGetCurrentNodeNumber() == 0);
    return 0;
}
MISUSE(KeQueryActiveProcessorCount) {
    return KeQueryActiveProcessorCount((KAFFINITY *)8);
}
EFFECT(KeQueryNodeActiveAffinity) {
    struct processors *p = room;

    KeQueryNodeActiveAffinity(0, &p->group, &p->count);
    MUST(p->group.Mask == 1 && p->count == 1);
    KeQueryNodeActiveAffinity(1, &p->group, &p->count);
    MUST(p->group.Mask == 0 && p->count == 0);
    return 0;
}
MISUSE(KeQueryNodeActiveAffinity) {
    KeQueryNodeActiveAffinity(0, (PGROUP_AFFINITY)8, NULL);
    return 0;
}
EFFECT(KeGetCurrentProcessorNumberEx) {
    struct processors *p = room;

    p->number.Number = 9;
    MUST(KeGetCurrentProcessorNumberEx(&p->number) == 0 && p->number.Number == 0 && p->number.Group == 0);
    MUST(KeGetProcessorIndexFromNumber(&p->number) == 0);
    p->number.Number = 9;
    MUST(KeGetProcessorIndexFromNumber(&p->number) == MAXULONG);
    MUST(KeGetProcessorNumberFromIndex(0, &p->number) == STATUS_SUCCESS && p->number.Number == 0);
    MUST(KeGetProcessorNumberFromIndex(1, &p->number) == STATUS_INVALID_PARAMETER);
    return 0;
}
MISUSE(KeGetCurrentProcessorNumberEx) {
    return KeGetCurrentProcessorNumberEx((PVOID)8);
}
MISUSE(KeGetProcessorIndexFromNumber) {
    return KeGetProcessorIndexFromNumber(NULL);
}
MISUSE(KeGetProcessorNumberFromIndex) {
    return (uint64_t)KeGetProcessorNumberFromIndex(0, NULL);
}
EFFECT(KeSetSystemAffinityThreadEx) {
    MUST(KeSetSystemAffinityThreadEx(1) == 0);
    KeRevertToUserAffinityThreadEx(0);
    return 0;
}
MISUSE(KeSetSystemAffinityThreadEx) { /* no such processor */
    return KeSetSystemAffinityThreadEx(2);
}
EFFECT(KeSetSystemGroupAffinityThread) {
    struct processors *p = room;

    p->group.Mask = p->before.Mask = 1;
    KeSetSystemGroupAffinityThread(&p->group, &p->before);
    MUST(p->before.Mask == 0);
    KeRevertToUserGroupAffinityThread(&p->before);
    return 0;
}
MISUSE(KeSetSystemGroupAffinityThread) {
    KeSetSystemGroupAffinityThread(room, NULL); /* an empty mask */
    return 0;
}
MISUSE(KeRevertToUserGroupAffinityThread) {
    struct processors *p = room;

    p->group.Group = 2;
    KeRevertToUserGroupAffinityThread(&p->group);
    return 0;
}
static ULONG_PTR DDI_CALL everywhere(ULONG_PTR argument) {
    struct processors *p = (struct processors *)argument;

    p->irql = KeGetCurrentIrql();
    return 77;
}
EFFECT(KeIpiGenericCall) {
    struct processors *p = room;
    KIRQL before = KeGetCurrentIrql();

    MUST(KeIpiGenericCall(everywhere, (ULONG_PTR)p) == 77);
    MUST(p->irql == IPI_LEVEL && KeGetCurrentIrql() == before);
    return 0;
}
MISUSE(KeIpiGenericCall) {
    return KeIpiGenericCall(NULL, 0);
}
EFFECT(KeSaveExtendedProcessorState) {
    struct processors *p = room;

    MUST(KeSaveExtendedProcessorState(7, &p->state) == STATUS_SUCCESS);
    KeRestoreExtendedProcessorState(&p->state);
    return 0;
}
MISUSE(KeRestoreExtendedProcessorState) { /* twice */
    struct processors *p = room;

    KeSaveExtendedProcessorState(7, &p->state);
    KeRestoreExtendedProcessorState(&p->state);
    KeRestoreExtendedProcessorState(&p->state);
    return 0;
}
EFFECT(KeInvalidateAllCaches) {
    KeInvalidateAllCaches();
    return 0;
}
EFFECT(ExIsProcessorFeaturePresent) {
    MUST(ExIsProcessorFeaturePresent(10) && !ExIsProcessorFeaturePresent(60)); /* SSE2 */
    return 0;
}

const struct trial processor_trials[] = {
    TRIAL(KeQueryActiveProcessorCount, FAULTS),
    SAFE_WITH(KeQueryActiveProcessorCountEx, KeQueryActiveProcessorCount),
    SAFE_WITH(KeQueryMaximumProcessorCount, KeQueryActiveProcessorCount),
    SAFE_WITH(KeQueryMaximumProcessorCountEx, KeQueryActiveProcessorCount),
    SAFE_WITH(KeQueryActiveProcessors, KeQueryActiveProcessorCount),
    SAFE_WITH(KeQueryActiveGroupCount, KeQueryActiveProcessorCount),
    SAFE_WITH(KeQueryMaximumGroupCount, KeQueryActiveProcessorCount),
    SAFE_WITH(KeQueryGroupAffinity, KeQueryActiveProcessorCount),
    SAFE_WITH(KeQueryHighestNodeNumber, KeQueryActiveProcessorCount),
    SAFE_WITH(KeGetCurrentNodeNumber, KeQueryActiveProcessorCount),
    TRIAL(KeQueryNodeActiveAffinity, FAULTS),
    TRIAL(KeGetCurrentProcessorNumberEx, FAULTS),
    WITH(KeGetProcessorIndexFromNumber, KeGetCurrentProcessorNumberEx, FAULTS),
    WITH(KeGetProcessorNumberFromIndex, KeGetCurrentProcessorNumberEx, FAULTS),
    TRIAL(KeSetSystemAffinityThreadEx, PARAMETER),
    LIMITED_WITH(KeRevertToUserAffinityThreadEx, KeSetSystemAffinityThreadEx),
    TRIAL(KeSetSystemGroupAffinityThread, PARAMETER),
    WITH(KeRevertToUserGroupAffinityThread, KeSetSystemGroupAffinityThread, PARAMETER),
    TRIAL(KeIpiGenericCall, FAULTS),
    LIMITED(KeSaveExtendedProcessorState),
    WITH(KeRestoreExtendedProcessorState, KeSaveExtendedProcessorState, OBJECT),
    LIMITED(KeInvalidateAllCaches),
    LIMITED(ExIsProcessorFeaturePresent),
    {0},
};
