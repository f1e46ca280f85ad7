/* Start and stop of the adapter, and power of the physical function. */
#include "driver.h"

HANDLE new_handle(struct adapter *a) {
    /* Never given twice, and different on every adapter: a stale or a foreign one is known as such. */
    return (HANDLE)(ULONG_PTR)((UINT64)a->luid.LowPart << 32 |
                               (UINT64)InterlockedIncrement64((LONG64 volatile *)&a->handles));
}

/* Memory resource number n of the adapter: BAR 2n, as all its BARs are 64 bits wide. */
static bool find_memory(const CM_RESOURCE_LIST *list, ULONG n, PHYSICAL_ADDRESS *start) {
    const CM_PARTIAL_RESOURCE_LIST *partial;

    if (!list || list->Count == 0)
        return false;
    partial = &list->List[0].PartialResourceList;
    for (ULONG i = 0; i < partial->Count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &partial->PartialDescriptors[i];

        if (d->Type != CmResourceTypeInterrupt && n-- == 0) { /* the part has nothing else */
            *start = d->u.Memory.Start;
            return true;
        }
    }
    return false;
}

static NTSTATUS map_registers(struct adapter *a) {
    DXGK_DEVICE_INFO info;
    PHYSICAL_ADDRESS bar0;
    NTSTATUS status;

    status = a->dxgkrnl.DxgkCbGetDeviceInformation(a->dxgkrnl.DeviceHandle, &info);
    if (!NT_SUCCESS(status))
        return status;
    if (!find_memory(info.TranslatedResourceList, 0, &bar0) ||
        !find_memory(info.TranslatedResourceList, 2, &a->bar4))
        return STATUS_DEVICE_NOT_CONNECTED;
    a->bar0 = MmMapIoSpace(bar0, GPU_PF_BAR0_SIZE, MmNonCached);
    return a->bar0 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS read_identity(struct adapter *a) {
    if (read32(a, GPU_REG_ID) != ((ULONG)GPU_PF_DEVICE_ID << 16 | GPU_VENDOR_ID) ||
        (read32(a, GPU_REG_STATUS) & GPU_STATUS_READY) == 0)
        return STATUS_DEVICE_NOT_READY;
    a->revision = read32(a, GPU_REG_REVISION);
    a->firmware = read32(a, GPU_REG_FIRMWARE);
    a->features = read32(a, GPU_REG_FEATURES);
    a->segment_count = read32(a, GPU_REG_SEGMENTS);
    if (a->segment_count > GPU_MAX_SEGMENTS)
        return STATUS_DEVICE_NOT_READY;
    for (ULONG i = 0; i < a->segment_count; i++) {
        ULONG at = GPU_REG_SEGMENT(i);

        a->segment[i].size = read32(a, at + GPU_SEGMENT_SIZE_LO);
        a->segment[i].size |= (UINT64)read32(a, at + GPU_SEGMENT_SIZE_HI) << 32;
        a->segment[i].page = a->features & GPU_FEATURE_DIRTY ? read32(a, at + GPU_SEGMENT_DIRTY_PAGE) : 0;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS allocate_vfs(struct adapter *a) {
    a->vf = allocate(a->sriov.total_vfs * sizeof *a->vf);
    for (ULONG i = 0; a->vf && i < a->sriov.total_vfs; i++) {
        a->vf[i].index = i;
        ExInitializeFastMutex(&a->vf[i].lock);
    }
    return a->vf ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS allocate_dma(struct adapter *a) {
    PHYSICAL_ADDRESS highest = {.QuadPart = INT64_MAX};

    a->dma = MmAllocateContiguousMemory((SIZE_T)GPU_SLOTS * DMA_PAGE, highest);
    if (!a->dma)
        return STATUS_INSUFFICIENT_RESOURCES;
    a->dma_address = MmGetPhysicalAddress(a->dma);
    return STATUS_SUCCESS;
}

static void close_hardware(struct adapter *a) {
    if (a->bar0)
        write32(a, GPU_REG_INT_MASK, MAXULONG);
    a->started = a->power = false;
    if (a->bar0)
        MmUnmapIoSpace((PVOID)(ULONG_PTR)a->bar0, GPU_PF_BAR0_SIZE);
    if (a->dma)
        MmFreeContiguousMemory(a->dma);
    release(a->vf);
    a->vf = NULL;
    a->bar0 = NULL;
    a->dma = NULL;
}

static void open_interrupts(const struct adapter *a) {
    write32(a, GPU_REG_INT_MASK, ~(ULONG)GPU_INT_COMPLETION);
}

/* Puts a vGPU back as it was before the PF lost its power. */
static NTSTATUS resume_vf(struct adapter *a, struct vf *vf) {
    bool powered = vf->powered;
    NTSTATUS status = STATUS_SUCCESS;

    if (vf->reserve_count)
        status = reserve_map(a, vf);
    if (NT_SUCCESS(status) && vf->context)
        status = vf_context(a, vf->index, false, vf->context, vf->context_size);
    if (NT_SUCCESS(status) && vf->paused)
        status = vf_command(a, GPU_COMMAND_VF_PAUSE, vf->index);
    msix_rewrite(vf);
    vf->powered = false;
    if (NT_SUCCESS(status) && powered)
        status = vf_set_power(a, vf, true);
    vf->powered = powered;
    if (!NT_SUCCESS(status))
        return status; /* to be tried again */
    release(vf->context);
    vf->context = NULL;
    return status;
}

NTSTATUS adapter_power_up(struct adapter *a) {
    NTSTATUS status = bus_enable_vfs(a, a->partitions);

    if (!NT_SUCCESS(status))
        return status;
    open_interrupts(a);
    a->power = true;
    ExAcquireFastMutex(&a->schedule_lock);
    schedule_forget(a);
    status = schedule_apply(a);
    if (!DEFECT(206))
        ExReleaseFastMutex(&a->schedule_lock);
    for (ULONG i = 0; i < a->partitions; i++) {
        struct vf *vf = &a->vf[i];

        ExAcquireFastMutex(&vf->lock);
        if (vf->created && NT_SUCCESS(status))
            status = resume_vf(a, vf);
        ExReleaseFastMutex(&vf->lock);
    }
    if (DEFECT(206))
        ExReleaseFastMutex(&a->schedule_lock);
    if (!NT_SUCCESS(status)) {
        ExAcquireFastMutex(&a->schedule_lock);
        schedule_give_back(a);
        ExReleaseFastMutex(&a->schedule_lock);
    }
    a->power = NT_SUCCESS(status);
    if (a->power)
        tracking_resume(a);
    return status;
}

/* Everything the part keeps only while it has power is taken into memory. */
static void suspend_vf(struct adapter *a, struct vf *vf) {
    if (vf->context || !NT_SUCCESS(vf_context_size(a, vf->index, &vf->context_size)))
        return;
    vf->context = allocate(vf->context_size);
    if (vf->context && !NT_SUCCESS(vf_context(a, vf->index, true, vf->context, vf->context_size))) {
        release(vf->context);
        vf->context = NULL;
    }
}

static void power_down(struct adapter *a) {
    for (ULONG i = 0; i < a->partitions; i++) {
        ExAcquireFastMutex(&a->vf[i].lock);
        if (a->vf[i].created)
            suspend_vf(a, &a->vf[i]);
        ExReleaseFastMutex(&a->vf[i].lock);
    }
    tracking_suspend(a);
    a->power = false;
}

NTSTATUS DDI_CALL reference_set_power_state(const PVOID context, ULONG device_uid, DEVICE_POWER_STATE state,
                                            POWER_ACTION action) {
    struct adapter *a = context;
    NTSTATUS status = STATUS_SUCCESS;

    (void)device_uid; /* there are no child devices */
    (void)action;
    if (!a || state < PowerDeviceD0 || state > PowerDeviceD3)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_SUCCESS;
    KeWaitForSingleObject(&a->partition, Executive, KernelMode, FALSE, NULL);
    if (state == PowerDeviceD0 && !a->power)
        status = adapter_power_up(a);
    else if (state != PowerDeviceD0 && a->power)
        power_down(a);
    KeReleaseMutex(&a->partition, FALSE);
    return status;
}

static NTSTATUS start(struct adapter *a) {
    const struct hot_adapter *restored = hot_restored(a);
    NTSTATUS status = map_registers(a);

    if (NT_SUCCESS(status))
        status = read_identity(a);
    if (NT_SUCCESS(status) && restored)
        hot_take_bus(a, restored);
    else if (NT_SUCCESS(status))
        status = bus_probe(a);
    if (NT_SUCCESS(status))
        status = allocate_vfs(a);
    if (NT_SUCCESS(status))
        status = allocate_dma(a);
    if (!NT_SUCCESS(status))
        return status;
    a->started = true;
    a->partitions = 0;
    if (!restored)
        return adapter_power_up(a);
    open_interrupts(a);
    return hot_take_over(a, restored);
}

NTSTATUS DDI_CALL reference_start_device(const PVOID context, PDXGK_START_INFO info,
                                         PDXGKRNL_INTERFACE interface_table, PULONG sources,
                                         PULONG children) {
    struct adapter *a = context;
    NTSTATUS status;

    if (!a || !info || !interface_table || !sources || !children)
        return STATUS_INVALID_PARAMETER;
    if (a->started)
        return STATUS_INVALID_DEVICE_STATE;
    /* An older port driver has a shorter table: what is missing stays NULL. */
    RtlZeroMemory(&a->dxgkrnl, sizeof a->dxgkrnl);
    RtlCopyMemory(&a->dxgkrnl, interface_table,
                  interface_table->Size < sizeof a->dxgkrnl ? interface_table->Size : sizeof a->dxgkrnl);
#ifdef REFERENCE_DEFECTS
    a->callers = interface_table;
#endif
    a->luid = info->AdapterLuid;
    status = start(a);
    if (!NT_SUCCESS(status)) {
        close_hardware(a);
        return status;
    }
    *sources = 0; /* no display */
    *children = 0;
    return STATUS_SUCCESS;
}

static void give_up(struct adapter *a) {
    for (ULONG i = 0; i < a->sriov.total_vfs; i++)
        vgpu_destroy(a, &a->vf[i]);
}

NTSTATUS DDI_CALL reference_stop_device(const PVOID context) {
    struct adapter *a = context;

    if (!a)
        return STATUS_INVALID_PARAMETER;
    if (!a->started)
        return STATUS_SUCCESS;
    tracking_free_all(a);
    if (a->updating) {
        hot_leave(a);
    } else {
        give_up(a);
        (void)bus_enable_vfs(a, 0);
    }
    close_hardware(a);
    return STATUS_SUCCESS;
}
