/* What was found before is run first; and the corpus is made small. */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs a folder or a file with the replayer; findings go to raw/. */
static int replay(const struct options *o, const char *target_name, const char *what) {
    char target[PATH_ROOM], log[PATH_ROOM], path[PATH_ROOM];
    char *argv[] = {target, path, NULL};
    snprintf(target, sizeof target, "%s/fuzz_%s_replay", o->tools, target_name);
    snprintf(log, sizeof log, "%s/log/replay.log", o->out);
    snprintf(path, sizeof path, "%s", what);
    return run_tool(log, argv);
}

static void keep_crash(const struct options *o, const char *path, const char *name) {
    char to[PATH_ROOM];
    size_t size;
    char *bytes = read_file(path, &size);
    snprintf(to, sizeof to, "%s/crashes/replay-%s", o->out, name);
    if (bytes)
        write_file(to, bytes, size);
    free(bytes);
}

int regression_load(const struct options *o) {
    char target[PATH_ROOM], log[PATH_ROOM];
    char *argv[] = {target, NULL}, *said;
    size_t size;
    set_target_environment(o, false);
    snprintf(target, sizeof target, "%s/fuzz_%s_replay", o->tools, o->target);
    snprintf(log, sizeof log, "%s/log/load.log", o->out);
    unlink(log);
    int status = run_tool(log, argv);
    if (status != 2 && status != 3)
        return 0; /* damage while it starts is a finding: its first input shows it */
    said = read_file(log, &size);
    fprintf(stderr, "fuzz: %s cannot be fuzzed:\n%.*s", o->implementation, said ? (int)size : 0,
            said ? said : "");
    free(said);
    return status;
}

/* The folder at once; when that ends the process, file by file. */
static int replay_folder(const struct options *o, const char *path) {
    char **names, below[PATH_ROOM];
    int bad = 0;
    if (replay(o, o->target, path) == 0 || campaign_hurried())
        return 0;
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count && !campaign_hurried(); i++) {
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        if (replay(o, o->target, below) != 0 && !campaign_hurried()) {
            keep_crash(o, below, names[i]);
            bad++;
        }
    }
    free_names(names, count);
    return bad;
}

int regression_replay(const struct options *o) {
    char path[PATH_ROOM], **names;
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_SHARE", "1", 1);
    snprintf(path, sizeof path, "%s/seeds/%s", o->tools, o->target);
    int bad = access(path, R_OK) == 0 ? replay_folder(o, path) : 0;
    snprintf(path, sizeof path, "%s/findings", o->out);
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count && !campaign_hurried(); i++) {
        snprintf(path, sizeof path, "%s/findings/%s/program", o->out, names[i]);
        if (access(path, R_OK) == 0 && replay(o, "program", path) != 0 && !campaign_hurried()) {
            keep_crash(o, path, names[i]);
            bad++;
        }
    }
    free_names(names, count);
    return bad;
}

void oracle_replay(const struct options *o) {
    static const char *const of_programs[] = {"program", "call", "blob", "packet"};
    char path[PATH_ROOM];
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_SHARE", "1", 1);
    snprintf(path, sizeof path, "%s/corpus", o->out);
    for (size_t i = 0; i < sizeof of_programs / sizeof *of_programs; i++)
        if (strcmp(o->target, of_programs[i]) == 0)
            replay_folder(o, path);
}

/* AFL++'s choice, where it is installed: the smallest inputs that hold what it counts. */
static void choose_with_afl(const struct options *o, char *from, char *to) {
    char target[PATH_ROOM], log[PATH_ROOM];
    char *argv[] = {"afl-cmin", "-i", from, "-o", to, "-t", "60000", "-m", "none", "--", target, NULL};
    snprintf(target, sizeof target, "%s/fuzz_%s_afl", o->tools, o->target);
    snprintf(log, sizeof log, "%s/log/cmin.log", o->out);
    setenv("AFL_ALLOW_TMP", "1", 1);
    if (access(target, X_OK) != 0 || run_tool(log, argv) != 0)
        remove_tree(to); /* part of a choice is none */
}

void minimise(const struct options *o) {
    char target[PATH_ROOM], log[PATH_ROOM], from[PATH_ROOM], to[PATH_ROOM], length[32];
    char *argv[] = {target, "-merge=1", "-rss_limit_mb=4096", length, to, from, NULL};
    snprintf(target, sizeof target, "%s/fuzz_%s", o->tools, o->target);
    snprintf(log, sizeof log, "%s/log/merge.log", o->out);
    snprintf(from, sizeof from, "%s/corpus", o->out);
    snprintf(to, sizeof to, "%s/corpus.new", o->out);
    snprintf(length, sizeof length, "-max_len=%s", max_input(o));
    set_target_environment(o, true);
    unsetenv("GPUP_FUZZ_FINDINGS");
    remove_tree(to);
    choose_with_afl(o, from, to);
    if (!folder("%s", to) || run_tool(log, argv) != 0) { /* adds what libFuzzer alone tells apart */
        remove_tree(to);
        return; /* the old one stays */
    }
    char **names;
    size_t before = list_names(from, &names);
    free_names(names, before);
    remove_tree(from);
    rename(to, from);
    size_t left = list_names(from, &names);
    free_names(names, left);
    fprintf(stderr, "fuzz: the corpus had %zu inputs, now %zu\n", before, left);
}
