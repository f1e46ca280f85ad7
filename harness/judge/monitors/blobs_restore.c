/* Data that comes back: unchanged, from another host, cut, altered. */
#include "blobs.h"

static const struct saved *unchanged(const struct blobs *b, unsigned kind) {
    return b->input.there && b->input.like[kind] == LIKE_SAME ? &b->saved[b->input.from[kind]] : NULL;
}

static bool is_equal_target(const struct gpup_judge *j, const struct saved *s, const struct vf *v) {
    return s->reserve == (v->resourced ? v->reserve_shape : 0) && s->profile == v->profile &&
           s->entries == v->entries && s->partitions == j->host[j->call.host].partitions;
}

/* The target itself saved the same, since it is what it is: nothing in the data tells the two apart. */
static bool saves_the_same(const struct blobs *b, const struct saved *s, unsigned host, uint64_t differs) {
    for (unsigned i = 0; i < BLOBS; i++) {
        const struct saved *own = &b->saved[i];
        if (own->there && own->kind == 0 && own->host == host && own->differs == differs &&
            own->hash == s->hash && own->size == s->size)
            return true;
    }
    return false;
}

/* No restore was refused that this one may depend on: no document says what comes after such a one. */
static bool is_first(const struct blobs *b, const struct call *c, unsigned kind) {
    const struct target *t = &b->target[c->host][c->vf];
    return !t->refused[1] && (kind == 1 || !t->refused[0]);
}

/* The target's driver declared that it is of another make than the one that saved: it must see that. */
static void judge_incompatible(struct gpup_judge *j, const struct blobs *b, const struct saved *s) {
    static const uint16_t rules[] = {0, GPUP_RULE_LM_035, GPUP_RULE_LM_036, GPUP_RULE_LM_037};
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    bool refused = is_first(b, c, 0)
                       ? c->status == GPUP_STATUS_OBJECT_TYPE_MISMATCH /* the event before it: LM-034 */
                       : !nt_success(c->status);
    uint64_t differs = h->differs & ~s->differs; /* what it said of data of hosts that are as it was */
    bool same = saves_the_same(b, s, c->host, h->differs);
    if (!differs)
        return;
    for (unsigned what = 1; what < sizeof rules / sizeof *rules; what++) {
        if (!(differs >> what & 1))
            continue;
        CHECK(j, rules[what], refused,
              "data of a driver, firmware or hardware declared incompatible returned 0x%08x", c->status);
        if (what == 1 && (!nt_success(c->status) || same))
            CHECK(j, GPUP_RULE_LM_022, !nt_success(c->status),
                  "data of another driver version was accepted, and has the bytes that this one saves");
    }
    if (!nt_success(c->status) || same)
        CHECK(j, GPUP_RULE_LM_021, !nt_success(c->status),
              "the hosts are not compatible, and what they save has the same bytes");
}

/* The only state in which the OS restores: a VF that was made for it, in a target session, not running, each
 * kind once and in order. */
static bool is_time(const struct blobs *b, const struct call *c, unsigned kind) {
    const struct target *t = &b->target[c->host][c->vf];
    const struct vf *v = &c->before;
    bool fresh = kind || (v->resourced && !v->was_powered);
    return v->session == SESSION_TARGET && (v->paused || !v->powered) && !v->disturbed && fresh &&
           v->restores == kind && (kind == 0 ? !t->immutable : t->immutable && !t->restored_mutable);
}

static void judge_unchanged(struct gpup_judge *j, const struct saved *s, unsigned kind) {
    const struct call *c = &j->call;
    bool works = c->status == 0;
    bool same_host = s->host == c->host;
    bool over = j->host[s->host].vf[s->vf].session == SESSION_NONE;
    if (same_host && !over)
        return; /* overlapping sessions of one adapter: no page promises it */
    if (s->vf != c->vf)
        CHECK(j, GPUP_RULE_LM_074, works, "data of VF %u restored to VF %u returned 0x%08x", s->vf, c->vf,
              c->status);
    if (same_host && s->vf != c->vf)
        CHECK(j, GPUP_RULE_LM_076, works, "data of the same adapter returned 0x%08x", c->status);
    if (s->session > 1)
        COUNT(j, GPUP_RULE_LM_032);
    if (kind == 0 && s->second_hand)
        CHECK(j, GPUP_RULE_LM_033, works,
              "what was restored was not applied: data saved from that VF returned 0x%08x", c->status);
    if (kind == 0 && s->size == 0)
        CHECK(j, GPUP_RULE_LM_072, works, "the driver saved 0 bytes and refuses them with 0x%08x", c->status);
    if (kind == 0)
        CHECK(j, GPUP_RULE_LM_032, works, "unchanged data on an equal target returned 0x%08x", c->status);
    else
        CHECK(j, GPUP_RULE_LM_049, works, "unchanged data on an equal target returned 0x%08x", c->status);
}

static void judge_changed(struct gpup_judge *j, const struct blobs *b, unsigned kind) {
    const struct call *c = &j->call;
    uint8_t like = b->input.like[kind];
    bool refused = !nt_success(c->status);
    if (like == LIKE_CUT) {
        COUNT(j, GPUP_RULE_LM_039);
        CHECK(j, GPUP_RULE_LM_084, refused, "%llu bytes of data that has %llu were accepted",
              (unsigned long long)b->input.size, (unsigned long long)b->saved[b->input.from[kind]].size);
    } else if (like == LIKE_EXTENDED) {
        COUNT(j, GPUP_RULE_LM_040);
    } else {
        COUNT(j, GPUP_RULE_LM_041);
    }
    if (kind == 1 && refused)
        CHECK(j, GPUP_RULE_LM_051, !call_change(j, GPUP_EVENT_OBS_GUEST, c->host, c->vf),
              "the refused mutable data left the VF half restored");
}

/* Data NULL, or no bytes at all. */
static void judge_empty(struct gpup_judge *j, const struct blobs *b, unsigned kind) {
    const struct call *c = &j->call;
    bool data = c->a[GPUP_ARG_RestoreMutableMigrationData_DataPresent];
    uint64_t size = c->a[GPUP_ARG_RestoreMutableMigrationData_DataSize];
    bool own_empty = false;
    for (unsigned i = 0; i < BLOBS; i++)
        own_empty = own_empty || (b->saved[i].there && b->saved[i].kind == kind && b->saved[i].size == 0);
    if ((!data && size) || (size == 0 && !own_empty))
        CHECK(j, GPUP_RULE_LM_043, !nt_success(c->status), "Data %s with DataSize %llu was accepted",
              data ? "present" : "NULL", (unsigned long long)size);
}

static void expect(struct gpup_judge *j, struct target *t, const struct saved *s) {
    struct vf *v = call_vf(j);
    v->work_pending = s->work_pending;
    t->restored_mutable = true;
    t->vram_known = s->settled && s->vram.seen && s->quiet;
    t->vram = s->vram.hash;
    t->vram_vf = s->vf;
    t->vram_host = s->host;
    t->expected = (struct expected){.there = s->settled && s->guest.seen && s->quiet,
                                    .repeated = s->session > 1,
                                    .astray = call_foreign(j) != NULL,
                                    .moved = s->vf != j->call.vf,
                                    .guest = s->guest.hash};
}

static void judge_time(struct gpup_judge *j, const struct target *t, const struct saved *s) {
    const struct call *c = &j->call;
    uint64_t spent = s->pause_ns + t->paused_ns + (c->end_ns - c->begin_ns);
    if (!j->host[c->host].impaired && !j->host[s->host].impaired)
        CHECK(j, GPUP_RULE_LM_063, spent < UINT64_C(750000000),
              "the driver's calls took %llu ms between pause and restore",
              (unsigned long long)spent / 1000000);
}

/* Of a VF without vGPU, which may be cleaned up late: the state that was saved. */
static bool is_there(const struct gpup_judge *j, const struct saved *s, const struct change *m) {
    const struct vf *v = &j->host[m->host].vf[s->vf];
    return call_foreign_of(j, m, 1) ||
           (m->kind == GPUP_EVENT_OBS_GUEST && m->fresh && m->quiet && v->guest.hash == s->guest.hash);
}

/* BUG-106 and its kin: the index inside the data names a VF of the target. */
static void judge_index(struct gpup_judge *j, const struct saved *s) {
    const struct call *c = &j->call;
    if (s->vf == c->vf)
        return;
    for (unsigned i = 0; i < c->changes; i++)
        if (c->change[i].vf == s->vf && is_there(j, s, &c->change[i]))
            CHECK(j, GPUP_RULE_LM_074, false, "restoring data of VF %u to VF %u changed VF %u of the target",
                  s->vf, c->vf, s->vf);
}

/* Mutable data is of the session whose immutable data the target took, or of one that saved the same bytes: a
 * driver may tell data that was never one VF's at one time. */
static bool belongs(const struct blobs *b, const struct target *t, const struct saved *s) {
    const struct saved *taken = t->immutable ? &b->saved[t->immutable - 1] : NULL;
    for (unsigned i = 0; taken && i < BLOBS; i++) {
        const struct saved *own = &b->saved[i];
        if (own->there && own->kind == 0 && own->hash == taken->hash && own->size == taken->size &&
            own->host == s->host && own->vf == s->vf && own->life == s->life && own->session == s->session)
            return true;
    }
    return false;
}

static void judge_known(struct gpup_judge *j, struct blobs *b, const struct saved *s, unsigned kind) {
    const struct call *c = &j->call;
    struct target *t = &b->target[c->host][c->vf];
    struct vf *v = call_vf(j);
    bool equal = is_equal_target(j, s, v);
    judge_index(j, s);
    if (kind == 0 && !equal && v->resourced && v->reserve_size && s->amount && s->amount != v->reserve_size &&
        is_time(b, c, kind))
        CHECK(j, GPUP_RULE_LM_075, !nt_success(c->status),
              "data of a vGPU with another VRAM reserve was accepted");
    bool alike = j->host[c->host].differs == s->differs;
    bool whole = kind == 0 || belongs(b, t, s);
    if (equal && alike && whole && is_time(b, c, kind) && is_first(b, c, kind) && call_must_succeed(j))
        judge_unchanged(j, s, kind);
    else if (equal && !alike && kind == 0 && is_time(b, c, kind) && call_must_succeed(j))
        judge_incompatible(j, b, s);
    if (!nt_success(c->status))
        return;
    if (kind == 0) {
        t->came = true;
        t->immutable = (uint8_t)(b->input.from[0] + 1);
    } else if (equal && is_time(b, c, kind)) {
        judge_time(j, t, s);
        expect(j, t, s);
        t->expected.there = t->expected.there && whole;
        t->vram_known = t->vram_known && whole;
    }
}

/* A VF has the secrets of what was restored to it, rightly; data that is not known may hold any. */
void blobs_carry(struct gpup_judge *j, const struct blobs *b, const struct saved *s) {
    struct vf *v = call_vf(j);
    for (unsigned i = 0; v && nt_success(j->call.status) && i < BLOBS; i++)
        if (b->saved[i].there && (!s || s == &b->saved[i]))
            v->secrets[0] |= b->saved[i].secrets;
}

void blobs_restore(struct gpup_judge *j, struct blobs *b) {
    const struct call *c = &j->call;
    unsigned kind = c->ddi == GPUP_DDI_RestoreMutableMigrationData;
    const struct saved *s = unchanged(b, kind), *other = unchanged(b, !kind);
    if (!call_vf(j) || !c->before.present)
        return;
    CHECK(j, GPUP_RULE_LM_044, !c->damaged_input, "the restore wrote to its input data");
    if (!c->a[GPUP_ARG_RestoreMutableMigrationData_DataPresent] ||
        !c->a[GPUP_ARG_RestoreMutableMigrationData_DataSize])
        judge_empty(j, b, kind);
    if (!b->input.there)
        return;
    if (b->input.like[kind] == LIKE_CUT || b->input.like[kind] == LIKE_EXTENDED)
        blobs_carry(j, b, &b->saved[b->input.from[kind]]);
    else if (b->input.size)
        blobs_carry(j, b, s);
    if (s)
        judge_known(j, b, s, kind);
    else if (other)
        CHECK(j, GPUP_RULE_LM_047, !nt_success(c->status), "data of the other kind was accepted");
    else if (b->input.like[kind])
        judge_changed(j, b, kind);
    else
        COUNT(j, GPUP_RULE_LM_041);
}

/* A fault while data that the driver did not write was read. */
void blobs_died(struct gpup_judge *j, struct blobs *b, const struct gpup_event *e) {
    const struct call *c = &j->call;
    unsigned kind = c->ddi == GPUP_DDI_RestoreMutableMigrationData;
    if (!c->active || !migration_is_restore(c->ddi))
        return;
    bool write = e->kind == GPUP_EVENT_FAULT && e->f[GPUP_FAULT_cause] == GPUP_FAULT_WRITE &&
                 c->input.there && e->f[GPUP_FAULT_object] == c->input.object;
    if (write)
        CHECK(j, GPUP_RULE_LM_044, false, "the restore wrote to its input data");
    else if (!c->a[GPUP_ARG_RestoreMutableMigrationData_DataPresent])
        CHECK(j, GPUP_RULE_LM_043, false, "the restore with Data NULL did not return");
    else if (b->input.there && b->input.like[kind] == LIKE_CUT)
        CHECK(j, GPUP_RULE_LM_039, false, "the restore of data cut to %llu bytes did not return",
              (unsigned long long)b->input.size);
    else if (b->input.there && b->input.like[kind] == LIKE_EXTENDED)
        CHECK(j, GPUP_RULE_LM_040, false, "the restore of data with extra bytes did not return");
    else if (b->input.there && b->input.like[kind] != LIKE_SAME)
        CHECK(j, GPUP_RULE_LM_041, false, "the restore of altered data did not return");
}
