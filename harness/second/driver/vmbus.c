/*
 * Two channels for each vGPU: one on which the guest's driver asks, one on which it is told. A new handle
 * replaces both; the old ones go first. Requests are worked on at PASSIVE_LEVEL.
 */
#include "driver.h"

#define PACKET_MAX 512u

struct message {
    ULONG size, what, argument[2];
};

static const GUID kinds[VMBUS_CHANNELS] = {
    {0x41D0C6B2, 0x5E1F, 0x4A07, {0x93, 0x2C, 0x0B, 0x6D, 0xE8, 0x17, 0xA4, 0x5F}},
    {0x6B9A3E75, 0xC214, 0x4F8D, {0xA8, 0x61, 0x3D, 0xF0, 0x52, 0x99, 0x0E, 0xC7}}};

static void set_live(VMBCHANNEL handle, bool live) {
    struct channel *c = VmbChannelGetPointer(handle);
    KIRQL irql;

    KeAcquireSpinLock(&c->lock, &irql);
    c->live = live;
    KeReleaseSpinLock(&c->lock, irql);
}

static VOID DDI_CALL started(VMBCHANNEL handle) {
    set_live(handle, true);
}

static VOID DDI_CALL suspended(VMBCHANNEL handle) {
    set_live(handle, false);
}

/* The guest is not trusted: whatever it sends is answered, with what could be read of it. */
static VOID DDI_CALL process_packet(VMBCHANNEL handle, VMBPACKETCOMPLETION packet, PVOID buffer,
                                    UINT32 length, UINT32 flags) {
    struct message m = {0};

    (void)handle;
    (void)flags;
    if (buffer)
        RtlCopyMemory(&m, buffer, length < sizeof m ? length : sizeof m);
    m.size = sizeof m;
    VmbChannelPacketComplete(packet, &m, sizeof m);
}

static VOID DDI_CALL told(VMBPACKET packet, NTSTATUS status, PVOID buffer, UINT32 length) {
    (void)status;
    (void)buffer;
    (void)length;
    VmbPacketFree(packet);
}

/* A guest that does not listen misses it. */
void vmbus_notice(const struct vf *vf, ULONG what) {
    struct channel *c = vf->channel[VMBUS_CHANNELS - 1];
    struct message m = {sizeof m, what, {vf->index, 0}};
    VMBPACKET packet = c && c->live ? VmbPacketAllocate(c->handle) : NULL;
    NTSTATUS status = STATUS_CANCELLED;
    KIRQL irql;

    if (!packet)
        return;
    VmbPacketSetCompletionRoutine(packet, told);
    KeAcquireSpinLock(&c->lock, &irql);
    if (c->live) /* no suspend came meanwhile, and none comes in between */
        status = VmbPacketSend(packet, &m, sizeof m, NULL, 0);
    KeReleaseSpinLock(&c->lock, irql);
    if (!NT_SUCCESS(status))
        VmbPacketFree(packet);
}

static NTSTATUS configure(const struct channel *c, const struct vf *vf, ULONG kind, HANDLE vm) {
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
    GUID instance = {vf->luid.LowPart ^ (ULONG)vf->luid.HighPart, (USHORT)vf->index, (USHORT)kind, {0}};
    NTSTATUS status;

    RtlCopyMemory(instance.Data4, &vf->luid, sizeof instance.Data4);
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
    callbacks.EvtChannelSuspend = suspended;
    callbacks.EvtChannelStarted = started;
    VmbChannelSetPointer(c->handle, (PVOID)(ULONG_PTR)c);
    status = VmbServerChannelInitSetTargetInterfaceId(c->handle, kinds[kind], instance);
    if (NT_SUCCESS(status))
        status = VmbServerChannelInitSetVmbusHandle(c->handle, vm);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetMaximumPacketSize(c->handle, PACKET_MAX);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetStateChangeCallbacks(c->handle, &callbacks);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetProcessPacketCallbacks(c->handle, process_packet, NULL);
    if (NT_SUCCESS(status))
        VmbChannelSetIncomingProcessingAtPassive(c->handle, TRUE);
    return status;
}

static NTSTATUS open_channel(const struct adapter *a, struct vf *vf, ULONG kind, HANDLE vm) {
    struct channel *c = allocate(sizeof *c);
    NTSTATUS status;

    if (!c)
        return STATUS_NO_MEMORY;
    KeInitializeSpinLock(&c->lock);
    status = VmbChannelAllocate(a->physical_device, TRUE, &c->handle);
    if (NT_SUCCESS(status)) {
        status = configure(c, vf, kind, vm);
        if (NT_SUCCESS(status))
            status = VmbChannelEnable(c->handle);
        if (!NT_SUCCESS(status))
            VmbChannelCleanup(c->handle);
    }
    if (NT_SUCCESS(status))
        vf->channel[kind] = c;
    else
        release(c);
    return status;
}

void vmbus_close(struct vf *vf) {
    for (ULONG i = 0; i < VMBUS_CHANNELS; i++) {
        struct channel *c = vf->channel[i];

        vf->channel[i] = NULL;
        if (!c)
            continue;
        VmbChannelDisable(c->handle);
        VmbChannelCleanup(c->handle);
        release(c);
    }
}

NTSTATUS DDI_CALL second_set_virtual_gpu_vmbus(HANDLE context, DXGKARG_SETVIRTUALGPUVMBUS *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status = STATUS_SUCCESS;

    if (!args || !args->VmBusHandle || args->VmBusHandle == (HANDLE)(LONG_PTR)-1 ||
        !NT_SUCCESS(enter_vf(a, args->VirtualGpuIndex, &vf)))
        return STATUS_INVALID_PARAMETER; /* the only failure there is */
    vmbus_close(vf);
    for (ULONG i = 0; i < VMBUS_CHANNELS && NT_SUCCESS(status); i++)
        status = open_channel(a, vf, i, args->VmBusHandle);
    if (!NT_SUCCESS(status))
        vmbus_close(vf); /* both or none */
    leave(a);
    return NT_SUCCESS(status) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
