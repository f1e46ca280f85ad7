/* Code whose blocks are found: by calls, pointers, and jump tables as clang and Microsoft's compiler write
 * them; and bytes that look like code and are not. */
#include <stdint.h>

__declspec(dllimport) void KeBugCheckEx(uint32_t code, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

uint64_t DriverEntry(void *driver, void *path);
uint64_t choose(uint64_t *which);
uint64_t pointed(uint64_t *which);
uint64_t offsets(uint64_t *which);
uint64_t bytes(uint64_t *which);
uint64_t ends(uint64_t *which);
uint64_t own_breakpoint(uint64_t *which);
uint64_t leaf(uint64_t value);
uint64_t by_offset(uint64_t index);
uint64_t by_byte(uint64_t index);
uint64_t stop(uint64_t value);
extern const char decoy[], decoy_push[];
uint64_t by_more(uint64_t index);
uint64_t by_far(uint64_t index);
uint64_t more(uint64_t *which);
void sink(int);

volatile int steps;

__attribute__((noinline)) void sink(int n) {
    steps += n;
}

/* clang's own table, of offsets from itself. */
uint64_t choose(uint64_t *which) {
    switch (*which) {
    case 0:
        sink(3);
        return 100;
    case 1:
        sink(1);
        sink(2);
        return 101;
    case 2:
        steps = 7;
        return 102;
    case 3:
        sink(steps);
        break;
    case 4:
        sink(4);
        sink(steps);
        return 104;
    case 5:
        steps *= 3;
        sink(9);
        return 105;
    default:
        sink(-1);
        return 199;
    }
    return 103;
}

/* A leaf function that only a pointer leads to, and a pointer to text that stands among the code. */
static uint64_t (*volatile function)(uint64_t) = leaf;
static const char *const volatile text = decoy;
static const char *const volatile pushes = decoy_push;

uint64_t pointed(uint64_t *which) {
    return *which >= 1000 ? (uint64_t)(*which == 1000 ? text : pushes)[0] : function(*which);
}

uint64_t offsets(uint64_t *which) {
    return by_offset(*which);
}

uint64_t bytes(uint64_t *which) {
    return by_byte(*which);
}

uint64_t more(uint64_t *which) {
    return by_more(*which & 1) * 1000 + by_far(2);
}

uint64_t ends(uint64_t *which) {
    return *which ? *which + 1 : stop(*which);
}

uint64_t own_breakpoint(uint64_t *which) {
    if (*which)
        __asm__ volatile("int3");
    sink(1);
    return 5;
}

uint64_t DriverEntry(void *driver, void *path) {
    (void)driver;
    (void)path;
    return 0;
}

__asm__(
    "    .section .text,\"xr\"\n"
    "    .globl leaf, by_offset, by_byte, by_more, by_far, stop, decoy, decoy_end, decoy_table, decoy_push\n"
    "    .p2align 4\n"
    "leaf:\n" /* no unwind data */
    "    leaq 5(%rcx), %rax\n"
    "    cmpq $9, %rcx\n"
    "    ja 1f\n"
    "    addq $90, %rax\n"
    "1:  ret\n"
    "    .p2align 4, 0xCC\n"
    /* Microsoft's: the table is behind the function and holds addresses in the image. */
    "by_offset:\n"
    "    .seh_proc by_offset\n"
    "    .seh_endprologue\n"
    "    cmpl $2, %ecx\n"
    "    ja 9f\n"
    "    movslq %ecx, %rax\n"
    "    leaq __ImageBase(%rip), %rdx\n"
    "    movl table@IMGREL(%rdx,%rax,4), %ecx\n"
    "    addq %rdx, %rcx\n"
    "    jmpq *%rcx\n"
    "first: movl $200, %eax\n"
    "    ret\n"
    "second: movl $201, %eax\n"
    "    ret\n"
    "third: movl $202, %eax\n"
    "    ret\n"
    "9:  movl $299, %eax\n"
    "    ret\n"
    "    .seh_endproc\n"
    "decoy_table:\n" /* what is not code begins */
    "table: .long first@IMGREL, second@IMGREL, third@IMGREL\n"
    /* With a table of bytes in front: five values, two places. */
    "    .p2align 4, 0xCC\n"
    "by_byte:\n"
    "    .seh_proc by_byte\n"
    "    .seh_endprologue\n"
    "    cmpl $4, %ecx\n"
    "    ja 8f\n"
    "    movslq %ecx, %rax\n"
    "    leaq __ImageBase(%rip), %rdx\n"
    "    movzbl index@IMGREL(%rdx,%rax), %eax\n"
    "    movl places@IMGREL(%rdx,%rax,4), %ecx\n"
    "    addq %rdx, %rcx\n"
    "    jmpq *%rcx\n"
    "even: movl $300, %eax\n"
    "    ret\n"
    "odd: movl $301, %eax\n"
    "    ret\n"
    "8:  movl $399, %eax\n"
    "    ret\n"
    "    .seh_endproc\n"
    "places: .long even@IMGREL, odd@IMGREL\n"
    "index: .byte 0, 1, 0, 1, 0\n"
    "    .p2align 4, 0xCC\n"
    /* The code allows more entries than the table has: other words stand behind it. */
    "    .p2align 4, 0xCC\n"
    "by_more:\n"
    "    .seh_proc by_more\n"
    "    .seh_endprologue\n"
    "    cmpl $3, %ecx\n"
    "    ja 7f\n"
    "    movslq %ecx, %rax\n"
    "    leaq two(%rip), %rdx\n"
    "    movslq (%rdx,%rax,4), %rax\n"
    "    addq %rdx, %rax\n"
    "    jmpq *%rax\n"
    "one_of_two: movl $400, %eax\n"
    "    ret\n"
    "other_of_two: movl $401, %eax\n"
    "    ret\n"
    "7:  movl words(%rip), %eax\n"
    "    ret\n"
    "    .seh_endproc\n"
    "two: .long one_of_two - two, other_of_two - two\n"
    "words: .long one_of_two - two + 1, other_of_two - two + 2\n"
    /* One entry leads out of the function, to bytes that would decode: the table is none. */
    "    .p2align 4, 0xCC\n"
    "decoy_push: .byte 0x50, 0x48, 0x89, 0xD8, 0xC3\n" /* pushes and returns, which no leaf function does */
    "    .p2align 4, 0xCC\n"
    "by_far:\n"
    "    .seh_proc by_far\n"
    "    .seh_endprologue\n"
    "    cmpl $1, %ecx\n"
    "    ja 6f\n"
    "    movslq %ecx, %rax\n"
    "    leaq far(%rip), %rdx\n"
    "    movslq (%rdx,%rax,4), %rax\n"
    "    addq %rdx, %rax\n"
    "    jmpq *%rax\n"
    "near: movl $500, %eax\n"
    "    ret\n"
    "6:  movl $599, %eax\n"
    "    ret\n"
    "    .seh_endproc\n"
    "far: .long near - far, decoy_push - far\n"
    "    .p2align 4, 0xCC\n"
    /* Does not return: what stands behind the call is no code, though it would decode. */
    "stop:\n"
    "    .seh_proc stop\n"
    "    subq $56, %rsp\n"
    "    .seh_stackalloc 56\n"
    "    .seh_endprologue\n"
    "    movl $0xE2, %ecx\n"
    "    callq gone\n"
    "decoy: .ascii \"t\\001u\\002 as data\\000\"\n"
    "    testl %eax, %eax\n"
    "    je decoy_end\n"
    "    ret\n"
    "    .seh_endproc\n"
    "decoy_end:\n"
    "    .p2align 4, 0xCC\n"
    "gone:\n"
    "    .seh_proc gone\n"
    "    subq $56, %rsp\n"
    "    .seh_stackalloc 56\n"
    "    .seh_endprologue\n"
    "    callq *__imp_KeBugCheckEx(%rip)\n"
    "    .byte 0x74, 0x00\n"
    "    .seh_endproc\n"
    "    .text\n");
