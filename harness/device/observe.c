/* What the suite can see without the driver. Nothing here changes the device. */
#include "ops.h"
#include "state.h"
#include <string.h>

void gpu_changed(struct gpu *gpu, uint32_t vf, uint32_t observers) {
    uint64_t *generation = vf < gpu->vfs ? gpu->vf[vf].generation : gpu->generation;
    gpu->changes++;
    for (observers &= (1u << GPU_OBSERVERS) - 1; observers; observers &= observers - 1)
        generation[__builtin_ctz(observers)]++;
}

void gpu_changed_all(struct gpu *gpu, uint32_t observers) {
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        gpu_changed(gpu, vf, observers);
    gpu_changed(gpu, GPUP_PF, observers);
}

uint64_t gpu_op_generation(void *device, uint32_t vf, uint32_t observer) {
    const struct gpu *gpu = device;
    const uint64_t *counters = vf < gpu->vfs ? gpu->vf[vf].generation : gpu->generation;
    if (observer == 0)
        return gpu->changes;
    uint64_t sum = 0;
    for (observer &= (1u << GPU_OBSERVERS) - 1; observer; observer &= observer - 1)
        sum += counters[__builtin_ctz(observer)];
    return sum;
}

bool gpu_op_read_msix(void *device, uint32_t vf, uint8_t *entries) {
    struct gpu *gpu = device;
    const struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    if (gpu->removed || !msix)
        return false;
    memcpy(entries, msix->table, (size_t)msix->entries * GPU_MSIX_ENTRY);
    return true;
}

bool gpu_op_read_msix_control(void *device, uint32_t vf, struct gpup_msix_control *control) {
    struct gpu *gpu = device;
    const struct gpu_msix *msix = gpu_msix_of(gpu, vf);
    if (gpu->removed || !msix)
        return false;
    *control = (struct gpup_msix_control){.enable = msix->enable,
                                          .function_mask = msix->function_mask,
                                          .powered = vf == GPUP_PF || gpu->vf[vf].powered};
    memcpy(control->pending, msix->pending, sizeof(msix->pending));
    return true;
}

bool gpu_op_read_schedule(void *device, uint32_t vf, struct gpup_schedule *schedule) {
    const struct gpu *gpu = device;
    if (gpu->removed || (vf >= gpu->vfs && vf != GPUP_PF))
        return false;
    if (vf == GPUP_PF)
        *schedule = (struct gpup_schedule){true, false, gpu->share, gpu->paging};
    else
        *schedule = (struct gpup_schedule){gpu_sched_runs(gpu, vf), gpu->vf[vf].busy, gpu->vf[vf].share,
                                           gpu->vf[vf].paging};
    return true;
}

/* Segments of the table of functions count from 1. */
static bool segment_index(const struct gpu *gpu, uint32_t id, uint64_t offset, uint64_t size,
                          uint32_t *index) {
    *index = id - 1;
    return !gpu->removed && id >= 1 && id <= gpu->segments &&
           gpu_inside(offset, size, gpu->segment[*index].size);
}

bool gpu_op_read_dirty(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint8_t *bits,
                       bool *tracking) {
    struct gpu *gpu = device;
    uint32_t index;
    if (!segment_index(gpu, segment, offset, size, &index) || size == 0 || !gpu->segment[index].page)
        return false;
    const uint32_t page = gpu->segment[index].page;
    uint64_t first = offset / page, last = (offset + size - 1) / page;
    gpu_dirty_copy(gpu, index, first, last - first + 1, bits);
    *tracking = gpu_dirty_tracked(gpu, index, first, last - first + 1);
    return true;
}

size_t gpu_op_read_guest(void *device, uint32_t vf, uint8_t *state, size_t capacity) {
    const struct gpu *gpu = device;
    if (gpu->removed || vf >= gpu->vfs || capacity < GPU_GUEST_SIZE)
        return 0;
    gpu_context_guest(&gpu->vf[vf].context, state);
    return GPU_GUEST_SIZE;
}

size_t gpu_op_read_config(void *device, uint32_t vf, uint8_t *bytes, size_t capacity) {
    const struct gpu *gpu = device;
    if (gpu->removed || (vf >= gpu->vfs && vf != GPUP_PF) || capacity < GPUP_PCI_SPACE)
        return 0;
    bool there = vf == GPUP_PF || gpu_vf_exists(gpu, vf);
    uint32_t end =
        vf == GPUP_PF ? GPUP_PCI_SPACE : GPU_VFCFG_END; /* a VF has nothing behind its capabilities */
    memset(bytes, there ? 0 : 0xFF, GPUP_PCI_SPACE);
    for (uint32_t at = 0; there && at < end; at += 4) {
        uint32_t dword = vf == GPUP_PF ? gpu_config_dword(gpu, at) : gpu_vfconfig_dword(gpu, vf, at);
        memcpy(bytes + at, &dword, 4);
    }
    return GPUP_PCI_SPACE;
}

bool gpu_op_read_vram(void *device, uint32_t segment, uint64_t offset, void *out, uint64_t size) {
    uint32_t index;
    return segment_index(device, segment, offset, size, &index) &&
           gpu_vram_read(device, index, offset, out, size);
}

bool gpu_op_hash_vram(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash) {
    uint32_t index;
    return segment_index(device, segment, offset, size, &index) &&
           gpu_vram_hash(device, index, offset, size, hash);
}

bool gpu_op_read_work(void *device, uint32_t vf, struct gpup_work *work) {
    const struct gpu *gpu = device;
    if (gpu->removed || vf >= gpu->vfs)
        return false;
    const struct gpu_context *context = &gpu->vf[vf].context;
    *work = (struct gpup_work){context->queued, context->completed, context->sequence};
    return true;
}

/* Host paging. */
bool gpu_op_write_vram(void *device, uint32_t segment, uint64_t offset, const void *in, uint64_t size) {
    uint32_t index;
    return segment_index(device, segment, offset, size, &index) &&
           gpu_vram_write(device, index, offset, in, size);
}

bool gpu_op_copy_vram(void *device, uint32_t segment, uint64_t offset, void *from, uint32_t from_segment,
                      uint64_t from_offset, uint64_t size) {
    uint32_t to_index, from_index;
    return segment_index(device, segment, offset, size, &to_index) &&
           segment_index(from, from_segment, from_offset, size, &from_index) &&
           gpu_vram_copy(device, to_index, offset, from, from_index, from_offset, size);
}
