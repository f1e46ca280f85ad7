/* Lists under a spin lock and sequenced lists. */
#include "spinlock.h"

/* The lock is held at any IRQL, so that an interrupt routine may use the list as well. NULL: outside any
 * host. */
static struct gpup_os *lock(const struct gpup_service_limit *service, PKSPIN_LOCK spin) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os)
        gpup_spin_take(os, service->name, spin, GPUP_LOCK_ALONE);
    return os;
}

static void unlock(struct gpup_os *os, const struct gpup_service_limit *service, PKSPIN_LOCK spin) {
    if (os)
        gpup_spin_give(os, service->name, spin);
}

static PLIST_ENTRY insert(const struct gpup_service_limit *service, PLIST_ENTRY head, PLIST_ENTRY entry,
                          PKSPIN_LOCK spin, bool at_head) {
    struct gpup_os *os = lock(service, spin);
    PLIST_ENTRY before = at_head ? head->Flink : head->Blink;

    if (at_head)
        InsertHeadList(head, entry);
    else
        InsertTailList(head, entry);
    unlock(os, service, spin);
    return before == head ? NULL : before;
}

PLIST_ENTRY DDI_CALL ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                                 PKSPIN_LOCK Lock) {
    return insert(GPUP_SERVICE(ExInterlockedInsertHeadList), ListHead, ListEntry, Lock, true);
}

PLIST_ENTRY DDI_CALL ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                                 PKSPIN_LOCK Lock) {
    return insert(GPUP_SERVICE(ExInterlockedInsertTailList), ListHead, ListEntry, Lock, false);
}

PLIST_ENTRY DDI_CALL ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExInterlockedRemoveHeadList);
    struct gpup_os *os = lock(service, Lock);
    PLIST_ENTRY entry = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

    unlock(os, service, Lock);
    return entry;
}

PSINGLE_LIST_ENTRY DDI_CALL ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                       PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExInterlockedPushEntryList);
    struct gpup_os *os = lock(service, Lock);
    PSINGLE_LIST_ENTRY before = ListHead->Next;

    ListEntry->Next = before;
    ListHead->Next = ListEntry;
    unlock(os, service, Lock);
    return before;
}

PSINGLE_LIST_ENTRY DDI_CALL ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExInterlockedPopEntryList);
    struct gpup_os *os = lock(service, Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;

    if (first)
        ListHead->Next = first->Next;
    unlock(os, service, Lock);
    return first;
}

ULONG DDI_CALL ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExInterlockedAddUlong);
    struct gpup_os *os = lock(service, Lock);
    ULONG before = *Addend;

    *Addend = before + Increment;
    unlock(os, service, Lock);
    return before;
}

LARGE_INTEGER DDI_CALL ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                    PKSPIN_LOCK Lock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExInterlockedAddLargeInteger);
    struct gpup_os *os = lock(service, Lock);
    LARGE_INTEGER before = *Addend;

    Addend->QuadPart = (LONGLONG)((uint64_t)before.QuadPart + (uint64_t)Increment.QuadPart);
    unlock(os, service, Lock);
    return before;
}

/* --- sequenced lists. One routine runs at a time, and none of these is left in the middle. */

static PSLIST_ENTRY first_of(const SLIST_HEADER *head) {
    return (PSLIST_ENTRY)(uintptr_t)(head->Region & ~(uint64_t)15); // NOLINT(performance-no-int-to-ptr)
}

/* Entries and header must be aligned, as the low bits of an address are not kept. */
static void check(struct gpup_os *os, const struct gpup_service_limit *service, const void *address) {
    if (os && ((uintptr_t)address & 15))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
}

static void set(PSLIST_HEADER head, PSLIST_ENTRY first, int more) {
    head->Region = (uint64_t)(uintptr_t)first & ~(uint64_t)15;
    head->HeaderX64.Depth = (uint16_t)(head->HeaderX64.Depth + more);
    head->HeaderX64.Sequence++;
}

VOID DDI_CALL InitializeSListHead(PSLIST_HEADER SListHead) {
    const struct gpup_service_limit *service = GPUP_SERVICE(InitializeSListHead);

    check(gpup_os_enter(service), service, SListHead);
    memset(SListHead, 0, sizeof *SListHead);
}

PSLIST_ENTRY DDI_CALL ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExpInterlockedPushEntrySList);
    struct gpup_os *os = gpup_os_enter(service);
    PSLIST_ENTRY before;

    check(os, service, ListEntry);
    if (os)
        gpup_lock_forget_block(os, ListEntry); /* of a list of free blocks, most likely */
    before = first_of(ListHead);
    ListEntry->Next = before;
    set(ListHead, ListEntry, 1);
    return before;
}

PSLIST_ENTRY DDI_CALL ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead) {
    PSLIST_ENTRY first;

    gpup_os_enter(GPUP_SERVICE(ExpInterlockedPopEntrySList));
    first = first_of(ListHead);
    if (first)
        set(ListHead, first->Next, -1);
    return first;
}

PSLIST_ENTRY DDI_CALL ExpInterlockedFlushSList(PSLIST_HEADER ListHead) {
    PSLIST_ENTRY first;

    gpup_os_enter(GPUP_SERVICE(ExpInterlockedFlushSList));
    first = first_of(ListHead);
    set(ListHead, NULL, 0);
    ListHead->HeaderX64.Depth = 0;
    return first;
}

USHORT DDI_CALL ExQueryDepthSList(PSLIST_HEADER SListHead) {
    gpup_os_enter(GPUP_SERVICE(ExQueryDepthSList));
    return (USHORT)SListHead->HeaderX64.Depth;
}
