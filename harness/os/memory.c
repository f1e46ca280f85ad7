/* Contiguous memory and physical addresses. All memory of a host has physical addresses at a distance of its
 * own, so that a driver that hands the source's addresses to the target is seen. */
#include "asan.h"
#include "mdl.h"

static uint64_t distance(const struct gpup_os *os) {
    return (uint64_t)(os->machine->host + 1) << 36 | (os->config.seed & 0xFFF) << 24;
}

uint64_t gpup_os_physical(struct gpup_os *os, const void *address) {
    size_t reserve;
    const uint8_t *base = gpup_arena_base(os->config.arena, &reserve);

    return gpup_arena_contains(os->config.arena, address)
               ? distance(os) + (uint64_t)((const uint8_t *)address - base)
               : 0;
}

uint8_t *gpup_os_from_physical(struct gpup_os *os, uint64_t physical, size_t size) {
    size_t reserve;
    uint8_t *base = gpup_arena_base(os->config.arena, &reserve);
    uint64_t offset = physical - distance(os);

    if (physical < distance(os) || offset >= reserve || size > reserve - offset ||
        !gpup_pool_live(os, base + offset, size))
        return NULL;
    return base + offset;
}

static bool dma_read(void *context, uint64_t physical, void *out, size_t size) {
    const uint8_t *from = gpup_os_from_physical(context, physical, size);

    if (from)
        gpup_copy_driver(out, from, size);
    return from != NULL;
}

static bool dma_write(void *context, uint64_t physical, const void *in, size_t size) {
    uint8_t *to = gpup_os_from_physical(context, physical, size);

    if (to)
        gpup_copy_driver(to, in, size);
    return to != NULL;
}

void gpup_os_wire_dma(struct gpup_os *os) {
    const struct gpup_device_ops *ops = os->config.device_ops;

    if (ops && ops->set_dma)
        ops->set_dma(os->config.device, dma_read, dma_write, os);
}

static PVOID allocate(const struct gpup_service_limit *service, SIZE_T size) {
    struct gpup_os *os = gpup_os_enter(service);
    size_t whole = (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);

    if (!os || !size || size > PTRDIFF_MAX / 2)
        return NULL;
    /* page-aligned: the block is a whole number of pages long */
    return gpup_pool_alloc(os, whole, 0, GPUP_BLOCK_CONTIGUOUS, false, 0, NULL);
}

PVOID DDI_CALL MmAllocateContiguousMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress) {
    (void)HighestAcceptableAddress;
    return allocate(GPUP_SERVICE(MmAllocateContiguousMemory), NumberOfBytes);
}

PVOID DDI_CALL MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                                      PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                      PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                      PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                      MEMORY_CACHING_TYPE CacheType) {
    (void)LowestAcceptableAddress;
    (void)HighestAcceptableAddress;
    (void)BoundaryAddressMultiple;
    (void)CacheType;
    return allocate(GPUP_SERVICE(MmAllocateContiguousMemorySpecifyCache), NumberOfBytes);
}

static void give_back(const struct gpup_service_limit *service, PVOID block) {
    struct gpup_os *os = gpup_os_enter(service);

    if (os)
        gpup_pool_free(os, block, GPUP_BLOCK_CONTIGUOUS);
}

VOID DDI_CALL MmFreeContiguousMemory(PVOID BaseAddress) {
    give_back(GPUP_SERVICE(MmFreeContiguousMemory), BaseAddress);
}

VOID DDI_CALL MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                                 MEMORY_CACHING_TYPE CacheType) {
    (void)NumberOfBytes;
    (void)CacheType;
    give_back(GPUP_SERVICE(MmFreeContiguousMemorySpecifyCache), BaseAddress);
}

PHYSICAL_ADDRESS DDI_CALL MmGetPhysicalAddress(PVOID BaseAddress) {
    struct gpup_os *os = gpup_os_enter(GPUP_SERVICE(MmGetPhysicalAddress));

    return (PHYSICAL_ADDRESS){.QuadPart = os ? (LONGLONG)gpup_os_physical(os, BaseAddress) : 0};
}
