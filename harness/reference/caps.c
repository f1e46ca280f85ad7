/* What the adapter says of itself. */
#include "driver.h"
#include "partition.h"

/* No display, one engine; on the newest model. */
static const DXGK_DRIVERCAPS driver_caps = {.HighestAcceptableAddress.QuadPart = -1,
                                            .InterruptMessageNumber = GPU_PF_MESSAGE,
                                            .SchedulingCaps.MultiEngineAware = 1,
                                            .SchedulingCaps.PreemptionAware = 1,
                                            .GpuEngineTopology.NbAsymetricProcessingNodes = 1,
                                            .WDDMVersion = DXGKDDI_WDDMv3_2,
                                            .SupportNonVGA = TRUE,
                                            .SupportPerEngineTDR = TRUE,
                                            .MiscCaps.ComputeOnly = 1};
static const DXGK_WDDMDEVICECAPS device_caps = {.WDDMVersion = DXGKDDI_WDDMv3_2};
static const DXGK_GPUPCAPS always = {.Caps.HotDriverUpdate = 1};

static bool all_tracked(const struct adapter *a) {
    for (ULONG i = 0; i < a->segment_count; i++)
        if (a->segment[i].page == 0)
            return DEFECT(126);
    return true;
}

/* Behind each answer; the size is that of its structure. */
static NTSTATUS give(const DXGKARG_QUERYADAPTERINFO *args, const void *data, ULONG size) {
    if (!args->pOutputData || args->OutputDataSize < size)
        return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(args->pOutputData, data, size);
    return STATUS_SUCCESS;
}

static NTSTATUS gpup_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_GPUPCAPS caps = always;

    if (DEFECT(128) && args->OutputDataSize >= sizeof caps) {
        RtlCopyMemory(&caps, args->pOutputData, sizeof caps);
        caps.Caps.Value |= always.Caps.Value;
    }
    caps.Caps.LiveMigration |= all_tracked(a);
    caps.Caps.ScatterMapReserve |= (a->features & GPU_FEATURE_SCATTER) != 0;
    return give(args, &caps, sizeof caps);
}

static NTSTATUS dirty_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_DIRTY_BIT_TRACKING_CAPS caps = {.DirtyBitTrackingSupported = (a->features & GPU_FEATURE_DIRTY) != 0,
                                         .DirtyBitTrackingPerformant =
                                             (a->features & GPU_FEATURE_DIRTY_PERFORMANT) != 0};

    caps.DirtyBitTrackingPerformant &= caps.DirtyBitTrackingSupported;
    return give(args, &caps, sizeof caps);
}

/* The segment that a query is about: ids count from one. NULL: none of the adapter's. */
static const struct segment *segment_of(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    UINT id;

    if (!args->pInputData || args->InputDataSize < sizeof id)
        return NULL;
    RtlCopyMemory(&id, args->pInputData, sizeof id);
    id -= !DEFECT(76);
    return id < a->segment_count ? &a->segment[id] : NULL;
}

static NTSTATUS segment_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_DIRTY_BIT_TRACKING_SEGMENT_CAPS caps;
    const struct segment *segment = segment_of(a, args);

    if (!segment)
        return STATUS_INVALID_PARAMETER;
    caps.PageSize = segment->page;
    if (caps.PageSize == 0 && !DEFECT(75))
        return STATUS_NOT_IMPLEMENTED; /* no plane */
    return give(args, &caps, sizeof caps);
}

static NTSTATUS scatter_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_QUERYSCATTERRESERVEOUT out;
    const struct segment *segment = segment_of(a, args);

    if ((a->features & GPU_FEATURE_SCATTER) == 0)
        return STATUS_NOT_SUPPORTED; /* the capability is not set */
    if (!segment)
        return STATUS_INVALID_PARAMETER;
    out.SetVGPUResourcesPageSize = memory_granule(a, (ULONG)(segment - a->segment));
    return give(args, &out, sizeof out);
}

/* Those of the queries that partitioning needs; a display miniport answers more, segments first of all. */
NTSTATUS DDI_CALL reference_query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *args) {
    const struct adapter *a = adapter;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_DEVICE_NOT_READY;
    switch (args->Type) {
    case DXGKQAITYPE_DRIVERCAPS:
        return give(args, &driver_caps, sizeof driver_caps);
    case DXGKQAITYPE_WDDMDEVICECAPS:
        return give(args, &device_caps, sizeof device_caps);
    case DXGKQAITYPE_GPUPCAPS:
        return gpup_caps(a, args);
    case DXGKQAITYPE_DIRTYBITTRACKINGCAPS:
        return dirty_caps(a, args);
    case DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS:
        return segment_caps(a, args);
    case DXGKQAITYPE_SCATTER_RESERVE:
        return scatter_caps(a, args);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}
