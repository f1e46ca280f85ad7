#include "expected.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int number(const char *text, uint64_t *out) {
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0';
}

/* Splits a line into at most five words, in place. */
static size_t split(char *line, char *word[5]) {
    size_t count = 0;
    char *rest = NULL;
    for (char *w = strtok_r(line, " \n", &rest); w != NULL; w = strtok_r(NULL, " \n", &rest)) {
        if (count == 5)
            return 6;
        word[count++] = w;
    }
    return count;
}

static int copy(char *to, size_t size, const char *from) {
    int length = snprintf(to, size, "%s", from);
    return length >= 0 && (size_t)length < size;
}

static int parse(char *text, struct expected_line *line) {
    char *word[5] = {0};
    size_t words = split(text, word);
    if (words < 3 || words > 5 || !copy(line->keyword, sizeof(line->keyword), word[0]) ||
        !copy(line->type, sizeof(line->type), word[1]))
        return 0;
    if (strcmp(word[0], "size") == 0 || strcmp(word[0], "value") == 0)
        return words == 3 && number(word[2], &line->first);
    if (strcmp(word[0], "guid") == 0)
        return words == 3 && copy(line->text, sizeof(line->text), word[2]);
    if (strcmp(word[0], "field") != 0 && strcmp(word[0], "bits") != 0)
        return 0;
    return words == 5 && copy(line->member, sizeof(line->member), word[2]) && number(word[3], &line->first) &&
           number(word[4], &line->second);
}

struct expected_line *expected_read(const char *path, size_t *count) {
    FILE *file = fopen(path, "r");
    struct expected_line *lines = NULL;
    char text[256];
    unsigned at = 0;
    *count = 0;
    if (file == NULL)
        return NULL;
    while (fgets(text, sizeof(text), file) != NULL) {
        struct expected_line line = {.number = ++at};
        if (text[0] == '#')
            continue;
        struct expected_line *more = realloc(lines, (*count + 1) * sizeof(*lines));
        if (more == NULL || !parse(text, &line)) {
            fprintf(stderr, "%s:%u: malformed, or out of memory\n", path, at);
            free(more == NULL ? lines : more);
            (void)fclose(file);
            return NULL;
        }
        lines = more;
        lines[(*count)++] = line;
    }
    (void)fclose(file);
    return lines;
}
