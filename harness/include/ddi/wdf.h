/*
 * Kernel-mode driver framework 1.33: the interrupt object and what its creation touches.
 *
 * WdfInterruptCreate with its configuration, object attributes and context types, the functions an interrupt
 * object's callbacks use, and the two hardware callbacks in which interrupts come and go. Drivers call
 * framework functions by name here; in a WDK build they go through the framework's function table instead.
 * Follows the wdfinterrupt.h, wdfobject.h, wdfdevice.h, wdfsync.h and wdfresource.h pages, and for layouts
 * the published framework source. Steps aside when the WDK's wdf.h is present (_WDF_H_).
 */
#ifndef GPUP_DDI_WDF_H
#define GPUP_DDI_WDF_H

#include "ddi/ntstatus.h"
#include "ddi/wdmtypes.h"

#ifndef _WDF_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Handles; WDFOBJECT is the type every other one converts to. */
typedef HANDLE WDFOBJECT;
typedef PVOID WDFCONTEXT;
typedef struct WDFDRIVER__ *WDFDRIVER;
typedef struct WDFDEVICE__ *WDFDEVICE;
typedef struct WDFINTERRUPT__ *WDFINTERRUPT;
typedef struct WDFSPINLOCK__ *WDFSPINLOCK;
typedef struct WDFWAITLOCK__ *WDFWAITLOCK;
typedef struct WDFCMRESLIST__ *WDFCMRESLIST;
typedef struct WDFDEVICE_INIT *PWDFDEVICE_INIT;

/* WDF_TRI_STATE enumeration (kernel mode values) */
typedef enum _WDF_TRI_STATE { WdfFalse = 0, WdfTrue = 1, WdfUseDefault = 2 } WDF_TRI_STATE, *PWDF_TRI_STATE;

/* WDF_EXECUTION_LEVEL enumeration */
typedef enum _WDF_EXECUTION_LEVEL {
    WdfExecutionLevelInvalid = 0,
    WdfExecutionLevelInheritFromParent = 1,
    WdfExecutionLevelPassive = 2,
    WdfExecutionLevelDispatch = 3
} WDF_EXECUTION_LEVEL;

/* WDF_SYNCHRONIZATION_SCOPE enumeration */
typedef enum _WDF_SYNCHRONIZATION_SCOPE {
    WdfSynchronizationScopeInvalid = 0,
    WdfSynchronizationScopeInheritFromParent = 1,
    WdfSynchronizationScopeDevice = 2,
    WdfSynchronizationScopeQueue = 3,
    WdfSynchronizationScopeNone = 4
} WDF_SYNCHRONIZATION_SCOPE;

/* EVT_WDF_OBJECT_CONTEXT_CLEANUP and _DESTROY callback functions */
typedef VOID(DDI_CALL EVT_WDF_OBJECT_CONTEXT_CLEANUP)(WDFOBJECT Object);
typedef VOID(DDI_CALL EVT_WDF_OBJECT_CONTEXT_DESTROY)(WDFOBJECT Object);
typedef EVT_WDF_OBJECT_CONTEXT_CLEANUP *PFN_WDF_OBJECT_CONTEXT_CLEANUP;
typedef EVT_WDF_OBJECT_CONTEXT_DESTROY *PFN_WDF_OBJECT_CONTEXT_DESTROY;

/* WDF_OBJECT_CONTEXT_TYPE_INFO structure */
typedef const struct _WDF_OBJECT_CONTEXT_TYPE_INFO *PCWDF_OBJECT_CONTEXT_TYPE_INFO;
typedef PCWDF_OBJECT_CONTEXT_TYPE_INFO(DDI_CALL *PFN_GET_UNIQUE_CONTEXT_TYPE)(VOID);
typedef struct DDI_STRUCT _WDF_OBJECT_CONTEXT_TYPE_INFO {
    ULONG Size; /* bytes of this structure */
    LPCSTR ContextName;
    SIZE_T ContextSize; /* bytes */
    PCWDF_OBJECT_CONTEXT_TYPE_INFO UniqueType;
    PFN_GET_UNIQUE_CONTEXT_TYPE EvtDriverGetUniqueContextType;
} WDF_OBJECT_CONTEXT_TYPE_INFO, *PWDF_OBJECT_CONTEXT_TYPE_INFO;

/* WDF_OBJECT_ATTRIBUTES structure */
typedef struct DDI_STRUCT _WDF_OBJECT_ATTRIBUTES {
    ULONG Size; /* bytes of this structure */
    PFN_WDF_OBJECT_CONTEXT_CLEANUP EvtCleanupCallback;
    PFN_WDF_OBJECT_CONTEXT_DESTROY EvtDestroyCallback;
    WDF_EXECUTION_LEVEL ExecutionLevel;
    WDF_SYNCHRONIZATION_SCOPE SynchronizationScope;
    WDFOBJECT ParentObject;
    SIZE_T ContextSizeOverride; /* bytes, or 0 */
    PCWDF_OBJECT_CONTEXT_TYPE_INFO ContextTypeInfo;
} WDF_OBJECT_ATTRIBUTES, *PWDF_OBJECT_ATTRIBUTES;

#define WDF_NO_OBJECT_ATTRIBUTES NULL

/* WDF_OBJECT_ATTRIBUTES_INIT function */
static inline VOID WDF_OBJECT_ATTRIBUTES_INIT(PWDF_OBJECT_ATTRIBUTES Attributes) {
    __builtin_memset(Attributes, 0, sizeof(*Attributes));
    Attributes->Size = sizeof(*Attributes);
    Attributes->ExecutionLevel = WdfExecutionLevelInheritFromParent;
    Attributes->SynchronizationScope = WdfSynchronizationScopeInheritFromParent;
}

/*
 * WDF_DECLARE_CONTEXT_TYPE family of macros. A context type is one object per program, so that source files
 * that declare the same type agree on its identity.
 */
#ifdef _WIN32
#define GPUP_WDF_ONE_DEFINITION __declspec(selectany)
#else
#define GPUP_WDF_ONE_DEFINITION __attribute__((weak))
#endif
#define WDF_TYPE_NAME_TO_TYPE_INFO(type) _WDF_##type##_TYPE_INFO
#define WDF_GET_CONTEXT_TYPE_INFO(type) (WDF_TYPE_NAME_TO_TYPE_INFO(type).UniqueType)
/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are names of a type and of a function. */
#define WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(type, accessor)                                                   \
    extern const WDF_OBJECT_CONTEXT_TYPE_INFO WDF_TYPE_NAME_TO_TYPE_INFO(type);                              \
    GPUP_WDF_ONE_DEFINITION const WDF_OBJECT_CONTEXT_TYPE_INFO WDF_TYPE_NAME_TO_TYPE_INFO(type) = {          \
        sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO), #type, sizeof(type), &WDF_TYPE_NAME_TO_TYPE_INFO(type), NULL}; \
    static inline __attribute__((unused)) type *accessor(WDFOBJECT Handle) {                                 \
        return (type *)WdfObjectGetTypedContextWorker(Handle, WDF_GET_CONTEXT_TYPE_INFO(type));              \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
#define WDF_DECLARE_CONTEXT_TYPE(type) WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(type, WdfObjectGet_##type)
#define WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(attributes, type)                                             \
    ((attributes)->ContextTypeInfo = WDF_GET_CONTEXT_TYPE_INFO(type))
#define WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(attributes, type)                                            \
    (WDF_OBJECT_ATTRIBUTES_INIT(attributes), WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(attributes, type))

/* Wdf object functions (wdfobject.h) */
PVOID DDI_CALL WdfObjectGetTypedContextWorker(WDFOBJECT Handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo);
NTSTATUS DDI_CALL WdfObjectAllocateContext(WDFOBJECT Handle, PWDF_OBJECT_ATTRIBUTES ContextAttributes,
                                           PVOID *Context);
VOID DDI_CALL WdfObjectDelete(WDFOBJECT Object);
VOID DDI_CALL WdfObjectReferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCSTR File);
VOID DDI_CALL WdfObjectDereferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCSTR File);
#define WdfObjectReference(object) WdfObjectReferenceActual((object), NULL, __LINE__, __FILE__)
#define WdfObjectDereference(object) WdfObjectDereferenceActual((object), NULL, __LINE__, __FILE__)

/* Locks an interrupt configuration can name (wdfsync.h) */
NTSTATUS DDI_CALL WdfSpinLockCreate(PWDF_OBJECT_ATTRIBUTES Attributes, WDFSPINLOCK *SpinLock);
VOID DDI_CALL WdfSpinLockAcquire(WDFSPINLOCK SpinLock);
VOID DDI_CALL WdfSpinLockRelease(WDFSPINLOCK SpinLock);
NTSTATUS DDI_CALL WdfWaitLockCreate(PWDF_OBJECT_ATTRIBUTES Attributes, WDFWAITLOCK *Lock);
NTSTATUS DDI_CALL WdfWaitLockAcquire(WDFWAITLOCK Lock,
                                     LONGLONG *Timeout); /* 100 ns units, negative: relative */
VOID DDI_CALL WdfWaitLockRelease(WDFWAITLOCK Lock);

/* EVT_WDF_DRIVER_DEVICE_ADD, EVT_WDF_DEVICE_PREPARE_HARDWARE and _RELEASE_HARDWARE callback functions */
typedef NTSTATUS(DDI_CALL EVT_WDF_DRIVER_DEVICE_ADD)(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit);
typedef NTSTATUS(DDI_CALL EVT_WDF_DEVICE_PREPARE_HARDWARE)(WDFDEVICE Device, WDFCMRESLIST ResourcesRaw,
                                                           WDFCMRESLIST ResourcesTranslated);
typedef NTSTATUS(DDI_CALL EVT_WDF_DEVICE_RELEASE_HARDWARE)(WDFDEVICE Device,
                                                           WDFCMRESLIST ResourcesTranslated);
typedef EVT_WDF_DRIVER_DEVICE_ADD *PFN_WDF_DRIVER_DEVICE_ADD;
typedef EVT_WDF_DEVICE_PREPARE_HARDWARE *PFN_WDF_DEVICE_PREPARE_HARDWARE;
typedef EVT_WDF_DEVICE_RELEASE_HARDWARE *PFN_WDF_DEVICE_RELEASE_HARDWARE;

/* WDF_DRIVER_INIT_FLAGS enumeration and WDF_DRIVER_CONFIG structure (wdfdriver.h) */
typedef enum _WDF_DRIVER_INIT_FLAGS {
    WdfDriverInitNonPnpDriver = 1,
    WdfDriverInitNoDispatchOverride = 2, /* a port driver has the dispatch routines: a miniport */
    WdfVerifyOn = 4,
    WdfVerifierOn = 8,
    WdfDriverInitCompanion = 16
} WDF_DRIVER_INIT_FLAGS;
typedef VOID(DDI_CALL EVT_WDF_DRIVER_UNLOAD)(WDFDRIVER Driver);
typedef EVT_WDF_DRIVER_UNLOAD *PFN_WDF_DRIVER_UNLOAD;
typedef struct DDI_STRUCT _WDF_DRIVER_CONFIG {
    ULONG Size; /* bytes of this structure */
    PFN_WDF_DRIVER_DEVICE_ADD EvtDriverDeviceAdd;
    PFN_WDF_DRIVER_UNLOAD EvtDriverUnload;
    ULONG DriverInitFlags; /* WDF_DRIVER_INIT_FLAGS */
    ULONG DriverPoolTag;
} WDF_DRIVER_CONFIG, *PWDF_DRIVER_CONFIG;

/* WDF_DRIVER_CONFIG_INIT function */
static inline VOID WDF_DRIVER_CONFIG_INIT(PWDF_DRIVER_CONFIG Config,
                                          PFN_WDF_DRIVER_DEVICE_ADD EvtDriverDeviceAdd) {
    __builtin_memset(Config, 0, sizeof(*Config));
    Config->Size = sizeof(*Config);
    Config->EvtDriverDeviceAdd = EvtDriverDeviceAdd;
}

/* The driver's object (wdfdriver.h). STATUS_DRIVER_INTERNAL_ERROR: it has one. */
NTSTATUS DDI_CALL WdfDriverCreate(PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath,
                                  PWDF_OBJECT_ATTRIBUTES DriverAttributes, PWDF_DRIVER_CONFIG DriverConfig,
                                  WDFDRIVER *Driver);
PWSTR DDI_CALL WdfDriverGetRegistryPath(WDFDRIVER Driver);
PDRIVER_OBJECT DDI_CALL WdfDriverWdmGetDriverObject(WDFDRIVER Driver);
WDFDRIVER DDI_CALL WdfWdmDriverGetWdfDriverHandle(PDRIVER_OBJECT DriverObject);
/* A device that the port driver found, and the end of the driver (wdfminiport.h); the device's own
 * pointers (wdfdevice.h). */
NTSTATUS DDI_CALL WdfDeviceMiniportCreate(WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes,
                                          PDEVICE_OBJECT DeviceObject, PDEVICE_OBJECT AttachedDeviceObject,
                                          PDEVICE_OBJECT Pdo, WDFDEVICE *Device);
VOID DDI_CALL WdfDriverMiniportUnload(WDFDRIVER Driver);
WDFDRIVER DDI_CALL WdfDeviceGetDriver(WDFDEVICE Device);
PDEVICE_OBJECT DDI_CALL WdfDeviceWdmGetDeviceObject(WDFDEVICE Device);
PDEVICE_OBJECT DDI_CALL WdfDeviceWdmGetAttachedDevice(WDFDEVICE Device);
PDEVICE_OBJECT DDI_CALL WdfDeviceWdmGetPhysicalDevice(WDFDEVICE Device);

/* Resource lists (wdfresource.h); GetDescriptor returns NULL past the end. */
ULONG DDI_CALL WdfCmResourceListGetCount(WDFCMRESLIST List);
PCM_PARTIAL_RESOURCE_DESCRIPTOR DDI_CALL WdfCmResourceListGetDescriptor(WDFCMRESLIST List, ULONG Index);

/* EVT_WDF_INTERRUPT_* callback functions */
typedef BOOLEAN(DDI_CALL EVT_WDF_INTERRUPT_ISR)(WDFINTERRUPT Interrupt, ULONG MessageID);
typedef VOID(DDI_CALL EVT_WDF_INTERRUPT_DPC)(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef VOID(DDI_CALL EVT_WDF_INTERRUPT_WORKITEM)(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject);
typedef NTSTATUS(DDI_CALL EVT_WDF_INTERRUPT_ENABLE)(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef NTSTATUS(DDI_CALL EVT_WDF_INTERRUPT_DISABLE)(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice);
typedef BOOLEAN(DDI_CALL EVT_WDF_INTERRUPT_SYNCHRONIZE)(WDFINTERRUPT Interrupt, WDFCONTEXT Context);
typedef EVT_WDF_INTERRUPT_ISR *PFN_WDF_INTERRUPT_ISR;
typedef EVT_WDF_INTERRUPT_DPC *PFN_WDF_INTERRUPT_DPC;
typedef EVT_WDF_INTERRUPT_WORKITEM *PFN_WDF_INTERRUPT_WORKITEM;
typedef EVT_WDF_INTERRUPT_ENABLE *PFN_WDF_INTERRUPT_ENABLE;
typedef EVT_WDF_INTERRUPT_DISABLE *PFN_WDF_INTERRUPT_DISABLE;
typedef EVT_WDF_INTERRUPT_SYNCHRONIZE *PFN_WDF_INTERRUPT_SYNCHRONIZE;

/* WDF_INTERRUPT_CONFIG structure; framework 1.11 knew the first 96 bytes, 1.9 and older the first 56. */
typedef struct DDI_STRUCT _WDF_INTERRUPT_CONFIG {
    ULONG Size; /* bytes of this structure */
    WDFSPINLOCK SpinLock;
    WDF_TRI_STATE ShareVector;
    BOOLEAN FloatingSave;
    BOOLEAN AutomaticSerialization;
    PFN_WDF_INTERRUPT_ISR EvtInterruptIsr;
    PFN_WDF_INTERRUPT_DPC EvtInterruptDpc;
    PFN_WDF_INTERRUPT_ENABLE EvtInterruptEnable;
    PFN_WDF_INTERRUPT_DISABLE EvtInterruptDisable;
    PFN_WDF_INTERRUPT_WORKITEM EvtInterruptWorkItem;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR InterruptRaw;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR InterruptTranslated;
    WDFWAITLOCK WaitLock;
    BOOLEAN PassiveHandling;
    WDF_TRI_STATE ReportInactiveOnPowerDown;
    BOOLEAN CanWakeDevice;
} WDF_INTERRUPT_CONFIG, *PWDF_INTERRUPT_CONFIG;

/* WDF_INTERRUPT_CONFIG_INIT function */
static inline VOID WDF_INTERRUPT_CONFIG_INIT(PWDF_INTERRUPT_CONFIG Configuration,
                                             PFN_WDF_INTERRUPT_ISR EvtInterruptIsr,
                                             PFN_WDF_INTERRUPT_DPC EvtInterruptDpc) {
    __builtin_memset(Configuration, 0, sizeof(*Configuration)); /* padding too */
    Configuration->Size = sizeof(*Configuration);
    Configuration->ShareVector = WdfUseDefault;
    Configuration->EvtInterruptIsr = EvtInterruptIsr;
    Configuration->EvtInterruptDpc = EvtInterruptDpc;
    Configuration->ReportInactiveOnPowerDown = WdfUseDefault;
}

/* WDF_INTERRUPT_POLARITY, WDF_INTERRUPT_POLICY and WDF_INTERRUPT_PRIORITY enumerations */
typedef enum _WDF_INTERRUPT_POLARITY {
    WdfInterruptPolarityUnknown = 0,
    WdfInterruptActiveHigh = 1,
    WdfInterruptActiveLow = 2
} WDF_INTERRUPT_POLARITY;
typedef enum _WDF_INTERRUPT_POLICY {
    WdfIrqPolicyMachineDefault = 0,
    WdfIrqPolicyAllCloseProcessors = 1,
    WdfIrqPolicyOneCloseProcessor = 2,
    WdfIrqPolicyAllProcessorsInMachine = 3,
    WdfIrqPolicySpecifiedProcessors = 4,
    WdfIrqPolicySpreadMessagesAcrossAllProcessors = 5
} WDF_INTERRUPT_POLICY;
typedef enum _WDF_INTERRUPT_PRIORITY {
    WdfIrqPriorityUndefined = 0,
    WdfIrqPriorityLow = 1,
    WdfIrqPriorityNormal = 2,
    WdfIrqPriorityHigh = 3
} WDF_INTERRUPT_PRIORITY;

/* WDF_INTERRUPT_INFO structure; offsets computed from the page */
typedef struct DDI_STRUCT _WDF_INTERRUPT_INFO {
    ULONG Size; /* bytes of this structure */
    ULONG64 Reserved1;
    KAFFINITY TargetProcessorSet;
    ULONG Reserved2;
    ULONG MessageNumber;
    ULONG Vector;
    KIRQL Irql;
    KINTERRUPT_MODE Mode;
    WDF_INTERRUPT_POLARITY Polarity;
    BOOLEAN MessageSignaled;
    UCHAR ShareDisposition;
    USHORT Group;
} WDF_INTERRUPT_INFO, *PWDF_INTERRUPT_INFO;

/* WDF_INTERRUPT_INFO_INIT function */
static inline VOID WDF_INTERRUPT_INFO_INIT(PWDF_INTERRUPT_INFO Info) {
    __builtin_memset(Info, 0, sizeof(*Info));
    Info->Size = sizeof(*Info);
}

/* WDF_INTERRUPT_EXTENDED_POLICY structure; offsets computed from the page */
typedef struct DDI_STRUCT _WDF_INTERRUPT_EXTENDED_POLICY {
    ULONG Size; /* bytes of this structure */
    WDF_INTERRUPT_POLICY Policy;
    WDF_INTERRUPT_PRIORITY Priority;
    GROUP_AFFINITY TargetProcessorSetAndGroup;
} WDF_INTERRUPT_EXTENDED_POLICY, *PWDF_INTERRUPT_EXTENDED_POLICY;

/* WdfInterrupt* functions (wdfinterrupt.h). Create: at or below DISPATCH_LEVEL, from EvtDriverDeviceAdd or
 * EvtDevicePrepareHardware. */
NTSTATUS DDI_CALL WdfInterruptCreate(WDFDEVICE Device, PWDF_INTERRUPT_CONFIG Configuration,
                                     PWDF_OBJECT_ATTRIBUTES Attributes, WDFINTERRUPT *Interrupt);
BOOLEAN DDI_CALL WdfInterruptQueueDpcForIsr(WDFINTERRUPT Interrupt);
BOOLEAN DDI_CALL WdfInterruptQueueWorkItemForIsr(WDFINTERRUPT Interrupt);
BOOLEAN DDI_CALL WdfInterruptSynchronize(WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback,
                                         WDFCONTEXT Context);
VOID DDI_CALL WdfInterruptAcquireLock(WDFINTERRUPT Interrupt);
BOOLEAN DDI_CALL WdfInterruptTryToAcquireLock(WDFINTERRUPT Interrupt);
VOID DDI_CALL WdfInterruptReleaseLock(WDFINTERRUPT Interrupt);
VOID DDI_CALL WdfInterruptEnable(WDFINTERRUPT Interrupt);
VOID DDI_CALL WdfInterruptDisable(WDFINTERRUPT Interrupt);
VOID DDI_CALL WdfInterruptReportActive(WDFINTERRUPT Interrupt);
VOID DDI_CALL WdfInterruptReportInactive(WDFINTERRUPT Interrupt);
WDFDEVICE DDI_CALL WdfInterruptGetDevice(WDFINTERRUPT Interrupt);
VOID DDI_CALL WdfInterruptGetInfo(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_INFO Info);
PKINTERRUPT DDI_CALL WdfInterruptWdmGetInterrupt(WDFINTERRUPT Interrupt);
VOID DDI_CALL WdfInterruptSetPolicy(WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy,
                                    WDF_INTERRUPT_PRIORITY Priority, KAFFINITY TargetProcessorSet);
VOID DDI_CALL WdfInterruptSetExtendedPolicy(WDFINTERRUPT Interrupt,
                                            PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup);

#ifdef __cplusplus
}
#endif

#endif /* _WDF_H_ */
#endif
