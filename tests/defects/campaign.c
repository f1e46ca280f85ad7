#include "campaign.h"

#include <gpup/scenarios.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 20000u /* hangs are counted; this is for a machine with other work */

static bool tied(const struct gpup_defect *d, uint16_t rule) {
    for (unsigned i = 0; i < d->rule_count; i++)
        if (d->rules[i] == rule)
            return true;
    return false;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct gpup_run_program *)a)->name, ((const struct gpup_run_program *)b)->name);
}

static bool load_programs(struct campaign *c) {
    c->programs = calloc(gpup_scenario_count, sizeof *c->programs);
    c->judges = calloc(gpup_scenario_count * GPUP_RULE_COUNT, sizeof *c->judges);
    c->passes = calloc(GPUP_RULE_COUNT, sizeof *c->passes);
    if (!c->programs || !c->judges || !c->passes)
        return false;
    for (c->count = 0; c->count < gpup_scenario_count; c->count++) {
        struct gpup_run_program *p = &c->programs[c->count];
        p->name = gpup_scenarios[c->count].name;
        if (!gpup_program_decode(gpup_scenarios[c->count].bytes, gpup_scenarios[c->count].size, &p->program))
            return false;
    }
    qsort(c->programs, c->count, sizeof *c->programs, by_name);
    return true;
}

/* What is linked into the test: the framework has no object of its own to load. */
const struct gpup_implementation *gpup_implementation_faulty_framework(void);
static const struct gpup_static_implementation linked[] = {
    {"framework-defects", gpup_implementation_faulty_framework, "gpup_impl_faulty_framework_"}, {0}};

static struct gpup_run_options options_for(const char *implementation,
                                           const struct gpup_run_program *programs, size_t count) {
    return (struct gpup_run_options){.implementation = implementation,
                                     .known = linked,
                                     .programs = programs,
                                     .program_count = count,
                                     .jobs = 1,
                                     .timeout_ms = TIMEOUT_MS,
                                     .shard_index = 1,
                                     .shard_count = 1};
}

/* Results are sorted by name, as the programs are. */
static bool learn(struct campaign *c, const struct gpup_results *results) {
    bool clean = results->program_count == c->count;
    for (size_t i = 0; clean && i < c->count; i++) {
        const struct gpup_program_result *p = &results->programs[i];
        if (p->finding_count || p->outcome > GPUP_SKIPPED) {
            fprintf(stderr, "%s: the sound build has findings (first: %s)\n", p->name,
                    p->finding_count ? gpup_rule_id(p->findings[0].rule)
                    : p->why         ? p->why
                                     : "?");
            clean = false;
        }
        for (unsigned rule = 0; rule < GPUP_RULE_COUNT; rule++)
            c->judges[i * GPUP_RULE_COUNT + rule] = p->rules[rule].checks != 0;
    }
    return clean;
}

bool campaign_open(struct campaign *c, const char *sound) {
    struct gpup_results results;
    char message[1024];
    *c = (struct campaign){0};
    if (!load_programs(c))
        return false;
    struct gpup_run_options run = options_for(sound, c->programs, c->count);
    if (gpup_run(&run, &results, message, sizeof message) != 0) {
        fprintf(stderr, "%s: %s\n", sound, message);
        return false;
    }
    bool clean = learn(c, &results);
    struct gpup_rule_summary rows[GPUP_RULE_COUNT];
    gpup_results_summarise(&results, rows);
    for (unsigned rule = 0; rule < GPUP_RULE_COUNT; rule++)
        c->passes[rule] = rows[rule].verdict == GPUP_PASS;
    gpup_results_free(&results);
    return clean;
}

void campaign_close(struct campaign *c) {
    for (size_t i = 0; i < c->count; i++)
        gpup_program_free(&c->programs[i].program);
    free(c->programs);
    free(c->judges);
    free(c->passes);
    *c = (struct campaign){0};
}

struct watch {
    const struct gpup_defect *defect;
    struct kill *kill;
    bool seen[GPUP_RULE_COUNT];
};

/* Asked by the runner after each program. */
static bool enough(void *context, const struct gpup_program_result *p) {
    struct watch *w = context;
    struct kill *k = w->kill;
    bool spoke = false, died = p->outcome > GPUP_SKIPPED;
    if ((p->finding_count || died) && k->first == GPUP_SPEC_NONE && !k->died)
        snprintf(k->program, sizeof k->program, "%s", p->name);
    for (size_t i = 0; i < p->finding_count; i++) {
        uint16_t rule = p->findings[i].rule;
        bool is_tied = w->defect && tied(w->defect, rule);
        if (k->first == GPUP_SPEC_NONE) {
            k->first = rule;
            k->tied = is_tied;
        }
        k->rules += !w->seen[rule];
        w->seen[rule] = true;
        spoke = spoke || is_tied || !w->defect;
    }
    k->died = k->died || died;
    k->later = spoke && w->defect && !k->tied;
    return spoke || (died && !w->defect);
}

/* A driver that no longer starts, or refuses what it reports, breaks no rule, and is not accepted either. */
static void find_unjudged(const struct campaign *c, const struct gpup_results *results, struct kill *kill) {
    struct gpup_rule_summary rows[GPUP_RULE_COUNT];
    gpup_results_summarise(results, rows);
    for (uint16_t rule = 0; rule < GPUP_RULE_COUNT && !kill->unjudged; rule++) {
        bool required =
            gpup_rules[rule].level == GPUP_LEVEL_MUST && gpup_rules[rule].subject == GPUP_SUBJECT_DRIVER;
        if (!required || !c->passes[rule] || rows[rule].verdict == GPUP_PASS ||
            rows[rule].verdict == GPUP_NOT_APPLICABLE)
            continue;
        kill->unjudged = true;
        kill->first = rule;
        snprintf(kill->program, sizeof kill->program, "not judged");
    }
}

bool campaign_run(const struct campaign *c, const char *implementation, const struct gpup_defect *defect,
                  struct kill *kill, char *message, size_t message_size) {
    struct gpup_run_program *chosen = calloc(c->count + 1, sizeof *chosen);
    struct gpup_results results;
    struct watch watch = {.defect = defect, .kill = kill};
    size_t count = 0;
    *kill = (struct kill){.first = GPUP_SPEC_NONE};
    for (size_t i = 0; chosen && i < c->count; i++) {
        bool wanted = !defect;
        for (unsigned k = 0; defect && k < defect->rule_count; k++)
            wanted = wanted || c->judges[i * GPUP_RULE_COUNT + defect->rules[k]];
        if (wanted)
            chosen[count++] = c->programs[i];
    }
    struct gpup_run_options run = options_for(implementation, chosen, count);
    run.enough = enough;
    run.context = &watch;
    bool ran = chosen && gpup_run(&run, &results, message, message_size) == 0;
    if (ran && !defect && kill->first == GPUP_SPEC_NONE && !kill->died)
        find_unjudged(c, &results, kill);
    if (ran)
        gpup_results_free(&results);
    free(chosen);
    return ran;
}
