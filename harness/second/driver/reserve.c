/*
 * The VRAM of a vGPU: apertures, out of contiguous allocations or of memory bases. Either is given once;
 * giving the same again changes nothing. Whether it meets another guest's VRAM is the part's to say.
 */
#include "driver.h"

#define PART_PAGE 4096u

/* Appends one piece of a segment; sizes were checked. */
static bool append(const struct adapter *a, struct vf *wanted, ULONG segment, UINT64 offset, UINT64 size) {
    struct aperture *p = &wanted->aperture[wanted->apertures];
    const struct segment *s;

    if (segment == 0 || segment > a->segments || wanted->apertures == SECOND_APERTURES)
        return false;
    s = &a->segment[segment - 1];
    if (size == 0 || (offset | size) % granule(a, segment - 1) || size > s->size || offset > s->size - size)
        return false;
    *p = (struct aperture){segment, (ULONG)(size / PART_PAGE), offset / PART_PAGE};
    wanted->apertures++;
    return true;
}

static NTSTATUS assign(struct adapter *a, struct vf *vf, struct vf *wanted) {
    bool same = wanted->apertures == vf->apertures;
    NTSTATUS status;

    if (vf->apertures) {
        same = same && RtlEqualMemory(wanted->aperture, vf->aperture, vf->apertures * sizeof *vf->aperture);
        return same ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES;
    }
    status = map_apertures(a, wanted);
    if (!NT_SUCCESS(status))
        return status;
    vf->aperture = wanted->aperture;
    vf->apertures = wanted->apertures;
    wanted->aperture = NULL;
    return STATUS_SUCCESS;
}

static bool from_allocations(const struct adapter *a, struct vf *wanted,
                             const DXGKARG_SETVIRTUALGPURESOURCES *args) {
    for (ULONG i = 0; i < args->NumMemoryAllocations; i++) {
        const DXGK_VIRTUALGPUMEMORYRESOURCE *m = &args->MemoryInfo[i];

        if (!append(a, wanted, m->AllocationAddress.MemorySegmentId, m->AllocationAddress.MemorySegmentOffset,
                    m->AllocationSize))
            return false;
    }
    return true;
}

/* The ranges of each basis in their order; no segment twice. */
static bool from_bases(struct adapter *a, struct vf *wanted, const DXGKARG_SETVIRTUALGPURESOURCES2 *args) {
    ULONG seen = 0;

    for (ULONG i = 0; i < args->SegmentCount; i++) {
        const struct basis *b = find_basis(a, args->SegmentDescriptors[i].MemoryBasis);

        if (!b || seen & 1u << b->segment)
            return false;
        seen |= 1u << b->segment;
        for (UINT64 k = 0; k < b->count; k++)
            if (!append(a, wanted, b->segment, b->range[k].SegmentOffset, b->range[k].SizeInBytes))
                return false;
    }
    return wanted->apertures != 0;
}

static NTSTATUS set_resources(struct adapter *a, ULONG index, const DXGKARG_SETVIRTUALGPURESOURCES *one,
                              const DXGKARG_SETVIRTUALGPURESOURCES2 *two) {
    struct vf *vf, wanted = {.index = index};
    NTSTATUS status = enter_vf(a, index, &vf);

    if (!NT_SUCCESS(status))
        return status;
    wanted.aperture = allocate(SECOND_APERTURES * sizeof *wanted.aperture);
    if (!wanted.aperture)
        status = STATUS_NO_MEMORY;
    else if (one ? !from_allocations(a, &wanted, one) : !from_bases(a, &wanted, two))
        status = STATUS_INVALID_PARAMETER;
    else
        status = assign(a, vf, &wanted);
    leave(a);
    release(wanted.aperture);
    return status;
}

NTSTATUS DDI_CALL second_set_virtual_gpu_resources(HANDLE context, DXGKARG_SETVIRTUALGPURESOURCES *args) {
    if (!args || args->NumMemoryAllocations == 0 ||
        args->NumMemoryAllocations > DXGK_MAX_VIRTUAL_GPU_ALLOCATIONS)
        return STATUS_INVALID_PARAMETER;
    return set_resources(context, args->PartitionId, args, NULL);
}

NTSTATUS DDI_CALL second_set_virtual_gpu_resources2(const HANDLE adapter,
                                                    const DXGKARG_SETVIRTUALGPURESOURCES2 *args) {
    if (!args || args->SegmentCount == 0 || args->SegmentCount > SECOND_MAX_SEGMENTS)
        return STATUS_INVALID_PARAMETER;
    return set_resources(adapter, args->vfIndex, NULL, args);
}
