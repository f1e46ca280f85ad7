/* The programs that fuzzing found: corpus/defects/BUG-nnn.yaml gives a rule that the fault is tied to, and
 * nothing on the sound driver.
 *
 *   test_fuzz_found reference-defects.so FILE.yaml... */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool tied(const struct gpup_defect *d, uint16_t rule) {
    for (unsigned i = 0; i < d->rule_count; i++)
        if (d->rules[i] == rule)
            return true;
    return false;
}

/* In a process of its own: 0 quiet, 1 a tied rule spoke, 2 only others, 3 it could not be run. */
static int run(const char *implementation, const struct gpup_defect *d, const char *path) {
    struct fuzz_options options = {
        .implementation = implementation, .negative = true, .strict = true, .quiet = true};
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
        snprintf(faulty, sizeof faulty, "%s:%s", argv[1], name);
        int with = apart(faulty, &gpup_defects[row], argv[i]),
            without = apart(argv[1], &gpup_defects[row], argv[i]);
        if (with != 1 || without != 0) {
            printf("%s: with the fault %d (1 expected), without %d (0 expected)\n", name, with, without);
            bad++;
        }
    }
    printf("%d programs, %d wrong\n", argc - 2, bad);
    return bad || argc < 3 ? 1 : 0;
}
