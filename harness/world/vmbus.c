/* SetVirtualGpuVmBus, and what guest and host do with the channels. */
#include "internal.h"

/* handle: 1 a fresh handle of this vGPU's VM (the default), 0 the one in use; null, invalid as named. */
void op_set_vmbus(struct host *h, uint32_t vf, const struct gpup_value *which) {
    struct ddi_call c;
    HANDLE handle = NULL, old = vf < GPUP_MAX_VFS ? h->vf[vf].vmbus : NULL;
    if (which->symbol == GPUP_SYMBOL_INVALID)
        handle = (HANDLE)(intptr_t)-1;
    else if (which->symbol != GPUP_SYMBOL_NULL)
        handle = which->number == 0 && old ? old : gpup_vmbus_handle(h->os, vf);
    uint64_t a[] = {vf, handle == (HANDLE)(intptr_t)-1 ? UINT64_MAX : (uint64_t)(uintptr_t)handle};
    if (world_never(h, !handle || which->symbol == GPUP_SYMBOL_INVALID,
                    "the OS passes a real VMBus handle") ||
        !ddi_begin(&c, h, GPUP_DDI_SetVirtualGpuVmBus, a, 2, GPUP_SLOT_NONE))
        return;
    DXGKARG_SETVIRTUALGPUVMBUS *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        *args = (DXGKARG_SETVIRTUALGPUVMBUS){vf, handle};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    if (c.success && vf < GPUP_MAX_VFS) {
        h->vf[vf].vmbus = handle;
        if (old && old != handle)
            gpup_vmbus_close_handle(h->os, old);
    }
}

void do_SetVirtualGpuVmBus(struct host *h, const struct gpup_step *s) {
    op_set_vmbus(h, s->vf, &s->f[GPUP_SetVirtualGpuVmBus_handle]);
}
