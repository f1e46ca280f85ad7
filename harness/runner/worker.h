#ifndef GPUP_RUNNER_WORKER_H
#define GPUP_RUNNER_WORKER_H

#include <gpup/runner.h>

struct order {
    uint32_t index;   /* of the program */
    uint32_t variant; /* enum twin_variant */
};
enum twin_variant { VARIANT_FIRST, VARIANT_OTHER_FILL, VARIANT_AGAIN };

/* Body of a worker process: loads the implementation, then runs each program whose index it reads from
 * `commands` (struct order, end of file ends it) and writes messages to `events`. Returns the exit code of
 * the process. */
int worker_main(const struct gpup_run_options *options, int commands, int events);

#endif
