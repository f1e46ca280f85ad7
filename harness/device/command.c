/* Command slots: start, completion, abort. What the commands do is in execute.c. */
#include "state.h"
#include <string.h>

/* Commands that let work in flight end first, and keep new work from starting meanwhile. */
static bool drains(const struct gpu_slot *slot) {
    return slot->opcode == GPU_COMMAND_VF_PAUSE || slot->opcode == GPU_COMMAND_VF_DISABLE ||
           (slot->opcode == GPU_COMMAND_VF_POWER && slot->arg[0] != 0);
}

static void start(struct gpu *gpu, struct gpu_slot *slot) {
    slot->status = GPU_SLOT_BUSY;
    slot->result = GPU_RESULT_OK;
    slot->length = 0;
    slot->drains = false;
    slot->due = GPU_NEVER;
    gpu->next_valid = false;
    if (gpu->lose && gpu->lose_after) {
        gpu->lose_after--;
    } else if (gpu->lose) {
        gpu->lose--; /* it never even starts: no effect, no completion */
        return;
    }
    slot->due = gpu->now + gpu_execute_time(gpu, slot);
    if (!drains(slot) || slot->vf >= gpu->vfs)
        return;
    struct gpu_vf *vf = &gpu->vf[slot->vf];
    slot->drains = true;
    vf->draining++;
    if (vf->busy && vf->busy_until > slot->due)
        slot->due = vf->busy_until;
}

static void undrain(struct gpu *gpu, struct gpu_slot *slot) {
    if (!slot->drains)
        return;
    slot->drains = false;
    gpu->vf[slot->vf].draining--;
}

static void done(struct gpu *gpu, struct gpu_slot *slot, uint32_t result) {
    slot->status = GPU_SLOT_DONE;
    slot->result = result;
    slot->due = GPU_NEVER;
    gpu->next_valid = false;
    if (slot->vf < gpu->vfs)
        gpu_sched_kick(gpu, slot->vf);
}

void gpu_slot_complete(struct gpu *gpu, uint32_t slot) {
    struct gpu_slot *s = &gpu->slot[slot];
    undrain(gpu, s);
    done(gpu, s, gpu_execute(gpu, s));
    gpu->command_done |= 1u << slot;
    gpu_completion_record(gpu, slot);
    gpu_interrupt(gpu, GPU_INT_COMPLETION);
}

static void doorbell(struct gpu *gpu, struct gpu_slot *slot, uint32_t value) {
    if (value == GPU_DOORBELL_START && slot->status != GPU_SLOT_BUSY) {
        start(gpu, slot);
    } else if (value == GPU_DOORBELL_ABORT && slot->status == GPU_SLOT_BUSY) {
        undrain(gpu, slot);
        slot->length = 0;
        done(gpu, slot, GPU_RESULT_ABORTED);
    }
}

void gpu_slots_reset(struct gpu *gpu) {
    for (uint32_t i = 0; i < GPU_SLOTS; i++) {
        undrain(gpu, &gpu->slot[i]);
        memset(&gpu->slot[i], 0, sizeof(gpu->slot[i]));
        gpu->slot[i].due = GPU_NEVER;
    }
    gpu->next_valid = false;
}

/* The register at `offset` of a slot, or NULL. */
static uint32_t *word(struct gpu_slot *slot, uint32_t offset, bool *writable) {
    *writable = slot->status != GPU_SLOT_BUSY;
    if (offset >= GPU_SLOT_ARG(0) && offset <= GPU_SLOT_ARG(7))
        return &slot->arg[(offset - GPU_SLOT_ARG(0)) / 4];
    switch (offset) {
    case GPU_SLOT_OPCODE:
        return &slot->opcode;
    case GPU_SLOT_VF:
        return &slot->vf;
    case GPU_SLOT_TAG:
        return &slot->tag;
    case GPU_SLOT_FLAGS:
        return &slot->flags;
    case GPU_SLOT_DMA_LO:
        return &slot->dma_lo;
    case GPU_SLOT_DMA_HI:
        return &slot->dma_hi;
    case GPU_SLOT_DMA_SIZE:
        return &slot->dma_size;
    default:
        break;
    }
    *writable = false;
    switch (offset) {
    case GPU_SLOT_STATUS:
        return &slot->status;
    case GPU_SLOT_RESULT:
        return &slot->result;
    case GPU_SLOT_LENGTH:
        return &slot->length;
    default:
        return NULL;
    }
}

uint32_t gpu_slot_read(const struct gpu *gpu, uint32_t offset) {
    struct gpu_slot *slot = (struct gpu_slot *)&gpu->slot[offset / 0x100]; /* only read */
    bool writable;
    const uint32_t *value = word(slot, offset % 0x100, &writable);
    return value ? *value : 0;
}

void gpu_slot_write(struct gpu *gpu, uint32_t offset, uint32_t value) {
    struct gpu_slot *slot = &gpu->slot[offset / 0x100];
    bool writable;
    uint32_t *target = word(slot, offset % 0x100, &writable);
    if (offset % 0x100 == GPU_SLOT_DOORBELL)
        doorbell(gpu, slot, value);
    else if (target && writable)
        *target = value;
}
