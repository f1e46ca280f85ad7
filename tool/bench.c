/* Figures. Both sides of each ratio are measured in one run, in turn, so that a busy machine slows both. */
#include "bench.h"

#include <gpup/scenarios.h>
#include <gpup/world.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS BENCH_ROUNDS
#define CALLS BENCH_CALLS

double bench_now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

void bench_print(const char *name, double value, const char *unit) {
    printf("%s %.3f %s\n", name, value, unit);
}

/* --- one call
 * ---------------------------------------------------------------------------------------------------- */
static void feed_judge(void *context, const struct gpup_event *event) {
    gpup_judge_event(context, event);
}

double bench_judged_ns(struct gpup_world *world, const struct gpup_step *step) {
    double start = bench_now_us();
    for (unsigned i = 0; i < CALLS; i++)
        gpup_world_step(world, step, i);
    return (bench_now_us() - start) * 1e3 / CALLS;
}

/* The same function pointer with the same arguments, called as any C code would. Only for a driver that asks
 * nothing of the kernel in this call. */
static double bare_ns(const struct gpup_world *world) {
    HANDLE adapter = NULL;
    const DRIVER_INITIALIZATION_DATA *ddis = gpup_world_ddis(world, 0, &adapter);
    DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX args = {.InterruptTableIndex = 1,
                                                .WriteValue = {0xFEE00010, 0x41, 0}};
    PDXGKDDI_WRITEVIRTUALIZEDINTERRUPT volatile function =
        ddis ? ddis->DxgkDdiWriteVirtualizedInterrupt : NULL;
    volatile NTSTATUS status = 0;
    if (!function)
        return 0;
    double start = bench_now_us();
    for (unsigned i = 0; i < CALLS; i++)
        status = function(adapter, &args);
    (void)status;
    return (bench_now_us() - start) * 1e3 / CALLS;
}

bool bench_open_started(struct gpup_binding *binding, const char *name, struct gpup_judge *judge,
                        struct gpup_world **world) {
    struct gpup_world_config config;
    struct gpup_trace_sink sink = {feed_judge, judge};
    struct gpup_step step;
    char message[512];
    gpup_world_defaults(&config);
    config.hosts = 1;
    if (gpup_binding_open(binding, name, implementation_known(), message, sizeof message) != 0) {
        usage_error("bench: %s", message);
        return false;
    }
    *world = gpup_world_new(binding->implementation, binding->image, &config, &sink, message, sizeof message);
    if (!*world)
        return false;
    gpup_world_start(*world);
    gpup_step_defaults(&step, GPUP_OP_StartVm);
    return gpup_world_step(*world, &step, 0);
}

void bench_step(struct gpup_step *step) {
    gpup_step_defaults(step, GPUP_OP_WriteVirtualizedInterrupt);
    step->f[GPUP_WriteVirtualizedInterrupt_index].number = 1;
    step->f[GPUP_WriteVirtualizedInterrupt_address].number = 0xFEE00010;
}

static void measure_call(const char *name, bool with_bare) {
    struct gpup_judge *judge = gpup_judge_new();
    struct gpup_binding binding = {0};
    struct gpup_world *world = NULL;
    struct gpup_step step;
    double judged[ROUNDS], bare[ROUNDS];
    char label[64];
    if (!judge || !bench_open_started(&binding, name, judge, &world))
        return;
    bench_step(&step);
    for (unsigned i = 0; i < ROUNDS; i++) {
        judged[i] = bench_judged_ns(world, &step);
        bare[i] = with_bare ? bare_ns(world) : 0;
    }
    double j = bench_median(judged, ROUNDS), b = bench_median(bare, ROUNDS);
    snprintf(label, sizeof label, "call_judged_%s", name);
    bench_print(label, j, "ns");
    if (with_bare && b > 0) {
        snprintf(label, sizeof label, "call_bare_%s", name);
        bench_print(label, b, "ns");
        snprintf(label, sizeof label, "call_judged_over_bare_%s", name);
        bench_print(label, j / b, "ratio");
    }
    gpup_world_free(world);
    gpup_binding_close(&binding);
    gpup_judge_free(judge);
}

/* --- a world
 * ------------------------------------------------------------------------------------------------------ */
static void ignore(void *context, const struct gpup_event *event) {
    (void)context;
    (void)event;
}

static void measure_world(void) {
    struct gpup_binding binding;
    struct gpup_world_config config;
    struct gpup_trace_sink sink = {ignore, NULL};
    struct gpup_step step;
    char message[512];
    double started[ROUNDS], restored[ROUNDS];
    gpup_world_defaults(&config);
    config.hosts = 2;
    if (gpup_binding_open(&binding, "reference", implementation_known(), message, sizeof message) != 0)
        return;
    gpup_step_defaults(&step, GPUP_OP_StartVm);
    for (unsigned i = 0; i < ROUNDS; i++) {
        double start = bench_now_us();
        struct gpup_world *w =
            gpup_world_new(binding.implementation, binding.image, &config, &sink, message, sizeof message);
        if (!w || !gpup_world_start(w))
            return;
        started[i] = bench_now_us() - start;
        gpup_world_snapshot(w);
        gpup_world_step(w, &step, 0);
        start = bench_now_us();
        gpup_world_restore(w);
        restored[i] = bench_now_us() - start;
        gpup_world_free(w);
    }
    double s = bench_median(started, ROUNDS), r = bench_median(restored, ROUNDS);
    bench_print("world_start", s, "us");
    bench_print("world_restore", r, "us");
    bench_print("world_start_over_restore", s / r, "ratio");
    gpup_binding_close(&binding);
}

/* --- whole runs
 * ---------------------------------------------------------------------------------------------------- */
static double run_ms(struct gpup_run_options *run, uint64_t *calls, size_t *programs) {
    struct gpup_results results;
    char message[1024];
    double start = bench_now_us();
    if (gpup_run(run, &results, message, sizeof message) != 0) {
        usage_error("bench: %s", message);
        return -1;
    }
    double took = (bench_now_us() - start) / 1e3;
    *calls = 0;
    for (size_t i = 0; i < results.program_count; i++)
        *calls += results.programs[i].calls;
    *programs = results.program_count;
    gpup_results_free(&results);
    return took;
}

static void measure_runs(struct gpup_run_options *run) {
    double whole[3], batched[3], alone[3];
    uint64_t calls = 0;
    size_t programs = 0;
    for (unsigned i = 0; i < 3; i++) {
        run->batch = 0;
        whole[i] = run_ms(run, &calls, &programs);
        run->batch = 1000;
        batched[i] = run_ms(run, &calls, &programs);
        run->batch = 1;
        alone[i] = run_ms(run, &calls, &programs);
        if (whole[i] < 0 || batched[i] < 0 || alone[i] < 0)
            return;
    }
    double b = bench_median(batched, 3), a = bench_median(alone, 3);
    bench_print("run_wall", bench_median(whole, 3), "ms");
    bench_print("run_programs", (double)programs, "programs");
    bench_print("run_calls", (double)calls, "calls");
    bench_print("program_batched", b / (double)programs, "ms");
    bench_print("program_alone", a / (double)programs, "ms");
    bench_print("program_alone_over_batched", a / b, "ratio");
}

/* What a driver team waits for: one job, every program of the profile. */
static void measure_profile(const char *profile) {
    struct gpup_run_program *programs = calloc(gpup_scenario_count + 1, sizeof *programs);
    struct gpup_run_options run = {.implementation = "reference",
                                   .known = implementation_known(),
                                   .jobs = 1,
                                   .shard_index = 1,
                                   .shard_count = 1};
    uint64_t calls;
    size_t count = 0;
    double wall[3];
    for (size_t i = 0; programs && i < gpup_scenario_count; i++)
        if (in_profile(&gpup_scenarios[i], profile)) {
            programs[count].name = gpup_scenarios[i].name;
            if (gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size,
                                    &programs[count].program))
                count++;
        }
    run.programs = programs;
    run.program_count = count;
    for (unsigned i = 0; i < 3; i++)
        wall[i] = run_ms(&run, &calls, &count);
    char name[64];
    snprintf(name, sizeof name, "%s_wall", profile);
    bench_print(name, bench_median(wall, 3) / 1e3, "s");
    snprintf(name, sizeof name, "%s_programs", profile);
    bench_print(name, (double)count, "programs");
    for (size_t i = 0; i < count; i++)
        gpup_program_free(&programs[i].program);
    free(programs);
}

int command_bench(const struct options *o) {
    struct gpup_run_program *programs = calloc(gpup_scenario_count + 1, sizeof *programs);
    size_t count = 0;
    bool images = o->word_count == 1 && strcmp(o->words[0], "images") == 0;
    if (o->word_count && !images)
        return free(programs), usage_error("bench: expected nothing, or the word images");
    if (images)
        return free(programs), bench_image(), 0;
    for (size_t i = 0; programs && i < gpup_scenario_count; i++) {
        programs[count].name = gpup_scenarios[i].name;
        if (gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, &programs[count].program))
            count++;
    }
    struct gpup_run_options run = {.implementation = "reference",
                                   .known = implementation_known(),
                                   .programs = programs,
                                   .program_count = count,
                                   .jobs = 1,
                                   .shard_index = 1,
                                   .shard_count = 1};
    measure_profile("smoke");
    measure_profile("certification");
    measure_runs(&run);
    measure_call("yesman", true);
    measure_call("reference", false);
    measure_world();
    bench_image();
    for (size_t i = 0; i < count; i++)
        gpup_program_free(&programs[i].program);
    free(programs);
    return 0;
}
