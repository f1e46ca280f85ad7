/*
 * Content hash of VRAM. A piece hashes to the sum of h(page p) * K^p over its pages, numbered from its own
 * start: zeros add nothing, the same content at another place has the same hash, and pieces can be joined.
 */
#include "state.h"
#include <string.h>

#define GPU_HASH_STEP 0x9E3779B97F4A7C15u

static uint64_t power(uint64_t exponent) {
    uint64_t result = 1, base = GPU_HASH_STEP;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}

uint64_t gpu_hash_bytes(const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    uint64_t lane[4] = {1, 2, 3, 4}, seen = 0, word;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, at + i, 8);
        seen |= word;
        lane[i / 8 % 4] = (lane[i / 8 % 4] ^ word) * 0xFF51AFD7ED558CCDu;
        lane[i / 8 % 4] ^= lane[i / 8 % 4] >> 32;
    }
    /* A short tail counts as if zeros followed, and so do missing words: see the caller's last page. */
    if (i < size) {
        word = 0;
        memcpy(&word, at + i, size - i);
        seen |= word;
        lane[i / 8 % 4] = (lane[i / 8 % 4] ^ word) * 0xFF51AFD7ED558CCDu;
        lane[i / 8 % 4] ^= lane[i / 8 % 4] >> 32;
    }
    if (!seen)
        return 0;
    uint64_t hash = gpu_mix(lane[0] + gpu_mix(lane[1] + gpu_mix(lane[2] + gpu_mix(lane[3]))));
    return hash ? hash : 1;
}

static uint64_t page_hash(struct gpu_page *page) {
    if (!page->hashed) {
        page->hash = gpu_hash_bytes(page->bytes, GPU_PAGE);
        page->hashed = true;
    }
    return page->hash;
}

/* Pages of the piece do not lie on pages of the segment, or its last one is short. */
static uint64_t slow_hash(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size) {
    const struct gpu_segment *s = &gpu->segment[segment];
    uint64_t hash = 0, at = 0;
    while (at < size) {
        uint8_t bytes[GPU_PAGE] = {0};
        uint64_t next = gpu_vram_next(s, offset + at);
        if (next >= offset + size)
            break;
        if (next > offset + at)
            at = (next - offset) / GPU_PAGE * GPU_PAGE;
        uint64_t part = size - at < GPU_PAGE ? size - at : GPU_PAGE;
        gpu_vram_read(gpu, segment, offset + at, bytes, part);
        hash += gpu_hash_bytes(bytes, GPU_PAGE) * power(at / GPU_PAGE);
        at += GPU_PAGE;
    }
    return hash;
}

bool gpu_vram_hash(struct gpu *gpu, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash) {
    if (segment >= gpu->segments || !gpu_inside(offset, size, gpu->segment[segment].size))
        return false;
    const struct gpu_segment *s = &gpu->segment[segment];
    uint64_t whole = size / GPU_PAGE * GPU_PAGE;
    if (offset % GPU_PAGE != 0 || whole != size) {
        *hash = slow_hash(gpu, segment, offset, size);
        return true;
    }
    uint64_t sum = 0, factor = 1, last = 0;
    for (uint64_t at = gpu_vram_next(s, offset); at < offset + size; at = gpu_vram_next(s, at + GPU_PAGE)) {
        uint64_t number = (at - offset) / GPU_PAGE;
        factor *= number - last == 1 ? GPU_HASH_STEP : power(number - last);
        last = number;
        sum += page_hash(gpu_vram_page(s, at)) * factor;
    }
    *hash = sum;
    return true;
}

uint64_t gpup_gpu_hash_join(uint64_t first, uint64_t first_size, uint64_t second) {
    return first + second * power(first_size / GPU_PAGE);
}
