/* Interrupt routine and DPC: a completion wakes the thread that waits for its slot. */
#include "driver.h"

BOOLEAN DDI_CALL reference_interrupt(const PVOID context, ULONG message) {
    struct adapter *a = context;
    ULONG status;

    if (!a || !a->bar0 || message != GPU_PF_MESSAGE)
        return FALSE;
    status = read32(a, GPU_REG_INT_STATUS);
    if (status == 0 || status == MAXULONG) /* not ours, or the part is gone */
        return FALSE;
    write32(a, GPU_REG_INT_STATUS, status);
    a->dxgkrnl.DxgkCbQueueDpc(a->dxgkrnl.DeviceHandle);
    return TRUE;
}

VOID DDI_CALL reference_dpc(const PVOID context) {
    struct adapter *a = context;
    ULONG done;

    if (!a || !a->bar0)
        return;
    done = read32(a, GPU_REG_COMMAND_DONE);
    if (done == MAXULONG)
        return;
    write32(a, GPU_REG_COMMAND_DONE, done);
    command_done(a, done);
}
