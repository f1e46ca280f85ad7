/* Migration sessions: the monitor. */
#include "migration.h"

#include <string.h>

static struct session_of *of_call(struct gpup_judge *j, struct migration *m) {
    return call_vf(j) ? &m->of[j->call.host][j->call.vf] : NULL;
}

/* What a save of mutable data would take may be another, and have another size. */
static void forget(struct session_of *s) {
    s->phase[1].hash_known = s->phase[1].sized = false;
}

static void touch(struct migration *m, unsigned host, uint64_t vf) {
    if (host >= GPUP_MAX_HOSTS || vf >= JUDGE_VFS)
        return;
    m->of[host][vf].untouched = false;
    forget(&m->of[host][vf]);
}

static bool is_of_bases(uint16_t ddi) {
    return ddi == GPUP_DDI_CreateMemoryBasis || ddi == GPUP_DDI_DestroyMemoryBasis ||
           ddi == GPUP_DDI_StartDirtyTracking || ddi == GPUP_DDI_StopDirtyTracking ||
           ddi == GPUP_DDI_QueryDirtyBitData;
}

/* A call other than a save changes what is to be saved of its VF; one about bases, of any. */
static void called(struct gpup_judge *j, struct migration *m) {
    const struct call *c = &j->call;
    struct session_of *s = of_call(j, m);
    m->calls[c->host]++;
    if (s)
        m->own[c->host][c->vf]++;
    if (s && !migration_is_save(c->ddi))
        forget(s);
    for (uint64_t used = j->used[c->host]; used && is_of_bases(c->ddi); used &= used - 1)
        forget(&m->of[c->host][__builtin_ctzll(used)]);
}

/* A size phase that does not come back: it wrote where it was given no buffer, most likely. */
static void died(struct gpup_judge *j) {
    const struct call *c = &j->call;
    bool sizing = c->active && migration_is_save(c->ddi) &&
                  !c->a[GPUP_ARG_SaveMutableMigrationData_DataPresent] &&
                  !c->a[GPUP_ARG_SaveMutableMigrationData_DataSize];
    if (!sizing || c->class > GPUP_STATED || j->host[c->host].impaired)
        return;
    CHECK(j, c->ddi == GPUP_DDI_SaveImmutableMigrationData ? GPUP_RULE_LM_013 : GPUP_RULE_LM_026, false,
          "the size phase did not return");
}

/* The buffer of a save was reached past its end, or after the save had come back. */
static void reached(struct gpup_judge *j, const struct migration *m, const struct gpup_event *e) {
    const struct call *c = &j->call;
    bool fault = e->kind == GPUP_EVENT_FAULT;
    uint64_t object = e->f[fault ? GPUP_FAULT_object : GPUP_POOL_DAMAGE_object];
    bool own = c->active && migration_is_save(c->ddi) && c->data.there && c->data.object == object;
    if (!object)
        return;
    if (own && fault)
        CHECK(j, c->ddi == GPUP_DDI_SaveImmutableMigrationData ? GPUP_RULE_LM_016 : GPUP_RULE_LM_026, false,
              "the data phase reached past the %llu bytes it was given",
              (unsigned long long)c->a[GPUP_ARG_SaveMutableMigrationData_DataSize]);
    for (unsigned i = 0; i < MIGRATION_LENT && i < m->lents && !own && !fault; i++)
        if (m->lent[i] == object && e->f[GPUP_POOL_DAMAGE_what] == GPUP_DAMAGE_FREED)
            CHECK(j, GPUP_RULE_LM_020, false, "the driver used a save buffer after the call had returned");
}

/* The same state saved twice with nothing between. */
static void saved(struct gpup_judge *j, struct migration *m, const struct gpup_event *e) {
    const struct call *c = &j->call;
    struct session_of *s = of_call(j, m);
    if (!s || !c->returned || e->f[GPUP_OUTPUT_role] != GPUP_ROLE_DATA || !nt_success(c->status) ||
        c->ddi != GPUP_DDI_SaveMutableMigrationData || !c->a[GPUP_ARG_SaveMutableMigrationData_DataPresent] ||
        !c->before.paused)
        return;
    size_t used = e->f[GPUP_OUTPUT_used] < e->data_size ? (size_t)e->f[GPUP_OUTPUT_used] : e->data_size;
    uint64_t hash = gpup_trace_hash(2, e->data, used);
    if (s->phase[1].hash_known && !(j->varies & 2))
        CHECK(j, GPUP_RULE_LM_030, hash == s->phase[1].hash, "two saves of the same paused VF differ");
    s->phase[1].hash = hash;
    s->phase[1].hash_known = true;
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct migration *m = state;
    switch (e->kind) {
    case GPUP_EVENT_POOL_DAMAGE:
        reached(j, m, e);
        break;
    case GPUP_EVENT_FAULT:
        reached(j, m, e);
        died(j);
        break;
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
        died(j);
        break;
    case GPUP_EVENT_OUTPUT:
        saved(j, m, e);
        break;
    case GPUP_EVENT_BASIS_RANGE:
        migration_tracks_range(j, &m->tracks, e);
        break;
    case GPUP_EVENT_RESERVE:
        migration_tracks_reserve(&m->tracks, e);
        break;
    case GPUP_EVENT_STEP:
        m->tracks.coming = 0;
        m->calls[e->host] += judge_acts_beside(e->f[GPUP_STEP_op]);
        if ((e->f[GPUP_STEP_op] >= GPUP_OP_GuestWrite && e->f[GPUP_STEP_op] <= GPUP_OP_RemoveHardware) ||
            (e->f[GPUP_STEP_op] >= GPUP_OP_GuestOpenChannel && e->f[GPUP_STEP_op] <= GPUP_OP_StartChannel))
            touch(m, e->host, e->f[GPUP_STEP_vf]);
        break;
    case GPUP_EVENT_WAIT: /* state of the device may move on with time */
        for (uint64_t used = j->used[e->host]; used; used &= used - 1)
            m->of[e->host][__builtin_ctzll(used)].phase[1].hash_known = false;
        break;
    case GPUP_EVENT_COOKIE:
    case GPUP_EVENT_GUEST_WRITE:
    case GPUP_EVENT_PAGING:
        touch(m, e->host, e->f[0]);
        break;
    case GPUP_EVENT_DAMAGE:
        if (e->f[GPUP_DAMAGE_what] == GPUP_DAMAGE_FREED && e->f[GPUP_DAMAGE_role] == GPUP_ROLE_DATA)
            CHECK(j, GPUP_RULE_LM_020, false,
                  "the driver wrote to a save buffer after the call had returned");
        break;
    case GPUP_EVENT_CALL:
        called(j, m);
        break;
    default:
        break;
    }
}

/* There was no memory to keep a VF's content by while there is no power, or the power was taken from a VF in
 * D0, which no host does: what it has afterwards nobody knows. */
static void note_power(struct gpup_judge *j, struct migration *m) {
    const struct call *c = &j->call;
    for (uint64_t used = j->used[c->host]; used && c->ddi == GPUP_DDI_SetPowerState; used &= used - 1) {
        unsigned vf = (unsigned)__builtin_ctzll(used);
        bool taken = nt_success(c->status) && c->a[GPUP_ARG_SetPowerState_DevicePowerState] != 1 &&
                     j->host[c->host].vf[vf].powered;
        if (c->failed_alloc || taken)
            m->of[c->host][vf].untouched = false;
    }
}

static void settle(struct gpup_judge *j, void *state) {
    struct migration *m = state;
    const struct call *c = &j->call;
    struct session_of *s = of_call(j, m);
    const struct vf *v = call_vf(j);
    migration_tracks(j, &m->tracks);
    note_power(j, m);
    if (migration_is_save(c->ddi) && c->data.there)
        m->lent[m->lents++ % MIGRATION_LENT] = c->data.object;
    if (j->host[c->host].removed || c->overlapped)
        return;
    if (migration_is_save(c->ddi) || migration_is_restore(c->ddi) ||
        c->ddi == GPUP_DDI_PrepareLiveMigration || c->ddi == GPUP_DDI_EndLiveMigration)
        CHECK(j, GPUP_RULE_LM_080, c->status != GPUP_STATUS_PENDING, "the call returned STATUS_PENDING");
    if (s && c->before.present && migration_is_save(c->ddi))
        migration_save(j, s, v, c->ddi == GPUP_DDI_SaveMutableMigrationData);
    migration_session(j, m, s, v);
}

static void reset(struct gpup_judge *j, void *state) {
    struct migration *m = state;
    judge_clear_used(j, m->of, sizeof m->of[0][0]);
    memset(m->calls, 0, sizeof m->calls);
    memset(m->own, 0, sizeof m->own);
    m->lents = 0;
    memset(&m->tracks, 0, sizeof m->tracks);
}

static void overlapped(struct gpup_judge *j, void *state) {
    struct migration *m = state;
    struct session_of *s = of_call(j, m);
    if (is_of_bases(j->call.ddi))
        memset(m->tracks.of[j->call.host], 0, sizeof m->tracks.of[0]);
    if (s)
        *s = (struct session_of){0};
}

const struct monitor monitor_migration = {
    .id = GPUP_MONITOR_migration,
    .state_size = sizeof(struct migration),
    .kinds = KIND(FAULT) | KIND(BUGCHECK) | KIND(HANG) | KIND(OUTPUT) | KIND(STEP) | KIND(COOKIE) |
             KIND(GUEST_WRITE) | KIND(PAGING) | KIND(POOL_DAMAGE) | KIND(DAMAGE) | KIND(CALL) | KIND(WAIT) |
             KIND(BASIS_RANGE) | KIND(RESERVE),
    .event = event,
    .settle = settle,
    .overlapped = overlapped,
    .reset = reset};
