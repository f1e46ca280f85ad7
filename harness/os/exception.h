/*
 * Exceptions of a driver image: offered to its own handlers, as the kernel does it.
 *
 * Everything happens on the fiber's stack, below the frame in which the exception is. An activation is a
 * record on that stack of what the suite is doing there in the driver's name: a service that was called, a
 * search for a handler, an unwinding. They are linked from the newest to the oldest. Frames of the suite lie
 * only between activations, so that a walk over the image's frames that comes to one goes on behind the
 * activation.
 */
#ifndef GPUP_OS_EXCEPTION_H
#define GPUP_OS_EXCEPTION_H

#include "kernel.h"
#include <signal.h>
#include <ucontext.h>

enum { GPUP_IN_SERVICE, GPUP_IN_SEARCH, GPUP_IN_UNWINDING };
struct gpup_activation { /* exception_entry.c knows where its members are */
    struct gpup_activation *next;
    uint64_t kind;
    /* In a service, the driver's at the call; in a search, where the exception is; unwinding, the frame that
     * is left. */
    struct gpup_frame frame;
    const DISPATCHER_CONTEXT *dispatcher; /* unwinding: of the handler that runs */
    uint64_t unused;
};

/* A walk over the image's frames. */
struct gpup_walk {
    struct gpup_os *os;
    struct gpup_frame frame;
    uint32_t scope; /* of a frame whose unwinding was interrupted: where it goes on */
    uintptr_t low, high;
};
struct gpup_walk gpup_walk_from(struct gpup_os *os, const struct gpup_frame *frame);
/* Goes on behind the suite's frames. false: the next frame is not of the image. */
bool gpup_walk_settle(struct gpup_walk *walk);
/* The frame above, and what was found about this one; *walk stays where it is. */
bool gpup_walk_look(const struct gpup_walk *walk, struct gpup_frame *above, struct gpup_frame_found *found);
/* Calls the handler of the frame. */
EXCEPTION_DISPOSITION gpup_walk_handle(const struct gpup_walk *walk, const struct gpup_frame_found *found,
                                       EXCEPTION_RECORD *record, CONTEXT *context,
                                       DISPATCHER_CONTEXT *dispatcher);

void gpup_context_of(const struct gpup_frame *frame, CONTEXT *context);
void gpup_frame_of(const CONTEXT *context, struct gpup_frame *frame);

void DDI_CALL gpup_activation_push(struct gpup_activation *activation);
void DDI_CALL gpup_activation_pop(struct gpup_activation *activation);

/* [fiber] Offers an exception to the image that called this service. Comes back when nobody took it, and when
 * a filter said to continue and `continuable`: true then. */
bool gpup_exception_raise(struct gpup_os *os, const EXCEPTION_RECORD *record);
/* The same for a status, which is not continuable; stops the host when nobody took it. */
_Noreturn void gpup_exception_status(struct gpup_os *os, NTSTATUS status);

/* From the signal handler: shall the fault be offered? Then `registers` lead there. */
bool gpup_exception_offer(struct gpup_os *os, int number, const siginfo_t *info, ucontext_t *registers);

/* From the signal handler: is it an instruction of the driver that only a kernel may execute, and that the
 * suite does not carry out? Then `context` leads to where that is said. */
bool gpup_privileged_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context);
/* The same for INT 29h, which ends in a bug check. */
bool gpup_fastfail_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context);

/* --- exception_entry.c */
/* function(a, b, c, d) with the Windows convention; where it returns to is known to walks. */
uint64_t gpup_exception_call(const void *function, const void *a, const void *b, const void *c,
                             const void *d);
extern const uint8_t gpup_exception_called[]; /* that place */
_Noreturn void gpup_exception_continue(const struct gpup_frame *frame);
/* Before it: what is below that frame on the stack is gone. */
void gpup_exception_settle(struct gpup_os *os, const struct gpup_frame *frame);
/* The registers of a fault. */
void gpup_exception_take(const ucontext_t *context, struct gpup_frame *frame);
void gpup_mmio_landing(void); /* mmio.c's, the same way */
_Noreturn void gpup_mmio_landed(void);
void gpup_exception_landing(void); /* where the signal handler leads */
_Noreturn void gpup_exception_landed(void);
_Noreturn void gpup_exception_leave(void *scheduler_sp); /* as the signal handler does with a fault */
/* [fiber] Continues in the frame; what is below it is gone. */
_Noreturn void gpup_exception_resume(struct gpup_os *os, const struct gpup_frame *frame);

#endif
