/* VRAM, its hash, the dirty plane, copies between devices. */
#include "support.h"
#include <string.h>

static void sparse_above_four_gigabytes(void **state) {
    struct gpup_world_config config = bench_config();
    uint64_t high = 0x2C0000FF0, hash, other;
    char text[32] = "across a page", back[32];
    (void)state;
    config.vram_mib = 16384;
    struct bench *bench = bench_new(&config, 0);
    size_t before = bench->bytes;
    assert_true(bench->ops->write_vram(bench->device, 2, high, text, sizeof(text)));
    assert_true(bench->ops->read_vram(bench->device, 2, high, back, sizeof(back)));
    assert_memory_equal(text, back, sizeof(text));
    assert_true(bench->bytes - before < 0x10000);
    assert_true(bench->ops->hash_vram(bench->device, 2, 0, 16384ull << 20, &hash));
    assert_int_not_equal(hash, 0);
    assert_true(bench->ops->hash_vram(bench->device, 2, 0, 0x100000000, &other));
    assert_int_equal(other, 0);
    assert_false(bench->ops->write_vram(bench->device, 2, (16384ull << 20) - 31, text, sizeof(text)));
    assert_false(bench->ops->read_vram(bench->device, 2, UINT64_MAX - 3, back, 8));
    assert_false(bench->ops->read_vram(bench->device, 3, 0, back, 8));
    bench_free(bench);
}

static void hash_follows_content_and_joins(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    const uint64_t value = 0x1122334455667788, zero = 0;
    uint64_t whole, first, second, moved, slow;
    (void)state;
    bench->ops->write_vram(bench->device, 1, 0x5008, &value, 8);
    bench->ops->write_vram(bench->device, 1, 0x9010, &value, 8);
    bench->ops->hash_vram(bench->device, 1, 0, 0x10000, &whole);
    bench->ops->hash_vram(bench->device, 1, 0, 0x7000, &first);
    bench->ops->hash_vram(bench->device, 1, 0x7000, 0x9000, &second);
    assert_int_equal(gpup_gpu_hash_join(first, 0x7000, second), whole);
    assert_true(bench->ops->copy_vram(bench->device, 2, 0x20800, bench->device, 1, 0, 0x10000));
    bench->ops->hash_vram(bench->device, 2, 0x20800, 0x10000, &slow); /* pages of the piece, not of VRAM */
    assert_int_equal(slow, whole);
    bench->ops->write_vram(bench->device, 1, 0x9010, &zero, 8);
    bench->ops->hash_vram(bench->device, 1, 0, 0x10000, &moved);
    assert_int_not_equal(moved, whole);
    bench->ops->write_vram(bench->device, 1, 0x9010, &value, 8);
    bench->ops->hash_vram(bench->device, 1, 0, 0x10000, &moved);
    assert_int_equal(moved, whole);
    bench_free(bench);
}

static void copy_between_devices_takes_zeros_along(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *a = bench_new(&config, 0), *b = bench_new(&config, 1);
    uint8_t old[64], back[64], zeros[64] = {0};
    uint64_t ha, hb;
    (void)state;
    memset(old, 0xEE, sizeof(old));
    a->ops->write_vram(a->device, 1, 0x3000, old, sizeof(old));
    b->ops->write_vram(b->device, 1, 0x108000, old, sizeof(old)); /* must vanish */
    assert_true(b->ops->copy_vram(b->device, 1, 0x100000, a->device, 1, 0, 0x200000));
    b->ops->read_vram(b->device, 1, 0x108000, back, sizeof(back));
    assert_memory_equal(back, zeros, sizeof(back));
    a->ops->hash_vram(a->device, 1, 0, 0x200000, &ha);
    b->ops->hash_vram(b->device, 1, 0x100000, 0x200000, &hb);
    assert_int_equal(ha, hb);
    bench_free(a);
    bench_free(b);
}

static void plane_marks_what_is_tracked(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    uint8_t bits[2], byte = 1;
    bool tracking;
    (void)state;
    bench->ops->write_vram(bench->device, 1, 0x2000, &byte, 1); /* not tracked yet */
    assert_int_equal(bench_track(bench, GPU_COMMAND_TRACK_START, 1, 0x1000, 0xA000, 0), 0);
    bench->ops->write_vram(bench->device, 1, 0x3FFF, "ab", 2);
    bench->ops->write_vram(bench->device, 1, 0xAFFF, &byte, 1);
    bench->ops->write_vram(bench->device, 1, 0xB000, &byte, 1); /* behind the range */
    assert_true(bench->ops->read_dirty(bench->device, 1, 0, 0x10000, bits, &tracking));
    assert_int_equal(bits[0], 0x18);
    assert_int_equal(bits[1], 0x04);
    assert_false(tracking);
    assert_true(bench->ops->read_dirty(bench->device, 1, 0x1000, 0xA000, bits, &tracking));
    assert_true(tracking);
    bench_free(bench);
}

static void read_with_clear_takes_just_its_range(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    uint8_t bits[3];
    bool tracking;
    (void)state;
    bench_track(bench, GPU_COMMAND_TRACK_START, 2, 0, 0x18000, 0);
    bench_track(bench, GPU_COMMAND_FILL, 2, 0, 0x18000, 0);
    assert_int_equal(bench_track(bench, GPU_COMMAND_DIRTY_READ, 2, 0x3000, 0xB000, 0), GPU_RESULT_OK);
    assert_int_equal(bench_read(bench, GPU_REG_SLOT(0) + GPU_SLOT_LENGTH), 2);
    assert_int_equal(bench->dma[0], 0xFF);
    assert_int_equal(bench->dma[1], 0x07);
    assert_int_equal(bench_track(bench, GPU_COMMAND_DIRTY_READ, 2, 0x3000, 0xB000, GPU_FLAG_CLEAR), 0);
    bench->ops->read_dirty(bench->device, 2, 0, 0x18000, bits, &tracking);
    assert_int_equal(bits[0], 0x07);
    assert_int_equal(bits[1], 0xC0);
    assert_int_equal(bits[2], 0xFF);
    bench_free(bench);
}

static void failed_read_keeps_the_bits(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    struct command read = {.opcode = GPU_COMMAND_DIRTY_READ,
                           .flags = GPU_FLAG_CLEAR,
                           .arg = {1, 0, 0, 0x10000, 0},
                           .dma_size = 1};
    uint8_t bits[2];
    bool tracking;
    (void)state;
    bench_track(bench, GPU_COMMAND_TRACK_START, 1, 0, 0x10000, 0);
    bench_track(bench, GPU_COMMAND_FILL, 1, 0, 0x10000, 0);
    assert_int_equal(bench_command(bench, &read), GPU_RESULT_BUFFER);
    bench->ops->set_dma(bench->device, NULL, NULL, NULL);
    read.dma_size = 2;
    assert_int_equal(bench_command(bench, &read), GPU_RESULT_DMA);
    bench->ops->read_dirty(bench->device, 1, 0, 0x10000, bits, &tracking);
    assert_int_equal(bits[0] & bits[1], 0xFF);
    bench_free(bench);
}

static void tracking_counts_overlaps(void **state) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, 0);
    uint8_t bits[2], byte = 1;
    bool tracking;
    (void)state;
    bench_track(bench, GPU_COMMAND_TRACK_START, 1, 0, 0x8000, 0);
    bench_track(bench, GPU_COMMAND_TRACK_START, 1, 0x4000, 0x8000, 0);
    bench_track(bench, GPU_COMMAND_TRACK_START, 1, 0x4000, 0x8000, 0);
    assert_int_equal(bench_track(bench, GPU_COMMAND_TRACK_STOP, 1, 0, 0x8000, 0), GPU_RESULT_OK);
    assert_int_equal(bench_track(bench, GPU_COMMAND_TRACK_STOP, 1, 0, 0x8000, 0), GPU_RESULT_STATE);
    for (uint32_t page = 0; page < 16; page++)
        bench->ops->write_vram(bench->device, 1, page * 0x1000ull, &byte, 1);
    bench->ops->read_dirty(bench->device, 1, 0, 0x10000, bits, &tracking);
    assert_int_equal(bits[0], 0xF0);
    assert_int_equal(bits[1], 0x0F);
    assert_int_equal(bench_track(bench, GPU_COMMAND_TRACK_START, 1, 0x800, 0x1000, 0), GPU_RESULT_ARGUMENT);
    assert_int_equal(bench_track(bench, GPU_COMMAND_TRACK_START, 1, UINT64_MAX - 0xFFF, 0x2000, 0),
                     GPU_RESULT_ARGUMENT);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse_above_four_gigabytes),
        cmocka_unit_test(hash_follows_content_and_joins),
        cmocka_unit_test(copy_between_devices_takes_zeros_along),
        cmocka_unit_test(plane_marks_what_is_tracked),
        cmocka_unit_test(read_with_clear_takes_just_its_range),
        cmocka_unit_test(failed_read_keeps_the_bits),
        cmocka_unit_test(tracking_counts_overlaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
