/* Events, semaphores and mutexes. */
#include "locks.h"
#include "services.h"

/* waits: the caller says that a wait follows at once, which wants a lower IRQL. */
static struct gpup_os *enter(const struct gpup_service_limit *service, const DISPATCHER_HEADER *header,
                             bool waits) {
    struct gpup_os *os = gpup_os_service_from(service->name, service->low, waits ? APC_LEVEL : service->high);

    if (os && !gpup_dispatcher_valid(header))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    return os;
}

VOID DDI_CALL KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeInitializeEvent));

    gpup_dispatcher_init(&Event->Header,
                         Type == SynchronizationEvent ? GPUP_DISPATCHER_SYNC_EVENT : GPUP_DISPATCHER_EVENT,
                         State != 0);
    if (os)
        gpup_lock_forget(os, Event, 1); /* it may be a fast mutex's */
}

LONG DDI_CALL KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
    struct gpup_os *os = enter(GPUP_SERVICE(KeSetEvent), &Event->Header, Wait);
    LONG before = Event->Header.SignalState;

    (void)Increment;
    Event->Header.SignalState = 1;
    if (os && os->machine->running)
        gpup_lock_given(os, os->machine->running, Event);
    if (os && !before)
        gpup_os_wake(os);
    return before;
}

LONG DDI_CALL KeResetEvent(PRKEVENT Event) {
    LONG before;

    enter(GPUP_SERVICE(KeResetEvent), &Event->Header, false);
    before = Event->Header.SignalState;
    Event->Header.SignalState = 0;
    return before;
}

VOID DDI_CALL KeClearEvent(PRKEVENT Event) {
    enter(GPUP_SERVICE(KeClearEvent), &Event->Header, false);
    Event->Header.SignalState = 0;
}

LONG DDI_CALL KeReadStateEvent(PRKEVENT Event) {
    enter(GPUP_SERVICE(KeReadStateEvent), &Event->Header, false);
    return Event->Header.SignalState;
}

VOID DDI_CALL KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeInitializeSemaphore));

    if (os && (Count < 0 || Limit <= 0 || Count > Limit))
        gpup_os_misuse(os, "KeInitializeSemaphore", GPUP_MISUSE_PARAMETER, 0);
    gpup_dispatcher_init(&Semaphore->Header, GPUP_DISPATCHER_SEMAPHORE, Count);
    Semaphore->Limit = Limit;
}

LONG DDI_CALL KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait) {
    struct gpup_os *os = enter(GPUP_SERVICE(KeReleaseSemaphore), &Semaphore->Header, false);
    LONG before = Semaphore->Header.SignalState;

    (void)Increment;
    (void)Wait;
    if (!os)
        return before;
    if (Adjustment <= 0 || Adjustment > Semaphore->Limit - before)
        gpup_os_bugcheck(os,
                         (uint32_t)STATUS_SEMAPHORE_LIMIT_EXCEEDED); /* the page: an exception is raised */
    if (os->machine->running)
        gpup_lock_given(os, os->machine->running, Semaphore);
    Semaphore->Header.SignalState += Adjustment;
    gpup_os_wake(os);
    return before;
}

LONG DDI_CALL KeReadStateSemaphore(PRKSEMAPHORE Semaphore) {
    enter(GPUP_SERVICE(KeReadStateSemaphore), &Semaphore->Header, false);
    return Semaphore->Header.SignalState;
}

VOID DDI_CALL KeInitializeMutex(PRKMUTEX Mutex, ULONG Level) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeInitializeMutex));

    (void)Level;
    gpup_dispatcher_init(&Mutex->Header, GPUP_DISPATCHER_MUTEX, 1);
    if (os)
        gpup_lock_forget(os, Mutex, 1);
}

LONG DDI_CALL KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait) {
    struct gpup_os *os = enter(GPUP_SERVICE(KeReleaseMutex), &Mutex->Header, Wait);
    LONG before = Mutex->Header.SignalState;

    if (!os || !os->machine->running)
        return before;
    if (Mutex->Header.Owner != (uint64_t)os->machine->running->id + 1) {
        gpup_os_misuse(os, "KeReleaseMutex", GPUP_MISUSE_LOCK, 0);
        gpup_os_bugcheck(os, (uint32_t)STATUS_MUTANT_NOT_OWNED);
    }
    if (++Mutex->Header.SignalState == 1) {
        Mutex->Header.Owner = 0;
        os->machine->running->locks--;
        gpup_lock_given(os, os->machine->running, Mutex);
        gpup_os_wake(os);
    }
    return before;
}

LONG DDI_CALL KeReadStateMutex(PRKMUTEX Mutex) {
    enter(GPUP_SERVICE(KeReadStateMutex), &Mutex->Header, false);
    return Mutex->Header.SignalState;
}

/* Whoever waits now goes on, nobody later. */
LONG DDI_CALL KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
    LONG before = KeSetEvent(Event, Increment, Wait);

    gpup_os_enter(GPUP_SERVICE(KePulseEvent));
    Event->Header.SignalState = 0;
    return before;
}
