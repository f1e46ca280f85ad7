#include "support.h"
#include <string.h>

struct gpup_world_config second_config(void) {
    struct gpup_world_config config = bench_config();
    config.performant = 1;
    return config;
}

struct bench *bench_new(const struct gpup_world_config *config, uint32_t host) {
    return bench_make(&gpup_second_device_ops, config, host);
}

struct bench *bench_start(void) {
    struct gpup_world_config config = second_config();
    struct bench *bench = bench_new(&config, 0);
    bench_enable_vfs(bench, 4);
    return bench;
}

uint32_t bench_read(struct bench *bench, uint32_t offset) {
    return bench_bar_read(bench, 2, offset);
}

void bench_write(struct bench *bench, uint32_t offset, uint32_t value) {
    bench_bar_write(bench, 2, offset, value);
}

uint32_t bench_win(struct bench *bench, uint32_t vf, uint32_t reg) {
    return bench_read(bench, SECOND_WINDOW(vf) + reg);
}

void bench_set_win(struct bench *bench, uint32_t vf, uint32_t reg, uint32_t value) {
    bench_write(bench, SECOND_WINDOW(vf) + reg, value);
}

uint64_t bench_vf_bar(struct bench *bench, uint32_t vf, uint32_t bar) {
    static const uint64_t sizes[] = {SECOND_VF_BAR0_SIZE, 0, SECOND_VF_BAR2_SIZE, 0, SECOND_VF_BAR4_SIZE};
    uint32_t at = SECOND_CFG_SRIOV + SECOND_SRIOV_VF_BAR(bar);
    uint64_t base = bench->ops->config_read(bench->device, at, 4) & ~0xFu;
    if (bar != 2)
        base |= (uint64_t)bench->ops->config_read(bench->device, at + 4, 4) << 32;
    return base + vf * sizes[bar];
}

uint32_t bench_config_read(struct bench *bench, uint32_t vf, uint32_t offset) {
    bench_set_win(bench, vf, SECOND_WIN_CFG_ADDRESS, offset);
    return bench_win(bench, vf, SECOND_WIN_CFG_DATA);
}

void bench_config_write(struct bench *bench, uint32_t vf, uint32_t offset, uint32_t bytes, uint32_t value) {
    bench_set_win(bench, vf, SECOND_WIN_CFG_ADDRESS, offset | bytes << 28);
    bench_set_win(bench, vf, SECOND_WIN_CFG_DATA, value);
}

void bench_enable_vfs(struct bench *bench, uint32_t count) {
    const struct gpup_device_ops *ops = bench->ops;
    ops->config_write(bench->device, SECOND_CFG_SRIOV + SECOND_SRIOV_CONTROL, 2, 0);
    ops->config_write(bench->device, SECOND_CFG_SRIOV + SECOND_SRIOV_NUM_VFS, 2, count);
    ops->config_write(bench->device, SECOND_CFG_SRIOV + SECOND_SRIOV_CONTROL, 2,
                      SECOND_SRIOV_CONTROL_VFE | SECOND_SRIOV_CONTROL_MSE);
}

void bench_ring(struct bench *bench, const struct order *order) {
    const uint32_t words[SECOND_MB_WORDS] = {[SECOND_MB_VF] = order->vf_or_segment,
                                             [SECOND_MB_OFFSET] = (uint32_t)order->offset,
                                             [SECOND_MB_OFFSET + 1] = (uint32_t)(order->offset >> 32),
                                             [SECOND_MB_SIZE] = (uint32_t)order->size,
                                             [SECOND_MB_SIZE + 1] = (uint32_t)(order->size >> 32),
                                             [SECOND_MB_FLAGS] = order->flags,
                                             [SECOND_MB_DMA] = DMA_BASE,
                                             [SECOND_MB_DMA_SIZE] = order->dma_size};
    bench_write(bench, SECOND_REG_MB_INDEX, 0);
    for (uint32_t i = 0; i < SECOND_MB_WORDS; i++)
        bench_write(bench, SECOND_REG_MB_DATA, words[i]);
    bench_write(bench, SECOND_REG_MB_BELL, order->order);
}

uint32_t bench_answer(struct bench *bench, uint32_t word) {
    bench_write(bench, SECOND_REG_MB_INDEX, word);
    return bench_read(bench, SECOND_REG_MB_DATA);
}

uint32_t bench_order(struct bench *bench, const struct order *order) {
    bench_ring(bench, order);
    for (unsigned i = 0; i < 1000 && bench_read(bench, SECOND_REG_MB_STATE) == SECOND_MB_BUSY; i++)
        bench_advance(bench, 1000);
    assert_int_equal(bench_read(bench, SECOND_REG_MB_STATE), SECOND_MB_READY);
    return bench_answer(bench, SECOND_MB_RESULT);
}

uint32_t bench_track(struct bench *bench, uint32_t order, uint32_t segment, uint64_t offset, uint64_t size) {
    return bench_order(bench, &(struct order){.order = order,
                                              .vf_or_segment = segment,
                                              .offset = offset,
                                              .size = size,
                                              .dma_size = SECOND_DMA_MAX});
}

uint32_t bench_apertures(struct bench *bench, uint32_t vf, const uint64_t (*ranges)[3], uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t head[2] = {(uint32_t)ranges[i][0], (uint32_t)(ranges[i][2] / 4096)};
        uint64_t first = ranges[i][1] / 4096;
        memcpy(bench->dma + 16ull * i, head, 8);
        memcpy(bench->dma + 16ull * i + 8, &first, 8);
    }
    return bench_order(bench, &(struct order){.order = SECOND_ORDER_APERTURES,
                                              .vf_or_segment = vf,
                                              .flags = count,
                                              .dma_size = count * SECOND_APERTURE_SIZE});
}

void bench_run_vf(struct bench *bench, uint32_t vf, uint64_t offset, uint64_t size) {
    const uint64_t range[1][3] = {{1, offset, size}};
    assert_int_equal(bench_apertures(bench, vf, range, 1), SECOND_OK);
    bench_set_win(bench, vf, SECOND_WIN_POWER, 0);
    bench_set_win(bench, vf, SECOND_WIN_QUANTUM, 100);
    bench_set_win(bench, vf, SECOND_WIN_PAGING_QUANTUM, 100);
    bench_set_win(bench, vf, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN);
}
