/* Live migration of one VF: a session from Prepare to End, and what is saved and restored in between. */
#include "driver.h"

static bool elsewhere(const struct adapter *a, const struct vf *vf) {
    for (ULONG i = 0; i < a->partitions; i++)
        if (i != vf->index && a->vf[i].session)
            return true;
    return false;
}

static NTSTATUS prepare(struct adapter *a, struct vf *vf, DXGK_GPUP_MIGRATIONTYPE type) {
    enum schedule_mode mode = SCHEDULE_TARGET;
    struct session *session;
    NTSTATUS status;

    if (vf->session || (DEFECT(120) && elsewhere(a, vf)) || (DEFECT(121) && vf->sessions))
        return STATUS_INVALID_DEVICE_STATE;
    if (type == DXGK_GPUP_MIGRATIONTYPE_TARGET && !vf_quiet(vf))
        return STATUS_INVALID_DEVICE_STATE; /* a target has not started */
    session = allocate(sizeof *session);
    if (!session)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (type == DXGK_GPUP_MIGRATIONTYPE_SOURCE)
        mode = vf->paused ? SCHEDULE_SOURCE_PAUSED : SCHEDULE_SOURCE;
    session->type = type;
    status = schedule_mode(a, vf->index, mode);
    vf->sessions += NT_SUCCESS(status);
    if (NT_SUCCESS(status))
        vf->session = session;
    else
        release(session);
    if (DEFECT(133))
        (void)vf_command(a, GPU_COMMAND_VF_RESUME, vf->index);
    return status;
}

NTSTATUS DDI_CALL reference_prepare_live_migration(const HANDLE adapter,
                                                   const DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status;

    if (!args || (args->MigrationType != DXGK_GPUP_MIGRATIONTYPE_SOURCE &&
                  args->MigrationType != DXGK_GPUP_MIGRATIONTYPE_TARGET))
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, args->vfIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    status = prepare(a, vf, args->MigrationType);
    vf_release(vf);
    return status;
}

/* Seeded: tracking that is meant to stay on for the life of the VM. */
static void stop_tracking(struct adapter *a, const struct vf *vf) {
    ExAcquireFastMutex(&a->tracking);
    for (LIST_ENTRY *e = a->bases.Flink; e != &a->bases; e = e->Flink) {
        struct basis *b = CONTAINING_RECORD(e, struct basis, entry);

        if (b->tracking && vf->reserve_count && b->segment == vf->reserve[0].segment &&
            b->ranges[0].SegmentOffset - vf->reserve[0].offset < vf->reserve[0].size)
            (void)basis_stop(a, b);
    }
    ExReleaseFastMutex(&a->tracking);
}

static NTSTATUS end(struct adapter *a, struct vf *vf) {
    NTSTATUS status = STATUS_SUCCESS;

    if (!vf->session)
        return STATUS_INVALID_DEVICE_STATE;
    if (!DEFECT(113))
        status = schedule_mode(a, vf->index, SCHEDULE_NORMAL);
    if (!NT_SUCCESS(status))
        return status;
    if (DEFECT(118))
        stop_tracking(a, vf);
    if (DEFECT(133))
        (void)vf_command(a, GPU_COMMAND_VF_RESUME, vf->index);
    if (!DEFECT(116) || vf->session->mutable_done)
        release(vf->session);
    vf->session = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_end_live_migration(const HANDLE adapter, UINT vf_index) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status;

    if (DEFECT(125))
        vf_index =
            *(const volatile UINT *)(ULONG_PTR)vf_index; /* NOLINT(performance-no-int-to-ptr): seeded */
    status = vf_acquire(a, vf_index, &vf);

    if (!NT_SUCCESS(status))
        return status;
    status = end(a, vf);
    vf_release(vf);
    for (ULONG i = 0; DEFECT(115) && NT_SUCCESS(status) && i < a->partitions; i++)
        if (i != vf_index && a->vf[i].session)
            (void)end(a, &a->vf[i]);
    return status;
}

/* The data phase, into a buffer that is large enough; *size: bytes used. */
static NTSTATUS save_data(struct adapter *a, struct vf *vf, enum blob_kind kind, ULONG context_size,
                          BYTE *data, UINT64 *size) {
    UCHAR *context = NULL;
    NTSTATUS status = STATUS_SUCCESS;

    if (kind == BLOB_MUTABLE) {
        context = allocate(context_size);
        if (!context)
            return STATUS_INSUFFICIENT_RESOURCES;
        status = vf_context(a, vf->index, true, context, context_size);
    }
    if (NT_SUCCESS(status)) {
        blob_write(a, vf, kind, data, context, context_size);
        *size = blob_size(kind, context_size);
        if (DEFECT(116) && kind == BLOB_MUTABLE)
            vf->session->mutable_done = true;
    }
    release(context);
    if (DEFECT(88) && NT_SUCCESS(status))
        (void)vf_command(a, GPU_COMMAND_VF_DISABLE, vf->index);
    return status;
}

static NTSTATUS save(struct adapter *a, struct vf *vf, enum blob_kind kind, UINT64 *size, BYTE *data) {
    ULONG context_size = 0;
    NTSTATUS status = STATUS_SUCCESS;
    UINT64 need;

    if (!vf->session || vf->session->type != DXGK_GPUP_MIGRATIONTYPE_SOURCE)
        return STATUS_INVALID_DEVICE_STATE;
    if (kind == BLOB_MUTABLE && !vf_quiet(vf))
        return STATUS_INVALID_DEVICE_STATE;
    if (kind == BLOB_MUTABLE)
        status = vf_context_size(a, vf->index, &context_size);
    if (!NT_SUCCESS(status))
        return status;
    need = blob_size(kind, context_size);
    if (!data) {
        if (*size != 0)
            return STATUS_INVALID_PARAMETER;
        if (DEFECT(80))
            *(volatile BYTE *)data = 0; /* NOLINT(clang-analyzer-core.NullDereference): seeded */
        if (DEFECT(90) && kind == BLOB_MUTABLE)
            need -= 8;
        *size = need;
        return STATUS_SUCCESS;
    }
    if (DEFECT(83) ? (ULONG)*size < need : *size < need) {
        *size = need;
        return STATUS_BUFFER_TOO_SMALL;
    }
    return save_data(a, vf, kind, context_size, data, size);
}

static NTSTATUS save_vf(struct adapter *a, UINT index, enum blob_kind kind, UINT64 *size, BYTE *data) {
    struct vf *vf;
    NTSTATUS status;

    if (!size)
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, index, &vf);
    if (!NT_SUCCESS(status))
        return status;
    status = save(a, vf, kind, size, data);
    vf_release(vf);
    return status;
}

NTSTATUS DDI_CALL reference_save_immutable_migration_data(const HANDLE adapter,
                                                          DXGKARG_GPUP_SAVE_IMMUTABLE_MIGRATION_DATA *args) {
    if (!args)
        return STATUS_INVALID_PARAMETER;
    if (DEFECT(81) && !args->Data) {
        args->DataSize = (UINT64 *)(ULONG_PTR)blob_size(BLOB_IMMUTABLE, 0);
        return STATUS_SUCCESS;
    }
    return save_vf(adapter, args->vfIndex, BLOB_IMMUTABLE, args->DataSize, args->Data);
}

NTSTATUS DDI_CALL reference_save_mutable_migration_data(const HANDLE adapter,
                                                        DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *args) {
    if (!args)
        return STATUS_INVALID_PARAMETER;
    return save_vf(adapter, args->vfIndex, BLOB_MUTABLE, args->DataSize, args->Data);
}

/* Seeded: the doorbells are forgotten. */
static void lose_doorbells(struct adapter *a, const struct vf *vf) {
    PHYSICAL_ADDRESS at = {.QuadPart = (LONGLONG)(vf_bar_address(a, vf->index, 2) + GPU_VF_DOORBELL(0))};
    UCHAR *map = MmMapIoSpace(at, (SIZE_T)GPU_VF_DOORBELLS * PAGE_SIZE, MmNonCached);

    if (!map)
        return;
    if (!vf->powered)
        (void)command_vf(a, GPU_COMMAND_VF_POWER, vf->index, 0);
    for (ULONG i = 0; i < GPU_VF_DOORBELLS; i++)
        WRITE_REGISTER_ULONG((volatile ULONG *)(void *)(map + (SIZE_T)i * PAGE_SIZE), 0);
    if (!vf->powered)
        (void)command_vf(a, GPU_COMMAND_VF_POWER, vf->index, 3);
    MmUnmapIoSpace(map, (SIZE_T)GPU_VF_DOORBELLS * PAGE_SIZE);
}

static struct blob_check failed(NTSTATUS status, const char *text) {
    return (struct blob_check){.status = status, .text = text};
}

static struct blob_check apply(struct adapter *a, const struct vf *vf, UCHAR *context, ULONG size,
                               ULONG origin) {
    ULONG index = DEFECT(106) ? origin : vf->index;
    NTSTATUS status = vf_context(a, index, false, context, size);

    if (DEFECT(108) && NT_SUCCESS(status))
        lose_doorbells(a, vf);
    return failed(status, NT_SUCCESS(status) ? NULL : "the device refuses the context");
}

static struct blob_check restore(struct adapter *a, struct vf *vf, enum blob_kind kind, UINT64 size,
                                 const BYTE *data) {
    struct session *s = vf->session;
    struct blob_check check;
    UCHAR *payload;
    ULONG payload_size;

    if (!s || s->type != DXGK_GPUP_MIGRATIONTYPE_TARGET || !vf_quiet(vf))
        return failed(STATUS_INVALID_DEVICE_STATE, NULL);
    /* Each once; the immutable data first. */
    if (kind == BLOB_IMMUTABLE ? s->immutable_done : !s->immutable_done || s->mutable_done)
        return failed(STATUS_INVALID_DEVICE_STATE, NULL);
    check = blob_read(a, vf, kind, data, size, &payload, &payload_size);
    if (!NT_SUCCESS(check.status))
        return check;
    if (kind == BLOB_MUTABLE && DEFECT(31) && check.table[0])
        vf->msix[0] = (struct msix_entry){
            .value = {.MessageAddress = check.table[0], .MessageData = (ULONG)check.table[1]},
            .unwritten = true};
    if (kind == BLOB_MUTABLE)
        check = apply(a, vf, payload, payload_size, check.origin);
    release(payload);
    if (NT_SUCCESS(check.status)) {
        s->immutable_done |= kind == BLOB_IMMUTABLE;
        s->mutable_done |= kind == BLOB_MUTABLE;
    }
    return check;
}

static NTSTATUS restore_vf(struct adapter *a, UINT index, enum blob_kind kind, UINT64 size,
                           const BYTE *data) {
    struct blob_check check;
    struct vf *vf;
    NTSTATUS status;

    if (!data || (size == 0 && !DEFECT(101)))
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, index, &vf);
    if (!NT_SUCCESS(status))
        return status;
    check = restore(a, vf, kind, size, data);
    vf_release(vf);
    if (!NT_SUCCESS(check.status) && check.text) /* PASSIVE_LEVEL again; before the failure is returned */
        triage(a, index, DXGK_PARTITION_EVENT_DRIVER_INTERNAL, check.text, check.found, check.expected);
    return check.status;
}

NTSTATUS DDI_CALL reference_restore_immutable_migration_data(
    const HANDLE adapter, const DXGKARG_GPUP_RESTORE_IMMUTABLE_MIGRATION_DATA *args) {
    if (!args)
        return STATUS_INVALID_PARAMETER;
    return restore_vf(adapter, args->vfIndex, BLOB_IMMUTABLE, args->DataSize, args->Data);
}

NTSTATUS DDI_CALL reference_restore_mutable_migration_data(
    const HANDLE adapter, const DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA *args) {
    if (!args)
        return STATUS_INVALID_PARAMETER;
    return restore_vf(adapter, args->vfIndex, BLOB_MUTABLE, args->DataSize, args->Data);
}
