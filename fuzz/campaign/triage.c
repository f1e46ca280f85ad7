/*
 * What the engines met, sorted: new, known, fixed. A finding that was not there before is shrunk and written
 * down, in a process of its own, because the program that shows it may end that.
 */
#include "triage.h"

#include "oracles.h"

#include <gpup/binding.h>

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

/* In the process of its own. */
static int work(const struct options *o, const char *name, const char *source, bool crash) {
    struct fuzz_options options = {
        .implementation = o->implementation, .strict = o->strict, .negative = true, .quiet = true};
    struct gpup_binding binding;
    struct gpup_program program;
    struct goal goal = {0};
    char message[512], folder_name[PATH_ROOM], text[256] = "memory damage, a sanitizer's report or a signal";
    const char *dash = strrchr(name, '-');
    if (!load(source, &program) || !dash)
        return 3;
    snprintf(goal.rule, sizeof goal.rule, "%.*s", (int)(dash - name), name);
    goal.key = (uint32_t)strtoul(dash + 1, NULL, 16);
    if (gpup_binding_open(&binding, o->implementation, NULL, message, sizeof message) != 0)
        return 3;
    goal.implementation = binding.implementation;
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
    if (f)
        snprintf(text, sizeof text, "%s", f->text);
    if (!again)
        snprintf(text, sizeof text, "met once and not again when run alone: it depends on what ran before");
    snprintf(folder_name, sizeof folder_name, "%s/findings/%s", o->out, name);
    return folder("%s", folder_name) && page_write(o, folder_name, &goal, &program, text) ? 0 : 3;
}

static bool write_down(const struct options *o, const char *name, const char *source, bool crash) {
    char path[PATH_ROOM], log[PATH_ROOM];
    int status = -1;
    snprintf(log, sizeof log, "%s/log/triage.log", o->out);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(log, "a", stderr)) /* what sanitizers say */
            _exit(3);
        alarm(600);
        if (crash && strcmp(o->target, "program") != 0)
            _exit(3); /* not a program, but what the target takes: kept as it is */
        _exit(work(o, name, source, crash));
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
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
    unsigned fresh;
};

static void say_group(const struct options *o, const struct group *g) {
    if (g->fresh)
        fprintf(stderr, "fuzz: NEW %s, in %u place%s: %s/findings/%s/page.md\n", g->rule, g->fresh,
                g->fresh > 1 ? "s" : "", o->out, g->best);
}

static void add_to_group(const struct options *o, struct group *g, const char *name, bool old) {
    char path[PATH_ROOM];
    size_t length = strlen(name) > 9 ? strlen(name) - 9 : 0; /* -KEY */
    struct stat st;
    if (strlen(g->rule) != length || strncmp(g->rule, name, length) != 0) {
        say_group(o, g);
        *g = (struct group){0};
        snprintf(g->rule, sizeof g->rule, "%.*s", (int)length, name);
    }
    snprintf(path, sizeof path, "%s/findings/%s/program", o->out, name);
    size_t size = stat(path, &st) == 0 ? (size_t)st.st_size : SIZE_MAX;
    g->fresh += !old;
    if (!old && (!g->best[0] || size < g->size)) {
        snprintf(g->best, sizeof g->best, "%s", name);
        g->size = size;
    }
}

static unsigned sort(const struct options *o, const char *from, bool crash, const char *known_list,
                     FILE *table, unsigned *known) {
    char path[PATH_ROOM], source[PATH_ROOM], name[280], **names;
    unsigned fresh = 0;
    struct group group = {0};
    snprintf(path, sizeof path, "%s/%s", o->out, from);
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = 2166136261u;
        snprintf(source, sizeof source, "%s/%s", path, names[i]);
        snprintf(name, sizeof name, "%s", names[i]);
        if (crash) {
            for (const char *c = names[i]; *c; c++)
                hash = (hash ^ (uint8_t)*c) * 16777619u;
            snprintf(name, sizeof name, "CRASH-%08x", hash);
        }
        char folder_name[PATH_ROOM];
        snprintf(folder_name, sizeof folder_name, "%s/findings/%s", o->out, name);
        bool old = listed(known_list, name) || access(folder_name, F_OK) == 0;
        if (access(folder_name, F_OK) != 0)
            write_down(o, name, source, crash);
        fprintf(table, "| %s | [%s](findings/%s/page.md) |\n", old ? "known" : "NEW", name, name);
        fresh += !old;
        *known += old;
        add_to_group(o, &group, name, old);
    }
    say_group(o, &group);
    free_names(names, count);
    return fresh;
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

unsigned triage(const struct options *o, unsigned *known) {
    char path[PATH_ROOM];
    size_t size;
    char *list = o->known ? read_file(o->known, &size) : NULL;
    snprintf(path, sizeof path, "%s/findings.md", o->out);
    FILE *table = fopen(path, "w");
    if (!table)
        return free(list), 0;
    fputs("| | finding |\n|---|---|\n", table);
    unsigned fresh = sort(o, "raw", false, list ? list : "", table, known);
    fresh += sort(o, "crashes", true, list ? list : "", table, known);
    name_fixed(o, table);
    name_fixed_of_list(o, list ? list : "", table);
    write_known(o);
    fclose(table);
    free(list);
    return fresh;
}

bool triage_one(const struct options *o, const char *name, const char *source) {
    return write_down(o, name, source, false);
}
