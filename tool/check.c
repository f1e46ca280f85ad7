/* Judges a stored trace: the verdicts of a run, derived again from its evidence. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes = NULL;
    if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) &&
        (bytes = malloc((size_t)st.st_size + 1)))
        *size = fread(bytes, 1, (size_t)st.st_size, file);
    if (!bytes)
        usage_error("%s: cannot be read: %s", path, errno ? strerror(errno) : "not a file");
    if (file)
        fclose(file);
    return bytes;
}

/* The whole trace must be there: a verdict on half of it would be a guess. */
static bool judge(const char *path, const uint8_t *bytes, size_t size, struct gpup_judge *judge_of,
                  struct gpup_program_result *result) {
    struct gpup_trace_reader reader;
    struct gpup_event e;
    bool ended = false;
    size_t at;
    int rc = gpup_trace_open(&reader, bytes, size);
    result->trace_hash = 0xCBF29CE484222325u;
    while (at = reader.offset, rc >= 0 && (rc = gpup_trace_next(&reader, &e)) == 1) {
        for (; at < reader.offset; at++) /* as the run hashes it */
            result->trace_hash = (result->trace_hash ^ bytes[at]) * 0x100000001B3u;
        gpup_judge_event(judge_of, &e);
        result->events++;
        result->calls += e.kind == GPUP_EVENT_CALL;
        if (e.kind == GPUP_EVENT_END) {
            ended = true;
            result->outcome =
                e.f[GPUP_END_outcome] <= GPUP_CRASH ? (uint8_t)e.f[GPUP_END_outcome] : GPUP_ERROR;
        }
        if (e.kind == GPUP_EVENT_STEP && e.f[GPUP_STEP_class] > result->class &&
            e.f[GPUP_STEP_class] < GPUP_CLASSES)
            result->class = (uint8_t)e.f[GPUP_STEP_class];
    }
    if (rc < 0)
        usage_error("%s: at byte %zu: %s", path, reader.offset, reader.message);
    else if (!ended)
        usage_error("%s: at byte %zu: the trace stops before its END event; it was cut short", path, size);
    gpup_judge_end(judge_of);
    return rc == 0 && ended;
}

static bool collect(struct gpup_judge *j, struct gpup_program_result *p, const char *path) {
    const struct gpup_finding *findings;
    p->finding_count = gpup_judge_findings(j, &findings);
    p->rules = calloc(gpup_spec_counts.rules, sizeof *p->rules);
    p->findings = calloc(p->finding_count + 1, sizeof *p->findings);
    p->name = strdup(path);
    if (!p->rules || !p->findings || !p->name)
        return false;
    memcpy(p->rules, gpup_judge_results(j), gpup_spec_counts.rules * sizeof *p->rules);
    if (p->finding_count)
        memcpy(p->findings, findings, p->finding_count * sizeof *p->findings);
    p->step = GPUP_NO_STEP;
    p->ddi = GPUP_SPEC_NONE;
    p->done = true;
    return true;
}

int command_check(const struct options *o) {
    size_t size = 0;
    if (o->word_count != 1)
        return usage_error("check: expected one TRACE file");
    uint8_t *bytes = read_file(o->words[0], &size);
    if (!bytes)
        return 2;
    struct gpup_program_result *program = calloc(1, sizeof *program);
    struct gpup_judge *j = gpup_judge_new();
    int status = 2;
    if (program && j && judge(o->words[0], bytes, size, j, program) && collect(j, program, o->words[0])) {
        struct gpup_results results = {.programs = program, .program_count = 1};
        snprintf(results.implementation, sizeof results.implementation, "%s", "stored trace");
        snprintf(results.profile, sizeof results.profile, "%s", "full");
        status = report_results(&results, o, NULL);
    }
    if (program)
        gpup_program_result_free(program);
    free(program);
    gpup_judge_free(j);
    free(bytes);
    return status;
}
