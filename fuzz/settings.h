/*
 * Settings of a fuzz target, and the engine behind it.
 *
 * They come from the environment, since libFuzzer and AFL++ own the command line:
 *   GPUP_FUZZ_IMPL       path of a shared object, or PATH:OPTION; else implementation.so beside the target
 *   GPUP_FUZZ_FINDINGS   directory for programs of new findings
 *   GPUP_FUZZ_NEGATIVE=1 steps that the OS never makes are carried out too
 *   GPUP_FUZZ_STRICT=1   WARN and POLICY are findings
 *   GPUP_FUZZ_ORACLES    what some executions are asked beyond the rules: recovery,twin; all (default); none
 *   GPUP_FUZZ_SHARE=64   one program of so many is asked; 1: each
 *   GPUP_FUZZ_STATES=0   no state feedback
 *   GPUP_FUZZ_BYTES=1    the engine's own mutators
 *   GPUP_FUZZ_QUIET=1    new findings are not printed
 *   GPUP_FILES           files that the driver finds: NAME=PATH, a line each (gpup/files.h)
 *   GPUP_FUZZ_WHERE=1    a sanitizer's report ends with `DURING DDI STATE`, see fuzz_engine_where (replayers
 * only: libFuzzer has a use of its own for that moment)
 *   GPUP_FUZZ_LIMIT=60   seconds for each input of a replayer, and for loading; then `HANG` and status 78
 *   GPUP_FUZZ_STOP=RULE,RULE  the process ends with status 77 at the first finding of one of them
 *   GPUP_FUZZ_WANT=...   with status 77 when each of several faults is found (wanted.h)
 */
#ifndef GPUP_FUZZ_SETTINGS_H
#define GPUP_FUZZ_SETTINGS_H

#include "engine.h"

#include <stdlib.h>

#define FUZZ_STEPS 32u /* a mutated program does not grow beyond */
#define FUZZ_STOPPED 77
#define FUZZ_HUNG 78

static inline unsigned fuzz_limit(void) {
    const char *text = getenv("GPUP_FUZZ_LIMIT");
    unsigned long seconds = text ? strtoul(text, NULL, 10) : 0;
    return seconds && seconds <= 86400 ? (unsigned)seconds : 60;
}

/* `DURING DDI STATE` on the standard error, when a call of the driver is going on. Targets that run no driver
 * lack it. */
__attribute__((weak)) void fuzz_tell_where(void);

bool fuzz_flag(const char *name); /* set, and not "0" */

/* The process's engine, made at the first call; a message and exit when it cannot be. `negative` and `strict`
 * are set for a target whose input is `untrusted` by nature; `typed`: the engine's own mutators have no part.
 */
struct fuzz_engine *fuzz_target_engine(bool untrusted, bool typed);

/* Runs the program on it and frees it; ends the process when GPUP_FUZZ_STOP or GPUP_FUZZ_WANT says so. */
void fuzz_target_run(struct fuzz_engine *engine, struct gpup_program *program);

#endif
