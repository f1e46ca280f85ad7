/* The tool as its users meet it: a command line, an exit status, and what it wrote. */
#ifndef GPUP_TESTS_RUNNER_TOOL_H
#define GPUP_TESTS_RUNNER_TOOL_H

#include <jansson.h>
#include <stddef.h>

#define TOOL_LONGEST 4096

struct tool {
    int status; /* exit status; 128 + signal if one ended it */
    char *out, *err;
};

/* The arguments go through the shell; $D is this test program's own directory, empty at its start. */
struct tool tool_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tool_free(struct tool *tool);

/* A directory of this test program's own: made empty. Call first. */
void tool_directory(const char *name);
const char *tool_path(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* below it; static buffers */

char *tool_file(const char *path,
                size_t *size); /* whole file, zero-terminated; fails the test if there is none */
void tool_write(const char *path, const void *bytes, size_t size);
json_t *tool_json(const char *path); /* fails the test if it is none */

/* Of results.json; "" for null. */
const char *tool_text(const json_t *object, const char *member);
const json_t *tool_program(const json_t *results, const char *name); /* NULL: not there */

#endif
