/* Waiting: dispatcher objects hold their own state; who waits is known to the fibers alone, so an object may
 * live in any driver memory and be restored with it. */
#include "locks.h"
#include "services.h"

#define TAG 0x4750555044495350u

void gpup_dispatcher_init(DISPATCHER_HEADER *header, enum gpup_dispatcher type, LONG state) {
    memset(header, 0, sizeof *header);
    header->Type = (UCHAR)type;
    header->SignalState = state;
    header->Tag = (uint64_t)(uintptr_t)header ^ TAG;
}

bool gpup_dispatcher_valid(const DISPATCHER_HEADER *header) {
    return header->Tag == ((uint64_t)(uintptr_t)header ^ TAG) && header->Type >= GPUP_DISPATCHER_EVENT &&
           header->Type <= GPUP_DISPATCHER_RESOURCE;
}

static bool signalled(const DISPATCHER_HEADER *header, const struct gpup_fiber *fiber) {
    return header->SignalState > 0 ||
           (header->Type == GPUP_DISPATCHER_MUTEX && header->Owner == (uint64_t)fiber->id + 1);
}

static void consume(DISPATCHER_HEADER *header, struct gpup_fiber *fiber) {
    switch (header->Type) {
    case GPUP_DISPATCHER_SYNC_EVENT:
        gpup_lock_taken(fiber, header, GPUP_LOCK_GATE);
        header->SignalState = 0;
        break;
    case GPUP_DISPATCHER_SYNC_TIMER:
        header->SignalState = 0;
        break;
    case GPUP_DISPATCHER_SEMAPHORE:
        gpup_lock_taken(fiber, header, GPUP_LOCK_GATE);
        header->SignalState--;
        break;
    case GPUP_DISPATCHER_MUTEX:
        if (header->Owner != (uint64_t)fiber->id + 1) {
            fiber->locks++;
            gpup_lock_taken(fiber, header, GPUP_LOCK_ALONE);
        }
        header->SignalState--;
        header->Owner = (uint64_t)fiber->id + 1;
        break;
    default:
        break;
    }
}

/* true: the wait is over, its objects are taken and its status is set. */
static bool satisfy(struct gpup_fiber *fiber) {
    uint32_t count = 0;

    for (uint32_t i = 0; i < fiber->object_count; i++) {
        if (!signalled(fiber->objects[i], fiber))
            continue;
        count++;
        if (fiber->wait_all)
            continue;
        consume(fiber->objects[i], fiber);
        fiber->wait_status = STATUS_WAIT_0 + (NTSTATUS)i;
        return true;
    }
    if (!fiber->wait_all || !count || count != fiber->object_count)
        return false;
    for (uint32_t i = 0; i < fiber->object_count; i++)
        consume(fiber->objects[i], fiber);
    fiber->wait_status = STATUS_SUCCESS;
    return true;
}

static bool may_go_on(const struct gpup_os *os, struct gpup_fiber *fiber) {
    if (fiber->spin)
        return !*fiber->spin;
    if (fiber->flush)
        return !os->machine->dpc_count && !os->machine->dpc_active;
    return satisfy(fiber);
}

static struct gpup_fiber *next_waiter(const struct gpup_os *os, uint64_t after) {
    struct gpup_fiber *best = NULL;

    for (struct gpup_fiber *f = os->machine->fibers; f; f = f->next)
        if (f->state == GPUP_FIBER_WAITING && f->order > after && (!best || f->order < best->order))
            best = f;
    return best;
}

void gpup_os_wake(struct gpup_os *os) {
    uint64_t after = 0;

    for (struct gpup_fiber *f; (f = next_waiter(os, after)); after = f->order)
        if (may_go_on(os, f))
            gpup_os_make_ready(os, f);
}

#define COST_OF_A_LOOK 1000u /* ns, so that what a polling loop looks for can come */

static void count_wait(struct gpup_os *os) {
    uint64_t limit = os->config.budgets.waits ? os->config.budgets.waits : 100000;

    if (++os->machine->used.waits > limit)
        gpup_os_hang(os, GPUP_HANG_WAIT, os->machine->used.waits);
}

static void block(struct gpup_os *os, uint64_t deadline) {
    struct gpup_fiber *fiber = os->machine->running;

    fiber->deadline = deadline;
    fiber->order = ++os->machine->orders;
    fiber->state = GPUP_FIBER_WAITING;
    gpup_fiber_leave(os);
    fiber->objects = NULL;
    fiber->object_count = 0;
    fiber->spin = NULL;
    fiber->flush = false;
}

NTSTATUS gpup_os_wait(struct gpup_os *os, void *const *objects, uint32_t count, bool all, uint64_t deadline) {
    struct gpup_fiber *fiber = os->machine->running;

    fiber->objects = objects;
    fiber->object_count = count;
    fiber->wait_all = all;
    count_wait(os);
    if (count && satisfy(fiber)) {
        fiber->object_count = 0;
        return fiber->wait_status;
    }
    if (deadline <= os->machine->now) {
        fiber->object_count = 0;
        gpup_os_pass(os, COST_OF_A_LOOK);
        return STATUS_TIMEOUT;
    }
    block(os, deadline);
    return fiber->wait_status;
}

bool gpup_os_spin(struct gpup_os *os, const volatile ULONG_PTR *lock) {
    while (*lock) {
        os->machine->running->spin = lock;
        os->machine->running->object_count = 0;
        count_wait(os);
        block(os, GPUP_NEVER);
    }
    return true;
}

VOID DDI_CALL KeFlushQueuedDpcs(void) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeFlushQueuedDpcs));

    if (!os || !os->machine->running || (!os->machine->dpc_count && !os->machine->dpc_active))
        return;
    os->machine->running->flush = true;
    count_wait(os);
    block(os, GPUP_NEVER);
}

/* Relative times are negative, in 100 ns; absolute ones count from 1601. */
uint64_t gpup_os_due(const struct gpup_os *os, LONGLONG due) {
    uint64_t then = (uint64_t)due - GPUP_SYSTEM_TIME;

    if (due <= 0)
        return (uint64_t)-due > (GPUP_NEVER - 1 - os->machine->now) / 100
                   ? GPUP_NEVER - 1
                   : os->machine->now + (uint64_t)-due * 100;
    if ((uint64_t)due < GPUP_SYSTEM_TIME)
        return os->machine->now;
    return then > (GPUP_NEVER - 1) / 100 ? GPUP_NEVER - 1 : then * 100;
}

static void check_objects(struct gpup_os *os, const char *name, void *const *objects, ULONG count) {
    for (ULONG i = 0; i < count; i++)
        if (!gpup_dispatcher_valid(objects[i]))
            gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, i);
}

/* Mutexes are locks; one of several, or for a time only, is not waited for until it is free. */
static void want(struct gpup_os *os, const char *name, void *const *objects, ULONG count, bool for_all) {
    for (ULONG i = 0; i < count; i++)
        if (((const DISPATCHER_HEADER *)objects[i])->Type == GPUP_DISPATCHER_MUTEX)
            gpup_lock_wanted(os, name, objects[i], for_all ? GPUP_LOCK_ALONE : GPUP_LOCK_TRY);
}

static NTSTATUS wait_for(const struct gpup_service_limit *service, void *const *objects, ULONG count,
                         bool all, const LARGE_INTEGER *timeout) {
    bool looks = timeout && !timeout->QuadPart; /* does not block */
    struct gpup_os *os = gpup_os_service(service->name, looks ? service->high : APC_LEVEL);

    if (!os || !os->machine->running)
        return STATUS_UNSUCCESSFUL;
    check_objects(os, service->name, objects, count);
    want(os, service->name, objects, count, (all || count == 1) && !timeout);
    return gpup_os_wait(os, objects, count, all, timeout ? gpup_os_due(os, timeout->QuadPart) : GPUP_NEVER);
}

NTSTATUS DDI_CALL KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout) {
    void *objects[1] = {Object};

    (void)WaitReason;
    (void)WaitMode;
    (void)Alertable;
    return wait_for(GPUP_SERVICE(KeWaitForSingleObject), objects, 1, false, Timeout);
}

NTSTATUS DDI_CALL KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                           KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                           BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                           PKWAIT_BLOCK WaitBlockArray) {
    const struct gpup_service_limit *service = GPUP_SERVICE(KeWaitForMultipleObjects);
    void *objects[MAXIMUM_WAIT_OBJECTS];
    struct gpup_os *os = gpup_os_current();

    (void)WaitReason;
    (void)WaitMode;
    (void)Alertable;
    if (!Count || Count > (WaitBlockArray ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS)) {
        if (os)
            gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, Count);
        if (!Count || Count > MAXIMUM_WAIT_OBJECTS)
            return STATUS_INVALID_PARAMETER_1;
    }
    memcpy(objects, Object, Count * sizeof *objects);
    return wait_for(service, objects, Count, WaitType == WaitAll, Timeout);
}

NTSTATUS DDI_CALL KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                         PLARGE_INTEGER Interval) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeDelayExecutionThread));

    (void)WaitMode;
    (void)Alertable;
    if (!os || !os->machine->running)
        return STATUS_UNSUCCESSFUL;
    gpup_os_wait(os, NULL, 0, false, gpup_os_due(os, Interval->QuadPart));
    return STATUS_SUCCESS;
}

void gpup_os_forget(struct gpup_os *os, const void *start, size_t size, const char *service) {
    uintptr_t from = (uintptr_t)start;

    gpup_lock_forget(os, start, size);
    gpup_timer_forget(os, start, size, service);
    for (struct gpup_fiber *f = os->machine->fibers; f; f = f->next) {
        if (f->state != GPUP_FIBER_WAITING)
            continue;
        if ((uintptr_t)f->spin - from < size) {
            gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, f->id);
            f->spin = NULL;
        }
        for (uint32_t i = 0; i < f->object_count; i++)
            if ((uintptr_t)f->objects[i] - from < size) {
                gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, f->id);
                f->object_count = 0;
            }
    }
}
