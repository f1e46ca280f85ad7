/* Pool under an image's own instructions: with guard pages, as programs run, and with red zones, as in
 * fuzzing. */
#include "../os/support.h"
#include "pe_frames.h"
#include "pe_open.h"

#include <gpup/binding.h>
#include <string.h>

static struct gpup_binding binding;
static struct host host;
static bool open;

static void close_image(void) {
    if (open) {
        host_close(&host);
        gpup_binding_close(&binding);
    }
    open = false;
}

static int teardown(void **state) {
    (void)state;
    close_image();
    return 0;
}

static enum gpup_ran run(const char *name, bool guards) {
    char message[512];
    close_image();
    if (gpup_binding_open(&binding, GPUP_TEST_POOL, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    host_open(&host, guards);
    open = true;
    gpup_os_set_unwinder(host.os, gpup_image_unwinder(binding.image));
    uintptr_t start, end;
    gpup_image_code(binding.image, &start, &end);
    gpup_os_set_code(host.os, gpup_image_base(binding.image), start, end);
    void *function = gpup_pe_export(binding.pe, name);
    assert_non_null(function);
    return host_try(&host, function, NULL);
}

static unsigned evil(void) {
    return count_of(&host.log, GPUP_EVENT_FAULT) + count_of(&host.log, GPUP_EVENT_POOL_DAMAGE) +
           count_of(&host.log, GPUP_EVENT_MISUSE) + count_of(&host.log, GPUP_EVENT_BUGCHECK);
}

static void what_is_right_is_not_told(void **state) {
    (void)state;
    for (unsigned guards = 0; guards < 2; guards++) {
        assert_int_equal(run("inside", guards), GPUP_RAN_RETURNED);
        assert_int_equal(evil(), 0);
    }
}

static void the_end_is_guarded(void **state) {
    static const char *const names[] = {"written_over_the_end", "read_over_the_end"};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(run(names[i], true), GPUP_RAN_DEAD);
        const struct gpup_event *event = logged(&host.log, GPUP_EVENT_FAULT, 0);
        assert_non_null(event);
        assert_int_equal(event->f[GPUP_FAULT_cause], GPUP_FAULT_GUARD);
        assert_int_equal(event->f[GPUP_FAULT_offset], i ? 4096 : 64);
        assert_true(event->f[GPUP_FAULT_object] != 0);
    }
}

static void is_damage(const char *name, bool guards, unsigned what) {
    run(name, guards);
    if (!gpup_os_dead(host.os))
        gpup_os_report_left(host.os); /* looks at every guard */
    const struct gpup_event *event = logged(&host.log, GPUP_EVENT_POOL_DAMAGE, 0);
    if (!event)
        fail_msg("%s was not noticed %s guard pages", name, guards ? "with" : "without");
    else
        assert_int_equal(event->f[GPUP_POOL_DAMAGE_what], what);
}

static void around_it_is_a_pattern(void **state) {
    (void)state;
    for (unsigned guards = 0; guards < 2; guards++) {
        is_damage("written_into_the_rounding", guards, GPUP_DAMAGE_AFTER);
        is_damage("written_before_it", guards, GPUP_DAMAGE_BEFORE);
        is_damage("freed_twice", guards, GPUP_DAMAGE_DOUBLE_FREE);
    }
    is_damage("written_over_the_end", false, GPUP_DAMAGE_AFTER);
}

static void what_was_freed_is_watched(void **state) {
    (void)state;
    is_damage("written_after_it_was_freed", true, GPUP_DAMAGE_FREED);
    is_damage("written_after_it_was_freed", false, GPUP_DAMAGE_FREED);
}

static void constants_are_read_only(void **state) {
    (void)state;
    assert_int_equal(run("constant_written", true), GPUP_RAN_DEAD);
    assert_int_equal(logged(&host.log, GPUP_EVENT_FAULT, 0)->f[GPUP_FAULT_cause], GPUP_FAULT_WRITE);
}

/* --- where */

/* Of a stack, how many frames lie in the function; all of them must. */
static unsigned frames_in(const struct gpup_callers *callers, const char *name) {
    const uint8_t *function = gpup_pe_export(binding.pe, name);
    for (unsigned i = 0; i < callers->count; i++) {
        struct gpup_pe_function f;
        assert_true(gpup_pe_find_function(binding.pe, callers->at[i], &f));
        assert_ptr_equal(binding.pe->memory + f.begin, function);
    }
    return callers->count;
}

static void it_is_said_where(void **state) {
    (void)state;
    for (unsigned guards = 0; guards < 2; guards++) {
        is_damage("freed_twice", guards, GPUP_DAMAGE_DOUBLE_FREE);
        const struct gpup_places *p = logged_places(&host.log, GPUP_EVENT_POOL_DAMAGE, 0);
        for (unsigned kind = 0; kind < GPUP_CALLERS_KINDS; kind++)
            assert_int_equal(frames_in(&p->of[kind], "freed_twice"), 1);
        assert_true(p->of[GPUP_CALLERS_ALLOCATED].at[0] < p->of[GPUP_CALLERS_FREED].at[0]);
        assert_true(p->of[GPUP_CALLERS_FREED].at[0] < p->of[GPUP_CALLERS_HERE].at[0]);

        is_damage("written_before_it", guards, GPUP_DAMAGE_BEFORE); /* noticed when it is freed */
        p = logged_places(&host.log, GPUP_EVENT_POOL_DAMAGE, 0);
        assert_int_equal(frames_in(&p->of[GPUP_CALLERS_ALLOCATED], "written_before_it"), 1);
        assert_int_equal(frames_in(&p->of[GPUP_CALLERS_HERE], "written_before_it"), 1);
        assert_int_equal(p->of[GPUP_CALLERS_FREED].count, 0);
    }
    is_damage("written_after_it_was_freed", true, GPUP_DAMAGE_FREED);
    const struct gpup_places *p = logged_places(&host.log, GPUP_EVENT_FAULT, 0);
    assert_true(p->instruction);
    for (unsigned kind = 0; kind < GPUP_CALLERS_KINDS; kind++)
        assert_int_equal(frames_in(&p->of[kind], "written_after_it_was_freed"), 1);
    assert_true(p->of[GPUP_CALLERS_FREED].at[0] <= p->of[GPUP_CALLERS_HERE].at[0]); /* right behind it */
    assert_int_equal(run("written_over_the_end", true), GPUP_RAN_DEAD);
    p = logged_places(&host.log, GPUP_EVENT_FAULT, 0);
    assert_int_equal(frames_in(&p->of[GPUP_CALLERS_ALLOCATED], "written_over_the_end"), 1);
    assert_int_equal(p->of[GPUP_CALLERS_FREED].count, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {TEST(what_is_right_is_not_told), TEST(the_end_is_guarded),
                                       TEST(around_it_is_a_pattern),    TEST(what_was_freed_is_watched),
                                       TEST(constants_are_read_only),   TEST(it_is_said_where)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
