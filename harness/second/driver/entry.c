/* Load, add, remove, unload. */
#include "driver.h"

void *allocate(SIZE_T size) {
    return ExAllocatePool2(POOL_FLAG_NON_PAGED, size ? size : 1, TAG);
}

void release(void *memory) {
    if (memory)
        ExFreePoolWithTag(memory, TAG);
}

NTSTATUS enter(struct adapter *a) {
    if (!a)
        return STATUS_INVALID_PARAMETER;
    KeWaitForSingleObject(&a->lock, Executive, KernelMode, FALSE, NULL);
    if (a->started)
        return STATUS_SUCCESS;
    leave(a);
    return STATUS_DEVICE_NOT_READY;
}

void leave(struct adapter *a) {
    KeReleaseMutex(&a->lock, FALSE);
}

NTSTATUS enter_vf(struct adapter *a, ULONG index, struct vf **vf) {
    NTSTATUS status = enter(a);

    if (!NT_SUCCESS(status))
        return status;
    *vf = index < a->partitions ? &a->vf[index] : NULL;
    if (*vf && (*vf)->created)
        return STATUS_SUCCESS;
    leave(a);
    return *vf ? STATUS_DEVICE_DOES_NOT_EXIST : STATUS_NO_SUCH_DEVICE;
}

static NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT physical_device, PVOID *context) {
    struct adapter *a;

    if (!physical_device || !context)
        return STATUS_INVALID_PARAMETER;
    a = allocate(sizeof *a);
    *context = a;
    if (!a)
        return STATUS_NO_MEMORY;
    a->physical_device = physical_device;
    KeInitializeMutex(&a->lock, 0);
    InitializeListHead(&a->bases);
    InitializeListHead(&a->processes);
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL remove_device(const PVOID context) {
    struct adapter *a = context;

    if (!a)
        return STATUS_INVALID_PARAMETER;
    (void)second_stop_device(a); /* nothing, after a stop */
    process_free_all(a);
    hot_forget(a);
    release(a);
    return STATUS_SUCCESS;
}

static VOID DDI_CALL unload(void) {
}

static VOID DDI_CALL reset_device(const PVOID context) {
    (void)context; /* the part is quiet when nobody talks to it */
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    DRIVER_INITIALIZATION_DATA table = {
        .Version = DXGKDDI_INTERFACE_VERSION_WDDM3_2,
        .DxgkDdiAddDevice = add_device,
        .DxgkDdiStartDevice = second_start_device,
        .DxgkDdiStopDevice = second_stop_device,
        .DxgkDdiRemoveDevice = remove_device,
        .DxgkDdiInterruptRoutine = second_interrupt,
        .DxgkDdiDpcRoutine = second_dpc,
        .DxgkDdiSetPowerState = second_set_power_state,
        .DxgkDdiResetDevice = reset_device,
        .DxgkDdiUnload = unload,
        .DxgkDdiQueryInterface = second_query_interface,
        .DxgkDdiControlEtwLogging = second_control_etw_logging,
        .DxgkDdiQueryAdapterInfo = second_query_adapter_info,
        .DxgkDdiCreateProcess = second_create_process,
        .DxgkDdiDestroyProcess = second_destroy_process,
        .DxgkDdiSetVirtualMachineData = second_set_virtual_machine_data,
        .DxgkDdiSaveMemoryForHotUpdate = second_save_memory_for_hot_update,
        .DxgkDdiRestoreMemoryForHotUpdate = second_restore_memory_for_hot_update,
        .DxgkDdiCreateMemoryBasis = second_create_memory_basis,
        .DxgkDdiDestroyMemoryBasis = second_destroy_memory_basis,
        .DxgkDdiStartDirtyTracking = second_start_dirty_tracking,
        .DxgkDdiStopDirtyTracking = second_stop_dirty_tracking,
        .DxgkDdiQueryDirtyBitData = second_query_dirty_bit_data,
        .DxgkDdiPrepareLiveMigration = second_prepare_live_migration,
        .DxgkDdiSaveImmutableMigrationData = second_save_immutable_migration_data,
        .DxgkDdiSaveMutableMigrationData = second_save_mutable_migration_data,
        .DxgkDdiEndLiveMigration = second_end_live_migration,
        .DxgkDdiRestoreImmutableMigrationData = second_restore_immutable_migration_data,
        .DxgkDdiRestoreMutableMigrationData = second_restore_mutable_migration_data,
        .DxgkDdiWriteVirtualizedInterrupt = second_write_virtualized_interrupt,
        .DxgkDdiSetVirtualGpuResources2 = second_set_virtual_gpu_resources2,
        .DxgkDdiSetVirtualFunctionPauseState = second_set_virtual_function_pause_state,
    };

    return DxgkInitialize(driver, registry_path, &table);
}
