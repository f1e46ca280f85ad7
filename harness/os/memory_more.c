/* Contiguous memory on a node, uncached memory, and what an address leads to. */
#include "services.h"
#include <gpup/kernel.h>
#include <sys/mman.h>

static PVOID allocate(const struct gpup_service_limit *service, SIZE_T size) {
    struct gpup_os *os = gpup_os_enter(service);
    size_t whole = (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);

    if (!os || !size || size > PTRDIFF_MAX / 2)
        return NULL;
    return gpup_pool_alloc(os, whole, 0, GPUP_BLOCK_CONTIGUOUS, false, 0, NULL);
}

PVOID DDI_CALL MmAllocateContiguousMemorySpecifyCacheNode(
    SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
    PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType, NODE_REQUIREMENT PreferredNode) {
    (void)LowestAcceptableAddress;
    (void)HighestAcceptableAddress;
    (void)BoundaryAddressMultiple;
    (void)CacheType;
    (void)PreferredNode;
    return allocate(GPUP_SERVICE(MmAllocateContiguousMemorySpecifyCacheNode), NumberOfBytes);
}

PVOID DDI_CALL MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                              PHYSICAL_ADDRESS HighestAcceptableAddress,
                                              PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
                                              NODE_REQUIREMENT PreferredNode) {
    (void)LowestAcceptableAddress;
    (void)HighestAcceptableAddress;
    (void)BoundaryAddressMultiple;
    (void)Protect;
    (void)PreferredNode;
    return allocate(GPUP_SERVICE(MmAllocateContiguousNodeMemory), NumberOfBytes);
}

PVOID DDI_CALL MmAllocateNonCachedMemory(SIZE_T NumberOfBytes) {
    return allocate(GPUP_SERVICE(MmAllocateNonCachedMemory), NumberOfBytes);
}

VOID DDI_CALL MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(MmFreeNonCachedMemory));

    (void)NumberOfBytes;
    if (os)
        gpup_pool_free(os, BaseAddress, GPUP_BLOCK_CONTIGUOUS);
}

/* --- addresses */

static bool mapped(const void *address) {
    void *page = PAGE_ALIGN(address); // NOLINT(performance-no-int-to-ptr)
    unsigned char resident;

    return !mincore(page, PAGE_SIZE, &resident);
}

BOOLEAN DDI_CALL MmIsAddressValid(PVOID VirtualAddress) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(MmIsAddressValid));
    uint64_t object, offset;
    uint32_t tag;
    enum gpup_place place =
        os ? gpup_pool_place(os, VirtualAddress, &object, &offset, &tag) : GPUP_PLACE_UNKNOWN;

    if (place == GPUP_PLACE_FREED || place == GPUP_PLACE_GUARD)
        return FALSE;
    return place == GPUP_PLACE_BLOCK || mapped(VirtualAddress);
}

PVOID DDI_CALL MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName) {
    const struct gpup_service *found;
    char name[64];
    size_t length = SystemRoutineName->Length / 2;

    gpup_os_enter(GPUP_SERVICE(MmGetSystemRoutineAddress));
    if (length >= sizeof name)
        return NULL;
    for (size_t i = 0; i < length; i++)
        name[i] = (char)(SystemRoutineName->Buffer[i] < 128 ? SystemRoutineName->Buffer[i] : (WCHAR)'?');
    name[length] = '\0';
    found = gpup_kernel_find("ntoskrnl.exe", name);
    return found ? (PVOID)(uintptr_t)gpup_kernel_entry(found) : NULL; // NOLINT(performance-no-int-to-ptr)
}
