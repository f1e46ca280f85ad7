/* Judges a stored trace: the verdicts of a run, derived again from its evidence. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint8_t *file_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes = NULL;
    if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) &&
        (bytes = malloc((size_t)st.st_size + 1)))
        *size = fread(bytes, 1, (size_t)st.st_size, file);
    if (!bytes)
        usage_error("%s: cannot be read: %s", path, errno ? strerror(errno) : "not a file");
    if (file)
        fclose(file);
    return bytes;
}

/* How far the trace goes: rules it lets us judge, and observers whose absence keeps others from it. */
static void print_reach(const struct gpup_program_result *program) {
    unsigned judged = 0, lacking[GPUP_OBSERVER_COUNT] = {0}, unseen = 0;
    for (unsigned rule = 0; rule < gpup_spec_counts.rules; rule++) {
        const struct gpup_rule_result *r = &program->rules[rule];
        judged += r->verdict <= GPUP_POLICY_FINDING; /* one of the verdicts on something seen */
        unseen += r->verdict == GPUP_NOT_OBSERVABLE;
        for (unsigned i = 0; r->verdict == GPUP_NOT_OBSERVABLE && i < GPUP_OBSERVER_COUNT; i++)
            lacking[i] += r->detail >> i & 1;
    }
    printf("judged from this trace: %u of %u rules; %u not for lack of an observer", judged,
           gpup_spec_counts.rules, unseen);
    const char *before = ":";
    for (unsigned i = 0; i < GPUP_OBSERVER_COUNT; i++) {
        if (lacking[i])
            printf("%s %s %u", before, gpup_observer_name(1u << i), lacking[i]);
        before = lacking[i] ? "," : before;
    }
    fputs("\n", stdout);
    if (lacking[__builtin_ctz(GPUP_OBSERVER_whole_trace)])
        puts("events were lost where it was recorded: no rule passes");
}

/* Numbers in a trace are rows of the tables it was written with. */
static int other_tables(const char *path, const char *spec) {
    fprintf(
        stderr,
        "gpup-cts: %s was written with specification %s and this tool has %s: its numbers may mean other "
        "things, so nothing above counts. Judge it with the tool it was written with, or record it again.\n",
        path, *spec ? spec : "(none)", gpup_spec_version());
    return 4;
}

static int report(struct gpup_program_result *program, const struct options *o) {
    struct gpup_results results = {.programs = program, .program_count = 1};
    snprintf(results.implementation, sizeof results.implementation, "%s", "stored trace");
    snprintf(results.profile, sizeof results.profile, "%s", "full");
    return report_results(&results, o, NULL, &(struct report_sources){0});
}

int command_check(const struct options *o) {
    size_t size = 0;
    if (o->word_count != 1)
        return usage_error("check: expected one TRACE file");
    uint8_t *bytes = file_read(o->words[0], &size);
    if (!bytes)
        return 2;
    struct gpup_program_result program;
    char spec[32], message[512];
    int status = 2;
    if (gpup_trace_judge(bytes, size, NULL, &program, spec, message, sizeof message) != 0)
        usage_error("%s: %s", o->words[0], message);
    else if (!(program.name = strdup(o->words[0])))
        status = (usage_error("out of memory"), 3);
    else {
        status = report(&program, o);
        if (!o->json)
            print_reach(&program);
        if (strcmp(spec, gpup_spec_version()) != 0)
            status = other_tables(o->words[0], spec);
    }
    gpup_program_result_free(&program);
    free(bytes);
    return status;
}
