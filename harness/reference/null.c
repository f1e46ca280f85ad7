/*
 * The driver that has nothing: it registers, and then says so. All capabilities are zero, the GPU-P slots are
 * NULL, no interface is known. It conforms: what is not advertised is not judged.
 */
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>
#include <gpup/implementation.h>

DRIVER_INITIALIZE DriverEntry;

#define TAG 0x6C756E47u /* 'Gnul' */

static NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT physical_device, PVOID *context) {
    (void)physical_device;
    *context = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, TAG);
    return *context ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS DDI_CALL remove_device(const PVOID context) {
    ExFreePoolWithTag(context, TAG);
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL start_device(const PVOID context, PDXGK_START_INFO info,
                                      PDXGKRNL_INTERFACE interface_table, PULONG sources, PULONG children) {
    (void)context;
    (void)info;
    (void)interface_table;
    *sources = 0;
    *children = 0;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL stop_device(const PVOID context) {
    (void)context;
    return STATUS_SUCCESS;
}

static VOID DDI_CALL unload(void) {
}

static NTSTATUS DDI_CALL set_power_state(const PVOID context, ULONG uid, DEVICE_POWER_STATE state,
                                         POWER_ACTION action) {
    (void)context;
    (void)uid;
    (void)state;
    (void)action;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL query_interface(const PVOID context, PQUERY_INTERFACE query) {
    (void)context;
    (void)query;
    return STATUS_NOT_SUPPORTED;
}

static VOID DDI_CALL control_etw_logging(BOOLEAN enable, ULONG flags, UCHAR level) {
    (void)enable;
    (void)flags;
    (void)level;
}

static NTSTATUS DDI_CALL query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *args) {
    bool caps = args->Type == DXGKQAITYPE_GPUPCAPS || args->Type == DXGKQAITYPE_DIRTYBITTRACKINGCAPS;

    (void)adapter;
    if (!caps || !args->pOutputData || args->OutputDataSize < sizeof(UINT))
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(args->pOutputData, sizeof(UINT));
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    DRIVER_INITIALIZATION_DATA table = {
        .Version = DXGKDDI_INTERFACE_VERSION_WDDM3_2,
        .DxgkDdiAddDevice = add_device,
        .DxgkDdiStartDevice = start_device,
        .DxgkDdiStopDevice = stop_device,
        .DxgkDdiRemoveDevice = remove_device,
        .DxgkDdiSetPowerState = set_power_state,
        .DxgkDdiUnload = unload,
        .DxgkDdiQueryInterface = query_interface,
        .DxgkDdiControlEtwLogging = control_etw_logging,
        .DxgkDdiQueryAdapterInfo = query_adapter_info,
    };

    return DxgkInitialize(driver, registry_path, &table);
}

#ifndef NULL_DRIVER_ONLY /* else part of another implementation */
static const struct gpup_implementation implementation = {.size = sizeof implementation,
                                                          .version = GPUP_IMPLEMENTATION_VERSION,
                                                          .name = "null",
                                                          .driver_entry = DriverEntry};

const struct gpup_implementation *gpup_implementation(void) {
    return &implementation;
}
#endif
