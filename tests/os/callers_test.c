/* Call stacks of code without tables: by frame pointers, whatever stands in them. */
#include "support.h"

#include <string.h>

static struct host h;
extern const char direct[], direct_back[], direct_end[], outer[], outer_back[], faults[], faults_back[],
    faults_here[], no_code[], no_code_back[];

/* In the test itself: cmocka puts handlers of its own before each. */
static void begin(void) {
    host_open(&h, true);
    /* the functions of this file, as if they were all that the driver has */
    gpup_os_set_code(h.os, (uintptr_t)direct - 0x1000, (uintptr_t)direct - 64, (uintptr_t)direct_end + 64);
}

static int teardown(void **state) {
    (void)state;
    host_close(&h);
    return 0;
}

/* direct(rbp): sets RBP to its argument and asks for a block. outer(): a frame of its own around a call of
 * direct with that frame. thrice(): two frames more. */
__asm__(".text\n.p2align 4\n.skip 64, 0x90\n.globl direct\ndirect:\n"
        "  push %rbp\n  push %rbx\n  sub $0x28, %rsp\n"
        "  mov %rcx, %rbp\n"
        "  mov $0x40, %ecx\n  mov $64, %edx\n  mov $0x31313131, %r8d\n"
        "  call *gpup_test_service(%rip)\n.globl direct_back\ndirect_back:\n"
        "  add $0x28, %rsp\n  pop %rbx\n  pop %rbp\n  ret\n"
        ".globl outer\nouter:\n"
        "  push %rbp\n  mov %rsp, %rbp\n  sub $0x20, %rsp\n  lea -16(%rsp), %rcx\n  call direct\n.globl "
        "outer_back\nouter_back:\n"
        "  leave\n  ret\n"
        ".globl faults\nfaults:\n"
        "  push %rbp\n  mov %rsp, %rbp\n  sub $0x20, %rsp\n  call 1f\n.globl faults_back\nfaults_back:\n  "
        "leave\n  ret\n"
        "1: push %rbp\n  mov %rsp, %rbp\n.globl faults_here\nfaults_here:  movl $0, 0\n  leave\n  ret\n"
        ".globl no_code\nno_code:\n"
        "  push %rbp\n  mov %rsp, %rbp\n  sub $0x20, %rsp\n  mov $16, %eax\n  call *%rax\n.globl "
        "no_code_back\nno_code_back:\n"
        "  leave\n  ret\n"
        ".globl direct_end\ndirect_end:\n.skip 64, 0x90\n");
PVOID(DDI_CALL *gpup_test_service)(POOL_FLAGS, SIZE_T, ULONG) = ExAllocatePool2;

static uint32_t offset_of(const char *place) {
    return (uint32_t)(place - direct + 0x1000);
}

static void run_with(uintptr_t frame) {
    assert_true(host_run(&h, (void *)(uintptr_t)direct, (void *)frame) != 0); // NOLINT
}

static uint64_t DDI_CALL with_stack_pointer(void *offset) {
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0) + (uintptr_t)offset;
    uint64_t(DDI_CALL * f)(void *);
    const char *function = direct;
    memcpy(&f, &function, sizeof f);
    return f((void *)frame); // NOLINT(performance-no-int-to-ptr)
}

/* The caller of the service is told in every case, and nothing is read where nothing may be. */
static void frame_pointers_that_are_none(void **state) {
    static const uintptr_t values[] = {0,
                                       1,
                                       8,
                                       16,
                                       0x1000,
                                       UINTPTR_MAX,
                                       UINTPTR_MAX - 7,
                                       UINTPTR_MAX - 15,
                                       (uintptr_t)1 << 63,
                                       0x7FFFFFFFFFF8};
    static const intptr_t near_it[] = {-8,     -4096, -65536, -1048576, 0,      1,     4,      8,
                                       0x1000, 65528, 65536,  1 << 20,  262136, 16384, 262144, -262144};
    unsigned n = 0;
    (void)state;
    begin();
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++, n++) {
        run_with(values[i]);
        const struct gpup_places *p = logged_places(&h.log, GPUP_EVENT_ALLOC, n);
        assert_int_equal(p->of[GPUP_CALLERS_HERE].count, 1);
        assert_int_equal(p->of[GPUP_CALLERS_HERE].at[0], offset_of(direct_back));
    }
    for (unsigned i = 0; i < sizeof near_it / sizeof *near_it; i++, n++) {
        assert_true(host_run(&h, (void *)with_stack_pointer, (void *)near_it[i]) != 0); // NOLINT
        assert_int_equal(logged_places(&h.log, GPUP_EVENT_ALLOC, n)->of[GPUP_CALLERS_HERE].at[0],
                         offset_of(direct_back));
    }
}

static void two_frames(void **state) {
    (void)state;
    begin();
    assert_true(host_run(&h, (void *)(uintptr_t)outer, NULL) != 0);
    const struct gpup_callers *c = &logged_places(&h.log, GPUP_EVENT_ALLOC, 0)->of[GPUP_CALLERS_HERE];
    assert_int_equal(c->count, 2);
    assert_int_equal(c->at[0], offset_of(direct_back));
    assert_int_equal(c->at[1], offset_of(outer_back));
    gpup_os_report_left(h.os); /* the block remembers, when nothing runs any more */
    const struct gpup_places *left = logged_places(&h.log, GPUP_EVENT_LEFT, 0);
    assert_memory_equal(&left->of[GPUP_CALLERS_ALLOCATED], c, sizeof *c);
    assert_int_equal(left->of[GPUP_CALLERS_HERE].count, 0);
}

static void a_fault(void **state) {
    (void)state;
    begin();
    assert_int_equal(host_try(&h, (void *)(uintptr_t)faults, NULL), GPUP_RAN_DEAD);
    const struct gpup_places *p = logged_places(&h.log, GPUP_EVENT_FAULT, 0);
    assert_true(p->instruction);
    assert_int_equal(p->of[GPUP_CALLERS_HERE].count, 2);
    assert_int_equal(p->of[GPUP_CALLERS_HERE].at[0], offset_of(faults_here));
    assert_int_equal(p->of[GPUP_CALLERS_HERE].at[1], offset_of(faults_back));
}

/* A jump to where no code is: who called it. */
static void a_call_into_nothing(void **state) {
    (void)state;
    begin();
    assert_int_equal(host_try(&h, (void *)(uintptr_t)no_code, NULL), GPUP_RAN_DEAD);
    const struct gpup_places *p = logged_places(&h.log, GPUP_EVENT_FAULT, 0);
    assert_false(p->instruction);
    assert_int_equal(p->of[GPUP_CALLERS_HERE].count, 1);
    assert_int_equal(p->of[GPUP_CALLERS_HERE].at[0], offset_of(no_code_back));
}

/* Nobody said which code is the driver's. */
static void without_bounds(void **state) {
    (void)state;
    begin();
    gpup_os_set_code(h.os, 0, 0, 0);
    run_with(0);
    assert_int_equal(logged_places(&h.log, GPUP_EVENT_ALLOC, 0)->of[GPUP_CALLERS_HERE].count, 0);
    gpup_os_report_left(h.os);
    assert_int_equal(logged_places(&h.log, GPUP_EVENT_LEFT, 0)->of[GPUP_CALLERS_ALLOCATED].count, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {TEST(frame_pointers_that_are_none), TEST(two_frames), TEST(a_fault),
                                       TEST(a_call_into_nothing), TEST(without_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
