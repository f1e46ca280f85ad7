/* Dirty tracking: pages are off, armed or dirty; the first write to an armed one goes into a log. */
#include "state.h"
#include <string.h>

static bool bit(const uint64_t *words, uint64_t n) {
    return words[n / 64] >> (n % 64) & 1;
}

bool sgpu_track_dirty(const struct sgpu_segment *segment, uint64_t page) {
    return bit(segment->dirty, page);
}

/* The word that holds `page`, as mask: those of its pages that lie in [page, end). */
static uint64_t pages_of_word(uint64_t page, uint64_t end) {
    uint64_t mask = UINT64_MAX << (page % 64), room = 64 - page % 64;
    return end - page < room ? mask & ~(UINT64_MAX << (page % 64 + (end - page))) : mask;
}

/* The first page of the word behind. */
static uint64_t next_word(uint64_t page) {
    return (page | 63) + 1;
}

bool sgpu_track_on(const struct sgpu_segment *segment, uint64_t first, uint64_t count) {
    for (uint64_t page = first, end = first + count; page < end; page = next_word(page))
        if (pages_of_word(page, end) & ~segment->tracked[page / 64])
            return false;
    return count != 0;
}

void sgpu_track_bits(const struct sgpu_segment *segment, uint64_t first, uint64_t count, uint8_t *bits) {
    memset(bits, 0, (count + 7) / 8);
    for (uint64_t page = first, end = first + count; page < end; page = next_word(page)) {
        uint64_t word = segment->dirty[page / 64] & pages_of_word(page, end);
        for (; word; word &= word - 1) {
            uint64_t i = page / 64 * 64 + (uint64_t)__builtin_ctzll(word) - first;
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
        }
    }
}

void sgpu_track(struct sgpu *gpu, uint32_t segment, uint64_t first, uint64_t count, enum sgpu_track what) {
    struct sgpu_segment *s = &gpu->segment[segment];
    for (uint64_t page = first, end = first + count; page < end; page = next_word(page)) {
        uint64_t pages = pages_of_word(page, end), *tracked = &s->tracked[page / 64];
        s->dirty[page / 64] &= ~pages;
        if (what != SGPU_TRACK_REARM)
            *tracked = what == SGPU_TRACK_ARM ? *tracked | pages : *tracked & ~pages;
    }
    sgpu_changed_all(gpu, GPUP_OBSERVER_dirty_bits);
}

void sgpu_track_forget(struct sgpu *gpu) {
    for (uint32_t i = 0; i < gpu->segments; i++)
        if (gpu->segment[i].pages)
            sgpu_track(gpu, i, 0, gpu->segment[i].pages, SGPU_TRACK_OFF);
    for (uint32_t i = 0; i <= gpu->vfs; i++)
        gpu->function[i].log = (struct sgpu_log){.count = 0};
}

static void log_page(struct sgpu *gpu, uint32_t vf, uint32_t entry) {
    struct sgpu_log *log = &sgpu_function(gpu, vf)->log;
    if (log->count == SECOND_LOG_ENTRIES) {
        log->overflow = true;
        return;
    }
    log->entry[(log->first + log->count++) % SECOND_LOG_ENTRIES] = entry;
    if (log->count == SECOND_LOG_ENTRIES / 2)
        sgpu_cause(gpu, SECOND_CAUSE_LOG);
}

uint32_t sgpu_log_pop(struct sgpu *gpu, struct sgpu_function *function) {
    struct sgpu_log *log = &function->log;
    (void)gpu;
    if (log->count == 0)
        return SECOND_LOG_NONE;
    uint32_t entry = log->entry[log->first];
    log->first = (log->first + 1) % SECOND_LOG_ENTRIES;
    log->count--;
    return entry;
}

void sgpu_track_write(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    struct sgpu_segment *s = &gpu->segment[segment];
    if (s->pages == 0 || size == 0)
        return;
    uint64_t last = (offset + size - 1) >> s->shift;
    for (uint64_t page = offset >> s->shift; page <= last && page < s->pages; page++) {
        if (page % 64 == 0 && (s->tracked[page / 64] & ~s->dirty[page / 64]) == 0) {
            page += 63; /* nothing armed in this word */
            continue;
        }
        if (!bit(s->tracked, page) || bit(s->dirty, page))
            continue;
        uint64_t start = page << s->shift;
        s->dirty[page / 64] |= 1ull << (page % 64);
        log_page(gpu, sgpu_aperture_owner(gpu, segment, start > offset ? start : offset),
                 (segment + 1) << 28 | (uint32_t)page);
    }
}
