/* One step of a program: each operation of ops.def is carried out by its do_NAME, in the file of its area. */
#include "internal.h"

#include <string.h>

struct host *step_target(struct host *h, const struct gpup_step *s, unsigned field) {
    return &h->world->host[step_number(s, field) % h->world->config.hosts];
}

void world_wait(struct gpup_world *w, uint64_t us) {
    bool once = w->config.one_system; /* two adapters have one clock */
    for (uint32_t i = 0; i < w->config.hosts; i++) {
        struct host *h = &w->host[i];
        struct gpup_event e = world_event(h, GPUP_EVENT_WAIT);
        e.f[GPUP_WAIT_ns] = us * 1000;
        world_emit(h, &e);
        world_make_current(h);
        if (!host_dead(h) && !(once && i + 1 < w->config.hosts))
            gpup_os_advance(h->os, us * 1000);
        if (!once)
            world_observe(h);
    }
}

static void observe_all(struct gpup_world *w) {
    for (uint32_t i = 0; i < w->config.hosts; i++)
        world_observe(&w->host[i]);
}

/* Both machines live in the same time: the one that lags catches up. */
static void level_clocks(struct gpup_world *w) {
    if (w->config.hosts < 2)
        return;
    uint64_t a = gpup_os_now(w->host[0].os), b = gpup_os_now(w->host[1].os);
    struct host *late = a < b ? &w->host[0] : &w->host[1];
    if (a == b || host_dead(late))
        return;
    world_make_current(late);
    gpup_os_advance(late->os, a < b ? b - a : a - b);
    world_observe(late);
}

static bool any_broken(const struct gpup_world *w) {
    bool all_dead = true;
    for (uint32_t i = 0; i < w->config.hosts; i++)
        all_dead = all_dead && (host_dead(&w->host[i]) || w->host[i].over);
    return w->broken || all_dead;
}

#define LONGEST_WAIT_US 100000000u /* a driver's timer of 1 ms costs seconds of work in it */

void do_Wait(struct host *h, const struct gpup_step *s) {
    uint64_t us = step_number(s, GPUP_Wait_us);
    world_wait(h->world, us < LONGEST_WAIT_US ? us : LONGEST_WAIT_US);
}

static void (*const carry_out[GPUP_OPS])(struct host *h, const struct gpup_step *s) = {
#define OP(name, group) do_##name,
#define FIELD(op, name, kind, value)
#define END(name)
#include <gpup/ops.def>
#undef OP
#undef FIELD
#undef END
};

/* Whether the text of a step is wanted: people read it, except when fuzzing; of these two the judge learns
 * what stands in the padding. */
static bool says_more(const struct gpup_world *world, const struct gpup_step *step) {
    return world->page_guards || step->op == GPUP_OP_WriteVirtualizedInterrupt ||
           step->op == GPUP_OP_SetVirtualFunctionPauseState;
}

void step_do(struct gpup_world *world, const struct gpup_step *step, uint32_t index) {
    struct host *h = &world->host[step->host % world->config.hosts];
    const struct gpup_op_info *op = gpup_op_info(step->op);
    struct gpup_event e = world_event(h, GPUP_EVENT_STEP);
    char text[256];
    text[0] = 0;
    int length = says_more(world, step) ? gpup_step_print(step, text, sizeof text) : 0;
    world->step = index;
    world->class = step->class;
    world->steps++;
    e.f[GPUP_STEP_op] = step->op;
    e.f[GPUP_STEP_vf] = step->vf;
    e.f[GPUP_STEP_class] = step->class;
    e.data = (const uint8_t *)text;
    e.data_size = length > 0 && (size_t)length < sizeof text ? (size_t)length : strlen(text);
    world_emit(h, &e);
    bool dead = host_dead(h) || h->over;
    if (dead || !h->started) {
        bool again = h->added && (step->op == GPUP_OP_StartDevice || step->op == GPUP_OP_QueryInterface);
        bool restart =
            !dead && (again || step->op == GPUP_OP_Restart || (op && op->group == GPUP_GROUP_fault));
        if (!restart) {
            world_skip(h, dead ? GPUP_SKIP_DEAD : GPUP_SKIP_ABSENT,
                       dead ? "the host is dead" : "the adapter did not start");
            return;
        }
    }
    bool guest = op && (op->group == GPUP_GROUP_guest || step->op == GPUP_OP_RaiseInterrupt);
    if (guest && world_never(h, h->asleep, "no guest runs while the GPU is in D3"))
        return;
    carry_out[step->op % GPUP_OPS](h, step);
}

bool gpup_world_step(struct gpup_world *world, const struct gpup_step *step, uint32_t index) {
    if (!lanes_collect(world, step, index))
        step_do(world, step, index);
    if (world->config.one_system)
        observe_all(world); /* what was at one adapter may have let time pass for both */
    else
        level_clocks(world);
    return !any_broken(world);
}
