/* Fast and guarded mutexes, resources, and regions without APCs. */
#include "kernel.h"

static void lock_mutex(struct gpup_os *os, const char *name, PFAST_MUTEX mutex) {
    void *event[1] = {&mutex->Event};

    if (!os || !os->running)
        return;
    if (!gpup_dispatcher_valid(&mutex->Event.Header))
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
    if (mutex->Owner == os->running) {
        gpup_os_misuse(os, name, GPUP_MISUSE_LOCK, 0);
        gpup_os_hang(os, GPUP_HANG_WAIT, 0);
    }
    while (mutex->Owner)
        gpup_os_wait(os, event, 1, false, GPUP_NEVER);
    mutex->Owner = os->running;
    mutex->Count = 0;
    os->running->locks++;
}

static void unlock_mutex(struct gpup_os *os, const char *name, PFAST_MUTEX mutex) {
    if (!os || !os->running)
        return;
    if (mutex->Owner != os->running)
        gpup_os_misuse(os, name, GPUP_MISUSE_LOCK, 0);
    else
        os->running->locks--;
    mutex->Owner = NULL;
    mutex->Count = 1;
    mutex->Event.Header.SignalState = 1;
    gpup_os_wake(os);
}

VOID DDI_CALL ExInitializeFastMutex(PFAST_MUTEX FastMutex) {
    gpup_os_service("ExInitializeFastMutex", DISPATCH_LEVEL);
    memset(FastMutex, 0, sizeof *FastMutex);
    FastMutex->Count = 1;
    gpup_dispatcher_init(&FastMutex->Event.Header, GPUP_DISPATCHER_SYNC_EVENT, 0);
}

VOID DDI_CALL ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
    struct gpup_os *os = gpup_os_service("ExAcquireFastMutex", APC_LEVEL);

    lock_mutex(os, "ExAcquireFastMutex", FastMutex);
    if (os) {
        FastMutex->OldIrql = gpup_os_irql(os);
        gpup_os_set_irql(os, APC_LEVEL);
    }
}

BOOLEAN DDI_CALL ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
    if (FastMutex->Owner) {
        gpup_os_service("ExTryToAcquireFastMutex", APC_LEVEL);
        return FALSE;
    }
    ExAcquireFastMutex(FastMutex);
    return TRUE;
}

VOID DDI_CALL ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
    struct gpup_os *os = gpup_os_service_from("ExReleaseFastMutex", APC_LEVEL, APC_LEVEL);
    KIRQL irql = (KIRQL)FastMutex->OldIrql;

    unlock_mutex(os, "ExReleaseFastMutex", FastMutex);
    if (os)
        gpup_os_set_irql(os, irql);
}

VOID DDI_CALL ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) {
    lock_mutex(gpup_os_service("ExAcquireFastMutexUnsafe", APC_LEVEL), "ExAcquireFastMutexUnsafe", FastMutex);
}

VOID DDI_CALL ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) {
    unlock_mutex(gpup_os_service("ExReleaseFastMutexUnsafe", APC_LEVEL), "ExReleaseFastMutexUnsafe",
                 FastMutex);
}

VOID DDI_CALL KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex) {
    ExInitializeFastMutex(Mutex);
}

VOID DDI_CALL KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
    lock_mutex(gpup_os_service("KeAcquireGuardedMutex", APC_LEVEL), "KeAcquireGuardedMutex", Mutex);
}

VOID DDI_CALL KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex) {
    unlock_mutex(gpup_os_service("KeReleaseGuardedMutex", APC_LEVEL), "KeReleaseGuardedMutex", Mutex);
}

/* --- resources: Owner is the exclusive holder, Reserved0 counts shared ones, SignalState wakes waiters */

NTSTATUS DDI_CALL ExInitializeResourceLite(PERESOURCE Resource) {
    gpup_os_service("ExInitializeResourceLite", DISPATCH_LEVEL);
    memset(Resource, 0, sizeof *Resource);
    gpup_dispatcher_init(&Resource->Header, GPUP_DISPATCHER_RESOURCE, 0);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ExDeleteResourceLite(PERESOURCE Resource) {
    struct gpup_os *os = gpup_os_service("ExDeleteResourceLite", DISPATCH_LEVEL);

    if (os && (!gpup_dispatcher_valid(&Resource->Header) || Resource->Header.Owner || Resource->Reserved0))
        gpup_os_misuse(os, "ExDeleteResourceLite", GPUP_MISUSE_OBJECT, 0);
    Resource->Header.Tag = 0;
    return STATUS_SUCCESS;
}

static BOOLEAN acquire(const char *name, PERESOURCE resource, BOOLEAN wait, bool exclusive) {
    struct gpup_os *os = gpup_os_service(name, wait ? APC_LEVEL : DISPATCH_LEVEL);
    void *objects[1] = {resource};
    uint64_t self;

    if (!os || !os->running)
        return FALSE;
    self = (uint64_t)os->running->id + 1;
    if (!gpup_dispatcher_valid(&resource->Header))
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
    while (resource->Header.Owner != self && (resource->Header.Owner || (exclusive && resource->Reserved0))) {
        if (!wait)
            return FALSE;
        resource->Header.SignalState = 0;
        gpup_os_wait(os, objects, 1, false, GPUP_NEVER);
    }
    if (exclusive || resource->Header.Owner == self) {
        resource->Header.Owner = self;
        resource->Depth++;
    } else
        resource->Reserved0++;
    os->running->locks++;
    return TRUE;
}

BOOLEAN DDI_CALL ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait) {
    return acquire("ExAcquireResourceExclusiveLite", Resource, Wait, true);
}

BOOLEAN DDI_CALL ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait) {
    return acquire("ExAcquireResourceSharedLite", Resource, Wait, false);
}

VOID DDI_CALL ExReleaseResourceLite(PERESOURCE Resource) {
    static const char name[] = "ExReleaseResourceLite";
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);

    if (!os || !os->running)
        return;
    if (Resource->Header.Owner == (uint64_t)os->running->id + 1) {
        if (--Resource->Depth == 0)
            Resource->Header.Owner = 0;
    } else if (!Resource->Header.Owner && Resource->Reserved0)
        Resource->Reserved0--;
    else {
        gpup_os_misuse(os, name, GPUP_MISUSE_LOCK, 0);
        return;
    }
    if (os->running->locks)
        os->running->locks--;
    Resource->Header.SignalState = 1;
    gpup_os_wake(os);
}

static void region(const char *name, bool enter) {
    struct gpup_os *os = gpup_os_service(name, APC_LEVEL);

    if (!os || !os->running)
        return;
    if (!enter && !os->running->regions)
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE, 0);
    else
        os->running->regions += enter ? 1u : (uint32_t)-1;
}

VOID DDI_CALL KeEnterCriticalRegion(void) {
    region("KeEnterCriticalRegion", true);
}

VOID DDI_CALL KeLeaveCriticalRegion(void) {
    region("KeLeaveCriticalRegion", false);
}

VOID DDI_CALL KeEnterGuardedRegion(void) {
    region("KeEnterGuardedRegion", true);
}

VOID DDI_CALL KeLeaveGuardedRegion(void) {
    region("KeLeaveGuardedRegion", false);
}
