/* The second GPU on its own: memory, DMA memory, a log, and the moves its PF driver makes. */
#ifndef GPUP_TEST_SECOND_H
#define GPUP_TEST_SECOND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "../../harness/second/device/device.h"
#include "../../harness/second/device/registers.h"
#include <gpup/spec.h>
#include <gpup/trace.h>

#define DMA_BASE 0x30000000u
#define DMA_BYTES 0x200000u
#define MAX_MESSAGES 4096u

struct bench {
    const struct gpup_device_ops *ops;
    void *device;
    uint64_t now;
    struct block {
        void *bytes;
        size_t size;
    } blocks[4096];
    size_t block_count;
    uint8_t *dma;
    struct {
        uint32_t vf, index, data;
        uint64_t address;
    } message[MAX_MESSAGES];
    uint32_t messages, mmio, table_writes, pba_writes, dead_writes, config_accesses, guest_writes;
    uint64_t config_last; /* vf, offset, width, value of the last one: each 16 bits */
};

struct gpup_world_config bench_config(void); /* 4 VFs, 2 segments, 64 MiB */
struct bench *bench_new(const struct gpup_world_config *config, uint32_t host);
struct bench *bench_start(void); /* with that configuration, 4 VFs enabled */
void bench_free(struct bench *bench);
void bench_advance(struct bench *bench, uint64_t ns);

uint32_t bench_read(struct bench *bench, uint32_t offset); /* PF BAR2 */
void bench_write(struct bench *bench, uint32_t offset, uint32_t value);
uint32_t bench_win(struct bench *bench, uint32_t vf, uint32_t reg);
void bench_set_win(struct bench *bench, uint32_t vf, uint32_t reg, uint32_t value);
uint64_t bench_vf_bar(struct bench *bench, uint32_t vf, uint32_t bar);
uint32_t bench_config_read(struct bench *bench, uint32_t vf, uint32_t offset);
void bench_config_write(struct bench *bench, uint32_t vf, uint32_t offset, uint32_t bytes, uint32_t value);
void bench_enable_vfs(struct bench *bench, uint32_t count);

/* Arguments of an order; the rest is 0. */
struct order {
    uint32_t order, vf_or_segment, flags, dma_size;
    uint64_t offset, size;
};
void bench_ring(struct bench *bench, const struct order *order);
uint32_t bench_answer(struct bench *bench, uint32_t word);
uint32_t bench_order(struct bench *bench, const struct order *order); /* to its end: result */
uint32_t bench_track(struct bench *bench, uint32_t order, uint32_t segment, uint64_t offset, uint64_t size);
/* Apertures of one VF: {segment, offset, size} each. */
uint32_t bench_apertures(struct bench *bench, uint32_t vf, const uint64_t (*ranges)[3], uint32_t count);
/* [offset, +size) of segment 1, power, run, a tenth of both kinds of time. */
void bench_run_vf(struct bench *bench, uint32_t vf, uint64_t offset, uint64_t size);

#endif
