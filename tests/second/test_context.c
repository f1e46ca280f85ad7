/* The context of a VF over a migration; damaged and forged ones. */
#include "../../harness/second/device/state.h"
#include "support.h"
#include <string.h>

static struct gpup_work work_of(struct bench *bench, uint32_t vf) {
    struct gpup_work work = {0};
    assert_true(bench->ops->read_work(bench->device, vf, &work));
    return work;
}

static uint32_t export_vf(struct bench *bench, uint32_t vf) {
    assert_int_equal(
        bench_order(bench, &(struct order){SECOND_ORDER_CONTEXT_EXPORT, vf, 0, SECOND_DMA_MAX, 0, 0}),
        SECOND_OK);
    return bench_answer(bench, SECOND_MB_LENGTH);
}

static uint32_t import_vf(struct bench *bench, uint32_t vf, uint32_t size) {
    return bench_order(bench, &(struct order){SECOND_ORDER_CONTEXT_IMPORT, vf, 0, size, 0, 0});
}

/* A source with work left, a pending interrupt and registers; held. */
static struct bench *source(void) {
    struct bench *bench = bench_start();
    bench_run_vf(bench, 0, 0, 0x10000);
    bench_config_write(bench, 0, SECOND_VFCFG_COMMAND, 0x1, 4);
    bench_config_write(bench, 0, SECOND_VFCFG_MSIX, 0xC, (uint32_t)SECOND_MSIX_CONTROL_ENABLE << 16);
    bench->ops->raise(bench->device, 0, 2);
    bench->ops->guest_set_register(bench->device, 0, 7, 0x77);
    bench->ops->guest_work(bench->device, 0, 3, 5);
    bench->ops->guest_work(bench->device, 0, 6, 6);
    bench_advance(bench, 40000);
    bench_set_win(bench, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN | SECOND_CONTROL_HOLD);
    bench_advance(bench, 10000);
    assert_in_range(work_of(bench, 0).completed, 1, 8);
    return bench;
}

static void context_goes_on_on_another_part(void **state) {
    struct gpup_world_config config = second_config();
    struct bench *one = source(), *two = bench_new(&config, 1);
    struct gpup_msix_control control;
    uint8_t bytes[2][4096];
    uint64_t a, b;
    (void)state;
    bench_enable_vfs(two, 4);
    uint32_t size = export_vf(one, 0);
    assert_int_equal(bench_order(one, &(struct order){SECOND_ORDER_CONTEXT_EXPORT, 0, 0, size - 1, 0, 0}),
                     SECOND_E_LENGTH);
    memcpy(two->dma, one->dma, size);
    uint64_t seen = two->ops->generation(two->device, 3, GPUP_OBSERVER_guest_state);
    assert_int_equal(import_vf(two, 3, size), SECOND_OK); /* without power */
    assert_true(two->ops->generation(two->device, 3, GPUP_OBSERVER_guest_state) != seen);
    assert_int_equal(export_vf(two, 3), size);
    export_vf(one, 0);
    assert_memory_equal(one->dma, two->dma, size);
    size_t guest = one->ops->read_guest(one->device, 0, bytes[0], 4096);
    assert_int_equal(two->ops->read_guest(two->device, 3, bytes[1], 4096), guest);
    assert_memory_equal(bytes[0], bytes[1], guest);
    assert_int_equal(bench_config_read(two, 3, SECOND_VFCFG_COMMAND) & 0xFFFF, 4);
    assert_true(two->ops->read_msix_control(two->device, 3, &control));
    assert_true(control.enable);
    assert_int_equal(control.pending[0], 4);
    two->ops->copy_vram(two->device, 1, 0x40000, one->device, 1, 0, 0x10000);
    bench_run_vf(two, 3, 0x40000, 0x10000);
    bench_set_win(one, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN);
    bench_advance(one, 5000000);
    bench_advance(two, 5000000);
    assert_int_equal(work_of(two, 3).completed, 9);
    one->ops->hash_vram(one->device, 1, 0, 0x10000, &a);
    two->ops->hash_vram(two->device, 1, 0x40000, 0x10000, &b);
    assert_true(a == b);
    guest = one->ops->read_guest(one->device, 0, bytes[0], 4096);
    assert_int_equal(two->ops->read_guest(two->device, 3, bytes[1], 4096), guest);
    assert_memory_equal(bytes[0], bytes[1], guest);
    bench_free(one);
    bench_free(two);
}

static void damaged_context_changes_nothing(void **state) {
    struct bench *bench = source();
    uint8_t good[2048], before[4096], after[4096];
    (void)state;
    uint32_t size = export_vf(bench, 0);
    memcpy(good, bench->dma, size);
    size_t guest = bench->ops->read_guest(bench->device, 1, before, sizeof(before));
    for (uint32_t at = 0; at < size; at++) {
        memcpy(bench->dma, good, size);
        bench->dma[at] ^= (uint8_t)(1u << at % 8);
        assert_int_equal(import_vf(bench, 1, size), SECOND_E_CONTEXT);
    }
    for (uint32_t less = 0; less < size; less++) {
        memcpy(bench->dma, good, size);
        assert_int_equal(import_vf(bench, 1, less), SECOND_E_CONTEXT);
    }
    assert_int_equal(import_vf(bench, 1, 5000), SECOND_E_LENGTH);
    assert_int_equal(bench->ops->read_guest(bench->device, 1, after, sizeof(after)), guest);
    assert_memory_equal(before, after, guest);
    bench_run_vf(bench, 2, 0x20000, 0x10000);
    assert_int_equal(import_vf(bench, 2, size), SECOND_E_AWAKE);
    assert_int_equal(import_vf(bench, 4, size), SECOND_E_ARGUMENT);
    memcpy(bench->dma, good, size);
    assert_int_equal(import_vf(bench, 1, size), SECOND_OK);
    bench_free(bench);
}

/* Payload of a record of the context in DMA memory. */
static uint8_t *record(struct bench *bench, uint32_t id) {
    uint32_t head[2];
    for (uint8_t *at = bench->dma;; at += 8 + head[1]) {
        memcpy(head, at, 8);
        if (head[0] == id)
            return at + 8;
        assert_int_not_equal(head[0], SECOND_CTX_END);
    }
}

/* A right checksum over something that no part would write. */
static void forged_context_changes_nothing(void **state) {
    static const struct {
        uint32_t id, at;
        uint8_t flip;
    } forgeries[] = {
        {SECOND_CTX_HEAD, 4, 1},      /* another number of entries */
        {SECOND_CTX_COUNTERS, 0, 1},  /* more queued than the ring holds */
        {SECOND_CTX_RING, 8, 1},      /* or less */
        {SECOND_CTX_RING, 12, 1},     /* 2^32 units */
        {SECOND_CTX_CONFIG, 0, 2},    /* a command bit that VFs do not have */
        {SECOND_CTX_CONFIG, 4, 1},    /* table size */
        {SECOND_CTX_CONFIG, 8, 0x20}, /* pending behind the table */
        {SECOND_CTX_GUEST, 0, 0},     /* none: taken */
    };
    struct bench *bench = source();
    uint8_t good[2048];
    (void)state;
    uint32_t size = export_vf(bench, 0);
    memcpy(good, bench->dma, size);
    for (size_t i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
        memcpy(bench->dma, good, size);
        record(bench, forgeries[i].id)[forgeries[i].at] ^= forgeries[i].flip;
        uint64_t sum = sgpu_hash_bytes(bench->dma, size - 16);
        memcpy(bench->dma + size - 8, &sum, 8);
        assert_int_equal(import_vf(bench, 1, size), forgeries[i].flip ? SECOND_E_CONTEXT : SECOND_OK);
    }
    memcpy(bench->dma, good, size);
    memcpy(record(bench, SECOND_CTX_COUNTERS), good + (record(bench, SECOND_CTX_COUNTERS) - bench->dma) + 8,
           8);
    memset(record(bench, SECOND_CTX_RING) - 8, 0x5A, 4); /* no work, and a record of no known kind */
    uint64_t sum = sgpu_hash_bytes(bench->dma, size - 16);
    memcpy(bench->dma + size - 8, &sum, 8);
    assert_int_equal(import_vf(bench, 1, size), SECOND_E_CONTEXT);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_goes_on_on_another_part),
        cmocka_unit_test(damaged_context_changes_nothing),
        cmocka_unit_test(forged_context_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
