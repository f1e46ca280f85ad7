/* The driver of the example GPU: a WDDM miniport in C++ that cuts it into four and sets up MSI-X for its VFs.
 */
#include "model.h"
#include "registers.h"

#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <gpup/implementation.h>

extern "C" DRIVER_INITIALIZE DriverEntry;

namespace {

constexpr UINT64 mib = 1 << 20, vram = GPU_VRAM_MIB * mib, reserve = 16 * mib;
constexpr ULONG tag = 0x65475055;

enum class Session { none, source, target, applied };

struct Vgpu {
    bool exists, placed;
    UINT64 base;
    VMBCHANNEL channel;
    Session session;
    bool paused;
    DXGK_INTERRUPT_TABLE_ENTRY table[GPU_MSIX_ENTRIES]; /* as it stands in the part */
};

struct Adapter {
    KMUTEX lock; /* of all below: DDIs may come from several threads */
    DXGKRNL_INTERFACE os;
    ULONG *registers; /* BAR 0, nullptr while it is stopped */
    PDEVICE_OBJECT physical;
    LUID luid;
    ULONG partitions, used;
    Vgpu vgpu[GPU_VFS];
};

/* Holds the adapter for one DDI. */
class Held {
  public:
    explicit Held(HANDLE context) : adapter(static_cast<Adapter *>(context)) {
        KeWaitForSingleObject(&adapter->lock, Executive, KernelMode, FALSE, nullptr);
    }
    ~Held() {
        KeReleaseMutex(&adapter->lock, FALSE);
    }
    Held(const Held &) = delete;
    Held &operator=(const Held &) = delete;
    Adapter *operator->() const {
        return adapter;
    }
    Vgpu *find(ULONG index) const {
        return index < GPU_VFS && adapter->registers && adapter->vgpu[index].exists ? &adapter->vgpu[index]
                                                                                    : nullptr;
    }
    void put(ULONG offset, ULONG value) const {
        WRITE_REGISTER_ULONG(adapter->registers + offset / 4, value);
    }
    void program(ULONG vf, ULONG index, const DXGK_INTERRUPT_TABLE_ENTRY &entry) const {
        put(REG_SELECT, vf);
        put(REG_ENTRY, index);
        put(REG_LOW, static_cast<ULONG>(entry.MessageAddress));
        put(REG_HIGH, static_cast<ULONG>(entry.MessageAddress >> 32));
        put(REG_DATA, entry.MessageData);
        put(REG_CONTROL, entry.VectorControl);
        adapter->vgpu[vf].table[index] = entry;
    }

  private:
    Adapter *adapter;
};

NTSTATUS status(bool good) {
    return good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

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
    LUID luid = {adapter->luid.LowPart + args->VirtualGpuIndex + 1, adapter->luid.HighPart};
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
    for (DXGK_INTERRUPT_TABLE_ENTRY &entry : vgpu.table)
        entry.VectorControl = 1; /* masked, as REG_STATE leaves it */
    adapter->used++;
    adapter.put(REG_SELECT, index);
    adapter.put(REG_STATE, 1);
    args->VirtualGpuLuid = {adapter->luid.LowPart + index + 1, adapter->luid.HighPart};
    args->UserModeVirtualDeviceProvider = {};
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

VOID DDI_CALL referenced(PVOID) { /* the adapter lives until RemoveDevice */
}

NTSTATUS DDI_CALL query_interface(const PVOID context, PQUERY_INTERFACE query) {
    if (!RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_GPU_PARTITION_INTERFACE, sizeof(GUID)) ||
        query->Version != 1)
        return STATUS_NOT_SUPPORTED;
    if (query->Size < sizeof(DXGKDDI_GPU_PARTITION_INTERFACE))
        return STATUS_BUFFER_TOO_SMALL;
    DXGKDDI_GPU_PARTITION_INTERFACE table = {sizeof table,
                                             1,
                                             context,
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
    RtlCopyMemory(query->Interface, &table, sizeof table);
    return STATUS_SUCCESS;
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

/* --- live migration: what moves is the interrupt table; this GPU has no other state of a guest --- */
struct Blob {
    ULONG format, entries;
    DXGK_INTERRUPT_TABLE_ENTRY table[GPU_MSIX_ENTRIES]; /* of mutable data only */
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
    if (vgpu->session != Session::source || (format == mutable_data && !vgpu->paused))
        return STATUS_INVALID_DEVICE_REQUEST;
    bool room = data ? *size >= sizeof(Blob) : *size == 0;
    *size = sizeof(Blob);
    if (!room)
        return STATUS_BUFFER_TOO_SMALL;
    Blob blob = {format, GPU_MSIX_ENTRIES, {}};
    if (format == mutable_data)
        RtlCopyMemory(blob.table, vgpu->table, sizeof blob.table);
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
    bool good = blob.format == format && blob.entries == GPU_MSIX_ENTRIES;
    for (const DXGK_INTERRUPT_TABLE_ENTRY &entry : blob.table)
        good = good && !(entry.MessageAddress & 3);
    if (!good)
        return STATUS_OBJECT_TYPE_MISMATCH;
    vgpu->session = Session::applied;
    for (ULONG i = 0; format == mutable_data && i < GPU_MSIX_ENTRIES; i++)
        adapter.program(index, i, blob.table[i]);
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

ULONG *map_registers(const DXGK_DEVICE_INFO &info) {
    const CM_PARTIAL_RESOURCE_LIST &list = info.TranslatedResourceList->List[0].PartialResourceList;
    for (ULONG i = 0; i < list.Count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR &one = list.PartialDescriptors[i];
        if (one.Type == CmResourceTypeMemory && one.u.Memory.Length >= GPU_BAR_SIZE)
            return static_cast<ULONG *>(
                MmMapIoSpaceEx(one.u.Memory.Start, GPU_BAR_SIZE, PAGE_READWRITE | PAGE_NOCACHE));
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
    adapter->registers = map_registers(info);
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
