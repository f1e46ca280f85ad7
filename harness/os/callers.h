/*
 * Call stacks of the driver, for what people read of an event (struct gpup_callers): addresses relative to
 * its image, none of the suite's own functions.
 *
 * An image's frames are left as its table of functions says; an ELF object's by frame pointers, so that of
 * code built without them the caller of the service is known and what is above it may be missing. Worlds for
 * fuzzing take one address of an image, since its tables cost too much there.
 */
#ifndef GPUP_OS_CALLERS_H
#define GPUP_OS_CALLERS_H

#include "kernel.h"

/* Of the running fiber; in the scheduler context none. */
void gpup_callers_here(const struct gpup_os *os, struct gpup_callers *out);
/* Of a fiber whose registers are known (pc, RSP, RBP). true: the first address is pc itself, which is the
 * driver's. */
bool gpup_callers_at(const struct gpup_os *os, const struct gpup_fiber *fiber, const struct gpup_frame *at,
                     struct gpup_callers *out);
/* Emits the event with the stack of now, and those of what it speaks of; NULL: none. */
void gpup_callers_emit(struct gpup_os *os, struct gpup_event *event, const struct gpup_callers *made,
                       const struct gpup_callers *freed);

#endif
