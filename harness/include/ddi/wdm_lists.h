/*
 * Lists of wdm.h that need more than inline code: those under a spin lock, sequenced ones, and lookaside
 * lists.
 *
 * Layouts are those of x64 Windows: the WDK's inline functions look into a list's header and a lookaside
 * list's head. Included by ddi/wdm.h, and like it absent when the WDK's is present.
 */
#ifndef GPUP_DDI_WDM_LISTS_H
#define GPUP_DDI_WDM_LISTS_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

typedef struct DDI_STRUCT _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

/* --- Lists under a spin lock: the entry that was first, or last, before; NULL: the list was empty */
PLIST_ENTRY DDI_CALL ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                                 PKSPIN_LOCK Lock);
PLIST_ENTRY DDI_CALL ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                                 PKSPIN_LOCK Lock);
PLIST_ENTRY DDI_CALL ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock);
PSINGLE_LIST_ENTRY DDI_CALL ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                       PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock);
PSINGLE_LIST_ENTRY DDI_CALL ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock);
ULONG DDI_CALL ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock); /* the value before */
LARGE_INTEGER DDI_CALL ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                    PKSPIN_LOCK Lock);

/* --- Sequenced lists: header and entries are aligned to 16 bytes */
typedef struct DDI_STRUCT _SLIST_ENTRY {
    struct _SLIST_ENTRY *Next;
} __attribute__((aligned(16))) SLIST_ENTRY, *PSLIST_ENTRY;
typedef union DDI_STRUCT _SLIST_HEADER {
    struct DDI_STRUCT {
        ULONGLONG Alignment;
        ULONGLONG Region;
    };
    struct DDI_STRUCT {
        ULONGLONG Depth : 16;
        ULONGLONG Sequence : 48;
        ULONGLONG Reserved : 4;
        ULONGLONG NextEntry : 60; /* address of the first entry, in units of 16 bytes */
    } HeaderX64;
} __attribute__((aligned(16))) SLIST_HEADER, *PSLIST_HEADER;
VOID DDI_CALL InitializeSListHead(PSLIST_HEADER SListHead);
PSLIST_ENTRY DDI_CALL ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry);
PSLIST_ENTRY DDI_CALL ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead);
PSLIST_ENTRY DDI_CALL ExpInterlockedFlushSList(PSLIST_HEADER ListHead); /* all of it */
USHORT DDI_CALL ExQueryDepthSList(PSLIST_HEADER SListHead);
#define ExInitializeSListHead InitializeSListHead
#define ExInterlockedPushEntrySList(Head, Entry, Lock) ExpInterlockedPushEntrySList(Head, Entry)
#define ExInterlockedPopEntrySList(Head, Lock) ExpInterlockedPopEntrySList(Head)
#define ExInterlockedFlushSList(Head) ExpInterlockedFlushSList(Head)
#define InterlockedPushEntrySList(Head, Entry) ExpInterlockedPushEntrySList(Head, Entry)
#define InterlockedPopEntrySList(Head) ExpInterlockedPopEntrySList(Head)

/* --- Lookaside lists */
struct _LOOKASIDE_LIST_EX;
typedef PVOID(DDI_CALL *PALLOCATE_FUNCTION)(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
typedef VOID(DDI_CALL *PFREE_FUNCTION)(PVOID Buffer);
typedef PVOID(DDI_CALL *PALLOCATE_FUNCTION_EX)(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                               struct _LOOKASIDE_LIST_EX *Lookaside);
typedef VOID(DDI_CALL *PFREE_FUNCTION_EX)(PVOID Buffer, struct _LOOKASIDE_LIST_EX *Lookaside);

/* GENERAL_LOOKASIDE: what the three kinds begin with, 96 bytes. */
typedef struct DDI_STRUCT _GENERAL_LOOKASIDE_POOL {
    SLIST_HEADER ListHead;
    USHORT Depth; /* entries that are kept */
    USHORT MaximumDepth;
    ULONG TotalAllocates;
    ULONG AllocateMisses;
    ULONG TotalFrees;
    ULONG FreeMisses;
    POOL_TYPE Type;
    ULONG Tag;
    ULONG Size;
    union DDI_STRUCT {
        PALLOCATE_FUNCTION_EX AllocateEx;
        PALLOCATE_FUNCTION Allocate;
    };
    union DDI_STRUCT {
        PFREE_FUNCTION_EX FreeEx;
        PFREE_FUNCTION Free;
    };
    LIST_ENTRY ListEntry;
    ULONG LastTotalAllocates;
    ULONG LastAllocateMisses;
    ULONG Future[2]; /* ours: ties the list to its address */
} GENERAL_LOOKASIDE_POOL;
typedef struct DDI_STRUCT _LOOKASIDE_LIST_EX {
    GENERAL_LOOKASIDE_POOL L;
} LOOKASIDE_LIST_EX, *PLOOKASIDE_LIST_EX;
typedef struct DDI_STRUCT _NPAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE_POOL L;
} __attribute__((aligned(64))) NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST, PAGED_LOOKASIDE_LIST,
    *PPAGED_LOOKASIDE_LIST;

VOID DDI_CALL ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                              PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                              USHORT Depth);
VOID DDI_CALL ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside);
VOID DDI_CALL ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                             PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                             USHORT Depth);
VOID DDI_CALL ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside);
NTSTATUS DDI_CALL ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                              PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
                                              SIZE_T Size, ULONG Tag, USHORT Depth);
VOID DDI_CALL ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);
VOID DDI_CALL ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);

/* What the WDK has inline. */
FORCEINLINE PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) {
    PVOID entry = ExpInterlockedPopEntrySList(&Lookaside->L.ListHead);

    Lookaside->L.TotalAllocates++;
    if (entry)
        return entry;
    Lookaside->L.AllocateMisses++;
    return Lookaside->L.Allocate(Lookaside->L.Type, Lookaside->L.Size, Lookaside->L.Tag);
}
FORCEINLINE VOID ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry) {
    Lookaside->L.TotalFrees++;
    if (ExQueryDepthSList(&Lookaside->L.ListHead) < Lookaside->L.Depth) {
        ExpInterlockedPushEntrySList(&Lookaside->L.ListHead, (PSLIST_ENTRY)Entry);
        return;
    }
    Lookaside->L.FreeMisses++;
    Lookaside->L.Free(Entry);
}
FORCEINLINE PVOID ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
    PVOID entry = ExpInterlockedPopEntrySList(&Lookaside->L.ListHead);

    Lookaside->L.TotalAllocates++;
    if (entry)
        return entry;
    Lookaside->L.AllocateMisses++;
    return Lookaside->L.AllocateEx(Lookaside->L.Type, Lookaside->L.Size, Lookaside->L.Tag, Lookaside);
}
FORCEINLINE VOID ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry) {
    Lookaside->L.TotalFrees++;
    if (ExQueryDepthSList(&Lookaside->L.ListHead) < Lookaside->L.Depth) {
        ExpInterlockedPushEntrySList(&Lookaside->L.ListHead, (PSLIST_ENTRY)Entry);
        return;
    }
    Lookaside->L.FreeMisses++;
    Lookaside->L.FreeEx(Entry, Lookaside);
}

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
