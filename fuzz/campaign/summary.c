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
    fprintf(out, ", %u known, %llu executions in %llu s%s\n", s->known, executions(c),
            (unsigned long long)c->seconds, c->interrupted ? ", interrupted" : "");
}

static void tell_next(FILE *out, const struct options *o, const struct sorted *s) {
    if (s->fresh && s->best[0]) {
        fprintf(out, "  read    %s/findings/%s/page.md\n", o->out, s->best);
        fprintf(out, "  replay  ./cts replay %s/findings/%s/program.yaml %s\n", o->out, s->best, o->label);
        fprintf(out, "  pass over these in a later campaign  --known %s/known.txt\n", o->out);
    }
    fprintf(out, "  go on   ./cts fuzz %s%s%s --out %s --resume\n", o->label,
            strcmp(o->target, "program") != 0 ? " --target " : "",
            strcmp(o->target, "program") != 0 ? o->target : "", o->out);
}

static void write_figures(FILE *out, const struct options *o, const struct course *c) {
    fprintf(out, "\n## The campaign\n\n| | |\n|---|---|\n| target | fuzz_%s |\n| steps | %s |\n", o->target,
            o->negative ? "legal, stated, robustness, policy" : "legal, stated");
    fprintf(out, "| executions | %llu |\n| seconds | %llu |\n| corpus | %zu inputs |\n", executions(c),
            (unsigned long long)c->seconds, inputs(o, "corpus"));
    fprintf(out, "| inputs that ended a process | %zu |\n| regression programs that did | %d |\n",
            inputs(o, "crashes"), c->bad);
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
        if (s->fresh + s->known)
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
