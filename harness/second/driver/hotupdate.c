/*
 * Driver hot update. The only thing that has to outlive the driver's image is how the part is cut up: one
 * block of data, given as a virtual buffer. The new image takes it before it starts and cuts the part the
 * same way.
 */
#include "driver.h"

#define BLOCK_MAGIC 0x32755048u /* 'HPu2' */

struct block {
    ULONG magic, version, partitions, reserved;
};

NTSTATUS DDI_CALL second_save_memory_for_hot_update(const HANDLE adapter,
                                                    const DXGKARG_SAVEMEMORYFORHOTUPDATE *args) {
    struct adapter *a = adapter;
    struct block block = {BLOCK_MAGIC, DRIVER_VERSION, 0, 0};
    DXGKARGCB_SAVEMEMORYFORHOTUPDATE save = {
        .DataSize = sizeof block, .pData = &block, .MetaDataSize = sizeof block, .pMetaData = (BYTE *)&block};
    NTSTATUS status;

    if (!args)
        return STATUS_INVALID_PARAMETER;
    status = enter(a);
    if (!NT_SUCCESS(status))
        return status;
    block.partitions = a->partitions;
    if (args->Flags.CancelHotUpdate)
        status = STATUS_SUCCESS; /* nothing was set aside */
    else if (a->os.DxgkCbSaveMemoryForHotUpdate)
        status = a->os.DxgkCbSaveMemoryForHotUpdate(a->os.DeviceHandle, &save);
    else
        status = STATUS_NOT_SUPPORTED; /* an older system */
    leave(a);
    return status;
}

/* Before StartDevice: the part is not touched. The metadata says all there is to know. */
NTSTATUS DDI_CALL second_restore_memory_for_hot_update(const HANDLE adapter,
                                                       const DXGKARG_RESTOREMEMORYFORHOTUPDATE *args) {
    struct adapter *a = adapter;
    struct block block;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (args->Flags.RestoreComplete || !args->pMetaData || args->MetaDataSize < sizeof block)
        return STATUS_SUCCESS;
    RtlCopyMemory(&block, args->pMetaData, sizeof block);
    if (block.magic == BLOCK_MAGIC && block.version >> 16 == DRIVER_VERSION >> 16)
        a->restored_partitions = block.partitions;
    return STATUS_SUCCESS;
}
