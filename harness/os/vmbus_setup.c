/* Init functions: legal from VmbChannelAllocate to VmbChannelEnable (pages VmbChannelInitSet*,
 * VmbServerChannelInit*). */
#include "vmbus.h"

/* STATUS_SUCCESS: go on. *found: the channel, in a state where it may still be set up. */
static NTSTATUS begin(const char *name, VMBCHANNEL channel, struct gpup_os **os,
                      struct gpup_vmbus_channel **found) {
    *found = gpup_vmbus_enter(os, name, channel, DISPATCH_LEVEL);
    if (!*found)
        return STATUS_INVALID_PARAMETER_1;
    if ((*found)->state != GPUP_CHANNEL_NEW) {
        gpup_os_misuse(*os, name, GPUP_MISUSE_STATE, (*found)->number);
        return STATUS_INVALID_PARAMETER_1;
    }
    if (!gpup_vmbus_fails(*os))
        return STATUS_SUCCESS;
    gpup_vmbus_event(*os, *found, GPUP_CHANNEL_CONFIGURE, STATUS_INSUFFICIENT_RESOURCES, NULL, 0);
    return STATUS_INSUFFICIENT_RESOURCES;
}

/* The setting is noted in the trace; a refused value is the driver's mistake. */
static NTSTATUS end(const char *name, struct gpup_os *os, const struct gpup_vmbus_channel *channel,
                    NTSTATUS status) {
    if (status == STATUS_INVALID_PARAMETER_2)
        gpup_os_misuse(os, name, GPUP_MISUSE_PARAMETER, channel->number);
    gpup_vmbus_event(os, channel, GPUP_CHANNEL_CONFIGURE, status, NULL, 0);
    return status;
}

/* A setting of which the suite only needs to know whether its value is acceptable. */
static NTSTATUS note(const char *name, VMBCHANNEL channel, bool acceptable) {
    struct gpup_os *os;
    struct gpup_vmbus_channel *found;
    NTSTATUS status = begin(name, channel, &os, &found);
    if (!NT_SUCCESS(status))
        return status;
    return end(name, os, found, acceptable ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER_2);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbServerChannelInitSetVmbusHandle(VMBCHANNEL Channel, HANDLE VmbusHandle) {
    static const char name[] = "VmbServerChannelInitSetVmbusHandle";
    struct gpup_os *os;
    struct gpup_vmbus_channel *found;
    NTSTATUS status = begin(name, Channel, &os, &found);
    if (!NT_SUCCESS(status))
        return status;
    if (gpup_vmbus_bind(os, VmbusHandle, found))
        return end(name, os, found, STATUS_SUCCESS);
    struct gpup_vmbus_channel refused = *found; /* the event shows the handle that was tried */
    refused.handle = (uintptr_t)VmbusHandle;
    gpup_os_misuse(os, name, GPUP_MISUSE_OBJECT, found->number);
    return end(name, os, &refused, STATUS_INVALID_HANDLE);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbServerChannelInitSetTargetInterfaceId(VMBCHANNEL Channel, GUID InterfaceType,
                                                                       GUID InterfaceInstance) {
    static const char name[] = "VmbServerChannelInitSetTargetInterfaceId";
    struct gpup_os *os;
    struct gpup_vmbus_channel *found;
    NTSTATUS status = begin(name, Channel, &os, &found);
    if (!NT_SUCCESS(status))
        return status;
    found->type = InterfaceType;
    found->instance = InterfaceInstance;
    found->identified = true;
    return end(name, os, found, STATUS_SUCCESS);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelInitSetStateChangeCallbacks(
    VMBCHANNEL Channel, PVMB_CHANNEL_STATE_CHANGE_CALLBACKS StateChangeCallbacks) {
    static const char name[] = "VmbChannelInitSetStateChangeCallbacks";
    struct gpup_os *os;
    struct gpup_vmbus_channel *found;
    NTSTATUS status = begin(name, Channel, &os, &found);
    if (!NT_SUCCESS(status))
        return status;
    const VMB_CHANNEL_STATE_CHANGE_CALLBACKS *given = StateChangeCallbacks;
    if (!given || given->Version != VMB_CHANNEL_STATE_CHANGE_CALLBACKS_VERSION ||
        given->Size != sizeof *given)
        return end(name, os, found, STATUS_INVALID_PARAMETER_2);
    found->on = *given;
    return end(name, os, found, STATUS_SUCCESS);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelInitSetProcessPacketCallbacks(
    VMBCHANNEL Channel, PFN_VMB_CHANNEL_PROCESS_PACKET ProcessPacketCallback,
    PFN_VMB_CHANNEL_PROCESSING_COMPLETE ProcessingCompleteCallback) {
    static const char name[] = "VmbChannelInitSetProcessPacketCallbacks";
    struct gpup_os *os;
    struct gpup_vmbus_channel *found;
    NTSTATUS status = begin(name, Channel, &os, &found);
    if (!NT_SUCCESS(status))
        return status;
    if (!ProcessPacketCallback)
        return end(name, os, found, STATUS_INVALID_PARAMETER_2);
    found->process = ProcessPacketCallback;
    found->processed = ProcessingCompleteCallback;
    return end(name, os, found, STATUS_SUCCESS);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelInitSetMaximumPacketSize(VMBCHANNEL Channel, UINT32 PacketSize) {
    static const char name[] = "VmbChannelInitSetMaximumPacketSize";
    struct gpup_os *os;
    struct gpup_vmbus_channel *found;
    NTSTATUS status = begin(name, Channel, &os, &found);
    if (!NT_SUCCESS(status))
        return status;
    if (!PacketSize)
        return end(name, os, found, STATUS_INVALID_PARAMETER_2);
    found->max_packet = PacketSize;
    return end(name, os, found, STATUS_SUCCESS);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelInitSetFlags(VMBCHANNEL Channel, UINT32 Flags) {
    (void)Flags;
    return note("VmbChannelInitSetFlags", Channel, true);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelInitSetFriendlyName(VMBCHANNEL Channel, PCUNICODE_STRING Name) {
    return note("VmbChannelInitSetFriendlyName", Channel, Name && (Name->Buffer || !Name->Length));
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelInitSetClientContextSize(VMBCHANNEL Channel, UINT32 ContextSize) {
    (void)ContextSize;
    return note("VmbChannelInitSetClientContextSize", Channel, true);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelInitSetMaximumExternalData(VMBCHANNEL Channel, UINT32 DataSize,
                                                                   UINT32 ChainLength) {
    (void)DataSize;
    (void)ChainLength;
    return note("VmbChannelInitSetMaximumExternalData", Channel, true);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbServerChannelInitSetFlags(VMBCHANNEL Channel, UINT32 Flags) {
    (void)Flags;
    return note("VmbServerChannelInitSetFlags", Channel, true);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbServerChannelInitSetMmioMegabytes(VMBCHANNEL Channel, UINT16 MmioMegabytes,
                                                                   UINT16 MmioMegabytesOptional) {
    (void)MmioMegabytes;
    (void)MmioMegabytesOptional;
    return note("VmbServerChannelInitSetMmioMegabytes", Channel, true);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbServerChannelInitSetSaveRestorePacketCallbacks(
    VMBCHANNEL Channel, PFN_VMB_CHANNEL_SAVE_PACKET SavePacketCallback,
    PFN_VMB_CHANNEL_RESTORE_PACKET RestorePacketCallback) {
    return note("VmbServerChannelInitSetSaveRestorePacketCallbacks", Channel,
                SavePacketCallback && RestorePacketCallback);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbServerChannelInitSetTargetVtl(VMBCHANNEL Channel, UINT8 TargetVtl) {
    return note("VmbServerChannelInitSetTargetVtl", Channel, TargetVtl <= 2);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbClientChannelInitSetRingBufferPageCount(VMBCHANNEL Channel,
                                                                         UINT32 IncomingPageCount,
                                                                         UINT32 OutgoingPageCount) {
    return note("VmbClientChannelInitSetRingBufferPageCount", Channel,
                IncomingPageCount && OutgoingPageCount);
}

GPUP_EXPORT NTSTATUS DDI_CALL
VmbClientChannelInitSetTargetPnp(VMBCHANNEL Channel, LPCGUID InterfaceType, LPCGUID InterfaceInstance,
                                 PFN_VMB_CHANNEL_PNP_FAILURE PnpFailureCallback) {
    (void)PnpFailureCallback;
    return note("VmbClientChannelInitSetTargetPnp", Channel, InterfaceType && InterfaceInstance);
}
