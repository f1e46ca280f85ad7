/* Fast and guarded mutexes, regions, run-down protection and remove locks. */
#include "trial.h"

struct locks {
    FAST_MUTEX mutex;
    EX_RUNDOWN_REF reference;
    IO_REMOVE_LOCK remove;
};

EFFECT(ExInitializeFastMutex) {
    struct locks *l = room;

    ExInitializeFastMutex(&l->mutex);
    MUST(l->mutex.Count == 1 && l->mutex.Owner == NULL);
    return 0;
}
EFFECT(ExAcquireFastMutex) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql();

    ExInitializeFastMutex(&l->mutex);
    ExAcquireFastMutex(&l->mutex);
    MUST(KeGetCurrentIrql() == APC_LEVEL && l->mutex.Owner != NULL);
    ExReleaseFastMutex(&l->mutex);
    MUST(KeGetCurrentIrql() == before && l->mutex.Owner == NULL);
    return 0;
}
MISUSE(ExAcquireFastMutex) { /* twice: waits for itself */
    struct locks *l = room;

    ExInitializeFastMutex(&l->mutex);
    ExAcquireFastMutex(&l->mutex);
    ExAcquireFastMutex(&l->mutex);
    return 0;
}
EFFECT(ExTryToAcquireFastMutex) {
    struct locks *l = room;

    ExInitializeFastMutex(&l->mutex);
    MUST(ExTryToAcquireFastMutex(&l->mutex) && !ExTryToAcquireFastMutex(&l->mutex));
    MUST(KeGetCurrentIrql() == APC_LEVEL);
    ExReleaseFastMutex(&l->mutex);
    return 0;
}
MISUSE(ExTryToAcquireFastMutex) {
    struct locks *l = room;

    return ExTryToAcquireFastMutex(&l->mutex);
}
EFFECT(ExReleaseFastMutex) {
    struct locks *l = room;

    ExInitializeFastMutex(&l->mutex);
    ExAcquireFastMutexUnsafe(&l->mutex);
    l->mutex.OldIrql = KeGetCurrentIrql();
    ExReleaseFastMutex(&l->mutex);
    MUST(l->mutex.Owner == NULL);
    return 0;
}
MISUSE(ExReleaseFastMutex) {
    struct locks *l = room;

    ExInitializeFastMutex(&l->mutex);
    ExReleaseFastMutex(&l->mutex);
    return 0;
}
EFFECT(ExAcquireFastMutexUnsafe) {
    struct locks *l = room;
    KIRQL before = KeGetCurrentIrql();

    ExInitializeFastMutex(&l->mutex);
    ExAcquireFastMutexUnsafe(&l->mutex);
    MUST(KeGetCurrentIrql() == before && l->mutex.Owner != NULL);
    ExReleaseFastMutexUnsafe(&l->mutex);
    MUST(l->mutex.Owner == NULL);
    return 0;
}
MISUSE(ExAcquireFastMutexUnsafe) {
    struct locks *l = room;

    ExAcquireFastMutexUnsafe(&l->mutex);
    return 0;
}
MISUSE(ExReleaseFastMutexUnsafe) {
    struct locks *l = room;

    ExInitializeFastMutex(&l->mutex);
    ExReleaseFastMutexUnsafe(&l->mutex);
    return 0;
}

/* --- guarded */

EFFECT(KeAcquireGuardedMutex) {
    struct locks *l = room;

    KeInitializeGuardedMutex(&l->mutex);
    KeAcquireGuardedMutex(&l->mutex);
    MUST(!KeTryToAcquireGuardedMutex(&l->mutex));
    KeReleaseGuardedMutex(&l->mutex);
    MUST(KeTryToAcquireGuardedMutex(&l->mutex));
    KeReleaseGuardedMutex(&l->mutex);
    return 0;
}
MISUSE(KeAcquireGuardedMutex) {
    struct locks *l = room;

    KeInitializeGuardedMutex(&l->mutex);
    KeAcquireGuardedMutex(&l->mutex);
    KeAcquireGuardedMutex(&l->mutex);
    return 0;
}
MISUSE(KeTryToAcquireGuardedMutex) {
    struct locks *l = room;

    return KeTryToAcquireGuardedMutex(&l->mutex);
}
MISUSE(KeReleaseGuardedMutex) {
    struct locks *l = room;

    KeInitializeGuardedMutex(&l->mutex);
    KeReleaseGuardedMutex(&l->mutex);
    return 0;
}
EFFECT(KeAcquireGuardedMutexUnsafe) {
    struct locks *l = room;

    KeInitializeGuardedMutex(&l->mutex);
    KeAcquireGuardedMutexUnsafe(&l->mutex);
    MUST(l->mutex.Owner != NULL);
    KeReleaseGuardedMutexUnsafe(&l->mutex);
    MUST(l->mutex.Owner == NULL);
    return 0;
}
MISUSE(KeAcquireGuardedMutexUnsafe) {
    struct locks *l = room;

    KeAcquireGuardedMutexUnsafe(&l->mutex);
    return 0;
}
MISUSE(KeReleaseGuardedMutexUnsafe) {
    struct locks *l = room;

    KeInitializeGuardedMutex(&l->mutex);
    KeReleaseGuardedMutexUnsafe(&l->mutex);
    return 0;
}

/* --- regions */

EFFECT(KeEnterCriticalRegion) {
    KeEnterCriticalRegion();
    MUST(KeAreApcsDisabled());
    KeLeaveCriticalRegion();
    MUST(!KeAreApcsDisabled() || KeGetCurrentIrql() >= APC_LEVEL);
    return 0;
}
MISUSE(KeLeaveCriticalRegion) {
    KeLeaveCriticalRegion();
    return 0;
}
EFFECT(KeEnterGuardedRegion) {
    KeEnterGuardedRegion();
    MUST(KeAreAllApcsDisabled());
    KeLeaveGuardedRegion();
    MUST(!KeAreAllApcsDisabled() || KeGetCurrentIrql() >= APC_LEVEL);
    return 0;
}
MISUSE(KeLeaveGuardedRegion) {
    KeLeaveGuardedRegion();
    return 0;
}
EFFECT(KeAreApcsDisabled) {
    MUST(KeAreApcsDisabled() == (KeGetCurrentIrql() >= APC_LEVEL));
    return 0;
}
EFFECT(KeAreAllApcsDisabled) {
    MUST(KeAreAllApcsDisabled() == (KeGetCurrentIrql() >= APC_LEVEL));
    return 0;
}

/* --- run-down protection */

EFFECT(ExAcquireRundownProtection) {
    struct locks *l = room;

    MUST(ExAcquireRundownProtection(&l->reference) && ExAcquireRundownProtectionEx(&l->reference, 2));
    MUST(l->reference.Count == 6);
    ExReleaseRundownProtectionEx(&l->reference, 2);
    ExReleaseRundownProtection(&l->reference);
    MUST(l->reference.Count == 0);
    return 0;
}
MISUSE(ExReleaseRundownProtection) {
    struct locks *l = room;

    ExReleaseRundownProtection(&l->reference);
    return 0;
}
MISUSE(ExReleaseRundownProtectionEx) {
    struct locks *l = room;

    ExAcquireRundownProtection(&l->reference);
    ExReleaseRundownProtectionEx(&l->reference, 2);
    return 0;
}
EFFECT(ExWaitForRundownProtectionRelease) {
    struct locks *l = room;

    ExInitializeRundownProtection(&l->reference);
    ExWaitForRundownProtectionRelease(&l->reference);
    MUST(!ExAcquireRundownProtection(&l->reference));
    ExRundownCompleted(&l->reference);
    MUST(!ExAcquireRundownProtectionEx(&l->reference, 3));
    ExReInitializeRundownProtection(&l->reference);
    MUST(ExAcquireRundownProtection(&l->reference));
    ExReleaseRundownProtection(&l->reference);
    return 0;
}
MISUSE(ExWaitForRundownProtectionRelease) { /* its own protection is never released */
    struct locks *l = room;

    ExAcquireRundownProtection(&l->reference);
    ExWaitForRundownProtectionRelease(&l->reference);
    return 0;
}
MISUSE(ExReInitializeRundownProtection) { /* still in use */
    struct locks *l = room;

    ExAcquireRundownProtection(&l->reference);
    ExReInitializeRundownProtection(&l->reference);
    return 0;
}
MISUSE(ExRundownCompleted) {
    struct locks *l = room;

    ExRundownCompleted(&l->reference);
    return 0;
}

/* --- remove locks */

EFFECT(IoAcquireRemoveLockEx) {
    struct locks *l = room;

    IoInitializeRemoveLock(&l->remove, 0x74736554, 0, 0);
    MUST(IoAcquireRemoveLock(&l->remove, NULL) == STATUS_SUCCESS);
    MUST(IoAcquireRemoveLock(&l->remove, NULL) == STATUS_SUCCESS);
    IoReleaseRemoveLock(&l->remove, NULL);
    MUST(l->remove.Common.IoCount == 2);
    return 0;
}
EFFECT(IoReleaseRemoveLockAndWaitEx) {
    struct locks *l = room;

    IoInitializeRemoveLock(&l->remove, 0x74736554, 0, 0);
    MUST(IoAcquireRemoveLock(&l->remove, NULL) == STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(&l->remove, NULL);
    MUST(IoAcquireRemoveLock(&l->remove, NULL) == STATUS_DELETE_PENDING);
    return 0;
}
MISUSE(IoAcquireRemoveLockEx) {
    struct locks *l = room;

    return (uint64_t)IoAcquireRemoveLock(&l->remove, NULL);
}
MISUSE(IoReleaseRemoveLockEx) {
    struct locks *l = room;

    IoInitializeRemoveLock(&l->remove, 0x74736554, 0, 0);
    IoReleaseRemoveLock(&l->remove, NULL);
    return 0;
}
MISUSE(IoReleaseRemoveLockAndWaitEx) {
    struct locks *l = room;

    IoInitializeRemoveLock(&l->remove, 0x74736554, 0, 0);
    IoReleaseRemoveLockAndWait(&l->remove, NULL);
    return 0;
}

const struct trial mutex_trials[] = {
    LIMITED(ExInitializeFastMutex),
    TRIAL(ExAcquireFastMutex, AGAIN),
    TRIAL(ExTryToAcquireFastMutex, OBJECT),
    TRIAL(ExReleaseFastMutex, LOCK),
    TRIAL(ExAcquireFastMutexUnsafe, OBJECT),
    WITH(ExReleaseFastMutexUnsafe, ExAcquireFastMutexUnsafe, LOCK),
    LIMITED_WITH(KeInitializeGuardedMutex, KeAcquireGuardedMutex),
    TRIAL(KeAcquireGuardedMutex, AGAIN),
    WITH(KeTryToAcquireGuardedMutex, KeAcquireGuardedMutex, OBJECT),
    WITH(KeReleaseGuardedMutex, KeAcquireGuardedMutex, LOCK),
    TRIAL(KeAcquireGuardedMutexUnsafe, OBJECT),
    WITH(KeReleaseGuardedMutexUnsafe, KeAcquireGuardedMutexUnsafe, LOCK),
    LIMITED(KeEnterCriticalRegion),
    WITH(KeLeaveCriticalRegion, KeEnterCriticalRegion, STATE),
    LIMITED(KeEnterGuardedRegion),
    WITH(KeLeaveGuardedRegion, KeEnterGuardedRegion, STATE),
    LIMITED(KeAreApcsDisabled),
    LIMITED(KeAreAllApcsDisabled),
    LIMITED_WITH(ExInitializeRundownProtection, ExWaitForRundownProtectionRelease),
    WITH(ExReInitializeRundownProtection, ExWaitForRundownProtectionRelease, STATE),
    LIMITED(ExAcquireRundownProtection),
    LIMITED_WITH(ExAcquireRundownProtectionEx, ExAcquireRundownProtection),
    WITH(ExReleaseRundownProtection, ExAcquireRundownProtection, LOCK),
    WITH(ExReleaseRundownProtectionEx, ExAcquireRundownProtection, LOCK),
    TRIAL(ExWaitForRundownProtectionRelease, HANGS),
    WITH(ExRundownCompleted, ExWaitForRundownProtectionRelease, STATE),
    LIMITED_WITH(IoInitializeRemoveLockEx, IoAcquireRemoveLockEx),
    TRIAL(IoAcquireRemoveLockEx, OBJECT),
    WITH(IoReleaseRemoveLockEx, IoAcquireRemoveLockEx, LOCK),
    TRIAL(IoReleaseRemoveLockAndWaitEx, STATE),
    {0},
};
