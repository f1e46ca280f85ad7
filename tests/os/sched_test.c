/* Calls, waits, threads, timers, DPCs, preemption, snapshots. */
#include "support.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct shared {
    KEVENT event, done;
    KTIMER timer;
    KDPC dpc[3];
    KSPIN_LOCK lock;
    FAST_MUTEX mutex;
    HANDLE thread;
    PVOID object;
    PIO_WORKITEM item;
    uint32_t steps, order[8];
    volatile uint32_t counter;
};

static LARGE_INTEGER ms(LONGLONG count) {
    return (LARGE_INTEGER){.QuadPart = -10000 * count};
}

static NTSTATUS DDI_CALL nothing(void *argument) {
    (void)argument;
    return 0x1234;
}

static void empty_call(void **state) {
    struct host host;

    (void)state;
    host_open(&host, true);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(host_run(&host, (void *)nothing, NULL), 0x1234);
    assert_int_equal(host.log.count, 0);
    host_close(&host);
}

__attribute__((noinline, no_sanitize("address"))) static uint64_t DDI_CALL dirty_stack(void *p) {
    volatile uint8_t frame[3000];

    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = p ? 1 : 0x11;
    return frame[2999];
}

/* Looks at stack memory that no one of this run has written. */
__attribute__((noinline, no_sanitize("address"))) static uint64_t DDI_CALL look_below(void *p) {
    volatile uint8_t *here = __builtin_frame_address(0);
    uint64_t same = p == NULL;

    for (int i = 600; i < 2500; i++)
        same &= here[-i] == 0xA5;
    return same;
}

static void stack_fill(void **state) {
    struct host host;

    (void)state;
    host_open(&host, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(host_run(&host, (void *)dirty_stack, NULL), 0x11);
        assert_int_equal(host_run(&host, (void *)look_below, NULL), 1);
    }
    host_close(&host);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number) {
    alarms += number == SIGUSR2;
}

/* Somewhere the first page of the stack has less left than the kernel needs to call a handler. */
__attribute__((noinline, no_sanitize("address"))) static uint64_t DDI_CALL interrupted(void *depth) {
    volatile uint8_t *frame = __builtin_alloca((size_t)(uintptr_t)depth);

    frame[0] = 0x17;
    raise(SIGUSR2);
    return frame[0];
}

/* An alarm of the process, as fuzzing engines and profilers have them, is no fault of the driver. */
static void signal_of_the_process(void **state) {
    struct sigaction before, mine = {.sa_handler = on_alarm};
    struct host host;

    (void)state;
    assert_int_equal(sigaction(SIGUSR2, &mine, &before), 0);
    for (uintptr_t depth = 64; depth < 4096; depth += 192) {
        host_open(&host, true);
        alarms = 0;
        assert_int_equal(host_run(&host, (void *)interrupted, (void *)depth),
                         0x17); // NOLINT(performance-no-int-to-ptr)
        assert_int_equal(alarms, 1);
        host_close(&host);
    }
    sigaction(SIGUSR2, &before, NULL);
}

static uint64_t DDI_CALL eight(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
                               uint64_t g, uint64_t h) {
    volatile double x = 1.5; /* XMM registers survive a switch */
    double y = x * (double)a;
    LARGE_INTEGER wait = ms(1);

    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    return y * 2 == 3.0 * (double)a ? a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h : 0;
}

static void arguments(void **state) {
    struct host host;
    struct gpup_os_call call = {.function = (void *)eight, .args = {1, 2, 3, 4, 5, 6, 7, 8}, .count = 8};

    (void)state;
    host_open(&host, true);
    assert_int_equal(gpup_os_call(host.os, &call), GPUP_RAN_RETURNED);
    assert_int_equal(call.result, 204);
    assert_int_equal(call.irql, PASSIVE_LEVEL);
    assert_int_equal(gpup_os_now(host.os), 1000000);
    host_close(&host);
}

static void DDI_CALL waiter(void *context) {
    struct shared *s = context;

    KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, NULL);
    s->steps |= 1;
    KeSetEvent(&s->done, 0, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
    s->steps |= 0x80; /* not reached */
}

static NTSTATUS DDI_CALL start_thread(struct shared *s) {
    KeInitializeEvent(&s->event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&s->done, NotificationEvent, FALSE);
    return PsCreateSystemThread(&s->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, waiter, s);
}

static NTSTATUS DDI_CALL join_thread(struct shared *s) {
    NTSTATUS status = ObReferenceObjectByHandle(s->thread, SYNCHRONIZE, NULL, KernelMode, &s->object, NULL);

    ZwClose(s->thread);
    KeSetEvent(&s->event, 0, FALSE);
    KeWaitForSingleObject(s->object, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(s->object);
    return status;
}

static void threads(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    host_open(&host, true);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    assert_int_equal(host_run(&host, (void *)start_thread, s), 0);
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 2); /* the thread and its handle */
    assert_int_equal(host_run(&host, (void *)join_thread, s), 0);
    assert_int_equal(s->steps, 1);
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 2);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 0);
    host_close(&host);
}

static NTSTATUS DDI_CALL wait_for_ever(struct shared *s) {
    KeInitializeEvent(&s->event, NotificationEvent, FALSE);
    return KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS DDI_CALL wait_a_while(struct shared *s) {
    LARGE_INTEGER timeout = ms(5);

    KeInitializeEvent(&s->event, NotificationEvent, FALSE);
    return KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, &timeout);
}

static NTSTATUS DDI_CALL poll_for_ever(struct shared *s) {
    while (!s->counter)
        KeStallExecutionProcessor(10);
    return 0;
}

static void deadlock(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    host_open(&host, true);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    assert_int_equal((uint32_t)host_run(&host, (void *)wait_a_while, s), STATUS_TIMEOUT);
    assert_int_equal(gpup_os_now(host.os), 5000000);
    assert_int_equal(host_try(&host, (void *)wait_for_ever, s), GPUP_RAN_DEAD);
    assert_int_equal(logged(&host.log, GPUP_EVENT_HANG, 0)->f[GPUP_HANG_cause], GPUP_HANG_WAIT);
    assert_true(gpup_os_dead(host.os));
    assert_int_equal(host_try(&host, (void *)nothing, s), GPUP_RAN_DEAD);
    host_close(&host);
    host_open(&host, true);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    assert_int_equal(host_try(&host, (void *)poll_for_ever, s), GPUP_RAN_DEAD);
    assert_int_equal(logged(&host.log, GPUP_EVENT_HANG, 0)->f[GPUP_HANG_cause], GPUP_HANG_TIME);
    host_close(&host);
}

static void DDI_CALL note(PKDPC dpc, PVOID context, PVOID a, PVOID b) {
    struct shared *s = context;

    (void)b;
    s->order[s->steps++ & 7] = (uint32_t)(uintptr_t)a + (dpc == &s->dpc[2] ? 100 : 0);
    if (KeGetCurrentIrql() != DISPATCH_LEVEL)
        s->order[7] = 99;
    s->counter = 1;
}

static NTSTATUS DDI_CALL queue_dpcs(struct shared *s) {
    for (int i = 0; i < 3; i++)
        KeInitializeDpc(&s->dpc[i], note, s);
    KeInitializeTimerEx(&s->timer, NotificationTimer);
    KeInsertQueueDpc(&s->dpc[0], (void *)1, NULL);
    if (KeInsertQueueDpc(&s->dpc[0], (void *)9, NULL))
        return -1;
    KeInsertQueueDpc(&s->dpc[1], (void *)2, NULL);
    KeSetTimerEx(&s->timer, ms(2), 3, &s->dpc[2]);
    return s->steps == 0 ? 0 : -1; /* run to completion: none ran yet */
}

static NTSTATUS DDI_CALL cancel(struct shared *s) {
    return KeCancelTimer(&s->timer);
}

/* More than the ring has room for at first, after it has turned a little. */
#define MANY_DPCS 700u
struct many {
    KDPC dpc[MANY_DPCS];
    uint32_t ran, misplaced;
};

static void DDI_CALL one_of_many(PKDPC dpc, PVOID context, PVOID a, PVOID b) {
    struct many *m = context;

    (void)b;
    m->misplaced += dpc != &m->dpc[(uintptr_t)a] || (uintptr_t)a != m->ran % MANY_DPCS;
    m->ran++;
}

static NTSTATUS DDI_CALL queue_some(struct many *m, uint64_t count) {
    for (uintptr_t i = 0; i < count; i++) {
        KeInitializeDpc(&m->dpc[i], one_of_many, m);
        KeInsertQueueDpc(&m->dpc[i], (void *)i, NULL); // NOLINT(performance-no-int-to-ptr)
    }
    return STATUS_SUCCESS;
}

static void many_dpcs(void **state) {
    struct host host;

    (void)state;
    host_open(&host, false);
    struct many *m = gpup_arena_alloc(host.arena, sizeof *m);
    for (uint64_t count = 100; count <= MANY_DPCS; count += 600) {
        struct gpup_os_call call = {
            .function = (void *)queue_some, .count = 2, .args = {(uintptr_t)m, count}};
        m->ran = 0;
        assert_int_equal(gpup_os_call(host.os, &call), GPUP_RAN_RETURNED);
        gpup_os_advance(host.os, 10000000);
        assert_int_equal(m->ran, count);
    }
    assert_int_equal(m->misplaced, 0);
    host_close(&host);
}

static void DDI_CALL works_each_ms(void *context) {
    struct shared *s = context;
    LARGE_INTEGER wait = ms(1);

    while (KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, &wait) == STATUS_TIMEOUT) {
        void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 0x68636165);

        s->steps += block != NULL;
        ExFreePoolWithTag(block, 0x68636165);
    }
    KeSetEvent(&s->done, 0, FALSE);
}

static NTSTATUS DDI_CALL start_worker(struct shared *s) {
    KeInitializeEvent(&s->event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&s->done, NotificationEvent, FALSE);
    return PsCreateSystemThread(&s->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, works_each_ms, s);
}

/* What a thread does every now and then is no endless loop, however long time goes by. */
static void long_time(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    host_open(&host, false);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    assert_int_equal(host_run(&host, (void *)start_worker, s), STATUS_SUCCESS);
    assert_int_equal(gpup_os_advance(host.os, 150000000000u), GPUP_RAN_RETURNED);
    assert_in_range(s->steps, 140000, 150000);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_HANG), 0);
    host_close(&host);
}

static void dpcs_and_timers(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    host_open(&host, true);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    assert_int_equal(host_run(&host, (void *)queue_dpcs, s), 0);
    assert_int_equal(s->steps, 2);
    assert_int_equal(s->order[0], 1);
    assert_int_equal(s->order[1], 2);
    gpup_os_advance(host.os, 1900000);
    assert_int_equal(s->steps, 2);
    gpup_os_advance(host.os, 6200000); /* due at 2, 5 and 8 ms */
    assert_int_equal(s->steps, 5);
    assert_int_equal(s->order[2], 100);
    assert_int_equal(s->order[7], 0);
    gpup_os_report_left(host.os);
    assert_int_equal(logged(&host.log, GPUP_EVENT_LEFT, 0)->f[GPUP_LEFT_kind], GPUP_OBJECT_TIMER);
    assert_int_equal(host_run(&host, (void *)cancel, s) & 0xFF, 1);
    gpup_os_advance(host.os, 10000000);
    assert_int_equal(s->steps, 5);
    /* a polling loop lets the timer's DPC in */
    s->counter = 0;
    assert_int_equal(host_run(&host, (void *)queue_dpcs, s) & 1, 1);
    s->counter = 0;
    assert_int_equal(host_run(&host, (void *)poll_for_ever, s), 0);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_HANG), 0);
    host_close(&host);
}

static void DDI_CALL work(PDEVICE_OBJECT device, PVOID context) {
    struct shared *s = context;

    (void)device;
    s->steps++;
    KeSetEvent(&s->event, 0, FALSE);
}

static NTSTATUS DDI_CALL work_items(struct shared *s) {
    KeInitializeEvent(&s->event, SynchronizationEvent, FALSE);
    s->item = IoAllocateWorkItem(NULL);
    IoQueueWorkItem(s->item, work, DelayedWorkQueue, s);
    IoQueueWorkItem(s->item, work, DelayedWorkQueue, s); /* misuse */
    KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, NULL);
    IoQueueWorkItem(s->item, work, DelayedWorkQueue, s);
    KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(s->item);
    return (NTSTATUS)s->steps;
}

static void works(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    host_open(&host, true);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    assert_int_equal(host_run(&host, (void *)work_items, s), 2);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 1);
    assert_int_equal(logged(&host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_STATE);
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 0);
    host_close(&host);
}

/* Two threads add under a lock; a third order shows in `order` by who was first. */
static void DDI_CALL adder(void *context) {
    struct shared *s = context;

    for (int i = 0; i < 50; i++) {
        KIRQL irql;
        uint32_t value;

        KeAcquireSpinLock(&s->lock, &irql);
        value = s->counter;
        KeGetCurrentThread(); /* a place to be preempted */
        s->counter = value + 1;
        KeReleaseSpinLock(&s->lock, irql);
        s->order[0] = s->order[0] * 31 + (uint32_t)(uintptr_t)PsGetCurrentThreadId();
    }
    InterlockedIncrement((LONG volatile *)&s->steps);
}

static NTSTATUS DDI_CALL add_concurrently(struct shared *s) {
    LARGE_INTEGER wait = ms(1);

    KeInitializeSpinLock(&s->lock);
    s->counter = s->steps = s->order[0] = 0;
    for (int i = 0; i < 2; i++) {
        PsCreateSystemThread(&s->thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, adder, s);
        ZwClose(s->thread);
    }
    while (s->steps < 2)
        KeDelayExecutionThread(KernelMode, FALSE, &wait);
    return (NTSTATUS)s->order[0];
}

static uint32_t preempted(uint64_t seed, uint8_t preempt) {
    struct host host;
    struct gpup_os_config config;
    struct shared *s;
    uint32_t order;

    host_open(&host, true);
    gpup_arena_reset(host.arena);
    config = host_config(&host);
    config.seed = seed;
    config.preempt = preempt;
    host.os = gpup_os_new(&config);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    order = (uint32_t)host_run(&host, (void *)add_concurrently, s);
    assert_int_equal(s->counter, 100);
    assert_int_equal(host.log.count, 0);
    host_close(&host);
    return order;
}

static void preemption(void **state) {
    uint32_t calm = preempted(1, 0), one = preempted(1, 128), two = preempted(2, 128);

    (void)state;
    assert_int_equal(one, preempted(1, 128));
    assert_int_equal(calm, preempted(2, 0));
    assert_int_not_equal(one, two);
    assert_int_not_equal(one, calm);
}

static NTSTATUS DDI_CALL misuse(struct shared *s) {
    KIRQL irql;
    LARGE_INTEGER wait = ms(1);
    KEVENT copy;

    KeInitializeSpinLock(&s->lock);
    KeInitializeEvent(&s->event, NotificationEvent, TRUE);
    copy = s->event;
    KeReadStateEvent(&copy); /* not initialised at this address */
    KeReleaseSpinLock(&s->lock, PASSIVE_LEVEL);
    KeAcquireSpinLock(&s->lock, &irql);
    KeDelayExecutionThread(KernelMode, FALSE, &wait);
    return 0; /* with the lock held */
}

static void misuses(void **state) {
    struct host host;
    struct shared *s;
    struct gpup_os_call call = {.function = (void *)misuse, .count = 1};

    (void)state;
    host_open(&host, true);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    call.args[0] = (uint64_t)(uintptr_t)s;
    assert_int_equal(gpup_os_call(host.os, &call), GPUP_RAN_RETURNED);
    assert_int_equal(call.irql, DISPATCH_LEVEL);
    assert_int_equal(call.locks, 1);
    assert_int_equal(logged(&host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_OBJECT);
    assert_int_equal(logged(&host.log, GPUP_EVENT_MISUSE, 1)->f[GPUP_MISUSE_what], GPUP_MISUSE_IRQL);
    assert_int_equal(logged(&host.log, GPUP_EVENT_MISUSE, 2)->f[GPUP_MISUSE_what], GPUP_MISUSE_LOCK);
    assert_int_equal(logged(&host.log, GPUP_EVENT_MISUSE, 3)->f[GPUP_MISUSE_what], GPUP_MISUSE_IRQL);
    assert_string_equal(host.log.text[3], "KeDelayExecutionThread");
    host_close(&host);
}

static NTSTATUS DDI_CALL lock_twice(struct shared *s) {
    KIRQL irql;

    KeInitializeSpinLock(&s->lock);
    KeAcquireSpinLock(&s->lock, &irql);
    KeAcquireSpinLockAtDpcLevel(&s->lock);
    return 0;
}

static void self_deadlock(void **state) {
    struct host host;

    (void)state;
    host_open(&host, true);
    assert_int_equal(host_try(&host, (void *)lock_twice, gpup_arena_alloc(host.arena, sizeof(struct shared))),
                     GPUP_RAN_DEAD);
    assert_int_equal(logged(&host.log, GPUP_EVENT_HANG, 0)->f[GPUP_HANG_cause], GPUP_HANG_WAIT);
    host_close(&host);
}

static void snapshot(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    host_open(&host, true);
    s = gpup_arena_alloc(host.arena, sizeof *s);
    host_run(&host, (void *)start_thread, s); /* now it is parked in its wait */
    assert_true(gpup_arena_snapshot(host.arena));
    for (int i = 0; i < 50; i++) {
        assert_int_equal(s->steps, 0);
        host_run(&host, (void *)join_thread, s);
        assert_int_equal(s->steps, 1);
        if (i % 2)
            assert_int_equal(host_try(&host, (void *)wait_for_ever, s), GPUP_RAN_DEAD);
        gpup_arena_restore(host.arena);
        assert_false(gpup_os_dead(host.os));
    }
    host_close(&host);
}

static void two_hosts(void **state) {
    struct host host;
    struct gpup_os_config config;
    struct gpup_os *os[2];
    struct shared *s[2];

    (void)state;
    host_open(&host, true);
    config = host_config(&host);
    for (int i = 0; i < 2; i++) {
        config.host = (uint32_t)i;
        os[i] = gpup_os_new(&config);
        s[i] = gpup_arena_alloc(host.arena, sizeof **s);
        host.os = os[i];
        host_run(&host, (void *)start_thread, s[i]);
    }
    for (int i = 1; i >= 0; i--) {
        host.os = os[i];
        host_run(&host, (void *)join_thread, s[i]);
        assert_int_equal(s[i]->steps, 1);
        assert_int_equal(s[0]->steps, i == 0);
    }
    gpup_os_advance(os[0], 5000);
    assert_true(gpup_os_now(os[0]) > gpup_os_now(os[1]));
    host_close(&host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_call),
        cmocka_unit_test(arguments),
        cmocka_unit_test(threads),
        cmocka_unit_test(deadlock),
        cmocka_unit_test(works),
        cmocka_unit_test(long_time),
        cmocka_unit_test(dpcs_and_timers),
        cmocka_unit_test(many_dpcs),
        cmocka_unit_test(preemption),
        cmocka_unit_test(misuses),
        cmocka_unit_test(self_deadlock),
        cmocka_unit_test(snapshot),
        cmocka_unit_test(two_hosts),
        cmocka_unit_test(stack_fill),
        cmocka_unit_test(signal_of_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
