/* The mitigable-device interface: pages of the MSI-X table, which the host must intercept. The Pending Bit
 * Array is read-only and may be read by the guest. */
#include "driver.h"

struct pages {
    ULONG bar;
    UINT64 first, count;
};

static struct pages pages_of(ULONG place, UINT64 bytes) {
    UINT64 offset = place & ~7u, last = (offset + bytes - 1) / PAGE_SIZE;

    return (struct pages){place & 7, offset / PAGE_SIZE, last - offset / PAGE_SIZE + 1};
}

/* The table lies in one range; false: there is none to be had. */
static bool find_range(const struct adapter *a, ULONG vf, struct pages *out) {
    UINT64 entries;
    ULONG control, place;

    if (!a || !a->started || !a->power || vf >= a->partitions)
        return false;
    control = DEFECT(33) ? GPU_PF_MESSAGES - 1u : vf_config(a, vf, GPU_VFCFG_MSIX) >> 16;
    entries = (control & GPU_MSIX_CONTROL_SIZE) + 1;
    place = DEFECT(33) ? 4 : vf_config(a, vf, GPU_VFCFG_MSIX + 4);
    if (place == MAXULONG) /* the part is gone */
        return false;
    *out = pages_of(place, entries * 16);
    return true;
}

VOID DDI_CALL reference_query_mitigated_range_count(HANDLE context, DXGKARG_QUERYMITIGATEDRANGECOUNT *args) {
    struct pages range;

    if (!args)
        return;
    RtlZeroMemory(args->RangeCount, sizeof args->RangeCount);
    if (find_range(context, args->VirtualFunctionIndex, &range))
        args->RangeCount[range.bar] = 1;
}

NTSTATUS DDI_CALL reference_query_mitigated_ranges(HANDLE context, DXGKARG_QUERYMITIGATEDRANGES *args) {
    const struct adapter *a = context;
    DXGK_MITIGATEDRANGEINFO range;
    struct pages pages;

    if (!a || !args || args->BarIndex >= DXGK_MAX_NUM_PCI_BARS || args->VirtualFunctionIndex >= a->partitions)
        return STATUS_INVALID_PARAMETER;
    if (!find_range(a, args->VirtualFunctionIndex, &pages) || pages.bar != args->BarIndex)
        return STATUS_SUCCESS;
    if (args->NumRanges == 0)
        return STATUS_BUFFER_TOO_SMALL;
    if (!args->pMitigatedRange)
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(&range, sizeof range); /* what lies between its members, too */
    range.BasePageNumber = pages.first;
    range.PageCount = (ULONG)pages.count;
    range.InterceptReads = TRUE;
    range.InterceptWrites = TRUE;
    RtlCopyMemory(args->pMitigatedRange, &range, sizeof range);
    return STATUS_SUCCESS;
}
