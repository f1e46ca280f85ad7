/* Faults as exceptions: which of them the kernel offers to handlers, and as what. Runs in the signal handler,
 * which may touch nothing but the host and the registers. */
#include "exception.h"

#include <string.h>

/* Nothing of the system is below; above, Windows stops the machine at once (PAGE_FAULT_IN_NONPAGED_AREA). */
#define USER_END (UINT64_C(1) << 40)
#define ROOM ((uintptr_t)24 * 1024) /* of stack that a search needs */

static const uint8_t number_of[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

void gpup_exception_take(const ucontext_t *context, struct gpup_frame *frame) {
    const greg_t *registers = context->uc_mcontext.gregs;

    for (unsigned i = 0; i < 16; i++)
        frame->registers[i] = (uint64_t)registers[number_of[i]];
    frame->pc = (uint64_t)registers[REG_RIP];
    frame->flags = (uint32_t)registers[REG_EFL];
    frame->mxcsr = 0x1F80;
    if (context->uc_mcontext.fpregs) {
        frame->mxcsr = context->uc_mcontext.fpregs->mxcsr;
        memcpy(frame->vectors, context->uc_mcontext.fpregs->_xmm, sizeof frame->vectors);
    }
}

/* Instructions that only a kernel may execute: in one they would have done something. Not of these are the
 * moves to CR8, which are carried out, or fault there as here. */
static bool is_privileged(const uint8_t *code) {
    if ((code[0] & 0xF4) == 0x44 && code[1] == 0x0F && code[2] == 0x22 && (code[3] & 0x38) == 0)
        return false;
    while (*code == 0x66 || *code == 0xF2 || *code == 0xF3 || (*code & 0xF0) == 0x40)
        code++;
    if (*code == 0x0F)
        return code[1] == 0x00 || code[1] == 0x01 || (code[1] & 0xFE) == 0x08 || code[1] == 0x06 ||
               (code[1] & 0xFC) == 0x20 || code[1] == 0x30 || code[1] == 0x32 || code[1] == 0x33;
    return *code == 0xF4 || (*code & 0xFE) == 0xFA || (*code & 0xF4) == 0xE4 || (*code & 0xFC) == 0x6C ||
           *code == 0xCF;
}

static bool describe_access(const struct gpup_os *os, const siginfo_t *info, const greg_t *registers,
                            bool in_image, EXCEPTION_RECORD *record) {
    uint64_t address = (uintptr_t)info->si_addr, error = (uint64_t)registers[REG_ERR];

    if (info->si_code == SI_KERNEL) { /* no address: it is none that a page could have */
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        if (!in_image || is_privileged((const uint8_t *)registers[REG_RIP]))
            return false;
        address = UINT64_MAX;
        error = 0;
    } else if (address >= USER_END || gpup_os_irql(os) >= DISPATCH_LEVEL)
        return false;
    record->ExceptionCode = STATUS_ACCESS_VIOLATION;
    record->NumberParameters = 2;
    record->ExceptionInformation[0] = error & 16 ? 8 : (error & 2) != 0;
    record->ExceptionInformation[1] = address;
    return true;
}

/* DIV and IDIV by a register or memory that is not zero: the quotient was too large. */
static NTSTATUS division(const struct gpup_frame *frame) {
    const uint8_t *code = (const uint8_t *)frame->pc; // NOLINT(performance-no-int-to-ptr)
    uint64_t mask = UINT32_MAX;
    unsigned high = 0;

    for (; *code == 0x66 || (*code & 0xF0) == 0x40; code++) {
        mask = *code == 0x66 ? UINT16_MAX : *code & 8 ? UINT64_MAX : mask;
        high = *code != 0x66 && (*code & 1) ? 8 : high;
    }
    if ((*code & 0xFE) != 0xF6 || code[1] < 0xC0)
        return STATUS_INTEGER_DIVIDE_BY_ZERO;
    if (*code == 0xF6)
        mask = UINT8_MAX;
    return frame->registers[(code[1] & 7) + high] & mask ? STATUS_INTEGER_OVERFLOW
                                                         : STATUS_INTEGER_DIVIDE_BY_ZERO;
}

static bool describe(const struct gpup_os *os, int number, const siginfo_t *info, const greg_t *registers,
                     bool in_image, struct gpup_frame *frame, EXCEPTION_RECORD *record) {
    switch (number) {
    case SIGFPE:
        record->ExceptionCode = info->si_code == FPE_INTDIV || info->si_code == FPE_INTOVF
                                    ? division(frame)
                                    : STATUS_FLOAT_MULTIPLE_FAULTS;
        return in_image;
    case SIGILL:
        record->ExceptionCode = STATUS_ILLEGAL_INSTRUCTION;
        return in_image;
    case SIGTRAP: /* the handler sees the instruction itself */
        record->ExceptionCode = STATUS_BREAKPOINT;
        record->NumberParameters = 1;
        frame->pc--;
        return in_image && *(const uint8_t *)frame->pc == 0xCC; // NOLINT(performance-no-int-to-ptr)
    case SIGBUS:
        record->ExceptionCode = STATUS_DATATYPE_MISALIGNMENT;
        return info->si_code == BUS_ADRALN && in_image;
    default:
        return describe_access(os, info, registers, in_image, record);
    }
}

bool gpup_privileged_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    bool inside =
        pc - os->code_start < os->code_end - os->code_start || pc - os->unwinder.base < os->unwinder.size;

    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (info->si_code != SI_KERNEL || os->machine->in_emit || !inside || !is_privileged((const uint8_t *)pc))
        return false;
    gpup_exception_take(context, &os->machine->exception.frame);
    os->machine->exception.address = NULL;
    registers[REG_RSP] = (greg_t)(((uintptr_t)registers[REG_RSP] - 256) & ~(uintptr_t)15);
    registers[REG_RIP] = (greg_t)(uintptr_t)gpup_mmio_landing;
    return true;
}

bool gpup_exception_offer(struct gpup_os *os, int number, const siginfo_t *info, ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    const struct gpup_activation *service = os->machine->running->activations;
    uintptr_t sp = (uintptr_t)registers[REG_RSP], bottom = (uintptr_t)os->machine->running->stack->base;
    bool in_image = (uintptr_t)registers[REG_RIP] - os->unwinder.base < os->unwinder.size;
    bool in_service = service && service->kind == GPUP_IN_SERVICE && sp < (uintptr_t)service;

    if (!os->unwinder.size || (!in_image && !in_service) || sp < bottom + ROOM ||
        sp >= (uintptr_t)os->machine->running->stack->top)
        return false;
    struct gpup_frame *frame = &os->machine->exception.frame;
    EXCEPTION_RECORD *record = &os->machine->exception.record;
    memset(record, 0, sizeof *record);
    gpup_exception_take(context, frame);
    if (!describe(os, number, info, registers, in_image, frame, record))
        return false;
    if (!in_image)
        *frame = service->frame;
    record->ExceptionAddress = (void *)frame->pc; // NOLINT(performance-no-int-to-ptr)
    registers[REG_RSP] = (greg_t)((sp - 256) & ~(uintptr_t)15);
    registers[REG_RIP] = (greg_t)(uintptr_t)gpup_exception_landing;
    return true;
}
