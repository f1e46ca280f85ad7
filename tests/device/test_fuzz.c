/* A driver and a guest that do anything to the bundled GPU. */
#include "../gpu/random.h"
#include "support.h"
#include <string.h>

static void random_command(struct bench *bench, uint64_t *state) {
    struct command command = {.opcode = (uint32_t)(random_next(state) % 20),
                              .vf = (uint32_t)(random_next(state) % 6),
                              .flags = (uint32_t)(random_next(state) & 1),
                              .dma_size = (uint32_t)random_odd(state)};
    for (unsigned i = 0; i < 6; i++)
        command.arg[i] = random_next(state) % 4 ? (uint32_t)random_odd(state) : 1;
    if (random_next(state) % 4) /* addresses above 4 GiB make little of a 64 MiB segment */
        command.arg[2] = command.arg[4] = 0;
    bench_start(bench, (uint32_t)(random_next(state) % GPU_SLOTS), &command);
}

static void random_step(struct bench *bench, uint64_t *state) {
    static const uint32_t widths[] = {1, 2, 4, 8, 3, 0, 16};
    uint32_t width = widths[random_next(state) % 7], vf = (uint32_t)(random_next(state) % 5);
    const struct gpup_device_ops *ops = bench->ops;
    uint8_t bytes[64] = {1};
    uint64_t base, size;
    ops->bar(bench->device, 0, &base, &size);
    switch (random_next(state) % 14) {
    case 0:
        ops->bus_write(bench->device, base + random_next(state) % 0x14000, width, random_odd(state));
        break;
    case 1:
        ops->bus_read(bench->device, base + random_next(state) % (size + 64), width);
        break;
    case 2:
        ops->bus_write(bench->device, bench_vf_bar(bench, vf, 4) + 0x1FF0 + random_next(state) % 0x1100,
                       width, random_odd(state));
        break;
    case 3:
        ops->bus_read(bench->device,
                      bench_vf_bar(bench, vf, (uint32_t)(random_next(state) % 3 * 2)) + random_odd(state),
                      width);
        break;
    case 4:
        ops->config_write(bench->device, GPU_CFG_SRIOV + (uint32_t)(random_next(state) % 0x24), width,
                          (uint32_t)random_odd(state));
        break;
    case 5:
        ops->config_write(bench->device, (uint32_t)random_odd(state), width, (uint32_t)random_odd(state));
        break;
    case 6:
        ops->guest_work(bench->device, vf, (uint32_t)random_odd(state), random_next(state));
        break;
    case 7:
        ops->guest_write(bench->device, vf, random_odd(state), bytes, sizeof(bytes));
        break;
    case 8:
        ops->raise(bench->device, vf, (uint32_t)random_odd(state));
        break;
    case 9:
        memset(bench->dma + random_next(state) % 4096, (int)random_next(state), 8);
        break;
    case 10:
        bench_advance(bench, random_next(state) % 200000);
        break;
    case 11:
        if (random_next(state) % 64 == 0)
            ops->power_cycle(bench->device);
        bench_enable_vfs(bench, 3);
        break;
    default:
        random_command(bench, state);
        break;
    }
}

static struct bench *random_bench(void) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    bench_enable_vfs(bench, 4);
    for (uint32_t vf = 0; vf < 3; vf++)
        bench_run_vf(bench, vf, vf * 0x100000ull, 0x100000);
    return bench;
}

/* Tracking and contents, all over the segment. */
static void hungry(struct bench *bench, uint64_t *state) {
    uint64_t value = random_next(state);
    bench_track(bench, GPU_COMMAND_TRACK_START, 1, (value & 0x3FF) << 12, 0x1000, 0);
    bench->ops->write_vram(bench->device, 1, value & 0x3FFFFF, &value, sizeof(value));
}

static void answers(struct bench *bench) {
    bench->ops->config_write(bench->device, GPU_CFG_COMMAND, 2, 6);
    assert_int_equal(bench_read(bench, GPU_REG_STATUS), GPU_STATUS_READY);
}

static bool owns(struct bench *bench, uint32_t vf) {
    return bench_read(bench, GPU_REG_VF(vf) + GPU_VF_RESERVE_LO) == 0x100000;
}

int main(void) {
    struct random_gpu gpu = {gpup_gpu_ops(), random_bench, random_step, hungry, answers, owns};
    const struct CMUnitTest tests[] = {RANDOM_TESTS(&gpu)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
