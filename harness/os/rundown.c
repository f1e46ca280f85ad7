/* Run-down protection and remove locks: counts that must reach zero before an object goes. */
#include "services.h"

#define RUN_DOWN 1u
#define ONE 2u

static VOID reset(const struct gpup_service_limit *service, PEX_RUNDOWN_REF reference, ULONG_PTR count) {
    gpup_os_enter(service);
    reference->Count = count;
}

VOID DDI_CALL ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) {
    reset(GPUP_SERVICE(ExInitializeRundownProtection), RunRef, 0);
}

/* Only after the wait for the release. */
VOID DDI_CALL ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExReInitializeRundownProtection);
    struct gpup_os *os = gpup_os_current();

    if (os && RunRef->Count != RUN_DOWN)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    reset(service, RunRef, 0);
}

VOID DDI_CALL ExRundownCompleted(PEX_RUNDOWN_REF RunRef) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExRundownCompleted);
    struct gpup_os *os = gpup_os_current();

    if (os && RunRef->Count != RUN_DOWN)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    reset(service, RunRef, RUN_DOWN);
}

static BOOLEAN acquire(const struct gpup_service_limit *service, PEX_RUNDOWN_REF reference, ULONG count) {
    gpup_os_enter(service);
    if (reference->Count & RUN_DOWN)
        return FALSE;
    reference->Count += (ULONG_PTR)count * ONE;
    return TRUE;
}

BOOLEAN DDI_CALL ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef) {
    return acquire(GPUP_SERVICE(ExAcquireRundownProtection), RunRef, 1);
}

BOOLEAN DDI_CALL ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
    return acquire(GPUP_SERVICE(ExAcquireRundownProtectionEx), RunRef, Count);
}

static void release(const struct gpup_service_limit *service, PEX_RUNDOWN_REF reference, ULONG count) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && reference->Count / ONE < count) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_LOCK, 0);
        return;
    }
    reference->Count -= (ULONG_PTR)count * ONE;
}

VOID DDI_CALL ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef) {
    release(GPUP_SERVICE(ExReleaseRundownProtection), RunRef, 1);
}

VOID DDI_CALL ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
    release(GPUP_SERVICE(ExReleaseRundownProtectionEx), RunRef, Count);
}

/* Who protects is in the count alone, so whoever waits looks again at each of its turns. */
VOID DDI_CALL ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ExWaitForRundownProtectionRelease));

    RunRef->Count |= RUN_DOWN;
    while (os && os->machine->running && RunRef->Count != RUN_DOWN)
        gpup_os_wait(os, NULL, 0, false, os->machine->now + 1000000);
}

/* --- remove locks */

VOID DDI_CALL IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                       ULONG HighWatermark, ULONG RemlockSize) {
    (void)AllocateTag;
    (void)MaxLockedMinutes;
    (void)HighWatermark;
    gpup_os_enter(GPUP_SERVICE(IoInitializeRemoveLockEx));
    memset(Lock, 0, RemlockSize < sizeof *Lock ? RemlockSize : sizeof *Lock);
    Lock->Common.IoCount = 1;
    gpup_dispatcher_init(&Lock->Common.RemoveEvent.Header, GPUP_DISPATCHER_EVENT, 0);
}

static bool lock_valid(struct gpup_os *os, const char *name, const IO_REMOVE_LOCK *lock) {
    bool valid = gpup_dispatcher_valid(&lock->Common.RemoveEvent.Header);

    if (os && !valid)
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
    return valid;
}

NTSTATUS DDI_CALL IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                                        ULONG RemlockSize) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoAcquireRemoveLockEx);

    (void)Tag;
    (void)File;
    (void)Line;
    (void)RemlockSize;
    lock_valid(gpup_os_enter(service), service->name, RemoveLock);
    if (RemoveLock->Common.Removed)
        return STATUS_DELETE_PENDING;
    RemoveLock->Common.IoCount++;
    return STATUS_SUCCESS;
}

static void release_lock(struct gpup_os *os, const char *name, PIO_REMOVE_LOCK lock) {
    if (!lock_valid(os, name, lock))
        return;
    if (lock->Common.IoCount <= (lock->Common.Removed ? 0 : 1)) {
        if (os)
            gpup_os_misuse(os, name, GPUP_MISUSE_LOCK, 0);
        return;
    }
    if (--lock->Common.IoCount == 0 && os) {
        lock->Common.RemoveEvent.Header.SignalState = 1;
        gpup_os_wake(os);
    }
}

VOID DDI_CALL IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoReleaseRemoveLockEx);

    (void)Tag;
    (void)RemlockSize;
    release_lock(gpup_os_enter(service), service->name, RemoveLock);
}

VOID DDI_CALL IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoReleaseRemoveLockAndWaitEx);
    struct gpup_os *os = gpup_os_enter(service);
    void *event[1] = {&RemoveLock->Common.RemoveEvent};

    (void)Tag;
    (void)RemlockSize;
    if (!os || !os->machine->running)
        return;
    if (RemoveLock->Common.Removed || RemoveLock->Common.IoCount < 2)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    RemoveLock->Common.Removed = TRUE;
    release_lock(os, service->name, RemoveLock); /* the caller's own */
    release_lock(os, service->name, RemoveLock); /* the lock's */
    if (RemoveLock->Common.IoCount > 0)
        gpup_os_wait(os, event, 1, false, GPUP_NEVER);
}
