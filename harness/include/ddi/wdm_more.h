/*
 * What drivers built with the WDK import beyond ddi/wdm.h and its parts: WPP tracing, named events, timers
 * that the system allocates, the error log, processes.
 *
 * WPP's generated code registers each control GUID with IoWMIRegistrationControl and writes with
 * WmiTraceMessage; here no session listens, as in a system nobody traces. Functions are those of wdm.h,
 * ntddk.h and ntifs.h, with the IRQLs of their pages. Included by ddi/wdm.h, and like it absent when the
 * WDK's is present.
 */
#ifndef GPUP_DDI_WDM_MORE_H
#define GPUP_DDI_WDM_MORE_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

/* --- WMI and WPP. Action: one of these, with flags above it. What registered has to deregister before the
 * driver goes. */
#define WMIREG_ACTION_REGISTER 1
#define WMIREG_ACTION_DEREGISTER 2
#define WMIREG_ACTION_REREGISTER 3
#define WMIREG_ACTION_UPDATE_GUIDS 4
#define WMIREG_ACTION_BLOCK_IRPS 5
#define WMIREG_FLAG_TRACE_PROVIDER 0x00010000
#define WMIREG_FLAG_CALLBACK 0x80000000
NTSTATUS DDI_CALL IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action);

/* Parts of a message: pairs of an address and a size_t, ended by a NULL address. STATUS_INVALID_HANDLE: no
 * such session, which here is every one. MessageNumber: a USHORT, as wide as C passes it before others. */
typedef ULONG64 TRACEHANDLE;
NTSTATUS DDI_CALL WmiTraceMessage(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPCGUID MessageGuid,
                                  ULONG MessageNumber, ...);
NTSTATUS DDI_CALL WmiTraceMessageVa(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPCGUID MessageGuid,
                                    USHORT MessageNumber, __builtin_ms_va_list MessageArgList);
typedef enum _TRACE_INFORMATION_CLASS {
    TraceIdClass,
    TraceHandleClass,
    TraceEnableFlagsClass,
    TraceEnableLevelClass,
    GlobalLoggerHandleClass,
    EventLoggerHandleClass,
    AllLoggerHandlesClass,
    TraceHandleByNameClass
} TRACE_INFORMATION_CLASS;
NTSTATUS DDI_CALL WmiQueryTraceInformation(TRACE_INFORMATION_CLASS TraceInformationClass,
                                           PVOID TraceInformation, ULONG TraceInformationLength,
                                           PULONG RequiredLength, PVOID Buffer);

/* --- Named events: made signaled, or opened if the name is in use. NULL: cannot be. The handle goes with
 * ZwClose; the event stays as long as a handle or a reference to it does. */
PKEVENT DDI_CALL IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle);
PKEVENT DDI_CALL IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle);

/* --- Timers of the system. DueTime and Period: units of 100 ns, a negative DueTime from now. */
typedef struct _EX_TIMER *PEX_TIMER;
typedef VOID(DDI_CALL EXT_CALLBACK)(PEX_TIMER Timer, PVOID Context);
typedef EXT_CALLBACK *PEXT_CALLBACK;
typedef VOID(DDI_CALL EXT_DELETE_CALLBACK)(PVOID Context);
typedef EXT_DELETE_CALLBACK *PEXT_DELETE_CALLBACK;
typedef struct DDI_STRUCT _EXT_SET_PARAMETERS_V0 {
    ULONG Version;
    ULONG Reserved;
    LONGLONG NoWakeTolerance;
} EXT_SET_PARAMETERS, *PEXT_SET_PARAMETERS;
typedef PVOID PEXT_CANCEL_PARAMETERS; /* reserved: NULL */
typedef struct DDI_STRUCT _EXT_DELETE_PARAMETERS {
    ULONG Version;
    ULONG Reserved;
    PEXT_DELETE_CALLBACK DeleteCallback;
    PVOID DeleteContext;
} EXT_DELETE_PARAMETERS, *PEXT_DELETE_PARAMETERS;
#define EX_TIMER_HIGH_RESOLUTION 4
#define EX_TIMER_NO_WAKE 8
#define EX_TIMER_NOTIFICATION 0x80000000
PEX_TIMER DDI_CALL ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes);
BOOLEAN DDI_CALL ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                            PEXT_SET_PARAMETERS Parameters);
BOOLEAN DDI_CALL ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters);
/* Wait: until a callback on its way has returned, at APC_LEVEL or below, and only together with Cancel. */
BOOLEAN DDI_CALL ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                               PEXT_DELETE_PARAMETERS Parameters);

/* --- Error log: an entry is written, which frees it, or freed. EntrySize: bytes, at most
 * ERROR_LOG_MAXIMUM_SIZE. */
#define ERROR_LOG_MAXIMUM_SIZE 240
PVOID DDI_CALL IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize);
VOID DDI_CALL IoWriteErrorLogEntry(PVOID ElEntry);
VOID DDI_CALL IoFreeErrorLogEntry(PVOID ElEntry);

/* --- Processes: there is one, the system's. */
typedef struct DDI_STRUCT _KAPC_STATE {
    LIST_ENTRY ApcListHead[2];
    PVOID Process;
    ULONG64 Flags;
} KAPC_STATE, *PKAPC_STATE, *PRKAPC_STATE;
HANDLE DDI_CALL PsGetProcessId(PEPROCESS Process);
VOID DDI_CALL KeStackAttachProcess(PEPROCESS Process, PRKAPC_STATE ApcState);
VOID DDI_CALL KeUnstackDetachProcess(PRKAPC_STATE ApcState);

NTSTATUS DDI_CALL ExUuidCreate(GUID *Uuid);

/* --- Pageable sections: nothing is ever paged out. The handle of a section is that of any lock on it. */
PVOID DDI_CALL MmLockPagableDataSection(PVOID AddressWithinSection);
#define MmLockPagableCodeSection(address) MmLockPagableDataSection((PVOID)(address))
VOID DDI_CALL MmLockPagableSectionByHandle(PVOID ImageSectionHandle);
VOID DDI_CALL MmUnlockPagableImageSection(PVOID ImageSectionHandle);
PVOID DDI_CALL MmPageEntireDriver(PVOID AddressWithinSection); /* the beginning of the image */
VOID DDI_CALL MmResetDriverPaging(PVOID AddressWithinSection);

/* --- Text. Sizes: bytes; what does not fit is left out, and that is a success. */
NTSTATUS DDI_CALL RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                         PULONG BytesInMultiByteString, PCWSTR UnicodeString,
                                         ULONG BytesInUnicodeString);
NTSTATUS DDI_CALL RtlMultiByteToUnicodeN(PWCHAR UnicodeString, ULONG MaxBytesInUnicodeString,
                                         PULONG BytesInUnicodeString, PCSTR MultiByteString,
                                         ULONG BytesInMultiByteString);
NTSTATUS DDI_CALL RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWSTR UnicodeString,
                                            ULONG BytesInUnicodeString);
NTSTATUS DDI_CALL RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, PCSTR MultiByteString,
                                            ULONG BytesInMultiByteString);

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
