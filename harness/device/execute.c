/* What each command does, at the moment it completes. */
#include "state.h"

static uint64_t pair(const struct gpu_slot *slot, unsigned low) {
    return slot->arg[low] | (uint64_t)slot->arg[low + 1] << 32;
}

static uint64_t buffer(const struct gpu_slot *slot) {
    return slot->dma_lo | (uint64_t)slot->dma_hi << 32;
}

/* Segment, offset and size of ARG0..ARG4; false: outside, empty, or no multiple of `unit`. */
static bool range(const struct gpu *gpu, const struct gpu_slot *slot, uint64_t unit, uint32_t *segment,
                  uint64_t *offset, uint64_t *size) {
    *segment = slot->arg[0] - 1;
    *offset = pair(slot, 1);
    *size = pair(slot, 3);
    return slot->arg[0] >= 1 && slot->arg[0] <= gpu->segments && *size != 0 &&
           (*offset | *size) % unit == 0 && gpu_inside(*offset, *size, gpu->segment[*segment].size);
}

/* Bytes of a dirty bit in the segment of ARG0; 0: no plane, or no such segment. */
static uint32_t page_of(const struct gpu *gpu, const struct gpu_slot *slot) {
    return slot->arg[0] >= 1 && slot->arg[0] <= gpu->segments ? gpu->segment[slot->arg[0] - 1].page : 0;
}

static uint32_t run_list(struct gpu *gpu, const struct gpu_slot *slot) {
    struct gpu_vf *vf = &gpu->vf[slot->vf];
    switch (slot->opcode) {
    case GPU_COMMAND_VF_ENABLE:
    case GPU_COMMAND_VF_DISABLE:
        vf->enabled = slot->opcode == GPU_COMMAND_VF_ENABLE;
        break;
    default:
        vf->paused = slot->opcode == GPU_COMMAND_VF_PAUSE;
        break;
    }
    gpu_changed(gpu, slot->vf, GPUP_OBSERVER_schedule);
    return GPU_RESULT_OK;
}

static uint32_t power(struct gpu *gpu, const struct gpu_slot *slot) {
    if (slot->arg[0] != 0 && slot->arg[0] != 3)
        return GPU_RESULT_ARGUMENT;
    if (!gpu_vf_exists(gpu, slot->vf))
        return GPU_RESULT_STATE;
    gpu->vf[slot->vf].powered = slot->arg[0] == 0;
    gpu_changed(gpu, slot->vf, GPUP_OBSERVER_schedule | GPUP_OBSERVER_msix_table);
    gpu_msix_flush(gpu, slot->vf);
    return GPU_RESULT_OK;
}

static bool quiet(const struct gpu *gpu, uint32_t vf) {
    return !gpu_sched_runs(gpu, vf) && !gpu->vf[vf].busy;
}

static uint32_t map(struct gpu *gpu, const struct gpu_slot *slot) {
    uint32_t count = slot->arg[0];
    if (count > GPU_RANGES_MAX)
        return GPU_RESULT_ARGUMENT;
    if (slot->dma_size < count * GPU_RANGE_SIZE || slot->dma_size > GPU_DMA_MAX)
        return GPU_RESULT_BUFFER;
    if (!quiet(gpu, slot->vf))
        return GPU_RESULT_STATE;
    return gpu_map_load(gpu, slot->vf, buffer(slot), count);
}

static uint32_t fill(struct gpu *gpu, const struct gpu_slot *slot) {
    uint32_t segment;
    uint64_t offset, size;
    if (!range(gpu, slot, 4, &segment, &offset, &size))
        return GPU_RESULT_ARGUMENT;
    return gpu_vram_fill(gpu, segment, offset, size, slot->arg[5]) ? GPU_RESULT_OK : GPU_RESULT_MEMORY;
}

/* Whole copy first, clear afterwards: a buffer that does not answer must not cost a bit. */
static uint32_t dirty_read(struct gpu *gpu, struct gpu_slot *slot, uint32_t segment, uint64_t first,
                           uint64_t count) {
    uint64_t bytes = (count + 7) / 8;
    slot->length = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    if (slot->dma_size < bytes || slot->dma_size > GPU_DMA_MAX)
        return GPU_RESULT_BUFFER;
    for (uint64_t done = 0; done < bytes; done += 512) {
        uint8_t bits[512];
        uint64_t pages = count - done * 8 < 4096 ? count - done * 8 : 4096;
        gpu_dirty_copy(gpu, segment, first + done * 8, pages, bits);
        if (!gpu->dma_write || !gpu->dma_write(gpu->dma_context, buffer(slot) + done, bits, (pages + 7) / 8))
            return GPU_RESULT_DMA;
    }
    if (slot->flags & GPU_FLAG_CLEAR)
        gpu_dirty_clear(gpu, segment, first, count);
    return GPU_RESULT_OK;
}

static uint32_t dirty(struct gpu *gpu, struct gpu_slot *slot) {
    uint32_t segment;
    uint64_t offset, size;
    uint32_t page = page_of(gpu, slot);
    if (!page || !range(gpu, slot, page, &segment, &offset, &size))
        return GPU_RESULT_ARGUMENT;
    switch (slot->opcode) {
    case GPU_COMMAND_TRACK_START:
    case GPU_COMMAND_TRACK_STOP:
        return gpu_dirty_track(gpu, segment, offset, size, slot->opcode == GPU_COMMAND_TRACK_START);
    case GPU_COMMAND_DIRTY_READ:
        return dirty_read(gpu, slot, segment, offset / page, size / page);
    default:
        gpu_dirty_clear(gpu, segment, offset / page, size / page);
        return GPU_RESULT_OK;
    }
}

static uint32_t save(struct gpu *gpu, struct gpu_slot *slot) {
    uint8_t bytes[GPU_CONTEXT_SIZE];
    slot->length = sizeof(bytes);
    if (!quiet(gpu, slot->vf))
        return GPU_RESULT_STATE;
    if (slot->dma_size < sizeof(bytes) || slot->dma_size > GPU_DMA_MAX)
        return GPU_RESULT_BUFFER;
    gpu_context_save(gpu, slot->vf, bytes);
    if (!gpu->dma_write || !gpu->dma_write(gpu->dma_context, buffer(slot), bytes, sizeof(bytes)))
        return GPU_RESULT_DMA;
    return GPU_RESULT_OK;
}

static uint32_t restore(struct gpu *gpu, struct gpu_slot *slot) {
    uint8_t bytes[GPU_CONTEXT_SIZE];
    if (!quiet(gpu, slot->vf))
        return GPU_RESULT_STATE;
    slot->length = sizeof(bytes);
    if (slot->dma_size != sizeof(bytes))
        return GPU_RESULT_BUFFER;
    if (!gpu->dma_read || !gpu->dma_read(gpu->dma_context, buffer(slot), bytes, sizeof(bytes)))
        return GPU_RESULT_DMA;
    return gpu_context_restore(gpu, slot->vf, bytes, sizeof(bytes)) ? GPU_RESULT_OK : GPU_RESULT_CONTEXT;
}

static uint32_t execute_vf(struct gpu *gpu, struct gpu_slot *slot) {
    switch (slot->opcode) {
    case GPU_COMMAND_VF_ENABLE:
    case GPU_COMMAND_VF_DISABLE:
    case GPU_COMMAND_VF_PAUSE:
    case GPU_COMMAND_VF_RESUME:
        return run_list(gpu, slot);
    case GPU_COMMAND_VF_FLR:
        gpu_vf_reset(gpu, slot->vf);
        return GPU_RESULT_OK;
    case GPU_COMMAND_VF_POWER:
        return power(gpu, slot);
    case GPU_COMMAND_VF_MAP:
        return map(gpu, slot);
    case GPU_COMMAND_CONTEXT_SIZE:
        slot->length = GPU_CONTEXT_SIZE;
        return GPU_RESULT_OK;
    case GPU_COMMAND_VF_SAVE:
        return save(gpu, slot);
    default:
        return restore(gpu, slot);
    }
}

uint32_t gpu_execute(struct gpu *gpu, struct gpu_slot *slot) {
    switch (slot->opcode) {
    case GPU_COMMAND_NOP:
        return GPU_RESULT_OK;
    case GPU_COMMAND_SCHED_SET:
        if (slot->vf >= gpu->vfs && slot->vf != GPU_VF_NONE)
            return GPU_RESULT_VF;
        return gpu_sched_shares(gpu, slot->vf, slot->arg[0], slot->arg[1]) ? GPU_RESULT_OK
                                                                           : GPU_RESULT_ARGUMENT;
    case GPU_COMMAND_FILL:
        return fill(gpu, slot);
    case GPU_COMMAND_TRACK_START:
    case GPU_COMMAND_TRACK_STOP:
    case GPU_COMMAND_DIRTY_READ:
    case GPU_COMMAND_DIRTY_CLEAR:
        return dirty(gpu, slot);
    case GPU_COMMAND_VF_ENABLE:
    case GPU_COMMAND_VF_DISABLE:
    case GPU_COMMAND_VF_PAUSE:
    case GPU_COMMAND_VF_RESUME:
    case GPU_COMMAND_VF_FLR:
    case GPU_COMMAND_VF_POWER:
    case GPU_COMMAND_VF_MAP:
    case GPU_COMMAND_CONTEXT_SIZE:
    case GPU_COMMAND_VF_SAVE:
    case GPU_COMMAND_VF_RESTORE:
        return slot->vf < gpu->vfs ? execute_vf(gpu, slot) : GPU_RESULT_VF;
    default:
        return GPU_RESULT_OPCODE;
    }
}

uint64_t gpu_execute_time(const struct gpu *gpu, const struct gpu_slot *slot) {
    static const uint16_t us[] = {
        [GPU_COMMAND_NOP] = 1,        [GPU_COMMAND_SCHED_SET] = 2,   [GPU_COMMAND_VF_ENABLE] = 3,
        [GPU_COMMAND_VF_DISABLE] = 3, [GPU_COMMAND_VF_PAUSE] = 3,    [GPU_COMMAND_VF_RESUME] = 3,
        [GPU_COMMAND_VF_FLR] = 100,   [GPU_COMMAND_VF_POWER] = 20,   [GPU_COMMAND_VF_MAP] = 5,
        [GPU_COMMAND_FILL] = 1,       [GPU_COMMAND_TRACK_START] = 4, [GPU_COMMAND_TRACK_STOP] = 4,
        [GPU_COMMAND_DIRTY_READ] = 2, [GPU_COMMAND_DIRTY_CLEAR] = 2, [GPU_COMMAND_CONTEXT_SIZE] = 1,
        [GPU_COMMAND_VF_SAVE] = 12,   [GPU_COMMAND_VF_RESTORE] = 12};
    uint64_t time = slot->opcode < sizeof(us) / sizeof(us[0]) && us[slot->opcode] ? us[slot->opcode] : 1;
    if (slot->opcode == GPU_COMMAND_FILL)
        time += pair(slot, 3) / 65536 < 999 ? pair(slot, 3) / 65536 : 999;
    if (slot->opcode == GPU_COMMAND_DIRTY_READ)
        time += pair(slot, 3) / (page_of(gpu, slot) ? page_of(gpu, slot) : GPU_PAGE) / 8 / 4096 % 1024;
    return time * 1000;
}
