/*
 * Reproducer: one program against one implementation in this process, judged. What an emitted C test calls;
 * it needs no runner, no YAML and no worker process, so a crash of the implementation is a crash of the test.
 */
#ifndef GPUP_REPRO_H
#define GPUP_REPRO_H

#include <gpup/implementation.h>
#include <gpup/program.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Both arguments stay the caller's. The writable sections of the implementation are set back first, so that
 * one run leaves nothing to the next. The program stops early when the driver dies; that is a finding.
 *
 * A driver that reads files finds those of the environment variable GPUP_FILES: lines NAME=PATH, NAME as
 * Windows spells it (\SystemRoot\System32\drivers\vendor_fw.bin), PATH on this machine.
 *
 * 0: no finding. 1: a finding, message has the first one: verdict, rule, step (from 1), what was seen. -1: it
 * could not be run (no memory, a device that refuses its shape, sections that cannot be found); message says
 * why. The message is always ended and cut to `size` bytes, which must not be 0.
 */
int gpup_world_run_and_judge(const struct gpup_program *program,
                             const struct gpup_implementation *implementation, char *message, size_t size);

#ifdef __cplusplus
}
#endif

#endif
