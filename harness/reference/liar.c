/*
 * Two drivers out of one file that claim everything and do nothing: the reference driver as far as a running
 * vGPU, because what is never reached is never judged, and lies from there on. The refuser fails whatever
 * else it advertises; the yes-man answers with success, though nothing was done.
 *
 * They are the reference driver's sources, whose DxgkInitialize is the one below: tables pass through here on
 * their way to Dxgkrnl.
 *
 * LIAR_NAME: the name; LIAR_STATUS: the answer to everything.
 */
#undef DxgkInitialize
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>
#include <gpup/implementation.h>

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL liar_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path,
                                  PDRIVER_INITIALIZATION_DATA table);

#define BLOB 64u      /* bytes that saved data is said to have */
#define LARGEST 4096u /* bytes of a block of configuration data, at most */

/* --- nothing goes in --- */

/* The argument of these is a type: it cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define ANSWERS(function, type)                                                                              \
    static NTSTATUS DDI_CALL function(HANDLE context, type *args) {                                          \
        (void)context;                                                                                       \
        (void)args;                                                                                          \
        return LIAR_STATUS;                                                                                  \
    }
#define ANSWERS_CONST(function, type)                                                                        \
    static NTSTATUS DDI_CALL function(const HANDLE adapter, const type *args) {                              \
        (void)adapter;                                                                                       \
        (void)args;                                                                                          \
        return LIAR_STATUS;                                                                                  \
    }
#define ANSWERS_HANDLE(function)                                                                             \
    static NTSTATUS DDI_CALL function(const HANDLE adapter, const HANDLE handle) {                           \
        (void)adapter;                                                                                       \
        (void)handle;                                                                                        \
        return LIAR_STATUS;                                                                                  \
    }
ANSWERS(get_engines, DXGKARG_GETGPUENGINES)
ANSWERS(suspend_vgpu, DXGKARG_SUSPENDVIRTUALGPU)
ANSWERS(resume_vgpu, DXGKARG_RESUMEVIRTUALGPU)
ANSWERS(set_vmbus, DXGKARG_SETVIRTUALGPUVMBUS)
ANSWERS(write_block, DXGKARG_WRITEVIRTUALFUNCTIONCONFIGBLOCK)
ANSWERS(reset_vf, DXGKARG_RESETVIRTUALFUNCTION)
ANSWERS(ranges, DXGKARG_QUERYMITIGATEDRANGES)
ANSWERS_CONST(set_machine_data, DXGKARG_SETVIRTUALMACHINEDATA)
ANSWERS_CONST(prepare, DXGKARG_GPUP_PREPARE_LIVE_MIGRATION)
ANSWERS_CONST(restore_immutable, DXGKARG_GPUP_RESTORE_IMMUTABLE_MIGRATION_DATA)
ANSWERS_CONST(restore_mutable, DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA)
ANSWERS_CONST(write_interrupt, DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX)
ANSWERS_CONST(set_resources2, DXGKARG_SETVIRTUALGPURESOURCES2)
ANSWERS_CONST(set_pause, DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE)
ANSWERS_CONST(save_hot_update, DXGKARG_SAVEMEMORYFORHOTUPDATE)
ANSWERS_CONST(restore_hot_update, DXGKARG_RESTOREMEMORYFORHOTUPDATE)
ANSWERS_HANDLE(destroy_process)
ANSWERS_HANDLE(destroy_basis)
ANSWERS_HANDLE(start_tracking)
ANSWERS_HANDLE(stop_tracking)
/* NOLINTEND(bugprone-macro-parentheses) */

static NTSTATUS DDI_CALL end_migration(const HANDLE adapter, UINT vf) {
    (void)adapter;
    (void)vf;
    return LIAR_STATUS;
}

static NTSTATUS DDI_CALL set_power_state(const PVOID context, ULONG uid, DEVICE_POWER_STATE state,
                                         POWER_ACTION action) {
    (void)context;
    (void)uid;
    (void)state;
    (void)action;
    return LIAR_STATUS;
}

/* --- what comes out is zero, so that the yes-man's answers look like ones --- */

static NTSTATUS answer_bytes(void *data, SIZE_T size) {
    if (NT_SUCCESS(LIAR_STATUS) && data)
        RtlZeroMemory(data, size);
    return LIAR_STATUS;
}

static NTSTATUS DDI_CALL read_block(HANDLE context, DXGKARG_READVIRTUALFUNCTIONCONFIGBLOCK *args) {
    (void)context;
    return answer_bytes(args->Data, args->Length <= LARGEST ? args->Length : 0);
}

static NTSTATUS DDI_CALL escape(HANDLE context, DXGK_VIRTUALGPUDRIVERESCAPE *args) {
    (void)context;
    return answer_bytes(args->pOutputBuffer, args->OutputBufferSize);
}

static NTSTATUS DDI_CALL get_resource(HANDLE context, DXGKARG_GETRESOURCEFORBAR *args) {
    (void)context;
    return answer_bytes(args->pResource, sizeof *args->pResource);
}

static NTSTATUS DDI_CALL query_dirty(const HANDLE adapter, DXGKARG_QUERYDIRTYBITDATA *args) {
    (void)adapter;
    return answer_bytes(args->Buffer, args->BufferSize);
}

static NTSTATUS save(UINT64 *size, BYTE *data) {
    if (!NT_SUCCESS(LIAR_STATUS) || !size)
        return LIAR_STATUS;
    if (!data)
        *size = BLOB;
    else
        RtlZeroMemory(data, *size < BLOB ? *size : BLOB);
    return LIAR_STATUS;
}

static NTSTATUS DDI_CALL save_immutable(const HANDLE adapter,
                                        DXGKARG_GPUP_SAVE_IMMUTABLE_MIGRATION_DATA *args) {
    (void)adapter;
    return save(args->DataSize, args->Data);
}

static NTSTATUS DDI_CALL save_mutable(const HANDLE adapter, DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *args) {
    (void)adapter;
    return save(args->DataSize, args->Data);
}

/* Handles of nothing, all different. */
static HANDLE new_name(void) {
    static LONG names;

    return (HANDLE)(ULONG_PTR)((ULONG)InterlockedIncrement(&names) * 16u);
}

static HANDLE DDI_CALL create_basis(const HANDLE adapter, const DXGKARG_CREATEMEMORYBASIS *args) {
    (void)adapter;
    (void)args;
    return NT_SUCCESS(LIAR_STATUS) ? new_name() : NULL;
}

static NTSTATUS DDI_CALL create_process(const HANDLE adapter, DXGKARG_CREATEPROCESS *args) {
    (void)adapter;
    if (NT_SUCCESS(LIAR_STATUS))
        args->hKmdProcess = new_name();
    return LIAR_STATUS;
}

static VOID DDI_CALL query_bars(HANDLE context, DXGKARG_QUERYPROBEDBARS *args) {
    (void)context;
    RtlZeroMemory(args->BaseRegisterValues, DXGK_MAX_NUM_PCI_BARS * sizeof(ULONG));
}

static VOID DDI_CALL get_vendor(HANDLE context, DXGKARG_GETVENDORANDDEVICE *args) {
    (void)context;
    args->VendorId = args->DeviceId = 0;
}

static VOID DDI_CALL get_location(HANDLE context, DXGKARG_GETDEVICELOCATION *args) {
    (void)context;
    args->SegmentNumber = args->BusNumber = args->FunctionNumber = 0;
}

static VOID DDI_CALL range_count(HANDLE context, DXGKARG_QUERYMITIGATEDRANGECOUNT *args) {
    (void)context;
    RtlZeroMemory(args->RangeCount, sizeof args->RangeCount);
}

/* --- the tables: the driver's own, with lies in their slots --- */

static DXGKDDI_QUERYADAPTERINFO *honest_query_adapter_info;
static DXGKDDI_QUERY_INTERFACE *honest_query_interface;

/* Every capability that there is. */
static NTSTATUS DDI_CALL query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *args) {
    NTSTATUS status = honest_query_adapter_info(adapter, args);
    UINT all = args->Type == DXGKQAITYPE_GPUPCAPS               ? 0xF
               : args->Type == DXGKQAITYPE_DIRTYBITTRACKINGCAPS ? 0x3
                                                                : 0;

    if (all && NT_SUCCESS(status))
        RtlCopyMemory(args->pOutputData, &all, sizeof all);
    return status;
}

static void lie_partition(DXGKDDI_GPU_PARTITION_INTERFACE *table) {
    table->DxgkDdiGetGpuEngines = get_engines;
    table->DxgkDdiSuspendVirtualGpu = suspend_vgpu;
    table->DxgkDdiResumeVirtualGpu = resume_vgpu;
    table->DxgkDdiVirtualGpuDriverEscape = escape;
    table->DxgkDdiSetVirtualGpuVmBus = set_vmbus;
}

static void lie_sriov(DXGKDDI_SRIOV_INTERFACE *table) {
    table->DxgkDdiReadVirtualFunctionConfigBlock = read_block;
    table->DxgkDdiWriteVirtualFunctionConfigBlock = write_block;
    table->DxgkDdiQueryProbedBars = query_bars;
    table->DxgkDdiGetVendorAndDevice = get_vendor;
    table->DxgkDdiGetDeviceLocation = get_location;
    table->DxgkDdiResetVirtualFunction = reset_vf;
    table->DxgkDdiGetResourceForBar = get_resource;
}

static void lie_mitigable(DXGKDDI_MITIGABLE_DEVICE_INTERFACE *table) {
    table->DxgkDdiQueryMitigatedRangeCount = range_count;
    table->DxgkDdiQueryMitigatedRanges = ranges;
}

static NTSTATUS DDI_CALL query_interface(const PVOID context, PQUERY_INTERFACE query) {
    NTSTATUS status = honest_query_interface(context, query);

    if (!NT_SUCCESS(status))
        return status;
    if (RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_GPU_PARTITION_INTERFACE, sizeof(GUID)))
        lie_partition((DXGKDDI_GPU_PARTITION_INTERFACE *)query->Interface);
    else if (RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_SRIOV_INTERFACE, sizeof(GUID)))
        lie_sriov((DXGKDDI_SRIOV_INTERFACE *)query->Interface);
    else
        lie_mitigable((DXGKDDI_MITIGABLE_DEVICE_INTERFACE *)query->Interface);
    return status;
}

NTSTATUS DDI_CALL liar_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path,
                                  PDRIVER_INITIALIZATION_DATA table) {
    honest_query_adapter_info = table->DxgkDdiQueryAdapterInfo;
    honest_query_interface = table->DxgkDdiQueryInterface;
    table->DxgkDdiQueryAdapterInfo = query_adapter_info;
    table->DxgkDdiQueryInterface = query_interface;
    table->DxgkDdiSetPowerState = set_power_state;
    table->DxgkDdiCreateProcess = create_process;
    table->DxgkDdiDestroyProcess = destroy_process;
    table->DxgkDdiSetVirtualMachineData = set_machine_data;
    table->DxgkDdiSaveMemoryForHotUpdate = save_hot_update;
    table->DxgkDdiRestoreMemoryForHotUpdate = restore_hot_update;
    table->DxgkDdiCreateMemoryBasis = create_basis;
    table->DxgkDdiDestroyMemoryBasis = destroy_basis;
    table->DxgkDdiStartDirtyTracking = start_tracking;
    table->DxgkDdiStopDirtyTracking = stop_tracking;
    table->DxgkDdiQueryDirtyBitData = query_dirty;
    table->DxgkDdiPrepareLiveMigration = prepare;
    table->DxgkDdiSaveImmutableMigrationData = save_immutable;
    table->DxgkDdiSaveMutableMigrationData = save_mutable;
    table->DxgkDdiEndLiveMigration = end_migration;
    table->DxgkDdiRestoreImmutableMigrationData = restore_immutable;
    table->DxgkDdiRestoreMutableMigrationData = restore_mutable;
    table->DxgkDdiWriteVirtualizedInterrupt = write_interrupt;
    table->DxgkDdiSetVirtualGpuResources2 = set_resources2;
    table->DxgkDdiSetVirtualFunctionPauseState = set_pause;
    return DxgkInitialize(driver, registry_path, table);
}

static const struct gpup_implementation implementation = {.size = sizeof implementation,
                                                          .version = GPUP_IMPLEMENTATION_VERSION,
                                                          .name = LIAR_NAME,
                                                          .driver_entry = DriverEntry};

const struct gpup_implementation *gpup_implementation(void) {
    return &implementation;
}
