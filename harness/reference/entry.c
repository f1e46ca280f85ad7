/* Load, add, remove, unload. */
#include "driver.h"

void *allocate(SIZE_T size) {
    return ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG);
}

void release(void *memory) {
    if (memory)
        ExFreePoolWithTag(memory, TAG);
}

UINT64 smaller(UINT64 x, UINT64 y) {
    return x < y ? x : y;
}

UINT64 larger(UINT64 x, UINT64 y) {
    return x < y ? y : x;
}

static NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT physical_device, PVOID *context) {
    struct adapter *a;

    if (!physical_device || !context)
        return STATUS_INVALID_PARAMETER;
    *context = NULL;
    a = allocate(sizeof *a);
    if (!a)
        return STATUS_INSUFFICIENT_RESOURCES;
    a->physical_device = physical_device;
    KeInitializeMutex(&a->partition, 0);
    ExInitializeFastMutex(&a->schedule_lock);
    ExInitializeFastMutex(&a->tracking);
    ExInitializeFastMutex(&a->process_lock);
    InitializeListHead(&a->bases);
    InitializeListHead(&a->processes);
    InitializeListHead(&a->restored);
    command_init(a);
    *context = a;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL remove_device(const PVOID context) {
    struct adapter *a = context;

    if (!a)
        return STATUS_INVALID_PARAMETER;
    hot_forget(a);
    process_forget_all(a);
    release(a);
    return STATUS_SUCCESS;
}

static VOID DDI_CALL unload(void) {
}

static VOID DDI_CALL control_etw_logging(BOOLEAN enable, ULONG flags, UCHAR level) {
    /* DxgkCbLogEtwEvent returns at once while logging is off, so nothing has to be remembered. */
    (void)enable;
    (void)flags;
    (void)level;
}

/* For a system that is about to crash: there is no display to hand over. */
static VOID DDI_CALL reset_device(const PVOID context) {
    (void)context;
}

static void fill_table(DRIVER_INITIALIZATION_DATA *table) {
    *table = (DRIVER_INITIALIZATION_DATA){
        .Version = DEFECT(186) ? DXGKDDI_INTERFACE_VERSION_WDDM3_1 : DXGKDDI_INTERFACE_VERSION_WDDM3_2,
        .DxgkDdiAddDevice = add_device,
        .DxgkDdiStartDevice = reference_start_device,
        .DxgkDdiStopDevice = reference_stop_device,
        .DxgkDdiRemoveDevice = remove_device,
        .DxgkDdiInterruptRoutine = reference_interrupt,
        .DxgkDdiDpcRoutine = reference_dpc,
        .DxgkDdiSetPowerState = reference_set_power_state,
        .DxgkDdiResetDevice = reset_device,
        .DxgkDdiUnload = unload,
        .DxgkDdiQueryInterface = reference_query_interface,
        .DxgkDdiControlEtwLogging = control_etw_logging,
        .DxgkDdiQueryAdapterInfo = reference_query_adapter_info,
        .DxgkDdiCreateProcess = reference_create_process,
        .DxgkDdiDestroyProcess = reference_destroy_process,
        .DxgkDdiSetVirtualMachineData = reference_set_virtual_machine_data,
        .DxgkDdiSaveMemoryForHotUpdate = reference_save_memory_for_hot_update,
        .DxgkDdiRestoreMemoryForHotUpdate = reference_restore_memory_for_hot_update,
        .DxgkDdiCreateMemoryBasis = reference_create_memory_basis,
        .DxgkDdiDestroyMemoryBasis = reference_destroy_memory_basis,
        .DxgkDdiStartDirtyTracking = reference_start_dirty_tracking,
        .DxgkDdiStopDirtyTracking = reference_stop_dirty_tracking,
        .DxgkDdiQueryDirtyBitData = reference_query_dirty_bit_data,
        .DxgkDdiPrepareLiveMigration = reference_prepare_live_migration,
        .DxgkDdiSaveImmutableMigrationData = reference_save_immutable_migration_data,
        .DxgkDdiSaveMutableMigrationData = reference_save_mutable_migration_data,
        .DxgkDdiEndLiveMigration = reference_end_live_migration,
        .DxgkDdiRestoreImmutableMigrationData = reference_restore_immutable_migration_data,
        .DxgkDdiRestoreMutableMigrationData = reference_restore_mutable_migration_data,
        .DxgkDdiWriteVirtualizedInterrupt = reference_write_virtualized_interrupt,
        .DxgkDdiSetVirtualGpuResources2 = reference_set_virtual_gpu_resources2,
        .DxgkDdiSetVirtualFunctionPauseState = reference_set_virtual_function_pause_state,
    };
    if (DEFECT(185))
        table->DxgkDdiEndLiveMigration = NULL;
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    DRIVER_INITIALIZATION_DATA table;

    if (!driver || !registry_path)
        return STATUS_INVALID_PARAMETER;
    fill_table(&table);
    return DxgkInitialize(driver, registry_path, &table);
}
