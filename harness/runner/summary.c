/* One verdict per rule over all programs. */
#include <gpup/runner.h>

#include <string.h>

static void add(struct gpup_rule_summary *row, const struct gpup_rule_result *rule,
                const struct gpup_program_result *program, unsigned index) {
    row->checks += rule->checks;
    row->violations += rule->violations;
    row->programs += rule->checks != 0;
    bool offered = gpup_rule_offered(index, program->offers);
    unsigned now = gpup_verdict_rank(rule->verdict, rule->detail, offered);
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

void gpup_results_summarise_but(const struct gpup_results *results, struct gpup_rule_summary *rows,
                                bool (*skip)(const void *context, unsigned rule,
                                             const struct gpup_program_result *program),
                                const void *context) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        bool covered = gpup_rules[i].monitor != GPUP_SPEC_NONE;
        rows[i] = (struct gpup_rule_summary){0};
        gpup_rule_unjudged(i, &rows[i].verdict, &rows[i].reason);
        for (size_t k = 0; covered && k < results->program_count; k++)
            if (results->programs[k].done && !(skip && skip(context, i, &results->programs[k])))
                add(&rows[i], &results->programs[k].rules[i], &results->programs[k], i);
    }
}

void gpup_results_summarise(const struct gpup_results *results, struct gpup_rule_summary *rows) {
    gpup_results_summarise_but(results, rows, NULL, NULL);
}
