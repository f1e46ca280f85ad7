/* Life of a vGPU, and the private channel of whoever emulates its device. */
#include "driver.h"

#define MUCH (12u << 20)
#define LARGE_PAGES (64u << 20) /* at most */

static UINT64 smaller(UINT64 x, UINT64 y) {
    return x < y ? x : y;
}

static UINT64 larger(UINT64 x, UINT64 y) {
    return x > y ? x : y;
}

/* What is asked for, as far as it can be had; false: not even the least. */
static bool choose(const struct adapter *a, ULONG kind, const DXGK_VIRTUALGPUCAPABILITY *want, UINT64 *out) {
    UINT64 unit = kind == DXGK_VGPU_CAPABILITY_COMPUTE ? COMPUTE_OF_QUANTUM : 1;
    UINT64 least = larger(want->MinValue, capability_min(kind));
    UINT64 most = smaller(want->MaxValue, capability_max(a, kind, a->partitions));

    most = smaller(most, capability_total(a, kind) - capability_used(a, kind));
    if (least > most)
        return false;
    *out = smaller(larger(want->OptimalValue, least), most);
    if (*out % unit)
        *out -= *out % unit;
    return *out >= least || (*out += unit) <= most;
}

/* Free, and with the finest tracking; a segment that cannot be tracked comes last. skip: bit mask. */
static ULONG best_segment(const struct adapter *a, ULONG skip) {
    ULONG best = a->segments;

    for (ULONG i = 0; i < a->segments; i++) {
        bool finer = best == a->segments || a->segment[i].page - 1 < a->segment[best].page - 1;

        if (a->segment[i].used < a->segment[i].size && !(skip & 1u << i) && finer)
            best = i;
    }
    return best;
}

/* Who wants much gets a part of it in pages that are larger. */
static bool splits(const struct adapter *a, UINT64 bytes) {
    ULONG at = best_segment(a, 1u << best_segment(a, 0));

    return bytes >= MUCH && at < a->segments && a->segment[at].page &&
           a->segment[at].size - a->segment[at].used >= bytes;
}

/* VRAM out of one segment, and of the next when that is full. */
static bool place(struct adapter *a, struct vf *vf, UINT64 bytes) {
    UINT64 first = splits(a, bytes) ? bytes - smaller(bytes / 2, LARGE_PAGES) : bytes;
    ULONG at, taken = 0;

    for (; bytes && (at = best_segment(a, taken)) < a->segments; taken |= 1u << at) {
        DXGK_VIRTUALGPUSEGMENTINFO *need = &vf->need[vf->needs++];
        struct segment *s = &a->segment[at];
        UINT64 wanted = taken ? bytes : first;
        ULONG unit = granule(a, at);

        need->DriverSegmentId = at + 1;
        need->Alignment = unit;
        need->Size = smaller((wanted + unit - 1) / unit * unit, s->size - s->used);
        s->used += need->Size;
        bytes -= smaller(bytes, need->Size);
    }
    return bytes == 0;
}

static void forget(struct adapter *a, struct vf *vf) {
    for (ULONG i = 0; i < vf->needs; i++)
        a->segment[vf->need[i].DriverSegmentId - 1].used -= vf->need[i].Size;
    release(vf->aperture);
    release(vf->saved);
    RtlZeroMemory(vf, sizeof *vf);
    vf->index = (ULONG)(vf - a->vf);
}

static NTSTATUS create(struct adapter *a, struct vf *vf, const DXGK_VIRTUALGPUPROFILE *profile) {
    NTSTATUS status;

    for (ULONG kind = 0; kind < DXGK_VGPU_CAPABILITY_MAX; kind++)
        if (!choose(a, kind, &profile->Capability[kind], &vf->capability[kind]))
            return STATUS_INVALID_PARAMETER;
    if (!place(a, vf, vf->capability[DXGK_VGPU_CAPABILITY_MEMORY]))
        return STATUS_INSUFFICIENT_RESOURCES;
    status = clean(a, vf);
    if (!NT_SUCCESS(status))
        return status;
    vf->entries = (get_config(a, vf->index, SECOND_VFCFG_MSIX) >> 16 & SECOND_MSIX_CONTROL_SIZE) + 1;
    vf->quantum = (ULONG)(vf->capability[DXGK_VGPU_CAPABILITY_COMPUTE] / COMPUTE_OF_QUANTUM);
    vf->luid.LowPart = (ULONG)a->luid.HighPart ^ 0x47505532u;
    vf->luid.HighPart = (LONG)(a->luid.LowPart << 16 | (++a->luids & 0xFFFF));
    vf->created = true;
    return schedule(a);
}

NTSTATUS DDI_CALL second_create_virtual_gpu(HANDLE context, DXGKARG_CREATEVIRTUALGPU *args) {
    static const CLSID no_emulation;
    struct adapter *a = context;
    struct vf *vf = NULL;
    NTSTATUS status = args ? enter(a) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    if (args->PartitionId >= a->partitions)
        status = STATUS_NO_SUCH_DEVICE;
    else if (a->vf[args->PartitionId].created)
        status = STATUS_OBJECT_NAME_COLLISION;
    else
        vf = &a->vf[args->PartitionId];
    if (vf) {
        status = create(a, vf, &args->Profile);
        if (!NT_SUCCESS(status))
            forget(a, vf);
    }
    if (NT_SUCCESS(status)) {
        args->UserModeVirtualDeviceProvider = no_emulation;
        args->VirtualGpuLuid = vf->luid;
        args->NumMemorySegments = vf->needs;
        RtlZeroMemory(args->SegmentInfo, sizeof args->SegmentInfo);
        RtlCopyMemory(args->SegmentInfo, vf->need, vf->needs * sizeof *vf->need);
        args->NumEngines = 0;
        RtlZeroMemory(args->EngineInfo, sizeof args->EngineInfo);
    }
    leave(a);
    return status;
}

/* In whatever state it is. A part that does not answer is cleaned before the VF is used again. */
void vgpu_destroy(struct adapter *a, struct vf *vf) {
    vmbus_close(vf);
    (void)clean(a, vf);
    forget(a, vf);
    (void)schedule(a);
}

NTSTATUS DDI_CALL second_destroy_virtual_gpu(HANDLE context, DXGKARG_DESTROYVIRTUALGPU *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->PartitionId, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    vgpu_destroy(a, vf);
    leave(a);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL second_get_virtual_gpu_info(HANDLE context, DXGKARG_GETVIRTUALGPUINFO *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->PartitionId, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    for (ULONG kind = 0; kind < DXGK_VGPU_CAPABILITY_MAX; kind++)
        args->Capability[kind] = (DXGK_VGPU_CAPABILITY){vf->capability[kind], vf->capability[kind],
                                                        vf->capability[kind]}; /* it never moves */
    leave(a);
    return status;
}

/* Input: whose, then nothing that counts: PartitionId says all. Output: as much of the answer as fits. */
NTSTATUS DDI_CALL second_virtual_gpu_driver_escape(HANDLE context, DXGK_VIRTUALGPUDRIVERESCAPE *args) {
    struct adapter *a = context;
    struct vf *vf;
    ULONG answer[6];
    NTSTATUS status;

    if (!args || !args->pOutputBuffer || !args->pInputBuffer ||
        args->InputBufferSize < sizeof(GPUP_DRIVER_ESCAPE_INPUT))
        return STATUS_INVALID_PARAMETER;
    status = enter_vf(a, args->PartitionId, &vf);
    if (!NT_SUCCESS(status))
        return status;
    answer[0] = sizeof answer;
    answer[1] = DRIVER_VERSION;
    answer[2] = a->firmware;
    answer[3] = (vf->powered ? 1u : 0) | (vf->paused ? 2u : 0) | (vf->session != NO_SESSION ? 4u : 0);
    answer[4] = vf->quantum;
    answer[5] = vf->apertures;
    leave(a);
    RtlCopyMemory(args->pOutputBuffer, answer, smaller(args->OutputBufferSize, sizeof answer));
    return STATUS_SUCCESS;
}
