#include "describe.h"
#include "slot.h"
#include "where.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_BATCH 16u
#define MAX_JOBS 64u

struct run {
    const struct gpup_run_options *options;
    struct gpup_results *results;
    struct slot slot[MAX_JOBS];
    unsigned jobs;
    uint32_t *queue; /* indices still to run; those to run alone at the end */
    size_t queued, taken;
    uint32_t *alone;
    size_t alone_count;
    size_t done, total;
    bool enough;
    char *message;
    size_t message_size;
};

void gpup_program_result_free(struct gpup_program_result *result) {
    free(result->name);
    free(result->why);
    free(result->rules);
    where_free(result);
    free(result->findings);
    *result = (struct gpup_program_result){0};
}

void gpup_results_free(struct gpup_results *results) {
    for (size_t i = 0; i < results->program_count; i++)
        gpup_program_result_free(&results->programs[i]);
    free(results->programs);
    results->programs = NULL;
    results->program_count = 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct gpup_program_result *)a)->name,
                  ((const struct gpup_program_result *)b)->name);
}

void gpup_results_sort(struct gpup_results *results) {
    if (results->program_count)
        qsort(results->programs, results->program_count, sizeof *results->programs, by_name);
}

static bool known(const struct gpup_results *results, const char *name) {
    for (size_t i = 0; i < results->program_count; i++)
        if (strcmp(results->programs[i].name, name) == 0)
            return true;
    return false;
}

/* Shards by place among all programs of the run, so that the shards of one run cover it exactly. */
static bool plan(struct run *r) {
    const struct gpup_run_options *o = r->options;
    r->queue = calloc(o->program_count + 1, sizeof *r->queue);
    r->alone = calloc(o->program_count + 1, sizeof *r->alone);
    if (!r->queue || !r->alone)
        return false;
    for (size_t k = 0; k < o->program_count; k++) {
        size_t i = o->reverse ? o->program_count - 1 - k : k;
        if (o->shard_count > 1 && i % o->shard_count != o->shard_index - 1)
            continue;
        r->total++;
        if (known(r->results, o->programs[i].name))
            r->done++;
        else
            r->queue[r->queued++] = (uint32_t)i;
    }
    return true;
}

static void write_trace(const struct gpup_run_options *o, const struct slot *s,
                        const struct gpup_program_result *p) {
    char path[4096];
    bool failed = p->finding_count || p->outcome != GPUP_COMPLETE;
    if (!o->out || (!failed && !o->all_traces) || s->trace.failed)
        return;
    snprintf(path, sizeof path, "%s/traces", o->out);
    mkdir(path, 0777);
    int at = snprintf(path, sizeof path, "%s/traces/%s.trace", o->out, p->name);
    for (char *c = path + strlen(o->out) + 8; at > 0 && *c; c++)
        if (*c == '/')
            *c = '-';
    FILE *file = fopen(path, "wb");
    if (!file)
        return;
    fwrite(s->trace.bytes, 1, s->trace.size, file);
    fclose(file);
}

static bool keep(struct run *r, struct slot *s) {
    struct gpup_results *all = r->results;
    struct gpup_program_result *grown = realloc(all->programs, (all->program_count + 1) * sizeof *grown);
    if (!grown)
        return false;
    all->programs = grown;
    struct gpup_program_result *p = &grown[all->program_count++];
    *p = s->result;
    s->result = (struct gpup_program_result){0};
    r->done++;
    write_trace(r->options, s, p);
    if (r->options->out && !gpup_journal_append(r->options->out, p)) {
        snprintf(r->message, r->message_size, "%s/events.jsonl: cannot be written: %s", r->options->out,
                 strerror(errno));
        return false;
    }
    if (r->options->progress)
        r->options->progress(r->options->context, r->done, r->total, p);
    r->enough = r->enough || (r->options->enough && r->options->enough(r->options->context, p));
    return true;
}

/* Next program for a worker; a worker that has run its batch, or a program that must be alone, gets a new
 * process. */
static bool feed(struct run *r, struct slot *s) {
    unsigned batch = r->options->batch ? r->options->batch : DEFAULT_BATCH;
    if (r->enough)
        slot_end(s);
    if (s->busy || r->enough)
        return true;
    bool more = r->taken < r->queued, lone = !more && r->alone_count;
    if (!more && !lone) {
        slot_end(s);
        return true;
    }
    if (s->pid && (s->ran >= batch || (lone && s->ran)))
        slot_end(s);
    if (!s->pid)
        return slot_spawn(s);
    if (!s->ready)
        return true;
    return slot_give(s, more ? r->queue[r->taken++] : r->alone[--r->alone_count]);
}

/* Written once per run; results say what the first worker found. */
static void note_build(struct run *r, const struct slot *s) {
    if (!s->build[0] || r->results->build[0])
        return;
    snprintf(r->results->build, sizeof r->results->build, "%s", s->build);
    if (r->options->out)
        gpup_journal_append_build(r->options->out, s->build);
}

/* false: the run is over, message says why. */
static bool act(struct run *r, struct slot *s, enum slot_news news) {
    note_build(r, s);
    switch (news) {
    case SLOT_DONE:
        return keep(r, s);
    case SLOT_LOST:
        r->alone[r->alone_count++] = s->index;
        return true;
    case SLOT_FAILED:
        snprintf(r->message, r->message_size, "%s", s->why);
        return false;
    default:
        return true;
    }
}

static bool wait_for_news(struct run *r) {
    struct pollfd fds[MAX_JOBS];
    struct slot *of[MAX_JOBS];
    nfds_t count = 0;
    for (unsigned i = 0; i < r->jobs; i++)
        if (r->slot[i].pid) {
            of[count] = &r->slot[i];
            fds[count++] = (struct pollfd){.fd = r->slot[i].events, .events = POLLIN};
        }
    if (poll(fds, count, 100) < 0 && errno != EINTR)
        return false;
    for (nfds_t i = 0; i < count; i++) {
        enum slot_news news = fds[i].revents ? slot_read(of[i]) : SLOT_NOTHING;
        if (news == SLOT_NOTHING)
            news = slot_check_time(of[i]);
        if (!act(r, of[i], news))
            return false;
    }
    return true;
}

static bool loop(struct run *r) {
    for (;;) {
        bool working = false;
        for (unsigned i = 0; i < r->jobs; i++) {
            if (!feed(r, &r->slot[i])) {
                /* the pipe of a worker that just ended: its end is read, and the program goes to another */
                if (!r->slot[i].pid)
                    return false;
            }
            working = working || r->slot[i].pid;
        }
        if (!working)
            return true;
        if (!wait_for_news(r))
            return false;
    }
}

static int prepare_directory(const struct gpup_run_options *o, struct gpup_results *results, char *message,
                             size_t size) {
    if (!o->out)
        return 0;
    if (mkdir(o->out, 0777) != 0 && errno != EEXIST) {
        snprintf(message, size, "%s: cannot be made: %s", o->out, strerror(errno));
        return 2;
    }
    if (!o->resume)
        return gpup_journal_create(o->out, results, message, size);
    struct gpup_results wanted = *results;
    int rc = gpup_journal_read(o->out, true, results, message, size);
    if (rc != 0)
        return rc;
    if (strcmp(wanted.implementation_hash, results->implementation_hash) != 0 ||
        strcmp(wanted.implementation, results->implementation) != 0 ||
        strcmp(wanted.profile, results->profile) != 0 || strcmp(wanted.select, results->select) != 0 ||
        strcmp(wanted.plan, results->plan) != 0 || wanted.shard_index != results->shard_index ||
        wanted.shard_count != results->shard_count || wanted.seed != results->seed ||
        wanted.seeded != results->seeded || strcmp(wanted.files, results->files) != 0) {
        snprintf(message, size,
                 "%s/events.jsonl: belongs to another run (implementation, profile, selection, shard, seed "
                 "or files differ); leave out --resume, or choose another --out",
                 o->out);
        return 2;
    }
    return 0;
}

int gpup_run(const struct gpup_run_options *options, struct gpup_results *results, char *message,
             size_t message_size) {
    struct run *r = calloc(1, sizeof *r);
    message[0] = 0;
    describe_run(options, results);
    int rc = r ? prepare_directory(options, results, message, message_size) : 3;
    if (rc != 0) {
        free(r);
        gpup_results_free(results);
        return rc;
    }
    *r = (struct run){
        .options = options, .results = results, .message = message, .message_size = message_size};
    bool ok = plan(r);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    sigaction(SIGPIPE, &ignore, &old); /* a worker that died is seen by its pipe's end */
    unsigned jobs = options->jobs ? options->jobs : 1;
    jobs = jobs < MAX_JOBS ? jobs : MAX_JOBS;
    jobs = jobs > r->queued && r->queued ? (unsigned)r->queued : jobs;
    for (r->jobs = 0; ok && r->jobs < jobs; r->jobs++)
        ok = slot_init(&r->slot[r->jobs], options);
    ok = ok && loop(r);
    for (unsigned i = 0; i < r->jobs; i++)
        slot_free(&r->slot[i]);
    sigaction(SIGPIPE, &old, NULL);
    free(r->queue);
    free(r->alone);
    free(r);
    gpup_results_sort(results);
    if (!ok && !message[0])
        snprintf(message, message_size, "out of memory or processes");
    if (!ok)
        gpup_results_free(results);
    return ok ? 0 : 3;
}
