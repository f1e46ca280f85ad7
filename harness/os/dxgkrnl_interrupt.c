/*
 * The adapter's interrupt: ISR and DPC of the miniport, what it may do from them, and device information.
 */
#include "dxgkrnl.h"
#include "locks.h"

static VOID DDI_CALL run_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
    const struct gpup_os *os = gpup_os_current();
    const struct gpup_dxgkrnl *dxgkrnl = os ? os->dxgkrnl : NULL;
    const DRIVER_INITIALIZATION_DATA *ddis = os ? gpup_dxgkrnl_ddis(os) : NULL;
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    if (dxgkrnl && dxgkrnl->connected && ddis && ddis->DxgkDdiDpcRoutine)
        ddis->DxgkDdiDpcRoutine(dxgkrnl->context);
}

void gpup_dxgkrnl_started(struct gpup_os *os, void *miniport_context) {
    struct gpup_dxgkrnl *dxgkrnl = gpup_dxgkrnl_of(os);
    const DRIVER_INITIALIZATION_DATA *ddis = gpup_dxgkrnl_ddis(os);
    if (!dxgkrnl)
        return;
    dxgkrnl->context = miniport_context;
    dxgkrnl->open = true;
    dxgkrnl->connected = true;
    os->isr = ddis ? (void *)ddis->DxgkDdiInterruptRoutine : NULL;
    os->isr_context = miniport_context;
    gpup_dxgkrnl_resources(os, dxgkrnl);
}

void gpup_dxgkrnl_stopped(struct gpup_os *os) {
    struct gpup_dxgkrnl *dxgkrnl = gpup_dxgkrnl_of(os);
    if (!dxgkrnl)
        return;
    os->isr = NULL;
    os->isr_context = NULL;
    dxgkrnl->open = false;
    dxgkrnl->connected = false;
    if (dxgkrnl->resources)
        gpup_os_buffer_free(os, dxgkrnl->resources);
    dxgkrnl->resources = NULL;
}

BOOLEAN DDI_CALL gpup_dxgkrnl_queue_dpc(HANDLE handle) {
    struct gpup_os *os;
    if (!gpup_dxgkrnl_enter_device(&os, handle, NULL, 0))
        return FALSE;
    struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    struct gpup_dpc dpc = {.dpc = &dxgkrnl->dpc, .routine = run_dpc, .os = os};
    return gpup_os_queue_dpc(&dpc); /* one at a time: FALSE while it waits */
}

VOID DDI_CALL gpup_dxgkrnl_notify_interrupt(HANDLE handle, const DXGKARGCB_NOTIFY_INTERRUPT_DATA *data) {
    struct gpup_os *os;
    uint64_t type = data ? *(const volatile uint32_t *)(const volatile void *)data : 0;
    if (gpup_dxgkrnl_enter_device(&os, handle, &type, 1) && !data)
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbNotifyInterrupt), GPUP_MISUSE_PARAMETER);
}

VOID DDI_CALL gpup_dxgkrnl_notify_dpc(HANDLE handle) {
    struct gpup_os *os;
    gpup_dxgkrnl_enter_device(&os, handle, NULL, 0);
}

/* The routine runs in the caller's fiber, with the ISR kept away. */
static BOOLEAN run_synchronized(struct gpup_os *os, PKSYNCHRONIZE_ROUTINE routine, PVOID context,
                                ULONG message) {
    const void *lock = gpup_lock_of_interrupt(os, message);
    KIRQL before = gpup_os_irql(os);
    gpup_lock_wanted(os, "DxgkCbSynchronizeExecution", lock, GPUP_LOCK_ALONE);
    while (os->isr_active || os->interrupt_owner)
        gpup_os_yield(os, true); /* only with preemption: the ISR runs on another processor */
    os->interrupt_owner = os->machine->running;
    gpup_lock_taken(os->machine->running, lock, GPUP_LOCK_ALONE);
    gpup_os_set_irql(os, GPUP_DIRQL);
    BOOLEAN value = routine(context);
    if (gpup_os_irql(os) != GPUP_DIRQL)
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbSynchronizeExecution), GPUP_MISUSE_IRQL);
    gpup_os_set_irql(os, before);
    os->interrupt_owner = NULL;
    gpup_lock_given(os, os->machine->running, lock);
    gpup_os_wake(os);
    return value;
}

NTSTATUS DDI_CALL gpup_dxgkrnl_synchronize(HANDLE handle, PKSYNCHRONIZE_ROUTINE routine, PVOID context,
                                           ULONG message, PBOOLEAN value) {
    struct gpup_os *os;
    if (!gpup_dxgkrnl_enter_device(&os, handle, (uint64_t[]){message}, 1))
        return STATUS_INVALID_PARAMETER;
    struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    if (!routine || !value || message >= dxgkrnl->messages) {
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbSynchronizeExecution), GPUP_MISUSE_PARAMETER);
        return STATUS_INVALID_PARAMETER;
    }
    if (!dxgkrnl->connected || !os->machine->running)
        return STATUS_UNSUCCESSFUL;
    if (os->interrupt_owner == os->machine->running || os->machine->running->routine == GPUP_ROUTINE_ISR) {
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbSynchronizeExecution), GPUP_MISUSE_LOCK);
        return STATUS_UNSUCCESSFUL; /* the lock is held already: the real one would never come back */
    }
    *value = run_synchronized(os, routine, context, message);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL gpup_dxgkrnl_get_device_information(HANDLE handle, PDXGK_DEVICE_INFO info) {
    struct gpup_os *os;
    if (!gpup_dxgkrnl_enter_device(&os, handle, NULL, 0))
        return STATUS_INVALID_PARAMETER;
    struct gpup_dxgkrnl *dxgkrnl = os->dxgkrnl;
    if (!info) {
        gpup_dxgkrnl_callback_misuse(os, GPUP_CALLBACK(DxgkCbGetDeviceInformation), GPUP_MISUSE_PARAMETER);
        return STATUS_INVALID_PARAMETER;
    }
    if (!gpup_dxgkrnl_resources(os, dxgkrnl))
        return STATUS_INSUFFICIENT_RESOURCES;
    *info = (DXGK_DEVICE_INFO){
        .MiniportDeviceContext = dxgkrnl->context,
        .PhysicalDeviceObject = &dxgkrnl->physical_device,
        .DeviceRegistryPath = gpup_dxgkrnl_registry_path(dxgkrnl),
        .TranslatedResourceList = dxgkrnl->resources,
        .SystemMemorySize.QuadPart = 16ll << 30,
        .HighestPhysicalAddress.QuadPart = (1ll << 46) - 1,
        .DockingState = DockStateUnsupported,
    };
    return STATUS_SUCCESS;
}
