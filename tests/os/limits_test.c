/* Limits of the suite: a driver that comes near one is not accused for it. */
#include "support.h"

#define MANY 600u     /* more than there are stacks */
#define LIMIT 2000u   /* threads: more than there are handles */
#define CROWD 127u    /* a thread or an item for each VF, and more */
#define A_MS (-10000) /* for KeDelayExecutionThread */

struct shared {
    KEVENT event;
    uint32_t steps;
};

static void open(struct host *host, struct shared **shared) {
    host_open(host, true);
    *shared = gpup_arena_alloc(host->arena, sizeof **shared);
}

static void close_with_nothing_left(struct host *host) {
    gpup_os_report_left(host->os);
    assert_int_equal(count_of(&host->log, GPUP_EVENT_LEFT), 0);
    assert_int_equal(count_of(&host->log, GPUP_EVENT_HANG), 0);
    host_close(host);
}

static void DDI_CALL count(PDEVICE_OBJECT device, PVOID context) {
    (void)device;
    ((struct shared *)context)->steps++;
}

static NTSTATUS DDI_CALL queue_many(struct shared *s) {
    LARGE_INTEGER a_ms = {.QuadPart = A_MS};
    PIO_WORKITEM item[MANY];

    for (unsigned i = 0; i < MANY; i++) {
        item[i] = IoAllocateWorkItem(NULL);
        IoQueueWorkItem(item[i], count, DelayedWorkQueue, s);
    }
    while (s->steps < MANY)
        KeDelayExecutionThread(KernelMode, FALSE, &a_ms);
    for (unsigned i = 0; i < MANY; i++)
        IoFreeWorkItem(item[i]);
    return (NTSTATUS)s->steps;
}

/* Items that are queued at once run one after another, each on what stack is free. */
static void work_items(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    open(&host, &s);
    assert_int_equal(host_run(&host, (void *)queue_many, s), MANY);
    close_with_nothing_left(&host);
}

static VOID DDI_CALL waits(PVOID context) {
    struct shared *s = context;

    s->steps++;
    KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS DDI_CALL start_many(struct shared *s) {
    LARGE_INTEGER a_ms = {.QuadPart = A_MS};
    HANDLE thread;
    uint32_t made = 0;

    KeInitializeEvent(&s->event, NotificationEvent, FALSE);
    while (made < LIMIT && NT_SUCCESS(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, waits, s))) {
        ZwClose(thread);
        made++;
    }
    KeDelayExecutionThread(KernelMode, FALSE, &a_ms);
    KeSetEvent(&s->event, 0, FALSE);
    return (NTSTATUS)(s->steps == made ? made : 0);
}

/* Until there is no stack for one more: that is no thread, stands in the trace as an allocation that failed,
 * and nothing is left of it. */
static void threads(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    open(&host, &s);
    uint64_t made = host_run(&host, (void *)start_many, s);
    assert_true(made > 100 && made < LIMIT);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_ALLOC), 1);
    assert_int_equal(logged(&host.log, GPUP_EVENT_ALLOC, 0)->f[GPUP_ALLOC_failed], 1);
    gpup_os_advance(host.os, 1000000);
    close_with_nothing_left(&host);
}

/* A crowd that waits, and a call that polls, with no wait, for what one more work item does. */
static NTSTATUS poll_in_a_crowd(struct shared *s) {
    PIO_WORKITEM item = IoAllocateWorkItem(NULL);
    LARGE_INTEGER a_ms = {.QuadPart = A_MS};

    KeDelayExecutionThread(KernelMode, FALSE, &a_ms);
    IoQueueWorkItem(item, count, DelayedWorkQueue, s);
    while (*(volatile uint32_t *)&s->steps < CROWD + 1)
        KeStallExecutionProcessor(50);
    KeSetEvent(&s->event, 0, FALSE);
    KeDelayExecutionThread(KernelMode, FALSE, &a_ms);
    IoFreeWorkItem(item);
    return (NTSTATUS)s->steps;
}

static NTSTATUS DDI_CALL crowd_of_threads(struct shared *s) {
    HANDLE thread;

    KeInitializeEvent(&s->event, NotificationEvent, FALSE);
    for (unsigned i = 0; i < CROWD; i++)
        if (NT_SUCCESS(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, waits, s)))
            ZwClose(thread);
    return poll_in_a_crowd(s);
}

static void DDI_CALL item_waits(PDEVICE_OBJECT device, PVOID context) {
    struct shared *s = context;

    (void)device;
    s->steps++;
    KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS DDI_CALL crowd_of_items(struct shared *s) {
    PIO_WORKITEM item[CROWD];
    NTSTATUS status;

    KeInitializeEvent(&s->event, NotificationEvent, FALSE);
    for (unsigned i = 0; i < CROWD; i++) {
        item[i] = IoAllocateWorkItem(NULL);
        IoQueueWorkItem(item[i], item_waits, DelayedWorkQueue, s);
    }
    status = poll_in_a_crowd(s);
    for (unsigned i = 0; i < CROWD; i++)
        IoFreeWorkItem(item[i]);
    return status;
}

static void crowd_polls(void *routine) {
    struct host host;
    struct shared *s;

    open(&host, &s);
    assert_int_equal(host_run(&host, routine, s), CROWD + 1);
    gpup_os_advance(host.os, 1000000);
    close_with_nothing_left(&host);
}

static void crowds(void **state) {
    (void)state;
    crowd_polls((void *)crowd_of_threads);
    crowd_polls((void *)crowd_of_items);
}

/* What is granted is what the caller may make the driver wait for. */
static void patience(void **state) {
    struct host host;
    struct shared *s;

    (void)state;
    open(&host, &s);
    assert_int_equal(gpup_os_patience(host.os, 400000000000), 400000000000);
    assert_int_equal(gpup_os_patience(host.os, 400000000000), 200000000000);
    assert_int_equal(gpup_os_patience(host.os, 1), 0);
    close_with_nothing_left(&host);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(work_items), cmocka_unit_test(threads),
                                       cmocka_unit_test(crowds), cmocka_unit_test(patience)};

    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
