/*
 * The typed mutator over bytes, as engines hold programs. One for libFuzzer's hooks and AFL++'s library.
 * Everything is decided by the seed and the bytes.
 */
#ifndef GPUP_FUZZ_TYPED_H
#define GPUP_FUZZ_TYPED_H

#include <gpup/mutate.h>

/* In place; the new size, or 0 when memory is out. `times`: how many mutations on top of each other. */
size_t typed_mutate(struct gpup_mutator *mutator, uint8_t *data, size_t size, size_t max_size, uint64_t seed,
                    unsigned times);
/* A run of steps of b put into a; same result. */
size_t typed_cross(struct gpup_mutator *mutator, const uint8_t *a, size_t a_size, const uint8_t *b,
                   size_t b_size, uint8_t *out, size_t max_size, uint64_t seed);

#endif
