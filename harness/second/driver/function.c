/* What a virtual function does: run, hold, power, reset, context. */
#include "driver.h"

#define REST_100NS (-20000ll) /* 2 ms, relative; work in flight takes microseconds */
#define FLR 0x8000u

bool quiet(const struct vf *vf) {
    return vf->paused || !vf->powered;
}

/* Work that does not end by itself is undone; the part starts it over later. */
static NTSTATUS wait_for_rest(struct adapter *a, const struct vf *vf) {
    LARGE_INTEGER timeout = {.QuadPart = REST_100NS};
    NTSTATUS status = STATUS_SUCCESS;

    while (status != STATUS_TIMEOUT && !(window(a, vf->index, SECOND_WIN_STATE) & SECOND_STATE_REST))
        status = KeWaitForSingleObject(&a->drained, Executive, KernelMode, FALSE, &timeout);
    if (!(window(a, vf->index, SECOND_WIN_STATE) & SECOND_STATE_REST))
        set_window(a, vf->index, SECOND_WIN_CONTROL,
                   window(a, vf->index, SECOND_WIN_CONTROL) | SECOND_CONTROL_PREEMPT);
    if (!NT_SUCCESS(present(a)))
        return STATUS_DEVICE_REMOVED;
    return window(a, vf->index, SECOND_WIN_STATE) & SECOND_STATE_REST ? STATUS_SUCCESS : STATUS_IO_TIMEOUT;
}

/* Sets or clears one bit beside the other. */
static NTSTATUS control(struct adapter *a, const struct vf *vf, ULONG bit, bool on, bool stops) {
    ULONG now = window(a, vf->index, SECOND_WIN_CONTROL);
    NTSTATUS status = present(a);

    if (!NT_SUCCESS(status))
        return status;
    set_window(a, vf->index, SECOND_WIN_CONTROL, on ? now | bit : now & ~bit);
    status = stops ? wait_for_rest(a, vf) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        set_window(a, vf->index, SECOND_WIN_CONTROL, now);
    return status;
}

NTSTATUS set_natural(struct adapter *a, struct vf *vf, bool run) {
    NTSTATUS status;

    if (run) {
        set_window(a, vf->index, SECOND_WIN_POWER, 0);
        return control(a, vf, SECOND_CONTROL_RUN, true, false);
    }
    status = control(a, vf, SECOND_CONTROL_RUN, false, true);
    if (NT_SUCCESS(status))
        set_window(a, vf->index, SECOND_WIN_POWER, 3); /* taken, since nothing is in flight */
    return status;
}

NTSTATUS set_hold(struct adapter *a, struct vf *vf, bool hold) {
    return control(a, vf, SECOND_CONTROL_HOLD, hold, hold);
}

static NTSTATUS reset(struct adapter *a, const struct vf *vf) {
    NTSTATUS status = present(a);

    if (NT_SUCCESS(status))
        set_config(a, vf->index, SECOND_VFCFG_DEVICE_CONTROL, 0x3, FLR);
    return status;
}

/* Nothing of a guest is left: not running, not held, reset, without power and VRAM. */
NTSTATUS clean(struct adapter *a, struct vf *vf) {
    struct vf empty = {.index = vf->index};
    NTSTATUS status = set_hold(a, vf, true);

    if (NT_SUCCESS(status))
        status = reset(a, vf);
    if (NT_SUCCESS(status))
        status = set_natural(a, vf, false);
    if (NT_SUCCESS(status))
        status = map_apertures(a, &empty);
    if (NT_SUCCESS(status))
        status = set_hold(a, vf, false);
    return status;
}

NTSTATUS map_apertures(struct adapter *a, const struct vf *vf) {
    struct order o = {.code = SECOND_ORDER_APERTURES,
                      .word = {[SECOND_MB_VF] = vf->index, [SECOND_MB_FLAGS] = vf->apertures},
                      .in = vf->aperture,
                      .size = vf->apertures * SECOND_APERTURE_SIZE};

    return give_order(a, &o);
}

NTSTATUS context_length(struct adapter *a, const struct vf *vf, ULONG *length) {
    struct order o = {.code = SECOND_ORDER_CONTEXT_LENGTH, .word = {[SECOND_MB_VF] = vf->index}};
    NTSTATUS status = give_order(a, &o);

    *length = o.length;
    return NT_SUCCESS(status) && o.length > SECOND_DMA_MAX ? STATUS_IO_DEVICE_ERROR : status;
}

/* export: *size is the room, then what was written. */
NTSTATUS context_move(struct adapter *a, const struct vf *vf, bool export, UCHAR *bytes, ULONG *size) {
    struct order o = {.code = export ? SECOND_ORDER_CONTEXT_EXPORT : SECOND_ORDER_CONTEXT_IMPORT,
                      .word = {[SECOND_MB_VF] = vf->index},
                      .in = export ? NULL : bytes,
                      .out = export ? bytes : NULL,
                      .size = *size};
    NTSTATUS status = give_order(a, &o);

    if (NT_SUCCESS(status) && export)
        *size = o.length;
    return status;
}

/* --- DDIs --- */

NTSTATUS DDI_CALL second_set_virtual_function_power_state(HANDLE context,
                                                          DXGKARG_SETVIRTUALFUNCTIONPOWERSTATE *args) {
    struct adapter *a = context;
    struct vf *vf;
    bool on;
    NTSTATUS status;

    if (!args)
        return STATUS_INVALID_PARAMETER;
    if (args->PowerState != PowerDeviceD0 && args->PowerState != PowerDeviceD3)
        return STATUS_NOT_SUPPORTED; /* the part has no states between */
    on = args->PowerState == PowerDeviceD0;
    if (on && args->Wake)
        return STATUS_INVALID_PARAMETER;
    status = enter_vf(a, args->VirtualFunctionIndex, &vf);
    if (!NT_SUCCESS(status))
        return status;
    if (on && !vf->apertures)
        status = STATUS_DEVICE_NOT_READY;
    else if (vf->powered != on)
        status = set_natural(a, vf, on);
    if (NT_SUCCESS(status)) {
        vf->powered = on;
        vf->ever_powered = vf->ever_powered || on;
    }
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_reset_virtual_function(HANDLE context, DXGKARG_RESETVIRTUALFUNCTION *args) {
    struct adapter *a = context;
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->VirtualFunctionIndex, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = reset(a, vf);
    if (NT_SUCCESS(status))
        vmbus_notice(vf, NOTICE_RESET);
    leave(a);
    return status;
}

NTSTATUS DDI_CALL second_set_virtual_function_pause_state(const HANDLE adapter,
                                                          const DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *args) {
    struct adapter *a = adapter;
    struct vf *vf;
    NTSTATUS status = args ? enter_vf(a, args->vfIndex, &vf) : STATUS_INVALID_PARAMETER;

    if (!NT_SUCCESS(status))
        return status;
    status = set_hold(a, vf, args->bPause != FALSE);
    if (NT_SUCCESS(status)) {
        vf->paused = args->bPause != FALSE;
        status = schedule(a);
    }
    leave(a);
    return status;
}
