/* Entries of a .def file with their comments. */
#include "reference.h"

#include <stdio.h>
#include <string.h>

/* The text of a comment: without stars, on one line. */
static void tidy(char *out, size_t size, const char *from, const char *to) {
    size_t used = 0;
    bool blank = true;
    for (; from < to && used + 2 < size; from++) {
        bool space = *from == ' ' || *from == '\n' || (*from == '*' && blank);
        if (!space || !blank)
            out[used++] = (char)(space ? ' ' : *from);
        blank = space || (blank && *from == '*');
    }
    while (used && out[used - 1] == ' ')
        used--;
    out[used] = 0;
}

static void take_comment(struct entry *e, const char *from, const char *to) {
    char text[sizeof e->comment];
    tidy(text, sizeof text, from, to);
    if (strncmp(text, "---", 3) != 0) {
        snprintf(e->comment, sizeof e->comment, "%s", text);
        return;
    }
    const char *start = text + strspn(text, "- ");
    size_t length = strlen(start);
    while (length && (start[length - 1] == '-' || start[length - 1] == ' '))
        length--;
    snprintf(e->section, sizeof e->section, "%.*s", (int)length, start);
    e->comment[0] = 0;
}

static const char *take_entry(struct entry *e, const char *at) {
    char name[64] = "", second[64] = "";
    const char *end = strchr(at, ')');
    if (!end || sscanf(at, "%63[^, )] , %63[^, )]", name, second) != 2)
        return NULL;
    memcpy(e->name, name, sizeof name);
    memcpy(e->second, second, sizeof second);
    return end + 1;
}

bool next_entry(const char **at, const char *word, struct entry *e) {
    size_t length = strlen(word);
    e->comment[0] = 0;
    while (**at) {
        if (strncmp(*at, "/*", 2) == 0) {
            const char *end = strstr(*at, "*/");
            if (!end)
                return false;
            take_comment(e, *at + 2, end);
            *at = end + 2;
        } else if (strncmp(*at, word, length) == 0 && (*at)[length] == '(') {
            *at = take_entry(e, *at + length + 1);
            return *at != NULL;
        } else {
            (*at)++;
        }
    }
    return false;
}
