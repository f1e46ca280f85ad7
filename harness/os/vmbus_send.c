/* Packets to the guest, which completes each at once, and small per-channel functions (pages VmbPacket*). */
#include "vmbus.h"

#include <string.h>

#define PACKET_SIZE 64 /* what VmbChannelSizeofPacket answers */

static struct gpup_vmbus_outgoing *outgoing(struct gpup_os **out, const char *name, VMBPACKET packet) {
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    struct gpup_vmbus_outgoing *found = gpup_vmbus_object(os, name, packet, GPUP_VMBUS_OUTGOING);
    *out = found ? found->channel->os : os;
    return found;
}

GPUP_EXPORT VMBPACKET DDI_CALL VmbPacketAllocate(VMBCHANNEL Channel) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel = gpup_vmbus_enter(&os, "VmbPacketAllocate", Channel, DISPATCH_LEVEL);
    if (!channel)
        return NULL;
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    bool fails = gpup_os_fails(os), planned = gpup_vmbus_fails(os);
    if (planned && !fails)
        gpup_os_failed(os);
    if (fails || planned)
        return NULL;
    struct gpup_vmbus_outgoing *packet = vmbus->free_outgoing;
    if (packet)
        vmbus->free_outgoing = packet->next;
    else
        packet = gpup_os_alloc(os, sizeof *packet);
    if (!packet)
        return NULL;
    *packet = (struct gpup_vmbus_outgoing){.channel = channel};
    packet->token = gpup_token_new(os->config.arena, &vmbus->tokens, GPUP_VMBUS_OUTGOING, packet);
    return packet->token;
}

GPUP_EXPORT VOID DDI_CALL VmbPacketFree(VMBPACKET VmbPacket) {
    struct gpup_os *os;
    struct gpup_vmbus_outgoing *packet = outgoing(&os, "VmbPacketFree", VmbPacket);
    if (!packet)
        return;
    if (packet->sent)
        gpup_os_misuse(os, "VmbPacketFree", GPUP_MISUSE_STATE, packet->channel->number);
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    gpup_token_free(&vmbus->tokens, packet->token);
    packet->next = vmbus->free_outgoing;
    vmbus->free_outgoing = packet;
}

/* A packet in memory of the driver's; needs VmbPacketAllocate here. */
GPUP_EXPORT NTSTATUS DDI_CALL VmbPacketInitialize(VMBCHANNEL Channel, VMBPACKET VmbPacket, UINT32 ByteCount) {
    struct gpup_os *os;
    const struct gpup_vmbus_channel *channel =
        gpup_vmbus_enter(&os, "VmbPacketInitialize", Channel, DISPATCH_LEVEL);
    (void)VmbPacket;
    if (!channel || ByteCount < PACKET_SIZE)
        return STATUS_INVALID_PARAMETER;
    gpup_os_misuse(os, "VmbPacketInitialize", GPUP_MISUSE_UNSUPPORTED, channel->number);
    return STATUS_NOT_SUPPORTED;
}

GPUP_EXPORT UINT32 DDI_CALL VmbChannelSizeofPacket(VMBCHANNEL Channel) {
    struct gpup_os *os;
    return gpup_vmbus_enter(&os, "VmbChannelSizeofPacket", Channel, DISPATCH_LEVEL) ? PACKET_SIZE : 0;
}

GPUP_EXPORT VMBCHANNEL DDI_CALL VmbPacketGetChannel(VMBPACKET PacketObject) {
    struct gpup_os *os;
    const struct gpup_vmbus_outgoing *packet = outgoing(&os, "VmbPacketGetChannel", PacketObject);
    return packet ? packet->channel->token : NULL;
}

GPUP_EXPORT PVOID DDI_CALL VmbPacketGetPointer(VMBPACKET PacketObject) {
    struct gpup_os *os;
    const struct gpup_vmbus_outgoing *packet = outgoing(&os, "VmbPacketGetPointer", PacketObject);
    return packet ? packet->pointer : NULL;
}

GPUP_EXPORT VOID DDI_CALL VmbPacketSetPointer(VMBPACKET PacketObject, PVOID Pointer) {
    struct gpup_os *os;
    struct gpup_vmbus_outgoing *packet = outgoing(&os, "VmbPacketSetPointer", PacketObject);
    if (packet)
        packet->pointer = Pointer;
}

GPUP_EXPORT VOID DDI_CALL VmbPacketSetCompletionRoutine(VMBPACKET PacketObject,
                                                        PFN_VMB_PACKET_COMPLETION_ROUTINE CompletionRoutine) {
    struct gpup_os *os;
    struct gpup_vmbus_outgoing *packet = outgoing(&os, "VmbPacketSetCompletionRoutine", PacketObject);
    if (packet)
        packet->completed = CompletionRoutine;
}

static VOID DDI_CALL guest_completes(struct gpup_vmbus_channel *channel, VMBPACKET token) {
    const struct gpup_os *os = gpup_os_current();
    const struct gpup_vmbus *vmbus = os->machine->vmbus;
    struct gpup_vmbus_outgoing *packet = gpup_token_object(&vmbus->tokens, token, GPUP_VMBUS_OUTGOING);
    (void)channel;
    if (!packet) /* freed, or gone with its channel */
        return;
    packet->answered = packet->channel->starting;
    if (packet->answered)
        return;
    packet->sent = false;
    packet->completed(token, STATUS_SUCCESS, NULL, 0);
}

void gpup_vmbus_answer(struct gpup_os *os, const struct gpup_vmbus_channel *channel) {
    struct gpup_vmbus *vmbus = os->machine->vmbus;
    uint32_t at = 0;
    for (struct gpup_vmbus_outgoing *p; (p = gpup_token_next(&vmbus->tokens, &at, GPUP_VMBUS_OUTGOING));) {
        if (p->channel != channel || !p->answered)
            continue;
        p->answered = false;
        if (!gpup_vmbus_spawn(os, (void *)guest_completes, p->channel, p->token, DISPATCH_LEVEL))
            gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
    }
}

/* Sending while suspended is accepted and shows in the trace; data: the bytes. */
static NTSTATUS send(struct gpup_os *os, const char *name, struct gpup_vmbus_channel *channel,
                     const void *bytes, UINT32 size) {
    if (size && !bytes) {
        gpup_os_misuse(os, name, GPUP_MISUSE_PARAMETER, channel->number);
        return STATUS_INVALID_PARAMETER;
    }
    if (size)
        RtlCompareMemory(bytes, bytes, size); /* a bad buffer faults here, not while the event is written */
    bool open = channel->state == GPUP_CHANNEL_OPEN;
    NTSTATUS status = open ? STATUS_SUCCESS : STATUS_DEVICE_NOT_CONNECTED;
    if (open && gpup_vmbus_fails(os))
        status = STATUS_INSUFFICIENT_RESOURCES;
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_SEND, status, size ? bytes : NULL, size);
    return status;
}

static NTSTATUS send_packet(const char *name, VMBPACKET token, PVOID bytes, UINT32 size) {
    struct gpup_os *os;
    struct gpup_vmbus_outgoing *packet = outgoing(&os, name, token);
    if (!packet)
        return STATUS_INVALID_PARAMETER;
    if (packet->sent) {
        gpup_os_misuse(os, name, GPUP_MISUSE_STATE, packet->channel->number);
        return STATUS_INVALID_DEVICE_STATE;
    }
    NTSTATUS status = send(os, name, packet->channel, bytes, size);
    if (!NT_SUCCESS(status) || !packet->completed)
        return status;
    packet->sent = true;
    if (!gpup_vmbus_spawn(os, (void *)guest_completes, packet->channel, token, DISPATCH_LEVEL))
        gpup_os_hang(os, GPUP_HANG_ALLOC, 0);
    return status;
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbPacketSend(VMBPACKET PacketObject, PVOID Buffer, UINT32 BufferLength,
                                            PMDL ExternalDataMdl, UINT32 Flags) {
    (void)ExternalDataMdl;
    (void)Flags;
    return send_packet("VmbPacketSend", PacketObject, Buffer, BufferLength);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbPacketSendWithExternalMdl(VMBPACKET PacketObject, PVOID Buffer,
                                                           UINT32 BufferLength, PMDL ExternalDataMdl,
                                                           UINT32 MdlOffset, UINT32 MdlLength, UINT32 Flags) {
    (void)ExternalDataMdl;
    (void)MdlOffset;
    (void)MdlLength;
    (void)Flags;
    return send_packet("VmbPacketSendWithExternalMdl", PacketObject, Buffer, BufferLength);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbPacketSendWithExternalPfns(VMBPACKET PacketObject, PVOID Buffer,
                                                            UINT32 BufferLength, PPFN_NUMBER ExternalDataPfns,
                                                            UINT32 PfnLength, UINT32 Flags) {
    (void)ExternalDataPfns;
    (void)PfnLength;
    (void)Flags;
    return send_packet("VmbPacketSendWithExternalPfns", PacketObject, Buffer, BufferLength);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelSendSynchronousRequest(VMBCHANNEL Channel, PVOID Buffer,
                                                               UINT32 BufferSize, PMDL ExternalDataMdl,
                                                               UINT32 Flags, PVOID CompletionBuffer,
                                                               PUINT32 CompletionBufferSize,
                                                               PLARGE_INTEGER Timeout) {
    static const char name[] = "VmbChannelSendSynchronousRequest";
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel = gpup_vmbus_enter(&os, name, Channel, PASSIVE_LEVEL);
    (void)ExternalDataMdl;
    (void)Flags;
    (void)CompletionBuffer;
    uint64_t deadline = os && Timeout ? gpup_os_due(os, Timeout->QuadPart) : GPUP_NEVER;
    NTSTATUS status = channel ? send(os, name, channel, Buffer, BufferSize) : STATUS_INVALID_PARAMETER_1;
    bool waits = !Timeout || Timeout->QuadPart; /* zero is the one form that a host's driver may have */
    if (NT_SUCCESS(status) && waits) {          /* its completion, too, comes after the Started callback */
        void *objects[1] = {&channel->awake};
        while (NT_SUCCESS(status) && !channel->awake.Header.SignalState)
            if (gpup_os_wait(os, objects, 1, false, deadline) == STATUS_TIMEOUT)
                status = STATUS_CANCELLED;
    }
    if (NT_SUCCESS(status) && CompletionBufferSize)
        *CompletionBufferSize = 0; /* the guest's answer is empty */
    return status;
}

GPUP_EXPORT VOID DDI_CALL VmbChannelSetPointer(VMBCHANNEL Channel, PVOID Pointer) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *channel =
        gpup_vmbus_enter(&os, "VmbChannelSetPointer", Channel, DISPATCH_LEVEL);
    if (channel)
        channel->pointer = Pointer;
}

GPUP_EXPORT PVOID DDI_CALL VmbChannelGetPointer(VMBCHANNEL Channel) {
    struct gpup_os *os;
    const struct gpup_vmbus_channel *channel =
        gpup_vmbus_enter(&os, "VmbChannelGetPointer", Channel, DISPATCH_LEVEL);
    return channel ? channel->pointer : NULL;
}

GPUP_EXPORT VOID DDI_CALL VmbChannelGetInterfaceInstance(VMBCHANNEL Channel, LPGUID InterfaceInstance) {
    struct gpup_os *os;
    const struct gpup_vmbus_channel *channel =
        gpup_vmbus_enter(&os, "VmbChannelGetInterfaceInstance", Channel, DISPATCH_LEVEL);
    if (channel)
        *InterfaceInstance = channel->instance;
}
