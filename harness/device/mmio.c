/* Registers: BAR0 of the PF, and the register pages of VFs. */
#include "state.h"

#define LOW(value) ((uint32_t)(value))
#define HIGH(value) ((uint32_t)((uint64_t)(value) >> 32))

static uint32_t segment_register(const struct gpu *gpu, uint32_t offset) {
    uint32_t index = offset / 0x20;
    if (index >= gpu->segments)
        return 0;
    switch (offset % 0x20) {
    case GPU_SEGMENT_ID:
        return index + 1;
    case GPU_SEGMENT_SIZE_LO:
        return LOW(gpu->segment[index].size);
    case GPU_SEGMENT_SIZE_HI:
        return HIGH(gpu->segment[index].size);
    case GPU_SEGMENT_DIRTY_PAGE:
        return gpu->segment[index].page;
    default:
        return 0;
    }
}

static uint32_t vf_state(const struct gpu *gpu, uint32_t offset) {
    uint32_t vf = offset / 0x80;
    if (vf >= gpu->vfs)
        return 0;
    const struct gpu_vf *v = &gpu->vf[vf];
    switch (offset % 0x80) {
    case GPU_VF_FLAGS:
        return (gpu_vf_exists(gpu, vf) ? GPU_VF_EXISTS : 0) | (v->powered ? GPU_VF_POWERED : 0) |
               (v->enabled ? GPU_VF_ENABLED : 0) | (v->paused ? GPU_VF_PAUSED : 0) |
               (v->busy ? GPU_VF_BUSY : 0) | (v->map.size ? GPU_VF_MAPPED : 0);
    case GPU_VF_SHARE:
        return v->share;
    case GPU_VF_PAGING:
        return v->paging;
    case GPU_VF_RESERVE_LO:
        return LOW(v->map.size);
    case GPU_VF_RESERVE_HI:
        return HIGH(v->map.size);
    default:
        return 0;
    }
}

static uint32_t control_register(const struct gpu *gpu, uint32_t offset) {
    switch (offset) {
    case GPU_REG_ID:
        return GPU_VENDOR_ID | (uint32_t)GPU_PF_DEVICE_ID << 16;
    case GPU_REG_REVISION:
        return GPU_REVISION;
    case GPU_REG_FIRMWARE:
        return GPU_FIRMWARE;
    case GPU_REG_FEATURES:
        return gpu->features;
    case GPU_REG_SERIAL_LO:
        return LOW(gpu->serial);
    case GPU_REG_SERIAL_HI:
        return HIGH(gpu->serial);
    case GPU_REG_TOTAL_VFS:
        return gpu->vfs;
    case GPU_REG_SEGMENTS:
        return gpu->segments;
    case GPU_REG_STATUS:
        return GPU_STATUS_READY;
    case GPU_REG_TIME_LO:
        return LOW(gpu->now - gpu->powered_at);
    case GPU_REG_TIME_HI:
        return HIGH(gpu->now - gpu->powered_at);
    case GPU_REG_INT_STATUS:
        return gpu->int_status;
    case GPU_REG_INT_MASK:
        return gpu->int_mask;
    case GPU_REG_COMPLETION_LO:
        return LOW(gpu->ring);
    case GPU_REG_COMPLETION_HI:
        return HIGH(gpu->ring);
    case GPU_REG_COMPLETION_COUNT:
        return gpu->ring_count;
    case GPU_REG_COMPLETION_HEAD:
        return gpu->ring_head;
    case GPU_REG_COMMAND_DONE:
        return gpu->command_done;
    case GPU_REG_VF_FAULT_LO:
        return LOW(gpu->vf_fault);
    case GPU_REG_VF_FAULT_HI:
        return HIGH(gpu->vf_fault);
    case GPU_REG_PF_SHARE:
        return gpu->share;
    case GPU_REG_PF_PAGING:
        return gpu->paging;
    default:
        return 0;
    }
}

uint32_t gpu_pf_read(const struct gpu *gpu, uint32_t offset) {
    if (offset >= GPU_REG_SEGMENT(0) && offset < GPU_REG_SEGMENT(GPU_MAX_SEGMENTS))
        return segment_register(gpu, offset - GPU_REG_SEGMENT(0));
    if (offset >= GPU_REG_SLOT(0) && offset < GPU_REG_SLOT(GPU_SLOTS))
        return gpu_slot_read(gpu, offset - GPU_REG_SLOT(0));
    if (offset >= GPU_REG_VF(0) && offset < GPU_REG_VF(GPU_MAX_VFS))
        return vf_state(gpu, offset - GPU_REG_VF(0));
    return control_register(gpu, offset);
}

static void ring_start(struct gpu *gpu, uint32_t count) {
    if (count > GPU_COMPLETION_MAX)
        return;
    gpu->ring_count = count;
    gpu->ring_head = 0;
    gpu->ring_phase = 1;
}

void gpu_pf_write(struct gpu *gpu, uint32_t offset, uint32_t value) {
    if (offset >= GPU_REG_SLOT(0) && offset < GPU_REG_SLOT(GPU_SLOTS)) {
        gpu_slot_write(gpu, offset - GPU_REG_SLOT(0), value);
        return;
    }
    switch (offset) {
    case GPU_REG_INT_STATUS:
        gpu->int_status &= ~value;
        gpu_interrupt_check(gpu);
        break;
    case GPU_REG_INT_MASK:
        gpu->int_mask = value;
        gpu_interrupt_check(gpu);
        break;
    case GPU_REG_COMPLETION_LO:
        gpu->ring = (gpu->ring & ~0xFFFFFFFFull) | value;
        break;
    case GPU_REG_COMPLETION_HI:
        gpu->ring = (gpu->ring & 0xFFFFFFFFull) | (uint64_t)value << 32;
        break;
    case GPU_REG_COMPLETION_COUNT:
        ring_start(gpu, value);
        break;
    case GPU_REG_COMMAND_DONE:
        gpu->command_done &= ~value;
        break;
    case GPU_REG_VF_FAULT_LO:
        gpu->vf_fault &= ~(uint64_t)value;
        break;
    case GPU_REG_VF_FAULT_HI:
        gpu->vf_fault &= ~((uint64_t)value << 32);
        break;
    default:
        break;
    }
}

/* The scratch register or doorbell there, or NULL. */
static uint32_t *guest_register(struct gpu *gpu, uint32_t vf, uint32_t bar, uint64_t offset) {
    struct gpu_context *context = &gpu->vf[vf].context;
    if (bar == 0 && offset >= GPU_VF_REG_BASE + GPU_VF_REG_SCRATCH(0) &&
        offset < GPU_VF_REG_BASE + GPU_VF_REG_SCRATCH(GPU_VF_SCRATCHES))
        return &context->scratch[(offset - GPU_VF_REG_BASE - GPU_VF_REG_SCRATCH(0)) / 4];
    if (bar == 2 && offset >= GPU_VF_DOORBELL(0) && offset < GPU_VF_DOORBELL(GPU_VF_DOORBELLS) &&
        offset % 0x1000 == 0)
        return &context->doorbell[(offset - GPU_VF_DOORBELL(0)) / 0x1000];
    return NULL;
}

uint32_t gpu_vf_register_read(const struct gpu *gpu, uint32_t vf, uint32_t bar, uint64_t offset) {
    const struct gpu_context *context = &gpu->vf[vf].context;
    const uint32_t *value = guest_register((struct gpu *)gpu, vf, bar, offset);
    if (value)
        return *value;
    if (bar != 0 || offset < GPU_VF_REG_BASE)
        return 0;
    switch (offset - GPU_VF_REG_BASE) {
    case GPU_VF_REG_ID:
        return GPU_VENDOR_ID | (uint32_t)GPU_VF_DEVICE_ID << 16;
    case GPU_VF_REG_SEQUENCE:
        return LOW(context->sequence);
    case GPU_VF_REG_SEQUENCE + 4:
        return HIGH(context->sequence);
    case GPU_VF_REG_TIMESLICE:
        return LOW(context->timeslice);
    case GPU_VF_REG_TIMESLICE + 4:
        return HIGH(context->timeslice);
    default:
        return 0;
    }
}

void gpu_vf_register_write(struct gpu *gpu, uint32_t vf, uint32_t bar, uint64_t offset, uint32_t value) {
    uint32_t *target = guest_register(gpu, vf, bar, offset);
    if (!target)
        return;
    *target = value;
    gpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
}
