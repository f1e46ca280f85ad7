/* Pause overlay: scheduled exactly when the natural state is running and the overlay is off. */
#include "monitors.h"

#include <string.h>

#define WATCHDOG_NS UINT64_C(2000000000) /* the default delay of timeout detection */

struct overlay {
    bool natural_known, natural; /* running when it was last seen without the overlay */
    bool moved;                  /* power changed while paused */
    bool reset;         /* it was, or may have been, reset while paused, and power has not changed since */
    bool ended_paused;  /* an earlier life was destroyed while paused */
    uint32_t pauses;    /* in a row */
    uint32_t share;     /* before the first of them */
    bool young;         /* it was still moving then */
    uint32_t structure; /* of the host, then */
    uint32_t sessions;
    bool work_seen, work_paused;
    uint64_t completed, sequence;
    uint64_t since_ns;    /* end of the first pause */
    struct content guest; /* state then; unseen once the guest acted */
    struct {
        struct later due;
        uint32_t pauses;          /* that an unpause ended; 0: it was powered up */
        uint32_t share, sessions; /* before the pause, where they are to be again; host's structure, too */
        bool shares;
        uint32_t structure;
        bool moved, padded, inherits; /* power changed in them; the flag came with padding; an earlier life
                                        was paused */
    } release;                        /* it is to run once time has passed */
};
struct pause {
    struct overlay of[GPUP_MAX_HOSTS][JUDGE_VFS];
    bool on[GPUP_MAX_HOSTS],
        off[GPUP_MAX_HOSTS];      /* flag 1, and FALSE without padding, did what they should */
    bool d0_runs[GPUP_MAX_HOSTS]; /* this device runs a VF as soon as it is in D0 */
};

static void judge_on(struct gpup_judge *j, struct pause *p, struct overlay *o, const struct vf *v) {
    const struct call *c = &j->call;
    uint64_t flag = c->a[GPUP_ARG_SetVirtualFunctionPauseState_bPause];
    bool ran = c->before.schedule.running;
    bool works = nt_success(c->status);
    /* What is paused, or does not run for want of power, a driver need not pause again, if it stays so. */
    bool must = call_must_succeed(j) && !c->before.paused && c->before.powered;
    bool held = must ? works && !v->schedule.running : (!works && ran) || !v->schedule.running;
    bool shows = ran || !held; /* a VF that did not run anyway shows nothing */
    if (works)
        CHECK(j, GPUP_RULE_PAUSE_009, !v->schedule.busy,
              "work of the VF is in flight after the pause returned");
    p->on[c->host] = p->on[c->host] || (works && ran && held && flag == 1);
    if (shows && flag != 1 && (held || p->on[c->host]))
        CHECK(j, GPUP_RULE_PAUSE_002, held, "flag 0x%02llx did not pause the VF", (unsigned long long)flag);
    if (shows)
        CHECK(j, GPUP_RULE_PAUSE_001, held, "the pause returned 0x%08x and the VF is %s", c->status,
              v->schedule.running ? "still scheduled" : "not scheduled");
    if (!works)
        return;
    if (ran && j->host[c->host].pf.seen && !call_is_unsettled(j))
        CHECK(j, GPUP_RULE_PAUSE_016, j->host[c->host].pf.paging >= c->pf.paging,
              "the PF's paging share fell from %u to %u ppm with the pause", c->pf.paging,
              j->host[c->host].pf.paging);
    o->release.due.due = false;
    if (ran)
        o->natural_known = o->natural = true;
    if (!o->pauses++) {
        o->share = c->before.schedule.share;
        o->young = call_is_unsettled(j);
        o->reset = o->reset || call_reset_goes_on(j, v);
        o->structure = j->host[c->host].structure;
        o->sessions = j->host[c->host].open_sessions;
        o->moved = false;
        o->since_ns = c->end_ns;
        o->guest = v->guest;
        o->guest.seen = v->guest.seen && !o->reset;
    }
    o->work_paused = true;
}

/* What the VF does when the overlay goes: -1 unknown. */
static int natural_state(const struct pause *p, const struct overlay *o, const struct call *c) {
    if (!c->before.powered)
        return 0;
    if (o->reset || c->before.session == SESSION_TARGET) /* it may wait for its guest, or for the end */
        return -1;
    if (o->moved)
        return p->d0_runs[c->host] ? 1 : -1;
    if (o->natural_known && !o->natural && p->d0_runs[c->host])
        return -1; /* something stopped it, and should not have */
    return o->natural_known ? o->natural : -1;
}

static void judge_running(struct gpup_judge *j, const struct overlay *o, const struct vf *v) {
    bool right = v->schedule.running;
    if (o->release.inherits)
        CHECK(j, GPUP_RULE_PAUSE_014, right,
              "the new vGPU does not run " JUDGE_A_WHILE
              " after D0, as if the pause of the former one still held");
    if (!o->release.pauses)
        return;
    if (o->release.padded)
        CHECK(j, GPUP_RULE_PAUSE_015, right,
              "the VF is not scheduled " JUDGE_A_WHILE " after flag FALSE with padding bytes set");
    if (o->release.moved)
        CHECK(j, GPUP_RULE_PAUSE_008, right,
              "the VF is not scheduled " JUDGE_A_WHILE " after the unpause, and was powered while paused");
    if (o->release.pauses > 1)
        CHECK(j, GPUP_RULE_PAUSE_005, right,
              "the VF is not scheduled " JUDGE_A_WHILE " after %u pauses and one unpause", o->release.pauses);
    CHECK(j, GPUP_RULE_PAUSE_003, right, "the VF is not scheduled " JUDGE_A_WHILE " after the unpause");
    const struct host *h = &j->host[j->about_host];
    if (right && o->release.shares && o->release.structure == h->structure &&
        o->release.sessions == h->open_sessions)
        CHECK(j, GPUP_RULE_PAUSE_016, v->schedule.share == o->release.share,
              "the share is %u ppm " JUDGE_A_WHILE " after the unpause, %u before the pause",
              v->schedule.share, o->release.share);
}

/* No page says that the call waits for the scheduler. */
static void expect_running(struct gpup_judge *j, struct overlay *o, const struct vf *v) {
    o->release.due.due = false;
    if (v->schedule.running && (!o->release.shares || v->schedule.share == o->release.share)) {
        judge_running(j, o, v);
        return;
    }
    later_set(&o->release.due, &j->host[j->call.host], v->moves);
}

static void judge_release(struct gpup_judge *j, const struct pause *p, struct overlay *o,
                          const struct vf *v) {
    const struct call *c = &j->call;
    int natural = natural_state(p, o, c);
    bool runs = v->schedule.running;
    if (natural < 0 || (runs == (natural == 1) && c->before.schedule.running)) /* the pause had not held */
        return;
    if (natural == 0) {
        if (o->moved)
            CHECK(j, GPUP_RULE_PAUSE_008, !runs,
                  "the VF is scheduled after the unpause, and was to stop meanwhile");
        CHECK(j, GPUP_RULE_PAUSE_004, !runs, "the unpause started a VF that was not running");
        return;
    }
    o->release.pauses = o->pauses;
    o->release.moved = o->moved;
    o->release.padded = j->padded && p->off[c->host];
    o->release.inherits = false;
    o->release.structure = o->structure;
    o->release.sessions = o->sessions;
    o->release.share = o->share;
    o->release.shares = !o->moved && !o->young && o->structure == j->host[c->host].structure &&
                        o->sessions == j->host[c->host].open_sessions;
    expect_running(j, o, v);
}

/* After a pause longer than any watchdog waits the VF is as it was: nobody took it for hung. */
static void judge_long(struct gpup_judge *j, const struct overlay *o, const struct vf *v) {
    const struct call *c = &j->call;
    if (c->begin_ns - o->since_ns < WATCHDOG_NS || o->moved || !o->guest.seen || !v->powered ||
        c->before.work_pending || c->before.schedule.running || o->structure != j->host[c->host].structure)
        return;
    CHECK(j, GPUP_RULE_PAUSE_012, v->guest.hash == o->guest.hash || v->schedule.busy,
          "after %llu ms of pause the state of the VF is another",
          (unsigned long long)(c->begin_ns - o->since_ns) / 1000000);
}

static void judge_off(struct gpup_judge *j, struct pause *p, struct overlay *o, const struct vf *v) {
    const struct call *c = &j->call;
    bool same = v->schedule.running == c->before.schedule.running;
    bool fine = c->before.paused ? natural_state(p, o, c) != 1 || v->schedule.running : same;
    bool works = nt_success(c->status) && fine;
    /* Without power the pause holds nothing back, and in a target session the VF stays paused. */
    bool must = call_must_succeed(j) && c->before.powered && c->before.session != SESSION_TARGET;
    p->off[c->host] = p->off[c->host] || (works && !j->padded && c->before.paused && v->schedule.running);
    bool later = nt_success(c->status) && c->before.paused; /* then its release tells */
    if (j->padded && (works || (p->off[c->host] && must && !later)))
        CHECK(j, GPUP_RULE_PAUSE_015, works, "flag FALSE with padding bytes set did not count as FALSE");
    if (!c->before.paused) {
        CHECK(j, GPUP_RULE_PAUSE_006, same, "unpausing a VF that was not paused changed its scheduling");
        return;
    }
    if (!nt_success(c->status)) {
        if (must)
            CHECK(j, GPUP_RULE_PAUSE_003, false, "the unpause returned 0x%08x", c->status);
        return;
    }
    judge_release(j, p, o, v);
    judge_long(j, o, v);
    o->pauses = 0;
    o->reset = false;
}

static void judge_others(struct gpup_judge *j) {
    const struct call *c = &j->call;
    uint32_t other = GPUP_PF;
    for (unsigned i = 0; i < c->changes; i++)
        if (c->change[i].kind == GPUP_EVENT_OBS_SCHEDULE && c->change[i].vf != c->vf &&
            c->change[i].vf != GPUP_PF && c->change[i].old.running != c->change[i].now.running)
            other = c->change[i].vf;
    CHECK(j, GPUP_RULE_PAUSE_011, other == GPUP_PF, "the call for VF %u changed the scheduling of VF %u",
          c->vf, other);
}

static void judge_call(struct gpup_judge *j, struct pause *p, const struct vf *v) {
    const struct call *c = &j->call;
    judge_others(j);
    if (!v || !c->before.present) {
        CHECK(j, GPUP_RULE_PAUSE_013, !nt_success(c->status), "VF %u has no vGPU, and the call succeeded",
              c->vf);
        return;
    }
    struct overlay *o = &p->of[c->host][c->vf];
    if (!v->schedule.seen)
        return;
    if (c->a[GPUP_ARG_SetVirtualFunctionPauseState_bPause])
        judge_on(j, p, o, v);
    else
        judge_off(j, p, o, v);
}

static void judge_power(struct gpup_judge *j, struct pause *p, struct overlay *o, const struct vf *v) {
    const struct call *c = &j->call;
    if (!nt_success(c->status))
        return;
    o->moved = o->moved || (v->paused && v->powered != c->before.powered);
    o->reset = o->reset && v->powered == c->before.powered;
    o->natural_known = false;
    if (v->powered && !c->before.powered && !v->paused) {
        o->release.pauses = 0;
        o->release.shares = false;
        o->release.inherits = o->ended_paused && !c->before.was_powered;
        if (o->release.inherits && p->d0_runs[c->host] && v->session != SESSION_TARGET)
            expect_running(j, o, v);
        p->d0_runs[c->host] = p->d0_runs[c->host] || v->schedule.running;
    }
}

/* A driver may keep a VF from running after a reset until its guest has set it up again. */
static void note_reset(const struct call *c, struct overlay *o, const struct vf *v) {
    if (call_stops(c, v))
        o->release.due.due = false;
    if (!v->paused)
        return;
    o->reset = true;
    o->natural_known = false;
    o->guest.seen = false;
}

/* Of a VF whose GPU loses its power nobody knows what is left. */
static void forget_state(const struct gpup_judge *j, struct pause *p) {
    uint64_t used = j->call.ddi == GPUP_DDI_SetPowerState ? j->used[j->call.host] : 0;
    for (; used; used &= used - 1)
        p->of[j->call.host][__builtin_ctzll(used)].guest.seen = false;
}

static void settle(struct gpup_judge *j, void *state) {
    struct pause *p = state;
    const struct call *c = &j->call;
    const struct vf *v = call_vf(j);
    forget_state(j, p);
    if (j->host[c->host].impaired || c->overlapped)
        return;
    if (c->ddi == GPUP_DDI_SetVirtualFunctionPauseState)
        judge_call(j, p, v);
    if (!v)
        return;
    struct overlay *o = &p->of[c->host][c->vf];
    switch (c->ddi) {
    case GPUP_DDI_SetVirtualFunctionPowerState:
        judge_power(j, p, o, v);
        break;
    case GPUP_DDI_DestroyVirtualGpu:
        if (nt_success(c->status))
            *o = (struct overlay){.ended_paused = c->before.paused};
        break;
    case GPUP_DDI_ResetVirtualFunction:
    case GPUP_DDI_WriteVirtualFunctionConfig: /* a reset may be asked for there */
        note_reset(c, o, v);
        break;
    case GPUP_DDI_RestoreMutableMigrationData:
        o->natural_known = false;
        o->release.due.due = o->release.due.due && !call_stops(c, v);
        break;
    default:
        break;
    }
    if (call_stops(c, v))
        o->guest.seen = false; /* its host changed what there is */
    bool may_schedule = c->ddi == GPUP_DDI_SetVirtualFunctionPowerState ||
                        c->ddi == GPUP_DDI_ResetVirtualFunction || c->ddi == GPUP_DDI_PrepareLiveMigration ||
                        c->ddi == GPUP_DDI_EndLiveMigration;
    if (may_schedule && c->before.paused && v->powered && v->schedule.seen)
        CHECK(j, GPUP_RULE_PAUSE_007, !v->schedule.running || c->before.schedule.running,
              "the call scheduled a paused VF");
    if (v->powered && !v->paused && v->schedule.seen) {
        o->natural_known = v->schedule.running || !v->rising;
        o->natural = v->schedule.running;
    }
}

/* The pause or the unpause of that VF is in the driver. */
static bool is_changing(const struct gpup_judge *j, unsigned host, uint64_t vf) {
    bool changing = false;
    for (unsigned i = 0; i <= JUDGE_LANES; i++) {
        const struct call *c = i < JUDGE_LANES ? &j->lane[i] : &j->call;
        changing = changing || (c->active && c->ddi == GPUP_DDI_SetVirtualFunctionPauseState &&
                                c->host == host && c->vf == vf);
    }
    return changing;
}

static void saw_write(struct gpup_judge *j, const struct gpup_event *e) {
    const struct vf *v = judge_vf(j, e->host, e->f[GPUP_GUEST_WRITE_vf]);
    bool by_guest = (j->op == GPUP_OP_GuestWrite || j->op == GPUP_OP_StartVm) &&
                    j->op_vf == e->f[GPUP_GUEST_WRITE_vf]; /* a store of the guest's CPU */
    bool changing = is_changing(j, e->host, e->f[GPUP_GUEST_WRITE_vf]);
    if (!v || !v->paused || by_guest || changing || !e->f[GPUP_GUEST_WRITE_done] || j->host[e->host].impaired)
        return;
    judge_about(j, e->host, (uint32_t)e->f[GPUP_GUEST_WRITE_vf]);
    CHECK(j, GPUP_RULE_PAUSE_009, false, "work of a paused VF wrote its memory");
}

/* Each unit counts the guest's sequence up by one. */
static void saw_work(struct gpup_judge *j, struct pause *p, const struct gpup_event *e) {
    uint64_t vf = e->f[GPUP_GUEST_WORK_vf], sequence = e->f[GPUP_GUEST_WORK_sequence];
    uint64_t completed = e->f[GPUP_GUEST_WORK_completed];
    if (vf >= JUDGE_VFS)
        return;
    struct overlay *o = &p->of[e->host][vf];
    judge_about(j, e->host, (uint32_t)vf);
    if (o->work_seen && o->work_paused && completed >= o->completed)
        CHECK(j, GPUP_RULE_PAUSE_010, sequence - o->sequence == completed - o->completed,
              "%llu units were completed over a pause, and the guest counted %llu",
              (unsigned long long)(completed - o->completed), (unsigned long long)(sequence - o->sequence));
    o->work_seen = true;
    o->work_paused = false;
    o->completed = completed;
    o->sequence = sequence;
}

static void later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf) {
    const struct host *h = &j->host[host];
    if (vf == GPUP_PF)
        return;
    const struct vf *v = &h->vf[vf];
    struct overlay *o = &((struct pause *)state)->of[host][vf];
    if (later_is_same(&o->release.due, h, v->moves) && v->powered && !v->paused &&
        v->session != SESSION_TARGET)
        judge_running(j, o, v);
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct pause *p = state;
    if (e->kind == GPUP_EVENT_STEP) {
        if (e->f[GPUP_STEP_op] >= GPUP_OP_GuestWrite && e->f[GPUP_STEP_op] <= GPUP_OP_GuestReset &&
            e->f[GPUP_STEP_vf] < JUDGE_VFS)
            p->of[e->host][e->f[GPUP_STEP_vf]].guest.seen = false;
    } else if (e->kind == GPUP_EVENT_GUEST_WRITE)
        saw_write(j, e);
    else if (e->kind == GPUP_EVENT_GUEST_WORK)
        saw_work(j, p, e);
    else if (j->call.active && j->call.names_vf && j->call.vf < JUDGE_VFS &&
             j->call.ddi != GPUP_DDI_SetVirtualFunctionPauseState)
        p->of[e->host][j->call.vf].work_seen =
            p->of[e->host][j->call.vf].work_seen && j->call.ddi == GPUP_DDI_WriteVirtualizedInterrupt;
}

static void reset(struct gpup_judge *j, void *state) {
    struct pause *p = state;
    judge_clear_used(j, p->of, sizeof p->of[0][0]);
    memset(p->d0_runs, 0, sizeof p->d0_runs);
    memset(p->on, 0, sizeof p->on);
    memset(p->off, 0, sizeof p->off);
}

static void overlapped(struct gpup_judge *j, void *state) {
    struct pause *p = state;
    forget_state(j, p);
    if (call_vf(j))
        p->of[j->call.host][j->call.vf] =
            (struct overlay){.ended_paused = p->of[j->call.host][j->call.vf].ended_paused};
}

const struct monitor monitor_pause = {.id = GPUP_MONITOR_pause,
                                      .state_size = sizeof(struct pause),
                                      .kinds = KIND(CALL) | KIND(STEP) | KIND(GUEST_WRITE) | KIND(GUEST_WORK),
                                      .event = event,
                                      .settle = settle,
                                      .overlapped = overlapped,
                                      .later = later,
                                      .reset = reset};
