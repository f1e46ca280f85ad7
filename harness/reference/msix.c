/*
 * The MSI-X table of a VF. The host OS intercepts what the guest writes to it and hands each entry over with
 * host addresses; the driver keeps a shadow, so that an entry written while the VF has no power gets to the
 * table later.
 */
#include "driver.h"

#define ENTRY_SIZE (DEFECT(6) ? 12u : 16u)
#define MASKED 1u
#define BAR_OF(dword) ((dword)&7u)
#define OFFSET_OF(dword) ((dword) & ~7u)

static const DXGK_INTERRUPT_TABLE_ENTRY reset_entry = {.VectorControl = MASKED};

/* Whole pages around the table. */
static NTSTATUS map_table(struct adapter *a, struct vf *vf, ULONG bar, ULONG offset) {
    SIZE_T bytes = ((SIZE_T)vf->msix_entries + DEFECT(1)) * 16;
    ULONG skip = offset % PAGE_SIZE + (DEFECT(3) && offset >= PAGE_SIZE ? PAGE_SIZE : 0);
    PHYSICAL_ADDRESS start;

    if (offset > vf_bar_size(a, bar) || bytes > vf_bar_size(a, bar) - offset)
        return STATUS_DEVICE_NOT_CONNECTED;
    start.QuadPart = (LONGLONG)(vf_bar_address(a, vf->index, bar) + offset - skip);
    vf->table_map = (skip + bytes + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    vf->table_base = MmMapIoSpace(start, vf->table_map, MmNonCached);
    if (!vf->table_base)
        return STATUS_INSUFFICIENT_RESOURCES;
    vf->table = vf->table_base + skip;
    return STATUS_SUCCESS;
}

NTSTATUS msix_open(struct adapter *a, struct vf *vf) {
    ULONG control = vf_config(a, vf->index, GPU_VFCFG_MSIX);
    NTSTATUS status;

    if (control == MAXULONG)
        return STATUS_DEVICE_NOT_CONNECTED;
    vf->msix_entries = (control >> 16 & GPU_MSIX_CONTROL_SIZE) + 1;
    vf->msix_table = vf_config(a, vf->index, GPU_VFCFG_MSIX + 4);
    vf->msix_pba = vf_config(a, vf->index, GPU_VFCFG_MSIX + 8);
    vf->msix = allocate((vf->msix_entries + DEFECT(1)) * sizeof *vf->msix);
    if (!vf->msix)
        return STATUS_INSUFFICIENT_RESOURCES;
    msix_was_reset(vf);
    status = map_table(a, vf, BAR_OF(vf->msix_table), OFFSET_OF(vf->msix_table));
    if (!NT_SUCCESS(status))
        msix_close(vf);
    return status;
}

void msix_close(struct vf *vf) {
    if (vf->table_base)
        MmUnmapIoSpace(vf->table_base, vf->table_map);
    release(vf->msix);
    vf->table_base = NULL;
    vf->table = NULL;
    vf->msix = NULL;
    vf->msix_entries = 0;
}

void msix_was_reset(struct vf *vf) {
    for (ULONG i = 0; i < vf->msix_entries; i++)
        vf->msix[i] = (struct msix_entry){.value = reset_entry};
}

void msix_rewrite(struct vf *vf) {
    for (ULONG i = 0; i < vf->msix_entries; i++)
        vf->msix[i].unwritten = true;
}

static void store(const struct vf *vf, LONG index, ULONG offset, ULONG value) {
    volatile UCHAR *at = vf->table + (LONG_PTR)index * (LONG_PTR)ENTRY_SIZE + offset;

    for (ULONG i = 0; DEFECT(16) && i < 4; i++)
        WRITE_REGISTER_UCHAR(at + i, (UCHAR)(value >> 8 * i));
    if (!DEFECT(16))
        WRITE_REGISTER_ULONG((volatile ULONG *)(volatile void *)at, value);
}

/* An unmasked entry is masked before it changes, and the mask is the last thing to go. */
static void write_entry(const struct vf *vf, LONG index, const DXGK_INTERRUPT_TABLE_ENTRY *value,
                        bool unmasked) {
    ULONG data = value->MessageData, control = value->VectorControl;

    if (DEFECT(10)) {
        data = value->VectorControl;
        control = value->MessageData;
    }
    if (DEFECT(11))
        control ^= MASKED;
    if (DEFECT(15))
        control &= MASKED;
    if (unmasked && !DEFECT(13))
        store(vf, index, 12, control | MASKED);
    store(vf, index, 0, (ULONG)value->MessageAddress);
    store(vf, index, 4, DEFECT(8) ? 0 : (ULONG)(value->MessageAddress >> 32));
    store(vf, index, 8, data);
    if (!unmasked || DEFECT(13) || (control & MASKED) == 0)
        store(vf, index, 12, control);
}

void msix_flush(struct adapter *a, struct vf *vf) {
    (void)a;
    for (ULONG i = 0; i < vf->msix_entries; i++) {
        if (!vf->msix[i].unwritten)
            continue;
        write_entry(vf, (LONG)i, &vf->msix[i].value, true); /* what the table holds is not known */
        vf->msix[i].unwritten = false;
    }
}

static bool unmasked(const struct vf *vf, LONG index) {
    if (DEFECT(3) && index < 0)
        return false;
    return vf->msix[index].unwritten || (vf->msix[index].value.VectorControl & MASKED) == 0;
}

/* Seeded faults around the write of one entry; false: the entry itself is not written. */
static bool misplaced(struct adapter *a, struct vf *vf, LONG index, const DXGK_INTERRUPT_TABLE_ENTRY *value) {
    PHYSICAL_ADDRESS at;

    if (DEFECT(18)) {
        struct vf pf = {.table = NULL};
        UCHAR *map = MmMapIoSpace(a->bar4, 0x8000, MmNonCached);

        if (!map)
            return false;
        pf.table = map;
        write_entry(&pf, index % GPU_PF_MESSAGES, value, false);
        MmUnmapIoSpace(map, 0x8000);
        return false;
    }
    for (ULONG i = 0; DEFECT(23) && i < vf->msix_entries; i++)
        if ((LONG)i != index)
            write_entry(vf, (LONG)i, &vf->msix[i].value, false);
    if (DEFECT(25) && (value->VectorControl & MASKED) == 0) {
        UCHAR *map;

        at.QuadPart =
            (LONGLONG)(vf_bar_address(a, vf->index, BAR_OF(vf->msix_pba)) + OFFSET_OF(vf->msix_pba));
        map = MmMapIoSpace(at, PAGE_SIZE, MmNonCached);
        if (map) {
            WRITE_REGISTER_ULONG((volatile ULONG *)(volatile void *)(map + (SIZE_T)(index / 32) * 4), 0);
            MmUnmapIoSpace(map, PAGE_SIZE);
        }
    }
    if (DEFECT(26))
        write32(a, GPU_REG_VF_CONFIG(vf->index) + GPU_VFCFG_MSIX,
                vf_config(a, vf->index, GPU_VFCFG_MSIX) | (ULONG)GPU_MSIX_CONTROL_FUNCTION_MASK << 16);
    return true;
}

static NTSTATUS write_locked(struct adapter *a, struct vf *vf, LONG index,
                             const DXGK_INTERRUPT_TABLE_ENTRY *value) {
    if (DEFECT(21) && !vf->session)
        return STATUS_INVALID_DEVICE_STATE;
    if (index < 0 ? !DEFECT(3) : (ULONG)index >= vf->msix_entries + DEFECT(1))
        return STATUS_INVALID_PARAMETER;
    if (DEFECT(5))
        index &= 0xFF;
    if ((!vf->powered || !a->power) && !DEFECT(28)) {
        vf->msix[index < 0 ? 0 : index] = (struct msix_entry){.value = *value, .unwritten = true};
        return STATUS_SUCCESS;
    }
    if (DEFECT(30)) {
        a->staged = *value;
        value = &a->staged; /* every VF's lock is its own */
    }
    if (misplaced(a, vf, index, value) && vf->table)
        write_entry(vf, index, value, unmasked(vf, index));
    if (index >= 0 && !DEFECT(23))
        vf->msix[index] = (struct msix_entry){.value = *value};
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_write_virtualized_interrupt(const HANDLE adapter,
                                                        const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status;

    if (!args || (args->WriteValue.MessageAddress & 3) != 0)
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, DEFECT(20) && a->partitions ? args->vfIndex % a->partitions : args->vfIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    status = write_locked(a, vf, args->InterruptTableIndex, &args->WriteValue);
    vf_release(vf);
    return status;
}
