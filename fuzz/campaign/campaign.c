/* The course of a campaign: regression first, then the engines until time, runs or a signal end it, then
 * sorting. */
#include "state.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 500u
#define SYNC_TICKS 10u /* AFL++'s new inputs go to the common corpus */
#define SAY_TICKS 60u  /* a line, where there is no terminal */
#define BARREN 3u      /* lives in a row without progress, then a worker is given up */
#define BARREN_RUNS 50u

struct campaign {
    const struct options *o;
    struct worker worker[MAX_WORKERS];
    unsigned workers;
    uint64_t started;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
    (void)number;
    stopping = stopping ? 2 : 1;
}

void campaign_heed_signals(void) {
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
}

bool campaign_stopped(void) {
    return stopping;
}

bool campaign_hurried(void) {
    return stopping > 1;
}

static uint64_t now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

static size_t count_files(const struct options *o, const char *name) {
    char path[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/%s", o->out, name);
    size_t count = list_names(path, &names);
    free_names(names, count);
    return count;
}

static uint64_t left_s(const struct campaign *c) {
    uint64_t gone = now_s() - c->started;
    return c->o->seconds > gone ? c->o->seconds - gone : 0;
}

/* The share of one worker. */
static uint64_t runs_left(const struct campaign *c, const struct worker *w) {
    uint64_t share = (c->o->runs + c->workers - 1) / c->workers, done = w->before + w->now;
    return share > done ? share - done : 0;
}

static bool launch(struct campaign *c, struct worker *w) {
    uint64_t runs = c->o->runs ? runs_left(c, w) : 0;
    if (c->o->runs && runs == 0)
        return false;
    if (c->o->seconds && left_s(c) == 0)
        return false;
    return worker_start(c->o, w, left_s(c), runs);
}

static void enlist(struct campaign *c) {
    const struct options *o = c->o;
    unsigned jobs = o->libfuzzer && o->afl && o->jobs < 2 ? 2 : o->jobs;
    unsigned count[2] = {0, 0};
    for (unsigned i = 0; i < jobs && i < MAX_WORKERS; i++) {
        bool afl = o->afl && (!o->libfuzzer || i % 2);
        c->worker[c->workers++] = (struct worker){.afl = afl, .index = count[afl]++};
    }
}

/* Not a copy of what AFL++ was given, or took from the others: that is in the corpus. */
static bool is_own(const char *name) {
    return !strstr(name, ",orig:") && !strstr(name, ",sync:");
}

static void sync_afl(const struct campaign *c) {
    char from[PATH_ROOM], to[PATH_ROOM], prefix[32];
    snprintf(to, sizeof to, "%s/corpus", c->o->out);
    for (unsigned i = 0; i < c->workers; i++)
        if (c->worker[i].afl) {
            snprintf(from, sizeof from, "%s/afl/w%u/queue", c->o->out, c->worker[i].index);
            snprintf(prefix, sizeof prefix, "afl%u-", c->worker[i].index);
            copy_files(from, to, prefix, is_own);
            snprintf(from, sizeof from, "%s/afl/w%u/crashes", c->o->out, c->worker[i].index);
            snprintf(to, sizeof to, "%s/crashes", c->o->out);
            copy_files(from, to, prefix, NULL);
            snprintf(to, sizeof to, "%s/corpus", c->o->out);
        }
}

/* An engine that ended is started anew: memory damage ends a process, not a campaign. */
static unsigned tend(struct campaign *c) {
    unsigned alive = 0;
    for (unsigned i = 0; i < c->workers; i++) {
        struct worker *w = &c->worker[i];
        int status;
        if (w->ended)
            continue;
        worker_look(c->o, w);
        if (waitpid(w->pid, &status, WNOHANG) != w->pid) {
            alive++;
            continue;
        }
        w->ended = true;
        worker_look(c->o, w);
        bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        w->barren = !clean && w->now < BARREN_RUNS ? w->barren + 1 : 0;
        if (w->barren >= BARREN)
            fprintf(stderr, "\nfuzz: %s %u ends at once, again and again: see %s/log\n",
                    w->afl ? "afl" : "libfuzzer", w->index, c->o->out);
        else if (!clean && !stopping && launch(c, w))
            alive++;
    }
    return alive;
}

static uint64_t total(const struct campaign *c) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < c->workers; i++)
        sum += c->worker[i].before + c->worker[i].now;
    return sum;
}

/* One line that stays one: what does not fit the terminal is cut off. */
static void show(const char *line, bool end) {
    struct winsize size = {.ws_col = 80};
    if (!isatty(STDERR_FILENO)) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
    fprintf(stderr, "\r\033[K%.*s%s", size.ws_col > 1 ? size.ws_col - 1 : 79, line, end ? "\n" : "");
}

static void say(const struct campaign *c, bool end) {
    uint64_t executions = total(c), gone = now_s() - c->started;
    unsigned covered = 0, features = 0;
    char line[256], of[32] = "";
    for (unsigned i = 0; i < c->workers; i++) {
        covered = c->worker[i].covered > covered ? c->worker[i].covered : covered;
        features = c->worker[i].features > features ? c->worker[i].features : features;
    }
    if (c->o->seconds && !end)
        snprintf(of, sizeof of, " of %llu", (unsigned long long)c->o->seconds);
    snprintf(line, sizeof line,
             "fuzz: %llu%s s, findings %zu, crashes %zu, %llu executions, %llu/s, corpus %zu, coverage %u, "
             "features %u",
             (unsigned long long)gone, of, count_files(c->o, "raw"), count_files(c->o, "crashes"),
             (unsigned long long)executions, (unsigned long long)(gone ? executions / gone : 0),
             count_files(c->o, "corpus"), covered, features);
    show(line, end);
}

/* The folder is kept below the cap: a corpus is made small, and when that is not enough the campaign ends. */
static bool room_left(struct campaign *c) {
    char path[PATH_ROOM];
    size_t files = 0;
    if (folder_size(c->o->out, &files) >> 20 < c->o->cap_mib)
        return true;
    for (unsigned i = 0; i < c->workers; i++)
        worker_stop(&c->worker[i]);
    sync_afl(c);
    minimise(c->o);
    snprintf(path, sizeof path, "%s/afl", c->o->out); /* begins anew, from that corpus */
    remove_tree(path);
    files = 0;
    if (folder_size(c->o->out, &files) >> 20 >= c->o->cap_mib) {
        fprintf(stderr, "\nfuzz: %s is larger than %llu MiB (--cap)\n", c->o->out,
                (unsigned long long)c->o->cap_mib);
        return false;
    }
    for (unsigned i = 0; i < c->workers; i++)
        launch(c, &c->worker[i]);
    return true;
}

static void watch(struct campaign *c) {
    for (unsigned tick = 1; !stopping && tend(c); tick++) {
        usleep(TICK_MS * 1000);
        if (tick % SYNC_TICKS == 0) {
            sync_afl(c);
            if (!room_left(c))
                break;
        }
        if (!c->o->quiet && (isatty(STDERR_FILENO) ? tick % 2 == 0 : tick % SAY_TICKS == 0))
            say(c, false);
        if (c->o->seconds && left_s(c) == 0 && now_s() - c->started > c->o->seconds + 5)
            break; /* an engine that does not look at the clock */
    }
    for (unsigned i = 0; i < c->workers; i++) {
        worker_stop(&c->worker[i]);
        worker_look(c->o, &c->worker[i]);
    }
    sync_afl(c);
}

static struct memory before; /* of earlier runs */

/* 0, or the status to end with. */
static int prepare(const struct options *o) {
    static const char *const folders[] = {"corpus", "raw", "crashes", "findings", "log"};
    char path[PATH_ROOM], seeds[PATH_ROOM];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (!folder("%s/%s", o->out, folders[i]))
            return 2;
    if (!o->resume && count_files(o, "corpus")) {
        fprintf(stderr,
                "fuzz: %s has a campaign already: --resume goes on with it, another --out starts anew\n",
                o->out);
        return 2;
    }
    campaign_recall(o, &before);
    if (o->resume && !campaign_goes_on(o, &before))
        return 2;
    if (o->resume && !count_files(o, "corpus"))
        fprintf(stderr, "fuzz: there is no campaign in %s: it begins anew\n", o->out);
    int status = regression_load(o); /* before there is a campaign to go on with */
    if (status)
        return status;
    snprintf(path, sizeof path, "%s/raw", o->out);
    empty_folder(path); /* what is still there is met again */
    snprintf(path, sizeof path, "%s/corpus", o->out);
    snprintf(seeds, sizeof seeds, "%s/seeds/%s", o->tools, o->target);
    copy_files(seeds, path, "seed-", NULL);
    if (anything_unwritten())
        return 3;
    if (count_files(o, "corpus") == 0) { /* engines want one input */
        snprintf(path, sizeof path, "%s/corpus/empty", o->out);
        return write_file(path, "\0\0\0\0", 4) ? 0 : 3;
    }
    return 0;
}

/* Everything that was executed and kept is sorted and told, however little that is. */
static int conclude(const struct campaign *c, struct course *course) {
    struct sorted sorted = {0};
    const struct options *o = c->o;
    course->interrupted = stopping;
    if (stopping)
        fputs("fuzz: interrupted; once more leaves findings as they were met\n", stderr);
    course->all_executions = before.executions + total(c);
    course->all_seconds = before.seconds + course->seconds;
    campaign_remember(o,
                      &(struct memory){.executions = course->all_executions, .seconds = course->all_seconds});
    triage(o, &sorted);
    if (!campaign_hurried())
        draw_states(o);
    if (total(c) == 0 && !stopping) {
        fprintf(stderr, "fuzz: nothing was executed: see %s/log\n", o->out);
        if (!sorted.fresh)
            return 3;
    }
    summarise(o, course, &sorted);
    return sorted.fresh ? 1 : anything_unwritten() ? 3 : 0;
}

int campaign_run(struct options *o) {
    static struct campaign c;
    c.o = o;
    o->began = time(NULL);
    int status = prepare(o);
    if (status)
        return status;
    if (!o->quiet)
        show("fuzz: first what was found before", false);
    struct course course = {.worker = c.worker, .replayed = regression_replay(o)};
    o->replayed = course.replayed.whole;
    enlist(&c);
    c.started = now_s();
    for (unsigned i = 0; i < c.workers && !stopping; i++)
        launch(&c, &c.worker[i]);
    watch(&c);
    say(&c, true);
    course.seconds = now_s() - c.started;
    course.workers = c.workers;
    if (!stopping)
        oracle_replay(o);
    return conclude(&c, &course);
}
