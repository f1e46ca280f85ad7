/* A device on its own: memory, DMA memory, a log, and the moves a PF driver makes. */
#ifndef GPUP_TEST_DEVICE_H
#define GPUP_TEST_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "../../harness/device/registers.h"
#include <gpup/gpu.h>

#define DMA_BASE 0x10000000u
#define DMA_BYTES 0x200000u
#define MAX_MESSAGES 4096u

struct bench {
    const struct gpup_device_ops *ops;
    void *device;
    struct gpup_world_config config;
    uint64_t now;
    void *blocks[4096];
    size_t block_count, bytes;
    uint8_t *dma;
    struct {
        uint32_t vf, index, data;
        uint64_t address;
    } message[MAX_MESSAGES];
    uint32_t messages, table_writes, pba_writes, dead_writes, guest_writes;
};

struct bench *bench_new(const struct gpup_world_config *config, uint32_t host);
void bench_free(struct bench *bench);
struct gpup_world_config bench_config(void); /* 4 VFs, 2 segments of 64 MiB, 8 messages in BAR 4 */

void bench_advance(struct bench *bench, uint64_t ns);
uint32_t bench_read(struct bench *bench, uint32_t offset); /* BAR0 */
void bench_write(struct bench *bench, uint32_t offset, uint32_t value);
uint64_t bench_vf_bar(struct bench *bench, uint32_t vf, uint32_t bar);
uint64_t bench_entry(struct bench *bench, uint32_t vf, uint32_t index); /* physical address of an entry */

/* Arguments of a command; the rest is 0. */
struct command {
    uint32_t opcode, vf, flags, arg[6], dma_size;
};
void bench_start(struct bench *bench, uint32_t slot, const struct command *command);
uint32_t bench_command(struct bench *bench, const struct command *command); /* to its end: result */
uint32_t bench_simple(struct bench *bench, uint32_t opcode, uint32_t vf, uint32_t arg);
void bench_enable_vfs(struct bench *bench, uint32_t count);
/* Power, run list, a quarter of the time, and [offset, +size) of segment 1 as reserve. */
void bench_run_vf(struct bench *bench, uint32_t vf, uint64_t offset, uint64_t size);
uint32_t bench_map(struct bench *bench, uint32_t vf, const uint64_t ranges[][3], uint32_t count);
void bench_enable_msix(struct bench *bench, uint32_t vf, bool enable, bool function_mask);
uint32_t bench_track(struct bench *bench, uint32_t opcode, uint32_t segment, uint64_t offset, uint64_t size,
                     uint32_t flags);

#endif
