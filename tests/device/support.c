#include "support.h"
#include <string.h>

struct bench *bench_new(const struct gpup_world_config *config, uint32_t host) {
    return bench_make(gpup_gpu_ops(), config, host);
}

uint32_t bench_read(struct bench *bench, uint32_t offset) {
    return bench_bar_read(bench, 0, offset);
}

void bench_write(struct bench *bench, uint32_t offset, uint32_t value) {
    bench_bar_write(bench, 0, offset, value);
}

uint64_t bench_vf_bar(struct bench *bench, uint32_t vf, uint32_t bar) {
    static const uint64_t sizes[] = {GPU_VF_BAR0_SIZE, 0, GPU_VF_BAR2_SIZE, 0, GPU_VF_BAR4_SIZE};
    uint32_t at = GPU_CFG_SRIOV + GPU_SRIOV_VF_BAR(bar);
    uint64_t low = bench->ops->config_read(bench->device, at, 4) & ~0xFu;
    return (low | (uint64_t)bench->ops->config_read(bench->device, at + 4, 4) << 32) + vf * sizes[bar];
}

uint64_t bench_entry(struct bench *bench, uint32_t vf, uint32_t index) {
    uint32_t place = bench_read(bench, GPU_REG_VF_CONFIG(vf) + GPU_VFCFG_MSIX + 4);
    return bench_vf_bar(bench, vf, place & 7) + (place & ~7u) + 16ull * index;
}

void bench_start(struct bench *bench, uint32_t slot, const struct command *command) {
    uint32_t base = GPU_REG_SLOT(slot);
    bench_write(bench, base + GPU_SLOT_OPCODE, command->opcode);
    bench_write(bench, base + GPU_SLOT_VF, command->vf);
    bench_write(bench, base + GPU_SLOT_FLAGS, command->flags);
    for (uint32_t i = 0; i < 6; i++)
        bench_write(bench, base + GPU_SLOT_ARG(i), command->arg[i]);
    bench_write(bench, base + GPU_SLOT_DMA_LO, DMA_BASE);
    bench_write(bench, base + GPU_SLOT_DMA_HI, 0);
    bench_write(bench, base + GPU_SLOT_DMA_SIZE, command->dma_size);
    bench_write(bench, base + GPU_SLOT_DOORBELL, GPU_DOORBELL_START);
}

uint32_t bench_command(struct bench *bench, const struct command *command) {
    bench_start(bench, 0, command);
    while (bench_read(bench, GPU_REG_SLOT(0) + GPU_SLOT_STATUS) == GPU_SLOT_BUSY) {
        uint64_t next = bench->ops->next_event(bench->device);
        assert_true(next != UINT64_MAX);
        bench_advance(bench, next > bench->now ? next - bench->now : 0);
    }
    return bench_read(bench, GPU_REG_SLOT(0) + GPU_SLOT_RESULT);
}

uint32_t bench_simple(struct bench *bench, uint32_t opcode, uint32_t vf, uint32_t arg) {
    return bench_command(bench, &(struct command){.opcode = opcode, .vf = vf, .arg = {arg}});
}

void bench_enable_vfs(struct bench *bench, uint32_t count) {
    bench->ops->config_write(bench->device, GPU_CFG_SRIOV + GPU_SRIOV_NUM_VFS, 2, count);
    bench->ops->config_write(bench->device, GPU_CFG_SRIOV + GPU_SRIOV_CONTROL, 2,
                             GPU_SRIOV_CONTROL_VFE | GPU_SRIOV_CONTROL_MSE);
}

uint32_t bench_map(struct bench *bench, uint32_t vf, const uint64_t ranges[][3], uint32_t count) {
    memcpy(bench->dma, ranges, (size_t)count * GPU_RANGE_SIZE);
    return bench_command(bench, &(struct command){.opcode = GPU_COMMAND_VF_MAP,
                                                  .vf = vf,
                                                  .arg = {count},
                                                  .dma_size = count * GPU_RANGE_SIZE});
}

void bench_run_vf(struct bench *bench, uint32_t vf, uint64_t offset, uint64_t size) {
    const uint64_t range[1][3] = {{1, offset, size}};
    assert_int_equal(bench_map(bench, vf, range, 1), GPU_RESULT_OK);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_SCHED_SET, vf, 250000), GPU_RESULT_OK);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_POWER, vf, 0), GPU_RESULT_OK);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_ENABLE, vf, 0), GPU_RESULT_OK);
}

void bench_enable_msix(struct bench *bench, uint32_t vf, bool enable, bool function_mask) {
    uint32_t at = GPU_REG_VF_CONFIG(vf) + GPU_VFCFG_MSIX, value = bench_read(bench, at) & 0x07FFFFFFu;
    value |= (enable ? (uint32_t)GPU_MSIX_CONTROL_ENABLE << 16 : 0) |
             (function_mask ? (uint32_t)GPU_MSIX_CONTROL_FUNCTION_MASK << 16 : 0);
    bench_write(bench, at, value);
}

uint32_t bench_track(struct bench *bench, uint32_t opcode, uint32_t segment, uint64_t offset, uint64_t size,
                     uint32_t flags) {
    struct command command = {.opcode = opcode, .flags = flags, .dma_size = 0x10000};
    uint32_t arg[6] = {segment, (uint32_t)offset, (uint32_t)(offset >> 32), (uint32_t)size,
                       (uint32_t)(size >> 32)};
    memcpy(command.arg, arg, sizeof(arg));
    return bench_command(bench, &command);
}
