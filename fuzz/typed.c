#include "typed.h"

/* As many steps as fit. */
static size_t encode(struct gpup_program *p, uint8_t *out, size_t max_size) {
    size_t needed = gpup_program_encode(p, out, max_size);
    while (needed > max_size && p->step_count) {
        p->step_count--;
        needed = gpup_program_encode(p, out, max_size);
    }
    gpup_program_free(p);
    return needed <= max_size ? needed : 0;
}

size_t typed_mutate(struct gpup_mutator *mutator, uint8_t *data, size_t size, size_t max_size, uint64_t seed,
                    unsigned times) {
    struct gpup_program p;
    if (!gpup_program_decode(data, size, &p))
        return 0;
    for (unsigned i = 0; i < times; i++)
        gpup_mutate(mutator, &p, seed + i * 0x9E3779B97F4A7C15u);
    return encode(&p, data, max_size);
}

size_t typed_cross(struct gpup_mutator *mutator, const uint8_t *a, size_t a_size, const uint8_t *b,
                   size_t b_size, uint8_t *out, size_t max_size, uint64_t seed) {
    struct gpup_program p, other;
    if (!gpup_program_decode(a, a_size, &p))
        return 0;
    if (!gpup_program_decode(b, b_size, &other)) {
        gpup_program_free(&p);
        return 0;
    }
    gpup_cross(mutator, &p, &other, seed);
    gpup_program_free(&other);
    return encode(&p, out, max_size);
}
