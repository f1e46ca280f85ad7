/* Exceptions and frames: what is kept of the registers, scopes as Microsoft's compiler makes them, frames by
 * hand. */
#include "seh.h"

/* --- registers */

/* Spoils what it must preserve, having saved it as its table says, and faults. */
void spoil(UINT64 *p);
__asm__(".globl spoil\n.seh_proc spoil\nspoil:\n"
        "\tpushq %rbx\n\t.seh_pushreg %rbx\n\tpushq %rsi\n\t.seh_pushreg %rsi\n\tpushq %r15\n\t.seh_pushreg "
        "%r15\n"
        "\tsubq $0x40, %rsp\n\t.seh_stackalloc 0x40\n"
        "\tmovq %rdi, 0x30(%rsp)\n\t.seh_savereg %rdi, 0x30\n"
        "\tmovaps %xmm6, 0x10(%rsp)\n\t.seh_savexmm %xmm6, 0x10\n"
        "\tmovaps %xmm15, 0x20(%rsp)\n\t.seh_savexmm %xmm15, 0x20\n"
        "\t.seh_endprologue\n"
        "\txorl %ebx, %ebx\n\txorl %esi, %esi\n\txorl %edi, %edi\n\txorl %r15d, %r15d\n"
        "\txorps %xmm6, %xmm6\n\txorps %xmm15, %xmm15\n"
        "\tmovq $1, (%rcx)\n\tud2\n.seh_endproc\n");

UINT64 protect(UINT64 *p);
UINT64 protect(UINT64 *p) {
    __try {
        spoil(p);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return 1000000;
    }
    return 0;
}

/* Sums up what it has in such registers around the call. */
UINT64 keep(UINT64 *p);
__asm__(".globl keep\n.seh_proc keep\nkeep:\n"
        "\tpushq %rbx\n\t.seh_pushreg %rbx\n\tpushq %rsi\n\t.seh_pushreg %rsi\n\tpushq %rdi\n\t.seh_pushreg "
        "%rdi\n"
        "\tpushq %r15\n\t.seh_pushreg %r15\n\tsubq $0x28, %rsp\n\t.seh_stackalloc 0x28\n\t.seh_endprologue\n"
        "\tmovl $1, %ebx\n\tmovl $20, %esi\n\tmovl $300, %edi\n\tmovl $4000, %r15d\n"
        "\tmovl $50000, %eax\n\tmovq %rax, %xmm6\n\tmovl $600000, %eax\n\tmovq %rax, %xmm15\n"
        "\tcall protect\n"
        "\taddq %rbx, %rax\n\taddq %rsi, %rax\n\taddq %rdi, %rax\n\taddq %r15, %rax\n"
        "\tmovq %xmm6, %rcx\n\taddq %rcx, %rax\n\tmovq %xmm15, %rcx\n\taddq %rcx, %rax\n"
        "\taddq $0x28, %rsp\n\tpopq %r15\n\tpopq %rdi\n\tpopq %rsi\n\tpopq %rbx\n\tret\n.seh_endproc\n");

EXPORT(registers_are_kept) {
    room[0] = keep((UINT64 *)zero);
    MUST(room[0] == 1000000 + 654321);
    return 0;
}

/* What a compiler with scopes around single instructions makes, as Microsoft's does: the fault is in the
 * function of the
 * __try itself. Gives the code, in a register that was kept. */
UINT64 fault_here(UINT64 *p);
__asm__(".globl fault_here\n.seh_proc fault_here\nfault_here:\n"
        "\tpushq %rbx\n\t.seh_pushreg %rbx\n\tsubq $0x20, %rsp\n\t.seh_stackalloc 0x20\n\t.seh_endprologue\n"
        "\tmovl $5, %ebx\n"
        "fault_begin:\n\tmovq (%rcx), %rax\n\tnop\nfault_end:\n"
        "fault_out:\n\taddq %rbx, %rax\n\taddq $0x20, %rsp\n\tpopq %rbx\n\tret\n"
        "\t.seh_handler __C_specific_handler, @unwind, @except\n\t.seh_handlerdata\n"
        "\t.long 1\n\t.long fault_begin@IMGREL, fault_end@IMGREL, 1, fault_out@IMGREL\n"
        "\t.text\n.seh_endproc\n");

EXPORT(in_the_function_itself) {
    room[9] = 37;
    MUST(fault_here(room + 9) == 42);
    MUST(fault_here((UINT64 *)zero) == (ULONG)STATUS_ACCESS_VIOLATION + (UINT64)5);
    return 0;
}

/* --- frames by hand */

static APART ULONG walk(UINT64 *room) {
    CONTEXT context;
    UINT64 base, establisher;
    PVOID data;
    ULONG frames = 0;
    RtlCaptureContext(&context);
    for (; frames < 8; frames++) {
        PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(context.Rip, &base, NULL);
        if (!entry)
            break;
        if (context.Rip - base < entry->BeginAddress || context.Rip - base >= entry->EndAddress)
            return 100;
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context.Rip, entry, &context, &data, &establisher, NULL);
    }
    room[0] = context.Rip != 0;
    return frames;
}

EXPORT(frames_are_found) {
    MUST(walk(room) == 2 && room[0]);
    return 0;
}

/* To its own frame: what is around the place that it goes on at stays. */
static APART void unwind_to(CONTEXT *context) {
    UINT64 base, establisher;
    PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(context->Rip, &base, NULL);
    PVOID data;
    CONTEXT above = *context;
    RtlVirtualUnwind(0, base, context->Rip, entry, &above, &data, &establisher, NULL);
    RtlUnwindEx((PVOID)establisher, (PVOID)context->Rip, NULL, NULL, &above, NULL);
}

EXPORT(unwound_by_hand) {
    static volatile int count;
    CONTEXT context;
    (void)room;
    forget();
    count = 0;
    RtlCaptureContext(&context);
    if (!count++) {
        __try {
            unwind_to(&context);
            (void)zero;
        } __finally {
            note(AbnormalTermination() ? 'a' : 'n');
        }
    }
    MUST(count == 2 && same("a"));
    return 0;
}

/* A jump from an inner scope into the outer one, as Microsoft's compiler makes it: only the inner one is
 * left. */
VOID DDI_CALL of_inner(BOOLEAN abnormal, PVOID frame);
VOID DDI_CALL of_inner(BOOLEAN abnormal, PVOID frame) {
    note(abnormal && frame ? 'i' : '-');
}
VOID DDI_CALL of_outer(BOOLEAN abnormal, PVOID frame);
VOID DDI_CALL of_outer(BOOLEAN abnormal, PVOID frame) {
    note(abnormal && frame ? 'o' : '-');
}

UINT64 jump(void);
__asm__(".globl jump\n.seh_proc jump\njump:\n\tsubq $0x28, %rsp\n\t.seh_stackalloc 0x28\n\t.seh_endprologue\n"
        "jump_outer:\n\tnop\n"
        "jump_inner:\n\tmovq %rsp, %rcx\n\tleaq jump_to(%rip), %rdx\n\tcall _local_unwind\n\tnop\n"
        "jump_inner_end:\n\tud2\n"
        "jump_to:\n\tmovl $5, %eax\n"
        "jump_outer_end:\n\taddq $0x28, %rsp\n\tret\n"
        "\t.seh_handler __C_specific_handler, @unwind, @except\n\t.seh_handlerdata\n\t.long 2\n"
        "\t.long jump_inner@IMGREL, jump_inner_end@IMGREL, of_inner@IMGREL, 0\n"
        "\t.long jump_outer@IMGREL, jump_outer_end@IMGREL, of_outer@IMGREL, 0\n"
        "\t.text\n.seh_endproc\n");

EXPORT(a_jump) {
    (void)room;
    forget();
    MUST(jump() == 5 && same("i"));
    return 0;
}
