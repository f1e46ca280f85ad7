#include "support.h"
#include <stdlib.h>
#include <string.h>

static void *take(void *context, size_t size) {
    struct bench *bench = context;
    if (bench->block_count == sizeof(bench->blocks) / sizeof(bench->blocks[0]))
        return NULL;
    bench->bytes += size;
    return bench->blocks[bench->block_count++] = calloc(1, size);
}

static bool dma_read(void *context, uint64_t physical, void *out, size_t size) {
    struct bench *bench = context;
    if (physical < DMA_BASE || physical - DMA_BASE > DMA_BYTES || size > DMA_BYTES - (physical - DMA_BASE))
        return false;
    memcpy(out, bench->dma + (physical - DMA_BASE), size);
    return true;
}

static bool dma_write(void *context, uint64_t physical, const void *in, size_t size) {
    struct bench *bench = context;
    if (physical < DMA_BASE || physical - DMA_BASE > DMA_BYTES || size > DMA_BYTES - (physical - DMA_BASE))
        return false;
    memcpy(bench->dma + (physical - DMA_BASE), in, size);
    return true;
}

static void on_message(void *context, uint32_t vf, uint32_t index, uint64_t address, uint32_t data) {
    struct bench *bench = context;
    if (bench->messages == MAX_MESSAGES)
        return;
    bench->message[bench->messages].vf = vf;
    bench->message[bench->messages].index = index;
    bench->message[bench->messages].address = address;
    bench->message[bench->messages++].data = data;
}

static void on_table(void *context, uint32_t vf, uint32_t area, uint64_t offset, uint32_t width,
                     uint64_t value, bool powered) {
    struct bench *bench = context;
    (void)vf, (void)offset, (void)width, (void)value;
    bench->table_writes += area == 0;
    bench->pba_writes += area == 1;
    bench->dead_writes += !powered;
}

static void on_guest(void *context, uint32_t vf, uint64_t offset, uint64_t size, uint64_t hash) {
    (void)vf, (void)offset, (void)size, (void)hash;
    ((struct bench *)context)->guest_writes++;
}

struct gpup_world_config bench_config(void) {
    return (struct gpup_world_config){.hosts = 1,
                                      .vfs = 4,
                                      .partitions = 4,
                                      .segments = 2,
                                      .msix_entries = 8,
                                      .msix_bar = 4,
                                      .msix_offset = 0x2000,
                                      .page_size = 4096,
                                      .vram_mib = 64,
                                      .seed = 7};
}

struct bench *bench_new(const struct gpup_world_config *config, uint32_t host) {
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->dma = calloc(1, DMA_BYTES);
    bench->ops = gpup_gpu_ops();
    bench->config = *config;
    bench->device = bench->ops->create(config, host, &(struct gpup_memory){take, bench});
    assert_non_null(bench->device);
    bench->ops->set_dma(bench->device, dma_read, dma_write, bench);
    bench->ops->attach(bench->device, &(struct gpup_device_log){.message = on_message,
                                                                .table = on_table,
                                                                .guest_write = on_guest,
                                                                .context = bench});
    return bench;
}

void bench_free(struct bench *bench) {
    while (bench->block_count)
        free(bench->blocks[--bench->block_count]);
    free(bench->dma);
    free(bench);
}

void bench_advance(struct bench *bench, uint64_t ns) {
    bench->now += ns;
    bench->ops->advance(bench->device, bench->now);
}

static uint64_t bar0(struct bench *bench) {
    uint64_t physical, size;
    assert_true(bench->ops->bar(bench->device, 0, &physical, &size));
    return physical;
}

uint32_t bench_read(struct bench *bench, uint32_t offset) {
    return (uint32_t)bench->ops->bus_read(bench->device, bar0(bench) + offset, 4);
}

void bench_write(struct bench *bench, uint32_t offset, uint32_t value) {
    bench->ops->bus_write(bench->device, bar0(bench) + offset, 4, value);
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
