/*
 * Driver hot update. The part runs its VFs by itself; what the driver knows of them goes to the system as one
 * block, an MDL, and the next instance goes on from there: it neither probes nor cuts the part.
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

static void free_pages(PMDL pages) {
    MmFreePagesFromMdl(pages);
    ExFreePool(pages);
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

/* Pages of `size` bytes with what is to be saved, not mapped. */
static PMDL fill_pages(const struct adapter *a, ULONG size) {
    const PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = -1};
    PMDL pages = MmAllocatePagesForMdlEx(low, high, low, size, MmCached, 0);
    void *at = pages ? MmMapLockedPagesSpecifyCache(pages, KernelMode, MmCached, NULL, FALSE,
                                                    NormalPagePriority | MdlMappingNoExecute)
                     : NULL;

    if (at) {
        fill(a, at, size);
        MmUnmapLockedPages(at, pages);
    } else if (pages) {
        free_pages(pages);
        pages = NULL;
    }
    return pages;
}

static NTSTATUS save(struct adapter *a) {
    DXGKARGCB_SAVEMEMORYFORHOTUPDATE args = {.pDataMdl = NULL};
    NTSTATUS status;

    if (!a->os.DxgkCbSaveMemoryForHotUpdate)
        return STATUS_NOT_SUPPORTED; /* an older system */
    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].session != NO_SESSION)
            return STATUS_DEVICE_BUSY;
    args.pDataMdl = fill_pages(a, block_size(a));
    if (!args.pDataMdl)
        return STATUS_NO_MEMORY;
    status = a->os.DxgkCbSaveMemoryForHotUpdate(a->os.DeviceHandle, &args);
    if (!NT_SUCCESS(status))
        free_pages(args.pDataMdl);
    return status; /* the pages were given to the system */
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

static bool sound(const struct block *head, ULONG size) {
    return head->magic == BLOCK_MAGIC && head->size >= sizeof *head && head->size <= size &&
           head->version >> 16 == DRIVER_VERSION >> 16 && head->partitions <= head->total_vfs &&
           head->total_vfs <= SECOND_MAX_VFS && head->vgpus <= head->partitions;
}

/* Before StartDevice: the pages are kept as they are, the part is not touched. */
NTSTATUS DDI_CALL second_restore_memory_for_hot_update(const HANDLE adapter,
                                                       const DXGKARG_RESTOREMEMORYFORHOTUPDATE *args) {
    struct adapter *a = adapter;
    PMDL pages = args ? args->pDataMdl : NULL;
    struct block *block;

    if (a && args && args->Flags.RestoreComplete)
        return STATUS_SUCCESS;
    if (!a || a->started || a->restored || !pages || pages->ByteCount < sizeof *block)
        return STATUS_INVALID_PARAMETER;
    block = MmMapLockedPagesSpecifyCache(pages, KernelMode, MmCached, NULL, FALSE,
                                         NormalPagePriority | MdlMappingNoExecute);
    if (!block)
        return STATUS_NO_MEMORY;
    if (!sound(block, pages->ByteCount)) {
        MmUnmapLockedPages(block, pages);
        return STATUS_REVISION_MISMATCH;
    }
    a->restored = block;
    a->restored_pages = pages;
    return STATUS_SUCCESS;
}

void hot_forget(struct adapter *a) {
    if (!a->restored)
        return;
    MmUnmapLockedPages(a->restored, a->restored_pages);
    free_pages(a->restored_pages);
    a->restored = NULL;
    a->restored_pages = NULL;
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
