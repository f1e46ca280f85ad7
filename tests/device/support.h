/* The bundled GPU on the bench, and the moves a PF driver makes. */
#ifndef GPUP_TEST_DEVICE_H
#define GPUP_TEST_DEVICE_H

#include "../gpu/bench.h"

#include "../../harness/device/registers.h"
#include <gpup/gpu.h>

struct bench *bench_new(const struct gpup_world_config *config, uint32_t host);
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
