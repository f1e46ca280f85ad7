/*
 * The processes that are counted: libFuzzer over the driver with one fault or several, each to its end.
 *
 * A fault by itself ends its process (GPUP_FUZZ_STOP). Of several, each is written down when it is found, and
 * the last one ends the process (GPUP_FUZZ_WANT); when memory damage ends it first, those that are open go
 * on by themselves, from their first execution on.
 */
#include "detect.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_CAP 2000u /* what is easy to find comes first, for every fault */

static void log_of(const struct detection *d, const struct detect_run *r, char *out, size_t size) {
    snprintf(out, size, "%s/log/%s%s-%u-%u.log", d->o->out, r->members > 1 ? "group-" : "",
             d->defect[r->member[0]]->id, r->mode, r->seed);
}

void detect_driver(const struct detection *d, const struct detect_run *r, char *out, size_t size) {
    bool framework = detect_is_framework(d->defect[r->member[0]]);
    int used =
        snprintf(out, size, "%s/%s-defects.fuzz.so", d->o->tools, framework ? "framework" : "reference");
    for (unsigned i = 0; i < r->members && (size_t)used < size; i++)
        used += snprintf(out + used, size - (size_t)used, "%c%s", i ? ',' : ':', d->defect[r->member[i]]->id);
}

/* `RULE,RULE` of one fault, `FAULT=RULE,RULE;FAULT=RULE` of several. */
static void rules_of(const struct detection *d, const struct detect_run *r, char *out, size_t size) {
    size_t used = 0;
    for (unsigned i = 0; i < r->members; i++) {
        const struct gpup_defect *defect = d->defect[r->member[i]];
        if (r->members > 1 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s=", i ? ";" : "", defect->id);
        for (unsigned k = 0; k < defect->rule_count && used < size; k++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", k ? "," : "",
                                     gpup_rule_id(defect->rules[k]));
    }
}

/* Of several faults, the process that confirms one adds its name to the folder. */
static void set_findings(const struct detection *d, const struct detect_run *r) {
    char raw[PATH_ROOM];
    snprintf(raw, sizeof raw, "%s/raw%s%s", d->o->out, r->members > 1 ? "" : "/",
             r->members > 1 ? "" : d->defect[r->member[0]]->id);
    if (d->keep && r->mode == 0 && r->seed == 0 && folder("%s", raw))
        setenv("GPUP_FUZZ_FINDINGS", raw, 1);
    else
        unsetenv("GPUP_FUZZ_FINDINGS");
}

static void set_environment(const struct detection *d, const struct detect_run *r) {
    char implementation[PATH_ROOM], rules[2048] = "";
    detect_driver(d, r, implementation, sizeof implementation);
    rules_of(d, r, rules, sizeof rules);
    set_target_environment(d->o, true);
    set_findings(d, r);
    unsetenv("GPUP_FUZZ_STOP");
    unsetenv("GPUP_FUZZ_WANT");
    setenv("GPUP_FUZZ_IMPL", implementation, 1);
    setenv(r->members > 1 ? "GPUP_FUZZ_WANT" : "GPUP_FUZZ_STOP", rules, 1);
    setenv("GPUP_FUZZ_NEGATIVE", "1", 1);
    setenv("GPUP_FUZZ_STRICT", "1", 1);
    setenv("GPUP_FUZZ_BYTES", r->mode ? "1" : "0", 1);
    setenv("GPUP_FUZZ_STATES", r->mode ? "0" : "1", 1);
}

static _Noreturn void become(const struct detection *d, const struct detect_run *r) {
    char target[PATH_ROOM], seed[32], runs[48], log[PATH_ROOM], prefix[PATH_ROOM], seeds[PATH_ROOM];
    snprintf(target, sizeof target, "%s/fuzz_program", d->o->tools);
    snprintf(seed, sizeof seed, "-seed=%u", r->seed + 1u);
    snprintf(runs, sizeof runs, "-runs=%llu", (unsigned long long)r->cap);
    snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/crashes/", d->o->out);
    snprintf(seeds, sizeof seeds, "-seed_inputs=@%s/seeds.txt", d->o->out);
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

/* Executions until the fault was found, which has its line in what a process with several printed; 0: it was
 * not. */
static uint64_t found_in(const char *text, const char *id) {
    char word[32];
    snprintf(word, sizeof word, "\nFOUND %s ", id);
    const char *line = text ? strstr(text, word) : NULL;
    return line ? number_after(line, " after ") : 0;
}

/* Memory damage counts when a rule could not speak any more: the sanitizer spoke instead. false: it ended
 * before it should. */
static bool read_alone(struct detection *d, const struct detect_run *r, const char *text) {
    const char *stopped = text ? strstr(text, "STOPPED ") : NULL;
    uint64_t ran = number_after(text, "stat::number_of_executed_units: ");
    struct detected c = {.company = false};
    if (stopped)
        c.taken = number_after(stopped, " after ");
    else if (text && strstr(text, "ERROR: AddressSanitizer"))
        c.taken = ran;
    c.tried = c.taken ? c.taken : r->cap;
    if (!c.taken && ran < r->cap)
        return false;
    d->of[r->member[0]][r->mode][r->seed] = c;
    return true;
}

/* false: some are open, and the process is not at its end. */
static bool read_company(struct detection *d, const struct detect_run *r, const char *text) {
    bool whole = number_after(text, "stat::number_of_executed_units: ") >= r->cap, all = true;
    for (unsigned i = 0; i < r->members; i++) {
        struct detected c = {.taken = found_in(text, d->defect[r->member[i]]->id), .company = true};
        c.tried = c.taken ? c.taken : r->cap;
        if (c.taken || whole)
            d->of[r->member[i]][r->mode][r->seed] = c;
        else
            all = false;
    }
    return all;
}

static void read_result(struct detection *d, const struct detect_run *r, struct detect_plan *plan) {
    char path[PATH_ROOM];
    size_t size;
    log_of(d, r, path, sizeof path);
    char *text = read_file(path, &size);
    if (r->members > 1) {
        if (!read_company(d, r, text) && plan && !detect_part(d, r, plan))
            d->failed = true;
    } else if (plan && !read_alone(d, r, text)) {
        fprintf(stderr, "gpup-fuzz: %s with seed %u did not run to its end, see %s\n",
                d->defect[r->member[0]]->id, r->seed + 1, path);
        d->failed = true;
    }
    free(text);
}

static bool over(const struct detection *d, time_t began) {
    return d->seconds && (uint64_t)(time(NULL) - began) >= d->seconds;
}

/* What runs when the time is over is not measured; what was found in company until then is. */
static void end_all(struct detection *d, struct detect_run *running) {
    for (unsigned i = 0; i < d->jobs; i++)
        if (running[i].pid) {
            kill(running[i].pid, SIGKILL);
            waitpid(running[i].pid, NULL, 0);
            read_result(d, &running[i], NULL);
        }
    detection_write(d);
}

static bool start(struct detection *d, struct detect_run *r) {
    r->pid = fork();
    if (r->pid == 0)
        become(d, r);
    d->failed |= r->pid < 0;
    r->pid = r->pid < 0 ? 0 : r->pid;
    return r->pid != 0;
}

static void carry_out(struct detection *d, struct detect_plan *plan, time_t began) {
    struct detect_run running[MAX_WORKERS] = {{0}};
    size_t next = 0;
    unsigned busy = 0;
    while (next < plan->count || busy) {
        for (unsigned i = 0; i < d->jobs; i++)
            if (!running[i].pid && next < plan->count) {
                running[i] = plan->run[next++];
                busy += start(d, &running[i]);
            }
        pid_t pid = waitpid(-1, NULL, d->seconds ? WNOHANG : 0);
        for (unsigned i = 0; i < d->jobs; i++)
            if (pid > 0 && running[i].pid == pid) {
                read_result(d, &running[i], plan);
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

/* The cap after this one: ten times as much, and the end of being alone and the end of all are not passed. */
static uint64_t step(const struct detection *d, uint64_t cap) {
    uint64_t next = cap ? 10 * cap : FIRST_CAP;
    if (cap < d->alone && next > d->alone)
        next = d->alone;
    return d->alone == 0 || next > d->cap ? d->cap : next;
}

void detect_measure(struct detection *d) {
    time_t began = time(NULL);
    for (uint64_t cap = 0; cap < d->cap && !over(d, began);) {
        struct detect_plan plan = {.count = 0};
        cap = step(d, cap);
        if (detect_plan(d, cap, cap > d->alone, &plan))
            carry_out(d, &plan, began);
        else
            d->failed = true;
        free(plan.run);
    }
}
