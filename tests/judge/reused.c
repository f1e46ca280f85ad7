/* A judge that is used again says what a new one says: every trace is judged after others, and on its own.
 *
 *   judge_reused STRIDE TRACE...   after each STRIDE-th of the traces */
#include <gpup/judge.h>
#include <gpup/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trace {
    const char *name;
    uint8_t *bytes;
    size_t size;
    struct gpup_rule_result *results; /* of a new judge */
};

static bool load(struct trace *t, const char *path) {
    FILE *file = fopen(path, "rb"), *copy = file ? open_memstream((char **)&t->bytes, &t->size) : NULL;
    bool ok = copy != NULL;
    t->name = path;
    for (int c; ok && (c = getc(file)) != EOF;)
        putc(c, copy);
    ok = copy && fclose(copy) == 0 && ok;
    if (file)
        fclose(file);
    return ok;
}

static bool judge(struct gpup_judge *j, const struct trace *t) {
    struct gpup_trace_reader reader;
    struct gpup_event e;
    if (gpup_trace_open(&reader, t->bytes, t->size) < 0)
        return false;
    gpup_judge_reset(j);
    while (gpup_trace_next(&reader, &e) == 1)
        gpup_judge_event(j, &e);
    gpup_judge_end(j);
    return true;
}

static bool learn(struct trace *t) {
    size_t size = gpup_spec_counts.rules * sizeof *t->results;
    struct gpup_judge *j = gpup_judge_new();
    t->results = malloc(size);
    bool ok = j && t->results && judge(j, t);
    if (ok)
        memcpy(t->results, gpup_judge_results(j), size);
    gpup_judge_free(j);
    return ok;
}

static bool same(const struct gpup_rule_result *a, const struct gpup_rule_result *b) {
    return a->checks == b->checks && a->violations == b->violations && a->verdict == b->verdict &&
           a->reason == b->reason && a->detail == b->detail;
}

static unsigned differences(const struct gpup_judge *j, const struct trace *t, const struct trace *before) {
    const struct gpup_rule_result *now = gpup_judge_results(j);
    unsigned count = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (!same(&now[i], &t->results[i]) && ++count)
            printf("%s after %s: %s was judged %u times (violated %u), by a new judge %u times (%u)\n",
                   t->name, before->name, gpup_rules[i].id, now[i].checks, now[i].violations,
                   t->results[i].checks, t->results[i].violations);
    return count;
}

int main(int argc, char **argv) {
    int stride = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0, count = argc - 2;
    struct trace *traces = calloc(count > 0 ? (size_t)count : 1, sizeof *traces);
    bool ok = traces && stride > 0 && count > 1;
    unsigned bad = 0;
    for (int i = 0; ok && i < count; i++)
        ok = load(&traces[i], argv[i + 2]) && learn(&traces[i]);
    for (int before = 0; ok && before < count; before += stride)
        for (int i = 0; ok && i < count; i++) {
            struct gpup_judge *j = gpup_judge_new();
            ok = j && judge(j, &traces[before]) && judge(j, &traces[i]);
            bad += ok ? differences(j, &traces[i], &traces[before]) : 1;
            gpup_judge_free(j);
        }
    for (int i = 0; traces && i < count; i++) {
        free(traces[i].bytes);
        free(traces[i].results);
    }
    free(traces);
    printf("%d traces, %u differences\n", count, bad);
    return ok && !bad ? 0 : 1;
}
