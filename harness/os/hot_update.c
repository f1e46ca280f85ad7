/*
 * What a hot update carries from one instance of a driver to the next (pages DXGKARGCB_SAVEMEMORYFORHOTUPDATE
 * and DXGKARG_RESTOREMEMORYFORHOTUPDATE): blocks of bytes that were given as ranges of physical pages, as an
 * MDL or as a buffer, and that come back as an MDL which then is the driver's own.
 */
#include "asan.h"
#include "dxgkrnl.h"
#include "mdl.h"
#include "pool.h"

#include <string.h>

/* DXGK_KSR_MEMORY_RANGE: the first page, and above it their number. */
#define KSR_FIRST ((UINT64_C(1) << 40) - 1)
#define KSR_COUNT_SHIFT 40

static void *new_copy(struct gpup_os *os, size_t size) {
    return gpup_arena_alloc(os->config.arena, size ? size : 1);
}

static const void *copy_of(struct gpup_os *os, const void *bytes, size_t size) {
    void *copy = new_copy(os, size);
    gpup_dxgkrnl_touch(bytes, size);
    if (copy && bytes && size)
        gpup_copy_driver(copy, bytes, size);
    return copy;
}

/* bytes: of one range; NULL: it is not memory of the system. */
static const void *range_bytes(struct gpup_os *os, const DXGK_KSR_MEMORY_RANGE *range, size_t *size) {
    *size = (size_t)(range->MemoryRangeDesc >> KSR_COUNT_SHIFT) * GPUP_PAGE;
    return gpup_os_from_physical(os, (range->MemoryRangeDesc & KSR_FIRST) * GPUP_PAGE, *size);
}

static NTSTATUS keep_ranges(struct gpup_os *os, const DXGKARGCB_SAVEMEMORYFORHOTUPDATE *a,
                            struct gpup_saved_block *block) {
    size_t size = 0, all = 0;
    for (UINT i = 0; i < a->NumDataMemoryRanges; i++) {
        if (!range_bytes(os, &a->pDataMemoryRanges[i], &size))
            return STATUS_INVALID_PARAMETER;
        all += size;
    }
    uint8_t *copy = new_copy(os, all);
    *block = (struct gpup_saved_block){.data = copy, .size = all};
    for (UINT i = 0; copy && i < a->NumDataMemoryRanges; i++, copy += size) {
        const void *bytes = range_bytes(os, &a->pDataMemoryRanges[i], &size);
        gpup_copy_driver(copy, bytes, size);
    }
    return STATUS_SUCCESS;
}

/* No page says whether the driver or Dxgkrnl frees the pages of an MDL that was given: either may. */
static NTSTATUS keep_mdl(struct gpup_os *os, PMDL mdl, struct gpup_saved_block *block) {
    const void *bytes = gpup_mdl_address(os, mdl);
    if (!bytes && mdl->ByteCount)
        return STATUS_INVALID_PARAMETER;
    *block = (struct gpup_saved_block){.data = copy_of(os, bytes, mdl->ByteCount), .size = mdl->ByteCount};
    gpup_pool_disown(os, mdl);
    gpup_pool_disown(os, bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS keep_block(struct gpup_os *os, const DXGKARGCB_SAVEMEMORYFORHOTUPDATE *a) {
    struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    struct gpup_saved_block *block = &dxgkrnl->saved[dxgkrnl->saved_count];
    NTSTATUS status = STATUS_SUCCESS;
    if (dxgkrnl->saved_count == GPUP_DXGKRNL_SAVED)
        return gpup_os_full(os);
    if (a->pDataMemoryRanges)
        status = keep_ranges(os, a, block);
    else if (a->pDataMdl)
        status = keep_mdl(os, a->pDataMdl, block);
    else
        *block = (struct gpup_saved_block){.data = copy_of(os, a->pData, a->DataSize), .size = a->DataSize};
    if (!NT_SUCCESS(status))
        return status;
    block->metadata_size = a->pMetaData ? a->MetaDataSize : 0;
    block->metadata = copy_of(os, a->pMetaData, block->metadata_size);
    if (!block->data || !block->metadata)
        return gpup_os_full(os);
    dxgkrnl->saved_count++;
    return STATUS_SUCCESS;
}

/* a0 ranges, a1 and a2 the sizes, a3 which of the pointers are given: 1 ranges, 2 MDL, 4 buffer, 8 metadata.
 */
NTSTATUS DDI_CALL gpup_dxgkrnl_save_memory(HANDLE handle, const DXGKARGCB_SAVEMEMORYFORHOTUPDATE *arguments) {
    struct gpup_os *os;
    uint64_t values[4] = {0};
    gpup_dxgkrnl_touch(arguments, arguments ? sizeof *arguments : 0);
    if (arguments) {
        values[0] = arguments->NumDataMemoryRanges;
        values[1] = arguments->DataSize;
        values[2] = arguments->MetaDataSize;
        values[3] = (arguments->pDataMemoryRanges ? 1u : 0u) | (arguments->pDataMdl ? 2u : 0u) |
                    (arguments->pData ? 4u : 0u) | (arguments->pMetaData ? 8u : 0u);
        gpup_dxgkrnl_touch(arguments->pMetaData, arguments->pMetaData ? arguments->MetaDataSize : 0);
        gpup_dxgkrnl_touch(arguments->pDataMemoryRanges,
                           arguments->pDataMemoryRanges
                               ? arguments->NumDataMemoryRanges * sizeof *arguments->pDataMemoryRanges
                               : 0);
    }
    if (!gpup_dxgkrnl_enter_device(&os, handle, values, 4))
        return STATUS_INVALID_PARAMETER;
    if (arguments && __builtin_popcountll(values[3] & 7) == 1)
        return keep_block(os, arguments);
    gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbSaveMemoryForHotUpdate), GPUP_MISUSE_PARAMETER);
    return STATUS_INVALID_PARAMETER;
}

uint32_t gpup_dxgkrnl_saved(const struct gpup_os *os, const struct gpup_saved_block **blocks) {
    const struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    *blocks = dxgkrnl ? dxgkrnl->saved : NULL;
    return dxgkrnl ? dxgkrnl->saved_count : 0;
}

void gpup_dxgkrnl_forget_saved(struct gpup_os *os) {
    struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    if (dxgkrnl)
        dxgkrnl->saved_count = 0;
}

/* --- and back */

PMDL gpup_dxgkrnl_restored(struct gpup_os *os, const struct gpup_saved_block *block) {
    PMDL mdl = gpup_mdl_with_pages(os, block->size);
    if (mdl)
        memcpy(gpup_mdl_address(os, mdl), block->data, block->size);
    return mdl;
}

void gpup_dxgkrnl_restored_free(struct gpup_os *os, PMDL mdl) {
    void *pages;
    if (!gpup_pool_live(os, mdl, sizeof *mdl)) /* freed although the driver refused it */
        return;
    pages = gpup_mdl_address(os, mdl);
    if (pages)
        gpup_pool_free(os, pages, GPUP_BLOCK_CONTIGUOUS);
    gpup_pool_free(os, mdl, GPUP_BLOCK_POOL);
}
