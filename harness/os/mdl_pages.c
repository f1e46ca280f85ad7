/* Parts of memory descriptor lists, and pages that come with one. */
#include "mdl.h"

VOID DDI_CALL IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoBuildPartialMdl);
    struct gpup_os *os = gpup_os_enter(service);
    uint64_t at = (uint64_t)((uint8_t *)VirtualAddress - (uint8_t *)MmGetMdlVirtualAddress(SourceMdl));
    uint64_t first = ((uint8_t *)VirtualAddress - (uint8_t *)SourceMdl->StartVa) >> PAGE_SHIFT;

    if (!os)
        return;
    if (at >= SourceMdl->ByteCount || Length > SourceMdl->ByteCount - at) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return;
    }
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length ? Length : (ULONG)(SourceMdl->ByteCount - at); /* 0: the rest */
    TargetMdl->MdlFlags = (CSHORT)(MDL_PARTIAL | (SourceMdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL));
    TargetMdl->MappedSystemVa =
        SourceMdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL ? (uint8_t *)SourceMdl->MappedSystemVa + at : NULL;
    memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + first,
           ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, TargetMdl->ByteCount) * sizeof(PFN_NUMBER));
}

NTSTATUS DDI_CALL MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmAdvanceMdl);
    struct gpup_os *os = gpup_os_enter(service);
    PFN_NUMBER *pages = MmGetMdlPfnArray(Mdl);
    ULONG offset = Mdl->ByteOffset + NumberOfBytes, gone = offset >> PAGE_SHIFT;
    ULONG count = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);

    if (!os)
        return STATUS_UNSUCCESSFUL;
    if (NumberOfBytes >= Mdl->ByteCount)
        return STATUS_INVALID_PARAMETER_2;
    if (!(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL)))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    memmove(pages, pages + gone, (count - gone) * sizeof *pages);
    Mdl->StartVa = (uint8_t *)Mdl->StartVa + (size_t)gone * PAGE_SIZE;
    Mdl->ByteOffset = offset & (PAGE_SIZE - 1);
    Mdl->ByteCount -= NumberOfBytes;
    if (Mdl->MappedSystemVa)
        Mdl->MappedSystemVa = (uint8_t *)Mdl->MappedSystemVa + NumberOfBytes;
    return STATUS_SUCCESS;
}

/* --- pages without an address: the list has their numbers alone until it is mapped */

static PMDL new_pages(struct gpup_os *os, SIZE_T total) {
    SIZE_T size = (total + PAGE_SIZE - 1) & ~(SIZE_T)(PAGE_SIZE - 1);
    uint8_t *pages;
    PMDL mdl;

    if (!size || size > MAXULONG)
        return NULL;
    mdl = gpup_mdl_new(os, NULL, (ULONG)size);
    if (!mdl)
        return NULL;
    pages = gpup_pool_alloc(os, size, 0, GPUP_BLOCK_CONTIGUOUS, true, 0, NULL);
    if (!pages) {
        gpup_pool_free(os, mdl, GPUP_BLOCK_POOL);
        return NULL;
    }
    for (SIZE_T i = 0; i < size / PAGE_SIZE; i++)
        MmGetMdlPfnArray(mdl)[i] = gpup_os_physical(os, pages + i * PAGE_SIZE) >> PAGE_SHIFT;
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    return mdl;
}

PMDL gpup_mdl_with_pages(struct gpup_os *os, size_t size) {
    uint32_t count = os->fail_count;
    PMDL mdl;

    os->fail_count = 0;
    mdl = new_pages(os, size ? size : 1);
    os->fail_count = count;
    if (mdl)
        mdl->ByteCount = (ULONG)size;
    return mdl;
}

static PMDL allocate(const struct gpup_service_limit *service, SIZE_T total) {
    struct gpup_os *os = gpup_os_enter(service);

    return os ? new_pages(os, total) : NULL;
}

PMDL DDI_CALL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                    PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes) {
    (void)LowAddress;
    (void)HighAddress;
    (void)SkipBytes;
    return allocate(GPUP_SERVICE(MmAllocatePagesForMdl), TotalBytes);
}

PMDL DDI_CALL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                      PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                                      MEMORY_CACHING_TYPE CacheType, ULONG Flags) {
    (void)LowAddress;
    (void)HighAddress;
    (void)SkipBytes;
    (void)CacheType;
    (void)Flags;
    return allocate(GPUP_SERVICE(MmAllocatePagesForMdlEx), TotalBytes);
}

VOID DDI_CALL MmFreePagesFromMdl(PMDL MemoryDescriptorList) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmFreePagesFromMdl);
    struct gpup_os *os = gpup_os_enter(service);
    PMDL mdl = MemoryDescriptorList;
    void *pages;

    if (!os)
        return;
    pages = mdl->StartVa ? NULL
                         : gpup_os_from_physical(os, MmGetMdlPfnArray(mdl)[0] << PAGE_SHIFT, mdl->ByteCount);
    if (!pages || !(mdl->MdlFlags & MDL_PAGES_LOCKED)) { /* freed before, or of another kind */
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
        return;
    }
    if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    mdl->MdlFlags = 0;
    gpup_pool_free(os, pages, GPUP_BLOCK_CONTIGUOUS);
}
