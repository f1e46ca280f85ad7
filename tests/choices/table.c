/* The MSI-X table, written as a whole under the function mask. */
#include "choices.h"
#define reference_write_virtualized_interrupt write_one
DXGKDDI_WRITEVIRTUALIZEDINTERRUPT write_one;
#include "../../harness/reference/msix.c" /* NOLINT(bugprone-suspicious-include) */
#undef reference_write_virtualized_interrupt

static void write_all(const struct adapter *a, const struct vf *vf) {
    ULONG control = vf_config(a, vf->index, GPU_VFCFG_MSIX);

    write32(a, GPU_REG_VF_CONFIG(vf->index) + GPU_VFCFG_MSIX,
            control | (ULONG)GPU_MSIX_CONTROL_FUNCTION_MASK << 16);
    for (ULONG i = 0; i < vf->msix_entries; i++) {
        const DXGK_INTERRUPT_TABLE_ENTRY *e = &vf->msix[i].value;
        volatile ULONG64 *at = (volatile ULONG64 *)(volatile void *)(vf->table + (SIZE_T)i * 16);

        ULONG64 kept = READ_REGISTER_ULONG64(at + 1) >> 32 & ~(ULONG64)MASKED; /* reserved bits */
        ULONG64 mask = kept | (e->VectorControl & MASKED);

        WRITE_REGISTER_ULONG64(at, e->MessageAddress);
        WRITE_REGISTER_ULONG64(at + 1, e->MessageData | mask << 32);
    }
    write32(a, GPU_REG_VF_CONFIG(vf->index) + GPU_VFCFG_MSIX, control);
}

NTSTATUS DDI_CALL reference_write_virtualized_interrupt(const HANDLE adapter,
                                                        const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status;
    LONG index;

    if (!choice[CHOICE_masked] || !args || (args->WriteValue.MessageAddress & 3) != 0)
        return write_one(adapter, args);
    status = vf_acquire(a, args->vfIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    index = args->InterruptTableIndex;
    if (index < 0 || (ULONG)index >= vf->msix_entries) {
        status = STATUS_INVALID_PARAMETER;
    } else {
        bool reachable = vf->powered && a->power;

        vf->msix[index] = (struct msix_entry){.value = args->WriteValue, .unwritten = !reachable};
        if (reachable)
            write_all(a, vf);
    }
    vf_release(vf);
    return status;
}
