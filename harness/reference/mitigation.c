/* The mitigable-device interface: pages of the MSI-X table and of the Pending Bit Array, which the host must
 * intercept. */
#include "driver.h"

struct pages {
    ULONG bar;
    UINT64 first, count;
};

static struct pages pages_of(ULONG place, UINT64 bytes) {
    UINT64 offset = place & ~7u, last = (offset + bytes - 1) / PAGE_SIZE;

    return (struct pages){place & 7, offset / PAGE_SIZE, last - offset / PAGE_SIZE + 1};
}

/* At most two ranges; one when both lie in one BAR and meet. Returns how many. */
static ULONG find_ranges(const struct adapter *a, ULONG vf, struct pages out[2]) {
    UINT64 entries;
    ULONG control;

    if (!a || !a->started || !a->power || vf >= a->partitions)
        return 0;
    control = DEFECT(33) ? GPU_PF_MESSAGES - 1u : vf_config(a, vf, GPU_VFCFG_MSIX) >> 16;
    entries = (control & GPU_MSIX_CONTROL_SIZE) + 1;
    if (DEFECT(33)) {
        out[0] = pages_of(4, entries * 16);
        return 1;
    }
    if (control == 0xFFFF)
        return 0;
    out[0] = pages_of(vf_config(a, vf, GPU_VFCFG_MSIX + 4), entries * 16);
    out[1] = pages_of(vf_config(a, vf, GPU_VFCFG_MSIX + 8), (entries + 63) / 64 * 8);
    if (out[0].bar != out[1].bar || out[0].first > out[1].first + out[1].count ||
        out[1].first > out[0].first + out[0].count)
        return 2;
    UINT64 end0 = out[0].first + out[0].count, end1 = out[1].first + out[1].count;
    out[0].first = out[0].first < out[1].first ? out[0].first : out[1].first;
    out[0].count = (end0 > end1 ? end0 : end1) - out[0].first;
    return 1;
}

VOID DDI_CALL reference_query_mitigated_range_count(HANDLE context, DXGKARG_QUERYMITIGATEDRANGECOUNT *args) {
    struct pages ranges[2];
    ULONG count;

    if (!args)
        return;
    for (ULONG bar = 0; bar < DXGK_MAX_NUM_PCI_BARS; bar++)
        args->RangeCount[bar] = 0;
    count = find_ranges(context, args->VirtualFunctionIndex, ranges);
    for (ULONG i = 0; i < count; i++)
        if (ranges[i].bar < DXGK_MAX_NUM_PCI_BARS)
            args->RangeCount[ranges[i].bar]++;
}

NTSTATUS DDI_CALL reference_query_mitigated_ranges(HANDLE context, DXGKARG_QUERYMITIGATEDRANGES *args) {
    const struct adapter *a = context;
    struct pages ranges[2];
    ULONG count, found = 0;

    if (!a || !args || args->BarIndex >= DXGK_MAX_NUM_PCI_BARS || args->VirtualFunctionIndex >= a->partitions)
        return STATUS_INVALID_PARAMETER;
    count = find_ranges(a, args->VirtualFunctionIndex, ranges);
    for (ULONG i = 0; i < count; i++)
        found += ranges[i].bar == args->BarIndex;
    if (args->NumRanges < found)
        return STATUS_BUFFER_TOO_SMALL;
    if (found && !args->pMitigatedRange)
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0, to = 0; i < count; i++) {
        DXGK_MITIGATEDRANGEINFO range;

        if (ranges[i].bar != args->BarIndex)
            continue;
        RtlZeroMemory(&range, sizeof range);
        range.BasePageNumber = ranges[i].first;
        range.PageCount = (ULONG)ranges[i].count;
        range.InterceptReads = TRUE;
        range.InterceptWrites = TRUE;
        RtlCopyMemory(&args->pMitigatedRange[to++], &range, sizeof range);
    }
    return STATUS_SUCCESS;
}
