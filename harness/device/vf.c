/* A virtual function as a whole: existence, resets, and what its guest does. */
#include "ops.h"
#include "state.h"

bool gpu_vf_exists(const struct gpu *gpu, uint32_t vf) {
    uint32_t control = gpu_config_dword(gpu, GPU_CFG_SRIOV + GPU_SRIOV_CONTROL);
    uint32_t count = gpu_config_dword(gpu, GPU_CFG_SRIOV + GPU_SRIOV_NUM_VFS) & 0xFFFF;
    return (control & GPU_SRIOV_CONTROL_VFE) != 0 && vf < count && vf < gpu->vfs;
}

void gpu_vf_reset(struct gpu *gpu, uint32_t vf) {
    struct gpu_vf *v = &gpu->vf[vf];
    gpu_sched_stop(gpu, vf);
    gpu_context_reset(&v->context);
    v->command = 0;
    gpu_msix_reset(gpu, vf);
    gpu_changed(gpu, vf, GPUP_OBSERVER_guest_state | GPUP_OBSERVER_config);
}

void gpu_vf_gone(struct gpu *gpu, uint32_t vf) {
    gpu_vf_reset(gpu, vf);
    gpu->vf[vf].enabled = gpu->vf[vf].powered = false;
    gpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
}

/* Calls `part` for every piece of VRAM behind [offset, offset + size) of the guest's space. */
static bool each_piece(struct gpu *gpu, uint32_t vf, uint64_t offset, uint64_t size, void *data,
                       bool (*part)(struct gpu *, uint32_t, uint64_t, void *, uint64_t)) {
    const struct gpu_map *map = &gpu->vf[vf].map;
    uint64_t done = 0;
    if (!gpu_inside(offset, size, map->size))
        return false;
    for (uint32_t i = 0; i < map->count && done < size; i++) {
        const struct gpu_range *range = &map->ranges[i];
        uint64_t at = offset + done;
        if (at >= range->base + range->size)
            continue;
        uint64_t skip = at - range->base, piece = range->size - skip;
        if (piece > size - done)
            piece = size - done;
        if (!part(gpu, range->segment, range->offset + skip, (uint8_t *)data + done, piece))
            return false;
        done += piece;
    }
    return done == size;
}

static bool write_part(struct gpu *gpu, uint32_t segment, uint64_t offset, void *data, uint64_t size) {
    return gpu_vram_write(gpu, segment, offset, data, size);
}

bool gpu_vf_write(struct gpu *gpu, uint32_t vf, uint64_t offset, const void *in, uint64_t size) {
    if (!each_piece(gpu, vf, offset, size, (void *)in, write_part))
        return false;
    if (gpu->log.guest_write)
        gpu->log.guest_write(gpu->log.context, vf, offset, size, gpu_hash_bytes(in, size));
    return true;
}

bool gpu_vf_read(struct gpu *gpu, uint32_t vf, uint64_t offset, void *out, uint64_t size) {
    return each_piece(gpu, vf, offset, size, out, gpu_vram_read);
}

/* --- stimuli ---------------------------------------------------------------------------------------------
 */
/* The guest acts only while its VF is there, has power, is on the run list and nothing pauses it. */
static bool acts(const struct gpu *gpu, uint32_t vf) {
    return !gpu->removed && vf < gpu->vfs && gpu_sched_guest(gpu, vf) && !gpu->vf[vf].draining;
}

static void fault(struct gpu *gpu, uint32_t vf) {
    gpu->vf_fault |= 1ull << vf;
    gpu_interrupt(gpu, GPU_INT_VF_FAULT);
}

bool gpu_op_guest_write(void *device, uint32_t vf, uint64_t offset, const void *in, uint64_t size) {
    struct gpu *gpu = device;
    if (!acts(gpu, vf))
        return false;
    if (!gpu_inside(offset, size, gpu->vf[vf].map.size)) {
        fault(gpu, vf);
        return false;
    }
    return gpu_vf_write(gpu, vf, offset, in, size);
}

bool gpu_op_guest_read(void *device, uint32_t vf, uint64_t offset, void *out, uint64_t size) {
    struct gpu *gpu = device;
    if (!acts(gpu, vf))
        return false;
    if (!gpu_inside(offset, size, gpu->vf[vf].map.size)) {
        fault(gpu, vf);
        return false;
    }
    return gpu_vf_read(gpu, vf, offset, out, size);
}

bool gpu_op_guest_work(void *device, uint32_t vf, uint32_t units, uint64_t seed) {
    struct gpu *gpu = device;
    return acts(gpu, vf) && gpu_sched_queue(gpu, vf, units, seed);
}

bool gpu_op_guest_set_register(void *device, uint32_t vf, uint32_t index, uint32_t value) {
    struct gpu *gpu = device;
    if (!acts(gpu, vf) || index >= GPU_VF_SCRATCHES + GPU_VF_DOORBELLS)
        return false;
    if (index < GPU_VF_SCRATCHES)
        gpu->vf[vf].context.scratch[index] = value;
    else /* the doorbells follow the scratch registers */
        gpu->vf[vf].context.doorbell[index - GPU_VF_SCRATCHES] = value;
    gpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
    return true;
}

/* Interrupts do not need the run list: they belong to the function. */
bool gpu_op_raise(void *device, uint32_t vf, uint32_t index) {
    struct gpu *gpu = device;
    if (gpu->removed || vf >= gpu->vfs || !gpu_vf_exists(gpu, vf) || !gpu->vf[vf].powered ||
        index >= gpu->vf[vf].msix.entries)
        return false;
    gpu_msix_raise(gpu, vf, index);
    return true;
}
