/* Tables for docs/. Each maker adds one table in Markdown, and says what it could not make on stderr. */
#ifndef GPUP_TESTS_REFERENCE_H
#define GPUP_TESTS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes;
    size_t size, capacity;
};
void put(struct text *text, const char *piece, size_t size);
void put_string(struct text *text, const char *string);
void put_cell(struct text *text, const char *string); /* escaped for a cell */
char *read_whole(const char *root, const char *name); /* malloc'ed; NULL said why */

/* One entry of a .def file: `NAME(first, second)` with the comment above it. */
struct entry {
    char name[64], second[64];
    char comment[2048];
    char section[128]; /* of the last comment made of dashes, lower case as it stands */
};
/* Next entry that `word` opens, from *at on; false: no more. */
bool next_entry(const char **at, const char *word, struct entry *entry);

bool make_events(struct text *out, const char *root);
bool make_classes(struct text *out, const char *root);
bool make_steps(struct text *out, const char *root);
bool make_world(struct text *out, const char *root);
bool make_kinds(struct text *out, const char *root);
bool make_assumed(struct text *out, const char *root);
bool make_observers(struct text *out, const char *root);

#endif
