/* Spin locks, plain and queued. A held lock names its fiber, so that a release by another one shows. */
#include "spinlock.h"

#define HELD(fiber) (0x4C4B000000000001u | (ULONG_PTR)(fiber)->id << 8)
#define IS_HELD(value) (((value)&0xFFFFFFFFFF0000FFu) == 0x4C4B000000000001u)

VOID DDI_CALL KeInitializeSpinLock(PKSPIN_LOCK SpinLock) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeInitializeSpinLock));

    *SpinLock = 0;
    if (os)
        gpup_lock_forget(os, SpinLock, 1);
}

void gpup_spin_take(struct gpup_os *os, const char *name, PKSPIN_LOCK lock, unsigned how) {
    if (!os->machine->running)
        return;
    if (*lock && !IS_HELD(*lock)) { /* never initialised, or overwritten */
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
        *lock = 0;
    }
    gpup_lock_wanted(os, name, lock, *lock ? how : how | GPUP_LOCK_FREE);
    if (*lock == HELD(os->machine->running)) {
        gpup_lock_again(os, name, lock);
        gpup_os_hang(os, GPUP_HANG_WAIT, 0); /* would spin for ever */
    }
    gpup_os_spin(os, lock);
    *lock = HELD(os->machine->running);
    os->machine->running->locks++;
    gpup_lock_taken(os->machine->running, lock, how);
}

void gpup_spin_give(struct gpup_os *os, const char *name, PKSPIN_LOCK lock) {
    if (!os->machine->running)
        return;
    if (*lock != HELD(os->machine->running))
        gpup_os_misuse(os, name, *lock && !IS_HELD(*lock) ? GPUP_MISUSE_OBJECT : GPUP_MISUSE_LOCK, 0);
    else
        os->machine->running->locks--;
    gpup_lock_given(os, os->machine->running, lock);
    *lock = 0;
    gpup_os_wake(os);
}

KIRQL gpup_spin_acquire(const struct gpup_service_limit *service, PKSPIN_LOCK lock) {
    struct gpup_os *os = gpup_os_enter(service);
    KIRQL before;

    if (!os)
        return PASSIVE_LEVEL;
    before = gpup_os_irql(os);
    if (before < DISPATCH_LEVEL)
        gpup_os_set_irql(os, DISPATCH_LEVEL);
    gpup_spin_take(os, service->name, lock, GPUP_LOCK_ALONE);
    return before;
}

void gpup_spin_release(const struct gpup_service_limit *service, PKSPIN_LOCK lock, KIRQL irql) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!os)
        return;
    gpup_spin_give(os, service->name, lock);
    if (irql > DISPATCH_LEVEL)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, irql);
    gpup_os_set_irql(os, irql);
}

/* At DISPATCH_LEVEL or above already: the IRQL stays. */
static void acquire_raised(const struct gpup_service_limit *service, PKSPIN_LOCK lock) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os)
        gpup_spin_take(os, service->name, lock, GPUP_LOCK_ALONE);
}

static void release_raised(const struct gpup_service_limit *service, PKSPIN_LOCK lock) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os)
        gpup_spin_give(os, service->name, lock);
}

KIRQL DDI_CALL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock) {
    return gpup_spin_acquire(GPUP_SERVICE(KeAcquireSpinLockRaiseToDpc), SpinLock);
}

VOID DDI_CALL KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) {
    gpup_spin_release(GPUP_SERVICE(KeReleaseSpinLock), SpinLock, NewIrql);
}

VOID DDI_CALL KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
    acquire_raised(GPUP_SERVICE(KeAcquireSpinLockAtDpcLevel), SpinLock);
}

VOID DDI_CALL KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) {
    release_raised(GPUP_SERVICE(KeReleaseSpinLockFromDpcLevel), SpinLock);
}

BOOLEAN DDI_CALL KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeTryToAcquireSpinLockAtDpcLevel);
    struct gpup_os *os = gpup_os_enter(service);

    if (!os || *SpinLock)
        return FALSE;
    gpup_spin_take(os, service->name, SpinLock, GPUP_LOCK_TRY);
    return TRUE;
}

BOOLEAN DDI_CALL KeTestSpinLock(PKSPIN_LOCK SpinLock) {
    gpup_os_enter(GPUP_SERVICE(KeTestSpinLock));
    return *SpinLock == 0;
}

/* In a DPC routine: an ordinary one runs at DISPATCH_LEVEL, a threaded one may run at PASSIVE_LEVEL. */
KIRQL DDI_CALL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock) {
    return gpup_spin_acquire(GPUP_SERVICE(KeAcquireSpinLockForDpc), SpinLock);
}

VOID DDI_CALL KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql) {
    gpup_spin_release(GPUP_SERVICE(KeReleaseSpinLockForDpc), SpinLock, OldIrql);
}

/* --- queued: the handle remembers the lock and the IRQL */

static void queued(const struct gpup_service_limit *service, PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle) {
    handle->LockQueue.Lock = lock;
    handle->OldIrql = gpup_spin_acquire(service, lock);
}

VOID DDI_CALL KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
    queued(GPUP_SERVICE(KeAcquireInStackQueuedSpinLock), SpinLock, LockHandle);
}

VOID DDI_CALL KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle) {
    gpup_spin_release(GPUP_SERVICE(KeReleaseInStackQueuedSpinLock), LockHandle->LockQueue.Lock,
                      LockHandle->OldIrql);
}

VOID DDI_CALL KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
    LockHandle->LockQueue.Lock = SpinLock;
    acquire_raised(GPUP_SERVICE(KeAcquireInStackQueuedSpinLockAtDpcLevel), SpinLock);
}

VOID DDI_CALL KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle) {
    release_raised(GPUP_SERVICE(KeReleaseInStackQueuedSpinLockFromDpcLevel), LockHandle->LockQueue.Lock);
}

VOID DDI_CALL KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
    queued(GPUP_SERVICE(KeAcquireInStackQueuedSpinLockForDpc), SpinLock, LockHandle);
}

VOID DDI_CALL KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle) {
    gpup_spin_release(GPUP_SERVICE(KeReleaseInStackQueuedSpinLockForDpc), LockHandle->LockQueue.Lock,
                      LockHandle->OldIrql);
}
