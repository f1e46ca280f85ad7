/* The pause overlay: one bit beside the run state, changed by nothing else. */
#include "driver.h"

static bool wants_pause(const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *args) {
    ULONG word;

    if (!DEFECT(130))
        return args->bPause != 0;
    RtlCopyMemory(&word, &args->bPause, sizeof word);
    return word != 0;
}

/* Seeded: whether a unit of work is in flight. */
static bool is_busy(const struct adapter *a, const struct vf *vf) {
    return (read32(a, GPU_REG_VF(vf->index) + GPU_VF_FLAGS) & GPU_VF_BUSY) != 0;
}

/* Seeded: the VF after it, where there is one. */
static ULONG next_vf(const struct adapter *a, const struct vf *vf) {
    ULONG next = (vf->index + 1) % a->partitions;

    return a->vf[next].powered ? next : vf->index;
}

static NTSTATUS set_pause(struct adapter *a, struct vf *vf, bool pause) {
    struct command c = {.opcode = pause ? GPU_COMMAND_VF_PAUSE : GPU_COMMAND_VF_RESUME,
                        .vf = DEFECT(136) ? next_vf(a, vf) : vf->index,
                        .post = DEFECT(135) && pause && is_busy(a, vf)};
    NTSTATUS status = command_run(a, &c);

    if (!NT_SUCCESS(status))
        return status;
    vf->paused = pause;
    if (DEFECT(131) && !pause && !vf->powered)
        (void)vf_set_power(a, vf, true);
    /* Paging gets the time that the VF of a source session does not use while it stands still. */
    if (vf->session && vf->session->type == DXGK_GPUP_MIGRATIONTYPE_SOURCE)
        (void)schedule_mode(a, vf->index, pause ? SCHEDULE_SOURCE_PAUSED : SCHEDULE_SOURCE);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_set_virtual_function_pause_state(
    const HANDLE adapter, const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status;

    if (!args)
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, args->vfIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    status = set_pause(a, vf, wants_pause(args));
    vf_release(vf);
    return status;
}
