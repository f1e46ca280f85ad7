/* A stored trace, judged again: what a run concluded from it while it was made. */
#include "where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stored {
    struct gpup_judge *judge;
    const struct gpup_trace_sink *tap;
    struct gpup_program_result *result;
    char *spec;
    bool ended, hung;
};

static void take(struct stored *s, const struct gpup_event *e) {
    struct gpup_program_result *r = s->result;
    r->events++;
    r->calls += e->kind == GPUP_EVENT_CALL;
    gpup_judge_event(s->judge, e);
    if (s->tap)
        s->tap->event(s->tap->context, e);
    if (e->kind == GPUP_EVENT_WORLD && !*s->spec)
        snprintf(s->spec, 32, "%.*s", (int)(e->data_size < 31 ? e->data_size : 31), (const char *)e->data);
    if (e->kind == GPUP_EVENT_STEP) {
        r->step = e->step;
        if (e->f[GPUP_STEP_class] > r->class && e->f[GPUP_STEP_class] < GPUP_CLASSES)
            r->class = (uint8_t)e->f[GPUP_STEP_class];
    }
    s->hung = s->hung || e->kind == GPUP_EVENT_HANG;
    if (e->kind == GPUP_EVENT_END) {
        s->ended = true;
        r->outcome = e->f[GPUP_END_outcome] <= GPUP_CRASH ? (uint8_t)e->f[GPUP_END_outcome] : GPUP_ERROR;
    }
}

static bool copy(struct stored *s) {
    struct gpup_program_result *r = s->result;
    const struct gpup_finding *findings;
    gpup_judge_end(s->judge);
    r->finding_count = gpup_judge_findings(s->judge, &findings);
    r->rules = calloc(gpup_spec_counts.rules, sizeof *r->rules);
    r->findings = calloc(r->finding_count + 1, sizeof *r->findings);
    if (!r->rules || !r->findings)
        return false;
    memcpy(r->rules, gpup_judge_results(s->judge), gpup_spec_counts.rules * sizeof *r->rules);
    if (r->finding_count)
        memcpy(r->findings, findings, r->finding_count * sizeof *r->findings);
    where_tell(r, NULL);
    r->offers = gpup_judge_offers(s->judge);
    r->done = true;
    if (r->outcome == GPUP_CRASH && s->hung)
        r->outcome = GPUP_TIMEOUT;
    gpup_program_result_settle(r, gpup_judge_overflowed(s->judge));
    return true;
}

static int read_all(struct stored *s, const uint8_t *bytes, size_t size, char *message, size_t message_size) {
    struct gpup_trace_reader reader;
    struct gpup_event e;
    size_t at;
    int rc = gpup_trace_open(&reader, bytes, size);
    while (at = reader.offset, rc >= 0 && (rc = gpup_trace_next(&reader, &e)) == 1) {
        for (; at < reader.offset; at++)
            s->result->trace_hash = (s->result->trace_hash ^ bytes[at]) * 0x100000001B3u;
        take(s, &e);
    }
    if (rc < 0)
        snprintf(message, message_size, "at byte %zu: %s", reader.offset, reader.message);
    else if (!s->ended) /* a verdict on half of it would be a guess */
        snprintf(message, message_size, "at byte %zu: the trace stops before its END event; it was cut short",
                 size);
    return rc < 0 || !s->ended ? -1 : 0;
}

int gpup_trace_judge(const void *bytes, size_t size, const struct gpup_trace_sink *tap,
                     struct gpup_program_result *result, char spec[32], char *message, size_t message_size) {
    struct stored s = {gpup_judge_new(), tap, result, spec, false, false};
    *result = (struct gpup_program_result){
        .ddi = GPUP_SPEC_NONE, .step = GPUP_NO_STEP, .trace_hash = 0xCBF29CE484222325u};
    memset(spec, 0, 32);
    snprintf(message, message_size, "out of memory");
    int rc = s.judge ? read_all(&s, bytes, size, message, message_size) : -1;
    if (rc == 0 && !copy(&s)) {
        snprintf(message, message_size, "out of memory");
        rc = -1;
    }
    gpup_judge_free(s.judge);
    return rc;
}
