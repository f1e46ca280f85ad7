/* Dirty tracking: pages are off, armed or dirty; the first write to an armed one goes into a log. */
#include "state.h"

static bool bit(const uint64_t *words, uint64_t n) {
    return words[n / 64] >> (n % 64) & 1;
}

static void set(uint64_t *words, uint64_t n, bool on) {
    uint64_t mask = 1ull << (n % 64);
    words[n / 64] = on ? words[n / 64] | mask : words[n / 64] & ~mask;
}

bool sgpu_track_dirty(const struct sgpu_segment *segment, uint64_t page) {
    return bit(segment->dirty, page);
}

bool sgpu_track_on(const struct sgpu_segment *segment, uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; page++)
        if (!bit(segment->tracked, page))
            return false;
    return count != 0;
}

void sgpu_track(struct sgpu *gpu, uint32_t segment, uint64_t first, uint64_t count, enum sgpu_track what) {
    struct sgpu_segment *s = &gpu->segment[segment];
    for (uint64_t page = first; page < first + count; page++) {
        set(s->dirty, page, false);
        if (what != SGPU_TRACK_REARM)
            set(s->tracked, page, what == SGPU_TRACK_ARM);
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
        set(s->dirty, page, true);
        log_page(gpu, sgpu_aperture_owner(gpu, segment, start > offset ? start : offset),
                 (segment + 1) << 28 | (uint32_t)page);
    }
}
