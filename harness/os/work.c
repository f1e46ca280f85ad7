/* Work items: each runs as a fiber of its own at PASSIVE_LEVEL. */
#include "callers.h"
#include "services.h"

struct gpup_work_item {
    struct gpup_work_item *next;
    uint64_t object;
    PDEVICE_OBJECT device;
    bool queued;
    struct gpup_callers made;
};

PIO_WORKITEM DDI_CALL IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(IoAllocateWorkItem));
    struct gpup_work_item *work;

    if (!os || gpup_os_fails(os))
        return NULL;
    work = os->machine->free_works;
    if (work)
        os->machine->free_works = work->next;
    else
        work = gpup_os_alloc(os, sizeof *work);
    if (!work)
        return NULL;
    *work = (struct gpup_work_item){os->machine->works, gpup_os_object(os), DeviceObject, false, {0}};
    gpup_callers_here(os, &work->made);
    os->machine->works = work;
    return (PIO_WORKITEM)(void *)work;
}

static struct gpup_work_item **find(struct gpup_os *os, PIO_WORKITEM item) {
    struct gpup_work_item **link = &os->machine->works;

    while (*link && *link != (struct gpup_work_item *)(void *)item)
        link = &(*link)->next;
    return link;
}

VOID DDI_CALL IoFreeWorkItem(PIO_WORKITEM IoWorkItem) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(IoFreeWorkItem));
    struct gpup_work_item **link, *work;

    if (!os)
        return;
    link = find(os, IoWorkItem);
    work = *link;
    if (!work || work->queued) {
        gpup_os_misuse(os, "IoFreeWorkItem", work ? GPUP_MISUSE_STATE : GPUP_MISUSE_OBJECT,
                       work ? work->object : 0);
        return;
    }
    *link = work->next;
    work->next = os->machine->free_works;
    os->machine->free_works = work;
}

static void queue(const struct gpup_service_limit *service, PIO_WORKITEM item, void *routine, PVOID context,
                  bool extended) {
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_start start = {.routine = GPUP_ROUTINE_WORK, .function = routine};
    struct gpup_work_item *work;

    if (!os)
        return;
    work = *find(os, item);
    if (!work || work->queued) { /* queueing twice corrupts the system's list */
        gpup_os_misuse(os, service->name, work ? GPUP_MISUSE_STATE : GPUP_MISUSE_OBJECT,
                       work ? work->object : 0);
        return;
    }
    start.args[0] = (uint64_t)(uintptr_t)work->device;
    start.args[1] = (uint64_t)(uintptr_t)context;
    start.args[2] = extended ? (uint64_t)(uintptr_t)item : 0;
    start.begin = gpup_work_begins;
    start.done_context = work;
    if (!gpup_os_start(os, &start))
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
    work->queued = true;
}

/* From the moment the routine starts, the item may be queued again or freed. */
void gpup_work_begins(struct gpup_os *os, struct gpup_fiber *fiber) {
    struct gpup_work_item *work = fiber->done_context;

    (void)os;
    if (work)
        work->queued = false;
}

VOID DDI_CALL IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                              WORK_QUEUE_TYPE QueueType, PVOID Context) {
    (void)QueueType;
    queue(GPUP_SERVICE(IoQueueWorkItem), IoWorkItem, (void *)WorkerRoutine, Context, false);
}

VOID DDI_CALL IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                WORK_QUEUE_TYPE QueueType, PVOID Context) {
    (void)QueueType;
    queue(GPUP_SERVICE(IoQueueWorkItemEx), IoWorkItem, (void *)WorkerRoutine, Context, true);
}

VOID DDI_CALL ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(ExQueueWorkItem));
    struct gpup_start start = {.routine = GPUP_ROUTINE_WORK,
                               .function = (void *)WorkItem->WorkerRoutine,
                               .args = {(uint64_t)(uintptr_t)WorkItem->Parameter}};

    (void)QueueType;
    if (os && !gpup_os_start(os, &start))
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
}

void gpup_work_left(struct gpup_os *os) {
    for (const struct gpup_work_item *work = os->machine->works; work; work = work->next)
        gpup_os_left(os, GPUP_OBJECT_WORK_ITEM, work->object, 0, 0, &work->made);
}

/* --- in the driver's own memory: the same structure there, in the host's list while it is initialised */

ULONG DDI_CALL IoSizeofWorkItem(void) {
    gpup_os_enter(GPUP_SERVICE(IoSizeofWorkItem));
    return sizeof(struct gpup_work_item);
}

VOID DDI_CALL IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoInitializeWorkItem);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_work_item *work = (struct gpup_work_item *)(void *)IoWorkItem;

    if (!os)
        return;
    if (*find(os, IoWorkItem)) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, work->object);
        return;
    }
    *work = (struct gpup_work_item){os->machine->works, gpup_os_object(os), IoObject, false, {0}};
    gpup_callers_here(os, &work->made);
    os->machine->works = work;
}

VOID DDI_CALL IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoUninitializeWorkItem);
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_work_item **link = os ? find(os, IoWorkItem) : NULL;
    struct gpup_work_item *work = link ? *link : NULL;

    if (os && (!work || work->queued))
        gpup_os_misuse(os, service->name, work ? GPUP_MISUSE_STATE : GPUP_MISUSE_OBJECT, 0);
    else if (work)
        *link = work->next;
}
