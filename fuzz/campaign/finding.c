/* A finding that was not there before is shrunk and written down, in a process of its own, because the
 * program that shows it may end that. */
#include "triage.h"

#include "crash.h"
#include "oracles.h"
#include "settings.h"

#include <gpup/binding.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_S 120u /* for the runs that the page shows */

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

static bool shrink_crash(const struct options *o, struct fuzz_options *options, struct goal *goal,
                         const struct crash *crash, const char *source, struct gpup_program *program) {
    char message[512];
    goal->hangs = crash->hang;
    if (!crash->again)
        return false;
    bool again = goal_shrink(goal, program);
    options->negative = o->negative;
    options->oracles = FUZZ_ORACLES;
    if (!again && (goal->dying = fuzz_engine_new(options, message, sizeof message)))
        again = goal_shrink(goal, program);
    if (again && same_cause(o, program, crash))
        return true;
    gpup_program_free(program);
    return load(source, program) && false;
}

/* What a rule sees in the steps, or asks for after them. */
static bool shrink_finding(struct fuzz_options *options, struct goal *goal, struct gpup_program *program) {
    char message[512];
    if (!(goal->engine = fuzz_engine_new(options, message, sizeof message)))
        return false;
    if (goal_shrink(goal, program))
        return true;
    fuzz_engine_free(goal->engine);
    options->oracles = FUZZ_ORACLES;
    goal->engine = fuzz_engine_new(options, message, sizeof message);
    return goal->engine && goal_shrink(goal, program);
}

/* In the process of its own. crash: what ended a process, NULL: a rule's finding. `negative`: what such a
 * finding was written with is what ran. */
static int work(const struct options *o, const char *name, const char *source, const struct crash *crash) {
    struct fuzz_options options = {
        .implementation = o->implementation, .strict = o->strict, .negative = true, .quiet = true};
    struct gpup_binding binding;
    struct gpup_program program;
    struct goal goal = {0};
    char message[512], folder_name[PATH_ROOM];
    const char *dash = strrchr(name, '-'),
               *text = "met once and not again when run alone: it depends on what ran before";
    if (!load(source, &program) || !dash)
        return 3;
    snprintf(goal.rule, sizeof goal.rule, "%.*s", (int)(dash - name), name);
    goal.key = (uint32_t)strtoul(dash + 1, NULL, 16);
    if (gpup_binding_open(&binding, o->implementation, NULL, message, sizeof message) != 0)
        return 3;
    goal.implementation = binding.implementation;
    goal.image = binding.image;
    bool again = crash ? shrink_crash(o, &options, &goal, crash, source, &program)
                       : shrink_finding(&options, &goal, &program);
    const struct gpup_finding *f =
        !crash && again && goal_kept(&goal, &program) ? fuzz_engine_made(goal.engine, goal.key) : NULL;
    char seen[512];
    snprintf(seen, sizeof seen, "%s", crash ? crash->text : f ? f->text : text);
    alarm(goal.hangs ? 10 : PAGE_S);
    snprintf(folder_name, sizeof folder_name, "%s/findings/%s", o->out, name);
    return folder("%s", folder_name) && page_write(o, folder_name, &goal, &program, seen) ? 0 : 3;
}

/* Where the process did not come to its end: the program as it was met, and what there is to say. */
static void write_as_met(const struct options *o, const char *name, const char *source,
                         const struct crash *crash) {
    char path[PATH_ROOM], text[1024];
    size_t size;
    char *bytes = read_file(source, &size);
    folder("%s/findings/%s", o->out, name);
    snprintf(path, sizeof path, "%s/findings/%s/program", o->out, name);
    if (bytes && access(path, F_OK) != 0)
        write_file(path, bytes, size);
    free(bytes);
    snprintf(path, sizeof path, "%s/findings/%s/page.md", o->out, name);
    int length = snprintf(text, sizeof text, "# %.*s: %s\n\nAs it was met: `program`, an input of fuzz_%s.\n",
                          (int)strcspn(name, "-"), name, crash ? crash->text : "not shrunk", o->target);
    if (access(path, F_OK) != 0)
        write_file(path, text, (size_t)length);
}

bool finding_write(const struct options *o, const char *name, const char *source, const struct crash *crash) {
    char log[PATH_ROOM];
    int status = -1;
    snprintf(log, sizeof log, "%s/log/triage.log", o->out);
    fflush(stdout);
    pid_t pid = campaign_hurried() ? -1 : fork();
    if (pid == 0) {
        if (!freopen(log, "a", stderr)) /* what sanitizers say */
            _exit(3);
        if (crash && strcmp(o->target, "program") != 0)
            _exit(3); /* not a program, but what the target takes: kept as it is */
        _exit(work(o, name, source, crash));
    }
    while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
        if (campaign_hurried())
            kill(pid, SIGKILL);
        usleep(10000);
    }
    if (status != 0)
        write_as_met(o, name, source, crash);
    return status == 0;
}

bool triage_one(const struct options *o, const char *name, const char *source) {
    return finding_write(o, name, source, NULL);
}
