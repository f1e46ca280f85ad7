/*
 * The callback table: names, IRQLs (DXGKCB_* pages) and functions by slot, and what every callback does on
 * entry. A page that states no IRQL leaves the range open.
 */
#include "dxgkrnl.h"
#include "dxgkrnl_stubs.h"

#include <string.h>

#define SLOT(member) [(offsetof(DXGKRNL_INTERFACE, member) - 16) / 8]
#define REFUSED(member) SLOT(member) = {#member, PASSIVE_LEVEL, HIGH_LEVEL}
#define PLAYED(member, low, high) SLOT(member) = {#member, low, high}

_Static_assert(sizeof(DXGKRNL_INTERFACE) == 16 + 8 * GPUP_DXGKRNL_SLOTS, "one stub for each function");

static const struct callback {
    const char *name;
    KIRQL low, high;
} callbacks[GPUP_DXGKRNL_SLOTS] = {
    REFUSED(DxgkCbEvalAcpiMethod),
    PLAYED(DxgkCbGetDeviceInformation, PASSIVE_LEVEL, PASSIVE_LEVEL),
    REFUSED(DxgkCbIndicateChildStatus),
    PLAYED(DxgkCbMapMemory, PASSIVE_LEVEL, PASSIVE_LEVEL),
    PLAYED(DxgkCbQueueDpc, PASSIVE_LEVEL, HIGH_LEVEL),
    PLAYED(DxgkCbQueryServices, PASSIVE_LEVEL, PASSIVE_LEVEL),
    PLAYED(DxgkCbReadDeviceSpace, PASSIVE_LEVEL, PASSIVE_LEVEL),
    PLAYED(DxgkCbSynchronizeExecution, PASSIVE_LEVEL, DISPATCH_LEVEL),
    PLAYED(DxgkCbUnmapMemory, PASSIVE_LEVEL, PASSIVE_LEVEL),
    PLAYED(DxgkCbWriteDeviceSpace, PASSIVE_LEVEL, PASSIVE_LEVEL),
    PLAYED(DxgkCbIsDevicePresent, PASSIVE_LEVEL, PASSIVE_LEVEL),
    REFUSED(DxgkCbGetHandleData),
    REFUSED(DxgkCbGetHandleParent),
    REFUSED(DxgkCbEnumHandleChildren),
    PLAYED(DxgkCbNotifyInterrupt, DISPATCH_LEVEL + 1, HIGH_LEVEL),
    PLAYED(DxgkCbNotifyDpc, DISPATCH_LEVEL, DISPATCH_LEVEL),
    REFUSED(DxgkCbQueryVidPnInterface),
    REFUSED(DxgkCbQueryMonitorInterface),
    REFUSED(DxgkCbGetCaptureAddress),
    PLAYED(DxgkCbLogEtwEvent, PASSIVE_LEVEL, HIGH_LEVEL),
    REFUSED(DxgkCbExcludeAdapterAccess),
    REFUSED(DxgkCbCreateContextAllocation),
    REFUSED(DxgkCbDestroyContextAllocation),
    REFUSED(DxgkCbSetPowerComponentActive),
    REFUSED(DxgkCbSetPowerComponentIdle),
    REFUSED(DxgkCbAcquirePostDisplayOwnership),
    REFUSED(DxgkCbPowerRuntimeControlRequest),
    REFUSED(DxgkCbSetPowerComponentLatency),
    REFUSED(DxgkCbSetPowerComponentResidency),
    REFUSED(DxgkCbCompleteFStateTransition),
    REFUSED(DxgkCbCompletePStateTransition),
    REFUSED(DxgkCbMapContextAllocation),
    REFUSED(DxgkCbUpdateContextAllocation),
    REFUSED(DxgkCbReserveGpuVirtualAddressRange),
    REFUSED(DxgkCbAcquireHandleData),
    REFUSED(DxgkCbReleaseHandleData),
    REFUSED(DxgkCbHardwareContentProtectionTeardown),
    REFUSED(DxgkCbMultiPlaneOverlayDisabled),
    PLAYED(DxgkCbMitigatedRangeUpdate, PASSIVE_LEVEL, HIGH_LEVEL),
    REFUSED(DxgkCbInvalidateHwContext),
    REFUSED(DxgkCbIndicateConnectorChange),
    REFUSED(DxgkCbUnblockUEFIFrameBufferRanges),
    REFUSED(DxgkCbAcquirePostDisplayOwnership2),
    REFUSED(DxgkCbSetProtectedSessionStatus),
    REFUSED(DxgkCbAllocateContiguousMemory),
    REFUSED(DxgkCbFreeContiguousMemory),
    REFUSED(DxgkCbAllocatePagesForMdl),
    REFUSED(DxgkCbFreePagesFromMdl),
    REFUSED(DxgkCbPinFrameBufferForSave),
    REFUSED(DxgkCbUnpinFrameBufferForSave),
    REFUSED(DxgkCbMapFrameBufferPointer),
    REFUSED(DxgkCbUnmapFrameBufferPointer),
    REFUSED(DxgkCbMapMdlToIoMmu),
    REFUSED(DxgkCbUnmapMdlFromIoMmu),
    REFUSED(DxgkCbReportDiagnostic),
    REFUSED(DxgkCbSignalEvent),
    REFUSED(DxgkCbIsFeatureEnabled),
    PLAYED(DxgkCbSaveMemoryForHotUpdate, PASSIVE_LEVEL, PASSIVE_LEVEL),
    REFUSED(DxgkCbNotifyCursorSupportChange),
    REFUSED(DxgkCbQueryFeatureSupport),
    REFUSED(DxgkCbCreatePhysicalMemoryObject),
    REFUSED(DxgkCbDestroyPhysicalMemoryObject),
    REFUSED(DxgkCbMapPhysicalMemory),
    REFUSED(DxgkCbUnmapPhysicalMemory),
    REFUSED(DxgkCbAllocateAdl),
    REFUSED(DxgkCbFreeAdl),
    REFUSED(DxgkCbOpenPhysicalMemoryObject),
    REFUSED(DxgkCbClosePhysicalMemoryObject),
    REFUSED(DxgkCbPinFrameBufferForSave2),
    REFUSED(DxgkCbDisconnectDoorbell),
};

#define FUNCTION(member, function) SLOT(member) = (void *)(function)
#define NONE (void *)gpup_dxgkrnl_unsupported
#define TEN NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE

/* Every slot refuses unless it is named again below. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
void *const gpup_dxgkrnl_functions[GPUP_DXGKRNL_SLOTS] = {
    TEN,
    TEN,
    TEN,
    TEN,
    TEN,
    TEN,
    TEN,
    FUNCTION(DxgkCbGetDeviceInformation, gpup_dxgkrnl_get_device_information),
    FUNCTION(DxgkCbMapMemory, gpup_dxgkrnl_map_memory),
    FUNCTION(DxgkCbQueueDpc, gpup_dxgkrnl_queue_dpc),
    FUNCTION(DxgkCbQueryServices, gpup_dxgkrnl_query_services),
    FUNCTION(DxgkCbReadDeviceSpace, gpup_dxgkrnl_read_space),
    FUNCTION(DxgkCbSynchronizeExecution, gpup_dxgkrnl_synchronize),
    FUNCTION(DxgkCbUnmapMemory, gpup_dxgkrnl_unmap_memory),
    FUNCTION(DxgkCbWriteDeviceSpace, gpup_dxgkrnl_write_space),
    FUNCTION(DxgkCbIsDevicePresent, gpup_dxgkrnl_is_device_present),
    FUNCTION(DxgkCbNotifyInterrupt, gpup_dxgkrnl_notify_interrupt),
    FUNCTION(DxgkCbNotifyDpc, gpup_dxgkrnl_notify_dpc),
    FUNCTION(DxgkCbLogEtwEvent, gpup_dxgkrnl_log_etw_event),
    FUNCTION(DxgkCbMitigatedRangeUpdate, gpup_dxgkrnl_mitigated_range_update),
    FUNCTION(DxgkCbSaveMemoryForHotUpdate, gpup_dxgkrnl_save_memory),
};
#pragma GCC diagnostic pop

#define STALE_TABLE (GPUP_DXGKRNL_ADAPTERS - 1) /* stubs of tables that were overwritten */

/* Distinct numbers let a table of another host in the same process show; on one machine the functions are the
 * same for all adapters. */
static uint32_t adapter_of(const struct gpup_os *os) {
    return os->machine->host % STALE_TABLE;
}

HANDLE gpup_dxgkrnl_device_handle(const struct gpup_os *os) {
    return (HANDLE)(0xFFFFE00000000000ull | ((uint64_t)os->config.host + 1)
                                                << 12); // NOLINT(performance-no-int-to-ptr)
}

void gpup_dxgkrnl_interface(struct gpup_os *os, DXGKRNL_INTERFACE *interface_table) {
    struct gpup_dxgkrnl *dxgkrnl = gpup_dxgkrnl_of(os);
    if (!dxgkrnl)
        return;
    uint32_t size = dxgkrnl->options.interface_size;
    if (size < 16 || size > sizeof *interface_table)
        size = sizeof *interface_table;
    memset(interface_table, 0, sizeof *interface_table);
    interface_table->Size = size;
    interface_table->Version = dxgkrnl->options.interface_version ? dxgkrnl->options.interface_version
                                                                  : DXGKDDI_INTERFACE_VERSION_WDDM3_2;
    interface_table->DeviceHandle = gpup_dxgkrnl_device_handle(os);
    void **functions = (void **)(void *)((char *)interface_table + 16);
    for (uint32_t slot = 0; slot < (size - 16) / 8; slot++)
        functions[slot] = gpup_dxgkrnl_stub(adapter_of(os), slot);
    gpup_dxgkrnl_resources(os, dxgkrnl);
}

void gpup_dxgkrnl_overwrite(DXGKRNL_INTERFACE *interface_table) {
    void **functions = (void **)(void *)((char *)interface_table + 16);
    for (uint32_t slot = 0; slot < GPUP_DXGKRNL_SLOTS; slot++)
        functions[slot] = gpup_dxgkrnl_stub(STALE_TABLE, slot);
    interface_table->DeviceHandle = NULL;
}

void gpup_dxgkrnl_start_info(struct gpup_os *os, DXGK_START_INFO *info) {
    uint32_t adapter = os->config.host + 1;
    *info = (DXGK_START_INFO){
        .RequiredDmaQueueEntry = 2,
        .AdapterGuid = {0x6B1F0E70, 0x5A51, 0x4C0E, {0x8E, 0x11, 0, 0, 0, 0, 0, (uint8_t)adapter}},
        .AdapterLuid = {.LowPart = 0x10000 + adapter},
    };
}

static const struct callback *check(struct gpup_os *os, struct gpup_dxgkrnl_entry entry) {
    const struct callback *callback = &callbacks[entry.slot];
    if (entry.adapter != STALE_TABLE && entry.adapter != adapter_of(os))
        gpup_os_misuse(os, callback->name, GPUP_MISUSE_OBJECT, entry.adapter);
    gpup_os_service_from(callback->name, callback->low, callback->high);
    return callback;
}

/* First of all: what a borrowed table leads to is not the callback's fault. */
static void check_table(struct gpup_os *os, struct gpup_dxgkrnl_entry entry) {
    if (entry.adapter == STALE_TABLE)
        gpup_os_misuse(os, callbacks[entry.slot].name, GPUP_MISUSE_STALE, 0);
}

static void emit(struct gpup_os *os, uint32_t slot, const uint64_t *values, unsigned count, const void *data,
                 size_t size) {
    struct gpup_event event = {.kind = GPUP_EVENT_CALLBACK, .data = data, .data_size = size};
    event.f[GPUP_CALLBACK_id] = 16 + 8 * slot;
    event.f[GPUP_CALLBACK_irql] = gpup_os_irql(os);
    for (unsigned i = 0; i < count; i++)
        event.f[GPUP_CALLBACK_a0 + i] = values[i];
    gpup_os_emit(os, &event);
}

struct gpup_os *gpup_dxgkrnl_enter(const uint64_t *values, unsigned count, const void *data, size_t size) {
    struct gpup_dxgkrnl_entry entry = gpup_dxgkrnl_entered();
    struct gpup_os *os = gpup_os_current();
    if (!os || !os->dxgkrnl)
        return NULL;
    check_table(os, entry);
    emit(os, entry.slot, values, count, data, size);
    check(os, entry);
    return os;
}

/* A thread, DPC or work item may serve all adapters of its driver; a call is about one of them. */
static struct gpup_os *adapter_meant(struct gpup_os *os, HANDLE handle) {
    struct gpup_os *adapter = gpup_os_in_ddi(os) ? NULL : os->machine->adapters;
    while (adapter && gpup_dxgkrnl_device_handle(adapter) != handle)
        adapter = adapter->next;
    return adapter ? adapter : os;
}

bool gpup_dxgkrnl_enter_device(struct gpup_os **out, HANDLE handle, const uint64_t *values, unsigned count) {
    struct gpup_dxgkrnl_entry entry = gpup_dxgkrnl_entered();
    struct gpup_os *os = gpup_os_current();
    if (os)
        os = adapter_meant(os, handle);
    *out = os;
    if (!os || !os->dxgkrnl)
        return false;
    check_table(os, entry);
    emit(os, entry.slot, values, count, NULL, 0);
    const struct callback *callback = check(os, entry);
    struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    bool known = handle == gpup_dxgkrnl_device_handle(os);
    if (!known)
        gpup_os_misuse(os, callback->name, GPUP_MISUSE_OBJECT, 0);
    else if (!dxgkrnl->open)
        gpup_os_misuse(os, callback->name, GPUP_MISUSE_STATE, 0);
    return known && dxgkrnl->open;
}

void gpup_dxgkrnl_callback_misuse(struct gpup_os *os, uint32_t offset, unsigned what) {
    gpup_os_misuse(os, callbacks[(offset - 16) / 8].name, what, 0);
}

NTSTATUS DDI_CALL gpup_dxgkrnl_unsupported(void) {
    struct gpup_dxgkrnl_entry entry = gpup_dxgkrnl_entered();
    struct gpup_os *os = gpup_dxgkrnl_enter(NULL, 0, NULL, 0);
    if (os)
        gpup_os_misuse(os, callbacks[entry.slot].name, GPUP_MISUSE_UNSUPPORTED, 0);
    return STATUS_NOT_SUPPORTED;
}
