/* Verdicts of the rules at the end of a program, and the words for them. */
#include "context.h"

#include <string.h>

#define OFFERS_GATE(gate) (1u << (gate))
#define OFFERS_TABLE(table) (1u << (8 + (table)))

/* What holds for all rules, worked out once. */
struct outlook {
    uint32_t observers; /* that every host has */
    bool closed[GPUP_GATE_HotDriverUpdate + 1], open[GPUP_GATE_HotDriverUpdate + 1];
    bool missing[GPUP_DDI_COUNT]; /* the implementation does not offer that DDI */
};

static uint32_t common_observers(const struct gpup_judge *j) {
    uint32_t common = UINT32_MAX;
    bool any = false;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        if (j->host[i].there) {
            common &= j->host[i].observers;
            any = true;
        }
    return any ? common : j->recorded ? 0 : GPUP_OBSERVERS_INHERENT;
}

/* Closed: some host was asked for its capabilities, and none has this one. */
static void look_at_gate(const struct gpup_judge *j, unsigned gate, struct outlook *o) {
    bool closed = false, open = gate == GPUP_GATE_none;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        const struct host *h = &j->host[i];
        unsigned bit = gate == GPUP_GATE_HotDriverUpdate     ? 1
                       : gate == GPUP_GATE_LiveMigration     ? 2
                       : gate == GPUP_GATE_ScatterMapReserve ? 3
                                                             : 0;
        bool dirty = gate == GPUP_GATE_DirtyBitTrackingSupported;
        if (gate == GPUP_GATE_none || !h->there || !(dirty ? h->dirty_caps_seen : h->caps_seen))
            continue;
        bool set = (dirty ? h->dirty_caps : h->caps) >> bit & 1;
        closed = closed || !set;
        open = open || set;
    }
    o->closed[gate] = closed && !open;
    o->open[gate] = open;
}

static bool slot_is_null(const struct gpup_judge *j, uint16_t ddi) {
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    if (d->table != GPUP_TABLE_DRIVER_INITIALIZATION_DATA || d->offset < 8)
        return false;
    unsigned slot = (d->offset - 8u) / 8, seen = 0, set = 0;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        seen += j->host[i].slots_seen[0];
        set += j->host[i].slots_seen[0] && slot < 256 && (j->host[i].slots[0][slot / 64] >> slot % 64 & 1);
    }
    return seen && !set;
}

/* The table that holds the DDI was asked for and never published. */
static bool table_is_absent(const struct gpup_judge *j, unsigned table) {
    bool asked = false;
    if (table <= GPUP_TABLE_DRIVER_INITIALIZATION_DATA)
        return false;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        if (j->host[i].slots_seen[table - 1])
            return false;
        asked = asked || j->host[i].caps_seen || j->host[i].dirty_caps_seen; /* they come after the tables */
    }
    return asked;
}

/* A framework is judged when it is under test or a driver uses the suite's; a driver, when it uses one. */
static bool is_without_framework(const struct gpup_judge *j, const struct gpup_rule *r, uint16_t ddi) {
    uint64_t needed = r->subject == GPUP_SUBJECT_DRIVER ? 2 : 3;
    return ddi == GPUP_DDI_WdfInterruptCreate && !(j->framework & needed);
}

/* With FlexIOV the system asks for ranges instead. */
static bool is_replaced(const struct gpup_judge *j, uint16_t ddi) {
    bool everywhere = ddi == GPUP_DDI_GetResourceForBar;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        everywhere = everywhere && (!j->host[i].there || j->host[i].slots_seen[4]);
    return everywhere && (j->host[0].there || j->host[1].there);
}

/* A driver may leave the slot empty: behind a capability, or required of compute-only drivers alone. */
static bool is_optional(uint16_t ddi) {
    return gpup_ddis[ddi].gate != GPUP_GATE_none || ddi == GPUP_DDI_SetVirtualMachineData;
}

static bool is_missing(const struct gpup_judge *j, const struct outlook *o, uint16_t ddi) {
    const struct gpup_ddi *d = &gpup_ddis[ddi];
    return o->closed[d->gate] || table_is_absent(j, d->table) || is_replaced(j, ddi) ||
           (is_optional(ddi) && slot_is_null(j, ddi));
}

/* Every DDI the rule is about is one the implementation does not offer. */
static bool not_advertised(const struct gpup_judge *j, const struct outlook *o, uint16_t rule) {
    const struct gpup_rule *r = &gpup_rules[rule];
    for (unsigned i = 0; i < r->ddi_count; i++) {
        if (!o->missing[r->ddis[i]] && !is_without_framework(j, r, r->ddis[i]))
            return false;
    }
    return r->ddi_count > 0;
}

uint32_t gpup_judge_offers(const struct gpup_judge *j) {
    struct outlook o = {0};
    uint32_t offers = OFFERS_TABLE(GPUP_TABLE_none) | OFFERS_TABLE(GPUP_TABLE_DRIVER_INITIALIZATION_DATA);
    for (unsigned gate = 0; gate <= GPUP_GATE_HotDriverUpdate; gate++) {
        look_at_gate(j, gate, &o);
        offers |= o.open[gate] ? OFFERS_GATE(gate) : 0;
    }
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++)
        for (unsigned table = 1; table < 5; table++)
            offers |= j->host[i].slots_seen[table] ? OFFERS_TABLE(table + 1) : 0;
    return offers;
}

bool gpup_rule_offered(unsigned rule, uint32_t offers) {
    const struct gpup_rule *r = &gpup_rules[rule];
    for (unsigned i = 0; i < r->ddi_count; i++) {
        const struct gpup_ddi *d = &gpup_ddis[r->ddis[i]];
        if ((offers & OFFERS_GATE(d->gate)) && (offers & OFFERS_TABLE(d->table)))
            return true;
    }
    return r->ddi_count == 0;
}

void gpup_rule_unjudged(unsigned rule, uint8_t *verdict, uint8_t *reason) {
    bool covered = gpup_rules[rule].monitor != GPUP_SPEC_NONE;
    *verdict = covered ? GPUP_NOT_EXERCISED : GPUP_NOT_COVERED;
    *reason = covered                    ? GPUP_REASON_NO_PROGRAM
              : *gpup_rules[rule].beyond ? GPUP_REASON_BEYOND
                                         : GPUP_REASON_NO_MONITOR;
}

static void resolve(const struct gpup_judge *j, const struct outlook *o, uint16_t rule,
                    struct gpup_rule_result *r) {
    uint32_t missing = gpup_rules[rule].observers & ~o->observers;
    if (r->violations)
        return;
    if (j->lost && gpup_rules[rule].monitor != GPUP_SPEC_NONE) {
        *r = (struct gpup_rule_result){.checks = r->checks,
                                       .verdict = GPUP_NOT_OBSERVABLE,
                                       .reason = GPUP_REASON_NO_OBSERVER,
                                       .detail = GPUP_OBSERVER_whole_trace};
        return;
    }
    bool absent = !r->checks && (r->reason == GPUP_REASON_NOT_ADVERTISED || not_advertised(j, o, rule));
    if (gpup_rules[rule].monitor == GPUP_SPEC_NONE || (!r->checks && !missing && !absent)) {
        gpup_rule_unjudged(rule, &r->verdict, &r->reason);
    } else if (absent) {
        r->detail = r->reason == GPUP_REASON_NOT_ADVERTISED ? GPUP_DETAIL_UNUSED : 0;
        r->verdict = GPUP_NOT_APPLICABLE;
        r->reason = GPUP_REASON_NOT_ADVERTISED;
    } else if (missing) {
        r->verdict = GPUP_NOT_OBSERVABLE;
        r->reason = GPUP_REASON_NO_OBSERVER;
        r->detail = missing;
    } else {
        r->verdict = GPUP_PASS;
        r->reason = GPUP_REASON_NONE;
    }
}

void judge_resolve(struct gpup_judge *j) {
    struct outlook o = {.observers = common_observers(j)};
    for (unsigned gate = 0; gate <= GPUP_GATE_HotDriverUpdate; gate++)
        look_at_gate(j, gate, &o);
    for (uint16_t ddi = 0; ddi < gpup_spec_counts.ddis; ddi++)
        o.missing[ddi] = is_missing(j, &o, ddi);
    for (uint16_t rule = 0; rule < gpup_spec_counts.rules; rule++)
        resolve(j, &o, rule, &j->result[rule]);
}

const char *gpup_verdict_name(unsigned verdict) {
    static const char *const names[] = {"PASS",           "FAIL",           "WARN",          "POLICY",
                                        "NOT_APPLICABLE", "NOT_OBSERVABLE", "NOT_EXERCISED", "NOT_COVERED"};
    return verdict < GPUP_VERDICTS ? names[verdict] : "?";
}

const char *gpup_reason_name(unsigned reason) {
    static const char *const names[] = {"none",       "violated",   "not advertised",    "no observer",
                                        "no program", "no monitor", "beyond a black box"};
    return reason < GPUP_REASONS ? names[reason] : "?";
}
