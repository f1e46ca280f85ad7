/* Events to test with: made from a number, so that a failure can be repeated. */
#ifndef GPUP_TESTS_TRACE_SAMPLE_H
#define GPUP_TESTS_TRACE_SAMPLE_H

#include <gpup/trace.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SAMPLE_DATA 64

uint64_t sample_random(uint64_t *seed);
void sample_event(uint64_t *seed, uint8_t data[SAMPLE_DATA], struct gpup_event *event);
void assert_same_event(const struct gpup_event *a, const struct gpup_event *b);
/* A trace of `count` sample events. */
struct gpup_trace_buffer sample_trace(uint64_t seed, unsigned count);

#endif
