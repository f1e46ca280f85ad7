/* Programs to test with: made from a number, so that a failure can be repeated. */
#ifndef GPUP_TESTS_PROGRAM_SAMPLE_H
#define GPUP_TESTS_PROGRAM_SAMPLE_H

#include <gpup/program.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SAMPLE_BYTES 400

uint64_t sample_random(uint64_t *seed);
/* Bytes for the decoder: plain random ones, sparse ones, or an encoded program with a few bytes changed. */
size_t sample_bytes(uint64_t *seed, uint8_t out[SAMPLE_BYTES]);
/* A typed program with anything the typed form allows. */
void sample_program(uint64_t *seed, struct gpup_program *program);
void assert_same_step(const struct gpup_step *a, const struct gpup_step *b);
void assert_same_program(const struct gpup_program *a, const struct gpup_program *b);

#endif
