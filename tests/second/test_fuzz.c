/* A driver and a guest that do anything: nothing faults, accounts stay balanced, twice the same, nothing
 * changes in silence, memory may end anywhere, and a snapshot of the memory is the whole state. */
#include "support.h"
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

static void random_order(struct bench *bench, uint64_t *state) {
    static const uint8_t orders[] = {0x11, 0x21, 0x22, 0x31, 0x32, 0x33, 0x41, 0x42, 0x43, 0x44, 0xCA, 0};
    bool sane = next(state) % 8 != 0;
    struct order order = {.order = orders[next(state) % sizeof(orders)],
                          .vf_or_segment = (uint32_t)(next(state) % 5),
                          .flags = (uint32_t)(next(state) & 1),
                          .dma_size = next(state) % 2 ? 0x1000 : (uint32_t)odd_number(state),
                          .offset = sane ? (next(state) & 0x1F) << 16 : odd_number(state),
                          .size = sane ? (next(state) & 0x1F) << 16 : odd_number(state)};
    bench_ring(bench, &order);
}

/* The fields of a configuration space that can be written, any bytes. */
static void random_config(struct bench *bench, uint64_t *state) {
    static const uint32_t offsets[] = {SECOND_VFCFG_COMMAND, SECOND_VFCFG_MSIX, SECOND_VFCFG_MSIX,
                                       SECOND_VFCFG_DEVICE_CONTROL};
    bench_config_write(bench, (uint32_t)(next(state) % 4), offsets[next(state) % 4],
                       (uint32_t)(next(state) & 0xF), (uint32_t)next(state));
}

static void random_window(struct bench *bench, uint64_t *state) {
    uint32_t vf = (uint32_t)(next(state) % 5), reg = (uint32_t)(next(state) % 18) * 4;
    vf = vf == 4 ? SECOND_WINDOW_PF : vf;
    if (next(state) % 2)
        bench_set_win(bench, vf, reg, (uint32_t)(next(state) % 3 ? next(state) & 0xF : odd_number(state)));
    else
        bench_win(bench, vf, reg);
}

static void random_bus(struct bench *bench, uint64_t *state) {
    static const uint32_t widths[] = {1, 2, 4, 8, 3, 0, 16};
    uint32_t width = widths[next(state) % 7], bar = (uint32_t)(next(state) % 3 * 2);
    uint64_t base, size, value = odd_number(state);
    switch (next(state) % 5) {
    case 0:
        bench->ops->bar(bench->device, 2, &base, &size);
        bench->ops->bus_write(bench->device, base + next(state) % 0x120, width, value);
        break;
    case 1:
        bench->ops->bar(bench->device, bar & 2, &base, &size);
        bench->ops->bus_read(bench->device, base + next(state) % (size + 64), width);
        break;
    case 2:
        base = bench_vf_bar(bench, (uint32_t)(next(state) % 5), bar);
        bench->ops->bus_write(bench->device, base + (bar == 2 ? 0x2FF8 + next(state) % 0x70 : value), width,
                              odd_number(state));
        break;
    case 3:
        base = bench_vf_bar(bench, (uint32_t)(next(state) % 5), bar);
        bench->ops->bus_read(bench->device, base + odd_number(state), width);
        break;
    default:
        bench->ops->config_write(bench->device,
                                 next(state) % 2 ? (uint32_t)(0x100 + next(state) % 0x40) : (uint32_t)value,
                                 width, (uint32_t)odd_number(state));
        break;
    }
}

static void random_step(struct bench *bench, uint64_t *state) {
    uint32_t vf = (uint32_t)(next(state) % 5);
    uint8_t bytes[64] = {1};
    switch (next(state) % 17) {
    case 0:
    case 1:
    case 2:
        random_bus(bench, state);
        break;
    case 3:
        bench->ops->guest_work(bench->device, vf, (uint32_t)odd_number(state), next(state));
        break;
    case 4:
        bench->ops->guest_write(bench->device, vf, odd_number(state), bytes, sizeof(bytes));
        break;
    case 5:
        bench->ops->raise(bench->device, vf, (uint32_t)odd_number(state));
        break;
    case 6:
        bench->ops->guest_set_register(bench->device, vf, (uint32_t)(next(state) % 50),
                                       (uint32_t)next(state));
        break;
    case 7:
        memset(bench->dma + next(state) % 4096, (int)next(state), 8);
        break;
    case 8:
        bench->ops->write_vram(bench->device, (uint32_t)(next(state) % 4), odd_number(state), bytes, 64);
        break;
    case 9:
        if (next(state) % 64 == 0)
            bench->ops->power_cycle(bench->device);
        else if (next(state) % 8 == 0)
            bench->ops->lose_completions(bench->device, 1);
        if (next(state) % 4 == 0)
            bench_enable_vfs(bench, 4);
        break;
    case 10:
    case 11:
        bench_advance(bench, next(state) % 200000);
        break;
    case 12:
    case 13:
        random_order(bench, state);
        if (next(state) % 4)
            bench_advance(bench, 100000);
        break;
    case 14:
        random_config(bench, state);
        bench_write(bench, SECOND_REG_MB_BELL, next(state) % 4 ? 0 : SECOND_BELL_CANCEL);
        break;
    default:
        random_window(bench, state);
        break;
    }
}

static struct bench *started(void) {
    struct bench *bench = bench_start();
    for (uint32_t vf = 0; vf < 3; vf++)
        bench_run_vf(bench, vf, vf * 0x100000ull, 0x100000);
    return bench;
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
    struct bench *bench = started();
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1, sum;
    for (unsigned i = 0; i < 3000; i++)
        random_step(bench, &state);
    /* Whatever was done to it, the BARs can be put back and the part answers. */
    bench->ops->power_cycle(bench->device);
    bench->ops->config_write(bench->device, SECOND_CFG_COMMAND, 2, 6);
    assert_int_equal(bench_read(bench, SECOND_REG_MAGIC), SECOND_MAGIC);
    sum = fingerprint(bench);
    bench_free(bench);
    return sum;
}

static void anything_goes_and_repeats(void **state) {
    const char *runs = getenv("GPUP_FUZZ_RUNS");
    uint64_t count = runs ? strtoull(runs, NULL, 10) : 40;
    (void)state;
    for (uint64_t seed = 1; seed <= count; seed++)
        assert_true(run(seed) == run(seed));
}

/* --- a reading whose generation stood still must not have changed: nobody would look at it again --- */
#define OBSERVERS 6
struct reading {
    uint64_t generation[OBSERVERS], all, hash;
    uint8_t guest[4096], config[4096], table[SECOND_MSIX_ENTRIES * 16], bits[16];
    struct gpup_msix_control control;
    struct gpup_schedule schedule;
    bool tracking;
};

static void read_all(struct bench *bench, uint32_t vf, struct reading *r) {
    static const uint32_t observers[OBSERVERS] = {GPUP_OBSERVER_guest_state, GPUP_OBSERVER_config,
                                                  GPUP_OBSERVER_msix_table,  GPUP_OBSERVER_schedule,
                                                  GPUP_OBSERVER_vram,        GPUP_OBSERVER_dirty_bits};
    const struct gpup_device_ops *ops = bench->ops;
    memset(r, 0, sizeof(*r));
    r->all = ops->generation(bench->device, GPUP_PF, 0);
    for (unsigned i = 0; i < OBSERVERS; i++)
        r->generation[i] = ops->generation(bench->device, vf, observers[i]);
    ops->read_guest(bench->device, vf, r->guest, sizeof(r->guest));
    ops->read_config(bench->device, vf, r->config, sizeof(r->config));
    ops->read_msix(bench->device, vf, r->table);
    ops->read_msix_control(bench->device, vf, &r->control);
    ops->read_schedule(bench->device, vf, &r->schedule);
    ops->hash_vram(bench->device, 1, vf * 0x100000ull, 0x100000, &r->hash);
    ops->read_dirty(bench->device, 1, vf * 0x100000ull, 0x100000, r->bits, &r->tracking);
}

static void compare(const struct reading *a, const struct reading *b) {
    const bool same[OBSERVERS] = {memcmp(a->guest, b->guest, sizeof(a->guest)) == 0,
                                  memcmp(a->config, b->config, sizeof(a->config)) == 0,
                                  memcmp(a->table, b->table, sizeof(a->table)) == 0 &&
                                      memcmp(&a->control, &b->control, sizeof(a->control)) == 0,
                                  memcmp(&a->schedule, &b->schedule, sizeof(a->schedule)) == 0,
                                  a->hash == b->hash,
                                  memcmp(a->bits, b->bits, sizeof(a->bits)) == 0 &&
                                      a->tracking == b->tracking};
    for (unsigned i = 0; i < OBSERVERS; i++) {
        assert_true(same[i] || a->generation[i] != b->generation[i]);
        assert_true(same[i] || a->all != b->all);
    }
}

static void nothing_changes_in_silence(void **state) {
    struct reading *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct bench *bench = started();
        uint64_t random = seed;
        read_all(bench, 1, before);
        for (unsigned i = 0; i < 1500; i++) {
            random_step(bench, &random);
            read_all(bench, 1, after);
            compare(before, after);
            *before = *after;
        }
        bench_free(bench);
    }
    free(before);
    free(after);
}

/* --- memory given back as it was is the device as it was --- */
static void memory_is_the_whole_state(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct bench *bench = started();
        uint64_t random = seed, again, first;
        for (unsigned i = 0; i < 500; i++)
            random_step(bench, &random);
        size_t count = bench->block_count;
        struct bench *kept = malloc(sizeof(*kept));
        *kept = *bench;
        kept->dma = malloc(DMA_BYTES);
        memcpy(kept->dma, bench->dma, DMA_BYTES);
        for (size_t i = 0; i < count; i++) {
            kept->blocks[i].bytes = malloc(kept->blocks[i].size);
            memcpy(kept->blocks[i].bytes, bench->blocks[i].bytes, kept->blocks[i].size);
        }
        again = random;
        for (unsigned i = 0; i < 500; i++)
            random_step(bench, &random);
        first = fingerprint(bench);
        for (size_t i = 0; i < count; i++)
            memcpy(bench->blocks[i].bytes, kept->blocks[i].bytes, kept->blocks[i].size);
        memcpy(bench->dma, kept->dma, DMA_BYTES);
        bench->now = kept->now;
        bench->messages = kept->messages;
        for (unsigned i = 0; i < 500; i++)
            random_step(bench, &again);
        assert_true(first == fingerprint(bench));
        bench_free(bench);
        bench_free(kept);
    }
}

/* --- memory runs out at every possible place --- */
struct scarce {
    struct bench *bench;
    uint32_t left;
};

static void *scarce_alloc(void *context, size_t size) {
    struct scarce *scarce = context;
    if (scarce->left == 0)
        return NULL;
    scarce->left--;
    struct block *block = &scarce->bench->blocks[scarce->bench->block_count++];
    *block = (struct block){calloc(1, size), size};
    return block->bytes;
}

static void memory_may_end_anywhere(void **state) {
    struct gpup_world_config config = bench_config();
    (void)state;
    for (uint32_t left = 0; left < 60; left++) {
        struct bench *bench = calloc(1, sizeof(*bench));
        struct scarce scarce = {bench, left};
        uint64_t random = left + 1;
        bench->ops = &gpup_second_device_ops;
        bench->device = bench->ops->create(&config, 0, &(struct gpup_memory){scarce_alloc, &scarce});
        bench->dma = calloc(1, DMA_BYTES);
        for (unsigned i = 0; i < 500 && bench->device; i++)
            random_step(bench, &random);
        bench_free(bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_goes_and_repeats),
        cmocka_unit_test(nothing_changes_in_silence),
        cmocka_unit_test(memory_is_the_whole_state),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
