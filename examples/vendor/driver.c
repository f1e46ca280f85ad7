/*
 * A miniport that does not partition its GPU: the least a driver can be, written against the installed
 * headers only. It exports DriverEntry and keeps its state in a global, as small drivers do.
 */
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>

DRIVER_INITIALIZE DriverEntry;

static struct adapter {
    PDEVICE_OBJECT physical;
    BOOLEAN started;
} the_adapter;

static NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT physical, PVOID *context) {
    the_adapter.physical = physical;
    *context = &the_adapter;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL start_device(const PVOID context, PDXGK_START_INFO info, PDXGKRNL_INTERFACE dxgkrnl,
                                      PULONG sources, PULONG children) {
    struct adapter *adapter = context;
    (void)info;
    (void)dxgkrnl;
    adapter->started = TRUE;
    *sources = 0;
    *children = 0;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL stop_device(const PVOID context) {
    struct adapter *adapter = context;
    adapter->started = FALSE;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL remove_device(const PVOID context) {
    struct adapter *adapter = context;
    adapter->physical = NULL;
    return STATUS_SUCCESS;
}

static VOID DDI_CALL unload(void) {
}

static NTSTATUS DDI_CALL query_interface(const PVOID context, PQUERY_INTERFACE query) {
    (void)context;
    (void)query;
    return STATUS_NOT_SUPPORTED;
}

static NTSTATUS DDI_CALL query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *query) {
    (void)adapter;
    if (query->Type != DXGKQAITYPE_GPUPCAPS || !query->pOutputData || query->OutputDataSize < sizeof(UINT))
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(query->pOutputData, sizeof(UINT));
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    DRIVER_INITIALIZATION_DATA table = {
        .Version = DXGKDDI_INTERFACE_VERSION_WDDM3_2,
        .DxgkDdiAddDevice = add_device,
        .DxgkDdiStartDevice = start_device,
        .DxgkDdiStopDevice = stop_device,
        .DxgkDdiRemoveDevice = remove_device,
        .DxgkDdiUnload = unload,
        .DxgkDdiQueryInterface = query_interface,
        .DxgkDdiQueryAdapterInfo = query_adapter_info,
    };
    return DxgkInitialize(driver, registry_path, &table);
}
