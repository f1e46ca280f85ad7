/* Timers, DPC queue and the services that tell or pass time. */
#include "callers.h"
#include "services.h"

#define COST_OF_ASKING 100u /* ns that reading a clock takes, so that a polling loop ends */

/* --- DPCs */

#define DPC_TAG 0x4750555044504331u

static struct gpup_dpc *dpc_at(struct gpup_os *os, uint32_t at) {
    return &os->dpcs[(os->dpc_first + at) % os->dpc_room];
}

/* A ring of twice the size, with what is queued at its beginning. */
static bool grow(struct gpup_os *os) {
    uint32_t room = os->dpc_room * 2;
    struct gpup_dpc *dpcs = room > GPUP_MAX_DPCS ? NULL : gpup_os_alloc(os, room * sizeof *dpcs);

    for (uint32_t i = 0; dpcs && i < os->dpc_count; i++)
        dpcs[i] = *dpc_at(os, i);
    if (!dpcs)
        return false;
    os->dpcs = dpcs;
    os->dpc_room = room;
    os->dpc_first = 0;
    return true;
}

bool gpup_os_queue_dpc(struct gpup_os *os, const struct gpup_dpc *dpc) {
    if (dpc->dpc && dpc->dpc->DpcData)
        return false;
    if (os->dpc_count == os->dpc_room && !grow(os)) {
        gpup_os_hang(os, GPUP_HANG_ALLOC, os->dpc_count);
        return false;
    }
    *dpc_at(os, os->dpc_count++) = *dpc;
    if (dpc->dpc)
        dpc->dpc->DpcData = os;
    return true;
}

bool gpup_dpc_valid(const KDPC *dpc) {
    return dpc->Tag == ((uint64_t)(uintptr_t)dpc ^ DPC_TAG);
}

VOID DDI_CALL KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext) {
    gpup_os_enter(GPUP_SERVICE(KeInitializeDpc));
    memset(Dpc, 0, sizeof *Dpc);
    Dpc->Tag = (uint64_t)(uintptr_t)Dpc ^ DPC_TAG;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
    Dpc->Importance = MediumImportance;
}

BOOLEAN DDI_CALL KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeInsertQueueDpc));

    if (!os)
        return FALSE;
    if (!gpup_dpc_valid(Dpc)) {
        gpup_os_misuse(os, "KeInsertQueueDpc", GPUP_MISUSE_OBJECT, 0);
        Dpc->DpcData = NULL;
    }
    if (Dpc->DpcData)
        return FALSE;
    Dpc->SystemArgument1 = SystemArgument1;
    Dpc->SystemArgument2 = SystemArgument2;
    return gpup_os_queue_dpc(os, &(struct gpup_dpc){Dpc, Dpc->DeferredRoutine, Dpc->DeferredContext,
                                                    SystemArgument1, SystemArgument2, false});
}

static void remove_dpc(struct gpup_os *os, uint32_t at) {
    for (uint32_t i = at; i + 1 < os->dpc_count; i++)
        *dpc_at(os, i) = *dpc_at(os, i + 1);
    os->dpc_count--;
}

BOOLEAN DDI_CALL KeRemoveQueueDpc(PRKDPC Dpc) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeRemoveQueueDpc));
    bool queued = Dpc->DpcData != NULL; /* memory that is gone faults here */

    for (uint32_t i = 0; os && queued && i < os->dpc_count; i++)
        if (dpc_at(os, i)->dpc == Dpc) {
            remove_dpc(os, i);
            Dpc->DpcData = NULL;
            return TRUE;
        }
    return FALSE;
}

VOID DDI_CALL KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance) {
    gpup_os_enter(GPUP_SERVICE(KeSetImportanceDpc));
    Dpc->Importance = (UCHAR)Importance;
}

/* --- timers */

uint64_t gpup_os_next_timer(const struct gpup_os *os) {
    uint64_t next = GPUP_NEVER;

    for (uint32_t i = 0; i < os->timer_count; i++)
        if (os->timers[i].due < next)
            next = os->timers[i].due;
    return next;
}

static void fire(struct gpup_os *os, struct gpup_timer *timer) {
    struct gpup_timer fired = *timer;

    if (fired.period)
        timer->due += fired.period;
    else
        *timer = os->timers[--os->timer_count];
    fired.timer->Header.SignalState = 1;
    gpup_os_wake(os);
    if (fired.dpc)
        gpup_os_queue_dpc(os, &(struct gpup_dpc){fired.dpc, fired.dpc->DeferredRoutine,
                                                 fired.dpc->DeferredContext, NULL, NULL, true});
}

void gpup_os_expire_timers(struct gpup_os *os) {
    while (!os->dead) {
        struct gpup_timer *first = NULL;

        for (uint32_t i = 0; i < os->timer_count; i++)
            if (os->timers[i].due <= os->now && (!first || os->timers[i].due < first->due))
                first = &os->timers[i];
        if (!first)
            return;
        fire(os, first);
    }
}

static struct gpup_timer *armed(struct gpup_os *os, const KTIMER *timer) {
    for (uint32_t i = 0; i < os->timer_count; i++)
        if (os->timers[i].timer == timer)
            return &os->timers[i];
    return NULL;
}

static void initialize(const struct gpup_service_limit *service, PKTIMER Timer, TIMER_TYPE Type) {
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_timer *old = os ? armed(os, Timer) : NULL;

    if (old) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, old->object);
        *old = os->timers[--os->timer_count];
    }
    memset(Timer, 0, sizeof *Timer);
    gpup_dispatcher_init(
        &Timer->Header, Type == SynchronizationTimer ? GPUP_DISPATCHER_SYNC_TIMER : GPUP_DISPATCHER_TIMER, 0);
}

VOID DDI_CALL KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type) {
    initialize(GPUP_SERVICE(KeInitializeTimerEx), Timer, Type);
}

VOID DDI_CALL KeInitializeTimer(PKTIMER Timer) {
    initialize(GPUP_SERVICE(KeInitializeTimer), Timer, NotificationTimer);
}

static BOOLEAN arm(const struct gpup_service_limit *service, PKTIMER Timer, LARGE_INTEGER DueTime,
                   LONG Period, PKDPC Dpc) {
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_timer *timer;
    bool was;

    if (!os)
        return FALSE;
    if (!gpup_dispatcher_valid(&Timer->Header))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    if (Dpc && !gpup_dpc_valid(Dpc))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 1);
    timer = armed(os, Timer);
    was = timer != NULL;
    if (!timer && os->timer_count == GPUP_MAX_TIMERS) {
        gpup_os_hang(os, GPUP_HANG_ALLOC, os->timer_count);
        return FALSE;
    }
    if (!timer)
        timer = &os->timers[os->timer_count++];
    *timer = (struct gpup_timer){Timer,
                                 gpup_os_due(os, DueTime.QuadPart),
                                 Period > 0 ? (uint64_t)Period * 1000000 : 0,
                                 gpup_os_object(os),
                                 Dpc,
                                 {0}};
    gpup_callers_here(os, &timer->made);
    Timer->Header.SignalState = 0;
    return was;
}

BOOLEAN DDI_CALL KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc) {
    return arm(GPUP_SERVICE(KeSetTimerEx), Timer, DueTime, Period, Dpc);
}

BOOLEAN DDI_CALL KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc) {
    return arm(GPUP_SERVICE(KeSetTimer), Timer, DueTime, 0, Dpc);
}

BOOLEAN DDI_CALL KeCancelTimer(PKTIMER Timer) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeCancelTimer));
    struct gpup_timer *timer = os ? armed(os, Timer) : NULL;

    if (os && !gpup_dispatcher_valid(&Timer->Header))
        gpup_os_misuse(os, "KeCancelTimer", GPUP_MISUSE_OBJECT, 0);
    if (!timer)
        return FALSE;
    *timer = os->timers[--os->timer_count];
    return TRUE;
}

BOOLEAN DDI_CALL KeReadStateTimer(PKTIMER Timer) {
    gpup_os_enter(GPUP_SERVICE(KeReadStateTimer));
    return Timer->Header.SignalState > 0;
}

void gpup_timer_left(struct gpup_os *os) {
    for (uint32_t i = 0; i < os->timer_count; i++)
        gpup_os_left(os, GPUP_OBJECT_TIMER, os->timers[i].object, os->timers[i].period, 0,
                     &os->timers[i].made);
}

void gpup_timer_forget(struct gpup_os *os, const void *start, size_t size, const char *service) {
    uintptr_t from = (uintptr_t)start;

    for (uint32_t i = 0; i < os->timer_count;) {
        struct gpup_timer *timer = &os->timers[i];

        if ((uintptr_t)timer->timer - from < size || (timer->dpc && (uintptr_t)timer->dpc - from < size)) {
            gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, timer->object);
            *timer = os->timers[--os->timer_count];
        } else
            i++;
    }
    for (uint32_t i = 0; i < os->dpc_count;) {
        PRKDPC dpc = dpc_at(os, i)->dpc;

        if (dpc && (uintptr_t)dpc - from < size) {
            gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, 0);
            remove_dpc(os, i);
        } else
            i++;
    }
}

/* --- clocks */

static uint64_t clock_ns(const struct gpup_service_limit *service) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!os)
        return 0;
    gpup_os_pass(os, COST_OF_ASKING);
    return os->now;
}

LARGE_INTEGER DDI_CALL KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency) {
    if (PerformanceFrequency)
        PerformanceFrequency->QuadPart = 10000000;
    return (LARGE_INTEGER){.QuadPart = (LONGLONG)(clock_ns(GPUP_SERVICE(KeQueryPerformanceCounter)) / 100)};
}

ULONGLONG DDI_CALL KeQueryInterruptTime(void) {
    return clock_ns(GPUP_SERVICE(KeQueryInterruptTime)) / 100;
}

ULONGLONG DDI_CALL KeQueryInterruptTimePrecise(ULONG64 *QpcTimeStamp) {
    ULONGLONG now = clock_ns(GPUP_SERVICE(KeQueryInterruptTimePrecise)) / 100;

    *QpcTimeStamp = now;
    return now;
}

ULONGLONG DDI_CALL KeQueryUnbiasedInterruptTime(void) {
    return clock_ns(GPUP_SERVICE(KeQueryUnbiasedInterruptTime)) / 100;
}

VOID DDI_CALL KeQuerySystemTime(PLARGE_INTEGER CurrentTime) {
    CurrentTime->QuadPart = (LONGLONG)(GPUP_SYSTEM_TIME + clock_ns(GPUP_SERVICE(KeQuerySystemTime)) / 100);
}

VOID DDI_CALL KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime) {
    CurrentTime->QuadPart =
        (LONGLONG)(GPUP_SYSTEM_TIME + clock_ns(GPUP_SERVICE(KeQuerySystemTimePrecise)) / 100);
}

VOID DDI_CALL KeQueryTickCount(PLARGE_INTEGER CurrentCount) {
    CurrentCount->QuadPart = (LONGLONG)(clock_ns(GPUP_SERVICE(KeQueryTickCount)) / 15625000);
}

ULONG DDI_CALL KeQueryTimeIncrement(void) {
    return 156250;
}

VOID DDI_CALL KeStallExecutionProcessor(ULONG MicroSeconds) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeStallExecutionProcessor));

    if (os)
        gpup_os_pass(os, (uint64_t)MicroSeconds * 1000);
}
