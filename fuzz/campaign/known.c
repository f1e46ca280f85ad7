#include "known.h"

#include <gpup/spec.h>

#include <ctype.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *known_read(const struct options *o) {
    size_t size;
    return o->known ? read_file(o->known, &size) : NULL;
}

static bool is_key(const char *text, size_t length) {
    size_t digits = 0;
    while (digits < length && isxdigit((unsigned char)text[digits]))
        digits++;
    return length == 8 && digits == 8;
}

/* The first two words of a line. */
static void read_line(const char *text, struct known_line *line) {
    char rule[sizeof line->name - 16];
    size_t first = strcspn(text, " \t\r\n"), gap = strspn(text + first, " \t");
    size_t second = strcspn(text + first + gap, " \t\r\n");
    snprintf(rule, sizeof rule, "%.*s", (int)(first < sizeof rule ? first : 0), text);
    line->rule = gpup_rule_find(rule) != GPUP_SPEC_NONE;
    snprintf(line->name, sizeof line->name, "%s", rule);
    if (line->rule && is_key(text + first + gap, second)) {
        snprintf(line->name, sizeof line->name, "%s-%.8s", rule, text + first + gap);
        line->rule = false;
    }
}

bool known_next(const char *list, struct known_line *line) {
    const char *at = line->next ? line->next : list;
    while (at && *at) {
        size_t length = strcspn(at, "\n");
        read_line(at, line);
        line->next = at + length + (at[length] == '\n');
        if (line->name[0] && line->name[0] != '#')
            return true;
        at = line->next;
    }
    return false;
}

bool known_has(const char *list, const char *name) {
    struct known_line line = {0};
    while (known_next(list, &line)) {
        size_t length = strlen(line.name);
        if (strcmp(line.name, name) == 0 ||
            (line.rule && strncmp(line.name, name, length) == 0 && name[length] == '-' &&
             is_key(name + length + 1, strlen(name + length + 1))))
            return true;
    }
    return false;
}

bool known_program(const struct options *o, const char *name, char *path) {
    char list[PATH_ROOM], here[PATH_ROOM], there[PATH_ROOM];
    if (!o->known || strchr(name, '/'))
        return false;
    snprintf(list, sizeof list, "%s", o->known);
    const char *folder_name = dirname(list);
    if (!realpath(o->out, here) || !realpath(folder_name, there) || strcmp(here, there) == 0)
        return false; /* its own findings are replayed anyway */
    return (size_t)snprintf(path, PATH_ROOM, "%s/findings/%s/program", folder_name, name) < PATH_ROOM &&
           access(path, R_OK) == 0;
}
