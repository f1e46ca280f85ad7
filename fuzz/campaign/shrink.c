#include "triage.h"

#include <gpup/binding.h>
#include <gpup/repro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 4000u

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
    if (gpup_world_run_and_judge(p, g->implementation, message, sizeof message) != 1)
        return false;
    snprintf(wanted, sizeof wanted, " %s, %s", g->rule, g->after ? "" : "step ");
    return strstr(message, wanted) != NULL;
}

static bool in_engine(const struct goal *g, const struct gpup_program *p) {
    struct gpup_program run;
    if (!copy(p, &run))
        return false;
    fuzz_engine_run(g->engine, &run);
    const struct gpup_finding *made = fuzz_engine_made(g->engine, g->key);
    bool same = run.step_count == p->step_count && made;
    gpup_program_free(&run);
    return same;
}

/* A sanitizer, or a signal, ends the process. */
static bool dies(const struct goal *g, const struct gpup_program *p) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        char message[1024];
        if (!freopen("/dev/null", "w", stderr))
            _exit(0);
        alarm(20);
        gpup_image_reset(g->image);
        gpup_world_run_and_judge(p, g->implementation, message, sizeof message);
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status != 0;
}

bool goal_kept(void *context, const struct gpup_program *candidate) {
    const struct goal *g = context;
    if (!g->engine)
        return dies(g, candidate);
    return in_engine(g, candidate) && (!g->alone || alone(g, candidate));
}

bool goal_shrink(struct goal *g, struct gpup_program *p) {
    g->alone = g->after = false;
    if (!goal_kept(g, p))
        return false;
    g->after = g->engine && fuzz_engine_made(g->engine, g->key)->step == GPUP_NO_STEP;
    bool both = g->engine && alone(g, p);
    if (both) { /* first quickly, then with both worlds; where they part, slowly from the start */
        struct gpup_program quick;
        if (copy(p, &quick)) {
            gpup_program_shrink(&quick, goal_kept, g, TRIES);
            if (alone(g, &quick)) {
                struct gpup_program old = *p;
                *p = quick;
                quick = old;
            }
            gpup_program_free(&quick);
        }
        g->alone = true;
    }
    gpup_program_shrink(p, goal_kept, g, TRIES);
    return true;
}
