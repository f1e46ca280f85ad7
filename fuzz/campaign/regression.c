/* What was found before is run first; and the corpus is made small. */
#include "known.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Inputs of a folder that do not return, or that end the process; the others of it are left. */
#define HUNG 3u
#define ENDED 16u

/* Runs a folder or a file with the replayer; findings go to raw/. */
static int replay(const struct options *o, const char *target_name, const char *what) {
    char target[PATH_ROOM], log[PATH_ROOM], path[PATH_ROOM];
    char *argv[] = {target, path, NULL};
    snprintf(target, sizeof target, "%s/fuzz_%s_replay", o->tools, target_name);
    snprintf(log, sizeof log, "%s/log/replay.log", o->out);
    snprintf(path, sizeof path, "%s", what);
    return run_tool(log, argv, campaign_stopped);
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

/* Several files, one after the other. */
struct files {
    const struct options *o;
    const char *from; /* as people name it */
    struct replayed *done;
    unsigned hung, ended, most; /* most: that may end the process; 0: any number */
};

/* false: no more of them. */
static bool replay_file(struct files *f, const char *target, const char *path, const char *name) {
    if (f->hung >= HUNG)
        fprintf(stderr, "fuzz: %u inputs of %s do not return within %u s each: the others are not replayed\n",
                f->hung, f->from, fuzz_limit());
    else if (f->most && f->ended >= f->most)
        fprintf(stderr, "fuzz: %u inputs of %s end the process: the others are not replayed\n", f->ended,
                f->from);
    if (f->hung >= HUNG || (f->most && f->ended >= f->most)) {
        f->done->whole = false;
        return false;
    }
    int status = campaign_stopped() ? 0 : replay(f->o, target, path);
    if (campaign_stopped()) {
        f->done->whole = false;
        return false;
    }
    if (status) {
        keep_crash(f->o, path, name);
        f->done->bad++;
    }
    f->hung += status == FUZZ_HUNG;
    f->ended += status && status != FUZZ_HUNG;
    return true;
}

/* The folder at once; when that ends the process, file by file. */
static void replay_folder(const struct options *o, const char *path, struct replayed *done) {
    struct files f = {.o = o, .from = path, .done = done, .most = ENDED};
    char **names, below[PATH_ROOM];
    if (replay(o, o->target, path) == 0)
        return;
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        if (!replay_file(&f, o->target, below, names[i]))
            break;
    }
    free_names(names, count);
}

/* What ended a process is an input of the target, other findings are programs. */
static const char *target_of(const struct options *o, const char *name) {
    return strncmp(name, "CRASH-", 6) == 0 ? o->target : "program";
}

static void replay_findings(const struct options *o, struct replayed *done) {
    struct files f = {.o = o, .from = "findings", .done = done};
    char path[PATH_ROOM], **names;
    snprintf(path, sizeof path, "%s/findings", o->out);
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/findings/%s/program", o->out, names[i]);
        if (access(path, R_OK) == 0 && !replay_file(&f, target_of(o, names[i]), path, names[i]))
            break;
    }
    free_names(names, count);
}

/* The campaign that the list is of may lie beside it. */
static void replay_known(const struct options *o, struct replayed *done) {
    struct files f = {.o = o, .from = o->known, .done = done};
    char path[PATH_ROOM];
    struct known_line line = {0};
    char *list = known_read(o);
    while (known_next(list, &line))
        if (known_program(o, line.name, path) && !replay_file(&f, target_of(o, line.name), path, line.name))
            break;
    free(list);
}

struct replayed regression_replay(const struct options *o) {
    struct replayed done = {.whole = true};
    char path[PATH_ROOM];
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_SHARE", "1", 1);
    snprintf(path, sizeof path, "%s/seeds/%s", o->tools, o->target);
    if (access(path, R_OK) == 0)
        replay_folder(o, path, &done);
    replay_findings(o, &done);
    replay_known(o, &done);
    done.whole = done.whole && !campaign_stopped();
    return done;
}

void oracle_replay(const struct options *o) {
    struct replayed done = {0};
    char path[PATH_ROOM];
    set_target_environment(o, true);
    setenv("GPUP_FUZZ_SHARE", "1", 1);
    snprintf(path, sizeof path, "%s/corpus", o->out);
    if (takes_programs(o))
        replay_folder(o, path, &done);
}

/* AFL++'s choice, where it is installed: the smallest inputs that hold what it counts. */
static void choose_with_afl(const struct options *o, char *from, char *to) {
    char target[PATH_ROOM], log[PATH_ROOM];
    char *argv[] = {"afl-cmin", "-i", from, "-o", to, "-t", "60000", "-m", "none", "--", target, NULL};
    snprintf(target, sizeof target, "%s/fuzz_%s_afl", o->tools, o->target);
    snprintf(log, sizeof log, "%s/log/cmin.log", o->out);
    setenv("AFL_ALLOW_TMP", "1", 1);
    if (access(target, X_OK) != 0 || run_tool(log, argv, campaign_hurried) != 0)
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
    if (!folder("%s", to) ||
        run_tool(log, argv, campaign_hurried) != 0) { /* adds what libFuzzer alone tells apart */
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
