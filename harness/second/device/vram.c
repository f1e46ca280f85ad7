/* VRAM: sparse pages, allocated by the first write of something other than zeros; and its content hash. */
#include "state.h"
#include <string.h>

#define LEAF_BYTES ((uint64_t)SGPU_LEAF_PAGES * SGPU_PAGE)

bool sgpu_vram_new(struct sgpu *gpu, struct sgpu_segment *segment, uint64_t size, uint32_t shift) {
    *segment = (struct sgpu_segment){.size = size, .shift = shift, .pages = shift ? size >> shift : 0};
    uint64_t leaves = (size + LEAF_BYTES - 1) / LEAF_BYTES;
    segment->leaf = sgpu_alloc(gpu, leaves * sizeof(struct sgpu_leaf *));
    if (!segment->leaf || !shift)
        return segment->leaf != NULL;
    uint64_t words = (segment->pages + 63) / 64;
    segment->tracked = sgpu_alloc(gpu, words * sizeof(*segment->tracked));
    segment->dirty = sgpu_alloc(gpu, words * sizeof(*segment->dirty));
    return segment->tracked && segment->dirty;
}

static struct sgpu_page **slot_of(const struct sgpu_segment *segment, uint64_t offset) {
    struct sgpu_leaf *leaf = segment->leaf[offset / LEAF_BYTES];
    return leaf ? &leaf->page[offset / SGPU_PAGE % SGPU_LEAF_PAGES] : NULL;
}

static struct sgpu_page *page_of(const struct sgpu_segment *segment, uint64_t offset) {
    struct sgpu_page **slot = slot_of(segment, offset);
    return slot ? *slot : NULL;
}

static struct sgpu_page *make_page(struct sgpu *gpu, struct sgpu_segment *segment, uint64_t offset) {
    struct sgpu_leaf **leaf = &segment->leaf[offset / LEAF_BYTES];
    if (!*leaf && !(*leaf = sgpu_alloc(gpu, sizeof(**leaf))))
        return NULL;
    struct sgpu_page **slot = slot_of(segment, offset);
    if (!*slot && gpu->free_pages) {
        *slot = gpu->free_pages;
        gpu->free_pages = (*slot)->next;
        memset(*slot, 0, sizeof(**slot));
    } else if (!*slot) {
        *slot = sgpu_alloc(gpu, sizeof(**slot));
    }
    return *slot;
}

/* Bytes up to the end of the page, at most `left`. */
static uint64_t in_page(uint64_t offset, uint64_t left) {
    uint64_t room = SGPU_PAGE - offset % SGPU_PAGE;
    return left < room ? left : room;
}

static bool all_zero(const uint8_t *bytes, uint64_t size) {
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* A write inside one page. A whole page of zeros gives its storage back. */
static bool put(struct sgpu *gpu, struct sgpu_segment *segment, uint64_t offset, const uint8_t *in,
                uint64_t size) {
    struct sgpu_page *page = page_of(segment, offset);
    bool zero = all_zero(in, size);
    if (zero && !page)
        return true;
    if (zero && size == SGPU_PAGE) {
        *slot_of(segment, offset) = NULL;
        page->next = gpu->free_pages;
        gpu->free_pages = page;
        return true;
    }
    if (!page && !(page = make_page(gpu, segment, offset)))
        return false;
    memcpy(page->bytes + offset % SGPU_PAGE, in, size);
    page->hashed = false;
    return true;
}

/* Tells everyone who looks at this memory; memory of nobody may be looked at by anybody. */
static void touched(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    uint64_t owned = 0;
    for (uint32_t vf = 0; vf < gpu->vfs; vf++) {
        const struct sgpu_space *space = &gpu->function[vf].space;
        uint64_t before = owned;
        for (uint32_t i = 0; i < space->count; i++) {
            const struct sgpu_aperture *a = &space->aperture[i];
            uint64_t from = a->offset > offset ? a->offset : offset;
            uint64_t end = a->offset + a->size < offset + size ? a->offset + a->size : offset + size;
            owned += a->segment == segment && from < end ? end - from : 0;
        }
        if (owned != before)
            sgpu_changed(gpu, vf, GPUP_OBSERVER_vram | GPUP_OBSERVER_dirty_bits);
    }
    if (owned != size)
        sgpu_changed_all(gpu, GPUP_OBSERVER_vram | GPUP_OBSERVER_dirty_bits);
    sgpu_track_write(gpu, segment, offset, size);
}

static bool inside(const struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    return segment < gpu->segments && sgpu_inside(offset, size, gpu->segment[segment].size);
}

bool sgpu_vram_read(struct sgpu *gpu, uint32_t segment, uint64_t offset, void *out, uint64_t size) {
    if (!inside(gpu, segment, offset, size))
        return false;
    for (uint64_t done = 0, part; done < size; done += part) {
        const struct sgpu_page *page = page_of(&gpu->segment[segment], offset + done);
        part = in_page(offset + done, size - done);
        if (page)
            memcpy((uint8_t *)out + done, page->bytes + (offset + done) % SGPU_PAGE, part);
        else
            memset((uint8_t *)out + done, 0, part);
    }
    return true;
}

bool sgpu_vram_write(struct sgpu *gpu, uint32_t segment, uint64_t offset, const void *in, uint64_t size) {
    bool ok = inside(gpu, segment, offset, size);
    if (!ok || size == 0)
        return ok;
    for (uint64_t done = 0, part; done < size && ok; done += part) {
        part = in_page(offset + done, size - done);
        ok = put(gpu, &gpu->segment[segment], offset + done, (const uint8_t *)in + done, part);
    }
    touched(gpu, segment, offset, size);
    return ok;
}

/* Bytes from `offset` on that are zeros for lack of a leaf. */
static uint64_t hole(const struct sgpu_segment *segment, uint64_t offset, uint64_t left) {
    uint64_t room = LEAF_BYTES - offset % LEAF_BYTES;
    if (segment->leaf[offset / LEAF_BYTES])
        return 0;
    return left < room ? left : room;
}

/* Without a word to anyone; a hole stays one. */
static bool fill(struct sgpu *gpu, struct sgpu_segment *segment, uint64_t offset, uint64_t size,
                 const uint8_t bytes[SGPU_PAGE], bool zero) {
    bool ok = true;
    for (uint64_t done = 0, part; done < size && ok; done += part) {
        part = zero ? hole(segment, offset + done, size - done) : 0;
        if (part)
            continue;
        part = in_page(offset + done, size - done);
        ok = put(gpu, segment, offset + done, bytes, part);
    }
    return ok;
}

bool sgpu_vram_fill(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint32_t pattern) {
    uint8_t bytes[SGPU_PAGE];
    if (!inside(gpu, segment, offset, size) || size == 0)
        return false;
    for (uint32_t i = 0; i < SGPU_PAGE; i += 4)
        memcpy(bytes + i, &pattern, 4);
    bool ok = fill(gpu, &gpu->segment[segment], offset, size, bytes, pattern == 0);
    touched(gpu, segment, offset, size);
    return ok;
}

bool sgpu_vram_copy(struct sgpu *gpu, uint32_t segment, uint64_t offset, struct sgpu *from,
                    uint32_t from_segment, uint64_t from_offset, uint64_t size) {
    static const uint8_t zeros[SGPU_PAGE];
    if (!inside(gpu, segment, offset, size) || !inside(from, from_segment, from_offset, size))
        return false;
    bool ok = true;
    for (uint64_t done = 0, part; done < size && ok; done += part) {
        part = hole(&from->segment[from_segment], from_offset + done, size - done);
        if (part) {
            ok = fill(gpu, &gpu->segment[segment], offset + done, part, zeros, true);
            continue;
        }
        uint8_t bytes[SGPU_PAGE]; /* source and target may be the same page */
        part = in_page(from_offset + done, in_page(offset + done, size - done));
        sgpu_vram_read(from, from_segment, from_offset + done, bytes, part);
        ok = put(gpu, &gpu->segment[segment], offset + done, bytes, part);
    }
    if (size)
        touched(gpu, segment, offset, size);
    return ok;
}

/* --- content hash: zeros add nothing, and the place in the segment does not matter --- */
uint64_t sgpu_hash_bytes(const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    uint64_t hash = 0x243F6A8885A308D3u, seen = 0;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, at + i, size - i < 8 ? size - i : 8);
        seen |= word;
        hash = (hash ^ word) * 0x9FB21C651E98DF25u;
        hash ^= hash >> 35;
    }
    hash = sgpu_mix(hash);
    return !seen ? 0 : hash ? hash : 1;
}

static uint64_t page_hash(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    if (offset % SGPU_PAGE == 0 && size == SGPU_PAGE) {
        struct sgpu_page *page = page_of(&gpu->segment[segment], offset);
        if (page && !page->hashed) {
            page->hash = sgpu_hash_bytes(page->bytes, SGPU_PAGE);
            page->hashed = true;
        }
        return page ? page->hash : 0;
    }
    uint8_t bytes[SGPU_PAGE] = {0};
    sgpu_vram_read(gpu, segment, offset, bytes, size);
    return sgpu_hash_bytes(bytes, SGPU_PAGE);
}

/* The first page from `offset` on that is not zeros for lack of storage, or one behind `end`. */
static uint64_t next_page(const struct sgpu_segment *segment, uint64_t offset, uint64_t end) {
    while (offset < end) {
        const struct sgpu_leaf *leaf = segment->leaf[offset / LEAF_BYTES];
        uint64_t i = offset / SGPU_PAGE % SGPU_LEAF_PAGES, first = i;
        while (leaf && i < SGPU_LEAF_PAGES && !leaf->page[i])
            i++;
        if (leaf && i < SGPU_LEAF_PAGES)
            return offset + (i - first) * SGPU_PAGE;
        offset = (offset / LEAF_BYTES + 1) * LEAF_BYTES;
    }
    return offset;
}

bool sgpu_vram_hash(struct sgpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash) {
    if (!inside(gpu, segment, offset, size))
        return false;
    *hash = 0;
    for (uint64_t done = 0; done < size; done += SGPU_PAGE) {
        if (offset % SGPU_PAGE == 0)
            done = next_page(&gpu->segment[segment], offset + done, offset + size) - offset;
        if (done >= size)
            break;
        uint64_t page =
            page_hash(gpu, segment, offset + done, size - done < SGPU_PAGE ? size - done : SGPU_PAGE);
        if (page)
            *hash += sgpu_mix(page + (done / SGPU_PAGE + 1) * 0x9E3779B97F4A7C15u);
    }
    return true;
}
