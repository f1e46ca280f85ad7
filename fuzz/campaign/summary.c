/* What a campaign leaves behind for people: the outcome first, details behind, at the end what to do next. */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t inputs(const struct options *o, const char *name) {
    char path[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/%s", o->out, name);
    size_t count = list_names(path, &names);
    free_names(names, count);
    return count;
}

static unsigned long long executions(const struct course *c) {
    unsigned long long sum = 0;
    for (unsigned i = 0; i < c->workers; i++)
        sum += c->worker[i].before + c->worker[i].now;
    return sum;
}

static void tell_outcome(FILE *out, const struct options *o, const struct course *c, const struct sorted *s) {
    fprintf(out, "%s: ", o->label);
    if (s->fresh)
        fprintf(out, "%u new finding%s of %u rule%s", s->fresh, s->fresh > 1 ? "s" : "", s->rules,
                s->rules > 1 ? "s" : "");
    else
        fputs("nothing new", out);
    if (s->fixed)
        fprintf(out, ", %u fixed", s->fixed);
    fprintf(out, ", %u known, %llu executions in %llu s%s\n", s->known, executions(c),
            (unsigned long long)c->seconds, c->interrupted ? ", interrupted" : "");
}

/* Through `cts`, the words that it takes. */
static const char *words(const char *cts, const char *alone) {
    const char *command = getenv("GPUP_CTS_COMMAND");
    return command && *command ? cts : alone;
}

/* What gpup-cts loads in place of NAME.fuzz.so: NAME.so beside it or above it; NULL: there is none. */
static const char *plain_driver(const char *label, char *path) {
    size_t length = strcspn(label, ":");
    const char *option = label + length;
    if (length < 8 || memcmp(label + length - 8, ".fuzz.so", 8) != 0)
        return label;
    const char *slash = memrchr(label, '/', length);
    int folder_length = slash ? (int)(slash - label) + 1 : 0, name = (int)length - 8 - folder_length;
    for (unsigned above = 0; above < 2; above++) {
        int used = snprintf(path, PATH_ROOM, "%.*s%s%.*s.so", folder_length, label, above ? "../" : "", name,
                            label + folder_length);
        if (used < (int)PATH_ROOM && access(path, R_OK) == 0) {
            snprintf(path + used, PATH_ROOM - (size_t)used, "%s", option);
            return path;
        }
    }
    return NULL;
}

void tell_replay(FILE *out, const struct options *o, const char *program) {
    char path[PATH_ROOM];
    const char *driver = plain_driver(o->label, path);
    fprintf(out, "%s replay %s %s%s\n", words("./cts", "gpup-cts"), program, driver ? driver : "DRIVER",
            driver ? "" : "    where DRIVER is the driver built without sanitizers");
}

static void tell_limit(FILE *out, const struct options *o) {
    if (o->forever)
        fputs(" --forever", out);
    if (o->runs)
        fprintf(out, " --runs %llu", (unsigned long long)o->runs);
    if (o->seconds)
        fprintf(out, " --time %llu", (unsigned long long)o->seconds);
}

/* With all that decides what it does. */
static void tell_go_on(FILE *out, const struct options *o) {
    fprintf(out, "  go on   %s %s", words("./cts fuzz", "gpup-fuzz"), o->label);
    if (strcmp(o->target, "program") != 0)
        fprintf(out, " --target %s", o->target);
    if (o->afl)
        fprintf(out, " --engine %s", o->libfuzzer ? "both" : "afl");
    tell_limit(out, o);
    fprintf(out, "%s%s --jobs %u --seed %llu", o->negative ? " --negative" : "", o->strict ? " --strict" : "",
            o->jobs, (unsigned long long)o->seed);
    if (o->oracles)
        fprintf(out, " --oracles %s", o->oracles);
    if (o->known)
        fprintf(out, " --known %s", o->known);
    fprintf(out, " --out %s --resume\n", o->out);
}

static void tell_next(FILE *out, const struct options *o, const struct sorted *s) {
    char program[PATH_ROOM];
    if (s->fresh && s->best[0]) {
        fprintf(out, "  read    %s/findings/%s/page.md\n", o->out, s->best);
        snprintf(program, sizeof program, "%s/findings/%s/program.yaml", o->out, s->best);
        if (access(program, R_OK) == 0) {
            fputs("  replay  ", out);
            tell_replay(out, o, program);
        }
        fprintf(out, "  pass over these in a later campaign  --known %s/known.txt\n", o->out);
    }
    tell_go_on(out, o);
}

static void write_figures(FILE *out, const struct options *o, const struct course *c) {
    fprintf(out, "\n## The campaign\n\n| | |\n|---|---|\n| target | fuzz_%s |\n| steps | %s |\n", o->target,
            o->negative ? "legal, stated, robustness, policy" : "legal, stated");
    fprintf(out,
            "| executions | %llu, in all runs %llu |\n| seconds | %llu, in all runs %llu |\n| corpus | %zu "
            "inputs |\n",
            executions(c), (unsigned long long)c->all_executions, (unsigned long long)c->seconds,
            (unsigned long long)c->all_seconds, inputs(o, "corpus"));
    fprintf(out, "| inputs that ended a process | %zu |\n| regression programs that did | %d |\n",
            inputs(o, "crashes"), c->replayed.bad);
    fputs("\n| engine | executions | lives | coverage |\n|---|---|---|---|\n", out);
    for (unsigned i = 0; i < c->workers; i++) {
        const struct worker *w = &c->worker[i];
        fprintf(out, "| %s %u | %llu | %u | %u |\n", w->afl ? "AFL++" : "libFuzzer", w->index,
                (unsigned long long)w->before + w->now, w->lives, w->covered);
    }
}

/* A file of the campaign within the summary. */
static void include(FILE *out, const struct options *o, const char *name) {
    char path[PATH_ROOM];
    size_t size;
    snprintf(path, sizeof path, "%s/%s", o->out, name);
    char *text = read_file(path, &size);
    fputs(text ? text : "", out);
    free(text);
}

void summarise(const struct options *o, const struct course *c, const struct sorted *s) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/summary.md", o->out);
    FILE *out = fopen(path, "w");
    if (out) {
        fputs("# Fuzzing of ", out);
        tell_outcome(out, o, c, s);
        fputs("\n## Findings\n\n", out);
        if (s->fresh + s->known + s->fixed)
            include(out, o, "rules.md");
        else
            fputs("None.\n", out);
        fputs("\nEach place: [findings.md](findings.md).\n", out);
        write_figures(out, o, c);
        snprintf(path, sizeof path, "%s/states.svg", o->out);
        if (access(path, R_OK) == 0) {
            fputs("\n## States of the model that were reached\n\n![calls by state](states.svg)\n\n", out);
            fputs("The same for the vGPU as text: [states.txt](states.txt).\n", out);
        }
        fputs("\n## Next\n\n```\n", out);
        tell_next(out, o, s);
        fputs("```\n", out);
        fclose(out);
    }
    tell_outcome(stdout, o, c, s);
    printf("summary: %s/summary.md\nnext:\n", o->out);
    tell_next(stdout, o, s);
}
