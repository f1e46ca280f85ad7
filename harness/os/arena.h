/*
 * What the scheduler and the pool need of an arena beyond its public face: whole pages with their protection,
 * and fiber stacks.
 *
 * Pages: the arena knows the protection of each of its pages, so that a restore brings that back too.
 * Stacks lie at the end of the reservation, numbered from 0. Each is a guard page, then a part that grows on
 * demand (window), kept filled with the host's pattern while idle. Only the live part of a stack in use is
 * saved.
 */
#ifndef GPUP_OS_ARENA_H
#define GPUP_OS_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPUP_PAGE ((size_t)4096)

struct gpup_arena;
enum gpup_protection { GPUP_READ_WRITE, GPUP_READ_ONLY, GPUP_NO_ACCESS };

struct gpup_stack {
    uint8_t *base; /* lowest address: the guard page */
    uint8_t *top;
    uint8_t *window; /* lowest accessible address */
    uint8_t *live;   /* in use: lowest byte worth saving; NULL: idle */
    uint8_t fill;
    uint8_t calm; /* runs in a row that needed no more than the smallest window */
    bool dirty;   /* not wholly pattern */
};

/* `count` pages with unspecified contents, readable and writable; NULL: full. */
void *gpup_arena_pages(struct gpup_arena *arena, size_t count);
bool gpup_arena_protect(struct gpup_arena *arena, void *address, size_t size,
                        enum gpup_protection protection);
/* For the fault handler: a tracked page was written to for the first time; it is writable now. */
bool gpup_arena_written(const void *address);
bool gpup_arena_contains(const struct gpup_arena *arena, const void *address);
uint8_t *gpup_arena_base(const struct gpup_arena *arena, size_t *reserve);
/* Address space without memory, for register mappings. */
uint8_t *gpup_arena_window(const struct gpup_arena *arena, size_t *size);

/* A fresh stack, filled; NULL: no room. The pointer stays valid until the arena is freed. */
struct gpup_stack *gpup_arena_stack(struct gpup_arena *arena, uint8_t fill);
void gpup_stack_clean(struct gpup_stack *stack);        /* pattern again, after a run */
size_t gpup_stack_used(const struct gpup_stack *stack); /* bytes touched since the last clean */
/* Makes `address` accessible if it is above the guard page. For the fault handler. */
bool gpup_stack_grow(struct gpup_stack *stack, const uint8_t *address);

#endif
