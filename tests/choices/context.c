/* Contexts of VFs without power, kept until D0; time of VFs that do not run. */
#include "choices.h"
#define vf_context context_now
#define reference_set_virtual_function_power_state power_now
#define vf_reset reset_now
NTSTATUS context_now(struct adapter *a, ULONG vf, bool save, UCHAR *bytes, ULONG size);
NTSTATUS reset_now(struct adapter *a, struct vf *vf);
DXGKDDI_SETVIRTUALFUNCTIONPOWERSTATE power_now;
#include "../../harness/reference/vf.c" /* NOLINT(bugprone-suspicious-include) */
#undef vf_context
#undef reference_set_virtual_function_power_state
#undef vf_reset

void drop_stash(struct adapter *a, ULONG vf) {
    struct extra *x = extra_of(a);

    if (!x || vf >= GPU_MAX_VFS)
        return;
    release(x->stash[vf]);
    x->stash[vf] = NULL;
}

static NTSTATUS apply_stash(struct adapter *a, ULONG vf) {
    struct extra *x = extra_of(a);
    NTSTATUS status = STATUS_SUCCESS;

    if (x && x->stash[vf])
        status = context_now(a, vf, false, x->stash[vf], x->stash_size[vf]);
    if (NT_SUCCESS(status))
        drop_stash(a, vf);
    return status;
}

void bring_stash(struct adapter *a, ULONG index) {
    struct vf *vf;

    if (!NT_SUCCESS(vf_acquire(a, index, &vf)))
        return;
    (void)apply_stash(a, index);
    vf_release(vf);
}

/* The next driver finds it in the part. */
void bring_stashes(struct adapter *a) {
    for (ULONG i = 0; i < GPU_MAX_VFS; i++)
        bring_stash(a, i);
}

NTSTATUS vf_context(struct adapter *a, ULONG vf, bool save, UCHAR *bytes, ULONG size) {
    struct extra *x = extra_of(a);
    NTSTATUS status;

    if (save || !choice[CHOICE_deferred] || !x || a->vf[vf].powered) {
        status = apply_stash(a, vf);
        return NT_SUCCESS(status) ? context_now(a, vf, save, bytes, size) : status;
    }
    drop_stash(a, vf);
    x->stash[vf] = allocate(size);
    if (!x->stash[vf])
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(x->stash[vf], bytes, size);
    x->stash_size[vf] = size;
    return STATUS_SUCCESS;
}

/* [vf's lock] */
static void forget_session(struct adapter *a, struct vf *vf) {
    if (!choice[CHOICE_forgets] || !vf->session)
        return;
    (void)schedule_mode(a, vf->index, SCHEDULE_NORMAL);
    release(vf->session);
    vf->session = NULL;
}

NTSTATUS vf_reset(struct adapter *a, struct vf *vf) {
    NTSTATUS status = apply_stash(a, vf->index);

    if (NT_SUCCESS(status))
        status = reset_now(a, vf);
    if (NT_SUCCESS(status))
        forget_session(a, vf);
    return status;
}

static void share_out(struct adapter *a) {
    if (!choice[CHOICE_idle] || !a || !a->started || !a->power)
        return;
    ExAcquireFastMutex(&a->schedule_lock);
    (void)schedule_apply(a);
    ExReleaseFastMutex(&a->schedule_lock);
}

NTSTATUS DDI_CALL reference_set_virtual_function_power_state(HANDLE context,
                                                             DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status = STATUS_SUCCESS;

    if (args && NT_SUCCESS(vf_acquire(a, args->VirtualFunctionIndex, &vf))) {
        if (args->PowerState == PowerDeviceD0 && !vf->powered)
            status = apply_stash(a, vf->index);
        if (NT_SUCCESS(status) && args->PowerState == (vf->powered ? PowerDeviceD3 : PowerDeviceD0))
            forget_session(a, vf);
        vf_release(vf);
    }
    if (NT_SUCCESS(status))
        status = power_now(context, args);
    share_out(a);
    return status;
}

#define reference_set_virtual_function_pause_state pause_now
DXGKDDI_SETVIRTUALFUNCTIONPAUSESTATE pause_now;
#include "../../harness/reference/pause.c" /* NOLINT(bugprone-suspicious-include) */
#undef reference_set_virtual_function_pause_state

NTSTATUS DDI_CALL reference_set_virtual_function_pause_state(
    const HANDLE adapter, const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *args) {
    NTSTATUS status = pause_now(adapter, args);

    share_out(adapter);
    return status;
}
