/*
 * Fibers: the context switch and the life of a stack. Only the scheduler uses this.
 */
#ifndef GPUP_OS_FIBER_H
#define GPUP_OS_FIBER_H

#include "kernel.h"
#include <ucontext.h>

#define MOST_THREADS 448u /* stacks that threads take at most */
#define MOST_STACKED 480u /* and work items; the others are for calls and interrupts */

/* An idle fiber made ready to run `start`; NULL: no memory. Of many routines that are queued few are under
 * way at a time: they get a stack when they first run, but for threads, whose creation fails without one. */
struct gpup_fiber *gpup_fiber_prepare(struct gpup_os *os, const struct gpup_start *start);
bool gpup_fiber_give_stack(struct gpup_os *os, struct gpup_fiber *fiber); /* false: no room for another */
void gpup_fiber_retire(struct gpup_os *os, struct gpup_fiber *fiber);     /* its routine is over */
/* Scheduler to fiber; returns when the fiber switches back or faulted. */
void gpup_fiber_enter(struct gpup_os *os, struct gpup_fiber *fiber);
_Noreturn void gpup_fiber_leave_for_good(struct gpup_os *os);
/* Runs function(a, b) on the scheduler's stack; the fiber's stack stays untouched. */
void gpup_fiber_call_outside(struct gpup_os *os, void (*function)(void *a, void *b), void *a, void *b);
/* Where the fault handler continues, with RSP = os->machine->scheduler_sp. */
void gpup_fiber_landing(void);

/* What the WDK inlines in drivers (inlined.c). reset: of this thread, for a new host. enter: that fiber runs
 * from now on. move: carries out the move from or to CR8 that faulted at the instruction pointer; false: it
 * is none. */
void gpup_processor_reset(void);
void gpup_processor_enter(const struct gpup_fiber *fiber);
bool gpup_inlined_move(struct gpup_os *os, greg_t *registers);

#endif
