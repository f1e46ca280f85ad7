/* A smaller program with the same first finding. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_TRIES 2000u

struct wanted {
    const struct gpup_run_options *run;
    bool crash; /* no finding: the bad end itself is what must stay */
    uint16_t rule, ddi;
    size_t tries;
};

static bool first_finding(const struct gpup_run_options *run, const struct gpup_program *p,
                          struct wanted *out) {
    struct gpup_program_result result;
    char message[512];
    if (gpup_run_one(run, p, NULL, &result, message, sizeof message) != 0)
        return false;
    bool found = result.finding_count != 0;
    out->crash = !found && result.outcome >= GPUP_TIMEOUT;
    out->rule = found ? result.findings[0].rule : GPUP_SPEC_NONE;
    out->ddi = found ? result.findings[0].ddi : result.ddi;
    gpup_program_result_free(&result);
    return found || out->crash;
}

static bool keeps(void *context, const struct gpup_program *candidate) {
    struct wanted *w = context, now;
    w->tries++;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%zu tries, %zu steps", w->tries, candidate->step_count);
    return first_finding(w->run, candidate, &now) && now.crash == w->crash && now.rule == w->rule &&
           now.ddi == w->ddi;
}

int command_shrink(const struct options *o) {
    struct implementation implementation;
    struct gpup_program program = {0};
    if (o->word_count < 1 || o->word_count > 2)
        return usage_error("shrink: expected PROGRAM [IMPL]");
    if (!program_open(o->words[0], &program))
        return 2;
    implementation_resolve(&implementation, o->word_count > 1 ? o->words[1] : NULL);
    struct gpup_run_options run = {.implementation = implementation.path,
                                   .known = implementation_known(),
                                   .files = &o->files,
                                   .timeout_ms = o->timeout_ms};
    struct wanted wanted = {.run = &run};
    if (!first_finding(&run, &program, &wanted)) {
        gpup_program_free(&program);
        return usage_error("%s: %s has no finding with it, so there is nothing to shrink", o->words[0],
                           implementation.label);
    }
    wanted.run = &run;
    gpup_program_shrink(&program, keeps, &wanted, MAX_TRIES);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    char *text = gpup_program_print(&program);
    printf("# %s: %s\n%s", implementation.label, wanted.crash ? "crash or hang" : gpup_rule_id(wanted.rule),
           text ? text : "");
    free(text);
    gpup_program_free(&program);
    return 1;
}
