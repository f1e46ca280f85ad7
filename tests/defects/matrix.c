/* The suite proves itself: each seeded fault must be found, first by a rule that the catalogue ties to it.
 *
 *   defect_matrix OBJECT.so... [BUG-nnn...]        prints the table (of these faults only)
 *   defect_matrix OBJECT.so... -s STORED.txt       compares it with a stored one, and asks for what the table
 * promises: every fault killed by a tied rule first, median of rules <= MEDIAN
 *   defect_matrix OBJECT.so... -k STORED.txt       the same, but of a stored line only how the fault is
 * killed, and by which rule: an image has no hooks of the suite, so another program may be the first
 *
 * Each fault is run on the first object that knows it.
 */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEDIAN 3u
#define OBJECTS 4u

struct row {
    char text[240];
    struct kill kill;
};

struct table {
    struct campaign campaign[OBJECTS];
    const char *object[OBJECTS];
    unsigned objects;
    struct row *rows;
    size_t count;
};

static const char *how(const struct kill *k) {
    if (k->tied)
        return "first";
    if (k->later)
        return "later";
    return k->first != GPUP_SPEC_NONE ? "other rules" : k->died ? "died" : "not provoked";
}

static bool run_one(struct table *t, const struct gpup_defect *d) {
    char implementation[4096], message[1024] = "";
    struct row *row = &t->rows[t->count];
    for (unsigned i = 0; i < t->objects; i++) {
        snprintf(implementation, sizeof implementation, "%s:%s", t->object[i], d->id);
        if (!campaign_run(&t->campaign[i], implementation, d, &row->kill, message, sizeof message))
            continue;
        const struct kill *k = &row->kill;
        snprintf(row->text, sizeof row->text, "%s  %-12s  %-10s %2u rules  %s", d->id, how(k),
                 k->first == GPUP_SPEC_NONE ? "-" : gpup_rule_id(k->first), k->rules, k->program);
        t->count++;
        return true;
    }
    fprintf(stderr, "%s: %s\n", d->id, message);
    return false;
}

static bool wanted(const struct gpup_defect *d, char **names, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], d->id) == 0)
            return true;
    return d->built && count == 0;
}

#define KILL_WIDTH (7 + 2 + 12 + 2 + 10) /* of a line: the fault, how it is killed, the rule */

/* 0 equal; prints the lines that differ. Only width characters of each are compared. */
static int compare(const struct table *t, const char *path, size_t width) {
    FILE *file = fopen(path, "r");
    char line[256];
    int differ = file ? 0 : 1;
    for (size_t i = 0; file && i < t->count; i++) {
        char *got = fgets(line, sizeof line, file);
        if (got)
            line[strcspn(line, "\n")] = 0;
        if (!got || strncmp(line, t->rows[i].text, width) != 0) {
            printf("stored: %s\nnow:    %s\n", got ? line : "(end)", t->rows[i].text);
            differ = 1;
        }
    }
    if (file && fgets(line, sizeof line, file))
        differ = printf("stored, and now gone: %s", line) > 0;
    if (file)
        fclose(file);
    return differ;
}

static int by_rules(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    return (x->kill.rules > y->kill.rules) - (x->kill.rules < y->kill.rules);
}

/* 0: the promises hold. */
static int promises(struct table *t) {
    unsigned first = 0;
    for (size_t i = 0; i < t->count; i++)
        first += t->rows[i].kill.tied;
    qsort(t->rows, t->count, sizeof *t->rows, by_rules);
    unsigned median = t->count ? t->rows[t->count / 2].kill.rules : 0;
    printf("%zu faults, %u killed by a tied rule first; median of failing rules %u (at most %u wanted)\n",
           t->count, first, median, MEDIAN);
    return t->count == 0 || first < t->count || median > MEDIAN;
}

int main(int argc, char **argv) {
    struct table t = {.rows = calloc(gpup_spec_counts.defects, sizeof *t.rows)};
    const char *stored = NULL;
    int at = 1, rc = t.rows ? 0 : 3;
    for (; at < argc && argv[at][0] != '-' && strncmp(argv[at], "BUG-", 4) != 0 && t.objects < OBJECTS; at++)
        t.object[t.objects++] = argv[at];
    bool kills = at + 1 < argc && strcmp(argv[at], "-k") == 0;
    if (kills || (at + 1 < argc && strcmp(argv[at], "-s") == 0))
        stored = argv[at + 1];
    at = stored ? argc : at;
    if (t.objects == 0)
        rc = 2;
    for (unsigned i = 0; rc == 0 && i < t.objects; i++)
        rc = campaign_open(&t.campaign[i], t.object[i]) ? 0 : 3;
    for (unsigned i = 0; rc == 0 && i < gpup_spec_counts.defects; i++)
        if (wanted(&gpup_defects[i], argv + at, argc - at))
            rc = run_one(&t, &gpup_defects[i]) ? 0 : 3;
    for (size_t i = 0; !stored && i < t.count; i++)
        puts(t.rows[i].text);
    if (rc == 0 && stored) {
        int differ = compare(&t, stored, kills ? KILL_WIDTH : sizeof t.rows->text);
        rc = promises(&t) || differ;
    }
    for (unsigned i = 0; i < t.objects; i++)
        campaign_close(&t.campaign[i]);
    free(t.rows);
    return rc;
}
