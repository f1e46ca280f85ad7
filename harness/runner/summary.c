/* One verdict per rule over all programs. */
#include <gpup/runner.h>

#include <string.h>

/* What a reader follows most easily: in a step of the program rather than before or after its steps, and
 * soon. */
static bool tells_more(const struct gpup_finding *a, const struct gpup_finding *b) {
    bool in_step = a->step != GPUP_NO_STEP;
    if (in_step != (b->step != GPUP_NO_STEP))
        return in_step;
    return a->event < b->event;
}

static const struct gpup_finding *most_telling(const struct gpup_program_result *program, unsigned rule,
                                               unsigned verdict) {
    const struct gpup_finding *best = NULL;
    for (size_t i = 0; i < program->finding_count; i++) {
        const struct gpup_finding *f = &program->findings[i];
        if (f->rule == rule && f->verdict == verdict && (!best || tells_more(f, best)))
            best = f;
    }
    return best;
}

static void add(struct gpup_rule_summary *row, const struct gpup_rule_result *rule,
                const struct gpup_program_result *program, unsigned index) {
    row->checks += rule->checks;
    row->violations += rule->violations;
    row->programs += rule->checks != 0;
    bool offered = gpup_rule_offered(index, program->offers);
    unsigned now = gpup_verdict_rank(rule->verdict, rule->detail, offered);
    if (now < row->rank)
        return;
    const struct gpup_finding *finding =
        rule->violations ? most_telling(program, index, rule->verdict) : NULL;
    if (now > row->rank) {
        row->rank = (uint8_t)now;
        row->verdict = rule->verdict;
        row->reason = rule->reason;
        row->detail = rule->detail;
    } else if (!finding || (row->first && !tells_more(finding, row->first))) {
        return;
    }
    row->first_program = program->name;
    row->first = finding;
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
