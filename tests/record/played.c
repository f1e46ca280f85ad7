#include "played.h"

#include <gpup/spec_ids.h>
#include <gpup/world.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool recorded_write(const void *head, size_t head_size, const void *data, size_t data_size);

static struct played *current;

static void take(struct played *p, struct gpup_event *e) {
    e->host = p->host;
    p->ends += e->kind == GPUP_EVENT_END;
    p->lost += e->kind == GPUP_EVENT_LOST ? e->f[GPUP_LOST_count] : 0;
    pair_add(&p->recorder, e);
    if (e->kind != GPUP_EVENT_END) /* one for both hosts, by played_run */
        gpup_judge_event(p->seen, e);
}

static void keep_raw(struct played *p, const void *bytes, size_t size) {
    static uint8_t all[1u << 22];
    p->raw.bytes = all;
    if (p->host)
        return; /* a host has a recorder and a trace of its own */
    p->raw.failed = p->raw.failed || size > sizeof all - p->raw.size;
    if (p->raw.failed || !size)
        return;
    memcpy(all + p->raw.size, bytes, size);
    p->raw.size += size;
}

/* What the driver under test links to. Runs on its stack. */
bool recorded_write(const void *head, size_t head_size, const void *data, size_t data_size) {
    static uint8_t record[GPUP_EVENT_MAX_DATA + 4096];
    struct played *p = current;
    struct gpup_event e;
    p->records++;
    if (p->refuse && p->records >= p->refuse_from) {
        p->refuse--;
        return false;
    }
    keep_raw(p, head, head_size);
    keep_raw(p, data, data_size);
    if (head_size == 12 && memcmp(head, "GPUPTRAC", 8) == 0) {
        p->headers++;
        pair_renumber(&p->recorder, p->host); /* a driver that was loaded anew counts from 1 */
        return true;
    }
    memcpy(record, head, head_size);
    if (data_size)
        memcpy(record + head_size, data, data_size);
    p->damaged =
        p->damaged || gpup_trace_decode(record, head_size + data_size, &e) != (long)(head_size + data_size);
    if (!p->damaged)
        take(p, &e);
    return true;
}

/* The world's event comes before the driver is entered: it says whose turn it is. */
static void watch(void *context, const struct gpup_event *e) {
    struct played *p = context;
    p->host = e->host;
    p->died = p->died || e->kind == GPUP_EVENT_FAULT || e->kind == GPUP_EVENT_HANG ||
              e->kind == GPUP_EVENT_BUGCHECK;
    p->together = p->together || e->kind == GPUP_EVENT_TOGETHER;
    pair_add(&p->world, e);
    gpup_judge_event(p->full, e);
}

bool played_begin(struct played *p) {
    memset(p, 0, sizeof *p);
    p->full = gpup_judge_new();
    p->seen = gpup_judge_new();
    return p->full && p->seen;
}

void played_end(struct played *p) {
    pair_free(&p->world);
    pair_free(&p->recorder);
    gpup_judge_free(p->full);
    gpup_judge_free(p->seen);
}

bool played_run(struct played *p, const struct gpup_binding *driver, const struct gpup_program *program) {
    struct gpup_trace_sink sink = {watch, p};
    char message[256];
    unsigned refuse = p->refuse, from = p->refuse_from;
    struct gpup_judge *full = p->full, *seen = p->seen;
    pair_free(&p->world);
    pair_free(&p->recorder);
    memset(p, 0, sizeof *p);
    *p = (struct played){.full = full, .seen = seen, .refuse = refuse, .refuse_from = from};
    pair_begin(&p->world);
    pair_begin(&p->recorder);
    gpup_judge_reset(full);
    gpup_judge_reset(seen);
    current = p;
    struct gpup_world *w = gpup_world_new(driver->implementation, driver->image, &program->world, &sink,
                                          message, sizeof message);
    if (!w) {
        fprintf(stderr, "%s\n", message);
        return false;
    }
    gpup_world_run(w, program);
    gpup_world_free(w);
    gpup_judge_end(full);
    gpup_judge_end(seen);
    current = NULL;
    return true;
}

static bool is_of_the_os(const struct gpup_step *s) {
    return s->class <= GPUP_STATED && s->op != GPUP_OP_ChangeBuffer && s->op != GPUP_OP_WdfInterruptCreate;
}

bool played_is_legal(const struct gpup_program *program) {
    bool legal = !program->world.one_system; /* the recorder records one adapter */
    for (size_t i = 0; legal && i < program->step_count; i++)
        legal = is_of_the_os(&program->steps[i]);
    return legal;
}
