/* The layout table that layout.c emits as plain data, identically for every target. */
#ifndef GPUP_TESTS_ABI_LAYOUT_H
#define GPUP_TESTS_ABI_LAYOUT_H

#include <stdint.h>

enum layout_kind { LAYOUT_KIND_SIZE = 1, LAYOUT_KIND_FIELD = 2, LAYOUT_KIND_VALUE = 3 };

/* One measured size, field or constant. Fixed widths, so that the bytes are the same on every target. */
struct layout_entry {
    char type[64];
    char member[64];
    uint32_t kind;
    uint32_t offset; /* bytes; the number itself for a constant */
    uint32_t size;   /* bytes */
    uint32_t zero;
};

/* One bit-field, as the image of an object in which only that field has all its bits set. */
struct layout_bits {
    char type[64];
    char member[64];
    uint8_t image[32];
};

#endif
