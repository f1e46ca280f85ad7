/* A GPU on its own: memory, DMA memory and a log. The moves that its PF driver makes are the part's own. */
#ifndef GPUP_TEST_GPU_BENCH_H
#define GPUP_TEST_GPU_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include <gpup/device.h>
#include <gpup/spec.h>
#include <gpup/trace.h>

#define DMA_BASE 0x10000000u
#define DMA_BYTES 0x200000u
#define MAX_MESSAGES 4096u

struct bench {
    const struct gpup_device_ops *ops;
    void *device;
    struct gpup_world_config config;
    uint64_t now;
    struct block {
        void *bytes;
        size_t size;
    } blocks[4096];
    size_t block_count, bytes, blocks_left; /* bytes: in all blocks; left: until memory is out */
    uint8_t *dma;
    struct {
        uint32_t vf, index, data;
        uint64_t address;
    } message[MAX_MESSAGES];
    uint32_t messages, mmio, table_writes, pba_writes, dead_writes, config_accesses, guest_writes;
    uint64_t config_last; /* vf, offset, width, value of the last write: each 16 bits */
};

struct gpup_world_config bench_config(void); /* 4 VFs, 2 segments of 64 MiB, 8 messages in BAR 4 */
struct bench *bench_make(const struct gpup_device_ops *ops, const struct gpup_world_config *config,
                         uint32_t host);
/* Memory for so many blocks only: the device may be NULL. */
struct bench *bench_make_scarce(const struct gpup_device_ops *ops, const struct gpup_world_config *config,
                                size_t blocks);
void bench_free(struct bench *bench);
void bench_advance(struct bench *bench, uint64_t ns);
/* BAR `index` of the PF: a 32-bit access */
uint32_t bench_bar_read(struct bench *bench, unsigned index, uint32_t offset);
void bench_bar_write(struct bench *bench, unsigned index, uint32_t offset, uint32_t value);

/* A copy of the memory, and that memory as it was. */
struct bench *bench_keep(const struct bench *bench);
void bench_put_back(struct bench *bench, const struct bench *kept);

#endif
