/* The schedule: who runs, shares of time, and what migration sessions do to them. */
#include "monitors.h"

#include <string.h>

#define WHOLE 1000000u /* parts per million */

struct baseline { /* readings of a host without session and pause */
    bool known;
    bool spoiled; /* a session or a pause was over and the schedule was another: it is none any more */
    uint32_t structure, vgpus; /* of the host, then */
    bool young;                /* shares were still moving */
    struct schedule pf, vf[JUDGE_VFS];
    uint64_t working; /* bit mask: VFs with work to do */
    bool due; /* a session or a pause is over, and the schedule another: asked again once time has passed */
    uint16_t rule; /* that asks */
};
struct scheduling {
    struct baseline base[GPUP_MAX_HOSTS];
    struct {
        bool known;
        uint32_t sessions, paging;
    } down[GPUP_MAX_HOSTS]; /* when the PF was put to D3 */
    struct {
        uint32_t pf_before, pf_after; /* paging share around Prepare */
    } session[GPUP_MAX_HOSTS][JUDGE_VFS];
    struct { /* what PF paging is to have once time has passed */
        struct later due;
        uint16_t rule;
        uint32_t before, least;
        uint64_t working; /* as in a baseline */
    } gain[GPUP_MAX_HOSTS];
    struct { /* who is to have its time again, as before the session of a VF that was destroyed */
        struct later due;
        uint32_t vf;
        struct baseline base;
    } heir[GPUP_MAX_HOSTS];
};

static bool moved(const struct change *c) {
    return c->kind == GPUP_EVENT_OBS_SCHEDULE &&
           (c->old.running != c->now.running || c->old.share != c->now.share ||
            c->old.paging != c->now.paging);
}

static bool any_moved(const struct call *c) {
    for (unsigned i = 0; i < c->changes; i++)
        if (moved(&c->change[i]))
            return true;
    return false;
}

static void check_others_keep(struct gpup_judge *j) {
    const struct call *c = &j->call;
    for (unsigned i = 0; i < c->changes; i++) {
        const struct change *m = &c->change[i];
        if (m->kind == GPUP_EVENT_OBS_SCHEDULE && m->vf != c->vf && m->vf != GPUP_PF &&
            (m->now.share < m->old.share || m->now.paging < m->old.paging)) {
            CHECK(j, GPUP_RULE_LM_005, false, "VF %u lost time: share %u to %u ppm, paging %u to %u ppm",
                  m->vf, m->old.share, m->now.share, m->old.paging, m->now.paging);
            return;
        }
    }
    COUNT(j, GPUP_RULE_LM_005);
}

static uint64_t working(const struct host *h) {
    uint64_t vfs = 0;
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        vfs |= (uint64_t)h->vf[i].work_pending << i;
    return vfs;
}

/* No page says that the call waits for the scheduler. */
static void expect_paging(struct gpup_judge *j, struct scheduling *s, uint16_t rule, bool more) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint32_t least = c->pf.paging + more;
    if (h->pf.paging >= least) {
        COUNT(j, rule);
    } else {
        later_set(&s->gain[c->host].due, h, h->structure);
        s->gain[c->host].rule = rule;
        s->gain[c->host].before = c->pf.paging;
        s->gain[c->host].least = least;
        s->gain[c->host].working = working(h);
        j->host[c->host].unrest = h->waited_ns + 1;
    }
}

static void judge_source(struct gpup_judge *j, struct scheduling *s, const struct vf *v) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    const struct schedule *was = &c->before.schedule;
    bool ran = was->running && !c->before.paused;
    if (ran)
        CHECK(j, GPUP_RULE_LM_008, v->schedule.running, "PrepareLiveMigration stopped the source VF");
    if (ran && was->share) {
        CHECK(j, GPUP_RULE_LM_004, v->schedule.share > 0 && (v->schedule.paging > 0 || !was->paging),
              "the source VF has no share left");
        CHECK_POLICY(j, GPUP_RULE_LM_004, v->schedule.share >= was->share / 4,
                     "the share of the source VF fell from %u to %u ppm", was->share, v->schedule.share);
    }
    /* A VF that does not run may have lent its time to paging all along. */
    if (h->open_sessions == 1 && !s->base[c->host].spoiled && c->pf.seen && c->pf.paging < WHOLE)
        expect_paging(j, s, GPUP_RULE_LM_003, was->paging);
}

static void judge_target(struct gpup_judge *j, struct scheduling *s) {
    const struct call *c = &j->call;
    if (c->pf.seen)
        expect_paging(j, s, GPUP_RULE_LM_007, c->before.schedule.paging && c->pf.paging < WHOLE);
}

static void judge_prepare(struct gpup_judge *j, struct scheduling *s, const struct vf *v) {
    const struct call *c = &j->call;
    uint64_t type = c->a[GPUP_ARG_PrepareLiveMigration_MigrationType];
    if (type > 1) {
        CHECK(j, GPUP_RULE_LM_010, !nt_success(c->status) && !any_moved(c),
              "migration type %llu returned 0x%08x%s", (unsigned long long)type, c->status,
              any_moved(c) ? " and changed the schedule" : "");
        return;
    }
    if (c->before.session != SESSION_NONE) {
        CHECK(j, GPUP_RULE_LM_012, !nt_success(c->status) || !any_moved(c),
              "a second PrepareLiveMigration changed the schedule again");
        return;
    }
    if (!nt_success(c->status) || !v->schedule.seen)
        return;
    s->session[c->host][c->vf].pf_before = c->pf.paging;
    s->session[c->host][c->vf].pf_after = j->host[c->host].pf.paging;
    if (call_is_unsettled(j))
        return;
    check_others_keep(j);
    if (type == 0)
        judge_source(j, s, v);
    else
        judge_target(j, s);
    CHECK(j, GPUP_RULE_LM_006, v->schedule.share == c->before.schedule.share,
          "the share of the VF apart from paging went from %u to %u ppm", c->before.schedule.share,
          v->schedule.share);
}

/* Gone back to what the VF has without a session. How much sessions give to paging, each, is the driver's. */
static bool is_undone(const struct baseline *b, const struct change *m) {
    uint32_t whole = b->known ? b->vf[m->vf].paging : 0;
    return m->old.running != m->now.running || m->old.share != m->now.share ||
           (whole && m->old.paging < whole && m->now.paging >= whole);
}

/* Another VF in migration keeps its session, and paging the time that it brought. */
static void judge_foreign_end(struct gpup_judge *j, const struct scheduling *s) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    const struct baseline *b = &s->base[c->host];
    if (!h->open_sessions)
        return;
    for (uint32_t i = 0; i < JUDGE_VFS; i++) {
        const struct vf *other = &h->vf[i];
        if (i == c->vf || other->session == SESSION_NONE || other->disturbed)
            continue;
        bool brought = s->session[c->host][i].pf_after > s->session[c->host][i].pf_before;
        bool same = b->known && b->structure == h->structure; /* no vGPU came or went since the baseline */
        bool lost = brought && same && h->pf.seen && h->pf.paging <= b->pf.paging && !b->young;
        const struct change *change = NULL;
        for (unsigned k = 0; k < c->changes; k++)
            if (moved(&c->change[k]) && c->change[k].vf == i && is_undone(b, &c->change[k]))
                change = &c->change[k];
        CHECK(j, GPUP_RULE_LM_054, !lost && !change,
              "EndLiveMigration of VF %u changed the configuration of VF %u, which is still in migration",
              c->vf, i);
    }
}

static void judge_end(struct gpup_judge *j, const struct scheduling *s, const struct vf *v) {
    const struct call *c = &j->call;
    if (c->before.session == SESSION_NONE) {
        if (c->before.present)
            CHECK(j, GPUP_RULE_LM_061, !any_moved(c),
                  "EndLiveMigration without a session changed the schedule");
        return;
    }
    if (nt_success(c->status) && v && !call_is_unsettled(j))
        judge_foreign_end(j, s);
}

/* A DDI of live migration for a VF without vGPU. */
static void judge_absent(struct gpup_judge *j) {
    const struct call *c = &j->call;
    bool effect = any_moved(c) || call_change(j, GPUP_EVENT_OBS_MSIX, c->host, c->vf);
    CHECK(j, GPUP_RULE_LM_011, !nt_success(c->status) && !effect,
          "VF %u has no vGPU; the call returned 0x%08x%s", c->vf, c->status,
          effect ? " and had an effect" : "");
}

static void judge_restore(struct gpup_judge *j, const struct vf *v) {
    const struct call *c = &j->call;
    if (nt_success(c->status) && v->schedule.seen && !c->before.schedule.running)
        CHECK(j, GPUP_RULE_LM_050, !v->schedule.running, "RestoreMutableMigrationData started the VF");
}

static void judge_pause(struct gpup_judge *j, struct scheduling *s, const struct vf *v) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    if (!nt_success(c->status) || !v->paused || c->before.paused || v->session != SESSION_SOURCE ||
        !h->pf.seen)
        return;
    expect_paging(j, s, GPUP_RULE_LM_085,
                  v->schedule.paging < c->before.schedule.paging && c->pf.paging < WHOLE);
}

/* The GPU went through D3 with sessions open: paging has again what they brought. */
static void judge_power(struct gpup_judge *j, struct scheduling *s) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool up = c->a[GPUP_ARG_SetPowerState_DevicePowerState] == 1;
    if (call_is_unsettled(j))
        s->down[c->host].known = false;
    if (!nt_success(c->status) || !h->pf.seen || call_is_unsettled(j))
        return;
    if (!up) {
        s->down[c->host].known = true;
        s->down[c->host].sessions = h->open_sessions;
        s->down[c->host].paging = c->pf.paging;
    } else if (s->down[c->host].known) {
        s->down[c->host].known = false;
        if (h->open_sessions && s->down[c->host].sessions == h->open_sessions)
            CHECK(j, GPUP_RULE_LM_079, h->pf.paging >= s->down[c->host].paging,
                  "after the power cycle PF paging has %u ppm, before it had %u", h->pf.paging,
                  s->down[c->host].paging);
    }
}

static bool is_calm(const struct host *h) {
    if (h->open_sessions)
        return false;
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        if (h->vf[i].paused && h->vf[i].powered)
            return false;
    return true;
}

static uint16_t rule_of_return(const struct call *c) {
    if (c->ddi != GPUP_DDI_EndLiveMigration || c->before.session == SESSION_NONE)
        return GPUP_RULE_ROB_009;
    return c->before.session == SESSION_TARGET ? GPUP_RULE_LM_053 : GPUP_RULE_LM_052;
}

static bool have_same_shares(const struct baseline *b, const struct schedule *then,
                             const struct schedule *now) {
    return b->young || (now->share == then->share && now->paging == then->paging);
}

static void compare(struct gpup_judge *j, const struct host *h, struct baseline *b, uint16_t rule) {
    uint32_t wrong = JUDGE_VFS;
    for (uint32_t i = 0; i < JUDGE_VFS; i++) {
        const struct schedule *now = &h->vf[i].schedule, *then = &b->vf[i];
        if (h->vf[i].present && then->seen &&
            (now->running != then->running || !have_same_shares(b, then, now)))
            wrong = i;
    }
    bool pf = !b->pf.seen || have_same_shares(b, &b->pf, &h->pf);
    if ((wrong < JUDGE_VFS || !pf) && host_has_other_work(h, b->vf, b->working))
        return;
    b->spoiled = wrong < JUDGE_VFS || !pf;
    if (wrong < JUDGE_VFS && h->vf[wrong].schedule.running != b->vf[wrong].running)
        CHECK(j, rule, false, JUDGE_A_WHILE " after session and pause VF %u is %s, before it was %s", wrong,
              h->vf[wrong].schedule.running ? "scheduled" : "not scheduled",
              b->vf[wrong].running ? "scheduled" : "not");
    else if (wrong < JUDGE_VFS)
        CHECK(j, rule, false,
              JUDGE_A_WHILE
              " after session and pause VF %u has share %u, paging %u ppm, before they were %u and %u",
              wrong, h->vf[wrong].schedule.share, h->vf[wrong].schedule.paging, b->vf[wrong].share,
              b->vf[wrong].paging);
    else
        CHECK(j, rule, pf,
              JUDGE_A_WHILE
              " after session and pause the PF has share %u, paging %u ppm, before they were %u and %u",
              h->pf.share, h->pf.paging, b->pf.share, b->pf.paging);
}

/* Another VF runs than then, or time is shared out otherwise. */
static bool differs(const struct host *h, const struct baseline *b) {
    bool other = b->pf.seen && (h->pf.paging != b->pf.paging || h->pf.share != b->pf.share);
    for (uint32_t i = 0; i < JUDGE_VFS; i++) {
        const struct schedule *now = &h->vf[i].schedule, *then = &b->vf[i];
        if (!h->vf[i].present || !then->seen)
            continue;
        other = other || now->running != then->running || now->share != then->share ||
                now->paging != then->paging;
    }
    return other;
}

/* A VF that is still to begin, or in a reset, says nothing of how time is shared out. */
static bool is_settled(const struct gpup_judge *j, const struct host *h) {
    for (unsigned i = 0; i < JUDGE_VFS; i++) {
        const struct vf *v = &h->vf[i];
        if (vf_is_to_begin(h, v) || call_reset_goes_on(j, v))
            return false;
    }
    return true;
}

static void learn(const struct gpup_judge *j, const struct host *h, struct baseline *b) {
    b->known = is_settled(j, h);
    b->due = false;
    b->structure = h->structure;
    b->vgpus = h->vgpus;
    b->young = host_is_restless(h);
    b->pf = h->pf;
    b->working = working(h);
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        b->vf[i] = h->vf[i].schedule;
}

static void judge_sum(struct gpup_judge *j, const struct host *h) {
    uint64_t share = h->pf.share, paging = h->pf.paging;
    for (unsigned i = 0; i < JUDGE_VFS; i++) {
        share += h->vf[i].schedule.running ? h->vf[i].schedule.share : 0;
        paging += h->vf[i].schedule.running ? h->vf[i].schedule.paging : 0;
    }
    CHECK(j, GPUP_RULE_ROB_009, share <= WHOLE && paging <= WHOLE,
          "shares sum to %llu ppm of GPU time and %llu ppm of paging", (unsigned long long)share,
          (unsigned long long)paging);
}

/* The VFs that ran then run now, and no other: what they share is the same, but for this one's. */
static bool are_same_others(const struct host *h, const struct baseline *b, uint32_t vf) {
    for (uint32_t i = 0; i < JUDGE_VFS; i++)
        if (i != vf && h->vf[i].schedule.running != b->vf[i].running)
            return false;
    return true;
}

/* The VF that still lacks time which the session of VF `gone` had; GPUP_PF none. */
static uint32_t lacks_time(const struct host *h, const struct baseline *b, uint32_t gone) {
    for (uint32_t i = 0; i < JUDGE_VFS && are_same_others(h, b, gone); i++)
        if (i != gone && h->vf[i].present && b->vf[i].seen && h->vf[i].schedule.running && !b->young &&
            h->vf[i].schedule.share < b->vf[i].share)
            return i;
    return GPUP_PF;
}

static void judge_destroy(struct gpup_judge *j, struct scheduling *s) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    const struct baseline *b = &s->base[c->host];
    if (!nt_success(c->status) || c->before.session == SESSION_NONE || h->open_sessions || h->asleep ||
        !b->known || b->vgpus != h->vgpus + 1 || call_is_unsettled(j))
        return;
    if (lacks_time(h, b, c->vf) == GPUP_PF && !h->vf[c->vf].schedule.running) {
        COUNT(j, GPUP_RULE_LM_062);
        return;
    }
    later_set(&s->heir[c->host].due, h,
              h->structure); /* no page says that the call waits for the scheduler */
    s->heir[c->host].vf = c->vf;
    s->heir[c->host].base = *b;
}

static void judge_heir(struct gpup_judge *j, struct scheduling *s, uint8_t host) {
    const struct host *h = &j->host[host];
    const struct baseline *b = &s->heir[host].base;
    uint32_t gone = s->heir[host].vf;
    if (host_is_restless(h) || !later_is_same(&s->heir[host].due, h, h->structure) || !is_calm(h) ||
        host_has_other_work(h, b->vf, b->working))
        return;
    uint32_t lacks = lacks_time(h, b, gone);
    if (lacks != GPUP_PF)
        CHECK(j, GPUP_RULE_LM_062, false,
              "VF %u has %u ppm " JUDGE_A_WHILE " after VF %u was destroyed in its session, %u before it",
              lacks, h->vf[lacks].schedule.share, gone, b->vf[lacks].share);
    CHECK(j, GPUP_RULE_LM_062, !h->vf[gone].schedule.running,
          "VF %u is still scheduled " JUDGE_A_WHILE " after it was destroyed", gone);
}

/* A session or a pause that ends. */
static bool leaves(const struct call *c) {
    bool session = c->ddi == GPUP_DDI_EndLiveMigration && c->before.session != SESSION_NONE;
    bool pause = c->ddi == GPUP_DDI_SetVirtualFunctionPauseState && c->before.paused &&
                 !c->a[GPUP_ARG_SetVirtualFunctionPauseState_bPause];
    return (session || pause) && (c->overlapped || nt_success(c->status));
}

static bool is_as_before(const struct host *h, const struct baseline *b) {
    return is_calm(h) && b->known && b->structure == h->structure && !differs(h, b);
}

/* What was learnt before it came is none; what is to come back is still to. */
static void forget_late(struct scheduling *s, unsigned hosts) {
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        if (hosts >> i & 1 && !s->base[i].due)
            s->base[i].known = false;
}

static void follow(struct gpup_judge *j, struct scheduling *s) {
    const struct call *c = &j->call;
    struct host *h = &j->host[c->host];
    struct baseline *b = &s->base[c->host];
    forget_late(s, c->late);
    if (any_moved(c) || c->late >> c->host & 1)
        judge_sum(j, h);
    bool ends = c->ddi == GPUP_DDI_EndLiveMigration || c->ddi == GPUP_DDI_SetVirtualFunctionPauseState;
    if (leaves(c) && !is_as_before(h, b))
        h->unrest = h->waited_ns + 1;
    if (!(ends || any_moved(c) || !b->known || b->structure != h->structure) || !is_calm(h))
        return;
    bool same = b->known && b->structure == h->structure, asks = b->due || (ends && !b->spoiled);
    if (same && ends && (!b->due || (leaves(c) && c->ddi == GPUP_DDI_EndLiveMigration)))
        b->rule = rule_of_return(c);
    if (same && asks && differs(h, b)) {
        b->due = true; /* no page says that these calls wait for the scheduler */
        return;
    }
    if (same && asks)
        compare(j, h, b, b->rule);
    learn(j, h, b);
}

static void judge_gain(struct gpup_judge *j, struct scheduling *s, uint8_t host) {
    const struct host *h = &j->host[host];
    if (later_is_same(&s->gain[host].due, h, h->structure) && working(h) == s->gain[host].working)
        CHECK(j, s->gain[host].rule, h->pf.paging >= s->gain[host].least,
              "PF paging has %u ppm " JUDGE_A_WHILE " after the call, of %u before it", h->pf.paging,
              s->gain[host].before);
}

static void later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf) {
    struct scheduling *s = state;
    const struct host *h = &j->host[host];
    struct baseline *b = &s->base[host];
    if (vf != GPUP_PF)
        return;
    judge_gain(j, s, host);
    judge_heir(j, s, host);
    if (host_is_restless(h) || h->impaired || h->asleep)
        return;
    bool same = b->known && b->structure == h->structure && is_calm(h), due = b->due;
    if (due && same)
        compare(j, h, b, b->rule);
    if (due)
        b->known = b->due = false;
    else if (same && b->young)
        learn(j, h, b);
}

static bool is_migration(uint16_t ddi) {
    return ddi == GPUP_DDI_PrepareLiveMigration || ddi == GPUP_DDI_SaveImmutableMigrationData ||
           ddi == GPUP_DDI_SaveMutableMigrationData || ddi == GPUP_DDI_EndLiveMigration ||
           ddi == GPUP_DDI_RestoreImmutableMigrationData || ddi == GPUP_DDI_RestoreMutableMigrationData;
}

static void settle(struct gpup_judge *j, void *state) {
    struct scheduling *s = state;
    const struct call *c = &j->call;
    const struct vf *v = call_vf(j);
    if (j->host[c->host].impaired || c->overlapped)
        return;
    if (c->ddi == GPUP_DDI_PrepareLiveMigration || c->ddi == GPUP_DDI_EndLiveMigration ||
        c->ddi == GPUP_DDI_SetVirtualFunctionPauseState)
        s->gain[c->host].due.due = false;
    if ((is_migration(c->ddi) || c->ddi == GPUP_DDI_WriteVirtualizedInterrupt) && (!v || !c->before.present))
        judge_absent(j);
    else if (c->ddi == GPUP_DDI_PrepareLiveMigration)
        judge_prepare(j, s, v);
    else if (c->ddi == GPUP_DDI_EndLiveMigration)
        judge_end(j, s, v);
    else if (c->ddi == GPUP_DDI_RestoreMutableMigrationData)
        judge_restore(j, v);
    else if (c->ddi == GPUP_DDI_SetVirtualFunctionPauseState && v && !call_is_unsettled(j))
        judge_pause(j, s, v);
    else if (c->ddi == GPUP_DDI_SetPowerState)
        judge_power(j, s);
    else if (c->ddi == GPUP_DDI_DestroyVirtualGpu && v)
        judge_destroy(j, s);
    follow(j, s);
}

/* A reading that moved although no call was in the driver: what it had left came, or it shares time out by
 * what there is to do. */
static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct scheduling *s = state;
    uint64_t vf = e->f[GPUP_OBS_SCHEDULE_vf];
    const struct host *h = &j->host[e->host];
    const struct schedule *was = vf < JUDGE_VFS ? &h->vf[vf].schedule : &h->pf;
    bool in_call = (j->call.active || j->call.returned) && j->call.host == e->host;
    if (!in_call && was->seen &&
        (was->running != (e->f[GPUP_OBS_SCHEDULE_running] != 0) ||
         was->share != e->f[GPUP_OBS_SCHEDULE_share] || was->paging != e->f[GPUP_OBS_SCHEDULE_paging]))
        s->base[e->host].known = false;
}

static void overlapped(struct gpup_judge *j, void *state) {
    struct scheduling *s = state;
    s->base[j->call.host].known = s->base[j->call.host].due = s->down[j->call.host].known = false;
    s->gain[j->call.host].due.due = s->heir[j->call.host].due.due = false;
    if (leaves(&j->call))
        j->host[j->call.host].unrest = j->host[j->call.host].waited_ns + 1;
    if (call_vf(j))
        s->session[j->call.host][j->call.vf].pf_before = s->session[j->call.host][j->call.vf].pf_after = 0;
}

const struct monitor monitor_schedule = {.id = GPUP_MONITOR_schedule,
                                         .state_size = sizeof(struct scheduling),
                                         .kinds = KIND(OBS_SCHEDULE),
                                         .event = event,
                                         .settle = settle,
                                         .overlapped = overlapped,
                                         .later = later};
