/*
 * The whole program as libFuzzer's target: any bytes decode to a program; mutation and crossover are typed.
 *
 * Settings come from the environment, since libFuzzer owns the command line: GPUP_FUZZ_IMPL (path of a shared
 * object), GPUP_FUZZ_FINDINGS (directory), GPUP_FUZZ_NEGATIVE=1, GPUP_FUZZ_STRICT=1, GPUP_FUZZ_BYTES=1 (the
 * engine's own mutators), GPUP_FUZZ_STOP=RULE,RULE (ends with status 77 at the first finding of one of them).
 */
#include "engine.h"

#include <gpup/mutate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 32u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static struct fuzz_engine *engine;
static struct gpup_mutator *mutator;
static const char *stop;
static bool bytes_only;

static bool flag(const char *name) {
    const char *value = getenv(name);
    return value && strcmp(value, "0") != 0;
}

/* What is known when the process ends, for the campaign that started it. */
static void summary(void) {
    const struct fuzz_finding *all;
    size_t count = fuzz_engine_findings(engine, &all);
    fprintf(stderr, "SUMMARY executions %llu findings %zu\n",
            (unsigned long long)fuzz_engine_executions(engine), count);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "FINDING %s %08x first %llu times %llu\n", gpup_rules[all[i].rule].id, all[i].key,
                (unsigned long long)all[i].first, (unsigned long long)all[i].times);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    char message[512];
    struct fuzz_options options = {.implementation = getenv("GPUP_FUZZ_IMPL"),
                                   .findings = getenv("GPUP_FUZZ_FINDINGS"),
                                   .strict = flag("GPUP_FUZZ_STRICT"),
                                   .negative = flag("GPUP_FUZZ_NEGATIVE"),
                                   .quiet = flag("GPUP_FUZZ_QUIET")};
    struct gpup_mutator_options typed = {.max_steps = MAX_STEPS, .negative = options.negative};
    (void)argc;
    (void)argv;
    stop = getenv("GPUP_FUZZ_STOP");
    bytes_only = flag("GPUP_FUZZ_BYTES");
    if (!options.implementation) {
        fputs("GPUP_FUZZ_IMPL is not set: expected the path of a shared object\n", stderr);
        exit(2);
    }
    engine = fuzz_engine_new(&options, message, sizeof message);
    mutator = gpup_mutator_new(&typed);
    if (!engine || !mutator) {
        fprintf(stderr, "%s\n", message);
        exit(3);
    }
    atexit(summary);
    return 0;
}

static bool asked_for(uint16_t rule) {
    const char *id = gpup_rules[rule].id, *at = stop ? strstr(stop, id) : NULL;
    return at != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_program program;
    const struct fuzz_finding *all;
    if (!gpup_program_decode(data, size, &program))
        return 0;
    size_t before = fuzz_engine_findings(engine, &all);
    fuzz_engine_run(engine, &program);
    size_t after = fuzz_engine_findings(engine, &all);
    for (; before < after; before++)
        if (asked_for(all[before].rule))
            exit(77);
    gpup_program_free(&program);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    struct gpup_program program;
    if (bytes_only)
        return LLVMFuzzerMutate(data, size, max_size);
    if (!gpup_program_decode(data, size, &program))
        return 0;
    gpup_mutate(mutator, &program, seed);
    size_t needed = gpup_program_encode(&program, data, max_size);
    while (needed > max_size && program.step_count) { /* shorter, until it fits */
        program.step_count--;
        needed = gpup_program_encode(&program, data, max_size);
    }
    gpup_program_free(&program);
    return needed <= max_size ? needed : 0;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned int seed) {
    struct gpup_program program, other;
    if (bytes_only) { /* as the engine does without one: a part of each */
        size_t half = a_size / 2 < max_size ? a_size / 2 : max_size;
        size_t rest = b_size / 2 < max_size - half ? b_size / 2 : max_size - half;
        memcpy(out, a, half);
        memcpy(out + half, b + b_size - rest, rest);
        return half + rest;
    }
    if (!gpup_program_decode(a, a_size, &program))
        return 0;
    if (!gpup_program_decode(b, b_size, &other)) {
        gpup_program_free(&program);
        return 0;
    }
    gpup_cross(mutator, &program, &other, seed);
    size_t needed = gpup_program_encode(&program, out, max_size);
    gpup_program_free(&program);
    gpup_program_free(&other);
    return needed <= max_size ? needed : 0;
}
