/* Prepare, restore and end: whether they work, and what they leave alone. */
#include "migration.h"

#include <string.h>

#define TDR_NS UINT64_C(2000000000) /* the default delay of timeout detection */

static const struct change *own_change(const struct gpup_judge *j, unsigned kind) {
    return call_change(j, kind, j->call.host, j->call.vf);
}

static bool other_session(const struct gpup_judge *j, unsigned session) {
    const struct call *c = &j->call;
    for (uint32_t host = 0; host < GPUP_MAX_HOSTS; host++)
        for (uint32_t i = 0; i < JUDGE_VFS && (host == c->host || j->one_system); i++)
            if ((i != c->vf || host != c->host) && j->host[host].vf[i].session == session)
                return true;
    return false;
}

static void judge_prepare_status(struct gpup_judge *j, uint64_t type) {
    const struct call *c = &j->call;
    const struct vf *v = &c->before;
    bool works = c->status == 0;
    unsigned opposite = type == 0 ? SESSION_TARGET : SESSION_SOURCE;
    bool runs = v->powered && !v->paused;
    /* made with its memory, not started, and no target before: what a target is */
    bool fresh = v->resourced && !v->was_powered && !v->restores;
    if (!call_must_succeed(j) || v->session != SESSION_NONE || type > 1 || call_reset_goes_on(j, v))
        return;
    if (other_session(j, SESSION_SOURCE) || other_session(j, SESSION_TARGET)) {
        if (other_session(j, opposite) && (type == 1 ? fresh : runs))
            CHECK(j, GPUP_RULE_LM_060, works,
                  "another VF is in a session of the other type, and the call returned 0x%08x", c->status);
        return;
    }
    if (type == 0 ? v->powered : fresh) {
        if (v->sessions)
            CHECK(j, GPUP_RULE_LM_059, works, "after an earlier session the call returned 0x%08x", c->status);
    }
    if (type == 1 && fresh)
        CHECK(j, GPUP_RULE_LM_002, works, "preparing a target returned 0x%08x", c->status);
    if (type == 0 && runs)
        CHECK(j, GPUP_RULE_LM_001, works, "preparing a running source returned 0x%08x", c->status);
    if (type == 0 && v->powered && v->paused)
        CHECK(j, GPUP_RULE_LM_065, works, "preparing a paused VF for quick migration returned 0x%08x",
              c->status);
}

/* A paused VF that got time in this call. */
static bool woke_up(const struct gpup_judge *j) {
    const struct change *s = own_change(j, GPUP_EVENT_OBS_SCHEDULE);
    return j->call.before.paused && s && s->old.seen && !s->old.running && s->now.running;
}

static uint32_t others_of(const struct migration *m, const struct call *c) {
    return m->calls[c->host] - m->own[c->host][c->vf];
}

/* Calls add up to the same where they were the same; one without memory is like no other. */
static uint64_t with_call(uint64_t calls, const struct call *c) {
    bool prepare = c->ddi == GPUP_DDI_PrepareLiveMigration;
    uint64_t what[4] = {c->ddi, c->status, c->a[prepare ? GPUP_ARG_PrepareLiveMigration_MigrationType : 2],
                        c->failed_alloc ? c->event : 0};
    return gpup_trace_hash(calls, what, sizeof what);
}

static void judge_prepare(struct gpup_judge *j, const struct migration *m, struct session_of *s,
                          const struct vf *v) {
    const struct call *c = &j->call;
    judge_prepare_status(j, c->a[GPUP_ARG_PrepareLiveMigration_MigrationType]);
    if (!nt_success(c->status) || c->before.session != SESSION_NONE)
        return;
    const char *what = own_change(j, GPUP_EVENT_OBS_VRAM)   ? "VRAM"
                       : own_change(j, GPUP_EVENT_OBS_MSIX) ? "MSI-X table"
                       : c->channels                        ? "VMBus channels"
                       : woke_up(j)                         ? "pause state"
                                                            : NULL;
    CHECK(j, GPUP_RULE_LM_009, !what, "PrepareLiveMigration changed the %s of the VF", what ? what : "");
    struct session_of old = *s;
    *s = (struct session_of){.immutable_size = old.immutable_size,
                             .immutable_known = old.immutable_known,
                             .last = old.last,
                             .row = old.row,
                             .begun = others_of(m, c),
                             .others = old.others,
                             .calls = with_call(0, c),
                             .tracking = c->before.tracking,
                             .untouched = v->guest.seen && v->vram.seen && vf_quiet(v) && !v->kept,
                             .guest = v->guest.hash,
                             .vram = v->vram.hash};
    s->last.known = old.last.known && m->own[c->host][c->vf] == old.own + 1; /* nothing between the two */
    memcpy(s->worked, old.worked, sizeof s->worked);
}

static void judge_end_effect(struct gpup_judge *j, const struct migration *m, const struct session_of *s,
                             const struct vf *v) {
    const struct call *c = &j->call;
    bool table = own_change(j, GPUP_EVENT_OBS_MSIX) != NULL;
    bool pause = c->before.paused && v->schedule.seen && v->schedule.running && !c->before.schedule.running;
    bool tracking = s->tracking && c->before.tracking && !v->tracking && migration_tracked(j, &m->tracks);
    if (!j->host[c->host].impaired)
        CHECK(j, GPUP_RULE_LM_056, !table && !pause && !tracking, "EndLiveMigration changed the %s of the VF",
              table   ? "MSI-X table"
              : pause ? "pause state"
                      : "dirty tracking");
    if (!j->host[c->host].bases && !s->tracking && v->dirty.seen && !j->host[c->host].impaired)
        CHECK(j, GPUP_RULE_LM_057, !v->tracking,
              "no basis is tracked and EndLiveMigration left tracking on in the device");
}

static void judge_abort(struct gpup_judge *j, const struct session_of *s, const struct vf *v) {
    const struct host *h = &j->host[j->call.host];
    if (!s->untouched || !vf_quiet(v) || h->impaired ||
        h->asleep) /* without power there is no state to read */
        return;
    bool guest = v->guest.hash == s->guest, vram = v->vram.hash == s->vram;
    CHECK(j, GPUP_RULE_LM_058, guest && vram, "after the session the VF's %s differs from before",
          guest ? "memory" : "state");
}

/* Sessions of the same calls in a row, with nothing but time in them or between: none takes more memory than
 * the one before. */
static void judge_pool(struct gpup_judge *j, struct migration *m, struct session_of *s, const struct vf *v) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint64_t objects[6] = {h->bases, h->processes, h->vgpus, h->open_sessions, v->life, h->structure};
    uint64_t state = gpup_trace_hash(7, objects, sizeof objects);
    uint32_t others = others_of(m, c);
    bool quiet = others == s->begun && !h->impaired;
    if (!(h->observers & GPUP_OBSERVER_pool))
        return;
    bool equal = quiet && s->last.known && s->last.calls == s->calls && s->last.objects == state &&
                 others == s->others;
    s->last = (struct cycle){s->calls, state, quiet};
    uint32_t grown = 0;
    if (!equal)
        row_begins(&s->row, h);
    else if (row_goes_on(&s->row, h, &grown))
        CHECK_GROWTH(j, GPUP_RULE_LM_055, grown, "each of %u equal sessions left more allocations", grown);
    s->others = others;
    s->own = m->own[c->host][c->vf];
}

static void judge_end_status(struct gpup_judge *j, const struct session_of *s) {
    const struct call *c = &j->call;
    bool works = c->status == 0, source = c->before.session == SESSION_SOURCE;
    if (!call_must_succeed(j))
        return;
    if (s->reset && source)
        CHECK(j, GPUP_RULE_LM_077, works, "after a reset of the VF EndLiveMigration returned 0x%08x",
              c->status);
    if (s->power && source && c->before.powered)
        CHECK(j, GPUP_RULE_LM_078, works, "after D3 and D0 EndLiveMigration returned 0x%08x", c->status);
    if (c->before.disturbed)
        return; /* the session may be over: what a MUST asks of its end is asked of one that is there */
    if (s->refused)
        CHECK(j, GPUP_RULE_LM_038, works, "after a refused restore EndLiveMigration returned 0x%08x",
              c->status);
    if (c->before.sessions > 1)
        CHECK(j, GPUP_RULE_LM_059, works, "a repeated migration ends with 0x%08x", c->status);
}

static void judge_end(struct gpup_judge *j, struct migration *m, struct session_of *s, const struct vf *v) {
    const struct call *c = &j->call;
    if (c->before.session == SESSION_NONE)
        return;
    judge_end_status(j, s);
    if (!nt_success(c->status))
        return;
    if (!c->before.disturbed) {
        judge_end_effect(j, m, s, v);
        if (c->before.session == SESSION_SOURCE)
            judge_abort(j, s, v);
    }
    judge_pool(j, m, s, v);
    s->last.known = s->last.known && !c->before.disturbed;
    s->phase[0] = s->phase[1] = (struct phase){0};
}

static void judge_restore(struct gpup_judge *j, struct session_of *s, const struct vf *v) {
    const struct call *c = &j->call;
    bool success = nt_success(c->status);
    bool effect = own_change(j, GPUP_EVENT_OBS_GUEST) || own_change(j, GPUP_EVENT_OBS_VRAM) ||
                  (v->schedule.seen && v->schedule.running != c->before.schedule.running);
    bool first = c->ddi == GPUP_DDI_RestoreImmutableMigrationData;
    if (c->before.powered && !c->before.paused)
        CHECK(j, GPUP_RULE_LM_046, !success && !effect,
              "the VF is not paused, and the restore returned 0x%08x%s", c->status,
              effect ? " with an effect" : "");
    if (!first && c->before.session == SESSION_TARGET && !s->restored && !c->before.disturbed)
        CHECK(j, GPUP_RULE_LM_048, !success,
              "mutable data was restored before the immutable data (status 0x%08x)", c->status);
    if (first && !success)
        CHECK(j, GPUP_RULE_LM_083, !effect, "the refused restore changed the VF");
    s->refused = s->refused || !success;
    s->restored = s->restored || (first && success);
    s->immutable_known = s->immutable_known && !(first && success); /* the data may be another's now */
}

static void judge_destroy(struct gpup_judge *j, struct session_of *s) {
    const struct call *c = &j->call;
    if (s->refused && call_must_succeed(j))
        CHECK(j, GPUP_RULE_LM_038, c->status == 0,
              "after a refused restore DestroyVirtualGpu returned 0x%08x", c->status);
    if (nt_success(c->status))
        *s = (struct session_of){0};
}

/* Calls that leave the VF's content alone, if the driver is right. */
static bool is_harmless(uint16_t ddi) {
    switch (ddi) {
    case GPUP_DDI_PrepareLiveMigration:
    case GPUP_DDI_SaveImmutableMigrationData:
    case GPUP_DDI_SaveMutableMigrationData:
    case GPUP_DDI_EndLiveMigration:
    case GPUP_DDI_SetVirtualFunctionPauseState:
    case GPUP_DDI_GetVirtualGpuInfo:
    case GPUP_DDI_ReadVirtualFunctionConfig:
    case GPUP_DDI_QueryProbedBars:
    case GPUP_DDI_QueryAdapterInfo:
    case GPUP_DDI_CreateMemoryBasis:
    case GPUP_DDI_DestroyMemoryBasis:
    case GPUP_DDI_StartDirtyTracking:
    case GPUP_DDI_StopDirtyTracking:
    case GPUP_DDI_QueryDirtyBitData:
        return true;
    default:
        return false;
    }
}

/* A paused VF stays as it is, whatever harmless call is made. One that is a target has no content of its own
 * yet: it comes with the session, and goes with one that is given up. */
static void judge_frozen(struct gpup_judge *j, const struct vf *v) {
    const struct call *c = &j->call;
    bool pausing = c->ddi == GPUP_DDI_SetVirtualFunctionPauseState;
    bool target = c->before.session == SESSION_TARGET;
    if (v && c->before.paused && !target && (v->paused || !pausing) && is_harmless(c->ddi))
        CHECK(j, GPUP_RULE_LM_066,
              !own_change(j, GPUP_EVENT_OBS_VRAM) && !own_change(j, GPUP_EVENT_OBS_GUEST),
              "the call changed the content of a paused VF");
    for (unsigned i = 0; i < c->changes; i++) {
        const struct change *m = &c->change[i];
        const struct vf *of = judge_vf(j, m->host, m->vf);
        bool content = m->kind == GPUP_EVENT_OBS_VRAM || m->kind == GPUP_EVENT_OBS_GUEST;
        if (!content || !of || !of->paused || of->session == SESSION_TARGET || !m->fresh || !m->quiet ||
            (c->names_vf && m->vf == c->vf) || (!c->names_vf && !is_harmless(c->ddi)))
            continue;
        judge_about(j, m->host, m->vf);
        CHECK(j, GPUP_RULE_LM_066, false, "a call for another object changed the content of paused VF %u",
              m->vf);
    }
    judge_about(j, c->host, c->names_vf ? c->vf : GPUP_PF);
}

/* What touches a VF beside its session, so that its content may differ at the end. */
static void follow(struct gpup_judge *j, struct session_of *s, const struct vf *v) {
    const struct call *c = &j->call;
    s->untouched = s->untouched && is_harmless(c->ddi);
    if (!nt_success(c->status) || v->session != SESSION_SOURCE)
        return;
    s->reset = s->reset || c->ddi == GPUP_DDI_ResetVirtualFunction;
    s->power = s->power || c->ddi == GPUP_DDI_SetVirtualFunctionPowerState;
    if (c->ddi == GPUP_DDI_SetVirtualFunctionPauseState && !v->paused)
        s->phase[1] = (struct phase){0};
    if (c->ddi == GPUP_DDI_ResetVirtualFunction || c->ddi == GPUP_DDI_SetVirtualFunctionPowerState)
        s->phase[1] = (struct phase){0};
}

/* A VF that is at work cannot have its GPU taken for longer than timeout detection waits. */
static void judge_time(struct gpup_judge *j, const struct vf *v) {
    const struct call *c = &j->call;
    bool session = v->session == SESSION_SOURCE || c->before.session == SESSION_SOURCE;
    if (session && v->powered && !v->paused && c->before.work_pending && !j->host[c->host].impaired)
        CHECK(j, GPUP_RULE_LM_064, c->end_ns - c->begin_ns < TDR_NS,
              "a call of the migration took %llu ms while the VF was at work",
              (unsigned long long)(c->end_ns - c->begin_ns) / 1000000);
}

void migration_session(struct gpup_judge *j, struct migration *m, struct session_of *s, const struct vf *v) {
    const struct call *c = &j->call;
    judge_frozen(j, v);
    if (!s || !v)
        return;
    if (c->ddi == GPUP_DDI_CreateVirtualGpu && nt_success(c->status))
        *s = (struct session_of){0};
    s->calls = with_call(s->calls, c);
    if (!c->before.present)
        return;
    judge_time(j, v);
    switch (c->ddi) {
    case GPUP_DDI_PrepareLiveMigration:
        judge_prepare(j, m, s, v);
        break;
    case GPUP_DDI_EndLiveMigration:
        judge_end(j, m, s, v);
        break;
    case GPUP_DDI_RestoreImmutableMigrationData:
    case GPUP_DDI_RestoreMutableMigrationData:
        judge_restore(j, s, v);
        break;
    case GPUP_DDI_DestroyVirtualGpu:
        judge_destroy(j, s);
        return;
    default:
        break;
    }
    follow(j, s, v);
}
