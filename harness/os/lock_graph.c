/* The graph of locks: nodes by address, edges in a list of the lock that they leave. */
#include "locks.h"

struct gpup_locks *gpup_locks_of(struct gpup_os *os) {
    struct gpup_machine *machine = os->machine;

    if (!machine->locks) {
        machine->locks = gpup_os_alloc(os, sizeof *machine->locks);
        if (machine->locks)
            machine->locks->low = UINTPTR_MAX;
    }
    return machine->locks;
}

struct gpup_lock_node *gpup_lock_node_at(const struct gpup_locks *g, unsigned index) {
    return &g->node[index / GPUP_LOCK_CHUNK][index % GPUP_LOCK_CHUNK];
}

struct gpup_lock_edge *gpup_lock_edge_at(const struct gpup_locks *g, unsigned index) {
    return &g->edge[index / GPUP_LOCK_CHUNK][index % GPUP_LOCK_CHUNK];
}

unsigned gpup_lock_edge_new(struct gpup_os *os, struct gpup_locks *g) {
    unsigned index = g->free_edge;

    if (index) {
        g->free_edge = gpup_lock_edge_at(g, index)->next;
        return index;
    }
    if (g->edges + 1u == GPUP_LOCK_EDGES)
        return 0;
    index = g->edges + 1u;
    if (!g->edge[index / GPUP_LOCK_CHUNK])
        g->edge[index / GPUP_LOCK_CHUNK] = gpup_os_alloc(os, GPUP_LOCK_CHUNK * sizeof **g->edge);
    if (!g->edge[index / GPUP_LOCK_CHUNK])
        return 0;
    return ++g->edges;
}

static uint8_t *bucket_of(struct gpup_locks *g, const void *lock) {
    return &g->bucket[((uintptr_t)lock >> 3) * 0x9E3779B1u >> 20 & (GPUP_LOCK_BUCKETS - 1)];
}

static unsigned node_new(struct gpup_os *os, struct gpup_locks *g) {
    unsigned index = g->free_node;

    if (index) {
        g->free_node = gpup_lock_node_at(g, index)->next;
        return index;
    }
    if (g->nodes + 1u == GPUP_LOCK_NODES)
        return 0;
    index = g->nodes + 1u;
    if (!g->node[index / GPUP_LOCK_CHUNK])
        g->node[index / GPUP_LOCK_CHUNK] = gpup_os_alloc(os, GPUP_LOCK_CHUNK * sizeof **g->node);
    if (!g->node[index / GPUP_LOCK_CHUNK])
        return 0;
    return ++g->nodes;
}

unsigned gpup_lock_node(struct gpup_os *os, struct gpup_locks *g, const void *lock) {
    uint8_t *bucket = bucket_of(g, lock);
    unsigned index = *bucket;

    while (index && gpup_lock_node_at(g, index)->lock != lock)
        index = gpup_lock_node_at(g, index)->next;
    if (index)
        return index;
    index = node_new(os, g);
    if (!index)
        return 0;
    *gpup_lock_node_at(g, index) =
        (struct gpup_lock_node){.lock = lock, .number = ++g->numbers, .next = *bucket};
    *bucket = (uint8_t)index;
    g->live++;
    if ((uintptr_t)lock < g->low)
        g->low = (uintptr_t)lock;
    if ((uintptr_t)lock > g->high)
        g->high = (uintptr_t)lock;
    return index;
}

void gpup_lock_thread_ends(struct gpup_os *os, const struct gpup_thread *thread) {
    const struct gpup_locks *g = os->machine->locks;

    for (unsigned i = 1; g && i <= g->edges; i++)
        if (gpup_lock_edge_at(g, i)->thread == thread->object)
            gpup_lock_edge_at(g, i)->over = os->machine->next_object;
}

/* --- taking out */

static bool concerns(const struct gpup_lock_edge *edge, unsigned node) {
    for (unsigned i = 0; i < edge->guards; i++)
        if (edge->guard[i] == node)
            return true;
    return edge->to == node;
}

/* An edge under a gate that is no more goes, too: it was of a time that is over. */
static void drop_edges(struct gpup_locks *g, unsigned gone) {
    for (unsigned n = 1; n <= g->nodes; n++) {
        uint16_t *link = &gpup_lock_node_at(g, n)->edges;

        while (*link) {
            uint16_t index = *link;
            struct gpup_lock_edge *edge = gpup_lock_edge_at(g, index);

            if (!concerns(edge, gone)) {
                link = &edge->next;
                continue;
            }
            *link = edge->next;
            *edge = (struct gpup_lock_edge){.next = g->free_edge};
            g->free_edge = index;
        }
    }
}

static void drop_node(struct gpup_locks *g, unsigned index) {
    struct gpup_lock_node *node = gpup_lock_node_at(g, index);
    uint8_t *link = bucket_of(g, node->lock);

    while (*link != index)
        link = &gpup_lock_node_at(g, *link)->next;
    *link = node->next;
    drop_edges(g, index);
    *node = (struct gpup_lock_node){.next = g->free_node};
    g->free_node = (uint8_t)index;
    g->live--;
}

void gpup_lock_graph_forget(struct gpup_locks *g, uintptr_t start, size_t size) {
    for (unsigned i = 1; i <= g->nodes; i++) {
        const struct gpup_lock_node *node = gpup_lock_node_at(g, i);

        if (node->lock && (uintptr_t)node->lock - start < size)
            drop_node(g, i);
    }
}
