/* Which pages of a snapshot need a look when it is brought back: they are write-protected until somebody
 * writes to them, and again when that has not happened for long. */
#include "arena_inside.h"
#include <immintrin.h>
#include <string.h>
#include <sys/mman.h>

#define COLD 255u
#define COOLS_AFTER 120u /* restores: as dear as the fault when it is written to after all */

#define LINE 64u /* bytes */
#define INLINE inline __attribute__((always_inline))

typedef uint64_t wide __attribute__((vector_size(32), may_alias)); /* half a line */

static _Thread_local struct gpup_arena *tracked;

void gpup_arena_untrack(struct gpup_arena *arena) {
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
    if (t->zero)
        munmap(t->zero, t->room * sizeof *t->zero);
    *t = (struct tracking){0};
}

static uint64_t zero_lines(const uint8_t *page) {
    static const uint8_t zero[LINE];
    uint64_t lines = 0;

    for (unsigned i = 0; i < GPUP_PAGE / LINE; i++)
        lines |= (uint64_t)(memcmp(page + (size_t)LINE * i, zero, LINE) == 0) << i;
    return lines;
}

bool gpup_arena_track(struct gpup_arena *arena) {
    struct tracking *t = &arena->tracking;

    gpup_arena_untrack(arena);
    if (!arena->saved.valid || arena->guarded)
        return false;
    t->pages = arena->saved.used / GPUP_PAGE; /* the last one, if not whole, is always looked at */
    t->room = gpup_arena_round(t->pages + 1, GPUP_PAGE);
    t->age = gpup_arena_map(t->room);
    t->warm = gpup_arena_map(t->room * sizeof *t->warm);
    t->zero = gpup_arena_map(t->room * sizeof *t->zero);
    t->on = true;
    t->next = tracked;
    tracked = arena;
    if (!t->age || !t->warm || !t->zero || mprotect(arena->base, t->pages * GPUP_PAGE, PROT_READ)) {
        gpup_arena_untrack(arena);
        return false;
    }
    memset(t->age, COLD, t->pages);
    for (size_t i = 0; i < t->pages; i++)
        t->zero[i] = zero_lines(arena->saved.bytes + i * GPUP_PAGE);
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

static INLINE bool holds_anything(const wide *p, unsigned count) {
    wide all = p[0];

    for (unsigned i = 1; i < count; i++)
        all |= p[i];
    __m128i half =
        _mm_or_si128(((const __m128i *)(const void *)&all)[0], ((const __m128i *)(const void *)&all)[1]);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(half, _mm_setzero_si128())) != 0xFFFF;
}

static INLINE bool bring_back_line(wide *p, const wide *saved, bool zero) {
    wide differs[2] = {p[0], p[1]};

    if (!zero) {
        differs[0] ^= saved[0];
        differs[1] ^= saved[1];
    }
    if (!holds_anything(differs, 2))
        return false;
    p[0] = saved[0];
    p[1] = saved[1];
    return true;
}

/* Line by line, since few of a page were written; eight at once where all were zero, as most were. Pages lie
 * apart, so that nothing else sees the next one coming: it is fetched meanwhile. Not memcmp and memcpy: under
 * a sanitizer these look at the shadow of every byte first. */
static INLINE bool bring_back_lines(uint8_t *page, const uint8_t *saved, uint64_t zero, const uint8_t *next) {
    bool changed = false;

    for (unsigned line = 0; line < GPUP_PAGE / LINE; line++) {
        wide *p = (wide *)(void *)(page + (size_t)LINE * line);

        if (line % 8 == 0)
            for (unsigned i = 0; i < 8; i++)
                _mm_prefetch(next + (size_t)LINE * (line + i), _MM_HINT_T0);
        if (line % 8 == 0 && (zero >> line & 0xFF) == 0xFF && !holds_anything(p, 16))
            line += 7;
        else if (bring_back_line(p, (const wide *)(const void *)(saved + (size_t)LINE * line),
                                 zero >> line & 1))
            changed = true;
    }
    return changed;
}

static bool bring_back_page(uint8_t *page, const uint8_t *saved, uint64_t zero, const uint8_t *next) {
    return bring_back_lines(page, saved, zero, next);
}

/* The same, in half as many instructions. */
__attribute__((target("avx2"))) static bool bring_back_page_avx2(uint8_t *page, const uint8_t *saved,
                                                                 uint64_t zero, const uint8_t *next) {
    return bring_back_lines(page, saved, zero, next);
}

void gpup_arena_bring_back(struct gpup_arena *arena) {
    struct tracking *t = &arena->tracking;
    size_t kept = 0, whole = t->pages * GPUP_PAGE;
    bool (*bring)(uint8_t *, const uint8_t *, uint64_t, const uint8_t *) =
        __builtin_cpu_supports("avx2") ? bring_back_page_avx2 : bring_back_page;

    for (size_t i = 0; i < t->warm_count; i++) {
        size_t page = t->warm[i], next = t->warm[i + 1 < t->warm_count ? i + 1 : i];
        uint8_t *at = arena->base + page * GPUP_PAGE, *saved = arena->saved.bytes + page * GPUP_PAGE;

        if (bring(at, saved, t->zero[page], arena->base + next * GPUP_PAGE)) {
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
