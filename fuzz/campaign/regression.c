/* What was found before is run first; and the corpus made small. */
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

/* The folder at once; when that ends the process, file by file. */
static int replay_folder(const struct options *o, const char *path) {
    char **names, below[PATH_ROOM];
    int bad = 0;
    if (replay(o, o->target, path) == 0)
        return 0;
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        if (replay(o, o->target, below) != 0) {
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
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/findings/%s/program", o->out, names[i]);
        if (access(path, R_OK) == 0 && replay(o, "program", path) != 0) {
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

void minimise(const struct options *o) {
    char target[PATH_ROOM], log[PATH_ROOM], from[PATH_ROOM], to[PATH_ROOM];
    char *argv[] = {target, "-merge=1", "-rss_limit_mb=4096", to, from, NULL};
    snprintf(target, sizeof target, "%s/fuzz_%s", o->tools, o->target);
    snprintf(log, sizeof log, "%s/log/merge.log", o->out);
    snprintf(from, sizeof from, "%s/corpus", o->out);
    snprintf(to, sizeof to, "%s/corpus.new", o->out);
    set_target_environment(o, true);
    unsetenv("GPUP_FUZZ_FINDINGS");
    folder("%s", to);
    empty_folder(to);
    if (run_tool(log, argv) != 0)
        return; /* the old one stays */
    empty_folder(from);
    rmdir(from);
    rename(to, from);
}
