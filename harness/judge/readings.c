/* Readings of the observers, and which of them a call has changed. */
#include "context.h"

#include <string.h>

static struct schedule schedule_of(const struct gpup_event *e) {
    return (struct schedule){true, e->f[GPUP_OBS_SCHEDULE_running] != 0, e->f[GPUP_OBS_SCHEDULE_busy] != 0,
                             (uint32_t)e->f[GPUP_OBS_SCHEDULE_share],
                             (uint32_t)e->f[GPUP_OBS_SCHEDULE_paging]};
}

static struct content *content_of(struct vf *v, unsigned kind) {
    switch (kind) {
    case GPUP_EVENT_OBS_VRAM:
        return &v->vram;
    case GPUP_EVENT_OBS_GUEST:
        return &v->guest;
    case GPUP_EVENT_OBS_CONFIG:
        return &v->config;
    case GPUP_EVENT_OBS_DIRTY:
        return &v->dirty;
    default:
        return NULL;
    }
}

static bool is_reading(unsigned kind) {
    return kind >= GPUP_EVENT_OBS_MSIX && kind <= GPUP_EVENT_OBS_CONFIG;
}

/* A first reading is no change: what was there before nobody knows, or it could not be read. */
static bool noted(const struct gpup_judge *j, const struct vf *v, const struct gpup_event *e) {
    struct content *content = v ? content_of((struct vf *)(uintptr_t)v, e->kind) : NULL;
    if (e->kind == GPUP_EVENT_OBS_SCHEDULE)
        return v ? v->schedule.seen : j->host[e->host].pf.seen;
    if (e->kind == GPUP_EVENT_OBS_MSIX || e->kind == GPUP_EVENT_OBS_MSIX_CONTROL)
        return v && (e->kind == GPUP_EVENT_OBS_MSIX ? v->table_seen : v->control_seen);
    return v && (!content || content->seen);
}

static bool is_quiet(const struct gpup_judge *j, const struct vf *v, uint32_t vf) {
    const struct call *c = &j->call;
    if (!v)
        return true;
    bool named = c->names_vf && c->vf == vf;
    return vf_quiet(v) && v->guest_write < c->event && (!named || vf_quiet(&c->before));
}

static bool is_named(const struct gpup_judge *j, const struct vf *v) {
    const struct call *c = &j->call;
    return c->names_vf && c->vf < JUDGE_VFS && v == &j->host[c->host].vf[c->vf];
}

/* A reset that its guest asked for before goes on beside the call. */
static bool is_reset_beside(const struct gpup_judge *j, const struct vf *v) {
    const struct call *c = &j->call;
    bool asks = c->ddi == GPUP_DDI_ResetVirtualFunction || call_may_reset(c);
    return call_reset_goes_on(j, v) && !(asks && is_named(j, v));
}

/* A VF may begin to run by an earlier call, or stop for a reset, and what it takes or leaves is the others'.
 */
static bool any_turns(const struct gpup_judge *j, unsigned host) {
    const struct host *h = &j->host[host];
    for (uint64_t used = j->used[host]; used; used &= used - 1) {
        const struct vf *v = &h->vf[__builtin_ctzll(used)];
        bool begins = vf_is_to_begin(h, v) && v->rose != j->call.event;
        if (begins || is_reset_beside(j, v))
            return true;
    }
    return false;
}

/* An earlier call left it to the scheduler. */
static bool is_late(const struct gpup_judge *j, unsigned host, const struct vf *v,
                    const struct schedule *now) {
    const struct host *h = &j->host[host];
    const struct schedule *old = v ? &v->schedule : &h->pf;
    if (v && is_reset_beside(j, v))
        return true;
    if (v && old->running && !now->running && !v->powered) /* its power went before */
        return !(j->call.before.powered && is_named(j, v));
    if (v && !old->running && now->running)
        return v->rising && v->rose != j->call.event;
    return old->running == now->running && ((j->call.restless >> host & 1) || any_turns(j, host));
}

/* What came late might have come before the call at hand. */
static void set_before(struct call *c, const struct gpup_event *e, const struct schedule *now) {
    if (e->host == c->host && c->names_vf && c->vf == e->f[0])
        c->before.schedule = *now;
}

/* State that the driver kept for a VF without power or brings before it runs, or a reset that the guest asked
 * for before. */
static bool comes_late(const struct gpup_judge *j, unsigned host, const struct vf *v, unsigned kind) {
    bool begins = v && vf_is_to_begin(&j->host[host], v) && v->rose != j->call.event;
    return v && (begins || (v->kept && kind == GPUP_EVENT_OBS_GUEST) || is_reset_beside(j, v));
}

void context_note_change(struct gpup_judge *j, const struct gpup_event *e) {
    struct call *c = &j->call;
    bool own = e->host == c->host;
    unsigned *count = own ? &c->changes : &c->others;
    if (!(c->active || c->returned) || !is_reading(e->kind) || !(own || j->one_system) ||
        *count == JUDGE_CHANGES || j->host[e->host].removed)
        return;
    struct vf *v = judge_vf(j, e->host, e->f[0]);
    struct content *content = v ? content_of(v, e->kind) : NULL;
    if (!noted(j, v, e))
        return;
    struct schedule now = schedule_of(e);
    if (e->kind == GPUP_EVENT_OBS_SCHEDULE && is_late(j, e->host, v, &now)) {
        c->late |= (uint8_t)(1u << e->host);
        set_before(c, e, &now);
        return;
    }
    struct change *change = (own ? c->change : c->other) + (*count)++;
    *change = (struct change){.kind = e->kind,
                              .host = e->host,
                              .vf = (uint32_t)e->f[0],
                              .event = j->event,
                              .quiet = is_quiet(j, v, (uint32_t)e->f[0]),
                              .fresh = (!content || content->fresh) && !comes_late(j, e->host, v, e->kind)};
    if (e->kind == GPUP_EVENT_OBS_SCHEDULE) {
        change->old = v ? v->schedule : j->host[e->host].pf;
        change->now = now;
    }
}

/* It begins again when the driver, or its guest, is done with it. */
static bool is_stopped_by_reset(struct gpup_judge *j, const struct vf *v) {
    const struct call *c = &j->call;
    bool asked = (c->active || c->returned) && call_vf(j) == v && c->ddi == GPUP_DDI_ResetVirtualFunction;
    return v->powered && !v->paused && (asked || call_reset_goes_on(j, v));
}

static void read_schedule(struct gpup_judge *j, const struct gpup_event *e, struct vf *v) {
    struct schedule now = schedule_of(e);
    if (!v) {
        j->host[e->host].pf = now;
        return;
    }
    bool stops = v->schedule.running && !now.running;
    v->schedule = now;
    v->rising = v->rising && !now.running;
    if (stops && is_stopped_by_reset(j, v))
        judge_rises(j, e->host, v);
    v->work_busy = v->work_busy || (v->work_pending && now.busy);
    if (v->work_busy && now.running && !now.busy)
        v->work_pending = v->work_busy = false;
}

static void read_control(struct gpup_judge *j, const struct gpup_event *e, struct vf *v) {
    bool enable = e->f[GPUP_OBS_MSIX_CONTROL_enable] != 0;
    bool mask = e->f[GPUP_OBS_MSIX_CONTROL_function_mask] != 0;
    const struct call *c = &j->call;
    if (c->returned && call_may_reset(c) && call_vf(j) == v && enable &&
        (!v->enable || mask != v->function_mask))
        v->reset_ns = 0; /* it was MSI-X's own register, or the reset is over */
    v->control_seen = true;
    v->enable = enable;
    v->function_mask = mask;
}

void context_reading(struct gpup_judge *j, const struct gpup_event *e) {
    struct vf *v = judge_vf(j, e->host, e->f[0]);
    if (e->kind == GPUP_EVENT_OBS_POOL) {
        j->host[e->host].fillings += j->waited && e->f[GPUP_OBS_POOL_count] > j->host[e->host].pool_count;
        j->host[e->host].pool_count = e->f[GPUP_OBS_POOL_count];
        j->host[e->host].pool_bytes = e->f[GPUP_OBS_POOL_bytes];
        return;
    }
    if (e->kind == GPUP_EVENT_OBS_SCHEDULE) {
        if (v || e->f[0] == GPUP_PF)
            read_schedule(j, e, v);
        return;
    }
    struct content *content = v ? content_of(v, e->kind) : NULL;
    if (content) {
        uint64_t hash = e->kind == GPUP_EVENT_OBS_VRAM ? e->f[GPUP_OBS_VRAM_hash]
                                                       : gpup_trace_hash(1, e->data, e->data_size);
        *content = (struct content){true, true, hash, e->data_size};
    }
    if (v && e->kind == GPUP_EVENT_OBS_DIRTY)
        v->tracking = e->f[GPUP_OBS_DIRTY_tracking] != 0;
    if (v && e->kind == GPUP_EVENT_OBS_MSIX)
        v->table_seen = true;
    if (v && e->kind == GPUP_EVENT_OBS_MSIX_CONTROL)
        read_control(j, e, v);
}

const char *change_name(const struct change *c) {
    switch (c->kind) {
    case GPUP_EVENT_OBS_MSIX:
    case GPUP_EVENT_OBS_MSIX_CONTROL:
        return "MSI-X state";
    case GPUP_EVENT_OBS_VRAM:
        return "memory";
    case GPUP_EVENT_OBS_DIRTY:
        return "dirty bits";
    case GPUP_EVENT_OBS_GUEST:
        return "registers and state";
    case GPUP_EVENT_OBS_CONFIG:
        return "configuration";
    default:
        return "running state";
    }
}

/* A VF that runs changes its own content; its table, its configuration and whether it runs it does not. What
 * the part shows of a VF without a vGPU is nobody's: it appears with VF Enable, and is cleaned up late. */
static bool is_foreign(const struct gpup_judge *j, const struct change *m) {
    const struct call *c = &j->call;
    bool own_doing = m->kind == GPUP_EVENT_OBS_VRAM || m->kind == GPUP_EVENT_OBS_GUEST ||
                     m->kind == GPUP_EVENT_OBS_MSIX_CONTROL;
    /* Bits may move from the part's plane into the driver's memory: what counts is what queries say. */
    if ((m->vf == c->vf && m->host == c->host) || m->vf == GPUP_PF || !m->fresh ||
        m->kind == GPUP_EVENT_OBS_DIRTY)
        return false;
    if (m->vf < JUDGE_VFS &&
        (!j->host[m->host].vf[m->vf].present || call_reset_goes_on(j, &j->host[m->host].vf[m->vf])))
        return false;
    if (m->kind == GPUP_EVENT_OBS_SCHEDULE)
        return m->old.running != m->now.running;
    return !own_doing || m->quiet;
}

const struct change *call_own(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    for (unsigned i = 0; i < c->changes; i++) {
        const struct change *m = &c->change[i];
        bool schedule = m->kind == GPUP_EVENT_OBS_SCHEDULE;
        if (m->vf == c->vf && (schedule ? m->old.running != m->now.running : m->fresh && m->quiet))
            return m;
    }
    return NULL;
}

const struct change *call_foreign_of(const struct gpup_judge *j, const struct change *changes,
                                     unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (is_foreign(j, &changes[i]))
            return &changes[i];
    return NULL;
}

const struct change *call_foreign(const struct gpup_judge *j) {
    return call_foreign_of(j, j->call.change, j->call.changes);
}

bool judge_bus_master(const struct gpup_event *e) {
    static const uint8_t gone[4] = {0xFF, 0xFF, 0xFF, 0xFF};
    return e->data_size >= 8 && e->data[4] & 4 && memcmp(e->data + 4, gone, sizeof gone) != 0;
}
