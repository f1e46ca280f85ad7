/*
 * The entry table and the port driver functions of dispmprt.h.
 *
 * DRIVER_INITIALIZATION_DATA with all 192 slots of WDDM 3.2, the version constants that say how many of them
 * count, and the adapter-level DDIs of the display port driver. Slots whose DDI is in scope are typed; the
 * others are DXGKDDI_UNTYPED, so a driver fills them with a cast and this suite never calls them; reserved
 * slots stay NULL. The callbacks are in ddi/dispmprt_callbacks.h, the GPU-P interfaces in
 * ddi/dispmprt_gpup.h; both are included. Follows the DRIVER_INITIALIZATION_DATA page (24H2 revision) and the
 * DXGKDDI_* pages. Steps aside when the WDK's header is present (_DISPMPRT_H_).
 */
#ifndef GPUP_DDI_DISPMPRT_H
#define GPUP_DDI_DISPMPRT_H

#include "ddi/d3dkmddi.h"
#include "ddi/dispmprt_callbacks.h"
#include "ddi/dispmprt_gpup.h"
#include "ddi/video.h"

#ifndef _DISPMPRT_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Values of DRIVER_INITIALIZATION_DATA.Version; each fixes how many slots of the table are read. */
#define DXGKDDI_INTERFACE_VERSION_VISTA 0x1052
#define DXGKDDI_INTERFACE_VERSION_VISTA_SP1 0x1053
#define DXGKDDI_INTERFACE_VERSION_WIN7 0x2005
#define DXGKDDI_INTERFACE_VERSION_WIN8 0x300E
#define DXGKDDI_INTERFACE_VERSION_WDDM1_3 0x4002
#define DXGKDDI_INTERFACE_VERSION_WDDM1_3_PATH_INDEPENDENT_ROTATION 0x4003
#define DXGKDDI_INTERFACE_VERSION_WDDM2_0 0x5023
#define DXGKDDI_INTERFACE_VERSION_WDDM2_1 0x6003
#define DXGKDDI_INTERFACE_VERSION_WDDM2_1_5 0x6010
#define DXGKDDI_INTERFACE_VERSION_WDDM2_1_6 0x6011
#define DXGKDDI_INTERFACE_VERSION_WDDM2_2 0x700A
#define DXGKDDI_INTERFACE_VERSION_WDDM2_3 0x8001
#define DXGKDDI_INTERFACE_VERSION_WDDM2_4 0x9006
#define DXGKDDI_INTERFACE_VERSION_WDDM2_5 0xA00B
#define DXGKDDI_INTERFACE_VERSION_WDDM2_6 0xB004
#define DXGKDDI_INTERFACE_VERSION_WDDM2_7 0xC004
#define DXGKDDI_INTERFACE_VERSION_WDDM2_8 0xD001
#define DXGKDDI_INTERFACE_VERSION_WDDM2_9 0xE003
#define DXGKDDI_INTERFACE_VERSION_WDDM3_0 0xF003
#define DXGKDDI_INTERFACE_VERSION_WDDM3_1 0x10004
#define DXGKDDI_INTERFACE_VERSION_WDDM3_2 0x11007
#ifndef DXGKDDI_INTERFACE_VERSION
#define DXGKDDI_INTERFACE_VERSION DXGKDDI_INTERFACE_VERSION_WDDM3_2
#endif

/* A DDI this suite does not call. */
typedef VOID(DDI_CALL *DXGKDDI_UNTYPED)(VOID);

/* DXGKDDI_* callback function pages; PASSIVE_LEVEL but for the interrupt and DPC routines. */
typedef NTSTATUS(DDI_CALL DXGKDDI_ADD_DEVICE)(const PDEVICE_OBJECT PhysicalDeviceObject,
                                              PVOID *MiniportDeviceContext);
typedef NTSTATUS(DDI_CALL DXGKDDI_START_DEVICE)(const PVOID MiniportDeviceContext,
                                                PDXGK_START_INFO DxgkStartInfo,
                                                PDXGKRNL_INTERFACE DxgkInterface,
                                                PULONG NumberOfVideoPresentSources, PULONG NumberOfChildren);
typedef NTSTATUS(DDI_CALL DXGKDDI_STOP_DEVICE)(const PVOID MiniportDeviceContext);
typedef NTSTATUS(DDI_CALL DXGKDDI_REMOVE_DEVICE)(const PVOID MiniportDeviceContext);
/* At the IRQL of the device's interrupt. */
typedef BOOLEAN(DDI_CALL DXGKDDI_INTERRUPT_ROUTINE)(const PVOID MiniportDeviceContext, ULONG MessageNumber);
/* At DISPATCH_LEVEL. */
typedef VOID(DDI_CALL DXGKDDI_DPC_ROUTINE)(const PVOID MiniportDeviceContext);
typedef NTSTATUS(DDI_CALL DXGKDDI_SET_POWER_STATE)(const PVOID MiniportDeviceContext, ULONG DeviceUid,
                                                   DEVICE_POWER_STATE DevicePowerState,
                                                   POWER_ACTION ActionType);
typedef VOID(DDI_CALL DXGKDDI_RESET_DEVICE)(const PVOID MiniportDeviceContext);
typedef VOID(DDI_CALL DXGKDDI_UNLOAD)(VOID);
typedef NTSTATUS(DDI_CALL DXGKDDI_QUERY_INTERFACE)(const PVOID MiniportDeviceContext,
                                                   PQUERY_INTERFACE QueryInterface);
typedef VOID(DDI_CALL DXGKDDI_CONTROL_ETW_LOGGING)(BOOLEAN Enable, ULONG Flags, UCHAR Level);

typedef DXGKDDI_ADD_DEVICE *PDXGKDDI_ADD_DEVICE;
typedef DXGKDDI_START_DEVICE *PDXGKDDI_START_DEVICE;
typedef DXGKDDI_STOP_DEVICE *PDXGKDDI_STOP_DEVICE;
typedef DXGKDDI_REMOVE_DEVICE *PDXGKDDI_REMOVE_DEVICE;
typedef DXGKDDI_INTERRUPT_ROUTINE *PDXGKDDI_INTERRUPT_ROUTINE;
typedef DXGKDDI_DPC_ROUTINE *PDXGKDDI_DPC_ROUTINE;
typedef DXGKDDI_SET_POWER_STATE *PDXGKDDI_SET_POWER_STATE;
typedef DXGKDDI_RESET_DEVICE *PDXGKDDI_RESET_DEVICE;
typedef DXGKDDI_UNLOAD *PDXGKDDI_UNLOAD;
typedef DXGKDDI_QUERY_INTERFACE *PDXGKDDI_QUERY_INTERFACE;
typedef DXGKDDI_CONTROL_ETW_LOGGING *PDXGKDDI_CONTROL_ETW_LOGGING;

/* DRIVER_INITIALIZATION_DATA structure */
typedef struct DDI_STRUCT _DRIVER_INITIALIZATION_DATA {
    ULONG Version;
    /* since Vista, at 8 */
    PDXGKDDI_ADD_DEVICE DxgkDdiAddDevice;
    PDXGKDDI_START_DEVICE DxgkDdiStartDevice;
    PDXGKDDI_STOP_DEVICE DxgkDdiStopDevice;
    PDXGKDDI_REMOVE_DEVICE DxgkDdiRemoveDevice;
    DXGKDDI_UNTYPED DxgkDdiDispatchIoRequest;
    PDXGKDDI_INTERRUPT_ROUTINE DxgkDdiInterruptRoutine;
    PDXGKDDI_DPC_ROUTINE DxgkDdiDpcRoutine;
    DXGKDDI_UNTYPED DxgkDdiQueryChildRelations;
    DXGKDDI_UNTYPED DxgkDdiQueryChildStatus;
    DXGKDDI_UNTYPED DxgkDdiQueryDeviceDescriptor;
    PDXGKDDI_SET_POWER_STATE DxgkDdiSetPowerState;
    DXGKDDI_UNTYPED DxgkDdiNotifyAcpiEvent;
    PDXGKDDI_RESET_DEVICE DxgkDdiResetDevice;
    PDXGKDDI_UNLOAD DxgkDdiUnload;
    PDXGKDDI_QUERY_INTERFACE DxgkDdiQueryInterface;
    PDXGKDDI_CONTROL_ETW_LOGGING DxgkDdiControlEtwLogging;
    PDXGKDDI_QUERYADAPTERINFO DxgkDdiQueryAdapterInfo;
    DXGKDDI_UNTYPED DxgkDdiCreateDevice;
    DXGKDDI_UNTYPED DxgkDdiCreateAllocation;
    DXGKDDI_UNTYPED DxgkDdiDestroyAllocation;
    DXGKDDI_UNTYPED DxgkDdiDescribeAllocation;
    DXGKDDI_UNTYPED DxgkDdiGetStandardAllocationDriverData;
    DXGKDDI_UNTYPED DxgkDdiAcquireSwizzlingRange;
    DXGKDDI_UNTYPED DxgkDdiReleaseSwizzlingRange;
    DXGKDDI_UNTYPED DxgkDdiPatch;
    DXGKDDI_UNTYPED DxgkDdiSubmitCommand;
    DXGKDDI_UNTYPED DxgkDdiPreemptCommand;
    DXGKDDI_UNTYPED DxgkDdiBuildPagingBuffer;
    DXGKDDI_UNTYPED DxgkDdiSetPalette;
    DXGKDDI_UNTYPED DxgkDdiSetPointerPosition;
    DXGKDDI_UNTYPED DxgkDdiSetPointerShape;
    DXGKDDI_UNTYPED DxgkDdiResetFromTimeout;
    DXGKDDI_UNTYPED DxgkDdiRestartFromTimeout;
    DXGKDDI_UNTYPED DxgkDdiEscape;
    DXGKDDI_UNTYPED DxgkDdiCollectDbgInfo;
    DXGKDDI_UNTYPED DxgkDdiQueryCurrentFence;
    DXGKDDI_UNTYPED DxgkDdiIsSupportedVidPn;
    DXGKDDI_UNTYPED DxgkDdiRecommendFunctionalVidPn;
    DXGKDDI_UNTYPED DxgkDdiEnumVidPnCofuncModality;
    DXGKDDI_UNTYPED DxgkDdiSetVidPnSourceAddress;
    DXGKDDI_UNTYPED DxgkDdiSetVidPnSourceVisibility;
    DXGKDDI_UNTYPED DxgkDdiCommitVidPn;
    DXGKDDI_UNTYPED DxgkDdiUpdateActiveVidPnPresentPath;
    DXGKDDI_UNTYPED DxgkDdiRecommendMonitorModes;
    DXGKDDI_UNTYPED DxgkDdiRecommendVidPnTopology;
    DXGKDDI_UNTYPED DxgkDdiGetScanLine;
    DXGKDDI_UNTYPED DxgkDdiStopCapture;
    DXGKDDI_UNTYPED DxgkDdiControlInterrupt;
    DXGKDDI_UNTYPED DxgkDdiCreateOverlay;
    DXGKDDI_UNTYPED DxgkDdiDestroyDevice;
    DXGKDDI_UNTYPED DxgkDdiOpenAllocation;
    DXGKDDI_UNTYPED DxgkDdiCloseAllocation;
    DXGKDDI_UNTYPED DxgkDdiRender;
    DXGKDDI_UNTYPED DxgkDdiPresent;
    DXGKDDI_UNTYPED DxgkDdiUpdateOverlay;
    DXGKDDI_UNTYPED DxgkDdiFlipOverlay;
    DXGKDDI_UNTYPED DxgkDdiDestroyOverlay;
    DXGKDDI_UNTYPED DxgkDdiCreateContext;
    DXGKDDI_UNTYPED DxgkDdiDestroyContext;
    DXGKDDI_UNTYPED DxgkDdiLinkDevice;
    DXGKDDI_UNTYPED DxgkDdiSetDisplayPrivateDriverFormat;
    /* since Windows 7, at 496 */
    DXGKDDI_UNTYPED DxgkDdiDescribePageTable;
    DXGKDDI_UNTYPED DxgkDdiUpdatePageTable;
    DXGKDDI_UNTYPED DxgkDdiUpdatePageDirectory;
    DXGKDDI_UNTYPED DxgkDdiMovePageDirectory;
    DXGKDDI_UNTYPED DxgkDdiSubmitRender;
    DXGKDDI_UNTYPED DxgkDdiCreateAllocation2;
    DXGKDDI_UNTYPED DxgkDdiRenderKm;
    void *Reserved;
    DXGKDDI_UNTYPED DxgkDdiQueryVidPnHWCapability;
    /* since Windows 8, at 568 */
    DXGKDDI_UNTYPED DxgkDdiSetPowerComponentFState;
    DXGKDDI_UNTYPED DxgkDdiQueryDependentEngineGroup;
    DXGKDDI_UNTYPED DxgkDdiQueryEngineStatus;
    DXGKDDI_UNTYPED DxgkDdiResetEngine;
    DXGKDDI_UNTYPED DxgkDdiStopDeviceAndReleasePostDisplayOwnership;
    DXGKDDI_UNTYPED DxgkDdiSystemDisplayEnable;
    DXGKDDI_UNTYPED DxgkDdiSystemDisplayWrite;
    DXGKDDI_UNTYPED DxgkDdiCancelCommand;
    DXGKDDI_UNTYPED DxgkDdiGetChildContainerId;
    DXGKDDI_UNTYPED DxgkDdiPowerRuntimeControlRequest;
    DXGKDDI_UNTYPED DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay;
    DXGKDDI_UNTYPED DxgkDdiNotifySurpriseRemoval;
    /* since WDDM 1.3, at 664 */
    DXGKDDI_UNTYPED DxgkDdiGetNodeMetadata;
    DXGKDDI_UNTYPED DxgkDdiSetPowerPState;
    DXGKDDI_UNTYPED DxgkDdiControlInterrupt2;
    DXGKDDI_UNTYPED DxgkDdiCheckMultiPlaneOverlaySupport;
    DXGKDDI_UNTYPED DxgkDdiCalibrateGpuClock;
    DXGKDDI_UNTYPED DxgkDdiFormatHistoryBuffer;
    /* since WDDM 2.0, at 712 */
    DXGKDDI_UNTYPED DxgkDdiRenderGdi;
    DXGKDDI_UNTYPED DxgkDdiSubmitCommandVirtual;
    DXGKDDI_UNTYPED DxgkDdiSetRootPageTable;
    DXGKDDI_UNTYPED DxgkDdiGetRootPageTableSize;
    DXGKDDI_UNTYPED DxgkDdiMapCpuHostAperture;
    DXGKDDI_UNTYPED DxgkDdiUnmapCpuHostAperture;
    DXGKDDI_UNTYPED DxgkDdiCheckMultiPlaneOverlaySupport2;
    PDXGKDDI_CREATEPROCESS DxgkDdiCreateProcess;
    PDXGKDDI_DESTROYPROCESS DxgkDdiDestroyProcess;
    DXGKDDI_UNTYPED DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay2;
    void *Reserved1;
    void *Reserved2;
    DXGKDDI_UNTYPED DxgkDdiPowerRuntimeSetDeviceHandle;
    DXGKDDI_UNTYPED DxgkDdiSetStablePowerState;
    DXGKDDI_UNTYPED DxgkDdiSetVideoProtectedRegion;
    /* since WDDM 2.1, at 832 */
    DXGKDDI_UNTYPED DxgkDdiCheckMultiPlaneOverlaySupport3;
    DXGKDDI_UNTYPED DxgkDdiSetVidPnSourceAddressWithMultiPlaneOverlay3;
    DXGKDDI_UNTYPED DxgkDdiPostMultiPlaneOverlayPresent;
    DXGKDDI_UNTYPED DxgkDdiValidateUpdateAllocationProperty;
    DXGKDDI_UNTYPED DxgkDdiControlModeBehavior;
    DXGKDDI_UNTYPED DxgkDdiUpdateMonitorLinkInfo;
    /* since WDDM 2.2, at 880 */
    DXGKDDI_UNTYPED DxgkDdiCreateHwContext;
    DXGKDDI_UNTYPED DxgkDdiDestroyHwContext;
    DXGKDDI_UNTYPED DxgkDdiCreateHwQueue;
    DXGKDDI_UNTYPED DxgkDdiDestroyHwQueue;
    DXGKDDI_UNTYPED DxgkDdiSubmitCommandToHwQueue;
    DXGKDDI_UNTYPED DxgkDdiSwitchToHwContextList;
    DXGKDDI_UNTYPED DxgkDdiResetHwEngine;
    DXGKDDI_UNTYPED DxgkDdiCreatePeriodicFrameNotification;
    DXGKDDI_UNTYPED DxgkDdiDestroyPeriodicFrameNotification;
    DXGKDDI_UNTYPED DxgkDdiSetTimingsFromVidPn;
    DXGKDDI_UNTYPED DxgkDdiSetTargetGamma;
    DXGKDDI_UNTYPED DxgkDdiSetTargetContentType;
    DXGKDDI_UNTYPED DxgkDdiSetTargetAnalogCopyProtection;
    DXGKDDI_UNTYPED DxgkDdiSetTargetAdjustedColorimetry;
    DXGKDDI_UNTYPED DxgkDdiDisplayDetectControl;
    DXGKDDI_UNTYPED DxgkDdiQueryConnectionChange;
    DXGKDDI_UNTYPED DxgkDdiExchangePreStartInfo;
    DXGKDDI_UNTYPED DxgkDdiGetMultiPlaneOverlayCaps;
    DXGKDDI_UNTYPED DxgkDdiGetPostCompositionCaps;
    /* since WDDM 2.3, at 1032 */
    DXGKDDI_UNTYPED DxgkDdiUpdateHwContextState;
    DXGKDDI_UNTYPED DxgkDdiCreateProtectedSession;
    DXGKDDI_UNTYPED DxgkDdiDestroyProtectedSession;
    /* since WDDM 2.4, at 1056 */
    DXGKDDI_UNTYPED DxgkDdiSetSchedulingLogBuffer;
    DXGKDDI_UNTYPED DxgkDdiSetupPriorityBands;
    DXGKDDI_UNTYPED DxgkDdiNotifyFocusPresent;
    DXGKDDI_UNTYPED DxgkDdiSetContextSchedulingProperties;
    DXGKDDI_UNTYPED DxgkDdiSuspendContext;
    DXGKDDI_UNTYPED DxgkDdiResumeContext;
    PDXGKDDI_SETVIRTUALMACHINEDATA DxgkDdiSetVirtualMachineData;
    DXGKDDI_UNTYPED DxgkDdiBeginExclusiveAccess;
    DXGKDDI_UNTYPED DxgkDdiEndExclusiveAccess;
    DXGKDDI_UNTYPED DxgkDdiQueryDiagnosticTypesSupport;
    DXGKDDI_UNTYPED DxgkDdiControlDiagnosticReporting;
    DXGKDDI_UNTYPED DxgkDdiResumeHwEngine;
    /* since WDDM 2.5, at 1152 */
    DXGKDDI_UNTYPED DxgkDdiSignalMonitoredFence;
    DXGKDDI_UNTYPED DxgkDdiPresentToHwQueue;
    DXGKDDI_UNTYPED DxgkDdiValidateSubmitCommand;
    DXGKDDI_UNTYPED DxgkDdiSetTargetAdjustedColorimetry2;
    DXGKDDI_UNTYPED DxgkDdiSetTrackedWorkloadPowerLevel;
    /* since WDDM 2.6, at 1192 */
    PDXGKDDI_SAVEMEMORYFORHOTUPDATE DxgkDdiSaveMemoryForHotUpdate;
    PDXGKDDI_RESTOREMEMORYFORHOTUPDATE DxgkDdiRestoreMemoryForHotUpdate;
    DXGKDDI_UNTYPED DxgkDdiCollectDiagnosticInfo;
    void *Reserved3;
    /* since WDDM 2.7, at 1224 */
    DXGKDDI_UNTYPED DxgkDdiControlInterrupt3;
    /* since WDDM 2.9, at 1232 */
    DXGKDDI_UNTYPED DxgkDdiSetFlipQueueLogBuffer;
    DXGKDDI_UNTYPED DxgkDdiUpdateFlipQueueLog;
    DXGKDDI_UNTYPED DxgkDdiCancelQueuedFlips;
    DXGKDDI_UNTYPED DxgkDdiSetInterruptTargetPresentId;
    /* since WDDM 3.0, at 1264 */
    DXGKDDI_UNTYPED DxgkDdiSetAllocationBackingStore;
    DXGKDDI_UNTYPED DxgkDdiCreateCpuEvent;
    DXGKDDI_UNTYPED DxgkDdiDestroyCpuEvent;
    DXGKDDI_UNTYPED DxgkDdiCancelFlips;
    /* since WDDM 3.1, at 1296 */
    DXGKDDI_UNTYPED DxgkDdiCreateNativeFence;
    DXGKDDI_UNTYPED DxgkDdiDestroyNativeFence;
    DXGKDDI_UNTYPED DxgkDdiUpdateMonitoredValues;
    DXGKDDI_UNTYPED DxgkDdiUpdateCurrentValuesFromCpu;
    DXGKDDI_UNTYPED DxgkDdiCreateDoorbell;
    DXGKDDI_UNTYPED DxgkDdiConnectDoorbell;
    DXGKDDI_UNTYPED DxgkDdiDisconnectDoorbell;
    DXGKDDI_UNTYPED DxgkDdiDestroyDoorbell;
    DXGKDDI_UNTYPED DxgkDdiNotifyWorkSubmission;
    void *Reserved4;
    /* since WDDM 3.2, at 1376 */
    PDXGKDDI_CREATEMEMORYBASIS DxgkDdiCreateMemoryBasis;
    PDXGKDDI_DESTROYMEMORYBASIS DxgkDdiDestroyMemoryBasis;
    PDXGKDDI_STARTDIRTYTRACKING DxgkDdiStartDirtyTracking;
    PDXGKDDI_STOPDIRTYTRACKING DxgkDdiStopDirtyTracking;
    PDXGKDDI_QUERYDIRTYBITDATA DxgkDdiQueryDirtyBitData;
    PDXGKDDI_PREPARELIVEMIGRATION DxgkDdiPrepareLiveMigration;
    PDXGKDDI_SAVEIMMUTABLEMIGRATIONDATA DxgkDdiSaveImmutableMigrationData;
    PDXGKDDI_SAVEMUTABLEMIGRATIONDATA DxgkDdiSaveMutableMigrationData;
    PDXGKDDI_ENDLIVEMIGRATION DxgkDdiEndLiveMigration;
    PDXGKDDI_RESTOREIMMUTABLEMIGRATIONDATA DxgkDdiRestoreImmutableMigrationData;
    PDXGKDDI_RESTOREMUTABLEMIGRATIONDATA DxgkDdiRestoreMutableMigrationData;
    PDXGKDDI_WRITEVIRTUALIZEDINTERRUPT DxgkDdiWriteVirtualizedInterrupt;
    PDXGKDDI_SETVIRTUALGPURESOURCES2 DxgkDdiSetVirtualGpuResources2;
    PDXGKDDI_SETVIRTUALFUNCTIONPAUSESTATE DxgkDdiSetVirtualFunctionPauseState;
    DXGKDDI_UNTYPED DxgkDdiOpenNativeFence;
    DXGKDDI_UNTYPED DxgkDdiCloseNativeFence;
    DXGKDDI_UNTYPED DxgkDdiSetNativeFenceLogBuffer;
    DXGKDDI_UNTYPED DxgkDdiUpdateNativeFenceLogs;
    DXGKDDI_UNTYPED DxgkDdiCollectDbgInfo2;
    DXGKDDI_UNTYPED DxgkDdiNotifyContextPriorityChange;
    DXGKDDI_UNTYPED DxgkDdiResetDisplayEngine;
} DRIVER_INITIALIZATION_DATA, *PDRIVER_INITIALIZATION_DATA;

/* DxgkInitialize function: called once, from DriverEntry, which returns its status unchanged. */
NTSTATUS DDI_CALL DxgkInitialize(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath,
                                 PDRIVER_INITIALIZATION_DATA DriverInitializationData);
/* DxgkUnInitialize function */
NTSTATUS DDI_CALL DxgkUnInitialize(PDRIVER_OBJECT DriverObject);

#ifdef __cplusplus
}
#endif

#endif /* _DISPMPRT_H_ */
#endif
