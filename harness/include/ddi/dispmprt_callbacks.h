/*
 * DXGKRNL_INTERFACE (dispmprt.h): the functions Dxgkrnl gives a driver in DxgkDdiStartDevice.
 *
 * All slots of the newest page, 576 bytes at WDDM 3.1 and later; a driver checks Size before it uses a later
 * one. Functions a GPU-P driver has a use for are typed, the others are DXGKCB_UNTYPED (never called through
 * that type). Follows the DXGKRNL_INTERFACE page and the DXGKCB_* pages. Included by ddi/dispmprt.h, and
 * steps aside like it
 * (_DISPMPRT_H_).
 */
#ifndef GPUP_DDI_DISPMPRT_CALLBACKS_H
#define GPUP_DDI_DISPMPRT_CALLBACKS_H

#include "ddi/d3dkmddi.h"

#ifndef _DISPMPRT_H_

/* DataType of ReadDeviceSpace and WriteDeviceSpace */
#define DXGK_WHICHSPACE_CONFIG 0x0u
#define DXGK_WHICHSPACE_ROM 0x52696350u
#define DXGK_WHICHSPACE_MCH 0x80000000u
#define DXGK_WHICHSPACE_BRIDGE 0x80000001u

/* DOCKING_STATE enumeration */
typedef enum _DOCKING_STATE {
    DockStateUnsupported = 0,
    DockStateUnDocked = 1,
    DockStateDocked = 2,
    DockStateUnknown = 3
} DOCKING_STATE;

/* DXGK_SERVICES enumeration */
typedef enum _DXGK_SERVICES {
    DxgkServicesAgp = 0,
    DxgkServicesDebugReport = 1,
    DxgkServicesTimedOperation = 2,
    DxgkServicesSPB = 3,
    DxgkServicesBDD = 4,
    DxgkServicesFirmwareTable = 5,
    DxgkServicesIDD = 6,
    DxgkServicesFeature = 7
} DXGK_SERVICES;

/* DXGK_START_INFO structure */
typedef struct DDI_STRUCT _DXGK_START_INFO {
    ULONG RequiredDmaQueueEntry;
    GUID AdapterGuid;
    LUID AdapterLuid;
} DXGK_START_INFO, *PDXGK_START_INFO;

/* DXGK_DEVICE_INFO structure; offsets computed from the page */
typedef struct DDI_STRUCT _DXGK_DEVICE_INFO {
    PVOID MiniportDeviceContext;
    PDEVICE_OBJECT PhysicalDeviceObject;
    UNICODE_STRING DeviceRegistryPath;
    PCM_RESOURCE_LIST TranslatedResourceList;
    LARGE_INTEGER SystemMemorySize; /* bytes */
    PHYSICAL_ADDRESS HighestPhysicalAddress;
    PHYSICAL_ADDRESS AgpApertureBase;
    SIZE_T AgpApertureSize;
    DOCKING_STATE DockingState;
} DXGK_DEVICE_INFO, *PDXGK_DEVICE_INFO;

/* DXGKCB_* callback function pages; DeviceHandle is DXGKRNL_INTERFACE.DeviceHandle, and hAdapter is the same.
 */
typedef VOID(DDI_CALL *DXGKCB_UNTYPED)(VOID);
typedef NTSTATUS(DDI_CALL *DXGKCB_GET_DEVICE_INFORMATION)(HANDLE DeviceHandle, PDXGK_DEVICE_INFO DeviceInfo);
typedef NTSTATUS(DDI_CALL *DXGKCB_MAP_MEMORY)(HANDLE DeviceHandle, PHYSICAL_ADDRESS TranslatedAddress,
                                              ULONG Length, BOOLEAN InIoSpace, BOOLEAN MapToUserMode,
                                              MEMORY_CACHING_TYPE CacheType, PVOID *VirtualAddress);
typedef NTSTATUS(DDI_CALL *DXGKCB_UNMAP_MEMORY)(HANDLE DeviceHandle, PVOID VirtualAddress);
typedef BOOLEAN(DDI_CALL *DXGKCB_QUEUE_DPC)(HANDLE DeviceHandle);
typedef NTSTATUS(DDI_CALL *DXGKCB_QUERY_SERVICES)(HANDLE DeviceHandle, DXGK_SERVICES ServicesType,
                                                  PINTERFACE Interface);
typedef NTSTATUS(DDI_CALL *DXGKCB_READ_DEVICE_SPACE)(HANDLE DeviceHandle, ULONG DataType, PVOID Buffer,
                                                     ULONG Offset, ULONG Length, PULONG BytesRead);
typedef NTSTATUS(DDI_CALL *DXGKCB_WRITE_DEVICE_SPACE)(HANDLE DeviceHandle, ULONG DataType, PVOID Buffer,
                                                      ULONG Offset, ULONG Length, PULONG BytesWritten);
typedef NTSTATUS(DDI_CALL *DXGKCB_SYNCHRONIZE_EXECUTION)(HANDLE DeviceHandle,
                                                         PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                                                         PVOID Context, ULONG MessageNumber,
                                                         PBOOLEAN ReturnValue);
typedef VOID(DDI_CALL *DXGKCB_NOTIFY_INTERRUPT)(const HANDLE hAdapter,
                                                const DXGKARGCB_NOTIFY_INTERRUPT_DATA *Data);
typedef VOID(DDI_CALL *DXGKCB_NOTIFY_DPC)(const HANDLE hAdapter);
/* Any IRQL up to 256 bytes of EventBuffer, PASSIVE_LEVEL above. */
typedef VOID(DDI_CALL *DXGKCB_LOG_ETW_EVENT)(const GUID *EventGuid, UCHAR Type, USHORT EventBufferSize,
                                             PVOID EventBuffer);
/* The page does not name the ULONG; this suite reads it as the VF index. */
typedef VOID(DDI_CALL *DXGKCB_DXGKCB_MITIGATEDRANGEUPDATE)(const HANDLE hAdapter, ULONG VirtualFunctionIndex);
typedef NTSTATUS(DDI_CALL *DXGKCB_SAVEMEMORYFORHOTUPDATE)(const HANDLE hAdapter,
                                                          const DXGKARGCB_SAVEMEMORYFORHOTUPDATE *pArgs);

/* DXGKRNL_INTERFACE structure */
typedef struct DDI_STRUCT _DXGKRNL_INTERFACE {
    ULONG Size; /* bytes */
    ULONG Version;
    HANDLE DeviceHandle;
    DXGKCB_UNTYPED DxgkCbEvalAcpiMethod;
    DXGKCB_GET_DEVICE_INFORMATION DxgkCbGetDeviceInformation;
    DXGKCB_UNTYPED DxgkCbIndicateChildStatus;
    DXGKCB_MAP_MEMORY DxgkCbMapMemory;
    DXGKCB_QUEUE_DPC DxgkCbQueueDpc;
    DXGKCB_QUERY_SERVICES DxgkCbQueryServices;
    DXGKCB_READ_DEVICE_SPACE DxgkCbReadDeviceSpace;
    DXGKCB_SYNCHRONIZE_EXECUTION DxgkCbSynchronizeExecution;
    DXGKCB_UNMAP_MEMORY DxgkCbUnmapMemory;
    DXGKCB_WRITE_DEVICE_SPACE DxgkCbWriteDeviceSpace;
    DXGKCB_UNTYPED DxgkCbIsDevicePresent;
    DXGKCB_UNTYPED DxgkCbGetHandleData;
    DXGKCB_UNTYPED DxgkCbGetHandleParent;
    DXGKCB_UNTYPED DxgkCbEnumHandleChildren;
    DXGKCB_NOTIFY_INTERRUPT DxgkCbNotifyInterrupt;
    DXGKCB_NOTIFY_DPC DxgkCbNotifyDpc;
    DXGKCB_UNTYPED DxgkCbQueryVidPnInterface;
    DXGKCB_UNTYPED DxgkCbQueryMonitorInterface;
    DXGKCB_UNTYPED DxgkCbGetCaptureAddress;
    DXGKCB_LOG_ETW_EVENT DxgkCbLogEtwEvent;
    DXGKCB_UNTYPED DxgkCbExcludeAdapterAccess;
    DXGKCB_UNTYPED DxgkCbCreateContextAllocation;
    DXGKCB_UNTYPED DxgkCbDestroyContextAllocation;
    DXGKCB_UNTYPED DxgkCbSetPowerComponentActive;
    DXGKCB_UNTYPED DxgkCbSetPowerComponentIdle;
    DXGKCB_UNTYPED DxgkCbAcquirePostDisplayOwnership;
    DXGKCB_UNTYPED DxgkCbPowerRuntimeControlRequest;
    DXGKCB_UNTYPED DxgkCbSetPowerComponentLatency;
    DXGKCB_UNTYPED DxgkCbSetPowerComponentResidency;
    DXGKCB_UNTYPED DxgkCbCompleteFStateTransition;
    DXGKCB_UNTYPED DxgkCbCompletePStateTransition;
    DXGKCB_UNTYPED DxgkCbMapContextAllocation;
    DXGKCB_UNTYPED DxgkCbUpdateContextAllocation;
    DXGKCB_UNTYPED DxgkCbReserveGpuVirtualAddressRange;
    DXGKCB_UNTYPED DxgkCbAcquireHandleData;
    DXGKCB_UNTYPED DxgkCbReleaseHandleData;
    DXGKCB_UNTYPED DxgkCbHardwareContentProtectionTeardown;
    DXGKCB_UNTYPED DxgkCbMultiPlaneOverlayDisabled;
    DXGKCB_DXGKCB_MITIGATEDRANGEUPDATE DxgkCbMitigatedRangeUpdate;
    DXGKCB_UNTYPED DxgkCbInvalidateHwContext;
    DXGKCB_UNTYPED DxgkCbIndicateConnectorChange;
    DXGKCB_UNTYPED DxgkCbUnblockUEFIFrameBufferRanges;
    DXGKCB_UNTYPED DxgkCbAcquirePostDisplayOwnership2;
    DXGKCB_UNTYPED DxgkCbSetProtectedSessionStatus;
    DXGKCB_UNTYPED DxgkCbAllocateContiguousMemory;
    DXGKCB_UNTYPED DxgkCbFreeContiguousMemory;
    DXGKCB_UNTYPED DxgkCbAllocatePagesForMdl;
    DXGKCB_UNTYPED DxgkCbFreePagesFromMdl;
    DXGKCB_UNTYPED DxgkCbPinFrameBufferForSave;
    DXGKCB_UNTYPED DxgkCbUnpinFrameBufferForSave;
    DXGKCB_UNTYPED DxgkCbMapFrameBufferPointer;
    DXGKCB_UNTYPED DxgkCbUnmapFrameBufferPointer;
    DXGKCB_UNTYPED DxgkCbMapMdlToIoMmu;
    DXGKCB_UNTYPED DxgkCbUnmapMdlFromIoMmu;
    DXGKCB_UNTYPED DxgkCbReportDiagnostic;
    DXGKCB_UNTYPED DxgkCbSignalEvent;
    DXGKCB_UNTYPED DxgkCbIsFeatureEnabled;
    DXGKCB_SAVEMEMORYFORHOTUPDATE DxgkCbSaveMemoryForHotUpdate;
    DXGKCB_UNTYPED DxgkCbNotifyCursorSupportChange;
    DXGKCB_UNTYPED DxgkCbQueryFeatureSupport;
    DXGKCB_UNTYPED DxgkCbCreatePhysicalMemoryObject;
    DXGKCB_UNTYPED DxgkCbDestroyPhysicalMemoryObject;
    DXGKCB_UNTYPED DxgkCbMapPhysicalMemory;
    DXGKCB_UNTYPED DxgkCbUnmapPhysicalMemory;
    DXGKCB_UNTYPED DxgkCbAllocateAdl;
    DXGKCB_UNTYPED DxgkCbFreeAdl;
    DXGKCB_UNTYPED DxgkCbOpenPhysicalMemoryObject;
    DXGKCB_UNTYPED DxgkCbClosePhysicalMemoryObject;
    DXGKCB_UNTYPED DxgkCbPinFrameBufferForSave2;
    DXGKCB_UNTYPED DxgkCbDisconnectDoorbell;
} DXGKRNL_INTERFACE, *PDXGKRNL_INTERFACE;

#endif /* _DISPMPRT_H_ */
#endif
