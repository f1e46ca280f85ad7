/*
 * Executions to detection: how many inputs libFuzzer needs until a seeded fault gives a finding of a rule it
 * is tied to.
 *
 * From an empty corpus, without dictionary, one process, fixed seeds: the count is exact for one version of
 * libFuzzer. Each fault with the typed mutator and state feedback, and, with --compare, with the engine's own
 * mutators on bytes and no state feedback; decoding, world, judge and code coverage are the same.
 */
#include "campaign.h"

#include <gpup/spec.h>

#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DEFECTS 256u
#define MAX_SEEDS 16u
#define MODES 2u

/* Named, so that figures of different days are of the same faults: arguments, order, blobs, tracking, pause,
 * life. */
static const char bench_defects[] =
    "BUG-001,BUG-003,BUG-011,BUG-018,BUG-036,BUG-045,BUG-080,BUG-105,BUG-111,BUG-120,"
    "BUG-133,BUG-138";

struct run {
    pid_t pid;
    uint16_t defect; /* row of the table below */
    uint8_t mode, seed;
};

struct table {
    const struct options *o;
    const struct gpup_defect *defect[MAX_DEFECTS];
    uint64_t taken[MAX_DEFECTS][MODES][MAX_SEEDS]; /* executions; 0: not found */
    uint64_t ran[MODES];                           /* executions of all */
    unsigned defects, seeds, modes, jobs;
    uint64_t cap;
    const char *keep; /* folder for a shrunk program of each fault, or NULL */
    bool seeded;      /* from the bundled programs instead of from nothing */
};

static void choose(struct table *t, const char *names) {
    for (unsigned i = 0; i < gpup_spec_counts.defects && t->defects < MAX_DEFECTS; i++)
        if (gpup_defects[i].built && (!names || strstr(names, gpup_defects[i].id)))
            t->defect[t->defects++] = &gpup_defects[i];
}

static void log_of(const struct table *t, const struct run *r, char *out, size_t size) {
    snprintf(out, size, "%s/log/%s-%u-%u.log", t->o->out, t->defect[r->defect]->id, r->mode, r->seed);
}

static _Noreturn void become(const struct table *t, const struct run *r) {
    const struct gpup_defect *d = t->defect[r->defect];
    char target[PATH_ROOM], implementation[PATH_ROOM], seed[32], runs[48],
        rules[512] = "", log[PATH_ROOM], prefix[PATH_ROOM], raw[PATH_ROOM], seeds[PATH_ROOM];
    snprintf(target, sizeof target, "%s/fuzz_program", t->o->tools);
    snprintf(implementation, sizeof implementation, "%s/reference-defects.fuzz.so:%s", t->o->tools, d->id);
    for (unsigned i = 0; i < d->rule_count; i++)
        snprintf(rules + strlen(rules), sizeof rules - strlen(rules), "%s,", gpup_rule_id(d->rules[i]));
    snprintf(seed, sizeof seed, "-seed=%u", r->seed + 1u);
    snprintf(runs, sizeof runs, "-runs=%llu", (unsigned long long)t->cap);
    snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/crashes/", t->o->out);
    set_target_environment(t->o, true);
    snprintf(raw, sizeof raw, "%s/raw/%s", t->o->out, d->id);
    if (t->keep && r->mode == 0 && r->seed == 0 && folder("%s", raw))
        setenv("GPUP_FUZZ_FINDINGS", raw, 1);
    else
        unsetenv("GPUP_FUZZ_FINDINGS");
    setenv("GPUP_FUZZ_IMPL", implementation, 1);
    setenv("GPUP_FUZZ_STOP", rules, 1);
    setenv("GPUP_FUZZ_NEGATIVE", "1", 1);
    setenv("GPUP_FUZZ_STRICT", "1", 1);
    setenv("GPUP_FUZZ_BYTES", r->mode ? "1" : "0", 1);
    setenv("GPUP_FUZZ_STATES", r->mode ? "0" : "1", 1);
    log_of(t, r, log, sizeof log);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666), null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(seeds, sizeof seeds, "%s/seeds/program", t->o->tools);
    execl(target, target, seed, runs, "-max_len=" MAX_INPUT, "-len_control=0", "-rss_limit_mb=4096",
          "-detect_leaks=0", prefix, t->seeded ? seeds : NULL, (char *)NULL);
    _exit(127);
}

/* Status 77 is ours; memory damage counts when a rule could not speak any more: the sanitizer spoke instead.
 */
static void read_result(struct table *t, const struct run *r, int status) {
    char path[PATH_ROOM];
    size_t size;
    log_of(t, r, path, sizeof path);
    char *text = read_file(path, &size), *at;
    unsigned long long after = 0, last = 0;
    if (text && (at = strstr(text, "STOPPED ")) && (at = strstr(at, "after ")))
        after = strtoull(at + 6, NULL, 10);
    for (at = text; at && (at = strstr(at, "\n#")); at++)
        last = strtoull(at + 2, NULL, 10);
    if (!after && text && strstr(text, "ERROR: AddressSanitizer"))
        after = last ? last : 1;
    t->taken[r->defect][r->mode][r->seed] = after;
    t->ran[r->mode] += after ? after : t->cap;
    (void)status;
    free(text);
}

static void run_all(struct table *t) {
    struct run running[MAX_WORKERS] = {{0}};
    unsigned total = t->defects * t->modes * t->seeds, next = 0, done = 0;
    while (done < total) {
        for (unsigned i = 0; i < t->jobs && next < total; i++)
            if (!running[i].pid) {
                struct run r = {0, (uint16_t)(next / (t->modes * t->seeds)), (uint8_t)(next % t->modes),
                                (uint8_t)(next / t->modes % t->seeds)};
                next++;
                r.pid = fork();
                if (r.pid == 0)
                    become(t, &r);
                running[i] = r;
            }
        int status;
        pid_t pid = wait(&status);
        for (unsigned i = 0; i < t->jobs; i++)
            if (pid > 0 && running[i].pid == pid) {
                read_result(t, &running[i], status);
                running[i].pid = 0;
                done++;
            }
        if (pid < 0)
            return;
    }
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Not found counts as the cap. */
static uint64_t median(const struct table *t, unsigned defect, unsigned mode, unsigned *found) {
    uint64_t values[MAX_SEEDS];
    *found = 0;
    for (unsigned i = 0; i < t->seeds; i++) {
        values[i] = t->taken[defect][mode][i] ? t->taken[defect][mode][i] : t->cap;
        *found += t->taken[defect][mode][i] != 0;
    }
    qsort(values, t->seeds, sizeof *values, ascending);
    return values[t->seeds / 2];
}

static void print(const struct table *t, FILE *out) {
    double ratio = 0;
    unsigned all[MODES] = {0};
    fprintf(out, "# Executions to detection: median of %u seeds, cap %llu; found/seeds\n", t->seeds,
            (unsigned long long)t->cap);
    fprintf(out, "%-8s %12s %6s%s\n", "defect", "typed+state", "found",
            t->modes > 1 ? "        bytes  found    ratio" : "");
    for (unsigned i = 0; i < t->defects; i++) {
        unsigned found[MODES];
        uint64_t m[MODES] = {median(t, i, 0, &found[0]), t->modes > 1 ? median(t, i, 1, &found[1]) : 0};
        fprintf(out, "%-8s %12llu %4u/%u", t->defect[i]->id, (unsigned long long)m[0], found[0], t->seeds);
        all[0] += found[0];
        if (t->modes > 1) {
            fprintf(out, " %12llu %4u/%u %8.1f", (unsigned long long)m[1], found[1], t->seeds,
                    (double)m[1] / (double)m[0]);
            all[1] += found[1];
            ratio += log((double)m[1] / (double)m[0]);
        }
        fputc('\n', out);
    }
    fprintf(out, "found %u of %u", all[0], t->defects * t->seeds);
    if (t->modes > 1)
        fprintf(out, " typed+state, %u bytes; geometric mean of the ratios %.2f", all[1],
                exp(ratio / t->defects));
    fputc('\n', out);
}

/* The program that the first seed found, made small. */
static void keep_programs(const struct table *t) {
    for (unsigned i = 0; t->keep && i < t->defects; i++) {
        struct options o = *t->o;
        char raw[PATH_ROOM], from[PATH_ROOM], to[PATH_ROOM], **names;
        snprintf(o.implementation, sizeof o.implementation, "%s/reference-defects.fuzz.so:%s", o.tools,
                 t->defect[i]->id);
        o.label = t->defect[i]->id;
        o.strict = true;
        snprintf(raw, sizeof raw, "%s/raw/%s", o.out, o.label);
        snprintf(o.out, sizeof o.out, "%s/kept/%s", t->o->out, o.label);
        size_t count = list_names(raw, &names), size;
        for (size_t k = 0; k < count; k++)
            for (unsigned r = 0; r < t->defect[i]->rule_count; r++) {
                const char *id = gpup_rule_id(t->defect[i]->rules[r]);
                snprintf(from, sizeof from, "%s/%s", raw, names[k]);
                snprintf(to, sizeof to, "%s/%s.yaml", t->keep, o.label);
                if (strncmp(names[k], id, strlen(id)) != 0 || access(to, F_OK) == 0 ||
                    !triage_one(&o, names[k], from))
                    continue;
                snprintf(from, sizeof from, "%s/findings/%s/program.yaml", o.out, names[k]);
                char *text = read_file(from, &size);
                if (text && write_file(to, text, size))
                    fprintf(stderr, "%s\n", to);
                free(text);
            }
        free_names(names, count);
    }
}

static bool parse(struct table *t, int argc, char **argv, const char **names, const char **file) {
    static const struct option known[] = {
        {"defects", 1, NULL, 'd'}, {"seeds", 1, NULL, 's'},   {"cap", 1, NULL, 'c'},
        {"jobs", 1, NULL, 'j'},    {"compare", 0, NULL, 'b'}, {"table", 1, NULL, 't'},
        {"keep", 1, NULL, 'k'},    {"seeded", 0, NULL, 'e'},  {NULL, 0, NULL, 0}};
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'd':
            *names = strcmp(optarg, "all") == 0 ? NULL : optarg;
            break;
        case 's':
            t->seeds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            t->cap = strtoull(optarg, NULL, 10);
            break;
        case 'j':
            t->jobs = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'b':
            t->modes = 2;
            break;
        case 'k':
            t->keep = optarg;
            break;
        case 'e':
            t->seeded = true;
            break;
        case 't':
            *file = optarg;
            break;
        default:
            return false;
        }
    return t->seeds && t->seeds <= MAX_SEEDS && t->cap && t->jobs && t->jobs <= MAX_WORKERS && optind == argc;
}

int detect(int argc, char **argv, const struct options *o) {
    static struct table t;
    const char *names = bench_defects, *file = NULL;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    t = (struct table){
        .o = o, .seeds = 3, .modes = 1, .cap = 200000, .jobs = cores > 0 ? (unsigned)cores : 1};
    if (!parse(&t, argc, argv, &names, &file)) {
        fputs("gpup-fuzz detect: expected [--defects BUG-nnn,...|all] [--seeds 1..16] [--cap N] [--jobs N] "
              "[--compare] "
              "[--table FILE] [--keep DIR]\n",
              stderr);
        return 2;
    }
    choose(&t, names);
    if (t.defects == 0 || !folder("%s/log", o->out) || !folder("%s/crashes", o->out))
        return 2;
    run_all(&t);
    keep_programs(&t);
    print(&t, stdout);
    FILE *out = file ? fopen(file, "w") : NULL;
    if (out) {
        print(&t, out);
        fclose(out);
    }
    return file && !out ? 2 : 0;
}
