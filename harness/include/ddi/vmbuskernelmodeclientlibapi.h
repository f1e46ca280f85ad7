/*
 * VMBus kernel-mode client library (vmbuskernelmodeclientlibapi.h), the part a server-side driver needs.
 *
 * Both ways to reach a function are here: by name, and through the KMCL_SERVER_INTERFACE_V1 table. The
 * identifiers KMCL_SERVER_INTERFACE_TYPE and KMCL_SERVER_INTERFACE_VERSION_V1 have no published value and are
 * absent. Follows the vmbuskernelmodeclientlibapi.h pages of the reference. In a WDK build (_NTDEF_) it steps
 * aside: the WDK's own header has no include-guard macro to test.
 */
#ifndef GPUP_DDI_VMBUSKERNELMODECLIENTLIBAPI_H
#define GPUP_DDI_VMBUSKERNELMODECLIENTLIBAPI_H

#include "ddi/wdmtypes.h"

#ifndef _NTDEF_

/* Opaque handles of a channel, of an outgoing packet and of an incoming packet awaiting completion. */
typedef struct VMBCHANNEL__ *VMBCHANNEL;
typedef struct VMBPACKET__ *VMBPACKET;
typedef PVOID VMBPACKETCOMPLETION;

/* EvtVmbChannel* callback functions. Opened may refuse the open by returning a failure. PASSIVE_LEVEL. */
typedef NTSTATUS(DDI_CALL EVT_VMB_CHANNEL_OPENED)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL EVT_VMB_CHANNEL_CLOSED)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL EVT_VMB_CHANNEL_SUSPEND)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL EVT_VMB_CHANNEL_STARTED)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL EVT_VMB_CHANNEL_POST_STARTED)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL EVT_VMB_CHANNEL_PNP_FAILURE)(VMBCHANNEL Channel, NTSTATUS FailureStatus);
/* Packet callbacks, at or below DISPATCH_LEVEL; each packet ends in one VmbChannelPacketComplete. */
typedef VOID(DDI_CALL EVT_VMB_CHANNEL_PROCESS_PACKET)(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
                                                      PVOID Buffer, UINT32 BufferLength, UINT32 Flags);
typedef VOID(DDI_CALL EVT_VMB_CHANNEL_PROCESSING_COMPLETE)(VMBCHANNEL Channel, UINT32 PacketsProcessed);
typedef NTSTATUS(DDI_CALL EVT_VMB_CHANNEL_SAVE_PACKET)(VMBCHANNEL Channel, VMBPACKET Packet, PVOID SaveBuf,
                                                       UINT32 SaveBufSize, PUINT32 BytesNeeded);
typedef NTSTATUS(DDI_CALL EVT_VMB_CHANNEL_RESTORE_PACKET)(VMBCHANNEL Channel, PVOID LibBuf, UINT32 LibBufSize,
                                                          PVOID SaveBuf, UINT32 SaveBufSize);
typedef VOID(DDI_CALL EVT_VMB_PACKET_COMPLETION_ROUTINE)(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
                                                         UINT32 BufferLength);

typedef EVT_VMB_CHANNEL_OPENED *PFN_VMB_CHANNEL_OPENED;
typedef EVT_VMB_CHANNEL_CLOSED *PFN_VMB_CHANNEL_CLOSED;
typedef EVT_VMB_CHANNEL_SUSPEND *PFN_VMB_CHANNEL_SUSPEND;
typedef EVT_VMB_CHANNEL_STARTED *PFN_VMB_CHANNEL_STARTED;
typedef EVT_VMB_CHANNEL_POST_STARTED *PFN_VMB_CHANNEL_POST_STARTED;
typedef EVT_VMB_CHANNEL_PNP_FAILURE *PFN_VMB_CHANNEL_PNP_FAILURE;
typedef EVT_VMB_CHANNEL_PROCESS_PACKET *PFN_VMB_CHANNEL_PROCESS_PACKET;
typedef EVT_VMB_CHANNEL_PROCESSING_COMPLETE *PFN_VMB_CHANNEL_PROCESSING_COMPLETE;
typedef EVT_VMB_CHANNEL_SAVE_PACKET *PFN_VMB_CHANNEL_SAVE_PACKET;
typedef EVT_VMB_CHANNEL_RESTORE_PACKET *PFN_VMB_CHANNEL_RESTORE_PACKET;
typedef EVT_VMB_PACKET_COMPLETION_ROUTINE *PFN_VMB_PACKET_COMPLETION_ROUTINE;

/* VMB_CHANNEL_STATE_CHANGE_CALLBACKS structure; a Version of 1 is our reading, the page gives no number. */
#define VMB_CHANNEL_STATE_CHANGE_CALLBACKS_VERSION 1
typedef struct DDI_STRUCT _VMB_CHANNEL_STATE_CHANGE_CALLBACKS {
    ULONG Version;
    ULONG Size; /* bytes of this structure */
    PFN_VMB_CHANNEL_OPENED EvtChannelOpened;
    PFN_VMB_CHANNEL_CLOSED EvtChannelClosed;
    PFN_VMB_CHANNEL_SUSPEND EvtChannelSuspend;
    PFN_VMB_CHANNEL_STARTED EvtChannelStarted;
    PFN_VMB_CHANNEL_POST_STARTED EvtChannelPostStarted;
} VMB_CHANNEL_STATE_CHANGE_CALLBACKS, *PVMB_CHANNEL_STATE_CHANGE_CALLBACKS;

/* VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT function */
static inline VOID VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(PVMB_CHANNEL_STATE_CHANGE_CALLBACKS Callbacks) {
    *Callbacks = (VMB_CHANNEL_STATE_CHANGE_CALLBACKS){.Version = VMB_CHANNEL_STATE_CHANGE_CALLBACKS_VERSION,
                                                      .Size = sizeof(*Callbacks)};
}

/* FN_VMB_* function types of both sides: the client library's pages, one a function. */
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_ALLOCATE)(PDEVICE_OBJECT ParentDeviceObject, BOOLEAN IsServer,
                                                   VMBCHANNEL *Channel);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_CLEANUP)(VMBCHANNEL Channel);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_CREATE_GPADL_FROM_BUFFER)(VMBCHANNEL Channel, UINT32 Flags,
                                                                   PVOID Buffer, UINT32 ByteCount,
                                                                   PUINT32 GpadlHandle);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_CREATE_GPADL_FROM_MDL)(VMBCHANNEL Channel, UINT32 Flags, PMDL Mdl,
                                                                UINT32 StartOffsetWithinMdl,
                                                                UINT32 DataLengthWithinMdl,
                                                                PUINT32 GpadlHandle);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_DELETE_GPADL)(VMBCHANNEL Channel, UINT32 GpadlHandle);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_DISABLE)(VMBCHANNEL Channel);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_ENABLE)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_GET_INTERFACE_INSTANCE)(VMBCHANNEL Channel, LPGUID InterfaceInstance);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_GET_MMIO_SPACE)(VMBCHANNEL Channel, UINT64 *MmioAddress,
                                                     UINT64 *MmioSize);
typedef PVOID(DDI_CALL FN_VMB_CHANNEL_GET_POINTER)(VMBCHANNEL Channel);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_INIT_SET_CLIENT_CONTEXT_SIZE)(VMBCHANNEL Channel,
                                                                       UINT32 ContextSize);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_INIT_SET_FLAGS)(VMBCHANNEL Channel, UINT32 Flags);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_INIT_SET_FRIENDLY_NAME)(VMBCHANNEL Channel, PCUNICODE_STRING Name);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_INIT_SET_MAXIMUM_EXTERNAL_DATA)(VMBCHANNEL Channel, UINT32 DataSize,
                                                                         UINT32 ChainLength);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_INIT_SET_MAXIMUM_PACKET_SIZE)(VMBCHANNEL Channel, UINT32 PacketSize);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_INIT_SET_PROCESS_PACKET_CALLBACKS)(
    VMBCHANNEL Channel, PFN_VMB_CHANNEL_PROCESS_PACKET ProcessPacketCallback,
    PFN_VMB_CHANNEL_PROCESSING_COMPLETE ProcessingCompleteCallback);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_INIT_SET_STATE_CHANGE_CALLBACKS)(
    VMBCHANNEL Channel, PVMB_CHANNEL_STATE_CHANGE_CALLBACKS StateChangeCallbacks);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_PACKET_COMPLETE)(VMBPACKETCOMPLETION PacketCompletionContext,
                                                      PVOID PacketCompletionBuffer, UINT32 BufSize);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_PACKET_DEFER_TO_PASSIVE)(VMBPACKETCOMPLETION PacketCompletionContext);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_PACKET_FAIL)(VMBPACKETCOMPLETION PacketCompletionContext);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_PACKET_GET_EXTERNAL_DATA)(
    VMBPACKETCOMPLETION PacketCompletionContext, UINT32 Flags, PMDL *Mdl);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_PAUSE)(VMBCHANNEL Channel);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_SEND_SYNCHRONOUS_REQUEST)(VMBCHANNEL Channel, PVOID Buffer,
                                                                   UINT32 BufferSize, PMDL ExternalDataMdl,
                                                                   UINT32 Flags, PVOID CompletionBuffer,
                                                                   PUINT32 CompletionBufferSize,
                                                                   PLARGE_INTEGER Timeout);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_SET_INCOMING_PROCESSING_AT_PASSIVE)(VMBCHANNEL Channel,
                                                                         BOOLEAN RequirePassive);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_SET_INTERRUPT_LATENCY)(VMBCHANNEL Channel, UINT16 Latency,
                                                                PUINT16 OriginalLatency);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_SET_POINTER)(VMBCHANNEL Channel, PVOID Pointer);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_SET_TRANSACTION_QUOTA)(VMBCHANNEL Channel, UINT32 Quota);
typedef UINT32(DDI_CALL FN_VMB_CHANNEL_SIZEOF_PACKET)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_START)(VMBCHANNEL Channel);
typedef NTSTATUS(DDI_CALL FN_VMB_CLIENT_CHANNEL_INIT_SET_RING_BUFFER_PAGE_COUNT)(VMBCHANNEL Channel,
                                                                                 UINT32 IncomingPageCount,
                                                                                 UINT32 OutgoingPageCount);
typedef NTSTATUS(DDI_CALL FN_VMB_CLIENT_CHANNEL_INIT_SET_TARGET_PNP)(
    VMBCHANNEL Channel, LPCGUID InterfaceType, LPCGUID InterfaceInstance,
    PFN_VMB_CHANNEL_PNP_FAILURE PnpFailureCallback);
typedef VMBPACKET(DDI_CALL FN_VMB_PACKET_ALLOCATE)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL FN_VMB_PACKET_FREE)(VMBPACKET VmbPacket);
typedef VMBCHANNEL(DDI_CALL FN_VMB_PACKET_GET_CHANNEL)(VMBPACKET PacketObject);
typedef PVOID(DDI_CALL FN_VMB_PACKET_GET_POINTER)(VMBPACKET PacketObject);
typedef NTSTATUS(DDI_CALL FN_VMB_PACKET_INITIALIZE)(VMBCHANNEL Channel, VMBPACKET VmbPacket,
                                                    UINT32 ByteCount);
typedef NTSTATUS(DDI_CALL FN_VMB_PACKET_SEND)(VMBPACKET PacketObject, PVOID Buffer, UINT32 BufferLength,
                                              PMDL ExternalDataMdl, UINT32 Flags);
typedef NTSTATUS(DDI_CALL FN_VMB_PACKET_SEND_WITH_EXTERNAL_MDL)(VMBPACKET PacketObject, PVOID Buffer,
                                                                UINT32 BufferLength, PMDL ExternalDataMdl,
                                                                UINT32 MdlOffset, UINT32 MdlLength,
                                                                UINT32 Flags);
typedef NTSTATUS(DDI_CALL FN_VMB_PACKET_SEND_WITH_EXTERNAL_PFNS)(VMBPACKET PacketObject, PVOID Buffer,
                                                                 UINT32 BufferLength,
                                                                 PPFN_NUMBER ExternalDataPfns,
                                                                 UINT32 PfnLength, UINT32 Flags);
typedef VOID(DDI_CALL FN_VMB_PACKET_SET_COMPLETION_ROUTINE)(
    VMBPACKET PacketObject, PFN_VMB_PACKET_COMPLETION_ROUTINE CompletionRoutine);
typedef VOID(DDI_CALL FN_VMB_PACKET_SET_POINTER)(VMBPACKET PacketObject, PVOID Pointer);

/* FN_VMB_* function types of servers only. */
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_MAP_GPADL)(VMBCHANNEL Channel, UINT32 Flags, UINT32 GpadlHandle,
                                                    PMDL *Mdl);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_RESTORE_FROM_BUFFER)(VMBCHANNEL Channel, PVOID Buffer,
                                                              ULONG BufferSize);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_SAVE_BEGIN)(VMBCHANNEL Channel);
typedef NTSTATUS(DDI_CALL FN_VMB_CHANNEL_SAVE_CONTINUE)(VMBCHANNEL Channel, PVOID SaveBuffer,
                                                        ULONG SaveBufferSize, PULONG BytesFilled,
                                                        PULONG BytesRequired);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_SAVE_END)(VMBCHANNEL Channel);
typedef VOID(DDI_CALL FN_VMB_CHANNEL_UNMAP_GPADL)(VMBCHANNEL Channel, UINT32 GpadlHandle);
typedef NTSTATUS(DDI_CALL FN_VMB_CONVERT_VMBUS_HANDLE_TO_KERNEL_HANDLE)(HANDLE VmbusHandle,
                                                                        PHANDLE KernelHandle);
typedef NTSTATUS(DDI_CALL FN_VMB_PACKET_RESTORE)(VMBPACKET PacketObject, PVOID Buffer, ULONG BufferSize);
typedef NTSTATUS(DDI_CALL FN_VMB_SERVER_CHANNEL_INIT_SET_FLAGS)(VMBCHANNEL Channel, UINT32 Flags);
typedef NTSTATUS(DDI_CALL FN_VMB_SERVER_CHANNEL_INIT_SET_MMIO_MEGABYTES)(VMBCHANNEL Channel,
                                                                         UINT16 MmioMegabytes,
                                                                         UINT16 MmioMegabytesOptional);
typedef NTSTATUS(DDI_CALL FN_VMB_SERVER_CHANNEL_INIT_SET_SAVE_RESTORE_PACKET_CALLBACKS)(
    VMBCHANNEL Channel, PFN_VMB_CHANNEL_SAVE_PACKET SavePacketCallback,
    PFN_VMB_CHANNEL_RESTORE_PACKET RestorePacketCallback);
typedef NTSTATUS(DDI_CALL FN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_INTERFACE_ID)(VMBCHANNEL Channel,
                                                                              GUID InterfaceType,
                                                                              GUID InterfaceInstance);
typedef NTSTATUS(DDI_CALL FN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_VTL)(VMBCHANNEL Channel, UINT8 TargetVtl);
typedef NTSTATUS(DDI_CALL FN_VMB_SERVER_CHANNEL_INIT_SET_VMBUS_HANDLE)(VMBCHANNEL Channel,
                                                                       HANDLE VmbusHandle);

typedef FN_VMB_CHANNEL_ALLOCATE *PFN_VMB_CHANNEL_ALLOCATE;
typedef FN_VMB_CHANNEL_CLEANUP *PFN_VMB_CHANNEL_CLEANUP;
typedef FN_VMB_CHANNEL_CREATE_GPADL_FROM_BUFFER *PFN_VMB_CHANNEL_CREATE_GPADL_FROM_BUFFER;
typedef FN_VMB_CHANNEL_CREATE_GPADL_FROM_MDL *PFN_VMB_CHANNEL_CREATE_GPADL_FROM_MDL;
typedef FN_VMB_CHANNEL_DELETE_GPADL *PFN_VMB_CHANNEL_DELETE_GPADL;
typedef FN_VMB_CHANNEL_DISABLE *PFN_VMB_CHANNEL_DISABLE;
typedef FN_VMB_CHANNEL_ENABLE *PFN_VMB_CHANNEL_ENABLE;
typedef FN_VMB_CHANNEL_GET_INTERFACE_INSTANCE *PFN_VMB_CHANNEL_GET_INTERFACE_INSTANCE;
typedef FN_VMB_CHANNEL_GET_MMIO_SPACE *PFN_VMB_CHANNEL_GET_MMIO_SPACE;
typedef FN_VMB_CHANNEL_GET_POINTER *PFN_VMB_CHANNEL_GET_POINTER;
typedef FN_VMB_CHANNEL_INIT_SET_CLIENT_CONTEXT_SIZE *PFN_VMB_CHANNEL_INIT_SET_CLIENT_CONTEXT_SIZE;
typedef FN_VMB_CHANNEL_INIT_SET_FLAGS *PFN_VMB_CHANNEL_INIT_SET_FLAGS;
typedef FN_VMB_CHANNEL_INIT_SET_FRIENDLY_NAME *PFN_VMB_CHANNEL_INIT_SET_FRIENDLY_NAME;
typedef FN_VMB_CHANNEL_INIT_SET_MAXIMUM_EXTERNAL_DATA *PFN_VMB_CHANNEL_INIT_SET_MAXIMUM_EXTERNAL_DATA;
typedef FN_VMB_CHANNEL_INIT_SET_MAXIMUM_PACKET_SIZE *PFN_VMB_CHANNEL_INIT_SET_MAXIMUM_PACKET_SIZE;
typedef FN_VMB_CHANNEL_INIT_SET_PROCESS_PACKET_CALLBACKS *PFN_VMB_CHANNEL_INIT_SET_PROCESS_PACKET_CALLBACKS;
typedef FN_VMB_CHANNEL_INIT_SET_STATE_CHANGE_CALLBACKS *PFN_VMB_CHANNEL_INIT_SET_STATE_CHANGE_CALLBACKS;
typedef FN_VMB_CHANNEL_PACKET_COMPLETE *PFN_VMB_CHANNEL_PACKET_COMPLETE;
typedef FN_VMB_CHANNEL_PACKET_DEFER_TO_PASSIVE *PFN_VMB_CHANNEL_PACKET_DEFER_TO_PASSIVE;
typedef FN_VMB_CHANNEL_PACKET_FAIL *PFN_VMB_CHANNEL_PACKET_FAIL;
typedef FN_VMB_CHANNEL_PACKET_GET_EXTERNAL_DATA *PFN_VMB_CHANNEL_PACKET_GET_EXTERNAL_DATA;
typedef FN_VMB_CHANNEL_PAUSE *PFN_VMB_CHANNEL_PAUSE;
typedef FN_VMB_CHANNEL_SEND_SYNCHRONOUS_REQUEST *PFN_VMB_CHANNEL_SEND_SYNCHRONOUS_REQUEST;
typedef FN_VMB_CHANNEL_SET_INCOMING_PROCESSING_AT_PASSIVE *PFN_VMB_CHANNEL_SET_INCOMING_PROCESSING_AT_PASSIVE;
typedef FN_VMB_CHANNEL_SET_INTERRUPT_LATENCY *PFN_VMB_CHANNEL_SET_INTERRUPT_LATENCY;
typedef FN_VMB_CHANNEL_SET_POINTER *PFN_VMB_CHANNEL_SET_POINTER;
typedef FN_VMB_CHANNEL_SET_TRANSACTION_QUOTA *PFN_VMB_CHANNEL_SET_TRANSACTION_QUOTA;
typedef FN_VMB_CHANNEL_SIZEOF_PACKET *PFN_VMB_CHANNEL_SIZEOF_PACKET;
typedef FN_VMB_CHANNEL_START *PFN_VMB_CHANNEL_START;
typedef FN_VMB_CLIENT_CHANNEL_INIT_SET_RING_BUFFER_PAGE_COUNT
    *PFN_VMB_CLIENT_CHANNEL_INIT_SET_RING_BUFFER_PAGE_COUNT;
typedef FN_VMB_CLIENT_CHANNEL_INIT_SET_TARGET_PNP *PFN_VMB_CLIENT_CHANNEL_INIT_SET_TARGET_PNP;
typedef FN_VMB_PACKET_ALLOCATE *PFN_VMB_PACKET_ALLOCATE;
typedef FN_VMB_PACKET_FREE *PFN_VMB_PACKET_FREE;
typedef FN_VMB_PACKET_GET_CHANNEL *PFN_VMB_PACKET_GET_CHANNEL;
typedef FN_VMB_PACKET_GET_POINTER *PFN_VMB_PACKET_GET_POINTER;
typedef FN_VMB_PACKET_INITIALIZE *PFN_VMB_PACKET_INITIALIZE;
typedef FN_VMB_PACKET_SEND *PFN_VMB_PACKET_SEND;
typedef FN_VMB_PACKET_SEND_WITH_EXTERNAL_MDL *PFN_VMB_PACKET_SEND_WITH_EXTERNAL_MDL;
typedef FN_VMB_PACKET_SEND_WITH_EXTERNAL_PFNS *PFN_VMB_PACKET_SEND_WITH_EXTERNAL_PFNS;
typedef FN_VMB_PACKET_SET_COMPLETION_ROUTINE *PFN_VMB_PACKET_SET_COMPLETION_ROUTINE;
typedef FN_VMB_PACKET_SET_POINTER *PFN_VMB_PACKET_SET_POINTER;
typedef FN_VMB_CHANNEL_MAP_GPADL *PFN_VMB_CHANNEL_MAP_GPADL;
typedef FN_VMB_CHANNEL_RESTORE_FROM_BUFFER *PFN_VMB_CHANNEL_RESTORE_FROM_BUFFER;
typedef FN_VMB_CHANNEL_SAVE_BEGIN *PFN_VMB_CHANNEL_SAVE_BEGIN;
typedef FN_VMB_CHANNEL_SAVE_CONTINUE *PFN_VMB_CHANNEL_SAVE_CONTINUE;
typedef FN_VMB_CHANNEL_SAVE_END *PFN_VMB_CHANNEL_SAVE_END;
typedef FN_VMB_CHANNEL_UNMAP_GPADL *PFN_VMB_CHANNEL_UNMAP_GPADL;
typedef FN_VMB_CONVERT_VMBUS_HANDLE_TO_KERNEL_HANDLE *PFN_VMB_CONVERT_VMBUS_HANDLE_TO_KERNEL_HANDLE;
typedef FN_VMB_PACKET_RESTORE *PFN_VMB_PACKET_RESTORE;
typedef FN_VMB_SERVER_CHANNEL_INIT_SET_FLAGS *PFN_VMB_SERVER_CHANNEL_INIT_SET_FLAGS;
typedef FN_VMB_SERVER_CHANNEL_INIT_SET_MMIO_MEGABYTES *PFN_VMB_SERVER_CHANNEL_INIT_SET_MMIO_MEGABYTES;
typedef FN_VMB_SERVER_CHANNEL_INIT_SET_SAVE_RESTORE_PACKET_CALLBACKS
    *PFN_VMB_SERVER_CHANNEL_INIT_SET_SAVE_RESTORE_PACKET_CALLBACKS;
typedef FN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_INTERFACE_ID
    *PFN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_INTERFACE_ID;
typedef FN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_VTL *PFN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_VTL;
typedef FN_VMB_SERVER_CHANNEL_INIT_SET_VMBUS_HANDLE *PFN_VMB_SERVER_CHANNEL_INIT_SET_VMBUS_HANDLE;

/* The same functions by name. */
FN_VMB_CHANNEL_ALLOCATE VmbChannelAllocate;
FN_VMB_CHANNEL_CLEANUP VmbChannelCleanup;
FN_VMB_CHANNEL_CREATE_GPADL_FROM_BUFFER VmbChannelCreateGpadlFromBuffer;
FN_VMB_CHANNEL_CREATE_GPADL_FROM_MDL VmbChannelCreateGpadlFromMdl;
FN_VMB_CHANNEL_DELETE_GPADL VmbChannelDeleteGpadl;
FN_VMB_CHANNEL_DISABLE VmbChannelDisable;
FN_VMB_CHANNEL_ENABLE VmbChannelEnable;
FN_VMB_CHANNEL_GET_INTERFACE_INSTANCE VmbChannelGetInterfaceInstance;
FN_VMB_CHANNEL_GET_MMIO_SPACE VmbChannelGetMmioSpace;
FN_VMB_CHANNEL_GET_POINTER VmbChannelGetPointer;
FN_VMB_CHANNEL_INIT_SET_CLIENT_CONTEXT_SIZE VmbChannelInitSetClientContextSize;
FN_VMB_CHANNEL_INIT_SET_FLAGS VmbChannelInitSetFlags;
FN_VMB_CHANNEL_INIT_SET_FRIENDLY_NAME VmbChannelInitSetFriendlyName;
FN_VMB_CHANNEL_INIT_SET_MAXIMUM_EXTERNAL_DATA VmbChannelInitSetMaximumExternalData;
FN_VMB_CHANNEL_INIT_SET_MAXIMUM_PACKET_SIZE VmbChannelInitSetMaximumPacketSize;
FN_VMB_CHANNEL_INIT_SET_PROCESS_PACKET_CALLBACKS VmbChannelInitSetProcessPacketCallbacks;
FN_VMB_CHANNEL_INIT_SET_STATE_CHANGE_CALLBACKS VmbChannelInitSetStateChangeCallbacks;
FN_VMB_CHANNEL_PACKET_COMPLETE VmbChannelPacketComplete;
FN_VMB_CHANNEL_PACKET_DEFER_TO_PASSIVE VmbChannelPacketDeferToPassive;
FN_VMB_CHANNEL_PACKET_FAIL VmbChannelPacketFail;
FN_VMB_CHANNEL_PACKET_GET_EXTERNAL_DATA VmbChannelPacketGetExternalData;
FN_VMB_CHANNEL_PAUSE VmbChannelPause;
FN_VMB_CHANNEL_SEND_SYNCHRONOUS_REQUEST VmbChannelSendSynchronousRequest;
FN_VMB_CHANNEL_SET_INCOMING_PROCESSING_AT_PASSIVE VmbChannelSetIncomingProcessingAtPassive;
FN_VMB_CHANNEL_SET_INTERRUPT_LATENCY VmbChannelSetInterruptLatency;
FN_VMB_CHANNEL_SET_POINTER VmbChannelSetPointer;
FN_VMB_CHANNEL_SET_TRANSACTION_QUOTA VmbChannelSetTransactionQuota;
FN_VMB_CHANNEL_SIZEOF_PACKET VmbChannelSizeofPacket;
FN_VMB_CHANNEL_START VmbChannelStart;
FN_VMB_CLIENT_CHANNEL_INIT_SET_RING_BUFFER_PAGE_COUNT VmbClientChannelInitSetRingBufferPageCount;
FN_VMB_CLIENT_CHANNEL_INIT_SET_TARGET_PNP VmbClientChannelInitSetTargetPnp;
FN_VMB_PACKET_ALLOCATE VmbPacketAllocate;
FN_VMB_PACKET_FREE VmbPacketFree;
FN_VMB_PACKET_GET_CHANNEL VmbPacketGetChannel;
FN_VMB_PACKET_GET_POINTER VmbPacketGetPointer;
FN_VMB_PACKET_INITIALIZE VmbPacketInitialize;
FN_VMB_PACKET_SEND VmbPacketSend;
FN_VMB_PACKET_SEND_WITH_EXTERNAL_MDL VmbPacketSendWithExternalMdl;
FN_VMB_PACKET_SEND_WITH_EXTERNAL_PFNS VmbPacketSendWithExternalPfns;
FN_VMB_PACKET_SET_COMPLETION_ROUTINE VmbPacketSetCompletionRoutine;
FN_VMB_PACKET_SET_POINTER VmbPacketSetPointer;
FN_VMB_CHANNEL_MAP_GPADL VmbChannelMapGpadl;
FN_VMB_CHANNEL_RESTORE_FROM_BUFFER VmbChannelRestoreFromBuffer;
FN_VMB_CHANNEL_SAVE_BEGIN VmbChannelSaveBegin;
FN_VMB_CHANNEL_SAVE_CONTINUE VmbChannelSaveContinue;
FN_VMB_CHANNEL_SAVE_END VmbChannelSaveEnd;
FN_VMB_CHANNEL_UNMAP_GPADL VmbChannelUnmapGpadl;
FN_VMB_CONVERT_VMBUS_HANDLE_TO_KERNEL_HANDLE VmbConvertVmbusHandleToKernelHandle;
FN_VMB_PACKET_RESTORE VmbPacketRestore;
FN_VMB_SERVER_CHANNEL_INIT_SET_FLAGS VmbServerChannelInitSetFlags;
FN_VMB_SERVER_CHANNEL_INIT_SET_MMIO_MEGABYTES VmbServerChannelInitSetMmioMegabytes;
FN_VMB_SERVER_CHANNEL_INIT_SET_SAVE_RESTORE_PACKET_CALLBACKS
    VmbServerChannelInitSetSaveRestorePacketCallbacks;
FN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_INTERFACE_ID VmbServerChannelInitSetTargetInterfaceId;
FN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_VTL VmbServerChannelInitSetTargetVtl;
FN_VMB_SERVER_CHANNEL_INIT_SET_VMBUS_HANDLE VmbServerChannelInitSetVmbusHandle;

/* KMCL_CLIENT_INTERFACE_V1 structure: an INTERFACE head, then the functions. */
#define GPUP_KMCL_CLIENT_METHODS                                                                             \
    PFN_VMB_CHANNEL_ALLOCATE VmbChannelAllocate;                                                             \
    PFN_VMB_CHANNEL_CLEANUP VmbChannelCleanup;                                                               \
    PFN_VMB_CHANNEL_CREATE_GPADL_FROM_BUFFER VmbChannelCreateGpadlFromBuffer;                                \
    PFN_VMB_CHANNEL_CREATE_GPADL_FROM_MDL VmbChannelCreateGpadlFromMdl;                                      \
    PFN_VMB_CHANNEL_DELETE_GPADL VmbChannelDeleteGpadl;                                                      \
    PFN_VMB_CHANNEL_DISABLE VmbChannelDisable;                                                               \
    PFN_VMB_CHANNEL_ENABLE VmbChannelEnable;                                                                 \
    PFN_VMB_CHANNEL_GET_INTERFACE_INSTANCE VmbChannelGetInterfaceInstance;                                   \
    PFN_VMB_CHANNEL_GET_MMIO_SPACE VmbChannelGetMmioSpace;                                                   \
    PFN_VMB_CHANNEL_GET_POINTER VmbChannelGetPointer;                                                        \
    PFN_VMB_CHANNEL_INIT_SET_CLIENT_CONTEXT_SIZE VmbChannelInitSetClientContextSize;                         \
    PFN_VMB_CHANNEL_INIT_SET_FLAGS VmbChannelInitSetFlags;                                                   \
    PFN_VMB_CHANNEL_INIT_SET_FRIENDLY_NAME VmbChannelInitSetFriendlyName;                                    \
    PFN_VMB_CHANNEL_INIT_SET_MAXIMUM_EXTERNAL_DATA VmbChannelInitSetMaximumExternalData;                     \
    PFN_VMB_CHANNEL_INIT_SET_MAXIMUM_PACKET_SIZE VmbChannelInitSetMaximumPacketSize;                         \
    PFN_VMB_CHANNEL_INIT_SET_PROCESS_PACKET_CALLBACKS VmbChannelInitSetProcessPacketCallbacks;               \
    PFN_VMB_CHANNEL_INIT_SET_STATE_CHANGE_CALLBACKS VmbChannelInitSetStateChangeCallbacks;                   \
    PFN_VMB_CHANNEL_PACKET_COMPLETE VmbChannelPacketComplete;                                                \
    PFN_VMB_CHANNEL_PACKET_DEFER_TO_PASSIVE VmbChannelPacketDeferToPassive;                                  \
    PFN_VMB_CHANNEL_PACKET_FAIL VmbChannelPacketFail;                                                        \
    PFN_VMB_CHANNEL_PACKET_GET_EXTERNAL_DATA VmbChannelPacketGetExternalData;                                \
    PFN_VMB_CHANNEL_PAUSE VmbChannelPause;                                                                   \
    PFN_VMB_CHANNEL_SEND_SYNCHRONOUS_REQUEST VmbChannelSendSynchronousRequest;                               \
    PFN_VMB_CHANNEL_SET_INCOMING_PROCESSING_AT_PASSIVE VmbChannelSetIncomingProcessingAtPassive;             \
    PFN_VMB_CHANNEL_SET_INTERRUPT_LATENCY VmbChannelSetInterruptLatency;                                     \
    PFN_VMB_CHANNEL_SET_POINTER VmbChannelSetPointer;                                                        \
    PFN_VMB_CHANNEL_SET_TRANSACTION_QUOTA VmbChannelSetTransactionQuota;                                     \
    PFN_VMB_CHANNEL_SIZEOF_PACKET VmbChannelSizeofPacket;                                                    \
    PFN_VMB_CHANNEL_START VmbChannelStart;                                                                   \
    PFN_VMB_CLIENT_CHANNEL_INIT_SET_RING_BUFFER_PAGE_COUNT VmbClientChannelInitSetRingBufferPageCount;       \
    PFN_VMB_CLIENT_CHANNEL_INIT_SET_TARGET_PNP VmbClientChannelInitSetTargetPnp;                             \
    PFN_VMB_PACKET_ALLOCATE VmbPacketAllocate;                                                               \
    PFN_VMB_PACKET_FREE VmbPacketFree;                                                                       \
    PFN_VMB_PACKET_GET_CHANNEL VmbPacketGetChannel;                                                          \
    PFN_VMB_PACKET_GET_POINTER VmbPacketGetPointer;                                                          \
    PFN_VMB_PACKET_INITIALIZE VmbPacketInitialize;                                                           \
    PFN_VMB_PACKET_SEND VmbPacketSend;                                                                       \
    PFN_VMB_PACKET_SEND_WITH_EXTERNAL_MDL VmbPacketSendWithExternalMdl;                                      \
    PFN_VMB_PACKET_SEND_WITH_EXTERNAL_PFNS VmbPacketSendWithExternalPfns;                                    \
    PFN_VMB_PACKET_SET_COMPLETION_ROUTINE VmbPacketSetCompletionRoutine;                                     \
    PFN_VMB_PACKET_SET_POINTER VmbPacketSetPointer;
typedef struct DDI_STRUCT _KMCL_CLIENT_INTERFACE_V1 {
    INTERFACE Header; /* unnamed on the page */
    GPUP_KMCL_CLIENT_METHODS
} KMCL_CLIENT_INTERFACE_V1, *PKMCL_CLIENT_INTERFACE_V1;

/* KMCL_SERVER_ONLY_METHODS structure */
#define GPUP_KMCL_SERVER_METHODS                                                                             \
    PFN_VMB_CHANNEL_MAP_GPADL VmbChannelMapGpadl;                                                            \
    PFN_VMB_CHANNEL_RESTORE_FROM_BUFFER VmbChannelRestoreFromBuffer;                                         \
    PFN_VMB_CHANNEL_SAVE_BEGIN VmbChannelSaveBegin;                                                          \
    PFN_VMB_CHANNEL_SAVE_CONTINUE VmbChannelSaveContinue;                                                    \
    PFN_VMB_CHANNEL_SAVE_END VmbChannelSaveEnd;                                                              \
    PFN_VMB_CHANNEL_UNMAP_GPADL VmbChannelUnmapGpadl;                                                        \
    PFN_VMB_CONVERT_VMBUS_HANDLE_TO_KERNEL_HANDLE VmbConvertVmbusHandleToKernelHandle;                       \
    PFN_VMB_PACKET_RESTORE VmbPacketRestore;                                                                 \
    PFN_VMB_SERVER_CHANNEL_INIT_SET_FLAGS VmbServerChannelInitSetFlags;                                      \
    PFN_VMB_SERVER_CHANNEL_INIT_SET_MMIO_MEGABYTES VmbServerChannelInitSetMmioMegabytes;                     \
    PFN_VMB_SERVER_CHANNEL_INIT_SET_SAVE_RESTORE_PACKET_CALLBACKS                                            \
        VmbServerChannelInitSetSaveRestorePacketCallbacks;                                                   \
    PFN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_INTERFACE_ID VmbServerChannelInitSetTargetInterfaceId;            \
    PFN_VMB_SERVER_CHANNEL_INIT_SET_TARGET_VTL VmbServerChannelInitSetTargetVtl;                             \
    PFN_VMB_SERVER_CHANNEL_INIT_SET_VMBUS_HANDLE VmbServerChannelInitSetVmbusHandle;
typedef struct DDI_STRUCT _KMCL_SERVER_ONLY_METHODS {
    GPUP_KMCL_SERVER_METHODS
} KMCL_SERVER_ONLY_METHODS;

/* KMCL_SERVER_INTERFACE_V1: the client table, then the server-only one. */
typedef struct DDI_STRUCT _KMCL_SERVER_INTERFACE_V1 {
    INTERFACE Header;
    GPUP_KMCL_CLIENT_METHODS
    GPUP_KMCL_SERVER_METHODS
} KMCL_SERVER_INTERFACE_V1, *PKMCL_SERVER_INTERFACE_V1;

#endif /* _NTDEF_ */
#endif
