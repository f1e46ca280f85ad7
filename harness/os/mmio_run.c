/* The processor executes one instruction of a driver on a copy of its operand. The code is written through a
 * second mapping, so that none is writable and executable. */
#include "exception.h"
#include "mmio.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS (GPUP_PAGE / SLOT)
#define SLOT 64u
#define ROOM 128u /* for an operand with any alignment to 64 bytes */

/* The page before the code. */
struct data {
    _Alignas(64) uint8_t operand[ROOM];
    uint64_t driver_sp, own_sp;
    const void *back;
    uint64_t pc; /* the driver's */
};

/* Of a thread: an instruction runs to its end before anything else does. */
static _Thread_local struct {
    struct data *data;
    uint8_t *code, *writable;
} place;

void gpup_mmio_enter(struct gpup_frame *frame, const void *code, struct data *data, bool vectors);
extern const uint8_t gpup_mmio_back[];
void gpup_uppers_load(const uint8_t *bytes);
void gpup_uppers_save(uint8_t *bytes);
_Static_assert(offsetof(struct data, own_sp) == 136, "as the code below has it");
_Static_assert(offsetof(struct gpup_frame, vectors) == 144 && offsetof(struct gpup_frame, flags) == 140,
               "as the code below has it");

#define FUNCTION(name) ".globl " name "\n.hidden " name "\n.type " name ",@function\n" name ":\n"
#define END(name) ".size " name ", .-" name "\n"
#define EACH(one)                                                                                            \
    one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) one(11) one(12) one(13)    \
        one(14) one(15)
#define LOAD(n) "  movups 144+16*" #n "(%rdi), %xmm" #n "\n"
#define SAVE(n) "  movups %xmm" #n ", 144+16*" #n "(%rdi)\n"
#define LOAD_UPPER(n) "  vinsertf128 $1, 16*" #n "(%rdi), %ymm" #n ", %ymm" #n "\n"
#define SAVE_UPPER(n) "  vextractf128 $1, %ymm" #n ", 16*" #n "(%rdi)\n"

/* clang-format off */
/* RDI: the frame, RSI: the code, RDX: its data, CL: it may use vector registers. The code changes the stack pointer itself, both ways. */
__asm__(".text\n" FUNCTION("gpup_mmio_enter") //
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n  push %rcx\n  push %rdi\n"
        "  push %rsi\n  mov %rsp, 136(%rdx)\n"
        "  mov 140(%rdi), %eax\n  and $0x8D5, %eax\n  push %rax\n"
        "  test %cl, %cl\n  jz 1f\n  ldmxcsr 136(%rdi)\n" EACH(LOAD) "1:\n"
        "  mov 0(%rdi), %rax\n  mov 8(%rdi), %rcx\n  mov 16(%rdi), %rdx\n  mov 24(%rdi), %rbx\n"
        "  mov 40(%rdi), %rbp\n  mov 48(%rdi), %rsi\n  mov 64(%rdi), %r8\n  mov 72(%rdi), %r9\n"
        "  mov 80(%rdi), %r10\n  mov 88(%rdi), %r11\n  mov 96(%rdi), %r12\n  mov 104(%rdi), %r13\n"
        "  mov 112(%rdi), %r14\n  mov 120(%rdi), %r15\n  mov 56(%rdi), %rdi\n"
        "  popfq\n  jmp *(%rsp)\n" END("gpup_mmio_enter")

        ".globl gpup_mmio_back\n.hidden gpup_mmio_back\ngpup_mmio_back:\n"
        "  mov %rdi, (%rsp)\n  mov 8(%rsp), %rdi\n"
        "  mov %rax, 0(%rdi)\n  mov %rcx, 8(%rdi)\n  mov %rdx, 16(%rdi)\n  mov %rbx, 24(%rdi)\n"
        "  mov %rbp, 40(%rdi)\n  mov %rsi, 48(%rdi)\n  mov %r8, 64(%rdi)\n  mov %r9, 72(%rdi)\n"
        "  mov %r10, 80(%rdi)\n  mov %r11, 88(%rdi)\n  mov %r12, 96(%rdi)\n  mov %r13, 104(%rdi)\n"
        "  mov %r14, 112(%rdi)\n  mov %r15, 120(%rdi)\n  mov (%rsp), %rax\n  mov %rax, 56(%rdi)\n"
        "  pushfq\n  pop %rax\n    and $0x8D5, %eax\n  andl $~0x8D5, 140(%rdi)\n  or %eax, 140(%rdi)\n"
        "  cld\n  cmpb $0, 16(%rsp)\n  lea 24(%rsp), %rsp\n  jz 1f\n  stmxcsr 136(%rdi)\n" EACH(SAVE) "1:\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n  ret\n"

        FUNCTION("gpup_uppers_load") EACH(LOAD_UPPER) "  ret\n" END("gpup_uppers_load") //
        FUNCTION("gpup_uppers_save") EACH(SAVE_UPPER) "  ret\n" END("gpup_uppers_save")
        ".section .note.GNU-stack,\"\",@progbits\n.text\n");
/* clang-format on */

/* --- a page of code and one of data before it */

static void drop_place(void) {
    if (place.code)
        munmap(place.data, (size_t)2 * GPUP_PAGE);
    if (place.writable)
        munmap(place.writable, GPUP_PAGE);
    place.data = NULL;
    place.code = place.writable = NULL;
}

static bool map_place(int file) {
    uint8_t *pages =
        mmap(NULL, (size_t)2 * GPUP_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *writable;

    if (pages == MAP_FAILED)
        return false;
    place.data = (void *)pages;
    place.code = pages + GPUP_PAGE;
    writable = mmap(NULL, GPUP_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (writable == MAP_FAILED)
        return false;
    place.writable = writable;
    place.data->back = gpup_mmio_back;
    return madvise(place.data, GPUP_PAGE, MADV_WIPEONFORK) == 0 &&
           mmap(place.code, GPUP_PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, 0) == place.code;
}

/* A child of the process would share the code: there the page of data is empty, and another place is made. */
static bool have_place(void) {
    int file;

    if (place.code && place.data->back)
        return true;
    drop_place();
    file = memfd_create("instruction", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, GPUP_PAGE) != 0 || !map_place(file))
        drop_place();
    if (file >= 0)
        close(file);
    return place.code != NULL;
}

/* --- the code: the driver's stack pointer, the instruction, our stack pointer, and back */

struct writer {
    uint8_t bytes[SLOT];
    unsigned size, slot;
};

/* `opcode` with an operand in the data. */
static void with_data(struct writer *w, uint32_t opcode, unsigned bytes, size_t offset) {
    int32_t distance;

    memcpy(w->bytes + w->size, &opcode, sizeof opcode);
    w->size += bytes + 4;
    distance = (int32_t)offset - (int32_t)(GPUP_PAGE + w->slot * SLOT + w->size);
    memcpy(w->bytes + w->size - 4, &distance, 4);
}

static void instruction(struct writer *w, const struct gpup_mmio_code *code, size_t offset) {
    int32_t distance = (int32_t)offset - (int32_t)(GPUP_PAGE + w->slot * SLOT + w->size + code->size);

    memcpy(w->bytes + w->size, code->bytes, sizeof code->bytes);
    memcpy(w->bytes + w->size + code->operand_at, &distance, 4);
    w->size += code->size;
}

#define LOAD_SP 0x258B48 /* MOV RSP, [] */
#define STORE_SP 0x258948
#define JUMP_THROUGH 0x25FF

/* The same instruction keeps its slot: writing where the processor executes takes it a while. */
static const void *code_of(const struct gpup_mmio_code *code, uint64_t pc, size_t offset) {
    struct writer w = {.slot = (unsigned)(pc ^ pc >> 6 ^ offset) % SLOTS};

    with_data(&w, LOAD_SP, 3, offsetof(struct data, driver_sp));
    instruction(&w, code, offset);
    with_data(&w, STORE_SP, 3, offsetof(struct data, driver_sp));
    with_data(&w, LOAD_SP, 3, offsetof(struct data, own_sp));
    with_data(&w, JUMP_THROUGH, 2, offsetof(struct data, back));
    if (memcmp(place.writable + w.slot * SLOT, w.bytes, sizeof w.bytes) != 0)
        memcpy(place.writable + w.slot * SLOT, w.bytes, sizeof w.bytes);
    return place.code + w.slot * SLOT;
}

bool gpup_mmio_run(const struct gpup_mmio_code *code, struct gpup_frame *frame, struct gpup_uppers *uppers,
                   uint64_t address, uint8_t operand[GPUP_MMIO_WIDEST]) {
    size_t offset = address % 64;
    uint64_t number = frame->registers[code->number];
    const void *start;

    if (!have_place())
        return false;
    start = code_of(code, frame->pc, offset);
    memcpy(place.data->operand + offset, operand, GPUP_MMIO_WIDEST);
    place.data->driver_sp = frame->registers[GPUP_SP];
    place.data->pc = frame->pc;
    if (code->bits) /* the address is that of the bit's own operand already */
        frame->registers[code->number] &= 8u * code->width - 1;
    if (code->vex && !uppers->any)
        memset(uppers->bytes, 0, sizeof uppers->bytes);
    if (code->vex)
        gpup_uppers_load(uppers->bytes[0]);
    gpup_mmio_enter(frame, start, place.data, code->vectors);
    if (code->vex) {
        gpup_uppers_save(uppers->bytes[0]);
        uppers->any = true;
    }
    frame->registers[GPUP_SP] = place.data->driver_sp;
    if (code->bits)
        frame->registers[code->number] = number;
    memcpy(operand, place.data->operand + offset, GPUP_MMIO_WIDEST);
    return true;
}

void gpup_mmio_faulted(greg_t *registers) {
    if (place.code && (uintptr_t)registers[REG_RIP] - (uintptr_t)place.code < GPUP_PAGE)
        registers[REG_RIP] = (greg_t)place.data->pc;
}

/* --- upper halves */

#define LEGACY_BYTES                                                                                         \
    512u /* of the state as FXSAVE has it; the header of XSAVE's follows, then the halves                    \
          */
#define UPPERS_AT 576u
#define UPPERS 4u        /* its bit in the header */
#define MARK_AT 464u     /* in what FXSAVE leaves to the system */
#define MARK 0x46505853u /* the kernel's: there is more */

void gpup_uppers_take(const ucontext_t *context, struct gpup_uppers *uppers) {
    const uint8_t *state = (const uint8_t *)context->uc_mcontext.fpregs;
    uint32_t mark = 0;
    uint64_t present = 0;

    uppers->any = false;
    if (state)
        memcpy(&mark, state + MARK_AT, sizeof mark);
    if (mark == MARK)
        memcpy(&present, state + LEGACY_BYTES, sizeof present);
    if (present & UPPERS) {
        memcpy(uppers->bytes, state + UPPERS_AT, sizeof uppers->bytes);
        uppers->any = true;
    }
}

_Noreturn void gpup_uppers_continue(const struct gpup_frame *frame, const struct gpup_uppers *uppers) {
    if (uppers->any) /* the loads of the lower halves that follow leave them alone */
        gpup_uppers_load(uppers->bytes[0]);
    gpup_exception_continue(frame);
}
