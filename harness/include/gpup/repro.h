/*
 * Reproducer: one program against one implementation in this process, judged. What an emitted C test calls;
 * it needs no runner, no YAML and no worker process, so a crash of the implementation is a crash of the test.
 */
#ifndef GPUP_REPRO_H
#define GPUP_REPRO_H

#include <gpup/implementation.h>
#include <gpup/program.h>

/* 0: no finding. 1: a finding, message has the first one. -1: it could not be run, message says why. */
int gpup_world_run_and_judge(const struct gpup_program *program,
                             const struct gpup_implementation *implementation, char *message, size_t size);

#endif
