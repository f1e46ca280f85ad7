/* A driver and a guest that do anything: nothing faults, accounts stay balanced, twice the same. */
#include "support.h"
#include <gpup/spec.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Mostly small numbers and borders. */
static uint64_t odd_number(uint64_t *state) {
    uint64_t r = next(state);
    switch (r % 6) {
    case 0:
        return r >> 8 & 3;
    case 1:
        return (r >> 8 & 0xFF) << 12;
    case 2:
        return UINT64_MAX - (r >> 8 & 0x1FFF);
    case 3:
        return 1ull << (r >> 8 & 63);
    case 4:
        return r >> 40;
    default:
        return r >> 8 & 0xFFFF;
    }
}

static void random_command(struct bench *bench, uint64_t *state) {
    struct command command = {.opcode = (uint32_t)(next(state) % 20),
                              .vf = (uint32_t)(next(state) % 6),
                              .flags = (uint32_t)(next(state) & 1),
                              .dma_size = (uint32_t)odd_number(state)};
    for (unsigned i = 0; i < 6; i++)
        command.arg[i] = next(state) % 4 ? (uint32_t)odd_number(state) : 1;
    if (next(state) % 4) /* addresses above 4 GiB make little of a 64 MiB segment */
        command.arg[2] = command.arg[4] = 0;
    bench_start(bench, (uint32_t)(next(state) % GPU_SLOTS), &command);
}

static void random_step(struct bench *bench, uint64_t *state) {
    static const uint32_t widths[] = {1, 2, 4, 8, 3, 0, 16};
    uint32_t width = widths[next(state) % 7], vf = (uint32_t)(next(state) % 5);
    const struct gpup_device_ops *ops = bench->ops;
    uint8_t bytes[64] = {1};
    uint64_t base, size;
    ops->bar(bench->device, 0, &base, &size);
    switch (next(state) % 14) {
    case 0:
        ops->bus_write(bench->device, base + next(state) % 0x14000, width, odd_number(state));
        break;
    case 1:
        ops->bus_read(bench->device, base + next(state) % (size + 64), width);
        break;
    case 2:
        ops->bus_write(bench->device, bench_vf_bar(bench, vf, 4) + 0x1FF0 + next(state) % 0x1100, width,
                       odd_number(state));
        break;
    case 3:
        ops->bus_read(bench->device,
                      bench_vf_bar(bench, vf, (uint32_t)(next(state) % 3 * 2)) + odd_number(state), width);
        break;
    case 4:
        ops->config_write(bench->device, GPU_CFG_SRIOV + (uint32_t)(next(state) % 0x24), width,
                          (uint32_t)odd_number(state));
        break;
    case 5:
        ops->config_write(bench->device, (uint32_t)odd_number(state), width, (uint32_t)odd_number(state));
        break;
    case 6:
        ops->guest_work(bench->device, vf, (uint32_t)odd_number(state), next(state));
        break;
    case 7:
        ops->guest_write(bench->device, vf, odd_number(state), bytes, sizeof(bytes));
        break;
    case 8:
        ops->raise(bench->device, vf, (uint32_t)odd_number(state));
        break;
    case 9:
        memset(bench->dma + next(state) % 4096, (int)next(state), 8);
        break;
    case 10:
        bench_advance(bench, next(state) % 200000);
        break;
    case 11:
        if (next(state) % 64 == 0)
            ops->power_cycle(bench->device);
        bench_enable_vfs(bench, 3);
        break;
    default:
        random_command(bench, state);
        break;
    }
}

static uint64_t fingerprint(struct bench *bench) {
    uint64_t sum = 0, hash;
    for (uint32_t vf = 0; vf < 4; vf++) {
        uint8_t guest[4096];
        struct gpup_work work;
        size_t size = bench->ops->read_guest(bench->device, vf, guest, sizeof(guest));
        assert_true(bench->ops->read_work(bench->device, vf, &work));
        assert_true(work.queued - work.completed <= 65536);
        for (size_t i = 0; i < size; i++)
            sum = sum * 31 + guest[i];
    }
    for (uint32_t segment = 1; segment <= 2; segment++) {
        assert_true(bench->ops->hash_vram(bench->device, segment, 0, 64 << 20, &hash));
        sum = sum * 31 + hash;
    }
    return sum * 31 + bench->messages;
}

static uint64_t run(uint64_t seed) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1, sum;
    bench_enable_vfs(bench, 4);
    for (uint32_t vf = 0; vf < 3; vf++)
        bench_run_vf(bench, vf, vf * 0x100000ull, 0x100000);
    for (unsigned i = 0; i < 3000; i++)
        random_step(bench, &state);
    /* Whatever was done to it, the BARs can be put back and the part answers. */
    bench->ops->power_cycle(bench->device);
    bench->ops->config_write(bench->device, GPU_CFG_COMMAND, 2, 6);
    assert_int_equal(bench_read(bench, GPU_REG_STATUS), GPU_STATUS_READY);
    sum = fingerprint(bench);
    bench_free(bench);
    return sum;
}

static void anything_goes_and_repeats(void **state) {
    const char *runs = getenv("GPUP_FUZZ_RUNS");
    uint64_t count = runs ? strtoull(runs, NULL, 10) : 40;
    (void)state;
    for (uint64_t seed = 1; seed <= count; seed++)
        assert_int_equal(run(seed), run(seed));
}

/* A reading whose generation stood still must not have changed: nobody would look at it again. */
struct reading {
    uint64_t generation[5];
    uint8_t guest[4096], config[4096], table[8 * 16];
    struct gpup_msix_control control;
    struct gpup_schedule schedule;
    uint64_t hash;
};

static void read_all(struct bench *bench, uint32_t vf, struct reading *reading) {
    static const uint32_t observers[] = {GPUP_OBSERVER_guest_state, GPUP_OBSERVER_config,
                                         GPUP_OBSERVER_msix_table, GPUP_OBSERVER_schedule,
                                         GPUP_OBSERVER_vram};
    memset(reading, 0, sizeof(*reading));
    for (unsigned i = 0; i < 5; i++)
        reading->generation[i] = bench->ops->generation(bench->device, vf, observers[i]);
    bench->ops->read_guest(bench->device, vf, reading->guest, sizeof(reading->guest));
    bench->ops->read_config(bench->device, vf, reading->config, sizeof(reading->config));
    bench->ops->read_msix(bench->device, vf, reading->table);
    bench->ops->read_msix_control(bench->device, vf, &reading->control);
    bench->ops->read_schedule(bench->device, vf, &reading->schedule);
    bench->ops->hash_vram(bench->device, 1, vf * 0x100000ull, 0x100000, &reading->hash);
}

static void nothing_changes_in_silence(void **state) {
    struct reading *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct gpup_world_config config = bench_config();
        struct bench *bench = bench_new(&config, 0);
        uint64_t random = seed;
        bench_enable_vfs(bench, 4);
        bench_run_vf(bench, 1, 0x100000, 0x100000);
        read_all(bench, 1, before);
        for (unsigned i = 0; i < 1500; i++) {
            random_step(bench, &random);
            read_all(bench, 1, after);
            if (before->generation[0] == after->generation[0])
                assert_memory_equal(before->guest, after->guest, sizeof(before->guest));
            if (before->generation[1] == after->generation[1])
                assert_memory_equal(before->config, after->config, sizeof(before->config));
            if (before->generation[2] == after->generation[2]) {
                assert_memory_equal(before->table, after->table, sizeof(before->table));
                assert_memory_equal(&before->control, &after->control, sizeof(before->control));
            }
            if (before->generation[3] == after->generation[3])
                assert_memory_equal(&before->schedule, &after->schedule, sizeof(before->schedule));
            if (before->generation[4] == after->generation[4] &&
                bench_read(bench, GPU_REG_VF(1) + GPU_VF_RESERVE_LO) == 0x100000)
                assert_int_equal(before->hash, after->hash);
            *before = *after;
        }
        bench_free(bench);
    }
    free(before);
    free(after);
}

/* Memory runs out at every possible place, and nothing worse happens. */
struct scarce {
    struct bench *bench;
    uint32_t left;
};

static void *scarce_alloc(void *context, size_t size) {
    struct scarce *scarce = context;
    if (scarce->left == 0)
        return NULL;
    scarce->left--;
    struct bench *bench = scarce->bench;
    return bench->blocks[bench->block_count++] = calloc(1, size);
}

static void memory_may_end_anywhere(void **state) {
    struct gpup_world_config config = bench_config();
    (void)state;
    for (uint32_t left = 0; left < 60; left++) {
        struct bench *bench = calloc(1, sizeof(*bench));
        struct scarce scarce = {bench, left};
        uint64_t random = left + 1;
        bench->ops = gpup_gpu_ops();
        bench->device = bench->ops->create(&config, 0, &(struct gpup_memory){scarce_alloc, &scarce});
        bench->dma = calloc(1, DMA_BYTES);
        for (unsigned i = 0; i < 500 && bench->device; i++) {
            uint64_t value = next(&random);
            bench_track(bench, GPU_COMMAND_TRACK_START, 1, (value & 0x3FF) << 12, 0x1000, 0);
            bench->ops->write_vram(bench->device, 1, value & 0x3FFFFF, &value, sizeof(value));
        }
        bench_free(bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_goes_and_repeats),
        cmocka_unit_test(nothing_changes_in_silence),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
