/* What the bundled programs make a driver carry out in earnest, mutated programs do too:
 *   test_fuzz_played PROGRAMS   of them, each from nothing
 * A DDI counts when a call that the OS would make succeeded; the judge of that is the world, which leaves out
 * what is not legal, and not the state machines that the mutator steers by. */
#include "bundled.h"

#include <gpup/mutate.h>
#include <gpup/spec.h>
#include <gpup/spec_ids.h>
#include <gpup/trace.h>

#include <stdlib.h>
#include <string.h>

#define MUTATIONS 4u

struct played {
    bool legal[GPUP_DDI_COUNT];     /* the call that is going on */
    unsigned times[GPUP_DDI_COUNT]; /* that it succeeded */
};

static void hear(void *context, const struct gpup_event *e) {
    struct played *p = context;
    uint64_t ddi = e->kind == GPUP_EVENT_CALL     ? e->f[GPUP_CALL_ddi]
                   : e->kind == GPUP_EVENT_RETURN ? e->f[GPUP_RETURN_ddi]
                                                  : GPUP_DDI_COUNT;
    if (ddi >= GPUP_DDI_COUNT)
        return;
    if (e->kind == GPUP_EVENT_CALL)
        p->legal[ddi] = e->f[GPUP_CALL_class] == GPUP_LEGAL;
    else
        p->times[ddi] += p->legal[ddi] && (int32_t)e->f[GPUP_RETURN_status] >= 0;
}

static void play_bundled(struct fuzz_engine *engine) {
    for (size_t i = 0; i < bundled_count(); i++) {
        struct gpup_program p;
        if (bundled(i, &p)) {
            fuzz_engine_run(engine, &p);
            gpup_program_free(&p);
        }
    }
}

static bool play_mutated(struct fuzz_engine *engine, unsigned long programs) {
    struct gpup_mutator_options options = {.max_steps = 32};
    struct gpup_mutator *m = gpup_mutator_new(&options);
    for (unsigned long i = 0; m && i < programs; i++) {
        struct gpup_program p;
        if (!gpup_program_decode("", 0, &p))
            break;
        for (unsigned k = 0; k < MUTATIONS; k++)
            gpup_mutate(m, &p, i * MUTATIONS + k);
        fuzz_engine_run(engine, &p);
        gpup_program_free(&p);
    }
    gpup_mutator_free(m);
    return m != NULL;
}

int main(int argc, char **argv) {
    static struct played by_bundled, by_mutated;
    struct gpup_trace_sink bundled_sink = {hear, &by_bundled}, mutated_sink = {hear, &by_mutated};
    unsigned long programs = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    struct fuzz_engine *engine = programs ? bundled_engine(&bundled_sink) : NULL;
    unsigned expected = 0, missed = 0;
    if (!engine)
        return 3;
    play_bundled(engine);
    fuzz_engine_tap(engine, &mutated_sink);
    if (!play_mutated(engine, programs))
        return 3;
    for (unsigned ddi = 0; ddi < gpup_spec_counts.ddis; ddi++) {
        expected += by_bundled.times[ddi] != 0;
        if (!by_bundled.times[ddi] || by_mutated.times[ddi])
            continue;
        printf("%s succeeds %u times in bundled programs, and in none of %lu mutated ones\n",
               gpup_ddis[ddi].name, by_bundled.times[ddi], programs);
        missed++;
    }
    printf("%u of %u DDIs were played by mutated programs\n", expected - missed, expected);
    fuzz_engine_free(engine);
    return expected && !missed ? 0 : 1;
}
