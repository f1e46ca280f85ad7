/* Scheduler, drain, reserve, reset, context, power. */
#include "support.h"
#include <gpup/spec.h>
#include <string.h>

static struct bench *started(uint32_t host) {
    struct gpup_world_config config = bench_config();
    struct bench *bench = bench_new(&config, host);
    bench_enable_vfs(bench, 4);
    bench_run_vf(bench, 0, 0, 0x40000);
    bench_run_vf(bench, 1, 0x40000, 0x40000);
    return bench;
}

static struct gpup_work work_of(struct bench *bench, uint32_t vf) {
    struct gpup_work work;
    assert_true(bench->ops->read_work(bench->device, vf, &work));
    return work;
}

static struct gpup_schedule schedule_of(struct bench *bench, uint32_t vf) {
    struct gpup_schedule schedule;
    assert_true(bench->ops->read_schedule(bench->device, vf, &schedule));
    return schedule;
}

static void share_sets_the_pace(void **state) {
    struct bench *bench = started(0);
    (void)state;
    assert_int_equal(bench_simple(bench, GPU_COMMAND_SCHED_SET, 1, 750001), GPU_RESULT_ARGUMENT);
    assert_int_equal(bench_simple(bench, GPU_COMMAND_SCHED_SET, 1, 500000), GPU_RESULT_OK);
    assert_true(bench->ops->guest_work(bench->device, 0, 1000, 1));
    assert_true(bench->ops->guest_work(bench->device, 1, 1000, 2));
    bench_advance(bench, 4000000);
    assert_int_equal(work_of(bench, 0).completed, 100);
    assert_int_equal(work_of(bench, 1).completed, 200);
    assert_int_equal(bench->guest_writes, 300);
    bench_advance(bench, 400000000);
    assert_int_equal(work_of(bench, 0).completed, 1000);
    assert_int_equal(bench->ops->next_event(bench->device), UINT64_MAX);
    bench_free(bench);
}

static void pause_drains_and_loses_nothing(void **state) {
    struct bench *bench = started(0);
    const struct command pause = {.opcode = GPU_COMMAND_VF_PAUSE};
    uint64_t before, after;
    (void)state;
    bench->ops->guest_work(bench->device, 0, 10, 5);
    bench_advance(bench, 1000);
    assert_true(schedule_of(bench, 0).busy);
    bench_start(bench, 0, &pause);
    bench_advance(bench, 30000); /* the unit takes 40 us */
    assert_int_equal(bench_read(bench, GPU_REG_SLOT(0) + GPU_SLOT_STATUS), GPU_SLOT_BUSY);
    bench_advance(bench, 9000);
    assert_int_equal(bench_read(bench, GPU_REG_SLOT(0) + GPU_SLOT_STATUS), GPU_SLOT_DONE);
    assert_false(schedule_of(bench, 0).busy);
    assert_false(schedule_of(bench, 0).running);
    assert_true(schedule_of(bench, 1).running);
    assert_int_equal(work_of(bench, 0).completed, 1);
    before = bench->ops->generation(bench->device, 0, GPUP_OBSERVER_vram);
    bench_advance(bench, 10000000);
    after = bench->ops->generation(bench->device, 0, GPUP_OBSERVER_vram);
    assert_int_equal(before, after);
    assert_false(bench->ops->guest_write(bench->device, 0, 0, "x", 1));
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_PAUSE, 0, 0), GPU_RESULT_OK); /* no counter */
    assert_int_equal(bench_simple(bench, GPU_COMMAND_VF_RESUME, 0, 0), GPU_RESULT_OK);
    bench_advance(bench, 10000000);
    assert_int_equal(work_of(bench, 0).completed, 10);
    bench_free(bench);
}

static void lost_completion_has_no_effect_and_can_be_aborted(void **state) {
    struct bench *bench = started(0);
    const struct command pause = {.opcode = GPU_COMMAND_VF_PAUSE, .vf = 1};
    (void)state;
    bench->ops->lose_completions(bench->device, 0, 1);
    bench_start(bench, 2, &pause);
    bench_advance(bench, 1000000000);
    assert_int_equal(bench_read(bench, GPU_REG_SLOT(2) + GPU_SLOT_STATUS), GPU_SLOT_BUSY);
    assert_true(schedule_of(bench, 1).running);
    bench_write(bench, GPU_REG_SLOT(2) + GPU_SLOT_DOORBELL, GPU_DOORBELL_ABORT);
    assert_int_equal(bench_read(bench, GPU_REG_SLOT(2) + GPU_SLOT_RESULT), GPU_RESULT_ABORTED);
    assert_int_equal(bench_command(bench, &pause), GPU_RESULT_OK);
    assert_false(schedule_of(bench, 1).running);
    bench_free(bench);
}

static void completion_interrupts_and_ring(void **state) {
    struct bench *bench = started(0);
    const struct command nop = {.opcode = GPU_COMMAND_NOP};
    uint32_t message, record[4];
    (void)state;
    bench_write(bench, GPU_REG_COMPLETION_LO, DMA_BASE + 0x1000);
    bench_write(bench, GPU_REG_COMPLETION_COUNT, 2);
    bench_write(bench, GPU_REG_INT_STATUS, UINT32_MAX);
    bench_write(bench, GPU_REG_INT_MASK, 0);
    bench_write(bench, GPU_REG_SLOT(5) + GPU_SLOT_TAG, 0x7777);
    bench_start(bench, 5, &nop);
    assert_false(bench->ops->take_interrupt(bench->device, &message));
    bench_advance(bench, 1000);
    assert_true(bench->ops->take_interrupt(bench->device, &message));
    assert_int_equal(message, GPU_PF_MESSAGE);
    assert_false(bench->ops->take_interrupt(bench->device, &message));
    memcpy(record, bench->dma + 0x1000, sizeof(record));
    assert_int_equal(record[0], 0x7777);
    assert_int_equal(record[1], 5);
    assert_int_equal(record[3], 1);
    bench_write(bench, GPU_REG_INT_STATUS, GPU_INT_COMPLETION);
    bench_start(bench, 5, &nop);
    bench_advance(bench, 1000);
    assert_true(bench->ops->take_interrupt(bench->device, &message));
    assert_int_equal(bench_read(bench, GPU_REG_COMPLETION_HEAD), 0);
    bench_free(bench);
}

static void reserve_is_one_space_in_order(void **state) {
    struct bench *bench = started(0);
    const uint64_t ranges[3][3] = {{2, 0x8000, 0x1000}, {1, 0x100000, 0x2000}, {2, 0, 0x1000}};
    const uint64_t outside[1][3] = {{1, 64 << 20, 0x1000}};
    const uint64_t odd[1][3] = {{1, 0x100, 0x1000}};
    char back[8];
    (void)state;
    assert_int_equal(bench_map(bench, 1, ranges, 3), GPU_RESULT_STATE); /* it executes */
    bench_simple(bench, GPU_COMMAND_VF_DISABLE, 1, 0);
    assert_int_equal(bench_map(bench, 1, ranges, 3), GPU_RESULT_OK);
    assert_int_equal(bench_map(bench, 1, outside, 1), GPU_RESULT_ARGUMENT); /* the old map stays */
    assert_int_equal(bench_map(bench, 1, odd, 1), GPU_RESULT_ARGUMENT);
    bench_simple(bench, GPU_COMMAND_VF_ENABLE, 1, 0);
    assert_true(bench->ops->guest_write(bench->device, 1, 0xFFC, "abcdefg", 8));
    assert_true(bench->ops->read_vram(bench->device, 2, 0x8FFC, back, 4));
    assert_memory_equal(back, "abcd", 4);
    assert_true(bench->ops->read_vram(bench->device, 1, 0x100000, back, 4));
    assert_memory_equal(back, "efg", 4);
    assert_true(bench->ops->guest_read(bench->device, 1, 0xFFC, back, 8));
    assert_memory_equal(back, "abcdefg", 8);
    assert_true(bench->ops->guest_write(bench->device, 1, 0x3FFF, "z", 1));
    assert_false(bench->ops->guest_write(bench->device, 1, 0x3FFF, "zz", 2));
    assert_int_equal(bench_read(bench, GPU_REG_VF_FAULT_LO), 2);
    assert_false(bench->ops->guest_write(bench->device, 1, UINT64_MAX, "zz", 2));
    bench_free(bench);
}

static void reset_drops_work_of_one_vf(void **state) {
    struct bench *bench = started(0);
    uint32_t flags;
    (void)state;
    bench->ops->guest_work(bench->device, 0, 100, 1);
    bench->ops->guest_work(bench->device, 1, 100, 1);
    bench->ops->guest_set_register(bench->device, 0, 63, 5);
    assert_false(bench->ops->guest_set_register(bench->device, 0, 80, 5));
    bench_simple(bench, GPU_COMMAND_VF_FLR, 0, 0);
    assert_int_equal(work_of(bench, 0).queued, 0);
    assert_int_equal(work_of(bench, 1).queued, 100);
    flags = bench_read(bench, GPU_REG_VF(0) + GPU_VF_FLAGS);
    assert_int_equal(flags, GPU_VF_EXISTS | GPU_VF_POWERED | GPU_VF_ENABLED | GPU_VF_MAPPED);
    bench_advance(bench, 100000000);
    assert_int_equal(work_of(bench, 0).sequence, 0);
    assert_int_equal(work_of(bench, 1).sequence, 100);
    bench_free(bench);
}

/* Half of the work here, half there: as if it had all been done in one place. */
static void context_moves_to_another_device(void **state) {
    struct bench *a = started(0), *b = started(1), *whole = started(0);
    uint8_t guest[4][4096], blob[8192];
    uint64_t hash[2];
    (void)state;
    whole->ops->guest_work(whole->device, 0, 50, 99);
    whole->ops->guest_set_register(whole->device, 0, 3, 33);
    bench_advance(whole, 100000000);
    a->ops->guest_work(a->device, 0, 50, 99);
    a->ops->guest_set_register(a->device, 0, 3, 33);
    bench_advance(a, 20 * 40000 + 1000);
    bench_enable_msix(a, 0, true, false);
    a->ops->raise(a->device, 0, 4);
    struct command save = {.opcode = GPU_COMMAND_VF_SAVE, .dma_size = sizeof(blob)};
    assert_int_equal(bench_command(a, &save), GPU_RESULT_STATE); /* still executing */
    bench_simple(a, GPU_COMMAND_VF_PAUSE, 0, 0);
    bench_simple(a, GPU_COMMAND_CONTEXT_SIZE, 0, 0);
    uint32_t size = bench_read(a, GPU_REG_SLOT(0) + GPU_SLOT_LENGTH);
    assert_true(size <= sizeof(blob));
    assert_int_equal(bench_command(a, &save), GPU_RESULT_OK);
    memcpy(blob, a->dma, size);

    bench_simple(b, GPU_COMMAND_VF_PAUSE, 1, 0);
    bench_simple(b, GPU_COMMAND_VF_POWER, 1, 3); /* works without power, and into another VF */
    struct command restore = {.opcode = GPU_COMMAND_VF_RESTORE, .vf = 1, .dma_size = size};
    memcpy(b->dma, blob, size);
    b->dma[100] ^= 1;
    assert_int_equal(bench_command(b, &restore), GPU_RESULT_CONTEXT);
    assert_int_equal(work_of(b, 1).queued, 0);
    b->dma[100] ^= 1;
    restore.dma_size = size - 1;
    assert_int_equal(bench_command(b, &restore), GPU_RESULT_BUFFER);
    restore.dma_size = size;
    assert_int_equal(bench_command(b, &restore), GPU_RESULT_OK);
    b->ops->copy_vram(b->device, 1, 0x40000, a->device, 1, 0, 0x40000);
    size_t bytes = a->ops->read_guest(a->device, 0, guest[0], sizeof(guest[0]));
    assert_int_equal(b->ops->read_guest(b->device, 1, guest[1], sizeof(guest[1])), bytes);
    assert_memory_equal(guest[0], guest[1], bytes);

    bench_simple(b, GPU_COMMAND_VF_POWER, 1, 0);
    b->ops->bus_write(b->device, bench_entry(b, 1, 4), 8, 0xFEE01000);
    b->ops->bus_write(b->device, bench_entry(b, 1, 4) + 8, 8, 0x55);
    assert_int_equal(b->messages, 1); /* the interrupt came along, with this host's address */
    assert_int_equal(b->message[0].address, 0xFEE01000);
    bench_simple(b, GPU_COMMAND_VF_RESUME, 1, 0);
    bench_advance(b, 100000000);
    b->ops->read_guest(b->device, 1, guest[2], sizeof(guest[2]));
    whole->ops->read_guest(whole->device, 0, guest[3], sizeof(guest[3]));
    assert_memory_equal(guest[2], guest[3], bytes);
    b->ops->hash_vram(b->device, 1, 0x40000, 0x40000, &hash[0]);
    whole->ops->hash_vram(whole->device, 1, 0, 0x40000, &hash[1]);
    assert_int_equal(hash[0], hash[1]);
    bench_free(a);
    bench_free(b);
    bench_free(whole);
}

static void power_cycle_forgets_what_the_driver_set(void **state) {
    struct bench *bench = started(0);
    uint8_t bits[64], byte = 1;
    bool tracking;
    (void)state;
    bench->ops->guest_set_register(bench->device, 0, 1, 77);
    bench_track(bench, GPU_COMMAND_TRACK_START, 1, 0, 0x10000, 0);
    bench->ops->write_vram(bench->device, 1, 0, &byte, 1);
    bench->ops->power_cycle(bench->device);
    assert_int_equal(bench_read(bench, GPU_REG_VF(0) + GPU_VF_FLAGS), 0);
    assert_int_equal(bench_read(bench, GPU_REG_VF(0) + GPU_VF_SHARE), 0);
    assert_int_equal(bench_read(bench, GPU_REG_INT_MASK), UINT32_MAX);
    bench->ops->read_dirty(bench->device, 1, 0, 0x10000, bits, &tracking);
    assert_false(tracking);
    assert_int_equal(bits[0], 1);
    bench_enable_vfs(bench, 4);
    bench_run_vf(bench, 0, 0, 0x40000);
    assert_int_equal(bench->ops->bus_read(bench->device,
                                          bench_vf_bar(bench, 0, 0) + GPU_VF_REG_BASE + GPU_VF_REG_SCRATCH(1),
                                          4),
                     77);
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(share_sets_the_pace),
        cmocka_unit_test(pause_drains_and_loses_nothing),
        cmocka_unit_test(lost_completion_has_no_effect_and_can_be_aborted),
        cmocka_unit_test(completion_interrupts_and_ring),
        cmocka_unit_test(reserve_is_one_space_in_order),
        cmocka_unit_test(reset_drops_work_of_one_vf),
        cmocka_unit_test(context_moves_to_another_device),
        cmocka_unit_test(power_cycle_forgets_what_the_driver_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
