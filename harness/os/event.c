/* Events, semaphores and mutexes. */
#include "kernel.h"

static struct gpup_os *enter(const char *name, const DISPATCHER_HEADER *header, KIRQL max_irql) {
    struct gpup_os *os = gpup_os_service(name, max_irql);

    if (os && !gpup_dispatcher_valid(header))
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
    return os;
}

VOID DDI_CALL KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
    gpup_os_service("KeInitializeEvent", GPUP_ANY_LEVEL);
    gpup_dispatcher_init(&Event->Header,
                         Type == SynchronizationEvent ? GPUP_DISPATCHER_SYNC_EVENT : GPUP_DISPATCHER_EVENT,
                         State != 0);
}

LONG DDI_CALL KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
    struct gpup_os *os = enter("KeSetEvent", &Event->Header, Wait ? APC_LEVEL : DISPATCH_LEVEL);
    LONG before = Event->Header.SignalState;

    (void)Increment;
    Event->Header.SignalState = 1;
    if (os && !before)
        gpup_os_wake(os);
    return before;
}

LONG DDI_CALL KeResetEvent(PRKEVENT Event) {
    LONG before;

    enter("KeResetEvent", &Event->Header, DISPATCH_LEVEL);
    before = Event->Header.SignalState;
    Event->Header.SignalState = 0;
    return before;
}

VOID DDI_CALL KeClearEvent(PRKEVENT Event) {
    enter("KeClearEvent", &Event->Header, DISPATCH_LEVEL);
    Event->Header.SignalState = 0;
}

LONG DDI_CALL KeReadStateEvent(PRKEVENT Event) {
    enter("KeReadStateEvent", &Event->Header, DISPATCH_LEVEL);
    return Event->Header.SignalState;
}

VOID DDI_CALL KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit) {
    struct gpup_os *os = gpup_os_service("KeInitializeSemaphore", GPUP_ANY_LEVEL);

    if (os && (Count < 0 || Limit <= 0 || Count > Limit))
        gpup_os_misuse(os, "KeInitializeSemaphore", GPUP_MISUSE_PARAMETER, 0);
    gpup_dispatcher_init(&Semaphore->Header, GPUP_DISPATCHER_SEMAPHORE, Count);
    Semaphore->Limit = Limit;
}

LONG DDI_CALL KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait) {
    struct gpup_os *os = enter("KeReleaseSemaphore", &Semaphore->Header, DISPATCH_LEVEL);
    LONG before = Semaphore->Header.SignalState;

    (void)Increment;
    (void)Wait;
    if (!os)
        return before;
    if (Adjustment <= 0 || Adjustment > Semaphore->Limit - before)
        gpup_os_bugcheck(os,
                         (uint32_t)STATUS_SEMAPHORE_LIMIT_EXCEEDED); /* the page: an exception is raised */
    Semaphore->Header.SignalState += Adjustment;
    gpup_os_wake(os);
    return before;
}

LONG DDI_CALL KeReadStateSemaphore(PRKSEMAPHORE Semaphore) {
    enter("KeReadStateSemaphore", &Semaphore->Header, GPUP_ANY_LEVEL);
    return Semaphore->Header.SignalState;
}

VOID DDI_CALL KeInitializeMutex(PRKMUTEX Mutex, ULONG Level) {
    (void)Level;
    gpup_os_service("KeInitializeMutex", GPUP_ANY_LEVEL);
    gpup_dispatcher_init(&Mutex->Header, GPUP_DISPATCHER_MUTEX, 1);
}

LONG DDI_CALL KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait) {
    struct gpup_os *os = enter("KeReleaseMutex", &Mutex->Header, Wait ? APC_LEVEL : DISPATCH_LEVEL);
    LONG before = Mutex->Header.SignalState;

    if (!os || !os->running)
        return before;
    if (Mutex->Header.Owner != (uint64_t)os->running->id + 1) {
        gpup_os_misuse(os, "KeReleaseMutex", GPUP_MISUSE_LOCK, 0);
        gpup_os_bugcheck(os, (uint32_t)STATUS_MUTANT_NOT_OWNED);
    }
    if (++Mutex->Header.SignalState == 1) {
        Mutex->Header.Owner = 0;
        os->running->locks--;
        gpup_os_wake(os);
    }
    return before;
}

LONG DDI_CALL KeReadStateMutex(PRKMUTEX Mutex) {
    enter("KeReadStateMutex", &Mutex->Header, DISPATCH_LEVEL);
    return Mutex->Header.SignalState;
}
