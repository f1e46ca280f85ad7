/* A driver whose callbacks only say that they were called. */
#include "framework.h"

#define PAUSES 8 /* places where another ISR could come in, if no lock kept it out */

/* Callbacks have no context but the handle. Set for the time of one call into the framework. */
static _Thread_local struct framework *current;

struct framework *framework_set_current(struct framework *f) {
    struct framework *before = current;
    current = f;
    return before;
}

static struct framework_object *find(const void *handle) {
    for (uint32_t i = current->objects; i > 0; i--)
        if (current->object[i - 1].handle == handle)
            return &current->object[i - 1];
    return NULL;
}

static unsigned device_of(WDFDEVICE handle) {
    unsigned i = 0;
    while (i < FRAMEWORK_DEVICES && current->device[i].handle != handle)
        i++;
    return i;
}

/* 1 held, 2 free, 0 cannot be seen: the pages give a way to ask for wait locks only. */
static unsigned lock_of(const struct framework_object *o) {
    LONGLONG now = 0;
    WDFWAITLOCK lock = o ? current->device[o->device].wait_lock : NULL;
    if (!o || !o->named_wait_lock || KeGetCurrentIrql() != PASSIVE_LEVEL)
        return 0;
    if (current->ops->wait_lock_acquire(lock, &now) != STATUS_SUCCESS)
        return 1;
    current->ops->wait_lock_release(lock);
    return 2;
}

static void emit(struct framework *f, const struct framework_object *o, unsigned device, unsigned what,
                 uint64_t message, unsigned lock, uint64_t value) {
    struct gpup_event e = {.kind = GPUP_EVENT_INTERRUPT_ACT};
    if (!f)
        return; /* a callback that nobody waits for */
    e.f[GPUP_INTERRUPT_ACT_device] = device;
    e.f[GPUP_INTERRUPT_ACT_object] = o ? (uint64_t)(o - f->object) + 1 : 0;
    e.f[GPUP_INTERRUPT_ACT_what] = what;
    e.f[GPUP_INTERRUPT_ACT_irql] = KeGetCurrentIrql();
    e.f[GPUP_INTERRUPT_ACT_message] = message;
    e.f[GPUP_INTERRUPT_ACT_lock] = lock;
    e.f[GPUP_INTERRUPT_ACT_value] = value;
    gpup_os_emit(f->os, &e);
}

void framework_act(struct framework *f, unsigned device, unsigned object, unsigned what, uint64_t message,
                   uint64_t value) {
    emit(f, object ? &f->object[object - 1] : NULL, device, what, message, 0, value);
}

static struct framework_object *note(const void *handle, unsigned what, uint64_t message) {
    struct framework_object *o = find(handle);
    emit(current, o, o ? o->device : FRAMEWORK_DEVICES, what, message, lock_of(o), 0);
    return o;
}

/* --- the interrupt */

static BOOLEAN DDI_CALL isr(WDFINTERRUPT interrupt, ULONG message) {
    const struct framework_object *o = note(interrupt, GPUP_ACT_ISR, message);
    if (o && (o->callbacks & 2))
        current->ops->queue_dpc(interrupt);
    if (o && (o->callbacks & 4))
        current->ops->queue_work_item(interrupt);
    for (unsigned i = 0; i < PAUSES; i++)
        KeStallExecutionProcessor(1);
    note(interrupt, GPUP_ACT_ISR_END, message);
    return TRUE;
}

static VOID DDI_CALL dpc(WDFINTERRUPT interrupt, WDFOBJECT associated) {
    (void)associated;
    note(interrupt, GPUP_ACT_DPC, 0);
}

static VOID DDI_CALL work_item(WDFINTERRUPT interrupt, WDFOBJECT associated) {
    (void)associated;
    note(interrupt, GPUP_ACT_WORK_ITEM, 0);
}

static NTSTATUS DDI_CALL enable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    (void)device;
    note(interrupt, GPUP_ACT_ENABLE, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL disable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    (void)device;
    note(interrupt, GPUP_ACT_DISABLE, 0);
    return STATUS_SUCCESS;
}

BOOLEAN DDI_CALL framework_synchronized(WDFINTERRUPT interrupt, WDFCONTEXT context) {
    (void)context;
    note(interrupt, GPUP_ACT_SYNCHRONIZE, 0);
    return TRUE;
}

void framework_callbacks(WDF_INTERRUPT_CONFIG *config, uint32_t callbacks) {
    config->EvtInterruptIsr = callbacks & 1 ? isr : NULL;
    config->EvtInterruptDpc = callbacks & 2 ? dpc : NULL;
    config->EvtInterruptWorkItem = callbacks & 4 ? work_item : NULL;
    config->EvtInterruptEnable = callbacks & 8 ? enable : NULL;
    config->EvtInterruptDisable = callbacks & 16 ? disable : NULL;
}

/* --- the end of an object */

static VOID DDI_CALL cleanup(WDFOBJECT object) {
    const struct framework_object *o = find(object);
    bool kept = o && o->context;
    for (uint32_t i = 0; kept && i < o->context_size; i++)
        kept = o->context[i] == (uint8_t)(o - current->object + 1);
    emit(current, o, o ? o->device : FRAMEWORK_DEVICES, GPUP_ACT_CLEANUP, 0, 0, kept);
}

static VOID DDI_CALL destroy(WDFOBJECT object) {
    note(object, GPUP_ACT_DESTROY, 0);
}

static VOID DDI_CALL queue_cleanup(WDFOBJECT object) {
    unsigned i = 0;
    while (i < FRAMEWORK_DEVICES && current->device[i].queue != object)
        i++;
    emit(current, NULL, i, GPUP_ACT_QUEUE_CLEANUP, 0, 0, 0);
}

void framework_cleanup(WDF_OBJECT_ATTRIBUTES *attributes, uint32_t callbacks) {
    attributes->EvtCleanupCallback = callbacks & 1 ? cleanup : NULL;
    attributes->EvtDestroyCallback = callbacks & 2 ? destroy : NULL;
}

void framework_queue_cleanup(WDF_OBJECT_ATTRIBUTES *attributes) {
    attributes->EvtCleanupCallback = queue_cleanup;
}

/* --- power */

static NTSTATUS tell(WDFDEVICE device, unsigned what, NTSTATUS status) {
    emit(current, NULL, device_of(device), what, 0, 0, (uint32_t)status);
    return status;
}

static NTSTATUS DDI_CALL d0_entry(WDFDEVICE device) {
    unsigned i = device_of(device);
    bool fails = i < FRAMEWORK_DEVICES && current->device[i].fail_d0_entry;
    return tell(device, GPUP_ACT_D0_ENTRY, fails ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS);
}

static NTSTATUS DDI_CALL interrupts_enabled(WDFDEVICE device) {
    return tell(device, GPUP_ACT_INTERRUPTS_ENABLED, STATUS_SUCCESS);
}

static NTSTATUS DDI_CALL interrupts_disabled(WDFDEVICE device) {
    return tell(device, GPUP_ACT_INTERRUPTS_DISABLED, STATUS_SUCCESS);
}

static NTSTATUS DDI_CALL d0_exit(WDFDEVICE device) {
    return tell(device, GPUP_ACT_D0_EXIT, STATUS_SUCCESS);
}

const struct gpup_kmdf_callbacks framework_power_callbacks = {d0_entry, interrupts_enabled,
                                                              interrupts_disabled, d0_exit};
