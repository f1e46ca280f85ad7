/* Guest actions, device events and injected faults. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void unsupported(struct host *h, bool exists) {
    world_skip(h, GPUP_SKIP_UNSUPPORTED,
               exists ? "the device refused: the VF has no power or no memory"
                      : "the device has no such function");
}

static void guest_write(struct host *h, const struct gpup_step *step) {
    const struct gpup_value *f = step->f;
    uint64_t size = f[GPUP_GuestWrite_size].number, seed = f[GPUP_GuestWrite_seed].number;
    bool exists = h->device_ops && h->device_ops->guest_write && h->device;
    size = size < (1u << 20) ? size : 1u << 20;
    uint8_t *bytes = exists ? malloc(size + 8) : NULL;
    h->world->broken = h->world->broken || (exists && !bytes);
    for (uint64_t i = 0; bytes && i < size; i += 8) {
        uint64_t word = gpup_trace_mix(seed * 0x9E3779B97F4A7C15u + i);
        memcpy(bytes + i, &word, 8);
    }
    if (!bytes ||
        !h->device_ops->guest_write(h->device, step->vf, f[GPUP_GuestWrite_offset].number, bytes, size)) {
        if (bytes)
            world_refused_write(h, step->vf, f[GPUP_GuestWrite_offset].number,
                                size); /* tried, and that is known */
        else
            unsupported(h, exists);
    } else {
        world_landed(h, step->vf, f[GPUP_GuestWrite_offset].number, bytes, size);
    }
    free(bytes);
}

static void emit_read(struct host *h, uint32_t vf, uint64_t offset, uint64_t size) {
    struct gpup_event e = world_event(h, GPUP_EVENT_GUEST_READ);
    e.f[GPUP_GUEST_READ_vf] = vf;
    e.f[GPUP_GUEST_READ_offset] = offset;
    e.f[GPUP_GUEST_READ_size] = size;
    world_emit(h, &e);
}

static void guest_read(struct host *h, const struct gpup_step *step) {
    uint64_t size = step_number(step, GPUP_GuestRead_size);
    bool exists = h->device_ops && h->device_ops->guest_read && h->device;
    size = size < (1u << 20) ? size : 1u << 20;
    uint8_t *bytes = exists ? malloc(size + 1) : NULL;
    h->world->broken = h->world->broken || (exists && !bytes);
    if (!bytes || !h->device_ops->guest_read(h->device, step->vf, step_number(step, GPUP_GuestRead_offset),
                                             bytes, size))
        unsupported(h, exists);
    else
        emit_read(h, step->vf, step_number(step, GPUP_GuestRead_offset), size);
    free(bytes);
}

static void emit_work(struct host *h, uint32_t vf) {
    struct gpup_work work = {0};
    if (!h->device_ops->read_work || !h->device_ops->read_work(h->device, vf, &work))
        return;
    struct gpup_event e = world_event(h, GPUP_EVENT_GUEST_WORK);
    e.f[GPUP_GUEST_WORK_vf] = vf;
    e.f[GPUP_GUEST_WORK_queued] = work.queued;
    e.f[GPUP_GUEST_WORK_completed] = work.completed;
    e.f[GPUP_GUEST_WORK_sequence] = work.sequence;
    world_emit(h, &e);
}

static void guest_work(struct host *h, const struct gpup_step *step) {
    bool exists = h->device_ops && h->device_ops->guest_work && h->device;
    uint64_t units = step->f[GPUP_GuestWork_units].number;
    units = units < 100000 ? units : 100000;
    if (!exists ||
        !h->device_ops->guest_work(h->device, step->vf, (uint32_t)units, step->f[GPUP_GuestWork_seed].number))
        unsupported(h, exists);
    else
        emit_work(h, step->vf);
}

static void guest_register(struct host *h, const struct gpup_step *step) {
    bool exists = h->device_ops && h->device_ops->guest_set_register && h->device;
    if (!exists || !h->device_ops->guest_set_register(
                       h->device, step->vf, (uint32_t)step->f[GPUP_GuestSetRegister_register].number,
                       (uint32_t)step->f[GPUP_GuestSetRegister_value].number))
        unsupported(h, exists);
}

void do_GuestWrite(struct host *h, const struct gpup_step *s) {
    world_reach_device(h);
    guest_write(h, s);
    world_observe(h);
}

void do_GuestRead(struct host *h, const struct gpup_step *s) {
    world_reach_device(h);
    guest_read(h, s);
    world_observe(h);
}

void do_GuestWork(struct host *h, const struct gpup_step *s) {
    world_reach_device(h);
    guest_work(h, s);
    world_observe(h);
}

void do_GuestSetRegister(struct host *h, const struct gpup_step *s) {
    world_reach_device(h);
    guest_register(h, s);
    world_observe(h);
}

void do_GuestReset(struct host *h, const struct gpup_step *s) {
    op_reset(h, s->vf);
    world_observe(h);
}

static void raise_interrupt(struct host *h, const struct gpup_step *step) {
    bool exists = h->device_ops && h->device_ops->raise && h->device;
    int16_t index = world_index(h, &step->f[GPUP_RaiseInterrupt_index]);
    struct gpup_event e = world_event(h, GPUP_EVENT_RAISE);
    e.f[GPUP_RAISE_vf] = step->vf;
    e.f[GPUP_RAISE_index] = (uint64_t)(int64_t)index;
    if (!exists || index < 0 || (uint32_t)index >= h->shape.msix_entries) {
        unsupported(h, exists);
        return;
    }
    world_emit(h, &e);
    if (!h->device_ops->raise(h->device, step->vf, (uint32_t)index))
        unsupported(h, true);
}

static void fail_allocation(struct host *h, const struct gpup_step *step) {
    uint32_t nth = (uint32_t)step->f[GPUP_FailAllocation_nth].number;
    uint32_t count = (uint32_t)step->f[GPUP_FailAllocation_count].number;
    const struct gpup_implementation *i = h->world->implementation;
    if (i->driver_entry)
        gpup_os_fail_allocation(h->os, nth, count);
    else if (i->fail_allocation)
        i->fail_allocation(nth, count);
    else
        unsupported(h, false);
}

void do_RaiseInterrupt(struct host *h, const struct gpup_step *s) {
    world_reach_device(h);
    raise_interrupt(h, s);
    world_observe(h);
}

/* An order without answer costs the driver the time that it allows for one: the TDR delay of Windows at most.
 */
#define TDR_DELAY_NS UINT64_C(2000000000)

void do_LoseCompletions(struct host *h, const struct gpup_step *s) {
    uint64_t count =
        gpup_os_patience(h->os, TDR_DELAY_NS * step_u32(s, GPUP_LoseCompletions_count)) / TDR_DELAY_NS;
    world_reach_device(h);
    if (!h->device || !h->device_ops->lose_completions)
        unsupported(h, false);
    else if (count)
        h->device_ops->lose_completions(h->device, step_u32(s, GPUP_LoseCompletions_after), (uint32_t)count);
    world_observe(h);
}

void do_RemoveHardware(struct host *h, const struct gpup_step *s) {
    (void)s;
    world_reach_device(h);
    h->removed = h->device && h->device_ops->remove;
    if (h->removed)
        h->device_ops->remove(h->device);
    else
        unsupported(h, false);
    world_observe(h);
}

void do_FailAllocation(struct host *h, const struct gpup_step *s) {
    fail_allocation(h, s);
    world_observe(h);
}
