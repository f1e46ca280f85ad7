/* The interrupt object at work: ISR, DPC, work item, lock, enable and disable (wdfinterrupt.h pages). */
#include "kmdf.h"
#include "locks.h"

static struct gpup_wdf_interrupt *enter(struct gpup_os **os, const char *name, WDFINTERRUPT handle,
                                        KIRQL max_irql) {
    *os = gpup_os_service(name, max_irql);
    return *os ? gpup_wdf_get(*os, name, handle, GPUP_WDF_INTERRUPT) : NULL;
}

/* --- delivery */

static VOID DDI_CALL run_isr(struct gpup_wdf_interrupt *interrupt) {
    struct gpup_os *os = gpup_os_current();
    if (!interrupt->connected && !KMDF_DEFECT(200))
        return;
    gpup_wdf_lock_interrupt(os, interrupt, true);
    interrupt->config.EvtInterruptIsr(interrupt->object.token, interrupt->message);
    gpup_wdf_unlock_interrupt(os, interrupt);
}

bool gpup_wdf_deliver(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt) {
    bool passive = interrupt->config.PassiveHandling;
    struct gpup_start start = {.routine = passive ? GPUP_ROUTINE_WORK : GPUP_ROUTINE_ISR,
                               .irql = passive ? PASSIVE_LEVEL : GPUP_DIRQL,
                               .function = (void *)run_isr,
                               .args = {(uintptr_t)interrupt}};
    return gpup_os_start(os, &start);
}

/* With automatic serialisation callbacks of one scope come one at a time. */
static void serialise(struct gpup_os *os, const struct gpup_wdf_interrupt *interrupt) {
    struct gpup_wdf_device *device = interrupt->device;
    if (!interrupt->config.AutomaticSerialization)
        return;
    while (device->callback_owner)
        gpup_os_yield(os, true);
    device->callback_owner = os->machine->running;
    gpup_lock_taken(os->machine->running, &device->callback_owner, GPUP_LOCK_GATE);
}

static void end_serialise(struct gpup_os *os, const struct gpup_wdf_interrupt *interrupt) {
    if (!interrupt->config.AutomaticSerialization)
        return;
    interrupt->device->callback_owner = NULL;
    gpup_lock_given(os, os->machine->running, &interrupt->device->callback_owner);
}

static VOID DDI_CALL run_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
    struct gpup_os *os = gpup_os_current();
    struct gpup_wdf_interrupt *interrupt = context;
    (void)dpc;
    (void)argument1;
    (void)argument2;
    serialise(os, interrupt);
    interrupt->config.EvtInterruptDpc(interrupt->object.token, interrupt->device->object.token);
    end_serialise(os, interrupt);
    gpup_wdf_unreference(os, &interrupt->object);
}

static VOID DDI_CALL run_work(struct gpup_wdf_interrupt *interrupt) {
    struct gpup_os *os = gpup_os_current();
    interrupt->work_queued = false;
    serialise(os, interrupt);
    interrupt->config.EvtInterruptWorkItem(interrupt->object.token, interrupt->device->object.token);
    end_serialise(os, interrupt);
    gpup_wdf_unreference(os, &interrupt->object);
}

/* What is queued keeps the object alive. */
GPUP_EXPORT BOOLEAN DDI_CALL WdfInterruptQueueDpcForIsr(WDFINTERRUPT Interrupt) {
    static const char name[] = "WdfInterruptQueueDpcForIsr";
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, name, Interrupt, GPUP_ANY_LEVEL);
    if (!interrupt)
        return FALSE;
    if (!interrupt->config.EvtInterruptDpc) {
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE, interrupt->message);
        return FALSE;
    }
    struct gpup_dpc dpc = {.dpc = &interrupt->dpc, .routine = run_dpc, .context = interrupt, .os = os};
    if (!gpup_os_queue_dpc(&dpc))
        return FALSE;
    interrupt->object.references++;
    return TRUE;
}

GPUP_EXPORT BOOLEAN DDI_CALL WdfInterruptQueueWorkItemForIsr(WDFINTERRUPT Interrupt) {
    static const char name[] = "WdfInterruptQueueWorkItemForIsr";
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, name, Interrupt, GPUP_ANY_LEVEL);
    if (!interrupt)
        return FALSE;
    if (!interrupt->config.EvtInterruptWorkItem) {
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE, interrupt->message);
        return FALSE;
    }
    struct gpup_start start = {
        .routine = GPUP_ROUTINE_WORK, .function = (void *)run_work, .args = {(uintptr_t)interrupt}};
    if (interrupt->work_queued || !gpup_os_start(os, &start))
        return FALSE;
    interrupt->work_queued = true;
    interrupt->object.references++;
    return TRUE;
}

/* --- lock */

GPUP_EXPORT VOID DDI_CALL WdfInterruptAcquireLock(WDFINTERRUPT Interrupt) {
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, "WdfInterruptAcquireLock", Interrupt, GPUP_DIRQL);
    if (interrupt && interrupt->config.PassiveHandling)
        gpup_os_service("WdfInterruptAcquireLock", PASSIVE_LEVEL);
    if (interrupt && os->machine->running)
        gpup_wdf_lock_interrupt(os, interrupt, true);
}

GPUP_EXPORT BOOLEAN DDI_CALL WdfInterruptTryToAcquireLock(WDFINTERRUPT Interrupt) {
    static const char name[] = "WdfInterruptTryToAcquireLock";
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, name, Interrupt, PASSIVE_LEVEL);
    if (!interrupt || !os->machine->running)
        return FALSE;
    if (!interrupt->config.PassiveHandling) {
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE,
                       interrupt->message); /* for passive-level interrupts only */
        return FALSE;
    }
    return gpup_wdf_lock_interrupt(os, interrupt, false);
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptReleaseLock(WDFINTERRUPT Interrupt) {
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, "WdfInterruptReleaseLock", Interrupt, GPUP_DIRQL);
    if (interrupt && os->machine->running)
        gpup_wdf_unlock_interrupt(os, interrupt);
}

GPUP_EXPORT BOOLEAN DDI_CALL WdfInterruptSynchronize(WDFINTERRUPT Interrupt,
                                                     PFN_WDF_INTERRUPT_SYNCHRONIZE Callback,
                                                     WDFCONTEXT Context) {
    static const char name[] = "WdfInterruptSynchronize";
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, name, Interrupt, GPUP_DIRQL);
    if (!interrupt)
        return FALSE;
    if (interrupt->config.PassiveHandling)
        gpup_os_service(name, PASSIVE_LEVEL);
    if (!Callback) {
        gpup_wdf_violation(os, name);
        return FALSE;
    }
    if (!os->machine->running)
        return FALSE;
    gpup_wdf_lock_interrupt(os, interrupt, true);
    BOOLEAN result = Callback(Interrupt, Context);
    gpup_wdf_unlock_interrupt(os, interrupt);
    return result;
}

/* --- enable and disable */

NTSTATUS gpup_wdf_switch(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt, bool on) {
    const WDF_INTERRUPT_CONFIG *config = &interrupt->config;
    PFN_WDF_INTERRUPT_ENABLE callback = on ? config->EvtInterruptEnable : config->EvtInterruptDisable;
    if (!callback)
        return STATUS_SUCCESS;
    gpup_wdf_lock_interrupt(os, interrupt, true);
    NTSTATUS status = callback(interrupt->object.token, interrupt->device->object.token);
    gpup_wdf_unlock_interrupt(os, interrupt);
    return status;
}

static void toggle(const char *name, WDFINTERRUPT handle, bool on) {
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, name, handle, PASSIVE_LEVEL);
    if (!interrupt || !os->machine->running)
        return;
    if (!interrupt->connected)
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE, interrupt->message);
    else
        gpup_wdf_switch(os, interrupt, on);
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptEnable(WDFINTERRUPT Interrupt) {
    toggle("WdfInterruptEnable", Interrupt, true);
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptDisable(WDFINTERRUPT Interrupt) {
    toggle("WdfInterruptDisable", Interrupt, false);
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptReportActive(WDFINTERRUPT Interrupt) {
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt = enter(&os, "WdfInterruptReportActive", Interrupt, DISPATCH_LEVEL);
    if (interrupt)
        interrupt->inactive = false;
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptReportInactive(WDFINTERRUPT Interrupt) {
    struct gpup_os *os;
    struct gpup_wdf_interrupt *interrupt =
        enter(&os, "WdfInterruptReportInactive", Interrupt, DISPATCH_LEVEL);
    if (interrupt)
        interrupt->inactive = true;
}

/* --- questions */

GPUP_EXPORT WDFDEVICE DDI_CALL WdfInterruptGetDevice(WDFINTERRUPT Interrupt) {
    struct gpup_os *os;
    const struct gpup_wdf_interrupt *interrupt =
        enter(&os, "WdfInterruptGetDevice", Interrupt, GPUP_ANY_LEVEL);
    return interrupt ? interrupt->device->object.token : NULL;
}

static void fill_info(const struct gpup_wdf_interrupt *interrupt, WDF_INTERRUPT_INFO *info) {
    *info = (WDF_INTERRUPT_INFO){.Size = sizeof *info, .MessageNumber = interrupt->message};
    if (interrupt->resource < 0)
        return;
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &interrupt->device->pristine[1][interrupt->resource + 1];
    info->TargetProcessorSet = d->u.Interrupt.Affinity;
    info->Vector = d->u.Interrupt.Vector;
    info->Irql = interrupt->config.PassiveHandling ? PASSIVE_LEVEL : (KIRQL)d->u.Interrupt.Level;
    info->Group = d->u.Interrupt.Group;
    info->Mode = d->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
    info->MessageSignaled = (d->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
    info->ShareDisposition = d->ShareDisposition;
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptGetInfo(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_INFO Info) {
    static const char name[] = "WdfInterruptGetInfo";
    struct gpup_os *os;
    const struct gpup_wdf_interrupt *interrupt = enter(&os, name, Interrupt, GPUP_ANY_LEVEL);
    if (!interrupt)
        return;
    if (!Info || Info->Size != sizeof *Info)
        gpup_wdf_violation(os, name);
    else
        fill_info(interrupt, Info);
}

/* Opaque, and only while connected. */
GPUP_EXPORT PKINTERRUPT DDI_CALL WdfInterruptWdmGetInterrupt(WDFINTERRUPT Interrupt) {
    struct gpup_os *os;
    const struct gpup_wdf_interrupt *interrupt =
        enter(&os, "WdfInterruptWdmGetInterrupt", Interrupt, GPUP_ANY_LEVEL);
    return interrupt && interrupt->connected ? interrupt->object.token : NULL;
}

/* Affinity means nothing on one virtual processor; only the place of the call is looked at. */
static void set_policy(const char *name, WDFINTERRUPT handle, bool valid) {
    struct gpup_os *os;
    const struct gpup_wdf_interrupt *interrupt = enter(&os, name, handle, DISPATCH_LEVEL);
    if (interrupt && (!valid || interrupt->device->state != GPUP_KMDF_DEVICE_ADD))
        gpup_os_misuse(os, name, valid ? GPUP_MISUSE_STATE : GPUP_MISUSE_PARAMETER, interrupt->message);
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptSetPolicy(WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy,
                                                WDF_INTERRUPT_PRIORITY Priority,
                                                KAFFINITY TargetProcessorSet) {
    (void)TargetProcessorSet;
    set_policy("WdfInterruptSetPolicy", Interrupt,
               (unsigned)Policy <= WdfIrqPolicySpreadMessagesAcrossAllProcessors &&
                   (unsigned)Priority <= WdfIrqPriorityHigh);
}

GPUP_EXPORT VOID DDI_CALL WdfInterruptSetExtendedPolicy(WDFINTERRUPT Interrupt,
                                                        PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup) {
    set_policy("WdfInterruptSetExtendedPolicy", Interrupt,
               PolicyAndGroup && PolicyAndGroup->Size == sizeof *PolicyAndGroup);
}
