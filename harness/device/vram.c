/* VRAM: sparse pages, allocated on the first write of something other than zeros. */
#include "state.h"
#include <string.h>

bool gpu_vram_new(struct gpu *gpu, struct gpu_segment *segment, uint64_t size) {
    uint64_t branches = (size + GPU_BRANCH_BYTES - 1) / GPU_BRANCH_BYTES;
    segment->size = size;
    segment->branch = gpu_alloc(gpu, branches * sizeof(struct gpu_branch *));
    return segment->branch && gpu_dirty_new(gpu, segment);
}

static struct gpu_leaf *leaf_of(const struct gpu_segment *segment, uint64_t page) {
    struct gpu_branch *branch = segment->branch[page / GPU_FAN / GPU_FAN];
    return branch ? branch->leaf[page / GPU_FAN % GPU_FAN] : NULL;
}

struct gpu_page *gpu_vram_page(const struct gpu_segment *segment, uint64_t offset) {
    struct gpu_leaf *leaf = leaf_of(segment, offset / GPU_PAGE);
    return leaf ? leaf->page[offset / GPU_PAGE % GPU_FAN] : NULL;
}

uint64_t gpu_vram_next(const struct gpu_segment *segment, uint64_t offset) {
    const uint64_t leaf_bytes = (uint64_t)GPU_FAN * GPU_PAGE;
    while (offset < segment->size) {
        const struct gpu_branch *branch = segment->branch[offset / GPU_BRANCH_BYTES];
        uint64_t step = GPU_PAGE;
        if (!branch)
            step = GPU_BRANCH_BYTES;
        else if (!branch->leaf[offset / leaf_bytes % GPU_FAN])
            step = leaf_bytes;
        else if (gpu_vram_page(segment, offset))
            return offset;
        offset = (offset / step + 1) * step;
    }
    return segment->size;
}

static struct gpu_page *fresh_page(struct gpu *gpu) {
    struct gpu_page *page = gpu->free_pages;
    if (!page)
        return gpu_alloc(gpu, sizeof(*page));
    gpu->free_pages = page->next;
    memset(page, 0, sizeof(*page));
    return page;
}

static struct gpu_page *make_page(struct gpu *gpu, struct gpu_segment *segment, uint64_t offset) {
    uint64_t number = offset / GPU_PAGE;
    struct gpu_branch **branch = &segment->branch[number / GPU_FAN / GPU_FAN];
    if (!*branch && !(*branch = gpu_alloc(gpu, sizeof(**branch))))
        return NULL;
    struct gpu_leaf **leaf = &(*branch)->leaf[number / GPU_FAN % GPU_FAN];
    if (!*leaf && !(*leaf = gpu_alloc(gpu, sizeof(**leaf))))
        return NULL;
    struct gpu_page **page = &(*leaf)->page[number % GPU_FAN];
    if (!*page)
        *page = fresh_page(gpu);
    return *page;
}

static void drop_page(struct gpu *gpu, struct gpu_segment *segment, uint64_t offset) {
    struct gpu_leaf *leaf = leaf_of(segment, offset / GPU_PAGE);
    struct gpu_page *page = leaf ? leaf->page[offset / GPU_PAGE % GPU_FAN] : NULL;
    if (!page)
        return;
    leaf->page[offset / GPU_PAGE % GPU_FAN] = NULL;
    page->next = gpu->free_pages;
    gpu->free_pages = page;
}

static bool all_zero(const uint8_t *bytes, uint64_t size) {
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Bytes up to the end of the page, at most `left`. */
static uint64_t in_page(uint64_t offset, uint64_t left) {
    uint64_t room = GPU_PAGE - offset % GPU_PAGE;
    return left < room ? left : room;
}

/* A write inside one page, without marks. */
static bool put(struct gpu *gpu, struct gpu_segment *segment, uint64_t offset, const uint8_t *in,
                uint64_t size) {
    struct gpu_page *page = gpu_vram_page(segment, offset);
    if (!page && all_zero(in, size))
        return true;
    if (!page && !(page = make_page(gpu, segment, offset)))
        return false;
    memcpy(page->bytes + offset % GPU_PAGE, in, size);
    page->hashed = false;
    return true;
}

/* Tells the dirty plane and everyone who looks at this memory. */
static bool touched(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    if (size == 0)
        return true;
    for (uint32_t vf = 0; vf < gpu->vfs; vf++) {
        const struct gpu_map *map = &gpu->vf[vf].map;
        for (uint32_t i = 0; i < map->count; i++) {
            const struct gpu_range *range = &map->ranges[i];
            if (range->segment != segment || range->offset >= offset + size ||
                offset >= range->offset + range->size)
                continue;
            gpu_changed(gpu, vf, GPUP_OBSERVER_vram | GPUP_OBSERVER_dirty_bits);
            break;
        }
    }
    return gpu_dirty_mark(gpu, segment, offset, size);
}

static bool inside(const struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    return segment < gpu->segments && gpu_inside(offset, size, gpu->segment[segment].size);
}

bool gpu_vram_read(struct gpu *gpu, uint32_t segment, uint64_t offset, void *out, uint64_t size) {
    if (!inside(gpu, segment, offset, size))
        return false;
    for (uint64_t done = 0, part; done < size; done += part) {
        const struct gpu_page *page = gpu_vram_page(&gpu->segment[segment], offset + done);
        part = in_page(offset + done, size - done);
        if (page)
            memcpy((uint8_t *)out + done, page->bytes + (offset + done) % GPU_PAGE, part);
        else
            memset((uint8_t *)out + done, 0, part);
    }
    return true;
}

bool gpu_vram_write(struct gpu *gpu, uint32_t segment, uint64_t offset, const void *in, uint64_t size) {
    if (!inside(gpu, segment, offset, size))
        return false;
    bool ok = true;
    for (uint64_t done = 0, part; done < size && ok; done += part) {
        part = in_page(offset + done, size - done);
        ok = put(gpu, &gpu->segment[segment], offset + done, (const uint8_t *)in + done, part);
    }
    return touched(gpu, segment, offset, size) && ok;
}

/* Zeros give their pages back instead of storing them. */
static bool fill_zero(struct gpu *gpu, struct gpu_segment *segment, uint64_t offset, uint64_t size) {
    static const uint8_t zeros[GPU_PAGE];
    uint64_t end = offset + size;
    bool ok = true;
    while (offset < end && ok) {
        uint64_t part = in_page(offset, end - offset);
        if (part == GPU_PAGE)
            drop_page(gpu, segment, offset);
        else
            ok = put(gpu, segment, offset, zeros, part);
        offset = gpu_vram_next(segment, offset + part);
    }
    return ok;
}

bool gpu_vram_fill(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint32_t pattern) {
    if (!inside(gpu, segment, offset, size))
        return false;
    uint8_t bytes[GPU_PAGE];
    for (uint32_t i = 0; i < GPU_PAGE; i += 4)
        memcpy(bytes + i, &pattern, 4);
    bool ok = pattern != 0 || fill_zero(gpu, &gpu->segment[segment], offset, size);
    for (uint64_t done = 0, part; pattern != 0 && done < size && ok; done += part) {
        part = in_page(offset + done, size - done);
        ok = put(gpu, &gpu->segment[segment], offset + done, bytes, part);
    }
    return touched(gpu, segment, offset, size) && ok;
}

/* Bytes of both places up to the end of the nearer page. */
static uint64_t common_part(uint64_t a, uint64_t b, uint64_t left) {
    uint64_t part = in_page(a, left);
    return in_page(b, part);
}

bool gpu_vram_copy(struct gpu *gpu, uint32_t segment, uint64_t offset, struct gpu *from,
                   uint32_t from_segment, uint64_t from_offset, uint64_t size) {
    if (!inside(gpu, segment, offset, size) || !inside(from, from_segment, from_offset, size))
        return false;
    const struct gpu_segment *source = &from->segment[from_segment];
    uint64_t done = 0;
    bool ok = true;
    while (done < size && ok) {
        /* The hole before the next stored page of the source is zeros. */
        uint64_t next = gpu_vram_next(source, from_offset + done) - from_offset;
        if (next > size)
            next = size;
        if (next > done)
            ok = fill_zero(gpu, &gpu->segment[segment], offset + done, next - done);
        done = next > done ? next : done;
        if (done == size || !ok)
            break;
        uint64_t part = common_part(offset + done, from_offset + done, size - done);
        uint8_t bytes[GPU_PAGE] = {0}; /* source and target may be the same page */
        gpu_vram_read(from, from_segment, from_offset + done, bytes, part);
        ok = put(gpu, &gpu->segment[segment], offset + done, bytes, part);
        done += part;
    }
    return touched(gpu, segment, offset, size) && ok;
}
