/* The snapshot of an arena: taken, and brought back. */
#include "arena_inside.h"
#include <string.h>
#include <sys/mman.h>

#define IDLE_MOST ((size_t)4 << 20) /* kept behind the snapshot */

static bool room(uint8_t **bytes, size_t *size, size_t wanted) {
    uint8_t *fresh;

    if (*size >= wanted)
        return true;
    wanted = gpup_arena_round(wanted, GPUP_PAGE);
    fresh = gpup_arena_map(wanted);
    if (!fresh)
        return false;
    if (*bytes)
        munmap(*bytes, *size);
    *bytes = fresh;
    *size = wanted;
    return true;
}

/* Most pages of a program are as they were: reading two costs less than writing one. */
static void copy_changed(uint8_t *to, const uint8_t *from, size_t size) {
    for (size_t at = 0; at < size; at += GPUP_PAGE) {
        size_t part = size - at < GPUP_PAGE ? size - at : GPUP_PAGE;

        if (memcmp(to + at, from + at, part) != 0)
            memcpy(to + at, from + at, part);
    }
}

/* Copies what is readable between the arena and the saved bytes. */
static void copy_pages(const struct gpup_arena *arena, const uint8_t *pages, size_t used, bool out) {
    uint8_t *saved = arena->saved.bytes;

    for (size_t at = 0; at < used;) {
        size_t end = at;
        uint8_t state = pages[at / GPUP_PAGE];

        while (end < used && pages[end / GPUP_PAGE] == state)
            end += GPUP_PAGE;
        if (end > used)
            end = used;
        if (state == GPUP_READ_ONLY && !out)
            mprotect(arena->base + at, gpup_arena_round(end - at, GPUP_PAGE), PROT_READ | PROT_WRITE);
        if (state != GPUP_NO_ACCESS)
            copy_changed(out ? saved + at : arena->base + at, out ? arena->base + at : saved + at, end - at);
        if (state == GPUP_READ_ONLY && !out)
            mprotect(arena->base + at, gpup_arena_round(end - at, GPUP_PAGE), PROT_READ);
        at = end;
    }
}

bool gpup_arena_snapshot(struct gpup_arena *arena) {
    struct saved *saved = &arena->saved;
    size_t pages = gpup_arena_round(arena->used, GPUP_PAGE) / GPUP_PAGE;
    size_t size = arena->used;
    uint8_t *to;

    for (unsigned i = 0; i < arena->stacks; i++)
        if (arena->stack[i].live)
            size += (size_t)(arena->stack[i].top - arena->stack[i].live);
    gpup_arena_untrack(arena);
    saved->valid = false;
    if (!room(&saved->bytes, &saved->bytes_size, size) || !room(&saved->pages, &saved->pages_size, pages))
        return false;
    copy_pages(arena, arena->pages, arena->used, true);
    memcpy(saved->pages, arena->pages, pages);
    to = saved->bytes + arena->used;
    for (unsigned i = 0; i < arena->stacks; i++) {
        struct gpup_stack *stack = &arena->stack[i];
        size_t live = stack->live ? (size_t)(stack->top - stack->live) : 0;

        gpup_copy_raw(to, stack->top - live, live);
        saved->live[i] = stack->live;
        to += live;
    }
    saved->used = arena->used;
    saved->guarded = arena->guarded;
    saved->stacks = arena->stacks;
    saved->valid = true;
    return true;
}

/* Page protections as saved; pages behind the saved end become read-write. */
static void restore_protection(struct gpup_arena *arena) {
    const struct saved *saved = &arena->saved;
    size_t now = gpup_arena_round(arena->used, GPUP_PAGE) / GPUP_PAGE;
    size_t then = gpup_arena_round(saved->used, GPUP_PAGE) / GPUP_PAGE;
    size_t pages = now > then ? now : then;

    if (!arena->guarded && !saved->guarded)
        return;
    for (size_t i = 0; i < pages;) {
        uint8_t want = i < then ? saved->pages[i] : GPUP_READ_WRITE;
        size_t end = i;

        while (end < pages && (end < then ? saved->pages[end] : GPUP_READ_WRITE) == want)
            end++;
        gpup_arena_protect(arena, arena->base + i * GPUP_PAGE, (end - i) * GPUP_PAGE, want);
        i = end;
    }
}

/* Guards of pages that the snapshot did not have go by themselves: it is brought back as if there were none.
 */
static void drop_guards(struct gpup_arena *arena) {
    size_t then = gpup_arena_round(arena->saved.used, GPUP_PAGE),
           now = gpup_arena_round(arena->used, GPUP_PAGE);

    if (arena->guarded && !arena->saved.guarded && now > then)
        gpup_arena_protect(arena, arena->base + then, now - then, GPUP_READ_WRITE);
}

/* What one execution in thousands needed is given back; when wanted again it is zero, as new. */
static void give_back_idle(struct gpup_arena *arena) {
    size_t from = gpup_arena_round(arena->used, GPUP_PAGE) + IDLE_MOST;

    if (arena->touched <= from)
        return;
    gpup_unpoison(arena->base + from, arena->touched - from);
    if (!madvise(arena->base + from, arena->touched - from, MADV_DONTNEED))
        arena->touched = from;
}

void gpup_arena_restore(struct gpup_arena *arena) {
    struct saved *saved = &arena->saved;
    const uint8_t *from = saved->bytes + saved->used;

    if (!saved->valid)
        return;
    drop_guards(arena);
    if (arena->tracking.on && !arena->guarded) {
        gpup_arena_bring_back(arena);
    } else {
        restore_protection(arena);
        copy_pages(arena, saved->pages, saved->used, false);
    }
    arena->used = saved->used;
    give_back_idle(arena);
    for (unsigned i = 0; i < arena->stacks; i++) {
        struct gpup_stack *stack = &arena->stack[i];

        gpup_arena_forget_stack(stack);
        if (i < saved->stacks && saved->live[i]) {
            size_t live = (size_t)(stack->top - saved->live[i]);

            if (saved->live[i] < stack->window)
                gpup_stack_grow(stack, saved->live[i]);
            memcpy(stack->top - live, from, live);
            from += live;
            stack->live = saved->live[i];
            stack->dirty = true;
        }
    }
    arena->stacks = saved->stacks;
}
