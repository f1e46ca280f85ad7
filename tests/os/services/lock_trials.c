/* IRQL and spin locks. */
#include "trial.h"

struct locks {
    KSPIN_LOCK lock;
    KLOCK_QUEUE_HANDLE handle, other;
    EX_SPIN_LOCK rw;
};

EFFECT(KeGetCurrentIrql) {
    KIRQL before = KeGetCurrentIrql(), old;

    KeRaiseIrql(CLOCK_LEVEL, &old);
    MUST(old == before && KeGetCurrentIrql() == CLOCK_LEVEL);
    KeLowerIrql(before);
    MUST(KeGetCurrentIrql() == before);
    return 0;
}
MISUSE(KfRaiseIrql) { /* down */
    KfRaiseIrql(DISPATCH_LEVEL);
    return KfRaiseIrql(PASSIVE_LEVEL);
}
MISUSE(KeLowerIrql) { /* up */
    KeLowerIrql(DISPATCH_LEVEL);
    return 0;
}
EFFECT(KeRaiseIrqlToDpcLevel) {
    KIRQL before = KeGetCurrentIrql();

    MUST(KeRaiseIrqlToDpcLevel() == before);
    MUST(KeGetCurrentIrql() == DISPATCH_LEVEL);
    return 0;
}

/* --- plain */

EFFECT(KeInitializeSpinLock) {
    struct locks *l = room;

    l->lock = 5;
    KeInitializeSpinLock(&l->lock);
    MUST(l->lock == 0 && KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeInitializeSpinLock) {
    KeInitializeSpinLock(NULL);
    return 0;
}
EFFECT(KeAcquireSpinLockRaiseToDpc) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql(), old;

    KeAcquireSpinLock(&l->lock, &old);
    MUST(old == before && KeGetCurrentIrql() >= DISPATCH_LEVEL && !KeTestSpinLock(&l->lock));
    KeReleaseSpinLock(&l->lock, old);
    MUST(KeGetCurrentIrql() == before && KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeAcquireSpinLockRaiseToDpc) { /* twice */
    struct locks *l = room;

    KeAcquireSpinLockRaiseToDpc(&l->lock);
    return KeAcquireSpinLockRaiseToDpc(&l->lock);
}
EFFECT(KeReleaseSpinLock) {
    struct locks *l = room;

    KeAcquireSpinLockAtDpcLevel(&l->lock);
    KeReleaseSpinLock(&l->lock, KeGetCurrentIrql());
    MUST(KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeReleaseSpinLock) { /* not held */
    struct locks *l = room;

    KeRaiseIrqlToDpcLevel();
    KeReleaseSpinLock(&l->lock, PASSIVE_LEVEL);
    return 0;
}
EFFECT(KeAcquireSpinLockAtDpcLevel) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql();

    KeAcquireSpinLockAtDpcLevel(&l->lock);
    MUST(KeGetCurrentIrql() == before && !KeTestSpinLock(&l->lock));
    KeReleaseSpinLockFromDpcLevel(&l->lock);
    MUST(KeGetCurrentIrql() == before && KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeAcquireSpinLockAtDpcLevel) { /* was never initialised */
    struct locks *l = room;

    l->lock = 0xA5A5A5A5;
    KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(&l->lock);
    return 0;
}
MISUSE(KeReleaseSpinLockFromDpcLevel) {
    struct locks *l = room;

    KeRaiseIrqlToDpcLevel();
    KeReleaseSpinLockFromDpcLevel(&l->lock);
    return 0;
}
EFFECT(KeTryToAcquireSpinLockAtDpcLevel) {
    struct locks *l = room;

    MUST(KeTryToAcquireSpinLockAtDpcLevel(&l->lock));
    MUST(!KeTryToAcquireSpinLockAtDpcLevel(&l->lock));
    KeReleaseSpinLockFromDpcLevel(&l->lock);
    return 0;
}
MISUSE(KeTestSpinLock) {
    return KeTestSpinLock(NULL);
}

/* --- of DPCs that may be threaded */

EFFECT(KeAcquireSpinLockForDpc) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql(), old = KeAcquireSpinLockForDpc(&l->lock);

    MUST(old == before && KeGetCurrentIrql() >= DISPATCH_LEVEL && !KeTestSpinLock(&l->lock));
    KeReleaseSpinLockForDpc(&l->lock, old);
    MUST(KeGetCurrentIrql() == before && KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeAcquireSpinLockForDpc) {
    struct locks *l = room;

    KeAcquireSpinLockForDpc(&l->lock);
    return KeAcquireSpinLockForDpc(&l->lock);
}
MISUSE(KeReleaseSpinLockForDpc) {
    struct locks *l = room;

    KeReleaseSpinLockForDpc(&l->lock, PASSIVE_LEVEL);
    return 0;
}

/* --- queued */

EFFECT(KeAcquireInStackQueuedSpinLock) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql();

    KeAcquireInStackQueuedSpinLock(&l->lock, &l->handle);
    MUST(KeGetCurrentIrql() >= DISPATCH_LEVEL && !KeTestSpinLock(&l->lock));
    KeReleaseInStackQueuedSpinLock(&l->handle);
    MUST(KeGetCurrentIrql() == before && KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeAcquireInStackQueuedSpinLock) {
    struct locks *l = room;

    KeAcquireInStackQueuedSpinLock(&l->lock, &l->handle);
    KeAcquireInStackQueuedSpinLock(&l->lock, &l->other);
    return 0;
}
EFFECT(KeReleaseInStackQueuedSpinLock) {
    struct locks *l = room;

    KeAcquireInStackQueuedSpinLockAtDpcLevel(&l->lock, &l->handle);
    l->handle.OldIrql = KeGetCurrentIrql();
    KeReleaseInStackQueuedSpinLock(&l->handle);
    MUST(KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeReleaseInStackQueuedSpinLock) { /* twice */
    struct locks *l = room;

    KeAcquireInStackQueuedSpinLock(&l->lock, &l->handle);
    KeReleaseInStackQueuedSpinLock(&l->handle);
    KeRaiseIrqlToDpcLevel();
    KeReleaseInStackQueuedSpinLock(&l->handle);
    return 0;
}
EFFECT(KeAcquireInStackQueuedSpinLockAtDpcLevel) {
    struct locks *l = room;

    KeAcquireInStackQueuedSpinLockAtDpcLevel(&l->lock, &l->handle);
    MUST(!KeTestSpinLock(&l->lock));
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&l->handle);
    MUST(KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeReleaseInStackQueuedSpinLockFromDpcLevel) {
    struct locks *l = room;

    l->handle.LockQueue.Lock = &l->lock;
    KeRaiseIrqlToDpcLevel();
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&l->handle);
    return 0;
}
EFFECT(KeAcquireInStackQueuedSpinLockForDpc) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql();

    KeAcquireInStackQueuedSpinLockForDpc(&l->lock, &l->handle);
    MUST(!KeTestSpinLock(&l->lock));
    KeReleaseInStackQueuedSpinLockForDpc(&l->handle);
    MUST(KeGetCurrentIrql() == before && KeTestSpinLock(&l->lock));
    return 0;
}
MISUSE(KeReleaseInStackQueuedSpinLockForDpc) {
    struct locks *l = room;

    l->handle.LockQueue.Lock = &l->lock;
    KeReleaseInStackQueuedSpinLockForDpc(&l->handle);
    return 0;
}

/* --- reader-writer */

EFFECT(ExAcquireSpinLockExclusive) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql(), old = ExAcquireSpinLockExclusive(&l->rw);

    MUST(old == before && KeGetCurrentIrql() >= DISPATCH_LEVEL && l->rw != 0);
    ExReleaseSpinLockExclusive(&l->rw, old);
    MUST(KeGetCurrentIrql() == before && l->rw == 0);
    return 0;
}
MISUSE(ExAcquireSpinLockExclusive) {
    struct locks *l = room;

    ExAcquireSpinLockExclusive(&l->rw);
    return ExAcquireSpinLockExclusive(&l->rw);
}
EFFECT(ExReleaseSpinLockExclusive) {
    struct locks *l = room;

    ExAcquireSpinLockExclusiveAtDpcLevel(&l->rw);
    ExReleaseSpinLockExclusive(&l->rw, KeGetCurrentIrql());
    MUST(l->rw == 0);
    return 0;
}
MISUSE(ExReleaseSpinLockExclusive) { /* it is held as a shared one */
    struct locks *l = room;

    ExReleaseSpinLockExclusive(&l->rw, ExAcquireSpinLockShared(&l->rw));
    return 0;
}
EFFECT(ExAcquireSpinLockShared) {
    struct locks *l = room;
    KIRQL old;

    l->rw = 1; /* as another processor has it */
    old = ExAcquireSpinLockShared(&l->rw);
    MUST(l->rw == 2);
    l->rw--;
    ExReleaseSpinLockShared(&l->rw, old);
    MUST(l->rw == 0 && KeGetCurrentIrql() == old);
    return 0;
}
MISUSE(ExAcquireSpinLockShared) { /* it has it alone */
    struct locks *l = room;

    ExAcquireSpinLockExclusive(&l->rw);
    return ExAcquireSpinLockShared(&l->rw);
}
EFFECT(ExReleaseSpinLockShared) {
    struct locks *l = room;

    ExAcquireSpinLockSharedAtDpcLevel(&l->rw);
    ExReleaseSpinLockShared(&l->rw, KeGetCurrentIrql());
    MUST(l->rw == 0);
    return 0;
}
MISUSE(ExReleaseSpinLockShared) {
    struct locks *l = room;

    KeRaiseIrqlToDpcLevel();
    ExReleaseSpinLockShared(&l->rw, PASSIVE_LEVEL);
    return 0;
}
EFFECT(ExAcquireSpinLockExclusiveAtDpcLevel) {
    struct locks *l = room;

    ExAcquireSpinLockExclusiveAtDpcLevel(&l->rw);
    MUST(l->rw < 0);
    ExReleaseSpinLockExclusiveFromDpcLevel(&l->rw);
    MUST(l->rw == 0);
    return 0;
}
MISUSE(ExReleaseSpinLockExclusiveFromDpcLevel) {
    struct locks *l = room;

    KeRaiseIrqlToDpcLevel();
    ExReleaseSpinLockExclusiveFromDpcLevel(&l->rw);
    return 0;
}
EFFECT(ExAcquireSpinLockSharedAtDpcLevel) {
    struct locks *l = room;

    ExAcquireSpinLockSharedAtDpcLevel(&l->rw);
    MUST(l->rw == 1);
    ExReleaseSpinLockSharedFromDpcLevel(&l->rw);
    MUST(l->rw == 0);
    return 0;
}
MISUSE(ExReleaseSpinLockSharedFromDpcLevel) {
    struct locks *l = room;

    KeRaiseIrqlToDpcLevel();
    ExReleaseSpinLockSharedFromDpcLevel(&l->rw);
    return 0;
}
EFFECT(ExTryConvertSharedSpinLockExclusive) {
    struct locks *l = room;

    l->rw = 1; /* as another processor has it */
    ExAcquireSpinLockSharedAtDpcLevel(&l->rw);
    MUST(!ExTryConvertSharedSpinLockExclusive(&l->rw));
    l->rw--;
    MUST(ExTryConvertSharedSpinLockExclusive(&l->rw) && l->rw < 0);
    ExReleaseSpinLockExclusiveFromDpcLevel(&l->rw);
    return 0;
}
MISUSE(ExTryConvertSharedSpinLockExclusive) {
    struct locks *l = room;

    KeRaiseIrqlToDpcLevel();
    return ExTryConvertSharedSpinLockExclusive(&l->rw);
}

const struct trial lock_trials[] = {
    SAFE(KeGetCurrentIrql),
    WITH(KfRaiseIrql, KeGetCurrentIrql, RAISED),
    WITH(KeLowerIrql, KeGetCurrentIrql, RAISED),
    LIMITED(KeRaiseIrqlToDpcLevel),
    TRIAL(KeInitializeSpinLock, FAULTS),
    TRIAL(KeAcquireSpinLockRaiseToDpc, AGAIN),
    TRIAL(KeReleaseSpinLock, LOCK),
    TRIAL(KeAcquireSpinLockAtDpcLevel, OBJECT),
    WITH(KeReleaseSpinLockFromDpcLevel, KeAcquireSpinLockAtDpcLevel, LOCK),
    LIMITED(KeTryToAcquireSpinLockAtDpcLevel),
    WITH(KeTestSpinLock, KeInitializeSpinLock, FAULTS),
    TRIAL(KeAcquireSpinLockForDpc, AGAIN),
    WITH(KeReleaseSpinLockForDpc, KeAcquireSpinLockForDpc, LOCK),
    TRIAL(KeAcquireInStackQueuedSpinLock, AGAIN),
    TRIAL(KeReleaseInStackQueuedSpinLock, LOCK),
    LIMITED(KeAcquireInStackQueuedSpinLockAtDpcLevel),
    WITH(KeReleaseInStackQueuedSpinLockFromDpcLevel, KeAcquireInStackQueuedSpinLockAtDpcLevel, LOCK),
    LIMITED(KeAcquireInStackQueuedSpinLockForDpc),
    WITH(KeReleaseInStackQueuedSpinLockForDpc, KeAcquireInStackQueuedSpinLockForDpc, LOCK),
    TRIAL(ExAcquireSpinLockExclusive, AGAIN),
    TRIAL(ExReleaseSpinLockExclusive, LOCK),
    TRIAL(ExAcquireSpinLockShared, AGAIN),
    TRIAL(ExReleaseSpinLockShared, LOCK),
    LIMITED(ExAcquireSpinLockExclusiveAtDpcLevel),
    WITH(ExReleaseSpinLockExclusiveFromDpcLevel, ExAcquireSpinLockExclusiveAtDpcLevel, LOCK),
    LIMITED(ExAcquireSpinLockSharedAtDpcLevel),
    WITH(ExReleaseSpinLockSharedFromDpcLevel, ExAcquireSpinLockSharedAtDpcLevel, LOCK),
    TRIAL(ExTryConvertSharedSpinLockExclusive, LOCK),
    {0},
};
