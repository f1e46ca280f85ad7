/* An instruction that reaches for registers is carried out on the device, in order and in its width. */
#include "mmio.h"
#include "exception.h"

#include <stdio.h>
#include <string.h>

enum {
    CARRY = 0x001,
    PARITY = 0x004,
    ADJUST = 0x010,
    ZERO = 0x040,
    SIGN = 0x080,
    DOWN = 0x400,
    OVERFLOW = 0x800
};

static uint64_t mask_of(unsigned width) {
    return width >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

/* --- the processor's side */

static uint64_t get_register(const struct gpup_frame *f, const struct gpup_mmio_code *code) {
    uint64_t value = f->registers[code->number] >> (code->high ? 8 : 0);

    return (code->immediate ? code->value : value) & mask_of(code->width);
}

/* 32 bits clear the others, fewer keep them. */
static void put_register(struct gpup_frame *f, unsigned number, bool high, unsigned width, uint64_t value) {
    unsigned shift = high ? 8 : 0;
    uint64_t mask = mask_of(width) << shift, *r = &f->registers[number];

    *r = width == 4 ? value & UINT32_MAX : (*r & ~mask) | (value << shift & mask);
}

static void set_flags(struct gpup_frame *f, unsigned width, uint64_t result, uint32_t others) {
    uint64_t top = UINT64_C(1) << (8 * width - 1);
    uint32_t flags = others;

    flags |= !(result & mask_of(width)) ? ZERO : 0;
    flags |= result & top ? SIGN : 0;
    flags |= __builtin_parity((unsigned)result & 0xFF) ? 0 : PARITY;
    f->flags = (f->flags & ~(uint32_t)(CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW)) | flags;
}

static uint64_t add(struct gpup_frame *f, unsigned width, uint64_t a, uint64_t b, unsigned carry) {
    unsigned __int128 sum = (unsigned __int128)a + b + carry;
    uint64_t result = (uint64_t)sum & mask_of(width), top = UINT64_C(1) << (8 * width - 1);

    set_flags(f, width, result,
              (uint32_t)((sum >> (8 * width) ? CARRY : 0) | ((a ^ b ^ result) & ADJUST) |
                         ((a ^ result) & (b ^ result) & top ? OVERFLOW : 0)));
    return result;
}

static uint64_t subtract(struct gpup_frame *f, unsigned width, uint64_t a, uint64_t b, unsigned carry) {
    uint64_t result = (a - b - carry) & mask_of(width), top = UINT64_C(1) << (8 * width - 1);

    set_flags(f, width, result,
              (uint32_t)(((unsigned __int128)b + carry > a ? CARRY : 0) | ((a ^ b ^ result) & ADJUST) |
                         ((a ^ b) & (a ^ result) & top ? OVERFLOW : 0)));
    return result;
}

static uint64_t compute(struct gpup_frame *f, unsigned operation, unsigned width, uint64_t a, uint64_t b) {
    unsigned carry = f->flags & CARRY;
    uint64_t result = operation == 1 ? a | b : operation == 4 ? a & b : a ^ b;

    switch (operation) {
    case 0:
    case 2:
        return add(f, width, a, b, operation == 2 ? carry : 0);
    case 3:
    case 5:
    case 7:
        return subtract(f, width, a, b, operation == 3 ? carry : 0);
    default:
        set_flags(f, width, result, 0);
        return result;
    }
}

/* --- memory: a register of the device, or of a string instruction the other side */

static uint64_t load(uint8_t *at, unsigned width) {
    uint64_t value = 0;

    if (!gpup_register_read(at, width, &value))
        memcpy(&value, at, width);
    return value;
}

static void store(uint8_t *at, unsigned width, uint64_t value) {
    if (!gpup_register_write(at, width, value))
        memcpy(at, &value, width);
}

static void string(struct gpup_frame *f, const struct gpup_mmio_code *code) {
    uint64_t step = f->flags & DOWN ? -(uint64_t)code->width : code->width;

    for (uint64_t left = code->repeat ? f->registers[1] : 1; left; left--) {
        uint64_t value = f->registers[0];

        if (code->operation == GPUP_MMIO_COPY) {
            value = load((uint8_t *)f->registers[6], code->width); // NOLINT(performance-no-int-to-ptr)
            f->registers[6] += step;
        }
        store((uint8_t *)f->registers[7], code->width, value); // NOLINT(performance-no-int-to-ptr)
        f->registers[7] += step;
    }
    if (code->repeat)
        f->registers[1] = 0;
}

static void vector(struct gpup_frame *f, const struct gpup_mmio_code *code, uint8_t *at) {
    unsigned part = code->width < 8 ? code->width : 8;
    uint64_t *halves = f->vectors[code->number];

    for (unsigned i = 0; i < 2; i++, at += 8) {
        bool within = i * 8 < code->width;

        if (code->operation == GPUP_MMIO_VECTOR_LOAD)
            halves[i] = within ? load(at, part) : 0;
        else if (within)
            store(at, part, halves[i] & mask_of(part));
    }
}

static void load_register(struct gpup_frame *f, const struct gpup_mmio_code *code, uint8_t *at) {
    uint64_t value = load(at, code->width), top = UINT64_C(1) << (8 * code->width - 1);

    if (code->sign && (value & top))
        value |= ~mask_of(code->width);
    put_register(f, code->number, code->high, code->destination, value & mask_of(code->destination));
}

static void change(struct gpup_frame *f, const struct gpup_mmio_code *code, uint8_t *at) {
    uint64_t value = load(at, code->width), other = get_register(f, code);
    uint32_t carry = f->flags & CARRY;

    switch (code->operation) {
    case GPUP_MMIO_COMPUTE:
        if (code->to_register)
            other = compute(f, code->compute, code->width, other, value);
        else
            value = compute(f, code->compute, code->width, value, other);
        if (code->compute != 7 && code->to_register)
            put_register(f, code->number, code->high, code->width, other);
        else if (code->compute != 7)
            store(at, code->width, value);
        return;
    case GPUP_MMIO_TEST:
        compute(f, 4, code->width, value, other);
        return;
    case GPUP_MMIO_NOT:
        store(at, code->width, ~value & mask_of(code->width));
        return;
    case GPUP_MMIO_EXCHANGE:
        store(at, code->width, other);
        put_register(f, code->number, code->high, code->width, value);
        return;
    default: /* INC and DEC leave the carry */
        value = compute(f, code->compute ? 5 : 0, code->width, value, 1);
        f->flags = (f->flags & ~(uint32_t)CARRY) | carry;
        store(at, code->width, value);
    }
}

static void carry_out(struct gpup_frame *f, const struct gpup_mmio_code *code, uint8_t *at) {
    switch (code->operation) {
    case GPUP_MMIO_LOAD:
        load_register(f, code, at);
        return;
    case GPUP_MMIO_STORE:
        store(at, code->width, get_register(f, code));
        return;
    case GPUP_MMIO_VECTOR_LOAD:
    case GPUP_MMIO_VECTOR_STORE:
        vector(f, code, at);
        return;
    case GPUP_MMIO_FILL:
    case GPUP_MMIO_COPY:
        string(f, code);
        return;
    default:
        change(f, code, at);
    }
}

/* --- from the fault to the fiber and back */

static _Noreturn void beyond(const uint8_t *code, const char *what) {
    char text[64];

    snprintf(text, sizeof text, "instruction %02x %02x %02x %02x%s", code[0], code[1], code[2], code[3],
             what);
    gpup_os_unsupported(text);
    __builtin_trap();
}

_Noreturn void gpup_mmio_landed(void) {
    struct gpup_os *os = gpup_os_current();
    struct gpup_frame frame = os->exception.frame;
    const uint8_t *instruction = (const uint8_t *)frame.pc; // NOLINT(performance-no-int-to-ptr)
    uint8_t *address = os->exception.address;
    struct gpup_mmio_code code;

    if (!address) /* gpup_privileged_offer */
        beyond(instruction, ", which is the kernel's");
    if (!gpup_mmio_decode(instruction, &code))
        beyond(instruction, " at registers");
    carry_out(&frame, &code, address);
    frame.pc += code.length;
    gpup_exception_resume(os, &frame);
}

bool gpup_mmio_offer(struct gpup_os *os, const siginfo_t *info, ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];

    if (os->in_emit || pc < os->code_start || pc >= os->code_end ||
        !gpup_register_mapped(os, info->si_addr, 1))
        return false;
    gpup_exception_take(context, &os->exception.frame);
    os->exception.address = info->si_addr;
    registers[REG_RSP] = (greg_t)(((uintptr_t)registers[REG_RSP] - 256) & ~(uintptr_t)15);
    registers[REG_RIP] = (greg_t)(uintptr_t)gpup_mmio_landing;
    registers[REG_EFL] &= ~(greg_t)0x40500; /* direction, trap, alignment check */
    return true;
}
