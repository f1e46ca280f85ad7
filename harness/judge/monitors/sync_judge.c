/* Calls of several threads at once: whether the state after the group is one that some serial order gives,
 * and whether the host kept the levels that it promises. */
#include "sync.h"

#include <string.h>

#define WHOLE 1000000u /* parts per million */

static uint64_t get64(const uint8_t *p) {
    uint64_t value;
    memcpy(&value, p, 8);
    return value;
}
static uint32_t get32(const uint8_t *p) {
    uint32_t value;
    memcpy(&value, p, 4);
    return value;
}

static bool is_legal(const struct did *d) {
    return d->class <= GPUP_STATED;
}

/* --- the group as a whole ------------------------------------------------------------------------------- */

struct group {
    bool legal, adapters; /* adapters: calls on two of one system */
    bool racing;          /* some call destroyed a vGPU that another was at work on */
    bool writes, all;     /* every write, every call, works with no other thread about */
};

static bool overlap(const struct did *a, const struct did *b) {
    return a != b && a->begin < b->end && b->begin < a->end;
}

static struct group look_at(const struct sync *s) {
    struct group g = {.legal = true, .writes = true, .all = true};
    for (unsigned i = 0; i < s->count; i++) {
        const struct did *d = &s->did[i];
        g.legal = g.legal && is_legal(d);
        g.adapters = g.adapters || d->host != s->did[0].host;
        bool alone = d->ddi == GPUP_DDI_QueryAdapterInfo || sync_works_alone(s, d, true);
        g.all = g.all && alone;
        g.writes = g.writes && (alone || d->ddi != GPUP_DDI_WriteVirtualizedInterrupt);
        for (unsigned k = 0; k < s->count && d->ddi == GPUP_DDI_DestroyVirtualGpu; k++)
            g.racing = g.racing || (overlap(d, &s->did[k]) && s->did[k].vf == d->vf);
    }
    return g;
}

/* Two adapters of one driver have a rule of their own. */
static uint16_t rule_of(const struct group *g, uint16_t rule) {
    return g->adapters ? GPUP_RULE_SYNC_010 : rule;
}

/* --- MSI-X tables --------------------------------------------------------------------------------------- */

static bool is_write_of(const struct did *d, unsigned host, uint32_t vf, uint32_t entry) {
    return d->ddi == GPUP_DDI_WriteVirtualizedInterrupt && d->host == host && d->vf == vf &&
           (uint16_t)d->a[GPUP_ARG_WriteVirtualizedInterrupt_InterruptTableIndex] == entry;
}

bool sync_holds(const struct did *d, const uint8_t *entry) {
    return get64(entry) == d->a[GPUP_ARG_WriteVirtualizedInterrupt_MessageAddress] &&
           get32(entry + 8) == (uint32_t)d->a[GPUP_ARG_WriteVirtualizedInterrupt_MessageData] &&
           (entry[12] & 1) == (d->a[GPUP_ARG_WriteVirtualizedInterrupt_VectorControl] & 1);
}

/* In every serial order that respects who came back before whom, some write to the entry follows this one. */
static bool is_superseded(const struct sync *s, const struct did *d, unsigned host, uint32_t vf,
                          uint32_t entry) {
    for (unsigned i = 0; i < s->count; i++)
        if (is_write_of(&s->did[i], host, vf, entry) && s->did[i].begin > d->end)
            return true;
    return false;
}

enum fit { FITS, TORN, UNKNOWN };

static enum fit fits(const struct sync *s, unsigned host, uint32_t vf, uint32_t entry, const struct view *v) {
    const uint8_t *now = v->table + (size_t)entry * 16;
    bool any = false;
    for (unsigned i = 0; i < s->count; i++) {
        const struct did *d = &s->did[i];
        if (!is_write_of(d, host, vf, entry))
            continue;
        if (!nt_success(d->status) || (d->a[GPUP_ARG_WriteVirtualizedInterrupt_MessageAddress] & 3))
            return UNKNOWN;
        any = true;
        if (sync_holds(d, now) && !is_superseded(s, d, host, vf, entry))
            return FITS;
    }
    return any || memcmp(now, v->table_before + (size_t)entry * 16, 16) != 0 ? TORN : FITS;
}

/* Calls of the group after which nothing is known of the VF's table. */
static bool is_upset(const struct sync *s, unsigned host, uint32_t vf) {
    for (unsigned i = 0; i < s->count; i++) {
        const struct did *d = &s->did[i];
        bool other = d->ddi != GPUP_DDI_WriteVirtualizedInterrupt && d->ddi != GPUP_DDI_QueryAdapterInfo &&
                     d->ddi != GPUP_DDI_PrepareLiveMigration && d->ddi != GPUP_DDI_EndLiveMigration &&
                     d->ddi != GPUP_DDI_SaveImmutableMigrationData && d->ddi != GPUP_DDI_QueryDirtyBitData &&
                     d->ddi != GPUP_DDI_SetVirtualGpuVmBus;
        if (d->host == host && other && (!d->names_vf || d->vf == vf))
            return true;
    }
    return false;
}

static bool has_rivals(const struct sync *s, unsigned host, uint32_t vf) {
    for (unsigned i = 0; i < s->count; i++)
        for (unsigned k = 0; k < i; k++)
            if (s->did[i].names_vf && s->did[i].host == host && s->did[i].vf == vf && s->did[k].names_vf &&
                s->did[k].host == host && s->did[k].vf == vf && overlap(&s->did[i], &s->did[k]))
                return true;
    return false;
}

static void judge_table(struct gpup_judge *j, const struct sync *s, const struct group *g, unsigned host,
                        uint32_t vf) {
    const struct view *v = &s->view[host][vf];
    const struct vf *now = &j->host[host].vf[vf];
    bool rivals = has_rivals(s, host, vf);
    uint32_t wrong = v->entries;
    if (!v->known || v->resetting || !now->powered || !v->powered_before || now->paused || v->paused_before ||
        is_upset(s, host, vf))
        return;
    for (uint32_t i = 0; i < v->entries && wrong == v->entries; i++)
        wrong = fits(s, host, vf, i, v) == TORN ? i : wrong;
    if (wrong < v->entries && !g->writes)
        return;
    judge_about(j, (uint8_t)host, vf);
    if (rivals) {
        CHECK(j, GPUP_RULE_MSIX_036, wrong == v->entries,
              "entry %u holds none of the values that the threads wrote", wrong);
        return;
    }
    if (!g->adapters)
        CHECK(j, GPUP_RULE_MSIX_031, wrong == v->entries,
              "entry %u of VF %u is not what was written, while other threads wrote for other VFs", wrong,
              vf);
    CHECK(j, rule_of(g, GPUP_RULE_SYNC_003), wrong == v->entries,
          "no serial order of the calls gives entry %u of VF %u", wrong, vf);
}

/* --- the schedule --------------------------------------------------------------------------------------- */

static bool moves_schedule(uint16_t ddi) {
    return ddi == GPUP_DDI_SetVirtualFunctionPowerState || ddi == GPUP_DDI_ResetVirtualFunction ||
           ddi == GPUP_DDI_WriteVirtualFunctionConfig || /* a reset may be asked for there */
           ddi == GPUP_DDI_CreateVirtualGpu || ddi == GPUP_DDI_DestroyVirtualGpu ||
           ddi == GPUP_DDI_RestoreMutableMigrationData || ddi == GPUP_DDI_RestoreImmutableMigrationData ||
           ddi == GPUP_DDI_SetPowerState;
}

/* Whether the VF runs, where the group says so: a paused one does not, one that nobody touched is as before.
 */
static void judge_running(struct gpup_judge *j, const struct sync *s, const struct group *g, unsigned host,
                          uint32_t vf) {
    const struct vf *now = &j->host[host].vf[vf];
    const struct view *v = &s->view[host][vf];
    bool pauses = false, right;
    for (unsigned i = 0; i < s->count; i++) {
        const struct did *d = &s->did[i];
        if (d->host != host || (d->names_vf && d->vf != vf))
            continue;
        if (moves_schedule(d->ddi) || (!nt_success(d->status) && d->names_vf))
            return;
        pauses = pauses || d->ddi == GPUP_DDI_SetVirtualFunctionPauseState;
    }
    if (v->resetting || !now->schedule.seen || !v->schedule_before.seen || !now->present ||
        has_rivals(s, host, vf) || (pauses && !now->paused))
        return;
    right = now->schedule.running == (pauses ? false : v->schedule_before.running) ||
            (!pauses && v->rising_before && now->schedule.running);
    judge_about(j, (uint8_t)host, vf);
    if (right || g->all)
        CHECK(j, rule_of(g, GPUP_RULE_SYNC_003), right,
              "VF %u is %s after calls that give it the other state", vf,
              now->schedule.running ? "scheduled" : "not scheduled");
}

/* Without power there is nothing to share. */
static bool moves_power(const struct sync *s, unsigned host) {
    for (unsigned i = 0; i < s->count; i++)
        if (s->did[i].host == host && s->did[i].ddi == GPUP_DDI_SetPowerState)
            return true;
    return false;
}

uint32_t sync_other_schedule(const struct gpup_judge *j, const struct sync *s, unsigned host) {
    const struct host *h = &j->host[host];
    bool young = s->calm[host].young;
    for (uint32_t i = 0; i < JUDGE_VFS; i++) {
        const struct schedule *now = &h->vf[i].schedule, *then = &s->calm[host].vf[i];
        if (h->vf[i].present && then->seen &&
            (now->running != then->running ||
             (!young && (now->share != then->share || now->paging != then->paging))))
            return i;
    }
    return young || h->pf.paging == s->calm[host].pf.paging ? JUDGE_VFS : JUDGE_VFS + 1;
}

bool sync_other_work(const struct gpup_judge *j, const struct sync *s, unsigned host) {
    return host_has_other_work(&j->host[host], s->calm[host].vf, s->calm[host].working);
}

static void judge_sum(struct gpup_judge *j, const struct sync *s, const struct group *g, unsigned host) {
    const struct host *h = &j->host[host];
    uint64_t share = h->pf.share, paging = h->pf.paging;
    for (unsigned i = 0; i < JUDGE_VFS; i++) {
        const struct schedule *now = &h->vf[i].schedule;
        share += now->running ? now->share : 0;
        paging += now->running ? now->paging : 0;
    }
    if (!s->calm[host].over)
        CHECK(j, rule_of(g, GPUP_RULE_SYNC_003), share <= WHOLE && paging <= WHOLE,
              "after the calls shares sum to %llu ppm of GPU time and %llu ppm of paging",
              (unsigned long long)share, (unsigned long long)paging);
}

/* What was learnt of a moment without session and pause is to be seen again. */
static bool is_calm(const struct gpup_judge *j, const struct sync *s, unsigned host) {
    const struct host *h = &j->host[host];
    bool calm =
        !h->asleep && !h->open_sessions && s->calm[host].known && s->calm[host].structure == h->structure;
    for (unsigned i = 0; i < JUDGE_VFS; i++)
        calm = calm && !h->vf[i].paused;
    return calm;
}

/* No page says that calls wait for the scheduler. */
static void judge_shares(struct gpup_judge *j, struct sync *s, const struct group *g, unsigned host) {
    uint16_t rule = rule_of(g, GPUP_RULE_SYNC_003);
    judge_about(j, (uint8_t)host, GPUP_PF);
    judge_sum(j, s, g, host);
    if (moves_power(s, host) || !is_calm(j, s, host))
        return;
    bool comes_back = !s->calm[host].over && !(s->calm[host].since & ~s->calm[host].proved);
    if (sync_other_schedule(j, s, host) == JUDGE_VFS) {
        COUNT(j, rule);
    } else if (comes_back && !sync_other_work(j, s, host)) {
        later_set(&s->calm[host].back, &j->host[host], j->host[host].structure);
        s->calm[host].rule = rule;
    }
}

/* Shares that were not what they had been after a group of calls. */
void sync_later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf) {
    struct sync *s = state;
    const struct host *h = &j->host[host];
    if (vf != GPUP_PF || host_is_restless(h) || !later_is_same(&s->calm[host].back, h, h->structure) ||
        !is_calm(j, s, host) || sync_other_work(j, s, host))
        return;
    uint32_t wrong = sync_other_schedule(j, s, host);
    CHECK(j, s->calm[host].rule, wrong == JUDGE_VFS,
          JUDGE_A_WHILE
          " after the calls, without session and pause, the schedule of %s %u is not what it was before them",
          wrong > JUDGE_VFS ? "PF" : "VF", wrong > JUDGE_VFS ? 0 : wrong);
}

/* --- each call ------------------------------------------------------------------------------------------ */

static bool must_succeed(const struct gpup_judge *j, const struct did *d) {
    const struct vf *v = d->vf < JUDGE_VFS ? &j->host[d->host].vf[d->vf] : NULL;
    if (!is_legal(d) || d->excused || d->asleep || !v || !d->names_vf || !d->present)
        return false;
    switch (d->ddi) {
    case GPUP_DDI_WriteVirtualizedInterrupt:
        return v->entries && d->powered &&
               (uint16_t)d->a[GPUP_ARG_WriteVirtualizedInterrupt_InterruptTableIndex] < v->entries &&
               !(d->a[GPUP_ARG_WriteVirtualizedInterrupt_MessageAddress] & 3);
    case GPUP_DDI_SetVirtualFunctionPauseState:
        return d->powered;
    case GPUP_DDI_PrepareLiveMigration:
        return d->powered && !d->session && d->a[GPUP_ARG_PrepareLiveMigration_MigrationType] == 0;
    case GPUP_DDI_EndLiveMigration:
        return d->session && !d->disturbed;
    default:
        return false;
    }
}

/* No other call of the group may have changed what this one finds. */
static bool is_alone(const struct sync *s, const struct did *d) {
    for (unsigned i = 0; i < s->count; i++) {
        const struct did *o = &s->did[i];
        bool general =
            !o->names_vf && o->ddi != GPUP_DDI_QueryAdapterInfo && o->ddi != GPUP_DDI_ControlEtwLogging;
        if (o != d && o->host == d->host && (general || (o->names_vf && o->vf == d->vf)))
            return false;
    }
    return true;
}

static bool with_power(const struct sync *s, const struct did *d) {
    for (unsigned i = 0; i < s->count; i++)
        if (s->did[i].ddi == GPUP_DDI_SetPowerState && s->did[i].host == d->host && overlap(&s->did[i], d))
            return true;
    return false;
}

static void judge_answer(struct gpup_judge *j, const struct sync *s, const struct group *g,
                         const struct did *d) {
    bool power = with_power(s, d);
    if (d->asleep && !power) /* no call is held to success then */
        return;
    uint16_t rule = power ? GPUP_RULE_SYNC_004 : rule_of(g, GPUP_RULE_SYNC_002);
    for (unsigned i = 0; i < s->answers[d->host]; i++)
        if (s->answer[d->host][i].type == d->a[GPUP_ARG_QueryAdapterInfo_Type] &&
            s->answer[d->host][i].input == d->a[GPUP_ARG_QueryAdapterInfo_Input] && is_legal(d) &&
            !d->excused)
            CHECK(j, rule, nt_success(d->status) && d->r0 == s->answer[d->host][i].value,
                  "QueryAdapterInfo returned 0x%08x and 0x%llx among other threads, alone it answers 0x%llx",
                  d->status, (unsigned long long)d->r0, (unsigned long long)s->answer[d->host][i].value);
}

/* As a driver may find it: a session that another call of the group prepared may be open by then. */
static bool would_work(const struct sync *s, const struct did *d) {
    struct did as = *d;
    for (unsigned i = 0; i < s->count && d->ddi == GPUP_DDI_PrepareLiveMigration; i++)
        as.others = as.others || (s->did[i].ddi == d->ddi && s->did[i].host == d->host &&
                                  s->did[i].vf != d->vf && s->did[i].begin < d->end);
    return sync_works_alone(s, &as, true);
}

static void judge_calls(struct gpup_judge *j, const struct sync *s, const struct group *g) {
    for (unsigned i = 0; i < s->count; i++) {
        const struct did *d = &s->did[i];
        judge_about(j, d->host, d->names_vf ? d->vf : GPUP_PF);
        bool resetting = d->names_vf && d->vf < JUDGE_VFS && s->view[d->host][d->vf].resetting;
        if (d->ddi == GPUP_DDI_QueryAdapterInfo)
            judge_answer(j, s, g, d);
        else if (g->legal && !resetting && must_succeed(j, d) && is_alone(s, d) &&
                 (nt_success(d->status) || would_work(s, d)))
            CHECK(j, rule_of(g, GPUP_RULE_SYNC_002), nt_success(d->status),
                  "%s returned 0x%08x while other threads were in the driver", gpup_ddi_name(d->ddi),
                  d->status);
    }
}

/* --- dirty bits ----------------------------------------------------------------------------------------- */

static void judge_dirty(struct gpup_judge *j, const struct sync *s) {
    const struct basis_of *b = NULL;
    for (unsigned i = 0; i < s->bases; i++)
        if (s->basis[i].object == s->taken.object)
            b = &s->basis[i];
    for (unsigned i = 0; i < s->taken.parts && i < JUDGE_LANES; i++)
        if (s->taken.part[i] == s->taken.object)
            return;
    if (s->taken.queries < 2 || !b || !sync_is_reserve(j, s->did[0].host, b))
        return;
    const struct view *v = &s->view[s->did[0].host][b->vf];
    bool any = false, lost = false;
    for (size_t i = 0; i < sizeof v->dirty; i++) { /* still marked in the device: for a later query */
        any = any || v->dirty_before[i];
        lost = lost || (v->dirty_before[i] & ~(s->taken.bits[i] | v->dirty[i]));
    }
    judge_about(j, s->did[0].host, b->vf);
    if (any && (!lost || s->query_works))
        CHECK(j, GPUP_RULE_SYNC_005, !lost, "a page that was dirty was returned to neither thread");
}

/* --- the end of a group --------------------------------------------------------------------------------- */

/* A fault, or memory used after it was freed. */
static void judge_memory(struct gpup_judge *j, const struct sync *s, const struct group *g) {
    bool bad = s->died || s->freed;
    const char *what = s->died ? "did not survive it" : "used memory that was freed";
    if (bad && !s->killer_works)
        return; /* it does so alone, too, for all that is known */
    if (g->racing)
        CHECK(j, GPUP_RULE_SYNC_006, !bad, "a vGPU was destroyed under other calls for it: the driver %s",
              what);
    if (g->legal)
        CHECK(j, rule_of(g, GPUP_RULE_SYNC_002), !bad, "several threads were in the driver: it %s", what);
}

void sync_judge(struct gpup_judge *j, struct sync *s) {
    struct group g = look_at(s);
    bool here[GPUP_MAX_HOSTS] = {false};
    if (s->count < 2 && !s->died)
        return;
    judge_memory(j, s, &g);
    if (s->died || s->more)
        return;
    judge_calls(j, s, &g);
    judge_dirty(j, s);
    for (unsigned i = 0; i < s->count; i++)
        here[s->did[i].host] = true;
    for (unsigned h = 0; h < GPUP_MAX_HOSTS; h++) {
        if (!here[h] || j->host[h].impaired || j->host[h].removed)
            continue;
        if (g.legal)
            judge_shares(j, s, &g, h);
        for (uint64_t used = s->used[h]; used; used &= used - 1) {
            unsigned vf = (unsigned)__builtin_ctzll(used);
            judge_table(j, s, &g, h, vf);
            if (g.legal)
                judge_running(j, s, &g, h, vf);
        }
    }
    if (g.legal) {
        COUNT(j, GPUP_RULE_SYNC_008);
        COUNT(j, GPUP_RULE_SYNC_011);
    }
}

/* --- what the host promises ----------------------------------------------------------------------------- */

/* Classes of level one, as far as the DDIs of partitioning are of one; 0: of none. */
static unsigned class_of(uint16_t ddi) {
    switch (ddi) {
    case GPUP_DDI_CreateVirtualGpu:
    case GPUP_DDI_DestroyVirtualGpu:
        return 1;
    case GPUP_DDI_SetVirtualMachineData:
        return 2;
    default:
        return 0;
    }
}

void sync_hosts(struct gpup_judge *j) {
    const struct call *c = &j->call;
    for (unsigned i = 0; i < JUDGE_LANES; i++) {
        const struct call *other = &j->lane[i];
        if (!other->active || other->host != c->host || c->class > GPUP_STATED || other->class > GPUP_STATED)
            continue;
        CHECK(j, GPUP_RULE_SYNC_007, gpup_ddis[c->ddi].sync != 3 && gpup_ddis[other->ddi].sync != 3,
              "%s was called while %s was in the driver", gpup_ddi_name(c->ddi), gpup_ddi_name(other->ddi));
        CHECK(j, GPUP_RULE_SYNC_008, !class_of(c->ddi) || class_of(c->ddi) != class_of(other->ddi),
              "%s was called while %s, of the same class, was in the driver", gpup_ddi_name(c->ddi),
              gpup_ddi_name(other->ddi));
        CHECK(j, GPUP_RULE_SYNC_011, !c->names_vf || !other->names_vf || c->vf != other->vf,
              "%s was called while %s for the same VM was in the driver", gpup_ddi_name(c->ddi),
              gpup_ddi_name(other->ddi));
    }
}
