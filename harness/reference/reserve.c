/* The VRAM of a vGPU: where VidMm put it. */
#include "driver.h"

struct map_record { /* as the part reads it */
    ULONG segment, zero;
    UINT64 offset, size;
};
_Static_assert(sizeof(struct map_record) == GPU_RANGE_SIZE, "range record");
_Static_assert(VF_RESERVES *GPU_RANGE_SIZE <= DMA_PAGE, "a map fits the slot's memory");

NTSTATUS reserve_map(struct adapter *a, const struct vf *vf) {
    struct map_record records[VF_RESERVES];
    struct command c = {.opcode = GPU_COMMAND_VF_MAP,
                        .vf = vf->index,
                        .arg = {vf->reserve_count},
                        .in = records,
                        .in_size = vf->reserve_count * GPU_RANGE_SIZE};

    for (ULONG i = 0; i < vf->reserve_count; i++)
        records[i] =
            (struct map_record){vf->reserve[i].segment, 0, vf->reserve[i].offset, vf->reserve[i].size};
    return command_run(a, &c);
}

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
    return r->size != 0 && (r->offset | r->size) % (s->page ? s->page : PAGE_SIZE) == 0 &&
           r->size <= s->size && r->offset <= s->size - r->size;
}

static NTSTATUS assign(struct adapter *a, struct vf *vf, const DXGKARG_SETVIRTUALGPURESOURCES *args) {
    struct vf wanted = {.index = vf->index, .reserve_count = args->NumMemoryAllocations};
    UINT64 total = 0;
    NTSTATUS status;

    if (vf->ever_powered || vf->reserve_count)
        return STATUS_INVALID_DEVICE_STATE; /* a reserve is given once */
    for (ULONG i = 0; i < wanted.reserve_count; i++) {
        const DXGK_VIRTUALGPUMEMORYRESOURCE *m = &args->MemoryInfo[i];
        struct reserve *r = &wanted.reserve[i];

        *r = (struct reserve){m->AllocationAddress.MemorySegmentId, m->AllocationAddress.MemorySegmentOffset,
                              m->AllocationSize};
        if (!proper(a, r) || taken(a, vf, r))
            return STATUS_INVALID_PARAMETER;
        for (ULONG k = 0; k < i; k++)
            if (meets(r, &wanted.reserve[k]))
                return STATUS_INVALID_PARAMETER;
        total += r->size;
    }
    if (total < vf->capability[DXGK_VGPU_CAPABILITY_MEMORY])
        return STATUS_INVALID_PARAMETER; /* less than CreateVirtualGpu asked for */
    status = reserve_map(a, &wanted);
    if (NT_SUCCESS(status)) {
        RtlCopyMemory(vf->reserve, wanted.reserve, sizeof vf->reserve);
        vf->reserve_count = wanted.reserve_count;
    }
    return status;
}

NTSTATUS DDI_CALL reference_set_virtual_gpu_resources(HANDLE context, DXGKARG_SETVIRTUALGPURESOURCES *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status;

    if (!a || !args || args->NumMemoryAllocations == 0 || args->NumMemoryAllocations > VF_RESERVES)
        return STATUS_INVALID_PARAMETER;
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    status = vf_acquire(a, args->PartitionId, &vf);
    if (NT_SUCCESS(status)) {
        status = assign(a, vf, args);
        vf_release(vf);
    }
    KeReleaseMutex(&a->partition, FALSE);
    return status;
}

/* Scattered reserves are not reported as supported. */
NTSTATUS DDI_CALL reference_set_virtual_gpu_resources2(const HANDLE adapter,
                                                       const DXGKARG_SETVIRTUALGPURESOURCES2 *args) {
    (void)adapter;
    (void)args;
    return STATUS_NOT_SUPPORTED;
}
