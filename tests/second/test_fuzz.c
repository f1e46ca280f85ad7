/* A driver and a guest that do anything to the second GPU. */
#include "../gpu/random.h"
#include "support.h"
#include <string.h>

static void random_order(struct bench *bench, uint64_t *state) {
    static const uint8_t orders[] = {0x11, 0x21, 0x22, 0x31, 0x32, 0x33, 0x41, 0x42, 0x43, 0x44, 0xCA, 0};
    bool sane = random_next(state) % 8 != 0;
    struct order order = {.order = orders[random_next(state) % sizeof(orders)],
                          .vf_or_segment = (uint32_t)(random_next(state) % 5),
                          .flags = (uint32_t)(random_next(state) & 1),
                          .dma_size = random_next(state) % 2 ? 0x1000 : (uint32_t)random_odd(state),
                          .offset = sane ? (random_next(state) & 0x1F) << 16 : random_odd(state),
                          .size = sane ? (random_next(state) & 0x1F) << 16 : random_odd(state)};
    bench_ring(bench, &order);
}

/* The fields of a configuration space that can be written, any bytes. */
static void random_config(struct bench *bench, uint64_t *state) {
    static const uint32_t offsets[] = {SECOND_VFCFG_COMMAND, SECOND_VFCFG_MSIX, SECOND_VFCFG_MSIX,
                                       SECOND_VFCFG_DEVICE_CONTROL};
    bench_config_write(bench, (uint32_t)(random_next(state) % 4), offsets[random_next(state) % 4],
                       (uint32_t)(random_next(state) & 0xF), (uint32_t)random_next(state));
}

static void random_window(struct bench *bench, uint64_t *state) {
    uint32_t vf = (uint32_t)(random_next(state) % 5), reg = (uint32_t)(random_next(state) % 18) * 4;
    vf = vf == 4 ? SECOND_WINDOW_PF : vf;
    if (random_next(state) % 2)
        bench_set_win(bench, vf, reg,
                      (uint32_t)(random_next(state) % 3 ? random_next(state) & 0xF : random_odd(state)));
    else
        bench_win(bench, vf, reg);
}

static void random_bus(struct bench *bench, uint64_t *state) {
    static const uint32_t widths[] = {1, 2, 4, 8, 3, 0, 16};
    uint32_t width = widths[random_next(state) % 7], bar = (uint32_t)(random_next(state) % 3 * 2);
    uint64_t base, size, value = random_odd(state);
    switch (random_next(state) % 5) {
    case 0:
        bench->ops->bar(bench->device, 2, &base, &size);
        bench->ops->bus_write(bench->device, base + random_next(state) % 0x120, width, value);
        break;
    case 1:
        bench->ops->bar(bench->device, bar & 2, &base, &size);
        bench->ops->bus_read(bench->device, base + random_next(state) % (size + 64), width);
        break;
    case 2:
        base = bench_vf_bar(bench, (uint32_t)(random_next(state) % 5), bar);
        bench->ops->bus_write(bench->device, base + (bar == 2 ? 0x2FF8 + random_next(state) % 0x70 : value),
                              width, random_odd(state));
        break;
    case 3:
        base = bench_vf_bar(bench, (uint32_t)(random_next(state) % 5), bar);
        bench->ops->bus_read(bench->device, base + random_odd(state), width);
        break;
    default:
        bench->ops->config_write(bench->device,
                                 random_next(state) % 2 ? (uint32_t)(0x100 + random_next(state) % 0x40)
                                                        : (uint32_t)value,
                                 width, (uint32_t)random_odd(state));
        break;
    }
}

static void random_step(struct bench *bench, uint64_t *state) {
    uint32_t vf = (uint32_t)(random_next(state) % 5);
    uint8_t bytes[64] = {1};
    switch (random_next(state) % 17) {
    case 0:
    case 1:
    case 2:
        random_bus(bench, state);
        break;
    case 3:
        bench->ops->guest_work(bench->device, vf, (uint32_t)random_odd(state), random_next(state));
        break;
    case 4:
        bench->ops->guest_write(bench->device, vf, random_odd(state), bytes, sizeof(bytes));
        break;
    case 5:
        bench->ops->raise(bench->device, vf, (uint32_t)random_odd(state));
        break;
    case 6:
        bench->ops->guest_set_register(bench->device, vf, (uint32_t)(random_next(state) % 50),
                                       (uint32_t)random_next(state));
        break;
    case 7:
        memset(bench->dma + random_next(state) % 4096, (int)random_next(state), 8);
        break;
    case 8:
        bench->ops->write_vram(bench->device, (uint32_t)(random_next(state) % 4), random_odd(state), bytes,
                               64);
        break;
    case 9:
        if (random_next(state) % 64 == 0)
            bench->ops->power_cycle(bench->device);
        else if (random_next(state) % 8 == 0)
            bench->ops->lose_completions(bench->device, 0, 1);
        if (random_next(state) % 4 == 0)
            bench_enable_vfs(bench, 4);
        break;
    case 10:
    case 11:
        bench_advance(bench, random_next(state) % 200000);
        break;
    case 12:
    case 13:
        random_order(bench, state);
        if (random_next(state) % 4)
            bench_advance(bench, 100000);
        break;
    case 14:
        random_config(bench, state);
        bench_write(bench, SECOND_REG_MB_BELL, random_next(state) % 4 ? 0 : SECOND_BELL_CANCEL);
        break;
    default:
        random_window(bench, state);
        break;
    }
}

static struct bench *random_bench(void) {
    struct bench *bench = bench_start();
    for (uint32_t vf = 0; vf < 3; vf++)
        bench_run_vf(bench, vf, vf * 0x100000ull, 0x100000);
    return bench;
}

static void answers(struct bench *bench) {
    bench->ops->config_write(bench->device, SECOND_CFG_COMMAND, 2, 6);
    assert_int_equal(bench_read(bench, SECOND_REG_MAGIC), SECOND_MAGIC);
}

/* Changes of memory that is nobody's are told to everybody. */
static bool owns(struct bench *bench, uint32_t vf) {
    (void)bench, (void)vf;
    return true;
}

int main(void) {
    struct random_gpu gpu = {&gpup_second_device_ops, random_bench, random_step, random_step, answers, owns};
    const struct CMUnitTest tests[] = {RANDOM_TESTS(&gpu)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
