/*
 * The companion: a KMDF function driver for the interrupts of a second function, as a vendor ships one beside
 * the display miniport. Each interrupt that is assigned gets an object in EvtDevicePrepareHardware, at DIRQL,
 * with a DPC that counts; the objects share a spin lock.
 */
#include "companion.h"

#include <ddi/wdm.h>

static WDFSPINLOCK lock; /* of the one device */

struct line { /* context of an object */
    ULONG interrupts, counted;
};
typedef struct line LINE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(LINE, line_of)

static BOOLEAN DDI_CALL isr(WDFINTERRUPT interrupt, ULONG message) {
    (void)message;
    line_of(interrupt)->interrupts++;
    WdfInterruptQueueDpcForIsr(interrupt);
    return TRUE;
}

/* The ISR may run while this does; the lock of the interrupt keeps it out. */
static VOID DDI_CALL dpc(WDFINTERRUPT interrupt, WDFOBJECT device) {
    struct line *line = line_of(interrupt);

    (void)device;
    WdfInterruptAcquireLock(interrupt);
    line->counted = line->interrupts;
    WdfInterruptReleaseLock(interrupt);
}

static NTSTATUS create(WDFDEVICE device, PCM_PARTIAL_RESOURCE_DESCRIPTOR raw,
                       PCM_PARTIAL_RESOURCE_DESCRIPTOR translated) {
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, isr, dpc);
    config.SpinLock = lock;
    config.InterruptRaw = raw;
    config.InterruptTranslated = translated;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, LINE);
    return WdfInterruptCreate(device, &config, &attributes, &interrupt);
}

/* The lock comes before the objects, and outlives those of each PrepareHardware. */
static NTSTATUS DDI_CALL device_add(WDFDEVICE device) {
    (void)device;
    return WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &lock);
}

static NTSTATUS DDI_CALL prepare_hardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
    NTSTATUS status = STATUS_SUCCESS;

    for (ULONG i = 0; i < WdfCmResourceListGetCount(translated) && NT_SUCCESS(status); i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR d = WdfCmResourceListGetDescriptor(translated, i);

        if (d->Type == CmResourceTypeInterrupt)
            status = create(device, WdfCmResourceListGetDescriptor(raw, i), d);
    }
    return status;
}

/* A device of the port driver has its interrupt from there: no object of ours. */
static NTSTATUS DDI_CALL miniport(WDFDEVICE device) {
    (void)device;
    return STATUS_SUCCESS;
}

const struct gpup_framework_driver companion = {
    .device_add = device_add,
    .prepare_hardware = prepare_hardware,
    .miniport = miniport,
};
