/*
 * Scheduler: who may execute, and work that takes simulated time. An order leaves the queue unit by unit as
 * units complete, so whatever stops a unit in flight loses and doubles nothing.
 */
#include "state.h"
#include <string.h>

bool gpu_sched_guest(const struct gpu *gpu, uint32_t vf) {
    const struct gpu_vf *v = &gpu->vf[vf];
    return gpu_vf_exists(gpu, vf) && v->powered && v->enabled && !v->paused;
}

bool gpu_sched_runs(const struct gpu *gpu, uint32_t vf) {
    return gpu_sched_guest(gpu, vf) && gpu->vf[vf].share != 0;
}

void gpu_sched_kick(struct gpu *gpu, uint32_t vf) {
    struct gpu_vf *v = &gpu->vf[vf];
    if (v->busy || v->draining || v->context.orders == 0 || !gpu_sched_runs(gpu, vf) || gpu->removed)
        return;
    v->busy = true;
    v->busy_until = gpu->now + (uint64_t)GPU_UNIT_NS * GPU_SHARE_ALL / v->share;
    gpu->next_valid = false;
    gpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
}

void gpu_sched_stop(struct gpu *gpu, uint32_t vf) {
    gpu->vf[vf].busy = false;
    gpu->next_valid = false;
    gpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
}

/* 64 bytes at a place and with a content that follow from the order and the sequence number alone. */
static void write_result(struct gpu *gpu, uint32_t vf, uint64_t seed) {
    const struct gpu_vf *v = &gpu->vf[vf];
    uint64_t pages = v->map.size / GPU_PAGE,
             place = gpu_mix(seed + v->context.sequence * 0x9E3779B97F4A7C15u);
    uint64_t bytes[8];
    if (pages == 0)
        return;
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = gpu_mix(place + i);
    gpu_vf_write(gpu, vf, place % pages * GPU_PAGE + (place >> 40) % 64 * sizeof(bytes), bytes,
                 sizeof(bytes));
}

void gpu_sched_finish(struct gpu *gpu, uint32_t vf) {
    struct gpu_vf *v = &gpu->vf[vf];
    struct gpu_context *c = &v->context;
    uint64_t seed = c->order[0].seed;
    gpu_sched_stop(gpu, vf);
    write_result(gpu, vf, seed);
    c->engine[c->sequence % GPU_ENGINE_WORDS] = gpu_mix(seed ^ c->sequence);
    c->sequence++;
    c->completed++;
    c->timeslice -= GPU_UNIT_NS;
    if (c->timeslice == 0)
        c->timeslice = GPU_TIMESLICE_NS;
    if (--c->order[0].units == 0) {
        c->orders--;
        memmove(&c->order[0], &c->order[1], c->orders * sizeof(c->order[0]));
        c->order[c->orders] = (struct gpu_order){0};
    }
    gpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
    gpu_sched_kick(gpu, vf);
}

bool gpu_sched_queue(struct gpu *gpu, uint32_t vf, uint32_t units, uint64_t seed) {
    struct gpu_context *c = &gpu->vf[vf].context;
    uint64_t waiting = c->queued - c->completed;
    if (c->orders == GPU_QUEUE || waiting > GPU_QUEUE_UNITS || units > GPU_QUEUE_UNITS - waiting)
        return false;
    if (units == 0)
        return true;
    c->order[c->orders++] = (struct gpu_order){.seed = seed, .units = units};
    c->queued += units;
    c->doorbell[seed % GPU_VF_DOORBELLS] = (uint32_t)c->queued;
    gpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
    gpu_sched_kick(gpu, vf);
    return true;
}

bool gpu_sched_shares(struct gpu *gpu, uint32_t vf, uint32_t share, uint32_t paging) {
    uint64_t shares = share, pagings = paging;
    if (vf != GPU_VF_NONE) {
        shares += gpu->share;
        pagings += gpu->paging;
    }
    for (uint32_t i = 0; i < gpu->vfs; i++) {
        shares += i == vf ? 0 : gpu->vf[i].share;
        pagings += i == vf ? 0 : gpu->vf[i].paging;
    }
    if (shares > GPU_SHARE_ALL || pagings > GPU_SHARE_ALL)
        return false;
    *(vf == GPU_VF_NONE ? &gpu->share : &gpu->vf[vf].share) = share;
    *(vf == GPU_VF_NONE ? &gpu->paging : &gpu->vf[vf].paging) = paging;
    gpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
    return true;
}
