/*
 * Inside an arena, for the files that share it: arena.c (allocation and protection), arena_stack.c (fiber
 * stacks), arena_snapshot.c (the snapshot), arena_track.c (what of it was written to).
 *
 * Bookkeeping lies outside the reservation, so that a driver that runs wild does not reach it. Not
 * thread-safe: an arena belongs to one thread.
 */
#ifndef GPUP_OS_ARENA_INSIDE_H
#define GPUP_OS_ARENA_INSIDE_H

#include "arena.h"
#include "asan.h"
#include <gpup/os.h>

#define MAX_STACKS 512
#ifdef GPUP_ASAN /* instrumented frames are several times larger */
#define STACK_SIZE ((size_t)512 * 1024)
#else
#define STACK_SIZE ((size_t)128 * 1024)
#endif

/* The snapshot: a copy of the bytes in use, their protections, and what lives of each stack. */
struct saved {
    bool valid;
    uint8_t *bytes; /* used bytes, then the live parts of stacks */
    uint8_t *pages;
    size_t bytes_size, pages_size;
    size_t used, guarded;
    unsigned stacks;
    uint8_t *live[MAX_STACKS];
};

/* Which pages of the snapshot need a look when it is brought back. */
struct tracking {
    bool on;
    uint8_t *age;   /* of a warm page: restores in a row that found it as it was; COLD: write-protected */
    uint32_t *warm; /* numbers of the others */
    uint64_t *zero; /* of each page: a bit per line of 64 bytes that is zero in the snapshot */
    size_t warm_count, pages, room;
    struct gpup_arena *next; /* of this thread's tracked arenas */
};

struct gpup_arena {
    uint8_t *base, *window;
    size_t reserve;
    size_t used;
    size_t touched;  /* bytes from here on were never handed out: still zero */
    size_t guarded;  /* pages that are not read-write */
    uint8_t *pages;  /* enum gpup_protection of each page */
    unsigned stacks; /* handed out */
    unsigned mapped; /* with their guard in place; survive reset and restore */
    struct gpup_stack stack[MAX_STACKS];
    struct saved saved;
    struct tracking tracking;
};

/* Zeroed memory outside of any arena; NULL: none. Given back with munmap. */
void *gpup_arena_map(size_t size);
/* Bytes of the reservation that stacks do not take. */
size_t gpup_arena_limit(const struct gpup_arena *arena);
/* An idle stack, filled with its pattern. */
void gpup_arena_forget_stack(struct gpup_stack *stack);
/* Tracking ends; every page is writable that was write-protected for it. Nothing when it is off. */
void gpup_arena_untrack(struct gpup_arena *arena);
/* Pages of the snapshot that were written to since, as they were. Only while tracking is on. */
void gpup_arena_bring_back(struct gpup_arena *arena);

static inline size_t gpup_arena_round(size_t size, size_t to) {
    return (size + to - 1) & ~(to - 1);
}

#endif
