/*
 * A miniport whose adapter is found through globals only: the reference driver behind DDIs that ignore their
 * first argument. Both hosts of a migration run this one image, and AddDevice gives both the same context, so
 * nothing but swapped sections can keep their adapters apart. The object exports DriverEntry and no
 * gpup_implementation.
 *
 * The reference's call of DxgkInitialize is renamed to global_initialize.
 */
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>

static DRIVER_INITIALIZATION_DATA real;
static PVOID adapter;
static char everybody; /* its address is the context of every adapter */

/* One argument besides the context. */
#define FORWARD(name, type)                                                                                  \
    static NTSTATUS DDI_CALL name(HANDLE context, type a) {                                                  \
        return context == &everybody ? real.DxgkDdi##name(adapter, a) : STATUS_INVALID_PARAMETER;            \
    }
FORWARD(QueryInterface, PQUERY_INTERFACE)
FORWARD(QueryAdapterInfo, const DXGKARG_QUERYADAPTERINFO *)
FORWARD(CreateProcess, DXGKARG_CREATEPROCESS *)
FORWARD(DestroyProcess, HANDLE)
FORWARD(SetVirtualMachineData, const DXGKARG_SETVIRTUALMACHINEDATA *)
FORWARD(DestroyMemoryBasis, HANDLE)
FORWARD(StartDirtyTracking, HANDLE)
FORWARD(StopDirtyTracking, HANDLE)
FORWARD(QueryDirtyBitData, DXGKARG_QUERYDIRTYBITDATA *)
FORWARD(PrepareLiveMigration, const DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *)
FORWARD(SaveImmutableMigrationData, DXGKARG_GPUP_SAVE_IMMUTABLE_MIGRATION_DATA *)
FORWARD(SaveMutableMigrationData, DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *)
FORWARD(RestoreImmutableMigrationData, const DXGKARG_GPUP_RESTORE_IMMUTABLE_MIGRATION_DATA *)
FORWARD(RestoreMutableMigrationData, const DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA *)
FORWARD(EndLiveMigration, UINT)
FORWARD(WriteVirtualizedInterrupt, const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *)
FORWARD(SetVirtualGpuResources2, const DXGKARG_SETVIRTUALGPURESOURCES2 *)
FORWARD(SetVirtualFunctionPauseState, const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *)

static HANDLE DDI_CALL CreateMemoryBasis(HANDLE context, const DXGKARG_CREATEMEMORYBASIS *a) {
    return context == &everybody ? real.DxgkDdiCreateMemoryBasis(adapter, a) : NULL;
}

static NTSTATUS DDI_CALL AddDevice(PDEVICE_OBJECT device, PVOID *context) {
    NTSTATUS status = adapter ? STATUS_UNSUCCESSFUL : real.DxgkDdiAddDevice(device, &adapter);
    *context = adapter && NT_SUCCESS(status) ? &everybody : NULL;
    return status;
}

static NTSTATUS DDI_CALL StartDevice(PVOID context, PDXGK_START_INFO info, PDXGKRNL_INTERFACE table,
                                     PULONG sources, PULONG children) {
    (void)context;
    return real.DxgkDdiStartDevice(adapter, info, table, sources, children);
}

static NTSTATUS DDI_CALL StopDevice(PVOID context) {
    (void)context;
    return real.DxgkDdiStopDevice(adapter);
}

static NTSTATUS DDI_CALL RemoveDevice(PVOID context) {
    (void)context;
    NTSTATUS status = real.DxgkDdiRemoveDevice(adapter);
    adapter = NULL;
    return status;
}

static BOOLEAN DDI_CALL InterruptRoutine(PVOID context, ULONG message) {
    (void)context;
    return real.DxgkDdiInterruptRoutine(adapter, message);
}

static VOID DDI_CALL DpcRoutine(PVOID context) {
    (void)context;
    real.DxgkDdiDpcRoutine(adapter);
}

static NTSTATUS DDI_CALL SetPowerState(PVOID context, ULONG device, DEVICE_POWER_STATE state,
                                       POWER_ACTION action) {
    (void)context;
    return real.DxgkDdiSetPowerState(adapter, device, state, action);
}

static VOID DDI_CALL ResetDevice(PVOID context) {
    (void)context;
    real.DxgkDdiResetDevice(adapter);
}

#define REPLACE(name) table.DxgkDdi##name = (name)

NTSTATUS DDI_CALL global_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING path,
                                    PDRIVER_INITIALIZATION_DATA data);
NTSTATUS DDI_CALL global_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING path,
                                    PDRIVER_INITIALIZATION_DATA data) {
    DRIVER_INITIALIZATION_DATA table = *data;
    real = *data;
    REPLACE(AddDevice), REPLACE(StartDevice), REPLACE(StopDevice), REPLACE(RemoveDevice);
    REPLACE(InterruptRoutine), REPLACE(DpcRoutine), REPLACE(SetPowerState), REPLACE(ResetDevice);
    REPLACE(QueryInterface), REPLACE(QueryAdapterInfo), REPLACE(CreateProcess), REPLACE(DestroyProcess);
    REPLACE(SetVirtualMachineData), REPLACE(CreateMemoryBasis), REPLACE(DestroyMemoryBasis);
    REPLACE(StartDirtyTracking), REPLACE(StopDirtyTracking), REPLACE(QueryDirtyBitData);
    REPLACE(PrepareLiveMigration), REPLACE(SaveImmutableMigrationData), REPLACE(SaveMutableMigrationData);
    REPLACE(EndLiveMigration), REPLACE(RestoreImmutableMigrationData), REPLACE(RestoreMutableMigrationData);
    REPLACE(WriteVirtualizedInterrupt), REPLACE(SetVirtualGpuResources2),
        REPLACE(SetVirtualFunctionPauseState);
    return DxgkInitialize(driver, path, &table);
}
