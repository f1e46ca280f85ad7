/*
 * Interlocked operations and doubly linked lists of wdm.h: what needs no system and is inline in a driver.
 * Included by ddi/wdm.h, and like it absent when the WDK's wdm.h is present.
 */
#ifndef GPUP_DDI_WDM_INLINE_H
#define GPUP_DDI_WDM_INLINE_H

#include "ddi/ntdef.h"

#ifndef _WDMDDK_

#ifndef FORCEINLINE
#define FORCEINLINE static inline __attribute__((always_inline, unused))
#endif

/* --- Interlocked operations ---------------------------------------------------------------------------- */

FORCEINLINE LONG InterlockedIncrement(LONG volatile *Addend) {
    return __sync_add_and_fetch(Addend, 1);
}
FORCEINLINE LONG InterlockedDecrement(LONG volatile *Addend) {
    return __sync_sub_and_fetch(Addend, 1);
}
FORCEINLINE LONG InterlockedExchange(LONG volatile *Target, LONG Value) {
    return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedExchangeAdd(LONG volatile *Addend, LONG Value) {
    return __sync_fetch_and_add(Addend, Value);
}
FORCEINLINE LONG InterlockedAdd(LONG volatile *Addend, LONG Value) {
    return __sync_add_and_fetch(Addend, Value);
}
FORCEINLINE LONG InterlockedCompareExchange(LONG volatile *Destination, LONG Exchange, LONG Comperand) {
    return __sync_val_compare_and_swap(Destination, Comperand, Exchange);
}
FORCEINLINE LONG InterlockedOr(LONG volatile *Destination, LONG Value) {
    return __sync_fetch_and_or(Destination, Value);
}
FORCEINLINE LONG InterlockedAnd(LONG volatile *Destination, LONG Value) {
    return __sync_fetch_and_and(Destination, Value);
}
FORCEINLINE LONG InterlockedXor(LONG volatile *Destination, LONG Value) {
    return __sync_fetch_and_xor(Destination, Value);
}
FORCEINLINE LONG64 InterlockedIncrement64(LONG64 volatile *Addend) {
    return __sync_add_and_fetch(Addend, 1);
}
FORCEINLINE LONG64 InterlockedDecrement64(LONG64 volatile *Addend) {
    return __sync_sub_and_fetch(Addend, 1);
}
FORCEINLINE LONG64 InterlockedExchange64(LONG64 volatile *Target, LONG64 Value) {
    return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedExchangeAdd64(LONG64 volatile *Addend, LONG64 Value) {
    return __sync_fetch_and_add(Addend, Value);
}
FORCEINLINE LONG64 InterlockedCompareExchange64(LONG64 volatile *Destination, LONG64 Exchange,
                                                LONG64 Comperand) {
    return __sync_val_compare_and_swap(Destination, Comperand, Exchange);
}
FORCEINLINE PVOID InterlockedExchangePointer(PVOID volatile *Target, PVOID Value) {
    return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE PVOID InterlockedCompareExchangePointer(PVOID volatile *Destination, PVOID Exchange,
                                                    PVOID Comperand) {
    return __sync_val_compare_and_swap(Destination, Comperand, Exchange);
}

/* --- Doubly linked lists ------------------------------------------------------------------------------- */

FORCEINLINE VOID InitializeListHead(PLIST_ENTRY ListHead) {
    ListHead->Flink = ListHead->Blink = ListHead;
}
FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead) {
    return ListHead->Flink == ListHead;
}
FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY Entry) {
    PLIST_ENTRY next = Entry->Flink;
    PLIST_ENTRY previous = Entry->Blink;

    previous->Flink = next;
    next->Blink = previous;
    return next == previous;
}
FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead) {
    PLIST_ENTRY entry = ListHead->Flink;

    RemoveEntryList(entry);
    return entry;
}
FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead) {
    PLIST_ENTRY entry = ListHead->Blink;

    RemoveEntryList(entry);
    return entry;
}
FORCEINLINE VOID InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry) {
    Entry->Flink = ListHead;
    Entry->Blink = ListHead->Blink;
    ListHead->Blink->Flink = Entry;
    ListHead->Blink = Entry;
}
FORCEINLINE VOID InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry) {
    Entry->Flink = ListHead->Flink;
    Entry->Blink = ListHead;
    ListHead->Flink->Blink = Entry;
    ListHead->Flink = Entry;
}

#endif /* _WDMDDK_ */
#endif
