/*
 * Orders to the device. Each takes a free slot, rings its doorbell and waits for the completion interrupt;
 * when none comes in time the slot is looked at once, and an order that is still under way is aborted, which
 * has no effect on the device.
 */
#include "driver.h"

#define TIMEOUT_100NS (-5000000ll) /* 500 ms, relative; TDR would come after 2 s */
#define GPU_SLOT_ARGUMENTS (sizeof(((struct command *)0)->arg) / sizeof(ULONG))
#define SLOT_TIMEOUT_100NS (-20000000ll)

void command_init(struct adapter *a) {
    KeInitializeSpinLock(&a->slots);
    KeInitializeSemaphore(&a->free_slots, GPU_SLOTS, GPU_SLOTS);
    for (struct command_slot *slot = a->slot; slot != a->slot + GPU_SLOTS; slot++) {
        KeInitializeEvent(&slot->done, SynchronizationEvent, FALSE);
        slot->arguments = GPU_SLOT_ARGUMENTS; /* whoever had the device before */
    }
}

static NTSTATUS take_slot(struct adapter *a, ULONG *slot) {
    LARGE_INTEGER timeout = {.QuadPart = SLOT_TIMEOUT_100NS};
    NTSTATUS status = KeWaitForSingleObject(&a->free_slots, Executive, KernelMode, FALSE, &timeout);
    KIRQL irql;

    if (status != STATUS_SUCCESS)
        return STATUS_IO_TIMEOUT;
    KeAcquireSpinLock(&a->slots, &irql);
    for (*slot = GPU_SLOTS; a->slot[--*slot].used;)
        ; /* the semaphore says there is one */
    a->slot[*slot].used = true;
    KeReleaseSpinLock(&a->slots, irql);
    return STATUS_SUCCESS;
}

void release_slot(struct adapter *a, ULONG slot) {
    KIRQL irql;

    KeAcquireSpinLock(&a->slots, &irql);
    a->slot[slot].used = false;
#ifdef REFERENCE_DEFECTS
    a->slot[slot].posted = false;
#endif
    KeReleaseSpinLock(&a->slots, irql);
    KeReleaseSemaphore(&a->free_slots, IO_NO_INCREMENT, 1, FALSE);
}

/* Register accesses are what an order costs: arguments that are zero and were zero are not written again. */
static void write_arguments(struct adapter *a, ULONG slot, const struct command *c) {
    ULONG count = GPU_SLOT_ARGUMENTS, before = a->slot[slot].arguments;

    while (count && !c->arg[count - 1])
        count--;
    for (ULONG i = 0; i < count || i < before; i++)
        write32(a, GPU_REG_SLOT(slot) + GPU_SLOT_ARG(i), c->arg[i]);
    a->slot[slot].arguments = count;
}

static void fill_slot(struct adapter *a, ULONG slot, const struct command *c) {
    ULONG at = GPU_REG_SLOT(slot), size = c->in ? c->in_size : c->out_size;
    UINT64 dma = (UINT64)a->dma_address.QuadPart + (UINT64)slot * DMA_PAGE;

    if (c->in)
        RtlCopyMemory(a->dma + (SIZE_T)slot * DMA_PAGE, c->in, c->in_size);
    write32(a, at + GPU_SLOT_OPCODE, c->opcode);
    write32(a, at + GPU_SLOT_VF, c->vf);
    write32(a, at + GPU_SLOT_FLAGS, c->flags);
    write_arguments(a, slot, c);
    if (c->dma) {
        dma = c->dma;
        size = c->dma_size;
    }
    if (c->in || c->out || c->dma) {
        write32(a, at + GPU_SLOT_DMA_LO, (ULONG)dma);
        write32(a, at + GPU_SLOT_DMA_HI, (ULONG)(dma >> 32));
    }
    write32(a, at + GPU_SLOT_DMA_SIZE, size);
}

static NTSTATUS status_of(ULONG result) {
    switch (result) {
    case GPU_RESULT_OK:
        return STATUS_SUCCESS;
    case GPU_RESULT_OPCODE:
        return STATUS_NOT_SUPPORTED;
    case GPU_RESULT_VF:
    case GPU_RESULT_ARGUMENT:
        return STATUS_INVALID_PARAMETER;
    case GPU_RESULT_STATE:
        return STATUS_INVALID_DEVICE_STATE;
    case GPU_RESULT_BUFFER:
        return STATUS_BUFFER_TOO_SMALL;
    case GPU_RESULT_CONTEXT:
        return STATUS_DATA_ERROR;
    case GPU_RESULT_MEMORY:
        return STATUS_INSUFFICIENT_RESOURCES;
    case GPU_RESULT_ABORTED:
        return STATUS_IO_TIMEOUT;
    default:
        return STATUS_DEVICE_NOT_CONNECTED; /* also all ones: the part is gone */
    }
}

static NTSTATUS wait_slot(struct adapter *a, ULONG slot) {
    LARGE_INTEGER timeout = {.QuadPart = TIMEOUT_100NS};
    ULONG at = GPU_REG_SLOT(slot), state;
    NTSTATUS status;

    do {
        status = KeWaitForSingleObject(&a->slot[slot].done, Executive, KernelMode, FALSE, &timeout);
        state = read32(a, at + GPU_SLOT_STATUS);
    } while (status == STATUS_SUCCESS && state == GPU_SLOT_BUSY); /* the echo of an aborted order */
    if (state == GPU_SLOT_BUSY)
        write32(a, at + GPU_SLOT_DOORBELL, GPU_DOORBELL_ABORT);
    return status_of(read32(a, at + GPU_SLOT_RESULT));
}

#ifdef REFERENCE_DEFECTS /* BUG-135 */
/* Leaves the slot to the DPC. */
static NTSTATUS post_slot(struct adapter *a, ULONG slot) {
    KIRQL irql;

    KeAcquireSpinLock(&a->slots, &irql);
    a->slot[slot].posted = true;
    KeReleaseSpinLock(&a->slots, irql);
    write32(a, GPU_REG_SLOT(slot) + GPU_SLOT_DOORBELL, GPU_DOORBELL_START);
    return STATUS_SUCCESS;
}
#endif

static NTSTATUS run_slot(struct adapter *a, ULONG slot, struct command *c) {
    ULONG at = GPU_REG_SLOT(slot);
    NTSTATUS status;

    if (read32(a, GPU_REG_ID) == MAXULONG)
        return STATUS_DEVICE_NOT_CONNECTED;
    fill_slot(a, slot, c);
    write32(a, at + GPU_SLOT_DOORBELL, GPU_DOORBELL_START);
    status = wait_slot(a, slot);
    c->length = read32(a, at + GPU_SLOT_LENGTH);
    if (NT_SUCCESS(status) && c->out) {
        if (c->length > c->out_size)
            return STATUS_DEVICE_NOT_CONNECTED;
        RtlCopyMemory(c->out, a->dma + (SIZE_T)slot * DMA_PAGE, c->length);
    }
    return status;
}

NTSTATUS command_run(struct adapter *a, struct command *c) {
    NTSTATUS status;
    ULONG slot;

    if (!a->started || !a->power)
        return STATUS_DEVICE_NOT_READY;
    if (c->in_size > DMA_PAGE || c->out_size > DMA_PAGE)
        return STATUS_INVALID_PARAMETER;
    status = take_slot(a, &slot);
    if (!NT_SUCCESS(status))
        return status;
#ifdef REFERENCE_DEFECTS
    if (c->post) {
        fill_slot(a, slot, c);
        return post_slot(a, slot);
    }
#endif
    status = run_slot(a, slot, c);
    release_slot(a, slot);
    return status;
}

NTSTATUS command_vf(struct adapter *a, ULONG opcode, ULONG vf, ULONG argument) {
    struct command c = {.opcode = opcode, .vf = vf, .arg = {argument}};

    return command_run(a, &c);
}

void command_done(struct adapter *a, ULONG slots) {
    for (ULONG i = 0; i < GPU_SLOTS; i++) {
        if (!(slots >> i & 1))
            continue;
#ifdef REFERENCE_DEFECTS
        if (a->slot[i].posted) {
            release_slot(a, i);
            continue;
        }
#endif
        KeSetEvent(&a->slot[i].done, IO_NO_INCREMENT, FALSE);
    }
}
