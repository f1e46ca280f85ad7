/* A virtual function as a whole: existence, resets, and what its guest does. */
#include "ops.h"
#include "state.h"
#include <string.h>

bool sgpu_vf_exists(const struct sgpu *gpu, uint32_t vf) {
    uint32_t control = sgpu_config(gpu, SECOND_CFG_SRIOV + SECOND_SRIOV_CONTROL);
    uint32_t count = sgpu_config(gpu, SECOND_CFG_SRIOV + SECOND_SRIOV_NUM_VFS) & 0xFFFF;
    return (control & SECOND_SRIOV_CONTROL_VFE) != 0 && vf < count && vf < gpu->vfs;
}

bool sgpu_vf_alive(const struct sgpu *gpu, uint32_t vf) {
    const struct sgpu_function *f = &gpu->function[vf];
    return f->control == SECOND_CONTROL_RUN && f->d0 && sgpu_vf_exists(gpu, vf);
}

void sgpu_vf_flr(struct sgpu *gpu, uint32_t vf) {
    struct sgpu_function *f = &gpu->function[vf];
    memset(&f->context, 0, sizeof(f->context));
    f->command = 0;
    sgpu_msix_reset(gpu, vf);
    sgpu_sched_preempt(gpu, vf);
    sgpu_changed(gpu, vf, GPUP_OBSERVER_guest_state | GPUP_OBSERVER_config);
}

void sgpu_vf_gone(struct sgpu *gpu, uint32_t vf) {
    struct sgpu_function *f = &gpu->function[vf];
    f->rested = true; /* no word of a drain */
    f->control = f->quantum = f->paging = f->msix_index = f->cfg_address = 0;
    f->d0 = false;
    f->space.count = 0;
    f->space.size = 0;
    f->log = (struct sgpu_log){.count = 0};
    sgpu_vf_flr(gpu, vf);
    sgpu_changed(gpu, vf, UINT32_MAX);
}

/* Calls `part` for every piece of VRAM behind [offset, offset + size) of the guest's space. */
static bool each_piece(struct sgpu *gpu, uint32_t vf, uint64_t offset, uint64_t size, uint8_t *data,
                       bool (*part)(struct sgpu *, uint32_t, uint64_t, void *, uint64_t)) {
    const struct sgpu_space *space = &gpu->function[vf].space;
    if (!sgpu_inside(offset, size, space->size))
        return false;
    for (uint32_t i = 0; i < space->count && size; i++) {
        const struct sgpu_aperture *a = &space->aperture[i];
        uint64_t skip = offset - a->base, piece = a->size - skip;
        if (skip >= a->size)
            continue;
        piece = piece < size ? piece : size;
        if (!part(gpu, a->segment, a->offset + skip, data, piece))
            return false;
        offset += piece;
        data += piece;
        size -= piece;
    }
    return true;
}

static bool write_part(struct sgpu *gpu, uint32_t segment, uint64_t offset, void *data, uint64_t size) {
    return sgpu_vram_write(gpu, segment, offset, data, size);
}

bool sgpu_vf_write(struct sgpu *gpu, uint32_t vf, uint64_t offset, const void *in, uint64_t size) {
    if (!each_piece(gpu, vf, offset, size, (uint8_t *)in, write_part))
        return false;
    if (gpu->log.guest_write)
        gpu->log.guest_write(gpu->log.context, vf, offset, size, sgpu_hash_bytes(in, size));
    return true;
}

bool sgpu_vf_read(struct sgpu *gpu, uint32_t vf, uint64_t offset, void *out, uint64_t size) {
    return each_piece(gpu, vf, offset, size, out, sgpu_vram_read);
}

/* --- stimuli --- */
static bool acts(const struct sgpu *gpu, uint32_t vf) {
    return !gpu->removed && vf < gpu->vfs && sgpu_vf_alive(gpu, vf);
}

/* The guest reaches for its space; outside, it faults. */
static bool reaches(struct sgpu *gpu, uint32_t vf, uint64_t offset, uint64_t size) {
    if (!acts(gpu, vf))
        return false;
    if (sgpu_inside(offset, size, gpu->function[vf].space.size))
        return true;
    gpu->faulted |= 1ull << vf;
    sgpu_cause(gpu, SECOND_CAUSE_FAULT);
    return false;
}

bool sgpu_op_guest_write(void *device, uint32_t vf, uint64_t offset, const void *in, uint64_t size) {
    return reaches(device, vf, offset, size) && sgpu_vf_write(device, vf, offset, in, size);
}

bool sgpu_op_guest_read(void *device, uint32_t vf, uint64_t offset, void *out, uint64_t size) {
    return reaches(device, vf, offset, size) && sgpu_vf_read(device, vf, offset, out, size);
}

bool sgpu_op_guest_work(void *device, uint32_t vf, uint32_t units, uint64_t seed) {
    return acts(device, vf) && sgpu_sched_queue(device, vf, units, seed);
}

bool sgpu_op_guest_set_register(void *device, uint32_t vf, uint32_t index, uint32_t value) {
    struct sgpu *gpu = device;
    if (!acts(gpu, vf) || index >= SECOND_GUEST_REGISTERS)
        return false;
    gpu->function[vf].context.reg[index] = value;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
    return true;
}

/* Interrupts need no run state: they belong to the function. */
bool sgpu_op_raise(void *device, uint32_t vf, uint32_t index) {
    struct sgpu *gpu = device;
    if (gpu->removed || vf >= gpu->vfs || !sgpu_vf_exists(gpu, vf) || !gpu->function[vf].d0 ||
        index >= SECOND_MSIX_ENTRIES)
        return false;
    sgpu_msix_raise(gpu, vf, index);
    return true;
}
