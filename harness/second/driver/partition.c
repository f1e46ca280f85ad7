/* The partition interface: how the part can be cut up, and what a piece of it can have. */
#include "driver.h"

#define UNLIMITED (~0ull)

static ULONG largest_granule(const struct adapter *a) {
    ULONG largest = PAGE_SIZE;

    for (ULONG i = 0; i < a->segments; i++)
        largest = granule(a, i) > largest ? granule(a, i) : largest;
    return largest;
}

/* Memory in bytes; encoding has no limit that would be worth one; there is no decoder; compute goes with
 * time. */
UINT64 capability_total(const struct adapter *a, ULONG kind) {
    UINT64 sum = 0;

    if (kind == DXGK_VGPU_CAPABILITY_COMPUTE)
        return (UINT64)(SECOND_FRAME_US - PF_QUANTUM) * COMPUTE_OF_QUANTUM;
    for (ULONG i = 0; kind == DXGK_VGPU_CAPABILITY_MEMORY && i < a->segments; i++)
        sum += a->segment[i].size / largest_granule(a) * largest_granule(a);
    return kind == DXGK_VGPU_CAPABILITY_ENCODE ? UNLIMITED : sum;
}

ULONG granule(const struct adapter *a, ULONG segment) {
    return a->segment[segment].page ? a->segment[segment].page : PAGE_SIZE;
}

UINT64 capability_min(ULONG kind) {
    if (kind == DXGK_VGPU_CAPABILITY_COMPUTE)
        return (UINT64)MINIMUM_QUANTUM * COMPUTE_OF_QUANTUM;
    return kind == DXGK_VGPU_CAPABILITY_MEMORY ? PAGE_SIZE : 0;
}

/* Of each of `count` partitions. */
UINT64 capability_max(const struct adapter *a, ULONG kind, ULONG count) {
    UINT64 unit = kind == DXGK_VGPU_CAPABILITY_COMPUTE ? COMPUTE_OF_QUANTUM : largest_granule(a);

    if (kind == DXGK_VGPU_CAPABILITY_ENCODE)
        return UNLIMITED;
    return capability_total(a, kind) / count / unit * unit;
}

/* Of all vGPUs, running or not: what is promised is not available. */
UINT64 capability_used(const struct adapter *a, ULONG kind) {
    UINT64 sum = 0;

    for (ULONG i = 0; kind != DXGK_VGPU_CAPABILITY_ENCODE && i < a->partitions; i++)
        sum += a->vf[i].created ? a->vf[i].capability[kind] : 0;
    return sum;
}

/* Every count up to the number of VFs, the largest first. */
NTSTATUS DDI_CALL second_get_gpu_partition_info(HANDLE context, DXGKARG_GETGPUPARTITIONINFO *args) {
    struct adapter *a = context;
    NTSTATUS status = args ? enter(a) : STATUS_INVALID_PARAMETER;
    ULONG room;

    if (!NT_SUCCESS(status))
        return status;
    room = args->pGpuPartitionOptions ? args->NumGpuPartitionOptions : 0;
    for (ULONG i = 0; i < a->total_vfs && i < room; i++)
        args->pGpuPartitionOptions[i] = (USHORT)(a->total_vfs - i);
    args->NumGpuPartitionOptions = a->total_vfs;
    args->CurrentGpuPartitionCount = (USHORT)a->partitions;
    status = room < a->total_vfs ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
    leave(a);
    return status;
}

NTSTATUS set_partitions(struct adapter *a, ULONG count) {
    NTSTATUS status = present(a);

    if (count == 0 || count > a->total_vfs)
        return STATUS_NOT_SUPPORTED;
    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].created)
            return STATUS_DEVICE_BUSY;
    if (NT_SUCCESS(status))
        status = bus_cut(a, count);
    if (NT_SUCCESS(status))
        a->partitions = count;
    return status;
}

NTSTATUS DDI_CALL second_set_gpu_partition_count(HANDLE context, DXGKARG_SETGPUPARTITIONCOUNT *args) {
    struct adapter *a = context;
    NTSTATUS status = args ? enter(a) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = set_partitions(a, args->PartitionCount);
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_get_virtual_gpu_profile(HANDLE context, DXGKARG_GETVIRTUALGPUPROFILE *args) {
    struct adapter *a = context;
    NTSTATUS status = args ? enter(a) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    if (args->PartitionCount == 0 || args->PartitionCount > a->total_vfs)
        status = STATUS_NOT_SUPPORTED;
    else
        args->VirtualizationFlags = DXGK_VIRTUALIZED_ACS_CAPABLE | DXGK_VIRTUALIZED_UNIQUE_RID;
    for (ULONG kind = 0; NT_SUCCESS(status) && kind < DXGK_VGPU_CAPABILITY_MAX; kind++) {
        DXGK_VGPU_PROFILE_CAPABILITY *c = &args->ProfileCapability[kind];

        c->TotalValue = capability_total(a, kind);
        c->AvailableValue = c->TotalValue - capability_used(a, kind);
        c->MinPartitionValue = capability_min(kind);
        c->MaxPartitionValue = capability_max(a, kind, args->PartitionCount);
        c->OptimalPartitionValue = kind == DXGK_VGPU_CAPABILITY_ENCODE ? 0 : c->MaxPartitionValue;
    }
    leave(a);
    return status;
}
