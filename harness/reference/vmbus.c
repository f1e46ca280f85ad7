/*
 * The channel between this driver and its driver in the guest. One per vGPU; a new handle replaces it. No
 * lock is held across the library: VmbChannelDisable waits for callbacks.
 */
#include "driver.h"

#define PACKET_MAX 256u
#define MESSAGE_PING 1u

struct message {
    ULONG type, size; /* size: bytes of the whole message */
};

static const GUID channel_type = {
    0x8D1F0C5A, 0x27B3, 0x4E96, {0xB0, 0x4A, 0x61, 0xF7, 0x1C, 0x3E, 0x92, 0x05}};

static NTSTATUS DDI_CALL channel_opened(VMBCHANNEL channel) {
    struct vmbus_channel *c = VmbChannelGetPointer(channel);

    InterlockedExchange(&c->opened, 1);
    return STATUS_SUCCESS;
}

static VOID DDI_CALL channel_closed(VMBCHANNEL channel) {
    struct vmbus_channel *c = VmbChannelGetPointer(channel);

    InterlockedExchange(&c->opened, 0);
}

static VOID DDI_CALL channel_suspend(VMBCHANNEL channel) {
    struct vmbus_channel *c = VmbChannelGetPointer(channel);

    InterlockedExchange(&c->suspended, 1);
}

static VOID DDI_CALL channel_started(VMBCHANNEL channel) {
    struct vmbus_channel *c = VmbChannelGetPointer(channel);

    InterlockedExchange(&c->suspended, 0);
}

/* At or below DISPATCH_LEVEL. The guest is not trusted: the packet is answered whatever it holds. */
static VOID DDI_CALL process_packet(VMBCHANNEL channel, VMBPACKETCOMPLETION packet, PVOID buffer,
                                    UINT32 length, UINT32 flags) {
    struct message in = {0, 0}, reply = {0, sizeof reply};

    (void)channel;
    (void)flags;
    if (buffer && length >= sizeof in && length <= PACKET_MAX)
        RtlCopyMemory(&in, buffer, sizeof in);
    if (in.type == MESSAGE_PING && in.size >= sizeof in && in.size <= length)
        reply.type = MESSAGE_PING;
    if (!DEFECT(151))
        VmbChannelPacketComplete(packet, &reply, sizeof reply);
}

static VOID DDI_CALL processing_complete(VMBCHANNEL channel, UINT32 packets) {
    (void)channel;
    (void)packets;
}

static NTSTATUS configure(const struct vmbus_channel *c, const LUID *luid, HANDLE handle) {
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
    GUID instance = channel_type; /* of all vGPUs of a VM no two have the same */
    NTSTATUS status;

    instance.Data1 ^= luid->LowPart;
    instance.Data2 = (USHORT)luid->HighPart;
    instance.Data3 = (USHORT)(luid->HighPart >> 16);
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
    callbacks.EvtChannelOpened = channel_opened;
    callbacks.EvtChannelClosed = channel_closed;
    callbacks.EvtChannelSuspend = channel_suspend;
    callbacks.EvtChannelStarted = channel_started;
    VmbChannelSetPointer(c->channel, (PVOID)(ULONG_PTR)c);
    status = VmbServerChannelInitSetVmbusHandle(c->channel, handle);
    if (NT_SUCCESS(status))
        status = VmbServerChannelInitSetTargetInterfaceId(c->channel, channel_type, instance);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetStateChangeCallbacks(c->channel, &callbacks);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetProcessPacketCallbacks(c->channel, process_packet, processing_complete);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetMaximumPacketSize(c->channel, PACKET_MAX);
    return status;
}

static void close_channel(struct vmbus_channel *c) {
    if (!c)
        return;
    if (!DEFECT(141))
        VmbChannelDisable(c->channel);
    VmbChannelCleanup(c->channel);
    release(c);
}

void vmbus_close(struct vf *vf) {
    close_channel(InterlockedExchangePointer((PVOID volatile *)&vf->channel, NULL));
}

static NTSTATUS open_channel(struct adapter *a, ULONG vf, const LUID *luid, HANDLE handle,
                             struct vmbus_channel **out) {
    struct vmbus_channel *c = allocate(sizeof *c);
    NTSTATUS status;

    if (!c)
        return STATUS_INSUFFICIENT_RESOURCES;
    c->adapter = a;
    c->vf = vf;
    status = VmbChannelAllocate(a->physical_device, !DEFECT(156), &c->channel);
    if (!NT_SUCCESS(status)) {
        release(c);
        return status;
    }
    status = configure(c, luid, handle);
    if (NT_SUCCESS(status))
        status = VmbChannelEnable(c->channel);
    if (!NT_SUCCESS(status)) {
        VmbChannelCleanup(c->channel);
        release(c);
        return status;
    }
    *out = c;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_set_virtual_gpu_vmbus(HANDLE context, DXGKARG_SETVIRTUALGPUVMBUS *args) {
    struct adapter *a = context;
    struct vmbus_channel *channel = NULL;
    struct vf *vf;
    LUID luid;
    NTSTATUS status;

    if (!args || !args->VmBusHandle || args->VmBusHandle == (HANDLE)(LONG_PTR)-1)
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, args->VirtualGpuIndex, &vf);
    if (!NT_SUCCESS(status))
        return STATUS_INVALID_PARAMETER;
    luid = vf->luid;
    vf_release(vf);
    /* The new channel stands before the old one goes: a failure leaves things as they were. */
    status = open_channel(a, args->VirtualGpuIndex, &luid, args->VmBusHandle, &channel);
    if (!NT_SUCCESS(status))
        return DEFECT(146) ? status : STATUS_INVALID_PARAMETER; /* the only failure that is documented */
    channel = InterlockedExchangePointer((PVOID volatile *)&vf->channel, channel);
    if (!DEFECT(140))
        close_channel(channel);
    return STATUS_SUCCESS;
}
