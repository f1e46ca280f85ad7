/* The binary form: total decoding, one canonical encoding, and changes that stay local. */
#include "sample.h"
#include <string.h>

#define ROUNDS 20000
#define ENCODED 65536

static void assert_valid(const struct gpup_program *program) {
    struct gpup_program clamped = *program;
    gpup_world_clamp(&clamped.world);
    assert_same_program(program, &clamped);
    for (size_t i = 0; i < program->step_count; i++) {
        struct gpup_step step = program->steps[i];
        gpup_step_clamp(&step);
        assert_same_step(&program->steps[i], &step);
    }
}

static void test_any_bytes(void **state) {
    uint64_t seed = 1;
    size_t steps = 0;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        static uint8_t bytes[SAMPLE_BYTES], once[ENCODED], twice[ENCODED];
        struct gpup_program program, again;
        size_t size = sample_bytes(&seed, bytes);
        assert_true(gpup_program_decode(bytes, size, &program));
        assert_valid(&program);
        size_t encoded = gpup_program_encode(&program, once, sizeof once);
        assert_true(encoded <= sizeof once);
        assert_true(gpup_program_decode(once, encoded, &again));
        assert_same_program(&program, &again);
        assert_int_equal(gpup_program_encode(&again, twice, sizeof twice), encoded);
        assert_memory_equal(once, twice, encoded);
        steps += program.step_count;
        gpup_program_free(&program);
        gpup_program_free(&again);
    }
    assert_true(steps > (size_t)5 * ROUNDS); /* the generator is worth its name */
}

static void test_any_program(void **state) {
    uint64_t seed = 2;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        static uint8_t bytes[ENCODED];
        struct gpup_program program, again;
        sample_program(&seed, &program);
        size_t size = gpup_program_encode(&program, bytes, sizeof bytes);
        assert_true(gpup_program_decode(bytes, size, &again));
        assert_same_program(&program, &again);
        gpup_program_free(&program);
        gpup_program_free(&again);
    }
}

static void test_nothing_is_the_default(void **state) {
    struct gpup_program program, expected = {0};
    static const uint8_t zeros[24];
    (void)state;
    gpup_world_defaults(&expected.world);
    assert_true(gpup_program_decode(NULL, 0, &program));
    assert_same_program(&expected, &program);
    assert_true(gpup_program_decode(zeros, sizeof zeros, &program));
    assert_same_program(&expected, &program);
}

static void test_defaults_are_small(void **state) {
    (void)state;
    for (unsigned op = 0; op < GPUP_OPS; op++) {
        struct gpup_program program = {0};
        struct gpup_step step;
        gpup_world_defaults(&program.world);
        gpup_step_defaults(&step, op);
        assert_true(gpup_program_append(&program, &step));
        assert_int_equal(gpup_program_encode(&program, NULL, 0), 24 + 4);
        gpup_program_free(&program);
    }
}

static void test_capacity(void **state) {
    struct gpup_program program = {0};
    struct gpup_step step;
    uint8_t out[64];
    (void)state;
    gpup_world_defaults(&program.world);
    gpup_step_defaults(&step, GPUP_OP_Wait);
    step.f[GPUP_Wait_us].number = 5;
    assert_true(gpup_program_append(&program, &step));
    memset(out, 0xEE, sizeof out);
    assert_int_equal(gpup_program_encode(&program, out, 31), 32);
    assert_int_equal(out[31], 0xEE);
    gpup_program_free(&program);
}

static bool same(const struct gpup_step *a, const struct gpup_step *b) {
    bool equal = a->op == b->op && a->host == b->host && a->class == b->class && a->vf == b->vf;
    for (unsigned i = 0; i < GPUP_STEP_FIELDS; i++)
        equal = equal && a->f[i].symbol == b->f[i].symbol && a->f[i].number == b->f[i].number;
    return equal;
}

/* How many steps differ, when one byte after the header is changed and the number of steps stays. */
static void test_changes_stay_local(void **state) {
    uint64_t seed = 3;
    unsigned compared = 0, same_count = 0;
    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        static uint8_t bytes[ENCODED];
        struct gpup_program program, changed;
        sample_program(&seed, &program);
        size_t size = gpup_program_encode(&program, bytes, sizeof bytes);
        if (size > 24) {
            size_t at = 24 + sample_random(&seed) % (size - 24);
            bytes[at] ^= (uint8_t)(1 + sample_random(&seed) % 255);
            assert_true(gpup_program_decode(bytes, size, &changed));
            unsigned differ = 0;
            for (size_t i = 0; changed.step_count == program.step_count && i < program.step_count; i++)
                differ += !same(&program.steps[i], &changed.steps[i]);
            assert_true(differ <= 1);
            compared++;
            same_count += changed.step_count == program.step_count;
            gpup_program_free(&changed);
        }
        gpup_program_free(&program);
    }
    assert_true(same_count * 4 > compared * 3);
}

static void test_most_steps(void **state) {
    static uint8_t bytes[24 + 4 * (GPUP_PROGRAM_MAX_STEPS + 10)];
    struct gpup_program program;
    struct gpup_step step;
    (void)state;
    memset(bytes + 24, 0x80, sizeof bytes - 24);
    assert_true(gpup_program_decode(bytes, sizeof bytes, &program));
    assert_int_equal(program.step_count, GPUP_PROGRAM_MAX_STEPS);
    gpup_step_defaults(&step, 0);
    assert_false(gpup_program_append(&program, &step));
    gpup_program_free(&program);
    assert_null(program.steps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_any_program),
        cmocka_unit_test(test_nothing_is_the_default),
        cmocka_unit_test(test_defaults_are_small),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_changes_stay_local),
        cmocka_unit_test(test_most_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
