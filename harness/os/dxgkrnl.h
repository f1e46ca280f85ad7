/*
 * Dxgkrnl's side of one host: the registered table, the adapter's state and the interrupt.
 */
#ifndef GPUP_OS_DXGKRNL_H
#define GPUP_OS_DXGKRNL_H

#include "kernel.h"

#define GPUP_DXGKRNL_MESSAGES 64 /* interrupt messages in a resource list, at most */
#define GPUP_DXGKRNL_SAVED 128   /* blocks of one hot update, at most */

/* Callback offsets, as they stand in CALLBACK events. */
#define GPUP_CALLBACK(member) ((uint32_t)offsetof(DXGKRNL_INTERFACE, member))

struct gpup_dxgkrnl {
    struct gpup_dxgkrnl_options options;
    DRIVER_OBJECT driver;
    DRIVER_EXTENSION extension;
    DEVICE_OBJECT physical_device;
    DRIVER_INITIALIZATION_DATA ddis; /* version-sized copy, zero behind it */
    WCHAR path[80];
    UNICODE_STRING path_string;
    bool registered;
    bool open;      /* callbacks are legal */
    bool connected; /* the interrupt is delivered */
    void *context;  /* the miniport's */
    uint32_t messages;
    KDPC dpc;
    CM_RESOURCE_LIST *resources;                       /* suite memory, read-only for the driver */
    struct gpup_saved_block saved[GPUP_DXGKRNL_SAVED]; /* of a hot update */
    uint32_t saved_count;
};

/* A bad buffer must fault here, in the driver's call, and not while the event is written. */
void gpup_dxgkrnl_touch(const void *buffer, size_t size);
/* 0: no such interface version. */
size_t gpup_dxgkrnl_table_size(uint32_t version);
/* The state of the host, made at first use. NULL: arena full. */
struct gpup_dxgkrnl *gpup_dxgkrnl_of(struct gpup_os *os);
UNICODE_STRING gpup_dxgkrnl_registry_path(struct gpup_dxgkrnl *dxgkrnl);
HANDLE gpup_dxgkrnl_device_handle(const struct gpup_os *os);
/* BARs and interrupt messages as translated resources, made once. false: out of memory. */
bool gpup_dxgkrnl_resources(struct gpup_os *os, struct gpup_dxgkrnl *dxgkrnl);

/* Entry of a callback: CALLBACK event and the checks of its page. NULL: called outside any host. */
struct gpup_os *gpup_dxgkrnl_enter(const uint64_t *values, unsigned count, const void *data, size_t size);
/* The same with the handle in front: false, with the misuse reported, for a handle that is not this adapter's
 * or after StopDevice. */
bool gpup_dxgkrnl_enter_device(struct gpup_os **os, HANDLE handle, const uint64_t *values, unsigned count);
/* Misuse in the callback at that offset. */
void gpup_dxgkrnl_callback_misuse(struct gpup_os *os, uint32_t offset, unsigned what);

/* Those callbacks that are played; the others share one that refuses. */
NTSTATUS DDI_CALL gpup_dxgkrnl_unsupported(void);
NTSTATUS DDI_CALL gpup_dxgkrnl_get_device_information(HANDLE handle, PDXGK_DEVICE_INFO info);
NTSTATUS DDI_CALL gpup_dxgkrnl_map_memory(HANDLE handle, PHYSICAL_ADDRESS address, ULONG length,
                                          BOOLEAN io_space, BOOLEAN user_mode, MEMORY_CACHING_TYPE cache,
                                          PVOID *virtual_address);
NTSTATUS DDI_CALL gpup_dxgkrnl_unmap_memory(HANDLE handle, PVOID virtual_address);
BOOLEAN DDI_CALL gpup_dxgkrnl_queue_dpc(HANDLE handle);
NTSTATUS DDI_CALL gpup_dxgkrnl_query_services(HANDLE handle, DXGK_SERVICES type, PINTERFACE table);
NTSTATUS DDI_CALL gpup_dxgkrnl_read_space(HANDLE handle, ULONG type, PVOID buffer, ULONG offset, ULONG length,
                                          PULONG done);
NTSTATUS DDI_CALL gpup_dxgkrnl_write_space(HANDLE handle, ULONG type, PVOID buffer, ULONG offset,
                                           ULONG length, PULONG done);
NTSTATUS DDI_CALL gpup_dxgkrnl_synchronize(HANDLE handle, PKSYNCHRONIZE_ROUTINE routine, PVOID context,
                                           ULONG message, PBOOLEAN value);
NTSTATUS DDI_CALL gpup_dxgkrnl_is_device_present(HANDLE handle, PVOID parameters, PBOOLEAN present);
VOID DDI_CALL gpup_dxgkrnl_notify_interrupt(HANDLE handle, const DXGKARGCB_NOTIFY_INTERRUPT_DATA *data);
VOID DDI_CALL gpup_dxgkrnl_notify_dpc(HANDLE handle);
VOID DDI_CALL gpup_dxgkrnl_log_etw_event(const GUID *guid, UCHAR type, USHORT size, PVOID buffer);
VOID DDI_CALL gpup_dxgkrnl_mitigated_range_update(HANDLE handle, ULONG vf);
NTSTATUS DDI_CALL gpup_dxgkrnl_save_memory(HANDLE handle, const DXGKARGCB_SAVEMEMORYFORHOTUPDATE *arguments);

#endif
