/* Coverage of images: which blocks are found, breakpoints on them, counters. */
#include "../os/support.h"
#include "pe_open.h"

#include <gpup/coverage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct gpup_binding binding;
static struct host host;
static struct gpup_points points;
static struct gpup_cover *cover;
static uint8_t *hit;

/* In the test itself: CMocka sets its own signal handlers before each of its functions. */
static void open_image(const char *path, bool armed) {
    char message[512];
    if (gpup_binding_open(&binding, path, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    if (!gpup_points_find(path, &points, message, sizeof message))
        fail_msg("%s", message);
    hit = calloc(points.count, 1);
    host_open(&host, false);
    cover = armed ? gpup_cover_arm(&binding, &points, hit, message, sizeof message) : NULL;
    if (armed && !cover)
        fail_msg("%s", message);
}

static int close_image(void **state) {
    (void)state;
    host_close(&host);
    gpup_cover_free(cover);
    gpup_points_free(&points);
    free(hit);
    cover = NULL;
    hit = NULL;
    gpup_binding_close(&binding);
    return 0;
}

static uint32_t rva_of(const char *name) {
    uint8_t *address = gpup_pe_export(binding.pe, name);
    assert_non_null(address);
    return (uint32_t)(address - binding.pe->memory);
}

static uint64_t call(const char *name, uint64_t argument) {
    return host_run(&host, binding.pe->memory + rva_of(name), &argument);
}

static size_t count_hits(void) {
    size_t count = 0;
    for (size_t i = 0; i < points.count; i++)
        count += hit[i];
    return count;
}

/* Points in [from, to). */
static unsigned points_in(uint32_t from, uint32_t to) {
    unsigned count = 0;
    for (size_t i = 0; i < points.count; i++)
        count += points.point[i].rva >= from && points.point[i].rva < to;
    return count;
}

static void each_function_has_its_blocks(void **state) {
    (void)state;
    open_image(GPUP_TEST_BLOCKS, false);
    assert_int_equal(points.tables, 4);
    assert_int_equal(points.not_followed, 2); /* the call of a pointer at the end of `pointed`, and by_far */
    assert_int_equal(points.refused, 1);      /* the table of by_far */
    uint32_t leaf = rva_of("leaf"), offsets = rva_of("by_offset"), bytes = rva_of("by_byte");
    assert_int_equal(points_in(leaf, leaf + 16), 3);
    assert_int_equal(points_in(offsets, bytes),
                     6); /* beginning, behind the comparison, three places, default */
    assert_int_equal(points_in(bytes, rva_of("by_more")), 5);
    assert_int_equal(points_in(rva_of("by_more"), rva_of("by_far")), 5);
    assert_int_equal(points_in(rva_of("by_far"), rva_of("stop")), 3);
    assert_int_equal(points_in(rva_of("stop"), rva_of("decoy_end")), 1);
    for (size_t i = 1; i < points.count; i++)
        assert_true(points.point[i].rva >= points.point[i - 1].rva + points.point[i - 1].size);
}

/* A table in the code, text behind a call that does not return, and text that a pointer leads to. */
static void data_is_no_code(void **state) {
    (void)state;
    open_image(GPUP_TEST_BLOCKS, false);
    uint32_t table = rva_of("decoy_table"), text = rva_of("decoy");
    assert_int_equal(points_in(table, table + 12), 0);
    assert_int_equal(points_in(text, rva_of("decoy_end")), 0);
    assert_int_equal(points_in(rva_of("decoy_push"), rva_of("decoy_push") + 16), 0);
    for (size_t i = 0; i < points.count; i++) {
        uint32_t end = points.point[i].rva + points.point[i].size;
        assert_false(points.point[i].rva < table && end > table);
        assert_false(points.point[i].rva < text && end > text);
    }
}

static uint64_t outcome(uint64_t n) {
    static const char *const functions[] = {"choose", "pointed", "offsets", "bytes", "more"};
    uint64_t sum = 0;
    for (unsigned i = 0; i < 5; i++)
        sum = sum * 1000003 + call(functions[i], n);
    return sum + call("ends", n + 1);
}

static void breakpoints_change_nothing(void **state) {
    uint64_t plain[12];
    (void)state;
    open_image(GPUP_TEST_BLOCKS, false);
    for (uint64_t i = 0; i < 12; i++)
        plain[i] = outcome(i);
    close_image(NULL);
    open_image(GPUP_TEST_BLOCKS, true);
    for (uint64_t i = 0; i < 12; i++)
        assert_true(outcome(i) == plain[i]);
    size_t known = count_hits();
    assert_true(known > 30);
    for (uint64_t i = 0; i < 12; i++)
        assert_true(outcome(i) == plain[i]);
    assert_int_equal(count_hits(), known);
}

static void a_block_is_hit_when_it_is_executed(void **state) {
    (void)state;
    open_image(GPUP_TEST_BLOCKS, true);
    uint32_t from = rva_of("by_offset"), to = from + 60;
    call("offsets", 1);
    unsigned hits = 0;
    for (size_t i = 0; i < points.count; i++)
        if (points.point[i].rva >= from && points.point[i].rva < to)
            hits += hit[i];
    assert_int_equal(hits, 3); /* beginning, behind the comparison, the second place */
    assert_int_equal(count_hits(), 4);
    call("offsets", 77);
    assert_int_equal(count_hits(), 5);
}

static void what_was_met_again_shows_again(void **state) {
    (void)state;
    open_image(GPUP_TEST_BLOCKS, true);
    call("choose", 2);
    gpup_cover_keep(cover);
    call("choose", 4);
    size_t both = count_hits();
    memset(hit, 0, points.count);
    call("choose", 4);
    assert_int_equal(count_hits(), 0);
    gpup_cover_again(cover);
    call("choose", 2);
    assert_int_equal(count_hits(), 0); /* kept */
    call("choose", 4);
    size_t second = count_hits();
    assert_true(second > 0 && second < both);
}

static void its_own_breakpoint_is_a_fault(void **state) {
    uint64_t one = 1;
    (void)state;
    open_image(GPUP_TEST_BLOCKS, true);
    assert_int_equal(call("own_breakpoint", 0), 5);
    assert_int_equal(host_try(&host, binding.pe->memory + rva_of("own_breakpoint"), &one), GPUP_RAN_DEAD);
    const struct gpup_event *fault = logged(&host.log, GPUP_EVENT_FAULT, 0);
    assert_non_null(fault);
    assert_int_equal(fault->f[GPUP_FAULT_cause], GPUP_FAULT_BREAKPOINT);
}

/* Letters of its protection, of each mapping of the image. */
static void no_page_is_writable_and_executable(void **state) {
    char line[512], access[5];
    unsigned long start, end;
    unsigned executable = 0;
    (void)state;
    open_image(GPUP_TEST_BLOCKS, true);
    call("choose", 1);
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, access) == 3) { // NOLINT(cert-err34-c): the kernel's
            assert_false(access[1] == 'w' && access[2] == 'x');
            executable += access[2] == 'x' && start - (uintptr_t)binding.pe->memory < binding.pe->image_size;
        }
    if (maps)
        fclose(maps);
    assert_int_equal(executable, 1);
}

/* What the compiler counts has its block, but for the beginnings of blocks that the linker folded. */
static void what_a_compiler_counts_is_found(void **state) {
    struct gpup_counters counters;
    size_t found = 0, placed = 0;
    (void)state;
    open_image(GPUP_TEST_COUNTED, false);
    assert_true(gpup_image_counters(&binding, &counters));
    for (size_t i = 0; i < (size_t)(counters.stop - counters.start); i++) {
        uint32_t rva = (uint32_t)(counters.place[2 * i] - (uintptr_t)binding.pe->memory);
        placed += rva != 0;
        found += rva && points_in(rva, rva + 1);
    }
    assert_int_equal(placed, counters.placed);
    print_message("%zu blocks; of %zu places that the compiler counts %zu begin one\n", points.count, placed,
                  found);
    assert_true(placed > 500 && found * 100 >= placed * 95);
    gpup_counters_free(&counters);
}

static void counters_count(void **state) {
    struct gpup_counters counters;
    uint8_t before[256];
    (void)state;
    open_image(GPUP_TEST_COUNTED_BLOCKS, false);
    assert_true(gpup_image_counters(&binding, &counters));
    size_t count = (size_t)(counters.stop - counters.start);
    assert_in_range(count, 16, sizeof before);
    call("ends", 7);
    memcpy(before, counters.start, count);
    call("ends", 7);
    unsigned changed = 0;
    for (size_t i = 0; i < count; i++)
        if (before[i] != counters.start[i]) {
            uintptr_t rva = counters.place[2 * i] - (uintptr_t)binding.pe->memory;
            assert_in_range(rva, rva_of("ends"), rva_of("own_breakpoint") - 1);
            changed++;
        }
    assert_true(changed >= 1);
    gpup_counters_free(&counters);
    assert_false(gpup_image_counters(&(struct gpup_binding){0}, &counters));
}

static void same_points(const struct gpup_points *one, const struct gpup_points *other) {
    assert_int_equal(one->count, other->count);
    for (size_t i = 0; i < one->count; i++) {
        const struct gpup_point *a = &one->point[i], *b = &other->point[i];
        assert_true(a->rva == b->rva && a->size == b->size && a->entry == b->entry &&
                    a->unknown == b->unknown);
    }
}

static size_t points_that(bool unknown) {
    size_t count = 0;
    for (size_t i = 0; i < points.count; i++)
        count += points.point[i].unknown == unknown;
    return count;
}

/* The points of an image with counters: what a counter stands for is known, once, and kept in a file. */
static void what_was_counted_is_taken(void **state) {
    struct gpup_counters counters;
    struct gpup_coverage_file file;
    size_t known, placed;
    char message[512];
    (void)state;
    open_image(GPUP_TEST_COUNTED_BLOCKS, false);
    size_t plain = points.count;
    assert_int_equal(points_that(true), 0);
    gpup_points_free(&points);
    assert_true(
        gpup_points_counted(GPUP_TEST_COUNTED_BLOCKS, &points, &known, &placed, message, sizeof message));
    assert_true(points.counted && points.count >= plain);
    assert_true(gpup_image_counters(&binding, &counters));
    assert_int_equal(known, counters.stop - counters.start);
    assert_int_equal(placed, counters.placed);
    assert_in_range(points_that(false), 16, placed);
    assert_true(points_that(true) > 0);

    assert_true(gpup_coverage_create(GPUP_TEST_COUNTED_BLOCKS ".data", &points, message, sizeof message));
    assert_true(gpup_coverage_open(GPUP_TEST_COUNTED_BLOCKS ".data", &file, message, sizeof message));
    assert_true(file.points.counted);
    same_points(&file.points, &points);
    memset(counters.start, 0, known);
    call("ends", 7);
    gpup_counters_take(&counters, &file.points, file.hit);
    size_t hits = 0;
    for (size_t i = 0; i < file.points.count; i++) {
        uint32_t rva = file.points.point[i].rva;
        hits += file.hit[i];
        assert_true(!file.hit[i] || (!file.points.point[i].unknown && rva >= rva_of("ends") &&
                                     rva < rva_of("own_breakpoint")));
    }
    assert_true(hits > 0);
    memset(file.hit, 0, file.points.count);
    gpup_counters_take(&counters, &file.points, file.hit); /* nothing ran since */
    for (size_t i = 0; i < file.points.count; i++)
        assert_int_equal(file.hit[i], 0);
    gpup_coverage_close(&file);
    gpup_counters_free(&counters);
}

static void without_counters_points_are_for_breakpoints(void **state) {
    struct gpup_points same;
    size_t known, placed;
    char message[512];
    (void)state;
    open_image(GPUP_TEST_BLOCKS, false);
    assert_true(gpup_points_counted(GPUP_TEST_BLOCKS, &same, &known, &placed, message, sizeof message));
    assert_true(known == 0 && placed == 0 && !same.counted);
    same_points(&same, &points);
    gpup_points_free(&same);
    assert_false(
        gpup_points_counted(GPUP_TEST_BLOCKS ".none.sys", &same, &known, &placed, message, sizeof message));
    assert_non_null(strstr(message, ".none.sys: no such file"));
}

/* Whatever an image holds: points lie in its code, or it is refused with a message. */
static void damaged_images_end(void **state) {
    char message[512];
    struct gpup_pe_error error = {message, sizeof message};
    void *bytes;
    size_t size;
    uint64_t random = 1;
    unsigned taken = 0;
    (void)state;
    assert_true(gpup_pe_map_file(GPUP_TEST_BLOCKS, &bytes, &size, &error));
    uint8_t *copy = malloc(size);
    for (unsigned round = 0; round < 3000; round++) {
        struct gpup_points some;
        memcpy(copy, bytes, size);
        for (unsigned i = 0; i < 1 + round % 7; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            copy[(random >> 33) % size] = (uint8_t)(random >> 20);
        }
        bool ok = gpup_points_of(copy, size, &some, message, sizeof message);
        assert_true(ok == !message[0]);
        for (size_t i = 1; ok && i < some.count; i++)
            assert_true(some.point[i].size &&
                        some.point[i].rva >= some.point[i - 1].rva + some.point[i - 1].size);
        taken += ok;
        gpup_points_free(&some);
    }
    assert_true(taken > 1000);
    free(copy);
    munmap(bytes, size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_function_has_its_blocks, close_image),
        cmocka_unit_test_teardown(data_is_no_code, close_image),
        cmocka_unit_test_teardown(breakpoints_change_nothing, close_image),
        cmocka_unit_test_teardown(a_block_is_hit_when_it_is_executed, close_image),
        cmocka_unit_test_teardown(what_was_met_again_shows_again, close_image),
        cmocka_unit_test_teardown(its_own_breakpoint_is_a_fault, close_image),
        cmocka_unit_test_teardown(no_page_is_writable_and_executable, close_image),
        cmocka_unit_test_teardown(what_a_compiler_counts_is_found, close_image),
        cmocka_unit_test_teardown(counters_count, close_image),
        cmocka_unit_test_teardown(what_was_counted_is_taken, close_image),
        cmocka_unit_test_teardown(without_counters_points_are_for_breakpoints, close_image),
        cmocka_unit_test(damaged_images_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
