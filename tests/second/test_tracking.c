/* Apertures, VRAM, dirty pages and their logs. */
#include "support.h"
#include <string.h>

#define PAGE 0x10000u /* of segment 1 */

static bool poke(struct bench *bench, uint32_t vf, uint64_t offset) {
    uint32_t word = 0x900DF00D;
    return bench->ops->guest_write(bench->device, vf, offset, &word, sizeof(word));
}

static uint32_t pop(struct bench *bench, uint32_t vf) {
    return bench_win(bench, vf, SECOND_WIN_LOG_POP);
}

static void first_write_is_logged_once(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    bench_run_vf(bench, 1, 4 * PAGE, 8 * PAGE);
    poke(bench, 1, 0); /* not armed yet */
    assert_int_equal(bench_track(bench, SECOND_ORDER_TRACK_ARM, 1, 4 * PAGE, 4 * PAGE), SECOND_OK);
    poke(bench, 1, 2 * PAGE);
    poke(bench, 1, 2 * PAGE + 64);
    poke(bench, 1, 5 * PAGE); /* behind the armed range */
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_LOG_COUNT), 1);
    assert_int_equal(pop(bench, 1), 1u << 28 | 6);
    assert_int_equal(pop(bench, 1), SECOND_LOG_NONE);
    poke(bench, 1, 2 * PAGE); /* dirty: silent until armed again */
    assert_int_equal(pop(bench, 1), SECOND_LOG_NONE);
    bench_track(bench, SECOND_ORDER_TRACK_REARM, 1, 4 * PAGE, 8 * PAGE);
    poke(bench, 1, 2 * PAGE);
    poke(bench, 1, 5 * PAGE); /* rearming does not start tracking */
    assert_int_equal(pop(bench, 1), 1u << 28 | 6);
    assert_int_equal(pop(bench, 1), SECOND_LOG_NONE);
    bench_track(bench, SECOND_ORDER_TRACK_OFF, 1, 4 * PAGE, 4 * PAGE);
    poke(bench, 1, 0);
    assert_int_equal(pop(bench, 1), SECOND_LOG_NONE);
    bench_free(bench);
}

/* Words of the bit maps in which nothing is armed are stepped over, and no page more. */
static void a_long_write_meets_the_one_armed_page(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    for (uint64_t page = 62; page <= 66; page++) {
        bench_track(bench, SECOND_ORDER_TRACK_OFF, 1, 0, 80ull * PAGE);
        bench_track(bench, SECOND_ORDER_TRACK_ARM, 1, page * PAGE, PAGE);
        struct order fill = {SECOND_ORDER_FILL, 1, 0x77, 0, 0, 80ull * PAGE};
        assert_int_equal(bench_order(bench, &fill), SECOND_OK);
        assert_int_equal(pop(bench, SECOND_WINDOW_PF), 1u << 28 | (uint32_t)page);
        assert_int_equal(pop(bench, SECOND_WINDOW_PF), SECOND_LOG_NONE);
    }
    bench_free(bench);
}

static void logs_belong_to_the_owner(void **state) {
    struct bench *bench = bench_start();
    uint32_t word = 1;
    (void)state;
    bench_run_vf(bench, 0, 0, PAGE);
    bench_run_vf(bench, 2, PAGE, PAGE);
    bench_track(bench, SECOND_ORDER_TRACK_ARM, 1, 0, 4 * PAGE);
    poke(bench, 2, 8);
    bench->ops->write_vram(bench->device, 1, 4, &word, 4); /* paging into VF 0 */
    bench->ops->write_vram(bench->device, 1, 3 * PAGE, &word, 4);
    assert_int_equal(pop(bench, 2), 1u << 28 | 1);
    assert_int_equal(pop(bench, 0), 1u << 28 | 0);
    assert_int_equal(pop(bench, 1), SECOND_LOG_NONE);
    assert_int_equal(pop(bench, SECOND_WINDOW_PF), 1u << 28 | 3);
    bench_free(bench);
}

static void overflow_is_told_and_the_scan_finds_all(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    bench_run_vf(bench, 1, 0, 80ull * PAGE);
    bench_write(bench, SECOND_REG_ENABLE, SECOND_CAUSE_LOG);
    bench_track(bench, SECOND_ORDER_TRACK_ARM, 1, 0, 80ull * PAGE);
    for (uint64_t page = 0; page < 70; page++)
        poke(bench, 1, page * PAGE);
    uint32_t message;
    assert_true(bench->ops->take_interrupt(bench->device, &message));
    assert_int_equal(message, 3);
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_LOG_COUNT), SECOND_LOG_ENTRIES);
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_LOG_STATUS), SECOND_LOG_OVERFLOW);
    for (uint32_t i = 0; i < SECOND_LOG_ENTRIES; i++)
        assert_int_equal(pop(bench, 1), 1u << 28 | i);
    bench_set_win(bench, 1, SECOND_WIN_LOG_STATUS, SECOND_LOG_OVERFLOW);
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_LOG_STATUS), 0);
    struct order scan = {SECOND_ORDER_TRACK_SCAN, 1, SECOND_SCAN_REARM, 79, 0, 80ull * PAGE};
    assert_int_equal(bench_order(bench, &scan), SECOND_E_LENGTH);
    assert_int_equal(bench_answer(bench, SECOND_MB_LENGTH), 80);
    scan.dma_size = 80;
    assert_int_equal(bench_order(bench, &scan), SECOND_OK);
    for (unsigned i = 0; i < 80; i++)
        assert_int_equal(bench->dma[i], i < 70);
    assert_int_equal(bench_order(bench, &scan), SECOND_OK);
    for (unsigned i = 0; i < 80; i++)
        assert_int_equal(bench->dma[i], 0);
    bench_free(bench);
}

static void segments_have_pages_of_their_own(void **state) {
    struct gpup_world_config config = second_config();
    struct gpup_device_shape shape;
    config.segments = 3;
    struct bench *bench = bench_new(&config, 0);
    uint32_t word = 1;
    uint8_t bits[2];
    bool tracking;
    (void)state;
    bench->ops->describe(bench->device, &shape);
    assert_int_equal(shape.segments, 3);
    assert_int_equal(shape.segment[0].dirty_page, PAGE);
    assert_int_equal(shape.segment[1].dirty_page, 2u << 20);
    assert_int_equal(shape.segment[2].dirty_page, 0);
    assert_int_not_equal(shape.segment[0].size, shape.segment[1].size);
    assert_int_equal(bench_track(bench, SECOND_ORDER_TRACK_ARM, 2, 0, PAGE), SECOND_E_ARGUMENT);
    assert_int_equal(bench_track(bench, SECOND_ORDER_TRACK_ARM, 3, 0, 2u << 20), SECOND_E_ARGUMENT);
    assert_int_equal(bench_track(bench, SECOND_ORDER_TRACK_ARM, 2, shape.segment[1].size, 2u << 20),
                     SECOND_E_ARGUMENT);
    assert_int_equal(bench_track(bench, SECOND_ORDER_TRACK_ARM, 2, 2u << 20, 4u << 20), SECOND_OK);
    bench->ops->write_vram(bench->device, 2, 5u << 20, &word, 4);
    assert_int_equal(pop(bench, SECOND_WINDOW_PF), 2u << 28 | 2);
    assert_true(bench->ops->read_dirty(bench->device, 2, 2u << 20, 4u << 20, bits, &tracking));
    assert_true(tracking);
    assert_int_equal(bits[0], 2);
    assert_true(bench->ops->read_dirty(bench->device, 2, 0, 16u << 20, bits, &tracking));
    assert_false(tracking);
    assert_int_equal(bits[0], 4);
    assert_false(bench->ops->read_dirty(bench->device, 3, 0, 4096, bits, &tracking));
    bench_free(bench);
}

static void guests_share_no_page(void **state) {
    struct bench *bench = bench_start();
    const uint64_t mine[3][3] = {{1, 0, 0x3000}, {2, 0x1000, 0x1000}, {1, 0x8000, 0x2000}};
    const uint64_t theirs[2][3] = {{1, 0x3000, 0x1000}, {1, 0x9000, 0x1000}};
    const uint64_t twice[2][3] = {{1, 0x20000, 0x2000}, {1, 0x21000, 0x1000}};
    uint32_t word = 0x44332211, faulted;
    (void)state;
    assert_int_equal(bench_apertures(bench, 0, mine, 3), SECOND_OK);
    assert_int_equal(bench_apertures(bench, 1, theirs, 2), SECOND_E_OVERLAP);
    assert_int_equal(bench_apertures(bench, 1, twice, 2), SECOND_E_OVERLAP);
    assert_int_equal(bench_apertures(bench, 0, mine, 3), SECOND_OK); /* its own, again */
    bench_set_win(bench, 0, SECOND_WIN_POWER, 0);
    bench_set_win(bench, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN);
    assert_true(bench->ops->guest_write(bench->device, 0, 0x3FFE, &word, 4)); /* over a seam */
    assert_true(bench->ops->read_vram(bench->device, 2, 0x1FFE, &word, 2));
    assert_int_equal(word & 0xFFFF, 0x2211);
    word = 0;
    assert_true(bench->ops->read_vram(bench->device, 1, 0x8000, &word, 4));
    assert_int_equal(word, 0x4433);
    assert_false(bench->ops->guest_write(bench->device, 0, 0x5FFE, &word, 4));
    assert_false(bench->ops->guest_read(bench->device, 0, UINT64_MAX, &word, 4));
    faulted = bench_read(bench, SECOND_REG_FAULTED_LO);
    assert_int_equal(faulted, 1);
    bench_set_win(bench, 0, SECOND_WIN_QUANTUM, 100);
    assert_int_equal(bench_apertures(bench, 0, mine, 1), SECOND_E_AWAKE);
    bench_set_win(bench, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN | SECOND_CONTROL_HOLD);
    assert_int_equal(bench_apertures(bench, 0, mine, 0), SECOND_OK);
    assert_int_equal(bench_apertures(bench, 1, theirs, 2), SECOND_OK);
    bench_free(bench);
}

static void copies_and_hashes_follow_the_content(void **state) {
    struct gpup_world_config config = second_config();
    struct bench *one = bench_start(), *two = bench_new(&config, 1);
    uint8_t bytes[9000];
    uint64_t a, b, zero;
    (void)state;
    memset(bytes, 0x5A, sizeof(bytes));
    assert_true(one->ops->write_vram(one->device, 1, 0x201F00, bytes, sizeof(bytes)));
    assert_true(two->ops->write_vram(two->device, 2, 0x800000, bytes, 100)); /* goes with the copy */
    assert_true(two->ops->copy_vram(two->device, 2, 0x800000, one->device, 1, 0x100000, 0x300000));
    assert_true(one->ops->hash_vram(one->device, 1, 0x100000, 0x300000, &a));
    assert_true(two->ops->hash_vram(two->device, 2, 0x800000, 0x300000, &b));
    assert_true(a == b && a != 0);
    bytes[0] = 1;
    assert_true(two->ops->write_vram(two->device, 2, 0x901F00, bytes, 1));
    assert_true(two->ops->hash_vram(two->device, 2, 0x800000, 0x300000, &b));
    assert_true(a != b);
    assert_int_equal(bench_order(one, &(struct order){.order = SECOND_ORDER_FILL,
                                                      .vf_or_segment = 1,
                                                      .offset = 0x100000,
                                                      .size = 0x300000}),
                     SECOND_OK);
    assert_true(one->ops->hash_vram(one->device, 1, 0x100000, 0x300000, &zero));
    assert_true(zero == 0);
    assert_false(two->ops->copy_vram(two->device, 2, UINT64_MAX, one->device, 1, 0, 4096));
    bench_free(one);
    bench_free(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_write_is_logged_once),
        cmocka_unit_test(a_long_write_meets_the_one_armed_page),
        cmocka_unit_test(logs_belong_to_the_owner),
        cmocka_unit_test(overflow_is_told_and_the_scan_finds_all),
        cmocka_unit_test(segments_have_pages_of_their_own),
        cmocka_unit_test(guests_share_no_page),
        cmocka_unit_test(copies_and_hashes_follow_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
