/*
 * Input that cannot be used: a short message on stderr that names it and says what was expected, and exit
 * status 2 or 3. Nothing else: no crash, no results.
 */
#include "tool.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIMULATOR GPUP_TEST_EXAMPLES "/example-simulator.so"
#define OBJECTS GPUP_TEST_BAD

static unsigned lines(const char *text) {
    unsigned count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* All of these. `says`: a piece of the message. */
static void refuse(int status, const char *says, const char *arguments) {
    struct tool t = tool_run("%s", arguments);
    bool clear = t.err[0] && lines(t.err) <= 8 && strstr(t.err, says) && !strstr(t.err, "runtime error") &&
                 !strstr(t.err, "Sanitizer");
    if (t.status != status || !clear || t.out[0])
        fail_msg("gpup-cts %s\nended with %d, expected %d and '%s'; stderr:\n%s\nstdout:\n%.400s", arguments,
                 t.status, status, says, t.err, t.out);
    tool_free(&t);
}

static void text(const char *name, const char *content) {
    tool_write(tool_path("%s", name), content, strlen(content));
}

static void command_lines(void **state) {
    (void)state;
    static const struct {
        const char *says, *arguments;
    } rows[] = {
        {"unknown command 'conquer'", "conquer"},
        {"unknown option '--frobnicate'", "run --frobnicate"},
        {"unknown option '-x'", "run -x"},
        {"'--jobs' needs a value", "run --jobs"},
        {"--jobs", "run --jobs 0"},
        {"--jobs", "run --jobs 65"},
        {"--jobs", "run --jobs two"},
        {"--jobs", "run --jobs -1"},
        {"--seed", "run --seed 0x"},
        {"--seed", "run --seed 99999999999999999999"},
        {"--shard", "run --shard 0/3"},
        {"--shard", "run --shard 4/3"},
        {"--shard", "run --shard 1"},
        {"--shard", "run --shard 1/3x"},
        {"--shard", "run --shard a/b"},
        {"--profile", "run --profile everything"},
        {"--select", "run --select 'NO-SUCH-*'"},
        {"--select", "run --select ''"},
        {"--traces", "run --traces some"},
        {"--timeout", "run --timeout 1e9"},
        {"expected NAME=PATH", "run --file '\\SystemRoot\\fw.bin'"},
        {"expected NAME=PATH", "run --file '\\SystemRoot\\fw.bin='"},
        {"expected NAME=PATH", "run --file fw.bin=$D/fw"},
        {"'\\Device\\fw.bin=", "run --file '\\Device\\fw.bin='$D/fw"},
        {"is on no volume", "run --file '\\Device\\fw.bin='$D/fw"},
        {"none after the volume", "run --file '\\??\\C:\\='$D/fw"},
        {"an empty part", "run --file '\\SystemRoot\\\\fw.bin='$D/fw"},
        {"an empty part", "run --file '\\SystemRoot\\f\xc3\xbcr.bin='$D/fw"},
        {"an empty part", "run --file '\\SystemRoot\\'$(seq -s. 300)=$D/fw"},
        {"nothing.bin: cannot be read: No such file", "run --file '\\SystemRoot\\fw.bin='$D/nothing.bin"},
        {"directory.yaml: expected a file", "run --file '\\SystemRoot\\fw.bin='$D/directory.yaml"},
        {"large.bin: too large: expected at most 64 MiB", "run --file '\\SystemRoot\\fw.bin='$D/large.bin"},
        {"given twice", "run --file '\\SystemRoot\\fw.bin='$D/fw --file '\\??\\c:\\windows\\FW.BIN='$D/fw"},
        {"at most 16 files",
         "replay pause/long $(for i in $(seq 17); do echo --file \\\\SystemRoot\\\\Z$i=$D/fw; done)"},
        {"at most one implementation", "run reference refuser"},
        {"nothing.yaml", "run --expect nothing.yaml"},
        {"too many arguments", "report $(seq 129)"},
        {"list: expected rules", "list"},
        {"list: expected rules", "list everything"},
        {"replay: expected PROGRAM", "replay"},
        {"shrink: expected PROGRAM", "shrink"},
        {"check: expected one TRACE", "check"},
        {"report: expected a directory", "report"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refuse(2, rows[i].says, rows[i].arguments);
    struct tool t = tool_run("%s", "");
    assert_int_equal(t.status, 2);
    assert_non_null(strstr(t.err, "usage: gpup-cts"));
    tool_free(&t);
}

static void places(void **state) {
    (void)state;
    text("file", "x");
    refuse(2, "file", "run --out $D/file");
    refuse(2, "no/such/place", "run --out $D/no/such/place");
    refuse(2, "file", "run --out $D/file --resume");
    refuse(2, "none", "run --out $D/none --resume"); /* nothing to resume */
}

static void implementations(void **state) {
    (void)state;
    static const struct {
        const char *says, *name;
    } rows[] = {
        {"unknown implementation", "nobody"},
        {"unknown implementation", "''"},
        {"unknown implementation", "libnothing.dll"},
        {"no such file", "$D/none.so"},
        {"no defect", "reference:NO-SUCH-DEFECT"},
        {"no defect", "null:ANY"},
        {"neither gpup_implementation nor DriverEntry", OBJECTS "/object-nothing.so"},
        {"another version", OBJECTS "/object-1.so"},
        {"exactly one of driver_entry and open", OBJECTS "/object-2.so"},
        {"exactly one of driver_entry and open", OBJECTS "/object-3.so"},
        {"returned NULL", OBJECTS "/object-4.so"},
        {"device table", OBJECTS "/object-5.so"},
        {"ended while it loaded", OBJECTS "/object-6.so"},
        {"KeThereIsNoSuchService", OBJECTS "/object-7.so"},
        {"did not come back", OBJECTS "/object-8.so"},
        {"text.so", "$D/text.so"},
        {"tool.so", "$D/tool.so"},
        {"half.so", "$D/half.so"},
        {"empty.so", "$D/empty.so"},
        {"directory.so", "$D/directory.so"},
        {"sections.so", "$D/sections.so"},
    };
    text("text.so", "this is no object\n");
    text("empty.so", "");
    assert_int_equal(system("mkdir -p $D/directory.so && cp '" GPUP_TEST_TOOL "' $D/tool.so"), 0);
    size_t size;
    char *object = tool_file(SIMULATOR, &size);
    tool_write(tool_path("half.so"), object, size / 2);
    memset(object + 40, 0, 8); /* e_shoff: no section table */
    tool_write(tool_path("sections.so"), object, size);
    free(object);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char arguments[TOOL_LONGEST];
        snprintf(arguments, sizeof arguments, "run %s --timeout 1 --out $D/out", rows[i].name);
        refuse(3, rows[i].says, arguments);
        snprintf(arguments, sizeof arguments, "replay msix/power %s --timeout 1", rows[i].name);
        refuse(3, rows[i].says, arguments);
    }
}

static void programs(void **state) {
    (void)state;
    static const struct {
        const char *says, *content;
    } rows[] = {
        {"p.yaml", ""},
        {"p.yaml:", "title: [\n"},
        {"p.yaml:", "- a list\n"},
        {"p.yaml:", "title: t\nsteps:\n  - StartVm: {vg: 1}\n"},
        {"p.yaml:", "title: t\nsteps:\n  - StartVmm: {vf: 1}\n"},
        {"p.yaml:", "title: t\nsteps:\n  - StartVm: {vf: one}\n"},
        {"p.yaml:", "title: t\nsteps:\n  - StartVm: {vf: [1]}\n"},
        {"p.yaml:", "title: t\nsteps: 5\n"},
        {"p.yaml:", "title: t\nstepps:\n  - StartVm: {vf: 1}\n"},
        {"p.yaml:", "title: t\nworld: {hosts: 3}\nsteps:\n  - StartVm: {vf: 1}\n"},
        {"p.yaml:", "title: t\nworld: {hosts: many}\nsteps:\n  - StartVm: {vf: 1}\n"},
        {"p.yaml:", "title: t\nsteps:\n  - StartVm: {vf: 1, class: cruel}\n"},
        {"p.yaml:", "title: t\nsteps:\n  - StartVm: {vf: 1}\n    StopVm: {vf: 1}\n"},
        {"p.yaml:", "title: \"\xff\xfe\"\nsteps:\n  - StartVm: {vf: 1}\n"},
        {"p.yaml:", "\t: \x01\n"},
    };
    refuse(2, "none.yaml", "replay $D/none.yaml");
    refuse(2, "none.yaml", "shrink $D/none.yaml");
    refuse(2, "no/such-program", "replay no/such-program");
    refuse(2, "directory.yaml", "replay $D/directory.yaml");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        text("p.yaml", rows[i].content);
        refuse(2, rows[i].says, "replay $D/p.yaml");
        refuse(2, rows[i].says, "shrink $D/p.yaml");
    }
}

/* Every way a stored trace can be incomplete, and some it can be wrong. */
static void traces(void **state) {
    (void)state;
    size_t size;
    struct tool t = tool_run("run --select 'pause/*' --traces all --out $D/traces");
    assert_true(t.status == 1 || t.status == 4);
    tool_free(&t);
    char *whole = tool_file(tool_path("traces/traces/pause-overlay.trace"), &size);
    for (size_t i = 0; i <= 40; i++) {
        tool_write(tool_path("cut.trace"), whole, i < 20 ? i : (size - 1) * (i - 19) / 21);
        refuse(2, "cut.trace: at byte", "check $D/cut.trace");
    }
    for (size_t i = 0; i < 24; i++) {
        char changed = whole[size * i / 24];
        whole[size * i / 24] = (char)~changed;
        tool_write(tool_path("changed.trace"), whole, size);
        t = tool_run("check $D/changed.trace"); /* data may differ and still be a trace */
        assert_true(t.status >= 0 && t.status <= 4);
        tool_free(&t);
        whole[size * i / 24] = changed;
    }
    uint64_t x = 1;
    for (size_t i = 0; i < size; i++)
        whole[i] = (char)((x = x * 6364136223846793005u + 1442695040888963407u) >> 56);
    tool_write(tool_path("random.trace"), whole, size);
    refuse(2, "random.trace: at byte", "check $D/random.trace");
    free(whole);
    text("text.trace", "title: a program, not a trace\n");
    refuse(2, "text.trace: at byte", "check $D/text.trace");
    refuse(2, "none.trace", "check $D/none.trace");
    refuse(2, "traces", "check $D/traces");
}

static void put_journal(const char *first, const char *second) {
    size_t size = strlen(first) + strlen(second) + 1;
    char *both = malloc(size);
    assert_non_null(both);
    snprintf(both, size, "%s%s", first, second);
    text("journal/events.jsonl", both);
    free(both);
}

static void journals(void **state) {
    (void)state;
    static const char *const garbage[] = {
        "\n",
        "{\n",
        "[]\n",
        "{}\n",
        "\x01\x02\n",
        "null\n",
        "{\"program\": 5}\n",
        ("{\"program\":\"x\",\"outcome\":\"FINE\",\"class\":0,\"ddi\":\"\",\"step\":0,\"trace\":\"\","
         "\"events\":0,"
         "\"calls\":0,\"rules\":{},\"findings\":[],\"wall_ms\":0}\n"),
        ("{\"program\":\"x\",\"outcome\":\"CRASH\",\"class\":0,\"ddi\":\"\",\"step\":0,\"trace\":\"\","
         "\"events\":0,"
         "\"calls\":0,\"rules\":{\"NO-1\":[1,0,\"PASS\",0]},\"findings\":[],\"wall_ms\":0}\n"),
        ("{\"program\":\"x\",\"outcome\":\"CRASH\",\"class\":9,\"ddi\":\"\",\"step\":0,\"trace\":\"\","
         "\"events\":0,"
         "\"calls\":0,\"rules\":[],\"findings\":{},\"wall_ms\":0}\n"),
        ("{\"program\":\"x\",\"outcome\":\"CRASH\",\"class\":0,\"ddi\":\"Nothing\",\"step\":0,\"trace\":\"\","
         "\"events\":0,\"calls\":0,\"rules\":{},\"findings\":[{\"rule\":1}],\"wall_ms\":0}\n")};
    struct tool t = tool_run("run --select 'pause/*' --out $D/journal");
    tool_free(&t);
    t = tool_run("run refuser --select 'pause/*' --out $D/other");
    tool_free(&t);
    refuse(2, "other", "report $D/journal $D/other"); /* of different runs */
    char *journal = tool_file(tool_path("journal/events.jsonl"), NULL);
    char *end = strchr(journal, '\n') + 1;
    char header[4096];
    snprintf(header, sizeof header, "%.*s", (int)(end - journal), journal);
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        put_journal("", garbage[i]);
        refuse(2, "events.jsonl:1", "report $D/journal");
        refuse(2, "events.jsonl:1", "run --select 'pause/*' --out $D/journal --resume");
        put_journal(header, garbage[i]);
        refuse(2, "events.jsonl:2", "report $D/journal");
        refuse(2, "events.jsonl:2", "run --select 'pause/*' --out $D/journal --resume");
    }
    put_journal(header, header);
    refuse(2, "events.jsonl:2", "report $D/journal");
    text("journal/events.jsonl", "");
    refuse(2, "events.jsonl", "report $D/journal");
    header[strlen(header) / 2] = 0;
    text("journal/events.jsonl", header);
    refuse(2, "events.jsonl:1", "report $D/journal");
    refuse(2, "events.jsonl:1", "run --select 'pause/*' --out $D/journal --resume");
    refuse(2, "none", "report $D/none");
    text("journal/events.jsonl", journal); /* whole again, but of another run */
    refuse(2, "another run", "run --select 'msix/*' --out $D/journal --resume");
    refuse(2, "another run", "run --select 'pause/*' --seed 3 --out $D/journal --resume");
    refuse(2, "another run", "run --select 'pause/*' " SIMULATOR " --out $D/journal --resume");
    refuse(2, "another run", "run --select 'pause/*' refuser --out $D/journal --resume");
    refuse(2, "another run",
           "run --select 'pause/*' --file '\\SystemRoot\\fw.bin='$D/fw --out $D/journal --resume");
    free(journal);
}

static int start(void **state) {
    (void)state;
    tool_directory("input");
    assert_int_equal(
        system("mkdir -p $D/directory.yaml $D/journal; echo x >$D/fw; truncate -s 67108865 $D/large.bin"), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(command_lines),   cmocka_unit_test(places),
                                       cmocka_unit_test(implementations), cmocka_unit_test(programs),
                                       cmocka_unit_test(traces),          cmocka_unit_test(journals)};
    return cmocka_run_group_tests(tests, start, NULL) ? 1 : 0;
}
