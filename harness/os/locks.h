/*
 * Who holds which lock, and in which order locks are taken.
 *
 * Each fiber has a list of what it holds. A lock that is waited for while others are held becomes an edge
 * from each of those in a graph of the whole machine, of both its adapters; a way round in the graph, whose
 * edges threads of their own could walk at the same time, is a MISUSE of kind ORDER, before the wait begins.
 * Two edges could not, and are no part of one way round, if the same lock was held along both of them (a
 * gate), if they are one system thread's or of threads that did not live at the same time, if one is of a
 * DDI call that the system lets no other overlap, or where readers meet readers. What is only tried has no
 * edge to it. Locks are told apart by their address, until it is given back or initialised again.
 *
 * The graph lies in the arena and is bounded. What finds no room in it is left out, which makes it see less,
 * never more.
 */
#ifndef GPUP_OS_LOCKS_H
#define GPUP_OS_LOCKS_H

#include "kernel.h"

/* How a lock is taken. */
#define GPUP_LOCK_ALONE 0u
#define GPUP_LOCK_SHARED 1u
#define GPUP_LOCK_TRY 2u  /* the caller does not wait until it has it */
#define GPUP_LOCK_GATE 4u /* nobody owns it: an event, say, that may be used like a lock */
#define GPUP_LOCK_FREE 8u /* its own bytes say that nobody holds it */

/* [fiber] Right before an acquisition; it may report. service: for the report. */
void gpup_lock_wanted(struct gpup_os *os, const char *service, const void *lock, unsigned how);
/* The fiber has it, once more if it had it before. */
void gpup_lock_taken(struct gpup_fiber *fiber, const void *lock, unsigned how);
/* Given back, once; by another fiber than the one that took it, too. */
void gpup_lock_given(struct gpup_os *os, struct gpup_fiber *fiber, const void *lock);
/* From now on its holder has it alone, or lets others share it. */
void gpup_lock_becomes(struct gpup_fiber *fiber, const void *lock, unsigned how);
bool gpup_lock_holds(const struct gpup_fiber *fiber, const void *lock);
/* [fiber] It is waited for by its holder: MISUSE of kind RECURSION. */
void gpup_lock_again(struct gpup_os *os, const char *service, const void *lock);
/* Locks in [start, +size) are no more. */
void gpup_lock_forget(struct gpup_os *os, const void *start, size_t size);
/* All locks of the pool block that begins there, if there is one. */
void gpup_lock_forget_block(struct gpup_os *os, const void *address);
void gpup_lock_thread_ends(struct gpup_os *os, const struct gpup_thread *thread);

/* The lock of an interrupt, the adapter's of that message, by an address in which nothing else can be one. */
static inline const void *gpup_lock_of_interrupt(const struct gpup_os *os, uint32_t message) {
    const struct gpup_machine *machine = os->machine;

    return (const uint8_t *)machine->first_dpcs +
           (2 * message + (os->config.host & 1)) % sizeof machine->first_dpcs;
}

/* --- the graph, for the files that share it */

#define GPUP_LOCK_NODES 256u /* the first is none */
#define GPUP_LOCK_EDGES 1024u
#define GPUP_LOCK_CHUNK 32u
#define GPUP_LOCK_BUCKETS 64u
#define GPUP_LOCK_CYCLE 8u /* edges of the longest way round that is looked for */

struct gpup_lock_node {
    const void *lock; /* NULL: free */
    uint32_t number;  /* for reports: the how many-th of this machine */
    uint16_t edges;   /* first that leads away; 0 none */
    uint8_t next;     /* in its bucket, or free */
};
enum gpup_lock_rank { /* of whose edge it is: what overlaps with more is higher */
                      GPUP_LOCK_DDI_ALONE,
                      GPUP_LOCK_DDI,
                      GPUP_LOCK_OTHER
};
struct gpup_lock_edge { /* `to` was waited for while `from` was held */
    uint16_t next;
    uint8_t from, to; /* from 0: free */
    bool from_shared, to_shared, told;
    uint8_t routine, rank, guards; /* guards: how many locks were held, `from` among them */
    uint8_t guard[GPUP_MAX_HELD];  /* nodes, in rising order */
    uint8_t shared[GPUP_MAX_HELD]; /* of each: held together with others */
    uint32_t place[2];             /* of the acquisitions: offset in the image plus 1, 0 unknown */
    uint32_t step;
    const char *ddi; /* NULL: none */
    /* The system thread that did it, as its number among objects; 0: any could. over: objects when it ended.
     */
    uint64_t thread, over;
};
struct gpup_locks {
    struct gpup_lock_node *node[GPUP_LOCK_NODES / GPUP_LOCK_CHUNK];
    struct gpup_lock_edge *edge[GPUP_LOCK_EDGES / GPUP_LOCK_CHUNK];
    uint8_t bucket[GPUP_LOCK_BUCKETS], free_node;
    uint16_t nodes, edges, free_edge; /* used so far, the freed ones included */
    uint32_t live, numbers;
    uintptr_t low, high; /* where locks of nodes lie */
    char text[960];      /* of the report at hand */
};

struct gpup_locks *gpup_locks_of(struct gpup_os *os); /* NULL: arena full */
struct gpup_lock_node *gpup_lock_node_at(const struct gpup_locks *g, unsigned index);
struct gpup_lock_edge *gpup_lock_edge_at(const struct gpup_locks *g, unsigned index);
/* A new edge, in no list yet; returns its index, 0: no room. */
unsigned gpup_lock_edge_new(struct gpup_os *os, struct gpup_locks *g);
unsigned gpup_lock_node(struct gpup_os *os, struct gpup_locks *g, const void *lock); /* 0: no room */
void gpup_lock_graph_forget(struct gpup_locks *g, uintptr_t start, size_t size);
/* [fiber] Looks for a way round through a new edge, and reports it. */
void gpup_lock_search(struct gpup_os *os, struct gpup_locks *g, const char *service, unsigned edge);

#endif
