/* Searching of bytes. */
#include "context.h"

#include <string.h>

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
