/*
 * Adapter capabilities, segments and interrupt notification (d3dkmddi.h, d3dkmdt.h).
 *
 * What an adapter tells Dxgkrnl besides the GPU-P queries: DXGK_DRIVERCAPS in its newest form (592 bytes;
 * Dxgkrnl asks for fewer when the driver registered an older version), the segment list of
 * DXGKQAITYPE_QUERYSEGMENT4, and the argument of DxgkCbNotifyInterrupt. Follows the pages named at each type.
 * Included by ddi/d3dkmddi.h, and steps aside like it (_D3DKMDDI_H_).
 */
#ifndef GPUP_DDI_D3DKMDDI_CAPS_H
#define GPUP_DDI_D3DKMDDI_CAPS_H

#include "ddi/wdmtypes.h"

#ifndef _D3DKMDDI_H_

typedef UINT64 D3DGPU_VIRTUAL_ADDRESS;
typedef UINT D3DDDI_VIDEO_PRESENT_TARGET_ID;

#define DXGK_MAX_ASYMETRICAL_PROCESSING_NODES 64
#define DXGK_MAX_METADATA_NAME_LENGTH 32

/* DXGK_WDDMVERSION enumeration */
typedef enum _DXGK_WDDMVERSION {
    DXGKDDI_WDDMv1 = 0x1000,
    DXGKDDI_WDDMv1_2 = 0x1200,
    DXGKDDI_WDDMv1_3 = 0x1300,
    DXGKDDI_WDDMv2 = 0x2000,
    DXGKDDI_WDDMv2_1 = 0x2100,
    DXGKDDI_WDDMv2_1_5 = 0x2105,
    DXGKDDI_WDDMv2_1_6 = 0x2106,
    DXGKDDI_WDDMv2_2 = 0x2200,
    DXGKDDI_WDDMv2_3 = 0x2300,
    DXGKDDI_WDDMv2_4 = 0x2400,
    DXGKDDI_WDDMv2_5 = 0x2500,
    DXGKDDI_WDDMv2_6 = 0x2600,
    DXGKDDI_WDDMv2_7 = 0x2700,
    DXGKDDI_WDDMv2_8 = 0x2800,
    DXGKDDI_WDDMv2_9 = 0x2900,
    DXGKDDI_WDDMv3_0 = 0x3000,
    DXGKDDI_WDDMv3_1 = 0x3100,
    DXGKDDI_WDDMv3_2 = 0x3200,
    DXGKDDI_WDDM_LATEST = DXGKDDI_WDDMv3_2
} DXGK_WDDMVERSION;

/* DXGK_ENGINE_TYPE enumeration (d3dkmdt.h) */
typedef enum _DXGK_ENGINE_TYPE {
    DXGK_ENGINE_TYPE_OTHER = 0,
    DXGK_ENGINE_TYPE_3D = 1,
    DXGK_ENGINE_TYPE_VIDEO_DECODE = 2,
    DXGK_ENGINE_TYPE_VIDEO_ENCODE = 3,
    DXGK_ENGINE_TYPE_VIDEO_PROCESSING = 4,
    DXGK_ENGINE_TYPE_SCENE_ASSEMBLY = 5,
    DXGK_ENGINE_TYPE_COPY = 6,
    DXGK_ENGINE_TYPE_OVERLAY = 7,
    DXGK_ENGINE_TYPE_CRYPTO = 8,
    DXGK_ENGINE_TYPE_VIDEO_CODEC = 9,
    DXGK_ENGINE_TYPE_MAX = 10
} DXGK_ENGINE_TYPE;

/* DXGK_POINTERFLAGS structure */
typedef struct DDI_STRUCT _DXGK_POINTERFLAGS {
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT Monochrome : 1;
            UINT Color : 1;
            UINT MaskedColor : 1;
            UINT Reserved : 29;
        };
        UINT Value;
    };
} DXGK_POINTERFLAGS;

/* DXGK_GAMMARAMPCAPS structure */
typedef struct DDI_STRUCT _DXGK_GAMMARAMPCAPS {
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT Gamma_Rgb256x3x16 : 1;
            UINT Reserved : 31;
        };
        UINT Value;
    };
} DXGK_GAMMARAMPCAPS;

/* DXGK_PRESENTATIONCAPS structure; its bits concern presentation and are not named here. */
typedef struct DDI_STRUCT _DXGK_PRESENTATIONCAPS {
    UINT Value;
} DXGK_PRESENTATIONCAPS;

/* DXGK_FLIPCAPS structure */
typedef struct DDI_STRUCT _DXGK_FLIPCAPS {
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT FlipOnVSyncWithNoWait : 1;
            UINT FlipOnVSyncMmIo : 1;
            UINT FlipInterval : 1;
            UINT FlipImmediateMmIo : 1;
            UINT FlipIndependent : 1;
            UINT DdiPresentForIFlip : 1;
            UINT FlipImmediateOnHSync : 1;
            UINT Reserved : 25;
        };
        UINT Value;
    };
} DXGK_FLIPCAPS;

/* DXGK_VIDSCHCAPS structure */
typedef struct DDI_STRUCT _DXGK_VIDSCHCAPS {
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT MultiEngineAware : 1;
            UINT VSyncPowerSaveAware : 1;
            UINT PreemptionAware : 1;
            UINT NoDmaPatching : 1;
            UINT CancelCommandAware : 1;
            UINT No64BitAtomics : 1;
            UINT LowIrqlPreemptCommand : 1;
            UINT HwQueuePacketCap : 4;
            UINT NativeGpuFence : 1;
            UINT OptimizedNativeFenceSignaledInterrupt : 1;
            UINT Reserved : 19;
        };
        UINT Value;
    };
} DXGK_VIDSCHCAPS;

/* DXGK_VIDMMCAPS structure */
typedef struct DDI_STRUCT _DXGK_VIDMMCAPS {
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT OutOfOrderLock : 1;
            UINT DedicatedPagingEngine : 1;
            UINT PagingEngineCanSwizzle : 1;
            UINT SectionBackedPrimary : 1;
            UINT CrossAdapterResource : 1;
            UINT VirtualAddressingSupported : 1;
            UINT GpuMmuSupported : 1;
            UINT IoMmuSupported : 1;
            UINT ReplicateGdiContent : 1;
            UINT NonCpuVisiblePrimary : 1;
            UINT ParavirtualizationSupported : 1;
            UINT IoMmuSecureModeSupported : 1;
            UINT DisableSelfRefreshVRAMInS3 : 1;
            UINT IoMmuSecureModeRequired : 1;
            UINT MapAperture2Supported : 1;
            UINT CrossAdapterResourceTexture : 1;
            UINT CrossAdapterResourceScanout : 1;
            UINT AlwaysPoweredVRAM : 1;
            UINT Reserved : 14;
        };
        UINT Value;
    };
    UINT PagingNode;
} DXGK_VIDMMCAPS;

/* DXGK_GPUENGINETOPOLOGY structure */
typedef struct DDI_STRUCT _DXGK_GPUENGINETOPOLOGY {
    UINT NbAsymetricProcessingNodes;
    UINT Reserved[DXGK_MAX_ASYMETRICAL_PROCESSING_NODES];
} DXGK_GPUENGINETOPOLOGY;

/* D3DKMDT_PREEMPTION_CAPS structure (d3dkmdt.h); both members are 32-bit enumerations, 0 meaning none. */
typedef struct DDI_STRUCT _D3DKMDT_PREEMPTION_CAPS {
    UINT GraphicsPreemptionGranularity;
    UINT ComputePreemptionGranularity;
} D3DKMDT_PREEMPTION_CAPS;

/* DXGK_HWQUEUEDFLIP_CAPS structure */
typedef struct DDI_STRUCT _DXGK_HWQUEUEDFLIP_CAPS {
    UINT Value;
} DXGK_HWQUEUEDFLIP_CAPS;

/*
 * DXGK_DRIVERCAPS structure. The two deprecated members between WDDMVersion and PreemptionCaps are documented
 * by name only; they are one reserved block here, whose size follows from the offsets around it.
 */
typedef struct DDI_STRUCT _DXGK_DRIVERCAPS {
    PHYSICAL_ADDRESS HighestAcceptableAddress;
    UINT MaxAllocationListSlotId;
    SIZE_T ApertureSegmentCommitLimit;
    UINT MaxPointerWidth;
    UINT MaxPointerHeight;
    DXGK_POINTERFLAGS PointerCaps;
    UINT InterruptMessageNumber;
    UINT NumberOfSwizzlingRanges;
    UINT MaxOverlays;
    DXGK_GAMMARAMPCAPS GammaRampCaps; /* shares its place with ColorTransformCaps */
    DXGK_PRESENTATIONCAPS PresentationCaps;
    UINT MaxQueuedFlipOnVSync;
    DXGK_FLIPCAPS FlipCaps;
    DXGK_VIDSCHCAPS SchedulingCaps;
    DXGK_VIDMMCAPS MemoryManagementCaps;
    DXGK_GPUENGINETOPOLOGY GpuEngineTopology;
    DXGK_WDDMVERSION WDDMVersion;
    UINT Reserved[47];
    D3DKMDT_PREEMPTION_CAPS PreemptionCaps;
    BOOLEAN SupportNonVGA;
    BOOLEAN SupportSmoothRotation;
    BOOLEAN SupportPerEngineTDR;
    BOOLEAN SupportDirectFlip;
    BOOLEAN SupportMultiPlaneOverlay;
    BOOLEAN SupportRuntimePowerManagement;
    BOOLEAN SupportSurpriseRemovalInHibernation;
    BOOLEAN HybridDiscrete;
    UINT MaxOverlayPlanes;
    BOOLEAN HybridIntegrated;
    D3DGPU_VIRTUAL_ADDRESS InternalGpuVirtualAddressRangeStart;
    D3DGPU_VIRTUAL_ADDRESS InternalGpuVirtualAddressRangeEnd;
    BOOLEAN SupportSurpriseRemoval;
    BOOLEAN SupportMultiPlaneOverlayImmediateFlip;
    BOOLEAN CursorScaledWithMultiPlaneOverlayPlane0;
    BOOLEAN HybridAcpiChainingRequired;
    UINT MaxQueuedMultiPlaneOverlayFlipVSync;
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT SupportContextlessPresent : 1;
            UINT Detachable : 1;
            UINT VirtualGpuOnly : 1;
            UINT ComputeOnly : 1;
            UINT IndependentVidPnVSyncControl : 1;
            UINT NoHybridDiscreteDListDllSupport : 1;
            UINT DisplayableSupport : 1;
            UINT NoHybridDiscreteDListDllMuxSupport : 1;
            UINT CursorDoesNotSupportXorBlendWithMultiPlaneOverlay : 1;
            UINT TestOnly : 1;
            UINT Reserved : 22;
        };
        UINT Value;
    } MiscCaps;
    UINT MaxHwQueuedFlips;
    DXGK_HWQUEUEDFLIP_CAPS HwQueuedFlipCaps;
} DXGK_DRIVERCAPS, *PDXGK_DRIVERCAPS;

/* DXGK_WDDMDEVICECAPS structure */
typedef struct DDI_STRUCT _DXGK_WDDMDEVICECAPS {
    DXGK_WDDMVERSION WDDMVersion;
} DXGK_WDDMDEVICECAPS;

/* DXGK_IOMMU_CAPS structure */
typedef struct DDI_STRUCT _DXGK_IOMMU_CAPS {
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT32 IommuIsolationSupported : 1;
            UINT32 IommuIsolationRequired : 1;
            UINT32 DmaRemappingSupported : 1;
            UINT32 GpuVaIommuRequired : 1;
            UINT32 GpuVaIommuGlobalRequired : 1;
            UINT32 Reserved : 27;
        };
        UINT32 Value;
    };
} DXGK_IOMMU_CAPS;

/* DXGK_SEGMENTFLAGS structure */
typedef struct DDI_STRUCT _DXGK_SEGMENTFLAGS {
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT Aperture : 1;
            UINT Agp : 1;
            UINT CpuVisible : 1;
            UINT UseBanking : 1;
            UINT CacheCoherent : 1;
            UINT PitchAlignment : 1;
            UINT PopulatedFromSystemMemory : 1;
            UINT PreservedDuringStandby : 1;
            UINT PreservedDuringHibernate : 1;
            UINT PartiallyPreservedDuringHibernate : 1;
            UINT DirectFlip : 1;
            UINT Use64KBPages : 1;
            UINT ReservedSysMem : 1;
            UINT SupportsCpuHostAperture : 1;
            UINT SupportsCachedCpuHostAperture : 1;
            UINT ApplicationTarget : 1;
            UINT VprSupported : 1;
            UINT VprPreservedDuringStandby : 1;
            UINT EncryptedPagingSupported : 1;
            UINT LocalBudgetGroup : 1;
            UINT NonLocalBudgetGroup : 1;
            UINT PopulatedByReservedDDRByFirmware : 1;
            UINT Reserved : 10;
        };
        UINT Value;
    };
} DXGK_SEGMENTFLAGS;

/* DXGK_CPUHOSTAPERTURE structure */
typedef struct DDI_STRUCT _DXGK_CPUHOSTAPERTURE {
    UINT64 PhysicalAddress;
    UINT32 SizeInPages;
} DXGK_CPUHOSTAPERTURE;

/* DXGK_SEGMENTDESCRIPTOR4 structure; offsets computed from the page, not checked against a second source. */
typedef struct DDI_STRUCT _DXGK_SEGMENTDESCRIPTOR4 {
    DXGK_SEGMENTFLAGS Flags;
    PHYSICAL_ADDRESS BaseAddress;
    SIZE_T Size;
    SIZE_T CommitLimit;
    SIZE_T SystemMemoryEndAddress;
    union DDI_STRUCT {
        PHYSICAL_ADDRESS CpuTranslatedAddress;
        DXGK_CPUHOSTAPERTURE CpuHostAperture;
    };
    UINT NumInvalidMemoryRanges;
    SIZE_T VprRangeStartOffset;
    SIZE_T VprRangeSize;
    UINT VprAlignment;
    UINT NumVprSupported;
    UINT VprReserveSize;
    UINT NumUEFIFrameBufferRanges;
} DXGK_SEGMENTDESCRIPTOR4;

/* DXGK_QUERYSEGMENTIN4 structure */
typedef struct DDI_STRUCT _DXGK_QUERYSEGMENTIN4 {
    UINT PhysicalAdapterIndex;
} DXGK_QUERYSEGMENTIN4;

/*
 * DXGK_QUERYSEGMENTOUT4 structure. First call: pSegmentDescriptor NULL, the driver returns NbSegment. Second
 * call: NbSegment descriptors, SegmentDescriptorStride bytes apart. Segments are numbered from 1 in list
 * order.
 */
typedef struct DDI_STRUCT _DXGK_QUERYSEGMENTOUT4 {
    UINT NbSegment;
    BYTE *pSegmentDescriptor;
    UINT PagingBufferSegmentId;
    UINT PagingBufferSize;
    UINT PagingBufferPrivateDataSize;
    SIZE_T SegmentDescriptorStride;
} DXGK_QUERYSEGMENTOUT4;

/* DXGK_INTERRUPT_TYPE enumeration, the kinds an adapter without display can report */
typedef enum _DXGK_INTERRUPT_TYPE {
    DXGK_INTERRUPT_DMA_COMPLETED = 1,
    DXGK_INTERRUPT_DMA_PREEMPTED = 2,
    DXGK_INTERRUPT_CRTC_VSYNC = 3,
    DXGK_INTERRUPT_DMA_FAULTED = 4,
    DXGK_INTERRUPT_DMA_PAGE_FAULTED = 9,
    DXGK_INTERRUPT_MONITORED_FENCE_SIGNALED = 11,
    DXGK_INTERRUPT_HWQUEUE_PAGE_FAULTED = 12,
    DXGK_INTERRUPT_HWCONTEXTLIST_SWITCH_COMPLETED = 13,
    DXGK_INTERRUPT_SCHEDULING_LOG_INTERRUPT = 15,
    DXGK_INTERRUPT_GPU_ENGINE_TIMEOUT = 16,
    DXGK_INTERRUPT_SUSPEND_CONTEXT_COMPLETED = 17,
    DXGK_INTERRUPT_NATIVE_FENCE_SIGNALED = 19,
    DXGK_INTERRUPT_GPU_ENGINE_STATE_CHANGE = 20
} DXGK_INTERRUPT_TYPE;

/*
 * DXGKARGCB_NOTIFY_INTERRUPT_DATA structure, with the members a GPU-P driver can need. The union takes 64
 * bytes (its Reserved member) at an 8-byte boundary; the offset of Flags follows from that.
 */
typedef struct DDI_STRUCT _DXGKARGCB_NOTIFY_INTERRUPT_DATA {
    DXGK_INTERRUPT_TYPE InterruptType;
    union DDI_STRUCT {
        struct DDI_STRUCT {
            UINT SubmissionFenceId;
            UINT NodeOrdinal;
            UINT EngineOrdinal;
        } DmaCompleted;
        struct DDI_STRUCT {
            UINT PreemptionFenceId;
            UINT LastCompletedFenceId;
            UINT NodeOrdinal;
            UINT EngineOrdinal;
        } DmaPreempted;
        struct DDI_STRUCT {
            UINT FaultedFenceId;
            NTSTATUS Status;
            UINT NodeOrdinal;
            UINT EngineOrdinal;
        } DmaFaulted;
        struct DDI_STRUCT {
            UINT NodeOrdinal;
            UINT EngineOrdinal;
        } MonitoredFenceSignaled;
        struct DDI_STRUCT {
            UINT NodeOrdinal;
            UINT EngineOrdinal;
        } GpuEngineTimeout;
        struct DDI_STRUCT {
            HANDLE hContext;
            UINT64 ContextSuspendFence;
        } SuspendContextCompleted;
        struct DDI_STRUCT {
            UINT Reserved[16];
        } Reserved;
    };
    UINT Flags; /* bit 0 ValidPhysicalAdapterMask, 1 HsyncFlipCompletion, 2 EvaluateLegacyMonitoredFences */
} DXGKARGCB_NOTIFY_INTERRUPT_DATA;

#endif /* _D3DKMDDI_H_ */
#endif
