/* Executions to detection: what has been measured, and the table of it. */
#ifndef GPUP_FUZZ_DETECT_H
#define GPUP_FUZZ_DETECT_H

#include "campaign.h"

#include <gpup/spec.h>
#include <stdio.h>

#define DETECT_DEFECTS 256u
#define DETECT_SEEDS 16u
#define DETECT_MODES 2u /* typed mutation and state feedback; bytes without it */

/* One fault, one way, one seed. */
struct detected {
    uint64_t taken; /* executions until it was found; 0: it was not */
    uint64_t tried; /* executions at most; 0: not measured yet */
};

struct detection {
    const struct options *o;
    const struct gpup_defect *defect[DETECT_DEFECTS];
    struct detected of[DETECT_DEFECTS][DETECT_MODES][DETECT_SEEDS];
    unsigned defects, seeds, modes, jobs;
    uint64_t cap, seconds; /* seconds: 0 without end */
    uint32_t build;        /* of targets and driver: what was measured with others does not go on */
    const char *table;     /* file, or NULL */
    const char *keep;      /* folder for a shrunk program of each fault, or NULL */
    bool seeded;           /* from the bundled programs instead of from nothing */
    bool resume;           /* what the table already has is kept */
    bool failed;           /* something could not be executed */
};

void detection_print(const struct detection *d, FILE *out);
bool detection_write(const struct detection *d); /* the whole table or the old one, never half of it */
/* Takes over what the table has of this build. */
void detection_read(struct detection *d);

#endif
