#include "tool.h"

#include <gpup/scenarios.h>

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct set {
    struct gpup_run_program *programs;
    size_t count;
};

bool in_profile(const struct gpup_scenario *s, const char *profile) {
    if (strcmp(profile, "smoke") == 0)
        return s->smoke;
    return strcmp(profile, "certification") != 0 || !s->negative;
}

static bool names_programs(const char *glob) {
    for (size_t i = 0; glob && i < gpup_scenario_count; i++)
        if (fnmatch(glob, gpup_scenarios[i].name, 0) == 0)
            return true;
    return false;
}

static bool names_rules(const char *glob) {
    for (unsigned i = 0; glob && i < gpup_spec_counts.rules; i++)
        if (fnmatch(glob, gpup_rules[i].id, 0) == 0)
            return true;
    return false;
}

static bool collect(struct set *set, const struct options *o, bool by_program) {
    set->count = 0;
    set->programs = calloc(gpup_scenario_count + 1, sizeof *set->programs);
    for (size_t i = 0; set->programs && i < gpup_scenario_count; i++) {
        const struct gpup_scenario *s = &gpup_scenarios[i];
        if (!in_profile(s, o->profile) || (by_program && fnmatch(o->select, s->name, 0) != 0))
            continue;
        struct gpup_run_program *p = &set->programs[set->count++];
        p->name = s->name;
        if (!gpup_program_decode(s->bytes, s->size, &p->program))
            return false;
    }
    return set->programs != NULL;
}

static void release(struct set *set) {
    for (size_t i = 0; i < set->count; i++)
        gpup_program_free(&set->programs[i].program);
    free(set->programs);
}

static void progress(void *context, size_t done, size_t total, const struct gpup_program_result *last) {
    bool terminal = *(const bool *)context;
    static const char *const outcomes[] = {"", " skipped", " ERROR", " TIMEOUT", " CRASH"};
    if (terminal)
        fprintf(stderr, "\r\033[K[%zu/%zu] %s%s", done, total, last->name, outcomes[last->outcome]);
    else if (last->outcome >= GPUP_ERROR)
        fprintf(stderr, "[%zu/%zu] %s%s\n", done, total, last->name, outcomes[last->outcome]);
    if (terminal && done == total)
        fputs("\r\033[K", stderr);
}

static bool write_files(const struct gpup_report *report, const char *directory) {
    const char *failed;
    bool ok = gpup_report_write_all(report, directory, &failed);
    if (!ok)
        usage_error("%s/%s: cannot be written: %s", directory, failed, strerror(errno));
    return ok;
}

/* NULL without a name; NULL and a message when it cannot be used. */
static struct gpup_baseline *baseline_open(const char *directory) {
    char message[4200];
    struct gpup_baseline *baseline =
        directory ? gpup_baseline_load(directory, message, sizeof message) : NULL;
    if (directory && !baseline)
        usage_error("--baseline: %s", message);
    return baseline;
}

static bool baseline_readable(const char *directory) {
    struct gpup_baseline *baseline = baseline_open(directory);
    gpup_baseline_free(baseline);
    return !directory || baseline;
}

static char *text_of(const char *directory, const char *name) {
    char path[4096], *text = NULL;
    size_t size = 0;
    int length = directory ? snprintf(path, sizeof path, "%s/%s", directory, name) : -1;
    FILE *file = length >= 0 && (size_t)length < sizeof path ? fopen(path, "rb") : NULL;
    FILE *copy = file ? open_memstream(&text, &size) : NULL;
    for (int c; copy && (c = getc(file)) != EOF;)
        putc(c, copy);
    if (copy && fclose(copy) != 0) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

char *results_before(const char *directory) {
    return text_of(directory, "results.json");
}

char *coverage_of(const char *directory) {
    return text_of(directory, "coverage/summary.json");
}

/* Shared with `report`: files, then the console or the JSON. */
int report_results(const struct gpup_results *results, const struct options *o, const char *directory,
                   const struct report_sources *sources) {
    struct gpup_report report;
    struct gpup_expectations expectations = {0};
    char *errors = NULL;
    const char *rules = names_rules(results->select) ? results->select : NULL;
    if (o->expect && gpup_expectations_load(o->expect, &expectations, &errors) != 0) {
        fprintf(stderr, "%s", errors ? errors : "out of memory\n");
        free(errors);
        return 2;
    }
    if (!gpup_report_open(&report, results, rules, o->expect ? &expectations : NULL, o->strict)) {
        gpup_expectations_free(&expectations);
        return usage_error("out of memory"), 3;
    }
    struct gpup_baseline *baseline = baseline_open(o->baseline);
    report.baseline = baseline;
    report.evidence = sources->evidence;
    report.evidence_count = sources->evidence_count;
    report.last = sources->last;
    report.code = sources->code;
    int status = gpup_report_exit_status(&report);
    if (directory && !write_files(&report, directory))
        status = 3;
    if (o->baseline && !baseline)
        status = 2;
    if (o->json)
        gpup_write_json(&report, stdout);
    else
        gpup_report_console(&report, stdout, isatty(STDOUT_FILENO) != 0, directory);
    gpup_report_close(&report);
    gpup_baseline_free(baseline);
    gpup_expectations_free(&expectations);
    return status;
}

/* Before a long run, not after it. */
static bool expectations_readable(const char *path) {
    struct gpup_expectations expectations;
    char *errors = NULL;
    bool ok = gpup_expectations_load(path, &expectations, &errors) == 0;
    if (ok)
        gpup_expectations_free(&expectations);
    else
        fprintf(stderr, "%s", errors ? errors : "out of memory\n");
    free(errors);
    return ok;
}

int command_run(const struct options *o) {
    struct implementation implementation;
    struct gpup_results results;
    struct set set;
    char message[1024];
    bool terminal = isatty(STDERR_FILENO) != 0, by_program = names_programs(o->select);
    if (o->word_count > 1)
        return usage_error("run: expected at most one implementation, found '%s' too", o->words[1]);
    if (o->select && !by_program && !names_rules(o->select))
        return usage_error("--select: '%s' matches no program and no rule; see `gpup-cts list`", o->select);
    if (o->expect && !expectations_readable(o->expect))
        return 2;
    if (!baseline_readable(o->baseline))
        return 2;
    implementation_resolve(&implementation, o->word_count ? o->words[0] : NULL);
    if (!collect(&set, o, by_program))
        return usage_error("out of memory"), 3;
    struct gpup_run_options run = {.implementation = implementation.path,
                                   .label = implementation.label,
                                   .tool = "gpup-cts " GPUP_VERSION,
                                   .known = implementation_known(),
                                   .programs = set.programs,
                                   .program_count = set.count,
                                   .profile = o->profile,
                                   .select = o->select,
                                   .seed = o->seed,
                                   .seeded = o->seeded,
                                   .files = &o->files,
                                   .jobs = o->jobs,
                                   .shard_index = o->shard_index,
                                   .shard_count = o->shard_count,
                                   .timeout_ms = o->timeout_ms,
                                   .out = o->out ? o->out : "out",
                                   .resume = o->resume,
                                   .all_traces = o->all_traces,
                                   .reverse = o->reverse,
                                   .symbols = gpup_symbols_open(implementation.path, implementation_known()),
                                   .progress = progress,
                                   .context = &terminal};
    char *last = results_before(o->baseline ? o->baseline : o->resume ? NULL : run.out);
    int status = gpup_run(&run, &results, message, sizeof message);
    if (status != 0)
        fprintf(stderr, "%sgpup-cts: %s\n", terminal ? "\r\033[K" : "", message);
    else
        status = report_results(&results, o, run.out, &(struct report_sources){&run.out, 1, last, NULL});
    if (status == 0 || message[0] == 0)
        gpup_results_free(&results);
    gpup_symbols_close(run.symbols);
    free(last);
    release(&set);
    return status;
}
