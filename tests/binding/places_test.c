/*
 * Where in a driver it was: a block that is left, and a fault, told with the functions that lead there; by
 * name and line where the driver has them, by address where it has none, and never anything worse.
 * test_places NATIVE LINED NAMED PLAIN FAULTS SOURCE
 */
#include "../runner/tool.h"

#include <gpup/symbols.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { NATIVE, LINED, NAMED, PLAIN, FAULTS, SOURCE, FORMS };
static char **forms;
#define RUN "run %s --select adapter/older --strict --traces all --out $D/%s"

/* --- what is told */

static const json_t *finding_of(const json_t *results, const char *rule) {
    const json_t *programs = json_object_get(results, "programs"), *program, *finding;
    size_t i, k;
    json_array_foreach(programs, i, program)
        json_array_foreach(json_object_get(program, "findings"), k,
                           finding) if (strcmp(tool_text(finding, "rule"), rule) == 0) return finding;
    fail_msg("no finding of %s", rule);
    return NULL;
}

static const char *line_of(const json_t *finding, size_t index) {
    const char *line = json_string_value(json_array_get(json_object_get(finding, "where"), index));
    return line ? line : "";
}

static unsigned source_line(const char *comment) {
    size_t size;
    char *text = tool_file(forms[SOURCE], &size), *at = strstr(text, comment);
    unsigned line = 1;
    assert_non_null(at);
    for (const char *c = text; c < at; c++)
        line += *c == '\n';
    free(text);
    return line;
}

static void is_line(const char *line, const char *begin, const char *comment) {
    char end[64] = "";
    if (comment)
        snprintf(end, sizeof end, " (leak.c:%u)", source_line(comment));
    if (strncmp(line, begin, strlen(begin)) != 0 || strlen(line) < strlen(end) ||
        strcmp(line + strlen(line) - strlen(end), end) != 0 || (!comment && strchr(line, '(')))
        fail_msg("'%s' is not '%s...%s'", line, begin, end);
}

static json_t *run(const char *environment, const char *form, const char *directory) {
    struct tool t;
    if (environment)
        setenv("PATH", environment, 1);
    t = tool_run(RUN, form, directory);
    if (t.status != 1)
        print_message("%s%s", t.out, t.err);
    assert_int_equal(t.status, 1);
    tool_free(&t);
    return tool_json(tool_path("%s/results.json", directory));
}

static void is_named(unsigned form, const char *name, bool lines) {
    json_t *results = run(NULL, forms[form], name);
    const json_t *finding = finding_of(results, "ROB-006");
    char begin[128];
    assert_string_equal(tool_text(finding, "text"),
                        "a pool block of 72 bytes, tag 'Leak' is left after unload");
    snprintf(begin, sizeof begin, "allocated at %s!grab+0x", name);
    is_line(line_of(finding, 0), begin, lines ? "grab's line" : NULL);
    snprintf(begin, sizeof begin, "called from %s!take+0x", name);
    is_line(line_of(finding, 1), begin, lines ? "take's line" : NULL);
    snprintf(begin, sizeof begin, "called from %s!DriverEntry+0x", name);
    is_line(line_of(finding, 2), begin, lines ? "the entry's line" : NULL);
    assert_string_equal(line_of(finding, 3), "");
    json_decref(results);
}

static void by_name_and_line(void **state) {
    (void)state;
    is_named(NATIVE, "leak.so", true);
    is_named(LINED, "leak-lined.sys", true);
}

static void by_name(void **state) {
    (void)state;
    is_named(NAMED, "leak-named.sys", false);
}

/* An image without symbols has exports, and a name that is only near is a wrong one. */
static void is_plain(const json_t *results, const char *name) {
    const json_t *finding = finding_of(results, "ROB-006");
    char begin[128];
    assert_int_equal(json_array_size(json_object_get(finding, "where")), 3);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(begin, sizeof begin, "%s %s+0x", i ? "called from" : "allocated at", name);
        if (i < 2 || !strchr(line_of(finding, i), '!')) /* the entry may be exported */
            is_line(line_of(finding, i), begin, NULL);
    }
}

static void by_address(void **state) {
    json_t *results = run(NULL, forms[PLAIN], "plain");
    (void)state;
    is_plain(results, "leak-plain.sys");
    json_decref(results);
}

static void of_a_fault(void **state) {
    json_t *results = run(NULL, forms[FAULTS], "faults");
    const json_t *finding = finding_of(results, "ROB-001");
    (void)state;
    is_line(line_of(finding, 0), "at leak-faults.sys!touch+0x", "touch's line");
    is_line(line_of(finding, 1), "called from leak-faults.sys!take+0x", "where it faults");
    is_line(line_of(finding, 2), "called from leak-faults.sys!DriverEntry+0x", "the entry's line");
    json_decref(results);
}

/* In what people read, too. */
static void in_every_report(void **state) {
    static const char *const files[] = {"junit.xml",  "results.tap", "results.sarif",
                                        "summary.md", "report.html", "events.jsonl"};
    struct tool t = tool_run("report $D/leak-lined.sys --strict --out $D/again");
    (void)state;
    assert_int_equal(t.status, 1);
    assert_non_null(strstr(t.out, "\n           allocated at leak-lined.sys!grab+0x"));
    tool_free(&t);
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        char *text = tool_file(tool_path("%s/%s", i < 5 ? "again" : "leak-lined.sys", files[i]), &size);
        if (!strstr(text, "leak-lined.sys!grab+0x"))
            fail_msg("%s does not say where", files[i]);
        free(text);
    }
    t = tool_run("replay adapter/older %s", forms[LINED]);
    assert_non_null(strstr(t.out, "\n          allocated at leak-lined.sys!grab+0x"));
    tool_free(&t);
}

/* --- two runs, and what no verdict rests on */

static bool equal_files(const char *one, const char *two) {
    size_t a, b;
    char *first = tool_file(one, &a), *second = tool_file(two, &b);
    bool equal = a == b && memcmp(first, second, a) == 0;
    free(first);
    free(second);
    return equal;
}

static void equal_in_two_runs(void **state) {
    (void)state;
    json_decref(run(NULL, forms[LINED], "second"));
    json_decref(run(NULL, forms[NATIVE], "third"));
    assert_true(equal_files(tool_path("leak-lined.sys/results.json"), tool_path("second/results.json")));
    assert_true(equal_files(tool_path("leak.so/results.json"), tool_path("third/results.json")));
    assert_true(equal_files(tool_path("leak.so/traces/adapter-older.trace"),
                            tool_path("third/traces/adapter-older.trace")));
}

/* Natively and as an image, with names and without: one key, and the same in all but the place. */
static void one_finding_in_all_forms(void **state) {
    static const char *const others[] = {"leak-lined.sys", "leak-named.sys", "plain"};
    json_t *results = tool_json(tool_path("leak.so/results.json"));
    json_t *finding = json_deep_copy(finding_of(results, "ROB-006"));
    (void)state;
    json_object_del(finding, "where");
    for (unsigned i = 0; i < 3; i++) {
        json_t *other = tool_json(tool_path("%s/results.json", others[i]));
        json_t *same = json_deep_copy(finding_of(other, "ROB-006"));
        assert_int_equal(json_object_del(same, "where"), 0);
        assert_true(json_equal(finding, same));
        json_decref(same);
        json_decref(other);
    }
    json_decref(finding);
    json_decref(results);
}

/* A trace whose places were taken out is judged alike; with them, the stored trace tells addresses. */
static void no_verdict_rests_on_them(void **state) {
    size_t size;
    char *bytes = tool_file(tool_path("leak.so/traces/adapter-older.trace"), &size);
    struct gpup_trace_buffer without = {0};
    struct gpup_trace_reader reader;
    struct gpup_event e;
    struct tool with = tool_run("check $D/leak.so/traces/adapter-older.trace --json"), bare;
    (void)state;
    assert_int_equal(gpup_trace_open(&reader, bytes, size), 0);
    for (gpup_trace_begin(&without); gpup_trace_next(&reader, &e) == 1; gpup_trace_append(&without, &e))
        gpup_event_forget_places(&e);
    assert_true(!without.failed && without.size < size);
    tool_write(tool_path("bare.trace"), without.bytes, without.size);
    bare = tool_run("check $D/bare.trace --json");
    assert_int_equal(with.status, bare.status);
    json_t *one = json_loads(with.out, 0, NULL), *two = json_loads(bare.out, 0, NULL);
    json_t *told = (json_t *)(uintptr_t)finding_of(one, "ROB-006"); // NOLINT(performance-no-int-to-ptr)
    is_line(line_of(told, 0), "allocated at +0x", NULL);
    json_object_del(told, "where");
    assert_true(json_equal(told, finding_of(two, "ROB-006")));
    assert_true(json_equal(json_object_get(one, "rules"), json_object_get(two, "rules")));
    json_decref(one);
    json_decref(two);
    tool_free(&with);
    tool_free(&bare);
    gpup_trace_free(&without);
    free(bytes);
}

/* Writing to freed memory is told when the next event says that it was no read: still with its own place. */
static void of_an_earlier_event(void **state) {
    size_t size;
    char *bytes = tool_file(tool_path("leak.so/traces/adapter-older.trace"), &size);
    struct gpup_trace_buffer with = {0};
    struct gpup_trace_reader reader;
    struct gpup_event e;
    (void)state;
    assert_int_equal(gpup_trace_open(&reader, bytes, size), 0);
    for (gpup_trace_begin(&with); gpup_trace_next(&reader, &e) == 1; gpup_trace_append(&with, &e)) {
        struct gpup_event damage = {.kind = GPUP_EVENT_POOL_DAMAGE, .step = GPUP_NO_STEP};
        struct gpup_places places = {.of[GPUP_CALLERS_ALLOCATED] = {1, {0x7777}}};
        uint64_t room[GPUP_PLACES_ROOM];
        if (e.kind != GPUP_EVENT_LEFT)
            continue;
        damage.f[GPUP_POOL_DAMAGE_object] = 1000;
        damage.f[GPUP_POOL_DAMAGE_what] = GPUP_DAMAGE_FREED;
        gpup_event_put_places(&damage, &places, room);
        gpup_trace_append(&with, &damage);
    }
    tool_write(tool_path("damage.trace"), with.bytes, with.size);
    struct tool t = tool_run("check $D/damage.trace --json");
    json_t *results = json_loads(t.out, 0, NULL);
    assert_string_equal(line_of(finding_of(results, "ROB-002"), 0), "allocated at +0x7777");
    assert_string_equal(line_of(finding_of(results, "ROB-002"), 1), "");
    is_line(line_of(finding_of(results, "ROB-006"), 1), "called from +0x", NULL);
    json_decref(results);
    tool_free(&t);
    gpup_trace_free(&with);
    free(bytes);
}

/* --- names that cannot be had */

static char *path_before; /* of the environment */

static void script(const char *text) {
    mkdir(tool_path("path"), 0777);
    for (unsigned i = 0; i < 2; i++) {
        const char *name = tool_path("path/%s", i ? "llvm-symbolizer-14" : "llvm-symbolizer");
        tool_write(name, text, strlen(text));
        chmod(name, 0777);
    }
}

/* A helper that says the same of every address. */
static void answering(const char *frame, const char *end) {
    char text[1024];
    snprintf(text, sizeof text,
             "#!/bin/sh\nfor a; do case $a in 0x*) l=$l$s'{\"Address\":\"'$a'\",\"Symbol\":['"
             "'%s'"
             "']}'; s=,;; esac; done\nprintf '%%s' \"[$l]\"\n%s\n",
             frame, end);
    script(text);
}

static void a_helper_that_is_of_no_use(void **state) {
    static const char other[] =
        "#!/bin/sh\nprintf '%s' "
        "'[{\"Address\":\"0x1\",\"Symbol\":[{\"FunctionName\":\"wrong\",\"FileName\":\"a.c\",\"Line\":1}]}]'";
    static const char *const scripts[] = {
        "#!/bin/sh\nexit 1\n",
        other,
        "#!/bin/sh\necho '[{\"Address\":17,\"Symbol\":7},null,{}]'\n",
        "#!/bin/sh\nprintf '[{\"Address\":'\n",
        "#!/bin/sh\nwhile echo '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[['; do :; done\n",
        "#!/bin/sh\nkill -SEGV $$\n"};
    char path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s", tool_path("path"));
    for (unsigned i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        script(scripts[i]);
        json_t *results = run(path, forms[LINED], "useless");
        is_plain(results, "leak-lined.sys");
        json_decref(results);
    }
    answering("{\"FunctionName\":\"x\",\"FileName\":\"a.c\",\"Line\":3}",
              "exit 3"); /* it says that it failed */
    json_t *results = run(path, forms[LINED], "useless");
    is_plain(results, "leak-lined.sys");
    json_decref(results);
    setenv("PATH", path_before, 1);
}

static void no_helper_at_all(void **state) {
    json_t *results = run("/nonexistent", forms[LINED], "alone");
    (void)state;
    is_plain(results, "leak-lined.sys");
    json_decref(results);
    setenv("PATH", path_before, 1);
}

/* What it says of a function is other people's text. */
static void text_of_others(void **state) {
    char path[4096];
    (void)state;
    answering("{\"FunctionName\":\"<b>\\n\\u001bx\",\"FileName\":\"C:\\\\src\\\\a.c\",\"Line\":3}", "");
    snprintf(path, sizeof path, "%s:/bin:/usr/bin", tool_path("path"));
    json_t *results = run(path, forms[LINED], "others");
    assert_string_equal(line_of(finding_of(results, "ROB-006"), 0),
                        "allocated at leak-lined.sys!<b>??x (a.c:3)");
    json_decref(results);
    size_t size;
    char *page = tool_file(tool_path("others/report.html"), &size);
    assert_null(strstr(page, "<b>??x"));
    assert_non_null(strstr(page, "&lt;b&gt;??x"));
    free(page);
    setenv("PATH", path_before, 1);
}

/* Symbols that lie: the table's place and size in the file, and the bytes of it and of the DWARF. */
static void put32(char *at, uint32_t value) {
    memcpy(at, &value, sizeof value);
}

static void damaged_symbols(void **state) {
    static const uint32_t lies[] = {0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF0, 64};
    size_t size;
    (void)state;
    for (unsigned form = LINED; form <= NAMED; form++)
        for (unsigned i = 0; i < 8; i++) {
            char *bytes = tool_file(forms[form], &size);
            uint32_t pe, table;
            memcpy(&pe, bytes + 60, sizeof pe);
            memcpy(&table, bytes + pe + 12, sizeof table);
            assert_true(table && table < size);
            if (i < 6)
                put32(bytes + pe + (i % 2 ? 12 : 16), lies[i]); /* PointerToSymbolTable, NumberOfSymbols */
            for (size_t at = table; i == 6 && at < size; at += 7)
                bytes[at] = (char)(at * 31);
            if (i == 7)
                size = table + (size - table) / 2; /* cut */
            tool_write(tool_path("damaged.sys"), bytes, size);
            free(bytes);
            struct tool t = tool_run("run $D/damaged.sys --select adapter/older --strict --out $D/damaged");
            if (t.status != 1)
                print_message("damage %u: %s%s", i, t.out, t.err);
            assert_int_equal(t.status, 1);
            assert_non_null(strstr(t.out, "allocated at damaged.sys"));
            tool_free(&t);
        }
}

/* --- a journal that was edited */

static void edited_journal(const char *from, const char *to, const char *message) {
    size_t size;
    char *text = tool_file(tool_path("leak.so/events.jsonl"), &size), *at = strstr(text, from);
    assert_non_null(at);
    char *edited = malloc(size + strlen(to) + 1);
    int length = sprintf(edited, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    mkdir(tool_path("edited"), 0777);
    tool_write(tool_path("edited/events.jsonl"), edited, (size_t)length);
    struct tool t = tool_run("report $D/edited --strict --out $D/edited/out");
    if (message) {
        assert_int_equal(t.status, 2);
        if (!strstr(t.err, message))
            fail_msg("'%s' says nothing of '%s'", t.err, message);
    } else {
        assert_int_equal(t.status, 1);
    }
    tool_free(&t);
    free(edited);
    free(text);
}

static void journals(void **state) {
    (void)state;
    edited_journal("\"at\":[[]", "\"at\":[[]", NULL);
    edited_journal("\"at\":[[]", "\"at\":[7", "call stacks");
    edited_journal("\"at\":[[]", "\"at\":[[1,2,3,4,5,6,7,8,9]", "call stacks");
    edited_journal("\"at\":[[]", "\"at\":[[-1]", "call stacks");
    edited_journal("\"at\":[[]", "\"at\":[[\"x\"]", "call stacks");
    edited_journal("\"at\":[[]", "\"at\":[[],[], [], []", "call stacks");
    edited_journal("\"where\":[\"", "\"where\":[\"\", \"", "in words");
    edited_journal("\"where\":[\"", "\"where\":[\"\\n", "in words");
    edited_journal("\"where\":[", "\"where\":[7, ", "in words");
    edited_journal("\"where\":[", "\"where\":7, \"xwhere\": [", "in words");
}

/* A package says where; who edits the address is found out. */
static void packages(void **state) {
    struct tool t = tool_run("package $D/leak.so -o $D/one.gpup");
    (void)state;
    assert_int_equal(t.status, 0);
    tool_free(&t);
    t = tool_run("verify $D/one.gpup && cp -r $D/leak.so $D/forged");
    if (t.status != 0)
        print_message("%s%s", t.out, t.err);
    assert_int_equal(t.status, 0);
    tool_free(&t);
    size_t size;
    char *text = tool_file(tool_path("leak.so/events.jsonl"), &size), *at = strstr(text, "\"at\":[[],[");
    assert_non_null(at);
    at += strlen("\"at\":[[],[");
    *at = *at == '1' ? '2' : '1';
    tool_write(tool_path("forged/events.jsonl"), text, size);
    t = tool_run("package $D/forged -o $D/two.gpup");
    if (t.status == 0) {
        tool_free(&t);
        t = tool_run("verify $D/two.gpup");
        assert_int_equal(t.status, 1);
    }
    assert_true(t.status != 0);
    tool_free(&t);
    free(text);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_name_and_line),
                                       cmocka_unit_test(by_name),
                                       cmocka_unit_test(by_address),
                                       cmocka_unit_test(of_a_fault),
                                       cmocka_unit_test(in_every_report),
                                       cmocka_unit_test(equal_in_two_runs),
                                       cmocka_unit_test(one_finding_in_all_forms),
                                       cmocka_unit_test(no_verdict_rests_on_them),
                                       cmocka_unit_test(of_an_earlier_event),
                                       cmocka_unit_test(a_helper_that_is_of_no_use),
                                       cmocka_unit_test(no_helper_at_all),
                                       cmocka_unit_test(text_of_others),
                                       cmocka_unit_test(damaged_symbols),
                                       cmocka_unit_test(journals),
                                       cmocka_unit_test(packages)};
    if (argc != FORMS + 1)
        return 2;
    forms = argv + 1;
    const char *path = getenv("PATH");
    path_before = strdup(path ? path : "");
    if (!path_before)
        return 2;
    tool_directory("places");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(path_before);
    return failed ? 1 : 0;
}
