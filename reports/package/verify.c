/* A package, checked: its bytes, then that everything in it follows from its evidence. */
#include "rejudge.h"

#include "../text.h"
#include "other_spec.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct verifying {
    const struct gpup_package *package;
    const struct gpup_verify_options *options;
    FILE *out;
    struct evidence evidence;
    unsigned problems;
    char message[1024];
};

static void problem(struct verifying *v, const char *text) {
    fputs("  ", v->out);
    text_put(v->out, TEXT_PLAIN, text);
    fputc('\n', v->out);
    v->problems++;
}

static bool begins(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Every member has its place: nothing rides along unseen. */
static void check_places(struct verifying *v) {
    const struct gpup_results *all = &v->evidence.results;
    size_t programs = 0, traces = 0;
    for (size_t i = 0; i < v->package->count; i++) {
        const char *name = v->package->members[i].name;
        bool known = strcmp(name, "MANIFEST") == 0 || strcmp(name, "SIGNATURE") == 0 ||
                     strcmp(name, SETTINGS) == 0 || strcmp(name, EXPECTATIONS) == 0 || begins(name, JOURNALS);
        for (size_t k = 0; k < derived_count; k++)
            known = known || strcmp(name, derived_members[k].name) == 0;
        programs += begins(name, PROGRAMS);
        traces += begins(name, TRACES);
        if (known || begins(name, PROGRAMS) || begins(name, TRACES))
            continue;
        snprintf(v->message, sizeof v->message, "%s: no such member belongs into a package", name);
        problem(v, v->message);
    }
    if (programs > all->program_count || traces > all->program_count)
        problem(v, PROGRAMS ", " TRACES ": more than the journals speak of");
}

static void check_programs(struct verifying *v) {
    for (size_t i = 0; i < v->evidence.results.program_count; i++)
        if (!rejudge(v->package, &v->evidence.results.programs[i], v->message, sizeof v->message))
            problem(v, v->message);
}

/* Plain bytes are compared: another zstd may pack otherwise. */
static bool follows(struct verifying *v, const struct derived *derived, const struct gpup_member *m,
                    const struct gpup_report *report) {
    size_t size = 0, stored_size = 0;
    char *text = derived_text(derived, &v->evidence, report, &size);
    uint8_t *stored = gpup_package_unpack(m, &stored_size, v->message, sizeof v->message);
    bool same = text && stored && stored_size == size && memcmp(stored, text, size) == 0;
    free(text);
    free(stored);
    return same;
}

static void check_derived(struct verifying *v, const struct gpup_report *report) {
    for (size_t i = 0; i < derived_count; i++) {
        const struct gpup_member *m = gpup_package_find(v->package, derived_members[i].name);
        if (m && follows(v, &derived_members[i], m, report))
            continue;
        snprintf(v->message, sizeof v->message, "%s: %s", derived_members[i].name,
                 m ? "does not follow from the journals, traces and expectations" : "missing");
        problem(v, v->message);
    }
}

static void check_expectations(struct verifying *v, const struct gpup_report *report) {
    for (size_t i = 0; i < v->evidence.expectations.count; i++) {
        const struct gpup_expectation *e = &v->evidence.expectations.entries[i];
        if (report->states[i] != GPUP_ENTRY_EXPIRED)
            continue;
        snprintf(v->message, sizeof v->message,
                 EXPECTATIONS ":%u:%u: the %s of %s ended %s, before %s, the date "
                              "of the package",
                 e->line, e->column, gpup_expect_kind_name(e->kind), gpup_rule_id(e->rule), e->until,
                 v->evidence.date);
        problem(v, v->message);
    }
}

/* What this tool would have run. */
static void check_plan(struct verifying *v) {
    const struct gpup_results *all = &v->evidence.results;
    size_t count = 0;
    if (!v->options->expected)
        return;
    struct gpup_run_program *programs = v->options->expected(v->options->context, all, &count);
    for (size_t i = 0; programs && i < count; i++) {
        const struct gpup_program_result *found = NULL;
        for (size_t k = 0; k < all->program_count && !found; k++)
            if (strcmp(all->programs[k].name, programs[i].name) == 0)
                found = &all->programs[k];
        if (found && found->source_hash == gpup_program_hash(&programs[i].program))
            continue;
        snprintf(v->message, sizeof v->message, JOURNALS ": %s: %s", programs[i].name,
                 found ? "is not the program that this tool has"
                       : "the profile has this program, and it was not run");
        problem(v, v->message);
    }
    if (programs && all->program_count > count)
        problem(v, JOURNALS ": programs that this tool does not have");
    for (size_t i = 0; programs && i < count; i++)
        gpup_program_free(&programs[i].program);
    free(programs);
}

static int verify_evidence(struct verifying *v) {
    struct gpup_report report = {0};
    if (!evidence_read(&v->evidence, v->package, v->message, sizeof v->message)) {
        problem(v, v->message);
        return 1;
    }
    if (!evidence_report(&v->evidence, &report)) {
        problem(v, "out of memory");
        return 3;
    }
    check_places(v);
    check_programs(v);
    check_plan(v);
    check_derived(v, &report);
    check_expectations(v, &report);
    if (!v->problems) {
        fprintf(v->out, "  %zu programs in %zu shards judged again: the same verdicts\n",
                v->evidence.results.program_count, v->evidence.shard_count);
        fputs("  ", v->out);
        text_put(v->out, TEXT_PLAIN, v->evidence.results.implementation);
        fprintf(v->out, ", %s, profile %s, %s\n", v->evidence.results.sha256, v->evidence.results.profile,
                v->evidence.date);
        fprintf(v->out, "  exit status %d: %s\n", gpup_report_exit_status(&report),
                gpup_report_meaning(&report));
    }
    gpup_report_close(&report);
    return v->problems ? 1 : 0;
}

int gpup_package_verify(const struct gpup_package *package, const struct gpup_verify_options *options,
                        FILE *out) {
    struct verifying v = {.package = package, .options = options, .out = out};
    char root[65], signer[65];
    if (!options->skip_hashes &&
        !gpup_package_check(package, options->key, root, signer, v.message, sizeof v.message)) {
        problem(&v, v.message);
        fputs("not verified\n", out);
        return 1;
    }
    if (!options->skip_hashes)
        fprintf(out, "  root hash %s\n  %s%s\n", root, *signer ? "signed with the key " : "not signed",
                signer);
    json_t *rules = other_spec(package);
    int status = rules ? other_spec_print(package, rules, out) : verify_evidence(&v);
    json_decref(rules);
    evidence_free(&v.evidence);
    fputs(status == 0   ? "verified\n"
          : status == 4 ? "whole, and of another specification\n"
                        : "not verified\n",
          out);
    return status;
}

int gpup_package_verify_bytes(const void *bytes, size_t size, const char *name,
                              const struct gpup_verify_options *options, FILE *out) {
    struct gpup_package package;
    char message[512];
    fprintf(out, "%s:\n", name);
    if (!gpup_package_read(bytes, size, &package, message, sizeof message)) {
        fprintf(out, "  %s\nnot verified\n", message);
        return 1;
    }
    int status = gpup_package_verify(&package, options, out);
    gpup_package_free(&package);
    return status;
}
