/* Arena: a bump allocator over one reservation, with page protections; fiber stacks lie at its end. */
#include "arena_inside.h"
#include <string.h>
#include <sys/mman.h>

#define WINDOW_SIZE ((size_t)16 << 30)

void *gpup_arena_map(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

struct gpup_arena *gpup_arena_new(size_t reserve) {
    struct gpup_arena *arena = gpup_arena_map(sizeof *arena);
    uint8_t *space;

    if (!arena)
        return NULL;
    arena->reserve = gpup_arena_round(reserve, GPUP_PAGE);
    arena->pages = gpup_arena_map(arena->reserve / GPUP_PAGE + 1);
    space = mmap(NULL, arena->reserve + WINDOW_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    if (!arena->pages || space == MAP_FAILED || mprotect(space, arena->reserve, PROT_READ | PROT_WRITE)) {
        if (space != MAP_FAILED)
            munmap(space, arena->reserve + WINDOW_SIZE);
        if (arena->pages)
            munmap(arena->pages, arena->reserve / GPUP_PAGE + 1);
        munmap(arena, sizeof *arena);
        return NULL;
    }
    arena->base = space;
    arena->window = space + arena->reserve;
    return arena;
}

/* Stacks take the end of the reservation. */
size_t gpup_arena_limit(const struct gpup_arena *arena) {
    return arena->reserve - arena->mapped * STACK_SIZE;
}

void gpup_arena_free(struct gpup_arena *arena) {
    if (!arena)
        return;
    gpup_unpoison(arena->base, arena->touched);
    gpup_unpoison(arena->base + gpup_arena_limit(arena),
                  arena->reserve - gpup_arena_limit(arena)); /* stacks */
    munmap(arena->base, arena->reserve + WINDOW_SIZE);
    munmap(arena->pages, arena->reserve / GPUP_PAGE + 1);
    gpup_arena_untrack(arena);
    if (arena->saved.bytes)
        munmap(arena->saved.bytes, arena->saved.bytes_size);
    if (arena->saved.pages)
        munmap(arena->saved.pages, arena->saved.pages_size);
    munmap(arena, sizeof *arena);
}

static void *take(struct gpup_arena *arena, size_t size, size_t alignment, bool zero) {
    size_t start = gpup_arena_round(arena->used, alignment);
    size_t end = start + size;

    if (end < start || end > gpup_arena_limit(arena))
        return NULL;
    if (zero && start < arena->touched)
        memset(arena->base + start, 0, (end < arena->touched ? end : arena->touched) - start);
    arena->used = end;
    if (arena->touched < end)
        arena->touched = end;
    return arena->base + start;
}

void *gpup_arena_alloc(struct gpup_arena *arena, size_t size) {
    if (size > arena->reserve)
        return NULL;
    return take(arena, size, 16, true);
}

void *gpup_arena_alloc_raw(struct gpup_arena *arena, size_t size) {
    return size > arena->reserve ? NULL : take(arena, size, 16, false);
}

void *gpup_arena_pages(struct gpup_arena *arena, size_t count) {
    if (count > arena->reserve / GPUP_PAGE)
        return NULL;
    return take(arena, count * GPUP_PAGE, GPUP_PAGE, false);
}

size_t gpup_arena_used(const struct gpup_arena *arena) {
    return arena->used;
}

bool gpup_arena_contains(const struct gpup_arena *arena, const void *address) {
    return (const uint8_t *)address >= arena->base && (const uint8_t *)address < arena->base + arena->reserve;
}

uint8_t *gpup_arena_base(const struct gpup_arena *arena, size_t *reserve) {
    *reserve = arena->reserve;
    return arena->base;
}

uint8_t *gpup_arena_window(const struct gpup_arena *arena, size_t *size) {
    *size = WINDOW_SIZE;
    return arena->window;
}

static int prot_of(enum gpup_protection protection) {
    return protection == GPUP_READ_WRITE  ? PROT_READ | PROT_WRITE
           : protection == GPUP_READ_ONLY ? PROT_READ
                                          : PROT_NONE;
}

bool gpup_arena_protect(struct gpup_arena *arena, void *address, size_t size,
                        enum gpup_protection protection) {
    size_t first = (size_t)((uint8_t *)address - arena->base) / GPUP_PAGE;
    size_t count = size / GPUP_PAGE;
    bool change = false;

    if (arena->tracking.on && first < arena->tracking.pages)
        gpup_arena_untrack(arena); /* protections of its own */
    for (size_t i = first; i < first + count; i++)
        change |= arena->pages[i] != protection;
    if (!change)
        return true;
    if (mprotect(address, size, prot_of(protection)))
        return false;
    for (size_t i = first; i < first + count; i++) {
        arena->guarded += protection != GPUP_READ_WRITE;
        arena->guarded -= arena->pages[i] != GPUP_READ_WRITE;
        arena->pages[i] = (uint8_t)protection;
    }
    return true;
}

void gpup_arena_reset(struct gpup_arena *arena) {
    size_t count = gpup_arena_round(arena->touched, GPUP_PAGE) / GPUP_PAGE;

    gpup_arena_untrack(arena);
    if (arena->guarded)
        mprotect(arena->base, count * GPUP_PAGE, PROT_READ | PROT_WRITE);
    memset(arena->pages, GPUP_READ_WRITE, count);
    arena->guarded = 0;
    for (unsigned i = 0; i < arena->stacks; i++)
        gpup_arena_forget_stack(&arena->stack[i]);
    arena->stacks = 0;
    arena->used = 0;
    arena->saved.valid = false;
}
