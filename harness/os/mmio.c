/* An instruction that reaches for registers is carried out on the device, in order and in its width. */
#include "mmio.h"
#include "exception.h"

#include <stdio.h>
#include <string.h>

enum { A = 0, C = 1, SI = 6, DI = 7, ZERO = 0x040, DOWN = 0x400, RESULTS = 0x8D5 };

/* --- memory: a register of the device, or of a string instruction the other side */

static bool is_shared(uint64_t address) {
    return address - GPUP_SHARED_DATA < GPUP_SHARED_DATA_SIZE;
}

static uint64_t load(uint64_t address, unsigned width) {
    const void *at = (const void *)address; // NOLINT(performance-no-int-to-ptr)
    uint64_t value = 0;

    if (is_shared(address)) {
        if (!gpup_shared_data_read(gpup_os_current(), address - GPUP_SHARED_DATA, width, &value))
            gpup_os_unsupported("a field of KUSER_SHARED_DATA other than a time or the version");
    } else if (!gpup_register_read(at, width, &value))
        memcpy(&value, at, width);
    return value;
}

static void store(uint64_t address, unsigned width, uint64_t value) {
    void *at = (void *)address; // NOLINT(performance-no-int-to-ptr)

    if (!gpup_register_write(at, width, value))
        memcpy(at, &value, width);
}

/* --- one operand */

/* Where some of a wide one is in no mapping, it faults as it would have, before the device sees any of it. */
static void reach(uint64_t address, unsigned width, bool write) {
    volatile uint8_t *at = (volatile uint8_t *)address; // NOLINT(performance-no-int-to-ptr)

    if (!is_shared(address) && !gpup_register_mapped(gpup_os_current(), at, width))
        for (unsigned i = 0; i < width; i++) {
            if (write)
                at[i] = 0;
            else
                (void)at[i];
        }
}

static bool with_operand(struct gpup_frame *f, struct gpup_uppers *uppers, const struct gpup_mmio_code *code,
                         uint64_t address) {
    uint64_t value;
    unsigned part = code->width < 8 ? code->width : 8;
    uint8_t bytes[GPUP_MMIO_WIDEST] = {0};

    if (part < code->width)
        reach(address, code->width, code->access == GPUP_MMIO_WRITES);
    for (unsigned i = 0; code->access & GPUP_MMIO_READS && i < code->width; i += part) {
        value = load(address + i, part);
        memcpy(bytes + i, &value, part);
    }
    if (code->moves) /* most accesses are this one: a quicker way */
        memcpy(bytes, &f->registers[code->number], 8);
    else if (!gpup_mmio_run(code, f, uppers, address, bytes))
        return false;
    for (unsigned i = 0; code->access & GPUP_MMIO_WRITES && i < code->width; i += part) {
        value = 0;
        memcpy(&value, bytes + i, part);
        store(address + i, part, value);
    }
    f->pc += code->length;
    return true;
}

/* --- the stack, and where execution goes on */

static void with_stack(struct gpup_frame *f, const struct gpup_mmio_code *code, uint64_t address) {
    uint64_t next = f->pc + code->length, value;

    if (code->kind == GPUP_MMIO_POP) {
        value = load(f->registers[GPUP_SP], 8);
        f->registers[GPUP_SP] += 8;
        store(address, 8, value);
        f->pc = next;
        return;
    }
    value = load(address, 8);
    if (code->kind != GPUP_MMIO_JUMP) {
        f->registers[GPUP_SP] -= 8;
        store(f->registers[GPUP_SP], 8, code->kind == GPUP_MMIO_CALL ? next : value);
    }
    f->pc = code->kind == GPUP_MMIO_PUSH ? next : value;
}

/* --- strings */

/* Flags as CMP leaves them: LAHF has all but overflow. */
#define COMPARE(type, one, other)                                                                            \
    ({                                                                                                       \
        uint16_t both;                                                                                       \
        __asm__("cmp %2, %1\n lahf\n seto %%al" : "=a"(both) : "r"((type)(one)), "r"((type)(other)) : "cc"); \
        (uint32_t)(both >> 8 & 0xD5) | (both & 1u) << 11;                                                    \
    })

static void compare(struct gpup_frame *f, unsigned width, uint64_t one, uint64_t other) {
    uint32_t flags = width == 1   ? COMPARE(uint8_t, one, other)
                     : width == 2 ? COMPARE(uint16_t, one, other)
                     : width == 4 ? COMPARE(uint32_t, one, other)
                                  : COMPARE(uint64_t, one, other);

    f->flags = (f->flags & ~(uint32_t)RESULTS) | flags;
}

/* The accumulator's low bytes; 4 clear the others, fewer keep them. */
static void accumulate(struct gpup_frame *f, unsigned width, uint64_t value) {
    if (width == 4)
        f->registers[A] = 0;
    memcpy(&f->registers[A], &value, width);
}

enum { MOVS = 0xA4, CMPS = 0xA6, STOS = 0xAA, LODS = 0xAC, SCAS = 0xAE };

static void string_once(struct gpup_frame *f, const struct gpup_mmio_code *code) {
    unsigned operation = code->opcode & 0xFE, width = code->width;
    uint64_t step = f->flags & DOWN ? -(uint64_t)width : width, value = f->registers[A];

    if (operation == MOVS || operation == CMPS || operation == LODS)
        value = load(f->registers[SI], width);
    if (operation == LODS)
        accumulate(f, width, value);
    else if (operation == MOVS || operation == STOS)
        store(f->registers[DI], width, value);
    else
        compare(f, width, value, load(f->registers[DI], width));
    if (operation == MOVS || operation == CMPS || operation == LODS)
        f->registers[SI] += step;
    if (operation != LODS)
        f->registers[DI] += step;
}

static void string(struct gpup_frame *f, const struct gpup_mmio_code *code) {
    bool compares = (code->opcode & 0xFE) == CMPS || (code->opcode & 0xFE) == SCAS, more;

    do {
        string_once(f, code);
        more = code->repeat && --f->registers[C];
        if (compares && !(f->flags & ZERO) != code->differs)
            more = false;
    } while (more);
    f->pc += code->length;
}

/* --- from the fault to the fiber and back */

/* Names where it is, in bytes from the start of the image or object, and the bytes. */
static _Noreturn void beyond(const struct gpup_os *os, uint64_t pc, unsigned bytes, const char *what) {
    const uint8_t *code = (const uint8_t *)pc; // NOLINT(performance-no-int-to-ptr)
    char text[128];
    int used =
        snprintf(text, sizeof text, "instruction at 0x%llx:", (unsigned long long)(pc - os->code_base));

    for (unsigned i = 0; i < bytes && pc + i < os->code_end; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, " %02x", code[i]);
    snprintf(text + used, sizeof text - (size_t)used, "%s", what);
    gpup_os_unsupported(text);
    __builtin_trap();
}

/* Taken by the signal handler, and from here before anything else can run. */
static _Thread_local struct gpup_uppers taken;

/* true: done. false: it cannot be. */
static bool carry_out(struct gpup_frame *f, struct gpup_uppers *uppers, const struct gpup_mmio_code *code,
                      uint64_t fault) {
    uint64_t address;

    if (code->kind == GPUP_MMIO_STRING) {
        string(f, code);
        return true;
    }
    address = gpup_mmio_address(code, f);
    if (fault - address >= code->width) /* not what was decoded */
        return false;
    if (code->kind == GPUP_MMIO_OPERAND)
        return with_operand(f, uppers, code, address);
    with_stack(f, code, address);
    return true;
}

_Noreturn void gpup_mmio_landed(void) {
    struct gpup_os *os = gpup_os_current();
    struct gpup_frame frame = os->machine->exception.frame;
    struct gpup_uppers uppers;
    const uint8_t *address = os->machine->exception.address;
    struct gpup_mmio_code code;

    uppers.any = taken.any;
    if (taken.any)
        memcpy(uppers.bytes, taken.bytes, sizeof uppers.bytes);
    if (!address) /* gpup_privileged_offer */
        beyond(os, frame.pc, 4, ", which only a kernel may execute");
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (!gpup_mmio_decode((const uint8_t *)frame.pc, &code))
        beyond(os, frame.pc, 8, ", which reaches for registers");
    if (!carry_out(&frame, &uppers, &code, (uintptr_t)address))
        beyond(os, frame.pc, code.length, ", which reaches for registers");
    gpup_exception_settle(os, &frame);
    gpup_uppers_continue(&frame, &uppers);
}

bool gpup_mmio_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    bool shared = is_shared((uintptr_t)info->si_addr) && !(registers[REG_ERR] & 2); /* to be read */

    if (os->machine->in_emit || pc < os->code_start || pc >= os->code_end ||
        (!shared && !gpup_register_mapped(os, info->si_addr, 1)))
        return false;
    gpup_exception_take(context, &os->machine->exception.frame);
    gpup_uppers_take(context, &taken);
    os->machine->exception.address = info->si_addr;
    registers[REG_RSP] = (greg_t)(((uintptr_t)registers[REG_RSP] - 256) & ~(uintptr_t)15);
    registers[REG_RIP] = (greg_t)(uintptr_t)gpup_mmio_landing;
    registers[REG_EFL] &= ~(greg_t)0x40500; /* direction, trap, alignment check */
    return true;
}
