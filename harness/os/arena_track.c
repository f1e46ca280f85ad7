/* Which pages of a snapshot need a look when it is brought back: they are write-protected until somebody
 * writes to them, and again when that has not happened for long. */
#include "arena_inside.h"
#include <immintrin.h>
#include <string.h>
#include <sys/mman.h>

#define COLD 255u
#define COOLS_AFTER 120u /* restores: as dear as the fault when it is written to after all */

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
    *t = (struct tracking){0};
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
    t->on = true;
    t->next = tracked;
    tracked = arena;
    if (!t->age || !t->warm || mprotect(arena->base, t->pages * GPUP_PAGE, PROT_READ)) {
        gpup_arena_untrack(arena);
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

/* Line by line, since few of a page were written, and the next page is fetched meanwhile: pages lie apart, so
 * that nothing else sees it coming. Not memcmp and memcpy: under a sanitizer these look at the shadow of
 * every byte first. */
static bool bring_back_page(uint8_t *at, const uint8_t *saved, const uint8_t *next,
                            const uint8_t *next_saved) {
    __m128i *p = (__m128i *)(void *)at;
    const __m128i *q = (const __m128i *)(const void *)saved;
    bool changed = false;

    for (size_t i = 0; i < GPUP_PAGE / sizeof *p; i += 4) {
        _mm_prefetch(next + i * sizeof *p, _MM_HINT_T0);
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

/* The same, in half as many instructions. */
__attribute__((target("avx2"))) static bool
bring_back_page_avx2(uint8_t *at, const uint8_t *saved, const uint8_t *next, const uint8_t *next_saved) {
    __m256i *p = (__m256i *)(void *)at;
    const __m256i *q = (const __m256i *)(const void *)saved;
    bool changed = false;

    for (size_t i = 0; i < GPUP_PAGE / sizeof *p; i += 2) {
        _mm_prefetch(next + i * sizeof *p, _MM_HINT_T0);
        _mm_prefetch(next_saved + i * sizeof *p, _MM_HINT_T0);
        __m256i a = _mm256_loadu_si256(&q[i]), b = _mm256_loadu_si256(&q[i + 1]);
        __m256i differ = _mm256_or_si256(_mm256_xor_si256(_mm256_loadu_si256(&p[i]), a),
                                         _mm256_xor_si256(_mm256_loadu_si256(&p[i + 1]), b));

        if (_mm256_testz_si256(differ, differ))
            continue;
        _mm256_storeu_si256(&p[i], a);
        _mm256_storeu_si256(&p[i + 1], b);
        changed = true;
    }
    return changed;
}

void gpup_arena_bring_back(struct gpup_arena *arena) {
    struct tracking *t = &arena->tracking;
    size_t kept = 0, whole = t->pages * GPUP_PAGE;
    bool (*bring)(uint8_t *, const uint8_t *, const uint8_t *, const uint8_t *) =
        __builtin_cpu_supports("avx2") ? bring_back_page_avx2 : bring_back_page;

    for (size_t i = 0; i < t->warm_count; i++) {
        size_t page = t->warm[i], next = t->warm[i + 1 < t->warm_count ? i + 1 : i];
        uint8_t *at = arena->base + page * GPUP_PAGE, *saved = arena->saved.bytes + page * GPUP_PAGE;

        if (bring(at, saved, arena->base + next * GPUP_PAGE, arena->saved.bytes + next * GPUP_PAGE)) {
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
