#ifndef GPUP_RUNNER_WORKER_H
#define GPUP_RUNNER_WORKER_H

#include <gpup/runner.h>

/* Body of a worker process: loads the implementation, then runs each program whose index it reads from
 * `commands` (uint32, end of file ends it) and writes messages to `events`. Returns the exit code of the
 * process. */
int worker_main(const struct gpup_run_options *options, int commands, int events);

#endif
