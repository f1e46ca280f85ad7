/* Threads, objects, work items. */
#include "trial.h"

struct work {
    KEVENT done;
    HANDLE thread;
    PVOID object, thread_object, id;
    PIO_WORKITEM item;
    WORK_QUEUE_ITEM old;
    uint32_t ran;
    ULONG_PTR low, high;
};

static VOID DDI_CALL body(PVOID context) {
    struct work *w = context;

    w->ran++;
    w->thread_object = KeGetCurrentThread();
    w->id = PsGetCurrentThreadId();
    PsTerminateSystemThread(STATUS_SUCCESS);
    w->ran += 100;
}
EFFECT(PsCreateSystemThread) {
    struct work *w = room;

    MUST(PsCreateSystemThread(&w->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, body, w) == STATUS_SUCCESS);
    MUST(ObReferenceObjectByHandle(w->thread, SYNCHRONIZE, *PsThreadType, KernelMode, &w->object, NULL) ==
         STATUS_SUCCESS);
    MUST(PsGetThreadId(w->object) != NULL);
    MUST(KeWaitForSingleObject(w->object, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
    MUST(PsGetThreadId(w->object) != NULL); /* though it is over */
    MUST(w->ran == 1 && w->thread_object == w->object && w->id != PsGetCurrentThreadId());
    MUST(ObDereferenceObject(w->object) == 1);
    MUST(ZwClose(w->thread) == STATUS_SUCCESS);
    return 0;
}
MISUSE(PsCreateSystemThread) { /* its handle stays open */
    struct work *w = room;

    return (uint64_t)PsCreateSystemThread(&w->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, body, w);
}
EFFECT(PsTerminateSystemThread) {
    return KeGetCurrentIrql() == PASSIVE_LEVEL ? PsCreateSystemThread_works(room)
                                               : (uint64_t)PsTerminateSystemThread(STATUS_SUCCESS);
}
MISUSE(PsTerminateSystemThread) { /* a thread of somebody else */
    return (uint64_t)PsTerminateSystemThread(STATUS_SUCCESS);
}
MISUSE(ZwClose) { /* twice */
    struct work *w = room;

    PsCreateSystemThread(&w->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, body, w);
    ZwClose(w->thread);
    return (uint64_t)ZwClose(w->thread);
}
EFFECT(ObfReferenceObject) {
    PVOID thread = IoGetCurrentProcess();

    MUST(ObfReferenceObject(thread) > 0);
    MUST(ObReferenceObjectByPointer(thread, 0, NULL, KernelMode) == STATUS_SUCCESS);
    ObDereferenceObject(thread);
    ObDereferenceObjectDeferDelete(thread);
    return 0;
}
MISUSE(ObfReferenceObject) { /* is never given back */
    struct work *w = room;

    PsCreateSystemThread(&w->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, body, w);
    ObReferenceObjectByHandle(w->thread, SYNCHRONIZE, NULL, KernelMode, &w->object, NULL);
    KeWaitForSingleObject(w->object, Executive, KernelMode, FALSE, NULL);
    ObReferenceObject(w->object);
    ObDereferenceObject(w->object);
    return (uint64_t)ZwClose(w->thread);
}
MISUSE(ObReferenceObjectByPointer) {
    return (uint64_t)ObReferenceObjectByPointer(NULL, 0, NULL, KernelMode);
}
MISUSE(ObDereferenceObjectDeferDelete) {
    ObDereferenceObjectDeferDelete(NULL);
    return 0;
}
EFFECT(KeGetCurrentThread) {
    MUST(KeGetCurrentThread() != NULL && KeGetCurrentThread() == KeGetCurrentThread());
    MUST(PsGetThreadId(KeGetCurrentThread()) == PsGetCurrentThreadId());
    MUST(IoGetCurrentProcess() != NULL && PsGetCurrentProcessId() == (HANDLE)4);
    return 0;
}
MISUSE(PsGetThreadId) {
    return (uint64_t)(uintptr_t)PsGetThreadId(NULL);
}
EFFECT(KeSetPriorityThread) {
    MUST(KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY) > 0);
    MUST(KeQueryPriorityThread(KeGetCurrentThread()) > 0);
    MUST(KeSetBasePriorityThread(KeGetCurrentThread(), 1) == 0);
    return 0;
}
MISUSE(KeQueryPriorityThread) {
    return (uint64_t)KeQueryPriorityThread(NULL);
}
MISUSE(KeSetBasePriorityThread) {
    return (uint64_t)KeSetBasePriorityThread(NULL, 1);
}
EFFECT(ExGetPreviousMode) {
    MUST(ExGetPreviousMode() == KernelMode);
    return 0;
}
EFFECT(PsIsSystemThread) {
    MUST(PsIsSystemThread(KeGetCurrentThread()));
    return 0;
}
MISUSE(PsIsSystemThread) {
    return PsIsSystemThread(NULL);
}
EFFECT(PsGetVersion) {
    ULONG major = 0, minor = 1, build = 0;
    RTL_OSVERSIONINFOW v;

    MUST(!PsGetVersion(&major, &minor, &build, NULL));
    MUST(major == 10 && minor == 0 && build == NtBuildNumber);
    v.dwOSVersionInfoSize = sizeof v;
    MUST(RtlGetVersion(&v) == STATUS_SUCCESS && v.dwMajorVersion == 10 && v.dwBuildNumber == build);
    MUST(IoIsWdmVersionAvailable(6, 0) && !IoIsWdmVersionAvailable(7, 0));
    MUST(RtlIsNtDdiVersionAvailable(0x0A000000) && !RtlIsNtDdiVersionAvailable(0x0B000000));
    return 0;
}
MISUSE(RtlIsNtDdiVersionAvailable) {
    return RtlIsNtDdiVersionAvailable(0x0A000001);
}
EFFECT(IoGetStackLimits) {
    struct work *w = room;

    IoGetStackLimits(&w->low, &w->high);
    MUST((uintptr_t)&w > w->low && (uintptr_t)&w < w->high && w->high - w->low == 24576);
    MUST(IoGetRemainingStackSize() > 0 && IoGetRemainingStackSize() < 24576);
    return 0;
}
MISUSE(IoGetStackLimits) {
    IoGetStackLimits(NULL, NULL);
    return 0;
}

/* --- work items */

static VOID DDI_CALL worker(PDEVICE_OBJECT device, PVOID context) {
    struct work *w = context;

    (void)device;
    w->ran += KeGetCurrentIrql() == PASSIVE_LEVEL;
    KeSetEvent(&w->done, 0, FALSE);
}
static VOID DDI_CALL worker_ex(PVOID object, PVOID context, PIO_WORKITEM item) {
    struct work *w = context;

    w->ran += w->item == item;
    worker(object, context);
}
static VOID DDI_CALL old_worker(PVOID context) {
    worker(NULL, context);
}
static void await(struct work *w) {
    if (KeGetCurrentIrql() == PASSIVE_LEVEL)
        KeWaitForSingleObject(&w->done, Executive, KernelMode, FALSE, NULL);
}

EFFECT(IoAllocateWorkItem) {
    struct work *w = room;

    w->item = IoAllocateWorkItem(room);
    MUST(w->item != NULL);
    IoFreeWorkItem(w->item);
    return 0;
}
MISUSE(IoAllocateWorkItem) {
    return (uint64_t)(uintptr_t)IoAllocateWorkItem(room);
}
MISUSE(IoFreeWorkItem) { /* twice */
    PIO_WORKITEM item = IoAllocateWorkItem(room);

    IoFreeWorkItem(item);
    IoFreeWorkItem(item);
    return 0;
}
EFFECT(IoQueueWorkItem) {
    struct work *w = room;

    KeInitializeEvent(&w->done, NotificationEvent, FALSE);
    w->item = IoAllocateWorkItem(room);
    IoQueueWorkItem(w->item, worker, DelayedWorkQueue, w);
    MUST(w->ran == 0);
    await(w);
    MUST(w->ran == (KeGetCurrentIrql() == PASSIVE_LEVEL));
    IoFreeWorkItem(w->item);
    return 0;
}
MISUSE(IoQueueWorkItem) { /* while it is queued */
    struct work *w = room;

    KeInitializeEvent(&w->done, NotificationEvent, FALSE);
    w->item = IoAllocateWorkItem(room);
    IoQueueWorkItem(w->item, worker, DelayedWorkQueue, w);
    IoQueueWorkItem(w->item, worker, DelayedWorkQueue, w);
    return 0;
}
EFFECT(IoQueueWorkItemEx) {
    struct work *w = room;

    KeInitializeEvent(&w->done, NotificationEvent, FALSE);
    w->item = IoAllocateWorkItem(room);
    IoQueueWorkItemEx(w->item, worker_ex, DelayedWorkQueue, w);
    await(w);
    MUST(w->ran == (KeGetCurrentIrql() == PASSIVE_LEVEL ? 2 : 0));
    IoFreeWorkItem(w->item);
    return 0;
}
MISUSE(IoQueueWorkItemEx) {
    IoQueueWorkItemEx(room, worker_ex, DelayedWorkQueue, room);
    return 0;
}
EFFECT(ExQueueWorkItem) {
    struct work *w = room;

    KeInitializeEvent(&w->done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&w->old, old_worker, w);
    ExQueueWorkItem(&w->old, DelayedWorkQueue);
    await(w);
    MUST(w->ran == (KeGetCurrentIrql() == PASSIVE_LEVEL));
    return 0;
}
EFFECT(IoInitializeWorkItem) {
    struct work *w = room;

    KeInitializeEvent(&w->done, NotificationEvent, FALSE);
    w->item = (PIO_WORKITEM)(void *)((uint8_t *)room + ROOM / 2);
    MUST(IoSizeofWorkItem() > 0 && IoSizeofWorkItem() < ROOM / 2);
    IoInitializeWorkItem(room, w->item);
    IoQueueWorkItem(w->item, worker, DelayedWorkQueue, w);
    await(w);
    MUST(w->ran == 1);
    IoUninitializeWorkItem(w->item);
    return 0;
}
MISUSE(IoInitializeWorkItem) { /* twice */
    IoInitializeWorkItem(room, room);
    IoInitializeWorkItem(room, room);
    return 0;
}
MISUSE(IoUninitializeWorkItem) {
    IoUninitializeWorkItem(room);
    return 0;
}

const struct trial thread_trials[] = {
    TRIAL(PsCreateSystemThread, LEAVES),
    TRIAL(PsTerminateSystemThread, STATE),
    LIMITED_WITH(ObReferenceObjectByHandle, PsCreateSystemThread),
    WITH(ZwClose, PsCreateSystemThread, OBJECT),
    TRIAL(ObfReferenceObject, LEAVES),
    LIMITED_WITH(ObfDereferenceObject, ObfReferenceObject),
    WITH(ObReferenceObjectByPointer, ObfReferenceObject, OBJECT),
    WITH(ObDereferenceObjectDeferDelete, ObfReferenceObject, OBJECT),
    SAFE(KeGetCurrentThread),
    SAFE_WITH(IoGetCurrentProcess, KeGetCurrentThread),
    SAFE_WITH(PsGetCurrentProcessId, KeGetCurrentThread),
    SAFE_WITH(PsGetCurrentThreadId, KeGetCurrentThread),
    WITH(PsGetThreadId, KeGetCurrentThread, OBJECT),
    LIMITED(KeSetPriorityThread),
    WITH(KeQueryPriorityThread, KeSetPriorityThread, OBJECT),
    WITH(KeSetBasePriorityThread, KeSetPriorityThread, OBJECT),
    LIMITED(ExGetPreviousMode),
    TRIAL(PsIsSystemThread, OBJECT),
    LIMITED(PsGetVersion),
    LIMITED_WITH(RtlGetVersion, PsGetVersion),
    LIMITED_WITH(IoIsWdmVersionAvailable, PsGetVersion),
    WITH(RtlIsNtDdiVersionAvailable, PsGetVersion, PARAMETER),
    TRIAL(IoGetStackLimits, FAULTS),
    SAFE_WITH(IoGetRemainingStackSize, IoGetStackLimits),
    TRIAL(IoAllocateWorkItem, LEAVES),
    WITH(IoFreeWorkItem, IoAllocateWorkItem, OBJECT),
    TRIAL(IoQueueWorkItem, STATE),
    TRIAL(IoQueueWorkItemEx, OBJECT),
    LIMITED(ExQueueWorkItem),
    SAFE_WITH(IoSizeofWorkItem, IoInitializeWorkItem),
    TRIAL(IoInitializeWorkItem, STATE),
    WITH(IoUninitializeWorkItem, IoInitializeWorkItem, OBJECT),
    {0},
};
