/*
 * Functions of the client library that this suite does not play: shared guest memory, channel save and
 * restore, user handles. Each says so and fails.
 */
#include "vmbus.h"

static NTSTATUS refuse(const char *name, VMBCHANNEL channel) {
    struct gpup_os *os;
    const struct gpup_vmbus_channel *found = gpup_vmbus_enter(&os, name, channel, DISPATCH_LEVEL);
    if (!found)
        return STATUS_INVALID_PARAMETER_1;
    gpup_os_misuse(os, name, GPUP_MISUSE_UNSUPPORTED, found->number);
    return STATUS_NOT_SUPPORTED;
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelCreateGpadlFromBuffer(VMBCHANNEL Channel, UINT32 Flags,
                                                              PVOID VirtualAddress, UINT32 BufferSize,
                                                              PUINT32 GpadlHandle) {
    (void)Flags;
    (void)VirtualAddress;
    (void)BufferSize;
    (void)GpadlHandle;
    return refuse("VmbChannelCreateGpadlFromBuffer", Channel);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelCreateGpadlFromMdl(VMBCHANNEL Channel, UINT32 Flags, PMDL Mdl,
                                                           UINT32 StartOffsetWithinMdl,
                                                           UINT32 DataLengthWithinMdl, PUINT32 GpadlHandle) {
    (void)Flags;
    (void)Mdl;
    (void)StartOffsetWithinMdl;
    (void)DataLengthWithinMdl;
    (void)GpadlHandle;
    return refuse("VmbChannelCreateGpadlFromMdl", Channel);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelDeleteGpadl(VMBCHANNEL Channel, UINT32 GpadlHandle) {
    (void)GpadlHandle;
    refuse("VmbChannelDeleteGpadl", Channel);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelGetMmioSpace(VMBCHANNEL Channel, UINT64 *MmioAddress, UINT64 *MmioSize) {
    refuse("VmbChannelGetMmioSpace", Channel);
    *MmioAddress = 0;
    *MmioSize = 0;
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelSetInterruptLatency(VMBCHANNEL Channel, UINT16 Latency,
                                                            PUINT16 OriginalLatency) {
    (void)Latency;
    (void)OriginalLatency;
    return refuse("VmbChannelSetInterruptLatency", Channel);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelSetTransactionQuota(VMBCHANNEL Channel, UINT32 Quota) {
    struct gpup_os *os;
    (void)Quota; /* no traffic here comes near any quota */
    gpup_vmbus_enter(&os, "VmbChannelSetTransactionQuota", Channel, DISPATCH_LEVEL);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelMapGpadl(VMBCHANNEL Channel, UINT32 Flags, UINT32 GpadlHandle,
                                                 PMDL *Mdl) {
    (void)Flags;
    (void)GpadlHandle;
    (void)Mdl;
    return refuse("VmbChannelMapGpadl", Channel);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelUnmapGpadl(VMBCHANNEL Channel, UINT32 GpadlHandle) {
    (void)GpadlHandle;
    refuse("VmbChannelUnmapGpadl", Channel);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelRestoreFromBuffer(VMBCHANNEL Channel, PVOID Buffer,
                                                          ULONG BufferSize) {
    (void)Buffer;
    (void)BufferSize;
    return refuse("VmbChannelRestoreFromBuffer", Channel);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelSaveBegin(VMBCHANNEL Channel) {
    return refuse("VmbChannelSaveBegin", Channel);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbChannelSaveContinue(VMBCHANNEL Channel, PVOID SaveBuffer,
                                                     ULONG SaveBufferSize, PULONG BytesFilled,
                                                     PULONG BytesRequired) {
    (void)SaveBuffer;
    (void)SaveBufferSize;
    (void)BytesFilled;
    (void)BytesRequired;
    return refuse("VmbChannelSaveContinue", Channel);
}

GPUP_EXPORT VOID DDI_CALL VmbChannelSaveEnd(VMBCHANNEL Channel) {
    refuse("VmbChannelSaveEnd", Channel);
}

static NTSTATUS refuse_plain(const char *name, NTSTATUS status) {
    struct gpup_os *os = gpup_os_service(name, DISPATCH_LEVEL);
    if (os)
        gpup_os_misuse(os, name, GPUP_MISUSE_UNSUPPORTED, 0);
    return status;
}

/* What a DDI is given is a kernel handle already, and user handles do not occur here. */
GPUP_EXPORT NTSTATUS DDI_CALL VmbConvertVmbusHandleToKernelHandle(HANDLE VmbusHandle, PHANDLE KernelHandle) {
    (void)VmbusHandle;
    (void)KernelHandle;
    return refuse_plain("VmbConvertVmbusHandleToKernelHandle", STATUS_INVALID_HANDLE);
}

GPUP_EXPORT NTSTATUS DDI_CALL VmbPacketRestore(VMBPACKET PacketObject, PVOID Buffer, ULONG BufferSize) {
    (void)PacketObject;
    (void)Buffer;
    (void)BufferSize;
    return refuse_plain("VmbPacketRestore", STATUS_NOT_SUPPORTED);
}
