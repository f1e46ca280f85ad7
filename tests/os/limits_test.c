/* Limits of the suite: a driver that comes near one is not accused for it. */
#include "support.h"

#define MANY 600u     /* more than there are stacks */
#define LIMIT 2000u   /* threads: more than there are handles */
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

static void DDI_CALL work(PDEVICE_OBJECT device, PVOID context) {
    struct shared *s = context;

    (void)device;
    s->steps++;
    KeSetEvent(&s->event, 0, FALSE);
}

static NTSTATUS DDI_CALL queue_many(struct shared *s) {
    PIO_WORKITEM item[MANY];

    KeInitializeEvent(&s->event, SynchronizationEvent, FALSE);
    for (unsigned i = 0; i < MANY; i++) {
        item[i] = IoAllocateWorkItem(NULL);
        IoQueueWorkItem(item[i], work, DelayedWorkQueue, s);
    }
    while (s->steps < MANY)
        KeWaitForSingleObject(&s->event, Executive, KernelMode, FALSE, NULL);
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
    LARGE_INTEGER while_they_start = {.QuadPart = A_MS};
    HANDLE thread;
    uint32_t made = 0;

    KeInitializeEvent(&s->event, NotificationEvent, FALSE);
    while (made < LIMIT && NT_SUCCESS(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, waits, s))) {
        ZwClose(thread);
        made++;
    }
    KeDelayExecutionThread(KernelMode, FALSE, &while_they_start);
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
                                       cmocka_unit_test(patience)};

    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
