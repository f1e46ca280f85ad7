/* Counting checks, making findings and grading them. */
#include "context.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Memory outside the caller's buffers, and effects on other VFs: a promise that the program broke excuses
 * neither. */
static bool is_exempt(uint16_t rule) {
    switch (rule) {
    case GPUP_RULE_ROB_002:
    case GPUP_RULE_ROB_005:
    case GPUP_RULE_VMB_012:
    case GPUP_RULE_MSIX_007:
    case GPUP_RULE_LM_016:
    case GPUP_RULE_LM_024:
    case GPUP_RULE_LM_054:
    case GPUP_RULE_PAUSE_011:
    case GPUP_RULE_DIRTY_029:
    case GPUP_RULE_DIRTY_036:
    case GPUP_RULE_CAP_010:
    case GPUP_RULE_PART_003:
    case GPUP_RULE_PART_027:
    case GPUP_RULE_PART_032:
    case GPUP_RULE_VF_002:
    case GPUP_RULE_VF_010:
        return true;
    default:
        return false;
    }
}

static uint8_t by_level(unsigned level) {
    if (level == GPUP_LEVEL_MUST)
        return GPUP_FAIL;
    return level == GPUP_LEVEL_SHOULD ? GPUP_WARN : GPUP_POLICY_FINDING;
}

static uint8_t weaker(uint8_t a, uint8_t b) {
    return a > b ? a : b; /* FAIL < WARN < POLICY in the enumeration */
}

static uint8_t grade(const struct gpup_judge *j, uint16_t rule) {
    uint8_t verdict = by_level(gpup_rules[rule].level);
    if (is_exempt(rule))
        return verdict;
    if (j->weakest == GPUP_ROBUSTNESS)
        return weaker(verdict, GPUP_WARN);
    return j->weakest == GPUP_POLICY ? GPUP_POLICY_FINDING : verdict;
}

bool judge_checked(struct gpup_judge *j, uint16_t rule) {
    if (rule >= gpup_spec_counts.rules || gpup_rules[rule].monitor != j->monitor) {
        j->overflow = true; /* a monitor judged what is not its own: the suite is broken */
        return false;
    }
    if (gpup_rules[rule].observers & j->unseen)
        return false; /* what is missing in a recorded trace would look like a fault, or like none */
    j->result[rule].checks++;
    return true;
}

void judge_inapplicable(struct gpup_judge *j, uint16_t rule) {
    if (rule < gpup_spec_counts.rules && gpup_rules[rule].monitor == j->monitor &&
        !j->result[rule].violations)
        j->result[rule].reason = GPUP_REASON_NOT_ADVERTISED;
}

static uint32_t hash_text(uint32_t hash, const char *text) {
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

static uint32_t hash_number(uint32_t hash, uint32_t number) {
    for (unsigned i = 0; i < 4; i++)
        hash = (hash ^ (number >> (8 * i) & 0xFF)) * 16777619u;
    return hash;
}

/* Names, not row numbers, so that a key outlives a new version of the specification. */
static uint32_t key_of(const struct gpup_judge *j, const struct gpup_finding *f, const char *format) {
    const struct host *h = &j->host[f->host];
    uint32_t key = hash_text(2166136261u, gpup_rule_id(f->rule));
    key = hash_text(key, f->ddi == GPUP_SPEC_NONE ? "" : gpup_ddi_name(f->ddi));
    for (uint16_t m = 0; m < gpup_spec_counts.machines; m++)
        if (gpup_machines[m].per == GPUP_PER_vf)
            key = hash_number(key, gpup_machine_state_of(&h->machines, m, f->vf));
    return hash_text(key, format);
}

/* A failure of another kind than those kept of the rule: a waiver for these must not hide it. There is room
 * for some. */
static bool new_key(const struct gpup_judge *j, const struct gpup_finding *f) {
    for (size_t i = 0; i < j->findings; i++)
        if (j->finding[i].rule == f->rule && j->finding[i].key == f->key)
            return false;
    return j->findings < JUDGE_FINDINGS / 4;
}

void judge_violated(struct gpup_judge *j, uint16_t rule, uint8_t cap, const char *format, ...) {
    struct gpup_rule_result *r = &j->result[rule];
    uint8_t verdict = grade(j, rule);
    va_list arguments;
    if (cap != 255)
        verdict = weaker(verdict, cap);
    bool worse = !r->violations || verdict < r->verdict;
    if (worse)
        r->verdict = verdict;
    r->violations++;
    r->reason = GPUP_REASON_VIOLATED;
    bool early = worse || r->violations <= JUDGE_FINDINGS_PER_RULE;
    if (j->findings == JUDGE_FINDINGS) {
        j->overflow = j->overflow || early;
        return;
    }
    bool in_call = j->call.active || j->call.returned;
    struct gpup_finding *f = &j->finding[j->findings];
    *f = (struct gpup_finding){.rule = rule,
                               .ddi = in_call ? j->call.ddi : GPUP_SPEC_NONE,
                               .verdict = verdict,
                               .class = j->weakest,
                               .host = j->about_host,
                               .vf = j->about_vf,
                               .step = in_call ? j->call.step : j->step,
                               .event = j->event};
    f->key = key_of(j, f, format);
    if (!early && !new_key(j, f))
        return; /* counted; the first ones tell the story */
    j->findings++;
    if (j->at)
        f->places = *j->at;
    else if (j->now)
        gpup_event_places(j->now, &f->places);
    va_start(arguments, format);
    vsnprintf(f->text, sizeof f->text, format, arguments);
    va_end(arguments);
}
