/*
 * A fuzz target: libFuzzer's own functions, each file of this folder one of them. The same object is linked
 * with libFuzzer, with fuzz/main_afl.c for AFL++, and with fuzz/main_replay.c, which runs files.
 */
#ifndef GPUP_FUZZ_TARGET_H
#define GPUP_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of the whole program only. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max_size, unsigned int seed);
/* The engine's. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#endif
