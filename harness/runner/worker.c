#include "worker.h"

#include "protocol.h"

#include <gpup/coverage.h>
#include <gpup/world.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Of an image, where it is asked for. */
struct coverage {
    struct gpup_coverage_file file;
    struct gpup_cover *breakpoints;
    struct gpup_counters counters; /* start NULL: none */
};

struct running {
    struct writer *writer;
    struct coverage *coverage;
    uint32_t index;
};

/* At each event: a program that crashes or hangs keeps what it reached until then. */
static void count(struct coverage *c) {
    if (c->counters.start)
        gpup_counters_take(&c->counters, &c->file.points, c->file.hit);
}

static void done(struct writer *w, uint32_t index, enum gpup_outcome outcome, enum process_state state) {
    uint8_t bytes[6];
    memcpy(bytes, &index, sizeof index);
    bytes[4] = (uint8_t)outcome;
    bytes[5] = (uint8_t)state;
    writer_put(w, MESSAGE_DONE, bytes, sizeof bytes);
    writer_flush(w);
}

/* An implementation that took all memory leaves a process in which no result can be trusted. */
static bool exhausted(void) {
    void *volatile probe = malloc((size_t)1 << 20);
    free(probe);
    return !probe;
}

static void on_event(void *context, const struct gpup_event *event) {
    struct running *r = context;
    count(r->coverage);
    bool next = event->kind == GPUP_EVENT_CALL || event->kind == GPUP_EVENT_STEP;
    if ((next || event->kind == GPUP_EVENT_END) && exhausted()) { /* after the readings of the last call */
        done(r->writer, r->index, GPUP_CRASH, PROCESS_EXHAUSTED);
        _exit(1);
    }
    writer_event(r->writer, event);
    if (next) /* whatever the implementation does in the call, what came before it is out of its reach */
        writer_flush(r->writer);
}

/* The programs are the parent's data that the implementation has no business with: if it changed them it
 * wrote over the process, and no later result of this process can be trusted. */
static uint64_t checksum(const struct gpup_run_options *o) {
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < o->program_count; i++) {
        const struct gpup_program *p = &o->programs[i].program;
        const uint8_t *bytes = (const uint8_t *)p->steps;
        for (size_t k = 0; k < p->step_count * sizeof *p->steps; k += 7)
            h = (h ^ bytes[k]) * 0x100000001B3u;
    }
    return h;
}

/* A driver that eats memory must hurt itself only. The sanitizer's shadow cannot live under such a limit. */
static void limit_memory(void) {
#ifndef SANITIZED
    struct rlimit limit = {(rlim_t)6 << 30, (rlim_t)6 << 30};
    setrlimit(RLIMIT_DATA, &limit);
#endif
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
}

static void redirect_output(const struct gpup_run_options *o) {
    char path[4096] = "/dev/null";
    if (o->out)
        snprintf(path, sizeof path, "%s/driver.log", o->out);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* By name, so that selecting or sharding changes no program. */
static uint64_t program_seed(uint64_t seed, const char *name) {
    uint64_t h = seed * 0x9E3779B97F4A7C15u ^ 0xCBF29CE484222325u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001B3u;
    return h;
}

static enum gpup_outcome run(const struct gpup_run_options *o, const struct gpup_binding *binding,
                             const struct order *order, struct coverage *coverage, struct writer *w) {
    const struct gpup_program *program = &o->programs[order->index].program;
    struct running running = {w, coverage, order->index};
    struct gpup_trace_sink sink = {on_event, &running};
    struct gpup_world_config config = program->world;
    char message[256];
    if (o->seeded)
        config.seed = program_seed(o->seed, o->programs[order->index].name);
    if (order->variant == VARIANT_OTHER_FILL)
        config.fill ^= 1;
    struct gpup_world *world =
        gpup_world_new(binding->implementation, binding->image, &config, &sink, message, sizeof message);
    if (!world)
        return GPUP_ERROR;
    gpup_world_give_files(world, o->files);
    enum gpup_outcome outcome = gpup_world_run(world, program);
    gpup_world_free(world);
    count(coverage);
    return outcome;
}

/* true: there is nothing wrong with it. */
static bool cover(const struct gpup_binding *binding, struct coverage *c, char *message,
                  size_t message_size) {
    const char *path = binding->pe ? getenv("GPUP_IMAGE_COVERAGE") : NULL;
    if (!path)
        return true;
    if (!gpup_coverage_open(path, &c->file, message, message_size))
        return false;
    if (!c->file.points.counted) {
        c->breakpoints = gpup_cover_arm(binding, &c->file.points, c->file.hit, message, message_size);
        return c->breakpoints != NULL;
    }
    snprintf(message, message_size, "%.200s: %.200s is of an image with counters, which this one has not",
             path, binding->name);
    return gpup_image_counters(binding, &c->counters);
}

int worker_main(const struct gpup_run_options *options, int commands, int events) {
    struct writer w = {.fd = events};
    struct gpup_binding binding;
    struct coverage coverage = {0};
    char message[512];
    struct order order;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    redirect_output(options);
    limit_memory();
    uint64_t before = checksum(options);
    if (gpup_binding_open(&binding, options->implementation, options->known, message, sizeof message) != 0 ||
        !cover(&binding, &coverage, message, sizeof message)) {
        writer_put(&w, MESSAGE_FAILED, message, strlen(message));
        writer_flush(&w);
        return 3;
    }
    const char *build = binding.implementation->build ? binding.implementation->build : "";
    writer_put(&w, MESSAGE_READY, build, strnlen(build, 127));
    writer_flush(&w);
    while (read(commands, &order, sizeof order) == (ssize_t)sizeof order &&
           order.index < options->program_count) {
        enum gpup_outcome outcome = run(options, &binding, &order, &coverage, &w);
        done(&w, order.index, outcome, checksum(options) != before ? PROCESS_DAMAGED : PROCESS_INTACT);
        if (w.failed)
            break; /* the parent sees the end of the pipe */
    }
    free(w.bytes);
    gpup_cover_free(coverage.breakpoints);
    gpup_counters_free(&coverage.counters);
    gpup_coverage_close(&coverage.file);
    gpup_binding_close(&binding);
    return 0;
}
