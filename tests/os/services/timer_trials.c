/* DPCs and timers. */
#include "trial.h"

struct timed {
    KDPC dpc, other;
    KTIMER timer;
    uint32_t ran;
    KIRQL irql;
    PVOID argument;
    PROCESSOR_NUMBER processor;
};

static LARGE_INTEGER ms(LONGLONG count) {
    return (LARGE_INTEGER){.QuadPart = -10000 * count};
}
static void pause(LONGLONG count) {
    LARGE_INTEGER time = ms(count);

    KeDelayExecutionThread(KernelMode, FALSE, &time);
}
static VOID DDI_CALL ran(PKDPC dpc, PVOID context, PVOID one, PVOID other) {
    struct timed *t = context;

    (void)dpc;
    (void)other;
    t->ran++;
    t->argument = one;
    t->irql = KeGetCurrentIrql();
}

EFFECT(KeInitializeDpc) {
    struct timed *t = room;

    KeInitializeDpc(&t->dpc, ran, t);
    MUST(t->dpc.DeferredRoutine == ran && t->dpc.DeferredContext == t);
    return 0;
}
MISUSE(KeInitializeDpc) {
    KeInitializeDpc(NULL, ran, NULL);
    return 0;
}
EFFECT(KeInsertQueueDpc) {
    struct timed *t = room;

    KeInitializeDpc(&t->dpc, ran, t);
    MUST(KeInsertQueueDpc(&t->dpc, t, NULL) && !KeInsertQueueDpc(&t->dpc, NULL, NULL));
    MUST(t->ran == 0);
    KeFlushQueuedDpcs();
    MUST(t->ran == 1 && t->irql == DISPATCH_LEVEL && t->argument == t);
    return 0;
}
MISUSE(KeInsertQueueDpc) {
    struct timed *t = room;

    return KeInsertQueueDpc(&t->dpc, NULL, NULL);
}
MISUSE(KeFlushQueuedDpcs) {
    KeRaiseIrqlToDpcLevel();
    KeFlushQueuedDpcs();
    return 0;
}
EFFECT(KeRemoveQueueDpc) {
    struct timed *t = room;

    KeInitializeDpc(&t->dpc, ran, t);
    MUST(!KeRemoveQueueDpc(&t->dpc));
    KeInsertQueueDpc(&t->dpc, NULL, NULL);
    MUST(KeRemoveQueueDpc(&t->dpc));
    KeFlushQueuedDpcs();
    MUST(t->ran == 0);
    return 0;
}
MISUSE(KeRemoveQueueDpc) { /* its memory goes while it is queued */
    PKDPC dpc = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof *dpc, 0x74736554);

    (void)room;
    KeInitializeDpc(dpc, ran, NULL);
    KeInsertQueueDpc(dpc, NULL, NULL);
    ExFreePool(dpc);
    return KeRemoveQueueDpc(dpc);
}
EFFECT(KeSetImportanceDpc) {
    struct timed *t = room;

    KeInitializeDpc(&t->dpc, ran, t);
    KeSetImportanceDpc(&t->dpc, HighImportance);
    MUST(t->dpc.Importance == HighImportance);
    return 0;
}
MISUSE(KeSetImportanceDpc) {
    KeSetImportanceDpc(NULL, HighImportance);
    return 0;
}
EFFECT(KeInitializeThreadedDpc) {
    struct timed *t = room;

    KeInitializeThreadedDpc(&t->dpc, ran, t);
    MUST(KeInsertQueueDpc(&t->dpc, NULL, NULL));
    KeFlushQueuedDpcs();
    MUST(t->ran == 1);
    return 0;
}
MISUSE(KeInitializeThreadedDpc) {
    KeInitializeThreadedDpc(NULL, ran, NULL);
    return 0;
}
EFFECT(KeSetTargetProcessorDpc) {
    struct timed *t = room;

    KeInitializeDpc(&t->dpc, ran, t);
    KeSetTargetProcessorDpc(&t->dpc, 0);
    MUST(KeSetTargetProcessorDpcEx(&t->dpc, &t->processor) == STATUS_SUCCESS);
    t->processor.Number = 1;
    MUST(KeSetTargetProcessorDpcEx(&t->dpc, &t->processor) == STATUS_INVALID_PARAMETER);
    return 0;
}
MISUSE(KeSetTargetProcessorDpc) { /* there is no such processor */
    struct timed *t = room;

    KeInitializeDpc(&t->dpc, ran, t);
    KeSetTargetProcessorDpc(&t->dpc, 7);
    return 0;
}
MISUSE(KeSetTargetProcessorDpcEx) {
    struct timed *t = room;

    return (uint64_t)KeSetTargetProcessorDpcEx(&t->dpc, &t->processor);
}

/* --- timers */

EFFECT(KeInitializeTimer) {
    struct timed *t = room;

    KeInitializeTimer(&t->timer);
    MUST(!KeReadStateTimer(&t->timer));
    KeInitializeTimerEx(&t->timer, SynchronizationTimer);
    MUST(!KeReadStateTimer(&t->timer));
    return 0;
}
MISUSE(KeInitializeTimerEx) { /* while it runs */
    struct timed *t = room;

    KeInitializeTimer(&t->timer);
    KeSetTimer(&t->timer, ms(1), NULL);
    KeInitializeTimerEx(&t->timer, NotificationTimer);
    return 0;
}
EFFECT(KeSetTimer) {
    struct timed *t = room;

    KeInitializeTimer(&t->timer);
    KeInitializeDpc(&t->dpc, ran, t);
    MUST(!KeSetTimer(&t->timer, ms(2), &t->dpc) && KeSetTimer(&t->timer, ms(2), &t->dpc));
    if (KeGetCurrentIrql() == PASSIVE_LEVEL) {
        pause(1);
        MUST(t->ran == 0 && !KeReadStateTimer(&t->timer));
        pause(2);
        MUST(t->ran == 1 && KeReadStateTimer(&t->timer));
    }
    MUST(KeCancelTimer(&t->timer) == (KeGetCurrentIrql() != PASSIVE_LEVEL));
    return 0;
}
MISUSE(KeSetTimer) { /* is left running in memory that goes */
    PKTIMER timer = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof *timer, 0x74736554);

    (void)room;
    KeInitializeTimer(timer);
    KeSetTimer(timer, ms(1000), NULL);
    return 0;
}
EFFECT(KeSetTimerEx) {
    struct timed *t = room;

    KeInitializeTimerEx(&t->timer, SynchronizationTimer);
    KeInitializeDpc(&t->dpc, ran, t);
    KeSetTimerEx(&t->timer, ms(1), 1, &t->dpc);
    if (KeGetCurrentIrql() == PASSIVE_LEVEL) {
        pause(5);
        MUST(t->ran >= 3);
    }
    MUST(KeCancelTimer(&t->timer));
    return 0;
}
MISUSE(KeSetTimerEx) {
    struct timed *t = room;

    return KeSetTimerEx(&t->timer, ms(1), 0, NULL);
}
MISUSE(KeCancelTimer) {
    struct timed *t = room;

    return KeCancelTimer(&t->timer);
}
EFFECT(KeSetCoalescableTimer) {
    struct timed *t = room;

    KeInitializeTimer(&t->timer);
    KeInitializeDpc(&t->dpc, ran, t);
    MUST(!KeSetCoalescableTimer(&t->timer, ms(1), 0, 1, &t->dpc));
    if (KeGetCurrentIrql() == PASSIVE_LEVEL) {
        pause(3);
        MUST(t->ran == 1);
    } else
        KeCancelTimer(&t->timer);
    return 0;
}
MISUSE(KeSetCoalescableTimer) {
    struct timed *t = room;

    KeInitializeTimer(&t->timer);
    return KeSetCoalescableTimer(&t->timer, ms(1), 0x80000000u, 0, NULL);
}

const struct trial timer_trials[] = {
    TRIAL(KeInitializeDpc, FAULTS),
    TRIAL(KeInsertQueueDpc, OBJECT),
    TRIAL(KeRemoveQueueDpc, FAULTS),
    TRIAL(KeSetImportanceDpc, FAULTS),
    WITH(KeFlushQueuedDpcs, KeInsertQueueDpc, RAISED),
    TRIAL(KeInitializeThreadedDpc, FAULTS),
    TRIAL(KeSetTargetProcessorDpc, PARAMETER),
    WITH(KeSetTargetProcessorDpcEx, KeSetTargetProcessorDpc, OBJECT),
    LIMITED(KeInitializeTimer),
    WITH(KeInitializeTimerEx, KeInitializeTimer, STATE),
    TRIAL(KeSetTimer, LEAVES),
    TRIAL(KeSetTimerEx, OBJECT),
    WITH(KeCancelTimer, KeSetTimer, OBJECT),
    LIMITED_WITH(KeReadStateTimer, KeInitializeTimer),
    TRIAL(KeSetCoalescableTimer, PARAMETER),
    {0},
};
