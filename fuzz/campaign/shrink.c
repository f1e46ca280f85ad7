#include "settings.h"
#include "triage.h"

#include <gpup/binding.h>
#include <gpup/repro.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 4000u
#define SHRINK_S 500 /* for all tries */
#define DIE_S 20u    /* for one that ends the process */
#define HANG_S 3u    /* what takes longer hangs, in a program that took much longer */
#define HANG_TRIES 10

static bool copy(const struct gpup_program *from, struct gpup_program *to) {
    size_t size = gpup_program_encode(from, NULL, 0);
    uint8_t *bytes = malloc(size + 1);
    bool ok = bytes && gpup_program_encode(from, bytes, size) == size && gpup_program_decode(bytes, size, to);
    free(bytes);
    return ok;
}

/* The world of the C form: guard pages, start and stop as documented. What such a world shows without any
 * program, in its own last sequence, is no doing of the program. */
static bool alone(const struct goal *g, const struct gpup_program *p) {
    char message[1024], wanted[40];
    gpup_image_reset(g->image);
    alarm(fuzz_limit());
    int found = gpup_world_run_and_judge(p, g->implementation, message, sizeof message);
    alarm(0);
    if (found != 1)
        return false;
    snprintf(wanted, sizeof wanted, " %s, %s", g->rule, g->after ? "" : "step ");
    return strstr(message, wanted) != NULL;
}

static bool in_engine(const struct goal *g, const struct gpup_program *p) {
    struct gpup_program run;
    if (!copy(p, &run))
        return false;
    alarm(fuzz_limit()); /* a smaller program may hang where this one did not */
    fuzz_engine_run(g->engine, &run);
    alarm(0);
    const struct gpup_finding *made = fuzz_engine_made(g->engine, g->key);
    bool same = run.step_count == p->step_count && made;
    gpup_program_free(&run);
    return same;
}

static unsigned hang_seconds(void) {
    return fuzz_limit() < HANG_S ? fuzz_limit() : HANG_S;
}

/* In the world of the C form or, where that does not show it, in the campaign's. */
static _Noreturn void die(const struct goal *g, const struct gpup_program *p) {
    char message[1024];
    struct gpup_program run;
    if (!freopen("/dev/null", "w", stderr))
        _exit(0);
    alarm(g->hangs ? hang_seconds() : DIE_S);
    if (g->dying && copy(p, &run)) {
        fuzz_engine_run(g->dying, &run);
        _exit(0);
    }
    gpup_image_reset(g->image);
    gpup_world_run_and_judge(p, g->implementation, message, sizeof message);
    _exit(0);
}

/* A sanitizer, or a signal, ends the process; or nothing does. */
static bool dies(const struct goal *g, const struct gpup_program *p) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        die(g, p);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    return g->hangs ? hung : status != 0 && !hung;
}

bool goal_kept(void *context, const struct gpup_program *candidate) {
    const struct goal *g = context;
    if (!g->engine)
        return dies(g, candidate);
    return in_engine(g, candidate) && (!g->alone || alone(g, candidate));
}

/* What is small enough by then is taken. */
static bool kept_in_time(void *context, const struct gpup_program *candidate) {
    const struct goal *g = context;
    return time(NULL) - g->began < (g->hangs ? HANG_TRIES * (time_t)hang_seconds() : SHRINK_S) &&
           goal_kept(context, candidate);
}

bool goal_shrink(struct goal *g, struct gpup_program *p) {
    g->alone = g->after = false;
    g->began = time(NULL);
    if (!goal_kept(g, p))
        return false;
    g->after = g->engine && fuzz_engine_made(g->engine, g->key)->step == GPUP_NO_STEP;
    bool both = g->engine && alone(g, p);
    if (both) { /* first quickly, then with both worlds; where they part, slowly from the start */
        struct gpup_program quick;
        if (copy(p, &quick)) {
            gpup_program_shrink(&quick, kept_in_time, g, TRIES);
            if (alone(g, &quick)) {
                struct gpup_program old = *p;
                *p = quick;
                quick = old;
            }
            gpup_program_free(&quick);
        }
        g->alone = true;
    }
    gpup_program_shrink(p, kept_in_time, g, TRIES);
    return true;
}
