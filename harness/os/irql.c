/* IRQL and spin locks. A held lock names its fiber, so that a release by another one shows. */
#include "kernel.h"

#define HELD(fiber) (0x4C4B000000000001u | (ULONG_PTR)(fiber)->id << 8)
#define IS_HELD(value) (((value)&0xFFFFFFFFFF0000FFu) == 0x4C4B000000000001u)

KIRQL DDI_CALL KeGetCurrentIrql(void) {
    struct gpup_os *os = gpup_os_current();

    return os ? gpup_os_irql(os) : PASSIVE_LEVEL;
}

static KIRQL change(const char *name, KIRQL irql, bool up) {
    struct gpup_os *os = gpup_os_service(name, GPUP_ANY_LEVEL);
    KIRQL before = os ? gpup_os_irql(os) : PASSIVE_LEVEL;

    if (!os)
        return before;
    if (irql > HIGH_LEVEL || (up ? irql < before : irql > before))
        gpup_os_misuse(os, name, GPUP_MISUSE_IRQL, irql);
    gpup_os_set_irql(os, irql);
    return before;
}

KIRQL DDI_CALL KfRaiseIrql(KIRQL NewIrql) {
    return change("KeRaiseIrql", NewIrql, true);
}

KIRQL DDI_CALL KeRaiseIrqlToDpcLevel(void) {
    return change("KeRaiseIrqlToDpcLevel", DISPATCH_LEVEL, true);
}

VOID DDI_CALL KeLowerIrql(KIRQL NewIrql) {
    change("KeLowerIrql", NewIrql, false);
}

VOID DDI_CALL KeInitializeSpinLock(PKSPIN_LOCK SpinLock) {
    gpup_os_service("KeInitializeSpinLock", GPUP_ANY_LEVEL);
    *SpinLock = 0;
}

static void take(struct gpup_os *os, const char *name, PKSPIN_LOCK lock) {
    if (!os->running)
        return;
    if (*lock && !IS_HELD(*lock)) { /* never initialised, or overwritten */
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
        *lock = 0;
    }
    if (*lock == HELD(os->running)) {
        gpup_os_misuse(os, name, GPUP_MISUSE_LOCK, 0);
        gpup_os_hang(os, GPUP_HANG_WAIT, 0); /* would spin for ever */
    }
    gpup_os_spin(os, lock);
    *lock = HELD(os->running);
    os->running->locks++;
}

static void give(struct gpup_os *os, const char *name, PKSPIN_LOCK lock) {
    if (!os->running)
        return;
    if (*lock != HELD(os->running))
        gpup_os_misuse(os, name, *lock && !IS_HELD(*lock) ? GPUP_MISUSE_OBJECT : GPUP_MISUSE_LOCK, 0);
    else
        os->running->locks--;
    *lock = 0;
    gpup_os_wake(os);
}

static KIRQL acquire(const char *name, PKSPIN_LOCK lock) {
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    KIRQL before;

    if (!os)
        return PASSIVE_LEVEL;
    before = gpup_os_irql(os);
    if (before < DISPATCH_LEVEL)
        gpup_os_set_irql(os, DISPATCH_LEVEL);
    take(os, name, lock);
    return before;
}

static void release(const char *name, PKSPIN_LOCK lock, KIRQL irql) {
    struct gpup_os *os = gpup_os_service_from(name, DISPATCH_LEVEL, DISPATCH_LEVEL);

    if (!os)
        return;
    give(os, name, lock);
    if (irql > DISPATCH_LEVEL)
        gpup_os_misuse(os, name, GPUP_MISUSE_PARAMETER, irql);
    gpup_os_set_irql(os, irql);
}

KIRQL DDI_CALL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock) {
    return acquire("KeAcquireSpinLock", SpinLock);
}

VOID DDI_CALL KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) {
    release("KeReleaseSpinLock", SpinLock, NewIrql);
}

VOID DDI_CALL KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
    static const char name[] = "KeAcquireSpinLockAtDpcLevel";
    struct gpup_os *os = gpup_os_service_from(name, DISPATCH_LEVEL, GPUP_ANY_LEVEL);

    if (os)
        take(os, name, SpinLock);
}

VOID DDI_CALL KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) {
    static const char name[] = "KeReleaseSpinLockFromDpcLevel";
    struct gpup_os *os = gpup_os_service_from(name, DISPATCH_LEVEL, GPUP_ANY_LEVEL);

    if (os)
        give(os, name, SpinLock);
}

BOOLEAN DDI_CALL KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
    static const char name[] = "KeTryToAcquireSpinLockAtDpcLevel";
    struct gpup_os *os = gpup_os_service_from(name, DISPATCH_LEVEL, GPUP_ANY_LEVEL);

    if (!os || *SpinLock)
        return FALSE;
    take(os, name, SpinLock);
    return TRUE;
}

VOID DDI_CALL KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
    LockHandle->LockQueue.Lock = SpinLock;
    LockHandle->OldIrql = acquire("KeAcquireInStackQueuedSpinLock", SpinLock);
}

VOID DDI_CALL KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle) {
    release("KeReleaseInStackQueuedSpinLock", LockHandle->LockQueue.Lock, LockHandle->OldIrql);
}

VOID DDI_CALL KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
    LockHandle->LockQueue.Lock = SpinLock;
    KeAcquireSpinLockAtDpcLevel(SpinLock);
}

VOID DDI_CALL KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle) {
    KeReleaseSpinLockFromDpcLevel(LockHandle->LockQueue.Lock);
}
