/*
 * Kernel services a display miniport uses (wdm.h, ntddk.h, ntstrsafe.h), x64.
 *
 * Prototypes, object sizes and constants follow the wdm.h reference pages. The insides of kernel objects are
 * ours: a driver must treat them as opaque. Every service is an imported function with DDI_CALL, also where
 * the WDK has a macro or an intrinsic, except what needs no system: lists, interlocked operations and plain
 * memory copies are inline. IRQL is asked for by a function (no CR8). Steps aside when the WDK's wdm.h is
 * present (_WDMDDK_).
 */
#ifndef GPUP_DDI_WDM_H
#define GPUP_DDI_WDM_H

#include "ddi/ntdef.h"
#include "ddi/ntstatus.h"
#include "ddi/wdm_inline.h"
#include "ddi/wdmtypes.h"

#ifndef _WDMDDK_

#if __STDC_HOSTED__
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if !__STDC_HOSTED__ /* a freestanding build brings its own */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *one, const void *other, size_t size);
#endif

#ifndef NTAPI
#define NTAPI DDI_CALL
#endif
#ifndef FORCEINLINE
#define FORCEINLINE static inline __attribute__((always_inline, unused))
#endif
#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#endif
#ifndef CONTAINING_RECORD
#define CONTAINING_RECORD(address, type, field)                                                              \
    ((type *)(void *)((unsigned char *)(address)-offsetof(type, field)))
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE 0x1000
#define PAGE_SHIFT 12
#endif
#define PAGED_CODE() ((void)0)

/* IRQL */
#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define CLOCK_LEVEL 13
#define IPI_LEVEL 14
#define POWER_LEVEL 14
#define PROFILE_LEVEL 15
#define HIGH_LEVEL 15

typedef CHAR KPROCESSOR_MODE;
typedef enum _MODE { KernelMode, UserMode, MaximumMode } MODE;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef LONG KPRIORITY;
typedef ULONG DEVICE_TYPE;
typedef struct _EPROCESS *PEPROCESS;
typedef struct _KTHREAD *PKTHREAD, *PETHREAD;
typedef struct _OBJECT_TYPE *POBJECT_TYPE;
typedef struct _IRP *PIRP;
typedef struct _FILE_OBJECT *PFILE_OBJECT;
typedef struct _KPROCESS *PRKPROCESS;
#define THREAD_ALL_ACCESS 0x001FFFFF
#define SYNCHRONIZE 0x00100000
#define LOW_REALTIME_PRIORITY 16
#define LOW_PRIORITY 0

/* --- Driver and device objects ------------------------------------------------------------------------- */

typedef NTSTATUS(DDI_CALL DRIVER_INITIALIZE)(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
typedef DRIVER_INITIALIZE *PDRIVER_INITIALIZE;
typedef VOID(DDI_CALL DRIVER_UNLOAD)(PDRIVER_OBJECT DriverObject);
typedef DRIVER_UNLOAD *PDRIVER_UNLOAD;
typedef NTSTATUS(DDI_CALL DRIVER_DISPATCH)(PDEVICE_OBJECT DeviceObject, PIRP Irp);
typedef DRIVER_DISPATCH *PDRIVER_DISPATCH;
typedef NTSTATUS(DDI_CALL DRIVER_ADD_DEVICE)(PDRIVER_OBJECT DriverObject,
                                             PDEVICE_OBJECT PhysicalDeviceObject);
typedef DRIVER_ADD_DEVICE *PDRIVER_ADD_DEVICE;
#define IRP_MJ_MAXIMUM_FUNCTION 0x1b

/* MDL structure: a page frame number per page follows it. Drivers get it from the system and read it. */
typedef struct DDI_STRUCT _MDL {
    struct _MDL *Next;
    CSHORT Size;
    CSHORT MdlFlags;
    PVOID Process;
    PVOID MappedSystemVa; /* valid with MDL_MAPPED_TO_SYSTEM_VA or MDL_SOURCE_IS_NONPAGED_POOL */
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset; /* into the first page */
} MDL;
#define MDL_MAPPED_TO_SYSTEM_VA 0x0001
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004

/* DEVICE_OBJECT structure, 336 bytes; members that no driver may use are left as space. */
typedef struct DDI_STRUCT _DEVICE_OBJECT {
    CSHORT Type;
    USHORT Size;
    LONG ReferenceCount;
    PDRIVER_OBJECT DriverObject;
    PDEVICE_OBJECT NextDevice;
    PDEVICE_OBJECT AttachedDevice;
    PIRP CurrentIrp;
    PVOID Timer;
    ULONG Flags;
    ULONG Characteristics;
    PVOID Vpb;
    PVOID DeviceExtension;
    DEVICE_TYPE DeviceType;
    CHAR StackSize;
    UCHAR Reserved[0x150 - 0x50];
} DEVICE_OBJECT;

/* DRIVER_EXTENSION structure */
typedef struct DDI_STRUCT _DRIVER_EXTENSION {
    PDRIVER_OBJECT DriverObject;
    PDRIVER_ADD_DEVICE AddDevice;
    ULONG Count;
    UNICODE_STRING ServiceKeyName;
} DRIVER_EXTENSION, *PDRIVER_EXTENSION;

/* DRIVER_OBJECT structure, 336 bytes */
typedef struct DDI_STRUCT _DRIVER_OBJECT {
    CSHORT Type;
    CSHORT Size;
    PDEVICE_OBJECT DeviceObject;
    ULONG Flags;
    PVOID DriverStart;
    ULONG DriverSize;
    PVOID DriverSection;
    PDRIVER_EXTENSION DriverExtension;
    UNICODE_STRING DriverName;
    PUNICODE_STRING HardwareDatabase;
    PVOID FastIoDispatch;
    PDRIVER_INITIALIZE DriverInit;
    PVOID DriverStartIo;
    PDRIVER_UNLOAD DriverUnload;
    PDRIVER_DISPATCH MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1];
} DRIVER_OBJECT;

/* --- Pool ---------------------------------------------------------------------------------------------- */

typedef enum _POOL_TYPE {
    NonPagedPool = 0,
    NonPagedPoolExecute = 0,
    PagedPool = 1,
    NonPagedPoolMustSucceed = 2,
    NonPagedPoolCacheAligned = 4,
    PagedPoolCacheAligned = 5,
    NonPagedPoolNx = 512,
    NonPagedPoolNxCacheAligned = 516
} POOL_TYPE;
typedef ULONG64 POOL_FLAGS;
#define POOL_FLAG_REQUIRED_START 0x0000000000000001ull
#define POOL_FLAG_USE_QUOTA 0x0000000000000001ull
#define POOL_FLAG_UNINITIALIZED 0x0000000000000002ull
#define POOL_FLAG_SESSION 0x0000000000000004ull
#define POOL_FLAG_CACHE_ALIGNED 0x0000000000000008ull
#define POOL_FLAG_RAISE_ON_FAILURE 0x0000000000000020ull
#define POOL_FLAG_NON_PAGED 0x0000000000000040ull
#define POOL_FLAG_NON_PAGED_EXECUTE 0x0000000000000080ull
#define POOL_FLAG_PAGED 0x0000000000000100ull

PVOID DDI_CALL ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);
PVOID DDI_CALL ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
PVOID DDI_CALL ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
PVOID DDI_CALL ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
PVOID DDI_CALL ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes);
VOID DDI_CALL ExFreePool(PVOID P);
VOID DDI_CALL ExFreePoolWithTag(PVOID P, ULONG Tag);

/* --- IRQL and spin locks ------------------------------------------------------------------------------- */

KIRQL DDI_CALL KeGetCurrentIrql(void);
KIRQL DDI_CALL KfRaiseIrql(KIRQL NewIrql);
#define KeRaiseIrql(NewIrql, OldIrql) (*(OldIrql) = KfRaiseIrql(NewIrql))
KIRQL DDI_CALL KeRaiseIrqlToDpcLevel(void);
VOID DDI_CALL KeLowerIrql(KIRQL NewIrql);

typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;
typedef struct DDI_STRUCT _KSPIN_LOCK_QUEUE {
    struct _KSPIN_LOCK_QUEUE *volatile Next;
    PKSPIN_LOCK volatile Lock;
} KSPIN_LOCK_QUEUE, *PKSPIN_LOCK_QUEUE;
typedef struct DDI_STRUCT _KLOCK_QUEUE_HANDLE {
    KSPIN_LOCK_QUEUE LockQueue;
    KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE, *PKLOCK_QUEUE_HANDLE;

VOID DDI_CALL KeInitializeSpinLock(PKSPIN_LOCK SpinLock);
KIRQL DDI_CALL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock);
#define KeAcquireSpinLock(SpinLock, OldIrql) (*(OldIrql) = KeAcquireSpinLockRaiseToDpc(SpinLock))
VOID DDI_CALL KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql);
VOID DDI_CALL KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);
VOID DDI_CALL KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock);
BOOLEAN DDI_CALL KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);
VOID DDI_CALL KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle);
VOID DDI_CALL KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle);
VOID DDI_CALL KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle);
VOID DDI_CALL KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle);

/* --- Waitable objects ---------------------------------------------------------------------------------- */

/* Head of every waitable object, 24 bytes. Tag ties the object to its address, so that copies show. */
typedef struct DDI_STRUCT _DISPATCHER_HEADER {
    UCHAR Type;
    UCHAR Reserved[3];
    LONG SignalState;
    ULONG64 Tag;
    ULONG64 Owner;
} DISPATCHER_HEADER;

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
#define IO_NO_INCREMENT 0
typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _WAIT_TYPE { WaitAll, WaitAny } WAIT_TYPE;
typedef enum _KWAIT_REASON {
    Executive,
    FreePage,
    PageIn,
    PoolAllocation,
    DelayExecution,
    Suspended,
    UserRequest
} KWAIT_REASON;
#define MAXIMUM_WAIT_OBJECTS 64
#define THREAD_WAIT_OBJECTS 3

typedef struct DDI_STRUCT _KEVENT {
    DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT, *PRKEVENT;
typedef struct DDI_STRUCT _KSEMAPHORE {
    DISPATCHER_HEADER Header;
    LONG Limit;
} KSEMAPHORE, *PKSEMAPHORE, *PRKSEMAPHORE;
typedef struct DDI_STRUCT _KMUTANT {
    DISPATCHER_HEADER Header;
    ULONG64 Reserved[4];
} KMUTANT, *PKMUTANT, KMUTEX, *PKMUTEX, *PRKMUTEX;
typedef struct DDI_STRUCT _KWAIT_BLOCK {
    ULONG64 Reserved[6];
} KWAIT_BLOCK, *PKWAIT_BLOCK;

typedef struct _KDPC *PKDPC, *PRKDPC;
typedef VOID(DDI_CALL KDEFERRED_ROUTINE)(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                         PVOID SystemArgument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;
typedef enum _KDPC_IMPORTANCE {
    LowImportance,
    MediumImportance,
    HighImportance,
    MediumHighImportance
} KDPC_IMPORTANCE;
typedef struct DDI_STRUCT _KDPC {
    UCHAR Type;
    UCHAR Importance;
    USHORT Number;
    ULONG Expedite;
    ULONG64 Tag;
    ULONG64 Reserved;
    PKDEFERRED_ROUTINE DeferredRoutine;
    PVOID DeferredContext;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
    PVOID DpcData;
} KDPC;
typedef struct DDI_STRUCT _KTIMER {
    DISPATCHER_HEADER Header;
    ULONG64 Reserved[5];
} KTIMER, *PKTIMER, *PRKTIMER;
typedef struct DDI_STRUCT _FAST_MUTEX {
    LONG Count;
    PVOID Owner;
    ULONG Contention;
    KEVENT Event;
    ULONG OldIrql;
} FAST_MUTEX, *PFAST_MUTEX, KGUARDED_MUTEX, *PKGUARDED_MUTEX;
typedef struct DDI_STRUCT _ERESOURCE {
    DISPATCHER_HEADER Header; /* SignalState: shared holders; Owner: exclusive holder */
    LONG Depth;
    ULONG Reserved0;
    ULONG64 Reserved[9];
} ERESOURCE, *PERESOURCE;

VOID DDI_CALL KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State);
LONG DDI_CALL KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);
LONG DDI_CALL KeResetEvent(PRKEVENT Event);
VOID DDI_CALL KeClearEvent(PRKEVENT Event);
LONG DDI_CALL KeReadStateEvent(PRKEVENT Event);
VOID DDI_CALL KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit);
LONG DDI_CALL KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait);
LONG DDI_CALL KeReadStateSemaphore(PRKSEMAPHORE Semaphore);
VOID DDI_CALL KeInitializeMutex(PRKMUTEX Mutex, ULONG Level);
LONG DDI_CALL KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait);
LONG DDI_CALL KeReadStateMutex(PRKMUTEX Mutex);
NTSTATUS DDI_CALL KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout);
NTSTATUS DDI_CALL KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                           KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                           BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                           PKWAIT_BLOCK WaitBlockArray);
#define KeWaitForMutexObject KeWaitForSingleObject
NTSTATUS DDI_CALL KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                         PLARGE_INTEGER Interval);

VOID DDI_CALL ExInitializeFastMutex(PFAST_MUTEX FastMutex);
VOID DDI_CALL ExAcquireFastMutex(PFAST_MUTEX FastMutex);
BOOLEAN DDI_CALL ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex);
VOID DDI_CALL ExReleaseFastMutex(PFAST_MUTEX FastMutex);
VOID DDI_CALL ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex);
VOID DDI_CALL ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex);
VOID DDI_CALL KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex);
VOID DDI_CALL KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex);
VOID DDI_CALL KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex);
NTSTATUS DDI_CALL ExInitializeResourceLite(PERESOURCE Resource);
NTSTATUS DDI_CALL ExDeleteResourceLite(PERESOURCE Resource);
BOOLEAN DDI_CALL ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait);
BOOLEAN DDI_CALL ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait);
VOID DDI_CALL ExReleaseResourceLite(PERESOURCE Resource);
VOID DDI_CALL KeEnterCriticalRegion(void);
VOID DDI_CALL KeLeaveCriticalRegion(void);
VOID DDI_CALL KeEnterGuardedRegion(void);
VOID DDI_CALL KeLeaveGuardedRegion(void);

/* --- DPCs, timers, time -------------------------------------------------------------------------------- */

VOID DDI_CALL KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);
BOOLEAN DDI_CALL KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2);
BOOLEAN DDI_CALL KeRemoveQueueDpc(PRKDPC Dpc);
VOID DDI_CALL KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance);
VOID DDI_CALL KeFlushQueuedDpcs(void);
VOID DDI_CALL KeInitializeTimer(PKTIMER Timer);
VOID DDI_CALL KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type);
BOOLEAN DDI_CALL KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc);
BOOLEAN DDI_CALL KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc);
BOOLEAN DDI_CALL KeCancelTimer(PKTIMER Timer);
BOOLEAN DDI_CALL KeReadStateTimer(PKTIMER Timer);
LARGE_INTEGER DDI_CALL KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency);
ULONGLONG DDI_CALL KeQueryInterruptTime(void);
ULONGLONG DDI_CALL KeQueryInterruptTimePrecise(ULONG64 *QpcTimeStamp);
ULONGLONG DDI_CALL KeQueryUnbiasedInterruptTime(void);
VOID DDI_CALL KeQuerySystemTime(PLARGE_INTEGER CurrentTime);
VOID DDI_CALL KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime);
VOID DDI_CALL KeQueryTickCount(PLARGE_INTEGER CurrentCount);
ULONG DDI_CALL KeQueryTimeIncrement(void);
VOID DDI_CALL KeStallExecutionProcessor(ULONG MicroSeconds);

/* --- Threads, work items, handles ---------------------------------------------------------------------- */

typedef VOID(DDI_CALL KSTART_ROUTINE)(PVOID StartContext);
typedef KSTART_ROUTINE *PKSTART_ROUTINE;
typedef struct DDI_STRUCT _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
typedef struct DDI_STRUCT _CLIENT_ID {
    HANDLE UniqueProcess;
    HANDLE UniqueThread;
} CLIENT_ID, *PCLIENT_ID;
#define OBJ_CASE_INSENSITIVE 0x00000040
#define OBJ_KERNEL_HANDLE 0x00000200
#define InitializeObjectAttributes(p, n, a, r, s)                                                            \
    do {                                                                                                     \
        (p)->Length = sizeof(OBJECT_ATTRIBUTES);                                                             \
        (p)->RootDirectory = (r);                                                                            \
        (p)->Attributes = (a);                                                                               \
        (p)->ObjectName = (n);                                                                               \
        (p)->SecurityDescriptor = (s);                                                                       \
        (p)->SecurityQualityOfService = NULL;                                                                \
    } while (0)

NTSTATUS DDI_CALL PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                       PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine, PVOID StartContext);
NTSTATUS DDI_CALL PsTerminateSystemThread(NTSTATUS ExitStatus);
NTSTATUS DDI_CALL ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                            KPROCESSOR_MODE AccessMode, PVOID *Object,
                                            PVOID HandleInformation);
LONG_PTR DDI_CALL ObfReferenceObject(PVOID Object);
LONG_PTR DDI_CALL ObfDereferenceObject(PVOID Object);
#define ObReferenceObject ObfReferenceObject
#define ObDereferenceObject ObfDereferenceObject
NTSTATUS DDI_CALL ZwClose(HANDLE Handle);
PKTHREAD DDI_CALL KeGetCurrentThread(void);
#define PsGetCurrentThread KeGetCurrentThread
KPRIORITY DDI_CALL KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority);
PEPROCESS DDI_CALL IoGetCurrentProcess(void);
#define PsGetCurrentProcess IoGetCurrentProcess
HANDLE DDI_CALL PsGetCurrentProcessId(void);
HANDLE DDI_CALL PsGetCurrentThreadId(void);

typedef struct _IO_WORKITEM *PIO_WORKITEM;
typedef VOID(DDI_CALL IO_WORKITEM_ROUTINE)(PDEVICE_OBJECT DeviceObject, PVOID Context);
typedef IO_WORKITEM_ROUTINE *PIO_WORKITEM_ROUTINE;
typedef VOID(DDI_CALL IO_WORKITEM_ROUTINE_EX)(PVOID IoObject, PVOID Context, PIO_WORKITEM IoWorkItem);
typedef IO_WORKITEM_ROUTINE_EX *PIO_WORKITEM_ROUTINE_EX;
typedef VOID(DDI_CALL WORKER_THREAD_ROUTINE)(PVOID Parameter);
typedef WORKER_THREAD_ROUTINE *PWORKER_THREAD_ROUTINE;
typedef enum _WORK_QUEUE_TYPE { CriticalWorkQueue, DelayedWorkQueue, HyperCriticalWorkQueue } WORK_QUEUE_TYPE;
typedef struct DDI_STRUCT _WORK_QUEUE_ITEM {
    LIST_ENTRY List;
    PWORKER_THREAD_ROUTINE WorkerRoutine;
    PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;
#define ExInitializeWorkItem(Item, Routine, Context)                                                         \
    do {                                                                                                     \
        (Item)->WorkerRoutine = (Routine);                                                                   \
        (Item)->Parameter = (Context);                                                                       \
        (Item)->List.Flink = NULL;                                                                           \
    } while (0)
PIO_WORKITEM DDI_CALL IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject);
VOID DDI_CALL IoFreeWorkItem(PIO_WORKITEM IoWorkItem);
VOID DDI_CALL IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                              WORK_QUEUE_TYPE QueueType, PVOID Context);
VOID DDI_CALL IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                WORK_QUEUE_TYPE QueueType, PVOID Context);
VOID DDI_CALL ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType);

/* --- Memory and registers ------------------------------------------------------------------------------ */

#define PAGE_READONLY 0x02
#define PAGE_READWRITE 0x04
#define PAGE_NOCACHE 0x200
#define PAGE_WRITECOMBINE 0x400
PVOID DDI_CALL MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                            MEMORY_CACHING_TYPE CacheType);
PVOID DDI_CALL MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect);
VOID DDI_CALL MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes);
PVOID DDI_CALL MmAllocateContiguousMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress);
PVOID DDI_CALL MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                                      PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                      PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                      PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                      MEMORY_CACHING_TYPE CacheType);
VOID DDI_CALL MmFreeContiguousMemory(PVOID BaseAddress);
VOID DDI_CALL MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                                 MEMORY_CACHING_TYPE CacheType);
PHYSICAL_ADDRESS DDI_CALL MmGetPhysicalAddress(PVOID BaseAddress);

UCHAR DDI_CALL READ_REGISTER_UCHAR(volatile UCHAR *Register);
USHORT DDI_CALL READ_REGISTER_USHORT(volatile USHORT *Register);
ULONG DDI_CALL READ_REGISTER_ULONG(volatile ULONG *Register);
ULONG64 DDI_CALL READ_REGISTER_ULONG64(volatile ULONG64 *Register);
VOID DDI_CALL WRITE_REGISTER_UCHAR(volatile UCHAR *Register, UCHAR Value);
VOID DDI_CALL WRITE_REGISTER_USHORT(volatile USHORT *Register, USHORT Value);
VOID DDI_CALL WRITE_REGISTER_ULONG(volatile ULONG *Register, ULONG Value);
VOID DDI_CALL WRITE_REGISTER_ULONG64(volatile ULONG64 *Register, ULONG64 Value);
VOID DDI_CALL READ_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count);
VOID DDI_CALL WRITE_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count);

#define KeMemoryBarrier() __sync_synchronize()
#define MemoryBarrier() __sync_synchronize()
#define YieldProcessor() __builtin_ia32_pause()

#define RtlCopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#define RtlMoveMemory(Destination, Source, Length) memmove((Destination), (Source), (Length))
#define RtlZeroMemory(Destination, Length) memset((Destination), 0, (Length))
#define RtlFillMemory(Destination, Length, Fill) memset((Destination), (Fill), (Length))
#define RtlEqualMemory(Destination, Source, Length) (!memcmp((Destination), (Source), (Length)))
PVOID DDI_CALL RtlSecureZeroMemory(PVOID Destination, SIZE_T Length);
SIZE_T DDI_CALL RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length);

/* --- Strings, version, registry, messages -------------------------------------------------------------- */

VOID DDI_CALL RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
NTSTATUS DDI_CALL RtlStringCbCopyA(PCHAR Destination, SIZE_T DestinationSize, PCSTR Source);
NTSTATUS DDI_CALL RtlStringCbCatA(PCHAR Destination, SIZE_T DestinationSize, PCSTR Source);
NTSTATUS DDI_CALL RtlStringCbLengthA(PCSTR String, SIZE_T Maximum, SIZE_T *Length);
NTSTATUS DDI_CALL RtlStringCbPrintfA(PCHAR Destination, SIZE_T DestinationSize, PCSTR Format, ...);
NTSTATUS DDI_CALL RtlStringCbCopyW(PWSTR Destination, SIZE_T DestinationSize, PCWSTR Source);

typedef struct DDI_STRUCT _OSVERSIONINFOW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
} OSVERSIONINFOW, *POSVERSIONINFOW, RTL_OSVERSIONINFOW, *PRTL_OSVERSIONINFOW;
NTSTATUS DDI_CALL RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation);
ULONG DDI_CALL KeQueryActiveProcessorCount(KAFFINITY *ActiveProcessors);
ULONG DDI_CALL KeQueryActiveProcessorCountEx(USHORT GroupNumber);
ULONG DDI_CALL KeGetCurrentProcessorNumberEx(PVOID ProcNumber);

typedef enum _KEY_VALUE_INFORMATION_CLASS {
    KeyValueBasicInformation,
    KeyValueFullInformation,
    KeyValuePartialInformation
} KEY_VALUE_INFORMATION_CLASS;
typedef NTSTATUS(DDI_CALL RTL_QUERY_REGISTRY_ROUTINE)(PWSTR ValueName, ULONG ValueType, PVOID ValueData,
                                                      ULONG ValueLength, PVOID Context, PVOID EntryContext);
typedef RTL_QUERY_REGISTRY_ROUTINE *PRTL_QUERY_REGISTRY_ROUTINE;
typedef struct DDI_STRUCT _RTL_QUERY_REGISTRY_TABLE {
    PRTL_QUERY_REGISTRY_ROUTINE QueryRoutine;
    ULONG Flags;
    PWSTR Name;
    PVOID EntryContext;
    ULONG DefaultType;
    PVOID DefaultData;
    ULONG DefaultLength;
} RTL_QUERY_REGISTRY_TABLE, *PRTL_QUERY_REGISTRY_TABLE;
#define RTL_REGISTRY_ABSOLUTE 0
#define RTL_REGISTRY_SERVICES 1
#define RTL_QUERY_REGISTRY_REQUIRED 0x00000004
#define RTL_QUERY_REGISTRY_DIRECT 0x00000020
#define REG_NONE 0
#define REG_SZ 1
#define REG_BINARY 3
#define REG_DWORD 4
#define KEY_READ 0x20019
NTSTATUS DDI_CALL ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes);
NTSTATUS DDI_CALL ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                                  KEY_VALUE_INFORMATION_CLASS InformationClass, PVOID KeyValueInformation,
                                  ULONG Length, PULONG ResultLength);
NTSTATUS DDI_CALL RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                         PVOID Context, PVOID Environment);

typedef enum {
    DevicePropertyDeviceDescription = 0x0,
    DevicePropertyHardwareID = 0x1,
    DevicePropertyLegacyBusType = 0xd,
    DevicePropertyBusNumber = 0xe,
    DevicePropertyAddress = 0x10,
    DevicePropertyUINumber = 0x11
} DEVICE_REGISTRY_PROPERTY;
NTSTATUS DDI_CALL IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject, DEVICE_REGISTRY_PROPERTY DeviceProperty,
                                      ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength);

ULONG DDI_CALL DbgPrint(PCSTR Format, ...);
ULONG DDI_CALL DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
#define DPFLTR_IHVVIDEO_ID 78
#define DPFLTR_IHVDRIVER_ID 77
#define DPFLTR_ERROR_LEVEL 0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL 2
#define DPFLTR_INFO_LEVEL 3
#define KdPrint(arguments) ((void)0)
VOID DDI_CALL DbgBreakPoint(void);
VOID DDI_CALL KeBugCheck(ULONG BugCheckCode) __attribute__((noreturn));
VOID DDI_CALL KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4)
    __attribute__((noreturn));
#ifndef NT_ASSERT
#define NT_ASSERT(expression) ((void)0)
#endif

#ifdef __cplusplus
}
#endif

#include "ddi/wdm_exception.h"
#include "ddi/wdm_file.h"
#include "ddi/wdm_lists.h"
#include "ddi/wdm_memory.h"
#include "ddi/wdm_more.h"
#include "ddi/wdm_rtl.h"
#include "ddi/wdm_sync.h"
#include "ddi/wdm_system.h"

#endif /* _WDMDDK_ */
#endif
