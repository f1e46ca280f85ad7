#include "random.h"
#include <stdlib.h>
#include <string.h>

#define MIB 0x100000ull

uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

uint64_t random_odd(uint64_t *state) {
    uint64_t r = random_next(state);
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

/* --- nothing faults, accounts stay balanced, twice the same --- */
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
        assert_true(bench->ops->hash_vram(bench->device, segment, 0, 64 * MIB, &hash));
        sum = sum * 31 + hash;
    }
    return sum * 31 + bench->messages;
}

static void steps(const struct random_gpu *gpu, struct bench *bench, uint64_t *random, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        gpu->step(bench, random);
}

static uint64_t run(const struct random_gpu *gpu, uint64_t seed) {
    struct bench *bench = gpu->start();
    uint64_t random = seed * 0x9E3779B97F4A7C15u + 1;
    steps(gpu, bench, &random, 3000);
    bench->ops->power_cycle(bench->device);
    gpu->answers(bench);
    uint64_t sum = fingerprint(bench);
    bench_free(bench);
    return sum;
}

void anything_goes_and_repeats(void **state) {
    const char *runs = getenv("GPUP_FUZZ_RUNS");
    uint64_t count = runs ? strtoull(runs, NULL, 10) : 40;
    for (uint64_t seed = 1; seed <= count; seed++)
        assert_true(run(*state, seed) == run(*state, seed));
}

/* --- a reading whose generation stood still must not have changed: nobody would look at it again --- */
static const uint32_t observers[] = {GPUP_OBSERVER_guest_state, GPUP_OBSERVER_config,
                                     GPUP_OBSERVER_msix_table,  GPUP_OBSERVER_schedule,
                                     GPUP_OBSERVER_vram,        GPUP_OBSERVER_dirty_bits};
enum { OBSERVERS = sizeof(observers) / sizeof(observers[0]), OF_THE_VF = 4 /* the rest: of its memory */ };

struct reading {
    uint64_t generation[OBSERVERS], all, hash;
    uint8_t guest[4096], config[4096], table[8 * 16], bits[32];
    struct gpup_msix_control control;
    struct gpup_schedule schedule;
    bool tracking, owned;
};

static void read_all(const struct random_gpu *gpu, struct bench *bench, uint32_t vf, struct reading *r) {
    const struct gpup_device_ops *ops = bench->ops;
    memset(r, 0, sizeof(*r));
    r->owned = gpu->owns(bench, vf);
    r->all = ops->generation(bench->device, GPUP_PF, 0);
    for (unsigned i = 0; i < OBSERVERS; i++)
        r->generation[i] = ops->generation(bench->device, vf, observers[i]);
    ops->read_guest(bench->device, vf, r->guest, sizeof(r->guest));
    ops->read_config(bench->device, vf, r->config, sizeof(r->config));
    ops->read_msix(bench->device, vf, r->table);
    ops->read_msix_control(bench->device, vf, &r->control);
    ops->read_schedule(bench->device, vf, &r->schedule);
    ops->hash_vram(bench->device, 1, vf * MIB, MIB, &r->hash);
    ops->read_dirty(bench->device, 1, vf * MIB, MIB, r->bits, &r->tracking);
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
    for (unsigned i = 0; i < (a->owned && b->owned ? OBSERVERS : OF_THE_VF); i++) {
        assert_true(same[i] || a->generation[i] != b->generation[i]);
        assert_true(same[i] || a->all != b->all);
    }
}

void nothing_changes_in_silence(void **state) {
    const struct random_gpu *gpu = *state;
    struct reading *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct bench *bench = gpu->start();
        uint64_t random = seed;
        read_all(gpu, bench, 1, before);
        for (unsigned i = 0; i < 1500; i++) {
            gpu->step(bench, &random);
            read_all(gpu, bench, 1, after);
            compare(before, after);
            *before = *after;
        }
        bench_free(bench);
    }
    free(before);
    free(after);
}

/* --- memory given back as it was is the device as it was --- */
void memory_is_the_whole_state(void **state) {
    const struct random_gpu *gpu = *state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct bench *bench = gpu->start();
        uint64_t random = seed;
        steps(gpu, bench, &random, 500);
        struct bench *kept = bench_keep(bench);
        uint64_t again = random;
        steps(gpu, bench, &random, 500);
        uint64_t first = fingerprint(bench);
        bench_put_back(bench, kept);
        steps(gpu, bench, &again, 500);
        assert_true(first == fingerprint(bench));
        bench_free(bench);
        bench_free(kept);
    }
}

/* --- memory runs out at every possible place, and nothing worse happens --- */
void memory_may_end_anywhere(void **state) {
    const struct random_gpu *gpu = *state;
    struct gpup_world_config config = bench_config();
    for (uint32_t left = 0; left < 60; left++) {
        struct bench *bench = bench_make_scarce(gpu->ops, &config, left);
        uint64_t random = left + 1;
        for (unsigned i = 0; i < 500 && bench->device; i++)
            gpu->hungry(bench, &random);
        bench_free(bench);
    }
}
