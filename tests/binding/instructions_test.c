/*
 * Every instruction that the suite carries out at registers does there what it does to memory.
 *
 * The table of opcodes is held against Zydis, opcode by opcode: length, width, whether it reads and writes.
 * Then instructions are made by chance, one after the other, from a seed: each is executed on ordinary memory
 * by the processor alone, and on a device's registers by way of the fault. All registers, flags, memory and
 * what the device saw must agree. GPUP_TEST_INSTRUCTIONS: how many, GPUP_TEST_SEED: of which seed.
 */
#include "../os/support.h"
#include "mmio.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <Zydis/Zydis.h>

#define DEVICE 0x40000000
#define SP 4u

/* --- what Zydis says */

static ZydisDecoder decoder;
struct known {
    ZydisDecodedInstruction i;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const ZydisDecodedOperand *memory; /* the first in memory; NULL: none that is accessed */
    unsigned memories, width, access;
    bool stack_pointer; /* used as a value */
};

static void look_at_operand(struct known *k, const ZydisDecodedOperand *o) {
    if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.type == ZYDIS_MEMOP_TYPE_MEM) {
        k->memories++;
        if (!k->memory) {
            k->memory = o;
            k->width = o->size / 8;
            k->access = (o->actions & ZYDIS_OPERAND_ACTION_MASK_READ ? GPUP_MMIO_READS : 0) |
                        (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ? GPUP_MMIO_WRITES : 0);
        }
    }
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
        ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, o->reg.value) == ZYDIS_REGISTER_RSP)
        k->stack_pointer = true;
}

static bool know(const uint8_t *bytes, struct known *k) {
    memset(k, 0, sizeof *k);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, 15, &k->i, k->operands)))
        return false;
    for (unsigned i = 0; i < k->i.operand_count; i++)
        look_at_operand(k, &k->operands[i]);
    return true;
}

/* --- the table */

/* The last bytes before a page without access. */
static uint8_t *edge;

static void find_an_edge(void) {
    uint8_t *pages =
        mmap(NULL, (size_t)2 * GPUP_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    edge = pages + GPUP_PAGE;
    mprotect(edge, GPUP_PAGE, PROT_NONE);
}

static unsigned agreed, refused;
static uint8_t missing[ZYDIS_MNEMONIC_MAX_VALUE + 1], played[ZYDIS_MNEMONIC_MAX_VALUE + 1];

static void hold_against(const uint8_t *bytes) {
    struct known k;
    struct gpup_mmio_code code;

    if (!know(bytes, &k) || !k.memory)
        return; /* the processor would not have come to the operand */
    memcpy(edge - k.i.length, bytes, k.i.length);
    bool ours = gpup_mmio_decode(edge - k.i.length, &code);
    if (!ours) {
        refused++;
        missing[k.i.mnemonic] = 1;
        return;
    }
    played[k.i.mnemonic] = 1;
    agreed++;
    bool simple = code.kind == GPUP_MMIO_OPERAND;
    if (code.length != k.i.length || code.width != k.width || (simple && code.access != k.access))
        fail_msg("%s, %02x %02x %02x %02x %02x: length %u, width %u, access %u expected, found %u, %u, %u",
                 ZydisMnemonicGetString(k.i.mnemonic), bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                 k.i.length, k.width, k.access, code.length, code.width, code.access);
}

/* All opcodes of one map behind what comes before them, with every middle of the byte behind. */
static void all_opcodes(const uint8_t *before, unsigned size) {
    static const uint8_t operands[] = {0x00, 0x46, 0x84, 0x05, 0x04};
    uint8_t bytes[32];

    for (unsigned opcode = 0; opcode < 256; opcode++)
        for (unsigned group = 0; group < 8; group++)
            for (unsigned i = 0; i < sizeof operands; i++) {
                memset(bytes, 0x11, sizeof bytes);
                memcpy(bytes, before, size);
                bytes[size] = (uint8_t)opcode;
                bytes[size + 1] = (uint8_t)(operands[i] | group << 3);
                hold_against(bytes);
            }
}

static const uint8_t prefixes[] = {0, 0x66, 0xF3, 0xF2};
static const uint8_t maps[][3] = {{0}, {1, 0x0F}, {2, 0x0F, 0x38}, {2, 0x0F, 0x3A}};

static void legacy_opcodes(uint8_t prefix, uint8_t rex, const uint8_t *map) {
    uint8_t before[5];
    unsigned size = 0;

    if (prefix)
        before[size++] = prefix;
    if (rex)
        before[size++] = rex;
    memcpy(before + size, map + 1, map[0]);
    all_opcodes(before, size + map[0]);
}

static void the_table_is_the_processors(void **state) {
    (void)state;
    find_an_edge();
    for (unsigned map = 0; map < 4; map++)
        for (unsigned prefix = 0; prefix < 4; prefix++) {
            legacy_opcodes(prefixes[prefix], 0, maps[map]);
            legacy_opcodes(prefixes[prefix], 0x48, maps[map]);
            legacy_opcodes(prefixes[prefix], 0x47, maps[map]);
            for (unsigned more = 0; map && more < 8; more++) /* W, L, and a third operand or none */
                all_opcodes((const uint8_t[]){0xC4, (uint8_t)(0xE0 | map),
                                              (uint8_t)((more & 1) << 7 | (more & 2 ? 0x78 : 0x28) |
                                                        (more & 4) | prefix)},
                            3);
            all_opcodes((const uint8_t[]){0xC5, (uint8_t)(0xF8 | prefix)}, 2);
        }
    munmap(edge - GPUP_PAGE, (size_t)2 * GPUP_PAGE);
    print_message("%u forms agree with Zydis. Refused, of %u forms:", agreed, refused);
    for (unsigned i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++)
        if (missing[i] && !played[i])
            print_message(" %s", ZydisMnemonicGetString((ZydisMnemonic)i));
    print_message("\n");
    assert_in_range(agreed, 20000, 2000000);
}

/* --- the processor's side of an experiment */

struct state {
    uint64_t registers[16]; /* of the stack pointer: not used */
    uint64_t flags;
    uint32_t mxcsr, unused;
    uint8_t vectors[16][32];
};

struct state *attempt_state;
const void *attempt_code;
void attempt_asm(void);

#define EACH(one)                                                                                            \
    one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) one(11) one(12) one(13)    \
        one(14) one(15)
#define LOAD_LOW(n) "  movups 144+32*" #n "(%rax), %xmm" #n "\n"
#define SAVE_LOW(n) "  movups %xmm" #n ", 144+32*" #n "(%rax)\n"
#define LOAD_ALL(n) "  vmovups 144+32*" #n "(%rax), %ymm" #n "\n"
#define SAVE_ALL(n) "  vmovups %ymm" #n ", 144+32*" #n "(%rax)\n"
bool attempt_avx;

/* clang-format off */
__asm__(".data\nattempt_rax: .quad 0\nattempt_flags: .quad 0\nattempt_mxcsr: .long 0x1F80\n.text\n"
        ".globl attempt_asm\nattempt_asm:\n"
        "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n  sub $8, %rsp\n"
        "  mov attempt_state(%rip), %rax\n  ldmxcsr 136(%rax)\n"
        "  cmpb $0, attempt_avx(%rip)\n  jz 1f\n" EACH(LOAD_ALL) "  jmp 2f\n1:\n" EACH(LOAD_LOW) "2:\n"
        "  push 128(%rax)\n  mov 8(%rax), %rcx\n  mov 16(%rax), %rdx\n  mov 24(%rax), %rbx\n  mov 40(%rax), %rbp\n"
        "  mov 48(%rax), %rsi\n  mov 56(%rax), %rdi\n  mov 64(%rax), %r8\n  mov 72(%rax), %r9\n  mov 80(%rax), %r10\n"
        "  mov 88(%rax), %r11\n  mov 96(%rax), %r12\n  mov 104(%rax), %r13\n  mov 112(%rax), %r14\n"
        "  mov 120(%rax), %r15\n  mov 0(%rax), %rax\n  popfq\n"
        "  call *attempt_code(%rip)\n"
        "  pushfq\n  mov %rax, attempt_rax(%rip)\n  cld\n  popq attempt_flags(%rip)\n  mov attempt_state(%rip), %rax\n"
        "  mov %rcx, 8(%rax)\n  mov %rdx, 16(%rax)\n  mov %rbx, 24(%rax)\n  mov %rbp, 40(%rax)\n"
        "  mov %rsi, 48(%rax)\n  mov %rdi, 56(%rax)\n  mov %r8, 64(%rax)\n  mov %r9, 72(%rax)\n  mov %r10, 80(%rax)\n"
        "  mov %r11, 88(%rax)\n  mov %r12, 96(%rax)\n  mov %r13, 104(%rax)\n  mov %r14, 112(%rax)\n"
        "  mov %r15, 120(%rax)\n  mov attempt_rax(%rip), %rcx\n  mov %rcx, 0(%rax)\n"
        "  mov attempt_flags(%rip), %rcx\n  mov %rcx, 128(%rax)\n  stmxcsr 136(%rax)\n  ldmxcsr attempt_mxcsr(%rip)\n"
        "  cmpb $0, attempt_avx(%rip)\n  jz 1f\n" EACH(SAVE_ALL) "  vzeroupper\n  jmp 2f\n1:\n" EACH(SAVE_LOW) "2:\n"
        "  add $8, %rsp\n  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n  ret\n");
/* clang-format on */

static uint64_t DDI_CALL attempt(void *unused) {
    (void)unused;
    attempt_asm();
    return 0;
}

/* --- a device of plain registers */

static uint8_t registers[GPUP_PAGE];
static struct access {
    uint32_t offset, width;
    bool write;
} seen[16];
static unsigned accesses;

static void keep(uint64_t physical, uint32_t width, bool write) {
    if (attempt_avx) /* as any function of the suite may */
        __asm__ volatile("vzeroupper");
    if (accesses < 16)
        seen[accesses++] = (struct access){(uint32_t)(physical - DEVICE), width, write};
}

static bool claims(void *device, uint64_t physical, uint64_t size) {
    (void)device;
    return physical >= DEVICE && physical - DEVICE + size <= sizeof registers;
}

static uint64_t bus_read(void *device, uint64_t physical, uint32_t width) {
    uint64_t value = 0;
    (void)device;
    memcpy(&value, &registers[physical - DEVICE], width);
    keep(physical, width, false);
    return value;
}

static void bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value) {
    (void)device;
    keep(physical, width, true);
    memcpy(&registers[physical - DEVICE], &value, width);
}

static const struct gpup_device_ops device = {
    .size = sizeof device, .claims = claims, .bus_read = bus_read, .bus_write = bus_write};

static struct host host;
static uint8_t *mapped, *code_page;
static _Alignas(4096) uint8_t plain[GPUP_PAGE];

static uint64_t DDI_CALL map_registers(void *size) {
    PHYSICAL_ADDRESS where = {.QuadPart = DEVICE};
    mapped = MmMapIoSpace(where, *(SIZE_T *)size, MmNonCached);
    return 0;
}

static void open_with(SIZE_T size) {
    host_open(&host, true);
    code_page = mmap(NULL, GPUP_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(code_page != MAP_FAILED);
    gpup_os_set_code(host.os, (uintptr_t)code_page, (uintptr_t)code_page, (uintptr_t)code_page + GPUP_PAGE);
    gpup_os_set_device(host.os, &device, NULL);
    host_run(&host, (void *)map_registers, &size);
    assert_non_null(mapped);
    attempt_avx = __builtin_cpu_supports("avx");
}

static int close_it(void **state) {
    (void)state;
    host_close(&host);
    munmap(code_page, GPUP_PAGE);
    return 0;
}

/* --- instructions by chance */

static uint64_t seed;

static uint64_t chance(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

static unsigned below(unsigned count) {
    return (unsigned)(chance() % count);
}

struct experiment {
    uint8_t bytes[24];
    struct known known;
    struct gpup_mmio_code code;
    unsigned at; /* offset of the operand in the page */
};

static unsigned put_opcode(uint8_t *b) {
    unsigned n = 0, map = below(4);
    if (below(3) == 0) {
        b[n++] = 0xC4;
        b[n++] = (uint8_t)(0xE0 & ~(below(8) << 5)) | (uint8_t)(map ? map : 1);
        b[n++] = (uint8_t)(below(2) << 7 | (below(2) ? 0x78 : below(16) << 3) | below(2) << 2 | below(4));
    } else {
        unsigned prefix = below(4), rex = below(2);
        if (below(8) == 0)
            b[n++] = 0xF0;
        if (below(4) == 0)
            b[n++] = 0x66;
        if (prefix > 1)
            b[n++] = prefixes[prefix];
        if (rex)
            b[n++] = (uint8_t)(0x40 | below(16));
        memcpy(b + n, maps[map] + 1, maps[map][0]);
        n += maps[map][0];
    }
    b[n++] = (uint8_t)below(256);
    return n;
}

/* By chance; false: none that can be tried. */
static bool make(struct experiment *e) {
    for (unsigned i = 0; i < sizeof e->bytes; i++)
        e->bytes[i] = (uint8_t)chance();
    unsigned n = put_opcode(e->bytes);
    e->bytes[n] = (uint8_t)(below(3) << 6 | below(64));
    if (!gpup_mmio_decode(e->bytes, &e->code) || e->code.kind != GPUP_MMIO_OPERAND ||
        !know(e->bytes, &e->known) || !e->known.memory || e->known.stack_pointer)
        return false;
    if (e->known.i.length != e->code.length)
        fail_msg("length");
    e->at = 1024 + (below(4) ? 32 * below(4) : below(128));
    return e->code.base < 16 && e->code.base != SP;
}

/* The base is used for nothing else. */
static bool is_free(const struct experiment *e) {
    ZydisRegister base = e->known.memory->mem.base;
    for (unsigned i = 0; i < e->known.i.operand_count; i++) {
        const ZydisDecodedOperand *o = &e->known.operands[i];
        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, o->reg.value) == base)
            return false;
    }
    return e->known.memory->mem.index != base;
}

static void put_registers(const struct experiment *e, struct state *s) {
    for (unsigned i = 0; i < 16; i++)
        s->registers[i] = below(4) ? chance() << 32 ^ chance() : below(3);
    for (unsigned i = 0; i < sizeof s->vectors; i++)
        s->vectors[i / 32][i % 32] = below(8) ? (uint8_t)chance() : 0;
    if (!attempt_avx)
        for (unsigned i = 0; i < 16; i++)
            memset(s->vectors[i] + 16, 0, 16);
    s->flags = 2 | (chance() & 0x8D5) | (below(2) << 10);
    s->mxcsr = 0x1F80;
    s->unused = 0;
    if (e->code.bits) /* or it would be far away */
        s->registers[e->code.number] = (uint64_t)((int64_t)below(512) - 256);
    if (e->known.i.mnemonic == ZYDIS_MNEMONIC_LDMXCSR || e->known.i.mnemonic == ZYDIS_MNEMONIC_VLDMXCSR)
        memcpy(plain + e->at, &s->mxcsr, 4);
}

/* So that the operand lies at the same offset of that page. */
static void aim(const struct experiment *e, struct state *s, const uint8_t *page) {
    struct gpup_frame f = {.pc = 0};
    memcpy(f.registers, s->registers, sizeof f.registers);
    f.registers[e->code.base] = 0;
    bool bits = e->code.bits;
    struct gpup_mmio_code code = e->code;
    code.bits = false;
    uint64_t rest = gpup_mmio_address(&code, &f);
    (void)bits;
    s->registers[e->code.base] = (uintptr_t)page + e->at - rest;
}

static sigjmp_buf escape;
static void on_signal(int number) {
    siglongjmp(escape, number);
}

static void catch_signals(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

/* On ordinary memory. false: the processor refuses it. */
static bool by_itself(struct state *s) {
    attempt_state = s;
    if (sigsetjmp(escape, 1))
        return false;
    attempt_asm();
    return true;
}

static void describe(const struct experiment *e, char *out, size_t size) {
    ZydisFormatter formatter;
    char text[96] = "?";
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterFormatInstruction(&formatter, &e->known.i, e->known.operands,
                                    e->known.i.operand_count_visible, text, sizeof text, 0, NULL);
    size_t used = (size_t)snprintf(out, size, "%s (", text);
    for (unsigned i = 0; i < e->known.i.length && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%02x ", e->bytes[i]);
    snprintf(out + used, size - used, "at offset %u)", e->at);
}

static void compare(const struct experiment *e, const struct state *one, struct state *other) {
    char text[256];
    describe(e, text, sizeof text);
    other->registers[e->code.base] = one->registers[e->code.base]; /* the two pages' */
    for (unsigned i = 0; i < 16; i++)
        if (one->registers[i] != other->registers[i])
            fail_msg("%s: register %u is %llx in memory and %llx at registers", text, i,
                     (unsigned long long)one->registers[i], (unsigned long long)other->registers[i]);
    if (one->flags != other->flags || one->mxcsr != other->mxcsr)
        fail_msg("%s: flags %llx and %x in memory, %llx and %x at registers", text,
                 (unsigned long long)one->flags, one->mxcsr, (unsigned long long)other->flags, other->mxcsr);
    for (unsigned i = 0; i < 16; i++)
        if (memcmp(one->vectors[i], other->vectors[i], 32) != 0)
            fail_msg("%s: vector register %u differs", text, i);
    if (memcmp(plain, registers, sizeof plain) != 0)
        fail_msg("%s: memory differs", text);
}

/* As Zydis has it: reads first, from the lowest address on, in parts of at most 8 bytes. */
static void compare_accesses(const struct experiment *e, uint32_t offset) {
    unsigned width = e->known.width, part = width < 8 ? width : 8, n = 0;
    char text[256];
    describe(e, text, sizeof text);
    for (unsigned write = 0; write < 2; write++)
        for (unsigned i = 0; (e->known.access & (1u << write)) && i < width; i += part, n++)
            if (n >= accesses || seen[n].offset != offset + i || seen[n].width != part ||
                seen[n].write != write)
                fail_msg(
                    "%s: expected access %u to be a %s of %u bytes at +%u, found a %s of %u at +%u of %u",
                    text, n, write ? "write" : "read", part, offset + i, seen[n].write ? "write" : "read",
                    seen[n].width, seen[n].offset, accesses);
    if (n != accesses)
        fail_msg("%s: expected %u accesses, found %u", text, n, accesses);
}

static uint32_t offset_of(const struct experiment *e, const struct state *s) {
    struct gpup_frame f = {.pc = 0};
    memcpy(f.registers, s->registers, sizeof f.registers);
    return (uint32_t)(gpup_mmio_address(&e->code, &f) - (uintptr_t)plain);
}

/* true: it was tried. */
static bool try_one(struct experiment *e) {
    struct state before, one, other;
    for (unsigned i = 960; i < 1280; i++)
        plain[i] = below(4) ? (uint8_t)chance() : 0;
    put_registers(e, &before);
    memcpy(registers, plain, sizeof plain);
    memcpy(code_page, e->bytes, e->known.i.length);
    code_page[e->known.i.length] = 0xC3;
    attempt_code = code_page;
    one = other = before;
    aim(e, &one, plain);
    uint32_t offset = offset_of(e, &one);
    if (!by_itself(&one))
        return false;
    aim(e, &other, mapped);
    attempt_state = &other;
    accesses = 0;
    if (host_try(&host, (void *)attempt, NULL) != GPUP_RAN_RETURNED) {
        char text[256];
        describe(e, text, sizeof text);
        fail_msg("%s: not carried out", text);
    }
    compare(e, &one, &other);
    compare_accesses(e, offset);
    return true;
}

static uint64_t setting(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void as_in_memory(void **state) {
    static bool tried[ZYDIS_MNEMONIC_MAX_VALUE + 1];
    uint64_t wanted = setting("GPUP_TEST_INSTRUCTIONS", 10000), done = 0, impossible = 0;
    unsigned mnemonics = 0;
    struct experiment e;
    (void)state;
    seed = setting("GPUP_TEST_SEED", 1);
    catch_signals(); /* behind the suite's own */
    open_with(GPUP_PAGE);
    while (done < wanted) {
        if (!make(&e) || !is_free(&e))
            continue;
        if (!try_one(&e)) {
            impossible++; /* not on this processor, a wrong LOCK, an operand that must be aligned */
            continue;
        }
        mnemonics += !tried[e.known.i.mnemonic];
        tried[e.known.i.mnemonic] = true;
        done++;
    }
    print_message(
        "%llu instructions, %u kinds, are the same in memory and at registers; %llu more the processor "
        "refused in memory\n",
        (unsigned long long)done, mnemonics, (unsigned long long)impossible);
    assert_in_range(mnemonics, 200, 2000);
}

static void some(unsigned count) {
    struct experiment e;
    while (count)
        count -= make(&e) && is_free(&e) && try_one(&e);
}

/* The file behind the place where instructions are executed; 0: more than one, or none. */
static unsigned long place(void) {
    char line[512];
    unsigned long found = 0, inode;
    unsigned count = 0;
    FILE *mappings = fopen("/proc/self/maps", "r");
    while (mappings && fgets(line, sizeof line, mappings))
        if (strstr(line, "memfd:instruction") &&
            sscanf(line, "%*s %*s %*s %*s %lu", &inode) == 1) { // NOLINT(cert-err34-c): the kernel's
            count += inode != found;
            found = inode;
        }
    if (mappings)
        fclose(mappings);
    return count == 1 ? found : 0;
}

/* Two processes that were one do not share that place. */
static void after_a_fork(void **state) {
    int status;
    (void)state;
    seed = 3;
    catch_signals();
    open_with(GPUP_PAGE);
    some(10);
    unsigned long ours = place();
    assert_true(ours);
    pid_t child = fork();
    some(200);
    if (!child)
        _exit(!place() || place() == ours); /* what fails returns from main */
    assert_int_equal(place(), ours);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void) {
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_table_is_the_processors),
                                       cmocka_unit_test_teardown(as_in_memory, close_it),
                                       cmocka_unit_test_teardown(after_a_fork, close_it)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
