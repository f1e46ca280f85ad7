/* The guest behind the channels of a handle: opens, sends, closes; and the host suspending and starting it.
 */
#include "vmbus.h"

#define TURNS 8u

static VOID DDI_CALL open_channel(struct gpup_vmbus_channel *channel, void *unused) {
    struct gpup_os *os = gpup_os_current();
    NTSTATUS status = STATUS_SUCCESS;
    (void)unused;
    channel->state = GPUP_CHANNEL_OPEN;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_OPENED, STATUS_SUCCESS, NULL, 0);
    if (channel->on.EvtChannelOpened)
        status = channel->on.EvtChannelOpened(channel->token);
    if (!NT_SUCCESS(status)) { /* the driver refuses; a Closed callback does not follow */
        channel->state = GPUP_CHANNEL_OFFERED;
        gpup_vmbus_event(os, channel, GPUP_CHANNEL_CLOSED, status, NULL, 0);
        return;
    }
    gpup_vmbus_resume(channel, NULL);
}

/* Runs to its end, unless the host is dead. */
static bool run(struct gpup_os *os, void *function, struct gpup_vmbus_channel *channel) {
    struct gpup_start start = {
        .routine = GPUP_ROUTINE_WORK, .function = function, .args = {(uintptr_t)channel}};
    uint64_t result;
    return gpup_os_run(os, &start, &result) == GPUP_RAN_RETURNED;
}

/* What one routine starts, the next turn runs. */
static void run_ready(struct gpup_os *os) {
    for (unsigned turns = 0; os->machine->ready && !os->machine->dead && turns < TURNS; turns++)
        gpup_os_advance(os, 0);
}

/* The next channel of the handle in that state, by number, because a callback may change the list. */
static struct gpup_vmbus_channel *find(const struct gpup_os *os, HANDLE handle, enum gpup_channel_state state,
                                       uint64_t after) {
    const struct gpup_vmbus *vmbus = os->machine->vmbus;
    struct gpup_vmbus_channel *best = NULL;
    for (struct gpup_vmbus_channel *c = vmbus && !os->machine->dead ? vmbus->channels : NULL; c;
         c = c->next) {
        bool fits = c->handle == (uintptr_t)handle && c->state == state && !c->closing && c->number > after;
        if (fits && (!best || c->number < best->number))
            best = c;
    }
    return best;
}

static bool each(struct gpup_os *os, HANDLE handle, enum gpup_channel_state state, void *function) {
    uint64_t number = 0;
    bool any = false;
    for (struct gpup_vmbus_channel *c; (c = find(os, handle, state, number)); any = true) {
        number = c->number;
        if (!run(os, function, c))
            break;
    }
    return any;
}

bool gpup_vmbus_guest_open(struct gpup_os *os, HANDLE handle) {
    return each(os, handle, GPUP_CHANNEL_OFFERED, (void *)open_channel);
}

bool gpup_vmbus_guest_send(struct gpup_os *os, HANDLE handle, const void *packet, size_t size) {
    uint64_t number = 0;
    bool any = false;
    for (struct gpup_vmbus_channel *c; (c = find(os, handle, GPUP_CHANNEL_OPEN, number)); any = true) {
        number = c->number;
        if ((c->max_packet && size > c->max_packet) || !c->process || size > UINT32_MAX)
            continue; /* the library drops it */
        if (gpup_vmbus_packet(os, c, packet, size))
            gpup_vmbus_flush(os, c);
    }
    run_ready(os);
    return any;
}

bool gpup_vmbus_guest_close(struct gpup_os *os, HANDLE handle) {
    uint64_t number = 0;
    bool any = false;
    for (struct gpup_vmbus_channel *c; (c = find(os, handle, GPUP_CHANNEL_OPEN, number)); any = true) {
        number = c->number;
        gpup_vmbus_begin_close(os, c); /* ends when the driver has completed its packets */
    }
    run_ready(os);
    return any;
}

bool gpup_vmbus_suspend(struct gpup_os *os, HANDLE handle) {
    return each(os, handle, GPUP_CHANNEL_OPEN, (void *)gpup_vmbus_suspend_channel);
}

bool gpup_vmbus_start(struct gpup_os *os, HANDLE handle) {
    return each(os, handle, GPUP_CHANNEL_OPEN, (void *)gpup_vmbus_resume);
}
