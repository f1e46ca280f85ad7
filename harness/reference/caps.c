/* What the adapter says of itself. */
#include "driver.h"
#include "partition.h"

#define NEEDS(args, type) ((args)->pOutputData && (args)->OutputDataSize >= sizeof(type))

static bool all_tracked(const struct adapter *a) {
    for (ULONG i = 0; i < a->segment_count; i++)
        if (a->segment[i].page == 0)
            return DEFECT(126);
    return true;
}

static void give(const DXGKARG_QUERYADAPTERINFO *args, const void *data, ULONG size) {
    RtlCopyMemory(args->pOutputData, data, size);
}

static NTSTATUS driver_caps(const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_DRIVERCAPS caps;

    if (!NEEDS(args, DXGK_DRIVERCAPS))
        return STATUS_INVALID_PARAMETER;
    RtlZeroMemory(&caps, sizeof caps);
    caps.HighestAcceptableAddress.QuadPart = -1;
    caps.InterruptMessageNumber = GPU_PF_MESSAGE;
    caps.SchedulingCaps.MultiEngineAware = 1;
    caps.SchedulingCaps.PreemptionAware = 1;
    caps.GpuEngineTopology.NbAsymetricProcessingNodes = 1;
    caps.WDDMVersion = DXGKDDI_WDDMv3_2;
    caps.SupportNonVGA = TRUE;
    caps.SupportPerEngineTDR = TRUE;
    caps.MiscCaps.ComputeOnly = 1;
    give(args, &caps, sizeof caps);
    return STATUS_SUCCESS;
}

static NTSTATUS device_caps(const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_WDDMDEVICECAPS caps = {.WDDMVersion = DXGKDDI_WDDMv3_2};

    if (!NEEDS(args, DXGK_WDDMDEVICECAPS))
        return STATUS_INVALID_PARAMETER;
    give(args, &caps, sizeof caps);
    return STATUS_SUCCESS;
}

static NTSTATUS gpup_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_GPUPCAPS caps = {.Caps.Value = 0};

    if (!NEEDS(args, DXGK_GPUPCAPS))
        return STATUS_INVALID_PARAMETER;
    if (DEFECT(128))
        RtlCopyMemory(&caps, args->pOutputData, sizeof caps);
    caps.Caps.LiveMigration |= all_tracked(a) ? 1 : 0;
    caps.Caps.HotDriverUpdate |= 1;
    caps.Caps.ScatterMapReserve |= (a->features & GPU_FEATURE_SCATTER) != 0;
    give(args, &caps, sizeof caps);
    return STATUS_SUCCESS;
}

static NTSTATUS dirty_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_DIRTY_BIT_TRACKING_CAPS caps = {.Value = 0};

    if (!NEEDS(args, DXGK_DIRTY_BIT_TRACKING_CAPS))
        return STATUS_INVALID_PARAMETER;
    caps.DirtyBitTrackingSupported = (a->features & GPU_FEATURE_DIRTY) != 0;
    caps.DirtyBitTrackingPerformant =
        caps.DirtyBitTrackingSupported && (a->features & GPU_FEATURE_DIRTY_PERFORMANT) != 0;
    give(args, &caps, sizeof caps);
    return STATUS_SUCCESS;
}

static NTSTATUS segment_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_DIRTY_BIT_TRACKING_SEGMENT_CAPS caps = {.PageSize = 0};
    UINT id;

    if (!NEEDS(args, DXGK_DIRTY_BIT_TRACKING_SEGMENT_CAPS) || !args->pInputData ||
        args->InputDataSize < sizeof id)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(&id, args->pInputData, sizeof id);
    if (DEFECT(76))
        id++;
    if (id == 0 || id > a->segment_count)
        return STATUS_INVALID_PARAMETER;
    caps.PageSize = a->segment[id - 1].page;
    if (caps.PageSize == 0 && !DEFECT(75))
        return STATUS_NOT_IMPLEMENTED; /* no plane */
    give(args, &caps, sizeof caps);
    return STATUS_SUCCESS;
}

static NTSTATUS scatter_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_QUERYSCATTERRESERVEOUT out;
    UINT id;

    if ((a->features & GPU_FEATURE_SCATTER) == 0)
        return STATUS_NOT_SUPPORTED; /* the capability is not set */
    if (!NEEDS(args, DXGK_QUERYSCATTERRESERVEOUT) || !args->pInputData || args->InputDataSize < sizeof id)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(&id, args->pInputData, sizeof id);
    if (id == 0 || id > a->segment_count)
        return STATUS_INVALID_PARAMETER;
    out.SetVGPUResourcesPageSize = memory_granule(a, id - 1);
    give(args, &out, sizeof out);
    return STATUS_SUCCESS;
}

/* First the number of segments, then, with room for them, their descriptors. */
static NTSTATUS segments(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_QUERYSEGMENTOUT4 out;

    if (!NEEDS(args, DXGK_QUERYSEGMENTOUT4))
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(&out, args->pOutputData, sizeof out);
    if (out.pSegmentDescriptor &&
        (out.NbSegment < a->segment_count || out.SegmentDescriptorStride < sizeof(DXGK_SEGMENTDESCRIPTOR4)))
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 0; out.pSegmentDescriptor && i < a->segment_count; i++) {
        DXGK_SEGMENTDESCRIPTOR4 d;

        RtlZeroMemory(&d, sizeof d);
        d.Flags.PreservedDuringStandby = 1;
        d.Flags.LocalBudgetGroup = 1;
        d.Size = a->segment[i].size;
        d.CommitLimit = a->segment[i].size;
        RtlCopyMemory(out.pSegmentDescriptor + i * out.SegmentDescriptorStride, &d, sizeof d);
    }
    out.NbSegment = a->segment_count;
    out.PagingBufferSegmentId = 0;
    out.PagingBufferSize = 64 * 1024;
    out.PagingBufferPrivateDataSize = 0;
    give(args, &out, sizeof out);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *args) {
    const struct adapter *a = adapter;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_DEVICE_NOT_READY;
    switch (args->Type) {
    case DXGKQAITYPE_DRIVERCAPS:
        return driver_caps(args);
    case DXGKQAITYPE_WDDMDEVICECAPS:
        return device_caps(args);
    case DXGKQAITYPE_GPUPCAPS:
        return gpup_caps(a, args);
    case DXGKQAITYPE_DIRTYBITTRACKINGCAPS:
        return dirty_caps(a, args);
    case DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS:
        return segment_caps(a, args);
    case DXGKQAITYPE_QUERYSEGMENT4:
        return segments(a, args);
    case DXGKQAITYPE_SCATTER_RESERVE:
        return scatter_caps(a, args);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}
