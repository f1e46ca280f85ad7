/* What the adapter says of itself. */
#include "driver.h"

static NTSTATUS answer(const DXGKARG_QUERYADAPTERINFO *args, const void *data, ULONG size) {
    if (!args->pOutputData)
        return STATUS_INVALID_PARAMETER;
    if (args->OutputDataSize < size)
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(args->pOutputData, data, size);
    return STATUS_SUCCESS;
}

static NTSTATUS driver_caps(const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_DRIVERCAPS caps;

    RtlZeroMemory(&caps, sizeof caps);
    caps.HighestAcceptableAddress.QuadPart = -1;
    caps.SchedulingCaps.MultiEngineAware = 1;
    caps.GpuEngineTopology.NbAsymetricProcessingNodes = 1;
    caps.WDDMVersion = DXGKDDI_WDDMv3_2;
    caps.SupportNonVGA = TRUE;
    caps.SupportSurpriseRemoval = TRUE;
    caps.MiscCaps.ComputeOnly = 1;
    return answer(args, &caps, sizeof caps);
}

static ULONG tracked(const struct adapter *a) {
    ULONG segments = 0;

    for (ULONG i = 0; i < a->segments; i++)
        segments += a->segment[i].page != 0;
    return segments;
}

static NTSTATUS gpup_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_GPUPCAPS caps = {.Caps.Value = 0};

    caps.Caps.HotDriverUpdate = 1;
    caps.Caps.LiveMigration = tracked(a) == a->segments;
    caps.Caps.ScatterMapReserve = 1;
    return answer(args, &caps, sizeof caps);
}

static NTSTATUS dirty_caps(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args) {
    DXGK_DIRTY_BIT_TRACKING_CAPS caps = {.Value = 0};

    caps.DirtyBitTrackingSupported = tracked(a) != 0;
    caps.DirtyBitTrackingPerformant = tracked(a) != 0 && a->tracking_free;
    return answer(args, &caps, sizeof caps);
}

/* The segment that a query is about, from 0. */
static bool segment_of(const struct adapter *a, const DXGKARG_QUERYADAPTERINFO *args, UINT *segment) {
    if (!args->pInputData || args->InputDataSize < sizeof *segment)
        return false;
    RtlCopyMemory(segment, args->pInputData, sizeof *segment);
    return (*segment)-- != 0 && *segment < a->segments;
}

NTSTATUS DDI_CALL second_query_adapter_info(const HANDLE adapter, const DXGKARG_QUERYADAPTERINFO *args) {
    const struct adapter *a = adapter;
    DXGK_DIRTY_BIT_TRACKING_SEGMENT_CAPS tracking = {0};
    DXGK_WDDMDEVICECAPS device = {.WDDMVersion = DXGKDDI_WDDMv3_2};
    DXGK_QUERYSCATTERRESERVEOUT reserve;
    UINT segment;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_DEVICE_NOT_READY;
    switch (args->Type) {
    case DXGKQAITYPE_DRIVERCAPS:
        return driver_caps(args);
    case DXGKQAITYPE_WDDMDEVICECAPS:
        return answer(args, &device, sizeof device);
    case DXGKQAITYPE_GPUPCAPS:
        return gpup_caps(a, args);
    case DXGKQAITYPE_DIRTYBITTRACKINGCAPS:
        return dirty_caps(a, args);
    case DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS:
        if (!segment_of(a, args, &segment))
            return STATUS_INVALID_PARAMETER;
        tracking.PageSize = a->segment[segment].page;
        return tracking.PageSize ? answer(args, &tracking, sizeof tracking) : STATUS_NOT_IMPLEMENTED;
    case DXGKQAITYPE_SCATTER_RESERVE:
        if (!segment_of(a, args, &segment))
            return STATUS_INVALID_PARAMETER;
        reserve.SetVGPUResourcesPageSize = granule(a, segment);
        return answer(args, &reserve, sizeof reserve);
    default:
        return STATUS_NOT_SUPPORTED;
    }
}
