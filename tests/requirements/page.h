/* One page of requirements, as Markdown. */
#ifndef GPUP_TESTS_PAGE_H
#define GPUP_TESTS_PAGE_H

#include <gpup/runner.h>

#include <stdio.h>

#define RUNS_MAX 4u

struct evidence {
    struct gpup_results runs[RUNS_MAX]; /* in the order of the command line */
    const char *names[RUNS_MAX];        /* "reference" */
    unsigned run_count;
    const char *proofs; /* directory of the .proof files */
};

/* Programs of any run that judged the rule: its count; up to max names, those of the rule's own area first.
 */
struct judged {
    const char *program;
    uint32_t runs; /* bit mask */
};
size_t judged_programs(const struct evidence *evidence, unsigned rule, struct judged *out, size_t max);

void area_write(FILE *out, const struct evidence *evidence, const char *area);
void index_write(FILE *out, const struct evidence *evidence);

#endif
