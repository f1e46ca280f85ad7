/* Registers of the PF (BAR2), the windows in them, and the guest's registers (VF BAR0). Aligned words. */
#include "state.h"
#include <string.h>

#define LOW(value) ((uint32_t)(value))
#define HIGH(value) ((uint32_t)((uint64_t)(value) >> 32))
#define WINDOW_SIZE 0x1000u

/* --- windows --- */
static uint32_t state_of(const struct sgpu *gpu, uint32_t vf) {
    const struct sgpu_function *f = &gpu->function[vf];
    return (sgpu_vf_exists(gpu, vf) ? SECOND_STATE_EXISTS : 0) | (f->d0 ? SECOND_STATE_D0 : 0) |
           (sgpu_sched_runs(gpu, vf) ? SECOND_STATE_SCHEDULED : 0) |
           (f->phase == SGPU_IN_FLIGHT ? SECOND_STATE_IN_FLIGHT : 0) |
           (sgpu_sched_rest(gpu, vf) ? SECOND_STATE_REST : 0) | (f->space.size ? SECOND_STATE_APERTURES : 0);
}

static void set_control(struct sgpu *gpu, uint32_t vf, uint32_t value) {
    gpu->function[vf].control = value & (SECOND_CONTROL_RUN | SECOND_CONTROL_HOLD);
    if (value & SECOND_CONTROL_PREEMPT)
        sgpu_sched_preempt(gpu, vf);
    else
        sgpu_sched_update(gpu, vf);
}

static void set_power(struct sgpu *gpu, uint32_t vf, uint32_t value) {
    struct sgpu_function *f = &gpu->function[vf];
    if ((value != 0 && value != 3) || (value == 3 && f->phase == SGPU_IN_FLIGHT))
        return;
    f->d0 = value == 0;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_msix_table);
    sgpu_msix_flush(gpu, vf);
    sgpu_sched_update(gpu, vf);
}

static uint32_t msix_word(const struct sgpu_function *f) {
    uint32_t value = 0;
    if (f->msix_index < f->msix.entries * 4)
        memcpy(&value, f->msix.table + (size_t)f->msix_index * 4, 4);
    return value;
}

/* Reaches the table whatever power state the VF is in. */
static void set_msix_word(struct sgpu *gpu, uint32_t vf, uint32_t value) {
    uint64_t offset = (uint64_t)gpu->function[vf].msix_index * 4;
    bool exists = sgpu_vf_exists(gpu, vf);
    if (gpu->log.table)
        gpu->log.table(gpu->log.context, vf, 0, offset, 4, value, exists);
    if (exists)
        sgpu_msix_write(gpu, vf, offset, 4, value);
}

static uint32_t config_data(const struct sgpu *gpu, uint32_t vf) {
    uint32_t offset = gpu->function[vf].cfg_address & 0xFFC, value = sgpu_vfconfig(gpu, vf, offset);
    if (gpu->log.config)
        gpu->log.config(gpu->log.context, false, vf, offset, 4, value);
    return value;
}

static void set_config_data(struct sgpu *gpu, uint32_t vf, uint32_t value) {
    uint32_t address = gpu->function[vf].cfg_address, enables = address >> 28, mask = 0;
    if (enables == 0)
        return;
    for (uint32_t i = 0; i < 4; i++)
        mask |= enables >> i & 1 ? 0xFFu << (8 * i) : 0;
    uint32_t first = (uint32_t)__builtin_ctz(enables), width = 32 - (uint32_t)__builtin_clz(enables) - first;
    if (gpu->log.config)
        gpu->log.config(gpu->log.context, true, vf, (address & 0xFFC) + first, width,
                        (value & mask) >> (8 * first));
    sgpu_vfconfig_write(gpu, vf, address & 0xFFC, value, mask);
}

/* What the PF's window has, too. */
static uint32_t common_read(struct sgpu *gpu, struct sgpu_function *f, uint32_t at) {
    switch (at) {
    case SECOND_WIN_QUANTUM:
        return f->quantum;
    case SECOND_WIN_PAGING_QUANTUM:
        return f->paging;
    case SECOND_WIN_LOG_COUNT:
        return f->log.count;
    case SECOND_WIN_LOG_POP:
        return sgpu_log_pop(gpu, f);
    case SECOND_WIN_LOG_STATUS:
        return f->log.overflow ? SECOND_LOG_OVERFLOW : 0;
    default:
        return 0;
    }
}

static uint32_t window_read(struct sgpu *gpu, uint32_t vf, uint32_t at) {
    struct sgpu_function *f = &gpu->function[vf];
    switch (at) {
    case SECOND_WIN_CONTROL:
        return f->control;
    case SECOND_WIN_STATE:
        return state_of(gpu, vf);
    case SECOND_WIN_POWER:
        return f->d0 ? 0 : 3;
    case SECOND_WIN_MSIX_INDEX:
        return f->msix_index;
    case SECOND_WIN_MSIX_WORD:
        return msix_word(f);
    case SECOND_WIN_CFG_ADDRESS:
        return f->cfg_address;
    case SECOND_WIN_CFG_DATA:
        return config_data(gpu, vf);
    case SECOND_WIN_FENCE_LO:
        return LOW(f->context.completed);
    case SECOND_WIN_FENCE_HI:
        return HIGH(f->context.completed);
    default:
        return common_read(gpu, f, at);
    }
}

static void common_write(struct sgpu *gpu, uint32_t vf, uint32_t at, uint32_t value) {
    switch (at) {
    case SECOND_WIN_QUANTUM:
    case SECOND_WIN_PAGING_QUANTUM:
        sgpu_sched_quantum(gpu, vf, at == SECOND_WIN_PAGING_QUANTUM, value);
        break;
    case SECOND_WIN_LOG_STATUS:
        if (value & SECOND_LOG_OVERFLOW)
            sgpu_function(gpu, vf)->log.overflow = false;
        break;
    default:
        break;
    }
}

static void window_write(struct sgpu *gpu, uint32_t vf, uint32_t at, uint32_t value) {
    struct sgpu_function *f = &gpu->function[vf];
    if (!sgpu_vf_exists(gpu, vf) && at != SECOND_WIN_MSIX_WORD && at != SECOND_WIN_CFG_DATA)
        return;
    switch (at) {
    case SECOND_WIN_CONTROL:
        set_control(gpu, vf, value);
        break;
    case SECOND_WIN_POWER:
        set_power(gpu, vf, value);
        break;
    case SECOND_WIN_MSIX_INDEX:
        f->msix_index = value;
        break;
    case SECOND_WIN_MSIX_WORD:
        set_msix_word(gpu, vf, value);
        break;
    case SECOND_WIN_CFG_ADDRESS:
        f->cfg_address = value & 0xF0000FFC;
        break;
    case SECOND_WIN_CFG_DATA:
        set_config_data(gpu, vf, value);
        break;
    default:
        common_write(gpu, vf, at, value);
    }
}

/* --- registers of the part --- */
static uint32_t segment_register(const struct sgpu *gpu, uint32_t offset) {
    const struct sgpu_segment *s = &gpu->segment[offset / 8];
    if (offset / 8 >= gpu->segments)
        return 0;
    if (offset % 8 == 0)
        return (uint32_t)(s->size >> 20);
    return s->shift;
}

static uint32_t part_read(struct sgpu *gpu, uint32_t offset) {
    switch (offset) {
    case SECOND_REG_MAGIC:
        return SECOND_MAGIC;
    case SECOND_REG_FIRMWARE:
        return SECOND_FIRMWARE;
    case SECOND_REG_LIMITS:
        return gpu->vfs | gpu->segments << 8 | (uint32_t)__builtin_ctz(SECOND_LOG_ENTRIES) << 16;
    case SECOND_REG_TRACKING_FREE:
        return gpu->free_tracking;
    case SECOND_REG_CLOCK_LO:
        return LOW((gpu->now - gpu->powered_at) / SGPU_US);
    case SECOND_REG_CLOCK_HI:
        return HIGH((gpu->now - gpu->powered_at) / SGPU_US);
    case SECOND_REG_CAUSE:
        return gpu->cause;
    case SECOND_REG_ENABLE:
        return gpu->enable;
    case SECOND_REG_DRAINED_LO:
        return LOW(gpu->drained);
    case SECOND_REG_DRAINED_HI:
        return HIGH(gpu->drained);
    case SECOND_REG_FAULTED_LO:
        return LOW(gpu->faulted);
    case SECOND_REG_FAULTED_HI:
        return HIGH(gpu->faulted);
    default:
        return sgpu_mailbox_read(gpu, offset);
    }
}

uint32_t sgpu_register_read(struct sgpu *gpu, uint32_t offset) {
    uint32_t window = (offset - SECOND_WINDOW(0)) / WINDOW_SIZE;
    if (offset >= SECOND_WINDOW(0) && window < gpu->vfs)
        return window_read(gpu, window, offset % WINDOW_SIZE);
    if (offset >= SECOND_WINDOW(0))
        return window == SECOND_WINDOW_PF
                   ? common_read(gpu, sgpu_function(gpu, GPUP_PF), offset % WINDOW_SIZE)
                   : 0;
    if (offset >= SECOND_REG_SEGMENT_MIB(0) && offset < SECOND_REG_SEGMENT_MIB(SECOND_MAX_SEGMENTS))
        return segment_register(gpu, offset - SECOND_REG_SEGMENT_MIB(0));
    return part_read(gpu, offset);
}

static void part_write(struct sgpu *gpu, uint32_t offset, uint32_t value) {
    switch (offset) {
    case SECOND_REG_CAUSE:
        gpu->cause &= ~value;
        break;
    case SECOND_REG_ENABLE:
        sgpu_enable(gpu, value);
        break;
    case SECOND_REG_DRAINED_LO:
        gpu->drained &= ~(uint64_t)value;
        break;
    case SECOND_REG_DRAINED_HI:
        gpu->drained &= ~((uint64_t)value << 32);
        break;
    case SECOND_REG_FAULTED_LO:
        gpu->faulted &= ~(uint64_t)value;
        break;
    case SECOND_REG_FAULTED_HI:
        gpu->faulted &= ~((uint64_t)value << 32);
        break;
    default:
        sgpu_mailbox_write(gpu, offset, value);
    }
}

void sgpu_register_write(struct sgpu *gpu, uint32_t offset, uint32_t value) {
    uint32_t window = (offset - SECOND_WINDOW(0)) / WINDOW_SIZE;
    if (offset < SECOND_WINDOW(0))
        part_write(gpu, offset, value);
    else if (window < gpu->vfs)
        window_write(gpu, window, offset % WINDOW_SIZE, value);
    else if (window == SECOND_WINDOW_PF)
        common_write(gpu, GPUP_PF, offset % WINDOW_SIZE, value);
}

/* --- the guest's --- */
uint32_t sgpu_guest_read(const struct sgpu *gpu, uint32_t vf, uint64_t offset) {
    const struct sgpu_context *c = &gpu->function[vf].context;
    uint64_t index = (offset - SECOND_GUEST_REGISTER(0)) / 4;
    if (offset == SECOND_GUEST_MAGIC)
        return SECOND_MAGIC;
    if (offset == SECOND_GUEST_FENCE)
        return LOW(c->completed);
    if (offset == SECOND_GUEST_FENCE + 4)
        return HIGH(c->completed);
    return index < SECOND_GUEST_REGISTERS ? c->reg[index] : 0;
}

void sgpu_guest_write(struct sgpu *gpu, uint32_t vf, uint64_t offset, uint32_t value) {
    uint64_t index = (offset - SECOND_GUEST_REGISTER(0)) / 4;
    if (index >= SECOND_GUEST_REGISTERS)
        return;
    gpu->function[vf].context.reg[index] = value;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
}
