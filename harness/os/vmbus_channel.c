/* Life of a channel: allocate, enable, close, disable, clean up, pause and start (pages VmbChannel*). */
#include "callers.h"
#include "vmbus.h"

void gpup_vmbus_event(struct gpup_os *os, const struct gpup_vmbus_channel *channel, unsigned what,
                      NTSTATUS status, const void *data, size_t size) {
    struct gpup_event event = {.kind = GPUP_EVENT_CHANNEL, .data = data, .data_size = size};
    event.f[GPUP_CHANNEL_what] = what;
    event.f[GPUP_CHANNEL_channel] = channel->number;
    event.f[GPUP_CHANNEL_vf] = channel->vf;
    event.f[GPUP_CHANNEL_handle] = channel->handle;
    event.f[GPUP_CHANNEL_status] = (uint32_t)status;
    event.f[GPUP_CHANNEL_irql] = gpup_os_irql(os);
    event.f[GPUP_CHANNEL_vm] = channel->vm;
    gpup_os_emit(os, &event);
}

void *gpup_vmbus_object(struct gpup_os *os, const char *name, const void *token, unsigned kind) {
    const struct gpup_vmbus *vmbus = os ? gpup_vmbus_of(os) : NULL;
    void *found = vmbus ? gpup_token_object(&vmbus->tokens, token, kind) : NULL;
    if (os && !found)
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, 0);
    return found;
}

struct gpup_vmbus_channel *gpup_vmbus_enter(struct gpup_os **out, const char *name, VMBCHANNEL channel,
                                            KIRQL max_irql) {
    struct gpup_os *os = gpup_os_service(name, max_irql);
    struct gpup_vmbus_channel *found = gpup_vmbus_object(os, name, channel, GPUP_VMBUS_CHANNEL);
    if (found && found->os != os && gpup_os_in_ddi(os)) { /* a call is about its own adapter */
        gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, found->number);
        found = NULL;
    }
    *out = found ? found->os : os;
    return found;
}

bool gpup_vmbus_spawn(struct gpup_os *os, void *function, struct gpup_vmbus_channel *channel, void *argument,
                      KIRQL at) {
    struct gpup_start start = {.routine = at ? GPUP_ROUTINE_DPC : GPUP_ROUTINE_WORK,
                               .irql = at,
                               .function = function,
                               .args = {(uintptr_t)channel, (uintptr_t)argument}};
    return gpup_os_start(os, &start);
}

/* --- allocate, clean up */

static struct gpup_vmbus_channel *make(struct gpup_os *os, struct gpup_vmbus *vmbus) {
    struct gpup_vmbus_channel *channel = vmbus->free_channels;
    if (channel)
        vmbus->free_channels = channel->next;
    else
        channel = gpup_os_alloc(os, sizeof *channel);
    if (!channel)
        return NULL;
    *channel =
        (struct gpup_vmbus_channel){.os = os, .number = gpup_os_object(os), .vf = GPUP_PF, .vm = GPUP_PF};
    gpup_callers_here(os, &channel->made);
    channel->token = gpup_token_new(os->config.arena, &vmbus->tokens, GPUP_VMBUS_CHANNEL, channel);
    if (!channel->token) {
        channel->next = vmbus->free_channels;
        vmbus->free_channels = channel;
        return NULL;
    }
    gpup_dispatcher_init(&channel->drained.Header, GPUP_DISPATCHER_EVENT, 1);
    gpup_dispatcher_init(&channel->closed.Header, GPUP_DISPATCHER_EVENT, 1);
    gpup_dispatcher_init(&channel->awake.Header, GPUP_DISPATCHER_EVENT, 1);
    channel->next = vmbus->channels;
    vmbus->channels = channel;
    return channel;
}

void gpup_vmbus_release(struct gpup_vmbus *vmbus, struct gpup_vmbus_channel *channel) {
    struct gpup_vmbus_channel **link = &vmbus->channels;
    while (*link && *link != channel)
        link = &(*link)->next;
    if (*link)
        *link = channel->next;
    channel->next = vmbus->free_channels;
    vmbus->free_channels = channel;
}

/* The adapter of a device object, for a thread that serves several; one that is none of theirs says nothing.
 */
static struct gpup_os *adapter_of(struct gpup_os *os, const DEVICE_OBJECT *device) {
    struct gpup_os *adapter = os ? os->machine->adapters : NULL;
    while (adapter && gpup_dxgkrnl_physical_device(adapter) != device)
        adapter = adapter->next;
    return adapter ? adapter : os;
}

/* The event's data: 1 server, 0 client. */
GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelAllocate(PDEVICE_OBJECT ParentDeviceObject, BOOLEAN IsServer,
                                                 VMBCHANNEL *Channel) {
    struct gpup_os *os = adapter_of(gpup_os_service("VmbChannelAllocate", PASSIVE_LEVEL), ParentDeviceObject);
    struct gpup_vmbus *vmbus = os ? gpup_vmbus_of(os) : NULL;
    if (!vmbus)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!Channel) {
        gpup_os_misuse(os, "VmbChannelAllocate", GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER_3;
    }
    bool fails = gpup_os_fails(os), planned = gpup_vmbus_fails(os);
    struct gpup_vmbus_channel *channel = fails || planned ? NULL : make(os, vmbus);
    if (!channel) {
        static const struct gpup_vmbus_channel none = {.vf = GPUP_PF, .vm = GPUP_PF};
        gpup_vmbus_event(os, &none, GPUP_CHANNEL_ALLOCATE, STATUS_INSUFFICIENT_RESOURCES, NULL, 0);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    channel->server = IsServer;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_ALLOCATE, STATUS_SUCCESS, &channel->server, 1);
    *Channel = channel->token;
    return STATUS_SUCCESS;
}

GPUP_EXPORT VOID DDI_CALL VmbChannelCleanup(VMBCHANNEL Channel) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel = gpup_vmbus_enter(&os, "VmbChannelCleanup", Channel, APC_LEVEL);
    if (!channel)
        return;
    bool idle = channel->state == GPUP_CHANNEL_NEW || channel->state == GPUP_CHANNEL_WITHDRAWN;
    if (!idle)
        gpup_os_misuse(os, "VmbChannelCleanup", GPUP_MISUSE_STATE, channel->number);
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_CLEANUP, idle ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_STATE,
                     NULL, 0);
    gpup_vmbus_forget_packets(os, channel);
    gpup_vmbus_forget_outgoing(os, channel);
    channel->state = GPUP_CHANNEL_WITHDRAWN;
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    gpup_token_free(&vmbus->tokens, channel->token);
    if (channel->closing)
        channel->orphan = true; /* whoever closes it frees it */
    else
        gpup_vmbus_release(vmbus, channel);
}

/* --- enable, close, disable */

static NTSTATUS check_offer(struct gpup_os *os, const struct gpup_vmbus_channel *channel) {
    static const char name[] = "VmbChannelEnable";
    if (!channel->server) {
        gpup_os_misuse(os, name, GPUP_MISUSE_UNSUPPORTED, channel->number);
        return STATUS_NOT_SUPPORTED;
    }
    if (channel->state == GPUP_CHANNEL_OFFERED || channel->state == GPUP_CHANNEL_OPEN || !channel->handle ||
        !channel->identified) {
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE, channel->number);
        return STATUS_INVALID_DEVICE_STATE;
    }
    return STATUS_SUCCESS;
}

/* The event's data: GUIDs of type and instance. */
GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelEnable(VMBCHANNEL Channel) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel = gpup_vmbus_enter(&os, "VmbChannelEnable", Channel, DISPATCH_LEVEL);
    if (!channel)
        return STATUS_INVALID_PARAMETER_1;
    NTSTATUS status = check_offer(os, channel);
    if (NT_SUCCESS(status) && gpup_vmbus_fails(os))
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status))
        channel->state = GPUP_CHANNEL_OFFERED;
    GUID ids[2] = {channel->type, channel->instance};
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_ENABLE, status, ids, sizeof ids);
    return status;
}

static void wait_for(struct gpup_os *os, KEVENT *event) {
    void *objects[1] = {event};
    while (!event->Header.SignalState)
        gpup_os_wait(os, objects, 1, false, GPUP_NEVER);
}

VOID DDI_CALL gpup_vmbus_suspend_channel(struct gpup_vmbus_channel *channel, void *unused) {
    struct gpup_os *os = gpup_os_current();
    (void)unused;
    if (channel->suspended)
        return;
    channel->suspended = true;
    if (channel->on.EvtChannelSuspend)
        channel->on.EvtChannelSuspend(channel->token);
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_SUSPEND, STATUS_SUCCESS, NULL, 0); /* from here on it holds */
}

/* No more packets, then all of them completed, then closed. */
static VOID DDI_CALL close_channel(struct gpup_vmbus_channel *channel, void *unused) {
    struct gpup_os *os = gpup_os_current();
    gpup_vmbus_suspend_channel(channel, unused);
    wait_for(os, &channel->drained);
    gpup_vmbus_forget_packets(os, channel); /* those held back */
    channel->state = GPUP_CHANNEL_OFFERED;
    if (!channel->orphan) {
        gpup_vmbus_event(os, channel, GPUP_CHANNEL_CLOSED, STATUS_SUCCESS, NULL, 0);
        if (channel->on.EvtChannelClosed)
            channel->on.EvtChannelClosed(channel->token);
    }
    channel->closing = false;
    channel->suspended = false;
    KeSetEvent(&channel->closed, 0, FALSE);
    if (channel->orphan)
        gpup_vmbus_release(os->machine->vmbus, channel);
}

void gpup_vmbus_begin_close(struct gpup_os *os, struct gpup_vmbus_channel *channel) {
    if (channel->closing)
        return;
    channel->closing = true;
    channel->closed.Header.SignalState = 0;
    if (!gpup_vmbus_spawn(os, (void *)close_channel, channel, NULL, PASSIVE_LEVEL))
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelDisable(VMBCHANNEL Channel) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel = gpup_vmbus_enter(&os, "VmbChannelDisable", Channel, APC_LEVEL);
    if (!channel)
        return;
    bool offered = channel->state == GPUP_CHANNEL_OFFERED || channel->state == GPUP_CHANNEL_OPEN;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_DISABLE,
                     offered ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_STATE, NULL, 0);
    if (!offered)
        return; /* nothing to withdraw */
    if (channel->state == GPUP_CHANNEL_OPEN)
        gpup_vmbus_begin_close(os, channel);
    if (os->machine->running && gpup_os_irql(os) < DISPATCH_LEVEL)
        wait_for(os, &channel->closed);
    channel->state = GPUP_CHANNEL_WITHDRAWN;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_GONE, STATUS_SUCCESS, NULL, 0);
}

/* --- pause and start */

GPUP_EXPORT VOID DDI_CALL VmbChannelPause(VMBCHANNEL Channel) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel = gpup_vmbus_enter(&os, "VmbChannelPause", Channel, APC_LEVEL);
    if (!channel)
        return;
    channel->paused = true; /* of a channel that is not enabled: it starts paused */
    if (os->machine->running && gpup_os_irql(os) < DISPATCH_LEVEL)
        wait_for(os, &channel->drained);
}

VOID DDI_CALL gpup_vmbus_resume(struct gpup_vmbus_channel *channel, void *unused) {
    struct gpup_os *os = gpup_os_current();
    VMBCHANNEL token = channel->token;
    (void)unused;
    if (channel->state != GPUP_CHANNEL_OPEN || channel->closing || channel->paused)
        return;
    channel->suspended = false;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_START, STATUS_SUCCESS, NULL, 0);
    channel->starting = true; /* packets and completions come after the callback: it must not wait for them */
    channel->awake.Header.SignalState = 0;
    if (channel->on.EvtChannelStarted)
        channel->on.EvtChannelStarted(token);
    if (gpup_token_object(&((struct gpup_vmbus *)os->machine->vmbus)->tokens, token, GPUP_VMBUS_CHANNEL) !=
        channel)
        return; /* the driver cleaned it up meanwhile */
    channel->starting = false;
    KeSetEvent(&channel->awake, 0, FALSE);
    gpup_vmbus_answer(os, channel);
    if (channel->on.EvtChannelPostStarted)
        channel->on.EvtChannelPostStarted(channel->token);
    gpup_vmbus_flush(os, channel);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelStart(VMBCHANNEL Channel) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel = gpup_vmbus_enter(&os, "VmbChannelStart", Channel, DISPATCH_LEVEL);
    if (!channel)
        return;
    if (!channel->paused) {
        gpup_os_misuse(os, "VmbChannelStart", GPUP_MISUSE_STATE, channel->number);
        return;
    }
    channel->paused = false;
    if (channel->state == GPUP_CHANNEL_OPEN &&
        !gpup_vmbus_spawn(os, (void *)gpup_vmbus_resume, channel, NULL, PASSIVE_LEVEL))
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
}
