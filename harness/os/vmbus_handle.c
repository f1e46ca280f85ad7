/* Kernel handles to VMs, the library's state, and what is left at the end. */
#include "vmbus.h"

struct gpup_vmbus *gpup_vmbus_of(struct gpup_os *os) {
    if (!os->machine->vmbus)
        gpup_vmbus_init(os);
    return os->machine->vmbus;
}

bool gpup_vmbus_init(struct gpup_os *os) {
    if (!os->machine->vmbus)
        os->machine->vmbus = gpup_os_alloc(os, sizeof(struct gpup_vmbus));
    return os->machine->vmbus != NULL;
}

void gpup_vmbus_fail_step(struct gpup_os *os, uint32_t nth) {
    struct gpup_vmbus *vmbus = gpup_vmbus_of(os);
    if (vmbus)
        vmbus->fail_nth = nth;
}

bool gpup_vmbus_fails(struct gpup_os *os) {
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    return vmbus->fail_nth && !--vmbus->fail_nth;
}

/* ZwClose: only the OS closes what it handed to the driver. */
static void closed_by_driver(struct gpup_os *os, void *target) {
    struct gpup_vmbus_handle *handle = target;
    gpup_os_misuse(os, "ZwClose", handle->open ? GPUP_MISUSE_STATE : GPUP_MISUSE_OBJECT, handle->value);
    handle->open = false;
}

static struct gpup_vmbus_handle *take(struct gpup_os *os, struct gpup_vmbus *vmbus) {
    struct gpup_vmbus_handle *handle = vmbus->free_handles;
    if (!handle)
        return gpup_os_alloc(os, sizeof *handle);
    vmbus->free_handles = handle->next;
    return handle;
}

HANDLE gpup_vmbus_vm_handle(struct gpup_os *os, uint32_t vf, uint32_t vm) {
    struct gpup_vmbus *vmbus = gpup_vmbus_of(os);
    struct gpup_vmbus_handle *handle = vmbus ? take(os, vmbus) : NULL;
    if (!handle)
        return NULL;
    HANDLE value = gpup_handle_new(os, GPUP_HANDLE_VMBUS, handle, 0, closed_by_driver);
    *handle =
        (struct gpup_vmbus_handle){.os = os, .value = (uintptr_t)value, .vf = vf, .vm = vm, .open = true};
    return value;
}

HANDLE gpup_vmbus_handle(struct gpup_os *os, uint32_t vf) {
    return gpup_vmbus_vm_handle(os, vf, vf);
}

static void give_back(struct gpup_vmbus *vmbus, struct gpup_vmbus_handle *handle) {
    HANDLE value = (HANDLE)(uintptr_t)handle->value; // NOLINT(performance-no-int-to-ptr)
    const struct gpup_handle *slot = gpup_handle_get(handle->os, value, GPUP_HANDLE_VMBUS);
    if (!slot || slot->target != handle || handle->open)
        return; /* the driver closed it, and the number is in use again */
    gpup_handle_drop(handle->os, value);
    handle->next = vmbus->free_handles;
    vmbus->free_handles = handle;
}

/* A closed handle keeps its number for a while, so that a late use of it is seen as one. */
void gpup_vmbus_close_handle(struct gpup_os *os, HANDLE value) {
    struct gpup_vmbus *vmbus = gpup_vmbus_of(os);
    const struct gpup_handle *slot = vmbus ? gpup_handle_get(os, value, GPUP_HANDLE_VMBUS) : NULL;
    struct gpup_vmbus_handle *handle = slot ? slot->target : NULL;
    if (!handle || !handle->open)
        return;
    handle->open = false;
    struct gpup_vmbus_handle **place = &vmbus->quarantine[vmbus->quarantined++ % GPUP_VMBUS_QUARANTINE];
    if (*place)
        give_back(vmbus, *place);
    *place = handle;
}

bool gpup_vmbus_bind(struct gpup_os *os, HANDLE value, struct gpup_vmbus_channel *channel) {
    const struct gpup_handle *slot = gpup_handle_get(os, value, GPUP_HANDLE_VMBUS);
    const struct gpup_vmbus_handle *handle = slot ? slot->target : NULL;
    if (!handle || !handle->open)
        return false;
    channel->handle = handle->value;
    channel->vf = handle->vf;
    channel->vm = handle->vm;
    return true;
}

void gpup_vmbus_left(struct gpup_os *os) {
    const struct gpup_vmbus *vmbus = os->machine->vmbus;
    for (const struct gpup_vmbus_channel *c = vmbus ? vmbus->channels : NULL; c; c = c->next) {
        if (c->os == os && !c->orphan)
            gpup_os_left(os, GPUP_OBJECT_CHANNEL, c->number, 0, c->vf, &c->made);
    }
}
