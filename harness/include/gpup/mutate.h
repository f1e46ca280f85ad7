/*
 * Typed mutation of programs: what fuzzers change, by its meaning.
 *
 * Written once; fuzz/ wraps it for libFuzzer and for AFL++. A mutator inserts, drops, duplicates, moves and
 * splices steps, changes fields by their kind (boundary values first), turns steps to another host, VF or
 * basis, and injects faults. It plays whole scenes: what the OS does in a row, with one thing in it that goes
 * another way, or a call under a fault and the same again. It follows the state machines of specs/ through
 * the program, so that an inserted call is one that the OS would make there or, when the options allow it,
 * exactly one that it would not (marked `robustness`).
 *
 * Deterministic: one seed, one program and one history of crossings give one result; no clock, no addresses.
 * What comes out is always a program that encodes and decodes to itself. Library gpup_program_mutate links
 * libc, gpup_program and gpup_spec. One mutator per thread; nothing is shared.
 */
#ifndef GPUP_MUTATE_H
#define GPUP_MUTATE_H

#include <gpup/program.h>

struct gpup_mutator_options {
    size_t max_steps;  /* a program does not grow beyond; 0: 32 */
    bool negative;     /* steps that the OS never makes are made too, marked `robustness` */
    bool keep_world;   /* the world's shape stays as it is */
    uint8_t max_hosts; /* steps and world use at most these; 0: 2 */
};

struct gpup_mutator;
struct gpup_mutator *gpup_mutator_new(const struct gpup_mutator_options *options); /* NULL: out of memory */
void gpup_mutator_free(struct gpup_mutator *mutator);

/* Changes the program in place, one to five operations on top of each other. false: out of memory; the
 * program is still valid. */
bool gpup_mutate(struct gpup_mutator *mutator, struct gpup_program *program, uint64_t seed);

/* Puts a run of steps of `other` into `program`, at a place and turned to a VF chosen by seed. */
bool gpup_cross(struct gpup_mutator *mutator, struct gpup_program *program, const struct gpup_program *other,
                uint64_t seed);

#endif
