/*
 * What the WDK puts into a driver's own code on x64: the IRQL is the register CR8, and what belongs to a
 * processor lies behind the segment register GS (intrin.h's __readcr8 and __readgsqword; offsets as wdm.h
 * uses them). CR8 faults in a process, so its moves are carried out here; GS is free on Linux and points at a
 * page of ours, once per thread.
 */
#include "fiber.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SELF 0x18         /* KPCR: its own address */
#define PRCB_POINTER 0x20 /* address of the part below */
#define PRCB 0x180
#define CURRENT_THREAD 0x188

static _Thread_local struct {
    _Alignas(64) uint8_t bytes[0x400];
    bool installed;
} processor;

static void put(unsigned offset, const void *value) {
    memcpy(processor.bytes + offset, &value, sizeof value);
}

void gpup_processor_reset(void) {
    memset(processor.bytes, 0,
           sizeof processor.bytes); /* what a driver wrote there does not reach the next host */
    put(SELF, processor.bytes);
    put(PRCB_POINTER, processor.bytes + PRCB);
    if (!processor.installed) /* where it is refused, a driver that uses it faults */
        processor.installed = syscall(SYS_arch_prctl, ARCH_SET_GS, processor.bytes) == 0;
}

void gpup_processor_enter(const struct gpup_fiber *fiber) {
    put(CURRENT_THREAD, fiber->thread ? (const void *)fiber->thread : fiber);
}

/* Index in gregs of the register that an instruction means by number. */
static int place_of(unsigned number) {
    static const uint8_t places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15};
    return places[number & 15];
}

/* [REX.R or REX.RB] 0F 20 (from CR8) or 22 (to CR8), both operands registers: all forms that there are. */
bool gpup_inlined_move(struct gpup_os *os, greg_t *registers) {
    const uint8_t *code = (const uint8_t *)registers[REG_RIP]; // NOLINT(performance-no-int-to-ptr)
    bool cr8 = (code[0] & 0xF4) == 0x44 && code[1] == 0x0F && (code[2] == 0x20 || code[2] == 0x22) &&
               (code[3] & 0x38) == 0;
    greg_t *operand;

    if (code[0] == 0x0F && code[1] == 0x09) { /* WBINVD: nothing here is behind a cache */
        registers[REG_RIP] += 2;
        return true;
    }
    if (!cr8)
        return false;
    operand = &registers[place_of((code[3] & 7u) | (code[0] & 1u) << 3)];
    if (code[2] == 0x20)
        *operand = gpup_os_irql(os);
    else if ((uint64_t)*operand > HIGH_LEVEL)
        return false; /* a reserved bit: the processor faults, too */
    else
        gpup_os_set_irql(os, (KIRQL)*operand);
    registers[REG_RIP] += 4;
    return true;
}
