/* A driver and a guest that do anything, from a seed. */
#ifndef GPUP_TEST_SECOND_RANDOM_H
#define GPUP_TEST_SECOND_RANDOM_H

#include "support.h"

uint64_t random_next(uint64_t *state);
struct bench *random_bench(void); /* three VFs that run, a MiB of segment 1 each */
void random_step(struct bench *bench, uint64_t *state);

#endif
