/* Stored traces: found, believed, and read once for what many of them tell together. */
#include "html.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FNV_BASIS 0xCBF29CE484222325u
#define FNV_PRIME 0x100000001B3u

static uint8_t *read_file(const char *path, size_t *size) {
    struct stat st;
    FILE *file = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    uint8_t *bytes = file ? malloc((size_t)st.st_size + 1) : NULL;
    if (bytes)
        *size = fread(bytes, 1, (size_t)st.st_size, file);
    if (file)
        fclose(file);
    return bytes;
}

/* The journal has a hash over the records of the trace. */
static bool belongs(const uint8_t *bytes, size_t size, uint64_t hash) {
    struct gpup_trace_reader reader;
    uint64_t h = FNV_BASIS;
    if (gpup_trace_open(&reader, bytes, size) < 0)
        return false;
    for (size_t at = reader.offset; at < size; at++)
        h = (h ^ bytes[at]) * FNV_PRIME;
    return h == hash;
}

uint8_t *trace_load(const struct page *p, const struct gpup_program_result *program, size_t *size) {
    const struct gpup_report *r = p->report;
    for (size_t i = 0; i < r->evidence_count; i++) {
        char path[4096];
        int prefix = snprintf(path, sizeof path, "%s/traces/", r->evidence[i]);
        int length = snprintf(path, sizeof path, "%s/traces/%s.trace", r->evidence[i], program->name);
        if (prefix < 0 || length < 0 || (size_t)length >= sizeof path)
            continue;
        for (char *c = path + prefix; *c; c++)
            if (*c == '/')
                *c = '-';
        uint8_t *bytes = read_file(path, size);
        if (bytes && belongs(bytes, *size, program->trace_hash))
            return bytes;
        free(bytes);
    }
    return NULL;
}

static void survey_trace(struct page *p, const struct gpup_program_result *program, const uint8_t *bytes,
                         size_t size, struct follow *follow) {
    struct gpup_trace_reader reader;
    struct gpup_event e;
    struct follow_return r;
    struct blackout_watch watch;
    follow_begin(follow);
    blackout_begin(&watch, program->name);
    if (gpup_trace_open(&reader, bytes, size) < 0)
        return;
    while (gpup_trace_next(&reader, &e) == 1) {
        bool returned = follow_event(follow, &e, &r);
        if (returned)
            coverage_add(p->coverage, &r);
        if (blackout_event(&watch, &e, returned ? &r : NULL))
            blackout_keep(p, &watch);
    }
}

void survey(struct page *p) {
    const struct gpup_results *all = p->report->results;
    struct follow *follow = malloc(sizeof *follow);
    for (size_t i = 0; follow && i < all->program_count; i++) {
        const struct gpup_program_result *program = &all->programs[i];
        size_t size;
        if (!program->done)
            continue;
        p->coverage->programs++;
        uint8_t *bytes = trace_load(p, program, &size);
        if (!bytes)
            continue;
        p->coverage->traces++;
        survey_trace(p, program, bytes, size, follow);
        free(bytes);
    }
    p->failed = p->failed || !follow;
    free(follow);
}
