/* MSI-X of a VF: port and table, masks, pending bits, power, reset. */
#include "support.h"
#include <string.h>

static struct bench *started(void) {
    struct bench *bench = bench_start();
    bench_run_vf(bench, 1, 0, 0x10000);
    bench_config_write(bench, 1, SECOND_VFCFG_MSIX, 0xC, (uint32_t)SECOND_MSIX_CONTROL_ENABLE << 16);
    return bench;
}

static void put_word(struct bench *bench, uint32_t index, uint32_t value) {
    bench_set_win(bench, 1, SECOND_WIN_MSIX_INDEX, index);
    bench_set_win(bench, 1, SECOND_WIN_MSIX_WORD, value);
}

static void put_entry(struct bench *bench, uint32_t index, uint64_t address, uint32_t data,
                      uint32_t control) {
    put_word(bench, 4 * index, (uint32_t)address);
    put_word(bench, 4 * index + 1, (uint32_t)(address >> 32));
    put_word(bench, 4 * index + 2, data);
    put_word(bench, 4 * index + 3, control);
}

static uint32_t vector_of(struct bench *bench, uint32_t index) {
    uint32_t table[4 * SECOND_MSIX_ENTRIES];
    assert_true(bench->ops->read_msix(bench->device, 1, (uint8_t *)table));
    return table[4 * index + 3];
}

static void port_and_table_are_one(void **state) {
    struct bench *bench = started();
    uint64_t table = bench_vf_bar(bench, 1, SECOND_MSIX_TABLE_BAR) + SECOND_MSIX_TABLE_OFFSET;
    (void)state;
    bench->mmio = 0;
    put_word(bench, 4 * 2, 0xFEE00020);
    assert_int_equal(bench->table_writes, 1);
    assert_int_equal(bench->mmio, 1); /* the index; the word is a table write */
    assert_int_equal(bench->ops->bus_read(bench->device, table + 32, 4), 0xFEE00020);
    bench->ops->bus_write(bench->device, table + 16, 8, 0x1FEE00010);
    bench_set_win(bench, 1, SECOND_WIN_MSIX_INDEX, 5);
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_MSIX_WORD), 1);
    put_word(bench, 4 * SECOND_MSIX_ENTRIES, 0x55); /* behind the table */
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_MSIX_WORD), 0);
    bench->ops->bus_write(bench->device, table + 80, 4, 0x55);
    assert_int_equal(bench->ops->bus_read(bench->device, table + 80, 4), 0);
    assert_int_equal(bench->dead_writes, 0);
    bench_free(bench);
}

static void reset_leaves_reserved_bits(void **state) {
    struct bench *bench = started();
    (void)state;
    assert_int_equal(vector_of(bench, 4), SECOND_MSIX_VECTOR_RESET);
    put_entry(bench, 4, 0xFEE00000, 1, 0x80000000);
    assert_int_equal(vector_of(bench, 4), 0x80000000); /* storage, all of it */
    bench_config_write(bench, 1, SECOND_VFCFG_DEVICE_CONTROL, 0x2, 0x8000);
    assert_int_equal(vector_of(bench, 4), SECOND_MSIX_VECTOR_RESET);
    assert_int_equal(bench_config_read(bench, 1, SECOND_VFCFG_MSIX) >> 16, SECOND_MSIX_ENTRIES - 1);
    bench_free(bench);
}

static void pending_goes_out_once_on_unmask(void **state) {
    struct bench *bench = started();
    (void)state;
    put_entry(bench, 3, 0x1FEE00010, 0x41, 1);
    assert_true(bench->ops->raise(bench->device, 1, 3));
    assert_true(bench->ops->raise(bench->device, 1, 3));
    assert_false(bench->ops->raise(bench->device, 1, SECOND_MSIX_ENTRIES));
    assert_int_equal(bench->messages, 0);
    assert_int_equal(
        bench->ops->bus_read(bench->device,
                             bench_vf_bar(bench, 1, SECOND_MSIX_PBA_BAR) + SECOND_MSIX_PBA_OFFSET, 8),
        8);
    put_entry(bench, 3, 0x1FEE00020, 0x42, 0);
    assert_int_equal(bench->messages, 1);
    assert_int_equal(bench->message[0].vf, 1);
    assert_int_equal(bench->message[0].index, 3);
    assert_true(bench->message[0].address == 0x1FEE00020);
    assert_int_equal(bench->message[0].data, 0x42);
    put_entry(bench, 3, 0x1FEE00020, 0x42, 1);
    put_entry(bench, 3, 0x1FEE00020, 0x42, 0);
    assert_int_equal(bench->messages, 1);
    bench_free(bench);
}

static void function_mask_and_enable_hold_back(void **state) {
    struct bench *bench = started();
    struct gpup_msix_control control;
    (void)state;
    put_entry(bench, 0, 0xFEE00000, 1, 0);
    put_entry(bench, 4, 0xFEE00000, 7, 0);
    bench_config_write(bench, 1, SECOND_VFCFG_MSIX, 0xC,
                       (SECOND_MSIX_CONTROL_ENABLE | SECOND_MSIX_CONTROL_FUNCTION_MASK) << 16);
    bench->ops->raise(bench->device, 1, 0);
    bench->ops->raise(bench->device, 1, 4);
    assert_true(bench->ops->read_msix_control(bench->device, 1, &control));
    assert_true(control.enable && control.function_mask && control.powered);
    assert_int_equal(control.pending[0], 0x11);
    bench_config_write(bench, 1, SECOND_VFCFG_MSIX, 0xC, 0);
    assert_int_equal(bench->messages, 0);
    bench_config_write(bench, 1, SECOND_VFCFG_MSIX, 0xC, (uint32_t)SECOND_MSIX_CONTROL_ENABLE << 16);
    assert_int_equal(bench->messages, 2);
    assert_int_equal(bench->message[1].data, 7);
    bench_free(bench);
}

static void port_works_without_power_and_the_bar_does_not(void **state) {
    struct bench *bench = started();
    uint64_t table = bench_vf_bar(bench, 1, SECOND_MSIX_TABLE_BAR) + SECOND_MSIX_TABLE_OFFSET;
    (void)state;
    put_entry(bench, 0, 0xFEE00000, 1, 1);
    bench->ops->raise(bench->device, 1, 0);
    bench_set_win(bench, 1, SECOND_WIN_POWER, 3);
    assert_false(bench->ops->raise(bench->device, 1, 1));
    put_entry(bench, 0, 0xFEE00050, 2, 0);
    assert_int_equal(bench->dead_writes, 0);
    assert_int_equal(bench->messages, 0);
    bench->ops->bus_write(bench->device, table, 4, 0x1111);
    assert_int_equal(bench->dead_writes, 1);
    bench_set_win(bench, 1, SECOND_WIN_POWER, 0);
    assert_int_equal(bench->messages, 1);
    assert_true(bench->message[0].address == 0xFEE00050);
    bench_free(bench);
}

static void nobody_writes_the_pba(void **state) {
    struct bench *bench = started();
    uint64_t pba = bench_vf_bar(bench, 1, SECOND_MSIX_PBA_BAR) + SECOND_MSIX_PBA_OFFSET;
    (void)state;
    bench->ops->raise(bench->device, 1, 2);
    bench->ops->bus_write(bench->device, pba, 4, 0);
    assert_int_equal(bench->pba_writes, 1);
    assert_int_equal(bench->ops->bus_read(bench->device, pba, 4), 4);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_and_table_are_one),
        cmocka_unit_test(reset_leaves_reserved_bits),
        cmocka_unit_test(pending_goes_out_once_on_unmask),
        cmocka_unit_test(function_mask_and_enable_hold_back),
        cmocka_unit_test(port_works_without_power_and_the_bar_does_not),
        cmocka_unit_test(nobody_writes_the_pba),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
