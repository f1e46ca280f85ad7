/* A device of the framework that the suite moves through its PnP states, and its resources. */
#include "kmdf.h"

#include <string.h>

#define VECTOR 0x60
#define MAX_MESSAGES 2048u
#define TURNS 8u

/* --- resources: one memory range, then the messages, or one line interrupt */

static void describe(struct gpup_wdf_device *device, unsigned list, CM_PARTIAL_RESOURCE_DESCRIPTOR *out) {
    bool messages = device->config.messages > 0;
    out[0] = (CM_PARTIAL_RESOURCE_DESCRIPTOR){.Type = CmResourceTypeMemory,
                                              .ShareDisposition = CmResourceShareDeviceExclusive};
    out[0].u.Memory.Start.QuadPart = 0xF0000000;
    out[0].u.Memory.Length = 0x1000;
    for (uint32_t i = 0; i < device->resources; i++) {
        CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &out[i + 1];
        *d = (CM_PARTIAL_RESOURCE_DESCRIPTOR){.Type = CmResourceTypeInterrupt,
                                              .ShareDisposition = messages ? CmResourceShareDeviceExclusive
                                                                           : CmResourceShareShared};
        d->Flags = messages ? CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE : 0;
        if (device->config.wake_hint)
            d->Flags |= CM_RESOURCE_INTERRUPT_WAKE_HINT;
        d->u.Interrupt.Level = list ? GPUP_DIRQL : 0;
        d->u.Interrupt.Vector = list || !messages ? VECTOR + i : CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN;
        d->u.Interrupt.Affinity = 1;
    }
    if (messages && !list) { /* raw messages: one descriptor a message, as MSI-X has it */
        for (uint32_t i = 0; i < device->resources; i++) {
            out[i + 1].u.MessageInterrupt.Raw.Group = 0;
            out[i + 1].u.MessageInterrupt.Raw.MessageCount = 1;
        }
    }
}

static bool make_lists(struct gpup_os *os, struct gpup_wdf_device *device) {
    size_t size = (device->resources + 1) * sizeof **device->list;
    for (unsigned list = 0; list < 2; list++) {
        uint64_t object;
        device->list[list] = gpup_os_buffer(os, size, 0, &object);
        device->pristine[list] = gpup_os_alloc(os, size);
        if (!device->list[list] || !device->pristine[list] ||
            !gpup_wdf_publish(os, &device->list_object[list], GPUP_WDF_RESOURCES))
            return false;
        describe(device, list, device->pristine[list]);
        memcpy(device->list[list], device->pristine[list], size);
    }
    return true;
}

WDFCMRESLIST gpup_kmdf_resources(struct gpup_os *os, WDFDEVICE device, bool translated) {
    struct gpup_wdf_device *found = gpup_wdf_get(os, "gpup_kmdf_resources", device, GPUP_WDF_DEVICE);
    return found ? found->list_object[translated].token : NULL;
}

static const struct gpup_wdf_device *owner_of(struct gpup_os *os, const struct gpup_wdf_object *list,
                                              unsigned *which) {
    const struct gpup_kmdf *kmdf = os->machine->kmdf;
    uint32_t at = 0;
    for (const struct gpup_wdf_device *d; (d = gpup_token_next(&kmdf->tokens, &at, GPUP_WDF_DEVICE));) {
        for (*which = 0; *which < 2; ++*which) {
            if (&d->list_object[*which] == list)
                return d;
        }
    }
    return NULL;
}

static const struct gpup_wdf_device *enter_list(const char *name, WDFCMRESLIST list, unsigned *which) {
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    const struct gpup_wdf_object *object = os ? gpup_wdf_get(os, name, list, GPUP_WDF_RESOURCES) : NULL;
    return object ? owner_of(os, object, which) : NULL;
}

GPUP_EXPORT ULONG DDI_CALL WdfCmResourceListGetCount(WDFCMRESLIST List) {
    unsigned which;
    const struct gpup_wdf_device *device = enter_list("WdfCmResourceListGetCount", List, &which);
    return device ? device->resources + 1 : 0;
}

GPUP_EXPORT PCM_PARTIAL_RESOURCE_DESCRIPTOR DDI_CALL WdfCmResourceListGetDescriptor(WDFCMRESLIST List,
                                                                                    ULONG Index) {
    unsigned which;
    const struct gpup_wdf_device *device = enter_list("WdfCmResourceListGetDescriptor", List, &which);
    return device && Index <= device->resources ? &device->list[which][Index] : NULL;
}

/* --- the device and objects beside it */

WDFDEVICE gpup_kmdf_device(struct gpup_os *os, const struct gpup_kmdf_config *config) {
    struct gpup_wdf_device *device = gpup_kmdf_of(os) ? gpup_os_alloc(os, sizeof *device) : NULL;
    if (!device || config->messages > MAX_MESSAGES)
        return NULL;
    device->config = *config;
    device->state = GPUP_KMDF_DEVICE_ADD;
    device->resources = config->messages ? config->messages : 1;
    if (!make_lists(os, device) || !gpup_wdf_publish(os, &device->object, GPUP_WDF_DEVICE))
        return NULL;
    return device->object.token;
}

WDFOBJECT gpup_wdf_make_object(struct gpup_os *os, struct gpup_wdf_device *device, bool queue,
                               const WDF_OBJECT_ATTRIBUTES *attributes) {
    struct gpup_wdf_queue *made = gpup_os_alloc(os, sizeof *made);
    if (!made || (attributes && !NT_SUCCESS(gpup_wdf_add_context(os, &made->object, attributes))) ||
        !gpup_wdf_publish(os, &made->object, queue ? GPUP_WDF_QUEUE : GPUP_WDF_OTHER))
        return NULL;
    made->device = device;
    return made->object.token;
}

WDFOBJECT gpup_kmdf_object(struct gpup_os *os, WDFDEVICE device, bool queue) {
    struct gpup_wdf_device *of = gpup_wdf_get(os, "gpup_kmdf_object", device, GPUP_WDF_DEVICE);
    return of ? gpup_wdf_make_object(os, of, queue, NULL) : NULL;
}

/* --- PnP */

/* Objects of DeviceAdd get what is granted, in the order they were made; those left over stay unconnected. */
static void assign(struct gpup_wdf_device *device) {
    int32_t next = 0, count = (int32_t)device->resources;
    for (struct gpup_wdf_interrupt *i = device->interrupts; i; i = i->next) {
        i->resource = next < count ? next : -1;
        if (KMDF_DEFECT(195) && i->resource >= 0)
            i->resource = count - 1 - next;
        if (KMDF_DEFECT(196) && i->resource < 0)
            i->resource = 0;
        next++;
    }
}

static NTSTATUS call_driver(const struct gpup_wdf_device *device, NTSTATUS(DDI_CALL *callback)(WDFDEVICE)) {
    return callback ? callback(device->object.token) : STATUS_SUCCESS;
}

/* Connects first: on a shared line the ISR may run before EvtInterruptEnable does. */
static NTSTATUS connect_all(struct gpup_os *os, struct gpup_wdf_device *device) {
    NTSTATUS status = STATUS_SUCCESS;
    for (struct gpup_wdf_interrupt *i = device->interrupts; i && NT_SUCCESS(status); i = i->next) {
        if (i->resource < 0)
            continue;
        bool stayed = i->connected;
        i->connected = true;
        if (!stayed)
            status = gpup_wdf_switch(os, i, true);
        else if (i->woken)
            gpup_wdf_deliver(os, i);
        i->woken = false;
    }
    return status;
}

/* An interrupt that can wake the device stays connected, unless the device is done for. */
static NTSTATUS disconnect_all(struct gpup_os *os, struct gpup_wdf_device *device, bool wake_too) {
    NTSTATUS status = STATUS_SUCCESS;
    for (struct gpup_wdf_interrupt *i = device->interrupts; i; i = i->next) {
        if (!i->connected || (i->config.CanWakeDevice && !wake_too))
            continue;
        NTSTATUS one = gpup_wdf_switch(os, i, false);
        status = NT_SUCCESS(status) ? one : status;
        i->connected = i->woken = false;
    }
    return status;
}

static NTSTATUS power_up(struct gpup_os *os, struct gpup_wdf_device *device) {
    NTSTATUS status = call_driver(device, device->config.callbacks.d0_entry);
    if (!NT_SUCCESS(status)) {
        disconnect_all(os, device, true);
        return status;
    }
    status = connect_all(os, device);
    return NT_SUCCESS(status) ? call_driver(device, device->config.callbacks.post_interrupts_enabled)
                              : status;
}

static NTSTATUS power_down(struct gpup_os *os, struct gpup_wdf_device *device) {
    NTSTATUS status[3] = {call_driver(device, device->config.callbacks.pre_interrupts_disabled),
                          disconnect_all(os, device, false),
                          call_driver(device, device->config.callbacks.d0_exit)};
    for (unsigned i = 0; i < 2; i++) {
        if (!NT_SUCCESS(status[i]))
            return status[i];
    }
    return status[2];
}

void gpup_wdf_unlink(struct gpup_wdf_interrupt *interrupt) {
    struct gpup_wdf_interrupt **link = &interrupt->device->interrupts;
    while (*link != interrupt)
        link = &(*link)->next;
    *link = interrupt->next;
    interrupt->device->interrupt_count--;
    if (interrupt->device->end == &interrupt->next)
        interrupt->device->end = link;
}

static NTSTATUS drop_interrupts(struct gpup_os *os, struct gpup_wdf_device *device, bool all) {
    struct gpup_wdf_interrupt *next;
    for (struct gpup_wdf_interrupt *i = device->interrupts; i; i = next) {
        next = i->next;
        i->connected = false;
        if (!all && !i->prepared)
            continue;
        gpup_wdf_unlink(i);
        gpup_wdf_delete(os, &i->object);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS remove_device(struct gpup_os *os, struct gpup_wdf_device *device) {
    struct gpup_kmdf *kmdf = os->machine->kmdf;
    drop_interrupts(os, device, true);
    uint32_t at = 0;
    for (struct gpup_wdf_queue *q; (q = gpup_token_next(&kmdf->tokens, &at, 0));) {
        bool child = q->object.kind == GPUP_WDF_QUEUE || q->object.kind == GPUP_WDF_OTHER;
        if (child && q->device == device)
            gpup_wdf_delete(os, &q->object);
    }
    for (unsigned list = 0; list < 2; list++) {
        gpup_token_free(&kmdf->tokens, device->list_object[list].token);
        gpup_os_buffer_free(os, device->list[list]);
    }
    gpup_wdf_delete(os, &device->object);
    return STATUS_SUCCESS;
}

static bool legal(unsigned from, unsigned to) {
    static const uint8_t next[] = {
        [GPUP_KMDF_DEVICE_ADD] = 1u << GPUP_KMDF_PREPARE_HARDWARE | 1u << GPUP_KMDF_REMOVED,
        [GPUP_KMDF_PREPARE_HARDWARE] = 1u << GPUP_KMDF_D0 | 1u << GPUP_KMDF_RELEASED,
        [GPUP_KMDF_D0] = 1u << GPUP_KMDF_LOW_POWER,
        [GPUP_KMDF_LOW_POWER] = 1u << GPUP_KMDF_D0 | 1u << GPUP_KMDF_RELEASED,
        [GPUP_KMDF_RELEASED] = 1u << GPUP_KMDF_PREPARE_HARDWARE | 1u << GPUP_KMDF_REMOVED,
    };
    return from < sizeof next && next[from] & 1u << to;
}

NTSTATUS gpup_wdf_move(struct gpup_os *os, struct gpup_wdf_device *device, unsigned to) {
    uint8_t from = device->state;
    NTSTATUS status = STATUS_SUCCESS;
    if (!legal(from, to))
        return STATUS_INVALID_DEVICE_STATE;
    device->state = (uint8_t)to;
    switch (to) {
    case GPUP_KMDF_PREPARE_HARDWARE:
        assign(device);
        return STATUS_SUCCESS;
    case GPUP_KMDF_D0:
        status = power_up(os, device);
        if (!NT_SUCCESS(status))
            device->state = from;
        return status;
    case GPUP_KMDF_LOW_POWER:
        return power_down(os, device);
    case GPUP_KMDF_RELEASED:
        return drop_interrupts(os, device, false);
    default:
        return remove_device(os, device);
    }
}

static NTSTATUS DDI_CALL move(struct gpup_wdf_device *device, uint64_t to) {
    return gpup_wdf_move(gpup_os_current(), device, (unsigned)to);
}

bool gpup_kmdf_move(struct gpup_os *os, WDFDEVICE device, enum gpup_kmdf_state to, NTSTATUS *status) {
    struct gpup_wdf_device *found = gpup_wdf_get(os, "gpup_kmdf_move", device, GPUP_WDF_DEVICE);
    if (!found || os->machine->dead || !legal(found->state, to))
        return false;
    struct gpup_start start = {
        .routine = GPUP_ROUTINE_WORK, .function = (void *)move, .args = {(uintptr_t)found, to}};
    uint64_t result = 0;
    if (gpup_os_run(os, &start, &result) != GPUP_RAN_RETURNED)
        return false;
    *status = (NTSTATUS)(uint32_t)result;
    return true;
}

bool gpup_wdf_signal(struct gpup_os *os, struct gpup_wdf_device *device, uint32_t message) {
    bool any = false;
    for (struct gpup_wdf_interrupt *i = device->interrupts; i; i = i->next) {
        if (i->resource != (int32_t)message || (!i->connected && !KMDF_DEFECT(200)))
            continue;
        any = true;
        if (device->state == GPUP_KMDF_LOW_POWER && !KMDF_DEFECT(200))
            i->woken = true; /* its ISR runs when the device is back in D0 */
        else
            gpup_wdf_deliver(os, i);
    }
    return any;
}

bool gpup_kmdf_fire(struct gpup_os *os, WDFDEVICE device, uint32_t message) {
    struct gpup_wdf_device *found = gpup_wdf_get(os, "gpup_kmdf_fire", device, GPUP_WDF_DEVICE);
    bool any = found && !os->machine->dead && gpup_wdf_signal(os, found, message);
    for (unsigned turns = 0; os->machine->ready && turns < TURNS;
         turns++) /* what one routine starts, the next turn runs */
        gpup_os_advance(os, 0);
    return any && !os->machine->dead;
}
