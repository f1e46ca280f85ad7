/* MSI-X of a VF: masks, pending bits, power, reset, access widths. */
#include "support.h"
#include <string.h>

static struct bench *started(void) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    bench_enable_vfs(bench, 4);
    bench_run_vf(bench, 1, 0, 0x10000);
    bench_enable_msix(bench, 1, true, false);
    return bench;
}

static void put_entry(struct bench *bench, uint32_t index, uint64_t address, uint32_t data,
                      uint32_t control) {
    uint64_t at = bench_entry(bench, 1, index);
    bench->ops->bus_write(bench->device, at, 8, address);
    bench->ops->bus_write(bench->device, at + 8, 4, data);
    bench->ops->bus_write(bench->device, at + 12, 4, control);
}

static void pending_goes_out_once_on_unmask(void **state) {
    struct bench *bench = started();
    (void)state;
    put_entry(bench, 3, 0x1FEE00010, 0x41, 1);
    assert_true(bench->ops->raise(bench->device, 1, 3));
    assert_true(bench->ops->raise(bench->device, 1, 3));
    assert_int_equal(bench->messages, 0);
    put_entry(bench, 3, 0x1FEE00020, 0x42, 0);
    assert_int_equal(bench->messages, 1);
    assert_int_equal(bench->message[0].vf, 1);
    assert_int_equal(bench->message[0].index, 3);
    assert_int_equal(bench->message[0].address, 0x1FEE00020);
    assert_int_equal(bench->message[0].data, 0x42);
    put_entry(bench, 3, 0x1FEE00020, 0x42, 1);
    put_entry(bench, 3, 0x1FEE00020, 0x42, 0);
    assert_int_equal(bench->messages, 1);
    bench_free(bench);
}

static void function_mask_holds_back_and_keeps_entry_masks(void **state) {
    struct bench *bench = started();
    struct gpup_msix_control control;
    uint8_t table[8 * 16];
    (void)state;
    put_entry(bench, 0, 0xFEE00000, 1, 0);
    put_entry(bench, 7, 0xFEE00000, 7, 0);
    bench_enable_msix(bench, 1, true, true);
    bench->ops->raise(bench->device, 1, 0);
    bench->ops->raise(bench->device, 1, 7);
    assert_true(bench->ops->read_msix_control(bench->device, 1, &control));
    assert_true(control.function_mask);
    assert_int_equal(control.pending[0], 0x81);
    assert_true(bench->ops->read_msix(bench->device, 1, table));
    assert_int_equal(table[12], 0);
    bench_enable_msix(bench, 1, true, false);
    assert_int_equal(bench->messages, 2);
    assert_int_equal(bench->message[1].data, 7);
    bench_free(bench);
}

static void reserved_bits_and_odd_widths_are_stored(void **state) {
    struct bench *bench = started();
    uint64_t at = bench_entry(bench, 1, 2);
    (void)state;
    bench->ops->bus_write(bench->device, at + 12, 4, 0xABCD0003);
    assert_int_equal(bench->ops->bus_read(bench->device, at + 12, 4), 0xABCD0003);
    bench->ops->bus_write(bench->device, at + 1, 1, 0x77);
    bench->ops->bus_write(bench->device, at + 6, 2, 0x5566);
    assert_int_equal(bench->ops->bus_read(bench->device, at, 8), 0x5566000000007700);
    assert_int_equal(bench->table_writes, 3);
    bench_free(bench);
}

static void pba_is_read_only(void **state) {
    struct bench *bench = started();
    struct gpup_device_shape shape;
    (void)state;
    bench->ops->describe(bench->device, &shape);
    uint64_t pba = bench_vf_bar(bench, 1, shape.pba_bar) + shape.pba_offset;
    bench->ops->raise(bench->device, 1, 5);
    bench->ops->bus_write(bench->device, pba, 8, 0);
    assert_int_equal(bench->pba_writes, 1);
    assert_int_equal(bench->ops->bus_read(bench->device, pba, 8), 1 << 5);
    bench_free(bench);
}

static void without_power_writes_are_lost_and_contents_kept(void **state) {
    struct bench *bench = started();
    uint64_t at = bench_entry(bench, 1, 0);
    (void)state;
    put_entry(bench, 0, 0xFEE00040, 9, 0);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_POWER, 1, 3), GPU_RESULT_OK);
    bench->ops->bus_write(bench->device, at, 8, 0x1234);
    assert_int_equal(bench->dead_writes, 1);
    assert_int_equal(bench->ops->bus_read(bench->device, at, 4), 0xFFFFFFFF);
    assert_false(bench->ops->raise(bench->device, 1, 0));
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_POWER, 1, 0), GPU_RESULT_OK);
    assert_int_equal(bench->ops->bus_read(bench->device, at, 8), 0xFEE00040);
    bench_free(bench);
}

static void reset_masks_everything_of_one_vf(void **state) {
    struct bench *bench = started();
    uint8_t table[8 * 16];
    struct gpup_msix_control control;
    (void)state;
    bench_run_vf(bench, 2, 0x10000, 0x10000);
    bench_enable_msix(bench, 2, true, false);
    put_entry(bench, 0, 0xFEE00040, 9, 0);
    bench->ops->raise(bench->device, 1, 1);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_FLR, 1, 0), GPU_RESULT_OK);
    assert_true(bench->ops->read_msix(bench->device, 1, table));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(table[16 * i + 12] & 1, 1);
    assert_true(bench->ops->read_msix_control(bench->device, 1, &control));
    assert_false(control.enable);
    assert_int_equal(control.pending[0], 0);
    assert_true(bench->ops->read_msix_control(bench->device, 2, &control));
    assert_true(control.enable);
    bench_free(bench);
}

static void every_geometry_finds_its_last_entry(void **state) {
    static const uint16_t entries[] = {1, 3, 64, 256, 2048};
    static const uint32_t offsets[] = {0, 0x2000, 0xFFFF8};
    (void)state;
    for (uint32_t i = 0; i < 5 * 3 * 3; i++) {
        struct gpup_world_config config = bench_config();
        config.msix_entries = entries[i % 5];
        config.msix_bar = (uint8_t)(i / 5 % 3 * 2);
        config.msix_offset = offsets[i / 15];
        struct bench *bench = bench_new(&config, 1);
        static uint8_t table[2048 * 16];
        uint32_t last = config.msix_entries - 1u;
        bench_enable_vfs(bench, 4);
        bench_simple(bench, GPU_COMMAND_VF_POWER, 3, 0);
        bench->ops->bus_write(bench->device, bench_entry(bench, 3, last), 8, 0x8877665544332210);
        assert_true(bench->ops->read_msix(bench->device, 3, table));
        assert_memory_equal(table + (size_t)16 * last, "\x10\x22\x33\x44\x55\x66\x77\x88", 8);
        assert_false(bench->ops->raise(bench->device, 3, last + 1));
        bench_free(bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_goes_out_once_on_unmask),
        cmocka_unit_test(function_mask_holds_back_and_keeps_entry_masks),
        cmocka_unit_test(reserved_bits_and_odd_widths_are_stored),
        cmocka_unit_test(pba_is_read_only),
        cmocka_unit_test(without_power_writes_are_lost_and_contents_kept),
        cmocka_unit_test(reset_masks_everything_of_one_vf),
        cmocka_unit_test(every_geometry_finds_its_last_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
