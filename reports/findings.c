#include "findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int three_way(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int by_rule(const void *left, const void *right) {
    const struct found *a = left, *b = right;
    int order = three_way(a->finding->rule, b->finding->rule);
    order = order ? order : three_way(a->finding->key, b->finding->key);
    order = order ? order : strcmp(a->program, b->program);
    return order ? order : three_way((uintptr_t)a->finding, (uintptr_t)b->finding); /* of one array */
}

bool findings_collect(const struct gpup_report *report, struct found **rows, size_t *count) {
    const struct gpup_results *all = report->results;
    size_t size = 0, filled = 0;
    for (size_t p = 0; p < all->program_count; p++)
        size += all->programs[p].finding_count;
    *rows = calloc(size + 1, sizeof **rows);
    for (size_t p = 0; *rows && p < all->program_count; p++)
        for (size_t f = 0; all->programs[p].done && f < all->programs[p].finding_count; f++)
            if (report->selected[all->programs[p].findings[f].rule])
                (*rows)[filled++] = (struct found){&all->programs[p].findings[f], all->programs[p].name};
    *count = filled;
    if (*rows)
        qsort(*rows, filled, sizeof **rows, by_rule);
    return *rows != NULL;
}

size_t findings_equal(const struct found *rows, size_t count) {
    size_t same = 1;
    while (same < count && rows[same].finding->rule == rows[0].finding->rule &&
           rows[same].finding->key == rows[0].finding->key)
        same++;
    return same;
}

void finding_fingerprint(const struct gpup_finding *finding, char out[FINGERPRINT_SIZE]) {
    snprintf(out, FINGERPRINT_SIZE, "%s/%08x", gpup_rule_id(finding->rule), finding->key);
}
