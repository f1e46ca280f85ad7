/* Nothing survives from one execution to the next: each bundled program gives the same trace in an engine of
 * its own and after any other, in a restored world. */
#include "bundled.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 3u

static uint64_t hash;

static void mix(const void *bytes, size_t size) {
    const uint8_t *b = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ b[i]) * 0x100000001B3u;
}

static void listen(void *context, const struct gpup_event *e) {
    (void)context;
    mix(&e->kind, sizeof e->kind);
    mix(&e->host, sizeof e->host);
    mix(&e->fiber, sizeof e->fiber);
    mix(&e->step, sizeof e->step);
    mix(&e->time_ns, sizeof e->time_ns);
    mix(e->f, sizeof e->f);
    mix(e->data, e->data_size);
}

static uint64_t run(struct fuzz_engine *engine, size_t i) {
    struct gpup_program p;
    hash = 0xCBF29CE484222325u;
    if (!bundled(i, &p))
        return 0;
    fuzz_engine_run(engine, &p);
    gpup_program_free(&p);
    return hash;
}

/* In a process of its own. */
static uint64_t run_alone(const struct gpup_trace_sink *tap, size_t i) {
    uint64_t result = 0;
    int ends[2];
    if (pipe(ends) != 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct fuzz_engine *engine = bundled_engine(tap);
        result = engine ? run(engine, i) : 0;
        _exit(write(ends[1], &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &result, sizeof result) != (ssize_t)sizeof result)
        result = 0;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return result;
}

int main(void) {
    const struct gpup_trace_sink tap = {listen, NULL};
    size_t count = bundled_count(), bad = 0;
    uint64_t *alone = calloc(count, sizeof *alone), random = 1;
    for (size_t i = 0; alone && i < count; i++)
        alone[i] = run_alone(&tap, i);
    struct fuzz_engine *engine = bundled_engine(&tap);
    for (size_t n = 0; alone && engine && n < count * ROUNDS; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t i = (size_t)((random >> 33) % count);
        if (run(engine, i) != alone[i] && bad++ < 10)
            printf("%s: another trace after other programs\n",
                   i < gpup_scenario_count ? gpup_scenarios[i].name
                                           : fuzz_prefixes[i - gpup_scenario_count].name);
    }
    const struct fuzz_finding *findings;
    printf("%zu programs, %u rounds, %zu differ, %zu findings\n", count, ROUNDS, bad,
           fuzz_engine_findings(engine, &findings));
    fuzz_engine_free(engine);
    free(alone);
    return bad || !engine ? 1 : 0;
}
