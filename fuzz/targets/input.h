/* Bytes taken one after the other; past the end they are zero, so that every input means something. */
#ifndef GPUP_FUZZ_INPUT_H
#define GPUP_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *data;
    size_t left;
};

static inline uint64_t input_take(struct input *in, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && in->left; i++, in->data++, in->left--)
        value |= (uint64_t)*in->data << 8 * i;
    return value;
}

#endif
