/* The GPU-P interfaces: partition, SR-IOV and FlexIOV. */
#include "driver.h"

static VOID DDI_CALL reference(PVOID context) {
    InterlockedIncrement(&((struct adapter *)context)->references);
}

static VOID DDI_CALL dereference(PVOID context) {
    struct adapter *a = context;

    if (InterlockedDecrement(&a->references))
        return;
    release(a->lent);
    a->lent = NULL;
}

/* Documented as never called; they must be there. */
static NTSTATUS DDI_CALL get_gpu_engines(HANDLE context, DXGKARG_GETGPUENGINES *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS DDI_CALL suspend_virtual_gpu(HANDLE context, DXGKARG_SUSPENDVIRTUALGPU *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_IMPLEMENTED;
}

static NTSTATUS DDI_CALL resume_virtual_gpu(HANDLE context, DXGKARG_RESUMEVIRTUALGPU *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_IMPLEMENTED;
}

/* Never called beside the FlexIOV interface. */
static NTSTATUS DDI_CALL get_resource_for_bar(HANDLE context, DXGKARG_GETRESOURCEFORBAR *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_SUPPORTED;
}

static const DXGKDDI_GPU_PARTITION_INTERFACE partition = {
    .Size = sizeof partition,
    .Version = DXGKDDI_GPU_PARTITION_INTERFACE_VERSION,
    .InterfaceReference = reference,
    .InterfaceDereference = dereference,
    .DxgkDdiGetGpuPartitionInfo = second_get_gpu_partition_info,
    .DxgkDdiSetGpuPartitionCount = second_set_gpu_partition_count,
    .DxgkDdiGetGpuEngines = get_gpu_engines,
    .DxgkDdiGetVirtualGpuProfile = second_get_virtual_gpu_profile,
    .DxgkDdiCreateVirtualGpu = second_create_virtual_gpu,
    .DxgkDdiGetVirtualGpuInfo = second_get_virtual_gpu_info,
    .DxgkDdiSetVirtualGpuResources = second_set_virtual_gpu_resources,
    .DxgkDdiDestroyVirtualGpu = second_destroy_virtual_gpu,
    .DxgkDdiSuspendVirtualGpu = suspend_virtual_gpu,
    .DxgkDdiResumeVirtualGpu = resume_virtual_gpu,
    .DxgkDdiVirtualGpuDriverEscape = second_virtual_gpu_driver_escape,
    .DxgkDdiSetVirtualGpuVmBus = second_set_virtual_gpu_vmbus,
};

static const DXGKDDI_SRIOV_INTERFACE sriov = {
    .Size = sizeof sriov,
    .Version = DXGKDDI_SRIOV_INTERFACE_VERSION,
    .InterfaceReference = reference,
    .InterfaceDereference = dereference,
    .DxgkDdiReadVirtualFunctionConfig = second_read_virtual_function_config,
    .DxgkDdiWriteVirtualFunctionConfig = second_write_virtual_function_config,
    .DxgkDdiReadVirtualFunctionConfigBlock = second_read_virtual_function_config_block,
    .DxgkDdiWriteVirtualFunctionConfigBlock = second_write_virtual_function_config_block,
    .DxgkDdiQueryProbedBars = second_query_probed_bars,
    .DxgkDdiGetVendorAndDevice = second_get_vendor_and_device,
    .DxgkDdiGetDeviceLocation = second_get_device_location,
    .DxgkDdiResetVirtualFunction = second_reset_virtual_function,
    .DxgkDdiSetVirtualFunctionPowerState = second_set_virtual_function_power_state,
    .DxgkDdiGetResourceForBar = get_resource_for_bar,
    .DxgkDdiQueryVirtualFunctionLuid = second_query_virtual_function_luid,
};

static const DXGKDDI_FLEXIOV_DEVICE_INTERFACE flexiov = {
    .Size = sizeof flexiov,
    .Version = DXGKDDI_FLEXIOV_DEVICE_INTERFACE_VERSION,
    .InterfaceReference = reference,
    .InterfaceDereference = dereference,
    .DxgkDdiGetBackingResource = second_get_backing_resource,
    .DxgkDdiGetMmioRangeCount = second_get_mmio_range_count,
    .DxgkDdiGetMmioRanges = second_get_mmio_ranges,
};

/* There is one version of each, and none is given to who asks for another. */
static NTSTATUS give(struct adapter *a, PQUERY_INTERFACE query, const GUID *guid, const void *table,
                     USHORT size) {
    if (!RtlEqualMemory(query->InterfaceType, guid, sizeof *guid) || query->Version != 1)
        return STATUS_NOT_SUPPORTED;
    if (!query->Interface || query->Size < size)
        return STATUS_BUFFER_TOO_SMALL;
    if (!a->lent && !(a->lent = allocate(sizeof *a)))
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(query->Interface, table, size);
    query->Interface->Context = a;
    reference(a);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL second_query_interface(const PVOID context, PQUERY_INTERFACE query) {
    struct adapter *a = context;
    NTSTATUS status;

    if (!a || !query || !query->InterfaceType)
        return STATUS_INVALID_PARAMETER;
    status = give(a, query, &GUID_DXGKDDI_GPU_PARTITION_INTERFACE, &partition, sizeof partition);
    if (status == STATUS_NOT_SUPPORTED)
        status = give(a, query, &GUID_DXGKDDI_SRIOV_INTERFACE, &sriov, sizeof sriov);
    if (status == STATUS_NOT_SUPPORTED)
        status = give(a, query, &GUID_DXGKDDI_FLEXIOV_DEVICE_INTERFACE, &flexiov, sizeof flexiov);
    return status;
}
