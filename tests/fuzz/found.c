/* A program for each seeded fault: corpus/defects/BUG-nnn.yaml gives a rule that the fault is tied to, and
 * nothing on the sound driver, resp. on the sound framework. Each is asked by all oracles.
 *
 *   test_fuzz_found reference-defects.so FILE.yaml... */
#include "engine.h"
#include "oracles.h"

#include <gpup/runner.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The framework with faults has no object of its own to load. */
const struct gpup_implementation *gpup_implementation_faulty_framework(void);
static const struct gpup_static_implementation linked[] = {
    {"framework-defects", gpup_implementation_faulty_framework, "gpup_impl_faulty_framework_"}, {0}};

static bool tied(const struct gpup_defect *d, uint16_t rule) {
    for (unsigned i = 0; i < d->rule_count; i++)
        if (d->rules[i] == rule)
            return true;
    return false;
}

/* In a process of its own: 0 quiet, 1 a tied rule spoke, 2 only others, 3 it could not be run. */
static int run(const char *implementation, const struct gpup_defect *d, const char *path) {
    struct fuzz_options options = {.implementation = implementation,
                                   .known = linked,
                                   .oracles = FUZZ_ORACLES,
                                   .oracle_share = 1,
                                   .negative = true,
                                   .strict = true,
                                   .quiet = true};
    const struct fuzz_finding *all;
    struct gpup_program p;
    char message[512], *errors = NULL;
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    if (!engine || gpup_program_load(path, &p, &errors) != 0) {
        fprintf(stderr, "%s\n", engine ? errors : message);
        return 3;
    }
    fuzz_engine_run(engine, &p);
    size_t count = fuzz_engine_findings(engine, &all);
    for (size_t i = 0; i < count; i++)
        if (tied(d, all[i].rule))
            return 1;
    return count ? 2 : 0;
}

/* Where buffers end at pages that nobody may touch: an engine leaves that to the sanitizer of what it runs.
 */
static int run_guarded(const char *implementation, const struct gpup_defect *d, const char *path) {
    struct gpup_run_options options = {
        .implementation = implementation, .known = linked, .timeout_ms = 20000};
    struct gpup_program_result result;
    struct gpup_program p;
    char message[512], *errors = NULL;
    if (gpup_program_load(path, &p, &errors) != 0 ||
        gpup_run_one(&options, &p, NULL, &result, message, sizeof message) != 0)
        return 3;
    int seen = result.finding_count || result.outcome > GPUP_SKIPPED ? 2 : 0;
    for (size_t i = 0; i < result.finding_count; i++)
        seen = tied(d, result.findings[i].rule) ? 1 : seen;
    gpup_program_result_free(&result);
    gpup_program_free(&p);
    return seen;
}

static int apart(const char *implementation, const struct gpup_defect *d, const char *path) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(run(implementation, d, path));
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

int main(int argc, char **argv) {
    int bad = 0;
    for (int i = 2; i < argc; i++) {
        const char *base = strrchr(argv[i], '/');
        char name[64], faulty[4096];
        snprintf(name, sizeof name, "%.7s", base ? base + 1 : argv[i]);
        uint16_t row = gpup_defect_find(name);
        if (row == GPUP_SPEC_NONE) {
            printf("%s: no such fault\n", argv[i]);
            bad++;
            continue;
        }
        const char *sound = strcmp(gpup_defects[row].area, "WDFI") == 0 ? linked[0].name : argv[1];
        snprintf(faulty, sizeof faulty, "%s:%s", sound, name);
        int with = apart(faulty, &gpup_defects[row], argv[i]),
            without = apart(sound, &gpup_defects[row], argv[i]);
        if (with != 1) {
            with = run_guarded(faulty, &gpup_defects[row], argv[i]);
            without |= run_guarded(sound, &gpup_defects[row], argv[i]);
        }
        if (with != 1 || without != 0) {
            printf("%s: with the fault %d (1 expected), without %d (0 expected)\n", name, with, without);
            bad++;
        }
    }
    for (unsigned i = 0; i < gpup_spec_counts.defects; i++) {
        bool found = !gpup_defects[i].built;
        for (int k = 2; !found && k < argc; k++)
            found = strstr(argv[k], gpup_defects[i].id) != NULL;
        if (!found)
            printf("%s: there is no program for it\n", gpup_defects[i].id);
        bad += !found;
    }
    printf("%d programs, %d wrong\n", argc - 2, bad);
    return bad || argc < 3 ? 1 : 0;
}
