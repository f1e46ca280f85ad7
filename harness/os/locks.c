/* What each fiber holds, and the edges that follow from it. */
#include "locks.h"
#include "pool.h"

#define VARIANTS 4u /* edges between the same two locks: under other gates, by other threads */

static struct gpup_held *held_of(const struct gpup_fiber *fiber, const void *lock) {
    for (unsigned i = 0; i < fiber->held_count; i++)
        if (fiber->held[i].lock == lock)
            return (struct gpup_held *)&fiber->held[i];
    return NULL;
}

bool gpup_lock_holds(const struct gpup_fiber *fiber, const void *lock) {
    const struct gpup_held *held = held_of(fiber, lock);

    return held && !(held->how & GPUP_LOCK_GATE);
}

static void drop(struct gpup_fiber *fiber, const struct gpup_held *held) {
    unsigned at = (unsigned)(held - fiber->held);

    fiber->held_count--;
    memmove(&fiber->held[at], &fiber->held[at + 1], (fiber->held_count - at) * sizeof *held);
}

/* Of a full list an event goes, which nobody may ever give back. */
static bool make_room(struct gpup_fiber *fiber) {
    for (unsigned i = 0; i < fiber->held_count && fiber->held_count == GPUP_MAX_HELD; i++)
        if (fiber->held[i].how & GPUP_LOCK_GATE)
            drop(fiber, &fiber->held[i]);
    return fiber->held_count < GPUP_MAX_HELD;
}

void gpup_lock_taken(struct gpup_fiber *fiber, const void *lock, unsigned how) {
    struct gpup_held *held = fiber->held_count ? held_of(fiber, lock) : NULL;

    if (held && !(held->how & GPUP_LOCK_GATE) && !(how & GPUP_LOCK_GATE)) {
        held->count++;
        return;
    }
    if (held && (how & GPUP_LOCK_GATE))
        return;
    if (held)
        drop(fiber, held);
    if (!make_room(fiber)) {
        fiber->held_lost = fiber->held_lost || !(how & GPUP_LOCK_GATE);
        return;
    }
    fiber->held[fiber->held_count++] =
        (struct gpup_held){.lock = lock, .place = fiber->place, .count = 1, .how = (uint8_t)how};
}

void gpup_lock_given(struct gpup_os *os, struct gpup_fiber *fiber, const void *lock) {
    struct gpup_held *held = fiber->held_count ? held_of(fiber, lock) : NULL;

    for (struct gpup_fiber *f = os->machine->fibers; !held && f; f = f->next)
        if (f->held_count) {
            fiber = f;
            held = held_of(f, lock);
        }
    if (held && --held->count == 0)
        drop(fiber, held);
}

void gpup_lock_becomes(struct gpup_fiber *fiber, const void *lock, unsigned how) {
    struct gpup_held *held = held_of(fiber, lock);

    if (held)
        held->how = (uint8_t)how;
}

/* --- edges */

/* On the own stack: whose calls come and go, and with them what an address means. */
static bool is_local(const struct gpup_fiber *fiber, const void *lock) {
    return (const uint8_t *)lock >= fiber->stack->window && (const uint8_t *)lock < fiber->stack->top;
}

/* Nodes of all that is held, in rising order, so that two lists compare; `nodes` has them as they are held.
 * false: no room. */
static bool guards_of(struct gpup_os *os, struct gpup_locks *g, struct gpup_lock_edge *edge, uint8_t *nodes) {
    const struct gpup_fiber *fiber = os->machine->running;

    for (unsigned i = 0; i < fiber->held_count; i++) {
        unsigned node = gpup_lock_node(os, g, fiber->held[i].lock), at = edge->guards++;

        if (!node)
            return false;
        nodes[i] = (uint8_t)node;
        for (; at && edge->guard[at - 1] > node; at--) {
            edge->guard[at] = edge->guard[at - 1];
            edge->shared[at] = edge->shared[at - 1];
        }
        edge->guard[at] = (uint8_t)node;
        edge->shared[at] = fiber->held[i].how & GPUP_LOCK_SHARED;
    }
    return true;
}

/* Is whatever is a way round with `b` one with `a` as well? */
static bool covers(const struct gpup_lock_edge *a, const struct gpup_lock_edge *b) {
    unsigned k = 0;

    if ((a->thread && a->thread != b->thread) || a->from_shared > b->from_shared ||
        a->to_shared > b->to_shared || a->rank < b->rank)
        return false;
    for (unsigned i = 0; i < a->guards; i++) {
        while (k < b->guards && b->guard[k] < a->guard[i])
            k++;
        if (k == b->guards || b->guard[k] != a->guard[i] || b->shared[k] < a->shared[i])
            return false;
    }
    return true;
}

/* Tells whether an edge like this is new, and whether one between the two was reported. */
static bool is_new(const struct gpup_locks *g, const struct gpup_lock_edge *edge, bool *told) {
    unsigned variants = 0;

    for (unsigned i = gpup_lock_node_at(g, edge->from)->edges; i;) {
        const struct gpup_lock_edge *e = gpup_lock_edge_at(g, i);

        i = e->next;
        if (e->to != edge->to)
            continue;
        if (covers(e, edge) || ++variants == VARIANTS)
            return false;
        *told = *told || e->told;
    }
    return true;
}

static void add_edge(struct gpup_os *os, struct gpup_locks *g, const char *service,
                     struct gpup_lock_edge *edge) {
    struct gpup_lock_node *from = gpup_lock_node_at(g, edge->from);
    struct gpup_fiber *fiber = os->machine->running;
    unsigned index;

    if (!is_new(g, edge, &edge->told))
        return;
    index = gpup_lock_edge_new(os, g);
    if (!index)
        return;
    edge->step = fiber->routine == GPUP_ROUTINE_DDI ? fiber->step : os->step;
    edge->ddi = fiber->name;
    edge->next = from->edges;
    *gpup_lock_edge_at(g, index) = *edge;
    from->edges = (uint16_t)index;
    if (!edge->told)
        gpup_lock_search(os, g, service, index);
}

static void add_edges(struct gpup_os *os, const char *service, const void *lock, unsigned how) {
    const struct gpup_fiber *fiber = os->machine->running;
    struct gpup_locks *g = gpup_locks_of(os);
    struct gpup_lock_edge edge = {.to_shared = how & GPUP_LOCK_SHARED,
                                  .routine = fiber->routine,
                                  .rank = fiber->routine != GPUP_ROUTINE_DDI ? GPUP_LOCK_OTHER
                                          : fiber->alone                     ? GPUP_LOCK_DDI_ALONE
                                                                             : GPUP_LOCK_DDI,
                                  .thread = fiber->thread ? fiber->thread->object : 0};

    uint8_t nodes[GPUP_MAX_HELD] = {0};

    if (!g || !guards_of(os, g, &edge, nodes))
        return;
    edge.to = (uint8_t)gpup_lock_node(os, g, lock);
    edge.place[1] = fiber->place;
    for (unsigned i = 0; edge.to && i < fiber->held_count; i++) {
        const struct gpup_held *held = &fiber->held[i];

        if ((held->how & GPUP_LOCK_GATE) || is_local(fiber, held->lock))
            continue;
        edge.from = nodes[i];
        edge.from_shared = held->how & GPUP_LOCK_SHARED;
        edge.place[0] = held->place;
        edge.told = false;
        add_edge(os, g, service, &edge);
    }
}

/* The function of the driver that called the service: the innermost return address in it. */
__attribute__((no_sanitize("address"))) static uint32_t caller_of(const struct gpup_os *os) {
    const uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t high = (uintptr_t)os->machine->running->stack->top - 16;

    for (unsigned i = 0; i < 12 && (uintptr_t)frame <= high && (uintptr_t)frame % 8 == 0; i++) {
        const uintptr_t *next = (const uintptr_t *)frame[0]; // NOLINT(performance-no-int-to-ptr)

        if (frame[1] - os->code_start < os->code_end - os->code_start &&
            frame[1] - os->code_base < UINT32_MAX)
            return (uint32_t)(frame[1] - os->code_base) + 1;
        if (next <= frame)
            break;
        frame = next;
    }
    return 0;
}

void gpup_lock_wanted(struct gpup_os *os, const char *service, const void *lock, unsigned how) {
    struct gpup_fiber *fiber = os->machine->running;
    bool others = false;

    fiber->place = os->config.page_guards ? caller_of(os) : 0; /* fuzzing does without */
    if (fiber->held_count && (how & GPUP_LOCK_FREE) && gpup_lock_holds(fiber, lock))
        drop(fiber, held_of(fiber, lock)); /* initialised again by the driver's own code */
    for (unsigned i = 0; i < fiber->held_count; i++) {
        if (fiber->held[i].lock == lock && !(fiber->held[i].how & GPUP_LOCK_GATE))
            return; /* it has it: no order between a lock and itself */
        others = others || !(fiber->held[i].how & GPUP_LOCK_GATE);
    }
    if (others && !fiber->held_lost && !(how & GPUP_LOCK_TRY) && !is_local(fiber, lock))
        add_edges(os, service, lock, how);
}

/* --- locks that go */

static void forget_held(struct gpup_fiber *fiber, uintptr_t from, size_t size) {
    for (unsigned i = fiber->held_count; i; i--)
        if ((uintptr_t)fiber->held[i - 1].lock - from < size)
            drop(fiber, &fiber->held[i - 1]);
}

void gpup_lock_forget(struct gpup_os *os, const void *start, size_t size) {
    struct gpup_locks *g = os->machine->locks;
    uintptr_t from = (uintptr_t)start;

    for (struct gpup_fiber *f = os->machine->fibers; f; f = f->next)
        if (f->held_count)
            forget_held(f, from, size);
    if (g && g->live && from <= g->high && from + size > g->low)
        gpup_lock_graph_forget(g, from, size);
}

void gpup_lock_forget_block(struct gpup_os *os, const void *address) {
    const struct gpup_locks *g = os->machine->locks;
    const struct gpup_slot *slot = g && g->live ? gpup_slot_find(os, address) : NULL;

    if (slot && slot->live)
        gpup_lock_forget(os, slot->address, slot->bytes);
}
