/*
 * Registers that a driver reads and writes by its own instructions, as the WDK's inline functions do. The
 * mapping has no memory, so each one faults; the fault leads to the fiber, where the instruction is carried
 * out on the device.
 */
#ifndef GPUP_OS_MMIO_H
#define GPUP_OS_MMIO_H

#include "kernel.h"
#include <signal.h>
#include <ucontext.h>

enum gpup_mmio_operation {
    GPUP_MMIO_LOAD,         /* into a register, widened */
    GPUP_MMIO_STORE,        /* of a register or a value */
    GPUP_MMIO_COMPUTE,      /* one of the eight classic operations; the result goes to memory or a register */
    GPUP_MMIO_TEST,         /* AND, for the flags alone */
    GPUP_MMIO_NOT,          /* in memory */
    GPUP_MMIO_COUNT,        /* in memory, up or down by one */
    GPUP_MMIO_EXCHANGE,     /* with a register */
    GPUP_MMIO_VECTOR_LOAD,  /* into a vector register, the rest of it 0 */
    GPUP_MMIO_VECTOR_STORE, /* of its low bytes */
    GPUP_MMIO_FILL,         /* string instructions: of RAX to RDI */
    GPUP_MMIO_COPY          /* from RSI to RDI */
};

/* An instruction with one operand in memory, as it was decoded. */
struct gpup_mmio_code {
    uint8_t operation, length;
    uint8_t width;       /* bytes in memory: 1, 2, 4, 8; vectors also 16 */
    uint8_t destination; /* bytes of the register that a load fills: 2, 4, 8 */
    uint8_t number;      /* of the register */
    uint8_t compute;     /* 0 ADD, OR, ADC, SBB, AND, SUB, XOR, 7 CMP */
    bool high;           /* the register is AH, CH, DH or BH */
    bool sign;           /* a load keeps the sign */
    bool immediate;      /* `value` in the place of the register */
    bool to_register;    /* of a computation */
    bool repeat;         /* RCX times */
    uint64_t value;
};
/* false: none of those that compilers use to reach registers. Reads no byte beyond the instruction. */
bool gpup_mmio_decode(const uint8_t *code, struct gpup_mmio_code *out);

/* From the signal handler: is it an access of the driver to a mapping? Then `context` leads to the fiber. */
bool gpup_mmio_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context);

/* register.c: an access of 1, 2, 4 or 8 bytes, as the functions of the WDK are. false: it is in no mapping.
 */
bool gpup_register_mapped(const struct gpup_os *os, const volatile void *address, uint32_t width);
bool gpup_register_read(const volatile void *address, uint32_t width, uint64_t *value);
bool gpup_register_write(volatile void *address, uint32_t width, uint64_t value);

#endif
