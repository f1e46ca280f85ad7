/* Every MUST rule beside the place in the source that it rests on, for a reader who has the document open.
 *
 *   spec_review               prints the list
 *   spec_review STORED.txt    compares it with the stored one: a level, source or sentence that moves is
 * looked at
 *
 * Fails also when a rule is not classified (neither a monitor nor a reason why none can be), or when more
 * than BEYOND MUST rules of subject driver are given up.
 */
#include <gpup/spec.h>

#include <stdio.h>
#include <string.h>

#define BEYOND 12

static void print_rule(FILE *out, const struct gpup_rule *r) {
    fprintf(out, "%s  %s/%s  %s\n", r->id, gpup_basis_name(r->basis), gpup_subject_name(r->subject),
            r->sentence);
    for (unsigned i = 0; i < r->source_count; i++) {
        const struct gpup_source *s = &gpup_sources[r->sources[i]];
        fprintf(out, "    %s (%s), %s%s%s\n", s->title, s->id, s->date, i == 0 && *r->where ? ": " : "",
                i == 0 ? r->where : "");
    }
    if (*r->beyond)
        fprintf(out, "    not judged: %s\n", r->beyond);
}

static int compare(FILE *now, const char *path) {
    FILE *stored = fopen(path, "r");
    char a[4096], b[4096];
    int differ = !stored;
    rewind(now);
    while (stored && !differ) {
        const char *x = fgets(a, sizeof a, stored), *y = fgets(b, sizeof b, now);
        differ = (x != NULL) != (y != NULL) || (x && strcmp(a, b) != 0);
        if (differ)
            printf("stored: %s\nnow:    %s\nlook at it, then run spec_review > %s\n", x ? a : "(end)",
                   y ? b : "(end)", path);
        if (!x)
            break;
    }
    if (stored)
        fclose(stored);
    return differ;
}

int main(int argc, char **argv) {
    FILE *out = argc > 1 ? tmpfile() : stdout;
    unsigned given_up = 0, unclassified = 0;
    for (unsigned i = 0; out && i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule *r = &gpup_rules[i];
        bool must = r->level == GPUP_LEVEL_MUST;
        given_up += must && r->subject == GPUP_SUBJECT_DRIVER && *r->beyond;
        if (r->monitor == GPUP_SPEC_NONE && !*r->beyond && ++unclassified)
            fprintf(stderr, "%s: expected a monitor, or `beyond` with the reason why there is none\n", r->id);
        if (must)
            print_rule(out, r);
    }
    fprintf(stderr, "%u rules, %u without a class; MUST rules of subject driver given up: %u (at most %d)\n",
            gpup_spec_counts.rules, unclassified, given_up, BEYOND);
    int differ = argc > 1 && out ? compare(out, argv[1]) : 0;
    return !out || differ || unclassified || given_up > BEYOND;
}
