#include "tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static char directory[TOOL_LONGEST];

void tool_directory(const char *name) {
    char command[2 * TOOL_LONGEST + 64];
    snprintf(directory, sizeof directory, "%s/%s", GPUP_TEST_WORK, name);
    snprintf(command, sizeof command, "rm -rf '%s' && mkdir -p '%s'", directory, directory);
    assert_int_equal(system(command), 0);
    assert_int_equal(setenv("D", directory, 1), 0);
}

const char *tool_path(const char *format, ...) {
    static char paths[4][2 * TOOL_LONGEST];
    static unsigned next;
    char *path = paths[next++ % 4];
    va_list list;
    int length = snprintf(path, sizeof paths[0], "%s/", directory);
    va_start(list, format);
    vsnprintf(path + length, sizeof paths[0] - (size_t)length, format, list);
    va_end(list);
    return path;
}

char *tool_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s: cannot be read", path);
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
    fclose(file);
    bytes[length] = 0;
    if (size)
        *size = (size_t)length;
    return bytes;
}

void tool_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

struct tool tool_run(const char *format, ...) {
    char arguments[TOOL_LONGEST], command[2 * TOOL_LONGEST];
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(command, sizeof command, "'%s' %s >\"$D/stdout\" 2>\"$D/stderr\" </dev/null", GPUP_TEST_TOOL,
             arguments);
    int rc = system(command);
    return (struct tool){.status = WIFEXITED(rc) ? WEXITSTATUS(rc) : 128 + WTERMSIG(rc),
                         .out = tool_file(tool_path("stdout"), NULL),
                         .err = tool_file(tool_path("stderr"), NULL)};
}

void tool_free(struct tool *tool) {
    free(tool->out);
    free(tool->err);
}

json_t *tool_json(const char *path) {
    json_error_t error;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return json;
}

const char *tool_text(const json_t *object, const char *member) {
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

const json_t *tool_program(const json_t *results, const char *name) {
    size_t i;
    json_t *program;
    json_array_foreach(json_object_get(results, "programs"), i, program) {
        if (strcmp(tool_text(program, "name"), name) == 0)
            return program;
    }
    return NULL;
}
