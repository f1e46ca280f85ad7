/* A driver and a guest that do anything: nothing faults, accounts stay balanced, twice the same, nothing
 * changes in silence, memory may end anywhere, and a snapshot of the memory is the whole state. */
#include "random.h"
#include <stdlib.h>
#include <string.h>

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
    struct bench *bench = random_bench();
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

static bool same_schedule(const struct gpup_schedule *a, const struct gpup_schedule *b) {
    return a->running == b->running && a->busy == b->busy && a->share_ppm == b->share_ppm &&
           a->paging_ppm == b->paging_ppm;
}

static void compare(const struct reading *a, const struct reading *b) {
    const bool same[OBSERVERS] = {memcmp(a->guest, b->guest, sizeof(a->guest)) == 0,
                                  memcmp(a->config, b->config, sizeof(a->config)) == 0,
                                  memcmp(a->table, b->table, sizeof(a->table)) == 0 &&
                                      memcmp(&a->control, &b->control, sizeof(a->control)) == 0,
                                  same_schedule(&a->schedule, &b->schedule),
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
        struct bench *bench = random_bench();
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
        struct bench *bench = random_bench();
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
