/* Readings of the observers: what the DDIs do not return. Only changes are emitted. */
#include "internal.h"

#include <string.h>

#define GUEST_STATE_MAX 65536u
#define CONFIG_MAX 4096u

/* One buffer, from the arena: an implementation that eats the process's memory must not make readings go
 * missing, which would look like a fault of another kind. Contents are undefined. */
static void *scratch(struct host *h, size_t size) {
    struct gpup_world *w = h->world;
    if (w->scratch_size >= size)
        return w->scratch;
    size_t grown = w->scratch_size ? w->scratch_size : GUEST_STATE_MAX;
    while (grown < size)
        grown *= 2;
    w->scratch = gpup_arena_alloc_raw(w->arena, grown);
    w->scratch_size = w->scratch ? grown : 0;
    w->broken = w->broken || !w->scratch;
    return w->scratch;
}

static unsigned bit_number(uint32_t observer) {
    return (unsigned)__builtin_ctz(observer);
}

uint32_t world_observers(const struct host *h) {
    const struct gpup_device_ops *d = h->device_ops;
    uint32_t seen = 0;
    if (d) {
        seen |= d->read_msix ? GPUP_OBSERVER_msix_table : 0;
        seen |= d->attach && d->raise ? GPUP_OBSERVER_msix_messages : 0;
        seen |= d->read_vram || d->hash_vram ? GPUP_OBSERVER_vram : 0;
        seen |= d->read_dirty ? GPUP_OBSERVER_dirty_bits : 0;
        seen |= d->read_schedule ? GPUP_OBSERVER_schedule : 0;
        seen |= d->read_guest ? GPUP_OBSERVER_guest_state : 0;
        seen |= d->read_config ? GPUP_OBSERVER_config : 0;
        seen |= d->advance ? GPUP_OBSERVER_time : 0;
    }
    /* A driver that runs on our kernel shows what it asks of it; one with tables only asks for nothing. */
    if (h->world->implementation->driver_entry)
        seen |= (h->world->config.one_system ? 0 : GPUP_OBSERVER_pool) | GPUP_OBSERVER_vmbus |
                GPUP_OBSERVER_callbacks | GPUP_OBSERVER_irql | GPUP_OBSERVER_interrupts | GPUP_OBSERVER_time;
    return seen;
}

/* Whether the reading may differ from the last one; remembers the generation. */
static bool stale(struct host *h, struct seen *seen, uint32_t vf, uint32_t observer) {
    if (!h->device_ops->generation)
        return true;
    uint64_t now = h->device_ops->generation(h->device, vf, observer) + 1; /* 0: never read */
    uint64_t *last = &seen->generation[bit_number(observer)];
    if (*last == now)
        return false;
    *last = now;
    return true;
}

static bool differs(struct seen *seen, uint32_t observer, uint64_t hash) {
    uint64_t *last = &seen->hash[bit_number(observer)];
    if (*last == hash + 1)
        return false;
    *last = hash + 1;
    return true;
}

static void emit_bytes(struct host *h, struct gpup_event *e, const void *bytes, size_t size) {
    e->data = bytes;
    e->data_size = size;
    world_emit(h, e);
}

static void observe_msix(struct host *h, struct seen *seen, uint32_t vf) {
    struct gpup_msix_control control = {0};
    size_t size = (size_t)h->shape.msix_entries * 16;
    bool powered = true;
    if (h->device_ops->read_msix_control && h->device_ops->read_msix_control(h->device, vf, &control)) {
        powered = control.powered;
        struct gpup_event e = world_event(h, GPUP_EVENT_OBS_MSIX_CONTROL);
        e.f[GPUP_OBS_MSIX_CONTROL_vf] = vf;
        e.f[GPUP_OBS_MSIX_CONTROL_enable] = control.enable;
        e.f[GPUP_OBS_MSIX_CONTROL_function_mask] = control.function_mask;
        if (differs(seen, GPUP_OBSERVER_msix_messages, gpup_trace_hash(0, &control, sizeof control)))
            emit_bytes(h, &e, control.pending, (h->shape.msix_entries + 7) / 8);
    }
    /* What the OS powered must be there to read; a driver that only said so shows an empty table. */
    powered =
        powered || gpup_machine_state_of(&h->machines, GPUP_MACHINE_vgpu, vf) == GPUP_STATE_vgpu_Powered;
    if (!size || !powered)
        return;
    uint8_t *entries = scratch(h, size);
    if (entries && h->device_ops->read_msix(h->device, vf, entries) &&
        differs(seen, GPUP_OBSERVER_msix_table, gpup_trace_hash(1, entries, size))) {
        struct gpup_event e = world_event(h, GPUP_EVENT_OBS_MSIX);
        e.f[GPUP_OBS_MSIX_vf] = vf;
        e.f[GPUP_OBS_MSIX_entries] = h->shape.msix_entries;
        emit_bytes(h, &e, entries, size);
    }
}

static void observe_schedule(struct host *h, struct seen *seen, uint32_t vf) {
    struct gpup_schedule s = {0};
    if (!h->device_ops->read_schedule(h->device, vf, &s))
        return;
    uint64_t flat[4] = {s.running, s.share_ppm, s.paging_ppm, s.busy};
    if (!differs(seen, GPUP_OBSERVER_schedule, gpup_trace_hash(2, flat, sizeof flat)))
        return;
    struct gpup_event e = world_event(h, GPUP_EVENT_OBS_SCHEDULE);
    e.f[GPUP_OBS_SCHEDULE_vf] = vf;
    e.f[GPUP_OBS_SCHEDULE_running] = s.running;
    e.f[GPUP_OBS_SCHEDULE_share] = s.share_ppm;
    e.f[GPUP_OBS_SCHEDULE_paging] = s.paging_ppm;
    e.f[GPUP_OBS_SCHEDULE_busy] = s.busy;
    world_emit(h, &e);
}

static bool hash_range(struct host *h, const struct range *r, uint64_t *hash) {
    if (h->device_ops->hash_vram)
        return h->device_ops->hash_vram(h->device, r->segment, r->offset, r->size, hash);
    uint8_t chunk[4096];
    for (uint64_t at = 0; at < r->size; at += sizeof chunk) {
        uint64_t size = r->size - at < sizeof chunk ? r->size - at : sizeof chunk;
        if (!h->device_ops->read_vram(h->device, r->segment, r->offset + at, chunk, size))
            return false;
        *hash = gpup_trace_hash(*hash, chunk, size);
    }
    return true;
}

static void observe_vram(struct host *h, struct seen *seen, uint32_t vf) {
    const struct vf *v = &h->vf[vf];
    uint64_t hash = 3;
    for (uint32_t i = 0; i < v->reserve_count; i++) {
        uint64_t part = 0;
        if (!hash_range(h, &v->reserve[i], &part))
            return;
        hash = gpup_trace_mix(hash ^ part);
    }
    if (!v->reserve_count || !differs(seen, GPUP_OBSERVER_vram, hash))
        return;
    struct gpup_event e = world_event(h, GPUP_EVENT_OBS_VRAM);
    e.f[GPUP_OBS_VRAM_vf] = vf;
    e.f[GPUP_OBS_VRAM_hash] = hash;
    e.f[GPUP_OBS_VRAM_size] = v->reserve_size;
    world_emit(h, &e);
}

/* Bits from `at` on are zero. */
static void append_bits(uint8_t *to, uint64_t at, const uint8_t *from, uint64_t count) {
    if (at % 8 == 0) {
        memcpy(to + at / 8, from, count / 8);
        if (count % 8)
            to[(at + count) / 8] = from[count / 8] & (uint8_t)((1u << count % 8) - 1);
        return;
    }
    for (uint64_t i = 0; i < count; i += 8) {
        unsigned bits = from[i / 8] & (count - i < 8 ? (1u << (count - i)) - 1 : 0xFF);
        uint8_t *place = &to[(at + i) / 8];
        bits <<= at % 8;
        if (bits & 0xFF)
            place[0] |= (uint8_t)bits;
        if (bits >> 8)
            place[1] |= (uint8_t)(bits >> 8);
    }
}

static void observe_dirty(struct host *h, struct seen *seen, uint32_t vf) {
    const struct vf *v = &h->vf[vf];
    uint64_t pages = 0;
    for (uint32_t i = 0; i < v->reserve_count; i++)
        if (h->dirty_page[v->reserve[i].segment])
            pages += v->reserve[i].size / h->dirty_page[v->reserve[i].segment];
    if (!pages)
        return;
    uint8_t *bits = scratch(h, 2 * (pages / 8 + 1));
    if (bits)
        memset(bits, 0, pages / 8 + 1);
    uint8_t *part = bits ? bits + pages / 8 + 1 : NULL;
    bool tracking = bits != NULL, any = true;
    for (uint64_t i = 0, at = 0; bits && i < v->reserve_count; i++) {
        const struct range *r = &v->reserve[i];
        uint64_t count = h->dirty_page[r->segment] ? r->size / h->dirty_page[r->segment] : 0;
        bool on = false;
        memset(part, 0, count / 8 + 1);
        any = any && h->device_ops->read_dirty(h->device, r->segment, r->offset, r->size, part, &on);
        tracking = tracking && on;
        append_bits(bits, at, part, count);
        at += count;
    }
    if (bits && any &&
        differs(seen, GPUP_OBSERVER_dirty_bits, gpup_trace_hash(tracking, bits, pages / 8 + 1))) {
        struct gpup_event e = world_event(h, GPUP_EVENT_OBS_DIRTY);
        e.f[GPUP_OBS_DIRTY_vf] = vf;
        e.f[GPUP_OBS_DIRTY_tracking] = tracking;
        emit_bytes(h, &e, bits, (pages + 7) / 8);
    }
}

static void observe_blob(struct host *h, struct seen *seen, uint32_t vf, uint32_t observer, unsigned kind,
                         size_t (*read)(void *, uint32_t, uint8_t *, size_t), size_t capacity) {
    uint8_t *bytes = scratch(h, capacity);
    size_t size = bytes ? read(h->device, vf, bytes, capacity) : 0;
    if (size && size <= capacity && differs(seen, observer, gpup_trace_hash(4, bytes, size))) {
        struct gpup_event e = world_event(h, kind);
        e.f[0] = vf;
        e.f[1] = size;
        emit_bytes(h, &e, bytes, size);
    }
}

static void observe_vf(struct host *h, uint32_t vf, uint32_t which) {
    struct seen *seen = &h->seen[vf];
    const struct gpup_device_ops *d = h->device_ops;
    if ((which & GPUP_OBSERVER_msix_table) && stale(h, seen, vf, GPUP_OBSERVER_msix_table))
        observe_msix(h, seen, vf);
    if ((which & GPUP_OBSERVER_schedule) && stale(h, seen, vf, GPUP_OBSERVER_schedule))
        observe_schedule(h, seen, vf);
    if ((which & GPUP_OBSERVER_vram) && stale(h, seen, vf, GPUP_OBSERVER_vram))
        observe_vram(h, seen, vf);
    if ((which & GPUP_OBSERVER_dirty_bits) && stale(h, seen, vf, GPUP_OBSERVER_dirty_bits))
        observe_dirty(h, seen, vf);
    if ((which & GPUP_OBSERVER_guest_state) && stale(h, seen, vf, GPUP_OBSERVER_guest_state))
        observe_blob(h, seen, vf, GPUP_OBSERVER_guest_state, GPUP_EVENT_OBS_GUEST, d->read_guest,
                     GUEST_STATE_MAX);
    if ((which & GPUP_OBSERVER_config) && stale(h, seen, vf, GPUP_OBSERVER_config))
        observe_blob(h, seen, vf, GPUP_OBSERVER_config, GPUP_EVENT_OBS_CONFIG, d->read_config, CONFIG_MAX);
}

static void observe_pool(struct host *h) {
    uint64_t count, bytes;
    gpup_os_pool_level(h->os, &count, &bytes);
    if (h->seen_pool[0] == count + 1 && h->seen_pool[1] == bytes)
        return;
    h->seen_pool[0] = count + 1;
    h->seen_pool[1] = bytes;
    struct gpup_event e = world_event(h, GPUP_EVENT_OBS_POOL);
    e.f[GPUP_OBS_POOL_count] = count;
    e.f[GPUP_OBS_POOL_bytes] = bytes;
    world_emit(h, &e);
}

/* What is read of a VF depends on its state as the OS sees it, too: a device that did not change is read
 * again. */
void world_read_again(struct host *h, uint32_t vf) {
    h->seen[GPUP_MAX_VFS].generation[GPUP_OBSERVER_COUNT - 1] = 0;
    if (vf < GPUP_MAX_VFS)
        memset(h->seen[vf].generation, 0, sizeof h->seen[vf].generation);
}

void world_observe(struct host *h) {
    struct seen *pf = &h->seen[GPUP_MAX_VFS];
    if (h->observers & GPUP_OBSERVER_pool)
        observe_pool(h);
    if (!h->device_ops || !h->device)
        return;
    world_reach_device(h);
    if (h->device_ops->generation) { /* observer 0 of the PF: anything at all changed */
        uint64_t now = h->device_ops->generation(h->device, GPUP_PF, 0) + 1;
        if (pf->generation[GPUP_OBSERVER_COUNT - 1] == now)
            return;
        pf->generation[GPUP_OBSERVER_COUNT - 1] = now;
    }
    if ((h->observers & GPUP_OBSERVER_schedule) && stale(h, pf, GPUP_PF, GPUP_OBSERVER_schedule))
        observe_schedule(h, pf, GPUP_PF);
    for (uint32_t vf = 0; vf < h->shape.vfs; vf++)
        observe_vf(h, vf, h->observers);
}
