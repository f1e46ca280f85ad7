/* A driver that reaches for registers by its own instructions, as the WDK's inline functions do. */
#include <ddi/wdm.h>

#define DEVICE 0x40000000
UINT64 in_order(UCHAR *room);
UINT64 as_in_memory(UCHAR *room);
UINT64 beyond_it(UCHAR *room);
UINT64 unknown(UCHAR *room);
UINT64 misaligned(UCHAR *room);
UINT64 over_the_end(UCHAR *room);
UINT64 over_the_end_wide(UCHAR *room);
UINT64 divided_by_it(UCHAR *room);
UINT64 divided_in_a_try(UCHAR *room);
UINT64 across_pages(UCHAR *room);

static UCHAR *map_bytes(SIZE_T size) {
    PHYSICAL_ADDRESS where = {.QuadPart = DEVICE};
    return MmMapIoSpace(where, size, MmNonCached);
}

static UCHAR *map(void) {
    PHYSICAL_ADDRESS where = {.QuadPart = DEVICE};
    return MmMapIoSpace(where, PAGE_SIZE, MmNonCached);
}

/* The test has the list of what the device must see. */
UINT64 in_order(UCHAR *room) {
    UCHAR *base = map();
    volatile ULONG *r = (volatile ULONG *)(PVOID)base;
    for (ULONG i = 0; i < 17; i++)
        room[i] = (UCHAR)(i + 1);
    r[4] = 0x11223344;
    *(volatile UCHAR *)(base + 3) = 0x55;
    *(volatile USHORT *)(base + 6) = 0x6677;
    *(volatile ULONG64 *)(PVOID)(base + 8) = 0x8899AABBCCDDEEFF;
    r[5] = r[4] + 1;
    r[4] |= 0x80000000;
    PVOID at = base + 32;
    ULONG64 count = 3;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(7) : "memory");
    memcpy(base + 48, room, 17);
    memset(base + 80, 9, 2);
    MmUnmapIoSpace(base, PAGE_SIZE);
    return 0;
}

/* --- every instruction does to registers what it does to memory */

struct processor {
    UINT64 rax, rbx, r11, flags;
    UINT64 xmm1[2];
};
typedef VOID attempt(PVOID memory, struct processor *p);

/* From the memory to 16 bytes behind; what is left of the counter to RBX. */
#define STRINGS(text)                                                                                        \
    "pushq %rdi\n pushq %rsi\n movq %rcx, %rsi\n leaq 16(%rcx), %rdi\n movl $5, %ecx\n " text                \
    "\n movq %rcx, %rbx\n movq %rsi, %r11\n subq %rdi, %r11\n popq %rsi\n popq %rdi"

/* clang-format off: one on each line */
#define INSTRUCTIONS                                                                                         \
    T(1, "movb %al, (%rcx)")                                                                                 \
    T(2, "movw %ax, 2(%rcx)")                                                                                \
    T(3, "movl %eax, 4(%rcx)")                                                                               \
    T(4, "movq %rax, (%rcx)")                                                                                \
    T(5, "movb %ah, 1(%rcx)")                                                                                \
    T(6, "movb %r11b, 5(%rcx)")                                                                              \
    T(7, "movq %r11, 8(%rcx)")                                                                               \
    T(8, "movb $0x85, (%rcx)")                                                                               \
    T(9, "movw $0x8586, (%rcx)")                                                                             \
    T(10, "movl $0x85868788, 0x4(%rcx)")                                                                     \
    T(11, "movq $-5, 8(%rcx)")                                                                               \
    T(12, "movb (%rcx), %al")                                                                                \
    T(13, "movb 3(%rcx), %ah")                                                                               \
    T(14, "movb 3(%rcx), %r11b")                                                                             \
    T(15, "movw 2(%rcx), %bx")                                                                               \
    T(16, "movl 4(%rcx), %eax")                                                                              \
    T(17, "movq 8(%rcx), %r11")                                                                              \
    T(18, "movzbl 7(%rcx), %eax")                                                                            \
    T(19, "movzwl 6(%rcx), %ebx")                                                                            \
    T(20, "movsbl 7(%rcx), %eax")                                                                            \
    T(21, "movsbq 7(%rcx), %r11")                                                                            \
    T(22, "movswq 6(%rcx), %rax")                                                                            \
    T(23, "movslq 4(%rcx), %rax")                                                                            \
    T(24, "movsbw 7(%rcx), %ax")                                                                             \
    T(25, "addl %eax, (%rcx)")                                                                               \
    T(26, "addl (%rcx), %eax")                                                                               \
    T(27, "orb %al, 1(%rcx)")                                                                                \
    T(28, "orq (%rcx), %rbx")                                                                                \
    T(29, "adcl %eax, (%rcx)")                                                                               \
    T(30, "sbbw %ax, (%rcx)")                                                                                \
    T(31, "andl $0xF0F0, 4(%rcx)")                                                                           \
    T(32, "subq %rbx, 8(%rcx)")                                                                              \
    T(33, "xorb $-1, 2(%rcx)")                                                                               \
    T(34, "cmpl $3, (%rcx)")                                                                                 \
    T(35, "cmpl %eax, (%rcx)")                                                                               \
    T(36, "cmpb 2(%rcx), %al")                                                                               \
    T(37, "addw $-3, 2(%rcx)")                                                                               \
    T(38, "addb $0x70, 3(%rcx)")                                                                             \
    T(39, "subl $1, (%rcx)")                                                                                 \
    T(40, "testb $0x80, 7(%rcx)")                                                                            \
    T(41, "testl %eax, (%rcx)")                                                                              \
    T(42, "testl $0x100, 4(%rcx)")                                                                           \
    T(43, "notl (%rcx)")                                                                                     \
    T(44, "incl (%rcx)")                                                                                     \
    T(45, "decw 2(%rcx)")                                                                                    \
    T(46, "incb 3(%rcx)")                                                                                    \
    T(47, "xchgl %eax, (%rcx)")                                                                              \
    T(48, "movups %xmm1, (%rcx)")                                                                            \
    T(49, "movaps %xmm1, 16(%rcx)")                                                                          \
    T(50, "movups (%rcx), %xmm1")                                                                            \
    T(51, "movdqa 16(%rcx), %xmm1")                                                                          \
    T(52, "movdqu %xmm1, 3(%rcx)")                                                                           \
    T(53, "movq %xmm1, 8(%rcx)")                                                                             \
    T(54, "movq 8(%rcx), %xmm1")                                                                             \
    T(55, "movd %xmm1, (%rcx)")                                                                              \
    T(56, "movd (%rcx), %xmm1")                                                                              \
    T(57, "movss 4(%rcx), %xmm1")                                                                            \
    T(58, "movsd %xmm1, 8(%rcx)")                                                                            \
    T(59, "movnti %eax, (%rcx)")                                                                             \
    T(60, "movl %eax, 4(%rcx,%rbx,4)")                                                                       \
    T(61, "movl 0(,%rcx,1), %eax")                                                                           \
    T(62, "lock orl %eax, (%rcx)")                                                                           \
    T(63, "adcq $0x7f, (%rcx)")                                                                              \
    T(64, "sbbl (%rcx), %eax")                                                                               \
    T(65, "pushq %rdi\n movq %rcx, %rdi\n movl $5, "                                                         \
          "%ecx\n rep stosw\n popq %rdi")                                                                    \
    T(66, "pushq %rdi\n pushq %rsi\n movq %rcx, "                                                            \
          "%rsi\n leaq 16(%rcx), %rdi\n movl $2, "                                                           \
          "%ecx\n rep movsq\n"                                                                               \
          "popq %rsi\n popq %rdi")                                                                           \
    T(68, "{disp32} movl %eax, 4(%rcx)")                                                                     \
    T(69, "{disp32} movl 4(%rcx,%rbx,4), %eax")                                                              \
    T(67, "pushq %rdi\n leaq 9(%rcx), %rdi\n "                                                               \
          "std\n stosb\n cld\n popq %rdi")                                                                   \
    T(70, "pushq %rsi\n movq %rcx, %rsi\n movl $3, %ecx\n rep lodsw\n movq %rcx, %rbx\n popq %rsi")          \
    T(71, "pushq %rsi\n leaq 9(%rcx), %rsi\n lodsl\n popq %rsi")                                             \
    T(72, STRINGS("repe cmpsb"))                                                                             \
    T(73, STRINGS("repne cmpsw"))                                                                            \
    T(74, STRINGS("cmpsq"))                                                                                  \
    T(75, STRINGS("repne scasb"))                                                                            \
    T(76, STRINGS("repe scasl"))                                                                             \
    T(77, STRINGS("rep movsw"))                                                                              \
    T(78, "pushq 8(%rcx)\n popq %rax")                                                                       \
    T(79, "pushq %rax\n popq 16(%rcx)")                                                                      \
    T(80, "leaq 1f(%rip), %rbx\n movq %rbx, (%rcx)\n jmpq *(%rcx)\n int3\n 1:")                              \
    T(81, "leaq 2f(%rip), %rbx\n movq %rbx, 8(%rcx)\n callq *8(%rcx)\n jmp 3f\n 2: movl $7, %eax\n "         \
          "ret\n 3:")
/* clang-format on */

#define T(number, text)                                                                                      \
    attempt attempt_##number;                                                                                \
    __asm__(".globl attempt_" #number "\nattempt_" #number ":\n pushq %rbx\n movq %rdx, %r10\n"              \
            "movq (%r10), %rax\n movq 8(%r10), %rbx\n movq 16(%r10), %r11\n movups 32(%r10), %xmm1\n"        \
            "pushq 24(%r10)\n popfq\n" text "\n pushfq\n popq 24(%r10)\n"                                    \
            "movq %rax, (%r10)\n movq %rbx, 8(%r10)\n movq %r11, 16(%r10)\n movups %xmm1, 32(%r10)\n"        \
            "popq %rbx\n ret\n");
INSTRUCTIONS
#undef T

static attempt *const attempts[] = {
#define T(number, text) attempt_##number,
    INSTRUCTIONS
#undef T
};

#define BYTES 32
#define DEFINED 0x8C5 /* of the flags; AF is undefined after some */

static int differ(const PVOID one, const PVOID other, SIZE_T size) {
    return RtlCompareMemory(one, other, size) != size;
}

/* 0, or the number of an instruction that did something else. room: aligned memory. */
UINT64 as_in_memory(UCHAR *room) {
    static const UCHAR patterns[] = {0x01, 0x80, 0x7F, 0xFF};
    UCHAR *base = map();
    for (ULONG i = 0; i < sizeof attempts / sizeof *attempts; i++)
        for (ULONG k = 0; k < 8; k++) {
            struct processor p = {0x8123456789ABCD7Fu + k,
                                  1 + (k & 1),
                                  0xFEDCBA9876543210u,
                                  0x202 | (k & 1),
                                  {0x1111222233334444, 0x5555666677778888}};
            struct processor q = p;
            for (ULONG n = 0; n < BYTES; n++) {
                room[n] = (UCHAR)(patterns[k & 3] * (k & 4 ? n + 1 : 1));
                WRITE_REGISTER_UCHAR(base + n, room[n]);
            }
            attempts[i](room, &p);
            attempts[i](base, &q);
            for (ULONG n = 0; n < BYTES; n++)
                if (READ_REGISTER_UCHAR(base + n) != room[n])
                    return i + 1;
            p.flags &= DEFINED;
            q.flags &= DEFINED;
            if (differ(&p, &q, sizeof p))
                return i + 1;
        }
    MmUnmapIoSpace(base, PAGE_SIZE);
    return 0;
}

UINT64 beyond_it(UCHAR *room) { /* of the mapping: a fault as before */
    UCHAR *base = map();
    (void)room;
    *(volatile ULONG *)(PVOID)(base + PAGE_SIZE) = 1;
    return 0;
}

UINT64 unknown(UCHAR *room) { /* which no compiler uses for registers */
    UCHAR *base = map();
    (void)room;
    __asm__ volatile("fildl (%0)" : : "r"(base));
    return 0;
}

UINT64 misaligned(UCHAR *room) { /* a general protection fault of the processor */
    UCHAR *base = map();
    (void)room;
    __asm__ volatile("movaps %%xmm0, 4(%0)" : : "r"(base) : "memory");
    return 0;
}

UINT64 over_the_end(UCHAR *room) { /* of the mapping, which begins inside of it */
    UCHAR *base = map_bytes(16);
    (void)room;
    *(volatile ULONG64 *)(PVOID)(base + 12) = 1;
    return 0;
}

UINT64 over_the_end_wide(UCHAR *room) {
    UCHAR *base = map_bytes(24);
    (void)room;
    __asm__ volatile("movups %%xmm0, 8(%0)" : : "r"(base + 4) : "memory");
    return 0;
}

static __attribute__((noinline)) UINT64 divide(const UCHAR *base) {
    UINT64 low = 5, high = 0;
    __asm__ volatile("divl (%2)" : "+a"(low), "+d"(high) : "r"(base) : "cc");
    return low;
}

UINT64 divided_by_it(UCHAR *room) { /* there is a 0 */
    UCHAR *base = map();
    (void)room;
    WRITE_REGISTER_ULONG((volatile ULONG *)(PVOID)base, 0);
    return divide(base);
}

UINT64 divided_in_a_try(UCHAR *room) {
    volatile UINT64 result = 0;
    (void)room;
    __try {
        result = divided_by_it(room);
    } __except ((ULONG)GetExceptionCode() == (ULONG)STATUS_INTEGER_DIVIDE_BY_ZERO) {
        result = 7;
    }
    return result;
}

/* A device sees such an access as the processor made it; wide ones come in parts. */
UINT64 across_pages(UCHAR *room) {
    UCHAR *base = map_bytes(2 * PAGE_SIZE);
    (void)room;
    *(volatile ULONG *)(PVOID)(base + PAGE_SIZE - 2) = 0x11223344;
    __asm__ volatile("movups (%0), %%xmm1\n movups %%xmm1, 3(%0)"
                     :
                     : "r"(base + PAGE_SIZE - 8)
                     : "memory", "xmm1");
    MmUnmapIoSpace(base, (SIZE_T)2 * PAGE_SIZE);
    return 0;
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    (void)driver;
    (void)path;
    return STATUS_SUCCESS;
}
