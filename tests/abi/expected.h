/* Reader of layout.expected. */
#ifndef GPUP_TESTS_ABI_EXPECTED_H
#define GPUP_TESTS_ABI_EXPECTED_H

#include <stddef.h>
#include <stdint.h>

/* One line of the file; which members mean something depends on the first letter of the keyword. */
struct expected_line {
    unsigned number; /* line in the file, from 1 */
    char keyword[8]; /* size, field, bits, value or guid */
    char type[64];
    char member[64];
    uint64_t first;  /* bytes, bit position or constant */
    uint64_t second; /* bytes or bits */
    char text[40];   /* of a guid */
};

/* Reads the file into a new array (free() it). NULL when it cannot be read or a line is malformed (told on
 * stderr). */
struct expected_line *expected_read(const char *path, size_t *count);

#endif
