/*
 * A driver that is nothing but a driver, in front of a model of its GPU that comes in an object: judged as
 * the driver with its GPU built in, whatever globals the model has. Results know of both files.
 *
 *   test_model DRIVER.sys MODEL.so TABLES.so DRIVER.so    DRIVER.so knows another GPU
 */
#include "../runner/tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <gpup/binding.h>

static const char *driver, *model, *tables, *plain;

static json_t *results_of(const char *implementation, int status) {
    struct tool t = tool_run("run '%s' --select 'msix/*' --select 'pause/*' --out $D/out", implementation);
    if (status >= 0 && t.status != status)
        fail_msg("%s: expected status %d, found %d: %s%s", implementation, status, t.status, t.out, t.err);
    tool_free(&t);
    return tool_json(tool_path("out/results.json"));
}

static const char *joined(const char *one, const char *two) {
    static char name[8192];
    snprintf(name, sizeof name, "%s@%s", one, two);
    return name;
}

static void as_if_built_in(void **state) {
    json_t *whole = results_of("second", 4), *parts = results_of(joined(driver, model), 4), *rule;
    unsigned passed = 0;
    size_t i;
    (void)state;
    json_array_foreach(json_object_get(whole, "rules"), i, rule) {
        const json_t *same = json_array_get(json_object_get(parts, "rules"), i);
        if (strcmp(tool_text(rule, "verdict"), tool_text(same, "verdict")) != 0)
            fail_msg("%s: %s built in, %s with the model", tool_text(rule, "id"), tool_text(rule, "verdict"),
                     tool_text(same, "verdict"));
        passed += strcmp(tool_text(rule, "verdict"), "PASS") == 0;
    }
    assert_true(passed > 40);
    json_decref(whole);
    json_decref(parts);
}

/* A result is of the driver and of its model: a run is not gone on with when either is another. */
static void both_are_known(void **state) {
    json_t *one = results_of(joined(driver, model), 4), *alone = results_of(driver, 4),
           *twice = results_of(joined(plain, model), -1);
    const char *hash = json_string_value(json_object_get(json_object_get(one, "implementation"), "hash"));
    (void)state;
    assert_non_null(hash);
    assert_string_not_equal(
        hash, json_string_value(json_object_get(json_object_get(alone, "implementation"), "hash")));
    assert_string_not_equal(
        hash, json_string_value(json_object_get(json_object_get(twice, "implementation"), "hash")));
    json_decref(one);
    json_decref(alone);
    json_decref(twice);
}

static void refused(const char *name, const char *why) {
    struct gpup_binding binding;
    char message[1024];
    assert_int_equal(gpup_binding_open(&binding, name, NULL, message, sizeof message), -1);
    if (!strstr(message, why))
        fail_msg("%s: expected '%s', found '%s'", name, why, message);
}

static void what_is_no_model(void **state) {
    (void)state;
    refused(joined(driver, "nowhere.so"), "nowhere.so: no such file");
    refused(joined(driver, plain), "expected gpup_implementation() with a `device`, found none");
    refused(joined(driver, tables), "expected a `device` without tables");
    refused(joined(tables, model), "a model stands behind a driver with DriverEntry");
}

static void splits(const char *name, const char *of_driver, const char *of_model, const char *option) {
    struct gpup_binding_parts parts;
    gpup_binding_split(name, &parts);
    assert_string_equal(parts.driver, of_driver);
    assert_string_equal(parts.model, of_model);
    assert_string_equal(parts.option ? parts.option : "-", option);
}

static void names(void **state) {
    (void)state;
    splits("reference:BUG-001", "reference", "", "BUG-001");
    splits("a/b.sys@c/d.so:X,Y", "a/b.sys", "c/d.so", "X,Y");
    splits("a@1/b.so", "a@1/b.so", "", "-");
    splits("a@1/b.so@c@2/d.so", "a@1/b.so", "c@2/d.so", "-");
    splits("b.sys@d.sys", "b.sys@d.sys", "", "-");
    splits("@d.so", "@d.so", "", "-");
    splits("", "", "", "-");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_if_built_in), cmocka_unit_test(both_are_known),
                                       cmocka_unit_test(what_is_no_model), cmocka_unit_test(names)};
    if (argc != 5)
        return 2;
    driver = argv[1];
    model = argv[2];
    tables = argv[3];
    plain = argv[4];
    tool_directory("model");
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
