/* The edges between an image's code and the suite's where exceptions pass: the entries of services that raise
 * them, the way from the signal handler to the fiber, calls of handlers, and the way back. */
#include "exception.h"

#define OFFSET_IS(member, offset)                                                                            \
    _Static_assert(offsetof(struct gpup_activation, member) == (offset), "as the code below has it")
OFFSET_IS(frame.registers, 16);
OFFSET_IS(frame.pc, 144);
OFFSET_IS(frame.mxcsr, 152);
OFFSET_IS(frame.flags, 156);
OFFSET_IS(frame.vectors, 160);
_Static_assert(sizeof(struct gpup_activation) == 432, "as the code below has it");

#define FUNCTION(name) ".globl " name "\n.hidden " name "\n.type " name ",@function\n" name ":\n"
#define END(name) ".size " name ", .-" name "\n"

/* RAX: the service. The frame, from RSP: 0x00 room for four arguments and 0x20 four more, 0x40 the service or
 * its result, 0x70 the activation, and above it what resuming right behind the call may write over. */
__asm__(".text\n" FUNCTION("gpup_raising_entry") //
        "  push %rbp\n  mov %rsp, %rbp\n  sub $0x260, %rsp\n"
        "  mov %rax, 0x40(%rsp)\n"
        "  mov %rcx, 0x88(%rsp)\n  mov %rdx, 0x90(%rsp)\n  mov %rbx, 0x98(%rsp)\n"
        "  lea 16(%rbp), %rax\n  mov %rax, 0xA0(%rsp)\n"
        "  mov (%rbp), %rax\n  mov %rax, 0xA8(%rsp)\n"
        "  mov %rsi, 0xB0(%rsp)\n  mov %rdi, 0xB8(%rsp)\n  mov %r8, 0xC0(%rsp)\n  mov %r9, 0xC8(%rsp)\n"
        "  mov %r10, 0xD0(%rsp)\n  mov %r11, 0xD8(%rsp)\n  mov %r12, 0xE0(%rsp)\n  mov %r13, 0xE8(%rsp)\n"
        "  mov %r14, 0xF0(%rsp)\n  mov %r15, 0xF8(%rsp)\n"
        "  mov 8(%rbp), %rax\n  mov %rax, 0x100(%rsp)\n"
        "  stmxcsr 0x108(%rsp)\n  movl $0x202, 0x10C(%rsp)\n"
        "  movaps %xmm0, 0x110(%rsp)\n  movaps %xmm1, 0x120(%rsp)\n  movaps %xmm2, 0x130(%rsp)\n"
        "  movaps %xmm3, 0x140(%rsp)\n  movaps %xmm4, 0x150(%rsp)\n  movaps %xmm5, 0x160(%rsp)\n"
        "  movaps %xmm6, 0x170(%rsp)\n  movaps %xmm7, 0x180(%rsp)\n  movaps %xmm8, 0x190(%rsp)\n"
        "  movaps %xmm9, 0x1A0(%rsp)\n  movaps %xmm10, 0x1B0(%rsp)\n  movaps %xmm11, 0x1C0(%rsp)\n"
        "  movaps %xmm12, 0x1D0(%rsp)\n  movaps %xmm13, 0x1E0(%rsp)\n  movaps %xmm14, 0x1F0(%rsp)\n"
        "  movaps %xmm15, 0x200(%rsp)\n"
        "  xor %eax, %eax\n  mov %rax, 0x80(%rsp)\n  mov %rax, 0x78(%rsp)\n" /* RAX; kind: in a service */
        "  lea 0x70(%rsp), %rcx\n  call gpup_activation_push\n"
        "  mov 0x30(%rbp), %rax\n  mov %rax, 0x20(%rsp)\n  mov 0x38(%rbp), %rax\n  mov %rax, 0x28(%rsp)\n"
        "  mov 0x40(%rbp), %rax\n  mov %rax, 0x30(%rsp)\n  mov 0x48(%rbp), %rax\n  mov %rax, 0x38(%rsp)\n"
        "  mov 0x88(%rsp), %rcx\n  mov 0x90(%rsp), %rdx\n  mov 0xC0(%rsp), %r8\n  mov 0xC8(%rsp), %r9\n"
        "  call *0x40(%rsp)\n"
        "  mov %rax, 0x40(%rsp)\n"
        "  lea 0x70(%rsp), %rcx\n  call gpup_activation_pop\n"
        "  mov 0x40(%rsp), %rax\n"
        "  leave\n  ret\n" END("gpup_raising_entry")

        /* RSP is below the frame of the fault, and aligned. */
        FUNCTION("gpup_exception_landing") //
        "  xor %ebp, %ebp\n  call gpup_exception_landed\n  ud2\n" END("gpup_exception_landing")

            FUNCTION("gpup_mmio_landing") //
        "  xor %ebp, %ebp\n  call gpup_mmio_landed\n  ud2\n" END("gpup_mmio_landing")

            FUNCTION("gpup_exception_call") //
        "  push %rbp\n  mov %rsp, %rbp\n  sub $0x20, %rsp\n"
        "  mov %rdi, %rax\n  mov %r8, %r9\n  mov %rcx, %r8\n  mov %rsi, %rcx\n"
        "  call *%rax\n"
        ".globl gpup_exception_called\n.hidden gpup_exception_called\ngpup_exception_called:\n"
        "  leave\n  ret\n" END("gpup_exception_call")

        /* RDI: the frame. Natively, 128 bytes below its stack pointer are its own. */
        FUNCTION("gpup_exception_continue") //
        "  movups 144(%rdi), %xmm0\n  movups 160(%rdi), %xmm1\n  movups 176(%rdi), %xmm2\n"
        "  movups 192(%rdi), %xmm3\n  movups 208(%rdi), %xmm4\n  movups 224(%rdi), %xmm5\n"
        "  movups 240(%rdi), %xmm6\n  movups 256(%rdi), %xmm7\n  movups 272(%rdi), %xmm8\n"
        "  movups 288(%rdi), %xmm9\n  movups 304(%rdi), %xmm10\n  movups 320(%rdi), %xmm11\n"
        "  movups 336(%rdi), %xmm12\n  movups 352(%rdi), %xmm13\n  movups 368(%rdi), %xmm14\n"
        "  movups 384(%rdi), %xmm15\n  ldmxcsr 136(%rdi)\n"
        "  mov 32(%rdi), %rax\n"
        "  mov 128(%rdi), %rcx\n  mov %rcx, -136(%rax)\n"
        "  mov 140(%rdi), %ecx\n  mov %rcx, -144(%rax)\n"
        "  mov 56(%rdi), %rcx\n  mov %rcx, -152(%rax)\n"
        "  mov 0(%rdi), %rcx\n  mov %rcx, -160(%rax)\n"
        "  mov 8(%rdi), %rcx\n  mov 16(%rdi), %rdx\n  mov 24(%rdi), %rbx\n  mov 40(%rdi), %rbp\n"
        "  mov 48(%rdi), %rsi\n  mov 64(%rdi), %r8\n  mov 72(%rdi), %r9\n  mov 80(%rdi), %r10\n"
        "  mov 88(%rdi), %r11\n  mov 96(%rdi), %r12\n  mov 104(%rdi), %r13\n  mov 112(%rdi), %r14\n"
        "  mov 120(%rdi), %r15\n"
        "  lea -160(%rax), %rsp\n  pop %rax\n  pop %rdi\n  popfq\n  ret $128\n" END("gpup_exception_continue")

            FUNCTION("gpup_exception_leave") //
        "  mov %rdi, %rsp\n  jmp gpup_fiber_landing\n" END("gpup_exception_leave"));

/* NOLINTBEGIN(bugprone-macro-parentheses): names */
#define RAISES(name, function)                                                                               \
    __asm__(                                                                                                 \
        ".text\n" FUNCTION("gpup_raising_" #name) "  mov " #function "@GOTPCREL(%rip), %rax\n"               \
                                                  "  jmp gpup_raising_entry\n" END("gpup_raising_" #name));
#include "raising.def"
/* NOLINTEND(bugprone-macro-parentheses) */
__asm__(".section .note.GNU-stack,\"\",@progbits\n.text\n");

void DDI_CALL gpup_activation_push(struct gpup_activation *activation) {
    struct gpup_os *os = gpup_os_current();
    bool inside = os && os->machine->running;

    activation->next = inside ? os->machine->running->activations : NULL;
    if (inside)
        os->machine->running->activations = activation;
}

void DDI_CALL gpup_activation_pop(struct gpup_activation *activation) {
    struct gpup_os *os = gpup_os_current();

    if (os && os->machine->running && os->machine->running->activations == activation)
        os->machine->running->activations = activation->next;
}
