/* Live migration of one VF. A session changes shares of time and who may restore; saving needs none. */
#include "driver.h"

static NTSTATUS prepare(struct adapter *a, struct vf *vf, enum session wanted) {
    NTSTATUS status;

    if (vf->session != NO_SESSION)
        return vf->session == wanted ? STATUS_SUCCESS : STATUS_DEVICE_BUSY; /* the same again: nothing new */
    if (wanted == TARGET && !quiet(vf))
        return STATUS_DEVICE_BUSY;
    vf->session = wanted;
    vf->immutable_restored = false;
    status = schedule(a);
    if (NT_SUCCESS(status))
        vmbus_notice(vf, NOTICE_MIGRATION);
    else
        vf->session = NO_SESSION;
    return status;
}

NTSTATUS DDI_CALL second_prepare_live_migration(const HANDLE adapter,
                                                const DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status = args && (ULONG)args->MigrationType <= DXGK_GPUP_MIGRATIONTYPE_TARGET
                          ? enter_vf(a, args->vfIndex, &vf)
                          : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = prepare(a, vf, args->MigrationType == DXGK_GPUP_MIGRATIONTYPE_TARGET ? TARGET : SOURCE);
    leave(a);
    return status;
}

/* Without a session there is nothing to end, and that is no error. */
NTSTATUS DDI_CALL second_end_live_migration(const HANDLE adapter, UINT index) {
    struct adapter *a = adapter;
    struct vf *vf;
    enum session before;
    NTSTATUS status = enter_vf(a, index, &vf);

    if (!NT_SUCCESS(status))
        return status;
    before = vf->session;
    vf->session = NO_SESSION;
    if (before != NO_SESSION)
        status = schedule(a);
    if (!NT_SUCCESS(status))
        vf->session = before;
    else if (before != NO_SESSION)
        vmbus_notice(vf, NOTICE_MIGRATION_OVER);
    leave(a);
    return status;
}

/* What was asked for and is not needed is zero; a buffer behind that is left alone. */
static NTSTATUS save_data(struct adapter *a, const struct vf *vf, enum blob kind, ULONG context_size,
                          ULONG room, BYTE *data, UINT64 *size) {
    UCHAR *context = allocate(context_size);
    NTSTATUS status = context ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    ULONG used;

    if (context && kind == MUTABLE)
        status = context_move(a, vf, true, context, &context_size);
    if (NT_SUCCESS(status)) {
        used = blob_write(a, vf, kind, data, context, context_size);
        RtlZeroMemory(data + used, room - used);
        *size = used;
    }
    release(context);
    return status;
}

/* No Data, whatever the size says: a question for the size. */
static NTSTATUS save(struct adapter *a, const struct vf *vf, enum blob kind, UINT64 *size, BYTE *data) {
    ULONG context = 0, room;
    NTSTATUS status = STATUS_SUCCESS;

    if (vf->session == TARGET || (kind == MUTABLE && !quiet(vf)))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (kind == MUTABLE)
        status = context_length(a, vf, &context);
    if (!NT_SUCCESS(status))
        return status;
    room = blob_room(kind, context);
    if (!data) {
        *size = room;
        return STATUS_SUCCESS;
    }
    return *size < room ? STATUS_INVALID_BUFFER_SIZE : save_data(a, vf, kind, context, room, data, size);
}

static NTSTATUS save_vf(struct adapter *a, UINT index, enum blob kind, UINT64 *size, BYTE *data) {
    struct vf *vf;
    NTSTATUS status = size ? enter_vf(a, index, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = save(a, vf, kind, size, data);
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_save_immutable_migration_data(const HANDLE adapter,
                                                       DXGKARG_GPUP_SAVE_IMMUTABLE_MIGRATION_DATA *args) {
    return args ? save_vf(adapter, args->vfIndex, IMMUTABLE, args->DataSize, args->Data)
                : STATUS_INVALID_PARAMETER;
}

NTSTATUS DDI_CALL second_save_mutable_migration_data(const HANDLE adapter,
                                                     DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *args) {
    return args ? save_vf(adapter, args->vfIndex, MUTABLE, args->DataSize, args->Data)
                : STATUS_INVALID_PARAMETER;
}

/* `data` is a private copy. What is restored a second time has the effect of the first. */
static struct refusal restore(struct adapter *a, struct vf *vf, enum blob kind, UCHAR *data, ULONG size) {
    struct refusal why = {.status = STATUS_INVALID_DEVICE_REQUEST};
    const UCHAR *block;
    UCHAR *context;
    ULONG context_size;

    if (vf->session != TARGET || !quiet(vf) || (kind == MUTABLE && !vf->immutable_restored))
        return why;
    why = blob_read(a, vf, kind, data, size, &context, &context_size, &block);
    if (NT_SUCCESS(why.status) && kind == MUTABLE) {
        why.status = context_move(a, vf, false, context, &context_size);
        if (NT_SUCCESS(why.status))
            RtlCopyMemory(vf->block, block, sizeof vf->block);
        else
            why.text = "the part refuses the context";
    }
    vf->immutable_restored = vf->immutable_restored || NT_SUCCESS(why.status);
    return why;
}

static NTSTATUS restore_vf(struct adapter *a, UINT index, enum blob kind, UINT64 size, const BYTE *data) {
    ULONG looked_at = size < BLOB_MAX ? (ULONG)size : BLOB_MAX;
    struct refusal why = {.status = STATUS_NO_MEMORY};
    struct vf *vf;
    UCHAR *copy;
    NTSTATUS status = data && size ? enter_vf(a, index, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    copy = allocate(looked_at);
    if (copy) {
        RtlCopyMemory(copy, data, looked_at);
        why = restore(a, vf, kind, copy, looked_at);
    }
    release(copy);
    if (!NT_SUCCESS(why.status) && why.text)
        triage(a, index, &why);
    leave(a);
    return why.status;
}

NTSTATUS DDI_CALL second_restore_immutable_migration_data(
    const HANDLE adapter, const DXGKARG_GPUP_RESTORE_IMMUTABLE_MIGRATION_DATA *args) {
    return args ? restore_vf(adapter, args->vfIndex, IMMUTABLE, args->DataSize, args->Data)
                : STATUS_INVALID_PARAMETER;
}

NTSTATUS DDI_CALL second_restore_mutable_migration_data(
    const HANDLE adapter, const DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA *args) {
    return args ? restore_vf(adapter, args->vfIndex, MUTABLE, args->DataSize, args->Data)
                : STATUS_INVALID_PARAMETER;
}
