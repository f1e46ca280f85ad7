#include "bench.h"
#include <stdlib.h>
#include <string.h>

static void *take(void *context, size_t size) {
    struct bench *bench = context;
    if (bench->blocks_left == 0)
        return NULL;
    bench->blocks_left--;
    bench->bytes += size;
    struct block *block = &bench->blocks[bench->block_count++];
    *block = (struct block){calloc(1, size), size};
    return block->bytes;
}

static uint8_t *dma_at(struct bench *bench, uint64_t physical, size_t size) {
    uint64_t offset = physical - DMA_BASE;
    return offset <= DMA_BYTES && size <= DMA_BYTES - offset ? bench->dma + offset : NULL;
}

static bool dma_read(void *context, uint64_t physical, void *out, size_t size) {
    const uint8_t *at = dma_at(context, physical, size);
    if (at)
        memcpy(out, at, size);
    return at != NULL;
}

static bool dma_write(void *context, uint64_t physical, const void *in, size_t size) {
    uint8_t *at = dma_at(context, physical, size);
    if (at)
        memcpy(at, in, size);
    return at != NULL;
}

static void on_mmio(void *context, bool write, uint32_t region, uint32_t vf, uint64_t offset, uint32_t width,
                    uint64_t value) {
    (void)write, (void)region, (void)vf, (void)offset, (void)width, (void)value;
    ((struct bench *)context)->mmio++;
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

static void on_config(void *context, bool write, uint32_t vf, uint32_t offset, uint32_t width,
                      uint64_t value) {
    struct bench *bench = context;
    bench->config_accesses++;
    if (write)
        bench->config_last =
            (uint64_t)vf << 48 | (uint64_t)offset << 32 | (uint64_t)width << 16 | (value & 0xFFFF);
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

static struct bench *make(const struct gpup_device_ops *ops, const struct gpup_world_config *config,
                          uint32_t host, size_t blocks) {
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->dma = calloc(1, DMA_BYTES);
    bench->ops = ops;
    bench->config = *config;
    bench->blocks_left = blocks;
    bench->device = ops->create(config, host, &(struct gpup_memory){take, bench});
    if (!bench->device)
        return bench;
    ops->set_dma(bench->device, dma_read, dma_write, bench);
    ops->attach(bench->device, &(struct gpup_device_log){.mmio = on_mmio,
                                                         .message = on_message,
                                                         .table = on_table,
                                                         .config = on_config,
                                                         .guest_write = on_guest,
                                                         .context = bench});
    return bench;
}

struct bench *bench_make(const struct gpup_device_ops *ops, const struct gpup_world_config *config,
                         uint32_t host) {
    struct bench *bench = make(ops, config, host, sizeof(bench->blocks) / sizeof(bench->blocks[0]));
    assert_non_null(bench->device);
    return bench;
}

struct bench *bench_make_scarce(const struct gpup_device_ops *ops, const struct gpup_world_config *config,
                                size_t blocks) {
    return make(ops, config, 0, blocks);
}

void bench_free(struct bench *bench) {
    while (bench->block_count)
        free(bench->blocks[--bench->block_count].bytes);
    free(bench->dma);
    free(bench);
}

void bench_advance(struct bench *bench, uint64_t ns) {
    bench->now += ns;
    bench->ops->advance(bench->device, bench->now);
}

static uint64_t bar(struct bench *bench, unsigned index) {
    uint64_t physical, size;
    assert_true(bench->ops->bar(bench->device, index, &physical, &size));
    return physical;
}

uint32_t bench_bar_read(struct bench *bench, unsigned index, uint32_t offset) {
    return (uint32_t)bench->ops->bus_read(bench->device, bar(bench, index) + offset, 4);
}

void bench_bar_write(struct bench *bench, unsigned index, uint32_t offset, uint32_t value) {
    bench->ops->bus_write(bench->device, bar(bench, index) + offset, 4, value);
}

static void *copy_of(const void *bytes, size_t size) {
    void *copy = malloc(size);
    assert_non_null(copy);
    return memcpy(copy, bytes, size);
}

struct bench *bench_keep(const struct bench *bench) {
    struct bench *kept = copy_of(bench, sizeof(*bench));
    kept->dma = copy_of(bench->dma, DMA_BYTES);
    for (size_t i = 0; i < kept->block_count; i++)
        kept->blocks[i].bytes = copy_of(bench->blocks[i].bytes, bench->blocks[i].size);
    return kept;
}

/* Blocks that were taken since stay taken; the device does not know of them. */
void bench_put_back(struct bench *bench, const struct bench *kept) {
    for (size_t i = 0; i < kept->block_count; i++)
        memcpy(bench->blocks[i].bytes, kept->blocks[i].bytes, kept->blocks[i].size);
    memcpy(bench->dma, kept->dma, DMA_BYTES);
    bench->now = kept->now;
    bench->messages = kept->messages;
}
