/* One virtual function: power, reset, context. */
#include "driver.h"

struct vf *vf_find(struct adapter *a, ULONG index) {
    if (!a || !a->started || index >= a->partitions || !a->vf[index].created)
        return NULL;
    return &a->vf[index];
}

NTSTATUS vf_acquire(struct adapter *a, ULONG index, struct vf **vf) {
    if (!a || !a->started || index >= a->partitions)
        return STATUS_INVALID_PARAMETER;
    *vf = &a->vf[index];
    ExAcquireFastMutex(&(*vf)->lock);
    if ((*vf)->created)
        return STATUS_SUCCESS;
    ExReleaseFastMutex(&(*vf)->lock);
    return STATUS_INVALID_PARAMETER;
}

void vf_release(struct vf *vf) {
    ExReleaseFastMutex(&vf->lock);
}

NTSTATUS vf_command(struct adapter *a, ULONG opcode, ULONG vf) {
    struct command c = {.opcode = opcode, .vf = vf};

    return command_run(a, &c);
}

bool vf_quiet(const struct vf *vf) {
    return vf->paused || !vf->powered;
}

static NTSTATUS power_on(struct adapter *a, struct vf *vf) {
    NTSTATUS status = command_vf(a, GPU_COMMAND_VF_POWER, vf->index, 0);

    if (!NT_SUCCESS(status))
        return status;
    msix_flush(a, vf);
    if (DEFECT(181))
        status = reserve_map(a, vf);
    if (!NT_SUCCESS(status))
        return status;
    if (DEFECT(133))
        (void)vf_command(a, GPU_COMMAND_VF_RESUME, vf->index);
    status = vf_command(a, GPU_COMMAND_VF_ENABLE, vf->index);
    if (!NT_SUCCESS(status))
        (void)command_vf(a, GPU_COMMAND_VF_POWER, vf->index, 3);
    return status;
}

static NTSTATUS power_off(struct adapter *a, struct vf *vf) {
    NTSTATUS status = vf_command(a, GPU_COMMAND_VF_DISABLE, vf->index);

    if (!NT_SUCCESS(status))
        return status;
    status = command_vf(a, GPU_COMMAND_VF_POWER, vf->index, 3);
    if (!NT_SUCCESS(status))
        (void)vf_command(a, GPU_COMMAND_VF_ENABLE, vf->index);
    return status;
}

NTSTATUS vf_set_power(struct adapter *a, struct vf *vf, bool on) {
    NTSTATUS status;

    if (vf->powered == on)
        return STATUS_SUCCESS;
    status = on ? power_on(a, vf) : power_off(a, vf);
    if (!NT_SUCCESS(status))
        return status;
    vf->powered = on;
    if (!on && DEFECT(178))
        (void)vf_command(a, GPU_COMMAND_VF_FLR, vf->index);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_set_virtual_function_power_state(HANDLE context,
                                                             DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status;

    if (!args || (args->PowerState != PowerDeviceD0 && args->PowerState != PowerDeviceD3))
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, args->VirtualFunctionIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    if (args->PowerState == PowerDeviceD0 && vf->reserve_count == 0)
        status = STATUS_INVALID_DEVICE_STATE; /* nothing to run on yet */
    else
        status = vf_set_power(a, vf, args->PowerState == PowerDeviceD0);
    vf_release(vf);
    return status;
}

NTSTATUS vf_reset(struct adapter *a, struct vf *vf) {
    NTSTATUS status = vf_command(a, GPU_COMMAND_VF_FLR, vf->index);

    if (!NT_SUCCESS(status))
        return status;
    msix_was_reset(vf);
    if (DEFECT(133))
        (void)vf_command(a, GPU_COMMAND_VF_RESUME, vf->index);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_reset_virtual_function(HANDLE context, DXGKARG_RESETVIRTUALFUNCTION *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status;

    if (!args)
        return STATUS_INVALID_PARAMETER;
    status = vf_acquire(a, args->VirtualFunctionIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    status = vf_reset(a, vf);
    vf_release(vf);
    if (NT_SUCCESS(status))
        triage(a, args->VirtualFunctionIndex, DXGK_PARTITION_EVENT_FUNCTION_LEVEL_RESET,
               "function level reset of a VF", 0, 0);
    return status;
}

NTSTATUS vf_context_size(struct adapter *a, ULONG vf, ULONG *size) {
    struct command c = {.opcode = GPU_COMMAND_CONTEXT_SIZE, .vf = vf};
    NTSTATUS status = command_run(a, &c);

    if (NT_SUCCESS(status) && (c.length == 0 || c.length > DMA_PAGE))
        return STATUS_DEVICE_NOT_CONNECTED;
    *size = c.length;
    return status;
}

/* size: as vf_context_size says. */
NTSTATUS vf_context(struct adapter *a, ULONG vf, bool save, UCHAR *bytes, ULONG size) {
    struct command c = {.opcode = save ? GPU_COMMAND_VF_SAVE : GPU_COMMAND_VF_RESTORE, .vf = vf};

    if (save) {
        c.out = bytes;
        c.out_size = size;
    } else {
        c.in = bytes;
        c.in_size = size;
    }
    return command_run(a, &c);
}
