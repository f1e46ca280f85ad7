/* A simulated GPU that is cut into four. It has no live migration and does not say that it has, so the suite
 * does not ask for it. */
#include <gpup/implementation.h>
#include <string.h>
enum { VFS = 4, MIB = 1 << 20, RESERVE = 16 * MIB, VRAM = 128 * MIB };
/* All state. The suite sets it back before each program and keeps one copy for each of its two hosts. */
static uint32_t the_host, partitions, used; /* used: vGPUs there are */
static struct vf {
    bool exists, placed; /* placed: its reserve of VRAM is at base */
    uint64_t base;
} vfs[VFS];
static struct vf *find(uint32_t index) {
    return index < VFS && vfs[index].exists ? &vfs[index] : NULL;
}
static NTSTATUS status(bool good) {
    return good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
/* --- DXGKDDI_GPU_PARTITION_INTERFACE: the context is what open_adapter gave --- */
static NTSTATUS DDI_CALL get_partition_info(HANDLE context, DXGKARG_GETGPUPARTITIONINFO *a) {
    bool room = context && a->NumGpuPartitionOptions >= 1;
    a->NumGpuPartitionOptions = 1;
    a->CurrentGpuPartitionCount = (USHORT)partitions;
    if (room)
        a->pGpuPartitionOptions[0] = VFS;
    return room ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}
static NTSTATUS DDI_CALL set_partition_count(HANDLE context, DXGKARG_SETGPUPARTITIONCOUNT *a) {
    bool good = context && a->PartitionCount == VFS && used == 0;
    partitions = good ? VFS : partitions;
    return status(good);
}
static NTSTATUS DDI_CALL get_profile(HANDLE context, DXGKARG_GETVIRTUALGPUPROFILE *a) {
    DXGK_VGPU_PROFILE_CAPABILITY memory = {VRAM, VRAM - (UINT64)used * RESERVE, RESERVE, RESERVE, RESERVE};
    ULONG flags = DXGK_VIRTUALIZED_ACS_CAPABLE | DXGK_VIRTUALIZED_UNIQUE_RID;
    *a = (DXGKARG_GETVIRTUALGPUPROFILE){a->PartitionCount, flags, {memory}};
    return status(context);
}
static NTSTATUS DDI_CALL create(HANDLE context, DXGKARG_CREATEVIRTUALGPU *a) {
    const DXGK_VIRTUALGPUCAPABILITY *memory = &a->Profile.Capability[DXGK_VGPU_CAPABILITY_MEMORY];
    bool fits = memory->MinValue <= RESERVE && memory->MaxValue >= RESERVE;
    if (!context || a->PartitionId >= partitions || find(a->PartitionId) || !fits)
        return STATUS_INVALID_PARAMETER;
    vfs[a->PartitionId].exists = true;
    used++;
    a->VirtualGpuLuid = (LUID){.LowPart = the_host * VFS + a->PartitionId + 1};
    memset(&a->UserModeVirtualDeviceProvider, 0, sizeof(CLSID)); /* nothing of it is emulated */
    a->NumMemorySegments = 1;
    a->SegmentInfo[0] = (DXGK_VIRTUALGPUSEGMENTINFO){.DriverSegmentId = 1, .Size = RESERVE, .Alignment = MIB};
    a->NumEngines = 0;
    memset(a->EngineInfo, 0, sizeof a->EngineInfo);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL get_info(HANDLE context, DXGKARG_GETVIRTUALGPUINFO *a) {
    if (context && find(a->PartitionId))
        *a = (DXGKARG_GETVIRTUALGPUINFO){a->PartitionId, {{RESERVE, RESERVE, RESERVE}}};
    return status(context && find(a->PartitionId));
}
static NTSTATUS DDI_CALL set_resources(HANDLE context, DXGKARG_SETVIRTUALGPURESOURCES *a) {
    UINT64 at = a->MemoryInfo[0].AllocationAddress.MemorySegmentOffset;
    struct vf *vf = context ? find(a->PartitionId) : NULL;
    bool good = vf && a->NumMemoryAllocations == 1 && a->MemoryInfo[0].AllocationSize == RESERVE &&
                a->MemoryInfo[0].AllocationAddress.MemorySegmentId == 1 && at <= VRAM - RESERVE &&
                at % MIB == 0;
    for (struct vf *v = vfs; v < vfs + VFS; v++) /* apart from the others */
        good = good && (v == vf || !v->placed || at >= v->base + RESERVE || at + RESERVE <= v->base);
    if (good)
        vf->placed = true, vf->base = at;
    return status(good);
}
static NTSTATUS DDI_CALL destroy(HANDLE context, DXGKARG_DESTROYVIRTUALGPU *a) {
    bool good = context && find(a->PartitionId);
    if (good)
        vfs[a->PartitionId] = (struct vf){.exists = false};
    used -= good;
    return status(good);
}
static NTSTATUS DDI_CALL refuse(HANDLE context, void *a) { /* escapes and VMBus */
    return context && a ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER;
}
static VOID DDI_CALL referenced(PVOID context) {
    (void)context;
}
/* clang-format off */
static const DXGKDDI_GPU_PARTITION_INTERFACE interface = {
    sizeof interface, 1, vfs, referenced, referenced, get_partition_info, set_partition_count, (void *)refuse,
    get_profile, create, get_info, set_resources, destroy,
    (void *)refuse, (void *)refuse, (void *)refuse, (void *)refuse};
/* clang-format on */
/* --- DRIVER_INITIALIZATION_DATA: what there is of it --- */
static NTSTATUS DDI_CALL query_adapter_info(HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *a) {
    if (!adapter || a->Type != DXGKQAITYPE_GPUPCAPS || a->OutputDataSize < sizeof(DXGK_GPUPCAPS))
        return STATUS_NOT_SUPPORTED;
    memset(a->pOutputData, 0, sizeof(DXGK_GPUPCAPS));
    return STATUS_SUCCESS;
}
static const DRIVER_INITIALIZATION_DATA ddis = {.Version = DXGKDDI_INTERFACE_VERSION_WDDM3_2,
                                                .DxgkDdiQueryAdapterInfo = query_adapter_info};
/* --- what there is besides DDIs: how many VFs, how much VRAM --- */
static void describe(void *device, struct gpup_device_shape *shape) {
    (void)device;
    *shape = (struct gpup_device_shape){.vfs = VFS, .segments = 1, .segment = {{1, true, VRAM, 0}}};
}
static const struct gpup_device_ops device_ops = {
    .size = sizeof device_ops, .version = GPUP_DEVICE_VERSION, .describe = describe};
/* --- how the suite finds all this --- */
static bool open_adapter(struct gpup_open *open) {
    the_host = open->host;
    open->adapter = open->device = vfs;
    open->ddis = &ddis;
    open->partition = &interface;
    return true;
}
/* clang-format off */
const struct gpup_implementation *gpup_implementation(void) {
    static const struct gpup_implementation simulator = {
        .size = sizeof simulator, .version = GPUP_IMPLEMENTATION_VERSION, .name = "simulator",
        .open = open_adapter, .device = &device_ops};
    return &simulator;
}
