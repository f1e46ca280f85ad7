/* Timers, DPC queue and the services that tell or pass time. */
#include "callers.h"
#include "services.h"

#define COST_OF_ASKING 100u /* ns that reading a clock takes, so that a polling loop ends */

/* --- DPCs */

#define DPC_TAG 0x4750555044504331u

static struct gpup_dpc *dpc_at(const struct gpup_machine *machine, uint32_t at) {
    uint32_t place = machine->dpc_first + at;

    return &machine->dpcs[place < machine->dpc_room ? place : place - machine->dpc_room];
}

/* A ring of twice the size, with what is queued at its beginning. */
static bool grow(struct gpup_machine *machine) {
    uint32_t room = machine->dpc_room * 2;
    struct gpup_dpc *dpcs =
        room > GPUP_MAX_DPCS ? NULL : gpup_os_alloc(machine->adapters, room * sizeof *dpcs);

    for (uint32_t i = 0; dpcs && i < machine->dpc_count; i++)
        dpcs[i] = *dpc_at(machine, i);
    if (!dpcs)
        return false;
    machine->dpcs = dpcs;
    machine->dpc_room = room;
    machine->dpc_first = 0;
    return true;
}

bool gpup_os_queue_dpc(const struct gpup_dpc *dpc) {
    struct gpup_machine *machine = dpc->os->machine;

    if (dpc->dpc && dpc->dpc->DpcData)
        return false;
    if (machine->dpc_count == machine->dpc_room && !grow(machine)) {
        gpup_os_hang(dpc->os, GPUP_HANG_ALLOC, machine->dpc_count);
        return false;
    }
    *dpc_at(machine, machine->dpc_count++) = *dpc;
    if (dpc->dpc)
        dpc->dpc->DpcData = machine;
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
    return gpup_os_queue_dpc(&(struct gpup_dpc){Dpc, Dpc->DeferredRoutine, Dpc->DeferredContext,
                                                SystemArgument1, SystemArgument2, false, os});
}

static void remove_dpc(struct gpup_machine *machine, uint32_t at) {
    for (uint32_t i = at; i + 1 < machine->dpc_count; i++)
        *dpc_at(machine, i) = *dpc_at(machine, i + 1);
    machine->dpc_count--;
}

BOOLEAN DDI_CALL KeRemoveQueueDpc(PRKDPC Dpc) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeRemoveQueueDpc));
    bool queued = Dpc->DpcData != NULL; /* memory that is gone faults here */

    for (uint32_t i = 0; os && queued && i < os->machine->dpc_count; i++)
        if (dpc_at(os->machine, i)->dpc == Dpc) {
            remove_dpc(os->machine, i);
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

uint64_t gpup_os_next_timer(const struct gpup_machine *machine) {
    uint64_t next = GPUP_NEVER;

    for (uint32_t i = 0; i < machine->timer_count; i++)
        if (machine->timers[i].due < next)
            next = machine->timers[i].due;
    return next;
}

static void fire(struct gpup_machine *machine, struct gpup_timer *timer) {
    struct gpup_timer fired = *timer;

    if (fired.period)
        timer->due += fired.period;
    else
        *timer = machine->timers[--machine->timer_count];
    fired.timer->Header.SignalState = 1;
    gpup_os_wake(fired.os);
    if (fired.dpc)
        gpup_os_queue_dpc(&(struct gpup_dpc){.dpc = fired.dpc,
                                             .routine = fired.dpc->DeferredRoutine,
                                             .context = fired.dpc->DeferredContext,
                                             .timer = true,
                                             .os = fired.os});
}

void gpup_os_expire_timers(struct gpup_machine *machine) {
    while (!machine->dead) {
        struct gpup_timer *first = NULL;

        for (uint32_t i = 0; i < machine->timer_count; i++)
            if (machine->timers[i].due <= machine->now && (!first || machine->timers[i].due < first->due))
                first = &machine->timers[i];
        if (!first)
            return;
        fire(machine, first);
    }
}

static struct gpup_timer *armed(struct gpup_machine *machine, const KTIMER *timer) {
    for (uint32_t i = 0; i < machine->timer_count; i++)
        if (machine->timers[i].timer == timer)
            return &machine->timers[i];
    return NULL;
}

static void initialize(const struct gpup_service_limit *service, PKTIMER Timer, TIMER_TYPE Type) {
    struct gpup_os *os = gpup_os_enter(service);
    struct gpup_timer *old = os ? armed(os->machine, Timer) : NULL;

    if (old) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, old->object);
        *old = os->machine->timers[--os->machine->timer_count];
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
    timer = armed(os->machine, Timer);
    was = timer != NULL;
    if (!timer && os->machine->timer_count == GPUP_MAX_TIMERS) {
        gpup_os_hang(os, GPUP_HANG_ALLOC, os->machine->timer_count);
        return FALSE;
    }
    if (!timer)
        timer = &os->machine->timers[os->machine->timer_count++];
    *timer = (struct gpup_timer){Timer,
                                 gpup_os_due(os, DueTime.QuadPart),
                                 Period > 0 ? (uint64_t)Period * 1000000 : 0,
                                 gpup_os_object(os),
                                 Dpc,
                                 os,
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
    struct gpup_timer *timer = os ? armed(os->machine, Timer) : NULL;

    if (os && !gpup_dispatcher_valid(&Timer->Header))
        gpup_os_misuse(os, "KeCancelTimer", GPUP_MISUSE_OBJECT, 0);
    if (!timer)
        return FALSE;
    *timer = os->machine->timers[--os->machine->timer_count];
    return TRUE;
}

BOOLEAN DDI_CALL KeReadStateTimer(PKTIMER Timer) {
    gpup_os_enter(GPUP_SERVICE(KeReadStateTimer));
    return Timer->Header.SignalState > 0;
}

void gpup_timer_left(struct gpup_os *os) {
    for (uint32_t i = 0; i < os->machine->timer_count; i++)
        gpup_os_left(os, GPUP_OBJECT_TIMER, os->machine->timers[i].object, os->machine->timers[i].period, 0,
                     &os->machine->timers[i].made);
}

void gpup_timer_forget(struct gpup_os *os, const void *start, size_t size, const char *service) {
    uintptr_t from = (uintptr_t)start;

    for (uint32_t i = 0; i < os->machine->timer_count;) {
        struct gpup_timer *timer = &os->machine->timers[i];

        if ((uintptr_t)timer->timer - from < size || (timer->dpc && (uintptr_t)timer->dpc - from < size)) {
            gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, timer->object);
            *timer = os->machine->timers[--os->machine->timer_count];
        } else
            i++;
    }
    for (uint32_t i = 0; i < os->machine->dpc_count;) {
        PRKDPC dpc = dpc_at(os->machine, i)->dpc;

        if (dpc && (uintptr_t)dpc - from < size) {
            gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, 0);
            remove_dpc(os->machine, i);
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
    return os->machine->now;
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

#define TICK_NS 15625000u

/* The 8 bytes of each time are read at once, or by halves with the upper one, which stands there twice. */
bool gpup_shared_data_read(struct gpup_os *os, uint64_t offset, uint32_t width, uint64_t *value) {
    struct {
        uint32_t at, size;
        uint64_t value;
    } fields[] = {
        {0x004, 4, (uint64_t)TICK_NS * (1u << 24) / 1000000}, /* TickCountMultiplier: ms in 1 << 24 */
        {0x008, 12, 0},                                       /* InterruptTime */
        {0x014, 12, 0},                                       /* SystemTime */
        {0x26C, 4, 10},                                       /* NtMajorVersion */
        {0x270, 4, 0},                                        /* NtMinorVersion */
        {0x320, 12, 0}};                                      /* TickCount */

    gpup_os_pass(os, COST_OF_ASKING);
    fields[1].value = os->machine->now / 100;
    fields[2].value = GPUP_SYSTEM_TIME + os->machine->now / 100;
    fields[5].value = os->machine->now / TICK_NS;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint8_t bytes[12];

        if (offset < fields[i].at || offset + width > fields[i].at + fields[i].size)
            continue;
        memcpy(bytes, &fields[i].value, 8);
        memcpy(bytes + 8, bytes + 4, 4);
        *value = 0;
        memcpy(value, bytes + (offset - fields[i].at), width);
        return true;
    }
    return false;
}

VOID DDI_CALL KeQuerySystemTime(PLARGE_INTEGER CurrentTime) {
    CurrentTime->QuadPart = (LONGLONG)(GPUP_SYSTEM_TIME + clock_ns(GPUP_SERVICE(KeQuerySystemTime)) / 100);
}

VOID DDI_CALL KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime) {
    CurrentTime->QuadPart =
        (LONGLONG)(GPUP_SYSTEM_TIME + clock_ns(GPUP_SERVICE(KeQuerySystemTimePrecise)) / 100);
}

VOID DDI_CALL KeQueryTickCount(PLARGE_INTEGER CurrentCount) {
    CurrentCount->QuadPart = (LONGLONG)(clock_ns(GPUP_SERVICE(KeQueryTickCount)) / TICK_NS);
}

ULONG DDI_CALL KeQueryTimeIncrement(void) {
    return 156250;
}

VOID DDI_CALL KeStallExecutionProcessor(ULONG MicroSeconds) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(KeStallExecutionProcessor));

    if (os)
        gpup_os_pass(os, (uint64_t)MicroSeconds * 1000);
}
