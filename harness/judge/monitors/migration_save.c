/* The two phases of a save. */
#include "migration.h"

static unsigned long long number(uint64_t value) {
    return (unsigned long long)value;
}

bool migration_is_save(uint16_t ddi) {
    return ddi == GPUP_DDI_SaveImmutableMigrationData || ddi == GPUP_DDI_SaveMutableMigrationData;
}

bool migration_is_restore(uint16_t ddi) {
    return ddi == GPUP_DDI_RestoreImmutableMigrationData || ddi == GPUP_DDI_RestoreMutableMigrationData;
}

/* The state in which the documents let the OS save this kind of data. */
static bool is_time(const struct call *c, unsigned kind) {
    const struct vf *v = &c->before;
    bool alive = v->powered && (kind == 0 || v->paused);
    return v->session == SESSION_SOURCE && alive && !v->disturbed;
}

/* What worked in an earlier migration of the VF works again. */
static void judge_again(struct gpup_judge *j, struct session_of *s, const struct vf *v, unsigned kind,
                        unsigned phase) {
    bool works = j->call.status == 0;
    if (v->sessions > 1 && s->worked[kind][phase])
        CHECK(j, GPUP_RULE_LM_059, works, "in a repeated migration the call returned 0x%08x", j->call.status);
}

static void judge_size_phase(struct gpup_judge *j, struct session_of *s, const struct vf *v, unsigned kind) {
    const struct call *c = &j->call;
    struct phase *p = &s->phase[kind];
    uint64_t size = c->r[GPUP_RES_SaveMutableMigrationData_DataSize];
    bool success = nt_success(c->status);
    if (kind == 0)
        CHECK(j, GPUP_RULE_LM_014, !c->damaged_arguments, "the size phase changed the argument structure");
    else
        CHECK(j, GPUP_RULE_LM_026, !c->damaged_arguments, "the size phase changed the argument structure");
    if (is_time(c, kind) && call_must_succeed(j)) {
        judge_again(j, s, v, kind, 0);
        s->worked[kind][0] = s->worked[kind][0] || c->status == 0;
        CHECK(j, kind ? GPUP_RULE_LM_026 : GPUP_RULE_LM_013, c->status == 0, "the size phase returned 0x%08x",
              c->status);
    }
    if (!success)
        return;
    if (kind == 0 && s->immutable_known)
        CHECK(j, GPUP_RULE_LM_019, size == s->immutable_size, "the immutable size is %llu bytes, it was %llu",
              number(size), number(s->immutable_size));
    s->immutable_known = s->immutable_known || kind == 0;
    s->immutable_size = kind == 0 ? size : s->immutable_size;
    p->sized = true;
    p->need = size;
    p->at = c->event;
}

static void judge_exact(struct gpup_judge *j, struct session_of *s, const struct vf *v, unsigned kind) {
    const struct call *c = &j->call;
    const struct phase *p = &s->phase[kind];
    bool success = nt_success(c->status);
    if (!is_time(c, kind) || !call_must_succeed(j))
        return;
    judge_again(j, s, v, kind, 1);
    s->worked[kind][1] = s->worked[kind][1] || c->status == 0;
    if (kind == 1) {
        CHECK(j, GPUP_RULE_LM_029, success,
              "%llu bytes were asked for, and the data phase with them returned 0x%08x", number(p->need),
              c->status);
        CHECK(j, GPUP_RULE_LM_027, c->status == 0, "saving a paused VF returned 0x%08x", c->status);
        return;
    }
    if (c->before.powered && !c->before.paused)
        CHECK(j, GPUP_RULE_LM_018, success,
              "the VF ran, and the data phase with the %llu bytes asked for returned 0x%08x", number(p->need),
              c->status);
    CHECK(j, GPUP_RULE_LM_015, c->status == 0, "the data phase returned 0x%08x", c->status);
}

static void judge_other_size(struct gpup_judge *j, const struct session_of *s, unsigned kind) {
    const struct call *c = &j->call;
    uint64_t given = c->a[GPUP_ARG_SaveMutableMigrationData_DataSize], need = s->phase[kind].need;
    uint64_t told = c->r[GPUP_RES_SaveMutableMigrationData_DataSize];
    if (given < need) {
        bool asks = c->status != GPUP_STATUS_BUFFER_TOO_SMALL || told > given;
        CHECK(j, GPUP_RULE_LM_069, !nt_success(c->status) && asks,
              "%llu bytes for %llu: the call returned 0x%08x and size %llu", number(given), number(need),
              c->status, number(told));
    } else if (given > UINT32_MAX) { /* of memory that is there */
        CHECK(j, GPUP_RULE_LM_042, c->status != GPUP_STATUS_BUFFER_TOO_SMALL,
              "%llu bytes were taken for fewer than the %llu needed", number(given), number(need));
    } else if (is_time(c, kind) && !c->failed_alloc && !j->host[c->host].impaired) {
        CHECK(j, GPUP_RULE_LM_070, nt_success(c->status) && told <= need,
              "%llu bytes for %llu: the call returned 0x%08x and size %llu", number(given), number(need),
              c->status, number(told));
    }
}

static void judge_data_phase(struct gpup_judge *j, struct session_of *s, const struct vf *v, unsigned kind) {
    const struct call *c = &j->call;
    struct phase *p = &s->phase[kind];
    uint64_t given = c->a[GPUP_ARG_SaveMutableMigrationData_DataSize];
    uint64_t told = c->r[GPUP_RES_SaveMutableMigrationData_DataSize];
    bool success = nt_success(c->status);
    CHECK(j, kind ? GPUP_RULE_LM_026 : GPUP_RULE_LM_016, !c->damaged_data,
          "the data phase went past the %llu bytes it was given", number(given));
    COUNT(j, GPUP_RULE_LM_020);
    if (p->sized && given == p->need)
        judge_exact(j, s, v, kind);
    else if (p->sized)
        judge_other_size(j, s, kind);
    if (!success && c->status != GPUP_STATUS_BUFFER_TOO_SMALL && p->sized)
        CHECK(j, GPUP_RULE_LM_068, told <= given || told <= p->need,
              "the failed save left size %llu, more than any buffer", number(told));
    p->saved = p->saved || success;
}

/* A save is an observation: nothing of the VF changes. */
static void judge_effect(struct gpup_judge *j, const struct vf *v) {
    const struct call *c = &j->call;
    const struct change *guest = call_change(j, GPUP_EVENT_OBS_GUEST, c->host, c->vf);
    const struct change *vram = call_change(j, GPUP_EVENT_OBS_VRAM, c->host, c->vf);
    bool ends = c->before.paused && !v->schedule.running; /* what was in flight at the pause is over */
    bool runs = !v->schedule.seen || v->schedule.running == c->before.schedule.running || ends;
    CHECK(j, GPUP_RULE_LM_025, runs && !guest && !vram, "the save changed the VF's %s",
          !runs   ? "running state"
          : guest ? "registers or state"
                  : "memory");
}

void migration_save(struct gpup_judge *j, struct session_of *s, const struct vf *v, unsigned kind) {
    const struct call *c = &j->call;
    bool data = c->a[GPUP_ARG_SaveMutableMigrationData_DataPresent] != 0;
    if (kind == 1 && c->before.powered && !c->before.paused)
        CHECK(j, GPUP_RULE_LM_028, !nt_success(c->status), "the VF is not paused, and the save succeeded");
    judge_effect(j, v);
    if (c->a[GPUP_ARG_SaveMutableMigrationData_DataSizeNull])
        return; /* there is no size to speak of */
    if (data)
        judge_data_phase(j, s, v, kind);
    else if (c->a[GPUP_ARG_SaveMutableMigrationData_DataSize] == 0)
        judge_size_phase(j, s, v, kind);
}
