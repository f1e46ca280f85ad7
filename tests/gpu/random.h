/* Numbers from a seed, and what must hold of a GPU whose driver and guest do anything. */
#ifndef GPUP_TEST_GPU_RANDOM_H
#define GPUP_TEST_GPU_RANDOM_H

#include "bench.h"

uint64_t random_next(uint64_t *state);
uint64_t random_odd(uint64_t *state); /* mostly small numbers and borders */

struct random_gpu {
    const struct gpup_device_ops *ops;
    struct bench *(*start)(void); /* 4 VFs enabled, three that run, a MiB of segment 1 each */
    void (*step)(struct bench *bench, uint64_t *state);
    void (*hungry)(struct bench *bench, uint64_t *state); /* a step that needs memory */
    void (*answers)(struct bench *bench);                 /* asserts that the part can be used again */
    /* whether the MiB is still the VF's: else its content changes without a word to the VF */
    bool (*owns)(struct bench *bench, uint32_t vf);
};

/* Tests; *state is a struct random_gpu. */
void anything_goes_and_repeats(void **state);
void nothing_changes_in_silence(void **state);
void memory_is_the_whole_state(void **state);
void memory_may_end_anywhere(void **state);
#define RANDOM_TESTS(gpu)                                                                                    \
    cmocka_unit_test_prestate(anything_goes_and_repeats, gpu),                                               \
        cmocka_unit_test_prestate(nothing_changes_in_silence, gpu),                                          \
        cmocka_unit_test_prestate(memory_is_the_whole_state, gpu),                                           \
        cmocka_unit_test_prestate(memory_may_end_anywhere, gpu)

#endif
