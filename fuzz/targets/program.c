/* The whole program: any bytes decode to one; under libFuzzer mutation and crossover are typed. */
#include "settings.h"
#include "target.h"
#include "typed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fuzz_engine *engine;
static struct gpup_mutator *mutator;
static bool bytes_only;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    struct gpup_mutator_options typed = {.max_steps = FUZZ_STEPS,
                                         .negative = fuzz_flag("GPUP_FUZZ_NEGATIVE")};
    (void)argc;
    (void)argv;
    bytes_only = fuzz_flag("GPUP_FUZZ_BYTES");
    engine = fuzz_target_engine(false, !bytes_only);
    mutator = gpup_mutator_new(&typed);
    if (!mutator)
        exit(3);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_program program;
    if (gpup_program_decode(data, size, &program))
        fuzz_target_run(engine, &program);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    if (bytes_only)
        return LLVMFuzzerMutate(data, size, max_size);
    return typed_mutate(mutator, data, size, max_size, seed, 1);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned int seed) {
    if (!bytes_only && seed % 4) { /* libFuzzer crosses half of the time, which is more than helps */
        size_t size = a_size < max_size ? a_size : max_size;
        memcpy(out, a, size);
        return typed_mutate(mutator, out, size, max_size, seed, 1);
    }
    if (!bytes_only)
        return typed_cross(mutator, a, a_size, b, b_size, out, max_size, seed);
    size_t half = a_size / 2 < max_size ? a_size / 2 : max_size; /* a part of each */
    size_t rest = b_size / 2 < max_size - half ? b_size / 2 : max_size - half;
    memcpy(out, a, half);
    memcpy(out + half, b + b_size - rest, rest);
    return half + rest;
}
