/*
 * Memory descriptor lists, their mappings, and further memory routines of wdm.h and ntddk.h.
 *
 * Every page of a host has a physical address (see MmGetPhysicalAddress). A mapping of locked pages is the
 * address they already have, so that both see the same bytes at once. Included by ddi/wdm.h, and like it
 * absent when the WDK's is present.
 */
#ifndef GPUP_DDI_WDM_MEMORY_H
#define GPUP_DDI_WDM_MEMORY_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

#define MDL_PAGES_LOCKED 0x0002
#define MDL_ALLOCATED_FIXED_SIZE 0x0008
#define MDL_PARTIAL 0x0010
#define MDL_WRITE_OPERATION 0x0080
#define MDL_IO_SPACE 0x0800
typedef enum _LOCK_OPERATION { IoReadAccess, IoWriteAccess, IoModifyAccess } LOCK_OPERATION;
typedef enum _MM_PAGE_PRIORITY {
    LowPagePriority = 0,
    NormalPagePriority = 16,
    HighPagePriority = 32
} MM_PAGE_PRIORITY;
#define MdlMappingNoWrite 0x80000000
#define MdlMappingNoExecute 0x40000000
#define BYTE_OFFSET(Va) ((ULONG)((ULONG_PTR)(Va) & (PAGE_SIZE - 1)))
#define PAGE_ALIGN(Va) ((PVOID)((ULONG_PTR)(Va) & ~(ULONG_PTR)(PAGE_SIZE - 1)))
#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Size)                                                             \
    ((ULONG)(((SIZE_T)BYTE_OFFSET(Va) + (SIZE_T)(Size) + (PAGE_SIZE - 1)) >> PAGE_SHIFT))
#define MmGetMdlPfnArray(Mdl) ((PPFN_NUMBER)((PMDL)(Mdl) + 1))
#define MmGetMdlVirtualAddress(Mdl) ((PVOID)((UCHAR *)(Mdl)->StartVa + (Mdl)->ByteOffset))
#define MmGetMdlByteCount(Mdl) ((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl) ((Mdl)->ByteOffset)

PMDL DDI_CALL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
                            PIRP Irp);
VOID DDI_CALL IoFreeMdl(PMDL Mdl);
VOID DDI_CALL IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length);
VOID DDI_CALL MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList);
VOID DDI_CALL MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                  LOCK_OPERATION Operation);
VOID DDI_CALL MmUnlockPages(PMDL MemoryDescriptorList);
PVOID DDI_CALL MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode);
PVOID DDI_CALL MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                            MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                            ULONG BugCheckOnFailure, ULONG Priority);
VOID DDI_CALL MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList);
NTSTATUS DDI_CALL MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes);
NTSTATUS DDI_CALL MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect);
SIZE_T DDI_CALL MmSizeOfMdl(PVOID Base, SIZE_T Length);
PMDL DDI_CALL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                    PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes);
PMDL DDI_CALL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                      PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                                      MEMORY_CACHING_TYPE CacheType, ULONG Flags);
/* The list itself is then freed with ExFreePool. */
VOID DDI_CALL MmFreePagesFromMdl(PMDL MemoryDescriptorList);

/* What the WDK has inline. */
FORCEINLINE PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority) {
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        return Mdl->MappedSystemVa;
    return MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, Priority);
}

/* --- Contiguous and uncached memory, addresses */
typedef ULONG NODE_REQUIREMENT;
PVOID DDI_CALL MmAllocateContiguousMemorySpecifyCacheNode(
    SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress, PHYSICAL_ADDRESS HighestAcceptableAddress,
    PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE CacheType, NODE_REQUIREMENT PreferredNode);
PVOID DDI_CALL MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                              PHYSICAL_ADDRESS HighestAcceptableAddress,
                                              PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
                                              NODE_REQUIREMENT PreferredNode);
PVOID DDI_CALL MmAllocateNonCachedMemory(SIZE_T NumberOfBytes);
VOID DDI_CALL MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes);
BOOLEAN DDI_CALL MmIsAddressValid(PVOID VirtualAddress);
PVOID DDI_CALL MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName); /* NULL: there is none */
VOID DDI_CALL ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment);
VOID DDI_CALL ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment);

/* --- Pool: further forms */
typedef enum _EX_POOL_PRIORITY {
    LowPoolPriority = 0,
    NormalPoolPriority = 16,
    HighPoolPriority = 32
} EX_POOL_PRIORITY;
typedef struct DDI_STRUCT _POOL_EXTENDED_PARAMETER {
    ULONG64 Type : 8;
    ULONG64 Optional : 1;
    ULONG64 Reserved : 55;
    ULONG64 Value;
} POOL_EXTENDED_PARAMETER, *PPOOL_EXTENDED_PARAMETER;
PVOID DDI_CALL ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                               const POOL_EXTENDED_PARAMETER *ExtendedParameters,
                               ULONG ExtendedParametersCount);
PVOID DDI_CALL ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                             EX_POOL_PRIORITY Priority);
PVOID DDI_CALL ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
VOID DDI_CALL ExFreePool2(PVOID P, ULONG Tag, const POOL_EXTENDED_PARAMETER *ExtendedParameters,
                          ULONG ExtendedParametersCount);

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
