/* Pool, guards, faults, buffers, registers, contiguous memory. */
#include "../../harness/os/arena_inside.h"
#include "../../harness/os/kernel.h"
#include "support.h"
#include <string.h>

#define TAG 0x74736554u

struct args {
    uint8_t *block;
    size_t size;
    int64_t at;
};

static void *DDI_CALL allocate(struct args *a) {
    a->block = ExAllocatePool2(POOL_FLAG_NON_PAGED, a->size, TAG);
    return a->block;
}

static void *DDI_CALL allocate_raw(struct args *a) {
    a->block = ExAllocatePoolWithTag(NonPagedPoolNx, a->size, TAG);
    return a->block;
}

static NTSTATUS DDI_CALL release(struct args *a) {
    ExFreePoolWithTag(a->block, TAG);
    return 0;
}

static NTSTATUS DDI_CALL poke(struct args *a) {
    ((volatile uint8_t *)a->block)[a->at] = 1;
    return 0;
}

static NTSTATUS DDI_CALL peek(struct args *a) {
    return ((volatile uint8_t *)a->block)[a->at];
}

static void expect_fault(struct host *host, unsigned cause, uint64_t offset) {
    const struct gpup_event *fault = logged(&host->log, GPUP_EVENT_FAULT, 0);

    assert_non_null(fault);
    assert_int_equal(fault->f[GPUP_FAULT_cause], cause);
    assert_int_equal(fault->f[GPUP_FAULT_offset], offset);
    assert_int_not_equal(fault->fiber, 0);
}

static void overrun(void **state) {
    struct host host;
    struct args a = {.size = 48, .at = 48};

    (void)state;
    host_open(&host, true);
    host_run(&host, (void *)allocate, &a);
    assert_int_equal(host_try(&host, (void *)poke, &a), GPUP_RAN_DEAD);
    expect_fault(&host, GPUP_FAULT_GUARD, 48);
    assert_int_equal(logged(&host.log, GPUP_EVENT_FAULT, 0)->f[GPUP_FAULT_object],
                     logged(&host.log, GPUP_EVENT_ALLOC, 0)->f[GPUP_ALLOC_object]);
    host_close(&host);
    /* a size that is no multiple of 16: the bytes up to the guard page are canary */
    a.size = a.at = 45;
    host_open(&host, true);
    host_run(&host, (void *)allocate, &a);
    host_run(&host, (void *)poke, &a);
    host_run(&host, (void *)release, &a);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_what],
                     GPUP_DAMAGE_AFTER);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_offset], 45);
    host_close(&host);
}

static void underrun(void **state) {
    for (int guards = 0; guards < 2; guards++) {
        struct host host;
        struct args a = {.size = 100, .at = -3};

        (void)state;
        host_open(&host, guards);
        host_run(&host, (void *)allocate, &a);
        host_run(&host, (void *)poke, &a);
        host_run(&host, (void *)release, &a);
        assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_what],
                         GPUP_DAMAGE_BEFORE);
        assert_int_equal((int64_t)logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_offset],
                         -3);
        host_close(&host);
    }
}

static void page_sized(void **state) {
    struct host host;
    struct args a = {.size = 5000, .at = -1};

    (void)state;
    host_open(&host, true);
    host_run(&host, (void *)allocate, &a);
    assert_int_equal((uintptr_t)a.block % PAGE_SIZE, 0);
    assert_int_equal(host_try(&host, (void *)poke, &a), GPUP_RAN_DEAD);
    expect_fault(&host, GPUP_FAULT_GUARD, (uint64_t)-1);
    host_close(&host);
}

static void after_free(void **state) {
    struct host host;
    struct args a = {.size = 64, .at = 5};

    (void)state;
    host_open(&host, true);
    host_run(&host, (void *)allocate, &a);
    host_run(&host, (void *)release, &a);
    assert_int_equal(host_try(&host, (void *)peek, &a), GPUP_RAN_DEAD);
    expect_fault(&host, GPUP_FAULT_READ, 5);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_what],
                     GPUP_DAMAGE_FREED);
    host_close(&host);
    /* without guard pages the write is found later */
    host_open(&host, false);
    host_run(&host, (void *)allocate, &a);
    host_run(&host, (void *)release, &a);
    host_run(&host, (void *)poke, &a);
    gpup_os_report_left(host.os);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_what],
                     GPUP_DAMAGE_FREED);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_offset], 5);
    host_close(&host);
}

static void wrong_frees(void **state) {
    struct host host;
    struct args a = {.size = 64}, b;
    uint64_t count, bytes;

    (void)state;
    host_open(&host, true);
    host_run(&host, (void *)allocate, &a);
    gpup_os_pool_level(host.os, &count, &bytes);
    assert_int_equal(count, 1);
    assert_int_equal(bytes, 64);
    b = a;
    b.block += 16;
    host_run(&host, (void *)release, &b);
    host_run(&host, (void *)release, &a);
    host_run(&host, (void *)release, &a);
    b.block = (uint8_t *)&b;
    host_run(&host, (void *)release, &b);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0)->f[GPUP_POOL_DAMAGE_what],
                     GPUP_DAMAGE_BAD_FREE);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 1)->f[GPUP_POOL_DAMAGE_what],
                     GPUP_DAMAGE_DOUBLE_FREE);
    assert_int_equal(logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 2)->f[GPUP_POOL_DAMAGE_object], 0);
    gpup_os_pool_level(host.os, &count, &bytes);
    assert_int_equal(count, 0);
    host_close(&host);
}

static void leaks_and_fill(void **state) {
    struct host host;
    struct args a = {.size = 40}, b = {.size = 40};
    uint8_t zero[40] = {0}, fill[40];

    (void)state;
    memset(fill, 0xA5, sizeof fill);
    for (int guards = 0; guards < 2; guards++) {
        host_open(&host, guards);
        for (int i = 0; i < 40; i++) { /* reuse too */
            host_run(&host, (void *)allocate, &a);
            host_run(&host, (void *)allocate_raw, &b);
            assert_memory_equal(a.block, zero, 40);
            assert_memory_equal(b.block, fill, 40);
            host_run(&host, (void *)release, &a);
            if (i < 39)
                host_run(&host, (void *)release, &b);
        }
        gpup_os_report_left(host.os);
        assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 1);
        assert_int_equal(logged(&host.log, GPUP_EVENT_LEFT, 0)->f[GPUP_LEFT_size], 40);
        assert_int_equal(logged(&host.log, GPUP_EVENT_LEFT, 0)->f[GPUP_LEFT_tag], TAG);
        assert_int_equal(count_of(&host.log, GPUP_EVENT_POOL_DAMAGE), 0);
        host_close(&host);
    }
}

static void failing(void **state) {
    struct host host;
    struct args a = {.size = 40};

    (void)state;
    host_open(&host, true);
    gpup_os_fail_allocation(host.os, 2, 2);
    assert_true(host_run(&host, (void *)allocate, &a) != 0);
    assert_true(host_run(&host, (void *)allocate, &a) == 0);
    assert_true(host_run(&host, (void *)allocate, &a) == 0);
    assert_true(host_run(&host, (void *)allocate, &a) != 0);
    assert_int_equal(logged(&host.log, GPUP_EVENT_ALLOC, 1)->f[GPUP_ALLOC_failed], 1);
    host_close(&host);
}

/* Every way to die, again and again in one process. */
__attribute__((noinline, no_sanitize("address"))) static uint64_t DDI_CALL recurse(volatile uint64_t *p) {
    volatile uint64_t frame[64];

    frame[0] = p ? *p + 1 : 0;
    if (frame[0] == UINT64_MAX)
        return 0;
    return frame[0] + recurse(frame) + frame[0];
}

static uint64_t DDI_CALL breakpoint(void *p) {
    (void)p;
    DbgBreakPoint();
    return 0;
}

static uint64_t DDI_CALL illegal(void *p) {
    (void)p;
    __asm__ volatile("ud2");
    return 0;
}

static uint64_t DDI_CALL divide(void *p) {
    (void)p;
    __asm__ volatile("xor %%ecx, %%ecx\n\tcltd\n\tidivl %%ecx" ::: "rax", "rcx", "rdx", "cc");
    return 0;
}

static uint64_t DDI_CALL bugcheck(void *p) {
    (void)p;
    KeBugCheckEx(0x119, 1, 2, 3, 4);
}

__attribute__((no_sanitize("undefined"))) static uint64_t DDI_CALL null_write(volatile int *p) {
    *p = 1;
    return 0;
}

static uint64_t DDI_CALL jump(void *p) {
    typedef uint64_t(DDI_CALL * fn)(void *);
    union {
        uintptr_t number;
        fn function;
    } nowhere = {.number = 0x1000 + (uintptr_t)p};

    return nowhere.function(p);
}

static uint64_t DDI_CALL privileged(void *p) {
    (void)p;
    __asm__ volatile("cli");
    return 0;
}

static void deaths(void **state) {
    static const struct {
        void *function;
        unsigned kind, cause;
    } ways[] = {
        {(void *)recurse, GPUP_EVENT_FAULT, GPUP_FAULT_STACK},
        {(void *)breakpoint, GPUP_EVENT_FAULT, GPUP_FAULT_BREAKPOINT},
        {(void *)illegal, GPUP_EVENT_FAULT, GPUP_FAULT_ILLEGAL},
        {(void *)divide, GPUP_EVENT_FAULT, GPUP_FAULT_DIVIDE},
        {(void *)null_write, GPUP_EVENT_FAULT, GPUP_FAULT_WRITE},
        {(void *)jump, GPUP_EVENT_FAULT, GPUP_FAULT_EXECUTE},
        {(void *)privileged, GPUP_EVENT_FAULT, GPUP_FAULT_READ},
        {(void *)bugcheck, GPUP_EVENT_BUGCHECK, 0x119},
    };
    struct host host;
    struct gpup_os_config config;
    size_t used = 0;

    (void)state;
    host_open(&host, true);
    config = host_config(&host);
    for (unsigned i = 0; i < 1000; i++) {
        unsigned way = i % (sizeof ways / sizeof *ways);

        gpup_arena_reset(host.arena);
        memset(&host.log, 0, sizeof host.log);
        host.os = gpup_os_new(&config);
        assert_int_equal(host_try(&host, ways[way].function, NULL), GPUP_RAN_DEAD);
        assert_int_equal(host.log.count, 1);
        assert_int_equal(host.log.events[0].kind, ways[way].kind);
        assert_int_equal(host.log.events[0].f[1], ways[way].cause);
        assert_true(gpup_os_dead(host.os));
        assert_true(!used || used == gpup_arena_used(host.arena));
        used = gpup_arena_used(host.arena);
    }
    host_close(&host);
}

static void deaths_and_restore(void **state) {
    struct host host;
    struct args a = {.size = 48, .at = 48};

    (void)state;
    host_open(&host, true);
    host_run(&host, (void *)allocate, &a);
    a.block[7] = 77;
    assert_true(gpup_arena_snapshot(host.arena));
    for (int i = 0; i < 100; i++) {
        struct args b = {.size = 100 + (size_t)i};

        memset(&host.log, 0, sizeof host.log);
        assert_int_equal(a.block[7], 77);
        host_run(&host, (void *)allocate, &b);
        if (i % 3 == 0)
            host_run(&host, (void *)release, &a); /* its pages become inaccessible */
        else
            a.block[7] = 1;
        assert_int_equal(host_try(&host, (void *)(i % 2 ? (void *)poke : (void *)recurse), &a),
                         GPUP_RAN_DEAD);
        gpup_arena_restore(host.arena);
    }
    assert_int_equal(host_run(&host, (void *)peek, &(struct args){.block = a.block, .at = 7}), 77);
    host_close(&host);
}

static void buffers(void **state) {
    struct host host;
    uint64_t object, offset;
    struct args a = {.at = 21};

    (void)state;
    host_open(&host, true);
    a.block = gpup_os_buffer(host.os, 21, 3, &object);
    assert_int_equal((uintptr_t)a.block % 8, 0);
    assert_int_equal(gpup_os_buffer_check(host.os, a.block, &offset), 0);
    host_run(&host, (void *)poke, &a);
    assert_int_equal(gpup_os_buffer_check(host.os, a.block, &offset), GPUP_DAMAGE_AFTER);
    assert_int_equal(offset, 21);
    gpup_os_buffer_free(host.os, a.block);
    a.block = gpup_os_buffer(host.os, 24, 0, &object);
    assert_true(gpup_os_locate(host.os, a.block + 8, &object, &offset));
    assert_int_equal(offset, 8);
    assert_true(gpup_os_buffer_protect(host.os, a.block, true));
    a.at = 1;
    assert_int_equal(host_run(&host, (void *)peek, &a), 0);
    assert_int_equal(host_try(&host, (void *)poke, &a), GPUP_RAN_DEAD);
    expect_fault(&host, GPUP_FAULT_WRITE, 1);
    assert_int_equal(logged(&host.log, GPUP_EVENT_FAULT, 0)->f[GPUP_FAULT_object], object);
    gpup_os_buffer_free(host.os, a.block);
    host_close(&host);
}

/* Between red zones what is read past a buffer does not show; behind a guard it does, execution after
 * execution. */
static void guarded_buffers(void **state) {
    struct host host;
    uint64_t object;
    struct args a = {.at = 20};

    (void)state;
    host_open(&host, false);
    assert_true(gpup_arena_snapshot(host.arena));
    assert_true(gpup_arena_track(host.arena));
    for (unsigned round = 0; round < 4; round++) {
        memset(&host.log, 0, sizeof host.log);
        a.block = gpup_os_buffer(host.os, 20, 0, &object);
        host_run(&host, (void *)peek, &a);
        gpup_os_guard_buffers(host.os, true);
        a.block = gpup_os_buffer(host.os, 20, 0, &object);
        gpup_os_guard_buffers(host.os, false);
        assert_int_equal(host_try(&host, (void *)peek, &a), GPUP_RAN_DEAD);
        expect_fault(&host, GPUP_FAULT_GUARD, 20);
        gpup_arena_restore(host.arena);
        assert_true(host.arena->tracking.on); /* the way back is as short as before */
    }
    host_close(&host);
}

/* --- a device of one 64 KiB BAR whose first register raises an interrupt 50 us after a write */

struct toy {
    uint32_t value;
    uint64_t due;
    bool pending;
    bool (*dma_write)(void *, uint64_t, const void *, size_t);
    void *dma;
    uint64_t now;
};

static uint64_t toy_next(void *d) {
    struct toy *t = d;
    return t->due ? t->due : UINT64_MAX;
}
static void toy_advance(void *d, uint64_t now) {
    struct toy *t = d;
    t->now = now;
    if (t->due && now >= t->due) {
        t->due = 0;
        t->pending = true;
    }
}
static uint64_t toy_read(void *d, uint64_t physical, uint32_t width) {
    (void)width;
    return physical == 0xF0000004 ? ((struct toy *)d)->value : 0;
}
static void toy_write(void *d, uint64_t physical, uint32_t width, uint64_t value) {
    struct toy *t = d;
    (void)width;
    if (physical == 0xF0000004) {
        t->value = (uint32_t)value;
        t->due = t->now + 50000;
    } else if (physical == 0xF0000008)
        t->value = t->dma_write(t->dma, value, "dma", 4);
}
static bool toy_claims(void *d, uint64_t physical, uint64_t size) {
    (void)d;
    return physical >= 0xF0000000 && physical + size <= 0xF0010000;
}
static bool toy_interrupt(void *d, uint32_t *message) {
    struct toy *t = d;
    bool was = t->pending;
    t->pending = false;
    *message = 3;
    return was;
}
static void toy_dma(void *d, bool (*read)(void *, uint64_t, void *, size_t),
                    bool (*write)(void *, uint64_t, const void *, size_t), void *context) {
    struct toy *t = d;
    (void)read;
    t->dma_write = write;
    t->dma = context;
}

static const struct gpup_device_ops ops = {.size = sizeof ops,
                                           .next_event = toy_next,
                                           .advance = toy_advance,
                                           .bus_read = toy_read,
                                           .bus_write = toy_write,
                                           .claims = toy_claims,
                                           .take_interrupt = toy_interrupt,
                                           .set_dma = toy_dma};

static NTSTATUS DDI_CALL registers(uint8_t **mapping) {
    PHYSICAL_ADDRESS bar = {.QuadPart = 0xF0000000};
    uint8_t *base = MmMapIoSpace(bar, 0x10000, MmNonCached);
    uint8_t *memory = MmAllocateContiguousMemory(4096, bar);

    *mapping = base;
    WRITE_REGISTER_ULONG((volatile ULONG *)(base + 4), 42);
    if (READ_REGISTER_ULONG((volatile ULONG *)(base + 4)) != 42)
        return 1;
    WRITE_REGISTER_ULONG64((volatile ULONG64 *)(base + 8),
                           (ULONG64)MmGetPhysicalAddress(memory + 16).QuadPart);
    if (READ_REGISTER_ULONG((volatile ULONG *)(base + 4)) != 1 || memcmp(memory + 16, "dma", 4) != 0)
        return 2;
    WRITE_REGISTER_ULONG64((volatile ULONG64 *)(base + 8), 0x1234); /* no memory of this host */
    if (READ_REGISTER_ULONG((volatile ULONG *)(base + 4)) != 0)
        return 3;
    MmFreeContiguousMemory(memory);
    return 0;
}

static NTSTATUS DDI_CALL unmap(uint8_t **mapping) {
    MmUnmapIoSpace(*mapping, 0x10000);
    return 0;
}

static NTSTATUS DDI_CALL dereference(uint8_t **mapping) {
    return *(volatile uint8_t *)*mapping;
}

static void device(void **state) {
    struct toy toy = {0};
    struct host host;
    struct gpup_os_config config;
    uint8_t *mapping = NULL;

    (void)state;
    host_open(&host, true);
    config = host_config(&host);
    config.device_ops = &ops;
    config.device = &toy;
    host.os = gpup_os_new(&config);
    assert_int_equal(host_run(&host, (void *)registers, &mapping), 0);
    assert_true(gpup_os_now(host.os) >= 6000);
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 1);
    assert_int_equal(logged(&host.log, GPUP_EVENT_LEFT, 0)->f[GPUP_LEFT_kind], GPUP_OBJECT_MAPPING);
    host_run(&host, (void *)unmap, &mapping);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 0);
    host_run(&host, (void *)registers, &mapping);
    assert_int_equal(host_try(&host, (void *)dereference, &mapping), GPUP_RAN_DEAD);
    expect_fault(&host, GPUP_FAULT_READ, 0);
    host_close(&host);
}

struct adapter {
    uint8_t *mapping;
    KDPC dpc;
    KEVENT event;
    uint32_t message, isr_irql, dpc_irql;
};

static VOID DDI_CALL device_dpc(PKDPC dpc, PVOID context, PVOID one, PVOID two) {
    struct adapter *a = context;

    (void)dpc;
    (void)two;
    a->dpc_irql = KeGetCurrentIrql();
    a->message = (uint32_t)(uintptr_t)one;
    KeSetEvent(&a->event, 0, FALSE);
}

static BOOLEAN DDI_CALL isr(struct adapter *a, ULONG message) {
    a->isr_irql = KeGetCurrentIrql();
    KeInsertQueueDpc(&a->dpc, (PVOID)(uintptr_t)message, NULL); // NOLINT(performance-no-int-to-ptr)
    return TRUE;
}

static NTSTATUS DDI_CALL wait_for_device(struct adapter *a) {
    PHYSICAL_ADDRESS bar = {.QuadPart = 0xF0000000};

    KeInitializeEvent(&a->event, NotificationEvent, FALSE);
    KeInitializeDpc(&a->dpc, device_dpc, a);
    a->mapping = MmMapIoSpace(bar, 0x10000, MmNonCached);
    WRITE_REGISTER_ULONG((volatile ULONG *)(a->mapping + 4), 1);
    KeWaitForSingleObject(&a->event, Executive, KernelMode, FALSE, NULL);
    MmUnmapIoSpace(a->mapping, 0x10000);
    return 0;
}

static void interrupt(void **state) {
    struct toy toy = {0};
    struct adapter adapter = {0};
    struct host host;
    struct gpup_os_config config;

    (void)state;
    host_open(&host, true);
    config = host_config(&host);
    config.device_ops = &ops;
    config.device = &toy;
    host.os = gpup_os_new(&config);
    host.os->isr = (void *)isr;
    host.os->isr_context = &adapter;
    assert_int_equal(host_run(&host, (void *)wait_for_device, &adapter), 0);
    assert_int_equal(adapter.message, 3);
    assert_int_equal(adapter.isr_irql, GPUP_DIRQL);
    assert_int_equal(adapter.dpc_irql, DISPATCH_LEVEL);
    assert_int_equal(host.log.count, 0);
    host_close(&host);
}

static NTSTATUS DDI_CALL strings(char *out) {
    NTSTATUS status = RtlStringCbPrintfA(out, 64, "%d|%5u|%-4x|%08X|%s|%I64d|%c|%p|%%", -7, 42, 0xAB, 0xBEEF,
                                         "text", (LONGLONG)-5000000000, 'z', (void *)0x10);

    return status ? status : RtlStringCbPrintfA(out + 64, 4, "%s", "longer");
}

static void formatting(void **state) {
    struct host host;
    char out[128];

    (void)state;
    host_open(&host, true);
    assert_int_equal((uint32_t)host_run(&host, (void *)strings, out), (uint32_t)STATUS_BUFFER_OVERFLOW);
    assert_string_equal(out, "-7|   42|ab  |0000BEEF|text|-5000000000|z|0000000000000010|%");
    assert_string_equal(out + 64, "lon");
    host_close(&host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overrun),     cmocka_unit_test(underrun),
        cmocka_unit_test(page_sized),  cmocka_unit_test(after_free),
        cmocka_unit_test(wrong_frees), cmocka_unit_test(leaks_and_fill),
        cmocka_unit_test(failing),     cmocka_unit_test(deaths),
        cmocka_unit_test(buffers),     cmocka_unit_test(deaths_and_restore),
        cmocka_unit_test(device),      cmocka_unit_test(interrupt),
        cmocka_unit_test(formatting),  cmocka_unit_test(guarded_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
