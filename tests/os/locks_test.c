/* The order of locks: which inversions are told, once and with both places, and which are none. */
#include "locks_trial.h"

#include <stdio.h>

static VOID DDI_CALL bc(struct room *r) {
    take_two(&r->spin[1], &r->spin[2]);
}
static VOID DDI_CALL ca(struct room *r) {
    take_two(&r->spin[2], &r->spin[0]);
}
static VOID DDI_CALL ac(struct room *r) {
    take_two(&r->spin[0], &r->spin[2]);
}

static void gated(struct room *r, part what) {
    ExAcquireFastMutex(&r->fast[0]);
    what(r);
    ExReleaseFastMutex(&r->fast[0]);
}
static VOID DDI_CALL gated_ab(struct room *r) {
    gated(r, ab);
}
static VOID DDI_CALL gated_ba(struct room *r) {
    gated(r, ba);
}
static VOID DDI_CALL other_gate_ba(struct room *r) {
    ExAcquireFastMutex(&r->fast[1]);
    ba(r);
    ExReleaseFastMutex(&r->fast[1]);
}

static VOID DDI_CALL nothing(struct room *r) {
    (void)r;
}
static void by_event(struct room *r, part what) {
    KeWaitForSingleObject(&r->event, Executive, KernelMode, FALSE, NULL);
    what(r);
    KeSetEvent(&r->event, 0, FALSE);
}
static VOID DDI_CALL event_ab(struct room *r) {
    by_event(r, ab);
}
static VOID DDI_CALL event_ba(struct room *r) {
    by_event(r, ba);
}
static void by_semaphore(struct room *r, part what) {
    KeWaitForSingleObject(&r->semaphore, Executive, KernelMode, FALSE, NULL);
    what(r);
    KeReleaseSemaphore(&r->semaphore, 0, 1, FALSE);
}
static VOID DDI_CALL semaphore_ab(struct room *r) {
    by_semaphore(r, ab);
}
static VOID DDI_CALL semaphore_ba(struct room *r) {
    by_semaphore(r, ba);
}
static VOID DDI_CALL after_both_ab(struct room *r) { /* both were given back before */
    by_event(r, nothing);
    by_semaphore(r, nothing);
    ab(r);
}
static VOID DDI_CALL after_both_ba(struct room *r) {
    by_event(r, nothing);
    by_semaphore(r, nothing);
    ba(r);
}
/* Readers of one lock are no gate to each other; one of them alone is. */
static void shared_gate(struct room *r, part what, bool alone) {
    if (alone)
        ExAcquireResourceExclusiveLite(&r->resource[0], TRUE);
    else
        ExAcquireResourceSharedLite(&r->resource[0], TRUE);
    what(r);
    ExReleaseResourceLite(&r->resource[0]);
}
static VOID DDI_CALL read_gate_ab(struct room *r) {
    shared_gate(r, ab, false);
}
static VOID DDI_CALL read_gate_ba(struct room *r) {
    shared_gate(r, ba, false);
}
static VOID DDI_CALL write_gate_ba(struct room *r) {
    shared_gate(r, ba, true);
}

static VOID DDI_CALL try_ba(struct room *r) {
    KIRQL irql;

    KeAcquireSpinLock(&r->spin[1], &irql);
    if (KeTryToAcquireSpinLockAtDpcLevel(&r->spin[0]))
        KeReleaseSpinLockFromDpcLevel(&r->spin[0]);
    KeReleaseSpinLock(&r->spin[1], irql);
}
static VOID DDI_CALL tried_then_a(struct room *r) { /* b is only tried, but then held */
    KIRQL irql = KeRaiseIrqlToDpcLevel();

    if (KeTryToAcquireSpinLockAtDpcLevel(&r->spin[1])) {
        KeAcquireSpinLockAtDpcLevel(&r->spin[0]);
        KeReleaseSpinLockFromDpcLevel(&r->spin[0]);
        KeReleaseSpinLockFromDpcLevel(&r->spin[1]);
    }
    KeLowerIrql(irql);
}

static VOID DDI_CALL queued_ab(struct room *r) {
    KLOCK_QUEUE_HANDLE outer, inner;

    KeAcquireInStackQueuedSpinLock(&r->spin[0], &outer);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&r->spin[1], &inner);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&inner);
    KeReleaseInStackQueuedSpinLock(&outer);
}
static VOID DDI_CALL again_new(struct room *r) { /* the same memory, other locks */
    KeInitializeSpinLock(&r->spin[0]);
}

static VOID DDI_CALL chain(struct room *r) { /* 0-1, 1-2, ... 22-23: nothing leads back */
    for (unsigned i = 0; i + 1 < 24; i++)
        take_two(&r->spin[i], &r->spin[i + 1]);
}
static VOID DDI_CALL chain_back(struct room *r) { /* seven edges and this one */
    take_two(&r->spin[7], &r->spin[0]);
}

/* --- memory that comes back */

static VOID DDI_CALL in_pool(struct room *r, UCHAR **block, bool turned) {
    PKSPIN_LOCK lock;
    KIRQL irql;

    *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 0x6B636F4C);
    lock = (PKSPIN_LOCK)(void *)(*block + 32); /* zero: initialised, as the WDK does it in line */
    if (turned)
        take_two(lock, &r->ordinary);
    else
        take_two(&r->ordinary, lock);
    KeAcquireSpinLock(lock, &irql);
    KeReleaseSpinLock(lock, irql);
}
static VOID DDI_CALL freed(struct room *r) {
    UCHAR *first = NULL, *block = NULL;

    in_pool(r, &first, false);
    ExFreePool(first);
    for (unsigned i = 0; i < 4096 && block != first; i++) { /* until the memory comes back */
        in_pool(r, &block, true);
        ExFreePool(block);
    }
    r->block = block == first ? block : NULL;
}
static VOID DDI_CALL on_list(struct room *r) { /* a list of free blocks of the driver's own */
    UCHAR *block;
    PKSPIN_LOCK lock;

    in_pool(r, &block, false);
    ExInterlockedPushEntrySList(&r->free, (PSLIST_ENTRY)(void *)block, &r->ordinary);
    block = (UCHAR *)ExInterlockedPopEntrySList(&r->free, &r->ordinary);
    lock = (PKSPIN_LOCK)(void *)(block + 32);
    *lock = 0;
    take_two(lock, &r->ordinary);
    ExFreePool(block);
}
static VOID DDI_CALL kept(struct room *r) { /* the same block all the time: that is an inversion */
    UCHAR *block;

    in_pool(r, &block, false);
    take_two((PKSPIN_LOCK)(void *)(block + 32), &r->ordinary);
    ExFreePool(block);
}
/* A lock on the stack of a call that another routine takes; the next call has another one there. */
static VOID DDI_CALL lent_second(PKDPC dpc, PVOID context, PVOID first, PVOID argument) {
    struct room *r = context;

    (void)dpc;
    (void)argument;
    if (first)
        take_two(r->lent, &r->ordinary);
    else
        take_two(&r->ordinary, r->lent);
}
static void lend(struct room *r, PVOID first) {
    KSPIN_LOCK mine = 0;

    r->lent = &mine;
    KeInitializeDpc(&r->dpc, lent_second, r);
    KeInsertQueueDpc(&r->dpc, first, NULL);
    KeFlushQueuedDpcs();
}
static VOID DDI_CALL lent(struct room *r) {
    lend(r, NULL);
}
static VOID DDI_CALL lent_turned(struct room *r) {
    lend(r, r);
}
static VOID DDI_CALL on_stack(struct room *r) {
    KSPIN_LOCK mine;

    KeInitializeSpinLock(&mine);
    take_two(&r->ordinary, &mine);
    take_two(&mine, &r->ordinary);
}

static void inversions(void **state) {
    (void)state;
    TOLD(ab, ba, NULL);
    TOLD(ab, ba, ba); /* once */
    TOLD(ab, bc, ca);
    TOLD(ca, ab, bc);
    TOLD(queued_ab, ba, NULL);
    TOLD(chain, chain_back, NULL);
    SILENT(ab, ab, NULL);
    SILENT(ab, bc, ac);
    SILENT(chain, ac, NULL);
}

/* The inversion is told before the wait that never ends. */
static void gates(void **state) {
    (void)state;
    SILENT(gated_ab, gated_ba, NULL);
    TOLD(gated_ab, gated_ba, ba); /* only the last is without */
    TOLD(gated_ab, other_gate_ba, NULL);
    TOLD(gated_ab, ba, NULL);
    SILENT(event_ab, event_ba, NULL);
    TOLD(event_ab, ba, NULL);
    SILENT(semaphore_ab, semaphore_ba, NULL);
    TOLD(semaphore_ab, event_ba, NULL);
    TOLD(after_both_ab, after_both_ba, NULL);
    TOLD(read_gate_ab, read_gate_ba, NULL);
    SILENT(read_gate_ab, write_gate_ba, NULL);
}

static void trying(void **state) {
    (void)state;
    SILENT(ab, try_ba, NULL);
    TOLD(ab, tried_then_a, NULL);
}

static void memory(void **state) {
    struct trial t;

    (void)state;
    SILENT(ab, again_new, ba);
    SILENT(on_list, NULL, NULL);
    SILENT(on_stack, NULL, NULL);
    SILENT(lent, lent_turned, NULL);
    TOLD(kept, NULL, NULL);
    begin(&t);
    call(&t, freed, "Freed");
    assert_non_null(t.room->block); /* it did come back */
    assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), 0);
    host_close(&t.host);
}

/* Another host of the same arena has another graph; a second adapter of one machine has the same. */
static void machines(void **state) {
    static const struct {
        bool one_machine;
        unsigned told;
    } cases[] = {{false, 0}, {true, 1}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct trial t;
        struct gpup_os_config config;
        struct gpup_os *first;

        begin(&t);
        first = t.host.os;
        config = host_config(&t.host);
        config.host = 1;
        config.system = cases[i].one_machine ? first : NULL;
        call(&t, ab, "First");
        t.host.os = gpup_os_new(&config);
        assert_non_null(t.host.os);
        call(&t, ba, "Second");
        assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), cases[i].told);
        host_close(&t.host);
    }
}

/* The graph is of the world: what a snapshot does not have is not there any more. */
static void restored(void **state) {
    struct trial t;

    (void)state;
    begin(&t);
    assert_true(gpup_arena_snapshot(t.host.arena));
    for (unsigned i = 0; i < 4; i++) {
        call(&t, i % 2 ? ab : ba, "First");
        gpup_arena_restore(t.host.arena);
    }
    assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), 0);
    call(&t, ab, "First");
    assert_true(gpup_arena_snapshot(t.host.arena));
    for (unsigned i = 1; i < 4; i++) {
        call(&t, ba, "Second");
        assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), i);
        gpup_arena_restore(t.host.arena);
    }
    host_close(&t.host);
}

/* --- words */

static char words[1024];
extern char __executable_start[], etext[]; /* of the linker: this program's code */

static void keep_words(void *context, struct gpup_event *event) {
    record(context, event);
    if (event->kind == GPUP_EVENT_MISUSE && event->data_size < sizeof words) {
        memcpy(words, event->data, event->data_size);
        words[event->data_size] = 0;
    }
}

static void both_places(void **state) {
    struct trial t;
    struct gpup_os_config config;
    static char wanted[300];

    (void)state;
    memset(&t, 0, sizeof t);
    t.host.arena = gpup_arena_new((size_t)64 << 20);
    assert_non_null(t.host.arena);
    config = host_config(&t.host);
    config.emitter.emit = keep_words;
    t.host.os = gpup_os_new(&config);
    t.room = gpup_os_buffer(t.host.os, sizeof *t.room, 0, NULL);
    host_run(&t.host, (void *)prepare, t.room);
    call(&t, ab, "First");
    call(&t, bc, "Second");
    call(&t, ca, "Third");
    assert_null(strstr(words, " at +")); /* nobody said what is the driver's code */
    snprintf(wanted, sizeof wanted,
             "KeAcquireSpinLockAtDpcLevel: lock 1 under 3, Third step 3; lock 2 under 1, First step 1; "
             "lock 3 under 2, Second step 2; 1 is object 1 +0x0, 2 is object 1 +0x8, 3 is object 1 +0x10");

    if (strcmp(words, wanted) != 0)
        fail_msg("expected: %s\nfound:    %s", wanted, words);
    gpup_os_set_code(t.host.os, (uintptr_t)__executable_start, (uintptr_t)__executable_start,
                     (uintptr_t)etext);
    call(&t, fast_twice, "Fourth");
    assert_non_null(strstr(words, " at +0x"));
    assert_memory_equal(words, "ExAcquireFastMutexUnsafe: the lock object 1 +0x", 47);
    assert_non_null(strstr(words, " that it holds at +0x"));
    host_close(&t.host);
}
/* --- what does not fit is left out */

#define MANY 300u

static PKSPIN_LOCK many_of(struct room *r) {
    if (!r->block)
        r->block = ExAllocatePool2(POOL_FLAG_NON_PAGED, MANY * sizeof(KSPIN_LOCK), 0x6B636F4C);
    return (PKSPIN_LOCK)(void *)r->block;
}
static VOID DDI_CALL deep(struct room *r) { /* more at a time than are remembered, there and back */
    KIRQL irql = KeRaiseIrqlToDpcLevel();

    for (unsigned i = 0; i < 12; i++)
        KeAcquireSpinLockAtDpcLevel(&r->spin[i]);
    for (unsigned i = 12; i--;)
        KeReleaseSpinLockFromDpcLevel(&r->spin[i]);
    KeLowerIrql(irql);
}
static VOID DDI_CALL many_locks(struct room *r) {
    PKSPIN_LOCK lock = many_of(r);

    for (unsigned i = 0; i + 1 < MANY; i++)
        take_two(&lock[i], &lock[i + 1]);
}
static VOID DDI_CALL many_orders(struct room *r) {
    PKSPIN_LOCK lock = many_of(r);

    for (unsigned i = 0; i < 60; i++)
        for (unsigned k = i + 1; k < 60; k++)
            take_two(&lock[i], &lock[k]);
}
static VOID DDI_CALL give_back(struct room *r) {
    ExFreePool(r->block);
    r->block = NULL;
}

static void bounded(void **state) {
    static const part fillers[] = {many_locks, many_orders};

    (void)state;
    SILENT(deep, deep, NULL);
    TOLD(deep, ba, NULL); /* of the first eight the order is known */
    for (unsigned i = 0; i < 2; i++) {
        struct trial t;

        begin(&t);
        call(&t, fillers[i], "First");
        call(&t, ab, "Second");
        call(&t, ba, "Third");
        assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
        call(&t, give_back, "Fourth"); /* and then there is room again */
        call(&t, ab, "Fifth");
        call(&t, ba, "Sixth");
        assert_int_equal(misuses(&t, GPUP_MISUSE_ORDER), 1);
        host_close(&t.host);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(inversions),  cmocka_unit_test(gates),
                                       cmocka_unit_test(trying),      cmocka_unit_test(memory),
                                       cmocka_unit_test(machines),    cmocka_unit_test(restored),
                                       cmocka_unit_test(both_places), cmocka_unit_test(bounded)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
