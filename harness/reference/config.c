/* The SR-IOV interface: configuration space, BARs, identity and place of a VF. */
#include "driver.h"

#define CONFIG_SIZE 4096u
#define FLR_BYTE (GPU_VFCFG_DEVICE_CONTROL + 1) /* of device control, that with Initiate FLR */
#define FLR_BIT 0x80u

/* Whole request inside the space; written so that nothing overflows. */
static bool inside(const struct adapter *a, ULONG vf, ULONG offset, ULONG length, const void *data) {
    if (!a || !a->started || vf >= a->partitions || !a->vf[vf].created || !data || length == 0)
        return false;
    if (DEFECT(175))
        return (ULONG)(offset + length) <= CONFIG_SIZE;
    return length <= CONFIG_SIZE && offset <= CONFIG_SIZE - length;
}

static volatile UCHAR *config_byte(const struct adapter *a, ULONG vf, ULONG at) {
    return a->bar0 + GPU_REG_VF_CONFIG(vf) + at;
}

NTSTATUS DDI_CALL reference_read_virtual_function_config(HANDLE context,
                                                         DXGKARG_READVIRTUALFUNCTIONCONFIG *args) {
    const struct adapter *a = context;
    UCHAR *out;

    if (!args || !inside(a, args->VirtualFunctionIndex, args->Offset, args->Length, args->Data))
        return STATUS_INVALID_PARAMETER;
    out = args->Data;
    if (!a->power)
        return STATUS_DEVICE_NOT_READY;
    for (ULONG i = 0; i < args->Length; i++)
        out[i] = READ_REGISTER_UCHAR(config_byte(a, args->VirtualFunctionIndex, args->Offset + i));
    return STATUS_SUCCESS;
}

/* A reset through the configuration space is a reset like any other: the shadow of the table has to follow.
 */
static NTSTATUS write_byte(struct adapter *a, struct vf *vf, ULONG at, UCHAR value) {
    NTSTATUS status = STATUS_SUCCESS;

    if (at == FLR_BYTE && (value & FLR_BIT) != 0) {
        value &= (UCHAR)~FLR_BIT;
        status = vf_reset(a, vf);
    }
    if (NT_SUCCESS(status))
        WRITE_REGISTER_UCHAR(config_byte(a, vf->index, at), value);
    return status;
}

static NTSTATUS write_config(struct adapter *a, struct vf *vf,
                             const DXGKARG_WRITEVIRTUALFUNCTIONCONFIG *args) {
    const UCHAR *in = args->Data;
    NTSTATUS status = STATUS_SUCCESS;

    for (ULONG i = 0; i < args->Length && NT_SUCCESS(status); i++)
        status = write_byte(a, vf, args->Offset + i, in[i]);
    return status;
}

NTSTATUS DDI_CALL reference_write_virtual_function_config(HANDLE context,
                                                          DXGKARG_WRITEVIRTUALFUNCTIONCONFIG *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status;

    if (!args || !inside(a, args->VirtualFunctionIndex, args->Offset, args->Length, args->Data))
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, args->VirtualFunctionIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    status = a->power ? write_config(a, vf, args) : STATUS_DEVICE_NOT_READY;
    vf_release(vf);
    return status;
}

/* The guest driver of this part uses no configuration blocks. */
NTSTATUS DDI_CALL reference_read_virtual_function_config_block(HANDLE context,
                                                               DXGKARG_READVIRTUALFUNCTIONCONFIGBLOCK *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS DDI_CALL
reference_write_virtual_function_config_block(HANDLE context, DXGKARG_WRITEVIRTUALFUNCTIONCONFIGBLOCK *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_SUPPORTED;
}

static bool known(const struct adapter *a, ULONG vf) {
    return a && a->started && vf < a->partitions;
}

VOID DDI_CALL reference_query_probed_bars(HANDLE context, DXGKARG_QUERYPROBEDBARS *args) {
    const struct adapter *a = context;

    if (!args || !args->BaseRegisterValues)
        return;
    for (ULONG bar = 0; bar < DXGK_MAX_NUM_PCI_BARS; bar++)
        if (!(DEFECT(176) && (bar & 1)))
            args->BaseRegisterValues[bar] = known(a, args->VirtualFunctionIndex) ? a->sriov.probe[bar] : 0;
}

VOID DDI_CALL reference_get_vendor_and_device(HANDLE context, DXGKARG_GETVENDORANDDEVICE *args) {
    const struct adapter *a = context;

    if (!args)
        return;
    args->VendorId = known(a, args->VirtualFunctionIndex) ? GPU_VENDOR_ID : 0xFFFF;
    args->DeviceId = known(a, args->VirtualFunctionIndex) ? a->sriov.device : 0xFFFF;
}

static ULONG bus_property(const struct adapter *a, DEVICE_REGISTRY_PROPERTY property) {
    ULONG value = 0, length = 0;

    (void)IoGetDeviceProperty(a->physical_device, property, sizeof value, &value, &length);
    return value; /* 0 where it is not known */
}

/* Routing id of the PF, then First VF Offset and VF Stride. The address property: device << 16 | function. */
static ULONG routing_id(const struct adapter *a, ULONG vf) {
    ULONG address = bus_property(a, DevicePropertyAddress);

    return (bus_property(a, DevicePropertyBusNumber) << 8 | (address >> 16 & 0x1F) << 3 | (address & 7)) +
           a->sriov.offset + vf * a->sriov.stride;
}

VOID DDI_CALL reference_get_device_location(HANDLE context, DXGKARG_GETDEVICELOCATION *args) {
    const struct adapter *a = context;
    ULONG routing;

    if (!args)
        return;
    routing = known(a, args->VirtualFunctionIndex) ? routing_id(a, args->VirtualFunctionIndex) : 0;
    args->SegmentNumber = 0;
    args->BusNumber = routing >> 8;
    args->FunctionNumber = (UCHAR)routing;
}

NTSTATUS DDI_CALL reference_get_resource_for_bar(HANDLE context, DXGKARG_GETRESOURCEFORBAR *args) {
    const struct adapter *a = context;
    CM_PARTIAL_RESOURCE_DESCRIPTOR resource = {.Type = CmResourceTypeMemory,
                                               .ShareDisposition = CmResourceShareDeviceExclusive,
                                               .Flags = CM_RESOURCE_MEMORY_READ_WRITE};
    UINT64 size;

    if (!args || !args->pResource || !known(a, args->VirtualFunctionIndex))
        return STATUS_INVALID_PARAMETER;
    size = vf_bar_size(a, args->BarIndex);
    if (size == 0)
        return STATUS_INVALID_PARAMETER;
    resource.u.Memory.Start.QuadPart =
        (LONGLONG)vf_bar_address(a, args->VirtualFunctionIndex, args->BarIndex);
    resource.u.Memory.Length = (ULONG)size; /* BARs of this part are far below 4 GiB */
    RtlCopyMemory(args->pResource, &resource, sizeof resource);
    return STATUS_SUCCESS;
}

VOID DDI_CALL reference_query_virtual_function_luid(HANDLE context, DXGKARG_QUERYVIRTUALFUNCTIONLUID *args) {
    struct adapter *a = context;
    const struct vf *vf;

    if (!args || !args->pLuid)
        return;
    vf = vf_find(a, args->VirtualFunctionIndex);
    if (vf)
        *args->pLuid = vf->luid;
    else
        RtlZeroMemory(args->pLuid, sizeof *args->pLuid);
}
