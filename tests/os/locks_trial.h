/*
 * Trials of locks. Each part of a trial is a DDI call of its own, as two threads would make them; what may
 * deadlock is told although nothing did, and what cannot is not.
 */
#ifndef GPUP_TESTS_OS_LOCKS_TRIAL_H
#define GPUP_TESTS_OS_LOCKS_TRIAL_H

#include "support.h"

#include <ddi/wdm.h>
#include <string.h>

struct room {
    KSPIN_LOCK spin[24];
    KSPIN_LOCK ordinary;
    EX_SPIN_LOCK shared[3];
    FAST_MUTEX fast[3];
    KMUTEX mutex[2];
    ERESOURCE resource[2];
    KEVENT event, done;
    KDPC dpc;
    KSEMAPHORE semaphore;
    SLIST_HEADER free;
    UCHAR *block;
    PKSPIN_LOCK lent;
};

struct trial {
    struct host host;
    struct room *room;
    uint32_t steps;
    bool alone;
};
typedef VOID(DDI_CALL *part)(struct room *);

/* --- parts: what a driver does in one call */

static inline VOID DDI_CALL prepare(struct room *r) {
    for (unsigned i = 0; i < 24; i++)
        KeInitializeSpinLock(&r->spin[i]);
    KeInitializeSpinLock(&r->ordinary);
    for (unsigned i = 0; i < 3; i++)
        ExInitializeFastMutex(&r->fast[i]);
    for (unsigned i = 0; i < 2; i++) {
        KeInitializeMutex(&r->mutex[i], 0);
        ExInitializeResourceLite(&r->resource[i]);
    }
    KeInitializeEvent(&r->event, SynchronizationEvent, TRUE);
    KeInitializeEvent(&r->done, NotificationEvent, FALSE);
    KeInitializeSemaphore(&r->semaphore, 1, 1);
    InitializeSListHead(&r->free);
}

static inline void take_two(PKSPIN_LOCK first, PKSPIN_LOCK second) {
    KIRQL irql;

    KeAcquireSpinLock(first, &irql);
    KeAcquireSpinLockAtDpcLevel(second);
    KeReleaseSpinLockFromDpcLevel(second);
    KeReleaseSpinLock(first, irql);
}

static inline VOID DDI_CALL ab(struct room *r) {
    take_two(&r->spin[0], &r->spin[1]);
}
static inline VOID DDI_CALL ba(struct room *r) {
    take_two(&r->spin[1], &r->spin[0]);
}
static inline VOID DDI_CALL fast_twice(struct room *r) {
    ExAcquireFastMutex(&r->fast[0]);
    ExAcquireFastMutexUnsafe(&r->fast[0]);
}

/* --- the trials */

static inline void begin(struct trial *t) {
    host_open(&t->host, true);
    t->room = gpup_arena_alloc(t->host.arena, sizeof *t->room + 15);
    t->room = (struct room *)(((uintptr_t)t->room + 15) & ~(uintptr_t)15);
    t->steps = 0;
    t->alone = false;
    host_run(&t->host, (void *)prepare, t->room);
}

static inline enum gpup_ran call(struct trial *t, part what, const char *name) {
    struct gpup_os_call c = {.function = (void *)what,
                             .args = {(uint64_t)(uintptr_t)t->room},
                             .count = 1,
                             .step = ++t->steps,
                             .name = name,
                             .alone = t->alone};

    return gpup_os_call(t->host.os, &c);
}

static inline unsigned misuses(const struct trial *t, unsigned what) {
    unsigned count = 0;

    for (unsigned i = 0; i < t->host.log.count; i++)
        count += t->host.log.events[i].kind == GPUP_EVENT_MISUSE &&
                 t->host.log.events[i].f[GPUP_MISUSE_what] == what;
    return count;
}

/* Up to three parts; how many inversions are told. */
static inline void expect_orders(const char *file, int line, unsigned wanted, part a, part b, part c) {
    struct trial t;

    begin(&t);
    assert_int_equal(call(&t, a, "First"), GPUP_RAN_RETURNED);
    if (b)
        assert_int_equal(call(&t, b, "Second"), GPUP_RAN_RETURNED);
    if (c)
        assert_int_equal(call(&t, c, "Third"), GPUP_RAN_RETURNED);
    if (misuses(&t, GPUP_MISUSE_ORDER) != wanted || count_of(&t.host.log, GPUP_EVENT_MISUSE) != wanted) {
        print_message("%s:%d: expected %u inversions and nothing else, found %u, and %u misuses in all\n",
                      file, line, wanted, misuses(&t, GPUP_MISUSE_ORDER),
                      count_of(&t.host.log, GPUP_EVENT_MISUSE));
        fail();
    }
    host_close(&t.host);
}
#define TOLD(...) expect_orders(__FILE__, __LINE__, 1, __VA_ARGS__)
#define SILENT(...) expect_orders(__FILE__, __LINE__, 0, __VA_ARGS__)

#endif
