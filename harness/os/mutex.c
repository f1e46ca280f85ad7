/* Fast and guarded mutexes, and regions without APCs. */
#include "locks.h"
#include "services.h"

/* The lock is known by the address of its event, which the WDK initialises in the driver's own code. */
static bool lock_mutex(const struct gpup_service_limit *service, PFAST_MUTEX mutex, bool wait) {
    struct gpup_os *os = gpup_os_enter(service);
    void *event[1] = {&mutex->Event};

    if (!os || !os->machine->running)
        return false;
    if (!gpup_dispatcher_valid(&mutex->Event.Header))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    if (!wait && mutex->Owner)
        return false;
    gpup_lock_wanted(os, service->name, &mutex->Event,
                     (wait ? GPUP_LOCK_ALONE : GPUP_LOCK_TRY) | (mutex->Owner ? 0 : GPUP_LOCK_FREE));
    if (mutex->Owner == os->machine->running) {
        gpup_lock_again(os, service->name, &mutex->Event);
        gpup_os_hang(os, GPUP_HANG_WAIT, 0);
    }
    while (mutex->Owner)
        gpup_os_wait(os, event, 1, false, GPUP_NEVER);
    mutex->Owner = os->machine->running;
    mutex->Count = 0;
    os->machine->running->locks++;
    gpup_lock_taken(os->machine->running, &mutex->Event, GPUP_LOCK_ALONE);
    return true;
}

static struct gpup_os *unlock_mutex(const struct gpup_service_limit *service, PFAST_MUTEX mutex) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!os || !os->machine->running)
        return NULL;
    if (mutex->Owner != os->machine->running)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_LOCK, 0);
    else
        os->machine->running->locks--;
    gpup_lock_given(os, os->machine->running, &mutex->Event);
    mutex->Owner = NULL;
    mutex->Count = 1;
    mutex->Event.Header.SignalState = 1;
    gpup_os_wake(os);
    return os;
}

static void initialize(const struct gpup_service_limit *service, PFAST_MUTEX mutex) {
    struct gpup_os *os = gpup_os_enter(service);

    memset(mutex, 0, sizeof *mutex);
    mutex->Count = 1;
    gpup_dispatcher_init(&mutex->Event.Header, GPUP_DISPATCHER_SYNC_EVENT, 0);
    if (os)
        gpup_lock_forget(os, &mutex->Event, 1);
}

/* --- fast mutexes: the holder runs at APC_LEVEL */

VOID DDI_CALL ExInitializeFastMutex(PFAST_MUTEX FastMutex) {
    initialize(GPUP_SERVICE(ExInitializeFastMutex), FastMutex);
}

static void to_apc_level(PFAST_MUTEX mutex) {
    struct gpup_os *os = gpup_os_current();

    if (!os)
        return;
    mutex->OldIrql = gpup_os_irql(os);
    gpup_os_set_irql(os, APC_LEVEL);
}

VOID DDI_CALL ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
    lock_mutex(GPUP_SERVICE(ExAcquireFastMutex), FastMutex, true);
    to_apc_level(FastMutex);
}

BOOLEAN DDI_CALL ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
    if (!lock_mutex(GPUP_SERVICE(ExTryToAcquireFastMutex), FastMutex, false))
        return FALSE;
    to_apc_level(FastMutex);
    return TRUE;
}

VOID DDI_CALL ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
    KIRQL irql = (KIRQL)FastMutex->OldIrql;
    struct gpup_os *os = unlock_mutex(GPUP_SERVICE(ExReleaseFastMutex), FastMutex);

    if (os)
        gpup_os_set_irql(os, irql);
}

VOID DDI_CALL ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) {
    lock_mutex(GPUP_SERVICE(ExAcquireFastMutexUnsafe), FastMutex, true);
}

VOID DDI_CALL ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) {
    unlock_mutex(GPUP_SERVICE(ExReleaseFastMutexUnsafe), FastMutex);
}

/* --- guarded mutexes: no APC reaches the holder */

VOID DDI_CALL KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex) {
    initialize(GPUP_SERVICE(KeInitializeGuardedMutex), Mutex);
}

VOID DDI_CALL KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
    lock_mutex(GPUP_SERVICE(KeAcquireGuardedMutex), Mutex, true);
}

BOOLEAN DDI_CALL KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
    return lock_mutex(GPUP_SERVICE(KeTryToAcquireGuardedMutex), Mutex, false);
}

VOID DDI_CALL KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex) {
    unlock_mutex(GPUP_SERVICE(KeReleaseGuardedMutex), Mutex);
}

VOID DDI_CALL KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex) {
    lock_mutex(GPUP_SERVICE(KeAcquireGuardedMutexUnsafe), Mutex, true);
}

VOID DDI_CALL KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex) {
    unlock_mutex(GPUP_SERVICE(KeReleaseGuardedMutexUnsafe), Mutex);
}

/* --- regions: there are no APCs, so they are only counted */

static void region(const struct gpup_service_limit *service, bool enter) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!os || !os->machine->running)
        return;
    if (!enter && !os->machine->running->regions)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    else
        os->machine->running->regions += enter ? 1u : (uint32_t)-1;
}

VOID DDI_CALL KeEnterCriticalRegion(void) {
    region(GPUP_SERVICE(KeEnterCriticalRegion), true);
}

VOID DDI_CALL KeLeaveCriticalRegion(void) {
    region(GPUP_SERVICE(KeLeaveCriticalRegion), false);
}

VOID DDI_CALL KeEnterGuardedRegion(void) {
    region(GPUP_SERVICE(KeEnterGuardedRegion), true);
}

VOID DDI_CALL KeLeaveGuardedRegion(void) {
    region(GPUP_SERVICE(KeLeaveGuardedRegion), false);
}

static BOOLEAN disabled(const struct gpup_service_limit *service) {
    struct gpup_os *os = gpup_os_enter(service);

    return os && os->machine->running &&
           (os->machine->running->regions || os->machine->running->irql >= APC_LEVEL);
}

BOOLEAN DDI_CALL KeAreApcsDisabled(void) {
    return disabled(GPUP_SERVICE(KeAreApcsDisabled));
}

BOOLEAN DDI_CALL KeAreAllApcsDisabled(void) {
    return disabled(GPUP_SERVICE(KeAreAllApcsDisabled));
}
