/* Start and stop of the adapter, and power of the physical function. */
#include "driver.h"

#define ENTRY_WORDS 4u

static NTSTATUS read_identity(struct adapter *a) {
    ULONG limits;

    if (get(a, SECOND_REG_MAGIC) != SECOND_MAGIC)
        return STATUS_DEVICE_NOT_READY;
    a->firmware = get(a, SECOND_REG_FIRMWARE);
    a->tracking_free = get(a, SECOND_REG_TRACKING_FREE) & 1;
    limits = get(a, SECOND_REG_LIMITS);
    a->segments = limits >> 8 & 0xFF;
    if (a->segments == 0 || a->segments > SECOND_MAX_SEGMENTS)
        return STATUS_DEVICE_NOT_READY;
    for (ULONG i = 0; i < a->segments; i++) {
        ULONG page = get(a, SECOND_REG_SEGMENT_PAGE(i));

        a->segment[i].size = (UINT64)get(a, SECOND_REG_SEGMENT_MIB(i)) << 20;
        a->segment[i].page = page ? 1u << page : 0;
        a->segment[i].used = 0;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS power_on(struct adapter *a, ULONG vfs) {
    NTSTATUS status = bus_wake(a);

    if (NT_SUCCESS(status))
        status = bus_cut(a, vfs);
    if (!NT_SUCCESS(status))
        return status;
    a->power = true;
    part_listen(a, true);
    return schedule(a);
}

static void shut(struct adapter *a) {
    part_close(a);
    a->started = a->power = false;
    a->partitions = 0;
}

/* The part is whole until somebody says otherwise; after a hot update all is as it was. */
static NTSTATUS start(struct adapter *a) {
    NTSTATUS status = part_open(a);

    if (NT_SUCCESS(status))
        status = bus_wake(a);
    if (NT_SUCCESS(status))
        status = read_identity(a);
    for (ULONG i = 0; i < SECOND_MAX_VFS; i++)
        a->vf[i].index = i;
    if (NT_SUCCESS(status))
        status = a->restored ? hot_take_over(a) : bus_probe(a);
    if (!NT_SUCCESS(status))
        hot_leave(a);
    if (!NT_SUCCESS(status) || !a->restored)
        return NT_SUCCESS(status) ? power_on(a, a->partitions = 1) : status;
    hot_forget(a);
    a->power = true;
    part_listen(a, true);
    return schedule(a);
}

NTSTATUS DDI_CALL second_start_device(const PVOID context, PDXGK_START_INFO info, PDXGKRNL_INTERFACE table,
                                      PULONG sources, PULONG children) {
    struct adapter *a = context;
    NTSTATUS status;

    if (!a || !info || !table || !sources || !children)
        return STATUS_INVALID_PARAMETER;
    if (a->started)
        return STATUS_INVALID_DEVICE_STATE;
    RtlZeroMemory(&a->os, sizeof a->os); /* what an older system does not have stays NULL */
    RtlCopyMemory(&a->os, table, table->Size < sizeof a->os ? table->Size : sizeof a->os);
    a->luid = info->AdapterLuid;
    status = start(a);
    if (!NT_SUCCESS(status)) {
        shut(a);
        return status;
    }
    a->started = true;
    *sources = 0;
    *children = 0;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL second_stop_device(const PVOID context) {
    struct adapter *a = context;

    if (!NT_SUCCESS(enter(a)))
        return a ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    tracking_free_all(a);
    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].created && !a->leaving)
            vgpu_destroy(a, &a->vf[i]);
    if (a->leaving)
        hot_leave(a);
    else
        (void)bus_cut(a, 0);
    shut(a);
    leave(a);
    return STATUS_SUCCESS;
}

/* --- power of the PF: D3 may be cold, and then the part forgets everything but VRAM --- */

static void save_vf(struct adapter *a, struct vf *vf) {
    ULONG words = vf->entries * ENTRY_WORDS;

    if (vf->powered)
        (void)set_natural(a, vf, false);
    if (!NT_SUCCESS(context_length(a, vf, &vf->saved_size)))
        return;
    vf->saved = allocate(words * sizeof(ULONG) + vf->saved_size);
    if (!vf->saved)
        return;
    for (ULONG i = 0; i < words; i++)
        ((ULONG *)(void *)vf->saved)[i] = table_word(a, vf->index, i);
    if (NT_SUCCESS(context_move(a, vf, true, vf->saved + words * sizeof(ULONG), &vf->saved_size)))
        return;
    release(vf->saved);
    vf->saved = NULL;
}

static NTSTATUS put_back(struct adapter *a, struct vf *vf) {
    ULONG words = vf->entries * ENTRY_WORDS;
    NTSTATUS status = vf->apertures ? map_apertures(a, vf) : STATUS_SUCCESS;

    if (vf->saved && NT_SUCCESS(status))
        status = context_move(a, vf, false, vf->saved + words * sizeof(ULONG), &vf->saved_size);
    for (ULONG i = 0; vf->saved && i < words; i++)
        set_table_word(a, vf->index, i, ((const ULONG *)(const void *)vf->saved)[i]);
    if (NT_SUCCESS(status) && vf->paused)
        status = set_hold(a, vf, true);
    return status;
}

static void doze(struct adapter *a) {
    part_listen(a, false);
    a->power = false;
}

static void sleep(struct adapter *a) {
    for (ULONG i = 0; i < a->partitions; i++)
        if (a->vf[i].created)
            save_vf(a, &a->vf[i]);
    tracking_suspend(a);
    doze(a);
}

/* Fails as a whole: no VF runs before all are back, and what was saved stays for the next time. */
static NTSTATUS wake(struct adapter *a) {
    NTSTATUS status = power_on(a, a->partitions);

    for (ULONG i = 0; i < a->partitions && NT_SUCCESS(status); i++)
        if (a->vf[i].created)
            status = put_back(a, &a->vf[i]);
    for (ULONG i = 0; i < a->partitions && NT_SUCCESS(status); i++)
        if (a->vf[i].powered)
            status = set_natural(a, &a->vf[i], true);
    if (!NT_SUCCESS(status)) {
        doze(a);
        return status;
    }
    for (ULONG i = 0; i < a->partitions; i++) {
        release(a->vf[i].saved);
        a->vf[i].saved = NULL;
    }
    tracking_resume(a);
    return status;
}

NTSTATUS DDI_CALL second_set_power_state(const PVOID context, ULONG device_uid, DEVICE_POWER_STATE state,
                                         POWER_ACTION action) {
    struct adapter *a = context;
    NTSTATUS status = enter(a);

    (void)device_uid; /* there are no children */
    (void)action;
    if (!NT_SUCCESS(status))
        return a ? STATUS_SUCCESS : status;
    if (state == PowerDeviceD0 && !a->power)
        status = wake(a);
    else if (state != PowerDeviceD0 && a->power)
        sleep(a);
    leave(a);
    return status;
}
