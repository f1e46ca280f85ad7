/* The dirty bit plane and what of it is being tracked. */
#include "state.h"
#include <string.h>

bool gpu_dirty_new(struct gpu *gpu, struct gpu_segment *segment) {
    segment->dirty_pages = segment->page ? (segment->size + segment->page - 1) / segment->page : 0;
    uint64_t blocks = (segment->dirty_pages + GPU_DIRTY_BLOCK - 1) / GPU_DIRTY_BLOCK;
    segment->plane = gpu_alloc(gpu, blocks * sizeof(*segment->plane));
    segment->break_capacity = 16;
    segment->breaks = gpu_alloc(gpu, segment->break_capacity * sizeof(*segment->breaks));
    segment->break_count = 1;
    return segment->plane && segment->breaks;
}

/* The breakpoint that rules over this page. */
static uint32_t break_of(const struct gpu_segment *segment, uint64_t page) {
    uint32_t low = 0, high = segment->break_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (segment->breaks[middle].page <= page)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Room for two more breakpoints. The old array is lost to the arena, at most as much as the new one has. */
static bool reserve_breaks(struct gpu *gpu, struct gpu_segment *segment) {
    if (segment->break_count + 2 <= segment->break_capacity)
        return true;
    if (segment->break_count + 2 > GPU_BREAKS_MAX)
        return false;
    struct gpu_break *breaks = gpu_alloc(gpu, 2 * sizeof(*breaks) * segment->break_capacity);
    if (!breaks)
        return false;
    memcpy(breaks, segment->breaks, segment->break_count * sizeof(*breaks));
    segment->breaks = breaks;
    segment->break_capacity *= 2;
    return true;
}

/* Makes a breakpoint at `page`, with the count that ruled there; its position. */
static uint32_t split(struct gpu_segment *segment, uint64_t page) {
    uint32_t at = break_of(segment, page);
    if (segment->breaks[at].page == page)
        return at;
    memmove(&segment->breaks[at + 2], &segment->breaks[at + 1],
            (segment->break_count - at - 1) * sizeof(*segment->breaks));
    segment->breaks[at + 1] = (struct gpu_break){page, segment->breaks[at].count};
    segment->break_count++;
    return at + 1;
}

/* Neighbours with the same count become one. */
static void merge(struct gpu_segment *segment) {
    uint32_t kept = 1;
    for (uint32_t i = 1; i < segment->break_count; i++)
        if (segment->breaks[i].count != segment->breaks[kept - 1].count)
            segment->breaks[kept++] = segment->breaks[i];
    segment->break_count = kept;
}

bool gpu_dirty_tracked(struct gpu *gpu, uint32_t segment, uint64_t first, uint64_t count) {
    const struct gpu_segment *s = &gpu->segment[segment];
    for (uint32_t i = break_of(s, first); i < s->break_count && s->breaks[i].page < first + count; i++)
        if (s->breaks[i].count == 0)
            return false;
    return count != 0;
}

static bool countable(const struct gpu_segment *segment, uint64_t first, uint64_t count) {
    for (uint32_t i = break_of(segment, first);
         i < segment->break_count && segment->breaks[i].page < first + count; i++)
        if (segment->breaks[i].count == UINT32_MAX)
            return false;
    return true;
}

uint32_t gpu_dirty_track(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, bool start) {
    struct gpu_segment *s = &gpu->segment[segment];
    uint64_t first = offset / s->page, count = size / s->page;
    if (start ? !countable(s, first, count) : !gpu_dirty_tracked(gpu, segment, first, count))
        return GPU_RESULT_STATE;
    if (!reserve_breaks(gpu, s))
        return GPU_RESULT_MEMORY;
    uint32_t low = split(s, first);
    uint32_t high = first + count < s->dirty_pages ? split(s, first + count) : s->break_count;
    for (uint32_t i = low; i < high; i++)
        s->breaks[i].count += start ? 1 : UINT32_MAX;
    merge(s);
    gpu_changed_all(gpu, GPUP_OBSERVER_dirty_bits);
    return GPU_RESULT_OK;
}

void gpu_dirty_untrack_all(struct gpu *gpu, uint32_t segment) {
    gpu->segment[segment].breaks[0] = (struct gpu_break){0};
    gpu->segment[segment].break_count = 1;
}

static bool bit(const struct gpu_segment *segment, uint64_t page) {
    const uint64_t *block = segment->plane[page / GPU_DIRTY_BLOCK];
    return block && (block[page % GPU_DIRTY_BLOCK / 64] >> (page % 64) & 1) != 0;
}

static bool set_bits(struct gpu *gpu, struct gpu_segment *segment, uint64_t first, uint64_t end) {
    for (uint64_t page = first; page < end;) {
        uint64_t **block = &segment->plane[page / GPU_DIRTY_BLOCK];
        if (!*block && !(*block = gpu_alloc(gpu, GPU_DIRTY_BLOCK / 8)))
            return false;
        uint64_t *word = &(*block)[page % GPU_DIRTY_BLOCK / 64];
        if (page % 64 == 0 && end - page >= 64) {
            *word = UINT64_MAX;
            page += 64;
        } else {
            *word |= 1ull << (page % 64);
            page++;
        }
    }
    return true;
}

bool gpu_dirty_mark(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    struct gpu_segment *s = &gpu->segment[segment];
    if (!s->page)
        return true;
    uint64_t first = offset / s->page, end = (offset + size - 1) / s->page + 1;
    for (uint32_t i = break_of(s, first); i < s->break_count && s->breaks[i].page < end; i++) {
        uint64_t low = s->breaks[i].page > first ? s->breaks[i].page : first;
        uint64_t high = i + 1 < s->break_count && s->breaks[i + 1].page < end ? s->breaks[i + 1].page : end;
        if (s->breaks[i].count && !set_bits(gpu, s, low, high))
            return false;
    }
    return true;
}

void gpu_dirty_copy(struct gpu *gpu, uint32_t segment, uint64_t first, uint64_t count, uint8_t *bits) {
    const struct gpu_segment *s = &gpu->segment[segment];
    memset(bits, 0, (count + 7) / 8);
    for (uint64_t i = 0; i < count; i++) {
        if (!s->plane[(first + i) / GPU_DIRTY_BLOCK]) {
            i += GPU_DIRTY_BLOCK - (first + i) % GPU_DIRTY_BLOCK - 1;
            continue;
        }
        if (bit(s, first + i))
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
    }
}

void gpu_dirty_clear(struct gpu *gpu, uint32_t segment, uint64_t first, uint64_t count) {
    struct gpu_segment *s = &gpu->segment[segment];
    for (uint64_t page = first; page < first + count; page++) {
        uint64_t *block = s->plane[page / GPU_DIRTY_BLOCK];
        if (!block)
            page += GPU_DIRTY_BLOCK - page % GPU_DIRTY_BLOCK - 1;
        else
            block[page % GPU_DIRTY_BLOCK / 64] &= ~(1ull << (page % 64));
    }
    gpu_changed_all(gpu, GPUP_OBSERVER_dirty_bits);
}
