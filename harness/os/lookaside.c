/* Lookaside lists: a list of blocks of one size that were given back. What a list keeps is the driver's until
 * the list is deleted. */
#include "services.h"

#define KEPT 4u /* blocks: few, so that a use after free shows soon */

static void tie(GENERAL_LOOKASIDE_POOL *list, bool on) {
    uint64_t address = on ? ~(uint64_t)(uintptr_t)list : 0;

    memcpy(list->Future, &address, sizeof address);
}

static bool tied(const GENERAL_LOOKASIDE_POOL *list) {
    uint64_t address;

    memcpy(&address, list->Future, sizeof address);
    return address == ~(uint64_t)(uintptr_t)list;
}

static PVOID DDI_CALL usual_allocate_ex(POOL_TYPE type, SIZE_T size, ULONG tag, PLOOKASIDE_LIST_EX list) {
    (void)list;
    return ExAllocatePoolWithTag(type, size, tag);
}

static VOID DDI_CALL usual_free_ex(PVOID block, PLOOKASIDE_LIST_EX list) {
    (void)list;
    ExFreePool(block);
}

static void begin(const struct gpup_service_limit *service, GENERAL_LOOKASIDE_POOL *list, POOL_TYPE type,
                  SIZE_T size, ULONG tag) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (!size || size > MAXULONG))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
    memset(list, 0, sizeof *list);
    list->Depth = KEPT;
    list->MaximumDepth = 256;
    list->Type = type;
    list->Tag = tag;
    list->Size = (ULONG)(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
    tie(list, true);
}

VOID DDI_CALL ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                              PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                              USHORT Depth) {
    (void)Flags;
    (void)Depth; /* reserved */
    begin(GPUP_SERVICE(ExInitializeNPagedLookasideList), &Lookaside->L, NonPagedPool, Size, Tag);
    Lookaside->L.Allocate = Allocate ? Allocate : ExAllocatePoolWithTag;
    Lookaside->L.Free = Free ? Free : ExFreePool;
}

VOID DDI_CALL ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                             PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                             USHORT Depth) {
    (void)Flags;
    (void)Depth;
    begin(GPUP_SERVICE(ExInitializePagedLookasideList), &Lookaside->L, PagedPool, Size, Tag);
    Lookaside->L.Allocate = Allocate ? Allocate : ExAllocatePoolWithTag;
    Lookaside->L.Free = Free ? Free : ExFreePool;
}

NTSTATUS DDI_CALL ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                              PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
                                              SIZE_T Size, ULONG Tag, USHORT Depth) {
    (void)Flags;
    (void)Depth;
    begin(GPUP_SERVICE(ExInitializeLookasideListEx), &Lookaside->L, PoolType, Size, Tag);
    Lookaside->L.AllocateEx = Allocate ? Allocate : usual_allocate_ex;
    Lookaside->L.FreeEx = Free ? Free : usual_free_ex;
    return STATUS_SUCCESS;
}

/* Gives back what the list keeps. extended: its functions take the list as well. */
static void flush(GENERAL_LOOKASIDE_POOL *list, bool extended) {
    PSLIST_ENTRY entry = ExpInterlockedFlushSList(&list->ListHead);

    while (entry) {
        PSLIST_ENTRY next = entry->Next;

        if (extended)
            list->FreeEx(entry, (PLOOKASIDE_LIST_EX)(void *)list);
        else
            list->Free(entry);
        entry = next;
    }
}

static void end(const struct gpup_service_limit *service, GENERAL_LOOKASIDE_POOL *list, bool extended) {
    struct gpup_os *os = gpup_os_enter(service);

    if (!tied(list)) { /* deleted before, or never initialised: its functions cannot be trusted */
        if (os)
            gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
        return;
    }
    flush(list, extended);
    tie(list, false);
}

VOID DDI_CALL ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) {
    end(GPUP_SERVICE(ExDeleteNPagedLookasideList), &Lookaside->L, false);
}

VOID DDI_CALL ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) {
    end(GPUP_SERVICE(ExDeletePagedLookasideList), &Lookaside->L, false);
}

VOID DDI_CALL ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
    end(GPUP_SERVICE(ExDeleteLookasideListEx), &Lookaside->L, true);
}

VOID DDI_CALL ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExFlushLookasideListEx);
    struct gpup_os *os = gpup_os_enter(service);

    if (tied(&Lookaside->L))
        flush(&Lookaside->L, true);
    else if (os)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
}
