/* Arena: a bump allocator over one reservation, with page protections, one snapshot, and fiber stacks at the
 * end. Bookkeeping lies outside the reservation, so that a driver that runs wild does not reach it. */
#include "arena.h"
#include "asan.h"
#include <emmintrin.h>
#include <gpup/os.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WINDOW_SIZE ((size_t)16 << 30)
#define MAX_STACKS 512
#ifdef GPUP_ASAN /* instrumented frames are several times larger */
#define STACK_SIZE ((size_t)512 * 1024)
#else
#define STACK_SIZE ((size_t)128 * 1024)
#endif
#define FIRST_WINDOW ((size_t)4 * 1024) /* small: each clean looks at all of it */
#define CALM_RUNS 64
#define COLD 255u
#define COOLS_AFTER 120u            /* restores: as dear as the fault when it is written to after all */
#define IDLE_MOST ((size_t)4 << 20) /* kept behind the snapshot */

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

static void *map(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static size_t round_up(size_t size, size_t to) {
    return (size + to - 1) & ~(to - 1);
}

struct gpup_arena *gpup_arena_new(size_t reserve) {
    struct gpup_arena *arena = map(sizeof *arena);
    uint8_t *space;

    if (!arena)
        return NULL;
    arena->reserve = round_up(reserve, GPUP_PAGE);
    arena->pages = map(arena->reserve / GPUP_PAGE + 1);
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
static size_t limit(const struct gpup_arena *arena) {
    return arena->reserve - arena->mapped * STACK_SIZE;
}

/* --- tracking: pages of the snapshot are write-protected until somebody writes to them */

static _Thread_local struct gpup_arena *tracked;

static void forget_tracked(struct gpup_arena *arena) {
    struct tracking *t = &arena->tracking;

    for (struct gpup_arena **at = &tracked; t->on && *at; at = &(*at)->tracking.next)
        if (*at == arena) {
            *at = t->next;
            break;
        }
    if (t->on && t->pages)
        mprotect(arena->base, t->pages * GPUP_PAGE, PROT_READ | PROT_WRITE);
    if (t->age)
        munmap(t->age, t->room);
    if (t->warm)
        munmap(t->warm, t->room * sizeof *t->warm);
    *t = (struct tracking){0};
}

bool gpup_arena_track(struct gpup_arena *arena) {
    struct tracking *t = &arena->tracking;

    forget_tracked(arena);
    if (!arena->saved.valid || arena->guarded)
        return false;
    t->pages = arena->saved.used / GPUP_PAGE; /* the last one, if not whole, is always looked at */
    t->room = round_up(t->pages + 1, GPUP_PAGE);
    t->age = map(t->room);
    t->warm = map(t->room * sizeof *t->warm);
    t->on = true;
    t->next = tracked;
    tracked = arena;
    if (!t->age || !t->warm || mprotect(arena->base, t->pages * GPUP_PAGE, PROT_READ)) {
        forget_tracked(arena);
        return false;
    }
    memset(t->age, COLD, t->pages);
    return true;
}

static bool warm_up(struct gpup_arena *arena, size_t page) {
    struct tracking *t = &arena->tracking;

    if (page >= t->pages || t->age[page] != COLD ||
        mprotect(arena->base + page * GPUP_PAGE, GPUP_PAGE, PROT_READ | PROT_WRITE))
        return false;
    t->age[page] = 0;
    t->warm[t->warm_count++] = (uint32_t)page;
    return true;
}

bool gpup_arena_written(const void *address) {
    for (struct gpup_arena *arena = tracked; arena; arena = arena->tracking.next)
        if (gpup_arena_contains(arena, address))
            return warm_up(arena, (size_t)((const uint8_t *)address - arena->base) / GPUP_PAGE);
    return false;
}

/* Line by line, since few of a page were written. Not memcmp and memcpy: under a sanitizer these look at the
 * shadow of every byte first. */
static bool bring_back_page(uint8_t *at, const uint8_t *saved, const uint8_t *next,
                            const uint8_t *next_saved) {
    __m128i *p = (__m128i *)(void *)at;
    const __m128i *q = (const __m128i *)(const void *)saved;
    bool changed = false;

    for (size_t i = 0; i < GPUP_PAGE / sizeof *p; i += 4) {
        _mm_prefetch(next + i * sizeof *p,
                     _MM_HINT_T0); /* pages lie apart: nothing else sees the next coming */
        _mm_prefetch(next_saved + i * sizeof *p, _MM_HINT_T0);
        __m128i x = _mm_or_si128(_mm_xor_si128(p[i], q[i]), _mm_xor_si128(p[i + 1], q[i + 1]));
        __m128i y = _mm_or_si128(_mm_xor_si128(p[i + 2], q[i + 2]), _mm_xor_si128(p[i + 3], q[i + 3]));

        if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(x, y), _mm_setzero_si128())) == 0xFFFF)
            continue;
        for (size_t k = i; k < i + 4; k++)
            p[k] = q[k];
        changed = true;
    }
    return changed;
}

static void bring_back_warm(struct gpup_arena *arena) {
    struct tracking *t = &arena->tracking;
    size_t kept = 0, whole = t->pages * GPUP_PAGE;

    for (size_t i = 0; i < t->warm_count; i++) {
        size_t page = t->warm[i], next = t->warm[i + 1 < t->warm_count ? i + 1 : i];
        uint8_t *at = arena->base + page * GPUP_PAGE, *saved = arena->saved.bytes + page * GPUP_PAGE;

        if (bring_back_page(at, saved, arena->base + next * GPUP_PAGE,
                            arena->saved.bytes + next * GPUP_PAGE)) {
            t->age[page] = 0;
        } else if (++t->age[page] == COOLS_AFTER && !mprotect(at, GPUP_PAGE, PROT_READ)) {
            t->age[page] = COLD;
            continue;
        }
        t->warm[kept++] = (uint32_t)page;
    }
    t->warm_count = kept;
    memcpy(arena->base + whole, arena->saved.bytes + whole, arena->saved.used - whole);
}

void gpup_arena_free(struct gpup_arena *arena) {
    if (!arena)
        return;
    gpup_unpoison(arena->base, arena->touched);
    gpup_unpoison(arena->base + limit(arena), arena->reserve - limit(arena)); /* stacks */
    munmap(arena->base, arena->reserve + WINDOW_SIZE);
    munmap(arena->pages, arena->reserve / GPUP_PAGE + 1);
    forget_tracked(arena);
    if (arena->saved.bytes)
        munmap(arena->saved.bytes, arena->saved.bytes_size);
    if (arena->saved.pages)
        munmap(arena->saved.pages, arena->saved.pages_size);
    munmap(arena, sizeof *arena);
}

static void *take(struct gpup_arena *arena, size_t size, size_t alignment, bool zero) {
    size_t start = round_up(arena->used, alignment);
    size_t end = start + size;

    if (end < start || end > limit(arena))
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
        forget_tracked(arena); /* protections of its own */
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

static void forget_stack(struct gpup_stack *stack) {
    stack->live = NULL;
    gpup_stack_clean(stack);
}

void gpup_arena_reset(struct gpup_arena *arena) {
    size_t count = round_up(arena->touched, GPUP_PAGE) / GPUP_PAGE;

    forget_tracked(arena);
    if (arena->guarded)
        mprotect(arena->base, count * GPUP_PAGE, PROT_READ | PROT_WRITE);
    memset(arena->pages, GPUP_READ_WRITE, count);
    arena->guarded = 0;
    for (unsigned i = 0; i < arena->stacks; i++)
        forget_stack(&arena->stack[i]);
    arena->stacks = 0;
    arena->used = 0;
    arena->saved.valid = false;
}

/* --- stacks */

static bool map_stack(struct gpup_arena *arena, struct gpup_stack *stack, uint8_t fill) {
    uint8_t *top = arena->base + limit(arena);

    if (arena->mapped == MAX_STACKS || limit(arena) < STACK_SIZE + round_up(arena->touched, GPUP_PAGE))
        return false;
    *stack =
        (struct gpup_stack){.base = top - STACK_SIZE, .top = top, .window = top - FIRST_WINDOW, .fill = fill};
    if (mprotect(stack->base, STACK_SIZE - FIRST_WINDOW, PROT_NONE))
        return false;
    memset(stack->window, fill, FIRST_WINDOW);
    arena->mapped++;
    return true;
}

struct gpup_stack *gpup_arena_stack(struct gpup_arena *arena, uint8_t fill) {
    struct gpup_stack *stack = &arena->stack[arena->stacks];

    if (arena->stacks == arena->mapped) {
        if (!map_stack(arena, stack, fill))
            return NULL;
    } else if (stack->fill != fill) {
        stack->fill = fill;
        memset(stack->window, fill, (size_t)(stack->top - stack->window));
    }
    arena->stacks++;
    return stack;
}

__attribute__((no_sanitize("address"))) size_t gpup_stack_used(const struct gpup_stack *stack) {
    __m128i pattern = _mm_set1_epi8((char)stack->fill);
    const __m128i *p = (const __m128i *)(const void *)stack->window;
    const __m128i *end = (const __m128i *)(const void *)stack->top;

    for (; p < end; p += 4) { /* windows are whole pages */
        __m128i a = _mm_and_si128(_mm_cmpeq_epi8(p[0], pattern), _mm_cmpeq_epi8(p[1], pattern));
        __m128i b = _mm_and_si128(_mm_cmpeq_epi8(p[2], pattern), _mm_cmpeq_epi8(p[3], pattern));

        if (_mm_movemask_epi8(_mm_and_si128(a, b)) != 0xFFFF)
            break;
    }
    return (size_t)((const uint8_t *)end - (const uint8_t *)p);
}

static void shrink(struct gpup_stack *stack) {
    uint8_t *window = stack->top - FIRST_WINDOW;

    if (!mprotect(stack->window, (size_t)(window - stack->window), PROT_NONE))
        stack->window = window;
    stack->calm = 0;
}

void gpup_stack_clean(struct gpup_stack *stack) {
    size_t used;

    if (!stack->dirty)
        return;
    gpup_unpoison(stack->window, (size_t)(stack->top - stack->window));
    used = gpup_stack_used(stack);
    memset(stack->top - used, stack->fill, used);
    stack->dirty = false;
    if (used > FIRST_WINDOW)
        stack->calm = 0;
    else if (stack->window < stack->top - FIRST_WINDOW && ++stack->calm == CALM_RUNS)
        shrink(stack);
}

bool gpup_stack_grow(struct gpup_stack *stack, const uint8_t *address) {
    size_t size = (size_t)(stack->top - stack->window);
    uint8_t *window;

    if (address < stack->base + GPUP_PAGE || address >= stack->window)
        return false;
    while (stack->top - size > address)
        size *= 2;
    window = stack->top - size;
    if (window < stack->base + GPUP_PAGE)
        window = stack->base + GPUP_PAGE;
    if (mprotect(window, (size_t)(stack->window - window), PROT_READ | PROT_WRITE))
        return false;
    memset(window, stack->fill, (size_t)(stack->window - window));
    stack->window = window;
    stack->calm = 0;
    return true;
}

/* --- snapshot */

static bool room(uint8_t **bytes, size_t *size, size_t wanted) {
    uint8_t *fresh;

    if (*size >= wanted)
        return true;
    wanted = round_up(wanted, GPUP_PAGE);
    fresh = map(wanted);
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
            mprotect(arena->base + at, round_up(end - at, GPUP_PAGE), PROT_READ | PROT_WRITE);
        if (state != GPUP_NO_ACCESS)
            copy_changed(out ? saved + at : arena->base + at, out ? arena->base + at : saved + at, end - at);
        if (state == GPUP_READ_ONLY && !out)
            mprotect(arena->base + at, round_up(end - at, GPUP_PAGE), PROT_READ);
        at = end;
    }
}

bool gpup_arena_snapshot(struct gpup_arena *arena) {
    struct saved *saved = &arena->saved;
    size_t pages = round_up(arena->used, GPUP_PAGE) / GPUP_PAGE;
    size_t size = arena->used;
    uint8_t *to;

    for (unsigned i = 0; i < arena->stacks; i++)
        if (arena->stack[i].live)
            size += (size_t)(arena->stack[i].top - arena->stack[i].live);
    forget_tracked(arena);
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
    size_t now = round_up(arena->used, GPUP_PAGE) / GPUP_PAGE;
    size_t then = round_up(saved->used, GPUP_PAGE) / GPUP_PAGE;
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

/* What one execution in thousands needed is given back; when wanted again it is zero, as new. */
static void give_back_idle(struct gpup_arena *arena) {
    size_t from = round_up(arena->used, GPUP_PAGE) + IDLE_MOST;

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
    if (arena->tracking.on && !arena->guarded) {
        bring_back_warm(arena);
    } else {
        restore_protection(arena);
        copy_pages(arena, saved->pages, saved->used, false);
    }
    arena->used = saved->used;
    give_back_idle(arena);
    for (unsigned i = 0; i < arena->stacks; i++) {
        struct gpup_stack *stack = &arena->stack[i];

        forget_stack(stack);
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
