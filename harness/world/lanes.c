/*
 * Several calls at once. `Together` takes the next steps and gives each a lane: a context of its own, in
 * which the step runs as ever until it is inside the driver. There the lane stands still while the host runs
 * the threads of all lanes, and goes on when its call is back. Each lane acts for a process of its own, so
 * the levels of the threading pages hold: what a level excludes waits its turn. Steps marked robustness or
 * policy ignore the levels.
 */
#include "internal.h"

#include <string.h>
#include <ucontext.h>

#define LANES 4
#define LANE_STACK ((size_t)256 * 1024)
#define LANE_SWITCH 96u /* of 256: chance of a switch at each service, lock and register access */

enum lane_state { LANE_NEW, LANE_WAITS, LANE_CALLS, LANE_OVER };

struct lane {
    enum lane_state state;
    struct host *host;
    struct gpup_step step;
    uint32_t index; /* of the step in the program */
    uint16_t ddi;   /* it is inside of, or wants to enter; GPUP_SPEC_NONE */
    bool inside;
    struct gpup_os_call *at;
    uint64_t call;
    ucontext_t context;
    uint8_t *stack;
};

struct lanes {
    struct lane lane[LANES];
    unsigned wanted, count; /* wanted: steps that Together announced, 0 none */
    uint64_t seed;
    struct lane *running; /* whose context this is */
    bool together;        /* between the first call and the last return */
    ucontext_t driver;
};

static struct lane *running(const struct gpup_world *w) {
    return w->lanes ? w->lanes->running : NULL;
}

/* --- a lane's own context ------------------------------------------------------------------------------ */

static void leave(struct gpup_world *w, struct lane *lane) {
    lane->call = lane->host->call;
    swapcontext(&lane->context, &w->lanes->driver);
}

static void lane_main(unsigned high, unsigned low) {
    struct gpup_world *w =
        (struct gpup_world *)((uintptr_t)high << 32 | low); // NOLINT(performance-no-int-to-ptr)
    struct lane *lane = w->lanes->running;
    step_do(w, &lane->step, lane->index);
    lane->state = LANE_OVER;
    leave(w, lane); /* for good */
}

static void resume(struct gpup_world *w, struct lane *lane) {
    uintptr_t world = (uintptr_t)w;
    if (lane->state == LANE_NEW) {
        getcontext(&lane->context);
        lane->context.uc_stack = (stack_t){.ss_sp = lane->stack, .ss_size = LANE_STACK};
        lane->context.uc_link = NULL;
        makecontext(&lane->context, (void (*)(void))lane_main, 2, (unsigned)(world >> 32), (unsigned)world);
        lane->state = LANE_WAITS;
    }
    w->lanes->running = lane;
    w->step = lane->index;
    w->class = lane->step.class;
    lane->host->call = lane->call;
    swapcontext(&w->lanes->driver, &lane->context);
    w->lanes->running = NULL;
    lane->host->call = 0;
}

/* --- who excludes whom --------------------------------------------------------------------------------- */

static bool ignores_levels(const struct lane *lane) {
    return lane->step.class == GPUP_ROBUSTNESS || lane->step.class == GPUP_POLICY;
}

static bool is_either(uint16_t a, uint16_t b, uint16_t ddi) {
    return a == ddi || b == ddi;
}

/* Start, stop and removal of the adapter: no driver can be there with anything else in it. */
static bool is_exclusive(const struct lane *lane) {
    return gpup_ddis[lane->ddi].sync == 3;
}

/* Level zero overlaps with itself; QueryAdapterInfo also with SetPowerState, as its note says. No page says
 * of any other pair that it may overlap. */
static bool may_overlap(uint16_t a, uint16_t b) {
    if (is_either(a, b, GPUP_DDI_SetPowerState))
        return is_either(a, b, GPUP_DDI_QueryAdapterInfo);
    return gpup_ddis[a].sync == 0 && gpup_ddis[b].sync == 0;
}

static bool may_enter(const struct lanes *l, const struct lane *lane) {
    for (unsigned i = 0; i < l->count; i++) {
        const struct lane *other = &l->lane[i];
        bool ignored = (ignores_levels(lane) || ignores_levels(other)) && !is_exclusive(lane) &&
                       !(other->inside && is_exclusive(other));
        if (other != lane && other->inside && other->host == lane->host && !ignored &&
            !may_overlap(other->ddi, lane->ddi))
            return false;
    }
    return true;
}

/* The VM worker process that makes the calls of a step; those of the adapter come from a process of their
 * own. */
static bool same_process(const struct lane *a, const struct lane *b) {
    switch (a->step.op) {
    case GPUP_OP_QueryAdapterInfo:
    case GPUP_OP_QueryInterface:
    case GPUP_OP_GetGpuPartitionInfo:
    case GPUP_OP_GetVirtualGpuProfile:
    case GPUP_OP_SetPowerState:
        return false;
    default:
        return a->host == b->host && a->step.vf == b->step.vf;
    }
}

/* A step begins when the one before it of the same process is over. */
static bool may_begin(const struct lanes *l, const struct lane *lane) {
    for (const struct lane *other = l->lane; other < lane; other++)
        if (other->state != LANE_OVER && same_process(other, lane) && same_process(lane, other) &&
            !ignores_levels(lane) && !ignores_levels(other))
            return false;
    return true;
}

void lanes_enter(struct gpup_world *w, uint16_t ddi) {
    struct lane *lane = running(w);
    if (!lane)
        return;
    lane->ddi = ddi;
    lane->state = LANE_WAITS;
    while (!may_enter(w->lanes, lane))
        leave(w, lane);
    lane->inside = true;
}

bool lanes_exit(struct gpup_world *w) {
    struct lane *lane = running(w);
    if (lane)
        lane->inside = false;
    return lane != NULL;
}

bool lanes_call(struct host *h, struct gpup_os_call *call, bool *returned) {
    struct lane *lane = running(h->world);
    if (!lane)
        return false;
    *returned = gpup_os_call_begin(h->os, call);
    lane->at = call;
    lane->state = LANE_CALLS;
    while (*returned && !call->back && !host_dead(h))
        leave(h->world, lane);
    lane->state = LANE_WAITS;
    lane->at = NULL;
    *returned = *returned && call->back;
    return true;
}

/* Which call and step an event belongs to, by the thread it comes from. */
void lanes_label(const struct host *h, struct gpup_event *e, uint64_t *call) {
    const struct lanes *l = h->world->lanes;
    if (!l || !l->together || l->running)
        return;
    uint16_t fiber = h->os ? gpup_os_fiber(h->os) : 0;
    *call = 0;
    for (unsigned i = 0; fiber && i < l->count; i++)
        if (l->lane[i].host == h && l->lane[i].at && l->lane[i].at->fiber == fiber) {
            *call = l->lane[i].call;
            e->step = l->lane[i].index;
        }
}

/* --- the group ----------------------------------------------------------------------------------------- */

static bool can_go_on(const struct lanes *l, const struct lane *lane) {
    switch (lane->state) {
    case LANE_NEW:
        return may_begin(l, lane);
    case LANE_WAITS:
        return lane->inside || may_enter(l, lane);
    case LANE_CALLS:
        return lane->at->back || host_dead(lane->host);
    default:
        return false;
    }
}

static bool resume_all(struct gpup_world *w) {
    bool any = false;
    for (unsigned i = 0; i < w->lanes->count; i++)
        if (can_go_on(w->lanes, &w->lanes->lane[i])) {
            resume(w, &w->lanes->lane[i]);
            any = true;
        }
    return any;
}

/* Whose call is the first that is in the driver; NULL: none is. */
static struct host *who_calls(const struct lanes *l) {
    for (unsigned i = 0; i < l->count; i++)
        if (l->lane[i].state == LANE_CALLS)
            return l->lane[i].host;
    return NULL;
}

/* One thing on the machine, which all lanes are on. */
static bool turn(struct gpup_world *w) {
    struct host *h = who_calls(w->lanes);
    if (!h)
        return false;
    world_make_current(h);
    if (gpup_os_turn(h->os) == GPUP_TURN_IDLE)
        gpup_os_idle(h->os);
    return true;
}

static bool all_over(const struct lanes *l) {
    for (unsigned i = 0; i < l->count; i++)
        if (l->lane[i].state != LANE_OVER)
            return false;
    return true;
}

static void tell(struct gpup_world *w, unsigned phase) {
    struct gpup_event e = world_event(w->lanes->lane[0].host, GPUP_EVENT_TOGETHER);
    e.f[GPUP_TOGETHER_phase] = phase;
    e.f[GPUP_TOGETHER_lanes] = w->lanes->count;
    world_emit(w->lanes->lane[0].host, &e);
}

static void settle(struct gpup_world *w) {
    for (unsigned i = 0; i < w->config.hosts; i++) {
        struct host *h = &w->host[i];
        world_make_current(h);
        if (!host_dead(h) && !(w->config.one_system && i))
            gpup_os_advance(h->os, 0);
    }
    for (unsigned i = 0; i < w->config.hosts; i++)
        world_observe(&w->host[i]);
}

void lanes_run(struct gpup_world *w) {
    struct lanes *l = w->lanes;
    struct gpup_os *os = l && l->count ? l->lane[0].host->os : NULL;
    if (!os)
        return;
    l->wanted = 0;
    tell(w, GPUP_TOGETHER_BEGINS);
    uint8_t before = gpup_os_interleave(os, LANE_SWITCH, l->seed);
    l->together = true;
    while (!all_over(l))
        if (!resume_all(w) && !turn(w)) {
            w->broken = true; /* nobody inside, and all wait: not to be */
            break;
        }
    l->together = false;
    gpup_os_interleave(os, before, 0);
    tell(w, GPUP_TOGETHER_RETURNED);
    settle(w);
    tell(w, GPUP_TOGETHER_SETTLED);
    l->count = 0;
}

/* --- collecting the steps ------------------------------------------------------------------------------ */

static struct lanes *lanes_of(struct gpup_world *w) {
    if (!w->lanes)
        w->lanes = gpup_arena_alloc(w->arena, sizeof *w->lanes);
    for (unsigned i = 0; w->lanes && i < LANES; i++)
        if (!w->lanes->lane[i].stack)
            w->lanes->lane[i].stack = gpup_arena_alloc_raw(w->arena, LANE_STACK);
    if (!w->lanes || !w->lanes->lane[LANES - 1].stack) {
        w->broken = true;
        return NULL;
    }
    return w->lanes;
}

void do_Together(struct host *h, const struct gpup_step *s) {
    struct lanes *l = lanes_of(h->world);
    uint64_t count = step_number(s, GPUP_Together_count);
    if (!l)
        return;
    l->wanted = count < 2 ? 2 : count > LANES ? LANES : (unsigned)count;
    l->seed = gpup_trace_mix(step_number(s, GPUP_Together_seed) + h->world->config.seed) | 1;
    l->count = 0;
}

bool lanes_collect(struct gpup_world *w, const struct gpup_step *step, uint32_t index) {
    struct lanes *l = w->lanes;
    struct host *h = &w->host[step->host % w->config.hosts];
    const struct gpup_op_info *op = gpup_op_info(step->op);
    if (!l || !l->wanted)
        return false;
    bool call = op && step->op != GPUP_OP_WdfInterruptCreate &&
                (op->group == GPUP_GROUP_call || step->op == GPUP_OP_ProgramInterrupts);
    bool here = !l->count || h == l->lane[0].host || w->config.one_system;
    struct lane *lane = &l->lane[l->count];
    if (call && here) {
        *lane = (struct lane){
            .host = h, .step = *step, .index = index, .ddi = GPUP_SPEC_NONE, .stack = lane->stack};
        l->count++;
    } else {
        world_skip(h, GPUP_SKIP_ILLEGAL,
                   call ? "two machines have no driver in common" : "only calls run together");
    }
    if (--l->wanted == 0)
        lanes_run(w);
    return true;
}
