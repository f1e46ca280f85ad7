/*
 * Two results beside each other: what became worse, what became better, what came and went.
 *
 * Everything goes by names (ids of rules, names of programs), so results of different specifications, tools
 * and implementations can be compared. A program that is called otherwise and is the same is `renamed`.
 */
#ifndef GPUP_COMPARE_H
#define GPUP_COMPARE_H

#include <jansson.h>
#include <stdio.h>

/* results.json of a directory or of a package. NULL: message says why. json_decref() it. */
json_t *gpup_compare_load(const char *path, char *message, size_t message_size);

/* {"regressions": [...], "fixes", "changed", "new", "missing", "renamed"}: objects with `kind` (rule or
 * program), `name`, `old`, `new`. A regression: a worse verdict or outcome, or a required rule that passed
 * and is not judged any more. NULL: out of memory. */
json_t *gpup_compare(const json_t *before, const json_t *after);
/* One line each, `name: OLD -> NEW`. */
void gpup_compare_print(const json_t *comparison, FILE *out);

#endif
