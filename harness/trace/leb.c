#include "leb.h"

size_t gpup_leb_size(uint64_t value) {
    size_t size = 1;
    while (value >>= 7)
        size++;
    return size;
}

size_t gpup_leb_put(uint8_t *out, uint64_t value) {
    size_t size = 0;
    for (; value > 0x7F; value >>= 7)
        out[size++] = (uint8_t)(value | 0x80);
    out[size++] = (uint8_t)value;
    return size;
}

int gpup_leb_get(const uint8_t *bytes, size_t size, uint64_t *value) {
    uint64_t result = 0;
    for (unsigned i = 0; i < GPUP_LEB_MAX; i++) {
        if (i >= size)
            return 0;
        uint64_t part = bytes[i] & 0x7F;
        if (i == GPUP_LEB_MAX - 1 && part > 1)
            return -1; /* more than 64 bits */
        result |= part << (7 * i);
        if (bytes[i] & 0x80)
            continue;
        if (part == 0 && i > 0)
            return -1; /* a shorter form exists */
        *value = result;
        return (int)i + 1;
    }
    return -1;
}
