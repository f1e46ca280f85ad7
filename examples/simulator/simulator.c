/*
 * A simulated GPU with four virtual functions: a small honest implementation in the form of tables. It needs
 * no kernel service and has a device of its own, which the suite looks into through a few observers. Nothing
 * happens by itself in it: a guest does what the suite makes it do, at once.
 *
 * All state is in memory from gpup_open.memory, one `struct gpu` per host; nothing is in globals. The adapter
 * handle, the Context of the interfaces and the `device` of the observers are that structure.
 */
#include <gpup/implementation.h>
#include <string.h>

enum { VFS = 4, PAGE = 4096, RESERVE = 256 << 10, VRAM = 2 << 20, PAGES = VRAM / PAGE, BASES = 16 };
/* One BAR, number 0: the MSI-X table in its first page, the pending bits (there are none) in the second. */
enum { BAR_SIZE = 2 * PAGE, ENTRIES = 64, COMMAND = 0x04, CAPABILITIES = 0x34, MSIX = 0x40, CONFIG = 256 };

struct vf {
    bool exists, mapped, powered, paused;
    enum { NONE, SOURCE, TARGET, TARGET_APPLIED } session;
    uint64_t base;          /* of the reserve, in VRAM */
    uint8_t config[CONFIG]; /* configuration space: what moves in a migration apart from VRAM */
    DXGK_INTERRUPT_TABLE_ENTRY table[ENTRIES];
};
struct basis {
    bool tracking, dirty[PAGES]; /* written since the start or the last clear */
    uint64_t pages, count;       /* count 0: free */
    DXGK_MEMORYRANGE range[PAGES];
};
struct gpu {
    struct gpup_device_log log;
    uint32_t host, partitions;
    struct vf vf[VFS];
    struct basis basis[BASES];
    uint8_t vram[VRAM]; /* one segment with the id 1 */
    DXGKDDI_GPU_PARTITION_INTERFACE partition;
    DXGKDDI_SRIOV_INTERFACE sriov;
    DXGKDDI_MITIGABLE_DEVICE_INTERFACE mitigable;
};
static struct vf *find(struct gpu *g, uint32_t index) {
    return index < VFS && g->vf[index].exists ? &g->vf[index] : NULL;
}
static bool runs(const struct vf *v) {
    return v && v->powered && !v->paused;
}
static bool inside(uint64_t offset, uint64_t size, uint64_t limit) {
    return offset <= limit && size <= limit - offset;
}
static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
    return a >= b + b_size || b >= a + a_size;
}
static NTSTATUS succeeds(bool good) {
    return good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
/* A DDI about one vGPU. The last argument is its result, made from the adapter g, the vGPU v, the arguments
 * a. */
#define VF_DDI(name, arguments, index, result)                                                               \
    static NTSTATUS DDI_CALL name(HANDLE g, arguments a) {                                                   \
        struct vf *v = find(g, a->index);                                                                    \
        return v ? (result) : STATUS_INVALID_PARAMETER;                                                      \
    }
/* --- the device and its observers ---------------------------------------------------------------------- */
static void attach(void *device, const struct gpup_device_log *log) {
    ((struct gpu *)device)->log = *log;
}
static void describe(void *device, struct gpup_device_shape *shape) {
    (void)device;
    *shape = (struct gpup_device_shape){VFS, 1, {{1, true, VRAM, PAGE}}, .msix_entries = ENTRIES};
    shape->pba_offset = PAGE;
}
static bool read_vram(void *device, uint32_t segment, uint64_t offset, void *out, uint64_t size) {
    bool good = segment == 1 && inside(offset, size, VRAM);
    memcpy(out, ((struct gpu *)device)->vram + (good ? offset : 0), good ? size : 0);
    return good;
}
static bool write_vram(void *device, uint32_t segment, uint64_t offset, const void *in, uint64_t size) {
    struct gpu *g = device;
    if (segment != 1 || size == 0 || !inside(offset, size, VRAM))
        return false;
    memcpy(g->vram + offset, in, size);
    for (unsigned i = 0; i < BASES; i++)
        memset(g->basis[i].dirty + offset / PAGE, true, (offset + size - 1) / PAGE - offset / PAGE + 1);
    return true;
}
static bool guest_write(void *device, uint32_t vf, uint64_t offset, const void *in, uint64_t size) {
    struct gpu *g = device;
    struct vf *v = find(g, vf);
    if (!runs(v) || !inside(offset, size, RESERVE) || !write_vram(g, 1, v->base + offset, in, size))
        return false;
    g->log.guest_write(g->log.context, vf, offset, size, 0);
    return true;
}
static bool read_msix(void *device, uint32_t vf, uint8_t *entries) {
    const struct vf *v = &((struct gpu *)device)->vf[vf];
    memcpy(entries, v->table, sizeof v->table);
    return v->exists;
}
/* A vGPU has a fifth of all time, and of paging as long as it does not migrate; the PF pages with the rest.
 */
static bool read_schedule(void *device, uint32_t vf, struct gpup_schedule *schedule) {
    struct gpu *g = device;
    uint32_t share = vf >= VFS || g->vf[vf].exists ? 200000 : 0, paging = 1000000;
    for (unsigned i = 0; i < VFS; i++)
        paging -= g->vf[i].exists && g->vf[i].session == NONE ? 200000 : 0;
    paging = vf >= VFS ? paging : g->vf[vf].session == NONE ? share : 0;
    *schedule = (struct gpup_schedule){vf >= VFS || runs(find(g, vf)), false, share, paging};
    return true;
}
static NTSTATUS reset(struct vf *v) {
    static const uint8_t capability[] = {0x11, 0, ENTRIES - 1, 0, 0, 0, 0, 0, 0, PAGE >> 8, 0, 0};
    memset(v->config, 0, CONFIG);
    memset(v->config, 0xFF, 4); /* the ids stand in the PF */
    v->config[6] = 0x10;        /* there is a list of capabilities */
    v->config[CAPABILITIES] = MSIX;
    memcpy(v->config + MSIX, capability, sizeof capability);
    for (uint32_t i = 0; i < ENTRIES; i++)
        v->table[i] = (DXGK_INTERRUPT_TABLE_ENTRY){.VectorControl = 1};
    return STATUS_SUCCESS;
}
/* --- the adapter and its partitions -------------------------------------------------------------------- */
static NTSTATUS DDI_CALL QueryAdapterInfo(HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *a) {
    UINT segment = a->InputDataSize >= sizeof(UINT) && a->pInputData ? *(UINT *)a->pInputData : 0, answer = 0;
    if (a->Type == DXGKQAITYPE_GPUPCAPS)
        answer = (DXGK_GPUPCAPS){.Caps.LiveMigration = 1}.Caps.Value;
    else if (a->Type == DXGKQAITYPE_DIRTYBITTRACKINGCAPS)
        answer = (DXGK_DIRTY_BIT_TRACKING_CAPS){.DirtyBitTrackingSupported = 1}.Value;
    else if (a->Type == DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS && segment == 1)
        answer = PAGE;
    if (!adapter || !answer || a->OutputDataSize < sizeof answer)
        return STATUS_NOT_SUPPORTED;
    memcpy(a->pOutputData, &answer, sizeof answer);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL GetGpuPartitionInfo(HANDLE context, DXGKARG_GETGPUPARTITIONINFO *a) {
    bool room = a->NumGpuPartitionOptions >= 1;
    a->NumGpuPartitionOptions = 1;
    a->CurrentGpuPartitionCount = (USHORT)((struct gpu *)context)->partitions;
    if (room)
        a->pGpuPartitionOptions[0] = VFS;
    return room ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}
static uint64_t free_vram(const struct gpu *g) {
    return VRAM - (g->vf[0].exists + g->vf[1].exists + g->vf[2].exists + g->vf[3].exists) * RESERVE;
}
static NTSTATUS DDI_CALL SetGpuPartitionCount(HANDLE context, DXGKARG_SETGPUPARTITIONCOUNT *a) {
    struct gpu *g = context;
    bool good = a->PartitionCount == VFS && free_vram(g) == VRAM;
    g->partitions = good ? VFS : g->partitions;
    return succeeds(good);
}
static NTSTATUS DDI_CALL GetVirtualGpuProfile(HANDLE context, DXGKARG_GETVIRTUALGPUPROFILE *a) {
    ULONG flags = DXGK_VIRTUALIZED_ACS_CAPABLE | DXGK_VIRTUALIZED_UNIQUE_RID;
    DXGK_VGPU_PROFILE_CAPABILITY memory = {VRAM, free_vram(context), RESERVE, RESERVE, RESERVE};
    *a = (DXGKARG_GETVIRTUALGPUPROFILE){a->PartitionCount, flags, {memory}};
    return STATUS_SUCCESS;
}
static LUID luid_of(const struct gpu *g, uint32_t vf) {
    return (LUID){.LowPart = (g->host + 1) * 256 + vf, .HighPart = 0x51};
}
static NTSTATUS DDI_CALL CreateVirtualGpu(HANDLE context, DXGKARG_CREATEVIRTUALGPU *a) {
    struct gpu *g = context;
    const DXGK_VIRTUALGPUCAPABILITY *memory = &a->Profile.Capability[DXGK_VGPU_CAPABILITY_MEMORY];
    if (a->PartitionId >= g->partitions || find(g, a->PartitionId) || memory->MinValue > RESERVE ||
        memory->MaxValue < RESERVE)
        return STATUS_INVALID_PARAMETER;
    g->vf[a->PartitionId].exists = true;
    memset(&a->UserModeVirtualDeviceProvider, 0x51, sizeof(CLSID)); /* who emulates that page */
    a->VirtualGpuLuid = luid_of(g, a->PartitionId);
    a->NumMemorySegments = 1;
    a->SegmentInfo[0] =
        (DXGK_VIRTUALGPUSEGMENTINFO){.DriverSegmentId = 1, .Size = RESERVE, .Alignment = PAGE};
    a->NumEngines = 0;
    memset(a->EngineInfo, 0, sizeof a->EngineInfo);
    return reset(&g->vf[a->PartitionId]);
}
static NTSTATUS set_reserve(const struct gpu *g, struct vf *v, const DXGK_VIRTUALGPUMEMORYRESOURCE *a) {
    const DXGK_GPU_PHYSICAL_ADDRESS *at = &a->AllocationAddress;
    bool good = at->MemorySegmentId == 1 && a->AllocationSize == RESERVE &&
                inside(at->MemorySegmentOffset, RESERVE, VRAM) && at->MemorySegmentOffset % PAGE == 0;
    for (unsigned i = 0; good && i < VFS; i++)
        good = &g->vf[i] == v || !g->vf[i].mapped ||
               apart(at->MemorySegmentOffset, RESERVE, g->vf[i].base, RESERVE);
    v->mapped = v->mapped || good;
    v->base = good ? at->MemorySegmentOffset : v->base;
    return succeeds(good);
}
VF_DDI(GetVirtualGpuInfo, DXGKARG_GETVIRTUALGPUINFO *, PartitionId,
       (*a = (DXGKARG_GETVIRTUALGPUINFO){a->PartitionId, {{RESERVE, RESERVE, RESERVE}}}, STATUS_SUCCESS))
VF_DDI(SetVirtualGpuResources, DXGKARG_SETVIRTUALGPURESOURCES *, PartitionId,
       a->NumMemoryAllocations == 1 ? set_reserve(g, v, &a->MemoryInfo[0]) : succeeds(false))
VF_DDI(DestroyVirtualGpu, DXGKARG_DESTROYVIRTUALGPU *, PartitionId, (*v = (struct vf){0}, STATUS_SUCCESS))
static NTSTATUS DDI_CALL refuse(HANDLE context, void *a) { /* never called, or not supported here */
    return context && a ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER;
}
/* --- virtual functions --------------------------------------------------------------------------------- */
static NTSTATUS config(struct vf *v, const DXGKARG_READVIRTUALFUNCTIONCONFIG *a, bool write) {
    uint8_t *data = a->Data;
    if (!inside(a->Offset, a->Length, CONFIG))
        return STATUS_INVALID_PARAMETER;
    for (ULONG at = a->Offset; at < a->Offset + a->Length; at++, data++) {
        unsigned writable = at == COMMAND ? 0x04 : at == MSIX + 3 ? 0xC0 : 0, old = v->config[at];
        *(write ? &v->config[at] : data) = (uint8_t)(write ? (old & ~writable) | (*data & writable) : old);
    }
    return STATUS_SUCCESS;
}
VF_DDI(ReadConfig, DXGKARG_READVIRTUALFUNCTIONCONFIG *, VirtualFunctionIndex, config(v, a, false))
VF_DDI(WriteConfig, DXGKARG_WRITEVIRTUALFUNCTIONCONFIG *, VirtualFunctionIndex, config(v, (void *)a, true))
static VOID DDI_CALL QueryProbedBars(HANDLE context, DXGKARG_QUERYPROBEDBARS *a) {
    for (unsigned i = 0; i < DXGK_MAX_NUM_PCI_BARS && find(context, a->VirtualFunctionIndex); i++)
        a->BaseRegisterValues[i] = i == 0 ? ~(BAR_SIZE - 1u) : 0;
}
static VOID DDI_CALL GetVendorAndDevice(HANDLE context, DXGKARG_GETVENDORANDDEVICE *a) {
    if (find(context, a->VirtualFunctionIndex))
        *a = (DXGKARG_GETVENDORANDDEVICE){a->VirtualFunctionIndex, 0x1AF4, 0x51F0};
}
static VOID DDI_CALL GetDeviceLocation(HANDLE context, DXGKARG_GETDEVICELOCATION *a) {
    if (find(context, a->VirtualFunctionIndex))
        *a = (DXGKARG_GETDEVICELOCATION){a->VirtualFunctionIndex, 0, 1, a->VirtualFunctionIndex + 1};
}
static VOID DDI_CALL QueryLuid(HANDLE context, DXGKARG_QUERYVIRTUALFUNCTIONLUID *a) {
    if (find(context, a->VirtualFunctionIndex))
        *a->pLuid = luid_of(context, a->VirtualFunctionIndex);
}
static NTSTATUS set_power(struct vf *v, DEVICE_POWER_STATE state) {
    bool good = state == PowerDeviceD0 || state == PowerDeviceD3;
    v->powered = good ? state == PowerDeviceD0 : v->powered;
    return succeeds(good);
}
static NTSTATUS bar(const DXGKARG_GETRESOURCEFORBAR *a) {
    LONGLONG start = 0xE0000000ll + (LONGLONG)a->VirtualFunctionIndex * BAR_SIZE;
    if (a->BarIndex == 0)
        *a->pResource = (CM_PARTIAL_RESOURCE_DESCRIPTOR){
            .Type = CmResourceTypeMemory, .u.Memory.Start.QuadPart = start, .u.Memory.Length = BAR_SIZE};
    return succeeds(a->BarIndex == 0);
}
VF_DDI(ResetVf, DXGKARG_RESETVIRTUALFUNCTION *, VirtualFunctionIndex, reset(v))
VF_DDI(SetPower, DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE *, VirtualFunctionIndex, set_power(v, a->PowerState))
VF_DDI(GetBar, DXGKARG_GETRESOURCEFORBAR *, VirtualFunctionIndex, bar(a))
VF_DDI(SetPause, const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *, vfIndex,
       (v->paused = a->bPause, STATUS_SUCCESS))
/* The page of the MSI-X table is intercepted, so that only WriteVirtualizedInterrupt gets there. */
static VOID DDI_CALL CountMitigated(HANDLE context, DXGKARG_QUERYMITIGATEDRANGECOUNT *a) {
    for (unsigned i = 0; i < DXGK_MAX_NUM_PCI_BARS && context; i++)
        a->RangeCount[i] = i == 0;
}
static NTSTATUS mitigated(const DXGKARG_QUERYMITIGATEDRANGES *a) {
    if (a->BarIndex == 0 && a->NumRanges >= 1)
        *a->pMitigatedRange = (DXGK_MITIGATEDRANGEINFO){0, 1, TRUE, TRUE};
    return succeeds(a->BarIndex == 0 && a->NumRanges >= 1);
}
static NTSTATUS write_entry(struct vf *v, uint16_t index, const DXGK_INTERRUPT_TABLE_ENTRY *entry) {
    bool good = index < ENTRIES && !(entry->MessageAddress & 3); /* a negative index is beyond every table */
    if (good)
        v->table[index] = *entry;
    return succeeds(good);
}
VF_DDI(GetMitigated, DXGKARG_QUERYMITIGATEDRANGES *, VirtualFunctionIndex, mitigated(a))
VF_DDI(WriteInterrupt, const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *, vfIndex,
       write_entry(v, (uint16_t)a->InterruptTableIndex, &a->WriteValue))
/* --- dirty tracking; the handle of a basis is its number, from 1 --------------------------------------- */
static struct basis *basis_of(struct gpu *g, HANDLE handle) {
    uintptr_t number = (uintptr_t)handle;
    return number >= 1 && number <= BASES && g->basis[number - 1].count ? &g->basis[number - 1] : NULL;
}
static bool alone(const DXGK_MEMORYRANGE *range, UINT64 last) {
    bool good = true;
    for (UINT64 i = 0; good && i < last; i++)
        good = apart(range[i].SegmentOffset, range[i].SizeInBytes, range[last].SegmentOffset,
                     range[last].SizeInBytes);
    return good;
}
static HANDLE DDI_CALL CreateMemoryBasis(HANDLE adapter, const DXGKARG_CREATEMEMORYBASIS *a) {
    struct basis *all = ((struct gpu *)adapter)->basis, *b = all;
    bool good = a->SegmentId == 1 && a->RangeCount >= 1 && a->RangeCount <= PAGES;
    while (b < all + BASES && b->count)
        b++;
    for (UINT64 i = 0; good && i < a->RangeCount; i++)
        good = a->Ranges[i].SizeInBytes &&
               inside(a->Ranges[i].SegmentOffset, a->Ranges[i].SizeInBytes, VRAM) &&
               (a->Ranges[i].SegmentOffset | a->Ranges[i].SizeInBytes) % PAGE == 0 && alone(a->Ranges, i);
    if (!good || b == all + BASES)
        return NULL;
    *b = (struct basis){.count = a->RangeCount};
    for (UINT64 i = 0; i < a->RangeCount; b->pages += a->Ranges[i++].SizeInBytes / PAGE)
        b->range[i] = a->Ranges[i];
    return (HANDLE)(uintptr_t)(b - all + 1);
}
static NTSTATUS track(struct basis *b, bool tracking) {
    if (!b)
        return STATUS_INVALID_HANDLE;
    memset(b->dirty, 0, sizeof b->dirty);
    b->tracking = tracking;
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL StartDirtyTracking(HANDLE adapter, HANDLE basis) {
    return track(basis_of(adapter, basis), true);
}
static NTSTATUS DDI_CALL StopDirtyTracking(HANDLE adapter, HANDLE basis) {
    return track(basis_of(adapter, basis), false);
}
static NTSTATUS DDI_CALL DestroyMemoryBasis(HANDLE adapter, HANDLE basis) {
    NTSTATUS status = track(basis_of(adapter, basis), false);
    if (NT_SUCCESS(status))
        basis_of(adapter, basis)->count = 0;
    return status;
}
static NTSTATUS DDI_CALL QueryDirtyBitData(HANDLE adapter, DXGKARG_QUERYDIRTYBITDATA *a) {
    struct basis *b = basis_of(adapter, a->MemoryBasis);
    UINT64 part = a->SubrangeSize, first = part ? a->SubrangeIndex : 0, bit = 0;
    UINT64 offset = part ? a->SubrangeOffset : 0;
    if (!b || !b->tracking || first >= b->count || !inside(offset, part, b->range[first].SizeInBytes) ||
        (offset | part) % PAGE || a->BufferSize < ((part ? part / PAGE : b->pages) + 7) / 8)
        return STATUS_INVALID_PARAMETER;
    memset(a->Buffer, 0, a->BufferSize);
    for (UINT64 i = first; i < (part ? first + 1 : b->count); i++) {
        bool *dirty = b->dirty + (b->range[i].SegmentOffset + offset) / PAGE;
        for (UINT64 n = (part ? part : b->range[i].SizeInBytes) / PAGE; n; n--, dirty++, bit++) {
            ((uint8_t *)a->Buffer)[bit / 8] |= (uint8_t)(*dirty << bit % 8);
            *dirty = *dirty && !(a->Flags & DXGKARG_QUERYDIRTYBITDATAFLAGS_CLEARDATA);
        }
    }
    return STATUS_SUCCESS;
}
/* --- live migration: immutable data says what the source is, mutable data holds its state too ----------- */
enum format { IMMUTABLE = 0x314D4953, MUTABLE };
struct blob {
    uint32_t format, entries;
    uint8_t config[CONFIG];
};
static NTSTATUS save(const struct vf *v, enum format format, UINT64 *size, BYTE *data) {
    struct blob blob = {.format = format, .entries = ENTRIES};
    bool room = size && (data ? *size >= sizeof blob : *size == 0);
    if (!size)
        return STATUS_INVALID_PARAMETER;
    if (v->session != SOURCE || (format == MUTABLE && runs(v)))
        return STATUS_INVALID_DEVICE_REQUEST;
    *size = sizeof blob;
    memcpy(blob.config, v->config, format == MUTABLE ? CONFIG : 0);
    if (data && room)
        memcpy(data, &blob, sizeof blob);
    return room ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}
static NTSTATUS restore(struct vf *v, enum format format, UINT64 size, const BYTE *data) {
    struct blob blob = {.format = 0};
    if (v->session != (format == IMMUTABLE ? TARGET : TARGET_APPLIED) || runs(v))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (data && size == sizeof blob)
        memcpy(&blob, data, sizeof blob);
    if (blob.format != format || blob.entries != ENTRIES)
        return STATUS_OBJECT_TYPE_MISMATCH;
    v->session = TARGET_APPLIED;
    memcpy(v->config, blob.config, format == MUTABLE ? CONFIG : 0);
    return STATUS_SUCCESS;
}
VF_DDI(Prepare, const DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *, vfIndex,
       v->session == NONE && (unsigned)a->MigrationType <= 1
           ? (v->session = a->MigrationType ? TARGET : SOURCE, STATUS_SUCCESS)
           : STATUS_INVALID_PARAMETER)
VF_DDI(SaveI, DXGKARG_GPUP_SAVE_IMMUTABLE_MIGRATION_DATA *, vfIndex, save(v, IMMUTABLE, a->DataSize, a->Data))
VF_DDI(SaveM, DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *, vfIndex, save(v, MUTABLE, a->DataSize, a->Data))
VF_DDI(RestoreI, const DXGKARG_GPUP_RESTORE_IMMUTABLE_MIGRATION_DATA *, vfIndex,
       restore(v, IMMUTABLE, a->DataSize, a->Data))
VF_DDI(RestoreM, const DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA *, vfIndex,
       restore(v, MUTABLE, a->DataSize, a->Data))
static NTSTATUS DDI_CALL EndLiveMigration(HANDLE adapter, UINT vfIndex) {
    struct vf *v = find(adapter, vfIndex);
    if (v)
        v->session = NONE;
    return succeeds(v != NULL);
}
/* --- the tables ---------------------------------------------------------------------------------------- */
#define DDI(name, function) .DxgkDdi##name = (function)
#define TABLE(...)                                                                                           \
    { __VA_ARGS__ }
static const DRIVER_INITIALIZATION_DATA ddis =
    TABLE(.Version = DXGKDDI_INTERFACE_VERSION_WDDM3_2, DDI(QueryAdapterInfo, QueryAdapterInfo),
          DDI(CreateMemoryBasis, CreateMemoryBasis), DDI(DestroyMemoryBasis, DestroyMemoryBasis),
          DDI(StartDirtyTracking, StartDirtyTracking), DDI(StopDirtyTracking, StopDirtyTracking),
          DDI(QueryDirtyBitData, QueryDirtyBitData), DDI(PrepareLiveMigration, Prepare),
          DDI(SaveImmutableMigrationData, SaveI), DDI(SaveMutableMigrationData, SaveM),
          DDI(EndLiveMigration, EndLiveMigration), DDI(RestoreImmutableMigrationData, RestoreI),
          DDI(RestoreMutableMigrationData, RestoreM), DDI(WriteVirtualizedInterrupt, WriteInterrupt),
          DDI(SetVirtualFunctionPauseState, SetPause));
static VOID DDI_CALL reference(PVOID context) {
    (void)context; /* the structure lives as long as the world */
}
#define INTERFACE(type, ...) ((type)TABLE(sizeof(type), 1, g, reference, reference, __VA_ARGS__))
static bool open_adapter(struct gpup_open *open) {
    struct gpu *g = open->memory.alloc(open->memory.context, sizeof *g);
    if (!g)
        return false;
    g->host = open->host;
    g->partition =
        INTERFACE(DXGKDDI_GPU_PARTITION_INTERFACE, GetGpuPartitionInfo, SetGpuPartitionCount, (void *)refuse,
                  GetVirtualGpuProfile, CreateVirtualGpu, GetVirtualGpuInfo, SetVirtualGpuResources,
                  DestroyVirtualGpu, (void *)refuse, (void *)refuse, (void *)refuse, (void *)refuse);
    g->sriov = INTERFACE(DXGKDDI_SRIOV_INTERFACE, ReadConfig, WriteConfig, (void *)refuse, (void *)refuse,
                         QueryProbedBars, GetVendorAndDevice, GetDeviceLocation, ResetVf, SetPower, GetBar,
                         QueryLuid);
    g->mitigable = INTERFACE(DXGKDDI_MITIGABLE_DEVICE_INTERFACE, CountMitigated, GetMitigated);
    open->adapter = open->device = g;
    open->ddis = &ddis;
    open->partition = &g->partition;
    open->sriov = &g->sriov;
    open->mitigable = &g->mitigable;
    return true;
}
static void close_adapter(struct gpup_open *open) {
    (void)open; /* the memory is the world's */
}
static const struct gpup_device_ops device_ops =
    TABLE(.size = sizeof device_ops, .version = GPUP_DEVICE_VERSION, .attach = attach, .describe = describe,
          .read_msix = read_msix, .read_schedule = read_schedule, .read_vram = read_vram,
          .write_vram = write_vram, .guest_write = guest_write);
const struct gpup_implementation *gpup_implementation(void) {
    static const struct gpup_implementation simulator =
        TABLE(.size = sizeof simulator, .version = GPUP_IMPLEMENTATION_VERSION, .name = "example-simulator",
              .open = open_adapter, .close = close_adapter, .device = &device_ops);
    return &simulator;
}
