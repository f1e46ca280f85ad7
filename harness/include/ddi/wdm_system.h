/*
 * Registry, event tracing, processors, threads and timers of wdm.h, ntddk.h and ntifs.h beyond ddi/wdm.h.
 *
 * One processor, one group, one node. Time is the simulated one. The registry is small and in the world's
 * memory: keys exist when somebody asks for them, values when somebody has set them. Events are checked and
 * dropped: no session listens. Included by ddi/wdm.h, and like it absent when the WDK's is present.
 */
#ifndef GPUP_DDI_WDM_SYSTEM_H
#define GPUP_DDI_WDM_SYSTEM_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

/* --- Registry. Sizes are bytes. A name lies behind the structure, without a terminator. */
typedef struct DDI_STRUCT _KEY_VALUE_BASIC_INFORMATION {
    ULONG TitleIndex;
    ULONG Type;
    ULONG NameLength;
    WCHAR Name[1];
} KEY_VALUE_BASIC_INFORMATION, *PKEY_VALUE_BASIC_INFORMATION;
typedef struct DDI_STRUCT _KEY_VALUE_FULL_INFORMATION {
    ULONG TitleIndex;
    ULONG Type;
    ULONG DataOffset; /* from the structure */
    ULONG DataLength;
    ULONG NameLength;
    WCHAR Name[1];
} KEY_VALUE_FULL_INFORMATION, *PKEY_VALUE_FULL_INFORMATION;
typedef struct DDI_STRUCT _KEY_VALUE_PARTIAL_INFORMATION {
    ULONG TitleIndex;
    ULONG Type;
    ULONG DataLength;
    UCHAR Data[1];
} KEY_VALUE_PARTIAL_INFORMATION, *PKEY_VALUE_PARTIAL_INFORMATION;
#define REG_OPTION_NON_VOLATILE 0
#define REG_OPTION_VOLATILE 1
#define REG_CREATED_NEW_KEY 1
#define REG_OPENED_EXISTING_KEY 2
#define REG_EXPAND_SZ 2
#define REG_MULTI_SZ 7
#define REG_QWORD 11
#define RTL_REGISTRY_CONTROL 2
#define RTL_REGISTRY_HANDLE 0x40000000
#define RTL_QUERY_REGISTRY_SUBKEY 0x00000001
#define RTL_QUERY_REGISTRY_NOEXPAND 0x00000010
#define RTL_QUERY_REGISTRY_DELETE 0x00000040
#define RTL_QUERY_REGISTRY_TYPECHECK 0x00000100
#define RTL_QUERY_REGISTRY_TYPECHECK_SHIFT 24
#define PLUGPLAY_REGKEY_DEVICE 1
#define PLUGPLAY_REGKEY_DRIVER 2
typedef enum _DRIVER_REGKEY_TYPE { DriverRegKeyParameters, DriverRegKeyPersistentState } DRIVER_REGKEY_TYPE;
NTSTATUS DDI_CALL ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                              POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex, PUNICODE_STRING Class,
                              ULONG CreateOptions, PULONG Disposition);
NTSTATUS DDI_CALL ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                                PVOID Data, ULONG DataSize);
NTSTATUS DDI_CALL ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index, KEY_VALUE_INFORMATION_CLASS Class,
                                      PVOID KeyValueInformation, ULONG Length, PULONG ResultLength);
NTSTATUS DDI_CALL ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName);
NTSTATUS DDI_CALL ZwDeleteKey(HANDLE KeyHandle);
NTSTATUS DDI_CALL ZwFlushKey(HANDLE KeyHandle);
NTSTATUS DDI_CALL IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                          ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey);
NTSTATUS DDI_CALL IoOpenDriverRegistryKey(PDRIVER_OBJECT DriverObject, DRIVER_REGKEY_TYPE RegKeyType,
                                          ACCESS_MASK DesiredAccess, ULONG Flags, PHANDLE DriverRegKey);
NTSTATUS DDI_CALL RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType,
                                        PVOID ValueData, ULONG ValueLength);
NTSTATUS DDI_CALL RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName);
NTSTATUS DDI_CALL RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path);
NTSTATUS DDI_CALL RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path); /* is there something in it */

/* --- Event tracing */
typedef ULONGLONG REGHANDLE, *PREGHANDLE;
typedef struct DDI_STRUCT _EVENT_DESCRIPTOR {
    USHORT Id;
    UCHAR Version;
    UCHAR Channel;
    UCHAR Level;
    UCHAR Opcode;
    USHORT Task;
    ULONGLONG Keyword;
} EVENT_DESCRIPTOR, *PEVENT_DESCRIPTOR;
typedef const EVENT_DESCRIPTOR *PCEVENT_DESCRIPTOR;
typedef struct DDI_STRUCT _EVENT_DATA_DESCRIPTOR {
    ULONGLONG Ptr; /* address of the data */
    ULONG Size;    /* bytes */
    ULONG Reserved;
} EVENT_DATA_DESCRIPTOR, *PEVENT_DATA_DESCRIPTOR;
typedef VOID(DDI_CALL ETWENABLECALLBACK)(LPCGUID SourceId, ULONG ControlCode, UCHAR Level,
                                         ULONGLONG MatchAnyKeyword, ULONGLONG MatchAllKeyword,
                                         PVOID FilterData, PVOID CallbackContext);
typedef ETWENABLECALLBACK *PETWENABLECALLBACK;
typedef enum _EVENT_INFO_CLASS {
    EventProviderBinaryTrackInfo,
    EventProviderSetReserved1,
    EventProviderSetTraits
} EVENT_INFO_CLASS;
#define EVENT_ACTIVITY_CTRL_GET_ID 1
#define EVENT_ACTIVITY_CTRL_SET_ID 2
#define EVENT_ACTIVITY_CTRL_CREATE_ID 3
NTSTATUS DDI_CALL EtwRegister(LPCGUID ProviderId, PETWENABLECALLBACK EnableCallback, PVOID CallbackContext,
                              PREGHANDLE RegHandle);
NTSTATUS DDI_CALL EtwUnregister(REGHANDLE RegHandle);
BOOLEAN DDI_CALL EtwEventEnabled(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor);
BOOLEAN DDI_CALL EtwProviderEnabled(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword);
NTSTATUS DDI_CALL EtwWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, LPCGUID ActivityId,
                           ULONG UserDataCount, PEVENT_DATA_DESCRIPTOR UserData);
NTSTATUS DDI_CALL EtwWriteEx(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, ULONG64 Filter,
                             ULONG Flags, LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                             PEVENT_DATA_DESCRIPTOR UserData);
NTSTATUS DDI_CALL EtwWriteTransfer(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor,
                                   LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                                   PEVENT_DATA_DESCRIPTOR UserData);
NTSTATUS DDI_CALL EtwWriteString(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword, LPCGUID ActivityId,
                                 PCWSTR String);
NTSTATUS DDI_CALL EtwActivityIdControl(ULONG ControlCode, LPGUID ActivityId);
NTSTATUS DDI_CALL EtwSetInformation(REGHANDLE RegHandle, EVENT_INFO_CLASS InformationClass,
                                    PVOID EventInformation, ULONG InformationLength);
ULONG DDI_CALL vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, __builtin_ms_va_list Arguments);

/* --- Processors */
typedef struct DDI_STRUCT _PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;
#define ALL_PROCESSOR_GROUPS 0xffff
ULONG DDI_CALL KeQueryMaximumProcessorCount(void);
ULONG DDI_CALL KeQueryMaximumProcessorCountEx(USHORT GroupNumber);
KAFFINITY DDI_CALL KeQueryActiveProcessors(void);
USHORT DDI_CALL KeQueryActiveGroupCount(void);
USHORT DDI_CALL KeQueryMaximumGroupCount(void);
KAFFINITY DDI_CALL KeQueryGroupAffinity(USHORT GroupNumber);
USHORT DDI_CALL KeQueryHighestNodeNumber(void);
USHORT DDI_CALL KeGetCurrentNodeNumber(void);
VOID DDI_CALL KeQueryNodeActiveAffinity(USHORT NodeNumber, PGROUP_AFFINITY Affinity, PUSHORT Count);
NTSTATUS DDI_CALL KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber);
ULONG DDI_CALL KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber);
KAFFINITY DDI_CALL KeSetSystemAffinityThreadEx(KAFFINITY Affinity);
VOID DDI_CALL KeRevertToUserAffinityThreadEx(KAFFINITY Affinity);
VOID DDI_CALL KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity);
VOID DDI_CALL KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity);
typedef ULONG_PTR(DDI_CALL KIPI_BROADCAST_WORKER)(ULONG_PTR Argument);
typedef KIPI_BROADCAST_WORKER *PKIPI_BROADCAST_WORKER;
ULONG_PTR DDI_CALL KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context);
typedef struct DDI_STRUCT _XSTATE_SAVE {
    ULONG64 Reserved[7];
} XSTATE_SAVE, *PXSTATE_SAVE;
NTSTATUS DDI_CALL KeSaveExtendedProcessorState(ULONG64 Mask, PXSTATE_SAVE XStateSave);
VOID DDI_CALL KeRestoreExtendedProcessorState(PXSTATE_SAVE XStateSave);
VOID DDI_CALL KeInvalidateAllCaches(void);
BOOLEAN DDI_CALL ExIsProcessorFeaturePresent(ULONG ProcessorFeature);

/* --- Threads and objects */
KPRIORITY DDI_CALL KeQueryPriorityThread(PKTHREAD Thread);
LONG DDI_CALL KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment);
KPROCESSOR_MODE DDI_CALL ExGetPreviousMode(void);
BOOLEAN DDI_CALL PsIsSystemThread(PETHREAD Thread);
HANDLE DDI_CALL PsGetThreadId(PETHREAD Thread);
BOOLEAN DDI_CALL PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                              PUNICODE_STRING CSDVersion); /* TRUE: a checked build */
NTSTATUS DDI_CALL ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                             KPROCESSOR_MODE AccessMode);
VOID DDI_CALL ObDereferenceObjectDeferDelete(PVOID Object);
VOID DDI_CALL IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit);
SIZE_T DDI_CALL IoGetRemainingStackSize(void);
BOOLEAN DDI_CALL IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion);
BOOLEAN DDI_CALL RtlIsNtDdiVersionAvailable(ULONG Version);

/* --- Work items in the driver's own memory */
ULONG DDI_CALL IoSizeofWorkItem(void);
VOID DDI_CALL IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem);
VOID DDI_CALL IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem);

/* --- Timers and DPCs */
VOID DDI_CALL KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);
VOID DDI_CALL KeSetTargetProcessorDpc(PRKDPC Dpc, CHAR Number);
NTSTATUS DDI_CALL KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber);
BOOLEAN DDI_CALL KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                                       ULONG TolerableDelay, PKDPC Dpc);
VOID DDI_CALL ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime);
VOID DDI_CALL ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime);
ULONG DDI_CALL ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution); /* 100 ns */
VOID DDI_CALL ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime);

/* --- Bug check callbacks: registered and never called, as nothing runs on a stopped host */
typedef struct DDI_STRUCT _KBUGCHECK_CALLBACK_RECORD {
    LIST_ENTRY Entry;
    PVOID CallbackRoutine;
    PVOID Buffer;
    ULONG Length;
    PUCHAR Component;
    ULONG_PTR Checksum;
    UCHAR State; /* 0 empty, 1 registered */
} KBUGCHECK_CALLBACK_RECORD, *PKBUGCHECK_CALLBACK_RECORD;
typedef struct DDI_STRUCT _KBUGCHECK_REASON_CALLBACK_RECORD {
    LIST_ENTRY Entry;
    PVOID CallbackRoutine;
    PUCHAR Component;
    ULONG_PTR Checksum;
    ULONG Reason;
    UCHAR State;
} KBUGCHECK_REASON_CALLBACK_RECORD, *PKBUGCHECK_REASON_CALLBACK_RECORD;
#define KeInitializeCallbackRecord(Record) ((Record)->State = 0)
BOOLEAN DDI_CALL KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord, PVOID CallbackRoutine,
                                            PVOID Buffer, ULONG Length, PUCHAR Component);
BOOLEAN DDI_CALL KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord);
BOOLEAN DDI_CALL KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                                  PVOID CallbackRoutine, ULONG Reason, PUCHAR Component);
BOOLEAN DDI_CALL KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord);

/* --- Variables */
extern POBJECT_TYPE *const PsThreadType,
    *const PsProcessType, *const ExEventObjectType, *const IoFileObjectType, *const ExSemaphoreObjectType;
extern const BOOLEAN KdDebuggerEnabled, KdDebuggerNotPresent;
extern const USHORT NtBuildNumber;

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
