/*
 * What an execution costs: fixed programs of 8 DDI calls in libFuzzer's loop, one after another, whatever it
 * offers. GPUP_FUZZ_PROGRAMS is a folder of programs; each is cut behind the step that makes its 8th call,
 * and left to the others when no cut has 8. Between two turns one of the others runs, whole and off the
 * clock, and now and then one more of them joins. That is for libFuzzer, which keeps count of the features
 * that are rarest and goes over that list when it meets a new one, as it always does in a campaign: of a few
 * programs over and over it would hold every feature to be rare, and spend more on these than on the rest.
 * At exit a line per program:
 * `SPEED NAME us T`, see clock.h; with GPUP_FUZZ_PARTS=1 also `PART NAME P`, percentages of the time on it.
 */
#include "clock.h"
#include "settings.h"
#include "target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#define CALLS 8u
#define PROGRAMS 512u
#define LARGEST 65536u     /* bytes of a program */
#define TURN 8u            /* executions of one program in a row: a mutator goes on from one for a while */
#define PERIOD (TURN + 1u) /* and one of the others */
#define TURNS 512u
#define JOINS 4u /* turns until one more of the others is known */

static struct candidate {
    char *name;
    uint8_t *bytes;
    size_t size;
    double us[TURNS];
    unsigned turns;
} programs[PROGRAMS], others[PROGRAMS];
static size_t count, other_count;

static struct fuzz_engine *engine;
static uint64_t executions;
static double turn_started;
static struct fuzz_clock parts;
static bool parts_wanted;
static uint64_t ticks, turn_ticks; /* of all turns; when this one began */
static struct fuzz_clock parts_before;
static double wall_started;
static unsigned calls;

static void count_calls(void *context, const struct gpup_event *e) {
    (void)context;
    calls += e->kind == GPUP_EVENT_CALL;
}

static void report_parts(void) {
    double all = (double)ticks;
    double rest = (double)(parts.all - parts.restore - parts.judge - parts.calls);
    fprintf(stderr,
            "PART libfuzzer %.1f\nPART restore %.1f\nPART judge %.1f\nPART calls %.1f\nPART world %.1f\n",
            100 * (all - (double)parts.all) / all, 100 * (double)parts.restore / all,
            100 * (double)parts.judge / all, 100 * (double)parts.calls / all, 100 * rest / all);
}

static void report(void) {
    if (parts_wanted)
        report_parts();
    for (size_t i = 0; i < count; i++) {
        struct candidate *c = &programs[i];
        fprintf(stderr, "SPEED %s us %.4f\n", c->name, fuzz_clock_typical(c->us, c->turns));
    }
}

/* Calls that the first `steps` steps make. */
static unsigned calls_of(const uint8_t *bytes, size_t size, size_t steps) {
    struct gpup_program p;
    calls = 0;
    if (!gpup_program_decode(bytes, size, &p))
        return 0;
    p.step_count = steps < p.step_count ? steps : p.step_count;
    fuzz_engine_run(engine, &p);
    gpup_program_free(&p);
    return calls;
}

static bool cut(struct candidate *c) {
    struct gpup_program p;
    size_t steps = 0, all = 0;
    if (gpup_program_decode(c->bytes, c->size, &p)) {
        all = p.step_count;
        while (steps < all && calls_of(c->bytes, c->size, steps) < CALLS)
            steps++;
        p.step_count = steps;
        c->size = gpup_program_encode(&p, c->bytes, c->size);
        p.step_count = all;
        gpup_program_free(&p);
    }
    return calls_of(c->bytes, c->size, steps) == CALLS;
}

static bool load(const char *folder, const char *name, struct candidate *c) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    *c = (struct candidate){.name = strdup(name), .bytes = malloc(LARGEST)};
    if (file && c->bytes)
        c->size = fread(c->bytes, 1, LARGEST, file);
    if (file)
        fclose(file);
    return c->name && c->size;
}

static void take(const char *folder, const char *name) {
    struct candidate *c = &programs[count], *other = &others[other_count];
    if (load(folder, name, c) && cut(c)) {
        count++;
        return;
    }
    free(c->name);
    free(c->bytes);
    *c = (struct candidate){0};
    other_count += load(folder, name, other); /* whole */
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const struct gpup_trace_sink tap = {count_calls, NULL};
    const char *folder = getenv("GPUP_FUZZ_PROGRAMS");
    struct dirent **names;
    (void)argc;
    (void)argv;
    engine = fuzz_target_engine(false, true);
    fuzz_engine_tap(engine, &tap);
    int found = scandir(folder ? folder : ".", &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        if (names[i]->d_name[0] != '.' && count < PROGRAMS && other_count < PROGRAMS)
            take(folder, names[i]->d_name);
        free(names[i]);
    }
    if (found >= 0)
        free(names);
    if (count == 0) {
        fputs("GPUP_FUZZ_PROGRAMS: expected a folder of programs\n", stderr);
        exit(2);
    }
    fuzz_engine_tap(engine, NULL);
    atexit(report);
    return 0;
}

static void execute(const struct candidate *c) {
    struct gpup_program p;
    if (gpup_program_decode(c->bytes, c->size, &p))
        fuzz_target_run(engine, &p);
}

static double wall_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void begin_turn(void) {
    fuzz_engine_clock(engine, parts_wanted ? &parts : NULL);
    parts_before = parts;
    wall_started = wall_us();
    turn_ticks = __rdtsc();
    turn_started = fuzz_clock_us();
}

static void end_turn(struct candidate *c) {
    double now = fuzz_clock_us(), used = now - turn_started;
    if (wall_us() - wall_started < used + used / 8)
        ticks += __rdtsc() - turn_ticks;
    else
        parts = parts_before; /* others had the processor, and ticks go on meanwhile */
    fuzz_engine_clock(engine, NULL);
    if (c->turns < TURNS)
        c->us[c->turns++] = (now - turn_started) / TURN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t turn = executions / PERIOD;
    struct candidate *c = &programs[turn % count];
    (void)data;
    (void)size;
    if (!executions)
        parts_wanted = fuzz_flag("GPUP_FUZZ_PARTS");
    if (executions % PERIOD == 0)
        begin_turn();
    if (executions % PERIOD == TURN)
        end_turn(c);
    bool between = executions++ % PERIOD == TURN && other_count;
    uint64_t known = turn / JOINS + 1 < other_count ? turn / JOINS + 1 : other_count;
    execute(between ? &others[turn % known] : c);
    return 0;
}
