/* Events, semaphores, mutexes, and waiting. A zero time-out looks and does not wait, at DISPATCH_LEVEL as
 * well. */
#include "trial.h"

struct objects {
    KEVENT event, other;
    KSEMAPHORE semaphore;
    KMUTEX mutex;
    KTIMER timer;
    PVOID list[MAXIMUM_WAIT_OBJECTS];
    HANDLE thread;
    PVOID object;
    uint32_t woken;
};
static LARGE_INTEGER now;

static NTSTATUS look(PVOID object) {
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &now);
}

EFFECT(KeInitializeEvent) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, TRUE);
    MUST(o->event.Header.SignalState == 1);
    KeInitializeEvent(&o->event, SynchronizationEvent, FALSE);
    MUST(o->event.Header.SignalState == 0);
    return 0;
}
MISUSE(KeInitializeEvent) {
    KeInitializeEvent(NULL, NotificationEvent, FALSE);
    return 0;
}
EFFECT(KeSetEvent) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, SynchronizationEvent, FALSE);
    MUST(look(&o->event) == STATUS_TIMEOUT);
    MUST(KeSetEvent(&o->event, 0, FALSE) == 0);
    MUST(KeSetEvent(&o->event, 0, FALSE) == 1);
    MUST(look(&o->event) == STATUS_SUCCESS);
    MUST(look(&o->event) == STATUS_TIMEOUT);
    return 0;
}
MISUSE(KeSetEvent) {
    struct objects *o = room;

    return (uint64_t)KeSetEvent(&o->event, 0, FALSE);
}
EFFECT(KeResetEvent) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, TRUE);
    MUST(KeResetEvent(&o->event) == 1);
    MUST(KeResetEvent(&o->event) == 0);
    MUST(look(&o->event) == STATUS_TIMEOUT);
    return 0;
}
MISUSE(KeResetEvent) { /* a copy of one */
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, TRUE);
    o->other = o->event;
    return (uint64_t)KeResetEvent(&o->other);
}
EFFECT(KeClearEvent) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, TRUE);
    KeClearEvent(&o->event);
    MUST(look(&o->event) == STATUS_TIMEOUT);
    return 0;
}
MISUSE(KeClearEvent) {
    struct objects *o = room;

    KeClearEvent(&o->event);
    return 0;
}
EFFECT(KeReadStateEvent) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, TRUE);
    MUST(KeReadStateEvent(&o->event) == 1);
    KeClearEvent(&o->event);
    MUST(KeReadStateEvent(&o->event) == 0);
    return 0;
}
MISUSE(KeReadStateEvent) {
    struct objects *o = room;

    return (uint64_t)KeReadStateEvent(&o->event);
}
EFFECT(KePulseEvent) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, FALSE);
    MUST(KePulseEvent(&o->event, 0, FALSE) == 0);
    MUST(look(&o->event) == STATUS_TIMEOUT);
    return 0;
}

/* --- semaphores */

EFFECT(KeInitializeSemaphore) {
    struct objects *o = room;

    KeInitializeSemaphore(&o->semaphore, 1, 3);
    MUST(KeReadStateSemaphore(&o->semaphore) == 1);
    return 0;
}
MISUSE(KeInitializeSemaphore) {
    struct objects *o = room;

    KeInitializeSemaphore(&o->semaphore, 4, 3);
    return 0;
}
EFFECT(KeReleaseSemaphore) {
    struct objects *o = room;

    KeInitializeSemaphore(&o->semaphore, 0, 3);
    MUST(look(&o->semaphore) == STATUS_TIMEOUT);
    MUST(KeReleaseSemaphore(&o->semaphore, 0, 2, FALSE) == 0);
    MUST(look(&o->semaphore) == STATUS_SUCCESS && KeReadStateSemaphore(&o->semaphore) == 1);
    return 0;
}
MISUSE(KeReleaseSemaphore) { /* beyond the limit */
    struct objects *o = room;

    KeInitializeSemaphore(&o->semaphore, 3, 3);
    return (uint64_t)KeReleaseSemaphore(&o->semaphore, 0, 1, FALSE);
}
MISUSE(KeReadStateSemaphore) {
    struct objects *o = room;

    return (uint64_t)KeReadStateSemaphore(&o->semaphore);
}

/* --- mutexes */

EFFECT(KeInitializeMutex) {
    struct objects *o = room;

    KeInitializeMutex(&o->mutex, 0);
    MUST(o->mutex.Header.SignalState == 1);
    return 0;
}
MISUSE(KeInitializeMutex) {
    KeInitializeMutex(NULL, 0);
    return 0;
}
EFFECT(KeReleaseMutex) {
    struct objects *o = room;

    KeInitializeMutex(&o->mutex, 0);
    MUST(look(&o->mutex) == STATUS_SUCCESS && look(&o->mutex) == STATUS_SUCCESS); /* twice by the owner */
    MUST(KeReadStateMutex(&o->mutex) == -1);
    MUST(KeReleaseMutex(&o->mutex, FALSE) == -1);
    MUST(KeReleaseMutex(&o->mutex, FALSE) == 0);
    MUST(KeReadStateMutex(&o->mutex) == 1);
    return 0;
}
MISUSE(KeReleaseMutex) {
    struct objects *o = room;

    KeInitializeMutex(&o->mutex, 0);
    return (uint64_t)KeReleaseMutex(&o->mutex, FALSE);
}
MISUSE(KeReadStateMutex) {
    struct objects *o = room;

    return (uint64_t)KeReadStateMutex(&o->mutex);
}

/* --- waiting */

static VOID DDI_CALL setter(PVOID context) {
    struct objects *o = context;
    LARGE_INTEGER pause = {.QuadPart = -10000};

    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    o->woken = 1;
    KeSetEvent(&o->event, 0, FALSE);
}
static void finish(struct objects *o) {
    ObReferenceObjectByHandle(o->thread, SYNCHRONIZE, *PsThreadType, KernelMode, &o->object, NULL);
    KeWaitForSingleObject(o->object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(o->object);
    ZwClose(o->thread);
}
EFFECT(KeWaitForSingleObject) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, FALSE);
    MUST(look(&o->event) == STATUS_TIMEOUT);
    if (KeGetCurrentIrql() > PASSIVE_LEVEL)
        return 0;
    MUST(NT_SUCCESS(PsCreateSystemThread(&o->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, setter, o)));
    MUST(KeWaitForSingleObject(&o->event, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
    MUST(o->woken);
    finish(o);
    return 0;
}
MISUSE(KeWaitForSingleObject) { /* with time, at DISPATCH_LEVEL */
    struct objects *o = room;
    LARGE_INTEGER some = {.QuadPart = -10};

    KeInitializeEvent(&o->event, NotificationEvent, FALSE);
    KeRaiseIrqlToDpcLevel();
    return (uint64_t)KeWaitForSingleObject(&o->event, Executive, KernelMode, FALSE, &some);
}
EFFECT(KeWaitForMultipleObjects) {
    struct objects *o = room;

    KeInitializeEvent(&o->event, SynchronizationEvent, TRUE);
    KeInitializeEvent(&o->other, NotificationEvent, FALSE);
    o->list[0] = &o->other;
    o->list[1] = &o->event;
    MUST(KeWaitForMultipleObjects(2, o->list, WaitAll, Executive, KernelMode, FALSE, &now, NULL) ==
         STATUS_TIMEOUT);
    MUST(KeWaitForMultipleObjects(2, o->list, WaitAny, Executive, KernelMode, FALSE, &now, NULL) ==
         STATUS_WAIT_0 + 1);
    MUST(KeReadStateEvent(&o->event) == 0);
    return 0;
}
MISUSE(KeWaitForMultipleObjects) { /* more than fit without wait blocks */
    struct objects *o = room;

    KeInitializeEvent(&o->event, NotificationEvent, TRUE);
    for (int i = 0; i < 4; i++)
        o->list[i] = &o->event;
    return (uint64_t)KeWaitForMultipleObjects(4, o->list, WaitAny, Executive, KernelMode, FALSE, &now, NULL);
}
EFFECT(KeDelayExecutionThread) {
    LARGE_INTEGER pause = {.QuadPart = -50000};
    ULONGLONG before = KeQueryInterruptTime();

    MUST(KeDelayExecutionThread(KernelMode, FALSE, &pause) == STATUS_SUCCESS);
    MUST(KeQueryInterruptTime() - before >= 50000);
    return 0;
}

const struct trial wait_trials[] = {
    TRIAL(KeInitializeEvent, FAULTS),
    TRIAL(KeSetEvent, OBJECT),
    TRIAL(KeResetEvent, OBJECT),
    TRIAL(KeClearEvent, OBJECT),
    TRIAL(KeReadStateEvent, OBJECT),
    LIMITED(KePulseEvent),
    TRIAL(KeInitializeSemaphore, PARAMETER),
    TRIAL(KeReleaseSemaphore, STOPS),
    WITH(KeReadStateSemaphore, KeInitializeSemaphore, OBJECT),
    TRIAL(KeInitializeMutex, FAULTS),
    TRIAL(KeReleaseMutex, LOCK),
    WITH(KeReadStateMutex, KeReleaseMutex, OBJECT),
    TRIAL(KeWaitForSingleObject, RAISED),
    TRIAL(KeWaitForMultipleObjects, PARAMETER),
    LIMITED(KeDelayExecutionThread),
    {0},
};
