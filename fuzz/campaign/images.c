/* gpup-fuzz images: a driver image without instrumentation against the same source with counters. Both are
 * fuzzed from nothing for the same executions and seeds; then the inputs that each kept run on the one with
 * counters, which tells what they reach. */
#include "campaign.h"
#include "states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define SEEDS 3u
#define RUNS 20000u
#define COUNTERS 65536u

struct reached {
    bool at[COUNTERS];
};

static double processor_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static bool failed(const char *what, const char *log) {
    fprintf(stderr, "gpup-fuzz: %s did not end well, see %s\n", what, log);
    return false;
}

/* One campaign of libFuzzer into a new folder; adds what it took of the processor. */
static bool fuzz(struct options *o, const char *image, const char *name, unsigned seed, double *seconds) {
    char target[PATH_ROOM], corpus[PATH_ROOM], log[PATH_ROOM], runs[64], seeded[64], prefix[PATH_ROOM];
    char *argv[] = {target, seeded, runs, (char[]){"-max_len=" MAX_INPUT}, (char[]){"-len_control=0"},
                    prefix, corpus, NULL};
    snprintf(target, sizeof target, "%s/fuzz_program", o->tools);
    snprintf(corpus, sizeof corpus, "%s/%s-%u", o->out, name, seed);
    snprintf(log, sizeof log, "%s/log/%s-%u.log", o->out, name, seed);
    snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/crashes/", o->out);
    snprintf(runs, sizeof runs, "-runs=%llu", (unsigned long long)o->runs);
    snprintf(seeded, sizeof seeded, "-seed=%u", seed);
    remove_tree(corpus);
    if (!folder("%s", corpus))
        return failed(target, log);
    snprintf(o->implementation, sizeof o->implementation, "%s", image);
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_ORACLES", "none", 1); /* a second run is not what is measured */
    double before = processor_seconds();
    if (run_tool(log, argv, campaign_hurried) != 0)
        return failed(target, log);
    *seconds += processor_seconds() - before;
    return true;
}

/* What the inputs of a folder reach of the image with counters. */
static bool replay(struct options *o, const char *counted, const char *name, unsigned seed,
                   struct reached *out) {
    char target[PATH_ROOM], corpus[PATH_ROOM], log[PATH_ROOM], list[PATH_ROOM];
    char *argv[] = {target, corpus, NULL}, *end;
    size_t size;
    snprintf(target, sizeof target, "%s/fuzz_program_replay", o->tools);
    snprintf(corpus, sizeof corpus, "%s/%s-%u", o->out, name, seed);
    snprintf(log, sizeof log, "%s/log/replay.log", o->out);
    snprintf(list, sizeof list, "%s/reached", o->out);
    snprintf(o->implementation, sizeof o->implementation, "%s", counted);
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_REACHED", list, 1);
    bool ran = run_tool(log, argv, campaign_hurried) == 0;
    unsetenv("GPUP_FUZZ_REACHED");
    char *text = ran ? read_file(list, &size) : NULL;
    *out = (struct reached){0};
    for (char *at = text; at && *at; at = *end ? end + 1 : end) {
        unsigned long number = strtoul(at, &end, 10);
        if (end == at)
            break;
        if (number >= FUZZ_STATES && number - FUZZ_STATES < COUNTERS) /* the model's states come first */
            out->at[number - FUZZ_STATES] = true;
    }
    free(text);
    return text || failed(target, log);
}

/* As AFL++ found it. */
static bool stability(struct options *o, const char *image, char *out, size_t size) {
    struct worker w = {.afl = true};
    char path[PATH_ROOM], seeds[PATH_ROOM];
    int status;
    snprintf(path, sizeof path, "%s/afl", o->out);
    remove_tree(path);
    snprintf(path, sizeof path, "%s/corpus", o->out);
    snprintf(seeds, sizeof seeds, "%s/seeds/program", o->tools);
    snprintf(o->implementation, sizeof o->implementation, "%s", image);
    if (!folder("%s", path) || !copy_files(seeds, path, "", NULL) ||
        !worker_start(o, &w, 0, o->runs / 10 + 1) || waitpid(w.pid, &status, 0) != w.pid)
        return failed("afl-fuzz", "log/afl0.log");
    snprintf(path, sizeof path, "%s/afl/w0/fuzzer_stats", o->out);
    size_t length;
    char *text = read_file(path, &length), *line = text ? strstr(text, "stability") : NULL;
    bool found = line && sscanf(line, "stability : %15[0-9.]", out) == 1 && size > 15;
    free(text);
    return found || failed("afl-fuzz", "log/afl0.log");
}

int images(struct options *o, const char *plain, const char *counted) {
    static struct reached by_counters, by_breakpoints;
    double counted_seconds = 0, plain_seconds = 0;
    unsigned all = 0, both = 0, mine = 0;
    char stable[32] = "";
    if (!o->runs)
        o->runs = RUNS;
    if (!folder("%s/crashes", o->out) || !folder("%s/raw", o->out))
        return 3;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        if (!fuzz(o, counted, "counted", seed, &counted_seconds) ||
            !fuzz(o, plain, "plain", seed, &plain_seconds) ||
            !replay(o, counted, "counted", seed, &by_counters) ||
            !replay(o, counted, "plain", seed, &by_breakpoints))
            return 3;
        for (unsigned i = 0; i < COUNTERS; i++) {
            all += by_counters.at[i];
            mine += by_breakpoints.at[i];
            both += by_counters.at[i] && by_breakpoints.at[i];
        }
    }
    if (!all || !stability(o, plain, stable, sizeof stable))
        return 3;
    double executions = (double)o->runs * SEEDS;
    printf("image_fuzz_executions %.0f executions\nimage_fuzz_blocks_instrumented %.1f blocks\n", executions,
           (double)all / SEEDS);
    printf("image_fuzz_blocks_uninstrumented %.1f blocks\nimage_fuzz_blocks_of_those %.1f percent\n",
           (double)mine / SEEDS, 100.0 * both / all);
    printf("image_fuzz_instrumented %.1f us\nimage_fuzz_uninstrumented %.1f us\n",
           1e6 * counted_seconds / executions, 1e6 * plain_seconds / executions);
    printf("image_fuzz_speed %.1f percent\nimage_fuzz_stability %s percent\n",
           100 * counted_seconds / plain_seconds, stable);
    return 0;
}
