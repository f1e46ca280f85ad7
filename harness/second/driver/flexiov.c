/*
 * The FlexIOV interface: each BAR of a VF page by page. A BAR is its own backing resource; only the pages of
 * the MSI-X table are intercepted. So no mitigable device interface is needed, and GetResourceForBar is not
 * called.
 */
#include "driver.h"

#define RESOURCES 32u
#define MAX_RANGES 3u

/* The resource of a BAR: its order among the BARs there are. */
static ULONG resource_of(const struct adapter *a, ULONG bar) {
    ULONG number = 0;

    for (ULONG i = 0; i < bar; i++)
        number += bar_size(a, i) != 0;
    return number;
}

/* Up to three ranges: before the table, the table, behind it. */
static ULONG find_ranges(const struct adapter *a, const struct vf *vf, ULONG bar, DXGK_MMIORANGEINFO *out) {
    ULONG table = get_config(a, vf->index, SECOND_VFCFG_MSIX + 4), count = 0;
    UINT64 pages = bar_size(a, bar) / PAGE_SIZE, cut[4] = {0, pages, pages, pages};

    if ((table & 7) == bar) {
        cut[1] = (table & ~7u) / PAGE_SIZE;
        cut[2] = ((table & ~7u) + (UINT64)vf->entries * 16 + PAGE_SIZE - 1) / PAGE_SIZE;
    }
    for (ULONG i = 0; i < MAX_RANGES; i++) {
        bool intercept = i == 1;

        if (cut[i] == cut[i + 1])
            continue;
        RtlZeroMemory(&out[count], sizeof *out);
        out[count].BasePageNumber = cut[i];
        out[count].BasePhysicalPageNumber = cut[i];
        out[count].BasePhysicalResourceNumber = (UCHAR)resource_of(a, bar);
        out[count].InterceptReads = out[count].InterceptWrites = intercept;
        out[count++].PageCount = (ULONG)(cut[i + 1] - cut[i]);
    }
    return count;
}

NTSTATUS DDI_CALL second_get_mmio_range_count(HANDLE context, DXGKARG_GETMMIORANGECOUNT *args) {
    struct adapter *a = context;
    DXGK_MMIORANGEINFO ranges[MAX_RANGES];
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->VirtualFunctionIndex, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = present(a);
    for (ULONG bar = 0; NT_SUCCESS(status) && bar < DXGK_MAX_NUM_PCI_BARS; bar++)
        args->RangeCount[bar] = find_ranges(a, vf, bar, ranges);
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_get_mmio_ranges(HANDLE context, DXGKARG_GETMMIORANGES *args) {
    struct adapter *a = context;
    DXGK_MMIORANGEINFO ranges[MAX_RANGES];
    struct vf *vf;
    ULONG count;
    NTSTATUS status = args && args->BarIndex < DXGK_MAX_NUM_PCI_BARS
                          ? enter_vf(a, args->VirtualFunctionIndex, &vf)
                          : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = present(a);
    count = NT_SUCCESS(status) ? find_ranges(a, vf, args->BarIndex, ranges) : 0;
    leave(a);
    if (NT_SUCCESS(status) && args->NumRanges < count)
        return STATUS_BUFFER_TOO_SMALL;
    if (count && !args->pMmioRanges)
        return STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status) && count)
        RtlCopyMemory(args->pMmioRanges, ranges, count * sizeof *ranges);
    return status;
}

NTSTATUS DDI_CALL second_get_backing_resource(HANDLE context, DXGKARG_GETBACKINGRESOURCE *args) {
    struct adapter *a = context;
    CM_PARTIAL_RESOURCE_DESCRIPTOR resource;
    struct vf *vf;
    NTSTATUS status = args && args->Resource && args->ResourceIndex < RESOURCES
                          ? enter_vf(a, args->VirtualFunctionIndex, &vf)
                          : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    RtlZeroMemory(&resource, sizeof resource); /* CmResourceTypeNull: the index is not used */
    for (ULONG bar = 0; bar < DXGK_MAX_NUM_PCI_BARS; bar++) {
        if (!bar_size(a, bar) || resource_of(a, bar) != args->ResourceIndex)
            continue;
        resource.Type = CmResourceTypeMemory;
        resource.ShareDisposition = CmResourceShareDeviceExclusive;
        resource.u.Memory.Start.QuadPart = (LONGLONG)bar_address(a, vf->index, bar);
        resource.u.Memory.Length = (ULONG)bar_size(a, bar);
    }
    RtlCopyMemory(args->Resource, &resource, sizeof resource);
    args->pMdl = NULL; /* never memory of the host */
    leave(a);
    return STATUS_SUCCESS;
}
