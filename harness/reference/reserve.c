/* The VRAM of a vGPU: where VidMm put it. */
#include "partition.h"
#include "tracking.h"

struct map_record { /* as the part reads it */
    ULONG segment, zero;
    UINT64 offset, size;
};
_Static_assert(sizeof(struct map_record) == GPU_RANGE_SIZE, "range record");
_Static_assert(VF_RESERVES <= GPU_RANGES_MAX, "the part can map every reserve");

/* --- what a vGPU needs --------------------------------------------------------------------------------- */
void reserve_plan(const struct adapter *a, ULONG segment, UINT64 total, UINT64 need[GPU_MAX_SEGMENTS]) {
    bool spread = (a->features & GPU_FEATURE_SCATTER) != 0;
    UINT64 part = spread ? total / a->segment_count : 0;

    part -= part % capability_min(a, DXGK_VGPU_CAPABILITY_MEMORY); /* the largest granule */
    for (ULONG i = 0; i < a->segment_count; i++)
        need[i] = i != segment ? part : total - part * (a->segment_count - 1);
}

void reserve_forget(struct vf *vf) {
    release(vf->reserve);
    vf->reserve = NULL;
    vf->reserve_count = 0;
    if (DEFECT(181))
        vf->basis = NULL;
}

/* --- the part's map --------------------------------------------------------------------------------------
 */
static NTSTATUS load_map(struct adapter *a, ULONG vf, const struct reserve *reserve, ULONG count) {
    PHYSICAL_ADDRESS highest = {.QuadPart = INT64_MAX};
    struct map_record *records = MmAllocateContiguousMemory(count * sizeof *records, highest);
    struct command c = {.opcode = GPU_COMMAND_VF_MAP, .vf = vf, .arg = {count}};
    NTSTATUS status;

    if (!records)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < count; i++)
        records[i] = (struct map_record){reserve[i].segment, 0, reserve[i].offset, reserve[i].size};
    c.dma = (UINT64)MmGetPhysicalAddress(records).QuadPart;
    c.dma_size = count * (ULONG)sizeof *records;
    status = command_run(a, &c);
    MmFreeContiguousMemory(records);
    return status;
}

static NTSTATUS map_of_basis(struct adapter *a, const struct vf *vf) {
    struct reserve r = {vf->basis->segment, 0, 0};

    if (vf->basis->count == 0 || vf->basis->count > VF_RESERVES)
        return STATUS_DATA_ERROR;
    r.offset = vf->basis->ranges[0].SegmentOffset;
    r.size = vf->basis->ranges[0].SizeInBytes;
    return vf->reserve_count == 1 ? load_map(a, vf->index, &r, 1) : STATUS_SUCCESS;
}

NTSTATUS reserve_map(struct adapter *a, const struct vf *vf) {
    if (DEFECT(181) && vf->basis)
        return map_of_basis(a, vf);
    return load_map(a, vf->index, vf->reserve, vf->reserve_count);
}

/* --- assignments ------------------------------------------------------------------------------------------
 */
static bool meets(const struct reserve *r, const struct reserve *other) {
    return r->segment == other->segment && r->offset < other->offset + other->size &&
           other->offset < r->offset + r->size;
}

static bool taken(const struct adapter *a, const struct vf *vf, const struct reserve *r) {
    for (ULONG i = 0; i < a->partitions; i++)
        for (ULONG k = 0; i != vf->index && k < a->vf[i].reserve_count; k++)
            if (meets(r, &a->vf[i].reserve[k]))
                return true;
    return false;
}

static bool proper(const struct adapter *a, const struct reserve *r) {
    const struct segment *s;

    if (r->segment == 0 || r->segment > a->segment_count)
        return false;
    s = &a->segment[r->segment - 1];
    return (r->offset | r->size) % (s->page ? s->page : PAGE_SIZE) == 0 && r->size <= s->size &&
           r->offset <= s->size - r->size;
}

static bool enough(const struct adapter *a, const struct vf *vf, const struct reserve *r, ULONG count) {
    UINT64 size[GPU_MAX_SEGMENTS] = {0};

    for (ULONG i = 0; i < count; i++)
        size[r[i].segment - 1] += r[i].size;
    for (ULONG i = 0; i < a->segment_count; i++)
        if (size[i] < vf->need[i])
            return false;
    return true;
}

static NTSTATUS check(const struct adapter *a, const struct vf *vf, const struct reserve *r, ULONG count) {
    for (ULONG i = 0; i < count; i++) {
        if (!proper(a, &r[i]) || taken(a, vf, &r[i]))
            return STATUS_INVALID_PARAMETER;
        for (ULONG k = 0; k < i; k++)
            if (meets(&r[i], &r[k]))
                return STATUS_INVALID_PARAMETER;
    }
    return enough(a, vf, r, count) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* Takes the ranges over on success. */
static NTSTATUS assign(struct adapter *a, struct vf *vf, struct reserve *wanted, ULONG count) {
    NTSTATUS status = check(a, vf, wanted, count);

    if (NT_SUCCESS(status))
        status = load_map(a, vf->index, wanted, count);
    if (NT_SUCCESS(status)) {
        vf->reserve = wanted;
        vf->reserve_count = count;
    }
    return status;
}

/* A reserve is given once, before the first D0. */
static NTSTATUS acquire(struct adapter *a, ULONG index, struct vf **vf) {
    NTSTATUS status = vf_acquire(a, index, vf);

    if (!NT_SUCCESS(status) || (*vf)->reserve_count == 0)
        return status;
    vf_release(*vf);
    return STATUS_INVALID_DEVICE_STATE;
}

static NTSTATUS assign_contiguous(struct adapter *a, struct vf *vf,
                                  const DXGKARG_SETVIRTUALGPURESOURCES *args) {
    ULONG count = args->NumMemoryAllocations;
    struct reserve *wanted = allocate(count * sizeof *wanted);
    NTSTATUS status;

    if (!wanted)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < count; i++) {
        const DXGK_VIRTUALGPUMEMORYRESOURCE *m = &args->MemoryInfo[i];

        wanted[i] = (struct reserve){m->AllocationAddress.MemorySegmentId,
                                     m->AllocationAddress.MemorySegmentOffset, m->AllocationSize};
    }
    status = assign(a, vf, wanted, count);
    if (!NT_SUCCESS(status))
        release(wanted);
    return status;
}

NTSTATUS DDI_CALL reference_set_virtual_gpu_resources(HANDLE context, DXGKARG_SETVIRTUALGPURESOURCES *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status;

    if (!a || !args || args->NumMemoryAllocations == 0 ||
        args->NumMemoryAllocations > DXGK_MAX_VIRTUAL_GPU_ALLOCATIONS)
        return STATUS_INVALID_PARAMETER;
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    status = acquire(a, args->PartitionId, &vf);
    if (NT_SUCCESS(status)) {
        status = assign_contiguous(a, vf, args);
        vf_release(vf);
    }
    KeReleaseMutex(&a->partition, FALSE);
    return status;
}

/* --- scattered reserves -----------------------------------------------------------------------------------
 */
/* Copies, so that a basis may go while the reserve stays. *known: descriptors before the first bad one. */
static NTSTATUS gather(struct adapter *a, const DXGKARG_SETVIRTUALGPURESOURCES2 *args, struct reserve *out,
                       ULONG *count, ULONG *known) {
    ULONG segments = 0;

    *count = 0;
    for (*known = 0; *known < args->SegmentCount; ++*known) {
        const struct basis *b = basis_find(a, args->SegmentDescriptors[*known].MemoryBasis);

        if (!b)
            return STATUS_INVALID_HANDLE;
        if (segments & 1u << (b->segment - 1) || b->count > VF_RESERVES - *count)
            return STATUS_INVALID_PARAMETER;
        segments |= 1u << (b->segment - 1);
        for (ULONG i = 0; i < b->count; i++)
            out[(*count)++] =
                (struct reserve){b->segment, b->ranges[i].SegmentOffset, b->ranges[i].SizeInBytes};
    }
    return STATUS_SUCCESS;
}

static NTSTATUS assign_scattered(struct adapter *a, struct vf *vf,
                                 const DXGKARG_SETVIRTUALGPURESOURCES2 *args) {
    struct reserve *wanted = allocate(VF_RESERVES * sizeof *wanted);
    ULONG count, known;
    NTSTATUS status;

    if (!wanted)
        return STATUS_INSUFFICIENT_RESOURCES;
    ExAcquireFastMutex(&a->tracking);
    status = gather(a, args, wanted, &count, &known);
    if (DEFECT(181))
        vf->basis = basis_find(a, args->SegmentDescriptors[0].MemoryBasis);
    ExReleaseFastMutex(&a->tracking);
    if (DEFECT(180) && !NT_SUCCESS(status) && known) {
        vf->reserve = wanted;
        vf->reserve_count = count;
        return status;
    }
    if (NT_SUCCESS(status))
        status = assign(a, vf, wanted, count);
    if (!NT_SUCCESS(status))
        release(wanted);
    return status;
}

NTSTATUS DDI_CALL reference_set_virtual_gpu_resources2(const HANDLE adapter,
                                                       const DXGKARG_SETVIRTUALGPURESOURCES2 *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started || (a->features & GPU_FEATURE_SCATTER) == 0)
        return STATUS_NOT_SUPPORTED;
    if (args->SegmentCount == 0 || args->SegmentCount > a->segment_count)
        return STATUS_INVALID_PARAMETER;
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    status = acquire(a, args->vfIndex, &vf);
    if (NT_SUCCESS(status)) {
        status = assign_scattered(a, vf, args);
        vf_release(vf);
    }
    KeReleaseMutex(&a->partition, FALSE);
    return status;
}
