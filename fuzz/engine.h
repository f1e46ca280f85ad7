/*
 * One execution of a fuzzer: a program in a started world, judged.
 *
 * Worlds are started once per shape and brought back by copying; the judge hears the recorded start again. A
 * violated rule is a finding: a new one is kept (counted, printed, written as a program), a known one is
 * counted and passed over. Nothing here ends the process; memory damage that a sanitizer sees does.
 *
 * One engine per process and thread. Core only: links libc, world, judge, program, binding.
 */
#ifndef GPUP_FUZZ_ENGINE_H
#define GPUP_FUZZ_ENGINE_H

#include <gpup/binding.h>
#include <gpup/files.h>
#include <gpup/judge.h>
#include <gpup/world.h>

struct fuzz_options {
    const char *implementation; /* as gpup_binding_open takes it */
    const struct gpup_static_implementation *known;
    const char *findings;              /* directory for programs of new findings; NULL: none are written */
    const struct gpup_trace_sink *tap; /* hears the steps of every execution as well; NULL */
    bool strict;                       /* WARN and POLICY count as findings too */
    bool negative;         /* steps of class robustness and policy are carried out; else they are left out */
    bool blind;            /* no state feedback */
    unsigned oracles;      /* FUZZ_ORACLE_ bits (oracles.h) */
    uint32_t oracle_share; /* one program of so many is asked; 0, 1: each */
    bool quiet;            /* new findings are not printed */
    bool deaf;             /* to comparisons, which only byte mutators make use of (deaf.h) */
};

struct fuzz_finding {
    uint32_t key; /* of the finding: rule, DDI, state, cause */
    uint16_t rule;
    uint64_t first, times; /* execution it was first seen in, from 1; how often */
};

struct fuzz_engine;

/* NULL: message says why. */
struct fuzz_engine *fuzz_engine_new(const struct fuzz_options *options, char *message, size_t message_size);
void fuzz_engine_free(struct fuzz_engine *engine);
const struct gpup_binding *fuzz_engine_binding(const struct fuzz_engine *engine); /* what it runs */

/* Runs and judges one program; the program is changed (world brought to one of few shapes, steps left out).
 * Returns the findings it made that were new. */
unsigned fuzz_engine_run(struct fuzz_engine *engine, struct gpup_program *program);

/* Where executions spend their time, in ticks of the processor; added up while the engine has a place for it.
 */
struct fuzz_clock {
    uint64_t all, restore, judge;
    uint64_t calls; /* in the implementation, with the services and the device that it uses */
};
void fuzz_engine_clock(struct fuzz_engine *engine, struct fuzz_clock *clock); /* NULL: no longer */
void fuzz_engine_tap(struct fuzz_engine *engine,
                     const struct gpup_trace_sink *tap); /* in place of the option */
uint64_t fuzz_engine_executions(const struct fuzz_engine *engine);
uint64_t fuzz_engine_starts(const struct fuzz_engine *engine); /* worlds that were started for them */
/* `DDI STATE` of the call that is going on, the state as a number that stands for all machines of its VF;
 * empty between calls. For whoever reports a crash. */
void fuzz_engine_where(const struct fuzz_engine *engine, char *text, size_t size);
/* The finding of that key that the last program made, or NULL. */
const struct gpup_finding *fuzz_engine_made(const struct fuzz_engine *engine, uint32_t key);
/* What the last program made that counts, known or not, from the *i-th on; *i goes on. NULL: no more. */
const struct gpup_finding *fuzz_engine_next(const struct fuzz_engine *engine, size_t *i);
size_t fuzz_engine_findings(const struct fuzz_engine *engine, const struct fuzz_finding **findings);

#endif
