/* What the engines met, sorted: new, known, fixed. */
#include "triage.h"

#include "crash.h"
#include "known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KINDS 16u /* of inputs that ended a process, by whose they are */

/* Findings of one rule: often one cause that shows in many calls and states. */
struct group {
    char rule[280], best[280]; /* the one with the smallest program */
    size_t size;
    unsigned fresh, known;
};

/* Inputs that ended a process and do not when they are run alone. */
struct kind {
    char word[32], first[PATH_ROOM]; /* crash, oom, replay, afl0; one of them */
    unsigned count;
};

struct tables {
    const char *known_list;
    FILE *rules, *places; /* rules.md, findings.md */
    struct group group;
    size_t smallest;
    struct sorted *sorted;
    char **crash; /* names of those that were met */
    size_t crashes;
    struct kind kind[KINDS];
};

/* What stands at the head of a page. */
static void tell_text(const struct options *o, const char *name, FILE *out) {
    char path[PATH_ROOM];
    size_t size;
    snprintf(path, sizeof path, "%s/findings/%s/page.md", o->out, name);
    char *page = read_file(path, &size), *text = page ? strstr(page, ": ") : NULL;
    if (text)
        for (text += 2; *text && *text != '\n'; text++)
            fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
    free(page);
}

static void close_group(const struct options *o, struct tables *t) {
    const struct group *g = &t->group;
    if (g->fresh) {
        fprintf(stderr, "fuzz: NEW %s, in %u place%s: %s/findings/%s/page.md\n", g->rule, g->fresh,
                g->fresh > 1 ? "s" : "", o->out, g->best);
        t->sorted->rules++;
        if (g->size < t->smallest || !t->sorted->best[0]) {
            snprintf(t->sorted->best, sizeof t->sorted->best, "%s", g->best);
            t->smallest = g->size;
        }
    }
    if (g->fresh || g->known) {
        fprintf(t->rules, "| %s | [%s](findings/%s/page.md) | %u | %u | ", g->fresh ? "NEW" : "known",
                g->rule, g->best, g->fresh, g->known);
        tell_text(o, g->best, t->rules);
        fputs(" |\n", t->rules);
    }
    t->group = (struct group){0};
}

static void add_to_group(const struct options *o, struct tables *t, const char *name, bool old) {
    char path[PATH_ROOM];
    struct group *g = &t->group;
    size_t length = strlen(name) > 9 ? strlen(name) - 9 : 0; /* -KEY */
    struct stat st;
    if (strlen(g->rule) != length || strncmp(g->rule, name, length) != 0) {
        close_group(o, t);
        snprintf(g->rule, sizeof g->rule, "%.*s", (int)length, name);
    }
    snprintf(path, sizeof path, "%s/findings/%s/program", o->out, name);
    size_t size = stat(path, &st) == 0 ? (size_t)st.st_size : SIZE_MAX;
    bool first_new = !old && !g->fresh;
    g->fresh += !old;
    g->known += old;
    if (!g->best[0] || first_new || (size < g->size && !(old && g->fresh))) {
        snprintf(g->best, sizeof g->best, "%s", name);
        g->size = size;
    }
}

/* One more finding for the tables; written down unless it is there. */
static void take(const struct options *o, struct tables *t, const char *name, const char *source,
                 const struct crash *crash) {
    char folder_name[PATH_ROOM];
    bool terminal = isatty(STDERR_FILENO) && !o->quiet;
    snprintf(folder_name, sizeof folder_name, "%s/findings/%s", o->out, name);
    bool written = access(folder_name, F_OK) == 0, old = known_has(t->known_list, name) || written;
    if (terminal)
        fprintf(stderr, "\r\033[Kfuzz: making %s small", name);
    if (!written)
        finding_write(o, name, source, crash);
    if (terminal)
        fputs("\r\033[K", stderr);
    fprintf(t->places, "| %s | [%s](findings/%s/page.md) |\n", old ? "known" : "NEW", name, name);
    t->sorted->fresh += !old;
    t->sorted->known += old;
    add_to_group(o, t, name, old);
}

static void sort_raw(const struct options *o, struct tables *t) {
    char path[PATH_ROOM], source[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/raw", o->out);
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        snprintf(source, sizeof source, "%s/%s", path, names[i]);
        take(o, t, names[i], source, NULL);
    }
    close_group(o, t);
    free_names(names, count);
}

/* Of one kind that did not do it again. What an earlier run left is fixed, or was told then. */
static void count_kind(const struct options *o, struct tables *t, const char *source, const char *name) {
    struct stat st;
    size_t length = strcspn(name, "-"), i = 0;
    if (stat(source, &st) == 0 && st.st_mtime < o->began)
        return;
    length = length < sizeof t->kind[0].word ? length : sizeof t->kind[0].word - 1;
    while (i < KINDS - 1 && t->kind[i].count &&
           (strlen(t->kind[i].word) != length || strncmp(t->kind[i].word, name, length) != 0))
        i++;
    if (t->kind[i].count++)
        return;
    snprintf(t->kind[i].word, sizeof t->kind[i].word, "%.*s", (int)length, name);
    snprintf(t->kind[i].first, sizeof t->kind[i].first, "%s", source);
}

static void kind_name(const struct kind *k, char *name, size_t size) {
    uint32_t key = 2166136261u;
    for (const char *c = k->word; *c; c++)
        key = (key ^ (uint8_t)*c) * 16777619u;
    snprintf(name, size, "CRASH-%08x", key);
}

static bool is_kind(const struct tables *t, const char *name) {
    char other[32];
    for (size_t i = 0; i < KINDS && t->kind[i].count; i++) {
        kind_name(&t->kind[i], other, sizeof other);
        if (strcmp(name, other) == 0)
            return true;
    }
    return false;
}

static void take_kinds(const struct options *o, struct tables *t) {
    for (size_t i = 0; i < KINDS && t->kind[i].count; i++) {
        const struct kind *k = &t->kind[i];
        struct crash crash = {.again = false};
        char name[32];
        kind_name(k, name, sizeof name);
        snprintf(
            crash.text, sizeof crash.text,
            "%u input%s ended a process, and not when run alone: crashes/%s-*; it depends on what ran before",
            k->count, k->count > 1 ? "s" : "", k->word);
        take(o, t, name, k->first, &crash);
    }
}

static bool crash_met(const struct tables *t, const char *name) {
    for (size_t i = 0; i < t->crashes; i++)
        if (strcmp(t->crash[i], name) == 0)
            return true;
    return false;
}

/* Several inputs may end a process alike: the first stands for them. */
static void sort_crashes(const struct options *o, struct tables *t) {
    char path[PATH_ROOM], source[PATH_ROOM], name[32], **names;
    snprintf(path, sizeof path, "%s/crashes", o->out);
    size_t count = list_names(path, &names);
    t->crash = calloc(count + 1, sizeof *t->crash);
    for (size_t i = 0; t->crash && i < count; i++) {
        struct crash crash;
        snprintf(source, sizeof source, "%s/%s", path, names[i]);
        if (!crash_again(o, source, &crash)) {
            count_kind(o, t, source, names[i]);
            continue;
        }
        snprintf(name, sizeof name, "CRASH-%08x", crash.key);
        if (crash_met(t, name) || !(t->crash[t->crashes] = strdup(name)))
            continue;
        t->crashes++;
        take(o, t, name, source, &crash);
    }
    take_kinds(o, t);
    close_group(o, t);
    free_names(names, count);
}

static bool met(const struct options *o, const struct tables *t, const char *name) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/raw/%s", o->out, name);
    return access(path, F_OK) == 0 || crash_met(t, name);
}

/* It was run again and did not end the process, not even in another way. */
static bool ran_through(const struct options *o, const char *name) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/crashes/replay-%s", o->out, name);
    return o->replayed && access(path, F_OK) != 0;
}

static bool is_written(const struct options *o, const char *name) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/findings/%s", o->out, name);
    return access(path, F_OK) == 0;
}

static void name_unmet(struct tables *t, bool fixed, const char *name, bool page) {
    const char *word = fixed ? "fixed" : "not met";
    t->sorted->fixed += fixed;
    if (page)
        fprintf(t->places, "| %s | [%s](findings/%s/page.md) |\n", word, name, name);
    else
        fprintf(t->places, "| %s | %s |\n", word, name);
    if (fixed)
        fprintf(t->rules, "| fixed | %s | . | . | its program was run again and does not show it |\n", name);
}

/* Lines of the list that no finding answers to; without its program nobody knows whether one is fixed. Those
 * that are not stay in the list of this campaign. */
static void name_unmet_of_list(const struct options *o, struct tables *t, FILE *known) {
    struct known_line line = {0};
    char path[PATH_ROOM];
    while (known_next(t->known_list, &line)) {
        if (line.rule && known)
            fprintf(known, "%s\n", line.name);
        if (line.rule || met(o, t, line.name) || is_written(o, line.name))
            continue;
        bool fixed = known_program(o, line.name, path) && ran_through(o, line.name);
        name_unmet(t, fixed, line.name, false);
        if (!fixed && known)
            fprintf(known, "%s\n", line.name);
    }
}

/* Written down earlier and not met today. */
static void name_unmet_of_folder(const struct options *o, struct tables *t, FILE *known) {
    char path[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/findings", o->out);
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        if (known)
            fprintf(known, "%s\n", names[i]);
        if (!met(o, t, names[i]) && !is_kind(t, names[i]))
            name_unmet(t, ran_through(o, names[i]), names[i], true);
    }
    free_names(names, count);
}

static FILE *table(const struct options *o, const char *name, const char *head) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/%s", o->out, name);
    FILE *out = fopen(path, "w");
    if (out)
        fputs(head, out);
    else
        tell_unwritable(path);
    return out;
}

/* For the campaign on the next build: --known. The old list stays until the new one is whole. */
static void write_known(const struct options *o, struct tables *t) {
    char path[PATH_ROOM], fresh[PATH_ROOM];
    snprintf(path, sizeof path, "%s/known.txt", o->out);
    FILE *out = table(o, "known.txt.new", "");
    name_unmet_of_folder(o, t, out);
    name_unmet_of_list(o, t, out);
    snprintf(fresh, sizeof fresh, "%s/known.txt.new", o->out);
    if (out && (ferror(out) | fclose(out) || rename(fresh, path) != 0))
        tell_unwritable(path);
}

void triage(const struct options *o, struct sorted *sorted) {
    char *list = known_read(o);
    struct tables t = {.sorted = sorted, .known_list = list};
    t.places = table(o, "findings.md", "| | finding |\n|---|---|\n");
    t.rules =
        table(o, "rules.md", "| | smallest | places, new | known | what was seen |\n|---|---|---|---|---|\n");
    if (t.places && t.rules) {
        sort_raw(o, &t);
        sort_crashes(o, &t);
        write_known(o, &t);
    }
    if (t.places && fclose(t.places) != 0)
        tell_unwritable("findings.md");
    if (t.rules && fclose(t.rules) != 0)
        tell_unwritable("rules.md");
    free_names(t.crash, t.crashes);
    free(list);
}
