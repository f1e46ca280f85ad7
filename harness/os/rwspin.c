/* Reader-writer spin locks. All of the state is in the lock's 32 bits: its holder, or how many share it. */
#include "locks.h"
#include "services.h"

#define EXCLUSIVE 0x80000000u
#define OWNER(fiber) (EXCLUSIVE | (fiber)->id)

static bool free_for(LONG lock, bool exclusive) {
    return exclusive ? lock == 0 : !((ULONG)lock & EXCLUSIVE);
}

/* Turns of others until it is free; a lock that nobody gives back ends in the budgets. */
static void spin(struct gpup_os *os, PEX_SPIN_LOCK lock, bool exclusive) {
    while (!free_for(*lock, exclusive)) {
        gpup_os_pass(os, 1000);
        gpup_os_yield(os, true);
    }
}

static void take(struct gpup_os *os, const char *name, PEX_SPIN_LOCK lock, bool exclusive) {
    unsigned how = exclusive ? GPUP_LOCK_ALONE : GPUP_LOCK_SHARED;

    if (!os->machine->running)
        return;
    gpup_lock_wanted(os, name, lock, *lock ? how : how | GPUP_LOCK_FREE);
    if (gpup_lock_holds(os->machine->running, lock)) {
        gpup_lock_again(os, name, lock);
        if (exclusive || *lock < 0)
            gpup_os_hang(os, GPUP_HANG_WAIT, 0); /* would spin for ever; to share it once more need not */
    }
    spin(os, lock, exclusive);
    if (exclusive)
        *lock = (LONG)OWNER(os->machine->running);
    else
        ++*lock;
    os->machine->running->locks++;
    gpup_lock_taken(os->machine->running, lock, how);
}

static void give(struct gpup_os *os, const char *name, PEX_SPIN_LOCK lock, bool exclusive) {
    bool held;

    if (!os->machine->running)
        return;
    held = exclusive ? (ULONG)*lock == OWNER(os->machine->running) : *lock > 0;
    if (!held) {
        gpup_os_misuse(os, name, GPUP_MISUSE_LOCK, 0);
        return;
    }
    gpup_lock_given(os, os->machine->running, lock);
    if (exclusive)
        *lock = 0;
    else
        --*lock;
    if (os->machine->running->locks)
        os->machine->running->locks--;
}

static KIRQL acquire(const struct gpup_service_limit *service, PEX_SPIN_LOCK lock, bool exclusive) {
    struct gpup_os *os = gpup_os_enter(service);
    KIRQL before = os ? gpup_os_irql(os) : PASSIVE_LEVEL;

    if (!os)
        return before;
    if (before < DISPATCH_LEVEL)
        gpup_os_set_irql(os, DISPATCH_LEVEL);
    take(os, service->name, lock, exclusive);
    return before;
}

static void release(const struct gpup_service_limit *service, PEX_SPIN_LOCK lock, KIRQL irql,
                    bool exclusive) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!os)
        return;
    give(os, service->name, lock, exclusive);
    if (irql > DISPATCH_LEVEL)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, irql);
    gpup_os_set_irql(os, irql);
}

KIRQL DDI_CALL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock) {
    return acquire(GPUP_SERVICE(ExAcquireSpinLockExclusive), SpinLock, true);
}

VOID DDI_CALL ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
    release(GPUP_SERVICE(ExReleaseSpinLockExclusive), SpinLock, OldIrql, true);
}

KIRQL DDI_CALL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock) {
    return acquire(GPUP_SERVICE(ExAcquireSpinLockShared), SpinLock, false);
}

VOID DDI_CALL ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
    release(GPUP_SERVICE(ExReleaseSpinLockShared), SpinLock, OldIrql, false);
}

static void at_dpc_level(const struct gpup_service_limit *service, PEX_SPIN_LOCK lock, bool exclusive,
                         bool acquire) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && acquire)
        take(os, service->name, lock, exclusive);
    else if (os)
        give(os, service->name, lock, exclusive);
}

VOID DDI_CALL ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
    at_dpc_level(GPUP_SERVICE(ExAcquireSpinLockExclusiveAtDpcLevel), SpinLock, true, true);
}

VOID DDI_CALL ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock) {
    at_dpc_level(GPUP_SERVICE(ExReleaseSpinLockExclusiveFromDpcLevel), SpinLock, true, false);
}

VOID DDI_CALL ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
    at_dpc_level(GPUP_SERVICE(ExAcquireSpinLockSharedAtDpcLevel), SpinLock, false, true);
}

VOID DDI_CALL ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock) {
    at_dpc_level(GPUP_SERVICE(ExReleaseSpinLockSharedFromDpcLevel), SpinLock, false, false);
}

/* Only the one who shares it alone may have it alone. */
LOGICAL DDI_CALL ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExTryConvertSharedSpinLockExclusive);
    struct gpup_os *os = gpup_os_enter(service);

    if (!os || !os->machine->running)
        return FALSE;
    if (*SpinLock <= 0)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_LOCK, 0);
    if (*SpinLock != 1)
        return FALSE;
    *SpinLock = (LONG)OWNER(os->machine->running);
    gpup_lock_becomes(os->machine->running, SpinLock, GPUP_LOCK_ALONE);
    return TRUE;
}
