/*
 * The typed mutator as AFL++'s custom mutator:
 *
 *   AFL_CUSTOM_MUTATOR_LIBRARY=gpup-afl-mutator.so AFL_CUSTOM_MUTATOR_ONLY=1 AFL_DISABLE_TRIM=1 afl-fuzz ...
 *
 * AFL++ runs what one call gives, so mutations are stacked here; a part of the calls crosses with the other
 * entry that AFL++ offers.
 */
#include "typed.h"

#include <stdlib.h>
#include <string.h>

#define STACKED 16u
#define STEPS 32u
#define ROOM 4096u

struct mutation {
    struct gpup_mutator *mutator;
    uint64_t random;
    uint8_t out[ROOM];
};

void *afl_custom_init(void *afl, unsigned int seed);
void afl_custom_deinit(struct mutation *m);
size_t afl_custom_fuzz(struct mutation *m, uint8_t *data, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size);

void *afl_custom_init(void *afl, unsigned int seed) {
    const char *negative = getenv("GPUP_FUZZ_NEGATIVE");
    struct gpup_mutator_options options = {.max_steps = STEPS, .negative = negative && *negative != '0'};
    struct mutation *m = calloc(1, sizeof *m);
    (void)afl;
    if (!m)
        return NULL;
    m->random = seed;
    m->mutator = gpup_mutator_new(&options);
    if (!m->mutator) {
        free(m);
        return NULL;
    }
    return m;
}

void afl_custom_deinit(struct mutation *m) {
    gpup_mutator_free(m->mutator);
    free(m);
}

static uint64_t next(struct mutation *m) {
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return m->random ^ m->random >> 29;
}

size_t afl_custom_fuzz(struct mutation *m, uint8_t *data, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size) {
    size_t room = max_size < ROOM ? max_size : ROOM;
    unsigned times = 1 + (unsigned)(next(m) >> 32) % STACKED;
    *out = m->out;
    size = size < room ? size : room;
    if (other && other_size && next(m) % 8 == 0) {
        size = typed_cross(m->mutator, data, size, other, other_size, m->out, room, next(m));
        times = 1;
    } else {
        memcpy(m->out, data, size);
    }
    return typed_mutate(m->mutator, m->out, size, room, next(m), times);
}
