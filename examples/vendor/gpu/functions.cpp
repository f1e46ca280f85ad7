/* Virtual functions: configuration space, BARs, power and reset. The part has no configuration space for a
 * VF, so the driver keeps one; the page of the MSI-X table is intercepted, and only WriteVirtualizedInterrupt
 * gets there. */
#include "driver.h"

namespace {

enum : ULONG { COMMAND = 0x04, STATUS = 0x06, CAPABILITIES = 0x34, MSIX = 0x40 };

bool inside(ULONG offset, ULONG length) {
    return offset <= GPU_VF_CONFIG && length <= GPU_VF_CONFIG - offset;
}

/* Bus mastering, and the enable and mask bits of MSI-X. */
UCHAR writable(ULONG at) {
    return at == COMMAND ? 0x04 : at == MSIX + 3 ? 0xC0 : 0;
}

NTSTATUS DDI_CALL read_config(HANDLE context, DXGKARG_READVIRTUALFUNCTIONCONFIG *args) {
    Held adapter(context);
    const Vgpu *vgpu = adapter.find(args->VirtualFunctionIndex);
    if (!vgpu || !inside(args->Offset, args->Length))
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(args->Data, vgpu->config + args->Offset, args->Length);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL write_config(HANDLE context, DXGKARG_WRITEVIRTUALFUNCTIONCONFIG *args) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(args->VirtualFunctionIndex);
    const UCHAR *data = static_cast<const UCHAR *>(args->Data);
    if (!vgpu || !inside(args->Offset, args->Length))
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < args->Length; i++) {
        UCHAR &byte = vgpu->config[args->Offset + i], mask = writable(args->Offset + i);
        byte = static_cast<UCHAR>((byte & ~mask) | (data[i] & mask));
    }
    return STATUS_SUCCESS;
}

template <typename Args> NTSTATUS DDI_CALL no_blocks(HANDLE, Args *) {
    return STATUS_NOT_SUPPORTED;
}

VOID DDI_CALL probed_bars(HANDLE context, DXGKARG_QUERYPROBEDBARS *args) {
    Held adapter(context);
    for (ULONG i = 0; adapter.find(args->VirtualFunctionIndex) && i < DXGK_MAX_NUM_PCI_BARS; i++)
        args->BaseRegisterValues[i] = i == 0 ? ~(GPU_VF_BAR_SIZE - 1u) : 0;
}

VOID DDI_CALL vendor_and_device(HANDLE context, DXGKARG_GETVENDORANDDEVICE *args) {
    Held adapter(context);
    if (!adapter.find(args->VirtualFunctionIndex))
        return;
    args->VendorId = GPU_VENDOR;
    args->DeviceId = GPU_VF_DEVICE;
}

/* Where the PF is; VFs are functions of its bus. */
ULONG bus_of(const Adapter &adapter) {
    ULONG bus = 0, length = 0;
    NTSTATUS result =
        IoGetDeviceProperty(adapter.physical, DevicePropertyBusNumber, sizeof bus, &bus, &length);
    return NT_SUCCESS(result) ? bus : 0;
}

VOID DDI_CALL location(HANDLE context, DXGKARG_GETDEVICELOCATION *args) {
    Held adapter(context);
    if (!adapter.find(args->VirtualFunctionIndex))
        return;
    args->SegmentNumber = 0;
    args->BusNumber = bus_of(adapter.all());
    args->FunctionNumber = args->VirtualFunctionIndex + 0x80;
}

VOID DDI_CALL luid(HANDLE context, DXGKARG_QUERYVIRTUALFUNCTIONLUID *args) {
    Held adapter(context);
    if (adapter.find(args->VirtualFunctionIndex))
        *args->pLuid = luid_of(adapter.all(), args->VirtualFunctionIndex);
}

NTSTATUS DDI_CALL reset_function(HANDLE context, DXGKARG_RESETVIRTUALFUNCTION *args) {
    Held adapter(context);
    bool good = adapter.find(args->VirtualFunctionIndex);
    if (good)
        reset(adapter, args->VirtualFunctionIndex);
    return status(good);
}

NTSTATUS DDI_CALL set_power(HANDLE context, DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE *args) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(args->VirtualFunctionIndex);
    if (!vgpu || (args->PowerState != PowerDeviceD0 && args->PowerState != PowerDeviceD3))
        return STATUS_INVALID_PARAMETER;
    vgpu->powered = args->PowerState == PowerDeviceD0;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL resource(HANDLE context, DXGKARG_GETRESOURCEFORBAR *args) {
    Held adapter(context);
    if (!adapter.find(args->VirtualFunctionIndex) || args->BarIndex != 0)
        return STATUS_INVALID_PARAMETER;
    *args->pResource = {};
    args->pResource->Type = CmResourceTypeMemory;
    args->pResource->u.Memory.Start.QuadPart = static_cast<LONGLONG>(
        adapter->bar + GPU_BAR_SIZE + args->VirtualFunctionIndex * static_cast<UINT64>(GPU_VF_BAR_SIZE));
    args->pResource->u.Memory.Length = GPU_VF_BAR_SIZE;
    return STATUS_SUCCESS;
}

VOID DDI_CALL count_mitigated(HANDLE context, DXGKARG_QUERYMITIGATEDRANGECOUNT *args) {
    Held adapter(context);
    for (ULONG i = 0; i < DXGK_MAX_NUM_PCI_BARS; i++)
        args->RangeCount[i] = i == 0;
}

NTSTATUS DDI_CALL mitigated(HANDLE context, DXGKARG_QUERYMITIGATEDRANGES *args) {
    Held adapter(context);
    if (!adapter.find(args->VirtualFunctionIndex) || args->BarIndex != 0 || args->NumRanges < 1)
        return STATUS_INVALID_PARAMETER;
    *args->pMitigatedRange = {0, 1, TRUE, TRUE}; /* the page of the table */
    return STATUS_SUCCESS;
}

} // namespace

void reset(const Held &adapter, ULONG index) {
    static const UCHAR capability[] = {0x11, 0, GPU_MSIX_ENTRIES - 1, 0, 0, 0, 0,
                                       0,    0, GPU_MSIX_PBA >> 8,    0, 0};
    UCHAR *config = adapter->vgpu[index].config;
    RtlZeroMemory(config, GPU_VF_CONFIG);
    RtlFillMemory(config, 4, 0xFF); /* the ids of a VF stand in its PF */
    config[STATUS] = 0x10;          /* there is a list of capabilities */
    config[CAPABILITIES] = MSIX;
    RtlCopyMemory(config + MSIX, capability, sizeof capability);
    DXGK_INTERRUPT_TABLE_ENTRY masked = {};
    masked.VectorControl = 1;
    for (ULONG i = 0; i < GPU_MSIX_ENTRIES; i++)
        adapter.program(index, i, masked);
}

VOID DDI_CALL referenced(PVOID) { /* the adapter lives until RemoveDevice */
}

const DXGKDDI_SRIOV_INTERFACE sriov_functions = {
    sizeof sriov_functions, 1,         nullptr,   referenced,  referenced,        read_config,
    write_config,           no_blocks, no_blocks, probed_bars, vendor_and_device, location,
    reset_function,         set_power, resource,  luid};
const DXGKDDI_MITIGABLE_DEVICE_INTERFACE mitigable_functions = {
    sizeof mitigable_functions, 1, nullptr, referenced, referenced, count_mitigated, mitigated};
