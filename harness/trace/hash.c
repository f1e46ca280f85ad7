/* Hashing of bytes, for whoever makes traces and whoever judges them. */
#include <gpup/trace.h>

#include <string.h>

uint64_t gpup_trace_mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static uint64_t stir(uint64_t lane, const uint8_t *bytes, size_t size) {
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    lane = (lane ^ word) * 0xBF58476D1CE4E5B9u;
    return lane ^ (lane >> 32);
}

/* Four lanes, so that the steps of one need not wait for each other. */
uint64_t gpup_trace_hash(uint64_t seed, const void *bytes, size_t size) {
    uint64_t lane[4] = {gpup_trace_mix(seed + 1), 1, 2, 3};
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
    return gpup_trace_mix(gpup_trace_mix(gpup_trace_mix(lane[0]) + lane[1]) + gpup_trace_mix(lane[2] + size) +
                          lane[3]);
}
