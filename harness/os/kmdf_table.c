/* The framework as a table, for whoever judges it (gpup/framework.h). */
#include "kmdf.h"

#include <gpup/framework.h>

static VOID DDI_CALL config_init(PWDF_INTERRUPT_CONFIG config, PFN_WDF_INTERRUPT_ISR isr,
                                 PFN_WDF_INTERRUPT_DPC dpc) {
    WDF_INTERRUPT_CONFIG_INIT(config, isr, dpc);
}

static WDFDEVICE DDI_CALL create_device(const struct gpup_kmdf_config *config) {
    return gpup_kmdf_device(gpup_os_current(), config);
}

static struct gpup_wdf_device *device_of(WDFDEVICE device, const char *name) {
    return gpup_wdf_get(gpup_os_current(), name, device, GPUP_WDF_DEVICE);
}

static WDFOBJECT DDI_CALL create_object(WDFDEVICE device, BOOLEAN queue, PWDF_OBJECT_ATTRIBUTES attributes) {
    struct gpup_wdf_device *of = device_of(device, "create_object");
    return of ? gpup_wdf_make_object(gpup_os_current(), of, queue, attributes) : NULL;
}

static WDFCMRESLIST DDI_CALL resources(WDFDEVICE device, BOOLEAN translated) {
    return gpup_kmdf_resources(gpup_os_current(), device, translated);
}

static NTSTATUS DDI_CALL move(WDFDEVICE device, ULONG state) {
    struct gpup_wdf_device *of = device_of(device, "move");
    return of ? gpup_wdf_move(gpup_os_current(), of, state) : STATUS_INVALID_HANDLE;
}

static VOID DDI_CALL signal_message(WDFDEVICE device, ULONG message) {
    struct gpup_wdf_device *of = device_of(device, "signal");
    if (of)
        gpup_wdf_signal(gpup_os_current(), of, message);
}

const struct gpup_framework_ops gpup_kmdf_framework = {
    .size = sizeof gpup_kmdf_framework,
    .version = GPUP_FRAMEWORK_VERSION,
    .interrupt_create = WdfInterruptCreate,
    .config_init = config_init,
    .get_info = WdfInterruptGetInfo,
    .queue_dpc = WdfInterruptQueueDpcForIsr,
    .queue_work_item = WdfInterruptQueueWorkItemForIsr,
    .synchronize = WdfInterruptSynchronize,
    .object_delete = WdfObjectDelete,
    .get_context = WdfObjectGetTypedContextWorker,
    .spin_lock_create = WdfSpinLockCreate,
    .wait_lock_create = WdfWaitLockCreate,
    .wait_lock_acquire = WdfWaitLockAcquire,
    .wait_lock_release = WdfWaitLockRelease,
    .get_descriptor = WdfCmResourceListGetDescriptor,
    .create_device = create_device,
    .create_object = create_object,
    .resources = resources,
    .move = move,
    .signal = signal_message,
};
