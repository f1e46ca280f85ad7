#include "settings.h"

#include "images.h"
#include "oracles.h"
#include "wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fuzz_engine *the_engine;
static const char *stop, *want;

bool fuzz_flag(const char *name) {
    const char *value = getenv(name);
    return value && strcmp(value, "0") != 0;
}

/* What is known when the process ends, for the campaign that started it. */
static void summary(void) {
    const struct fuzz_finding *all;
    size_t count = fuzz_engine_findings(the_engine, &all);
    fprintf(stderr, "SUMMARY executions %llu starts %llu findings %zu\n",
            (unsigned long long)fuzz_engine_executions(the_engine),
            (unsigned long long)fuzz_engine_starts(the_engine), count);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "FINDING %s %08x first %llu times %llu\n", gpup_rule_id(all[i].rule), all[i].key,
                (unsigned long long)all[i].first, (unsigned long long)all[i].times);
    fuzz_engine_free(the_engine); /* a leak that is then found is one */
}

/* Absent where no sanitizer is linked. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

void fuzz_tell_where(void) {
    char text[64] = "";
    if (the_engine)
        fuzz_engine_where(the_engine, text, sizeof text);
    if (text[0])
        fprintf(stderr, "DURING %s\n", text);
}

/* Without GPUP_FUZZ_IMPL: `implementation.so` beside the target, as fuzzing services have it. */
static const char *implementation(void) {
    static char path[4096];
    const char *named = getenv("GPUP_FUZZ_IMPL");
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
    path[length > 0 ? length : 0] = 0;
    char *slash = strrchr(path, '/');
    if (named || !slash)
        return named;
    snprintf(slash, 32, "/implementation.so");
    return access(path, R_OK) == 0 ? path : NULL;
}

/* On without being asked for: a fraction costs little. */
static void set_oracles(struct fuzz_options *o) {
    const char *words = getenv("GPUP_FUZZ_ORACLES"), *share = getenv("GPUP_FUZZ_SHARE");
    o->oracle_share = share ? (uint32_t)strtoul(share, NULL, 10) : FUZZ_ORACLE_SHARE;
    if (fuzz_oracles_parse(words ? words : "all", &o->oracles))
        return;
    fprintf(stderr, "GPUP_FUZZ_ORACLES: expected recovery, twin, all or none, found %s\n", words);
    exit(2);
}

struct fuzz_engine *fuzz_target_engine(bool untrusted, bool typed) {
    char message[512];
    const char *states = getenv("GPUP_FUZZ_STATES");
    struct fuzz_options options = {.implementation = implementation(),
                                   .findings = getenv("GPUP_FUZZ_FINDINGS"),
                                   .strict = fuzz_flag("GPUP_FUZZ_STRICT"),
                                   .negative = untrusted || fuzz_flag("GPUP_FUZZ_NEGATIVE"),
                                   .blind = states && strcmp(states, "0") == 0,
                                   .quiet = fuzz_flag("GPUP_FUZZ_QUIET"),
                                   .deaf = typed};
    if (the_engine)
        return the_engine;
    set_oracles(&options);
    stop = getenv("GPUP_FUZZ_STOP");
    want = getenv("GPUP_FUZZ_WANT");
    if (want && !fuzz_wanted_parse(want)) {
        fprintf(stderr, "GPUP_FUZZ_WANT: expected FAULT=RULE,RULE;FAULT=RULE, found %s\n", want);
        exit(2);
    }
    if (!options.implementation) {
        fputs("GPUP_FUZZ_IMPL is not set: expected the path of a shared object\n", stderr);
        exit(2);
    }
    the_engine = fuzz_engine_new(&options, message, sizeof message);
    if (!the_engine || !fuzz_image_attach(fuzz_engine_binding(the_engine), message, sizeof message)) {
        fprintf(stderr, "%s\n", message);
        exit(3);
    }
    atexit(summary);
    if (fuzz_flag("GPUP_FUZZ_WHERE") && __sanitizer_set_death_callback)
        __sanitizer_set_death_callback(fuzz_tell_where);
    return the_engine;
}

void fuzz_target_run(struct fuzz_engine *engine, struct gpup_program *program) {
    const struct fuzz_finding *all;
    size_t before = fuzz_engine_findings(engine, &all);
    fuzz_engine_run(engine, program);
    size_t after = fuzz_engine_findings(engine, &all);
    bool done = want && fuzz_wanted_look(engine, program);
    gpup_program_free(program);
    if (done)
        _exit(FUZZ_STOPPED);
    for (; stop && before < after; before++)
        if (strstr(stop, gpup_rule_id(all[before].rule))) {
            fprintf(stderr, "STOPPED %s after %llu executions\n", gpup_rule_id(all[before].rule),
                    (unsigned long long)fuzz_engine_executions(engine));
            _exit(FUZZ_STOPPED); /* not through libFuzzer, which takes an exit for a crash */
        }
}
