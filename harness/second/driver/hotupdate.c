/*
 * Driver hot update. The part runs its VFs by itself; what the driver knows of them goes to the system as one
 * block, a virtual buffer, and the next instance goes on from there: it neither probes nor cuts the part.
 * Bases, processes and channels are made anew by the system.
 */
#include "driver.h"

#define BLOCK_MAGIC 0x32755048u /* 'HPu2' */

struct block { /* records of vGPUs follow, each with its apertures */
    ULONG magic, version, size;
    ULONG total_vfs, partitions, luids, vgpus;
    ULONG vf_bar[DXGK_MAX_NUM_PCI_BARS], vf_probe[DXGK_MAX_NUM_PCI_BARS], revision;
    USHORT vf_offset, vf_stride, vf_device, reserved;
};

/* Pointers mean nothing in it. */
struct vgpu {
    struct vf vf;
};

static ULONG block_size(const struct adapter *a) {
    ULONG size = sizeof(struct block);

    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].created)
            size += (ULONG)sizeof(struct vgpu) + a->vf[i].apertures * SECOND_APERTURE_SIZE;
    return size;
}

static void fill(const struct adapter *a, struct block *b, ULONG size) {
    UCHAR *at = (UCHAR *)(b + 1);

    *b = (struct block){.magic = BLOCK_MAGIC,
                        .version = DRIVER_VERSION,
                        .size = size,
                        .total_vfs = a->total_vfs,
                        .partitions = a->partitions,
                        .luids = a->luids,
                        .revision = a->revision,
                        .vf_offset = a->vf_offset,
                        .vf_stride = a->vf_stride,
                        .vf_device = a->vf_device};
    RtlCopyMemory(b->vf_bar, a->vf_bar, sizeof b->vf_bar);
    RtlCopyMemory(b->vf_probe, a->vf_probe, sizeof b->vf_probe);
    for (ULONG i = 0; i < a->partitions; i++) {
        struct vgpu v = {a->vf[i]};
        ULONG bytes = v.vf.apertures * SECOND_APERTURE_SIZE;

        if (!v.vf.created)
            continue;
        v.vf.aperture = NULL;
        v.vf.saved = NULL;
        RtlZeroMemory(v.vf.channel, sizeof v.vf.channel);
        RtlCopyMemory(at, &v, sizeof v);
        if (bytes)
            RtlCopyMemory(at + sizeof v, a->vf[i].aperture, bytes);
        at += sizeof v + bytes;
        b->vgpus++;
    }
}

static NTSTATUS save(struct adapter *a) {
    DXGKARGCB_SAVEMEMORYFORHOTUPDATE args = {.DataSize = block_size(a)};
    struct block *b;
    NTSTATUS status;

    if (!a->os.DxgkCbSaveMemoryForHotUpdate)
        return STATUS_NOT_SUPPORTED; /* an older system */
    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].session != NO_SESSION)
            return STATUS_DEVICE_BUSY;
    b = allocate(args.DataSize);
    if (!b)
        return STATUS_NO_MEMORY;
    fill(a, b, args.DataSize);
    args.pData = b;
    status = a->os.DxgkCbSaveMemoryForHotUpdate(a->os.DeviceHandle, &args);
    release(b);
    return status;
}

NTSTATUS DDI_CALL second_save_memory_for_hot_update(const HANDLE adapter,
                                                    const DXGKARG_SAVEMEMORYFORHOTUPDATE *args) {
    struct adapter *a = adapter;
    NTSTATUS status = args ? enter(a) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = args->Flags.CancelHotUpdate ? STATUS_SUCCESS : present(a);
    if (NT_SUCCESS(status) && !args->Flags.CancelHotUpdate)
        status = save(a);
    a->leaving = NT_SUCCESS(status) && !args->Flags.CancelHotUpdate;
    leave(a);
    return status;
}

/* Before StartDevice: the block is kept, the part is not touched. */
NTSTATUS DDI_CALL second_restore_memory_for_hot_update(const HANDLE adapter,
                                                       const DXGKARG_RESTOREMEMORYFORHOTUPDATE *args) {
    const ULONG mapped = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL;
    struct adapter *a = adapter;
    struct block head;

    if (!a || !args || a->started || a->restored || !args->pDataMdl ||
        !((ULONG)(USHORT)args->pDataMdl->MdlFlags & mapped) || args->pDataMdl->ByteCount < sizeof head)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(&head, args->pDataMdl->MappedSystemVa, sizeof head);
    if (head.magic != BLOCK_MAGIC || head.size != args->pDataMdl->ByteCount ||
        head.version >> 16 != DRIVER_VERSION >> 16 || head.partitions > head.total_vfs ||
        head.total_vfs > SECOND_MAX_VFS || head.vgpus > head.partitions)
        return STATUS_REVISION_MISMATCH;
    a->restored = allocate(head.size);
    if (!a->restored)
        return STATUS_NO_MEMORY;
    RtlCopyMemory(a->restored, args->pDataMdl->MappedSystemVa, head.size);
    return STATUS_SUCCESS;
}

static NTSTATUS take_vgpu(struct adapter *a, const UCHAR *from, ULONG left, ULONG *used) {
    struct vgpu v;
    struct vf *vf;
    ULONG bytes;

    if (left < sizeof v)
        return STATUS_REVISION_MISMATCH;
    RtlCopyMemory(&v, from, sizeof v);
    bytes = v.vf.apertures * SECOND_APERTURE_SIZE;
    if (v.vf.index >= a->partitions || v.vf.apertures > SECOND_APERTURES || bytes > left - sizeof v ||
        v.vf.needs > SECOND_MAX_SEGMENTS)
        return STATUS_REVISION_MISMATCH;
    vf = &a->vf[v.vf.index];
    *vf = v.vf;
    vf->aperture = bytes ? allocate(bytes) : NULL; /* a vGPU without memory has none */
    if (bytes && !vf->aperture)
        return STATUS_NO_MEMORY;
    if (bytes)
        RtlCopyMemory(vf->aperture, from + sizeof v, bytes);
    for (ULONG i = 0; i < vf->needs; i++)
        a->segment[vf->need[i].DriverSegmentId - 1].used += vf->need[i].Size;
    *used = (ULONG)sizeof v + bytes;
    return STATUS_SUCCESS;
}

/* In place of probing and cutting. */
NTSTATUS hot_take_over(struct adapter *a) {
    const struct block *b = a->restored;
    NTSTATUS status = STATUS_SUCCESS;
    ULONG at = sizeof *b, used = 0;

    a->total_vfs = b->total_vfs;
    a->partitions = b->partitions;
    a->luids = b->luids;
    a->revision = b->revision;
    a->vf_offset = b->vf_offset;
    a->vf_stride = b->vf_stride;
    a->vf_device = b->vf_device;
    RtlCopyMemory(a->vf_bar, b->vf_bar, sizeof a->vf_bar);
    RtlCopyMemory(a->vf_probe, b->vf_probe, sizeof a->vf_probe);
    for (ULONG i = 0; i < b->vgpus && NT_SUCCESS(status); i++, at += used)
        status = take_vgpu(a, (const UCHAR *)b + at, b->size - at, &used);
    return status;
}

/* StopDevice: memory goes, the part runs on. */
void hot_leave(struct adapter *a) {
    for (ULONG i = 0; i < a->partitions; i++) {
        vmbus_close(&a->vf[i]);
        release(a->vf[i].aperture);
        release(a->vf[i].saved);
        RtlZeroMemory(&a->vf[i], sizeof a->vf[i]);
    }
    a->leaving = false;
}
