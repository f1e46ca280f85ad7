/* The tables: calls that are counted, logged, or answered in the driver's own words; memory given back late.
 */
#include "choices.h"
#include <gpup/implementation.h>

#define WATCH_MS 50
#define VENDOR_CODE ((NTSTATUS)0xE0470001) /* an error, with the bit of codes that are not Microsoft's */

bool choice[CHOICES];
static struct extra extras[8];

struct extra *extra_of(struct adapter *a) {
    for (ULONG i = 0; i < sizeof extras / sizeof *extras; i++)
        if (extras[i].adapter == a)
            return &extras[i];
    return NULL;
}

/* --- memory: a worker thread frees what was given back --- */

struct block {
    struct block *next;
    UINT64 zero;
};
static struct {
    KSPIN_LOCK lock;
    struct block *list;
    WORK_QUEUE_ITEM item;
    KEVENT idle;
    bool queued;
} bin;

void *allocate_now(SIZE_T size);
void release_now(void *memory);

static VOID DDI_CALL empty_bin(PVOID context) {
    struct block *list;
    KIRQL irql;

    (void)context;
    KeAcquireSpinLock(&bin.lock, &irql);
    list = bin.list;
    bin.list = NULL;
    bin.queued = false;
    KeReleaseSpinLock(&bin.lock, irql);
    while (list) {
        struct block *next = list->next;

        release_now(list);
        list = next;
    }
    KeSetEvent(&bin.idle, IO_NO_INCREMENT, FALSE);
}

void *allocate(SIZE_T size) {
    struct block *b = allocate_now(sizeof *b + size);

    return b ? b + 1 : NULL;
}

void release(void *memory) {
    struct block *b = memory ? (struct block *)memory - 1 : NULL;
    bool queue;
    KIRQL irql;

    if (!b)
        return;
    if (!choice[CHOICE_lazy]) {
        release_now(b);
        return;
    }
    KeAcquireSpinLock(&bin.lock, &irql);
    b->next = bin.list;
    bin.list = b;
    queue = !bin.queued;
    bin.queued = true;
    if (queue)
        KeClearEvent(&bin.idle);
    KeReleaseSpinLock(&bin.lock, irql);
    if (queue)
        ExQueueWorkItem(&bin.item, DelayedWorkQueue);
}

static void wait_for_bin(void) {
    if (choice[CHOICE_lazy])
        KeWaitForSingleObject(&bin.idle, Executive, KernelMode, FALSE, NULL);
}

/* --- events of the driver's own --- */

static const GUID own_events = {0x7A1C0B52, 0x51D4, 0x4D0E, {0x9B, 0x27, 0x33, 0x5E, 0xC1, 0x08, 0xF4, 0x6A}};

static void say(const struct adapter *a, UCHAR what) {
    ULONG words[3] = {what, a && a->started, 7};

    if (choice[CHOICE_noise] && a && a->started && a->dxgkrnl.DxgkCbLogEtwEvent)
        a->dxgkrnl.DxgkCbLogEtwEvent(&own_events, what, sizeof words, words);
}

static NTSTATUS in_own_words(NTSTATUS status) {
    return choice[CHOICE_codes] && !NT_SUCCESS(status) ? VENDOR_CODE : status;
}

/* --- watchdog --- */

static VOID DDI_CALL look(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    struct extra *x = context;

    (void)dpc;
    (void)first;
    (void)second;
    if (x->adapter && x->adapter->started && x->adapter->bar0)
        x->status = read32(x->adapter, GPU_REG_STATUS);
}

static void watch(struct extra *x) {
    LARGE_INTEGER due = {.QuadPart = -10000ll * WATCH_MS};

    if (!choice[CHOICE_watchdog] || x->watched)
        return;
    KeInitializeTimerEx(&x->timer, SynchronizationTimer);
    KeInitializeDpc(&x->dpc, look, x);
    KeSetTimerEx(&x->timer, due, WATCH_MS, &x->dpc);
    x->watched = true;
}

static void watch_no_more(struct extra *x) {
    if (!x->watched)
        return;
    KeCancelTimer(&x->timer);
    KeFlushQueuedDpcs();
    x->watched = false;
}

/* --- adapter DDIs --- */

DXGKDDI_START_DEVICE choice_start_device;
NTSTATUS DDI_CALL choice_start_device(const PVOID context, PDXGK_START_INFO info,
                                      PDXGKRNL_INTERFACE interface_table, PULONG sources, PULONG children) {
    NTSTATUS status = reference_start_device(context, info, interface_table, sources, children);
    struct extra *x = extra_of(context);

    for (ULONG i = 0; !x && i < sizeof extras / sizeof *extras; i++)
        if (!extras[i].adapter)
            x = &extras[i];
    if (x && NT_SUCCESS(status)) {
        x->adapter = context;
        watch(x);
        say(context, 1);
    }
    return status;
}

static void early(struct adapter *a, UINT index, bool on) {
    struct extra *x = extra_of(a);
    struct vf *vf;

    if (!NT_SUCCESS(vf_acquire(a, index, &vf)))
        return;
    if (x)
        x->again[index] = false;
    track_early(a, vf, on);
    vf_release(vf);
}

/* The part goes on with what it tracks when it starts again. */
DXGKDDI_STOP_DEVICE choice_stop_device;
NTSTATUS DDI_CALL choice_stop_device(const PVOID context) {
    struct extra *x = extra_of(context);

    if (x && x->adapter) {
        watch_no_more(x);
        await_posted(context, x);
        for (ULONG i = 0; i < GPU_MAX_VFS; i++) {
            drop_stash(context, i);
            early(context, i, false);
        }
        *x = (struct extra){0};
    }
    return reference_stop_device(context);
}

DXGKDDI_SAVEMEMORYFORHOTUPDATE choice_save_memory_for_hot_update;
NTSTATUS DDI_CALL choice_save_memory_for_hot_update(const HANDLE context,
                                                    const DXGKARG_SAVEMEMORYFORHOTUPDATE *args) {
    struct adapter *a = context;

    if (a && args && a->started && a->power && !args->Flags.CancelHotUpdate)
        bring_stashes(a);
    return reference_save_memory_for_hot_update(context, args);
}

/* --- processes --- */

DXGKDDI_CREATEPROCESS choice_create_process;
NTSTATUS DDI_CALL choice_create_process(const HANDLE adapter, DXGKARG_CREATEPROCESS *args) {
    if (!choice[CHOICE_nothing])
        return reference_create_process(adapter, args);
    args->hKmdProcess = NULL;
    return STATUS_SUCCESS;
}
DXGKDDI_DESTROYPROCESS choice_destroy_process;
NTSTATUS DDI_CALL choice_destroy_process(const HANDLE adapter, const HANDLE process) {
    NTSTATUS status = choice[CHOICE_nothing] ? STATUS_SUCCESS : reference_destroy_process(adapter, process);

    if (NT_SUCCESS(status))
        give_handle_back(process);
    return status;
}
DXGKDDI_SETVIRTUALMACHINEDATA choice_set_virtual_machine_data;
NTSTATUS DDI_CALL choice_set_virtual_machine_data(const HANDLE adapter,
                                                  const DXGKARG_SETVIRTUALMACHINEDATA *args) {
    return choice[CHOICE_nothing] ? STATUS_SUCCESS
                                  : in_own_words(reference_set_virtual_machine_data(adapter, args));
}

/* --- memory bases --- */

DXGKDDI_DESTROYMEMORYBASIS choice_destroy_memory_basis;
NTSTATUS DDI_CALL choice_destroy_memory_basis(const HANDLE adapter, const HANDLE basis) {
    NTSTATUS status = reference_destroy_memory_basis(adapter, basis);

    if (NT_SUCCESS(status))
        give_handle_back(basis);
    return in_own_words(status);
}
DXGKDDI_STARTDIRTYTRACKING choice_start_dirty_tracking;
NTSTATUS DDI_CALL choice_start_dirty_tracking(const HANDLE adapter, const HANDLE basis) {
    say(adapter, 2);
    return in_own_words(reference_start_dirty_tracking(adapter, basis));
}
DXGKDDI_STOPDIRTYTRACKING choice_stop_dirty_tracking;
NTSTATUS DDI_CALL choice_stop_dirty_tracking(const HANDLE adapter, const HANDLE basis) {
    return in_own_words(reference_stop_dirty_tracking(adapter, basis));
}
DXGKDDI_QUERYDIRTYBITDATA choice_query_dirty_bit_data;
NTSTATUS DDI_CALL choice_query_dirty_bit_data(const HANDLE adapter, DXGKARG_QUERYDIRTYBITDATA *args) {
    say(adapter, 3);
    return in_own_words(reference_query_dirty_bit_data(adapter, args));
}

/* --- migration --- */

DXGKDDI_PREPARELIVEMIGRATION choice_prepare_live_migration;
NTSTATUS DDI_CALL choice_prepare_live_migration(const HANDLE adapter,
                                                const DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *args) {
    NTSTATUS status = reference_prepare_live_migration(adapter, args);

    say(adapter, 4);
    if (NT_SUCCESS(status) && args->MigrationType == DXGK_GPUP_MIGRATIONTYPE_SOURCE)
        early(adapter, args->vfIndex, true);
    return in_own_words(status);
}
DXGKDDI_ENDLIVEMIGRATION choice_end_live_migration;
NTSTATUS DDI_CALL choice_end_live_migration(const HANDLE adapter, UINT vf) {
    NTSTATUS status = reference_end_live_migration(adapter, vf);

    if (NT_SUCCESS(status))
        early(adapter, vf, false);
    say(adapter, 5);
    return in_own_words(status);
}
/* Without power the part forgets what it tracks. */
DXGKDDI_SET_POWER_STATE choice_set_power_state;
NTSTATUS DDI_CALL choice_set_power_state(const PVOID context, ULONG device_uid, DEVICE_POWER_STATE state,
                                         POWER_ACTION action) {
    struct adapter *a = context;
    struct extra *x = extra_of(a);
    bool had[GPU_MAX_VFS] = {false};
    bool awake = a && a->started && a->power;
    NTSTATUS status;

    for (ULONG i = 0; x && awake && state != PowerDeviceD0 && i < GPU_MAX_VFS; i++) {
        had[i] = x->early[i];
        early(a, i, false);
    }
    status = reference_set_power_state(context, device_uid, state, action);
    for (ULONG i = 0; a && x && i < GPU_MAX_VFS; i++) {
        x->again[i] = x->again[i] || had[i];
        if (a->power && x->again[i])
            early(a, i, true);
    }
    return in_own_words(status);
}
DXGKDDI_SAVEIMMUTABLEMIGRATIONDATA choice_save_immutable_migration_data;
NTSTATUS DDI_CALL choice_save_immutable_migration_data(const HANDLE adapter,
                                                       DXGKARG_GPUP_SAVE_IMMUTABLE_MIGRATION_DATA *args) {
    say(adapter, 6);
    return in_own_words(reference_save_immutable_migration_data(adapter, args));
}
DXGKDDI_SAVEMUTABLEMIGRATIONDATA choice_save_mutable_migration_data;
NTSTATUS DDI_CALL choice_save_mutable_migration_data(const HANDLE adapter,
                                                     DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *args) {
    return in_own_words(reference_save_mutable_migration_data(adapter, args));
}
DXGKDDI_RESTOREIMMUTABLEMIGRATIONDATA choice_restore_immutable_migration_data;
NTSTATUS DDI_CALL choice_restore_immutable_migration_data(
    const HANDLE adapter, const DXGKARG_GPUP_RESTORE_IMMUTABLE_MIGRATION_DATA *args) {
    NTSTATUS status = reference_restore_immutable_migration_data(adapter, args);

    say(adapter, 7);
    return status == STATUS_OBJECT_TYPE_MISMATCH ? status : in_own_words(status);
}
DXGKDDI_RESTOREMUTABLEMIGRATIONDATA choice_restore_mutable_migration_data;
NTSTATUS DDI_CALL choice_restore_mutable_migration_data(
    const HANDLE adapter, const DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA *args) {
    return in_own_words(reference_restore_mutable_migration_data(adapter, args));
}
DXGKDDI_WRITEVIRTUALIZEDINTERRUPT choice_write_virtualized_interrupt;
NTSTATUS DDI_CALL choice_write_virtualized_interrupt(const HANDLE adapter,
                                                     const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    say(adapter, 8);
    return in_own_words(reference_write_virtualized_interrupt(adapter, args));
}
DXGKDDI_SETVIRTUALGPURESOURCES2 choice_set_virtual_gpu_resources2;
NTSTATUS DDI_CALL choice_set_virtual_gpu_resources2(const HANDLE adapter,
                                                    const DXGKARG_SETVIRTUALGPURESOURCES2 *args) {
    return in_own_words(reference_set_virtual_gpu_resources2(adapter, args));
}
DXGKDDI_SETVIRTUALFUNCTIONPAUSESTATE choice_set_virtual_function_pause_state;
NTSTATUS DDI_CALL choice_set_virtual_function_pause_state(const HANDLE adapter,
                                                          const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *args) {
    say(adapter, 9);
    return in_own_words(reference_set_virtual_function_pause_state(adapter, args));
}

/* --- partition and SR-IOV interfaces --- */

DXGKDDI_DESTROYVIRTUALGPU choice_destroy_virtual_gpu;
NTSTATUS DDI_CALL choice_destroy_virtual_gpu(HANDLE context, DXGKARG_DESTROYVIRTUALGPU *args) {
    NTSTATUS status;

    if (args)
        early(context, args->PartitionId, false);
    status = reference_destroy_virtual_gpu(context, args);
    if (NT_SUCCESS(status) && args)
        drop_stash(context, args->PartitionId);
    return in_own_words(status);
}
DXGKDDI_VIRTUALGPUDRIVERESCAPE choice_virtual_gpu_driver_escape;
NTSTATUS DDI_CALL choice_virtual_gpu_driver_escape(HANDLE context, DXGK_VIRTUALGPUDRIVERESCAPE *args) {
    return choice[CHOICE_nothing] ? STATUS_NOT_SUPPORTED
                                  : in_own_words(reference_virtual_gpu_driver_escape(context, args));
}
DXGKDDI_RESETVIRTUALFUNCTION choice_reset_virtual_function;
NTSTATUS DDI_CALL choice_reset_virtual_function(HANDLE context, DXGKARG_RESETVIRTUALFUNCTION *args) {
    struct adapter *a = context;
    NTSTATUS status;

    if (args)
        bring_stash(a, args->VirtualFunctionIndex);
    status = reference_reset_virtual_function(context, args);
    if (choice[CHOICE_noise] && args && NT_SUCCESS(status) && a->dxgkrnl.DxgkCbMitigatedRangeUpdate)
        a->dxgkrnl.DxgkCbMitigatedRangeUpdate(a->dxgkrnl.DeviceHandle, args->VirtualFunctionIndex);
    return in_own_words(status);
}
DXGKDDI_SETVIRTUALFUNCTIONPOWERSTATE choice_set_virtual_function_power_state;
NTSTATUS DDI_CALL choice_set_virtual_function_power_state(HANDLE context,
                                                          DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE *args) {
    return in_own_words(reference_set_virtual_function_power_state(context, args));
}
DXGKDDI_SETGPUPARTITIONCOUNT choice_set_gpu_partition_count;
NTSTATUS DDI_CALL choice_set_gpu_partition_count(HANDLE context, DXGKARG_SETGPUPARTITIONCOUNT *args) {
    return in_own_words(reference_set_gpu_partition_count(context, args));
}
DXGKDDI_CREATEVIRTUALGPU choice_create_virtual_gpu;
NTSTATUS DDI_CALL choice_create_virtual_gpu(HANDLE context, DXGKARG_CREATEVIRTUALGPU *args) {
    return in_own_words(reference_create_virtual_gpu(context, args));
}
DXGKDDI_SETVIRTUALGPURESOURCES choice_set_virtual_gpu_resources;
NTSTATUS DDI_CALL choice_set_virtual_gpu_resources(HANDLE context, DXGKARG_SETVIRTUALGPURESOURCES *args) {
    return in_own_words(reference_set_virtual_gpu_resources(context, args));
}

DXGKDDI_QUERY_INTERFACE choice_query_interface;
NTSTATUS DDI_CALL choice_query_interface(const PVOID context, PQUERY_INTERFACE query) {
    NTSTATUS status = reference_query_interface(context, query);

    if (!NT_SUCCESS(status))
        return status;
    if (RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_GPU_PARTITION_INTERFACE, sizeof(GUID))) {
        DXGKDDI_GPU_PARTITION_INTERFACE *table = (DXGKDDI_GPU_PARTITION_INTERFACE *)query->Interface;

        table->DxgkDdiDestroyVirtualGpu = choice_destroy_virtual_gpu;
        table->DxgkDdiVirtualGpuDriverEscape = choice_virtual_gpu_driver_escape;
        table->DxgkDdiSetGpuPartitionCount = choice_set_gpu_partition_count;
        table->DxgkDdiCreateVirtualGpu = choice_create_virtual_gpu;
        table->DxgkDdiSetVirtualGpuResources = choice_set_virtual_gpu_resources;
    } else if (RtlEqualMemory(query->InterfaceType, &GUID_DXGKDDI_SRIOV_INTERFACE, sizeof(GUID))) {
        DXGKDDI_SRIOV_INTERFACE *table = (DXGKDDI_SRIOV_INTERFACE *)query->Interface;

        table->DxgkDdiResetVirtualFunction = choice_reset_virtual_function;
        table->DxgkDdiSetVirtualFunctionPowerState = choice_set_virtual_function_power_state;
    }
    return status;
}

/* --- load, remove, unload --- */

static DXGKDDI_REMOVE_DEVICE *plain_remove;

DXGKDDI_REMOVE_DEVICE choice_remove_device;
NTSTATUS DDI_CALL choice_remove_device(const PVOID context) {
    NTSTATUS status = plain_remove(context);

    wait_for_bin();
    return status;
}
DXGKDDI_UNLOAD choice_unload;
VOID DDI_CALL choice_unload(void) {
    packets_end();
    wait_for_bin();
}

NTSTATUS DDI_CALL choice_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path,
                                    PDRIVER_INITIALIZATION_DATA table);
NTSTATUS DDI_CALL choice_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path,
                                    PDRIVER_INITIALIZATION_DATA table) {
    KeInitializeSpinLock(&bin.lock);
    KeInitializeEvent(&bin.idle, NotificationEvent, TRUE);
    ExInitializeWorkItem(&bin.item, empty_bin, NULL);
    packets_init();
    plain_remove = table->DxgkDdiRemoveDevice;
    table->DxgkDdiStartDevice = choice_start_device;
    table->DxgkDdiStopDevice = choice_stop_device;
    table->DxgkDdiRemoveDevice = choice_remove_device;
    table->DxgkDdiUnload = choice_unload;
    table->DxgkDdiSetPowerState = choice_set_power_state;
    table->DxgkDdiQueryInterface = choice_query_interface;
    table->DxgkDdiSaveMemoryForHotUpdate = choice_save_memory_for_hot_update;
    table->DxgkDdiCreateProcess = choice_create_process;
    table->DxgkDdiDestroyProcess = choice_destroy_process;
    table->DxgkDdiSetVirtualMachineData = choice_set_virtual_machine_data;
    table->DxgkDdiDestroyMemoryBasis = choice_destroy_memory_basis;
    table->DxgkDdiStartDirtyTracking = choice_start_dirty_tracking;
    table->DxgkDdiStopDirtyTracking = choice_stop_dirty_tracking;
    table->DxgkDdiQueryDirtyBitData = choice_query_dirty_bit_data;
    table->DxgkDdiPrepareLiveMigration = choice_prepare_live_migration;
    table->DxgkDdiSaveImmutableMigrationData = choice_save_immutable_migration_data;
    table->DxgkDdiSaveMutableMigrationData = choice_save_mutable_migration_data;
    table->DxgkDdiEndLiveMigration = choice_end_live_migration;
    table->DxgkDdiRestoreImmutableMigrationData = choice_restore_immutable_migration_data;
    table->DxgkDdiRestoreMutableMigrationData = choice_restore_mutable_migration_data;
    table->DxgkDdiWriteVirtualizedInterrupt = choice_write_virtualized_interrupt;
    table->DxgkDdiSetVirtualGpuResources2 = choice_set_virtual_gpu_resources2;
    table->DxgkDdiSetVirtualFunctionPauseState = choice_set_virtual_function_pause_state;
    return DxgkInitialize(driver, registry_path, table);
}

#define DxgkInitialize choice_initialize
#define allocate allocate_now
#define release release_now
#include "../../harness/reference/entry.c" /* NOLINT(bugprone-suspicious-include) */
