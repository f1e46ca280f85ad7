/* Nothing: what libFuzzer itself costs with these flags. fuzz_speed is compared with it. */
#include "clock.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>

static double started;
static uint64_t executions;

static void report(void) {
    double us = executions > 1 ? (fuzz_clock_us() - started) / (double)(executions - 1) : 0;
    fprintf(stderr, "EMPTY us %.4f\n", us);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    atexit(report);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)data;
    (void)size;
    if (executions++ == 0)
        started = fuzz_clock_us();
    return 0;
}
