#ifndef GPUP_RUNNER_DESCRIBE_H
#define GPUP_RUNNER_DESCRIBE_H

#include <gpup/runner.h>

/* Everything of results but the programs and the name of the build. */
void describe_run(const struct gpup_run_options *options, struct gpup_results *results);

#endif
