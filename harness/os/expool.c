/* ExAllocatePool and its relatives, ExFreePool. */
#include "exception.h"
#include "services.h"

static PVOID allocate(const struct gpup_service_limit *service, SIZE_T size, ULONG tag, bool paged,
                      bool zero) {
    struct gpup_os *os = gpup_os_service(service->name, paged ? APC_LEVEL : service->high);
    size_t rounded = (size + 15) & ~(size_t)15;

    if (!os)
        return NULL;
    if (!size)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
    if (size > PTRDIFF_MAX / 2)
        return NULL;
    if (size >= PAGE_SIZE) /* the pages: such a block starts at a page */
        rounded = (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
    return gpup_pool_alloc(os, size, tag, GPUP_BLOCK_POOL, zero, rounded - size, NULL);
}

PVOID DDI_CALL ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ExAllocatePool2);
    static const POOL_FLAGS types =
        POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED | POOL_FLAG_SESSION;
    POOL_FLAGS type = Flags & types;
    struct gpup_os *os = gpup_os_current();
    PVOID block;

    if (os && (!type || (type & (type - 1)) || !Tag))
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
    if (!type)
        return NULL;
    block = allocate(service, NumberOfBytes, Tag, (Flags & POOL_FLAG_PAGED) != 0,
                     !(Flags & POOL_FLAG_UNINITIALIZED));
    if (!block && os && os->machine->running && (Flags & POOL_FLAG_RAISE_ON_FAILURE))
        gpup_exception_status(os, STATUS_INSUFFICIENT_RESOURCES);
    return block;
}

PVOID DDI_CALL ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
    return allocate(GPUP_SERVICE(ExAllocatePoolWithTag), NumberOfBytes, Tag, PoolType & PagedPool, false);
}

PVOID DDI_CALL ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
    return allocate(GPUP_SERVICE(ExAllocatePoolZero), NumberOfBytes, Tag, PoolType & PagedPool, true);
}

PVOID DDI_CALL ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
    return allocate(GPUP_SERVICE(ExAllocatePoolUninitialized), NumberOfBytes, Tag, PoolType & PagedPool,
                    false);
}

PVOID DDI_CALL ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
    return allocate(GPUP_SERVICE(ExAllocatePool), NumberOfBytes, 0x656E6F4E, PoolType & PagedPool, false);
}

static void give_back(const struct gpup_service_limit *service, PVOID block, ULONG tag) {
    struct gpup_os *os = gpup_os_enter(service);
    uint64_t object = 0, offset = 0;
    uint32_t actual = 0;

    if (!os)
        return;
    if (tag && gpup_pool_place(os, block, &object, &offset, &actual) == GPUP_PLACE_BLOCK && actual != tag)
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, object);
    gpup_pool_free(os, block, GPUP_BLOCK_POOL);
}

VOID DDI_CALL ExFreePool(PVOID P) {
    give_back(GPUP_SERVICE(ExFreePool), P, 0);
}

VOID DDI_CALL ExFreePoolWithTag(PVOID P, ULONG Tag) {
    give_back(GPUP_SERVICE(ExFreePoolWithTag), P, Tag);
}

/* --- further forms */

PVOID DDI_CALL ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                               const POOL_EXTENDED_PARAMETER *ExtendedParameters,
                               ULONG ExtendedParametersCount) {
    (void)ExtendedParameters; /* priority, secure pool, node: nothing of it shows here */
    (void)ExtendedParametersCount;
    gpup_os_enter(GPUP_SERVICE(ExAllocatePool3));
    return ExAllocatePool2(Flags, NumberOfBytes, Tag);
}

PVOID DDI_CALL ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                             EX_POOL_PRIORITY Priority) {
    (void)Priority;
    return allocate(GPUP_SERVICE(ExAllocatePoolWithTagPriority), NumberOfBytes, Tag, PoolType & PagedPool,
                    false);
}

/* Raises an exception where the others return NULL, unless bit 3 of the type asks for NULL. */
PVOID DDI_CALL ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
    struct gpup_os *os = gpup_os_current();
    PVOID block =
        allocate(GPUP_SERVICE(ExAllocatePoolWithQuotaTag), NumberOfBytes, Tag, PoolType & PagedPool, false);

    if (!block && os && os->machine->running && !((unsigned)PoolType & 8))
        gpup_exception_status(os, STATUS_INSUFFICIENT_RESOURCES);
    return block;
}

VOID DDI_CALL ExFreePool2(PVOID P, ULONG Tag, const POOL_EXTENDED_PARAMETER *ExtendedParameters,
                          ULONG ExtendedParametersCount) {
    (void)ExtendedParameters;
    (void)ExtendedParametersCount;
    give_back(GPUP_SERVICE(ExFreePool2), P, Tag);
}
