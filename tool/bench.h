/* Shared by the parts of `bench`: figures, one `name value unit` per line. */
#ifndef GPUP_TOOL_BENCH_H
#define GPUP_TOOL_BENCH_H

#include "tool.h"

#include <gpup/world.h>

#define BENCH_ROUNDS 9u
#define BENCH_CALLS 2000u

double bench_now_us(void);
double bench_median(double *values, size_t count); /* sorts them */
void bench_print(const char *name, double value, const char *unit);
/* A world with a started VM; false: a message is printed. */
bool bench_open_started(struct gpup_binding *binding, const char *name, struct gpup_judge *judge,
                        struct gpup_world **world);
void bench_step(struct gpup_step *step); /* the call that is measured */
double bench_judged_ns(struct gpup_world *world, const struct gpup_step *step);
void bench_image(void);

#endif
