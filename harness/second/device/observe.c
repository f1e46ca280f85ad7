/* What the suite can see and do without the driver. Readings change nothing. */
#include "ops.h"
#include "state.h"
#include <string.h>

void sgpu_changed(struct sgpu *gpu, uint32_t vf, uint32_t observers) {
    uint64_t *generation = sgpu_function(gpu, vf)->generation;
    gpu->changes++;
    for (observers &= (1u << GPUP_OBSERVER_COUNT) - 1; observers; observers &= observers - 1)
        generation[__builtin_ctz(observers)]++;
}

void sgpu_changed_all(struct sgpu *gpu, uint32_t observers) {
    for (uint32_t vf = 0; vf < gpu->vfs; vf++)
        sgpu_changed(gpu, vf, observers);
    sgpu_changed(gpu, GPUP_PF, observers);
}

uint64_t sgpu_op_generation(void *device, uint32_t vf, uint32_t observer) {
    const struct sgpu *gpu = device;
    const struct sgpu_function *f = sgpu_function(gpu, vf);
    uint64_t sum = 0;
    if (observer == 0)
        return gpu->changes;
    for (observer &= (1u << GPUP_OBSERVER_COUNT) - 1; f && observer; observer &= observer - 1)
        sum += f->generation[__builtin_ctz(observer)];
    return sum;
}

/* A function that can be looked at, or NULL. */
static const struct sgpu_function *seen(const struct sgpu *gpu, uint32_t vf) {
    return gpu->removed ? NULL : sgpu_function(gpu, vf);
}

/* The caller's buffer is made for the table of a VF. */
bool sgpu_op_read_msix(void *device, uint32_t vf, uint8_t *entries) {
    const struct sgpu_function *f = vf == GPUP_PF ? NULL : seen(device, vf);
    if (f)
        memcpy(entries, f->msix.table, (size_t)SECOND_MSIX_ENTRIES * SGPU_MSIX_ENTRY);
    return f != NULL;
}

bool sgpu_op_read_msix_control(void *device, uint32_t vf, struct gpup_msix_control *control) {
    const struct sgpu_function *f = seen(device, vf);
    if (!f)
        return false;
    *control = (struct gpup_msix_control){
        .enable = f->msix.enable, .function_mask = f->msix.function_mask, .powered = f->d0};
    memcpy(control->pending, &f->msix.pending, sizeof(f->msix.pending));
    return true;
}

/* Work that waits for its turn counts as in flight for whoever wants to know if the VF is quiet. */
bool sgpu_op_read_schedule(void *device, uint32_t vf, struct gpup_schedule *schedule) {
    const struct sgpu *gpu = device;
    const struct sgpu_function *f = seen(gpu, vf);
    if (!f)
        return false;
    *schedule = (struct gpup_schedule){.running = vf == GPUP_PF || sgpu_sched_runs(gpu, vf),
                                       .busy = f->phase != SGPU_IDLE,
                                       .share_ppm = f->quantum * (1000000 / SECOND_FRAME_US),
                                       .paging_ppm = f->paging * (1000000 / SECOND_FRAME_US)};
    return true;
}

/* Segments of the table of functions count from 1. */
static bool segment_index(const struct sgpu *gpu, uint32_t id, uint64_t offset, uint64_t size,
                          uint32_t *index) {
    *index = id - 1;
    return !gpu->removed && id >= 1 && id <= gpu->segments &&
           sgpu_inside(offset, size, gpu->segment[*index].size);
}

bool sgpu_op_read_dirty(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint8_t *bits,
                        bool *tracking) {
    const struct sgpu *gpu = device;
    uint32_t index;
    if (!segment_index(gpu, segment, offset, size, &index) || size == 0 || gpu->segment[index].pages == 0)
        return false;
    const struct sgpu_segment *s = &gpu->segment[index];
    uint64_t first = offset >> s->shift, count = ((offset + size - 1) >> s->shift) - first + 1;
    sgpu_track_bits(s, first, count, bits);
    *tracking = sgpu_track_on(s, first, count);
    return true;
}

size_t sgpu_op_read_guest(void *device, uint32_t vf, uint8_t *state, size_t capacity) {
    uint8_t bytes[SGPU_CONTEXT_MAX];
    if (vf == GPUP_PF || !seen(device, vf))
        return 0;
    uint32_t size = sgpu_context_guest(device, vf, bytes);
    if (size > capacity)
        return 0;
    memcpy(state, bytes, size);
    return size;
}

size_t sgpu_op_read_config(void *device, uint32_t vf, uint8_t *bytes, size_t capacity) {
    const struct sgpu *gpu = device;
    if (!seen(gpu, vf) || capacity < GPUP_PCI_SPACE)
        return 0;
    if (vf == GPUP_PF)
        memcpy(bytes, gpu->config, GPUP_PCI_SPACE);
    else
        sgpu_vfconfig_space(gpu, vf, bytes);
    return GPUP_PCI_SPACE;
}

bool sgpu_op_read_vram(void *device, uint32_t segment, uint64_t offset, void *out, uint64_t size) {
    uint32_t index;
    return segment_index(device, segment, offset, size, &index) &&
           sgpu_vram_read(device, index, offset, out, size);
}

bool sgpu_op_hash_vram(void *device, uint32_t segment, uint64_t offset, uint64_t size, uint64_t *hash) {
    uint32_t index;
    return segment_index(device, segment, offset, size, &index) &&
           sgpu_vram_hash(device, index, offset, size, hash);
}

bool sgpu_op_read_work(void *device, uint32_t vf, struct gpup_work *work) {
    const struct sgpu_function *f = vf == GPUP_PF ? NULL : seen(device, vf);
    if (f)
        *work = (struct gpup_work){f->context.queued, f->context.completed, f->context.sequence};
    return f != NULL;
}

/* --- host paging --- */
bool sgpu_op_write_vram(void *device, uint32_t segment, uint64_t offset, const void *in, uint64_t size) {
    uint32_t index;
    return segment_index(device, segment, offset, size, &index) &&
           sgpu_vram_write(device, index, offset, in, size);
}

bool sgpu_op_copy_vram(void *device, uint32_t segment, uint64_t offset, void *from, uint32_t from_segment,
                       uint64_t from_offset, uint64_t size) {
    uint32_t to_index, from_index;
    return segment_index(device, segment, offset, size, &to_index) &&
           segment_index(from, from_segment, from_offset, size, &from_index) &&
           sgpu_vram_copy(device, to_index, offset, from, from_index, from_offset, size);
}
