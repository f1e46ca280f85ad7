/* Identity, configuration space, BARs, mailbox, interrupts of the PF, removal, power cycle. */
#include "support.h"
#include <string.h>

static void identity_and_capabilities(void **state) {
    struct bench *bench = bench_start();
    void *d = bench->device;
    (void)state;
    assert_int_equal(bench->ops->config_read(d, 0, 4), SECOND_VENDOR_ID | SECOND_PF_DEVICE_ID << 16);
    const uint8_t ids[] = {0x10, 0x11, 0x01};
    uint32_t at = bench->ops->config_read(d, 0x34, 1), found = 0;
    for (; at && found < 3; at = bench->ops->config_read(d, at + 1, 1))
        assert_int_equal(bench->ops->config_read(d, at, 1), ids[found++]);
    assert_int_equal(found, 3);
    uint32_t extended = bench->ops->config_read(d, 0x100, 4);
    assert_int_equal(extended & 0xFFFF, 0x10);
    assert_int_equal(bench->ops->config_read(d, extended >> 20, 2), 0x03);
    assert_int_equal(bench_config_read(bench, 0, 0), UINT32_MAX);
    assert_int_equal(bench_config_read(bench, 0, SECOND_VFCFG_MSIX + 4), 0x3002);
    assert_int_equal(bench_read(bench, SECOND_REG_MAGIC), SECOND_MAGIC);
    assert_int_equal(bench_read(bench, SECOND_REG_LIMITS) & 0xFFFF, 4 | 2 << 8);
    assert_int_equal(bench_read(bench, SECOND_REG_SEGMENT_PAGE(0)), 16);
    assert_int_equal(bench_read(bench, SECOND_REG_SEGMENT_PAGE(1)), 21);
    bench_free(bench);
}

static void bars_size_and_move(void **state) {
    struct bench *bench = bench_start();
    const uint32_t vf2 = SECOND_CFG_SRIOV + SECOND_SRIOV_VF_BAR(2);
    uint64_t physical, size;
    (void)state;
    bench_enable_vfs(bench, 0);
    uint32_t old = bench->ops->config_read(bench->device, vf2, 4);
    assert_int_equal(old & 7, 0); /* 32 bits */
    bench->ops->config_write(bench->device, vf2, 4, UINT32_MAX);
    assert_int_equal(bench->ops->config_read(bench->device, vf2, 4), ~(uint32_t)(SECOND_VF_BAR2_SIZE - 1));
    bench->ops->config_write(bench->device, vf2 + 4, 4, UINT32_MAX); /* VF BAR3: none */
    assert_int_equal(bench->ops->config_read(bench->device, vf2 + 4, 4), 0);
    assert_false(bench->ops->bar(bench->device, 1, &physical, &size));
    assert_true(bench->ops->bar(bench->device, 0, &physical, &size));
    assert_true(physical + size <= UINT32_MAX);
    assert_true(bench->ops->claims(bench->device, physical, size));
    assert_false(bench->ops->claims(bench->device, physical + 1, size));
    assert_true(bench->ops->bar(bench->device, 2, &physical, &size));
    bench->ops->config_write(bench->device, SECOND_CFG_BAR(3), 4, 0x77);
    assert_int_equal(bench_read(bench, SECOND_REG_MAGIC), SECOND_MAGIC);
    assert_int_equal(bench->ops->bus_read(bench->device, physical, 4), UINT32_MAX);
    bench_free(bench);
}

static void bars_of_functions_that_sleep_are_closed(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    uint64_t guest = bench_vf_bar(bench, 1, 0);
    assert_int_equal(bench->ops->bus_read(bench->device, guest, 4), UINT32_MAX);
    bench_set_win(bench, 1, SECOND_WIN_POWER, 0);
    assert_int_equal(bench->ops->bus_read(bench->device, guest, 4), SECOND_MAGIC);
    assert_int_equal(bench->ops->bus_read(bench->device, guest, 2), 0);
    uint64_t seen = bench->ops->generation(bench->device, 1, GPUP_OBSERVER_guest_state);
    bench->ops->bus_write(bench->device, guest + SECOND_GUEST_REGISTER(3), 4, 0x1234);
    assert_true(bench->ops->generation(bench->device, 1, GPUP_OBSERVER_guest_state) != seen);
    assert_int_equal(bench->ops->bus_read(bench->device, guest + SECOND_GUEST_REGISTER(3), 4), 0x1234);
    bench->ops->config_write(bench->device, SECOND_CFG_PMCSR, 2, 3);
    assert_int_equal(bench->ops->bus_read(bench->device, guest, 4), UINT32_MAX);
    assert_int_equal(bench_read(bench, SECOND_REG_MAGIC), UINT32_MAX);
    bench->ops->config_write(bench->device, SECOND_CFG_PMCSR, 2, 0);
    assert_int_equal(bench->ops->bus_read(bench->device, guest + SECOND_GUEST_REGISTER(3), 4), 0x1234);
    bench_free(bench);
}

static void config_port_writes_the_bytes_it_enables(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    bench_config_write(bench, 2, SECOND_VFCFG_MSIX, 0xC, 0xC0000000);
    assert_int_equal(bench->config_last,
                     2ull << 48 | (uint64_t)(SECOND_VFCFG_MSIX + 2) << 32 | 2 << 16 | 0xC000);
    assert_int_equal(bench_config_read(bench, 2, SECOND_VFCFG_MSIX) >> 16, 0xC004);
    bench_config_write(bench, 2, SECOND_VFCFG_MSIX, 0x3, 0x00000000);
    assert_int_equal(bench_config_read(bench, 2, SECOND_VFCFG_MSIX) >> 16, 0xC004);
    bench_config_write(bench, 2, SECOND_VFCFG_MSIX, 0x0, 0);
    assert_int_equal(bench_config_read(bench, 2, SECOND_VFCFG_MSIX) >> 16, 0xC004);
    assert_int_equal(bench_config_read(bench, 1, SECOND_VFCFG_MSIX) >> 16, 4);
    bench_free(bench);
}

static void mailbox_runs_one_order_and_tells(void **state) {
    struct bench *bench = bench_start();
    uint32_t message;
    (void)state;
    bench_write(bench, SECOND_REG_ENABLE, SECOND_CAUSE_MAILBOX);
    bench_ring(bench, &(struct order){.order = SECOND_ORDER_PING});
    assert_int_equal(bench_read(bench, SECOND_REG_MB_STATE), SECOND_MB_BUSY);
    assert_int_equal(bench->ops->next_event(bench->device), 2000);
    bench_write(bench, SECOND_REG_MB_BELL, 0x99); /* busy: nothing */
    bench_write(bench, SECOND_REG_MB_INDEX, 3);
    bench_write(bench, SECOND_REG_MB_DATA, 0x33);
    assert_int_equal(bench_read(bench, SECOND_REG_MB_INDEX), 4);
    bench_advance(bench, 1999);
    assert_false(bench->ops->take_interrupt(bench->device, &message));
    bench_advance(bench, 1);
    assert_true(bench->ops->take_interrupt(bench->device, &message));
    assert_int_equal(message, SECOND_MESSAGE_MAILBOX);
    assert_false(bench->ops->take_interrupt(bench->device, &message));
    assert_int_equal(bench_answer(bench, SECOND_MB_RESULT), SECOND_OK);
    assert_int_equal(bench_answer(bench, 3), 0);
    assert_int_equal(bench_read(bench, SECOND_REG_MB_SEQUENCE), 1);
    assert_int_equal(bench_order(bench, &(struct order){.order = 0x99}), SECOND_E_ORDER);
    assert_false(bench->ops->take_interrupt(bench->device, &message)); /* the cause was never cleared */
    bench_write(bench, SECOND_REG_CAUSE, SECOND_CAUSE_MAILBOX);
    bench_order(bench, &(struct order){.order = SECOND_ORDER_PING});
    assert_true(bench->ops->take_interrupt(bench->device, &message));
    bench_free(bench);
}

static void a_lost_order_never_happens_and_can_be_cancelled(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    bench->ops->lose_completions(bench->device, 0, 1);
    bench_ring(bench, &(struct order){
                          .order = SECOND_ORDER_FILL, .vf_or_segment = 1, .size = 4096, .flags = 0x55555555});
    bench_advance(bench, 1000000000);
    assert_int_equal(bench_read(bench, SECOND_REG_MB_STATE), SECOND_MB_BUSY);
    bench_write(bench, SECOND_REG_MB_BELL, SECOND_BELL_CANCEL);
    assert_int_equal(bench_read(bench, SECOND_REG_MB_STATE), SECOND_MB_READY);
    assert_int_equal(bench_answer(bench, SECOND_MB_RESULT), SECOND_E_CANCELLED);
    uint32_t word;
    assert_true(bench->ops->read_vram(bench->device, 1, 0, &word, 4));
    assert_int_equal(word, 0);
    assert_int_equal(bench_order(bench, &(struct order){.order = SECOND_ORDER_PING}), SECOND_OK);
    bench_free(bench);
}

static void removed_device_reads_ones(void **state) {
    struct bench *bench = bench_start();
    struct gpup_schedule schedule;
    uint8_t bytes[4096];
    (void)state;
    bench_run_vf(bench, 0, 0, 0x100000);
    bench->ops->guest_work(bench->device, 0, 5, 1);
    bench->ops->remove(bench->device);
    assert_int_equal(bench_read(bench, SECOND_REG_MAGIC), UINT32_MAX);
    assert_int_equal(bench->ops->config_read(bench->device, 0, 4), UINT32_MAX);
    bench_write(bench, SECOND_REG_ENABLE, UINT32_MAX);
    assert_int_equal(bench->ops->next_event(bench->device), UINT64_MAX);
    assert_false(bench->ops->read_schedule(bench->device, 0, &schedule));
    assert_int_equal(bench->ops->read_guest(bench->device, 0, bytes, sizeof(bytes)), 0);
    assert_int_equal(bench->ops->read_config(bench->device, 0, bytes, sizeof(bytes)), 0);
    assert_false(bench->ops->read_vram(bench->device, 1, 0, bytes, 16));
    assert_false(bench->ops->guest_set_register(bench->device, 0, 0, 1));
    assert_false(bench->ops->raise(bench->device, 0, 0));
    bench_free(bench);
}

static void power_cycle_keeps_vram_only(void **state) {
    struct bench *bench = bench_start();
    struct gpup_schedule schedule;
    uint8_t fresh[4096], after[4096], bits[1];
    uint32_t word = 0xABCD1234, message;
    bool tracking;
    (void)state;
    size_t size = bench->ops->read_guest(bench->device, 1, fresh, sizeof(fresh));
    bench_run_vf(bench, 1, 0, 0x100000);
    bench_write(bench, SECOND_REG_ENABLE, UINT32_MAX);
    bench_track(bench, SECOND_ORDER_TRACK_ARM, 1, 0, 0x10000);
    bench->ops->guest_set_register(bench->device, 1, 0, 77);
    assert_int_not_equal(bench_read(bench, SECOND_REG_CLOCK_LO), 0);
    bench->ops->guest_write(bench->device, 1, 0x20, &word, 4);
    bench->ops->power_cycle(bench->device);
    assert_false(bench->ops->take_interrupt(bench->device, &message));
    assert_true(bench->ops->read_vram(bench->device, 1, 0x20, &word, 4));
    assert_int_equal(word, 0xABCD1234);
    assert_int_equal(bench->ops->read_guest(bench->device, 1, after, sizeof(after)), size);
    assert_memory_equal(fresh, after, size);
    assert_true(bench->ops->read_schedule(bench->device, 1, &schedule));
    assert_false(schedule.running || schedule.share_ppm || schedule.paging_ppm);
    assert_true(bench->ops->read_dirty(bench->device, 1, 0, 0x10000, bits, &tracking));
    assert_false(tracking || bits[0]);
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_LOG_COUNT), 0);
    assert_int_equal(bench->ops->config_read(bench->device, SECOND_CFG_SRIOV + SECOND_SRIOV_NUM_VFS, 2), 0);
    assert_int_equal(bench_read(bench, SECOND_REG_ENABLE), 0);
    assert_int_equal(bench_read(bench, SECOND_REG_CLOCK_LO), 0);
    bench_free(bench);
}

static void hosts_differ(void **state) {
    struct gpup_world_config config = second_config();
    struct bench *one = bench_new(&config, 0), *two = bench_new(&config, 1);
    (void)state;
    for (unsigned bar = 0; bar <= 2; bar += 2) {
        uint64_t a = 0, b = 0, size;
        assert_true(one->ops->bar(one->device, bar, &a, &size) && two->ops->bar(two->device, bar, &b, &size));
        assert_int_not_equal(a, b);
    }
    assert_int_not_equal(one->ops->config_read(one->device, SECOND_CFG_SERIAL + 4, 4),
                         two->ops->config_read(two->device, SECOND_CFG_SERIAL + 4, 4));
    bench_free(one);
    bench_free(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_and_capabilities),
        cmocka_unit_test(bars_size_and_move),
        cmocka_unit_test(bars_of_functions_that_sleep_are_closed),
        cmocka_unit_test(config_port_writes_the_bytes_it_enables),
        cmocka_unit_test(mailbox_runs_one_order_and_tells),
        cmocka_unit_test(a_lost_order_never_happens_and_can_be_cancelled),
        cmocka_unit_test(removed_device_reads_ones),
        cmocka_unit_test(power_cycle_keeps_vram_only),
        cmocka_unit_test(hosts_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
