/* Memory descriptor lists, contiguous memory, addresses. */
#include "trial.h"
#include <string.h>

#define TAG 0x74736554u
static const PHYSICAL_ADDRESS none, highest = {.QuadPart = -1};

static void *block(SIZE_T size) {
    return ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG);
}

EFFECT(IoAllocateMdl) {
    uint8_t *bytes = block(6000);
    PMDL mdl = IoAllocateMdl(bytes, 6000, FALSE, FALSE, NULL);

    MUST(mdl && MmGetMdlByteCount(mdl) == 6000 && MmGetMdlVirtualAddress(mdl) == bytes);
    MUST(mdl->Size == (CSHORT)MmSizeOfMdl(bytes, 6000) && MmSizeOfMdl(bytes, 6000) == sizeof(MDL) + 2 * 8);
    MmBuildMdlForNonPagedPool(mdl);
    MUST(mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL);
    MUST(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == bytes);
    MUST(MmGetMdlPfnArray(mdl)[1] ==
         (uint64_t)MmGetPhysicalAddress(bytes + PAGE_SIZE).QuadPart >> PAGE_SHIFT);
    IoFreeMdl(mdl);
    ExFreePool(bytes);
    return 0;
}
MISUSE(IoAllocateMdl) { /* is not given back */
    return (uint64_t)(uintptr_t)IoAllocateMdl(room, 100, FALSE, FALSE, NULL);
}
MISUSE(IoFreeMdl) { /* while its pages are locked */
    PMDL mdl = IoAllocateMdl(room, 100, FALSE, FALSE, NULL);

    MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
    IoFreeMdl(mdl);
    return 0;
}
MISUSE(MmBuildMdlForNonPagedPool) { /* its memory is gone */
    void *bytes = block(100);
    PMDL mdl = IoAllocateMdl(bytes, 100, FALSE, FALSE, NULL);

    ExFreePool(bytes);
    MmBuildMdlForNonPagedPool(mdl);
    return 0;
}
EFFECT(MmProbeAndLockPages) {
    PMDL mdl = IoAllocateMdl(room, 100, FALSE, FALSE, NULL);
    void *seen;

    MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
    MUST(mdl->MdlFlags & MDL_PAGES_LOCKED);
    seen = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    MUST(seen != NULL && (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    memset(seen, 0x5C, 100);
    MUST(((uint8_t *)room)[99] == 0x5C); /* the same bytes */
    MUST(MmProtectMdlSystemAddress(mdl, PAGE_READONLY) == STATUS_SUCCESS);
    MmUnmapLockedPages(seen, mdl);
    MUST(MmMapLockedPages(mdl, KernelMode) != NULL);
    MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
    MmUnlockPages(mdl);
    MUST(!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)));
    IoFreeMdl(mdl);
    return 0;
}
MISUSE(MmProbeAndLockPages) { /* twice */
    PMDL mdl = IoAllocateMdl(room, 100, FALSE, FALSE, NULL);

    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    return 0;
}
MISUSE(MmUnlockPages) {
    MmUnlockPages(IoAllocateMdl(room, 100, FALSE, FALSE, NULL));
    return 0;
}
MISUSE(MmMapLockedPages) { /* they are not locked */
    return (uint64_t)(uintptr_t)MmMapLockedPages(IoAllocateMdl(room, 100, FALSE, FALSE, NULL), KernelMode);
}
MISUSE(MmMapLockedPagesSpecifyCache) { /* mapped already */
    PMDL mdl = IoAllocateMdl(room, 100, FALSE, FALSE, NULL);

    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    return 0;
}
MISUSE(MmUnmapLockedPages) { /* another address */
    PMDL mdl = IoAllocateMdl(room, 100, FALSE, FALSE, NULL);

    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    MmUnmapLockedPages((uint8_t *)room + 1, mdl);
    return 0;
}
MISUSE(MmProtectMdlSystemAddress) {
    PMDL mdl = IoAllocateMdl(room, 100, FALSE, FALSE, NULL);

    return (uint64_t)MmProtectMdlSystemAddress(mdl, PAGE_READONLY);
}
MISUSE(MmSizeOfMdl) { /* more than it says was asked for */
    PMDL mdl = ExAllocatePool2(POOL_FLAG_NON_PAGED, MmSizeOfMdl(room, 1), TAG);
    volatile PFN_NUMBER *pages = MmGetMdlPfnArray(mdl);

    pages[64] = 1;
    return 0;
}
EFFECT(IoBuildPartialMdl) {
    uint8_t *bytes = block(9000);
    PMDL mdl = IoAllocateMdl(bytes, 9000, FALSE, FALSE, NULL);
    PMDL part = IoAllocateMdl(bytes, 9000, FALSE, FALSE, NULL);

    MmBuildMdlForNonPagedPool(mdl);
    IoBuildPartialMdl(mdl, part, bytes + 5000, 1000);
    MUST(part->ByteCount == 1000 && MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == bytes + 5000);
    MUST(MmGetMdlPfnArray(part)[0] == MmGetMdlPfnArray(mdl)[1]);
    MUST(MmAdvanceMdl(mdl, 4096) == STATUS_SUCCESS && mdl->ByteCount == 9000 - 4096);
    MUST(MmGetMdlPfnArray(part)[0] == MmGetMdlPfnArray(mdl)[0] && mdl->MappedSystemVa == bytes + 4096);
    MUST(MmAdvanceMdl(mdl, 9000) == STATUS_INVALID_PARAMETER_2);
    IoFreeMdl(part);
    IoFreeMdl(mdl);
    ExFreePool(bytes);
    return 0;
}
MISUSE(IoBuildPartialMdl) { /* beyond the source */
    PMDL mdl = IoAllocateMdl(room, 100, FALSE, FALSE, NULL);

    IoBuildPartialMdl(mdl, IoAllocateMdl(room, 200, FALSE, FALSE, NULL), room, 101);
    return 0;
}
MISUSE(MmAdvanceMdl) { /* without pages */
    return (uint64_t)MmAdvanceMdl(IoAllocateMdl(room, 100, FALSE, FALSE, NULL), 10);
}
EFFECT(MmAllocatePagesForMdl) {
    PMDL mdl = MmAllocatePagesForMdl(none, highest, none, 2 * PAGE_SIZE);
    uint8_t *bytes;

    MUST(mdl && mdl->ByteCount == 2 * PAGE_SIZE && (mdl->MdlFlags & MDL_PAGES_LOCKED));
    bytes = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    MUST(bytes != NULL);
    bytes[2 * PAGE_SIZE - 1] = 1;
    MUST(MmGetMdlPfnArray(mdl)[1] ==
         (uint64_t)MmGetPhysicalAddress(bytes + PAGE_SIZE).QuadPart >> PAGE_SHIFT);
    MmUnmapLockedPages(bytes, mdl);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
    return 0;
}
MISUSE(MmAllocatePagesForMdl) { /* is not given back */
    return (uint64_t)(uintptr_t)MmAllocatePagesForMdl(none, highest, none, PAGE_SIZE);
}
EFFECT(MmAllocatePagesForMdlEx) {
    PMDL mdl = MmAllocatePagesForMdlEx(none, highest, none, 100, MmCached, 0);

    MUST(mdl && mdl->ByteCount == PAGE_SIZE);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
    return 0;
}
MISUSE(MmFreePagesFromMdl) { /* twice */
    PMDL mdl = MmAllocatePagesForMdl(none, highest, none, PAGE_SIZE);

    MmFreePagesFromMdl(mdl);
    MmFreePagesFromMdl(mdl);
    return 0;
}

/* --- contiguous and uncached */

EFFECT(MmAllocateContiguousMemory) {
    uint8_t *bytes = MmAllocateContiguousMemory(3 * PAGE_SIZE, highest);
    uint64_t first = (uint64_t)MmGetPhysicalAddress(bytes).QuadPart;

    MUST(bytes && ((uintptr_t)bytes & (PAGE_SIZE - 1)) == 0 && first);
    MUST((uint64_t)MmGetPhysicalAddress(bytes + 2 * PAGE_SIZE).QuadPart == first + 2 * PAGE_SIZE);
    bytes[3 * PAGE_SIZE - 1] = 1;
    MmFreeContiguousMemory(bytes);
    return 0;
}
MISUSE(MmAllocateContiguousMemory) {
    return (uint64_t)(uintptr_t)MmAllocateContiguousMemory(PAGE_SIZE, highest);
}
EFFECT(MmAllocateContiguousMemorySpecifyCache) {
    uint8_t *bytes = MmAllocateContiguousMemorySpecifyCache(100, none, highest, none, MmNonCached);

    MUST(bytes != NULL);
    MmFreeContiguousMemorySpecifyCache(bytes, 100, MmNonCached);
    return 0;
}
MISUSE(MmFreeContiguousMemorySpecifyCache) { /* pool memory */
    MmFreeContiguousMemorySpecifyCache(block(PAGE_SIZE), PAGE_SIZE, MmCached);
    return 0;
}
MISUSE(MmFreeContiguousMemory) { /* twice */
    void *bytes = MmAllocateContiguousMemory(PAGE_SIZE, highest);

    MmFreeContiguousMemory(bytes);
    MmFreeContiguousMemory(bytes);
    return 0;
}
EFFECT(MmAllocateContiguousMemorySpecifyCacheNode) {
    void *bytes = MmAllocateContiguousMemorySpecifyCacheNode(100, none, highest, none, MmCached, 0);

    MUST(bytes && MmIsAddressValid(bytes));
    MmFreeContiguousMemory(bytes);
    return 0;
}
EFFECT(MmAllocateContiguousNodeMemory) {
    void *bytes = MmAllocateContiguousNodeMemory(100, none, highest, none, PAGE_READWRITE, 0);

    MUST(bytes && MmGetPhysicalAddress(bytes).QuadPart);
    MmFreeContiguousMemory(bytes);
    return 0;
}
EFFECT(MmAllocateNonCachedMemory) {
    void *bytes = MmAllocateNonCachedMemory(5000);

    MUST(bytes && ((uintptr_t)bytes & (PAGE_SIZE - 1)) == 0);
    MmFreeNonCachedMemory(bytes, 5000);
    return 0;
}
MISUSE(MmFreeNonCachedMemory) {
    MmFreeNonCachedMemory(room, ROOM);
    return 0;
}
MISUSE(MmGetPhysicalAddress) { /* of a device that reads what was freed: an address says nothing then */
    void *bytes = block(64);
    volatile uint64_t *after = bytes;

    ExFreePool(bytes);
    MmGetPhysicalAddress(bytes);
    return *after;
}

/* --- addresses */

EFFECT(MmIsAddressValid) {
    MUST(MmIsAddressValid(room) && MmIsAddressValid(&room) && !MmIsAddressValid(NULL));
    MUST(!MmIsAddressValid((uint8_t *)room + ROOM)); /* the guard */
    return 0;
}
EFFECT(MmGetSystemRoutineAddress) {
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, u"KeSetEvent");
    MUST(MmGetSystemRoutineAddress(&name) == (PVOID)KeSetEvent);
    RtlInitUnicodeString(&name, u"KeSetEventually");
    MUST(MmGetSystemRoutineAddress(&name) == NULL);
    return 0;
}
MISUSE(MmGetSystemRoutineAddress) {
    return (uint64_t)(uintptr_t)MmGetSystemRoutineAddress(NULL);
}
EFFECT(ProbeForRead) {
    ProbeForRead(room, 0, 1); /* nothing to look at */
    ProbeForWrite(room, 0, 1);
    return 0;
}
MISUSE(ProbeForRead) { /* an address of the system is no user's */
    ProbeForRead(room, 10, 1);
    return 0;
}
MISUSE(ProbeForWrite) {
    ProbeForWrite((uint8_t *)room + 1, 10, 4);
    return 0;
}

const struct trial memory_trials[] = {
    TRIAL(IoAllocateMdl, LEAVES),
    WITH(IoFreeMdl, IoAllocateMdl, STATE),
    WITH(MmBuildMdlForNonPagedPool, IoAllocateMdl, OBJECT),
    TRIAL(MmProbeAndLockPages, STATE),
    WITH(MmUnlockPages, MmProbeAndLockPages, LOCK),
    WITH(MmMapLockedPages, MmProbeAndLockPages, OBJECT),
    WITH(MmMapLockedPagesSpecifyCache, MmProbeAndLockPages, STATE),
    WITH(MmUnmapLockedPages, MmProbeAndLockPages, STATE),
    WITH(MmProtectMdlSystemAddress, MmProbeAndLockPages, STATE),
    WITH(MmSizeOfMdl, IoAllocateMdl, FAULTS),
    TRIAL(IoBuildPartialMdl, PARAMETER),
    WITH(MmAdvanceMdl, IoBuildPartialMdl, STATE),
    TRIAL(MmAllocatePagesForMdl, LEAVES),
    LIMITED(MmAllocatePagesForMdlEx),
    WITH(MmFreePagesFromMdl, MmAllocatePagesForMdl, OBJECT),
    TRIAL(MmAllocateContiguousMemory, LEAVES),
    LIMITED(MmAllocateContiguousMemorySpecifyCache),
    LIMITED(MmAllocateContiguousMemorySpecifyCacheNode),
    LIMITED(MmAllocateContiguousNodeMemory),
    WITH(MmFreeContiguousMemory, MmAllocateContiguousMemory, DAMAGES),
    WITH(MmFreeContiguousMemorySpecifyCache, MmAllocateContiguousMemorySpecifyCache, DAMAGES),
    LIMITED(MmAllocateNonCachedMemory),
    WITH(MmFreeNonCachedMemory, MmAllocateNonCachedMemory, DAMAGES),
    WITH(MmGetPhysicalAddress, MmAllocateContiguousMemory, FAULTS),
    LIMITED(MmIsAddressValid),
    TRIAL(MmGetSystemRoutineAddress, FAULTS),
    TRIAL(ProbeForRead, STOPS),
    WITH(ProbeForWrite, ProbeForRead, STOPS),
    {0},
};
