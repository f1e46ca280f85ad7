/* A way round in the graph of locks, and what is said of it. */
#include "fiber.h"
#include "locks.h"
#include <stdarg.h>
#include <stdio.h>

#define LOOKS 20000u /* at edges, in one search */

struct search {
    struct gpup_os *os;
    struct gpup_locks *g;
    const char *service;
    unsigned length, wanted, looks;
    struct gpup_lock_edge *edge[GPUP_LOCK_CYCLE];
};

static bool ended_before(const struct gpup_lock_edge *a, const struct gpup_lock_edge *b) {
    return a->thread && b->thread && a->over && a->over <= b->thread;
}

/* Could two threads be where these edges were at the same time? */
static bool together(const struct gpup_lock_edge *a, const struct gpup_lock_edge *b) {
    unsigned k = 0;

    if (a->thread && a->thread == b->thread)
        return false;
    if (ended_before(a, b) || ended_before(b, a))
        return false;
    if (a->rank + b->rank <= GPUP_LOCK_DDI_ALONE + GPUP_LOCK_DDI)
        return false; /* one of them alone in the driver, but for its own threads and routines */
    for (unsigned i = 0; i < a->guards; i++) {
        while (k < b->guards && b->guard[k] < a->guard[i])
            k++;
        if (k < b->guards && b->guard[k] == a->guard[i] && !(a->shared[i] && b->shared[k]))
            return false;
    }
    return true;
}

/* Does who wants a's lock wait for who holds b's? */
static bool blocks(const struct gpup_lock_edge *a, const struct gpup_lock_edge *b) {
    return !(a->to_shared && b->from_shared);
}

static bool fits(const struct search *s, const struct gpup_lock_edge *edge) {
    for (unsigned i = 0; i < s->length; i++)
        if (s->edge[i]->from == edge->from || !together(s->edge[i], edge))
            return false;
    return blocks(s->edge[s->length - 1], edge);
}

/* Depth first, to a length that the caller raises: the shortest way round is the clearest. */
static bool walk(struct search *s) { // NOLINT(misc-no-recursion)
    const struct gpup_lock_edge *first = s->edge[0], *last = s->edge[s->length - 1];

    if (s->length == s->wanted)
        return last->to == first->from && blocks(last, first);
    for (unsigned i = gpup_lock_node_at(s->g, last->to)->edges; i && s->looks;) {
        struct gpup_lock_edge *edge = gpup_lock_edge_at(s->g, i);

        i = edge->next;
        s->looks--;
        if (!fits(s, edge))
            continue;
        s->edge[s->length++] = edge;
        if (walk(s))
            return true;
        s->length--;
    }
    return false;
}

/* --- words */

static size_t append(struct gpup_locks *g, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static size_t append(struct gpup_locks *g, size_t at, const char *format, ...) {
    va_list list;
    int wrote;

    va_start(list, format);
    wrote = vsnprintf(g->text + at, sizeof g->text - at, format, list);
    va_end(list);
    return wrote < 0 || (size_t)wrote >= sizeof g->text - at ? sizeof g->text - 1 : at + (size_t)wrote;
}

static size_t append_place(struct gpup_locks *g, size_t at, uint32_t place) {
    return place ? append(g, at, " at +0x%x", place - 1) : at;
}

static size_t append_lock(const struct search *s, size_t at, const void *lock) {
    uint64_t object, offset;

    if (gpup_os_locate(s->os, lock, &object, &offset))
        return append(s->g, at, " object %llu +0x%llx", (unsigned long long)object,
                      (unsigned long long)offset);
    offset = (uintptr_t)lock - s->os->unwinder.base;
    if (offset < s->os->unwinder.size)
        return append(s->g, at, " +0x%llx", (unsigned long long)offset);
    return append(s->g, at, " outside of the pool");
}

static size_t append_routine(struct gpup_locks *g, size_t at, const struct gpup_lock_edge *edge) {
    static const char *const routines[] = {"a callback", "an ISR",      "a DPC",
                                           "a timer",    "a work item", "a thread"};
    const char *routine = edge->routine < sizeof routines / sizeof *routines ? routines[edge->routine] : "";

    at = append(g, at, ", %s", edge->ddi ? edge->ddi : routine);
    return edge->step == UINT32_MAX ? at : append(g, at, " step %u", edge->step);
}

/* The steps of the way first, then which locks these are: what is cut off at the end of a line is less. */
static void describe(const struct search *s) {
    struct gpup_locks *g = s->g;
    size_t at = append(g, 0, "%s:", s->service);

    for (unsigned i = 0; i < s->length; i++) {
        const struct gpup_lock_edge *e = s->edge[i];

        at = append(g, at, " lock %u", gpup_lock_node_at(g, e->to)->number);
        at = append_place(g, at, e->place[1]);
        at = append(g, at, " under %u", gpup_lock_node_at(g, e->from)->number);
        at = append_place(g, at, e->place[0]);
        at = append_routine(g, at, e);
        at = append(g, at, ";");
    }
    for (unsigned i = 0; i < s->length; i++) {
        const struct gpup_lock_node *to = gpup_lock_node_at(g, s->edge[i]->to);

        at = append(g, at, "%s %u is", i ? "," : "", to->number);
        at = append_lock(s, at, to->lock);
    }
}

/* Not on the driver's stack, whose use is watched. */
static void find(void *a, void *b) {
    struct search *s = a;

    (void)b;
    for (s->wanted = 2; s->wanted <= GPUP_LOCK_CYCLE; s->wanted++) {
        s->length = 1;
        if (walk(s)) {
            describe(s);
            return;
        }
    }
    s->length = 0;
}

void gpup_lock_search(struct gpup_os *os, struct gpup_locks *g, const char *service, unsigned edge) {
    struct gpup_lock_edge *fresh = gpup_lock_edge_at(g, edge);
    struct search search = {.os = os, .g = g, .service = service, .looks = LOOKS, .edge = {fresh}};
    uint64_t object = 0, offset;

    if (!gpup_lock_node_at(g, fresh->to)->edges)
        return; /* nothing leads on from there, which is how it nearly always is */
    gpup_fiber_call_outside(os, find, &search, NULL);
    if (!search.length)
        return;
    for (unsigned i = 0; i < search.length; i++)
        search.edge[i]->told = true;
    gpup_os_locate(os, gpup_lock_node_at(g, fresh->to)->lock, &object, &offset);
    gpup_os_misuse(os, g->text, GPUP_MISUSE_ORDER, object);
}

/* --- the same lock again */

struct again {
    struct search search;
    const void *lock;
    uint32_t place, before;
};

static void describe_again(void *a, void *b) {
    const struct again *again = a;
    struct gpup_locks *g = again->search.g;
    size_t at = append(g, 0, "%s: the lock", again->search.service);

    (void)b;
    at = append_lock(&again->search, at, again->lock);
    at = append_place(g, at, again->place);
    at = append(g, at, " that it holds");
    append_place(g, at, again->before);
}

void gpup_lock_again(struct gpup_os *os, const char *service, const void *lock) {
    const struct gpup_fiber *fiber = os->machine->running;
    struct again again = {.search = {.os = os, .g = gpup_locks_of(os), .service = service},
                          .lock = lock,
                          .place = fiber->place};
    uint64_t object = 0, offset;

    for (unsigned i = 0; i < fiber->held_count; i++)
        if (fiber->held[i].lock == lock)
            again.before = fiber->held[i].place;
    if (again.search.g)
        gpup_fiber_call_outside(os, describe_again, &again, NULL);
    gpup_os_locate(os, lock, &object, &offset);
    gpup_os_misuse(os, again.search.g ? again.search.g->text : service, GPUP_MISUSE_RECURSION, object);
}
