/* Packets from the guest: delivery, completion, and accounting of what the driver still holds. */
#include "asan.h"
#include "vmbus.h"

#include <string.h>

static void drop(struct gpup_os *os, struct gpup_vmbus_packet *packet) {
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    gpup_os_buffer_free(os, packet->bytes);
    gpup_token_free(&vmbus->tokens, packet->token);
    packet->bytes = NULL;
    packet->next = vmbus->free_packets;
    vmbus->free_packets = packet;
}

static struct gpup_vmbus_packet *take(struct gpup_os *os, struct gpup_vmbus *vmbus) {
    struct gpup_vmbus_packet *packet = vmbus->free_packets;
    if (!packet)
        return gpup_os_alloc(os, sizeof *packet);
    vmbus->free_packets = packet->next;
    return packet;
}

static void hold(struct gpup_vmbus_channel *channel, struct gpup_vmbus_packet *packet) {
    if (channel->held)
        channel->held_last->next = packet;
    else
        channel->held = packet;
    channel->held_last = packet;
}

struct gpup_vmbus_packet *gpup_vmbus_packet(struct gpup_os *os, struct gpup_vmbus_channel *channel,
                                            const void *bytes, size_t size) {
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    struct gpup_vmbus_packet *packet = take(os, vmbus);
    uint64_t object;
    if (!packet)
        return NULL;
    *packet =
        (struct gpup_vmbus_packet){.channel = channel, .size = (uint32_t)size, .number = ++channel->packets};
    packet->bytes = gpup_os_buffer(os, size ? size : 1, 0, &object);
    packet->token = gpup_token_new(os->config.arena, &vmbus->tokens, GPUP_VMBUS_INCOMING, packet);
    if (!packet->bytes || !packet->token) {
        if (packet->bytes)
            drop(os, packet);
        return NULL;
    }
    if (size)
        gpup_copy_driver(packet->bytes, bytes, size);
    hold(channel, packet);
    return packet;
}

static bool may_deliver(const struct gpup_vmbus_channel *channel) {
    return channel->state == GPUP_CHANNEL_OPEN && !channel->closing && !channel->paused &&
           !channel->suspended && !channel->starting;
}

/* PACKET and COMPLETE carry the packet's number, 4 bytes. */
VOID DDI_CALL gpup_vmbus_deliver(struct gpup_vmbus_channel *channel, struct gpup_vmbus_packet *packet) {
    struct gpup_os *os = gpup_os_current();
    const struct gpup_vmbus *vmbus = os->machine->vmbus;
    if (!packet->bytes || packet->channel != channel) /* gone with its channel */
        return;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_PACKET, STATUS_SUCCESS, &packet->number,
                     sizeof packet->number);
    channel->process(channel->token, packet->token, packet->bytes, packet->size, 0);
    if (channel->processed &&
        gpup_token_object(&vmbus->tokens, channel->token, GPUP_VMBUS_CHANNEL) == channel)
        channel->processed(channel->token, 1);
}

void gpup_vmbus_flush(struct gpup_os *os, struct gpup_vmbus_channel *channel) {
    while (channel->held && channel->process && may_deliver(channel)) {
        struct gpup_vmbus_packet *packet = channel->held;
        channel->held = packet->next;
        packet->next = NULL;
        channel->outstanding++;
        channel->drained.Header.SignalState = 0;
        if (!gpup_vmbus_spawn(os, (void *)gpup_vmbus_deliver, channel, packet,
                              channel->passive ? PASSIVE_LEVEL : DISPATCH_LEVEL))
            gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
    }
}

/* The channel goes: held packets with it, and those the driver still has must not be completed any more. */
void gpup_vmbus_forget_packets(struct gpup_os *os, struct gpup_vmbus_channel *channel) {
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    uint32_t at = 0;
    for (struct gpup_vmbus_packet *p; (p = gpup_token_next(&vmbus->tokens, &at, GPUP_VMBUS_INCOMING));) {
        if (p->channel == channel)
            drop(os, p);
    }
    channel->held = NULL;
    channel->outstanding = 0;
    channel->drained.Header.SignalState = 1;
    gpup_os_wake(os);
}

void gpup_vmbus_forget_outgoing(struct gpup_os *os, struct gpup_vmbus_channel *channel) {
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    uint32_t at = 0;
    for (struct gpup_vmbus_outgoing *p; (p = gpup_token_next(&vmbus->tokens, &at, GPUP_VMBUS_OUTGOING));) {
        if (p->channel != channel)
            continue;
        gpup_token_free(&vmbus->tokens, p->token);
        p->next = vmbus->free_outgoing;
        vmbus->free_outgoing = p;
    }
}

static struct gpup_vmbus_packet *incoming(struct gpup_os **out, const char *name,
                                          VMBPACKETCOMPLETION context) {
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    struct gpup_vmbus_packet *packet = gpup_vmbus_object(os, name, context, GPUP_VMBUS_INCOMING);
    *out = packet ? packet->channel->os : os;
    return packet; /* NULL: completed before, or never received */
}

static void complete(struct gpup_os *os, struct gpup_vmbus_packet *packet, NTSTATUS status) {
    struct gpup_vmbus_channel *channel = packet->channel;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_COMPLETE, status, &packet->number, sizeof packet->number);
    drop(os, packet);
    if (channel->outstanding && !--channel->outstanding)
        KeSetEvent(&channel->drained, 0, FALSE);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelPacketComplete(VMBPACKETCOMPLETION PacketCompletionContext,
                                                   PVOID PacketCompletionBuffer, UINT32 BufSize) {
    static const char name[] = "VmbChannelPacketComplete";
    struct gpup_os *os;
    struct gpup_vmbus_packet *packet = incoming(&os, name, PacketCompletionContext);
    if (!packet)
        return;
    if (BufSize && !PacketCompletionBuffer)
        gpup_os_misuse(os, name, GPUP_MISUSE_PARAMETER, packet->channel->number);
    else if (BufSize) /* the guest reads all of it */
        RtlCompareMemory(PacketCompletionBuffer, PacketCompletionBuffer, BufSize);
    complete(os, packet, STATUS_SUCCESS);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelPacketFail(VMBPACKETCOMPLETION PacketCompletionContext) {
    struct gpup_os *os;
    struct gpup_vmbus_packet *packet = incoming(&os, "VmbChannelPacketFail", PacketCompletionContext);
    if (packet)
        complete(os, packet, STATUS_UNSUCCESSFUL);
}

/* The same packet again, at PASSIVE_LEVEL. */
GPUP_EXPORT VOID DDI_CALL VmbChannelPacketDeferToPassive(VMBPACKETCOMPLETION PacketCompletionContext) {
    struct gpup_os *os;
    struct gpup_vmbus_packet *packet =
        incoming(&os, "VmbChannelPacketDeferToPassive", PacketCompletionContext);
    if (packet && !gpup_vmbus_spawn(os, (void *)gpup_vmbus_deliver, packet->channel, packet, PASSIVE_LEVEL))
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelPacketGetExternalData(VMBPACKETCOMPLETION PacketCompletionContext,
                                                              UINT32 Flags, PMDL *Mdl) {
    struct gpup_os *os;
    (void)Flags;
    (void)Mdl;
    incoming(&os, "VmbChannelPacketGetExternalData", PacketCompletionContext);
    return STATUS_NOT_FOUND; /* the guest's packets here carry none */
}

GPUP_EXPORT VOID DDI_CALL VmbChannelSetIncomingProcessingAtPassive(VMBCHANNEL Channel,
                                                                   BOOLEAN RequirePassive) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel =
        gpup_vmbus_enter(&os, "VmbChannelSetIncomingProcessingAtPassive", Channel, DISPATCH_LEVEL);
    if (channel)
        channel->passive = RequirePassive;
}
