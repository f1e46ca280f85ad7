/* Nothing: what libFuzzer itself costs with these flags. At exit `EMPTY us T`; fuzz_speed is compared with
 * it. */
#include "clock.h"
#include "target.h"

#include <stdio.h>

#define TURN 1000u
#define TURNS 4096u

static double us[TURNS], started;
static unsigned turns;
static uint64_t executions;

static void report(void) {
    fprintf(stderr, "EMPTY us %.4f\n", fuzz_clock_typical(us, turns));
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
    if (executions % TURN == 0) {
        double now = fuzz_clock_us();
        if (executions && turns < TURNS)
            us[turns++] = (now - started) / TURN;
        started = now;
    }
    executions++;
    return 0;
}
