/*
 * A second driver, for the second GPU (device/registers.h): an honest WDDM 3.2 miniport that decides
 * otherwise than the reference driver wherever the documents leave it free (CHOICES.md).
 *
 * How it is built: one KMUTEX an adapter is held through every DDI that works on state, so that PASSIVE_LEVEL
 * is kept and anything may be called meanwhile. Orders for the part's mailbox are carried out by a system
 * thread. `logs` (spin lock) guards what the DPC touches: the lists of bases and the bits they collected.
 */
#ifndef SECOND_DRIVER_H
#define SECOND_DRIVER_H

#include "../device/registers.h"
#include <ddi/dispmprt.h>
#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <ddi/wdm.h>
#include <stdbool.h>

#define TAG 0x32676370u            /* 'pcg2' */
#define DRIVER_VERSION 0x00040001u /* major << 16 | minor */
#define OLDEST_READER 0x00040000u  /* of saved data that this driver writes */
#define PF_QUANTUM 100u            /* us of a frame that stay with the host */
#define COMPUTE_OF_QUANTUM 20u     /* gigaflops that go with one us of a frame */
#define MINIMUM_QUANTUM 2u
#define CONFIG_BLOCK_SIZE 64u
#define VMBUS_CHANNELS 2u

/* One contiguous piece of VRAM, as the part takes it. */
struct aperture {
    ULONG segment, pages; /* of 4 KiB */
    UINT64 first;
};
_Static_assert(sizeof(struct aperture) == SECOND_APERTURE_SIZE, "record of an aperture");

struct order {
    ULONG code;
    ULONG word[8]; /* arguments; buffer apart */
    const void *in;
    void *out;
    ULONG size;   /* of either */
    ULONG length; /* out: bytes the part wrote, or needs */
    NTSTATUS status;
};

struct basis {
    LIST_ENTRY entry; /* first: its address is the handle */
    ULONG segment;
    UCHAR shift; /* log2 of the bytes of a page */
    bool tracking;
    UINT64 count, pages;
    UCHAR *bits; /* page n of the ranges, in the order given: known to be dirty */
    DXGK_MEMORYRANGE range[];
};

struct segment {
    UINT64 size, used; /* bytes; used: promised to vGPUs */
    ULONG page;        /* bytes of a tracking page, 0: cannot be tracked */
};

struct channel {
    VMBCHANNEL handle;
    KSPIN_LOCK lock; /* of `live`: nothing is sent once a suspend is known */
    bool live;
};

enum session { NO_SESSION, SOURCE, TARGET };

struct vf {
    ULONG index;
    bool created, powered, ever_powered, paused, immutable_restored;
    enum session session;
    LUID luid;
    ULONG quantum; /* us of a frame, of either kind of time */
    ULONG entries; /* MSI-X */
    UINT64 capability[DXGK_VGPU_CAPABILITY_MAX];
    DXGK_VIRTUALGPUSEGMENTINFO need[SECOND_MAX_SEGMENTS];
    ULONG needs;
    struct aperture *aperture;
    ULONG apertures;
    struct channel *channel[VMBUS_CHANNELS];
    UCHAR block[CONFIG_BLOCK_SIZE]; /* mail between the drivers of guest and host */
    UCHAR *saved;                   /* while the PF has no power: MSI-X table, then the context */
    ULONG saved_size;
};

struct adapter {
    PDEVICE_OBJECT physical_device;
    DXGKRNL_INTERFACE os;
    LUID luid;
    LONG references; /* to its tables */
    PVOID lent;      /* memory that is there as long as someone has one */
    KMUTEX lock;
    bool started, power; /* power: the PF is in D0 */
    bool leaving;        /* for another instance: a hot update */
    void *restored;      /* what the former instance left, mapped */
    PMDL restored_pages; /* its memory */
    ULONG luids;
    UINT64 saves;

    volatile UCHAR *registers;
    ULONG firmware, revision;
    bool tracking_free; /* it may run all the time */
    ULONG vf_bar[DXGK_MAX_NUM_PCI_BARS], vf_probe[DXGK_MAX_NUM_PCI_BARS];
    USHORT vf_offset, vf_stride, vf_device;
    ULONG total_vfs, partitions, segments;
    struct segment segment[SECOND_MAX_SEGMENTS];
    struct vf vf[SECOND_MAX_VFS];

    PKTHREAD server;
    bool stopping;
    struct order *order;
    KEVENT order_given, order_done;
    KEVENT mailbox, drained; /* interrupts came */
    LONG causes;

    KSPIN_LOCK logs;
    LIST_ENTRY bases;
    bool numbers_lost;
    LIST_ENTRY processes;
};

/* --- entry.c --- */
void *allocate(SIZE_T size); /* zeroed, non-paged; NULL when out of memory */
void release(void *memory);
NTSTATUS enter(struct adapter *a); /* takes the lock of a started adapter */
void leave(struct adapter *a);
NTSTATUS enter_vf(struct adapter *a, ULONG index, struct vf **vf); /* of a live vGPU */

/* --- part.c: registers, mailbox, interrupts --- */
ULONG get(const struct adapter *a, ULONG offset);
void put(const struct adapter *a, ULONG offset, ULONG value);
ULONG window(const struct adapter *a, ULONG vf, ULONG offset);
void set_window(const struct adapter *a, ULONG vf, ULONG offset, ULONG value);
ULONG get_config(const struct adapter *a, ULONG vf, ULONG offset); /* a dword */
void set_config(const struct adapter *a, ULONG vf, ULONG offset, ULONG bytes, ULONG value);
NTSTATUS present(const struct adapter *a); /* there, and with power */
NTSTATUS part_open(struct adapter *a);
void part_close(struct adapter *a);
void part_listen(const struct adapter *a, bool on);
NTSTATUS give_order(struct adapter *a, struct order *order);

/* --- bus.c --- */
NTSTATUS bus_probe(struct adapter *a);
NTSTATUS bus_cut(struct adapter *a, ULONG vfs);      /* enables that many VFs, 0: none */
NTSTATUS bus_wake(struct adapter *a);                /* memory decoding and bus mastering */
UINT64 bar_size(const struct adapter *a, ULONG bar); /* of a VF; 0: none */
UINT64 bar_address(const struct adapter *a, ULONG vf, ULONG bar);

/* --- schedule.c, function.c --- */
NTSTATUS schedule(const struct adapter *a);
bool quiet(const struct vf *vf); /* paused, or without power */
NTSTATUS set_natural(struct adapter *a, struct vf *vf, bool run);
NTSTATUS set_hold(struct adapter *a, struct vf *vf, bool hold);
NTSTATUS clean(struct adapter *a, struct vf *vf);
NTSTATUS map_apertures(struct adapter *a, const struct vf *vf);
NTSTATUS context_length(struct adapter *a, const struct vf *vf, ULONG *length);
NTSTATUS context_move(struct adapter *a, const struct vf *vf, bool export, UCHAR *bytes, ULONG *size);

/* --- vgpu.c, partition.c --- */
void vgpu_destroy(struct adapter *a, struct vf *vf);
NTSTATUS set_partitions(struct adapter *a, ULONG count);
UINT64 capability_total(const struct adapter *a, ULONG kind);
UINT64 capability_min(ULONG kind);
UINT64 capability_max(const struct adapter *a, ULONG kind, ULONG count);
UINT64 capability_used(const struct adapter *a, ULONG kind);
ULONG granule(const struct adapter *a, ULONG segment); /* bytes; segment from 0 */

/* --- msix.c: the table as words --- */
ULONG table_word(const struct adapter *a, ULONG vf, ULONG word);
void set_table_word(const struct adapter *a, ULONG vf, ULONG word, ULONG value);

/* --- basis.c, dirty.c, query.c --- */
struct basis *find_basis(struct adapter *a, HANDLE handle);
UINT64 first_page(const struct basis *b, UINT64 range);
UINT64 page_count(const struct basis *b, UINT64 range);
NTSTATUS tracking_stop(struct adapter *a, struct basis *b);
void tracking_free_all(struct adapter *a);
void tracking_suspend(struct adapter *a);
void tracking_resume(struct adapter *a);
void drain_logs(struct adapter *a);          /* at or below DISPATCH_LEVEL */
NTSTATUS collect_numbers(struct adapter *a); /* afterwards every page dirty by now has its bit */
NTSTATUS track_pages(struct adapter *a, ULONG order, ULONG segment, UINT64 page, UINT64 pages, UCHAR *out);

/* --- vmbus.c --- */
void vmbus_close(struct vf *vf);
void vmbus_notice(const struct vf *vf, ULONG what);
enum notice { NOTICE_RESET = 1, NOTICE_MIGRATION, NOTICE_MIGRATION_OVER };

/* --- hotupdate.c --- */
NTSTATUS hot_take_over(struct adapter *a);
void hot_leave(struct adapter *a);
void hot_forget(struct adapter *a); /* what was restored */

/* --- process.c --- */
void process_free_all(struct adapter *a);

/* --- triage.c, blob.c --- */
struct refusal { /* of saved data; text NULL: nothing to report */
    NTSTATUS status;
    const char *text;
    UINT64 found, expected;
};
void triage(struct adapter *a, ULONG vf, const struct refusal *why); /* PASSIVE_LEVEL */

enum blob { IMMUTABLE, MUTABLE };
#define BLOB_MAX 0x110000u                      /* bytes of saved data that are looked at */
extern ULONG second_differs;                    /* for implementation.c */
ULONG blob_room(enum blob kind, ULONG context); /* bytes that are asked for: enough */
ULONG blob_write(struct adapter *a, const struct vf *vf, enum blob kind, UCHAR *out, const UCHAR *context,
                 ULONG context_size);
/* Checks `data`, a private copy. context, block: point into it. */
struct refusal blob_read(const struct adapter *a, const struct vf *vf, enum blob kind, UCHAR *data,
                         ULONG size, UCHAR **context, ULONG *context_size, const UCHAR **block);

/* --- the DDIs, by table --- */
DXGKDDI_START_DEVICE second_start_device;
DXGKDDI_STOP_DEVICE second_stop_device;
DXGKDDI_INTERRUPT_ROUTINE second_interrupt;
DXGKDDI_DPC_ROUTINE second_dpc;
DXGKDDI_SET_POWER_STATE second_set_power_state;
DXGKDDI_QUERY_INTERFACE second_query_interface;
DXGKDDI_CONTROL_ETW_LOGGING second_control_etw_logging;
DXGKDDI_QUERYADAPTERINFO second_query_adapter_info;
DXGKDDI_CREATEPROCESS second_create_process;
DXGKDDI_DESTROYPROCESS second_destroy_process;
DXGKDDI_SETVIRTUALMACHINEDATA second_set_virtual_machine_data;
DXGKDDI_SAVEMEMORYFORHOTUPDATE second_save_memory_for_hot_update;
DXGKDDI_RESTOREMEMORYFORHOTUPDATE second_restore_memory_for_hot_update;
DXGKDDI_CREATEMEMORYBASIS second_create_memory_basis;
DXGKDDI_DESTROYMEMORYBASIS second_destroy_memory_basis;
DXGKDDI_STARTDIRTYTRACKING second_start_dirty_tracking;
DXGKDDI_STOPDIRTYTRACKING second_stop_dirty_tracking;
DXGKDDI_QUERYDIRTYBITDATA second_query_dirty_bit_data;
DXGKDDI_PREPARELIVEMIGRATION second_prepare_live_migration;
DXGKDDI_SAVEIMMUTABLEMIGRATIONDATA second_save_immutable_migration_data;
DXGKDDI_SAVEMUTABLEMIGRATIONDATA second_save_mutable_migration_data;
DXGKDDI_ENDLIVEMIGRATION second_end_live_migration;
DXGKDDI_RESTOREIMMUTABLEMIGRATIONDATA second_restore_immutable_migration_data;
DXGKDDI_RESTOREMUTABLEMIGRATIONDATA second_restore_mutable_migration_data;
DXGKDDI_WRITEVIRTUALIZEDINTERRUPT second_write_virtualized_interrupt;
DXGKDDI_SETVIRTUALGPURESOURCES2 second_set_virtual_gpu_resources2;
DXGKDDI_SETVIRTUALFUNCTIONPAUSESTATE second_set_virtual_function_pause_state;

DXGKDDI_GETGPUPARTITIONINFO second_get_gpu_partition_info;
DXGKDDI_SETGPUPARTITIONCOUNT second_set_gpu_partition_count;
DXGKDDI_GETVIRTUALGPUPROFILE second_get_virtual_gpu_profile;
DXGKDDI_CREATEVIRTUALGPU second_create_virtual_gpu;
DXGKDDI_GETVIRTUALGPUINFO second_get_virtual_gpu_info;
DXGKDDI_SETVIRTUALGPURESOURCES second_set_virtual_gpu_resources;
DXGKDDI_DESTROYVIRTUALGPU second_destroy_virtual_gpu;
DXGKDDI_VIRTUALGPUDRIVERESCAPE second_virtual_gpu_driver_escape;
DXGKDDI_SETVIRTUALGPUVMBUS second_set_virtual_gpu_vmbus;

DXGKDDI_READVIRTUALFUNCTIONCONFIG second_read_virtual_function_config;
DXGKDDI_WRITEVIRTUALFUNCTIONCONFIG second_write_virtual_function_config;
DXGKDDI_READVIRTUALFUNCTIONCONFIGBLOCK second_read_virtual_function_config_block;
DXGKDDI_WRITEVIRTUALFUNCTIONCONFIGBLOCK second_write_virtual_function_config_block;
DXGKDDI_QUERYPROBEDBARS second_query_probed_bars;
DXGKDDI_GETVENDORANDDEVICE second_get_vendor_and_device;
DXGKDDI_GETDEVICELOCATION second_get_device_location;
DXGKDDI_RESETVIRTUALFUNCTION second_reset_virtual_function;
DXGKDDI_SETVIRTUALFUNCTIONPOWERSTATE second_set_virtual_function_power_state;
DXGKDDI_QUERYVIRTUALFUNCTIONLUID second_query_virtual_function_luid;

DXGKDDI_GETBACKINGRESOURCE second_get_backing_resource;
DXGKDDI_GETMMIORANGECOUNT second_get_mmio_range_count;
DXGKDDI_GETMMIORANGES second_get_mmio_ranges;

#endif
