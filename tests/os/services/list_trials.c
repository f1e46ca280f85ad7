/* Lists under a spin lock and sequenced lists. */
#include "trial.h"

struct lists {
    SLIST_HEADER header;
    SLIST_ENTRY entry[3];
    KSPIN_LOCK lock;
    LIST_ENTRY head, one, other;
    SINGLE_LIST_ENTRY top, single, second;
    ULONG count;
    LARGE_INTEGER large;
};

EFFECT(ExInterlockedInsertHeadList) {
    struct lists *l = room;

    InitializeListHead(&l->head);
    MUST(ExInterlockedInsertHeadList(&l->head, &l->one, &l->lock) == NULL);
    MUST(ExInterlockedInsertHeadList(&l->head, &l->other, &l->lock) == &l->one);
    MUST(l->head.Flink == &l->other && l->head.Blink == &l->one && l->lock == 0);
    return 0;
}
MISUSE(ExInterlockedInsertHeadList) { /* the lock is held */
    struct lists *l = room;

    InitializeListHead(&l->head);
    KeAcquireSpinLockRaiseToDpc(&l->lock);
    return (uint64_t)(uintptr_t)ExInterlockedInsertHeadList(&l->head, &l->one, &l->lock);
}
EFFECT(ExInterlockedInsertTailList) {
    struct lists *l = room;

    InitializeListHead(&l->head);
    MUST(ExInterlockedInsertTailList(&l->head, &l->one, &l->lock) == NULL);
    MUST(ExInterlockedInsertTailList(&l->head, &l->other, &l->lock) == &l->one);
    MUST(l->head.Flink == &l->one && l->head.Blink == &l->other);
    return 0;
}
MISUSE(ExInterlockedInsertTailList) {
    struct lists *l = room;

    InitializeListHead(&l->head);
    KeAcquireSpinLockRaiseToDpc(&l->lock);
    return (uint64_t)(uintptr_t)ExInterlockedInsertTailList(&l->head, &l->one, &l->lock);
}
EFFECT(ExInterlockedRemoveHeadList) {
    struct lists *l = room;

    InitializeListHead(&l->head);
    MUST(ExInterlockedRemoveHeadList(&l->head, &l->lock) == NULL);
    InsertHeadList(&l->head, &l->one);
    MUST(ExInterlockedRemoveHeadList(&l->head, &l->lock) == &l->one && IsListEmpty(&l->head));
    return 0;
}
MISUSE(ExInterlockedRemoveHeadList) { /* a lock that is none */
    struct lists *l = room;

    InitializeListHead(&l->head);
    l->lock = 0xABCD;
    return (uint64_t)(uintptr_t)ExInterlockedRemoveHeadList(&l->head, &l->lock);
}
EFFECT(ExInterlockedPushEntryList) {
    struct lists *l = room;

    MUST(ExInterlockedPushEntryList(&l->top, &l->single, &l->lock) == NULL);
    MUST(ExInterlockedPushEntryList(&l->top, &l->second, &l->lock) == &l->single);
    MUST(ExInterlockedPopEntryList(&l->top, &l->lock) == &l->second);
    MUST(ExInterlockedPopEntryList(&l->top, &l->lock) == &l->single);
    MUST(ExInterlockedPopEntryList(&l->top, &l->lock) == NULL);
    return 0;
}
MISUSE(ExInterlockedPushEntryList) {
    struct lists *l = room;

    KeAcquireSpinLockRaiseToDpc(&l->lock);
    return (uint64_t)(uintptr_t)ExInterlockedPushEntryList(&l->top, &l->single, &l->lock);
}
MISUSE(ExInterlockedPopEntryList) {
    struct lists *l = room;

    KeAcquireSpinLockRaiseToDpc(&l->lock);
    return (uint64_t)(uintptr_t)ExInterlockedPopEntryList(&l->top, &l->lock);
}
EFFECT(ExInterlockedAddUlong) {
    struct lists *l = room;

    MUST(ExInterlockedAddUlong(&l->count, 5, &l->lock) == 0);
    MUST(ExInterlockedAddUlong(&l->count, 2, &l->lock) == 5 && l->count == 7);
    return 0;
}
MISUSE(ExInterlockedAddUlong) {
    struct lists *l = room;

    KeAcquireSpinLockRaiseToDpc(&l->lock);
    return ExInterlockedAddUlong(&l->count, 5, &l->lock);
}
EFFECT(ExInterlockedAddLargeInteger) {
    struct lists *l = room;
    LARGE_INTEGER five = {.QuadPart = 5000000000};

    MUST(ExInterlockedAddLargeInteger(&l->large, five, &l->lock).QuadPart == 0);
    MUST(ExInterlockedAddLargeInteger(&l->large, five, &l->lock).QuadPart == 5000000000);
    MUST(l->large.QuadPart == 10000000000);
    return 0;
}
MISUSE(ExInterlockedAddLargeInteger) {
    struct lists *l = room;

    KeAcquireSpinLockRaiseToDpc(&l->lock);
    ExInterlockedAddLargeInteger(&l->large, l->large, &l->lock);
    return 0;
}

/* --- sequenced */

EFFECT(ExpInterlockedPushEntrySList) {
    struct lists *l = room;

    InitializeSListHead(&l->header);
    MUST(ExpInterlockedPopEntrySList(&l->header) == NULL);
    MUST(ExpInterlockedPushEntrySList(&l->header, &l->entry[0]) == NULL);
    MUST(ExpInterlockedPushEntrySList(&l->header, &l->entry[1]) == &l->entry[0]);
    MUST(ExQueryDepthSList(&l->header) == 2 && l->header.HeaderX64.Sequence == 2);
    MUST(ExpInterlockedPopEntrySList(&l->header) == &l->entry[1]);
    MUST(ExQueryDepthSList(&l->header) == 1);
    return 0;
}
MISUSE(ExpInterlockedPushEntrySList) { /* not aligned */
    struct lists *l = room;
    uintptr_t odd = (uintptr_t)&l->entry[0] + 8;

    InitializeSListHead(&l->header);
    return (uint64_t)(uintptr_t)ExpInterlockedPushEntrySList(&l->header, (PSLIST_ENTRY)odd);
}
MISUSE(ExpInterlockedPopEntrySList) { /* its entry was freed */
    struct lists *l = room;
    void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 32, 0x74736554);

    InitializeSListHead(&l->header);
    ExpInterlockedPushEntrySList(&l->header, block);
    ExFreePool(block);
    return (uint64_t)(uintptr_t)ExpInterlockedPopEntrySList(&l->header);
}
EFFECT(ExpInterlockedFlushSList) {
    struct lists *l = room;

    InitializeSListHead(&l->header);
    ExpInterlockedPushEntrySList(&l->header, &l->entry[0]);
    ExpInterlockedPushEntrySList(&l->header, &l->entry[1]);
    MUST(ExpInterlockedFlushSList(&l->header) == &l->entry[1] && l->entry[1].Next == &l->entry[0]);
    MUST(ExQueryDepthSList(&l->header) == 0 && ExpInterlockedFlushSList(&l->header) == NULL);
    return 0;
}
MISUSE(ExpInterlockedFlushSList) {
    return (uint64_t)(uintptr_t)ExpInterlockedFlushSList(NULL);
}
MISUSE(InitializeSListHead) {
    InitializeSListHead((PSLIST_HEADER)((uintptr_t)room + 8));
    return 0;
}

const struct trial list_trials[] = {
    TRIAL(ExInterlockedInsertHeadList, AGAIN),
    TRIAL(ExInterlockedInsertTailList, AGAIN),
    TRIAL(ExInterlockedRemoveHeadList, OBJECT),
    TRIAL(ExInterlockedPushEntryList, AGAIN),
    WITH(ExInterlockedPopEntryList, ExInterlockedPushEntryList, AGAIN),
    TRIAL(ExInterlockedAddUlong, AGAIN),
    TRIAL(ExInterlockedAddLargeInteger, AGAIN),
    WITH(InitializeSListHead, ExpInterlockedPushEntrySList, PARAMETER),
    TRIAL(ExpInterlockedPushEntrySList, PARAMETER),
    WITH(ExpInterlockedPopEntrySList, ExpInterlockedPushEntrySList, FAULTS),
    TRIAL(ExpInterlockedFlushSList, FAULTS),
    LIMITED_WITH(ExQueryDepthSList, ExpInterlockedPushEntrySList),
    {0},
};
