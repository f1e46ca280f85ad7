/* Time slices, hold, preemption, power, reset. */
#include "support.h"
#include <string.h>

static struct gpup_work work_of(struct bench *bench, uint32_t vf) {
    struct gpup_work work = {0};
    assert_true(bench->ops->read_work(bench->device, vf, &work));
    return work;
}

static struct gpup_schedule schedule_of(struct bench *bench, uint32_t vf) {
    struct gpup_schedule schedule = {0};
    assert_true(bench->ops->read_schedule(bench->device, vf, &schedule));
    return schedule;
}

static void slices_come_in_turn(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    bench_run_vf(bench, 0, 0, 0x10000);
    bench_run_vf(bench, 2, 0x10000, 0x10000);
    bench_set_win(bench, SECOND_WINDOW_PF, SECOND_WIN_QUANTUM, 300);
    bench_advance(bench, 10000000 - bench->now); /* begin of a frame */
    bench->ops->guest_work(bench->device, 0, 25, 1);
    bench->ops->guest_work(bench->device, 2, 25, 2);
    assert_true(schedule_of(bench, 0).busy);
    bench_advance(bench, 300000);
    assert_int_equal(work_of(bench, 0).completed, 0);
    bench_advance(bench, 100000); /* slice of VF 0 */
    assert_int_equal(work_of(bench, 0).completed, 10);
    assert_int_equal(work_of(bench, 2).completed, 0);
    bench_advance(bench, 100000); /* slice of VF 2 */
    assert_int_equal(work_of(bench, 0).completed, 10);
    assert_int_equal(work_of(bench, 2).completed, 10);
    bench_advance(bench, 2000000);
    assert_int_equal(work_of(bench, 0).completed, 25);
    assert_int_equal(work_of(bench, 2).sequence, 25);
    assert_false(schedule_of(bench, 0).busy);
    assert_int_equal(bench->guest_writes, 50);
    bench_free(bench);
}

static void quanta_fill_one_frame_at_most(void **state) {
    struct bench *bench = bench_start();
    (void)state;
    bench_set_win(bench, SECOND_WINDOW_PF, SECOND_WIN_QUANTUM, 600);
    bench_set_win(bench, SECOND_WINDOW_PF, SECOND_WIN_PAGING_QUANTUM, 1000);
    bench_set_win(bench, 0, SECOND_WIN_QUANTUM, 401);
    assert_int_equal(bench_win(bench, 0, SECOND_WIN_QUANTUM), 0);
    bench_set_win(bench, 0, SECOND_WIN_QUANTUM, 400);
    bench_set_win(bench, 0, SECOND_WIN_QUANTUM, UINT32_MAX);
    bench_set_win(bench, 0, SECOND_WIN_PAGING_QUANTUM, 1);
    assert_int_equal(bench_win(bench, 0, SECOND_WIN_QUANTUM), 400);
    assert_int_equal(bench_win(bench, 0, SECOND_WIN_PAGING_QUANTUM), 0);
    assert_int_equal(schedule_of(bench, 0).share_ppm, 400000);
    assert_int_equal(schedule_of(bench, GPUP_PF).share_ppm, 600000);
    assert_int_equal(schedule_of(bench, GPUP_PF).paging_ppm, 1000000);
    bench_free(bench);
}

static void hold_drains_and_tells(void **state) {
    struct bench *bench = bench_start();
    uint32_t message;
    (void)state;
    bench_run_vf(bench, 0, 0, 0x10000);
    bench_write(bench, SECOND_REG_ENABLE, SECOND_CAUSE_DRAINED);
    bench_advance(bench, 10000000 - bench->now);
    bench->ops->guest_work(bench->device, 0, 3, 1);
    bench_advance(bench, 5000);
    assert_int_equal(bench_win(bench, 0, SECOND_WIN_STATE),
                     SECOND_STATE_EXISTS | SECOND_STATE_D0 | SECOND_STATE_SCHEDULED | SECOND_STATE_IN_FLIGHT |
                         SECOND_STATE_APERTURES);
    bench_set_win(bench, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN | SECOND_CONTROL_HOLD);
    assert_false(bench_win(bench, 0, SECOND_WIN_STATE) & SECOND_STATE_REST);
    assert_false(schedule_of(bench, 0).running);
    assert_true(schedule_of(bench, 0).busy);
    bench_set_win(bench, 0, SECOND_WIN_POWER, 3); /* refused */
    assert_int_equal(bench_win(bench, 0, SECOND_WIN_POWER), 0);
    assert_false(bench->ops->take_interrupt(bench->device, &message));
    bench_advance(bench, 5000);
    assert_true(bench_win(bench, 0, SECOND_WIN_STATE) & SECOND_STATE_REST);
    assert_true(bench->ops->take_interrupt(bench->device, &message));
    assert_int_equal(message, SECOND_MESSAGE_DRAINED);
    assert_int_equal(bench_read(bench, SECOND_REG_DRAINED_LO), 1);
    bench_advance(bench, 10000000);
    assert_int_equal(work_of(bench, 0).completed, 1);
    assert_false(bench->ops->guest_work(bench->device, 0, 1, 1));
    bench_set_win(bench, 0, SECOND_WIN_POWER, 3);
    bench_set_win(bench, 0, SECOND_WIN_POWER, 0);
    bench_config_write(bench, 0, SECOND_VFCFG_COMMAND, 1, 4);
    assert_true(bench_win(bench, 0, SECOND_WIN_CONTROL) & SECOND_CONTROL_HOLD);
    bench_set_win(bench, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN);
    bench_advance(bench, 2000000);
    assert_int_equal(work_of(bench, 0).completed, 3);
    bench_free(bench);
}

static void preemption_undoes_the_unit(void **state) {
    struct bench *bench = bench_start();
    uint64_t before, after;
    (void)state;
    bench_run_vf(bench, 0, 0, 0x10000);
    bench_advance(bench, 10000000 - bench->now);
    bench->ops->guest_work(bench->device, 0, 1, 1);
    bench_advance(bench, 9999);
    bench->ops->hash_vram(bench->device, 1, 0, 0x10000, &before);
    bench_set_win(bench, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_HOLD | SECOND_CONTROL_PREEMPT);
    assert_true(bench_win(bench, 0, SECOND_WIN_STATE) & SECOND_STATE_REST);
    assert_int_equal(bench_win(bench, 0, SECOND_WIN_CONTROL), SECOND_CONTROL_HOLD);
    bench_advance(bench, 5000000);
    bench->ops->hash_vram(bench->device, 1, 0, 0x10000, &after);
    assert_true(before == after);
    assert_int_equal(work_of(bench, 0).completed, 0);
    bench_set_win(bench, 0, SECOND_WIN_CONTROL, SECOND_CONTROL_RUN);
    bench_advance(bench, 2000000);
    bench->ops->hash_vram(bench->device, 1, 0, 0x10000, &after);
    assert_true(before != after);
    assert_int_equal(work_of(bench, 0).completed, 1);
    bench_free(bench);
}

static void reset_and_disable_take_everything_of_one_vf(void **state) {
    struct bench *bench = bench_start();
    uint8_t bytes[2][4096];
    (void)state;
    size_t size = bench->ops->read_guest(bench->device, 3, bytes[0], sizeof(bytes[0]));
    bench_run_vf(bench, 0, 0, 0x10000);
    bench_run_vf(bench, 1, 0x10000, 0x10000);
    for (uint32_t vf = 0; vf < 2; vf++) {
        bench->ops->guest_set_register(bench->device, vf, SECOND_GUEST_REGISTERS - 1, 9);
        bench->ops->guest_work(bench->device, vf, 100, 3);
    }
    assert_false(bench->ops->guest_set_register(bench->device, 0, SECOND_GUEST_REGISTERS, 9));
    uint64_t seen = bench->ops->generation(bench->device, 0, GPUP_OBSERVER_guest_state);
    bench_config_write(bench, 0, SECOND_VFCFG_DEVICE_CONTROL, 0x3, 0x8000);
    assert_true(bench->ops->generation(bench->device, 0, GPUP_OBSERVER_guest_state) != seen);
    assert_int_equal(bench->ops->read_guest(bench->device, 0, bytes[1], sizeof(bytes[1])), size);
    assert_memory_equal(bytes[0], bytes[1], size);
    assert_true(schedule_of(bench, 0).running);
    assert_false(schedule_of(bench, 0).busy);
    bench_advance(bench, 20000000);
    assert_int_equal(work_of(bench, 0).completed, 0);
    assert_int_equal(work_of(bench, 1).completed, 100);
    bench_enable_vfs(bench, 2);
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_STATE), SECOND_STATE_EXISTS | SECOND_STATE_REST);
    assert_int_equal(bench_win(bench, 3, SECOND_WIN_STATE), SECOND_STATE_REST);
    assert_int_equal(bench_win(bench, 1, SECOND_WIN_CONTROL), 0);
    assert_int_equal(schedule_of(bench, 1).share_ppm, 0);
    assert_int_equal(work_of(bench, 1).queued, 0);
    bench_run_vf(bench, 0, 0x10000, 0x10000); /* nobody has it any more */
    bench_free(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_come_in_turn),
        cmocka_unit_test(quanta_fill_one_frame_at_most),
        cmocka_unit_test(hold_drains_and_tells),
        cmocka_unit_test(preemption_undoes_the_unit),
        cmocka_unit_test(reset_and_disable_take_everything_of_one_vf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
