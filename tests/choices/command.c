/* Orders whose status is polled: up to 500 ms, as long as the driver that waits for the interrupt. Orders
 * that are posted: their slots are free again when they are done. */
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
#define command_run run_now
#define command_done done_now
NTSTATUS run_now(struct adapter *a, struct command *c);
void done_now(struct adapter *a, ULONG slots);
#include "../../harness/reference/command.c" /* NOLINT(bugprone-suspicious-include) */
#undef command_run
#undef command_done

static bool is_posted(const struct extra *x, const struct command *c) {
    return x && choice[CHOICE_posts] &&
           (c->opcode == GPU_COMMAND_VF_RESUME || c->opcode == GPU_COMMAND_VF_ENABLE ||
            (c->opcode == GPU_COMMAND_SCHED_SET && x->easing));
}

NTSTATUS command_run(struct adapter *a, struct command *c) {
    struct extra *x = extra_of(a);
    NTSTATUS status;
    ULONG slot;
    KIRQL irql;

    if (!is_posted(x, c))
        return run_now(a, c);
    if (!a->started || !a->power)
        return STATUS_DEVICE_NOT_READY;
    status = take_slot(a, &slot);
    if (!NT_SUCCESS(status))
        return status;
    fill_slot(a, slot, c);
    KeAcquireSpinLock(&a->slots, &irql);
    x->posted |= 1u << slot;
    KeReleaseSpinLock(&a->slots, irql);
    write32(a, GPU_REG_SLOT(slot) + GPU_SLOT_DOORBELL, GPU_DOORBELL_START);
    return STATUS_SUCCESS;
}

/* Before registers and interrupts go. */
void await_posted(struct adapter *a, const struct extra *x) {
    LARGE_INTEGER step = {.QuadPart = -(LONGLONG)STEP_US * 10};

    for (ULONG i = 0; a->power && x->posted && i < STEPS; i++)
        (void)KeDelayExecutionThread(KernelMode, FALSE, &step);
}

void command_done(struct adapter *a, ULONG slots) {
    struct extra *x = extra_of(a);
    ULONG posted = 0;
    KIRQL irql;

    if (x) {
        KeAcquireSpinLock(&a->slots, &irql);
        posted = x->posted & slots;
        x->posted &= ~posted;
        KeReleaseSpinLock(&a->slots, irql);
    }
    for (ULONG i = 0; i < GPU_SLOTS; i++)
        if (posted >> i & 1)
            release_slot(a, i);
    done_now(a, slots & ~posted);
}
