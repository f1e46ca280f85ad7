/*
 * WdfInterruptCreate, with its checks in the order of the published framework (fxinterruptapi.cpp,
 * interruptobject.cpp): the first that fails gives the status.
 */
#include "asan.h"
#include "kmdf.h"
#include "locks.h"

#include <string.h>

static const char name[] = "WdfInterruptCreate";

#define SIZE_1_9 offsetof(WDF_INTERRUPT_CONFIG, EvtInterruptWorkItem)
#define SIZE_1_11 offsetof(WDF_INTERRUPT_CONFIG, CanWakeDevice)

/* Older structures end earlier; what they lack takes its default. */
static NTSTATUS copy_config(const WDF_INTERRUPT_CONFIG *given, WDF_INTERRUPT_CONFIG *config) {
    ULONG size = given->Size;
    bool known = size == sizeof *given || size == SIZE_1_11 || size == SIZE_1_9;
    if (KMDF_DEFECT(188) ? size < sizeof *given : !known)
        return STATUS_INFO_LENGTH_MISMATCH;
    size = size < sizeof *given ? size : sizeof *given;
    WDF_INTERRUPT_CONFIG_INIT(config, NULL, NULL);
    gpup_copy_driver(config, given, size);
    config->Size = sizeof *config;
    return config->EvtInterruptIsr ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static NTSTATUS check_state(const struct gpup_wdf_device *device, const WDF_INTERRUPT_CONFIG *config) {
    if (device->config.control_device)
        return STATUS_INVALID_DEVICE_STATE; /* has no PnP states, so never the right one */
    switch (device->state) {
    case GPUP_KMDF_DEVICE_ADD:
        if (config->InterruptRaw || config->InterruptTranslated || config->CanWakeDevice)
            return STATUS_INVALID_PARAMETER;
        return STATUS_SUCCESS;
    case GPUP_KMDF_PREPARE_HARDWARE:
        if (KMDF_DEFECT(190) && (!config->InterruptRaw || !config->InterruptTranslated))
            return STATUS_INVALID_PARAMETER;
        if (!config->InterruptRaw || !config->InterruptTranslated || config->ShareVector != WdfUseDefault)
            return STATUS_INVALID_DEVICE_STATE;
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_STATE;
    }
}

static NTSTATUS check_handling(const struct gpup_wdf_device *device, const WDF_INTERRUPT_CONFIG *config) {
    if (config->CanWakeDevice && (!(config->InterruptTranslated->Flags & CM_RESOURCE_INTERRUPT_WAKE_HINT) ||
                                  device->config.no_power_policy || device->config.pdo))
        return STATUS_INVALID_PARAMETER;
    if (config->EvtInterruptDpc && config->EvtInterruptWorkItem && !KMDF_DEFECT(191))
        return STATUS_INVALID_PARAMETER;
    if (!config->PassiveHandling)
        return config->WaitLock || (config->CanWakeDevice && !KMDF_DEFECT(203)) ? STATUS_INVALID_PARAMETER
                                                                                : STATUS_SUCCESS;
    if (device->config.before_windows8)
        return STATUS_NOT_SUPPORTED;
    return config->SpinLock ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* --- descriptors, as the framework's verifier looks at them */

static int32_t index_of(const struct gpup_wdf_device *device, unsigned list,
                        const CM_PARTIAL_RESOURCE_DESCRIPTOR *d) {
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *first = device->list[list];
    for (uint32_t i = 0; i <= device->resources; i++) { /* one memory descriptor in front */
        if (d == first + i)
            return (int32_t)i;
    }
    return -1;
}

/* Every byte: the framework hands out whole copies, padding included. */
static bool same(const void *descriptor, const void *original) {
    return !memcmp(descriptor, original, sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR));
}

static bool in_use(const struct gpup_wdf_device *device, int32_t resource) {
    for (const struct gpup_wdf_interrupt *i = device->interrupts; i; i = i->next) {
        if (i->resource == resource)
            return true;
    }
    return false;
}

static NTSTATUS verify_resource(const struct gpup_wdf_device *device, const WDF_INTERRUPT_CONFIG *config) {
    if (!device->config.verifier || device->state != GPUP_KMDF_PREPARE_HARDWARE)
        return STATUS_SUCCESS;
    int32_t raw = index_of(device, 0, config->InterruptRaw),
            translated = index_of(device, 1, config->InterruptTranslated);
    if (raw < 0 || raw != translated)
        return STATUS_INVALID_PARAMETER;
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor = config->InterruptTranslated;
    if (!same(config->InterruptRaw, &device->pristine[0][raw]) ||
        !same(descriptor, &device->pristine[1][raw]) || descriptor->Type != CmResourceTypeInterrupt)
        return STATUS_INVALID_PARAMETER;
    bool message = descriptor->Flags & CM_RESOURCE_INTERRUPT_MESSAGE;
    return message && in_use(device, raw - 1) ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* --- parent and serialisation */

static NTSTATUS check_levels(const struct gpup_wdf_device *device, const WDF_INTERRUPT_CONFIG *config) {
    WDF_SYNCHRONIZATION_SCOPE scope = device->config.scope;
    if (scope != WdfSynchronizationScopeDevice && scope != WdfSynchronizationScopeQueue && !KMDF_DEFECT(198))
        return STATUS_SUCCESS;
    bool passive_parent = device->config.level == WdfExecutionLevelPassive;
    bool passive = config->EvtInterruptWorkItem || (!config->EvtInterruptDpc && config->PassiveHandling);
    return passive == passive_parent ? STATUS_SUCCESS : STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
}

static NTSTATUS check_parent(const struct gpup_wdf_device *device, const WDF_INTERRUPT_CONFIG *config,
                             struct gpup_wdf_object *parent) {
    if (!config->AutomaticSerialization)
        return STATUS_SUCCESS;
    if (parent) {
        const struct gpup_wdf_queue *queue = (const void *)parent;
        bool related =
            parent == &device->object || (parent->kind == GPUP_WDF_QUEUE && queue->device == device);
        if (!related)
            return STATUS_INVALID_PARAMETER;
    }
    return check_levels(device, config);
}

/* --- the object */

static struct gpup_wdf_interrupt *make(struct gpup_os *os, struct gpup_kmdf *kmdf) {
    struct gpup_wdf_interrupt *interrupt = kmdf->free_interrupts;
    if (gpup_os_fails(os))
        return NULL;
    if (interrupt)
        kmdf->free_interrupts = interrupt->next;
    else
        interrupt = gpup_os_alloc(os, sizeof *interrupt);
    if (!interrupt)
        return NULL;
    *interrupt = (struct gpup_wdf_interrupt){.object.kind = GPUP_WDF_INTERRUPT, .resource = -1};
    return interrupt;
}

static void unmake(struct gpup_os *os, struct gpup_kmdf *kmdf, struct gpup_wdf_interrupt *interrupt) {
    gpup_wdf_drop_contexts(os, &interrupt->object);
    interrupt->next = kmdf->free_interrupts;
    kmdf->free_interrupts = interrupt;
}

static struct gpup_wdf_lock *lock_of(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt) {
    const WDF_INTERRUPT_CONFIG *config = &interrupt->config;
    if (config->SpinLock)
        return gpup_wdf_get(os, name, config->SpinLock, GPUP_WDF_SPIN_LOCK);
    if (config->WaitLock)
        return gpup_wdf_get(os, name, config->WaitLock, GPUP_WDF_WAIT_LOCK);
    gpup_wdf_lock_init(&interrupt->own);
    gpup_lock_forget(os, &interrupt->own, sizeof interrupt->own);
    return &interrupt->own;
}

static void append(struct gpup_wdf_device *device, struct gpup_wdf_interrupt *interrupt) {
    if (!device->interrupts)
        device->end = &device->interrupts;
    interrupt->message = device->interrupt_count++;
    *device->end = interrupt;
    device->end = &interrupt->next;
}

/* Made in PrepareHardware: the descriptor that was named, or, for a copy, the one with the same vector. */
static int32_t resource_of(const struct gpup_wdf_device *device, const WDF_INTERRUPT_CONFIG *config) {
    if (device->state != GPUP_KMDF_PREPARE_HARDWARE)
        return -1;
    int32_t at = index_of(device, 1, config->InterruptTranslated);
    for (uint32_t i = 1; at < 0 && i <= device->resources; i++) {
        if (device->list[1][i].u.Interrupt.Vector == config->InterruptTranslated->u.Interrupt.Vector)
            at = (int32_t)i;
    }
    return at < 1 ? -1 : at - 1;
}

static NTSTATUS initialise(struct gpup_os *os, struct gpup_wdf_interrupt *interrupt,
                           const WDF_OBJECT_ATTRIBUTES *attributes, struct gpup_wdf_object *parent) {
    interrupt->lock = lock_of(os, interrupt);
    if (!interrupt->lock)
        return STATUS_INVALID_HANDLE;
    NTSTATUS status = check_parent(interrupt->device, &interrupt->config, parent);
    if (NT_SUCCESS(status) && attributes)
        status = gpup_wdf_add_context(os, &interrupt->object, attributes);
    if (NT_SUCCESS(status) && !gpup_wdf_publish(os, &interrupt->object, GPUP_WDF_INTERRUPT))
        status = STATUS_INSUFFICIENT_RESOURCES;
    return status;
}

static NTSTATUS create(struct gpup_os *os, struct gpup_wdf_device *device, const WDF_INTERRUPT_CONFIG *config,
                       const WDF_OBJECT_ATTRIBUTES *attributes, struct gpup_wdf_object *parent,
                       WDFINTERRUPT *out) {
    struct gpup_kmdf *kmdf = os->machine->kmdf;
    struct gpup_wdf_interrupt *interrupt = make(os, kmdf);
    if (!interrupt)
        return STATUS_INSUFFICIENT_RESOURCES;
    interrupt->device = device;
    interrupt->config = *config;
    NTSTATUS status = initialise(os, interrupt, attributes, parent);
    if (!NT_SUCCESS(status)) {
        unmake(os, kmdf, interrupt);
        return status;
    }
    if (config->SpinLock)
        interrupt->lock->of_interrupt = true;
    if (parent)
        parent->held_by_child = true;
    interrupt->prepared = device->state == GPUP_KMDF_PREPARE_HARDWARE;
    interrupt->resource = resource_of(device, config);
    append(device, interrupt);
    *out = interrupt->object.token;
    return STATUS_SUCCESS;
}

static NTSTATUS check_and_create(struct gpup_os *os, struct gpup_wdf_device *device,
                                 const WDF_INTERRUPT_CONFIG *Configuration,
                                 const WDF_OBJECT_ATTRIBUTES *Attributes, WDFINTERRUPT *Interrupt) {
    WDF_INTERRUPT_CONFIG config;
    NTSTATUS status = copy_config(Configuration, &config);
    if (NT_SUCCESS(status))
        status = gpup_wdf_check_attributes(Attributes, true, config.AutomaticSerialization);
    if (!NT_SUCCESS(status))
        return status;
    struct gpup_wdf_object *parent = NULL;
    if (Attributes && Attributes->ParentObject &&
        !(parent = gpup_wdf_get(os, name, Attributes->ParentObject, 0)))
        return STATUS_INVALID_HANDLE;
    status = check_state(device, &config);
    if (NT_SUCCESS(status))
        status = check_handling(device, &config);
    if (NT_SUCCESS(status))
        status = verify_resource(device, &config);
    return NT_SUCCESS(status) ? create(os, device, &config, Attributes, parent, Interrupt) : status;
}

/* How a driver used it, for the rules about drivers. */
static void tell_use(struct gpup_os *os, const struct gpup_wdf_device *device,
                     const WDF_INTERRUPT_CONFIG *config, NTSTATUS status) {
    struct gpup_event event = {.kind = GPUP_EVENT_INTERRUPT_USE};
    event.f[GPUP_INTERRUPT_USE_irql] = gpup_os_irql(os);
    event.f[GPUP_INTERRUPT_USE_passive] = config->Size >= SIZE_1_11 && config->PassiveHandling;
    event.f[GPUP_INTERRUPT_USE_messages] = device->config.messages;
    event.f[GPUP_INTERRUPT_USE_miniport] = device->config.miniport;
    event.f[GPUP_INTERRUPT_USE_status] = (uint32_t)status;
    gpup_os_emit(os, &event);
}

GPUP_EXPORT NTSTATUS DDI_CALL WdfInterruptCreate(WDFDEVICE Device, PWDF_INTERRUPT_CONFIG Configuration,
                                                 PWDF_OBJECT_ATTRIBUTES Attributes, WDFINTERRUPT *Interrupt) {
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    struct gpup_wdf_device *device = os ? gpup_wdf_get(os, name, Device, GPUP_WDF_DEVICE) : NULL;
    if (!device)
        return STATUS_INVALID_HANDLE;
    if (!Configuration || !Interrupt) {
        gpup_wdf_violation(os, name);
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS status = check_and_create(os, device, Configuration, Attributes, Interrupt);
    if (KMDF_DEFECT(193) && !NT_SUCCESS(status))
        *Interrupt = NULL;
    tell_use(os, device, Configuration, status);
    return status;
}
