/* The SR-IOV interface apart from power and reset: configuration space, blocks, identity and place of a VF.
 */
#include "driver.h"

#define CONFIG_SIZE 4096u
#define BLOCK_IDENTITY 0u /* RO */
#define BLOCK_MAIL 1u     /* RW, moves with the VM */

static bool inside(ULONG offset, ULONG length, ULONG size) {
    return offset <= size && length <= size - offset;
}

NTSTATUS DDI_CALL second_read_virtual_function_config(HANDLE context,
                                                      DXGKARG_READVIRTUALFUNCTIONCONFIG *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->VirtualFunctionIndex, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = inside(args->Offset, args->Length, CONFIG_SIZE) ? present(a) : STATUS_INVALID_BUFFER_SIZE;
    if (NT_SUCCESS(status) && args->Length && !args->Data)
        status = STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; NT_SUCCESS(status) && i < args->Length; i++) {
        ULONG at = args->Offset + i;

        ((UCHAR *)args->Data)[i] = (UCHAR)(get_config(a, vf->index, at) >> at % 4 * 8);
    }
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_write_virtual_function_config(HANDLE context,
                                                       DXGKARG_WRITEVIRTUALFUNCTIONCONFIG *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->VirtualFunctionIndex, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = inside(args->Offset, args->Length, CONFIG_SIZE) ? present(a) : STATUS_INVALID_BUFFER_SIZE;
    if (NT_SUCCESS(status) && args->Length && !args->Data)
        status = STATUS_INVALID_PARAMETER;
    /* Dword by dword, with byte enables; a reset that the guest asks for in here is the part's affair. */
    for (ULONG i = 0; NT_SUCCESS(status) && i < args->Length;) {
        ULONG at = args->Offset + i, bytes = 0, value = 0;

        do {
            bytes |= 1u << (args->Offset + i) % 4;
            value |= (ULONG)((const UCHAR *)args->Data)[i] << (args->Offset + i) % 4 * 8;
            i++;
        } while (i < args->Length && (args->Offset + i) % 4);
        set_config(a, vf->index, at, bytes, value);
    }
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_read_virtual_function_config_block(HANDLE context,
                                                            DXGKARG_READVIRTUALFUNCTIONCONFIGBLOCK *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status =
        args && args->Data ? enter_vf(a, args->VirtualFunctionIndex, &vf) : STATUS_INVALID_PARAMETER;
    ULONG identity[] = {SECOND_MAGIC, DRIVER_VERSION, 0, 0};

    if (!NT_SUCCESS(status))
        return status;
    identity[2] = vf->entries;
    if (args->BlockId > BLOCK_MAIL)
        status = STATUS_NOT_FOUND;
    else if (args->Length > (args->BlockId == BLOCK_MAIL ? sizeof vf->block : sizeof identity))
        status = STATUS_INVALID_BUFFER_SIZE;
    else
        RtlCopyMemory(args->Data, args->BlockId == BLOCK_MAIL ? (const void *)vf->block : identity,
                      args->Length);
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_write_virtual_function_config_block(HANDLE context,
                                                             DXGKARG_WRITEVIRTUALFUNCTIONCONFIGBLOCK *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status =
        args && args->Data ? enter_vf(a, args->VirtualFunctionIndex, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    if (args->BlockId != BLOCK_MAIL)
        status = args->BlockId == BLOCK_IDENTITY ? STATUS_ACCESS_DENIED : STATUS_NOT_FOUND;
    else if (args->Length > sizeof vf->block)
        status = STATUS_INVALID_BUFFER_SIZE;
    else
        RtlCopyMemory(vf->block, args->Data, args->Length);
    leave(a);
    return status;
}

/* The VOID functions leave their outputs alone when there is no such VF. */
static bool known(const struct adapter *a, ULONG vf) {
    return a && a->started && vf < a->partitions;
}

VOID DDI_CALL second_query_probed_bars(HANDLE context, DXGKARG_QUERYPROBEDBARS *args) {
    const struct adapter *a = context;

    if (args && args->BaseRegisterValues && known(a, args->VirtualFunctionIndex))
        RtlCopyMemory(args->BaseRegisterValues, a->vf_probe, sizeof a->vf_probe);
}

VOID DDI_CALL second_get_vendor_and_device(HANDLE context, DXGKARG_GETVENDORANDDEVICE *args) {
    const struct adapter *a = context;

    if (!args || !known(a, args->VirtualFunctionIndex))
        return;
    args->VendorId = SECOND_VENDOR_ID;
    args->DeviceId = a->vf_device;
}

static ULONG property(const struct adapter *a, DEVICE_REGISTRY_PROPERTY which) {
    ULONG value = 0, length;

    return NT_SUCCESS(IoGetDeviceProperty(a->physical_device, which, sizeof value, &value, &length)) ? value
                                                                                                     : 0;
}

VOID DDI_CALL second_get_device_location(HANDLE context, DXGKARG_GETDEVICELOCATION *args) {
    const struct adapter *a = context;
    ULONG address, routing;

    if (!args || !known(a, args->VirtualFunctionIndex))
        return;
    address = property(a, DevicePropertyAddress); /* device << 16 | function */
    routing = property(a, DevicePropertyBusNumber) << 8 | (address >> 16 & 0x1F) << 3 | (address & 7);
    routing += a->vf_offset + args->VirtualFunctionIndex * a->vf_stride;
    args->SegmentNumber = 0;
    args->BusNumber = routing >> 8 & 0xFF;
    args->FunctionNumber = routing & 0xFF;
}

VOID DDI_CALL second_query_virtual_function_luid(HANDLE context, DXGKARG_QUERYVIRTUALFUNCTIONLUID *args) {
    const struct adapter *a = context;

    if (args && args->pLuid && known(a, args->VirtualFunctionIndex) &&
        a->vf[args->VirtualFunctionIndex].created)
        *args->pLuid = a->vf[args->VirtualFunctionIndex].luid;
}
