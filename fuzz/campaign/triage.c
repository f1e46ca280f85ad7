/*
 * What the engines met, sorted: new, known, fixed. A finding that was not there before is shrunk and written
 * down, in a process of its own, because the program that shows it may end that.
 */
#include "triage.h"

#include "crash.h"
#include "oracles.h"

#include <gpup/binding.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* `RULE KEY` or RULE-KEY at the beginning of a line. */
static bool listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == 0 || strchr(" \t\r\n", at[length])))
            return true;
    return false;
}

static bool load(const char *path, struct gpup_program *p) {
    size_t size;
    char *bytes = read_file(path, &size);
    bool ok = bytes && gpup_program_decode(bytes, size, p);
    free(bytes);
    return ok;
}

/* A shrunk program that ends the process, but for another reason, is no smaller form of this one. */
static bool same_cause(const struct options *o, const struct gpup_program *p, const struct crash *crash) {
    char path[PATH_ROOM];
    struct crash now;
    size_t size = gpup_program_encode(p, NULL, 0);
    uint8_t *bytes = malloc(size + 1);
    snprintf(path, sizeof path, "%s/log/shrunk", o->out);
    bool same = bytes && gpup_program_encode(p, bytes, size) == size && write_file(path, bytes, size) &&
                crash_again(o, path, &now) && now.cause == crash->cause;
    free(bytes);
    return same;
}

/* In the process of its own. crash: what ended a process, NULL: a rule's finding. */
static int work(const struct options *o, const char *name, const char *source, const struct crash *crash) {
    struct fuzz_options options = {
        .implementation = o->implementation, .strict = o->strict, .negative = true, .quiet = true};
    struct gpup_binding binding;
    struct gpup_program program;
    struct goal goal = {0};
    char message[512], folder_name[PATH_ROOM], text[256];
    const char *dash = strrchr(name, '-');
    if (!load(source, &program) || !dash)
        return 3;
    snprintf(goal.rule, sizeof goal.rule, "%.*s", (int)(dash - name), name);
    goal.key = (uint32_t)strtoul(dash + 1, NULL, 16);
    if (gpup_binding_open(&binding, o->implementation, NULL, message, sizeof message) != 0)
        return 3;
    goal.implementation = binding.implementation;
    goal.image = binding.image;
    if (!crash && !(goal.engine = fuzz_engine_new(&options, message, sizeof message)))
        return 3;
    bool again = goal_shrink(&goal, &program);
    if (!again && !crash) { /* nothing that a rule sees by itself */
        fuzz_engine_free(goal.engine);
        options.oracles = FUZZ_ORACLES;
        goal.engine = fuzz_engine_new(&options, message, sizeof message);
        again = goal.engine && goal_shrink(&goal, &program);
    }
    const struct gpup_finding *f =
        !crash && again && goal_kept(&goal, &program) ? fuzz_engine_made(goal.engine, goal.key) : NULL;
    if (crash && again && !same_cause(o, &program, crash)) {
        gpup_program_free(&program);
        if (!load(source, &program))
            return 3;
    }
    snprintf(text, sizeof text, "%s", f ? f->text : crash ? crash->text : "");
    if (!again)
        snprintf(text, sizeof text, "met once and not again when run alone: it depends on what ran before");
    snprintf(folder_name, sizeof folder_name, "%s/findings/%s", o->out, name);
    return folder("%s", folder_name) && page_write(o, folder_name, &goal, &program, text) ? 0 : 3;
}

static bool write_down(const struct options *o, const char *name, const char *source,
                       const struct crash *crash) {
    char path[PATH_ROOM], log[PATH_ROOM];
    int status = -1;
    snprintf(log, sizeof log, "%s/log/triage.log", o->out);
    fflush(stdout);
    pid_t pid = campaign_hurried() ? -1 : fork();
    if (pid == 0) {
        if (!freopen(log, "a", stderr)) /* what sanitizers say */
            _exit(3);
        alarm(600);
        if (crash && strcmp(o->target, "program") != 0)
            _exit(3); /* not a program, but what the target takes: kept as it is */
        _exit(work(o, name, source, crash));
    }
    while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
        if (campaign_hurried())
            kill(pid, SIGKILL);
        usleep(10000);
    }
    snprintf(path, sizeof path, "%s/findings/%s", o->out, name);
    if (status != 0) { /* the program as it was met is what there is */
        size_t size;
        char *bytes = read_file(source, &size);
        folder("%s", path);
        snprintf(path, sizeof path, "%s/findings/%s/program", o->out, name);
        if (bytes)
            write_file(path, bytes, size);
        free(bytes);
    }
    return status == 0;
}

/* Findings of one rule: often one cause that shows in many calls and states. */
struct group {
    char rule[280], best[280]; /* the one with the smallest program */
    size_t size;
    unsigned fresh, known;
};

struct tables {
    FILE *rules, *places; /* rules.md, findings.md */
    struct group group;
    size_t smallest;
    struct sorted *sorted;
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

/* The name of what ended a process: by its key or, where it does not do so again, by its file, which engines
 * name after the content. */
static void name_crash(const struct options *o, const char *source, struct crash *crash, char *name,
                       size_t size) {
    if (!crash_again(o, source, crash)) {
        *crash = (struct crash){.key = 2166136261u};
        for (const char *c = strrchr(source, '/'); c && *c; c++)
            crash->key = (crash->key ^ (uint8_t)*c) * 16777619u;
        snprintf(crash->text, sizeof crash->text, "memory damage, a sanitizer's report or a signal");
    }
    snprintf(name, size, "CRASH-%08x", crash->key);
}

/* Whether an earlier input of this sorting had that name: several may end a process alike. */
static bool had(char **named, size_t count, const char *name) {
    for (size_t i = 0; named && i < count; i++)
        if (named[i] && strcmp(named[i], name) == 0)
            return true;
    return false;
}

static void sort(const struct options *o, const char *from, bool crash, const char *known_list,
                 struct tables *t) {
    char path[PATH_ROOM], source[PATH_ROOM], name[280], **names;
    bool terminal = isatty(STDERR_FILENO) && !o->quiet;
    snprintf(path, sizeof path, "%s/%s", o->out, from);
    size_t count = list_names(path, &names);
    char **named = calloc(count + 1, sizeof *named);
    for (size_t i = 0; i < count; i++) {
        char folder_name[PATH_ROOM];
        struct crash seen;
        snprintf(source, sizeof source, "%s/%s", path, names[i]);
        snprintf(name, sizeof name, "%s", names[i]);
        if (crash)
            name_crash(o, source, &seen, name, sizeof name);
        if (crash && had(named, i, name))
            continue;
        if (named)
            named[i] = strdup(name);
        snprintf(folder_name, sizeof folder_name, "%s/findings/%s", o->out, name);
        bool written = access(folder_name, F_OK) == 0, old = listed(known_list, name) || written;
        if (terminal)
            fprintf(stderr, "\r\033[Kfuzz: making %s small, %zu of %zu", name, i + 1, count);
        if (!written)
            write_down(o, name, source, crash ? &seen : NULL);
        if (terminal)
            fputs("\r\033[K", stderr);
        fprintf(t->places, "| %s | [%s](findings/%s/page.md) |\n", old ? "known" : "NEW", name, name);
        t->sorted->fresh += !old;
        t->sorted->known += old;
        add_to_group(o, t, name, old);
    }
    close_group(o, t);
    for (size_t i = 0; named && i < count; i++)
        free(named[i]);
    free(named);
    free_names(names, count);
}

static bool met(const struct options *o, const char *name) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/raw/%s", o->out, name);
    return access(path, F_OK) == 0;
}

/* Lines of the list that no finding answers to. */
static void name_fixed_of_list(const struct options *o, const char *list, FILE *table) {
    for (size_t length; *list; list += length + (list[length] == '\n')) {
        char name[280], folder_name[PATH_ROOM];
        length = strcspn(list, "\n");
        snprintf(name, sizeof name, "%.*s", (int)strcspn(list, " \t\r\n"), list);
        snprintf(folder_name, sizeof folder_name, "%s/findings/%s", o->out, name);
        if (name[0] && name[0] != '#' && strncmp(name, "CRASH", 5) != 0 && !met(o, name) &&
            access(folder_name, F_OK) != 0)
            fprintf(table, "| fixed | %s |\n", name);
    }
}

/* For the campaign on the next build: --known. */
static void write_known(const struct options *o) {
    char path[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/findings", o->out);
    size_t count = list_names(path, &names);
    snprintf(path, sizeof path, "%s/known.txt", o->out);
    FILE *out = fopen(path, "w");
    for (size_t i = 0; out && i < count; i++)
        fprintf(out, "%s\n", names[i]);
    if (out)
        fclose(out);
    free_names(names, count);
}

/* Written down earlier and not met today. */
static void name_fixed(const struct options *o, FILE *table) {
    char path[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/findings", o->out);
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++)
        if (!met(o, names[i]) && strncmp(names[i], "CRASH", 5) != 0)
            fprintf(table, "| fixed | [%s](findings/%s/page.md) |\n", names[i], names[i]);
    free_names(names, count);
}

static FILE *table(const struct options *o, const char *name, const char *head) {
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/%s", o->out, name);
    FILE *out = fopen(path, "w");
    if (out)
        fputs(head, out);
    return out;
}

void triage(const struct options *o, struct sorted *sorted) {
    size_t size;
    char *list = o->known ? read_file(o->known, &size) : NULL;
    struct tables t = {.sorted = sorted};
    t.places = table(o, "findings.md", "| | finding |\n|---|---|\n");
    t.rules =
        table(o, "rules.md", "| | smallest | places, new | known | what was seen |\n|---|---|---|---|---|\n");
    if (t.places && t.rules) {
        sort(o, "raw", false, list ? list : "", &t);
        sort(o, "crashes", true, list ? list : "", &t);
        name_fixed(o, t.places);
        name_fixed_of_list(o, list ? list : "", t.places);
        write_known(o);
    }
    if (t.places)
        fclose(t.places);
    if (t.rules)
        fclose(t.rules);
    free(list);
}

bool triage_one(const struct options *o, const char *name, const char *source) {
    return write_down(o, name, source, NULL);
}
