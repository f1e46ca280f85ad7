/* The second GPU on the bench, and the moves its PF driver makes. */
#ifndef GPUP_TEST_SECOND_H
#define GPUP_TEST_SECOND_H

#include "../gpu/bench.h"

#include "../../harness/second/device/device.h"
#include "../../harness/second/device/registers.h"

struct gpup_world_config second_config(void); /* bench_config, with free tracking */
struct bench *bench_new(const struct gpup_world_config *config, uint32_t host);
struct bench *bench_start(void); /* with that configuration, 4 VFs enabled */

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
