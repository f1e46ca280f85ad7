/* Configuration spaces, BARs, hosts, removal. */
#include "support.h"

static void capabilities_are_linked(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    uint32_t at = bench->ops->config_read(bench->device, 0x34, 1), ids = 0, seen = 0;
    (void)state;
    for (; at && seen < 16; at = bench->ops->config_read(bench->device, at + 1, 1), seen++)
        ids |= 1u << bench->ops->config_read(bench->device, at, 1);
    assert_int_equal(ids, 1u << 0x01 | 1u << 0x10 | 1u << 0x11);
    assert_int_equal(bench->ops->config_read(bench->device, 0, 4), (uint32_t)GPU_PF_DEVICE_ID << 16 | 0x6750);
    at = bench->ops->config_read(bench->device, 0x102, 2) >> 4;
    assert_int_equal(at, GPU_CFG_SRIOV);
    assert_int_equal(bench->ops->config_read(bench->device, at, 2), 0x0010);
    assert_int_equal(bench->ops->config_read(bench->device, at + GPU_SRIOV_TOTAL_VFS, 2), 4);
    bench->ops->config_write(bench->device, at + GPU_SRIOV_TOTAL_VFS, 2, 9);
    assert_int_equal(bench->ops->config_read(bench->device, at + GPU_SRIOV_TOTAL_VFS, 2), 4);
    assert_int_equal(bench->ops->config_read(bench->device, 4095, 4), UINT32_MAX);
    bench_free(bench);
}

static void bars_can_be_sized_and_moved(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    uint32_t at = GPU_CFG_SRIOV + GPU_SRIOV_VF_BAR(2);
    (void)state;
    bench->ops->config_write(bench->device, at, 4, UINT32_MAX);
    assert_int_equal(bench->ops->config_read(bench->device, at, 4), (uint32_t) ~(GPU_VF_BAR2_SIZE - 1) | 0xC);
    bench->ops->config_write(bench->device, GPU_CFG_BAR(0), 4, 0x12345678);
    bench->ops->config_write(bench->device, GPU_CFG_BAR(1), 4, 0x9);
    assert_int_equal(bench->ops->bus_read(bench->device, 0x912300000, 4),
                     (uint32_t)GPU_PF_DEVICE_ID << 16 | 0x6750);
    bench_free(bench);
}

static void only_enabled_vfs_answer(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    (void)state;
    assert_int_equal(bench_read(bench, GPU_REG_VF_CONFIG(0) + 8), UINT32_MAX);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_POWER, 0, 0), GPU_RESULT_STATE);
    bench_enable_vfs(bench, 2);
    assert_int_equal(bench_read(bench, GPU_REG_VF_CONFIG(1) + GPU_VFCFG_MSIX) >> 16, 7);
    assert_int_equal(bench_read(bench, GPU_REG_VF_CONFIG(1) + GPU_VFCFG_MSIX + 4), 0x2004);
    assert_int_equal(bench_read(bench, GPU_REG_VF_CONFIG(2) + 8), UINT32_MAX);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_POWER, 1, 0), GPU_RESULT_OK);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_POWER, 1, 1), GPU_RESULT_ARGUMENT);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_POWER, 4, 0), GPU_RESULT_VF);
    uint64_t id = bench_vf_bar(bench, 1, 0) + GPU_VF_REG_BASE;
    assert_int_equal(bench->ops->bus_read(bench->device, id, 4), (uint32_t)GPU_VF_DEVICE_ID << 16 | 0x6750);
    bench->ops->config_write(bench->device, GPU_CFG_SRIOV + GPU_SRIOV_CONTROL, 2, 0);
    assert_int_equal(bench->ops->bus_read(bench->device, id, 4), UINT32_MAX);
    assert_int_equal(bench_read(bench, GPU_REG_VF(1) + GPU_VF_FLAGS), 0);
    bench_free(bench);
}

static void hosts_differ(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench[2] = {bench_new(&config, 0), bench_new(&config, 1)};
    uint64_t base[2], size;
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        bench[i]->ops->bar(bench[i]->device, 0, &base[i], &size);
    assert_true(base[0] > UINT32_MAX && base[1] > UINT32_MAX);
    assert_int_not_equal(base[0], base[1]);
    assert_int_not_equal(bench_vf_bar(bench[0], 0, 4), bench_vf_bar(bench[1], 0, 4));
    assert_int_not_equal(bench_read(bench[0], GPU_REG_SERIAL_LO), bench_read(bench[1], GPU_REG_SERIAL_LO));
    assert_true(bench[0]->ops->claims(bench[0]->device, bench_vf_bar(bench[0], 3, 4), GPU_VF_BAR4_SIZE));
    assert_false(bench[0]->ops->claims(bench[0]->device, base[1], 4));
    assert_false(bench[0]->ops->claims(bench[0]->device, base[0], UINT64_MAX));
    bench_free(bench[0]);
    bench_free(bench[1]);
}

static void removed_device_is_all_ones(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    struct gpup_work work;
    (void)state;
    bench_enable_vfs(bench, 2);
    bench_start(bench, 1, &(struct command){.opcode = GPU_COMMAND_NOP});
    bench->ops->remove(bench->device);
    assert_int_equal(bench_read(bench, GPU_REG_ID), UINT32_MAX);
    assert_int_equal(bench->ops->config_read(bench->device, 0, 2), 0xFFFF);
    assert_int_equal(bench->ops->next_event(bench->device), UINT64_MAX);
    assert_false(bench->ops->read_work(bench->device, 0, &work));
    bench_advance(bench, 1000000);
    bench->ops->power_cycle(bench->device);
    assert_int_equal(bench_read(bench, GPU_REG_ID), UINT32_MAX);
    bench_free(bench);
}

struct seen {
    uint32_t region, vf, offset, width, value, count;
};

static void remember(void *context, bool write, uint32_t region, uint32_t vf, uint64_t offset, uint32_t width,
                     uint64_t value) {
    struct seen *seen = context;
    if (write)
        *seen = (struct seen){region, vf, (uint32_t)offset, width, (uint32_t)value, seen->count + 1};
}

static void accesses_are_logged_by_region(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    struct seen seen = {0};
    (void)state;
    bench_enable_vfs(bench, 4);
    bench_simple(bench, GPU_COMMAND_VF_POWER, 2, 0);
    bench->ops->attach(bench->device, &(struct gpup_device_log){.mmio = remember, .context = &seen});
    uint64_t bell = bench_vf_bar(bench, 2, 2) + GPU_VF_DOORBELL(15);
    bench->ops->bus_write(bench->device, bell, 4, 0x99);
    assert_int_equal(seen.region, GPUP_REGION_VF_BAR2);
    assert_int_equal(seen.vf, 2);
    assert_int_equal(seen.offset, GPU_VF_DOORBELL(15));
    assert_int_equal(bench->ops->bus_read(bench->device, bell, 4), 0x99);
    bench->ops->bus_write(bench->device, bell, 2, 0x1234); /* logged, and lost: registers are words */
    assert_int_equal(seen.width, 2);
    assert_int_equal(bench->ops->bus_read(bench->device, bell, 4), 0x99);
    bench_write(bench, GPU_REG_INT_MASK, 5);
    assert_int_equal(seen.region, GPUP_REGION_PF_BAR0);
    assert_int_equal(seen.vf, GPUP_PF);
    assert_int_equal(seen.count, 3);
    bench_free(bench);
}

static void registers_describe_the_part(void **state) {
    struct gpup_world_config config = bench_config();
    config.vram_mib = 8192;
    config.performant = 1;
    config.page_size = 65536;
    struct bench *bench = bench_new(&config, 0);
    (void)state;
    assert_int_equal(bench_read(bench, GPU_REG_SEGMENTS), 2);
    assert_int_equal(bench_read(bench, GPU_REG_SEGMENT(1) + GPU_SEGMENT_ID), 2);
    assert_int_equal(bench_read(bench, GPU_REG_SEGMENT(1) + GPU_SEGMENT_SIZE_LO), 0);
    assert_int_equal(bench_read(bench, GPU_REG_SEGMENT(1) + GPU_SEGMENT_SIZE_HI), 2);
    assert_int_equal(bench_read(bench, GPU_REG_SEGMENT(1) + GPU_SEGMENT_DIRTY_PAGE), 65536);
    assert_int_equal(bench_read(bench, GPU_REG_SEGMENT(2) + GPU_SEGMENT_ID), 0);
    assert_int_equal(bench_read(bench, GPU_REG_FEATURES), GPU_FEATURE_DIRTY | GPU_FEATURE_DIRTY_PERFORMANT);
    assert_int_equal(bench_read(bench, GPU_REG_TOTAL_VFS), 4);
    assert_int_equal(bench_read(bench, GPU_REG_SERIAL_LO),
                     bench->ops->config_read(bench->device, GPU_CFG_SERIAL + 4, 4));
    bench->ops->config_write(bench->device, GPU_CFG_PMCSR, 2, 3);
    assert_int_equal(bench_read(bench, GPU_REG_TOTAL_VFS), UINT32_MAX);
    bench->ops->config_write(bench->device, GPU_CFG_PMCSR, 2, 0);
    assert_int_equal(bench_read(bench, GPU_REG_TOTAL_VFS), 4);
    bench_free(bench);
}

static void guest_reset_through_configuration_space(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    struct gpup_work work;
    (void)state;
    bench_enable_vfs(bench, 4);
    bench_run_vf(bench, 0, 0, 0x10000);
    bench_enable_msix(bench, 0, true, false);
    bench->ops->guest_work(bench->device, 0, 5, 5);
    bench_write(bench, GPU_REG_VF_CONFIG(0) + GPU_VFCFG_DEVICE_CONTROL, 0x8000);
    assert_int_equal(bench_read(bench, GPU_REG_VF_CONFIG(0) + GPU_VFCFG_MSIX) >> 16, 7);
    assert_true(bench->ops->read_work(bench->device, 0, &work));
    assert_int_equal(work.queued, 0);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities_are_linked),
        cmocka_unit_test(bars_can_be_sized_and_moved),
        cmocka_unit_test(only_enabled_vfs_answer),
        cmocka_unit_test(hosts_differ),
        cmocka_unit_test(removed_device_is_all_ones),
        cmocka_unit_test(accesses_are_logged_by_region),
        cmocka_unit_test(registers_describe_the_part),
        cmocka_unit_test(guest_reset_through_configuration_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
