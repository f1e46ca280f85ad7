/*
 * Resources: one holder alone, or several that share.
 *
 * All of it is in the object's own bytes: Header.Owner has it alone, Depth times; Reserved0 counts the
 * shares, and a table says whose they are. SignalState wakes who waits, who then looks again.
 */
#include "locks.h"
#include "services.h"

#define HOLDERS 16u

struct shares { /* in Reserved */
    struct {
        uint16_t fiber, count; /* count 0: free */
    } holder[HOLDERS];
    uint16_t waiting_alone, waiting_shared;
};
_Static_assert(sizeof(struct shares) <= sizeof((ERESOURCE *)NULL)->Reserved, "room in the object");

static struct shares *shares_of(PERESOURCE resource) {
    return (struct shares *)resource->Reserved;
}

static uint16_t *share(PERESOURCE resource, uint16_t fiber, bool make) {
    struct shares *shares = shares_of(resource);
    uint16_t *free = NULL;

    for (unsigned i = 0; i < HOLDERS; i++) {
        if (shares->holder[i].count && shares->holder[i].fiber == fiber)
            return &shares->holder[i].count;
        if (!shares->holder[i].count && make && !free) {
            shares->holder[i].fiber = fiber;
            free = &shares->holder[i].count;
        }
    }
    return free;
}

static void initialize(PERESOURCE resource) {
    struct gpup_os *os = gpup_os_current();

    if (os)
        gpup_lock_forget(os, resource, 1);
    memset(resource, 0, sizeof *resource);
    gpup_dispatcher_init(&resource->Header, GPUP_DISPATCHER_RESOURCE, 0);
}

NTSTATUS DDI_CALL ExInitializeResourceLite(PERESOURCE Resource) {
    gpup_os_enter(GPUP_SERVICE(ExInitializeResourceLite));
    initialize(Resource);
    return STATUS_SUCCESS;
}

static void check_idle(const struct gpup_service_limit *service, const ERESOURCE *resource) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (!gpup_dispatcher_valid(&resource->Header) || resource->Header.Owner || resource->Reserved0))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
}

NTSTATUS DDI_CALL ExReinitializeResourceLite(PERESOURCE Resource) {
    check_idle(GPUP_SERVICE(ExReinitializeResourceLite), Resource);
    initialize(Resource);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ExDeleteResourceLite(PERESOURCE Resource) {
    struct gpup_os *os = gpup_os_current();

    check_idle(GPUP_SERVICE(ExDeleteResourceLite), Resource);
    if (os)
        gpup_lock_forget(os, Resource, 1);
    Resource->Header.Tag = 0;
    return STATUS_SUCCESS;
}

/* What an acquisition asks for. */
enum wish { ALONE, SHARED, SHARED_BEFORE_WAITERS, SHARED_AFTER_WAITERS };

static uint64_t self_of(const struct gpup_os *os) {
    return (uint64_t)os->machine->running->id + 1;
}

static bool available(const struct gpup_os *os, PERESOURCE resource, enum wish wish) {
    bool others_wait = shares_of(resource)->waiting_alone > 0;

    if (resource->Header.Owner == self_of(os))
        return true;
    if (resource->Header.Owner || (wish == ALONE && resource->Reserved0))
        return false;
    if (wish == SHARED)
        return !others_wait || share(resource, os->machine->running->id, false);
    return wish != SHARED_AFTER_WAITERS || !others_wait;
}

static void wait_for(struct gpup_os *os, PERESOURCE resource, enum wish wish) {
    struct shares *shares = shares_of(resource);
    uint16_t *waiting = wish == ALONE ? &shares->waiting_alone : &shares->waiting_shared;
    void *objects[1] = {resource};

    ++*waiting;
    resource->Header.SignalState = 0;
    gpup_os_wait(os, objects, 1, false, GPUP_NEVER);
    --*waiting;
}

static BOOLEAN acquire(const struct gpup_service_limit *service, PERESOURCE resource, BOOLEAN wait,
                       enum wish wish) {
    struct gpup_os *os =
        wait ? gpup_os_enter(service) : gpup_os_service_from(service->name, service->low, DISPATCH_LEVEL);
    unsigned how = (wish == ALONE ? GPUP_LOCK_ALONE : GPUP_LOCK_SHARED) | (wait ? 0 : GPUP_LOCK_TRY);
    uint16_t *count;

    if (!os || !os->machine->running)
        return FALSE;
    if (!gpup_dispatcher_valid(&resource->Header))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    gpup_lock_wanted(os, service->name, resource, how);
    while (!available(os, resource, wish)) {
        if (!wait)
            return FALSE;
        wait_for(os, resource, wish);
    }
    if (wish == ALONE || resource->Header.Owner == self_of(os)) {
        resource->Header.Owner = self_of(os);
        resource->Depth++;
    } else {
        count = share(resource, os->machine->running->id, true);
        if (count)
            ++*count;
        resource->Reserved0++;
    }
    os->machine->running->locks++;
    gpup_lock_taken(os->machine->running, resource, how);
    return TRUE;
}

BOOLEAN DDI_CALL ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait) {
    return acquire(GPUP_SERVICE(ExAcquireResourceExclusiveLite), Resource, Wait, ALONE);
}

BOOLEAN DDI_CALL ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait) {
    return acquire(GPUP_SERVICE(ExAcquireResourceSharedLite), Resource, Wait, SHARED);
}

BOOLEAN DDI_CALL ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait) {
    return acquire(GPUP_SERVICE(ExAcquireSharedStarveExclusive), Resource, Wait, SHARED_BEFORE_WAITERS);
}

BOOLEAN DDI_CALL ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait) {
    return acquire(GPUP_SERVICE(ExAcquireSharedWaitForExclusive), Resource, Wait, SHARED_AFTER_WAITERS);
}

/* Shares of holders for whom the table had no room. */
static uint32_t unnamed(PERESOURCE resource) {
    uint32_t named = 0;

    for (unsigned i = 0; i < HOLDERS; i++)
        named += shares_of(resource)->holder[i].count;
    return resource->Reserved0 - named;
}

/* false: that fiber holds nothing of it. */
static bool give(PERESOURCE resource, uint16_t fiber) {
    uint16_t *count = share(resource, fiber, false);

    if (resource->Header.Owner == (uint64_t)fiber + 1) {
        if (--resource->Depth == 0)
            resource->Header.Owner = 0;
        return true;
    }
    if (count)
        --*count;
    else if (!unnamed(resource))
        return false;
    resource->Reserved0--;
    return true;
}

static void release(const struct gpup_service_limit *service, PERESOURCE resource, struct gpup_fiber *fiber) {
    struct gpup_os *os = gpup_os_current();

    if (!os || !os->machine->running)
        return;
    if (!fiber || !give(resource, fiber->id)) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_LOCK, 0);
        return;
    }
    if (fiber->locks)
        fiber->locks--;
    gpup_lock_given(os, fiber, resource);
    resource->Header.SignalState = 1;
    gpup_os_wake(os);
}

VOID DDI_CALL ExReleaseResourceLite(PERESOURCE Resource) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExReleaseResourceLite);
    struct gpup_os *os = gpup_os_enter(service);

    release(service, Resource, os ? os->machine->running : NULL);
}

/* A thread is what KeGetCurrentThread() says. */
VOID DDI_CALL ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExReleaseResourceForThreadLite);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_fiber *fiber = os ? os->machine->fibers : NULL;

    while (fiber && (ERESOURCE_THREAD)fiber != ResourceThreadId &&
           (!fiber->thread || (ERESOURCE_THREAD)fiber->thread != ResourceThreadId))
        fiber = fiber->next;
    release(service, Resource, fiber);
}

VOID DDI_CALL ExConvertExclusiveToSharedLite(PERESOURCE Resource) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExConvertExclusiveToSharedLite);
    struct gpup_os *os = gpup_os_enter(service);
    uint16_t *count;

    if (!os || !os->machine->running)
        return;
    if (Resource->Header.Owner != self_of(os)) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_LOCK, 0);
        return;
    }
    count = share(Resource, os->machine->running->id, true);
    if (count)
        *count = (uint16_t)Resource->Depth;
    Resource->Reserved0 = (ULONG)Resource->Depth;
    Resource->Depth = 0;
    gpup_lock_becomes(os->machine->running, Resource, GPUP_LOCK_SHARED);
    Resource->Header.Owner = 0;
    Resource->Header.SignalState = 1;
    gpup_os_wake(os);
}

BOOLEAN DDI_CALL ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ExIsResourceAcquiredExclusiveLite));

    return os && os->machine->running && Resource->Header.Owner == self_of(os);
}

ULONG DDI_CALL ExIsResourceAcquiredSharedLite(PERESOURCE Resource) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ExIsResourceAcquiredSharedLite));
    const uint16_t *count;

    if (!os || !os->machine->running)
        return 0;
    if (Resource->Header.Owner == self_of(os))
        return (ULONG)Resource->Depth;
    count = share(Resource, os->machine->running->id, false);
    return count ? *count : 0;
}

ULONG DDI_CALL ExGetExclusiveWaiterCount(PERESOURCE Resource) {
    gpup_os_enter(GPUP_SERVICE(ExGetExclusiveWaiterCount));
    return shares_of(Resource)->waiting_alone;
}

ULONG DDI_CALL ExGetSharedWaiterCount(PERESOURCE Resource) {
    gpup_os_enter(GPUP_SERVICE(ExGetSharedWaiterCount));
    return shares_of(Resource)->waiting_shared;
}

/* --- with a critical region around it */

static PVOID enter_region(const struct gpup_service_limit *service, PERESOURCE resource, enum wish wish) {
    struct gpup_os *os = gpup_os_current();

    if (os && os->machine->running)
        os->machine->running->regions++;
    acquire(service, resource, TRUE, wish);
    return resource;
}

PVOID DDI_CALL ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource) {
    return enter_region(GPUP_SERVICE(ExEnterCriticalRegionAndAcquireResourceExclusive), Resource, ALONE);
}

PVOID DDI_CALL ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource) {
    return enter_region(GPUP_SERVICE(ExEnterCriticalRegionAndAcquireResourceShared), Resource, SHARED);
}

VOID DDI_CALL ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExReleaseResourceAndLeaveCriticalRegion);
    struct gpup_os *os = gpup_os_enter(service);

    if (!os || !os->machine->running)
        return;
    release(service, Resource, os->machine->running);
    if (os->machine->running->regions)
        os->machine->running->regions--;
    else
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
}
