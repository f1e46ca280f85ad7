/*
 * The channel between this driver and its driver in the guest. One per vGPU; a new handle replaces it. No
 * lock is held across the library: VmbChannelDisable waits for callbacks.
 */
#include "driver.h"

#define MESSAGE_LATER 2u /* answered at PASSIVE_LEVEL */
#define MESSAGE_HELLO 3u /* to the guest */

struct message {
    ULONG type, size; /* size: bytes of the whole message */
};

static const GUID channel_type = {
    0x8D1F0C5A, 0x27B3, 0x4E96, {0xB0, 0x4A, 0x61, 0xF7, 0x1C, 0x3E, 0x92, 0x05}};

static NTSTATUS DDI_CALL channel_opened(VMBCHANNEL channel) {
    (void)channel;
    return STATUS_SUCCESS;
}

static VOID DDI_CALL channel_closed(VMBCHANNEL channel) {
    (void)channel;
#ifdef REFERENCE_DEFECTS
    if (DEFECT(150)) { /* whoever closes the channel holds the lock */
        struct vmbus_channel *c = VmbChannelGetPointer(channel);

        ExAcquireFastMutex(&c->adapter->vf[c->vf].lock);
        ExReleaseFastMutex(&c->adapter->vf[c->vf].lock);
    }
#endif
}

static VOID DDI_CALL hello_done(VMBPACKET packet, NTSTATUS status, PVOID buffer, UINT32 length) {
    (void)status;
    (void)buffer;
    (void)length;
    VmbPacketFree(packet);
}

/* A greeting, for whose completion nobody waits. */
static VOID DDI_CALL channel_started(VMBCHANNEL channel) {
    struct message hello = {MESSAGE_HELLO, sizeof hello};
    VMBPACKET packet = VmbPacketAllocate(channel);

    if (!packet)
        return;
    VmbPacketSetCompletionRoutine(packet, hello_done);
    if (!NT_SUCCESS(VmbPacketSend(packet, &hello, sizeof hello, NULL, 0)))
        VmbPacketFree(packet);
}

/* At or below DISPATCH_LEVEL. The guest is not trusted: the packet is answered whatever it holds. */
static VOID DDI_CALL process_packet(VMBCHANNEL channel, VMBPACKETCOMPLETION packet, PVOID buffer,
                                    UINT32 length, UINT32 flags) {
    ULONG type = 0;

    (void)channel;
    (void)flags;
    if (buffer && length >= sizeof type)
        RtlCopyMemory(&type, buffer, sizeof type);
    if (type == MESSAGE_LATER && KeGetCurrentIrql() == DISPATCH_LEVEL) {
        VmbChannelPacketDeferToPassive(packet);
        return;
    }
    if (!DEFECT(151))
        VmbChannelPacketComplete(packet, NULL, 0);
}

static VOID DDI_CALL processing_complete(VMBCHANNEL channel, UINT32 packets) {
    (void)channel;
    (void)packets;
}

_Static_assert(sizeof(LUID) == sizeof((GUID *)0)->Data4, "the LUID makes the instance");
static NTSTATUS configure(const struct vmbus_channel *c, const LUID *luid, HANDLE handle) {
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
    GUID instance = channel_type; /* of all vGPUs of a VM no two have the same */
    NTSTATUS status;

    RtlCopyMemory(instance.Data4, luid, sizeof instance.Data4);
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
    callbacks.EvtChannelOpened = channel_opened;
    callbacks.EvtChannelClosed = channel_closed;
    callbacks.EvtChannelStarted = channel_started;
    if (DEFECT(150))
        VmbChannelSetPointer(c->channel, (PVOID)(ULONG_PTR)c);
    status = DEFECT(143) ? STATUS_SUCCESS : VmbServerChannelInitSetVmbusHandle(c->channel, handle);
    if (NT_SUCCESS(status))
        status = VmbServerChannelInitSetTargetInterfaceId(c->channel, channel_type, instance);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetStateChangeCallbacks(c->channel, &callbacks);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetProcessPacketCallbacks(c->channel, process_packet, processing_complete);
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

static struct vmbus_channel *exchange(struct adapter *a, struct vf *vf, struct vmbus_channel *channel) {
    PVOID volatile *place = (PVOID volatile *)&vf->channel;

    (void)a;
#ifdef REFERENCE_DEFECTS
    if (DEFECT(148))
        place = (PVOID volatile *)&a->channel;
#endif
    return InterlockedExchangePointer(place, channel);
}

void vmbus_close(struct adapter *a, struct vf *vf) {
    close_channel(exchange(a, vf, NULL));
}

static NTSTATUS open_channel(struct adapter *a, ULONG vf, const LUID *luid, HANDLE handle,
                             struct vmbus_channel **out) {
    struct vmbus_channel *c = allocate(sizeof *c);
    NTSTATUS status;

    if (!c)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (DEFECT(150) || DEFECT(155))
        *c = (struct vmbus_channel){.adapter = a, .vf = vf, .handle = handle};
    status = VmbChannelAllocate(a->physical_device, !DEFECT(156), &c->channel);
    if (!NT_SUCCESS(status)) {
        release(c);
        return status;
    }
    status = configure(c, luid, handle);
    if (NT_SUCCESS(status))
        status = VmbChannelEnable(c->channel);
    if (DEFECT(143))
        status = VmbServerChannelInitSetVmbusHandle(c->channel, handle);
    if (!NT_SUCCESS(status)) {
        VmbChannelCleanup(c->channel);
        release(c);
        return status;
    }
    *out = c;
    return STATUS_SUCCESS;
}

#ifdef REFERENCE_DEFECTS
/* BUG-145: the old channel goes first, and what is left of it is not forgotten when the new one fails. */
static void drop_old(const struct vf *vf) {
    if (DEFECT(145))
        close_channel(vf->channel);
}
#endif

/* The new channel stands before the old one goes: a failure leaves things as they were. */
static NTSTATUS hand_over(struct adapter *a, struct vf *vf, const LUID *luid, HANDLE handle) {
    struct vmbus_channel *channel = NULL;
    NTSTATUS status;

#ifdef REFERENCE_DEFECTS
    if (DEFECT(155) && vf->channel && vf->channel->handle == handle)
        return STATUS_SUCCESS;
    drop_old(vf);
#endif
    status = open_channel(a, vf->index, luid, handle, &channel);
    if (!NT_SUCCESS(status))
        return DEFECT(146) ? status : STATUS_INVALID_PARAMETER; /* the only failure that is documented */
    channel = exchange(a, vf, channel);
    if (DEFECT(140) || DEFECT(145))
        return STATUS_SUCCESS;
    if (DEFECT(150))
        ExAcquireFastMutex(&vf->lock);
    close_channel(channel);
    if (DEFECT(150))
        ExReleaseFastMutex(&vf->lock);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_set_virtual_gpu_vmbus(HANDLE context, DXGKARG_SETVIRTUALGPUVMBUS *args) {
    struct adapter *a = context;
    struct vf *vf;
    LUID luid;
    NTSTATUS status;

    if (!args || !args->VmBusHandle || args->VmBusHandle == (HANDLE)(LONG_PTR)-1)
        return STATUS_INVALID_PARAMETER;
    if (DEFECT(153) && a->vf)
        a->vf[args->VirtualGpuIndex].index = args->VirtualGpuIndex;
    status = vf_acquire(a, args->VirtualGpuIndex, &vf);
    if (!NT_SUCCESS(status))
        return STATUS_INVALID_PARAMETER;
    luid = vf->luid;
    vf_release(vf);
    return hand_over(a, vf, &luid, args->VmBusHandle);
}
