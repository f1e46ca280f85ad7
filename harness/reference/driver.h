/*
 * The reference driver: an honest WDDM 3.2 miniport for the GPU of the data sheet (device/registers.h).
 *
 * Everything lives in the device extension, struct adapter. Locks, outermost first:
 *   partition   KMUTEX: partition count, life of vGPUs, power of the PF. PASSIVE_LEVEL is kept.
 *   vf.lock     fast mutex, one a VF: what its members say
 *   tracking    fast mutex: memory bases and the dirty plane
 *   schedule    fast mutex: shares of GPU time
 *   processes   fast mutex: process records
 *   slots       spin lock: which command slots are in use
 * Callbacks into Dxgkrnl that need PASSIVE_LEVEL and the VMBus library are called with none of the last five
 * held.
 */
#ifndef REFERENCE_DRIVER_H
#define REFERENCE_DRIVER_H

#include "../device/registers.h"
#include "defect.h"
#include <ddi/dispmprt.h>
#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <ddi/wdm.h>

#define TAG 0x72706747u            /* 'Ggpr' */
#define DRIVER_VERSION 0x00010002u /* major << 16 | minor; a blob of another major version is refused */
#define SHARE_ALL 1000000u         /* parts per million */
#define PF_SHARE 100000u           /* kept for the host */
#define SCHEDULE_PF GPU_MAX_VFS    /* index of the PF in adapter.schedule */
#define DMA_PAGE 0x1000u           /* bytes of DMA memory of one command slot */
#define VF_RESERVES 4096u          /* ranges of one reserve, at most: what the part can map */

/* --- command.c --- */
struct command {
    ULONG opcode, vf, flags, arg[6];
    const void *in;
    ULONG in_size;
    void *out;
    ULONG out_size; /* capacity */
    ULONG length;   /* out: bytes the device wrote or needs */
    UINT64 dma;     /* physical address of an input that is too long for the slot's own memory, or 0 */
    ULONG dma_size;
    bool post; /* do not wait */
};

struct command_slot {
    KEVENT done;
    bool used, posted; /* posted: BUG-135 only */
    ULONG arguments;   /* those behind are zero in the device */
};

/* --- schedule.c: what each function is entitled to, and what the device was told --- */
enum schedule_mode { SCHEDULE_NORMAL, SCHEDULE_SOURCE, SCHEDULE_SOURCE_PAUSED, SCHEDULE_TARGET };
struct entitlement {
    bool present;
    enum schedule_mode mode;
    ULONG share; /* baseline, of both kinds of time */
};
struct schedule_entry {
    struct entitlement want;
    ULONG applied_share, applied_paging; /* in the device */
};

/* --- tracking.c --- */
struct basis {
    LIST_ENTRY entry;
    HANDLE handle;
    ULONG segment;
    ULONG page; /* bytes of one bit, 0: cannot be tracked */
    bool tracking;
    UINT64 count, pages;
    UCHAR *carry; /* bits taken from the plane that this basis was not told of yet */
    const DXGK_MEMORYRANGE
        *caller; /* the list it was made from; for a seeded fault, else not to be touched */
    DXGK_MEMORYRANGE ranges[];
};

struct segment {
    UINT64 size;
    ULONG page; /* bytes of one dirty bit, 0 none */
};

/* --- migration.c --- */
struct session {
    DXGK_GPUP_MIGRATIONTYPE type;
    bool immutable_done, mutable_done;
};

struct msix_entry {
    DXGK_INTERRUPT_TABLE_ENTRY value;
    bool unwritten; /* the table does not hold it yet */
};

struct vmbus_channel {
    VMBCHANNEL channel;
    struct adapter *adapter;
    ULONG vf;
    HANDLE handle;
};

struct reserve {
    ULONG segment;
    UINT64 offset, size;
};

struct vf {
    FAST_MUTEX lock;
    ULONG index;
    bool created, powered, paused;
    LUID luid;
    UINT64 capability[DXGK_VGPU_CAPABILITY_MAX];
    UINT64 need[GPU_MAX_SEGMENTS]; /* bytes of VRAM that it asked for in each segment */
    struct reserve *reserve;       /* NULL: none yet */
    ULONG reserve_count;
    const struct basis *basis; /* BUG-181 only */
    struct session *session;
    ULONG sessions;                           /* so far */
    struct msix_entry *msix;                  /* shadow of the table */
    ULONG msix_entries, msix_table, msix_pba; /* the latter as in the capability: offset | BAR */
    volatile UCHAR *table;
    SIZE_T table_map; /* bytes mapped */
    UCHAR *table_base;
    struct vmbus_channel *channel;
    UCHAR *context; /* while the PF is in D3 */
    ULONG context_size;
};

/* That a worker process was told of its virtual machine. Dxgkrnl holds a secure one to its limits. */
struct machine {
    GUID id; /* BUG-161 only */
};

struct process {
    LIST_ENTRY entry;
    HANDLE handle;
    DXGK_CREATEPROCESSFLAGS flags;
    struct machine *machine; /* of a worker process that was told of its VM */
};

/* The SR-IOV capability, as probed. */
struct sriov {
    USHORT total_vfs;
    ULONG bar[DXGK_MAX_NUM_PCI_BARS]; /* registers */
    ULONG probe[DXGK_MAX_NUM_PCI_BARS];
    USHORT offset, stride, device, zero;
};

struct adapter {
    PDEVICE_OBJECT physical_device;
    DXGKRNL_INTERFACE dxgkrnl;
    bool started, power; /* power: the PF is in D0 */
    LONG references;
    LUID luid;
    UINT64 handles; /* counter of handle values */
    ULONG luids;

    volatile UCHAR *bar0;
    PHYSICAL_ADDRESS bar4;
    UCHAR *dma;
    PHYSICAL_ADDRESS dma_address;
    ULONG firmware, revision, features;
    struct sriov sriov;

    KSPIN_LOCK slots;
    KSEMAPHORE free_slots;
    struct command_slot slot[GPU_SLOTS];

    KMUTEX partition;
    ULONG partitions, segment_count;
    struct segment segment[GPU_MAX_SEGMENTS];
    struct vf *vf;                     /* total_vfs of them, while started */
    DXGK_INTERRUPT_TABLE_ENTRY staged; /* seeded: shared by all threads */
    const DXGKRNL_INTERFACE *callers;  /* seeded: the caller's table */
    UINT64 lost;                       /* BUG-170: VRAM that nobody has */

    FAST_MUTEX schedule_lock;
    struct schedule_entry schedule[GPU_MAX_VFS + 1];
    FAST_MUTEX tracking;
    LIST_ENTRY bases;
    FAST_MUTEX process_lock;
    LIST_ENTRY processes;
#ifdef REFERENCE_DEFECTS
    bool secure;                   /* BUG-158 */
    struct vmbus_channel *channel; /* BUG-148 */
#endif

    bool updating;       /* a hot update: StopDevice leaves the part alone */
    LIST_ENTRY restored; /* blocks of the instance before, until StartDevice */
};

/* --- allocation: zeroed, non-paged; NULL when out of memory --- */
void *allocate(SIZE_T size);
void release(void *memory);
UINT64 smaller(UINT64 x, UINT64 y);
UINT64 larger(UINT64 x, UINT64 y);

/* --- bus.c --- */
ULONG read32(const struct adapter *a, ULONG offset);
void write32(const struct adapter *a, ULONG offset, ULONG value);
ULONG vf_config(const struct adapter *a, ULONG vf, ULONG offset); /* aligned */
NTSTATUS config_read(struct adapter *a, ULONG offset, void *data, ULONG length);
NTSTATUS config_write(struct adapter *a, ULONG offset, const void *data, ULONG length);
NTSTATUS bus_probe(struct adapter *a);                 /* reads the SR-IOV capability */
NTSTATUS bus_enable_vfs(struct adapter *a, ULONG vfs); /* 0: none */
UINT64 vf_bar_address(const struct adapter *a, ULONG vf, ULONG bar);
UINT64 vf_bar_size(const struct adapter *a, ULONG bar); /* 0: none */

/* --- command.c --- */
void command_init(struct adapter *a);
NTSTATUS command_run(struct adapter *a, struct command *command);
NTSTATUS command_vf(struct adapter *a, ULONG opcode, ULONG vf, ULONG argument);
void command_done(struct adapter *a, ULONG slots);
void release_slot(struct adapter *a, ULONG slot);

/* --- schedule.c --- */
NTSTATUS schedule_apply(struct adapter *a); /* device to what the modes say */
void schedule_forget(struct adapter *a);    /* the device lost its shares */
void schedule_give_back(struct adapter *a); /* the device shall have none; schedule_lock is held */
NTSTATUS schedule_add(struct adapter *a, ULONG vf, ULONG share);
void schedule_remove(struct adapter *a, ULONG vf);
NTSTATUS schedule_mode(struct adapter *a, ULONG vf, enum schedule_mode mode);

/* --- vf.c --- */
struct vf *vf_find(struct adapter *a, ULONG index);                  /* a live vGPU or NULL */
NTSTATUS vf_acquire(struct adapter *a, ULONG index, struct vf **vf); /* with its lock */
void vf_release(struct vf *vf);
NTSTATUS vf_command(struct adapter *a, ULONG opcode, ULONG vf); /* without an argument */
NTSTATUS vf_set_power(struct adapter *a, struct vf *vf, bool on);
NTSTATUS vf_reset(struct adapter *a, struct vf *vf);
bool vf_quiet(const struct vf *vf); /* paused, or without power */
NTSTATUS vf_context(struct adapter *a, ULONG vf, bool save, UCHAR *bytes, ULONG size);
NTSTATUS vf_context_size(struct adapter *a, ULONG vf, ULONG *size);

/* --- reserve.c --- */
NTSTATUS reserve_map(struct adapter *a, const struct vf *vf);
/* What a vGPU with that much VRAM needs of each segment: all of `segment`, or of all of them in parts where
 * reserves may be scattered. */
void reserve_plan(const struct adapter *a, ULONG segment, UINT64 total, UINT64 need[GPU_MAX_SEGMENTS]);
void reserve_forget(struct vf *vf);

/* --- vgpu.c --- */
void vgpu_destroy(struct adapter *a, struct vf *vf);

/* --- msix.c --- */
NTSTATUS msix_open(struct adapter *a, struct vf *vf);
void msix_close(struct vf *vf);
void msix_was_reset(struct vf *vf);
void msix_rewrite(struct vf *vf); /* after a power loss all entries are unwritten */
void msix_flush(struct adapter *a, struct vf *vf);

/* --- tracking.c, dirty.c --- */
struct basis *basis_find(struct adapter *a, HANDLE handle); /* with the tracking lock held */
void tracking_free_all(struct adapter *a);
void tracking_suspend(struct adapter *a); /* before the PF loses power */
void tracking_resume(struct adapter *a);
NTSTATUS basis_stop(struct adapter *a, struct basis *basis);

/* --- vmbus.c --- */
void vmbus_close(struct adapter *a, struct vf *vf);

/* --- triage.c: PASSIVE_LEVEL --- */
void triage(struct adapter *a, ULONG vf, DXGIDDI_PARTITIONING_EVENT_TYPE type, const char *text, UINT64 data1,
            UINT64 data2);

/* --- blob.c --- */
enum blob_kind { BLOB_IMMUTABLE = 1, BLOB_MUTABLE = 2 };
struct blob_check {
    NTSTATUS status;
    const char *text; /* why not */
    UINT64 found, expected;
    ULONG origin;    /* index of the VF on the source */
    UINT64 table[2]; /* of a seeded fault: an entry of the source's MSI-X table */
};
ULONG blob_size(enum blob_kind kind, ULONG payload);
ULONG blob_profile_size(void);
void blob_write(struct adapter *a, const struct vf *vf, enum blob_kind kind, UCHAR *out, const UCHAR *payload,
                ULONG size);
/* Copies and checks. *payload is allocated on success. */
struct blob_check blob_read(struct adapter *a, const struct vf *vf, enum blob_kind kind, const UCHAR *data,
                            UINT64 size, UCHAR **payload, ULONG *payload_size);

/* --- hotupdate.c --- */
void hot_leave(struct adapter *a);
void hot_forget(struct adapter *a);
struct hot_adapter;
const struct hot_adapter *hot_restored(const struct adapter *a); /* NULL: no hot update */
void hot_take_bus(struct adapter *a, const struct hot_adapter *s);
NTSTATUS hot_take_over(struct adapter *a, const struct hot_adapter *s);

/* --- process.c --- */
void process_forget_all(struct adapter *a);

/* --- adapter.c --- */
HANDLE new_handle(struct adapter *a);
NTSTATUS adapter_power_up(struct adapter *a);

/* --- DDIs, by table --- */
DXGKDDI_START_DEVICE reference_start_device;
DXGKDDI_STOP_DEVICE reference_stop_device;
DXGKDDI_INTERRUPT_ROUTINE reference_interrupt;
DXGKDDI_DPC_ROUTINE reference_dpc;
DXGKDDI_SET_POWER_STATE reference_set_power_state;
DXGKDDI_QUERY_INTERFACE reference_query_interface;
DXGKDDI_QUERYADAPTERINFO reference_query_adapter_info;
DXGKDDI_CREATEPROCESS reference_create_process;
DXGKDDI_DESTROYPROCESS reference_destroy_process;
DXGKDDI_SETVIRTUALMACHINEDATA reference_set_virtual_machine_data;
DXGKDDI_SAVEMEMORYFORHOTUPDATE reference_save_memory_for_hot_update;
DXGKDDI_RESTOREMEMORYFORHOTUPDATE reference_restore_memory_for_hot_update;
DXGKDDI_CREATEMEMORYBASIS reference_create_memory_basis;
DXGKDDI_DESTROYMEMORYBASIS reference_destroy_memory_basis;
DXGKDDI_STARTDIRTYTRACKING reference_start_dirty_tracking;
DXGKDDI_STOPDIRTYTRACKING reference_stop_dirty_tracking;
DXGKDDI_QUERYDIRTYBITDATA reference_query_dirty_bit_data;
DXGKDDI_PREPARELIVEMIGRATION reference_prepare_live_migration;
DXGKDDI_SAVEIMMUTABLEMIGRATIONDATA reference_save_immutable_migration_data;
DXGKDDI_SAVEMUTABLEMIGRATIONDATA reference_save_mutable_migration_data;
DXGKDDI_ENDLIVEMIGRATION reference_end_live_migration;
DXGKDDI_RESTOREIMMUTABLEMIGRATIONDATA reference_restore_immutable_migration_data;
DXGKDDI_RESTOREMUTABLEMIGRATIONDATA reference_restore_mutable_migration_data;
DXGKDDI_WRITEVIRTUALIZEDINTERRUPT reference_write_virtualized_interrupt;
DXGKDDI_SETVIRTUALGPURESOURCES2 reference_set_virtual_gpu_resources2;
DXGKDDI_SETVIRTUALFUNCTIONPAUSESTATE reference_set_virtual_function_pause_state;

DXGKDDI_GETGPUPARTITIONINFO reference_get_gpu_partition_info;
DXGKDDI_SETGPUPARTITIONCOUNT reference_set_gpu_partition_count;
DXGKDDI_GETGPUENGINES reference_get_gpu_engines;
DXGKDDI_GETVIRTUALGPUPROFILE reference_get_virtual_gpu_profile;
DXGKDDI_CREATEVIRTUALGPU reference_create_virtual_gpu;
DXGKDDI_GETVIRTUALGPUINFO reference_get_virtual_gpu_info;
DXGKDDI_SETVIRTUALGPURESOURCES reference_set_virtual_gpu_resources;
DXGKDDI_DESTROYVIRTUALGPU reference_destroy_virtual_gpu;
DXGKDDI_SUSPENDVIRTUALGPU reference_suspend_virtual_gpu;
DXGKDDI_RESUMEVIRTUALGPU reference_resume_virtual_gpu;
DXGKDDI_VIRTUALGPUDRIVERESCAPE reference_virtual_gpu_driver_escape;
DXGKDDI_SETVIRTUALGPUVMBUS reference_set_virtual_gpu_vmbus;

DXGKDDI_READVIRTUALFUNCTIONCONFIG reference_read_virtual_function_config;
DXGKDDI_WRITEVIRTUALFUNCTIONCONFIG reference_write_virtual_function_config;
DXGKDDI_READVIRTUALFUNCTIONCONFIGBLOCK reference_read_virtual_function_config_block;
DXGKDDI_WRITEVIRTUALFUNCTIONCONFIGBLOCK reference_write_virtual_function_config_block;
DXGKDDI_QUERYPROBEDBARS reference_query_probed_bars;
DXGKDDI_GETVENDORANDDEVICE reference_get_vendor_and_device;
DXGKDDI_GETDEVICELOCATION reference_get_device_location;
DXGKDDI_RESETVIRTUALFUNCTION reference_reset_virtual_function;
DXGKDDI_SETVIRTUALFUNCTIONPOWERSTATE reference_set_virtual_function_power_state;
DXGKDDI_GETRESOURCEFORBAR reference_get_resource_for_bar;
DXGKDDI_QUERYVIRTUALFUNCTIONLUID reference_query_virtual_function_luid;

DXGKDDI_QUERYMITIGATEDRANGECOUNT reference_query_mitigated_range_count;
DXGKDDI_QUERYMITIGATEDRANGES reference_query_mitigated_ranges;

#endif
