/* The shrinker finds what a failure needs, keeps to its budget, and does the same twice. */
#include "sample.h"
#include <string.h>

static bool is_write(const struct gpup_step *step) {
    return step->op == GPUP_OP_WriteVirtualizedInterrupt;
}

/* A pair that belongs together: StartVm of a vf, and later a write for it with data of at least 1000. */
static bool pair(void *context, const struct gpup_program *program) {
    ++*(size_t *)context;
    for (size_t i = 0; i < program->step_count; i++)
        for (size_t j = i + 1; j < program->step_count; j++)
            if (program->steps[i].op == GPUP_OP_StartVm && is_write(&program->steps[j]) &&
                program->steps[i].vf == program->steps[j].vf &&
                program->steps[j].f[GPUP_WriteVirtualizedInterrupt_data].number >= 1000)
                return true;
    return false;
}

static void make(struct gpup_program *program) {
    uint64_t seed = 7;
    struct gpup_step step;
    sample_program(&seed, program);
    for (unsigned i = 0; i < 100; i++) {
        gpup_step_defaults(&step, (unsigned)sample_random(&seed));
        step.vf = (uint32_t)(sample_random(&seed) % 6);
        assert_true(gpup_program_append(program, &step));
    }
    gpup_step_defaults(&step, GPUP_OP_StartVm);
    step.vf = 5;
    assert_true(gpup_program_append(program, &step));
    gpup_step_defaults(&step, GPUP_OP_Wait);
    assert_true(gpup_program_append(program, &step));
    gpup_step_defaults(&step, GPUP_OP_WriteVirtualizedInterrupt);
    step.vf = 5;
    step.host = 1;
    step.f[GPUP_WriteVirtualizedInterrupt_index].symbol = GPUP_SYMBOL_COUNT;
    step.f[GPUP_WriteVirtualizedInterrupt_address].number = 0x1234;
    step.f[GPUP_WriteVirtualizedInterrupt_data].number = 0x80000;
    assert_true(gpup_program_append(program, &step));
}

static void test_minimal_pair(void **state) {
    struct gpup_program program;
    struct gpup_world_config standard;
    char line[200];
    size_t calls = 0;
    (void)state;
    make(&program);
    size_t tries = gpup_program_shrink(&program, pair, &calls, 10000);
    assert_int_equal(tries, calls);
    assert_int_equal(program.step_count, 2);
    gpup_step_print(&program.steps[0], line, sizeof line);
    assert_string_equal(line, "- StartVm");
    gpup_step_print(&program.steps[1], line, sizeof line);
    assert_string_equal(line, "- WriteVirtualizedInterrupt: {data: 1000}");
    gpup_world_defaults(&standard);
    assert_int_equal(program.world.vfs, standard.vfs);
    assert_int_equal(program.world.msix_entries, standard.msix_entries);
    gpup_program_free(&program);
}

static void test_budget(void **state) {
    (void)state;
    for (size_t budget = 0; budget < 40; budget++) {
        struct gpup_program program;
        size_t calls = 0;
        make(&program);
        assert_int_equal(gpup_program_shrink(&program, pair, &calls, budget), budget);
        assert_int_equal(calls, budget);
        assert_true(pair(&calls, &program)); /* whatever it got to still fails */
        gpup_program_free(&program);
    }
}

static bool never(void *context, const struct gpup_program *program) {
    (void)context;
    (void)program;
    return false;
}

static void test_nothing_smaller(void **state) {
    struct gpup_program program, before;
    (void)state;
    make(&before);
    make(&program);
    gpup_program_shrink(&program, never, NULL, 100000);
    assert_same_program(&before, &program);
    gpup_program_free(&program);
    gpup_program_free(&before);
}

/* Needs a world of its own: two hosts and many entries; and a symbol. */
static bool needs_world(void *context, const struct gpup_program *program) {
    (void)context;
    if (program->world.hosts != 2 || program->world.msix_entries < 100)
        return false;
    for (size_t i = 0; i < program->step_count; i++)
        if (is_write(&program->steps[i]) &&
            program->steps[i].f[GPUP_WriteVirtualizedInterrupt_index].symbol == GPUP_SYMBOL_COUNT)
            return true;
    return false;
}

static void test_world(void **state) {
    struct gpup_program program;
    char line[200];
    (void)state;
    make(&program);
    program.world.hosts = 2;
    program.world.msix_entries = 2048;
    program.world.vfs = 64;
    gpup_program_shrink(&program, needs_world, NULL, 100000);
    assert_int_equal(program.step_count, 1);
    gpup_step_print(&program.steps[0], line, sizeof line);
    assert_string_equal(line, "- WriteVirtualizedInterrupt: {index: count}");
    assert_int_equal(program.world.hosts, 2);
    assert_int_equal(program.world.msix_entries, 128);
    assert_int_equal(program.world.vfs, 4);
    gpup_program_free(&program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal_pair),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_nothing_smaller),
        cmocka_unit_test(test_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
