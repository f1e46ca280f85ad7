/* Scheduler: what runs next, and when time moves. One virtual processor, except that with `preempt` a switch
 * may happen at any IRQL, as if the other routine ran on a second processor. */
#include "fiber.h"
#include "locks.h"

#define SLICE_INTERRUPTS 100000u /* ns of simulated time after which interrupts and DPCs get a chance */
#define SLICE_THREADS 10000000u  /* ... and other threads */
#define COST_OF_ROUTINE 1000u    /* ns that starting a DPC, work item or ISR takes */
#define CROWD 16u                /* routines that were interrupted, before others begin */
#define MOST_BEGUN 128u          /* that wait or were interrupted, before others begin */
#define TURNS_TO_REST 256u       /* of each routine that is ready when a call came back */
#define A_SECOND 1000000000u     /* ns */
#define MOST_PATIENCE 600000000000u

static uint64_t or_default(uint64_t value, uint64_t otherwise) {
    return value ? value : otherwise;
}

static void enqueue(struct gpup_machine *machine, struct gpup_fiber *fiber, bool back) {
    fiber->state = GPUP_FIBER_READY;
    if (back || !machine->ready) {
        fiber->queue = NULL;
        if (machine->ready)
            machine->ready_last->queue = fiber;
        else
            machine->ready = fiber;
        machine->ready_last = fiber;
    } else {
        fiber->queue = machine->ready;
        machine->ready = fiber;
    }
}

static void dequeue(struct gpup_machine *machine, struct gpup_fiber *fiber) {
    struct gpup_fiber *before = NULL;

    for (struct gpup_fiber *f = machine->ready; f != fiber; f = f->queue)
        before = f;
    if (before)
        before->queue = fiber->queue;
    else
        machine->ready = fiber->queue;
    if (machine->ready_last == fiber)
        machine->ready_last = before;
}

/* Then what is under way goes on before others begin. Threads that wait are no crowd, and once in a while one
 * more begins: one that polls may poll for what another has yet to do. */
static bool is_crowded(const struct gpup_machine *machine) {
    uint32_t interrupted = 0;

    if (machine->begun < CROWD || machine->now - machine->begun_ns >= SLICE_THREADS)
        return false;
    for (const struct gpup_fiber *f = machine->ready; f; f = f->queue)
        interrupted += f->stack != NULL;
    return interrupted >= CROWD || (interrupted && machine->begun >= MOST_BEGUN);
}

/* Highest IRQL first, then first come; with preemption the seed chooses. */
static struct gpup_fiber *pick(struct gpup_os *os) {
    const struct gpup_machine *machine = os->machine;
    struct gpup_fiber *best = NULL;
    bool crowded = is_crowded(machine);
    uint32_t count = 0;

    for (struct gpup_fiber *f = machine->ready; f; f = f->queue) {
        if (crowded && !f->stack && (machine->preempt || f->irql == PASSIVE_LEVEL))
            continue;
        if (!f->stack && f->routine == GPUP_ROUTINE_WORK && machine->stacked >= MOST_STACKED)
            continue;
        count++;
        if (machine->preempt ? gpup_os_random(os) % count == 0 : !best || f->irql > best->irql)
            best = f;
    }
    if (best)
        dequeue(os->machine, best);
    return best;
}

/* A routine that ends must give back what it took; a DDI's state goes to the world instead. */
static void check_end(struct gpup_os *os, const struct gpup_fiber *fiber) {
    static const KIRQL level[] = {[GPUP_ROUTINE_ISR] = GPUP_DIRQL,
                                  [GPUP_ROUTINE_DPC] = DISPATCH_LEVEL,
                                  [GPUP_ROUTINE_TIMER] = DISPATCH_LEVEL,
                                  [GPUP_ROUTINE_THREAD] = 0};

    if (fiber->routine == GPUP_ROUTINE_DDI)
        return;
    os->machine->speaker = fiber->id;
    if (fiber->locks)
        gpup_os_misuse(os, "return", GPUP_MISUSE_LOCK, fiber->id);
    if (fiber->irql != level[fiber->routine])
        gpup_os_misuse(os, "return", GPUP_MISUSE_IRQL, fiber->id);
    os->machine->speaker = 0;
}

static void finish(struct gpup_os *os, struct gpup_fiber *fiber) {
    check_end(os, fiber);
    if (fiber->thread)
        gpup_lock_thread_ends(os, fiber->thread);
    if (fiber->done)
        fiber->done(os, fiber);
    gpup_fiber_retire(os, fiber);
}

/* For the adapter that the routine belongs to. */
static void run(struct gpup_fiber *fiber) {
    struct gpup_os *os = fiber->os;

    if (++os->machine->used.switches > or_default(os->config.budgets.switches, 1000000)) {
        gpup_os_hang(os, GPUP_HANG_SWITCHES, os->machine->used.switches);
        return;
    }
    if (!fiber->stack && !gpup_fiber_give_stack(os, fiber)) {
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
        return;
    }
    if (fiber->begin) {
        fiber->begin(os, fiber);
        fiber->begin = NULL;
    }
    gpup_fiber_enter(os, fiber);
    if (os->machine->fault.pending) {
        gpup_fault_report(os, fiber);
        os->machine->dead = true;
    }
    if (os->machine->dead)
        return;
    if (fiber->state == GPUP_FIBER_RUNNING) /* it ended */
        finish(os, fiber);
}

static KIRQL ready_irql(const struct gpup_machine *machine) {
    KIRQL top = PASSIVE_LEVEL;

    if (machine->preempt)
        return top;
    for (const struct gpup_fiber *f = machine->ready; f; f = f->queue)
        if (f->irql > top)
            top = f->irql;
    return top;
}

/* It runs with the lock of its interrupt. */
static void isr_begins(struct gpup_os *os, struct gpup_fiber *fiber) {
    gpup_lock_taken(fiber, gpup_lock_of_interrupt(os, (uint32_t)fiber->args[1]), GPUP_LOCK_ALONE);
}

static void isr_done(struct gpup_os *os, struct gpup_fiber *fiber) {
    (void)fiber;
    os->isr_active = false;
}

static void dpc_done(struct gpup_os *os, struct gpup_fiber *fiber) {
    (void)fiber;
    os->machine->dpc_active = false;
    gpup_os_wake(os); /* KeFlushQueuedDpcs */
}

static bool start_now(struct gpup_os *os, const struct gpup_start *start) {
    struct gpup_fiber *fiber = gpup_fiber_prepare(os, start);

    if (!fiber) {
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
        return false;
    }
    os->machine->now += COST_OF_ROUTINE;
    run(fiber);
    return true;
}

static bool take_interrupt(struct gpup_os *os) {
    const struct gpup_device_ops *ops = os->config.device_ops;
    struct gpup_start start = {.routine = GPUP_ROUTINE_ISR,
                               .irql = GPUP_DIRQL,
                               .function = os->isr,
                               .begin = isr_begins,
                               .done = isr_done};
    uint32_t message = 0;

    if (!os->isr || !ops || !ops->take_interrupt || os->isr_active || os->interrupt_owner ||
        ready_irql(os->machine) >= GPUP_DIRQL || !ops->take_interrupt(os->config.device, &message))
        return false;
    start.args[0] = (uint64_t)(uintptr_t)os->isr_context;
    start.args[1] = message;
    os->isr_active = true;
    return start_now(os, &start);
}

static bool take_dpc(struct gpup_machine *machine) {
    const struct gpup_dpc *dpc = &machine->dpcs[machine->dpc_first];
    struct gpup_start start = {.irql = DISPATCH_LEVEL, .done = dpc_done};

    if (!machine->dpc_count || machine->dpc_active || ready_irql(machine) >= DISPATCH_LEVEL)
        return false;
    start.routine = dpc->timer ? GPUP_ROUTINE_TIMER : GPUP_ROUTINE_DPC;
    start.function = (void *)dpc->routine;
    start.args[0] = (uint64_t)(uintptr_t)dpc->dpc;
    start.args[1] = (uint64_t)(uintptr_t)dpc->context;
    start.args[2] = (uint64_t)(uintptr_t)dpc->argument1;
    start.args[3] = (uint64_t)(uintptr_t)dpc->argument2;
    if (dpc->dpc)
        dpc->dpc->DpcData = NULL;
    machine->dpc_first = (machine->dpc_first + 1) % machine->dpc_room;
    machine->dpc_count--;
    machine->dpc_active = true;
    return start_now(dpc->os, &start);
}

static void expire_waits(struct gpup_machine *machine) {
    for (struct gpup_fiber *f = machine->fibers; f; f = f->next)
        if (f->state == GPUP_FIBER_WAITING && f->deadline <= machine->now) {
            f->wait_status = STATUS_TIMEOUT;
            f->slice = machine->now;
            enqueue(machine, f, true);
        }
}

static bool urgent(struct gpup_machine *machine) {
    for (struct gpup_os *os = machine->adapters; os; os = os->next)
        if (take_interrupt(os))
            return true;
    return take_dpc(machine);
}

/* Runs one thing that needs no time to pass. */
static bool step(struct gpup_os *os) {
    struct gpup_machine *machine = os->machine;
    struct gpup_fiber *fiber;

    if (gpup_os_next_timer(machine) <= machine->now)
        gpup_os_expire_timers(machine);
    expire_waits(machine);
    if (urgent(machine))
        return true;
    fiber = pick(os);
    if (!fiber)
        return false;
    run(fiber);
    return true;
}

static uint64_t next_event(const struct gpup_os *os) {
    const struct gpup_device_ops *ops = os->config.device_ops;

    return ops && ops->next_event ? ops->next_event(os->config.device) : GPUP_NEVER;
}

static uint64_t next_time(const struct gpup_machine *machine) {
    uint64_t next = gpup_os_next_timer(machine);

    for (const struct gpup_fiber *f = machine->fibers; f; f = f->next)
        if (f->state == GPUP_FIBER_WAITING && f->deadline < next)
            next = f->deadline;
    for (const struct gpup_os *os = machine->adapters; os; os = os->next) {
        uint64_t event = next_event(os);

        if (event < next)
            next = event;
    }
    return next;
}

static void advance_devices(const struct gpup_machine *machine) {
    for (const struct gpup_os *os = machine->adapters; os; os = os->next)
        if (os->config.device_ops && os->config.device_ops->advance)
            os->config.device_ops->advance(os->config.device, machine->now);
}

/* Budgets are of a second: a driver with a timer or a thread of its own may have it for as long as time goes
 * by. Only where all wait is it set by this function; a loop that never waits is in none. */
static void set_clock(struct gpup_machine *machine, uint64_t time) {
    if (time > machine->now)
        machine->now = time;
    if (machine->now - machine->counted_since >= A_SECOND) {
        memset(&machine->used, 0, sizeof machine->used);
        machine->counted_since = machine->now;
    }
    advance_devices(machine);
}

/* Idle until the next event. */
static void idle(struct gpup_os *os) {
    uint64_t next = next_time(os->machine);

    if (next == GPUP_NEVER)
        gpup_os_hang(os, GPUP_HANG_WAIT, os->machine->used.waits);
    else if (next > os->machine->time_limit)
        gpup_os_hang(os, GPUP_HANG_TIME, os->machine->time_limit);
    else if (++os->machine->used.switches > or_default(os->config.budgets.switches, 1000000))
        gpup_os_hang(os, GPUP_HANG_SWITCHES, os->machine->used.switches);
    else
        set_clock(os->machine, next);
}

/* What a call started comes to rest before its effects are looked at: a work item that frees memory, say.
 * With preemption that takes more than one turn. */
void gpup_os_settle(struct gpup_os *os) {
    struct gpup_machine *machine = os->machine;
    uint32_t turns = 0;

    if (gpup_os_next_timer(machine) <= machine->now)
        gpup_os_expire_timers(machine);
    for (const struct gpup_fiber *f = machine->ready; f; f = f->queue)
        turns += machine->preempt ? TURNS_TO_REST : 1;
    for (;;) {
        struct gpup_fiber *fiber;

        while (!machine->dead && urgent(machine))
            ;
        if (machine->dead || !turns--)
            return;
        fiber = pick(os);
        if (!fiber)
            return;
        run(fiber);
    }
}

/* --- outermost calls */

static void begin(struct gpup_os *os, uint64_t ns) {
    struct gpup_machine *machine = os->machine;

    memset(&machine->used, 0, sizeof machine->used);
    machine->counted_since = machine->now;
    machine->time_limit =
        machine->now + ns + or_default(os->config.budgets.time_ns, 60000000000u) + machine->patience;
}

uint64_t gpup_os_patience(struct gpup_os *os, uint64_t ns) {
    uint64_t left = MOST_PATIENCE - os->machine->patience;

    ns = ns < left ? ns : left;
    os->machine->patience += ns;
    return ns;
}

struct outcome {
    uint64_t result;
    KIRQL irql;
    uint32_t locks;
    bool done;
};

static void call_done(struct gpup_os *os, struct gpup_fiber *fiber) {
    struct outcome *outcome = fiber->done_context;

    (void)os;
    outcome->result = fiber->result;
    outcome->irql = fiber->irql;
    outcome->locks = fiber->locks;
    outcome->done = true;
}

static void run_to_end(struct gpup_os *os, struct gpup_start *start, struct outcome *outcome) {
    struct gpup_fiber *fiber;

    begin(os, 0);
    start->done = call_done;
    start->done_context = outcome;
    fiber = gpup_fiber_prepare(os, start);
    if (!fiber) {
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
        return;
    }
    run(fiber);
    while (!os->machine->dead && !outcome->done)
        if (!step(os))
            idle(os);
    if (!os->machine->dead)
        gpup_os_settle(os);
}

enum gpup_ran gpup_os_run(struct gpup_os *os, const struct gpup_start *start, uint64_t *result) {
    struct gpup_os *before = gpup_os_make_current(os);
    struct gpup_start copy = *start;
    struct outcome outcome = {0};

    if (!os->machine->dead)
        run_to_end(os, &copy, &outcome);
    gpup_os_make_current(before);
    *result = outcome.result;
    return os->machine->dead ? GPUP_RAN_DEAD : GPUP_RAN_RETURNED;
}

enum gpup_ran gpup_os_call(struct gpup_os *os, struct gpup_os_call *call) {
    struct gpup_os *before = gpup_os_make_current(os);
    struct gpup_start start = {.routine = GPUP_ROUTINE_DDI,
                               .function = call->function,
                               .step = call->step,
                               .alone = call->alone,
                               .name = call->name};
    struct outcome outcome = {0};

    os->step = call->step;
    memcpy(start.args, call->args, sizeof start.args);
    if (!os->machine->dead)
        run_to_end(os, &start, &outcome);
    gpup_os_make_current(before);
    call->result = outcome.result;
    call->irql = outcome.irql;
    call->locks = outcome.locks;
    return os->machine->dead ? GPUP_RAN_DEAD : GPUP_RAN_RETURNED;
}

/* --- several calls at once */

static void call_back(struct gpup_os *os, struct gpup_fiber *fiber) {
    struct gpup_os_call *call = fiber->done_context;

    (void)os;
    call->result = fiber->result;
    call->irql = fiber->irql;
    call->locks = fiber->locks;
    call->back = true;
}

bool gpup_os_call_begin(struct gpup_os *os, struct gpup_os_call *call) {
    struct gpup_start start = {.routine = GPUP_ROUTINE_DDI,
                               .function = call->function,
                               .done = call_back,
                               .done_context = call,
                               .step = call->step,
                               .alone = call->alone,
                               .name = call->name};

    os->step = call->step;
    memcpy(start.args, call->args, sizeof start.args);
    call->back = false;
    if (os->machine->dead)
        return false;
    begin(os, 0);
    if (!gpup_os_start(os, &start)) {
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
        return false;
    }
    call->fiber = gpup_os_started(os)->id;
    return true;
}

enum gpup_turn gpup_os_turn(struct gpup_os *os) {
    struct gpup_os *before = gpup_os_make_current(os);
    bool ran;

    ran = !os->machine->dead && step(os);
    gpup_os_make_current(before);
    if (os->machine->dead)
        return GPUP_TURN_DEAD;
    return ran ? GPUP_TURN_RAN : GPUP_TURN_IDLE;
}

void gpup_os_idle(struct gpup_os *os) {
    struct gpup_os *before = gpup_os_make_current(os);

    idle(os);
    gpup_os_make_current(before);
}

uint64_t gpup_os_next(const struct gpup_os *os) {
    return next_time(os->machine);
}

uint8_t gpup_os_interleave(struct gpup_os *os, uint8_t chance, uint64_t seed) {
    uint8_t before = os->machine->preempt;

    os->machine->preempt = chance;
    if (seed)
        os->machine->random = seed * 0x9E3779B97F4A7C15u ^ os->machine->host;
    return before;
}

uint16_t gpup_os_fiber(const struct gpup_os *os) {
    return os->machine->running ? os->machine->running->id : os->machine->speaker;
}

bool gpup_os_in_ddi(const struct gpup_os *os) {
    return os->machine->running && os->machine->running->routine == GPUP_ROUTINE_DDI;
}

enum gpup_ran gpup_os_advance(struct gpup_os *os, uint64_t ns) {
    struct gpup_os *before = gpup_os_make_current(os);
    struct gpup_machine *machine = os->machine;
    uint64_t end = machine->now + ns;

    begin(os, ns);
    while (!machine->dead) {
        uint64_t next;

        if (machine->now < end && step(os))
            continue;
        if (machine->now >= end) {
            gpup_os_settle(os);
            break;
        }
        next = next_time(machine);
        set_clock(machine, next < end ? next : end);
        if (++machine->used.switches > or_default(os->config.budgets.switches, 1000000))
            gpup_os_hang(os, GPUP_HANG_SWITCHES, machine->used.switches);
    }
    gpup_os_make_current(before);
    return machine->dead ? GPUP_RAN_DEAD : GPUP_RAN_RETURNED;
}

/* --- from inside a fiber */

bool gpup_os_start(struct gpup_os *os, const struct gpup_start *start) {
    struct gpup_fiber *fiber = gpup_fiber_prepare(os, start);

    if (!fiber)
        return false;
    os->machine->now += COST_OF_ROUTINE;
    enqueue(os->machine, fiber, true);
    return true;
}

struct gpup_fiber *gpup_os_started(struct gpup_os *os) {
    return os->machine->ready_last;
}

void gpup_os_make_ready(struct gpup_os *os, struct gpup_fiber *fiber) {
    fiber->slice = os->machine->now;
    enqueue(os->machine, fiber, true);
}

void gpup_os_yield(struct gpup_os *os, bool to_back) {
    enqueue(os->machine, os->machine->running, to_back);
    if (to_back)
        os->machine->running->slice = os->machine->now;
    gpup_fiber_leave(os);
}

void gpup_os_pass(struct gpup_os *os, uint64_t ns) {
    struct gpup_machine *machine = os->machine;
    const struct gpup_fiber *fiber = machine->running;

    machine->now += ns;
    if (!fiber)
        return;
    if (machine->now > machine->time_limit)
        gpup_os_hang(os, GPUP_HANG_TIME, machine->now);
    if (machine->now - fiber->dispatched < SLICE_INTERRUPTS || fiber->irql >= GPUP_DIRQL)
        return;
    advance_devices(machine);
    gpup_os_yield(os, machine->now - fiber->slice >= SLICE_THREADS && fiber->irql < DISPATCH_LEVEL);
}

_Noreturn void gpup_os_end_fiber(struct gpup_os *os) {
    gpup_fiber_leave_for_good(os);
}

_Noreturn void gpup_os_abandon(struct gpup_os *os) {
    os->machine->dead = true;
    gpup_fiber_leave_for_good(os);
}
