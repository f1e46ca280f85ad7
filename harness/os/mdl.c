/*
 * Memory descriptor lists. What is known of one is in its flags and its page numbers: a mapping of locked
 * pages is the address they have anyway.
 */
#include "mdl.h"

#include "exception.h"

#define TAG 0x206C644Du /* "Mdl " */
#define HAS_ADDRESS (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)

static SIZE_T size_for(const void *base, SIZE_T length) {
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(base, length);
}

SIZE_T DDI_CALL MmSizeOfMdl(PVOID Base, SIZE_T Length) {
    gpup_os_enter(GPUP_SERVICE(MmSizeOfMdl));
    return size_for(Base, Length);
}

static void describe(PMDL mdl, PVOID address, ULONG length) {
    mdl->Next = NULL;
    mdl->Size = (CSHORT)size_for(address, length);
    mdl->MdlFlags = 0;
    mdl->MappedSystemVa = NULL;
    mdl->StartVa = PAGE_ALIGN(address);
    mdl->ByteOffset = BYTE_OFFSET(address);
    mdl->ByteCount = length;
}

PMDL gpup_mdl_new(struct gpup_os *os, PVOID address, ULONG length) {
    PMDL mdl = gpup_pool_alloc(os, size_for(address, length), TAG, GPUP_BLOCK_POOL, true, 0, NULL);

    if (mdl)
        describe(mdl, address, length);
    return mdl;
}

PMDL DDI_CALL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
                            PIRP Irp) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoAllocateMdl);
    struct gpup_os *os = gpup_os_enter(service);

    (void)SecondaryBuffer;
    (void)ChargeQuota;
    if (!os)
        return NULL;
    if (!Length || Irp) /* there are no IRPs to chain it to */
        gpup_os_misuse(os, service->name, Irp ? GPUP_MISUSE_UNSUPPORTED : GPUP_MISUSE_PARAMETER, 0);
    return gpup_mdl_new(os, VirtualAddress, Length);
}

VOID DDI_CALL IoFreeMdl(PMDL Mdl) {
    const struct gpup_service_limit *service = GPUP_SERVICE(IoFreeMdl);
    struct gpup_os *os = gpup_os_enter(service);

    if (!os)
        return;
    if (gpup_pool_live(os, Mdl, sizeof *Mdl) && (Mdl->MdlFlags & MDL_PAGES_LOCKED) &&
        !(Mdl->MdlFlags & MDL_PARTIAL))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0); /* its pages stay locked for ever */
    gpup_pool_free(os, Mdl, GPUP_BLOCK_POOL);
}

static void fill_pages(struct gpup_os *os, PMDL mdl) {
    PFN_NUMBER *pages = MmGetMdlPfnArray(mdl);
    ULONG count = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), mdl->ByteCount);

    for (ULONG i = 0; i < count; i++)
        pages[i] = gpup_os_physical(os, (uint8_t *)mdl->StartVa + (size_t)i * PAGE_SIZE) >> PAGE_SHIFT;
}

/* Memory that was freed, or guards some. */
static bool is_gone(struct gpup_os *os, const MDL *mdl) {
    uint64_t object, offset;
    uint32_t tag;
    enum gpup_place place = gpup_pool_place(os, MmGetMdlVirtualAddress(mdl), &object, &offset, &tag);

    return place == GPUP_PLACE_FREED || place == GPUP_PLACE_GUARD;
}

static struct gpup_os *enter(const struct gpup_service_limit *service, const MDL *mdl, int unwanted) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (mdl->MdlFlags & unwanted))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    return os;
}

VOID DDI_CALL MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmBuildMdlForNonPagedPool);
    PMDL mdl = MemoryDescriptorList;
    struct gpup_os *os = enter(service, mdl, HAS_ADDRESS | MDL_PAGES_LOCKED);

    if (!os)
        return;
    if (is_gone(os, mdl))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
    fill_pages(os, mdl);
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

VOID DDI_CALL MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                  LOCK_OPERATION Operation) {
    PMDL mdl = MemoryDescriptorList;
    struct gpup_os *os =
        enter(GPUP_SERVICE(MmProbeAndLockPages), mdl, MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL);

    (void)AccessMode;
    if (!os)
        return;
    if (is_gone(os, mdl) && os->machine->running)
        gpup_exception_status(os, STATUS_ACCESS_VIOLATION);
    fill_pages(os, mdl);
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    if (Operation != IoReadAccess)
        mdl->MdlFlags |= MDL_WRITE_OPERATION;
}

VOID DDI_CALL MmUnlockPages(PMDL MemoryDescriptorList) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmUnlockPages);
    PMDL mdl = MemoryDescriptorList;
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (!(mdl->MdlFlags & MDL_PAGES_LOCKED) || (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL)))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_LOCK, 0);
    mdl->MappedSystemVa = NULL; /* a mapping goes with the lock */
    mdl->MdlFlags &= (CSHORT) ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_WRITE_OPERATION);
}

/* --- mappings */

PVOID gpup_mdl_address(struct gpup_os *os, const MDL *mdl) {
    const uint8_t *start = mdl->StartVa;

    if (mdl->MdlFlags & HAS_ADDRESS)
        return mdl->MappedSystemVa;
    if (!start) /* pages of MmAllocatePagesForMdl */
        start = gpup_os_from_physical(os, MmGetMdlPfnArray(mdl)[0] << PAGE_SHIFT, mdl->ByteCount);
    return start ? (PVOID)(uintptr_t)(start + mdl->ByteOffset) : NULL; // NOLINT(performance-no-int-to-ptr)
}

static PVOID map(const struct gpup_service_limit *service, PMDL mdl, KPROCESSOR_MODE mode) {
    struct gpup_os *os =
        gpup_os_service_from(service->name, service->low, mode == KernelMode ? service->high : APC_LEVEL);

    if (!os)
        return NULL;
    if (mode != KernelMode) { /* there is no process whose address space it could be */
        gpup_os_misuse(os, service->name, GPUP_MISUSE_UNSUPPORTED, 0);
        return NULL;
    }
    if (mdl->MdlFlags & HAS_ADDRESS)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    else if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL))) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_OBJECT, 0);
        return NULL;
    }
    if (gpup_os_fails(os))
        return NULL;
    mdl->MappedSystemVa = gpup_mdl_address(os, mdl);
    if (mdl->MappedSystemVa)
        mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    return mdl->MappedSystemVa;
}

PVOID DDI_CALL MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode) {
    return map(GPUP_SERVICE(MmMapLockedPages), MemoryDescriptorList, AccessMode);
}

PVOID DDI_CALL MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                            MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                            ULONG BugCheckOnFailure, ULONG Priority) {
    struct gpup_os *os = gpup_os_current();
    PVOID address;

    (void)CacheType;
    (void)RequestedAddress;
    (void)Priority;
    address = map(GPUP_SERVICE(MmMapLockedPagesSpecifyCache), MemoryDescriptorList, AccessMode);
    if (!address && BugCheckOnFailure && os && os->machine->running)
        gpup_os_bugcheck(os, 0x1A); /* MEMORY_MANAGEMENT */
    return address;
}

VOID DDI_CALL MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmUnmapLockedPages);
    PMDL mdl = MemoryDescriptorList;
    struct gpup_os *os = gpup_os_enter(service);

    if (os && (!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) || mdl->MappedSystemVa != BaseAddress))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    mdl->MdlFlags &= (CSHORT)~MDL_MAPPED_TO_SYSTEM_VA;
    mdl->MappedSystemVa = NULL;
}

NTSTATUS DDI_CALL MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect) {
    const struct gpup_service_limit *service = GPUP_SERVICE(MmProtectMdlSystemAddress);
    struct gpup_os *os = gpup_os_enter(service);

    (void)NewProtect; /* the same bytes stay writable at their own address */
    if (MemoryDescriptorList->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        return STATUS_SUCCESS;
    if (os)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_STATE, 0);
    return STATUS_INVALID_PARAMETER;
}
