/*
 * Registers that a driver reads and writes by its own instructions, as the WDK's inline functions do.
 *
 * The mapping has no memory, so each one faults; the fault leads to the fiber. There the operand is read from
 * the device as far as the instruction reads it, the processor executes the instruction itself on a copy of
 * it (the same bytes with another address), and what it wrote goes to the device. So every result and every
 * flag is the processor's own. Instructions with two operands in memory or on the stack are taken apart.
 *
 * An operand of more than 8 bytes is accessed 8 bytes at a time, from the lowest address on.
 */
#ifndef GPUP_OS_MMIO_H
#define GPUP_OS_MMIO_H

#include "kernel.h"
#include <signal.h>
#include <ucontext.h>

#define GPUP_MMIO_WIDEST 32u /* bytes of an operand */

enum gpup_mmio_kind {
    GPUP_MMIO_OPERAND, /* one in memory */
    GPUP_MMIO_STRING,  /* MOVS, STOS, LODS, CMPS, SCAS */
    GPUP_MMIO_PUSH,    /* of memory, or into it */
    GPUP_MMIO_POP,
    GPUP_MMIO_CALL, /* through memory */
    GPUP_MMIO_JUMP
};
enum gpup_mmio_access { GPUP_MMIO_READS = 1, GPUP_MMIO_WRITES = 2 };
#define GPUP_MMIO_NONE 16u /* in the place of a register's number: none */
#define GPUP_MMIO_PC 17u   /* the next instruction's address */

/* An instruction as it was decoded. */
struct gpup_mmio_code {
    uint8_t kind, length;
    uint8_t opcode; /* the last byte of it */
    uint8_t access; /* GPUP_MMIO_READS, GPUP_MMIO_WRITES or both */
    uint8_t width;  /* bytes in memory: 1, 2, 4, 8, 16, 32 */
    /* Where: base + index << scale + displacement. */
    uint8_t base, index, scale;
    uint64_t displacement;
    bool bits;      /* and the bit that `number` counts from there: BT and the like */
    bool moves;     /* MOV of a register of 2, 4 or 8 bytes to memory */
    bool vectors;   /* it may use vector registers */
    bool vex;       /* it may use registers of 32 bytes */
    bool repeat;    /* RCX times, CMPS and SCAS while they find the same */
    bool differs;   /* or while they find something else */
    uint8_t number; /* of the register operand */
    /* The same with the operand at the next instruction's address plus the four bytes at `operand_at`. */
    uint8_t size, operand_at;
    uint8_t bytes[15];
};
/* false: none that can be carried out. Reads no byte beyond the instruction. */
bool gpup_mmio_decode(const uint8_t *code, struct gpup_mmio_code *out);
/* The address of the operand. */
uint64_t gpup_mmio_address(const struct gpup_mmio_code *code, const struct gpup_frame *frame);

/* mmio_forms.c: what an opcode does with its operand in memory. */
enum gpup_mmio_map { GPUP_MMIO_ONE_BYTE, GPUP_MMIO_0F, GPUP_MMIO_0F38, GPUP_MMIO_0F3A };
struct gpup_mmio_opcode {
    enum gpup_mmio_map map;
    uint8_t code, group;                /* group: the middle of the byte behind it, which tells some apart */
    uint8_t prefix;                     /* that chooses the instruction: 0 none, 1 66, 2 F3, 3 F2 */
    bool vex, word, wide, long_vectors; /* VEX; 66; W; L */
};
struct gpup_mmio_form {
    uint8_t kind, access, width, immediate; /* immediate: bytes behind the operand */
};
/* Is it one of those that have an operand, in memory or not? */
bool gpup_mmio_known(const struct gpup_mmio_opcode *opcode);
/* false: it has no such operand, or is not known. */
bool gpup_mmio_form(const struct gpup_mmio_opcode *opcode, struct gpup_mmio_form *out);

/* mmio_run.c: the upper halves of the vector registers, which a frame does not have. */
struct gpup_uppers {
    bool any;
    _Alignas(16) uint8_t bytes[16][16];
};
/* Executes the instruction with the registers of the frame and a copy of the operand, which has an address
 * with the alignment of `address`. false: there is no memory to execute it in. Its faults are the driver's.
 */
bool gpup_mmio_run(const struct gpup_mmio_code *code, struct gpup_frame *frame, struct gpup_uppers *uppers,
                   uint64_t address, uint8_t operand[GPUP_MMIO_WIDEST]);
/* From the signal handler: a fault in there is one of the driver's instruction. */
void gpup_mmio_faulted(greg_t *registers);
/* From a signal's context; the bytes are set when there are any. */
void gpup_uppers_take(const ucontext_t *context, struct gpup_uppers *uppers);
_Noreturn void gpup_uppers_continue(const struct gpup_frame *frame, const struct gpup_uppers *uppers);

/* From the signal handler: is it an access of the driver to a mapping? Then `context` leads to the fiber. */
bool gpup_mmio_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context);

/* register.c: an access of 1, 2, 4 or 8 bytes, as the functions of the WDK are. false: it is in no mapping.
 */
bool gpup_register_mapped(const struct gpup_os *os, const volatile void *address, uint32_t width);
bool gpup_register_read(const volatile void *address, uint32_t width, uint64_t *value);
bool gpup_register_write(volatile void *address, uint32_t width, uint64_t value);

#endif
