/*
 * Stack frames of a driver image for Windows: what the kernel's exception dispatcher must know of them.
 *
 * The binding that loads an image reads its table of functions (.pdata) and their unwind data (.xdata); the
 * simulated kernel finds handlers and leaves frames with it. An ELF object has no such tables, and its faults
 * are never offered to it. Register numbers are those of x64 instructions (RAX 0, RCX 1, RDX 2, RBX 3, RSP 4,
 * ... R15 15).
 *
 * Follows https://learn.microsoft.com/cpp/build/exception-handling-x64.
 */
#ifndef GPUP_FRAMES_H
#define GPUP_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPUP_SP 4 /* number of the stack pointer */

/* The registers in one frame. After a step up only those that calls preserve mean anything. */
struct gpup_frame {
    uint64_t registers[16];
    uint64_t pc;
    uint32_t mxcsr, flags;   /* as they were when the frame was taken; no step changes them */
    uint64_t vectors[16][2]; /* XMM0 to XMM15 */
};

enum { GPUP_HANDLES_EXCEPTIONS = 1, GPUP_HANDLES_UNWINDING = 2 };

/* What a step found about the frame that it left. Addresses are bytes from the start of the image. */
struct gpup_frame_found {
    uint64_t establisher;      /* the frame's address, as handlers are given it */
    uint32_t begin, end, info; /* the entry of its function; all 0: it has none, a leaf */
    uint32_t handler, data; /* the function's handler and what comes with it; 0: none, or not yet in force */
    uint8_t kinds;          /* GPUP_HANDLES_ bits */
};

/* One image. The functions may be called in any thread, also for code addresses that are not in the image,
 * and trust nothing that the image or the stack says. */
struct gpup_unwinder {
    const void *context;
    uintptr_t base; /* of the image in memory */
    size_t size;    /* bytes */
    /* One frame up; stack memory in [low, high) can be read. false: the frame is not of this image, the
     * tables are damaged, or the way leads off the stack; *frame is then worthless. The stack pointer always
     * grows. */
    bool (*leave)(const void *context, struct gpup_frame *frame, uintptr_t low, uintptr_t high,
                  struct gpup_frame_found *found);
    /* The function's entry in the table; NULL: it has none. */
    const void *(*entry)(const void *context, uint32_t rva);
    /* Bytes of the image that can be read; NULL: they cannot. */
    const uint8_t *(*at)(const void *context, uint64_t rva, uint64_t size);
    /* Can code be there? */
    bool (*runs)(const void *context, uint32_t rva);
};

#endif
