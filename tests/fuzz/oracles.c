/* What only an oracle sees: a rule that a seeded fault breaks in some bundled program is violated there with
 * the oracle and not without it.
 *
 *   test_fuzz_oracles reference-defects.so */
#include "oracles.h"
#include "bundled.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct expectation {
    const char *defect, *rule;
    unsigned oracles;
} expectations[] = {{"BUG-078", "LM-081", FUZZ_ORACLE_TWIN},
                    {"BUG-051", "DIRTY-034", FUZZ_ORACLE_TWIN},
                    {"BUG-116", "ROB-006", FUZZ_ORACLE_RECOVERY}};

static struct fuzz_engine *engine_with(const char *object, const char *defect, unsigned oracles) {
    char name[4096], message[512];
    snprintf(name, sizeof name, "%s:%s", object, defect);
    struct fuzz_options options = {
        .implementation = name, .oracles = oracles, .strict = true, .negative = true, .quiet = true};
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    if (!engine)
        fprintf(stderr, "%s\n", message);
    return engine;
}

static void run(struct fuzz_engine *engine, size_t i) {
    struct gpup_program p;
    if (bundled(i, &p)) {
        fuzz_engine_run(engine, &p);
        gpup_program_free(&p);
    }
}

/* Programs in which the rule is violated with the oracle alone. */
static unsigned only_with(struct fuzz_engine *with, struct fuzz_engine *without, const char *rule) {
    unsigned programs = 0;
    for (size_t i = 0; i < bundled_count(); i++) {
        const struct fuzz_finding *all;
        bool alone = false;
        run(with, i);
        run(without, i);
        size_t count = fuzz_engine_findings(with, &all);
        for (size_t k = 0; k < count; k++)
            alone = alone || (strcmp(gpup_rule_id(all[k].rule), rule) == 0 &&
                              fuzz_engine_made(with, all[k].key) && !fuzz_engine_made(without, all[k].key));
        programs += alone;
    }
    return programs;
}

/* In a process of its own. */
static int judge(const char *object, const struct expectation *e) {
    struct fuzz_engine *with = engine_with(object, e->defect, e->oracles),
                       *without = engine_with(object, e->defect, 0);
    unsigned programs = with && without ? only_with(with, without, e->rule) : 0;
    printf("%s: %s in %u programs with the oracle alone\n", e->defect, e->rule, programs);
    fflush(stdout);
    return programs ? 0 : 1;
}

static int sound(void) {
    const struct fuzz_finding *all;
    char message[512];
    struct fuzz_options options = {.implementation = "reference",
                                   .known = bundled_known,
                                   .oracles = FUZZ_ORACLES,
                                   .strict = true,
                                   .negative = true};
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    for (size_t i = 0; engine && i < bundled_count(); i++)
        run(engine, i);
    bool none = engine && fuzz_engine_findings(engine, &all) == 0;
    fuzz_engine_free(engine);
    return none ? 0 : 1;
}

int main(int argc, char **argv) {
    unsigned words = FUZZ_ORACLES;
    int bad = argc != 2 || sound() || fuzz_oracles_parse("twin,nonsense", &words) ||
              !fuzz_oracles_parse("twin,recovery", &words) || words != FUZZ_ORACLES;
    for (size_t i = 0; !bad && i < sizeof expectations / sizeof *expectations; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            _exit(judge(argv[1], &expectations[i]));
        bad = pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
    }
    return bad ? 1 : 0;
}
