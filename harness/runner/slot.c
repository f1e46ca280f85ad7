#include "slot.h"

#include "where.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS 20000u
#define PATIENCE 4u    /* times the limit, for a worker that the machine gave less than the limit */
#define LEAVE_MS 10000 /* for a worker that is asked to go */

bool slot_init(struct slot *slot, const struct gpup_run_options *options) {
    *slot = (struct slot){.options = options, .commands = -1, .events = -1};
    slot->judge = gpup_judge_new();
    return slot->judge != NULL;
}

void slot_kill(struct slot *slot) {
    if (slot->commands >= 0)
        close(slot->commands);
    if (slot->events >= 0)
        close(slot->events);
    if (slot->pid > 0) {
        kill(slot->pid, SIGKILL);
        while (waitpid(slot->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    slot->pid = 0;
    slot->commands = slot->events = -1;
    slot->ready = false;
    slot->ran = 0;
    slot->reader.used = slot->reader.taken = 0;
}

void slot_end(struct slot *slot) {
    struct order leave = {UINT32_MAX, 0};
    struct pollfd fd = {.fd = slot->events};
    if (slot->pid > 0 && slot->ready && !slot->busy &&
        write(slot->commands, &leave, sizeof leave) == (ssize_t)sizeof leave)
        poll(&fd, 1, LEAVE_MS); /* until the other end is closed */
    slot_kill(slot);
}

void slot_free(struct slot *slot) {
    slot_end(slot);
    gpup_judge_free(slot->judge);
    gpup_trace_free(&slot->trace);
    twin_free(&slot->twin[0]);
    twin_free(&slot->twin[1]);
    gpup_program_result_free(&slot->result);
    free(slot->reader.bytes);
}

bool slot_spawn(struct slot *slot) {
    int down[2] = {-1, -1}, up[2] = {-1, -1};
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0)
        return false;
    fflush(NULL);
    slot->pid = fork();
    if (slot->pid == 0) {
        close(down[1]);
        close(up[0]);
        _exit(worker_main(slot->options, down[0], up[1]));
    }
    close(down[0]);
    close(up[1]);
    slot->commands = down[1];
    slot->events = up[0];
    fcntl(slot->events, F_SETFL, O_NONBLOCK);
    clock_gettime(CLOCK_MONOTONIC, &slot->started);
    slot->used = 0;
    return slot->pid > 0;
}

uint32_t slot_elapsed_ms(const struct slot *slot) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((now.tv_sec - slot->started.tv_sec) * 1000 +
                      (now.tv_nsec - slot->started.tv_nsec) / 1000000);
}

/* CPU time of the worker. */
static uint32_t used_ms(const struct slot *slot) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(slot->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return UINT32_MAX;
    return (uint32_t)(used.tv_sec * 1000 + used.tv_nsec / 1000000);
}

/* A machine with other work is no hang of the driver; a driver that sleeps is one in the end. */
static bool has_time(const struct slot *slot, uint32_t limit) {
    uint32_t elapsed = slot_elapsed_ms(slot), used = used_ms(slot);
    return elapsed < limit || (elapsed / PATIENCE < limit && used != UINT32_MAX && used - slot->used < limit);
}

static bool send_order(struct slot *slot, uint32_t variant) {
    struct order order = {slot->index, variant};
    slot->variant = variant;
    twin_reset(&slot->twin[variant != VARIANT_FIRST]);
    if (variant == VARIANT_FIRST)
        slot->differs = (struct twin_output){0};
    clock_gettime(CLOCK_MONOTONIC, &slot->started);
    slot->used = used_ms(slot);
    return write(slot->commands, &order, sizeof order) == (ssize_t)sizeof order;
}

bool slot_give(struct slot *slot, uint32_t index) {
    gpup_judge_reset(slot->judge);
    gpup_trace_free(&slot->trace);
    gpup_trace_begin(&slot->trace);
    slot->result = (struct gpup_program_result){
        .ddi = GPUP_SPEC_NONE, .step = GPUP_NO_STEP, .trace_hash = 0xCBF29CE484222325u};
    slot->index = index;
    slot->busy = true;
    slot->open_call = 0;
    slot->last_ddi = GPUP_SPEC_NONE;
    slot->hung = slot->cause_known = slot->ended = false;
    slot->start = (struct started){0};
    slot->why[0] = 0;
    return send_order(slot, VARIANT_FIRST);
}

static void hash(struct gpup_program_result *r, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        r->trace_hash = (r->trace_hash ^ bytes[i]) * 0x100000001B3u;
}

static void explain(struct slot *s, const char *what) {
    if (s->cause_known)
        return;
    s->cause_known = true;
    if (s->result.ddi == GPUP_SPEC_NONE)
        s->result.ddi = s->last_ddi; /* what it did came to light after it had returned */
    if (s->result.ddi != GPUP_SPEC_NONE && s->result.step != GPUP_NO_STEP)
        snprintf(s->why, sizeof s->why, "%s in %s, step %u", what, gpup_ddi_name(s->result.ddi),
                 s->result.step + 1);
    else if (s->result.ddi != GPUP_SPEC_NONE)
        snprintf(s->why, sizeof s->why, "%s in %s while %s", what, gpup_ddi_name(s->result.ddi),
                 s->result.calls > 1 ? "starting or stopping" : "starting");
    else if (s->result.step != GPUP_NO_STEP)
        snprintf(s->why, sizeof s->why, "%s, step %u", what, s->result.step + 1);
    else
        snprintf(s->why, sizeof s->why, "%s outside any step", what);
}

static const char *fault_words(uint64_t cause) {
    static const char *const words[] = {"fault",
                                        "read of memory that is not there",
                                        "write to memory that is not there",
                                        "execution of memory that is no code",
                                        "stack overflow",
                                        "breakpoint",
                                        "illegal or privileged instruction",
                                        "arithmetic fault",
                                        "the process ended (abort, exit, or a sanitizer's report)",
                                        "access past the end of a buffer"};
    return cause < sizeof words / sizeof *words ? words[cause] : words[0];
}

static const char *hang_words(uint64_t cause) {
    static const char *const words[] = {"hang",
                                        "endless register access",
                                        "wait that nothing can end",
                                        "endless allocation",
                                        "no return within the simulated time limit",
                                        "endless switching",
                                        "no return within the wall-clock limit"};
    return cause < sizeof words / sizeof *words ? words[cause] : words[0];
}

/* An import that nobody has, as "module!name"; services that are refused have no module. */
static void explain_misuse(struct slot *s, const struct gpup_event *e) {
    const char *import = (const char *)e->data;
    char what[280];
    if (e->f[GPUP_MISUSE_what] != GPUP_MISUSE_UNSUPPORTED || !e->data_size ||
        !memchr(e->data, '!', e->data_size))
        return;
    snprintf(what, sizeof what, "call of %.*s (a service that this suite does not play%s)", (int)e->data_size,
             import, started_advice(import, e->data_size));
    explain(s, what);
}

/* What the runner itself needs of the stream; everything else is the judge's. */
static void follow(struct slot *s, const struct gpup_event *e) {
    struct gpup_program_result *r = &s->result;
    started_follow(&s->start, e);
    switch (e->kind) {
    case GPUP_EVENT_STEP:
        r->step = e->step;
        r->class = e->f[GPUP_STEP_class] > r->class && e->f[GPUP_STEP_class] < GPUP_CLASSES
                       ? (uint8_t)e->f[GPUP_STEP_class]
                       : r->class;
        break;
    case GPUP_EVENT_CALL:
        r->calls += s->variant == VARIANT_FIRST;
        r->ddi = e->f[GPUP_CALL_ddi] < gpup_spec_counts.ddis ? (uint16_t)e->f[GPUP_CALL_ddi] : GPUP_SPEC_NONE;
        s->last_ddi = r->ddi;
        s->open_call = e->f[GPUP_CALL_call];
        break;
    case GPUP_EVENT_RETURN:
        r->ddi = GPUP_SPEC_NONE;
        s->open_call = 0;
        break;
    case GPUP_EVENT_FAULT:
        explain(s, fault_words(e->f[GPUP_FAULT_cause]));
        break;
    case GPUP_EVENT_BUGCHECK:
        explain(s, "bug check");
        break;
    case GPUP_EVENT_HANG:
        s->hung = true;
        explain(s, hang_words(e->f[GPUP_HANG_cause]));
        break;
    case GPUP_EVENT_MISUSE:
        explain_misuse(s, e);
        break;
    default:
        break;
    }
}

static void take_event(struct slot *s, const struct gpup_event *e) {
    size_t before = s->trace.size;
    s->result.events++;
    gpup_judge_event(s->judge, e);
    gpup_trace_append(&s->trace, e);
    hash(&s->result, s->trace.bytes + before, s->trace.size - before);
    if (s->tap)
        s->tap->event(s->tap->context, e);
}

/* The first run is the evidence; the others are only compared with it. */
static void route_event(struct slot *s, const struct gpup_event *e) {
    twin_event(&s->twin[s->variant != VARIANT_FIRST], e);
    follow(s, e);
    if (s->variant != VARIANT_FIRST)
        return;
    if (e->kind == GPUP_EVENT_END) {
        s->end = *e;
        s->end.data = NULL;
        s->end.data_size = 0;
        s->ended = true;
        return;
    }
    take_event(s, e);
}

/* Events the worker could not send any more: what the parent saw happen to it. */
static void add_event(struct slot *s, unsigned kind, unsigned field, uint64_t value) {
    struct gpup_event e = {.kind = (uint16_t)kind, .step = s->result.step};
    e.f[0] = kind == GPUP_EVENT_END ? 0 : s->open_call;
    e.f[field] = value;
    follow(s, &e);
    take_event(s, &e);
}

static bool copy_findings(struct slot *s) {
    struct gpup_program_result *r = &s->result;
    const struct gpup_finding *findings;
    r->finding_count = gpup_judge_findings(s->judge, &findings);
    r->rules = calloc(gpup_spec_counts.rules, sizeof *r->rules);
    r->findings = calloc(r->finding_count + 1, sizeof *r->findings);
    if (!r->rules || !r->findings)
        return false;
    r->offers = gpup_judge_offers(s->judge);
    memcpy(r->rules, gpup_judge_results(s->judge), gpup_spec_counts.rules * sizeof *r->rules);
    if (r->finding_count)
        memcpy(r->findings, findings, r->finding_count * sizeof *r->findings);
    where_tell(r, s->options->symbols);
    return true;
}

static enum slot_news finish(struct slot *s, enum gpup_outcome outcome) {
    struct gpup_program_result *r = &s->result;
    gpup_judge_end(s->judge);
    bool whole = copy_findings(s) && !gpup_judge_overflowed(s->judge);
    r->outcome = (uint8_t)outcome;
    if (outcome == GPUP_CRASH && s->hung)
        r->outcome = GPUP_TIMEOUT;
    bool complete = r->outcome == GPUP_COMPLETE;
    gpup_program_result_settle(r, !whole);
    if (!whole) {
        snprintf(s->why, sizeof s->why, "the judge ran out of room or judged a rule that is not its own");
    } else if (complete && r->outcome == GPUP_ERROR) {
        snprintf(s->why, sizeof s->why, "vacuous: the program judged no rule");
    } else if (r->outcome == GPUP_SKIPPED) {
        started_words(&s->start, s->why, sizeof s->why);
    } else if (r->outcome == GPUP_ERROR && !s->why[0]) {
        snprintf(s->why, sizeof s->why, "the world could not be made, or ran out of memory");
    }
    r->name = strdup(s->options->programs[s->index].name);
    r->source_hash = gpup_program_hash(&s->options->programs[s->index].program);
    r->why = r->outcome == GPUP_COMPLETE ? NULL : strdup(s->why);
    r->wall_ms = slot_elapsed_ms(s);
    r->done = true;
    s->busy = false;
    s->ran++;
    return SLOT_DONE;
}

/* The program ended badly. In a process that had run others it is run again alone, so that the result is its
 * own. waits: the process still takes orders. */
static enum slot_news bad_end(struct slot *s, enum gpup_outcome outcome, bool waits) {
    bool first = s->ran == 0;
    s->busy = !waits;
    slot_end(s);
    if (!first) {
        gpup_program_result_free(&s->result);
        s->busy = false;
        return SLOT_LOST;
    }
    enum slot_news news = finish(s, outcome);
    s->ran = 0;
    return news;
}

static enum slot_news died(struct slot *s, const char *what) {
    if (!s->busy) {
        slot_kill(s);
        return SLOT_NOTHING;
    }
    if (s->ran == 0) {
        explain(s, what);
        add_event(s, GPUP_EVENT_FAULT, GPUP_FAULT_cause, GPUP_FAULT_ABORT);
        add_event(s, GPUP_EVENT_END, GPUP_END_outcome, s->hung ? GPUP_TIMEOUT : GPUP_CRASH);
    }
    return bad_end(s, GPUP_CRASH, false);
}

/* What the runs after the first showed, as one event, and the END that was held back. */
static enum slot_news finish_twins(struct slot *s, unsigned what, bool equal,
                                   const struct twin_output *first) {
    struct gpup_event e = {.kind = GPUP_EVENT_TWIN, .step = GPUP_NO_STEP, .time_ns = s->end.time_ns};
    e.f[GPUP_TWIN_what] = what;
    e.f[GPUP_TWIN_equal] = equal;
    e.f[GPUP_TWIN_call] = first->call;
    e.f[GPUP_TWIN_ddi] = first->ddi;
    if (what)
        take_event(s, &e);
    take_event(s, &s->end);
    return finish(s, s->end.f[GPUP_END_outcome] <= GPUP_CRASH ? (enum gpup_outcome)s->end.f[GPUP_END_outcome]
                                                              : GPUP_ERROR);
}

/* A run came to its end well: another one, or the comparison. */
static enum slot_news next_run(struct slot *s) {
    struct twin_output first = {0};
    if (s->variant == VARIANT_FIRST) {
        if (s->options->once)
            return finish_twins(s, 0, true, &first);
        send_order(s, VARIANT_OTHER_FILL);
        return SLOT_NOTHING;
    }
    bool equal = twin_equal(&s->twin[0], &s->twin[1], &first);
    if (s->twin[0].failed || s->twin[1].failed)
        return finish_twins(s, 0, true, &first);
    if (equal)
        return finish_twins(s, VARIANT_OTHER_FILL, s->variant == VARIANT_OTHER_FILL, &s->differs);
    if (s->variant == VARIANT_AGAIN)
        return finish_twins(s, VARIANT_AGAIN, false, &first);
    s->differs = first;
    send_order(s, VARIANT_AGAIN);
    return SLOT_NOTHING;
}

static enum slot_news program_over(struct slot *s, const uint8_t *bytes, size_t size) {
    uint32_t index;
    if (size != 6 || (memcpy(&index, bytes, sizeof index), index != s->index) || bytes[4] > GPUP_CRASH)
        return died(s, "the implementation wrote over the process");
    enum gpup_outcome outcome = bytes[4];
    if (bytes[5] != PROCESS_INTACT) {
        const char *what = bytes[5] == PROCESS_EXHAUSTED ? "the implementation took all memory of the process"
                                                         : "the implementation wrote over the process";
        if (!s->ended)
            return died(s, what);
        explain(s, what);
        outcome = GPUP_CRASH;
    }
    if (outcome == GPUP_CRASH) {
        if (s->ended) { /* the trace says how it ended, too */
            s->end.f[GPUP_END_outcome] = s->hung ? GPUP_TIMEOUT : GPUP_CRASH;
            take_event(s, &s->end);
        }
        return bad_end(s, outcome, bytes[5] == PROCESS_INTACT);
    }
    if (!s->ended && outcome == GPUP_ERROR && s->result.events == 0)
        return finish(s, outcome); /* there was no world: nothing of the implementation ran */
    if (!s->ended)
        return died(s, "the implementation wrote over the process");
    return outcome == GPUP_COMPLETE ? next_run(s) : finish_twins(s, 0, true, &(struct twin_output){0});
}

/* Printable, whatever the implementation wrote there. */
static void take_build(struct slot *s, const uint8_t *bytes, size_t size) {
    size_t length = size < sizeof s->build ? size : sizeof s->build - 1;
    for (size_t i = 0; i < length; i++)
        s->build[i] = (char)(bytes[i] >= 0x20 && bytes[i] < 0x7F ? bytes[i] : '?');
    s->build[length] = 0;
}

static enum slot_news take(struct slot *s, uint8_t kind, const uint8_t *bytes, size_t size) {
    struct gpup_event e;
    switch (kind) {
    case MESSAGE_READY:
        s->ready = true;
        take_build(s, bytes, size);
        return SLOT_NOTHING;
    case MESSAGE_FAILED:
        snprintf(s->why, sizeof s->why, "%.*s", (int)size, (const char *)bytes);
        return SLOT_FAILED;
    case MESSAGE_DONE:
        return program_over(s, bytes, size);
    default:
        if (!s->busy || gpup_trace_decode(bytes, size, &e) != (long)size)
            return died(s, "the implementation wrote over the process");
        route_event(s, &e);
        return SLOT_NOTHING;
    }
}

enum slot_news slot_read(struct slot *slot) {
    int more = reader_fill(&slot->reader, slot->events);
    enum slot_news news = SLOT_NOTHING;
    uint8_t kind;
    const uint8_t *bytes;
    size_t size;
    int got = 0;
    while (news == SLOT_NOTHING && slot->pid && (got = reader_next(&slot->reader, &kind, &bytes, &size)) == 1)
        news = take(slot, kind, bytes, size);
    if (news != SLOT_NOTHING || !slot->pid)
        return news;
    if (more == 1 && got == 0)
        return SLOT_NOTHING;
    if (!slot->ready && !slot->busy) {
        snprintf(slot->why, sizeof slot->why,
                 "%s: the process ended while it loaded this: expected a whole shared object",
                 slot->options->implementation);
        return SLOT_FAILED;
    }
    return died(slot, "the process ended (abort, exit, a signal, or a sanitizer's report)");
}

enum slot_news slot_check_time(struct slot *slot) {
    uint32_t limit = slot->options->timeout_ms ? slot->options->timeout_ms : DEFAULT_TIMEOUT_MS;
    if (!slot->pid || (slot->ready && !slot->busy) || has_time(slot, limit))
        return SLOT_NOTHING;
    if (!slot->busy) {
        snprintf(slot->why, sizeof slot->why, "loading the implementation did not come back within %u ms",
                 limit);
        return SLOT_FAILED;
    }
    if (slot->ran == 0) {
        add_event(slot, GPUP_EVENT_HANG, GPUP_HANG_cause, GPUP_HANG_WALL);
        add_event(slot, GPUP_EVENT_END, GPUP_END_outcome, GPUP_TIMEOUT);
    }
    return bad_end(slot, GPUP_TIMEOUT, false);
}
