/* Kinds of locks, and who takes them: mutexes, resources, readers and writers, threads, calls that nothing
 * overlaps; and a lock that its holder takes again. */
#include "locks_trial.h"

/* --- other kinds */

static VOID DDI_CALL mutex_ab(struct room *r) {
    KeWaitForSingleObject(&r->mutex[0], Executive, KernelMode, FALSE, NULL);
    KeWaitForSingleObject(&r->mutex[1], Executive, KernelMode, FALSE, NULL);
    KeReleaseMutex(&r->mutex[1], FALSE);
    KeReleaseMutex(&r->mutex[0], FALSE);
}
static void mutex_ba_for(struct room *r, PLARGE_INTEGER timeout) {
    KeWaitForSingleObject(&r->mutex[1], Executive, KernelMode, FALSE, NULL);
    if (KeWaitForSingleObject(&r->mutex[0], Executive, KernelMode, FALSE, timeout) == STATUS_SUCCESS)
        KeReleaseMutex(&r->mutex[0], FALSE);
    KeReleaseMutex(&r->mutex[1], FALSE);
}
static VOID DDI_CALL mutex_ba(struct room *r) {
    mutex_ba_for(r, NULL);
}
static VOID DDI_CALL mutex_ba_timed(struct room *r) {
    LARGE_INTEGER soon = {.QuadPart = -10};

    mutex_ba_for(r, &soon);
}
static VOID DDI_CALL mutex_both(struct room *r) { /* at once: neither is held while the other is awaited */
    void *both[2] = {&r->mutex[1], &r->mutex[0]};

    KeWaitForMultipleObjects(2, both, WaitAll, Executive, KernelMode, FALSE, NULL, NULL);
    KeReleaseMutex(&r->mutex[1], FALSE);
    KeReleaseMutex(&r->mutex[0], FALSE);
}
static VOID DDI_CALL mutex_twice(struct room *r) { /* allowed, and no order with itself */
    for (int i = 0; i < 3; i++)
        KeWaitForSingleObject(&r->mutex[0], Executive, KernelMode, FALSE, NULL);
    KeWaitForSingleObject(&r->mutex[1], Executive, KernelMode, FALSE, NULL);
    KeWaitForSingleObject(&r->mutex[0], Executive, KernelMode, FALSE, NULL);
    for (int i = 0; i < 4; i++)
        KeReleaseMutex(&r->mutex[0], FALSE);
    KeReleaseMutex(&r->mutex[1], FALSE);
}

static VOID DDI_CALL resource_ab(struct room *r) {
    ExAcquireResourceExclusiveLite(&r->resource[0], TRUE);
    ExAcquireResourceSharedLite(&r->resource[1], TRUE);
    ExAcquireResourceSharedLite(&r->resource[0], TRUE); /* its own: once more */
    ExReleaseResourceLite(&r->resource[0]);
    ExReleaseResourceLite(&r->resource[1]);
    ExReleaseResourceLite(&r->resource[0]);
}
static void resource_ba_by(struct room *r, bool alone, BOOLEAN wait) {
    bool got;

    if (alone)
        ExAcquireResourceExclusiveLite(&r->resource[1], TRUE);
    else
        ExAcquireResourceSharedLite(&r->resource[1], TRUE);
    got = ExAcquireResourceSharedLite(&r->resource[0], wait);
    if (got)
        ExReleaseResourceLite(&r->resource[0]);
    ExReleaseResourceLite(&r->resource[1]);
}
static VOID DDI_CALL resource_ba(struct room *r) {
    resource_ba_by(r, true, TRUE);
}
static VOID DDI_CALL resource_ba_reading(struct room *r) { /* who reads 1 does not hinder who reads 1 */
    resource_ba_by(r, false, TRUE);
}
static VOID DDI_CALL resource_ba_trying(struct room *r) {
    resource_ba_by(r, true, FALSE);
}
static VOID DDI_CALL resource_converted(struct room *r) { /* alone first, shared when 0 is wanted */
    ExAcquireResourceExclusiveLite(&r->resource[1], TRUE);
    ExConvertExclusiveToSharedLite(&r->resource[1]);
    ExAcquireResourceSharedLite(&r->resource[0], TRUE);
    ExReleaseResourceLite(&r->resource[0]);
    ExReleaseResourceLite(&r->resource[1]);
}

static VOID DDI_CALL shared_ab(struct room *r) {
    KIRQL irql = ExAcquireSpinLockShared(&r->shared[0]);

    ExAcquireSpinLockExclusiveAtDpcLevel(&r->shared[1]);
    ExReleaseSpinLockExclusiveFromDpcLevel(&r->shared[1]);
    ExReleaseSpinLockShared(&r->shared[0], irql);
}
static VOID DDI_CALL shared_ba(struct room *r) {
    KIRQL irql = ExAcquireSpinLockShared(&r->shared[1]);

    ExAcquireSpinLockSharedAtDpcLevel(&r->shared[0]);
    ExReleaseSpinLockSharedFromDpcLevel(&r->shared[0]);
    ExReleaseSpinLockShared(&r->shared[1], irql);
}
static VOID DDI_CALL alone_ba(struct room *r) {
    KIRQL irql = ExAcquireSpinLockExclusive(&r->shared[1]);

    ExAcquireSpinLockExclusiveAtDpcLevel(&r->shared[0]);
    ExReleaseSpinLockExclusiveFromDpcLevel(&r->shared[0]);
    ExReleaseSpinLockExclusive(&r->shared[1], irql);
}
static VOID DDI_CALL alone_then_shared_ab(struct room *r) {
    KIRQL irql = ExAcquireSpinLockExclusive(&r->shared[0]);

    ExAcquireSpinLockSharedAtDpcLevel(&r->shared[1]);
    ExReleaseSpinLockSharedFromDpcLevel(&r->shared[1]);
    ExReleaseSpinLockExclusive(&r->shared[0], irql);
}
static VOID DDI_CALL converted_ba(struct room *r) {
    KIRQL irql = ExAcquireSpinLockShared(&r->shared[1]);

    if (ExTryConvertSharedSpinLockExclusive(&r->shared[1])) {
        ExAcquireSpinLockExclusiveAtDpcLevel(&r->shared[0]);
        ExReleaseSpinLockExclusiveFromDpcLevel(&r->shared[0]);
    }
    ExReleaseSpinLockExclusive(&r->shared[1], irql);
}

/* One after the other is no order, whichever comes first. */
static void in_turn(struct room *r, unsigned which) {
    KIRQL irql;

    KeWaitForSingleObject(&r->mutex[which], Executive, KernelMode, FALSE, NULL);
    KeReleaseMutex(&r->mutex[which], FALSE);
    ExAcquireResourceExclusiveLite(&r->resource[which], TRUE);
    ExReleaseResourceLite(&r->resource[which]);
    ExAcquireFastMutex(&r->fast[which]);
    ExReleaseFastMutex(&r->fast[which]);
    KeAcquireSpinLock(&r->spin[which], &irql);
    KeReleaseSpinLock(&r->spin[which], irql);
    irql = ExAcquireSpinLockShared(&r->shared[which]);
    ExReleaseSpinLockShared(&r->shared[which], irql);
    irql = ExAcquireSpinLockExclusive(&r->shared[which]);
    ExReleaseSpinLockExclusive(&r->shared[which], irql);
}
static VOID DDI_CALL in_turn_ab(struct room *r) {
    in_turn(r, 0);
    in_turn(r, 1);
}
static VOID DDI_CALL in_turn_ba(struct room *r) {
    in_turn(r, 1);
    in_turn(r, 0);
}

static VOID DDI_CALL all_ab(struct room *r) {
    mutex_ab(r);
    resource_ab(r);
    ExAcquireFastMutex(&r->fast[0]);
    ExAcquireFastMutexUnsafe(&r->fast[1]);
    ExReleaseFastMutexUnsafe(&r->fast[1]);
    ExReleaseFastMutex(&r->fast[0]);
}
static VOID DDI_CALL all_new(struct room *r) {
    KeInitializeMutex(&r->mutex[0], 0);
    ExReinitializeResourceLite(&r->resource[0]);
    KeInitializeEvent(&r->fast[0].Event, SynchronizationEvent, FALSE); /* as the WDK does it in line */
}
static VOID DDI_CALL all_ba(struct room *r) {
    mutex_ba(r);
    resource_ba(r);
    ExAcquireFastMutex(&r->fast[1]);
    ExAcquireFastMutexUnsafe(&r->fast[0]);
    ExReleaseFastMutexUnsafe(&r->fast[0]);
    ExReleaseFastMutex(&r->fast[1]);
}

/* --- a deadlock that does happen */

static void fast_two(PFAST_MUTEX first, PFAST_MUTEX second) {
    LARGE_INTEGER soon = {.QuadPart = -10000};

    ExAcquireFastMutex(first);
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
    ExAcquireFastMutex(second);
    ExReleaseFastMutex(second);
    ExReleaseFastMutex(first);
}
static VOID DDI_CALL fast_ba(PVOID context) {
    struct room *r = context;

    fast_two(&r->fast[1], &r->fast[0]);
}
static VOID DDI_CALL deadlock(struct room *r) {
    HANDLE handle;

    if (NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, fast_ba, r)))
        ZwClose(handle);
    fast_two(&r->fast[0], &r->fast[1]);
}

/* --- threads of the driver's own */

static VOID DDI_CALL both_orders(PVOID context) {
    ab(context);
    ba(context);
}
static VOID DDI_CALL one_thread(struct room *r) {
    HANDLE handle;
    PVOID thread;

    if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, both_orders, r)))
        return;
    ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(thread);
    ZwClose(handle);
}

static VOID DDI_CALL ab_and_wait(PVOID context) {
    struct room *r = context;

    ab(r);
    KeWaitForSingleObject(&r->done, Executive, KernelMode, FALSE, NULL);
}
static VOID DDI_CALL two_threads(struct room *r) { /* at the same time */
    HANDLE handle[2];
    LARGE_INTEGER soon = {.QuadPart = -10000};

    PsCreateSystemThread(&handle[0], THREAD_ALL_ACCESS, NULL, NULL, NULL, ab_and_wait, r);
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
    PsCreateSystemThread(&handle[1], THREAD_ALL_ACCESS, NULL, NULL, NULL, both_orders, r);
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
    KeSetEvent(&r->done, 0, FALSE);
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
    ZwClose(handle[0]);
    ZwClose(handle[1]);
}

static VOID DDI_CALL ab_in_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
    (void)dpc;
    (void)argument1;
    (void)argument2;
    ab(context);
}
static VOID DDI_CALL both_by_timer(struct room *r) {
    KeInitializeDpc(&r->dpc, ab_in_dpc, r);
    KeInsertQueueDpc(&r->dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}

/* --- recursion */

static VOID DDI_CALL spin_twice(struct room *r) {
    KIRQL irql;

    KeAcquireSpinLock(&r->spin[0], &irql);
    KeAcquireSpinLockAtDpcLevel(&r->spin[0]);
}
static VOID DDI_CALL queued_twice(struct room *r) {
    KLOCK_QUEUE_HANDLE outer, inner;

    KeAcquireInStackQueuedSpinLock(&r->spin[0], &outer);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&r->spin[0], &inner);
}
static VOID DDI_CALL guarded_twice(struct room *r) {
    KeAcquireGuardedMutex(&r->fast[0]);
    KeAcquireGuardedMutex(&r->fast[0]);
}
static VOID DDI_CALL alone_twice(struct room *r) {
    ExAcquireSpinLockExclusive(&r->shared[0]);
    ExAcquireSpinLockExclusiveAtDpcLevel(&r->shared[0]);
}
static VOID DDI_CALL alone_then_shared(struct room *r) {
    ExAcquireSpinLockExclusive(&r->shared[0]);
    ExAcquireSpinLockSharedAtDpcLevel(&r->shared[0]);
}
static VOID DDI_CALL shared_then_alone(struct room *r) {
    ExAcquireSpinLockShared(&r->shared[0]);
    ExAcquireSpinLockExclusiveAtDpcLevel(&r->shared[0]);
}
static VOID DDI_CALL
shared_twice(struct room *r) { /* not allowed, and yet it comes back where nobody waits */
    KIRQL irql = ExAcquireSpinLockShared(&r->shared[0]);

    ExAcquireSpinLockSharedAtDpcLevel(&r->shared[0]);
    ExReleaseSpinLockSharedFromDpcLevel(&r->shared[0]);
    ExReleaseSpinLockShared(&r->shared[0], irql);
}
static VOID DDI_CALL try_own(struct room *r) { /* none of these waits */
    KIRQL irql;

    ExAcquireFastMutex(&r->fast[0]);
    if (ExTryToAcquireFastMutex(&r->fast[0]))
        ExReleaseFastMutex(&r->fast[0]);
    ExReleaseFastMutex(&r->fast[0]);
    KeAcquireSpinLock(&r->spin[0], &irql);
    KeTryToAcquireSpinLockAtDpcLevel(&r->spin[0]);
    KeReleaseSpinLock(&r->spin[0], irql);
}

static void given_back(void **state) {
    struct trial t;

    (void)state;
    SILENT(in_turn_ab, in_turn_ba, NULL);
    SILENT(all_ab, all_new, all_ba);
    begin(&t);
    call(&t, all_ab, "First");
    call(&t, all_ba, "Second");
    assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), 3);
    host_close(&t.host);
}

static void really(void **state) {
    struct trial t;
    const struct gpup_event *hang;

    (void)state;
    begin(&t);
    assert_int_equal(call(&t, deadlock, "First"), GPUP_RAN_DEAD);
    assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), 1);
    hang = logged(&t.host.log, GPUP_EVENT_HANG, 0);
    assert_non_null(hang);
    assert_true(logged(&t.host.log, GPUP_EVENT_MISUSE, 0) < hang);
    host_close(&t.host);
}

static void trying(void **state) {
    (void)state;
    SILENT(mutex_ab, mutex_ba_timed, NULL);
    SILENT(resource_ab, resource_ba_trying, NULL);
}

static void other_kinds(void **state) {
    (void)state;
    TOLD(mutex_ab, mutex_ba, NULL);
    SILENT(mutex_ab, mutex_both, NULL);
    SILENT(mutex_twice, mutex_twice, NULL);
    TOLD(resource_ab, resource_ba, NULL);
    SILENT(resource_ab, resource_ba_reading, NULL);
    SILENT(resource_ab, resource_converted, NULL);
    SILENT(shared_ba, shared_ba, NULL);
    TOLD(shared_ab, alone_ba, NULL);
    TOLD(shared_ab, converted_ba, NULL);
    TOLD(alone_then_shared_ab, converted_ba, NULL);
    SILENT(alone_then_shared_ab, shared_ba, NULL);
    SILENT(shared_ab, shared_ba, NULL); /* who wants 0 shares it with who holds it */
}

static void one_thread_alone(void **state) {
    (void)state;
    SILENT(one_thread, NULL, NULL);
    TOLD(one_thread, ba, NULL);           /* another comes */
    SILENT(one_thread, one_thread, NULL); /* there is one at a time */
    TOLD(two_threads, NULL, NULL);
}

/* Start, stop and the like: nothing else is in the driver, but its own routines. */
static void alone(void **state) {
    static const struct {
        bool first, second;
        part one, two;
        unsigned told;
    } cases[] = {{false, false, ab, ba, 1},
                 {true, false, ab, ba, 0},
                 {false, true, ab, ba, 0},
                 {true, true, ab, ba, 0},
                 {true, false, ba, both_by_timer, 1}};

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial t;

        begin(&t);
        t.alone = cases[i].first;
        call(&t, cases[i].one, "First");
        t.alone = cases[i].second;
        call(&t, cases[i].two, "Second");
        assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), cases[i].told);
        t.alone = false; /* as a call that may overlap, once more */
        call(&t, ab, "Third");
        call(&t, ba, "Fourth");
        assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), 1);
        host_close(&t.host);
    }
}

static void recursion(void **state) {
    static const struct {
        part what;
        const char *service;
        bool returns;
    } trials[] = {{spin_twice, "KeAcquireSpinLockAtDpcLevel:", false},
                  {queued_twice, "KeAcquireInStackQueuedSpinLockAtDpcLevel:", false},
                  {fast_twice, "ExAcquireFastMutexUnsafe:", false},
                  {guarded_twice, "KeAcquireGuardedMutex:", false},
                  {alone_twice, "ExAcquireSpinLockExclusiveAtDpcLevel:", false},
                  {alone_then_shared, "ExAcquireSpinLockSharedAtDpcLevel:", false},
                  {shared_then_alone, "ExAcquireSpinLockExclusiveAtDpcLevel:", false},
                  {shared_twice, "ExAcquireSpinLockSharedAtDpcLevel:", true}};

    (void)state;
    for (unsigned i = 0; i < sizeof trials / sizeof *trials; i++) {
        struct trial t;
        const struct gpup_event *e;
        size_t length = strlen(trials[i].service) < 31 ? strlen(trials[i].service) : 31;

        begin(&t);
        assert_int_equal(call(&t, trials[i].what, "First"),
                         trials[i].returns ? GPUP_RAN_RETURNED : GPUP_RAN_DEAD);
        assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 1);
        assert_int_equal(misuses(&t, GPUP_MISUSE_RECURSION), 1);
        e = logged(&t.host.log, GPUP_EVENT_MISUSE, 0);
        assert_memory_equal(t.host.log.text[e - t.host.log.events], trials[i].service, length);
        assert_int_equal(count_of(&t.host.log, GPUP_EVENT_HANG), !trials[i].returns);
        host_close(&t.host);
    }
    SILENT(try_own, mutex_twice, resource_ab);
}
int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(really),           cmocka_unit_test(given_back),
                                       cmocka_unit_test(trying),           cmocka_unit_test(other_kinds),
                                       cmocka_unit_test(one_thread_alone), cmocka_unit_test(alone),
                                       cmocka_unit_test(recursion)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
