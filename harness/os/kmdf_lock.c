/* Spin locks and wait locks of the framework (wdfsync.h pages), and the lock of an interrupt object. */
#include "kmdf.h"
#include "locks.h"

void gpup_wdf_lock_init(struct gpup_wdf_lock *lock) {
    gpup_dispatcher_init(&lock->free.Header, GPUP_DISPATCHER_SYNC_EVENT, 1);
}

static void take(struct gpup_os *os, struct gpup_wdf_lock *lock, const char *name) {
    gpup_lock_wanted(os, name, &lock->free, GPUP_LOCK_ALONE);
    if (lock->owner == os->machine->running) {
        gpup_lock_again(os, name, &lock->free);
        gpup_os_hang(os, GPUP_HANG_WAIT, 0); /* it would wait for itself */
    }
    while (lock->owner)
        gpup_os_yield(os, true); /* held on another processor */
    lock->owner = os->machine->running;
    os->machine->running->locks++;
    gpup_lock_taken(os->machine->running, &lock->free, GPUP_LOCK_ALONE);
}

static bool give(struct gpup_os *os, struct gpup_wdf_lock *lock, const char *name) {
    if (lock->owner != os->machine->running) {
        gpup_os_misuse(os, name, GPUP_MISUSE_LOCK, 0);
        return false;
    }
    lock->owner = NULL;
    os->machine->running->locks--;
    gpup_lock_given(os, os->machine->running, &lock->free);
    gpup_os_wake(os);
    return true;
}

/* --- spin locks: raise first, then take */

static void spin(struct gpup_os *os, struct gpup_wdf_lock *lock, KIRQL level, const char *name) {
    KIRQL before = gpup_os_irql(os);
    if (before < level)
        gpup_os_set_irql(os, level);
    take(os, lock, name);
    lock->before = before;
}

static void unspin(struct gpup_os *os, struct gpup_wdf_lock *lock, const char *name) {
    KIRQL before = lock->before;
    if (give(os, lock, name))
        gpup_os_set_irql(os, before);
}

/* --- wait locks */

static NTSTATUS wait_lock(struct gpup_os *os, struct gpup_wdf_lock *lock, uint64_t deadline,
                          const char *name) {
    void *objects[1] = {&lock->free};
    gpup_lock_wanted(os, name, &lock->free, deadline == GPUP_NEVER ? GPUP_LOCK_ALONE : GPUP_LOCK_TRY);
    if (lock->owner == os->machine->running && deadline == GPUP_NEVER) {
        gpup_lock_again(os, name, &lock->free);
        gpup_os_hang(os, GPUP_HANG_WAIT, 0);
    }
    NTSTATUS status = gpup_os_wait(os, objects, 1, false, deadline);
    if (status != STATUS_SUCCESS)
        return status;
    lock->owner = os->machine->running;
    os->machine->running->locks++;
    gpup_lock_taken(os->machine->running, &lock->free, GPUP_LOCK_ALONE);
    return status;
}

static void unwait(struct gpup_os *os, struct gpup_wdf_lock *lock, const char *name) {
    if (!give(os, lock, name))
        return;
    lock->free.Header.SignalState = 1;
    gpup_os_wake(os);
}

bool gpup_wdf_lock_interrupt(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt, bool wait) {
    static const char name[] = "WdfInterruptAcquireLock";
    if (interrupt->config.PassiveHandling)
        return wait_lock(os, interrupt->lock, wait ? GPUP_NEVER : os->machine->now, name) == STATUS_SUCCESS;
    spin(os, interrupt->lock, GPUP_DIRQL, name);
    return true;
}

void gpup_wdf_unlock_interrupt(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt) {
    static const char name[] = "WdfInterruptReleaseLock";
    if (interrupt->config.PassiveHandling)
        unwait(os, interrupt->lock, name);
    else
        unspin(os, interrupt->lock, name);
}

/* --- what drivers call */

static struct gpup_wdf_lock *make(struct gpup_os *os, struct gpup_kmdf *kmdf) {
    struct gpup_wdf_lock *lock = kmdf->free_locks;
    if (gpup_os_fails(os))
        return NULL;
    if (lock)
        kmdf->free_locks = (void *)lock->owner;
    else
        lock = gpup_os_alloc(os, sizeof *lock);
    if (!lock)
        return NULL;
    *lock = (struct gpup_wdf_lock){0};
    gpup_wdf_lock_init(lock);
    gpup_lock_forget(os, lock, sizeof *lock);
    return lock;
}

static NTSTATUS create(const char *name, unsigned kind, const WDF_OBJECT_ATTRIBUTES *attributes,
                       void **handle) {
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    struct gpup_kmdf *kmdf = os ? gpup_kmdf_of(os) : NULL;
    NTSTATUS status = gpup_wdf_check_attributes(attributes, false, true);
    if (!kmdf)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!handle)
        gpup_wdf_violation(os, name);
    if (!handle || !NT_SUCCESS(status))
        return handle ? status : STATUS_INVALID_PARAMETER;
    struct gpup_wdf_lock *lock = make(os, kmdf);
    if (!lock)
        return STATUS_INSUFFICIENT_RESOURCES;
    if ((attributes && !NT_SUCCESS(gpup_wdf_add_context(os, &lock->object, attributes))) ||
        !gpup_wdf_publish(os, &lock->object, kind)) {
        gpup_wdf_drop_contexts(os, &lock->object);
        lock->owner = (void *)kmdf->free_locks;
        kmdf->free_locks = lock;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *handle = lock->object.token;
    return STATUS_SUCCESS;
}

GPUP_EXPORT NTSTATUS DDI_CALL WdfSpinLockCreate(PWDF_OBJECT_ATTRIBUTES Attributes, WDFSPINLOCK *SpinLock) {
    return create("WdfSpinLockCreate", GPUP_WDF_SPIN_LOCK, Attributes, (void **)SpinLock);
}

GPUP_EXPORT NTSTATUS DDI_CALL WdfWaitLockCreate(PWDF_OBJECT_ATTRIBUTES Attributes, WDFWAITLOCK *Lock) {
    return create("WdfWaitLockCreate", GPUP_WDF_WAIT_LOCK, Attributes, (void **)Lock);
}

static struct gpup_wdf_lock *enter(struct gpup_os **os, const char *name, const void *handle, unsigned kind,
                                   KIRQL max_irql) {
    *os = gpup_os_service(name, max_irql);
    struct gpup_wdf_lock *lock = *os ? gpup_wdf_get(*os, name, handle, kind) : NULL;
    return lock && (*os)->machine->running ? lock : NULL;
}

GPUP_EXPORT VOID DDI_CALL WdfSpinLockAcquire(WDFSPINLOCK SpinLock) {
    static const char name[] = "WdfSpinLockAcquire";
    struct gpup_os *os;
    struct gpup_wdf_lock *lock = enter(&os, name, SpinLock, GPUP_WDF_SPIN_LOCK, DISPATCH_LEVEL);
    if (lock && lock->of_interrupt)
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE, 0); /* WdfInterruptAcquireLock is for that */
    if (lock)
        spin(os, lock, DISPATCH_LEVEL, name);
}

GPUP_EXPORT VOID DDI_CALL WdfSpinLockRelease(WDFSPINLOCK SpinLock) {
    static const char name[] = "WdfSpinLockRelease";
    struct gpup_os *os;
    struct gpup_wdf_lock *lock = enter(&os, name, SpinLock, GPUP_WDF_SPIN_LOCK, DISPATCH_LEVEL);
    if (lock)
        unspin(os, lock, name);
}

GPUP_EXPORT NTSTATUS DDI_CALL WdfWaitLockAcquire(WDFWAITLOCK Lock, LONGLONG *Timeout) {
    static const char name[] = "WdfWaitLockAcquire";
    struct gpup_os *os;
    bool waits = !Timeout || *Timeout;
    struct gpup_wdf_lock *lock =
        enter(&os, name, Lock, GPUP_WDF_WAIT_LOCK, waits ? PASSIVE_LEVEL : DISPATCH_LEVEL);
    if (!lock)
        return STATUS_INVALID_HANDLE;
    return wait_lock(os, lock, Timeout ? gpup_os_due(os, *Timeout) : GPUP_NEVER, name);
}

GPUP_EXPORT VOID DDI_CALL WdfWaitLockRelease(WDFWAITLOCK Lock) {
    static const char name[] = "WdfWaitLockRelease";
    struct gpup_os *os;
    struct gpup_wdf_lock *lock = enter(&os, name, Lock, GPUP_WDF_WAIT_LOCK, DISPATCH_LEVEL);
    if (lock)
        unwait(os, lock, name);
}
