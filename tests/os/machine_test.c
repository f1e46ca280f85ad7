/* Two adapters of one machine: what a driver shares between them serves both. */
#include "support.h"
#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <gpup/device.h>
#include <string.h>

/* --- a device of one register, at its own address, whose value says whose it is */

static uint64_t bar_of(const uint32_t *device) {
    return (uint64_t)*device << 24;
}
static uint64_t bus_read(void *device, uint64_t physical, uint32_t width) {
    (void)width;
    return physical == bar_of(device) ? *(uint32_t *)device : UINT64_MAX;
}
static bool claims(void *device, uint64_t physical, uint64_t size) {
    return physical >= bar_of(device) && physical + size <= bar_of(device) + PAGE_SIZE;
}
static const struct gpup_device_ops ops = {
    .size = sizeof ops, .version = GPUP_DEVICE_VERSION, .bus_read = bus_read, .claims = claims};

struct machine {
    struct host first; /* its arena is that of both */
    struct gpup_os *second;
    struct log log; /* of the second */
    uint32_t device[2];
};

static void open_machine(struct machine *m) {
    struct gpup_os_config config;

    memset(m, 0, sizeof *m);
    m->device[0] = 100;
    m->device[1] = 101;
    m->first.arena = gpup_arena_new((size_t)64 << 20);
    assert_non_null(m->first.arena);
    config = host_config(&m->first);
    config.device_ops = &ops;
    config.device = &m->device[0];
    m->first.os = gpup_os_new(&config);
    assert_non_null(m->first.os);
    config.system = m->first.os;
    config.host = 1;
    config.device = &m->device[1];
    config.emitter.context = &m->log;
    m->second = gpup_os_new(&config);
    assert_non_null(m->second);
}

static uint64_t run(struct gpup_os *os, void *function, void *argument) {
    struct gpup_os_call call = {.function = function, .args = {(uintptr_t)argument}, .count = 1};

    assert_int_equal(gpup_os_call(os, &call), GPUP_RAN_RETURNED);
    return call.result;
}

/* --- the driver */

struct shared {
    KTIMER timer;
    KDPC dpc;
    KEVENT event;
    HANDLE thread;
    PVOID registers;
    uint32_t dpcs, read;
    PDEVICE_OBJECT device;
    HANDLE vm;
    VMBCHANNEL channel;
    uint64_t bar;
    NTSTATUS status;
};

static VOID DDI_CALL set_event(PKDPC dpc, PVOID context, PVOID one, PVOID two) {
    struct shared *s = context;

    (void)dpc;
    (void)one;
    (void)two;
    s->dpcs++;
    KeSetEvent(&s->event, 0, FALSE);
}

static uint64_t DDI_CALL arm(void *argument) {
    struct shared *s = argument;

    return KeSetTimer(&s->timer, (LARGE_INTEGER){.QuadPart = -50000}, &s->dpc);
}

static uint64_t DDI_CALL begin(void *argument) {
    struct shared *s = argument;

    KeInitializeTimer(&s->timer);
    KeInitializeDpc(&s->dpc, set_event, s);
    KeInitializeEvent(&s->event, SynchronizationEvent, FALSE);
    return arm(argument);
}

static uint64_t DDI_CALL cancel(void *argument) {
    return KeCancelTimer(&((struct shared *)argument)->timer);
}

static uint64_t DDI_CALL queue(void *argument) {
    return KeInsertQueueDpc(&((struct shared *)argument)->dpc, NULL, NULL);
}

static NTSTATUS DDI_CALL wait(void *argument) {
    return KeWaitForSingleObject(&((struct shared *)argument)->event, Executive, KernelMode, FALSE, NULL);
}

static void timers(void **state) {
    struct machine m;
    struct shared s = {0};

    (void)state;
    open_machine(&m);
    assert_false(run(m.first.os, (void *)begin, &s));
    assert_int_equal((NTSTATUS)run(m.second, (void *)wait, &s), STATUS_SUCCESS);
    assert_int_equal(s.dpcs, 1);
    assert_true(gpup_os_now(m.second) >= 5000000);
    assert_int_equal(gpup_os_now(m.first.os), gpup_os_now(m.second));

    assert_false(run(m.first.os, (void *)arm, &s));
    assert_true(run(m.second, (void *)arm, &s)); /* it was armed */
    assert_true(run(m.first.os, (void *)cancel, &s));
    assert_int_equal(gpup_os_advance(m.second, 20000000), GPUP_RAN_RETURNED);
    assert_int_equal(s.dpcs, 1);

    run(m.second, (void *)queue, &s);
    assert_int_equal((NTSTATUS)run(m.first.os, (void *)wait, &s), STATUS_SUCCESS);
    assert_int_equal(s.dpcs, 2);
    assert_int_equal(m.first.log.count + m.log.count, 0);
    host_close(&m.first);
}

static VOID DDI_CALL later(PVOID argument) {
    struct shared *s = argument;

    KeDelayExecutionThread(KernelMode, FALSE, &(LARGE_INTEGER){.QuadPart = -100000});
    s->registers = MmMapIoSpace((PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)s->bar}, PAGE_SIZE, MmNonCached);
    s->read = READ_REGISTER_ULONG(s->registers);
    s->status = VmbChannelAllocate(s->device, TRUE, &s->channel);
    if (NT_SUCCESS(s->status))
        s->status = VmbServerChannelInitSetVmbusHandle(s->channel, s->vm);
    KeSetEvent(&s->event, 0, FALSE);
}

static NTSTATUS DDI_CALL begin_thread(void *argument) {
    struct shared *s = argument;

    KeInitializeEvent(&s->event, SynchronizationEvent, FALSE);
    return PsCreateSystemThread(&s->thread, 0, NULL, NULL, NULL, later, s);
}

static uint64_t DDI_CALL end_thread(void *argument) {
    struct shared *s = argument;

    MmUnmapIoSpace(s->registers, PAGE_SIZE);
    return ZwClose(s->thread) == STATUS_SUCCESS;
}

static uint64_t DDI_CALL drop_channel(void *argument) {
    VmbChannelCleanup(((struct shared *)argument)->channel);
    return 0;
}

/* A thread of the first adapter's maps the second one's register and opens a channel for it, and the second
 * one's call waits for it; both are the second one's. A call has to do with its own adapter. */
static void threads(void **state) {
    struct machine m;
    struct shared s = {0};

    (void)state;
    open_machine(&m);
    s.bar = bar_of(&m.device[1]);
    s.vm = gpup_vmbus_handle(m.second, 3);
    s.device = gpup_dxgkrnl_physical_device(m.second);
    assert_int_equal((NTSTATUS)run(m.first.os, (void *)begin_thread, &s), STATUS_SUCCESS);
    assert_int_equal((NTSTATUS)run(m.second, (void *)wait, &s), STATUS_SUCCESS);
    assert_int_equal(s.status, STATUS_SUCCESS);
    assert_int_equal(s.read, 101);
    assert_true(run(m.first.os, (void *)end_thread, &s));
    assert_int_equal(count_of(&m.log, GPUP_EVENT_CHANNEL), 2);
    assert_int_equal(m.first.log.count, 0);
    run(m.first.os, (void *)drop_channel, &s);
    assert_int_equal(count_of(&m.first.log, GPUP_EVENT_MISUSE), 1);
    run(m.second, (void *)drop_channel, &s);
    gpup_os_report_left(m.first.os);
    assert_int_equal(count_of(&m.first.log, GPUP_EVENT_LEFT) + count_of(&m.log, GPUP_EVENT_LEFT), 0);
    host_close(&m.first);
}

static NTSTATUS DDI_CALL fall(void *argument) {
    return *(volatile int32_t *)argument;
}

static void dies_as_one(void **state) {
    struct machine m;
    struct gpup_os_call call = {.function = (void *)fall, .count = 1};

    (void)state;
    open_machine(&m);
    assert_int_equal(gpup_os_call(m.second, &call), GPUP_RAN_DEAD);
    assert_int_equal(count_of(&m.log, GPUP_EVENT_FAULT), 1);
    assert_true(gpup_os_dead(m.first.os));
    host_close(&m.first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers),
        cmocka_unit_test(threads),
        cmocka_unit_test(dies_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
