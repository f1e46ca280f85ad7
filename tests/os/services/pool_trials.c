/* Pool and lookaside lists. */
#include "trial.h"
#include <string.h>

#define TAG 0x74736554u /* "Test" */

static bool all(const uint8_t *bytes, size_t size, uint8_t value) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

EFFECT(ExAllocatePool2) {
    uint8_t *zeroed = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
    uint8_t *pattern = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, 100, TAG);

    MUST(zeroed && pattern && zeroed != pattern);
    MUST(all(zeroed, 100, 0) && !all(pattern, 100, 0) && ((uintptr_t)zeroed & 15) == 0);
    memset(zeroed, 1, 100);
    ExFreePool(zeroed);
    ExFreePoolWithTag(pattern, TAG);
    return 0;
}
MISUSE(ExAllocatePool2) { /* without a type */
    return (uint64_t)(uintptr_t)ExAllocatePool2(0, 100, TAG);
}
EFFECT(ExAllocatePool3) {
    uint8_t *block = ExAllocatePool3(POOL_FLAG_NON_PAGED, 100, TAG, NULL, 0);

    MUST(block && all(block, 100, 0));
    ExFreePool2(block, TAG, NULL, 0);
    return 0;
}
MISUSE(ExFreePool2) { /* under another tag */
    ExFreePool2(ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG), TAG + 1, NULL, 0);
    return 0;
}
EFFECT(ExAllocatePoolWithTag) {
    uint8_t *block = ExAllocatePoolWithTag(NonPagedPoolNx, 5000, TAG);

    MUST(block && ((uintptr_t)block & (PAGE_SIZE - 1)) == 0); /* from a page on */
    memset(block, 7, 5000);
    ExFreePoolWithTag(block, TAG);
    return 0;
}
MISUSE(ExAllocatePoolWithTag) { /* beyond the end */
    volatile uint8_t *block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);

    block[64] = 1;
    return 0;
}
EFFECT(ExAllocatePool) {
    void *block = ExAllocatePool(NonPagedPool, 1);

    MUST(block != NULL);
    ExFreePool(block);
    return 0;
}
MISUSE(ExAllocatePool) { /* is not given back */
    return (uint64_t)(uintptr_t)ExAllocatePool(NonPagedPool, 10);
}
EFFECT(ExAllocatePoolZero) {
    uint8_t *block = ExAllocatePoolZero(NonPagedPool, 300, TAG);

    MUST(block && all(block, 300, 0));
    ExFreePool(block);
    return 0;
}
EFFECT(ExAllocatePoolUninitialized) {
    uint8_t *block = ExAllocatePoolUninitialized(NonPagedPool, 300, TAG);

    MUST(block && !all(block, 300, 0));
    ExFreePool(block);
    return 0;
}
MISUSE(ExAllocatePoolUninitialized) { /* paged, at DISPATCH_LEVEL */
    KeRaiseIrqlToDpcLevel();
    return (uint64_t)(uintptr_t)ExAllocatePoolUninitialized(PagedPool, 300, TAG);
}
EFFECT(ExAllocatePoolWithTagPriority) {
    void *block = ExAllocatePoolWithTagPriority(NonPagedPool, 10, TAG, NormalPoolPriority);

    MUST(block != NULL);
    ExFreePool(block);
    return 0;
}
MISUSE(ExAllocatePoolWithTagPriority) {
    return (uint64_t)(uintptr_t)ExAllocatePoolWithTagPriority(NonPagedPool, 0, TAG, NormalPoolPriority);
}
EFFECT(ExAllocatePoolWithQuotaTag) {
    void *block = ExAllocatePoolWithQuotaTag(NonPagedPool, 10, TAG);

    MUST(block != NULL);
    ExFreePool(block);
    return 0;
}
MISUSE(ExAllocatePoolWithQuotaTag) { /* cannot be had, which is an exception */
    return (uint64_t)(uintptr_t)ExAllocatePoolWithQuotaTag(NonPagedPool, SIZE_MAX / 2, TAG);
}
MISUSE(ExFreePool) { /* twice */
    void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 10, TAG);

    ExFreePool(block);
    ExFreePool(block);
    return 0;
}
MISUSE(ExFreePoolWithTag) { /* not the beginning of a block */
    uint8_t *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);

    ExFreePoolWithTag(block + 16, TAG);
    return 0;
}

/* --- lookaside lists */

static NPAGED_LOOKASIDE_LIST *nonpaged(void *room) {
    return (NPAGED_LOOKASIDE_LIST *)(((uintptr_t)room + 63) & ~(uintptr_t)63);
}
EFFECT(ExInitializeNPagedLookasideList) {
    NPAGED_LOOKASIDE_LIST *list = nonpaged(room);
    void *first, *again;

    ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 80, TAG, 0);
    first = ExAllocateFromNPagedLookasideList(list);
    MUST(first != NULL);
    ExFreeToNPagedLookasideList(list, first);
    again = ExAllocateFromNPagedLookasideList(list);
    MUST(again == first && list->L.TotalAllocates == 2 && list->L.AllocateMisses == 1);
    ExFreeToNPagedLookasideList(list, again);
    ExDeleteNPagedLookasideList(list);
    return 0;
}
MISUSE(ExInitializeNPagedLookasideList) { /* never deleted, with a block in it */
    NPAGED_LOOKASIDE_LIST *list = nonpaged(room);

    ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 80, TAG, 0);
    ExFreeToNPagedLookasideList(list, ExAllocateFromNPagedLookasideList(list));
    return 0;
}
MISUSE(ExDeleteNPagedLookasideList) { /* twice */
    NPAGED_LOOKASIDE_LIST *list = nonpaged(room);

    ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 80, TAG, 0);
    ExDeleteNPagedLookasideList(list);
    ExDeleteNPagedLookasideList(list);
    return 0;
}
EFFECT(ExInitializePagedLookasideList) {
    PAGED_LOOKASIDE_LIST *list = nonpaged(room);

    ExInitializePagedLookasideList(list, NULL, NULL, 0, 8, TAG, 0);
    MUST(list->L.Type == PagedPool && list->L.Size >= 8 && list->L.Tag == TAG);
    ExFreeToNPagedLookasideList(list, ExAllocateFromNPagedLookasideList(list));
    ExDeletePagedLookasideList(list);
    return 0;
}
MISUSE(ExInitializePagedLookasideList) {
    ExInitializePagedLookasideList(nonpaged(room), NULL, NULL, 0, 0, TAG, 0);
    return 0;
}
MISUSE(ExDeletePagedLookasideList) {
    ExDeletePagedLookasideList(nonpaged(room));
    return 0;
}

static uint32_t allocated, freed;
static PVOID DDI_CALL own_allocate(POOL_TYPE type, SIZE_T size, ULONG tag, PLOOKASIDE_LIST_EX list) {
    (void)list;
    allocated++;
    return ExAllocatePoolWithTag(type, size, tag);
}
static VOID DDI_CALL own_free(PVOID block, PLOOKASIDE_LIST_EX list) {
    (void)list;
    freed++;
    ExFreePool(block);
}
EFFECT(ExInitializeLookasideListEx) {
    PLOOKASIDE_LIST_EX list = room;
    void *blocks[8];

    allocated = freed = 0;
    MUST(ExInitializeLookasideListEx(list, own_allocate, own_free, NonPagedPoolNx, 0, 64, TAG, 0) ==
         STATUS_SUCCESS);
    for (int i = 0; i < 8; i++)
        blocks[i] = ExAllocateFromLookasideListEx(list);
    for (int i = 0; i < 8; i++)
        ExFreeToLookasideListEx(list, blocks[i]);
    MUST(allocated == 8 && freed > 0 && freed < 8);
    ExFlushLookasideListEx(list);
    MUST(freed == 8 && ExQueryDepthSList(&list->L.ListHead) == 0);
    ExDeleteLookasideListEx(list);
    return 0;
}
MISUSE(ExInitializeLookasideListEx) {
    return (uint64_t)ExInitializeLookasideListEx(room, NULL, NULL, NonPagedPoolNx, 0, 0, TAG, 0);
}
MISUSE(ExDeleteLookasideListEx) {
    ExDeleteLookasideListEx(room);
    return 0;
}
MISUSE(ExFlushLookasideListEx) {
    ExFlushLookasideListEx(room);
    return 0;
}

const struct trial pool_trials[] = {
    TRIAL(ExAllocatePool2, PARAMETER),
    LIMITED(ExAllocatePool3),
    TRIAL(ExAllocatePoolWithTag, FAULTS),
    TRIAL(ExAllocatePool, LEAVES),
    LIMITED(ExAllocatePoolZero),
    TRIAL(ExAllocatePoolUninitialized, RAISED),
    TRIAL(ExAllocatePoolWithTagPriority, PARAMETER),
    TRIAL(ExAllocatePoolWithQuotaTag, STOPS),
    WITH(ExFreePool, ExAllocatePool, DAMAGES),
    WITH(ExFreePoolWithTag, ExAllocatePoolWithTag, DAMAGES),
    WITH(ExFreePool2, ExAllocatePool3, PARAMETER),
    TRIAL(ExInitializeNPagedLookasideList, LEAVES),
    WITH(ExDeleteNPagedLookasideList, ExInitializeNPagedLookasideList, OBJECT),
    TRIAL(ExInitializePagedLookasideList, PARAMETER),
    WITH(ExDeletePagedLookasideList, ExInitializePagedLookasideList, OBJECT),
    TRIAL(ExInitializeLookasideListEx, PARAMETER),
    WITH(ExDeleteLookasideListEx, ExInitializeLookasideListEx, OBJECT),
    WITH(ExFlushLookasideListEx, ExInitializeLookasideListEx, OBJECT),
    {0},
};
