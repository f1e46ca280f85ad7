/*
 * gpup-fuzz detect: how many inputs libFuzzer needs until a seeded fault gives a finding of a rule it is tied
 * to.
 *
 * From an empty corpus, without dictionary, one process, fixed seeds: the count is exact for one version of
 * libFuzzer. Each fault with the typed mutator and state feedback, and, with --compare, with the engine's own
 * mutators on bytes and no state feedback; decoding, world, judge and code coverage are the same.
 */
#include "detect.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Named, so that figures of different days are of the same faults: arguments, order, blobs, tracking, pause,
 * life. */
static const char bench_defects[] =
    "BUG-001,BUG-003,BUG-011,BUG-018,BUG-036,BUG-045,BUG-080,BUG-105,BUG-111,BUG-120,"
    "BUG-133,BUG-138";

struct run {
    pid_t pid;
    unsigned defect, mode, seed;
    uint64_t cap;
};

static void choose(struct detection *d, const char *names) {
    for (unsigned i = 0; i < gpup_spec_counts.defects && d->defects < DETECT_DEFECTS; i++)
        if (gpup_defects[i].built && (!names || strstr(names, gpup_defects[i].id)))
            d->defect[d->defects++] = &gpup_defects[i];
}

static void log_of(const struct detection *d, const struct run *r, char *out, size_t size) {
    snprintf(out, size, "%s/log/%s-%u-%u.log", d->o->out, d->defect[r->defect]->id, r->mode, r->seed);
}

static bool is_framework(const struct gpup_defect *defect) {
    return strcmp(defect->area, "WDFI") == 0;
}

static void driver_of(const struct detection *d, unsigned defect, char *out, size_t size) {
    snprintf(out, size, "%s/%s-defects.fuzz.so:%s", d->o->tools,
             is_framework(d->defect[defect]) ? "framework" : "reference", d->defect[defect]->id);
}

static void rules_of(const struct gpup_defect *defect, char *out, size_t size) {
    size_t used = 0;
    for (unsigned i = 0; i < defect->rule_count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s,", gpup_rule_id(defect->rules[i]));
}

static void set_environment(const struct detection *d, const struct run *r) {
    char implementation[PATH_ROOM], rules[512] = "", raw[PATH_ROOM];
    driver_of(d, r->defect, implementation, sizeof implementation);
    rules_of(d->defect[r->defect], rules, sizeof rules);
    snprintf(raw, sizeof raw, "%s/raw/%s", d->o->out, d->defect[r->defect]->id);
    set_target_environment(d->o, true);
    if (d->keep && r->mode == 0 && r->seed == 0 && folder("%s", raw))
        setenv("GPUP_FUZZ_FINDINGS", raw, 1);
    else
        unsetenv("GPUP_FUZZ_FINDINGS");
    setenv("GPUP_FUZZ_IMPL", implementation, 1);
    setenv("GPUP_FUZZ_STOP", rules, 1);
    setenv("GPUP_FUZZ_NEGATIVE", "1", 1);
    setenv("GPUP_FUZZ_STRICT", "1", 1);
    setenv("GPUP_FUZZ_BYTES", r->mode ? "1" : "0", 1);
    setenv("GPUP_FUZZ_STATES", r->mode ? "0" : "1", 1);
}

static _Noreturn void become(const struct detection *d, const struct run *r) {
    char target[PATH_ROOM], seed[32], runs[48], log[PATH_ROOM], prefix[PATH_ROOM], seeds[PATH_ROOM];
    snprintf(target, sizeof target, "%s/fuzz_program", d->o->tools);
    snprintf(seed, sizeof seed, "-seed=%u", r->seed + 1u);
    snprintf(runs, sizeof runs, "-runs=%llu", (unsigned long long)r->cap);
    snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/crashes/", d->o->out);
    snprintf(seeds, sizeof seeds, "%s/seeds/program", d->o->tools);
    set_environment(d, r);
    log_of(d, r, log, sizeof log);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666), null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(target, target, seed, runs, "-max_len=" MAX_INPUT, "-len_control=0", "-rss_limit_mb=4096",
          "-detect_leaks=0", "-print_final_stats=1", prefix, d->seeded ? seeds : NULL, (char *)NULL);
    _exit(127);
}

static uint64_t number_after(const char *text, const char *word) {
    const char *at = text ? strstr(text, word) : NULL;
    return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* Memory damage counts when a rule could not speak any more: the sanitizer spoke instead. */
static void read_result(struct detection *d, const struct run *r) {
    char path[PATH_ROOM];
    size_t size;
    log_of(d, r, path, sizeof path);
    char *text = read_file(path, &size), *stopped = text ? strstr(text, "STOPPED ") : NULL;
    uint64_t ran = number_after(text, "stat::number_of_executed_units: ");
    struct detected *c = &d->of[r->defect][r->mode][r->seed];
    if (stopped)
        c->taken = number_after(stopped, " after ");
    else if (text && strstr(text, "ERROR: AddressSanitizer"))
        c->taken = ran;
    if (c->taken || ran >= r->cap) {
        c->tried = c->taken ? c->taken : r->cap;
    } else {
        fprintf(stderr, "gpup-fuzz: %s with seed %u did not run to its end, see %s\n",
                d->defect[r->defect]->id, r->seed + 1, path);
        d->failed = true;
    }
    free(text);
}

/* The next that is not known yet, up to `cap`; false: there is none. */
static bool next_run(const struct detection *d, unsigned *next, uint64_t cap, struct run *r) {
    for (; *next < d->seeds * d->defects * d->modes; ++*next) {
        *r = (struct run){.cap = cap,
                          .seed = *next / (d->defects * d->modes),
                          .defect = *next / d->modes % d->defects,
                          .mode = *next % d->modes};
        const struct detected *c = &d->of[r->defect][r->mode][r->seed];
        if (!c->taken && c->tried < cap) {
            ++*next;
            return true;
        }
    }
    return false;
}

static bool over(const struct detection *d, time_t began) {
    return d->seconds && (uint64_t)(time(NULL) - began) >= d->seconds;
}

/* What runs when the time is over is not measured. */
static void end_all(const struct detection *d, struct run *running) {
    for (unsigned i = 0; i < d->jobs; i++)
        if (running[i].pid) {
            kill(running[i].pid, SIGKILL);
            waitpid(running[i].pid, NULL, 0);
        }
}

static bool start(struct detection *d, struct run *r) {
    r->pid = fork();
    if (r->pid == 0)
        become(d, r);
    d->failed |= r->pid < 0;
    r->pid = r->pid < 0 ? 0 : r->pid;
    return r->pid != 0;
}

/* Every fault with every seed, up to `cap`; the table is complete after each. */
static void measure(struct detection *d, uint64_t cap, time_t began) {
    struct run running[MAX_WORKERS] = {{0}};
    unsigned next = 0, busy = 0;
    bool more = true;
    while (more || busy) {
        for (unsigned i = 0; i < d->jobs; i++)
            if (!running[i].pid && more && (more = next_run(d, &next, cap, &running[i])))
                busy += start(d, &running[i]);
        pid_t pid = waitpid(-1, NULL, d->seconds ? WNOHANG : 0);
        for (unsigned i = 0; i < d->jobs; i++)
            if (pid > 0 && running[i].pid == pid) {
                read_result(d, &running[i]);
                detection_write(d);
                running[i].pid = 0;
                busy--;
            }
        if (pid < 0)
            return;
        if (over(d, began)) {
            end_all(d, running);
            return;
        }
        if (pid == 0)
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

/* Where the time has an end, what is easy to find comes first, for every fault. */
static void measure_all(struct detection *d) {
    time_t began = time(NULL);
    for (uint64_t cap = d->seconds ? 2000 : d->cap; cap < d->cap && !over(d, began); cap *= 10)
        measure(d, cap, began);
    if (!over(d, began))
        measure(d, d->cap, began);
}

/* The program that the first seed found, made small. */
static void keep_programs(const struct detection *d) {
    for (unsigned i = 0; d->keep && i < d->defects; i++) {
        struct options o = *d->o;
        char raw[PATH_ROOM], from[PATH_ROOM], to[PATH_ROOM], **names;
        driver_of(d, i, o.implementation, sizeof o.implementation);
        o.label = d->defect[i]->id;
        o.strict = true;
        snprintf(raw, sizeof raw, "%s/raw/%s", o.out, o.label);
        snprintf(o.out, sizeof o.out, "%s/kept/%s", d->o->out, o.label);
        size_t count = list_names(raw, &names), size;
        for (size_t k = 0; k < count; k++)
            for (unsigned r = 0; r < d->defect[i]->rule_count; r++) {
                const char *id = gpup_rule_id(d->defect[i]->rules[r]);
                snprintf(from, sizeof from, "%s/%s", raw, names[k]);
                snprintf(to, sizeof to, "%s/%s.yaml", d->keep, o.label);
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

/* FNV-1a of the target and the drivers. */
static uint32_t build_of(const char *tools) {
    static const char *const parts[] = {"fuzz_program", "reference-defects.fuzz.so",
                                        "framework-defects.fuzz.so"};
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[PATH_ROOM];
        size_t size = 0;
        snprintf(path, sizeof path, "%s/%s", tools, parts[i]);
        char *bytes = read_file(path, &size);
        for (size_t k = 0; bytes && k < size; k++)
            hash = (hash ^ (uint8_t)bytes[k]) * 16777619u;
        free(bytes);
    }
    return hash;
}

static int usage(void) {
    fputs("gpup-fuzz detect: expected [--defects BUG-nnn,...|all] [--seeds 1..16] [--cap N] [--jobs N] "
          "[--time 8h]\n"
          "                 [--compare | --table FILE [--resume]] [--seeded] [--keep DIR] [--out DIR]\n",
          stderr);
    return 2;
}

enum { DEFECTS = 1, SEEDS, CAP, JOBS, TIME, COMPARE, TABLE, KEEP, SEEDED, RESUME, OUT };
static const struct option known[] = {
    {"defects", 1, NULL, DEFECTS}, {"seeds", 1, NULL, SEEDS}, {"cap", 1, NULL, CAP},
    {"jobs", 1, NULL, JOBS},       {"time", 1, NULL, TIME},   {"compare", 0, NULL, COMPARE},
    {"table", 1, NULL, TABLE},     {"keep", 1, NULL, KEEP},   {"seeded", 0, NULL, SEEDED},
    {"resume", 0, NULL, RESUME},   {"out", 1, NULL, OUT},     {NULL, 0, NULL, 0}};

static bool count(unsigned limit, unsigned *out) {
    uint64_t value;
    bool ok = option_number(optarg, &value) && value <= limit;
    *out = ok ? (unsigned)value : 0;
    return ok;
}

static bool take(struct detection *d, struct options *o, int option, const char **names) {
    switch (option) {
    case DEFECTS:
        *names = strcmp(optarg, "all") == 0 ? NULL : optarg;
        return true;
    case SEEDS:
        return count(DETECT_SEEDS, &d->seeds);
    case CAP:
        return option_number(optarg, &d->cap);
    case JOBS:
        return count(MAX_WORKERS, &d->jobs);
    case TIME:
        return option_duration(optarg, &d->seconds);
    case COMPARE:
        d->modes = 2;
        return true;
    case TABLE:
        d->table = optarg;
        return true;
    case KEEP:
        d->keep = optarg;
        return true;
    case SEEDED:
        return (d->seeded = true);
    case RESUME:
        return (d->resume = true);
    case OUT:
        snprintf(o->out, sizeof o->out, "%s", optarg);
        return true;
    default:
        return false;
    }
}

int detect(int argc, char **argv, struct options *o) {
    static struct detection d;
    const char *names = bench_defects;
    d = (struct detection){.o = o, .seeds = 3, .modes = 1, .cap = 200000, .jobs = o->jobs};
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (!take(&d, o, option, &names))
            return usage();
    if (optind != argc || (d.modes > 1 && d.table) || (d.resume && !d.table))
        return usage();
    choose(&d, names);
    d.build = build_of(o->tools);
    if (d.defects == 0 || !folder("%s/log", o->out) || !folder("%s/crashes", o->out))
        return usage();
    if (d.resume)
        detection_read(&d);
    measure_all(&d);
    keep_programs(&d);
    detection_print(&d, stdout);
    if (!detection_write(&d))
        return fprintf(stderr, "gpup-fuzz: %s cannot be written\n", d.table), 2;
    return d.failed ? 3 : 0;
}
