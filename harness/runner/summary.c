/* One verdict per rule over all programs. */
#include <gpup/runner.h>

#include <string.h>

/* Worst first; NOT_ verdicts only matter where nothing was judged: what some program saw offered is
 * applicable, whatever other worlds offer. */
static unsigned rank(unsigned verdict, uint32_t detail, bool offered) {
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

static void add(struct gpup_rule_summary *row, const struct gpup_rule_result *rule,
                const struct gpup_program_result *program, unsigned index) {
    row->checks += rule->checks;
    row->violations += rule->violations;
    row->programs += rule->checks != 0;
    bool offered = gpup_rule_offered(index, program->offers);
    unsigned now = rank(rule->verdict, rule->detail, offered);
    if (now > row->rank) {
        row->rank = (uint8_t)now;
        row->verdict = rule->verdict;
        row->reason = rule->reason;
        row->detail = rule->detail;
        row->first_program = program->name;
        for (size_t i = 0; i < program->finding_count; i++)
            if (program->findings[i].rule == index && program->findings[i].verdict == rule->verdict) {
                row->first = &program->findings[i];
                break;
            }
    }
}

void gpup_results_summarise(const struct gpup_results *results, struct gpup_rule_summary *rows) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        bool covered = gpup_rules[i].monitor != GPUP_SPEC_NONE;
        rows[i] = (struct gpup_rule_summary){0};
        gpup_rule_unjudged(i, &rows[i].verdict, &rows[i].reason);
        for (size_t k = 0; covered && k < results->program_count; k++)
            if (results->programs[k].done)
                add(&rows[i], &results->programs[k].rules[i], &results->programs[k], i);
    }
}
