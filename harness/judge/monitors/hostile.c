/* Calls as only a broken or hostile host makes them: buffers that change while they are read, that are not
 * there, or lie at odd places; handles that are none. */
#include "monitors.h"

#define HANDLES 160

/* The last call that had a Data buffer, to be compared with one that differs in its place only. */
struct placed {
    bool there, success, odd;
    uint16_t ddi;
    uint8_t host;
    uint32_t vf;
    uint64_t size, input, number;
};
struct hostile {
    bool changing, untouched; /* a buffer of the call changes; untouched: it did not come to it */
    struct placed last;
    uint64_t calls;
    struct { /* memory bases that are alive */
        uint64_t object;
        uint8_t host;
    } basis[HANDLES];
    unsigned bases;
};

static bool is_save(uint16_t ddi) {
    return ddi == GPUP_DDI_SaveImmutableMigrationData || ddi == GPUP_DDI_SaveMutableMigrationData;
}

static bool is_restore(uint16_t ddi) {
    return ddi == GPUP_DDI_RestoreImmutableMigrationData || ddi == GPUP_DDI_RestoreMutableMigrationData;
}

static bool takes_basis(uint16_t ddi) {
    return ddi == GPUP_DDI_DestroyMemoryBasis || ddi == GPUP_DDI_StartDirtyTracking ||
           ddi == GPUP_DDI_StopDirtyTracking || ddi == GPUP_DDI_QueryDirtyBitData;
}

static bool misaligned(const struct call *c) {
    if (is_save(c->ddi))
        return c->a[GPUP_ARG_SaveMutableMigrationData_Misaligned];
    return is_restore(c->ddi) && c->a[GPUP_ARG_RestoreMutableMigrationData_Misaligned];
}

static bool no_size(const struct call *c) {
    return is_save(c->ddi) && c->a[GPUP_ARG_SaveMutableMigrationData_DataSizeNull];
}

static int owner_of(const struct hostile *s, uint64_t object) {
    for (unsigned i = 0; i < s->bases; i++)
        if (s->basis[i].object == object)
            return s->basis[i].host;
    return -1;
}

/* A handle that is none, or one of another adapter. */
static bool bad_handle(const struct hostile *s, const struct call *c) {
    return takes_basis(c->ddi) && owner_of(s, c->a[0]) < 0;
}
static bool foreign_handle(const struct hostile *s, const struct call *c) {
    int owner = takes_basis(c->ddi) ? owner_of(s, c->a[0]) : -1;
    return owner >= 0 && owner != c->host;
}

/* --- buffers that change -------------------------------------------------------------------------------- */

static uint16_t rule_of_change(uint16_t ddi) {
    if (is_restore(ddi))
        return GPUP_RULE_LM_045;
    return ddi == GPUP_DDI_VirtualGpuDriverEscape ? GPUP_RULE_PART_033 : GPUP_SPEC_NONE;
}

static void went_wrong(struct gpup_judge *j, const struct hostile *s, const char *what) {
    uint16_t rule = rule_of_change(j->call.ddi);
    if (s->changing && !s->untouched && rule != GPUP_SPEC_NONE)
        CHECK(j, rule, false, "data that changed after it had been read made the driver %s", what);
}

/* --- a call that did not come back ---------------------------------------------------------------------- */

static void died(struct gpup_judge *j, struct hostile *s) {
    const struct call *c = &j->call;
    went_wrong(j, s, "stop");
    s->changing = false;
    if (!c->active || j->host[c->host].impaired)
        return;
    if (no_size(c))
        CHECK(j, GPUP_RULE_LM_071, false, "with DataSize NULL the save did not return");
    else if (misaligned(c) && c->class < GPUP_ROBUSTNESS) /* a broken blob is another reason not to return */
        CHECK(j, GPUP_RULE_LM_073, false, "with Data at an odd address the call did not return");
    if (foreign_handle(s, c))
        CHECK(j, GPUP_RULE_DIRTY_048, false, "the handle of another adapter was used");
    else if (bad_handle(s, c))
        CHECK(j, GPUP_RULE_ROB_015, false, "a handle that is none was used");
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct hostile *s = state;
    switch (e->kind) {
    case GPUP_EVENT_CHANGING:
        s->changing = true;
        s->untouched = false;
        break;
    case GPUP_EVENT_CHANGED:
        s->untouched = !e->f[GPUP_CHANGED_done];
        break;
    case GPUP_EVENT_DAMAGE:
        went_wrong(j, s, "write outside its buffers");
        break;
    case GPUP_EVENT_POOL_DAMAGE:
        went_wrong(j, s, "damage its pool");
        break;
    default:
        died(j, s);
    }
}

/* --- calls that came back ------------------------------------------------------------------------------- */

static void follow_bases(struct hostile *s, const struct call *c) {
    if (c->ddi == GPUP_DDI_CreateMemoryBasis && c->handle && s->bases < HANDLES) {
        s->basis[s->bases].object = c->handle;
        s->basis[s->bases++].host = c->host;
    }
    for (unsigned i = 0; i < s->bases && c->ddi == GPUP_DDI_DestroyMemoryBasis && nt_success(c->status); i++)
        if (s->basis[i].object == c->a[0] && s->basis[i].host == c->host)
            s->basis[i] = s->basis[--s->bases];
}

/* Also the end of a call under which a buffer changed. */
static void overlapped(struct gpup_judge *j, void *state) {
    struct hostile *s = state;
    uint16_t rule = rule_of_change(j->call.ddi);
    if (s->changing && !s->untouched && rule != GPUP_SPEC_NONE)
        COUNT(j, rule);
    s->changing = false;
    s->calls++;
    s->last.there = false;
    follow_bases(s, &j->call);
}

static bool same_but_place(const struct hostile *s, const struct placed *now) {
    const struct placed *then = &s->last;
    return then->there && then->number + 1 == now->number && then->ddi == now->ddi &&
           then->host == now->host && then->vf == now->vf && then->size == now->size &&
           then->input == now->input && then->odd != now->odd;
}

/* Saved twice, or refused once and then restored: only the address of Data differs. A restore that worked is
 * not repeated. */
static void judge_place(struct gpup_judge *j, struct hostile *s) {
    const struct call *c = &j->call;
    bool data = is_save(c->ddi) ? c->a[GPUP_ARG_SaveMutableMigrationData_DataPresent]
                                : c->a[GPUP_ARG_RestoreMutableMigrationData_DataPresent];
    struct placed now = {.there = data && !c->failed_alloc && !j->host[c->host].impaired,
                         .success = nt_success(c->status),
                         .odd = misaligned(c),
                         .ddi = c->ddi,
                         .host = c->host,
                         .vf = c->vf,
                         .size = c->a[GPUP_ARG_SaveMutableMigrationData_DataSize],
                         .input = is_restore(c->ddi) ? c->input.hash : 0,
                         .number = s->calls};
    bool comparable = is_save(c->ddi) || (now.success && !now.odd);
    if (now.there && same_but_place(s, &now) && comparable)
        CHECK(j, GPUP_RULE_LM_073, s->last.success == now.success,
              "the same call with Data at an odd address %s, else it %s",
              (now.odd ? now.success : s->last.success) ? "succeeds" : "fails",
              (now.odd ? s->last.success : now.success) ? "succeeds" : "fails");
    else if (now.there && now.odd && now.success)
        COUNT(j, GPUP_RULE_LM_073);
    s->last = now;
}

/* What another adapter of the same system shows of itself. */
static bool changed_elsewhere(const struct call *c) {
    for (unsigned i = 0; i < c->others; i++)
        if (c->other[i].quiet && c->other[i].fresh)
            return true;
    return false;
}

static void settle(struct gpup_judge *j, void *state) {
    struct hostile *s = state;
    const struct call *c = &j->call;
    s->calls++;
    if (no_size(c))
        CHECK(j, GPUP_RULE_LM_071, !nt_success(c->status), "with DataSize NULL the save succeeded");
    else if (is_save(c->ddi) || is_restore(c->ddi))
        judge_place(j, s);
    else
        s->last.there = false;
    if (foreign_handle(s, c))
        CHECK(j, GPUP_RULE_DIRTY_048, !changed_elsewhere(c),
              "the handle of another adapter was accepted, and that adapter changed");
    else if (bad_handle(s, c))
        CHECK(j, GPUP_RULE_ROB_015, !nt_success(c->status), "a handle that is none was accepted");
    follow_bases(s, c);
}

const struct monitor monitor_hostile = {.id = GPUP_MONITOR_hostile,
                                        .state_size = sizeof(struct hostile),
                                        .kinds = KIND(CHANGING) | KIND(CHANGED) | KIND(DAMAGE) |
                                                 KIND(POOL_DAMAGE) | KIND(FAULT) | KIND(BUGCHECK) |
                                                 KIND(HANG),
                                        .event = event,
                                        .settle = settle,
                                        .overlapped = overlapped};
