/* Operation tables, defaults, bounds and the line of a step. */
#include "sample.h"
#include <string.h>

static void test_tables(void **state) {
    (void)state;
    for (unsigned op = 0; op < GPUP_OPS; op++) {
        const struct gpup_op_info *info = gpup_op_info(op);
        struct gpup_step step, clamped;
        assert_int_equal(gpup_op_find(info->name), op);
        gpup_step_defaults(&step, op);
        clamped = step;
        gpup_step_clamp(&clamped);
        assert_same_step(&step, &clamped); /* every default is a value the kind allows */
        for (unsigned i = 0; i < info->field_count; i++)
            assert_non_null(info->field[i].name);
    }
    assert_null(gpup_op_info(GPUP_OPS));
    assert_int_equal(gpup_op_find("StartVn"), -1);
    assert_string_equal(gpup_class_name(GPUP_ROBUSTNESS), "robustness");
    assert_null(gpup_class_name(GPUP_CLASSES));
}

static void test_world_bounds(void **state) {
    struct gpup_world_config world, clamped;
    (void)state;
    gpup_world_defaults(&world);
    clamped = world;
    gpup_world_clamp(&clamped);
    assert_memory_equal(&world, &clamped, sizeof world);
    memset(&world, 0xFF, sizeof world);
    gpup_world_clamp(&world);
    assert_int_equal(world.hosts, 2);
    assert_int_equal(world.vfs, 64);
    assert_int_equal(world.partitions, 64);
    assert_int_equal(world.segments, 4);
    assert_int_equal(world.msix_entries, 2048);
    assert_int_equal(world.msix_bar, 4);
    assert_int_equal(world.msix_offset, (1 << 20) - 8);
    assert_int_equal(world.page_size, 2097152);
    assert_int_equal(world.vram_mib, 16384);
    assert_int_equal(world.reserve_kib % 2048, 0);
    assert_true((uint64_t)world.reserve_kib * (64 + 4) <= UINT64_C(4) * 16384 * 1024);
    world = (struct gpup_world_config){.vfs = 6, .partitions = 6};
    gpup_world_clamp(&world);
    assert_int_equal(world.partitions, 4);
    assert_int_equal(world.reserve_kib, 64);
}

static struct gpup_step interrupt(uint8_t symbol, uint64_t number) {
    struct gpup_step step;
    gpup_step_defaults(&step, GPUP_OP_WriteVirtualizedInterrupt);
    step.f[GPUP_WriteVirtualizedInterrupt_index] = (struct gpup_value){symbol, number};
    return step;
}

static void assert_line(const struct gpup_step *step, const char *expected) {
    char line[300];
    assert_int_equal(gpup_step_print(step, line, sizeof line), strlen(expected));
    assert_string_equal(line, expected);
}

static void test_lines(void **state) {
    char line[8];
    struct gpup_step step = interrupt(GPUP_SYMBOL_LAST, 0);
    (void)state;
    step.vf = 1;
    step.f[GPUP_WriteVirtualizedInterrupt_address].number = 0xFEE00010;
    assert_line(&step, "- WriteVirtualizedInterrupt: {vf: 1, index: last, address: 0xfee00010}");
    step = interrupt(GPUP_SYMBOL_COUNT, 1);
    step.class = GPUP_ROBUSTNESS;
    assert_line(&step, "- WriteVirtualizedInterrupt: {index: count+1, class: robustness}");
    step = interrupt(GPUP_SYMBOL_NONE, (uint64_t)-5);
    assert_line(&step, "- WriteVirtualizedInterrupt: {index: -5}");
    gpup_step_defaults(&step, GPUP_OP_StartVm);
    assert_line(&step, "- StartVm");
    assert_int_equal(gpup_step_print(&step, line, sizeof line), 9);
    assert_string_equal(line, "- Start");
    assert_int_equal(gpup_step_print(&step, NULL, 0), 9);
}

static void test_step_bounds(void **state) {
    struct gpup_step step = interrupt(GPUP_SYMBOL_NULL, 0x12345);
    (void)state;
    step.vf = 64 + 3;
    step.host = 5;
    step.f[7].number = 9;
    gpup_step_clamp(&step);
    assert_int_equal(step.vf, 3);
    assert_int_equal(step.host, 1);
    assert_int_equal(step.f[7].number, 0);
    assert_int_equal(step.f[0].symbol, GPUP_SYMBOL_NONE);
    assert_int_equal(step.f[0].number, 0x2345);
    step.class = GPUP_POLICY;
    step.vf = 0xFFFFFFFF;
    gpup_step_clamp(&step);
    assert_int_equal(step.vf, 0xFFFFFFFF);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_world_bounds),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_step_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
