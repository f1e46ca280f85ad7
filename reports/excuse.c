/* Expectations applied to the results of a run: which findings they name, and what has become of each. */
#include "excuse.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool active(const struct gpup_report *r, const struct gpup_expectation *e) {
    return gpup_expectation_applies(e, r->results) && gpup_expectation_holds(e, r->today);
}

int gpup_report_entry(const struct gpup_report *r, const char *program, const struct gpup_finding *finding) {
    for (size_t i = 0; r->expectations && i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        if (active(r, e) && gpup_expectation_names(e, program, finding))
            return (int)i;
    }
    return -1;
}

/* What a program says of a rule in quarantine counts neither way. */
static bool quarantined(const void *context, unsigned rule, const struct gpup_program_result *program) {
    const struct gpup_report *r = context;
    for (size_t i = 0; i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        if (e->kind == GPUP_EXPECT_QUARANTINE && e->rule == rule && active(r, e) &&
            gpup_expectation_names_program(e, program->name))
            return true;
    }
    return false;
}

/* A rule is expected to fail when entries name each of its findings; one that they do not name counts. */
static void match_findings(struct gpup_report *r) {
    const struct gpup_results *all = r->results;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        r->expected[i] = r->rules[i].violations != 0;
    for (size_t p = 0; p < all->program_count; p++)
        for (size_t f = 0; f < all->programs[p].finding_count; f++) {
            const struct gpup_finding *finding = &all->programs[p].findings[f];
            int entry = gpup_report_entry(r, all->programs[p].name, finding);
            if (entry < 0) {
                r->expected[finding->rule] = false;
                continue;
            }
            r->states[entry] = GPUP_ENTRY_USED;
            if (r->entry[finding->rule] < 0)
                r->entry[finding->rule] = entry;
        }
}

/* Nothing but quarantined programs judged the rule: it is neither passed nor failed. */
static void match_quarantines(struct gpup_report *r) {
    for (size_t i = 0; i < r->expectations->count; i++) {
        const struct gpup_expectation *e = &r->expectations->entries[i];
        if (e->kind != GPUP_EXPECT_QUARANTINE || !active(r, e) || r->rules[e->rule].checks)
            continue;
        r->expected[e->rule] = true;
        r->entry[e->rule] = (int)i;
    }
}

static bool judged(const struct gpup_report *r, const struct gpup_expectation *e) {
    for (size_t p = 0; p < r->results->program_count; p++) {
        const struct gpup_program_result *program = &r->results->programs[p];
        if (program->done && program->rules[e->rule].checks &&
            gpup_expectation_names_program(e, program->name))
            return true;
    }
    return false;
}

static uint8_t state_of(const struct gpup_report *r, size_t i) {
    const struct gpup_expectation *e = &r->expectations->entries[i];
    const struct gpup_results *all = r->results;
    bool cut = all->planned > all->program_count; /* shards are missing */
    bool part = cut || *all->select || strcmp(all->profile, "smoke") == 0;
    if (!gpup_expectation_holds(e, r->today))
        return GPUP_ENTRY_EXPIRED;
    if (!gpup_expectation_applies(e, all))
        return GPUP_ENTRY_OTHER_IMPLEMENTATION;
    if (r->states[i] == GPUP_ENTRY_USED)
        return GPUP_ENTRY_USED;
    if (!judged(r, e))
        return part ? GPUP_ENTRY_OUTSIDE : GPUP_ENTRY_UNMATCHED;
    if (e->kind == GPUP_EXPECT_QUARANTINE)
        return GPUP_ENTRY_USED;
    return cut || !r->selected[e->rule] ? GPUP_ENTRY_OUTSIDE : GPUP_ENTRY_PASSED;
}

/* "WAIVED until 2027-01-31 by J. Doe, https://...: known since 1.2" */
static char *describe(const struct gpup_expectation *e) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "%s until %s", gpup_expect_verdict_name(e->kind), e->until);
    if (*e->approver) {
        fputs(", approved by ", out);
        text_put(out, TEXT_PLAIN, e->approver);
    }
    if (*e->issue) {
        fputs(", issue ", out);
        text_put(out, TEXT_PLAIN, e->issue);
    }
    if (*e->link) {
        fputs(", ", out);
        text_put(out, TEXT_PLAIN, e->link);
    }
    fputs(": ", out);
    text_put(out, TEXT_PLAIN, e->reason);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

bool excuse(struct gpup_report *r) {
    size_t count = r->expectations ? r->expectations->count : 0;
    r->states = malloc(count + 1);
    r->words = calloc(count + 1, sizeof *r->words);
    r->entry = malloc(gpup_spec_counts.rules * sizeof *r->entry);
    if (!r->states || !r->words || !r->entry)
        return false;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        r->entry[i] = -1;
    memset(r->states, GPUP_ENTRY_UNMATCHED, count + 1);
    if (!r->expectations)
        return true;
    gpup_results_summarise_but(r->results, r->rules, quarantined, r);
    match_findings(r);
    match_quarantines(r);
    for (size_t i = 0; i < count; i++) {
        r->states[i] = state_of(r, i);
        if (!(r->words[i] = describe(&r->expectations->entries[i])))
            return false;
    }
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (!r->expected[i])
            r->entry[i] = -1;
    return true;
}

void excuse_free(struct gpup_report *r) {
    for (size_t i = 0; r->words && r->expectations && i < r->expectations->count; i++)
        free(r->words[i]);
    free(r->words);
    free(r->states);
    free(r->entry);
}

/* A crash is a finding too; when entries name all of the program's, it is known. */
bool gpup_report_crash_expected(const struct gpup_report *r, const struct gpup_program_result *program) {
    for (size_t i = 0; i < program->finding_count; i++)
        if (gpup_report_entry(r, program->name, &program->findings[i]) < 0)
            return false;
    return program->finding_count != 0;
}

const char *gpup_report_excuse(const struct gpup_report *r, unsigned rule) {
    return r->entry[rule] < 0 ? NULL : r->words[r->entry[rule]];
}

const char *gpup_report_verdict_name(const struct gpup_report *r, unsigned rule) {
    return r->entry[rule] < 0 ? gpup_verdict_name(r->rules[rule].verdict)
                              : gpup_expect_verdict_name(r->expectations->entries[r->entry[rule]].kind);
}
