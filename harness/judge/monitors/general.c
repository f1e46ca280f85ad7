/* What must hold after every call: no fault, no damage, valid statuses, nothing left behind. */
#include "monitors.h"

#include <stdio.h>
#include <string.h>

#define EMPTY 6u /* buffers of one call */

struct general {
    uint64_t empty[EMPTY]; /* objects: buffers without a byte that go with the call */
    unsigned empties;
    struct { /* use of freed memory: the fault that follows at once says whether it was a write */
        bool there;
        uint8_t host;
        uint64_t object, offset;
        struct gpup_places places;
    } freed;
    bool left_alive[GPUP_MAX_HOSTS]; /* the program left something of its own at the end */
};

static unsigned long long number(uint64_t value) {
    return (unsigned long long)value;
}

static bool is_restore(uint16_t ddi) {
    return ddi == GPUP_DDI_RestoreImmutableMigrationData || ddi == GPUP_DDI_RestoreMutableMigrationData;
}

/* Writing to the data of a restore has a rule of its own, and a weaker one. */
static bool is_input_write(const struct gpup_judge *j, const struct gpup_event *e) {
    const struct call *c = &j->call;
    return e->kind == GPUP_EVENT_FAULT && e->f[GPUP_FAULT_cause] == GPUP_FAULT_WRITE && c->active &&
           is_restore(c->ddi) && c->input.there && e->f[GPUP_FAULT_object] == c->input.object;
}

/* Behind the pointer of an empty buffer is memory that nobody may touch. */
static void touched_empty(struct gpup_judge *j, const struct general *g, const struct gpup_event *e) {
    if (e->kind != GPUP_EVENT_FAULT || !j->call.active || j->call.class > GPUP_STATED)
        return;
    for (unsigned i = 0; i < g->empties; i++)
        if (g->empty[i] == e->f[GPUP_FAULT_object])
            CHECK(j, GPUP_RULE_ROB_014, false, "the pointer to a buffer of size 0 was dereferenced");
}

static void died(struct gpup_judge *j, const struct gpup_event *e) {
    const char *what = e->kind == GPUP_EVENT_FAULT      ? "faulted"
                       : e->kind == GPUP_EVENT_BUGCHECK ? "issued a bug check"
                                                        : "did not come back";
    bool promises = j->weakest <= GPUP_STATED;
    if (is_input_write(j, e))
        return;
    if (e->kind == GPUP_EVENT_HANG)
        CHECK(j, GPUP_RULE_SYNC_009, false, "the call waited without a bound");
    if (promises)
        CHECK(j, GPUP_RULE_ROB_001, false, "the driver %s (cause %llu)", what, number(e->f[1]));
    else
        CHECK(j, GPUP_RULE_ROB_016, false, "the driver %s after a broken promise (cause %llu)", what,
              number(e->f[1]));
}

static void damaged(struct gpup_judge *j, const struct gpup_event *e) {
    const struct call *c = &j->call;
    uint64_t what = e->f[GPUP_DAMAGE_what], role = e->f[GPUP_DAMAGE_role];
    if (what == GPUP_DAMAGE_CONST && role == GPUP_ROLE_INPUT && is_restore(c->ddi))
        return;
    if (what == GPUP_DAMAGE_CONST && role == GPUP_ROLE_ARGUMENTS && (c->active || c->returned || c->died) &&
        !gpup_ddis[c->ddi].constant)
        return; /* not declared constant; rules of its own say what may change */
    CHECK(j, GPUP_RULE_ROB_002, false, "the driver wrote %s at offset %llu of buffer %llu",
          what == GPUP_DAMAGE_CONST ? "to an input" : "outside a buffer", number(e->f[GPUP_DAMAGE_offset]),
          number(role));
}

static void pool_written(struct gpup_judge *j, unsigned host, uint64_t object, uint64_t what,
                         uint64_t offset) {
    static const char *const how[] = {[GPUP_DAMAGE_BEFORE] = "was written before its first byte",
                                      [GPUP_DAMAGE_AFTER] = "was written past its end",
                                      [GPUP_DAMAGE_FREED] = "was written after it was freed",
                                      [GPUP_DAMAGE_DOUBLE_FREE] = "was freed twice",
                                      [GPUP_DAMAGE_BAD_FREE] = "was freed, and is none"};
    bool known = what < sizeof how / sizeof *how && how[what];
    judge_about(j, (uint8_t)host, GPUP_PF);
    CHECK(j, GPUP_RULE_ROB_002, false, "pool block %llu %s, at offset %llu", number(object),
          known ? how[what] : "is damaged", number(offset));
}

static void pool_damaged(struct gpup_judge *j, struct general *g, const struct gpup_event *e) {
    uint64_t what = e->f[GPUP_POOL_DAMAGE_what], object = e->f[GPUP_POOL_DAMAGE_object];
    if (what != GPUP_DAMAGE_FREED) {
        pool_written(j, e->host, object, what, e->f[GPUP_POOL_DAMAGE_offset]);
        return;
    }
    g->freed.there = true;
    g->freed.host = e->host;
    g->freed.object = object;
    g->freed.offset = e->f[GPUP_POOL_DAMAGE_offset];
    gpup_event_places(e, &g->freed.places);
}

/* e: the event after it, NULL none. */
static void settle_freed(struct gpup_judge *j, struct general *g, const struct gpup_event *e) {
    bool fault = e && e->kind == GPUP_EVENT_FAULT && e->f[GPUP_FAULT_object] == g->freed.object;
    bool read = fault && e->f[GPUP_FAULT_cause] != GPUP_FAULT_WRITE;
    judge_at(j, fault ? NULL : &g->freed.places); /* the fault knows more */
    if (g->freed.there && !read)
        pool_written(j, g->freed.host, g->freed.object, GPUP_DAMAGE_FREED, g->freed.offset);
    judge_at(j, NULL);
    g->freed.there = false;
}

static void check_output(struct gpup_judge *j, const struct gpup_event *e) {
    size_t used = e->f[GPUP_OUTPUT_used] < e->data_size ? (size_t)e->f[GPUP_OUTPUT_used] : e->data_size;
    /* The type says how much of this buffer is an answer; the rest is the caller's. */
    if (j->call.ddi == GPUP_DDI_QueryAdapterInfo)
        used = used < 4 ? used : 4;
    long at = -1;
    for (unsigned i = 0; i < j->poison_count && at < 0; i++)
        at = judge_find_pattern(e->data, used, j->poison[i]);
    if (j->poison_count && used)
        CHECK(j, GPUP_RULE_ROB_007, at < 0,
              "uninitialised memory of the driver stands at offset %ld of an output", at);
}

/* Registers: only whole qwords, whose pattern nothing else writes. */
static void check_register(struct gpup_judge *j, const struct gpup_event *e) {
    const struct call *c = &j->call;
    uint64_t value = e->f[GPUP_MMIO_value];
    if (!e->f[GPUP_MMIO_write] || e->f[GPUP_MMIO_width] != 8)
        return;
    for (unsigned i = 0; c->active && i < GPUP_DDI_ARGUMENTS_MAX; i++)
        if (c->a[i] == value)
            return;
    for (unsigned i = 0; i < j->poison_count; i++)
        if (value == j->poison[i])
            CHECK(j, GPUP_RULE_ROB_007, false,
                  "uninitialised memory of the driver was written to register 0x%llx",
                  number(e->f[GPUP_MMIO_offset]));
}

#define TAG 16 /* room for a tag in words */

/* The four letters by which a driver knows a block of pool, as debuggers show them. */
static const char *tag_of(uint64_t tag, char out[TAG]) {
    char letters[5] = "";
    for (unsigned i = 0; i < 4; i++) {
        uint8_t c = tag >> (8 * i) & 0xFF;
        letters[i] = (char)(c < 0x20 || c > 0x7E ? '?' : c);
    }
    snprintf(out, TAG, ", tag '%s'", letters);
    return tag ? out : "";
}

static const char *object_of(uint64_t kind) {
    static const char *const words[] = {[GPUP_OBJECT_POOL] = "a pool block",
                                        [GPUP_OBJECT_THREAD] = "a system thread that runs",
                                        [GPUP_OBJECT_TIMER] = "a timer that is set",
                                        [GPUP_OBJECT_CHANNEL] = "a VMBus channel",
                                        [GPUP_OBJECT_HANDLE] = "a handle",
                                        [GPUP_OBJECT_MAPPING] = "a mapping of device memory",
                                        [GPUP_OBJECT_REFERENCE] = "a reference to an object",
                                        [GPUP_OBJECT_INTERRUPT] = "a connected interrupt",
                                        [GPUP_OBJECT_WORK_ITEM] = "a work item"};
    return kind < sizeof words / sizeof *words ? words[kind] : "an object";
}

static void left(struct gpup_judge *j, struct general *g, const struct gpup_event *e) {
    uint64_t kind = e->f[GPUP_LEFT_kind];
    char size[32] = "", letters[TAG];
    const char *tag = "";
    judge_about(j, e->host, GPUP_PF);
    if (j->host[e->host].gone)
        return;
    if (kind == GPUP_OBJECT_POOL || kind == GPUP_OBJECT_MAPPING)
        snprintf(size, sizeof size, " of %llu bytes", number(e->f[GPUP_LEFT_size]));
    if (kind == GPUP_OBJECT_POOL)
        tag = tag_of(e->f[GPUP_LEFT_tag], letters);
    if (g->left_alive[e->host])
        CHECK_POLICY(j, GPUP_RULE_ROB_006, false, "%s%s%s is left, as the program left something alive",
                     object_of(kind), size, tag);
    else
        CHECK(j, GPUP_RULE_ROB_006, false, "%s%s%s is left after unload", object_of(kind), size, tag);
}

/* Kernel services, against their pages. Display callbacks, the VMBus library and handles have rules of their
 * own. */
static void misused(struct gpup_judge *j, const struct gpup_event *e) {
    static const char *const others[] = {"Dxgk", "Vmb", "ZwClose"};
    const char *name = (const char *)e->data;
    uint64_t what = e->f[GPUP_MISUSE_what];
    if (what == GPUP_MISUSE_ORDER && j->weakest <= GPUP_STATED)
        CHECK(j, GPUP_RULE_ROB_018, false, "taken both ways round: %.*s", (int)e->data_size, name);
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        if (e->data_size >= strlen(others[i]) && memcmp(name, others[i], strlen(others[i])) == 0)
            return;
    if (j->weakest > GPUP_STATED)
        return;
    if (what == GPUP_MISUSE_RECURSION)
        CHECK(j, GPUP_RULE_ROB_017, false, "taken again by its holder: %.*s", (int)e->data_size, name);
    if (what == GPUP_MISUSE_LOCK || what == GPUP_MISUSE_OBJECT || what == GPUP_MISUSE_IRQL)
        CHECK(j, GPUP_RULE_ROB_017, false, "%.*s: %s", (int)e->data_size, name,
              what == GPUP_MISUSE_LOCK     ? "a lock that is not held is released, or is held at the end"
              : what == GPUP_MISUSE_OBJECT ? "the object was never initialised, or is gone"
                                           : "not allowed at this IRQL");
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    switch (e->kind) {
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
        touched_empty(j, state, e);
        died(j, e);
        break;
    case GPUP_EVENT_DAMAGE:
        damaged(j, e);
        break;
    case GPUP_EVENT_POOL_DAMAGE:
        pool_damaged(j, state, e);
        break;
    case GPUP_EVENT_OUTPUT:
        check_output(j, e);
        break;
    case GPUP_EVENT_MMIO:
        check_register(j, e);
        break;
    case GPUP_EVENT_MISUSE:
        misused(j, e);
        break;
    default:
        left(j, state, e);
    }
}

/* Severity success or informational reads as success: the pages name STATUS_SUCCESS alone. Bit 29 marks
 * customer codes and bit 28 is reserved. */
static bool is_valid_status(uint32_t status) {
    return status != GPUP_STATUS_PENDING && !(status & 0x10000000u);
}

/* After a failed call nothing of the VF's state differs. Of a GPU without power there were no readings. */
static void judge_failure(struct gpup_judge *j) {
    const struct call *c = &j->call;
    const struct change *found = NULL;
    for (unsigned i = 0; i < c->changes && !found; i++) {
        const struct change *m = &c->change[i];
        bool schedule = m->kind == GPUP_EVENT_OBS_SCHEDULE &&
                        (m->old.running != m->now.running || m->old.share != m->now.share ||
                         m->old.paging != m->now.paging);
        bool state =
            m->fresh && (m->kind == GPUP_EVENT_OBS_MSIX || (m->kind == GPUP_EVENT_OBS_GUEST && m->quiet));
        found = schedule || state ? m : NULL;
    }
    char whose[16] = "the PF";
    if (found && found->vf != GPUP_PF)
        snprintf(whose, sizeof whose, "VF %u", found->vf);
    CHECK(j, GPUP_RULE_ROB_004, !found, "the call failed with 0x%08x and changed the %s of %s", c->status,
          found ? change_name(found) : "", whose);
}

static void settle(struct gpup_judge *j, void *state) {
    struct general *g = state;
    const struct call *c = &j->call;
    const struct gpup_ddi *d = &gpup_ddis[c->ddi];
    if (g->empties)
        COUNT(j, GPUP_RULE_ROB_014);
    g->empties = 0;
    if (c->ddi == GPUP_DDI_StopDevice || c->ddi == GPUP_DDI_RemoveDevice)
        g->left_alive[c->host] = g->left_alive[c->host] || j->host[c->host].processes;
    COUNT(j, j->weakest <= GPUP_STATED ? GPUP_RULE_ROB_001 : GPUP_RULE_ROB_016);
    if (j->host[c->host].impaired)
        COUNT(j, GPUP_RULE_SYNC_009); /* the device does not answer, and the call came back */
    COUNT(j, GPUP_RULE_ROB_002);
    if (j->weakest <= GPUP_STATED) {
        COUNT(j, GPUP_RULE_ROB_017);
        COUNT(j, GPUP_RULE_ROB_018);
    }
    if (d->returns == GPUP_RETURNS_NTSTATUS)
        CHECK(j, GPUP_RULE_ROB_003, is_valid_status(c->status), "0x%08x is no valid final status", c->status);
    if (d->returns == GPUP_RETURNS_NTSTATUS && !nt_success(c->status) && !j->host[c->host].removed &&
        !j->host[c->host].impaired && !c->overlapped && c->ddi != GPUP_DDI_SetPowerState &&
        !j->host[c->host].asleep)
        judge_failure(j);
}

static void returned(struct gpup_judge *j, const struct gpup_event *e) {
    uint64_t irql = e->f[GPUP_RETURN_irql], locks = e->f[GPUP_RETURN_locks];
    CHECK(j, GPUP_RULE_ROB_008, irql == 0 && locks == 0,
          "the call returned at IRQL %llu with %llu locks held", number(irql), number(locks));
    CHECK(j, GPUP_RULE_SYNC_001, irql == 0 && locks == 0,
          "the call returned at IRQL %llu with %llu locks held", number(irql), number(locks));
}

static void saw_buffer(struct general *g, const struct gpup_event *e) {
    if (!e->f[GPUP_BUFFER_size] && g->empties < EMPTY)
        g->empty[g->empties++] = e->f[GPUP_BUFFER_object];
}

static void dispatch(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    if (((struct general *)state)->freed.there) {
        settle_freed(j, state, e);
        judge_about(j, e->host, j->call.active && j->call.names_vf ? j->call.vf : GPUP_PF);
    }
    if (e->kind == GPUP_EVENT_BUFFER)
        saw_buffer(state, e);
    else if (e->kind == GPUP_EVENT_RETURN)
        returned(j, e);
    else
        event(j, state, e);
}

static void end(struct gpup_judge *j, void *state) {
    settle_freed(j, state, NULL);
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        if (j->host[i].there && !j->host[i].gone && j->host[i].unloaded)
            COUNT(j, GPUP_RULE_ROB_006);
}

const struct monitor monitor_general = {.id = GPUP_MONITOR_general,
                                        .state_size = sizeof(struct general),
                                        .kinds = KIND(FAULT) | KIND(BUGCHECK) | KIND(HANG) | KIND(DAMAGE) |
                                                 KIND(POOL_DAMAGE) | KIND(OUTPUT) | KIND(MMIO) | KIND(LEFT) |
                                                 KIND(RETURN) | KIND(MISUSE) | KIND(BUFFER),
                                        .event = dispatch,
                                        .settle = settle,
                                        .overlapped = settle,
                                        .end = end};
