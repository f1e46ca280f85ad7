/* The driver of the example GPU: a WDDM miniport in C++ that cuts it into four and sets up MSI-X for its VFs.
 */
#include "driver.h"
#include "model.h"

#include <gpup/implementation.h>

extern "C" DRIVER_INITIALIZE DriverEntry;

namespace {

constexpr UINT64 mib = 1 << 20, vram = GPU_VRAM_MIB * mib, reserve = 16 * mib;
constexpr ULONG tag = 0x65475055;

/* --- a channel to the guest of each vGPU --- */

/* A greeting is all that a guest gets: its packet comes back as it was. */
VOID DDI_CALL answer(VMBCHANNEL, VMBPACKETCOMPLETION packet, PVOID buffer, UINT32 length, UINT32) {
    ULONG echo = 0;
    if (buffer)
        RtlCopyMemory(&echo, buffer, length < sizeof echo ? length : sizeof echo);
    VmbChannelPacketComplete(packet, &echo, sizeof echo);
}

void close_channel(Vgpu &vgpu) {
    if (!vgpu.channel)
        return;
    VmbChannelDisable(vgpu.channel);
    VmbChannelCleanup(vgpu.channel);
    vgpu.channel = nullptr;
}

NTSTATUS configure(VMBCHANNEL channel, HANDLE vm, const LUID &luid) {
    static const GUID type = {0x45475055, 0x0001, 0x4D50, {1, 2, 3, 4, 5, 6, 7, 8}};
    GUID instance = {luid.LowPart, 1, 1, {}};
    NTSTATUS result = VmbServerChannelInitSetVmbusHandle(channel, vm);
    if (NT_SUCCESS(result))
        result = VmbServerChannelInitSetTargetInterfaceId(channel, type, instance);
    if (NT_SUCCESS(result))
        result = VmbChannelInitSetMaximumPacketSize(channel, sizeof(ULONG));
    if (NT_SUCCESS(result))
        result = VmbChannelInitSetProcessPacketCallbacks(channel, answer, nullptr);
    return NT_SUCCESS(result) ? VmbChannelEnable(channel) : result;
}

NTSTATUS DDI_CALL set_vmbus(HANDLE context, DXGKARG_SETVIRTUALGPUVMBUS *args) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(args->VirtualGpuIndex);
    bool no_handle = !args->VmBusHandle || args->VmBusHandle == (HANDLE)(LONG_PTR)-1;
    if (!vgpu || no_handle)
        return STATUS_INVALID_PARAMETER; /* the only failure that this DDI has */
    close_channel(*vgpu);
    VMBCHANNEL channel = nullptr;
    if (!NT_SUCCESS(VmbChannelAllocate(adapter->physical, TRUE, &channel)))
        return STATUS_INVALID_PARAMETER;
    LUID luid = luid_of(adapter.all(), args->VirtualGpuIndex);
    if (NT_SUCCESS(configure(channel, args->VmBusHandle, luid))) {
        vgpu->channel = channel;
        return STATUS_SUCCESS;
    }
    VmbChannelCleanup(channel);
    return STATUS_INVALID_PARAMETER;
}

/* --- partitions --- */
NTSTATUS DDI_CALL get_partition_info(HANDLE context, DXGKARG_GETGPUPARTITIONINFO *args) {
    Held adapter(context);
    bool room = args->NumGpuPartitionOptions >= 1;
    args->NumGpuPartitionOptions = 1;
    args->CurrentGpuPartitionCount = static_cast<USHORT>(adapter->partitions);
    if (room)
        args->pGpuPartitionOptions[0] = GPU_VFS;
    return room ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS DDI_CALL set_partition_count(HANDLE context, DXGKARG_SETGPUPARTITIONCOUNT *args) {
    Held adapter(context);
    bool good = args->PartitionCount == GPU_VFS && adapter->used == 0;
    if (good)
        adapter->partitions = GPU_VFS;
    return status(good);
}

NTSTATUS DDI_CALL get_profile(HANDLE context, DXGKARG_GETVIRTUALGPUPROFILE *args) {
    Held adapter(context);
    args->VirtualizationFlags = DXGK_VIRTUALIZED_ACS_CAPABLE | DXGK_VIRTUALIZED_UNIQUE_RID;
    RtlZeroMemory(args->ProfileCapability, sizeof args->ProfileCapability);
    args->ProfileCapability[DXGK_VGPU_CAPABILITY_MEMORY] = {vram, vram - adapter->used * reserve, reserve,
                                                            reserve, reserve};
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL create(HANDLE context, DXGKARG_CREATEVIRTUALGPU *args) {
    Held adapter(context);
    ULONG index = args->PartitionId;
    const DXGK_VIRTUALGPUCAPABILITY &memory = args->Profile.Capability[DXGK_VGPU_CAPABILITY_MEMORY];
    if (!adapter->registers || index >= adapter->partitions || adapter.find(index) ||
        memory.MinValue > reserve || memory.MaxValue < reserve)
        return STATUS_INVALID_PARAMETER;
    Vgpu &vgpu = adapter->vgpu[index];
    vgpu = {};
    vgpu.exists = true;
    adapter->used++;
    adapter.put(REG_SELECT, index);
    adapter.put(REG_STATE, 1);
    reset(adapter, index);
    args->VirtualGpuLuid = luid_of(adapter.all(), index);
    args->UserModeVirtualDeviceProvider = {0x45475055, 1, 2, {}}; /* who emulates the intercepted page */
    args->NumMemorySegments = 1;
    args->SegmentInfo[0] = {};
    args->SegmentInfo[0].DriverSegmentId = 1;
    args->SegmentInfo[0].Size = reserve;
    args->SegmentInfo[0].Alignment = mib;
    args->NumEngines = 0;
    RtlZeroMemory(args->EngineInfo, sizeof args->EngineInfo);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL get_info(HANDLE context, DXGKARG_GETVIRTUALGPUINFO *args) {
    Held adapter(context);
    if (!adapter.find(args->PartitionId))
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(args->Capability, sizeof args->Capability);
    args->Capability[DXGK_VGPU_CAPABILITY_MEMORY] = {reserve, reserve, reserve};
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL set_resources(HANDLE context, DXGKARG_SETVIRTUALGPURESOURCES *args) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(args->PartitionId);
    if (!vgpu || args->NumMemoryAllocations != 1)
        return STATUS_INVALID_PARAMETER;
    const DXGK_VIRTUALGPUMEMORYRESOURCE &memory = args->MemoryInfo[0];
    UINT64 at = memory.AllocationAddress.MemorySegmentOffset;
    bool good = memory.AllocationAddress.MemorySegmentId == 1 && memory.AllocationSize == reserve &&
                at <= vram - reserve && at % mib == 0;
    for (const Vgpu &other : adapter->vgpu)
        good = good &&
               (&other == vgpu || !other.placed || at >= other.base + reserve || at + reserve <= other.base);
    if (!good)
        return STATUS_INVALID_PARAMETER;
    vgpu->placed = true;
    vgpu->base = at;
    adapter.put(REG_SELECT, args->PartitionId);
    adapter.put(REG_PLACE, static_cast<ULONG>(at / mib));
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL destroy(HANDLE context, DXGKARG_DESTROYVIRTUALGPU *args) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(args->PartitionId);
    if (!vgpu)
        return STATUS_INVALID_PARAMETER;
    close_channel(*vgpu);
    *vgpu = {};
    adapter->used--;
    adapter.put(REG_SELECT, args->PartitionId);
    adapter.put(REG_STATE, 0);
    return STATUS_SUCCESS;
}

/* One body for each of the functions that this driver does not have. */
template <typename Args> NTSTATUS DDI_CALL refuse(HANDLE, Args *) {
    return STATUS_NOT_SUPPORTED;
}

/* A table whose Context is this adapter, to who asks for it by its GUID. */
template <typename Table> NTSTATUS give(PVOID context, PQUERY_INTERFACE query, Table table) {
    if (query->Version != 1)
        return STATUS_NOT_SUPPORTED;
    if (query->Size < sizeof table)
        return STATUS_BUFFER_TOO_SMALL;
    table.Context = context;
    RtlCopyMemory(query->Interface, &table, sizeof table);
    return STATUS_SUCCESS;
}

const DXGKDDI_GPU_PARTITION_INTERFACE partition_functions = {sizeof partition_functions,
                                                             1,
                                                             nullptr,
                                                             referenced,
                                                             referenced,
                                                             get_partition_info,
                                                             set_partition_count,
                                                             refuse,
                                                             get_profile,
                                                             create,
                                                             get_info,
                                                             set_resources,
                                                             destroy,
                                                             refuse,
                                                             refuse,
                                                             refuse,
                                                             set_vmbus};

bool asks(const QUERY_INTERFACE *query, const GUID &guid) {
    return RtlEqualMemory(query->InterfaceType, &guid, sizeof guid);
}

NTSTATUS DDI_CALL query_interface(const PVOID context, PQUERY_INTERFACE query) {
    if (asks(query, GUID_DXGKDDI_GPU_PARTITION_INTERFACE))
        return give(context, query, partition_functions);
    if (asks(query, GUID_DXGKDDI_SRIOV_INTERFACE))
        return give(context, query, sriov_functions);
    if (asks(query, GUID_DXGKDDI_MITIGABLE_DEVICE_INTERFACE))
        return give(context, query, mitigable_functions);
    return STATUS_NOT_SUPPORTED;
}

/* --- adapter and interrupts --- */
NTSTATUS DDI_CALL query_adapter_info(const HANDLE, const DXGKARG_QUERYADAPTERINFO *args) {
    if (args->Type != DXGKQAITYPE_GPUPCAPS || args->OutputDataSize < sizeof(DXGK_GPUPCAPS))
        return STATUS_NOT_SUPPORTED;
    DXGK_GPUPCAPS caps = {};
    caps.Caps.LiveMigration = 1;
    RtlCopyMemory(args->pOutputData, &caps, sizeof caps);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL write_interrupt(const HANDLE context, const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    Held adapter(context);
    const DXGK_INTERRUPT_TABLE_ENTRY &entry = args->WriteValue;
    ULONG index = static_cast<USHORT>(args->InterruptTableIndex);
    if (!adapter.find(args->vfIndex) || index >= GPU_MSIX_ENTRIES || (entry.MessageAddress & 3))
        return STATUS_INVALID_PARAMETER;
    adapter.program(args->vfIndex, index, entry);
    return STATUS_SUCCESS;
}

/* --- live migration: what moves is the configuration space. The interrupt table does not: its messages are
 * for the host that it came from, and the OS writes new ones --- */
struct Blob {
    ULONG format, entries;
    UCHAR config[GPU_VF_CONFIG]; /* of mutable data only */
};
enum Format : ULONG { immutable_data = 0x31494745, mutable_data };

NTSTATUS DDI_CALL prepare(const HANDLE context, const DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *args) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(args->vfIndex);
    ULONG type = static_cast<ULONG>(args->MigrationType);
    if (!vgpu || vgpu->session != Session::none || type > 1)
        return STATUS_INVALID_PARAMETER;
    vgpu->session = type ? Session::target : Session::source;
    return STATUS_SUCCESS;
}

NTSTATUS save(const Vgpu *vgpu, Format format, UINT64 *size, void *data) {
    if (!vgpu || !size)
        return STATUS_INVALID_PARAMETER;
    if (vgpu->session != Session::source || (format == mutable_data && vgpu->powered && !vgpu->paused))
        return STATUS_INVALID_DEVICE_REQUEST;
    bool room = data ? *size >= sizeof(Blob) : *size == 0;
    *size = sizeof(Blob);
    if (!room)
        return STATUS_BUFFER_TOO_SMALL;
    Blob blob = {format, GPU_MSIX_ENTRIES, {}};
    if (format == mutable_data)
        RtlCopyMemory(blob.config, vgpu->config, sizeof blob.config);
    if (data)
        RtlCopyMemory(data, &blob, sizeof blob);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL save_immutable(const HANDLE context, DXGKARG_GPUP_SAVE_IMMUTABLE_MIGRATION_DATA *args) {
    Held adapter(context);
    return save(adapter.find(args->vfIndex), immutable_data, args->DataSize, args->Data);
}

NTSTATUS DDI_CALL save_mutable(const HANDLE context, DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *args) {
    Held adapter(context);
    return save(adapter.find(args->vfIndex), mutable_data, args->DataSize, args->Data);
}

/* Data of another host: nothing in it is believed before all of it was looked at. */
NTSTATUS restore(const Held &adapter, UINT index, Format format, UINT64 size, const void *data) {
    Vgpu *vgpu = adapter.find(index);
    Blob blob = {};
    if (!vgpu)
        return STATUS_INVALID_PARAMETER;
    if (vgpu->session != (format == immutable_data ? Session::target : Session::applied))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (data && size == sizeof blob)
        RtlCopyMemory(&blob, data, sizeof blob);
    if (blob.format != format || blob.entries != GPU_MSIX_ENTRIES)
        return STATUS_OBJECT_TYPE_MISMATCH;
    vgpu->session = Session::applied;
    if (format == mutable_data)
        RtlCopyMemory(vgpu->config, blob.config, sizeof blob.config);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL restore_immutable(const HANDLE context,
                                    const DXGKARG_GPUP_RESTORE_IMMUTABLE_MIGRATION_DATA *args) {
    Held adapter(context);
    return restore(adapter, args->vfIndex, immutable_data, args->DataSize, args->Data);
}

NTSTATUS DDI_CALL restore_mutable(const HANDLE context,
                                  const DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA *args) {
    Held adapter(context);
    return restore(adapter, args->vfIndex, mutable_data, args->DataSize, args->Data);
}

NTSTATUS DDI_CALL end_migration(const HANDLE context, UINT index) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(index);
    if (vgpu)
        vgpu->session = Session::none;
    return status(vgpu != nullptr);
}

NTSTATUS DDI_CALL set_pause(const HANDLE context, const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *args) {
    Held adapter(context);
    Vgpu *vgpu = adapter.find(args->vfIndex);
    if (vgpu)
        vgpu->paused = args->bPause;
    return status(vgpu != nullptr);
}

/* --- life --- */
NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT physical, PVOID *context) {
    auto *adapter = static_cast<Adapter *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Adapter), tag));
    *context = adapter;
    if (!adapter)
        return STATUS_NO_MEMORY;
    adapter->physical = physical;
    KeInitializeMutex(&adapter->lock, 0);
    return STATUS_SUCCESS;
}

ULONG *map_registers(const DXGK_DEVICE_INFO &info, UINT64 *bar) {
    const CM_PARTIAL_RESOURCE_LIST &list = info.TranslatedResourceList->List[0].PartialResourceList;
    for (ULONG i = 0; i < list.Count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR &one = list.PartialDescriptors[i];
        if (one.Type == CmResourceTypeMemory && one.u.Memory.Length >= GPU_BAR_SIZE) {
            *bar = static_cast<UINT64>(one.u.Memory.Start.QuadPart);
            return static_cast<ULONG *>(
                MmMapIoSpaceEx(one.u.Memory.Start, GPU_BAR_SIZE, PAGE_READWRITE | PAGE_NOCACHE));
        }
    }
    return nullptr;
}

void unmap(Adapter *adapter) {
    if (adapter->registers)
        MmUnmapIoSpace(adapter->registers, GPU_BAR_SIZE);
    adapter->registers = nullptr;
}

NTSTATUS DDI_CALL start_device(const PVOID context, PDXGK_START_INFO start, PDXGKRNL_INTERFACE dxgkrnl,
                               PULONG sources, PULONG children) {
    Held adapter(context);
    DXGK_DEVICE_INFO info = {};
    if (adapter->registers)
        return STATUS_INVALID_DEVICE_STATE;
    adapter->os = {}; /* an older system has a shorter table */
    RtlCopyMemory(&adapter->os, dxgkrnl,
                  dxgkrnl->Size < sizeof adapter->os ? dxgkrnl->Size : sizeof adapter->os);
    adapter->luid = start->AdapterLuid;
    NTSTATUS result = adapter->os.DxgkCbGetDeviceInformation(adapter->os.DeviceHandle, &info);
    if (!NT_SUCCESS(result))
        return result;
    adapter->registers = map_registers(info, &adapter->bar);
    if (!adapter->registers)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (READ_REGISTER_ULONG(adapter->registers + REG_ID / 4) != GPU_MAGIC) {
        unmap(static_cast<Adapter *>(context));
        return STATUS_DEVICE_NOT_READY;
    }
    *sources = 0;
    *children = 0;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL stop_device(const PVOID context) {
    Held adapter(context);
    adapter->partitions = adapter->used = 0;
    for (Vgpu &vgpu : adapter->vgpu)
        close_channel(vgpu);
    RtlZeroMemory(adapter->vgpu, sizeof adapter->vgpu);
    unmap(static_cast<Adapter *>(context));
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL remove_device(const PVOID context) {
    ExFreePoolWithTag(context, tag);
    return STATUS_SUCCESS;
}

VOID DDI_CALL unload() {
}

NTSTATUS DDI_CALL set_power_state(const PVOID, ULONG, DEVICE_POWER_STATE, POWER_ACTION) {
    return STATUS_SUCCESS; /* the part keeps its state */
}

struct gpup_implementation description() {
    struct gpup_implementation all {};
    all.size = sizeof all;
    all.version = GPUP_IMPLEMENTATION_VERSION;
    all.name = "example-gpu";
    all.build = "1.0";
    all.driver_entry = DriverEntry;
    all.device = &model_ops;
    return all;
}

} // namespace

NTSTATUS DDI_CALL DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    DRIVER_INITIALIZATION_DATA table{};
    table.Version = DXGKDDI_INTERFACE_VERSION_WDDM3_2;
    table.DxgkDdiAddDevice = add_device;
    table.DxgkDdiStartDevice = start_device;
    table.DxgkDdiStopDevice = stop_device;
    table.DxgkDdiRemoveDevice = remove_device;
    table.DxgkDdiUnload = unload;
    table.DxgkDdiSetPowerState = set_power_state;
    table.DxgkDdiQueryInterface = query_interface;
    table.DxgkDdiQueryAdapterInfo = query_adapter_info;
    table.DxgkDdiWriteVirtualizedInterrupt = write_interrupt;
    table.DxgkDdiPrepareLiveMigration = prepare;
    table.DxgkDdiSaveImmutableMigrationData = save_immutable;
    table.DxgkDdiSaveMutableMigrationData = save_mutable;
    table.DxgkDdiRestoreImmutableMigrationData = restore_immutable;
    table.DxgkDdiRestoreMutableMigrationData = restore_mutable;
    table.DxgkDdiEndLiveMigration = end_migration;
    table.DxgkDdiSetVirtualFunctionPauseState = set_pause;
    return DxgkInitialize(driver, registry_path, &table);
}

const struct gpup_implementation *gpup_implementation(void) {
    static const struct gpup_implementation all = description();
    return &all;
}
