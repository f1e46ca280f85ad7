/* Life of a vGPU. */
#include "partition.h"

/* The emulation DLL that comes with this driver, needed because there are mitigated ranges. */
static const CLSID emulation_dll = {
    0x3E6A7C21, 0x9D0B, 0x4F57, {0xA1, 0x6E, 0x52, 0x0C, 0x88, 0x41, 0xD9, 0x37}};

/* One capability out of what was asked for; false: cannot be had. */
static bool choose(const struct adapter *a, ULONG kind, const DXGK_VIRTUALGPUCAPABILITY *want, UINT64 granule,
                   UINT64 *chosen) {
    UINT64 most = capability_max(a, kind, a->partitions), value = want->OptimalValue;

    if (want->MinValue > want->MaxValue || want->MinValue > most)
        return false;
    most = smaller(most, want->MaxValue);
    value = larger(value, larger(want->MinValue, capability_min(a, kind)));
    value = smaller(value, most);
    value -= value % granule;
    if (value < want->MinValue)
        value += granule;
    *chosen = value;
    return value >= capability_min(a, kind) && value <= most;
}

static bool choose_all(const struct adapter *a, const DXGK_VIRTUALGPUPROFILE *profile, ULONG segment,
                       UINT64 chosen[DXGK_VGPU_CAPABILITY_MAX]) {
    for (ULONG kind = 0; kind < DXGK_VGPU_CAPABILITY_MAX; kind++) {
        bool memory = kind == DXGK_VGPU_CAPABILITY_MEMORY;

        if (!choose(a, kind, &profile->Capability[kind], memory ? memory_granule(a, segment) : 1,
                    &chosen[kind]))
            return false;
    }
    return true;
}

static ULONG share_of(const struct adapter *a, UINT64 compute) {
    return (ULONG)(compute * (SHARE_ALL - PF_SHARE) / capability_total(a, DXGK_VGPU_CAPABILITY_COMPUTE));
}

static const ULONG cleaning[][2] = {{GPU_COMMAND_VF_DISABLE, 0},
                                    {GPU_COMMAND_VF_POWER, 3},
                                    {GPU_COMMAND_VF_RESUME, 0},
                                    {GPU_COMMAND_VF_FLR, 0},
                                    {GPU_COMMAND_VF_MAP, 0}}; /* commands and their argument */

/* Nothing of a former guest: the part keeps a VF's state until it is told otherwise. */
static NTSTATUS clean_vf(struct adapter *a, ULONG vf) {
    NTSTATUS first = STATUS_SUCCESS;

    for (ULONG i = 0; i < sizeof cleaning / sizeof *cleaning; i++) {
        NTSTATUS status;

        if (cleaning[i][0] == GPU_COMMAND_VF_RESUME && DEFECT(138))
            continue;
        if (cleaning[i][0] == GPU_COMMAND_VF_FLR && DEFECT(171))
            continue;
        status = command_vf(a, cleaning[i][0], vf, cleaning[i][1]);
        first = NT_SUCCESS(first) ? status : first;
    }
    return first;
}

static void forget(struct vf *vf) {
    vf->created = vf->powered = vf->paused = false;
    reserve_forget(vf);
    release(vf->session);
    release(vf->context);
    vf->session = NULL;
    vf->sessions = 0;
    vf->context = NULL;
    msix_close(vf);
}

static NTSTATUS build(struct adapter *a, struct vf *vf) {
    NTSTATUS status = clean_vf(a, vf->index);

    if (NT_SUCCESS(status))
        status = msix_open(a, vf);
    if (!NT_SUCCESS(status))
        return status;
    status = schedule_add(a, vf->index, share_of(a, vf->capability[DXGK_VGPU_CAPABILITY_COMPUTE]));
    if (!NT_SUCCESS(status))
        msix_close(vf);
    return status;
}

static NTSTATUS create(struct adapter *a, struct vf *vf, const DXGK_VIRTUALGPUPROFILE *profile) {
    ULONG segment = vf_segment(a, vf->index);
    UINT64 chosen[DXGK_VGPU_CAPABILITY_MAX];
    NTSTATUS status;

    if (vf->created || !choose_all(a, profile, segment, chosen))
        return STATUS_INVALID_PARAMETER;
    if (DEFECT(170) && chosen[DXGK_VGPU_CAPABILITY_MEMORY] > a->segment[segment].size - a->lost)
        return STATUS_INSUFFICIENT_RESOURCES;
    reserve_plan(a, segment, chosen[DXGK_VGPU_CAPABILITY_MEMORY], vf->need);
    RtlCopyMemory(vf->capability, chosen, sizeof chosen);
    status = build(a, vf);
    if (!NT_SUCCESS(status)) {
        if (DEFECT(170))
            a->lost += chosen[DXGK_VGPU_CAPABILITY_MEMORY];
        return status;
    }
    vf->luid.LowPart = ++a->luids;
    vf->luid.HighPart = (LONG)(a->luid.LowPart & 0x3FFFFFFF) | 0x40000000;
    vf->created = true;
    return STATUS_SUCCESS;
}

static void answer(const struct adapter *a, const struct vf *vf, DXGKARG_CREATEVIRTUALGPU *args) {
    args->UserModeVirtualDeviceProvider = emulation_dll;
    args->VirtualGpuLuid = vf->luid;
    args->NumMemorySegments = 0;
    if (!DEFECT(168)) {
        RtlZeroMemory(args->SegmentInfo, sizeof args->SegmentInfo);
        RtlZeroMemory(args->EngineInfo, sizeof args->EngineInfo);
    }
    for (ULONG i = 0; i < a->segment_count; i++) {
        DXGK_VIRTUALGPUSEGMENTINFO *s = &args->SegmentInfo[args->NumMemorySegments];

        if (vf->need[i] == 0)
            continue;
        s->DriverSegmentId = i + 1;
        s->Size = vf->need[i];
        s->Alignment = memory_granule(a, i);
        args->NumMemorySegments++;
    }
    args->NumEngines = 0;
}

NTSTATUS DDI_CALL reference_create_virtual_gpu(HANDLE context, DXGKARG_CREATEVIRTUALGPU *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status;

    if (!a || !args || !a->started || args->PartitionId >= a->partitions)
        return STATUS_INVALID_PARAMETER;
    vf = &a->vf[args->PartitionId];
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    ExAcquireFastMutex(&vf->lock);
    status = create(a, vf, &args->Profile);
    if (NT_SUCCESS(status))
        answer(a, vf, args);
    ExReleaseFastMutex(&vf->lock);
    KeReleaseMutex(&a->partition, FALSE);
    return status;
}

/* Also of a vGPU that runs, is paused or migrates. What the part does not answer to is made good at the next
 * creation. */
void vgpu_destroy(struct adapter *a, struct vf *vf) {
    ExAcquireFastMutex(&vf->lock);
    if (vf->created) {
        (void)clean_vf(a, vf->index);
        schedule_remove(a, vf->index);
        forget(vf);
    }
    ExReleaseFastMutex(&vf->lock);
    vmbus_close(a, vf); /* waits for callbacks, which may want the lock */
}

NTSTATUS DDI_CALL reference_destroy_virtual_gpu(HANDLE context, DXGKARG_DESTROYVIRTUALGPU *args) {
    struct adapter *a = context;
    struct vf *vf;

    if (!a || !args || !a->started)
        return STATUS_INVALID_PARAMETER;
    if (!a->power)
        return STATUS_DEVICE_NOT_READY; /* the part would keep what it has of the VF */
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    vf = vf_find(a, args->PartitionId);
    if (vf)
        vgpu_destroy(a, vf);
    KeReleaseMutex(&a->partition, FALSE);
    return vf ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS DDI_CALL reference_get_virtual_gpu_info(HANDLE context, DXGKARG_GETVIRTUALGPUINFO *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status;

    if (!args)
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, args->PartitionId, &vf);
    if (!NT_SUCCESS(status))
        return status;
    for (ULONG kind = 0; kind < DXGK_VGPU_CAPABILITY_MAX; kind++) {
        args->Capability[kind].MinValue = capability_min(a, kind);
        args->Capability[kind].MaxValue = capability_max(a, kind, a->partitions);
        args->Capability[kind].CurrentValue = vf->capability[kind];
    }
    vf_release(vf);
    return STATUS_SUCCESS;
}
