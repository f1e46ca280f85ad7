/*
 * Coverage counters of instrumented code, for engines that do not read them themselves (AFL++, the replayer).
 *
 * Code built with -fsanitize=fuzzer-no-link announces its 8-bit counters when it is loaded; so does a shared
 * object that is loaded later. One object file thus serves libFuzzer and AFL++.
 */
#ifndef GPUP_FUZZ_COVERAGE_H
#define GPUP_FUZZ_COVERAGE_H

#include <stddef.h>
#include <stdint.h>

/* All counters, one after the other, the state counters first: visit(context, number, value) for each that is
 * not zero, which is then set to zero. */
void fuzz_coverage_take(void (*visit)(void *context, size_t number, uint8_t value), void *context);
/* What was counted so far is no part of the execution (the start of a world). Weak: libFuzzer's targets lack
 * it. */
__attribute__((weak)) void fuzz_coverage_forget(void);

#endif
