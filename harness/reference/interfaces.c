/* The GPU-P interfaces this driver has: partition, SR-IOV, mitigable device. */
#include "driver.h"

static VOID DDI_CALL interface_reference(PVOID context) {
    struct adapter *a = context;

    InterlockedIncrement(&a->references);
}

static VOID DDI_CALL interface_dereference(PVOID context) {
    struct adapter *a = context;

    InterlockedDecrement(&a->references);
}

static const DXGKDDI_GPU_PARTITION_INTERFACE partition_table = {
    .Size = sizeof partition_table,
    .Version = DXGKDDI_GPU_PARTITION_INTERFACE_VERSION,
    .InterfaceReference = interface_reference,
    .InterfaceDereference = interface_dereference,
    .DxgkDdiGetGpuPartitionInfo = reference_get_gpu_partition_info,
    .DxgkDdiSetGpuPartitionCount = reference_set_gpu_partition_count,
    .DxgkDdiGetGpuEngines = reference_get_gpu_engines,
    .DxgkDdiGetVirtualGpuProfile = reference_get_virtual_gpu_profile,
    .DxgkDdiCreateVirtualGpu = reference_create_virtual_gpu,
    .DxgkDdiGetVirtualGpuInfo = reference_get_virtual_gpu_info,
    .DxgkDdiSetVirtualGpuResources = reference_set_virtual_gpu_resources,
    .DxgkDdiDestroyVirtualGpu = reference_destroy_virtual_gpu,
    .DxgkDdiSuspendVirtualGpu = reference_suspend_virtual_gpu,
    .DxgkDdiResumeVirtualGpu = reference_resume_virtual_gpu,
    .DxgkDdiVirtualGpuDriverEscape = reference_virtual_gpu_driver_escape,
    .DxgkDdiSetVirtualGpuVmBus = reference_set_virtual_gpu_vmbus,
};

static const DXGKDDI_SRIOV_INTERFACE sriov_table = {
    .Size = sizeof sriov_table,
    .Version = DXGKDDI_SRIOV_INTERFACE_VERSION,
    .InterfaceReference = interface_reference,
    .InterfaceDereference = interface_dereference,
    .DxgkDdiReadVirtualFunctionConfig = reference_read_virtual_function_config,
    .DxgkDdiWriteVirtualFunctionConfig = reference_write_virtual_function_config,
    .DxgkDdiReadVirtualFunctionConfigBlock = reference_read_virtual_function_config_block,
    .DxgkDdiWriteVirtualFunctionConfigBlock = reference_write_virtual_function_config_block,
    .DxgkDdiQueryProbedBars = reference_query_probed_bars,
    .DxgkDdiGetVendorAndDevice = reference_get_vendor_and_device,
    .DxgkDdiGetDeviceLocation = reference_get_device_location,
    .DxgkDdiResetVirtualFunction = reference_reset_virtual_function,
    .DxgkDdiSetVirtualFunctionPowerState = reference_set_virtual_function_power_state,
    .DxgkDdiGetResourceForBar = reference_get_resource_for_bar,
    .DxgkDdiQueryVirtualFunctionLuid = reference_query_virtual_function_luid,
};

static const DXGKDDI_MITIGABLE_DEVICE_INTERFACE mitigable_table = {
    .Size = sizeof mitigable_table,
    .Version = DXGKDDI_MITIGABLE_DEVICE_INTERFACE_VERSION,
    .InterfaceReference = interface_reference,
    .InterfaceDereference = interface_dereference,
    .DxgkDdiQueryMitigatedRangeCount = reference_query_mitigated_range_count,
    .DxgkDdiQueryMitigatedRanges = reference_query_mitigated_ranges,
};

static const struct {
    const GUID *guid;
    const void *table;
    USHORT size;
} interfaces[] = {
    {&GUID_DXGKDDI_GPU_PARTITION_INTERFACE, &partition_table, sizeof partition_table},
    {&GUID_DXGKDDI_SRIOV_INTERFACE, &sriov_table, sizeof sriov_table},
    {&GUID_DXGKDDI_MITIGABLE_DEVICE_INTERFACE, &mitigable_table, sizeof mitigable_table},
};

NTSTATUS DDI_CALL reference_query_interface(const PVOID context, PQUERY_INTERFACE query) {
    struct adapter *a = context;

    if (!a || !query || !query->InterfaceType)
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
        if (!RtlEqualMemory(query->InterfaceType, interfaces[i].guid, sizeof(GUID)))
            continue;
        if (query->Version < 1) /* there is nothing older */
            return STATUS_NOT_SUPPORTED;
        if (!query->Interface || query->Size < interfaces[i].size)
            return STATUS_INVALID_PARAMETER;
        RtlCopyMemory(query->Interface, interfaces[i].table, interfaces[i].size);
        query->Interface->Context = a;
        interface_reference(a);
        return STATUS_SUCCESS;
    }
    return STATUS_NOT_SUPPORTED;
}
