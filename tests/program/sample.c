#include "sample.h"
#include <string.h>

uint64_t sample_random(uint64_t *seed) { /* splitmix64 */
    uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t number(uint64_t *seed) {
    unsigned bits = (unsigned)(sample_random(seed) % 65);
    uint64_t value = bits ? sample_random(seed) >> (64 - bits) : 0;
    return sample_random(seed) % 4 ? value : -value;
}

static void sample_world(uint64_t *seed, struct gpup_world_config *world) {
    *world = (struct gpup_world_config){.hosts = (uint8_t)number(seed),
                                        .vfs = (uint8_t)number(seed),
                                        .partitions = (uint8_t)number(seed),
                                        .segments = (uint8_t)number(seed),
                                        .msix_entries = (uint16_t)number(seed),
                                        .msix_bar = (uint8_t)number(seed),
                                        .msix_offset = (uint32_t)number(seed),
                                        .page_size = (uint32_t)number(seed),
                                        .performant = sample_random(seed) & 1,
                                        .vram_mib = (uint32_t)number(seed),
                                        .reserve_kib = (uint32_t)number(seed),
                                        .seed = number(seed),
                                        .fill = (uint8_t)number(seed),
                                        .preempt = sample_random(seed) & 1,
                                        .scatter = sample_random(seed) & 1,
                                        .uneven = sample_random(seed) & 1,
                                        .reserved = sample_random(seed) & 1,
                                        .untracked = sample_random(seed) & 1,
                                        .bus = (uint8_t)number(seed),
                                        .one_system = sample_random(seed) & 1};
    gpup_world_clamp(world);
}

static void sample_step(uint64_t *seed, struct gpup_step *step) {
    gpup_step_defaults(step, (unsigned)sample_random(seed));
    step->host = sample_random(seed) & 1;
    step->class = sample_random(seed) % 3 ? GPUP_LEGAL : sample_random(seed) & 3;
    step->vf = sample_random(seed) % 4 ? (uint32_t)(sample_random(seed) % 8) : (uint32_t)number(seed);
    for (unsigned i = 0; i < gpup_op_info(step->op)->field_count; i++)
        if (sample_random(seed) % 2)
            step->f[i] = (struct gpup_value){(uint8_t)(sample_random(seed) % GPUP_SYMBOLS), number(seed)};
    gpup_step_clamp(step);
}

void sample_program(uint64_t *seed, struct gpup_program *program) {
    unsigned count = (unsigned)(sample_random(seed) % 12);
    *program = (struct gpup_program){0};
    sample_world(seed, &program->world);
    for (unsigned i = 0; i < count; i++) {
        struct gpup_step step;
        sample_step(seed, &step);
        assert_true(gpup_program_append(program, &step));
    }
}

static size_t sample_mutant(uint64_t *seed, uint8_t out[SAMPLE_BYTES]) {
    struct gpup_program program;
    sample_program(seed, &program);
    size_t size = gpup_program_encode(&program, out, SAMPLE_BYTES);
    gpup_program_free(&program);
    if (size > SAMPLE_BYTES)
        return 0;
    for (unsigned i = 0; i < 3; i++)
        out[sample_random(seed) % size] = (uint8_t)sample_random(seed);
    return size;
}

size_t sample_bytes(uint64_t *seed, uint8_t out[SAMPLE_BYTES]) {
    unsigned kind = (unsigned)(sample_random(seed) % 3);
    if (kind == 0)
        return sample_mutant(seed, out);
    size_t size = sample_random(seed) % SAMPLE_BYTES;
    for (size_t i = 0; i < size; i++)
        out[i] = kind == 1 || sample_random(seed) % 4 == 0 ? (uint8_t)sample_random(seed) : 0;
    return size;
}

void assert_same_step(const struct gpup_step *a, const struct gpup_step *b) {
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->host, b->host);
    assert_int_equal(a->class, b->class);
    assert_int_equal(a->vf, b->vf);
    for (unsigned i = 0; i < GPUP_STEP_FIELDS; i++) {
        assert_int_equal(a->f[i].symbol, b->f[i].symbol);
        assert_true(a->f[i].number == b->f[i].number);
    }
}

static void assert_same_world(const struct gpup_world_config *a, const struct gpup_world_config *b) {
    assert_int_equal(a->hosts, b->hosts);
    assert_int_equal(a->vfs, b->vfs);
    assert_int_equal(a->partitions, b->partitions);
    assert_int_equal(a->segments, b->segments);
    assert_int_equal(a->msix_entries, b->msix_entries);
    assert_int_equal(a->msix_bar, b->msix_bar);
    assert_int_equal(a->msix_offset, b->msix_offset);
    assert_int_equal(a->page_size, b->page_size);
    assert_int_equal(a->performant, b->performant);
    assert_int_equal(a->vram_mib, b->vram_mib);
    assert_int_equal(a->reserve_kib, b->reserve_kib);
    assert_true(a->seed == b->seed);
    assert_int_equal(a->fill, b->fill);
    assert_int_equal(a->preempt, b->preempt);
    assert_int_equal(a->scatter, b->scatter);
    assert_int_equal(a->uneven, b->uneven);
    assert_int_equal(a->reserved, b->reserved);
    assert_int_equal(a->untracked, b->untracked);
    assert_int_equal(a->bus, b->bus);
    assert_int_equal(a->one_system, b->one_system);
}

void assert_same_program(const struct gpup_program *a, const struct gpup_program *b) {
    assert_same_world(&a->world, &b->world);
    assert_int_equal(a->step_count, b->step_count);
    for (size_t i = 0; i < a->step_count; i++)
        assert_same_step(&a->steps[i], &b->steps[i]);
}
