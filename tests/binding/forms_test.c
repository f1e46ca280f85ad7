/*
 * One driver in two forms, as an object of this system and as an image for Windows: a run judges both alike,
 * rule by rule, and the traces are the same event by event. Compiler-made evidence excepted: return
 * addresses, and the program in which a buffer changes between two reads, since a compiler decides how often
 * memory is read. test_forms NATIVE IMAGE NATIVE2 IMAGE2 NATIVE3 IMAGE3 NATIVE4 IMAGE4
 *
 * The third offers little, so that not every required rule is judged. The fourth is the framework; its image
 * is bound to it and calls it by the numbers of its table, as shipped drivers do.
 */
#include "../runner/tool.h"

#include <gpup/trace.h>

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char **forms; /* native and image of one driver, then of the next */
static const char *const by_compiler[] = {"adapter/changing", "adapter-changing.trace"};

static bool is_by_compiler(const char *name) {
    return strcmp(name, by_compiler[0]) == 0 || strcmp(name, by_compiler[1]) == 0;
}

static size_t fewest; /* programs that are compared */
static unsigned told;
#define tell(...) (told++ < 20 ? print_message(__VA_ARGS__) : (void)0)

static json_t *results_of(const char *directory) {
    return tool_json(tool_path("%s/results.json", directory));
}

/* --- results.json */

static unsigned differing_members(const json_t *one, const json_t *two, const char *const *members) {
    unsigned count = 0;
    for (; *members; members++) {
        const json_t *a = json_object_get(one, *members), *b = json_object_get(two, *members);
        assert_non_null(a);
        if (json_equal(a, b))
            continue;
        count++;
        tell("%s%s: %s differs\n", tool_text(one, "id"), tool_text(one, "name"), *members);
    }
    return count;
}

static unsigned differing_results(const char *one, const char *two) {
    static const char *const of_rule[] = {"id",         "shown", "verdict", "reason", "missing_observers",
                                          "violations", NULL};
    static const char *const of_program[] = {"name",      "source", "outcome", "why",      "ddi",
                                             "last_step", "events", "calls",   "findings", NULL};
    json_t *a = results_of(one), *b = results_of(two);
    json_t *rules = json_object_get(a, "rules"), *programs = json_object_get(a, "programs"), *item;
    unsigned count =
        json_integer_value(json_object_get(a, "status")) != json_integer_value(json_object_get(b, "status"));
    size_t i;
    assert_true(json_array_size(rules) > 400 && json_array_size(programs) >= fewest);
    assert_int_equal(json_array_size(rules), json_array_size(json_object_get(b, "rules")));
    assert_int_equal(json_array_size(programs), json_array_size(json_object_get(b, "programs")));
    json_array_foreach(rules, i, item) count +=
        differing_members(item, json_array_get(json_object_get(b, "rules"), i), of_rule);
    json_array_foreach(programs, i, item) if (!is_by_compiler(tool_text(item, "name"))) count +=
        differing_members(item, json_array_get(json_object_get(b, "programs"), i), of_program);
    json_decref(a);
    json_decref(b);
    return count;
}

/* --- traces */

static bool same_event(struct gpup_event *a, struct gpup_event *b) {
    gpup_event_forget_places(a); /* return addresses */
    gpup_event_forget_places(b);
    return a->kind == b->kind && a->host == b->host && a->fiber == b->fiber && a->step == b->step &&
           a->time_ns == b->time_ns && memcmp(a->f, b->f, sizeof a->f) == 0 && a->data_size == b->data_size &&
           (!a->data_size || memcmp(a->data, b->data, a->data_size) == 0);
}

/* Events that are equal up to the first that is not; *equal: all. */
static uint64_t compare_traces(const char *one, const char *two, bool *equal) {
    size_t one_size, two_size;
    char *a = tool_file(one, &one_size), *b = tool_file(two, &two_size);
    struct gpup_trace_reader first, second;
    struct gpup_event e, f;
    uint64_t count = 0;
    int more = 1, also = 1;
    assert_int_equal(gpup_trace_open(&first, a, one_size), 0);
    assert_int_equal(gpup_trace_open(&second, b, two_size), 0);
    for (*equal = true; *equal && more == 1; count++) {
        more = gpup_trace_next(&first, &e);
        also = gpup_trace_next(&second, &f);
        *equal = more == also && (more != 1 || same_event(&e, &f));
    }
    if (!*equal)
        tell("%s: event %llu differs\n", one, (unsigned long long)count);
    free(a);
    free(b);
    return count;
}

static unsigned differing_traces(const char *one, const char *two) {
    unsigned files = 0, count = 0;
    uint64_t events = 0;
    DIR *directory = opendir(tool_path("%s/traces", one));
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        bool equal = true;
        char from[4096];
        if (entry->d_name[0] == '.' || is_by_compiler(entry->d_name))
            continue;
        snprintf(from, sizeof from, "%s", tool_path("%s/traces/%s", one, entry->d_name));
        events += compare_traces(from, tool_path("%s/traces/%s", two, entry->d_name), &equal);
        count += !equal;
        files++;
    }
    closedir(directory);
    assert_true(files >= fewest - 1 && events > files);
    print_message("%u traces, %llu events, %u differ\n", files, (unsigned long long)events, count);
    return count;
}

static void run(const char *implementation, const char *directory, const char *select, int status) {
    struct tool t =
        tool_run("run %s --strict --select '%s' --traces all --out $D/%s", implementation, select, directory);
    if (t.status != status)
        print_message("%s%s", t.out, t.err);
    assert_int_equal(t.status, status);
    tool_free(&t);
}

static void are_judged_alike(unsigned driver, const char *select, int status) {
    char directories[2][16];
    for (unsigned form = 0; form < 2; form++) {
        snprintf(directories[form], sizeof directories[form], "%u", 2 * driver + form);
        run(forms[2 * driver + form], directories[form], select, status);
    }
    assert_int_equal(differing_results(directories[0], directories[1]), 0);
    assert_int_equal(differing_traces(directories[0], directories[1]), 0);
}

static void first(void **state) {
    (void)state;
    fewest = 200;
    are_judged_alike(0, "*", 0);
}

static void second(void **state) {
    (void)state;
    fewest = 200;
    are_judged_alike(1, "*", 0);
}

static void example(void **state) {
    (void)state;
    fewest = 15;
    are_judged_alike(2, "adapter/*", 4);
}

static void framework(void **state) {
    (void)state;
    fewest = 10;
    are_judged_alike(3, "framework/*", 0);
}

/* What was compared is not the same for any two drivers. */
static void another_driver_differs(void **state) {
    (void)state;
    fewest = 200;
    assert_true(differing_results("0", "2") > 10);
    assert_true(differing_traces("0", "2") > 100);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(first), cmocka_unit_test(second),
                                       cmocka_unit_test(example), cmocka_unit_test(framework),
                                       cmocka_unit_test(another_driver_differs)};
    if (argc != 9)
        return 2;
    forms = argv + 1;
    tool_directory("forms");
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
