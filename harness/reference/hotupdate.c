/*
 * Driver hot update. The part runs its VFs by itself; what this driver knows of them goes to Dxgkrnl in
 * blocks, one for the adapter and one for each vGPU, and the next instance takes them back before it starts.
 * Memory bases, processes and VMBus channels are made anew by the system.
 */
#include "driver.h"

#define HOT_MAGIC 0x31707548u /* 'Hup1' */
enum hot_kind { HOT_ADAPTER = 1, HOT_VF };

struct hot_meta { /* metadata of every block */
    ULONG magic, kind, index, zero;
};

struct hot_adapter {
    struct sriov sriov;
    ULONG luids, partitions;
    struct schedule_entry schedule[GPU_MAX_VFS + 1];
};

struct hot_vf { /* reserve_count ranges and msix_entries entries follow */
    LUID luid;
    UINT64 capability[DXGK_VGPU_CAPABILITY_MAX], need[GPU_MAX_SEGMENTS];
    ULONG reserve_count, msix_entries;
    UCHAR powered, paused, zero[6];
};

_Static_assert(sizeof(struct hot_adapter) >= sizeof(struct hot_vf), "either is read as the other first");

struct hot_block {
    LIST_ENTRY entry;
    struct hot_meta meta;
    __attribute__((aligned(8))) UCHAR data[]; /* structures */
};

/* --- saving ------------------------------------------------------------------------------------------------
 */
static NTSTATUS save_block(struct adapter *a, enum hot_kind kind, ULONG index, void *data, ULONG size) {
    struct hot_meta meta = {HOT_MAGIC, kind, index, 0};
    DXGKARGCB_SAVEMEMORYFORHOTUPDATE args;

    RtlZeroMemory(&args, sizeof args);
    args.DataSize = size;
    args.pData = data;
    args.MetaDataSize = sizeof meta;
    args.pMetaData = (BYTE *)&meta;
    return a->dxgkrnl.DxgkCbSaveMemoryForHotUpdate(a->dxgkrnl.DeviceHandle, &args);
}

static NTSTATUS save_adapter(struct adapter *a) {
    struct hot_adapter *s = allocate(sizeof *s);
    NTSTATUS status = STATUS_SUCCESS;

    if (!s)
        return STATUS_INSUFFICIENT_RESOURCES;
    s->sriov = a->sriov;
    s->luids = a->luids;
    s->partitions = a->partitions;
    RtlCopyMemory(s->schedule, a->schedule, sizeof s->schedule);
    status = save_block(a, HOT_ADAPTER, 0, s, sizeof *s);
    release(s);
    return status;
}

static SIZE_T vf_size(ULONG ranges, ULONG entries) {
    return sizeof(struct hot_vf) + ranges * sizeof(struct reserve) + entries * sizeof(struct msix_entry);
}

static void fill_vf(struct hot_vf *s, const struct vf *vf) {
    struct reserve *ranges = (struct reserve *)(s + 1);

    s->luid = vf->luid;
    RtlCopyMemory(s->capability, vf->capability, sizeof s->capability);
    RtlCopyMemory(s->need, vf->need, sizeof s->need);
    s->reserve_count = vf->reserve_count;
    s->msix_entries = vf->msix_entries;
    s->powered = vf->powered;
    s->paused = vf->paused;
    if (vf->reserve_count)
        RtlCopyMemory(ranges, vf->reserve, vf->reserve_count * sizeof *ranges);
    RtlCopyMemory(ranges + vf->reserve_count, vf->msix, vf->msix_entries * sizeof *vf->msix);
}

/* The callback wants PASSIVE_LEVEL, so the lock is given back before it. */
static NTSTATUS save_vf(struct adapter *a, struct vf *vf) {
    struct hot_vf *s = NULL;
    ULONG size = 0;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    ExAcquireFastMutex(&vf->lock);
    if (vf->created) {
        size = (ULONG)vf_size(vf->reserve_count, vf->msix_entries);
        s = vf->session ? NULL : allocate(size);
        status = vf->session ? STATUS_INVALID_DEVICE_STATE : status;
        if (s)
            fill_vf(s, vf);
    }
    ExReleaseFastMutex(&vf->lock);
    if (size == 0)
        return STATUS_SUCCESS;
    if (!s)
        return status;
    status = save_block(a, HOT_VF, vf->index, s, size);
    release(s);
    return status;
}

NTSTATUS DDI_CALL reference_save_memory_for_hot_update(const HANDLE context,
                                                       const DXGKARG_SAVEMEMORYFORHOTUPDATE *args) {
    struct adapter *a = context;
    NTSTATUS status;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started || !a->power)
        return STATUS_DEVICE_NOT_READY;
    if (args->Flags.CancelHotUpdate) {
        a->updating = false;
        return STATUS_SUCCESS;
    }
    if (!a->dxgkrnl.DxgkCbSaveMemoryForHotUpdate)
        return STATUS_NOT_SUPPORTED;
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    status = save_adapter(a);
    for (ULONG i = 0; NT_SUCCESS(status) && i < a->partitions; i++)
        status = save_vf(a, &a->vf[i]);
    a->updating = NT_SUCCESS(status);
    KeReleaseMutex(&a->partition, FALSE);
    return status;
}

/* StopDevice: memory goes, the part keeps running. */
void hot_leave(struct adapter *a) {
    for (ULONG i = 0; i < a->sriov.total_vfs; i++) {
        struct vf *vf = &a->vf[i];

        vmbus_close(a, vf);
        msix_close(vf);
        reserve_forget(vf);
        release(vf->context); /* of a power-up that failed half-way */
        vf->context = NULL;
    }
    a->updating = false;
}

/* --- taking back -----------------------------------------------------------------------------------------
 */
static bool sound(const struct hot_meta *meta, const void *data, ULONG size) {
    struct hot_vf vf; /* a copy: the memory may lie anywhere */

    if (meta->magic != HOT_MAGIC || size < sizeof vf)
        return false;
    RtlCopyMemory(&vf, data, sizeof vf);
    return size == (meta->kind == HOT_ADAPTER ? sizeof(struct hot_adapter)
                                              : vf_size(vf.reserve_count, vf.msix_entries));
}

static NTSTATUS keep_block(struct adapter *a, const struct hot_meta *meta, const void *bytes, ULONG size) {
    struct hot_block *block;

    if (!sound(meta, bytes, size))
        return STATUS_INVALID_PARAMETER;
    block = allocate(sizeof *block + size);
    if (!block)
        return STATUS_INSUFFICIENT_RESOURCES;
    block->meta = *meta;
    RtlCopyMemory(block->data, bytes, size);
    InsertTailList(&a->restored, &block->entry);
    return STATUS_SUCCESS;
}

/* Kept for StartDevice; nothing is done to a VF. The MDL is this driver's when it succeeds, and copied it is
 * of no more use. */
NTSTATUS DDI_CALL reference_restore_memory_for_hot_update(const HANDLE context,
                                                          const DXGKARG_RESTOREMEMORYFORHOTUPDATE *args) {
    struct adapter *a = context;
    struct hot_meta meta;
    NTSTATUS status;
    void *bytes;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (args->Flags.RestoreComplete)
        return STATUS_SUCCESS; /* nothing is kept beyond StartDevice */
    if (!args->pDataMdl || !args->pMetaData || args->MetaDataSize != sizeof meta)
        return STATUS_INVALID_PARAMETER;
    if (a->started)
        return STATUS_INVALID_DEVICE_STATE;
    bytes = MmGetSystemAddressForMdlSafe(args->pDataMdl, NormalPagePriority | MdlMappingNoExecute);
    if (!bytes)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(&meta, args->pMetaData, sizeof meta);
    status = keep_block(a, &meta, bytes, args->pDataMdl->ByteCount);
    MmUnmapLockedPages(bytes, args->pDataMdl);
    if (NT_SUCCESS(status)) {
        MmFreePagesFromMdl(args->pDataMdl);
        ExFreePool(args->pDataMdl);
    }
    return status;
}

void hot_forget(struct adapter *a) {
    while (!IsListEmpty(&a->restored))
        release(CONTAINING_RECORD(RemoveHeadList(&a->restored), struct hot_block, entry));
}

const struct hot_adapter *hot_restored(const struct adapter *a) {
    for (LIST_ENTRY *e = a->restored.Flink; e != &a->restored; e = e->Flink) {
        const struct hot_block *b = CONTAINING_RECORD(e, struct hot_block, entry);

        if (b->meta.kind == HOT_ADAPTER)
            return (const struct hot_adapter *)b->data;
    }
    return NULL;
}

/* In place of probing: the capability must not be touched while VFs run. */
void hot_take_bus(struct adapter *a, const struct hot_adapter *s) {
    a->luids = s->luids;
    a->sriov = s->sriov;
}

static NTSTATUS take_vf(struct adapter *a, const struct hot_block *b) {
    const struct hot_vf *s = (const struct hot_vf *)b->data;
    const struct reserve *ranges = (const struct reserve *)(s + 1);
    struct vf *vf = &a->vf[b->meta.index];
    NTSTATUS status = msix_open(a, vf);

    if (!NT_SUCCESS(status))
        return status;
    vf->reserve = s->reserve_count ? allocate(s->reserve_count * sizeof *vf->reserve) : NULL;
    if ((s->reserve_count && !vf->reserve) || vf->msix_entries != s->msix_entries)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (vf->reserve)
        RtlCopyMemory(vf->reserve, ranges, s->reserve_count * sizeof *ranges);
    vf->reserve_count = s->reserve_count;
    RtlCopyMemory(vf->msix, ranges + s->reserve_count, s->msix_entries * sizeof *vf->msix);
    vf->luid = s->luid;
    RtlCopyMemory(vf->capability, s->capability, sizeof vf->capability);
    RtlCopyMemory(vf->need, s->need, sizeof vf->need);
    vf->powered = s->powered;
    vf->paused = s->paused;
    vf->created = true;
    return STATUS_SUCCESS;
}

/* The rest of StartDevice: the part is as it was left, and only the driver has to catch up. */
NTSTATUS hot_take_over(struct adapter *a, const struct hot_adapter *s) {
    NTSTATUS status = STATUS_SUCCESS;

    RtlCopyMemory(a->schedule, s->schedule, sizeof a->schedule);
    a->partitions = s->partitions < a->sriov.total_vfs ? s->partitions : a->sriov.total_vfs;
    a->power = true;
    for (LIST_ENTRY *e = a->restored.Flink; NT_SUCCESS(status) && e != &a->restored; e = e->Flink) {
        const struct hot_block *b = CONTAINING_RECORD(e, struct hot_block, entry);

        if (b->meta.kind == HOT_VF && b->meta.index < a->partitions)
            status = take_vf(a, b);
    }
    hot_forget(a);
    if (!NT_SUCCESS(status))
        hot_leave(a);
    return status;
}
