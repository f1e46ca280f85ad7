/* Which verdicts go together, and which one holds when programs differ. */
#include <gpup/runner.h>

bool gpup_pair_legal(unsigned outcome, unsigned verdict) {
    if (outcome > GPUP_CRASH || verdict >= GPUP_VERDICTS)
        return false;
    return outcome != GPUP_ERROR || verdict == GPUP_NOT_EXERCISED || verdict == GPUP_NOT_COVERED;
}

bool gpup_reason_legal(unsigned verdict, unsigned reason) {
    switch (verdict) {
    case GPUP_PASS:
        return reason == GPUP_REASON_NONE;
    case GPUP_FAIL:
    case GPUP_WARN:
    case GPUP_POLICY_FINDING:
        return reason == GPUP_REASON_VIOLATED;
    case GPUP_NOT_APPLICABLE:
        return reason == GPUP_REASON_NOT_ADVERTISED;
    case GPUP_NOT_OBSERVABLE:
        return reason == GPUP_REASON_NO_OBSERVER;
    case GPUP_NOT_EXERCISED:
        return reason == GPUP_REASON_NO_PROGRAM;
    case GPUP_NOT_COVERED:
        return reason == GPUP_REASON_NO_MONITOR || reason == GPUP_REASON_BEYOND;
    default:
        return false;
    }
}

/* Worst first; NOT_ verdicts only matter where nothing was judged: what some program saw offered is
 * applicable, whatever other worlds offer. */
unsigned gpup_verdict_rank(unsigned verdict, uint32_t detail, bool offered) {
    switch (verdict) {
    case GPUP_FAIL:
        return 8;
    case GPUP_WARN:
        return 7;
    case GPUP_POLICY_FINDING:
        return 6;
    case GPUP_PASS:
        return 5;
    case GPUP_NOT_OBSERVABLE:
        return 4;
    case GPUP_NOT_APPLICABLE:
        return detail == GPUP_DETAIL_UNUSED ? 3 : 1;
    case GPUP_NOT_EXERCISED:
        return offered ? 2 : 0;
    default:
        return 0;
    }
}

static bool judged_anything(const struct gpup_program_result *r) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (r->rules[i].checks)
            return true;
    return false;
}

void gpup_program_result_settle(struct gpup_program_result *r, bool broken) {
    if (broken || (r->outcome == GPUP_COMPLETE && !judged_anything(r)))
        r->outcome = GPUP_ERROR;
    if (r->outcome != GPUP_ERROR)
        return;
    r->finding_count = 0;
    for (unsigned i = 0; r->rules && i < gpup_spec_counts.rules; i++) {
        r->rules[i] = (struct gpup_rule_result){0};
        gpup_rule_unjudged(i, &r->rules[i].verdict, &r->rules[i].reason);
    }
}
