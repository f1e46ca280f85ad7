/* Every scenario on the choices of this folder, some together: none has a finding.
 *
 *   choices_test CHOICES.so
 */
#include <gpup/judge.h>
#include <gpup/runner.h>
#include <gpup/scenarios.h>
#include <gpup/spec_ids.h>

#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MS 60000u /* hangs are counted; this is for a machine with other work */
#define EXPECTED 4

/* Together as far as one does not hide another. expected: what the catalogue calls less than good (SHOULD) in
 * such a driver, and nothing else does; each must be seen. */
static const struct {
    const char *choices;
    uint16_t expected[EXPECTED];
} groups[] = {
    {"plane,lazy,noise,codes,late", {0}},
    {"early,poll,handles,idle,masked,watchdog", {0}},
    {"pooled,deferred,forgets", {GPUP_RULE_LM_077, GPUP_RULE_LM_078}},
    {"posts", {0}},
    {"coarse,nothing", {GPUP_RULE_DIRTY_024, GPUP_RULE_DIRTY_054, GPUP_RULE_DIRTY_044, GPUP_RULE_VMD_007}},
};

static bool load(struct gpup_run_program *programs) {
    for (size_t i = 0; i < gpup_scenario_count; i++) {
        programs[i].name = gpup_scenarios[i].name;
        if (!gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, &programs[i].program))
            return false;
    }
    return true;
}

static bool is_expected(const uint16_t expected[EXPECTED], const struct gpup_finding *f,
                        bool seen[EXPECTED]) {
    for (unsigned i = 0; i < EXPECTED; i++)
        if (expected[i] && expected[i] == f->rule && f->verdict != GPUP_FAIL)
            return seen[i] = true;
    return false;
}

/* Whether the program is as it should be. */
static bool look(const struct gpup_program_result *p, const uint16_t expected[EXPECTED],
                 bool seen[EXPECTED]) {
    bool fine = p->outcome <= GPUP_SKIPPED;
    if (!fine)
        printf("  %s: %s\n", p->name, p->why ? p->why : "did not end as it should");
    for (size_t i = 0; i < p->finding_count; i++) {
        const struct gpup_finding *f = &p->findings[i];
        if (is_expected(expected, f, seen))
            continue;
        printf("  %s, step %u: %s %s: %s\n", p->name, f->step, gpup_verdict_name(f->verdict),
               gpup_rule_id(f->rule), f->text);
        fine = false;
    }
    return fine;
}

static bool run(const char *object, const struct gpup_run_program *programs, size_t group) {
    struct gpup_results results;
    char name[512], message[1024];
    bool seen[EXPECTED] = {false}, fine;
    snprintf(name, sizeof name, "%s:%s", object, groups[group].choices);
    struct gpup_run_options o = {.implementation = name,
                                 .programs = programs,
                                 .program_count = gpup_scenario_count,
                                 .jobs = 1,
                                 .timeout_ms = TIMEOUT_MS,
                                 .shard_index = 1,
                                 .shard_count = 1,
                                 .once = true};
    printf("%s\n", groups[group].choices);
    if (gpup_run(&o, &results, message, sizeof message) != 0) {
        printf("  %s\n", message);
        return false;
    }
    fine = results.program_count == gpup_scenario_count;
    for (size_t i = 0; i < results.program_count; i++)
        fine = look(&results.programs[i], groups[group].expected, seen) && fine;
    for (unsigned i = 0; i < EXPECTED; i++)
        if (groups[group].expected[i] && !seen[i]) {
            printf("  %s is expected, and nothing has it\n", gpup_rule_id(groups[group].expected[i]));
            fine = false;
        }
    gpup_results_free(&results);
    return fine;
}

int main(int argc, char **argv) {
    struct gpup_run_program *programs = calloc(gpup_scenario_count, sizeof *programs);
    bool fine = argc == 2 && programs && load(programs);
    bool loaded = fine;
    for (size_t i = 0; loaded && i < sizeof groups / sizeof *groups; i++)
        fine = run(argv[1], programs, i) && fine;
    for (size_t i = 0; programs && i < gpup_scenario_count; i++)
        gpup_program_free(&programs[i].program);
    free(programs);
    return fine ? 0 : 1;
}
