/*
 * Round robin: a frame is cut into time slices, the PF's first, then those of the VFs by number. A unit of
 * work starts inside a slice of its VF and takes SGPU_UNIT_NS. An order leaves the queue unit by unit as
 * units complete, so whatever stops a unit loses and doubles nothing.
 */
#include "state.h"
#include <string.h>

#define FRAME_NS ((uint64_t)SECOND_FRAME_US * SGPU_US)

bool sgpu_sched_runs(const struct sgpu *gpu, uint32_t vf) {
    return sgpu_vf_alive(gpu, vf) && gpu->function[vf].quantum != 0;
}

bool sgpu_sched_rest(const struct sgpu *gpu, uint32_t vf) {
    return !sgpu_sched_runs(gpu, vf) && gpu->function[vf].phase != SGPU_IN_FLIGHT;
}

/* The first moment from now on that lies in a slice of this VF. */
static uint64_t turn(const struct sgpu *gpu, uint32_t vf) {
    uint64_t open = gpu->now / FRAME_NS * FRAME_NS + gpu->function[gpu->vfs].quantum * SGPU_US;
    for (uint32_t i = 0; i < vf; i++)
        open += gpu->function[i].quantum * SGPU_US;
    uint64_t close = open + gpu->function[vf].quantum * SGPU_US;
    if (gpu->now < open)
        return open;
    return gpu->now < close ? gpu->now : open + FRAME_NS;
}

void sgpu_sched_update(struct sgpu *gpu, uint32_t vf) {
    struct sgpu_function *f = &gpu->function[vf];
    if (f->phase != SGPU_IN_FLIGHT) {
        bool waits = sgpu_sched_runs(gpu, vf) && f->context.orders != 0 && !gpu->removed;
        f->phase = waits ? SGPU_WAITING : SGPU_IDLE;
        f->until = waits ? turn(gpu, vf) : SGPU_NEVER;
    }
    bool rest = sgpu_sched_rest(gpu, vf);
    if (rest && !f->rested) {
        gpu->drained |= 1ull << vf;
        sgpu_cause(gpu, SECOND_CAUSE_DRAINED);
    }
    f->rested = rest;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
}

void sgpu_sched_preempt(struct sgpu *gpu, uint32_t vf) {
    gpu->function[vf].phase = SGPU_IDLE;
    sgpu_sched_update(gpu, vf);
}

/* 64 bytes at a place and with a content that follow from the order and the sequence number alone. */
static void write_result(struct sgpu *gpu, uint32_t vf, uint64_t seed) {
    const struct sgpu_function *f = &gpu->function[vf];
    uint64_t lines = f->space.size / 64, bytes[8],
             value = sgpu_mix(seed + f->context.sequence * 0x9E3779B97F4A7C15u);
    if (lines == 0)
        return;
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = sgpu_mix(value + i);
    sgpu_vf_write(gpu, vf, value % lines * 64, bytes, sizeof(bytes));
}

static void finish(struct sgpu *gpu, uint32_t vf) {
    struct sgpu_function *f = &gpu->function[vf];
    struct sgpu_context *c = &f->context;
    uint64_t seed = c->order[0].seed;
    f->phase = SGPU_IDLE;
    write_result(gpu, vf, seed);
    c->engine = sgpu_mix(c->engine ^ seed ^ c->sequence);
    c->sequence++;
    c->completed++;
    if (--c->order[0].units == 0) {
        c->orders--;
        memmove(&c->order[0], &c->order[1], c->orders * sizeof(c->order[0]));
        c->order[c->orders] = (struct sgpu_order){0};
    }
    sgpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
    sgpu_sched_update(gpu, vf);
}

void sgpu_sched_due(struct sgpu *gpu, uint32_t vf) {
    struct sgpu_function *f = &gpu->function[vf];
    if (f->phase == SGPU_IN_FLIGHT) {
        finish(gpu, vf);
        return;
    }
    f->phase = SGPU_IN_FLIGHT;
    f->until = gpu->now + SGPU_UNIT_NS;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
}

bool sgpu_sched_queue(struct sgpu *gpu, uint32_t vf, uint32_t units, uint64_t seed) {
    struct sgpu_context *c = &gpu->function[vf].context;
    uint64_t waiting = c->queued - c->completed;
    if (c->orders == SGPU_QUEUE || waiting > SGPU_QUEUE_UNITS || units > SGPU_QUEUE_UNITS - waiting)
        return false;
    if (units == 0)
        return true;
    c->order[c->orders++] = (struct sgpu_order){.seed = seed, .units = units};
    c->queued += units;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_guest_state);
    sgpu_sched_update(gpu, vf);
    return true;
}

void sgpu_sched_quantum(struct sgpu *gpu, uint32_t vf, bool paging, uint32_t us) {
    struct sgpu_function *f = sgpu_function(gpu, vf);
    uint64_t sum = us;
    for (uint32_t i = 0; i <= gpu->vfs; i++)
        if (&gpu->function[i] != f)
            sum += paging ? gpu->function[i].paging : gpu->function[i].quantum;
    if (sum > SECOND_FRAME_US)
        return;
    *(paging ? &f->paging : &f->quantum) = us;
    sgpu_changed(gpu, vf, GPUP_OBSERVER_schedule);
    for (uint32_t i = 0; i < gpu->vfs && !paging; i++) /* slices behind it have moved */
        sgpu_sched_update(gpu, i);
}
