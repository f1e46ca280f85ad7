/* Reads a file with a YAML program. */
#include "text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE (16u << 20)

static bool read_all(FILE *file, struct gpup_text *text) {
    char piece[4096];
    size_t size;
    while ((size = fread(piece, 1, sizeof piece, file)) > 0 && text->size <= MAX_FILE)
        gpup_text_put(text, piece, size);
    gpup_text_put(text, "", 0);
    return !ferror(file) && !text->failed;
}

static int cannot(const char *path, const char *why, char **errors) {
    struct gpup_text message = {0};
    gpup_text_put(&message, path, strlen(path));
    gpup_text_printf(&message, ": error: expected a readable YAML file, found: %s\n", why);
    char *text = gpup_text_take(&message);
    if (errors)
        *errors = text;
    else
        free(text);
    return -1;
}

int gpup_program_load(const char *path, struct gpup_program *out, char **errors) {
    struct gpup_text text = {0};
    *out = (struct gpup_program){0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return cannot(path, strerror(errno), errors);
    errno = 0;
    bool whole = read_all(file, &text);
    int reason = errno;
    (void)fclose(file);
    int result;
    if (!whole)
        result = cannot(path, reason ? strerror(reason) : "no memory", errors);
    else if (text.size > MAX_FILE)
        result = cannot(path, "more than 16 MiB", errors);
    else
        result = gpup_program_parse(text.bytes, text.size, path, out, errors);
    free(text.bytes);
    return result;
}
