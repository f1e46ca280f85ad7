/* What calls do when no other thread is in the driver: only what is right then can be blamed on the others.
 */
#include "sync.h"

#include <string.h>

#define WHOLE 1000000u /* parts per million */
enum { MIGRATED = 1, OVERLAID = 2 };

/* Calls of one kin do the same. precise: also in what they write. */
static uint64_t kin(const struct did *d, bool precise) {
    bool sessions = d->ddi == GPUP_DDI_PrepareLiveMigration || d->ddi == GPUP_DDI_EndLiveMigration;
    bool again =
        (d->ddi == GPUP_DDI_SetVirtualGpuVmBus || d->ddi == GPUP_DDI_PrepareLiveMigration) && d->again;
    uint64_t what[12] = {precise, d->ddi, d->powered, d->paused, d->session, sessions && d->others, again};
    switch (d->ddi) {
    case GPUP_DDI_WriteVirtualizedInterrupt:
        for (unsigned i = 0; precise && i < 4; i++)
            what[7 + i] = d->a[GPUP_ARG_WriteVirtualizedInterrupt_InterruptTableIndex + i];
        what[11] = precise ? d->vf | (uint64_t)d->host << 32 : 0;
        break;
    case GPUP_DDI_SetVirtualFunctionPauseState:
        what[7] = d->a[GPUP_ARG_SetVirtualFunctionPauseState_bPause] != 0;
        what[11] = precise ? d->vf | (uint64_t)d->host << 32 : 0;
        break;
    case GPUP_DDI_PrepareLiveMigration:
        what[7] = d->a[GPUP_ARG_PrepareLiveMigration_MigrationType];
        break;
    case GPUP_DDI_SaveImmutableMigrationData:
    case GPUP_DDI_SaveMutableMigrationData:
        what[7] = d->a[GPUP_ARG_SaveMutableMigrationData_DataPresent];
        break;
    default:
        break;
    }
    return gpup_trace_hash(12, what, sizeof what);
}

bool sync_works_alone(const struct sync *s, const struct did *d, bool precise) {
    uint64_t hash = kin(d, precise);
    for (unsigned i = 0; i < SYNC_ALONE && i < s->alone_count; i++)
        if (s->alone[i] == hash)
            return true;
    return false;
}

static void works(struct sync *s, uint64_t hash) {
    s->alone[s->alone_count++ % SYNC_ALONE] = hash;
}

struct did sync_did(const struct gpup_judge *j, const struct sync *s) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool names_vf = c->names_vf && c->vf < JUDGE_VFS;
    uint32_t own = c->before.session != SESSION_NONE;
    struct did d = {.host = c->host,
                    .class = c->class,
                    .ddi = c->ddi,
                    .vf = c->vf,
                    .status = c->status,
                    .begin = c->event,
                    .end = j->event,
                    .r0 = c->r[0],
                    .names_vf = names_vf,
                    .excused = c->failed_alloc || h->impaired,
                    .present = c->before.present,
                    .powered = c->before.powered,
                    .paused = c->before.paused,
                    .session = own,
                    .disturbed = c->before.disturbed,
                    .asleep = h->asleep,
                    .others = s->sessions[c->host] > own,
                    .again = names_vf && (c->ddi == GPUP_DDI_PrepareLiveMigration
                                              ? c->before.sessions > 0
                                              : s->view[c->host][c->vf].handed == 1 + c->before.life)};
    memcpy(d.a, c->a, sizeof d.a);
    return d;
}

/* Calls that are to change whether their VF runs. */
static bool moves_own(uint16_t ddi) {
    return ddi == GPUP_DDI_SetVirtualFunctionPauseState || ddi == GPUP_DDI_SetVirtualFunctionPowerState ||
           ddi == GPUP_DDI_ResetVirtualFunction || ddi == GPUP_DDI_CreateVirtualGpu ||
           ddi == GPUP_DDI_DestroyVirtualGpu;
}

/* No VF began or ceased to run that was to go on as before. */
static bool keeps_running(const struct gpup_judge *j) {
    const struct call *c = &j->call;
    bool pauses =
        c->ddi == GPUP_DDI_SetVirtualFunctionPauseState && c->a[GPUP_ARG_SetVirtualFunctionPauseState_bPause];
    for (unsigned i = 0; i < c->changes; i++) {
        const struct change *m = &c->change[i];
        bool own = moves_own(c->ddi) && m->vf == c->vf && m->host == c->host;
        if (m->kind == GPUP_EVENT_OBS_SCHEDULE && m->vf != GPUP_PF && m->old.running != m->now.running &&
            !own && c->ddi != GPUP_DDI_SetPowerState)
            return false;
    }
    return !pauses || c->vf >= JUDGE_VFS || !j->host[c->host].vf[c->vf].schedule.running;
}

/* The entry has the value, and no other of any table is another. */
static bool wrote_well(const struct sync *s, const struct did *d) {
    const struct view *v = d->names_vf ? &s->view[d->host][d->vf] : NULL;
    uint16_t entry = (uint16_t)d->a[GPUP_ARG_WriteVirtualizedInterrupt_InterruptTableIndex];
    return v && v->read && entry < v->entries && !s->strayed && sync_holds(d, v->table + (size_t)entry * 16);
}

static void follow_shares(struct gpup_judge *j, struct sync *s) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint64_t share = h->pf.share, paging = h->pf.paging;
    for (uint64_t used = j->used[c->host]; used; used &= used - 1) {
        const struct schedule *now = &h->vf[__builtin_ctzll(used)].schedule;
        share += now->running ? now->share : 0;
        paging += now->running ? now->paging : 0;
    }
    s->calm[c->host].over = s->calm[c->host].over || share > WHOLE || paging > WHOLE;
}

void sync_note_calm(const struct gpup_judge *j, struct sync *s) {
    const struct call *c = &j->call;
    uint8_t *since = &s->calm[c->host].since;
    if (c->ddi == GPUP_DDI_SetVirtualFunctionPauseState)
        *since |= OVERLAID;
    if (c->ddi == GPUP_DDI_PrepareLiveMigration || c->ddi == GPUP_DDI_EndLiveMigration)
        *since |= MIGRATED;
}

/* The schedule of a moment without session and pause is that of the one before, or it never comes back. */
void sync_learn_calm(const struct gpup_judge *j, struct sync *s) {
    const struct host *h = &j->host[j->call.host];
    unsigned host = j->call.host;
    bool comparable = s->calm[host].known && s->calm[host].structure == h->structure;
    if (comparable && s->calm[host].since) {
        bool same = sync_other_schedule(j, s, host) == JUDGE_VFS;
        bool moves = !same && sync_other_work(j, s, host);
        s->calm[host].proved |= same ? s->calm[host].since : 0;
        s->calm[host].over = s->calm[host].over || (!same && !moves);
    }
    s->calm[host].since = 0;
}

void sync_learn(struct gpup_judge *j, struct sync *s) {
    const struct call *c = &j->call;
    struct did d = sync_did(j, s);
    bool good = nt_success(c->status) && c->class <= GPUP_STATED && !d.excused && keeps_running(j);
    follow_shares(j, s);
    if (good)
        works(s, kin(&d, false));
    if (good && (c->ddi != GPUP_DDI_WriteVirtualizedInterrupt || wrote_well(s, &d)))
        works(s, kin(&d, true));
}
