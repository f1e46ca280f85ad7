/*
 * Further services of wdm.h and ntddk.h that hold others off: reader-writer spin locks, those of threaded
 * DPCs, run-down protection and remove locks, and the less usual forms of mutexes, resources and events.
 *
 * Sizes are those of x64 Windows, since drivers embed the objects; their insides are ours. IRQLs and pages
 * are in the table of services (gpup/kernel.h). Included by ddi/wdm.h, and like it absent when the WDK's is
 * present.
 */
#ifndef GPUP_DDI_WDM_SYNC_H
#define GPUP_DDI_WDM_SYNC_H

#include "ddi/wdm.h"

#ifndef _WDMDDK_

#ifdef __cplusplus
extern "C" {
#endif

/* --- Spin locks: a test without taking, and the forms for routines that may run as threaded DPCs */
BOOLEAN DDI_CALL KeTestSpinLock(PKSPIN_LOCK SpinLock); /* TRUE: it is free */
KIRQL DDI_CALL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock);
VOID DDI_CALL KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql);
VOID DDI_CALL KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle);
VOID DDI_CALL KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle);

/* --- Reader-writer spin locks: 32 bits, zero at the start */
typedef LONG EX_SPIN_LOCK, *PEX_SPIN_LOCK;
typedef ULONG LOGICAL;
KIRQL DDI_CALL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock);
VOID DDI_CALL ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql);
KIRQL DDI_CALL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock);
VOID DDI_CALL ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql);
VOID DDI_CALL ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock);
VOID DDI_CALL ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock);
VOID DDI_CALL ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock);
VOID DDI_CALL ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock);
LOGICAL DDI_CALL ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock);

/* --- Guarded mutexes and regions */
BOOLEAN DDI_CALL KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex);
VOID DDI_CALL KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex);
VOID DDI_CALL KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex);
BOOLEAN DDI_CALL KeAreApcsDisabled(void);
BOOLEAN DDI_CALL KeAreAllApcsDisabled(void);

/* --- Resources */
typedef ULONG_PTR ERESOURCE_THREAD;
NTSTATUS DDI_CALL ExReinitializeResourceLite(PERESOURCE Resource);
BOOLEAN DDI_CALL ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait);
BOOLEAN DDI_CALL ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait);
VOID DDI_CALL ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId);
VOID DDI_CALL ExConvertExclusiveToSharedLite(PERESOURCE Resource);
BOOLEAN DDI_CALL ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource);
ULONG DDI_CALL ExIsResourceAcquiredSharedLite(PERESOURCE Resource); /* how often by this thread */
ULONG DDI_CALL ExGetExclusiveWaiterCount(PERESOURCE Resource);
ULONG DDI_CALL ExGetSharedWaiterCount(PERESOURCE Resource);
PVOID DDI_CALL ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource);
PVOID DDI_CALL ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource);
VOID DDI_CALL ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource);

/* --- Run-down protection: 8 bytes */
typedef struct DDI_STRUCT _EX_RUNDOWN_REF {
    ULONG_PTR Count; /* bit 0: being run down; above it, how many protect */
} EX_RUNDOWN_REF, *PEX_RUNDOWN_REF;
VOID DDI_CALL ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef);
VOID DDI_CALL ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef);
BOOLEAN DDI_CALL ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef);
BOOLEAN DDI_CALL ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count);
VOID DDI_CALL ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef);
VOID DDI_CALL ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count);
VOID DDI_CALL ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef);
VOID DDI_CALL ExRundownCompleted(PEX_RUNDOWN_REF RunRef);

/* --- Remove locks: 32 bytes in a retail build, 120 in a checked one, which says so by RemlockSize */
typedef struct DDI_STRUCT _IO_REMOVE_LOCK_COMMON_BLOCK {
    BOOLEAN Removed;
    BOOLEAN Reserved[3];
    LONG IoCount; /* acquisitions, and one for the lock itself */
    KEVENT RemoveEvent;
} IO_REMOVE_LOCK_COMMON_BLOCK;
typedef struct DDI_STRUCT _IO_REMOVE_LOCK {
    IO_REMOVE_LOCK_COMMON_BLOCK Common;
} IO_REMOVE_LOCK, *PIO_REMOVE_LOCK;
VOID DDI_CALL IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                                       ULONG HighWatermark, ULONG RemlockSize);
NTSTATUS DDI_CALL IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                                        ULONG RemlockSize);
VOID DDI_CALL IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize);
VOID DDI_CALL IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize);
#define IoInitializeRemoveLock(Lock, Tag, Minutes, Watermark)                                                \
    IoInitializeRemoveLockEx(Lock, Tag, Minutes, Watermark, sizeof(IO_REMOVE_LOCK))
#define IoAcquireRemoveLock(Lock, Tag) IoAcquireRemoveLockEx(Lock, Tag, "", 1, sizeof(IO_REMOVE_LOCK))
#define IoReleaseRemoveLock(Lock, Tag) IoReleaseRemoveLockEx(Lock, Tag, sizeof(IO_REMOVE_LOCK))
#define IoReleaseRemoveLockAndWait(Lock, Tag) IoReleaseRemoveLockAndWaitEx(Lock, Tag, sizeof(IO_REMOVE_LOCK))

LONG DDI_CALL KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);

#ifdef __cplusplus
}
#endif

#endif /* _WDMDDK_ */
#endif
