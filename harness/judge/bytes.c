/* Hashing and searching of bytes. */
#include "context.h"

#include <string.h>

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
    return x ^ (x >> 29);
}

static uint64_t stir(uint64_t lane, const uint8_t *bytes, size_t size) {
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    lane = (lane ^ word) * 0x9E3779B97F4A7C15u;
    return lane ^ (lane >> 32);
}

/* Four lanes, so that the steps of one need not wait for each other. */
uint64_t judge_hash(uint64_t seed, const void *bytes, size_t size) {
    uint64_t lane[4] = {mix(seed + 1), 1, 2, 3};
    const uint8_t *p = bytes;
    size_t left = size;
    for (; left >= sizeof lane; left -= sizeof lane, p += sizeof lane)
        for (unsigned i = 0; i < 4; i++)
            lane[i] = stir(lane[i], p + 8 * i, 8);
    for (unsigned i = 0; left; i++) {
        size_t part = left < 8 ? left : 8;
        lane[i] = stir(lane[i], p + 8 * i, part);
        left -= part;
    }
    return mix(mix(mix(lane[0]) + lane[1]) + mix(lane[2] + size) + lane[3]);
}

/* Bytes in a row around `at` that follow the pattern, whose byte 0 stands at `at`. */
static size_t run_around(const uint8_t *bytes, size_t size, size_t at, const uint8_t pattern[8]) {
    size_t first = at, last = at;
    while (first > 0 && bytes[first - 1] == pattern[(8 - (at - first + 1) % 8) % 8])
        first--;
    while (last + 1 < size && bytes[last + 1] == pattern[(last + 1 - at) % 8])
        last++;
    return last - first + 1;
}

long judge_find_pattern(const uint8_t *bytes, size_t size, uint64_t value) {
    uint8_t pattern[8];
    memcpy(pattern, &value, sizeof pattern);
    for (size_t at = 0; at < size;) {
        const uint8_t *hit = memchr(bytes + at, pattern[0], size - at);
        if (!hit)
            return -1;
        at = (size_t)(hit - bytes);
        if (run_around(bytes, size, at, pattern) >= 8)
            return (long)at;
        at++;
    }
    return -1;
}

bool judge_find_value(const uint8_t *bytes, size_t size, uint64_t value) {
    uint8_t pattern[8];
    memcpy(pattern, &value, sizeof pattern);
    return size >= 8 && memmem(bytes, size, pattern, sizeof pattern);
}
