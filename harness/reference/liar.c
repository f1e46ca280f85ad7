/*
 * Two drivers out of one file that claim everything and do nothing. Both have every capability set and every
 * slot filled, and both let a vGPU come into being and be powered, because what is never reached is never
 * judged. Whatever goes beyond that the refuser fails, and the yes-man answers with success, though nothing
 * was done.
 *
 * LIAR_NAME: the name; LIAR_STATUS: the answer to everything.
 */
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>
#include <gpup/implementation.h>

DRIVER_INITIALIZE DriverEntry;
const struct gpup_implementation *gpup_implementation(void);

#define TAG 0x7261694Cu /* 'Liar' */
#define VFS 64u
#define PAGE 4096u
#define BLOB 64u /* bytes that saved data is said to have */
#define MEMORY_TOTAL 0x1000000000ull

struct liar {
    LUID luid;
    ULONG partitions;
    UINT64 handles;
    UINT64 memory[VFS];
};

/* --- the way to a vGPU --- */

static NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT physical_device, PVOID *context) {
    (void)physical_device;
    *context = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(struct liar), TAG);
    return *context ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS DDI_CALL remove_device(const PVOID context) {
    ExFreePoolWithTag(context, TAG);
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL start_device(const PVOID context, PDXGK_START_INFO info,
                                      PDXGKRNL_INTERFACE callbacks, PULONG sources, PULONG children) {
    (void)callbacks;
    ((struct liar *)context)->luid = info->AdapterLuid;
    *sources = 0;
    *children = 0;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL stop_device(const PVOID context) {
    ((struct liar *)context)->partitions = 0;
    return STATUS_SUCCESS;
}

static VOID DDI_CALL unload(void) {
}

static VOID DDI_CALL control_etw_logging(BOOLEAN enable, ULONG flags, UCHAR level) {
    (void)enable;
    (void)flags;
    (void)level;
}

static NTSTATUS DDI_CALL get_partition_info(HANDLE context, DXGKARG_GETGPUPARTITIONINFO *args) {
    ULONG capacity = args->NumGpuPartitionOptions;

    args->NumGpuPartitionOptions = 7;
    args->CurrentGpuPartitionCount = (USHORT)((struct liar *)context)->partitions;
    if (capacity < 7)
        return STATUS_BUFFER_TOO_SMALL;
    for (ULONG i = 0; i < 7; i++)
        args->pGpuPartitionOptions[i] = (USHORT)(1u << i);
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL set_partition_count(HANDLE context, DXGKARG_SETGPUPARTITIONCOUNT *args) {
    ((struct liar *)context)->partitions = args->PartitionCount;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL get_profile(HANDLE context, DXGKARG_GETVIRTUALGPUPROFILE *args) {
    (void)context;
    args->VirtualizationFlags = DXGK_VIRTUALIZED_ACS_CAPABLE | DXGK_VIRTUALIZED_UNIQUE_RID;
    for (ULONG i = 0; i < DXGK_VGPU_CAPABILITY_MAX; i++)
        args->ProfileCapability[i] = (DXGK_VGPU_PROFILE_CAPABILITY){MEMORY_TOTAL, MEMORY_TOTAL, PAGE,
                                                                    MEMORY_TOTAL / VFS, MEMORY_TOTAL / VFS};
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL create_vgpu(HANDLE context, DXGKARG_CREATEVIRTUALGPU *args) {
    struct liar *l = context;
    UINT64 size = args->Profile.Capability[DXGK_VGPU_CAPABILITY_MEMORY].MaxValue;

    if (args->PartitionId >= VFS || args->PartitionId >= l->partitions)
        return STATUS_INVALID_PARAMETER;
    l->memory[args->PartitionId] = size;
    RtlZeroMemory(&args->UserModeVirtualDeviceProvider,
                  sizeof *args - offsetof(DXGKARG_CREATEVIRTUALGPU, UserModeVirtualDeviceProvider));
    args->UserModeVirtualDeviceProvider.Data1 = TAG;
    args->VirtualGpuLuid = (LUID){args->PartitionId + 1, (LONG)l->luid.LowPart};
    args->NumMemorySegments = 1;
    args->SegmentInfo[0].DriverSegmentId = 1;
    args->SegmentInfo[0].Size = size;
    args->SegmentInfo[0].Alignment = PAGE;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL get_vgpu_info(HANDLE context, DXGKARG_GETVIRTUALGPUINFO *args) {
    const struct liar *l = context;

    for (ULONG i = 0; i < DXGK_VGPU_CAPABILITY_MAX; i++)
        args->Capability[i] =
            (DXGK_VGPU_CAPABILITY){PAGE, MEMORY_TOTAL / VFS, l->memory[args->PartitionId % VFS]};
    return STATUS_SUCCESS;
}

/* The argument of these is a type: it cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define ACCEPTS(function, type)                                                                              \
    static NTSTATUS DDI_CALL function(HANDLE context, type *args) {                                          \
        (void)context;                                                                                       \
        (void)args;                                                                                          \
        return STATUS_SUCCESS;                                                                               \
    }
ACCEPTS(set_resources, DXGKARG_SETVIRTUALGPURESOURCES)
ACCEPTS(destroy_vgpu, DXGKARG_DESTROYVIRTUALGPU)
ACCEPTS(set_vf_power, DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE)

/* --- the answer to everything else --- */

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
ANSWERS(write_config, DXGKARG_WRITEVIRTUALFUNCTIONCONFIG)
ANSWERS(write_block, DXGKARG_WRITEVIRTUALFUNCTIONCONFIGBLOCK)
ANSWERS(reset_vf, DXGKARG_RESETVIRTUALFUNCTION)
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

/* Zeros where an output is expected, so that the yes-man's answers look like ones. */
static NTSTATUS answer_bytes(void *data, SIZE_T size) {
    if (NT_SUCCESS(LIAR_STATUS) && data)
        RtlZeroMemory(data, size);
    return LIAR_STATUS;
}

static NTSTATUS DDI_CALL read_config(HANDLE context, DXGKARG_READVIRTUALFUNCTIONCONFIG *args) {
    (void)context;
    return answer_bytes(args->Data, args->Length);
}

static NTSTATUS DDI_CALL read_block(HANDLE context, DXGKARG_READVIRTUALFUNCTIONCONFIGBLOCK *args) {
    (void)context;
    return answer_bytes(args->Data, args->Length);
}

static NTSTATUS DDI_CALL escape(HANDLE context, DXGK_VIRTUALGPUDRIVERESCAPE *args) {
    (void)context;
    return answer_bytes(args->pOutputBuffer, args->OutputBufferSize);
}

static NTSTATUS DDI_CALL get_resource(HANDLE context, DXGKARG_GETRESOURCEFORBAR *args) {
    NTSTATUS status = answer_bytes(args->pResource, sizeof *args->pResource);

    (void)context;
    if (NT_SUCCESS(status))
        args->pResource->Type = CmResourceTypeMemory;
    return status;
}

static NTSTATUS DDI_CALL query_dirty(const HANDLE adapter, DXGKARG_QUERYDIRTYBITDATA *args) {
    (void)adapter;
    return answer_bytes(args->Buffer, args->BufferSize);
}

static NTSTATUS save(UINT64 *size, BYTE *data) {
    if (!NT_SUCCESS(LIAR_STATUS))
        return LIAR_STATUS;
    if (data)
        RtlZeroMemory(data, *size);
    else
        *size = BLOB;
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

static HANDLE DDI_CALL create_basis(const HANDLE adapter, const DXGKARG_CREATEMEMORYBASIS *args) {
    struct liar *l = adapter;

    (void)args;
    return NT_SUCCESS(LIAR_STATUS) ? (HANDLE)(ULONG_PTR)(++l->handles * 16) : NULL;
}

static NTSTATUS DDI_CALL create_process(const HANDLE adapter, DXGKARG_CREATEPROCESS *args) {
    struct liar *l = adapter;

    if (NT_SUCCESS(LIAR_STATUS))
        args->hKmdProcess = (HANDLE)(ULONG_PTR)(++l->handles * 16);
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

static VOID DDI_CALL query_luid(HANDLE context, DXGKARG_QUERYVIRTUALFUNCTIONLUID *args) {
    *args->pLuid = (LUID){args->VirtualFunctionIndex + 1, (LONG)((struct liar *)context)->luid.LowPart};
}

static VOID DDI_CALL range_count(HANDLE context, DXGKARG_QUERYMITIGATEDRANGECOUNT *args) {
    (void)context;
    RtlZeroMemory(args->RangeCount, sizeof args->RangeCount);
}

static NTSTATUS DDI_CALL ranges(HANDLE context, DXGKARG_QUERYMITIGATEDRANGES *args) {
    (void)context;
    (void)args;
    return LIAR_STATUS;
}

/* --- capabilities and tables --- */

static NTSTATUS DDI_CALL query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *args) {
    UINT64 value;
    UINT size = sizeof(UINT);

    (void)adapter;
    switch (args->Type) {
    case DXGKQAITYPE_GPUPCAPS:
        value = 0xF;
        break;
    case DXGKQAITYPE_DIRTYBITTRACKINGCAPS:
        value = 0x3;
        break;
    case DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS:
        value = PAGE;
        break;
    case DXGKQAITYPE_SCATTER_RESERVE:
        value = PAGE;
        size = sizeof value;
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    if (!args->pOutputData || args->OutputDataSize < size)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(args->pOutputData, &value, size);
    return STATUS_SUCCESS;
}

static VOID DDI_CALL count_reference(PVOID context) {
    (void)context;
}

static const DXGKDDI_GPU_PARTITION_INTERFACE partition_table = {
    .Size = sizeof partition_table,
    .Version = DXGKDDI_GPU_PARTITION_INTERFACE_VERSION,
    .InterfaceReference = count_reference,
    .InterfaceDereference = count_reference,
    .DxgkDdiGetGpuPartitionInfo = get_partition_info,
    .DxgkDdiSetGpuPartitionCount = set_partition_count,
    .DxgkDdiGetGpuEngines = get_engines,
    .DxgkDdiGetVirtualGpuProfile = get_profile,
    .DxgkDdiCreateVirtualGpu = create_vgpu,
    .DxgkDdiGetVirtualGpuInfo = get_vgpu_info,
    .DxgkDdiSetVirtualGpuResources = set_resources,
    .DxgkDdiDestroyVirtualGpu = destroy_vgpu,
    .DxgkDdiSuspendVirtualGpu = suspend_vgpu,
    .DxgkDdiResumeVirtualGpu = resume_vgpu,
    .DxgkDdiVirtualGpuDriverEscape = escape,
    .DxgkDdiSetVirtualGpuVmBus = set_vmbus,
};

static const DXGKDDI_SRIOV_INTERFACE sriov_table = {
    .Size = sizeof sriov_table,
    .Version = DXGKDDI_SRIOV_INTERFACE_VERSION,
    .InterfaceReference = count_reference,
    .InterfaceDereference = count_reference,
    .DxgkDdiReadVirtualFunctionConfig = read_config,
    .DxgkDdiWriteVirtualFunctionConfig = write_config,
    .DxgkDdiReadVirtualFunctionConfigBlock = read_block,
    .DxgkDdiWriteVirtualFunctionConfigBlock = write_block,
    .DxgkDdiQueryProbedBars = query_bars,
    .DxgkDdiGetVendorAndDevice = get_vendor,
    .DxgkDdiGetDeviceLocation = get_location,
    .DxgkDdiResetVirtualFunction = reset_vf,
    .DxgkDdiSetVirtualFunctionPowerState = set_vf_power,
    .DxgkDdiGetResourceForBar = get_resource,
    .DxgkDdiQueryVirtualFunctionLuid = query_luid,
};

static const DXGKDDI_MITIGABLE_DEVICE_INTERFACE mitigable_table = {
    .Size = sizeof mitigable_table,
    .Version = DXGKDDI_MITIGABLE_DEVICE_INTERFACE_VERSION,
    .InterfaceReference = count_reference,
    .InterfaceDereference = count_reference,
    .DxgkDdiQueryMitigatedRangeCount = range_count,
    .DxgkDdiQueryMitigatedRanges = ranges,
};

static NTSTATUS give_table(PQUERY_INTERFACE query, const void *table, USHORT size, PVOID context) {
    if (query->Size < size)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(query->Interface, table, size);
    query->Interface->Context = context;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL query_interface(const PVOID context, PQUERY_INTERFACE query) {
    if (RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_GPU_PARTITION_INTERFACE, sizeof(GUID)))
        return give_table(query, &partition_table, sizeof partition_table, context);
    if (RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_SRIOV_INTERFACE, sizeof(GUID)))
        return give_table(query, &sriov_table, sizeof sriov_table, context);
    if (RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_MITIGABLE_DEVICE_INTERFACE, sizeof(GUID)))
        return give_table(query, &mitigable_table, sizeof mitigable_table, context);
    return STATUS_NOT_SUPPORTED;
}

static const DRIVER_INITIALIZATION_DATA slots = {
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
    .DxgkDdiCreateProcess = create_process,
    .DxgkDdiDestroyProcess = destroy_process,
    .DxgkDdiSetVirtualMachineData = set_machine_data,
    .DxgkDdiSaveMemoryForHotUpdate = save_hot_update,
    .DxgkDdiRestoreMemoryForHotUpdate = restore_hot_update,
    .DxgkDdiCreateMemoryBasis = create_basis,
    .DxgkDdiDestroyMemoryBasis = destroy_basis,
    .DxgkDdiStartDirtyTracking = start_tracking,
    .DxgkDdiStopDirtyTracking = stop_tracking,
    .DxgkDdiQueryDirtyBitData = query_dirty,
    .DxgkDdiPrepareLiveMigration = prepare,
    .DxgkDdiSaveImmutableMigrationData = save_immutable,
    .DxgkDdiSaveMutableMigrationData = save_mutable,
    .DxgkDdiEndLiveMigration = end_migration,
    .DxgkDdiRestoreImmutableMigrationData = restore_immutable,
    .DxgkDdiRestoreMutableMigrationData = restore_mutable,
    .DxgkDdiWriteVirtualizedInterrupt = write_interrupt,
    .DxgkDdiSetVirtualGpuResources2 = set_resources2,
    .DxgkDdiSetVirtualFunctionPauseState = set_pause,
};

NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    DRIVER_INITIALIZATION_DATA table = slots;

    return DxgkInitialize(driver, registry_path, &table);
}

static const struct gpup_implementation implementation = {.size = sizeof implementation,
                                                          .version = GPUP_IMPLEMENTATION_VERSION,
                                                          .name = LIAR_NAME,
                                                          .driver_entry = DriverEntry};

const struct gpup_implementation *gpup_implementation(void) {
    return &implementation;
}
