/* The partition interface: how many partitions there can be, and what one of them can have. */
#include "partition.h"
#include "driver.h"

/* Totals of the whole part besides memory; memory is the sum of its segments. */
static const UINT64 totals[DXGK_VGPU_CAPABILITY_MAX] = {
    [DXGK_VGPU_CAPABILITY_ENCODE] = 1024,
    [DXGK_VGPU_CAPABILITY_DECODE] = 2048,
    [DXGK_VGPU_CAPABILITY_COMPUTE] = 20480,
};

UINT64 capability_total(const struct adapter *a, ULONG kind) {
    UINT64 total = totals[kind];

    for (ULONG i = 0; kind == DXGK_VGPU_CAPABILITY_MEMORY && i < a->segment_count; i++)
        total += a->segment[i].size;
    return total;
}

ULONG vf_segment(const struct adapter *a, ULONG vf) {
    return vf % a->segment_count;
}

ULONG memory_granule(const struct adapter *a, ULONG segment) {
    return a->segment[segment].page ? a->segment[segment].page : PAGE_SIZE;
}

/* The least that any of `count` partitions can count on. */
UINT64 capability_max(const struct adapter *a, ULONG kind, ULONG count) {
    ULONG neighbours = (count + a->segment_count - 1) / a->segment_count;
    UINT64 least = MAXULONG64;
    UINT64 rest = 0; /* what reserve_plan does not divide */

    if (kind != DXGK_VGPU_CAPABILITY_MEMORY)
        return totals[kind] / count;
    if (a->features & GPU_FEATURE_SCATTER)
        rest = (a->segment_count - 1) * capability_min(a, kind);
    for (ULONG i = 0; i < a->segment_count; i++) {
        UINT64 size = a->segment[i].size / neighbours, granule = memory_granule(a, i);

        size = size > rest ? size - rest : 0;
        size -= size % granule;
        least = smaller(size, least);
    }
    return least;
}

UINT64 capability_min(const struct adapter *a, ULONG kind) {
    UINT64 largest = PAGE_SIZE;

    if (kind != DXGK_VGPU_CAPABILITY_MEMORY)
        return totals[kind] / GPU_MAX_VFS / 4;
    for (ULONG i = 0; i < a->segment_count; i++)
        largest = larger(largest, memory_granule(a, i));
    return largest;
}

/* Powers of two, and all VFs when that is none. */
static ULONG partition_options(const struct adapter *a, USHORT *out, ULONG capacity) {
    ULONG found = 0, last = 0;

    for (ULONG count = 1; count <= a->sriov.total_vfs; count *= 2) {
        if (found < capacity)
            out[found] = (USHORT)count;
        found++;
        last = count;
    }
    if (last != a->sriov.total_vfs) {
        if (found < capacity)
            out[found] = (USHORT)a->sriov.total_vfs;
        found++;
    }
    return found;
}

static bool is_option(const struct adapter *a, ULONG count) {
    if (DEFECT(165))
        count &= 0xFFFF;
    return count != 0 && count <= a->sriov.total_vfs &&
           (count == a->sriov.total_vfs || (count & (count - 1)) == 0);
}

NTSTATUS DDI_CALL reference_get_gpu_partition_info(HANDLE context, DXGKARG_GETGPUPARTITIONINFO *args) {
    struct adapter *a = context;
    ULONG options, capacity;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_DEVICE_NOT_READY;
    capacity = args->NumGpuPartitionOptions;
    options = partition_options(a, NULL, 0);
    args->NumGpuPartitionOptions = options;
    args->CurrentGpuPartitionCount = (USHORT)a->partitions;
    if (DEFECT(163) && capacity && args->pGpuPartitionOptions)
        (void)partition_options(a, args->pGpuPartitionOptions, MAXULONG);
    if (capacity < options)
        return STATUS_BUFFER_TOO_SMALL;
    if (!args->pGpuPartitionOptions)
        return STATUS_INVALID_PARAMETER;
    (void)partition_options(a, args->pGpuPartitionOptions, capacity);
    return STATUS_SUCCESS;
}

static NTSTATUS set_count(struct adapter *a, ULONG count) {
    NTSTATUS status;

    if (!is_option(a, count))
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; i < a->partitions && !DEFECT(166); i++)
        if (a->vf[i].created)
            return STATUS_INVALID_DEVICE_STATE;
    count = DEFECT(165) ? count & 0xFFFF : count;
    if (count == a->partitions)
        return STATUS_SUCCESS;
    status = bus_enable_vfs(a, count);
    if (NT_SUCCESS(status))
        a->partitions = count;
    else
        (void)bus_enable_vfs(a, a->partitions);
    return status;
}

NTSTATUS DDI_CALL reference_set_gpu_partition_count(HANDLE context, DXGKARG_SETGPUPARTITIONCOUNT *args) {
    struct adapter *a = context;
    NTSTATUS status;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_DEVICE_NOT_READY;
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    status = a->power ? set_count(a, args->PartitionCount) : STATUS_DEVICE_NOT_READY;
    KeReleaseMutex(&a->partition, FALSE);
    return status;
}

/* What running vGPUs hold of a capability. */
static UINT64 used(const struct adapter *a, ULONG kind) {
    UINT64 sum = 0;

    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].created && a->vf[i].powered)
            sum += a->vf[i].capability[kind];
    return sum;
}

NTSTATUS DDI_CALL reference_get_virtual_gpu_profile(HANDLE context, DXGKARG_GETVIRTUALGPUPROFILE *args) {
    struct adapter *a = context;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_DEVICE_NOT_READY;
    if (!is_option(a, args->PartitionCount))
        return STATUS_INVALID_PARAMETER;
    args->VirtualizationFlags = DXGK_VIRTUALIZED_ACS_CAPABLE | DXGK_VIRTUALIZED_UNIQUE_RID;
    for (ULONG kind = 0; kind < DXGK_VGPU_CAPABILITY_MAX; kind++) {
        DXGK_VGPU_PROFILE_CAPABILITY *c = &args->ProfileCapability[kind];

        c->TotalValue = capability_total(a, kind);
        c->AvailableValue = c->TotalValue - used(a, kind);
        c->MinPartitionValue = capability_min(a, kind);
        c->MaxPartitionValue = capability_max(a, kind, args->PartitionCount);
        c->OptimalPartitionValue = c->MaxPartitionValue;
    }
    return STATUS_SUCCESS;
}

/* Documented as never called; they must be there. */
NTSTATUS DDI_CALL reference_get_gpu_engines(HANDLE context, DXGKARG_GETGPUENGINES *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS DDI_CALL reference_suspend_virtual_gpu(HANDLE context, DXGKARG_SUSPENDVIRTUALGPU *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_SUPPORTED;
}

NTSTATUS DDI_CALL reference_resume_virtual_gpu(HANDLE context, DXGKARG_RESUMEVIRTUALGPU *args) {
    (void)context;
    (void)args;
    return STATUS_NOT_SUPPORTED;
}
