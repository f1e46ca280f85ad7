/* gpup-fuzz speed: what an execution costs beside one of nothing, and where the time goes. */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 3u /* of each target, in turn: what others do on the machine hits both */
#define PROGRAMS 512u
#define EMPTY_RUNS "-runs=1000000"
#define PROGRAM_RUNS "-runs=20000"

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, ascending);
    return count ? values[count / 2] : 0;
}

/* What the target wrote; NULL: it did not end well. */
static char *run_target(const struct options *o, const char *name, const char *runs) {
    char path[PATH_ROOM], log[PATH_ROOM];
    char *argv[] = {path, (char *)(uintptr_t)runs, (char[]){"-seed=1"}, NULL};
    size_t size;
    snprintf(path, sizeof path, "%s/%s", o->tools, name);
    snprintf(log, sizeof log, "%s/log/%s.log", o->out, name);
    if (run_tool(log, argv, campaign_hurried) != 0) {
        fprintf(stderr, "gpup-fuzz: %s did not end well, see %s\n", path, log);
        return NULL;
    }
    return read_file(log, &size);
}

/* The last number of each line that begins with `word`. */
static size_t numbers(const char *text, const char *word, double *out, size_t room) {
    size_t count = 0, length = strlen(word);
    for (const char *line = text; line && count < room; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *end = strchr(line, '\n'), *at = end;
        if (strncmp(line, word, length) != 0 || !end)
            continue;
        while (at > line && at[-1] != ' ')
            at--;
        out[count++] = strtod(at, NULL);
    }
    return count;
}

static void print_parts(const char *text) {
    static const char *const parts[] = {"libfuzzer", "restore", "judge", "calls", "world"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char word[32];
        double percent = 0;
        snprintf(word, sizeof word, "PART %s ", parts[i]);
        numbers(text, word, &percent, 1);
        printf("fuzz_speed_in_%s %.1f percent\n", parts[i], percent);
    }
}

/* Adds what one round of both targets takes. false: it could not be run. */
static bool measure(const struct options *o, double *empty, double *program, size_t *programs) {
    double us[PROGRAMS];
    char *nothing = run_target(o, "fuzz_empty", EMPTY_RUNS);
    char *speed = run_target(o, "fuzz_speed", PROGRAM_RUNS);
    bool ran = nothing && speed && numbers(nothing, "EMPTY ", empty, 1) == 1 && *empty > 0;
    *programs = ran ? numbers(speed, "SPEED ", us, PROGRAMS) : 0;
    *program = median(us, *programs);
    free(nothing);
    free(speed);
    return *programs > 0;
}

int speed(const struct options *o) {
    double empty[ROUNDS], program[ROUNDS];
    char seeds[PATH_ROOM];
    size_t programs = 0;
    snprintf(seeds, sizeof seeds, "%s/seeds/program", o->tools);
    setenv("GPUP_FUZZ_PROGRAMS", seeds, 1);
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_ORACLES", "none", 1); /* a fixed program would have them always or never */
    for (unsigned i = 0; i < ROUNDS; i++)
        if (!measure(o, &empty[i], &program[i], &programs))
            return 3;
    setenv("GPUP_FUZZ_PARTS", "1", 1);
    char *parts = run_target(o, "fuzz_speed", PROGRAM_RUNS);
    if (!parts)
        return 3;
    double e = median(empty, ROUNDS), p = median(program, ROUNDS);
    printf("fuzz_empty %.3f us\nfuzz_program_of_8_calls %.2f us\nfuzz_programs %zu programs\n", e, p,
           programs);
    printf("fuzz_speed_over_empty %.2f percent\n", 100 * e / p);
    print_parts(parts);
    free(parts);
    return 0;
}
