/*
 * The MSI-X table of a VF. The PF reaches it as words, whether the VF has power or not, so that nothing has
 * to be kept for later. The upper bits of vector control belong to the part and stay as they are.
 */
#include "driver.h"

#define MASK 1u

ULONG table_word(const struct adapter *a, ULONG vf, ULONG word) {
    set_window(a, vf, SECOND_WIN_MSIX_INDEX, word);
    return window(a, vf, SECOND_WIN_MSIX_WORD);
}

void set_table_word(const struct adapter *a, ULONG vf, ULONG word, ULONG value) {
    set_window(a, vf, SECOND_WIN_MSIX_INDEX, word);
    set_window(a, vf, SECOND_WIN_MSIX_WORD, value);
}

/* Masked while it changes; the mask is what is asked for only at the end. */
static void write_entry(const struct adapter *a, const struct vf *vf, ULONG entry,
                        const DXGK_INTERRUPT_TABLE_ENTRY *value) {
    ULONG first = entry * 4, control = table_word(a, vf->index, first + 3);

    if (!(control & MASK))
        set_table_word(a, vf->index, first + 3, control | MASK);
    set_table_word(a, vf->index, first + 1, (ULONG)(value->MessageAddress >> 32));
    set_table_word(a, vf->index, first, (ULONG)value->MessageAddress & ~3u);
    set_table_word(a, vf->index, first + 2, value->MessageData);
    if (!(value->VectorControl & MASK))
        set_table_word(a, vf->index, first + 3, control & ~MASK);
}

NTSTATUS DDI_CALL second_write_virtualized_interrupt(const HANDLE adapter,
                                                     const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->vfIndex, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    if (args->InterruptTableIndex < 0 || (ULONG)args->InterruptTableIndex >= vf->entries)
        status = STATUS_NOT_FOUND;
    else
        status = present(a);
    if (NT_SUCCESS(status))
        write_entry(a, vf, (ULONG)args->InterruptTableIndex, &args->WriteValue);
    leave(a);
    return status;
}
