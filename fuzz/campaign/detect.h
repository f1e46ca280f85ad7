/* Executions to detection: what has been measured, how it is measured, and the table of it. */
#ifndef GPUP_FUZZ_DETECT_H
#define GPUP_FUZZ_DETECT_H

#include "campaign.h"

#include <gpup/spec.h>
#include <stdio.h>

#define DETECT_DEFECTS 256u
#define DETECT_SEEDS 16u
#define DETECT_MODES 2u     /* typed mutation and state feedback; bytes without it */
#define DETECT_TOGETHER 16u /* faults in one driver, at most */

/* One fault, one way, one seed. */
struct detected {
    uint64_t taken; /* executions until it was found; 0: it was not */
    uint64_t tried; /* executions at most; 0: not measured yet */
    bool company;   /* with other faults in the same driver */
};

struct detection {
    const struct options *o;
    const struct gpup_defect *defect[DETECT_DEFECTS];
    struct detected of[DETECT_DEFECTS][DETECT_MODES][DETECT_SEEDS];
    unsigned defects, seeds, modes, jobs;
    unsigned together;     /* faults in one driver */
    unsigned of_area;      /* of them, of one area */
    uint64_t alone;        /* executions of each fault by itself, before it comes into company */
    uint64_t cap, seconds; /* seconds: 0 without end */
    uint32_t build;        /* of targets and driver: what was measured with others does not go on */
    const char *table;     /* file, or NULL */
    const char *keep;      /* folder for a shrunk program of each fault, or NULL */
    bool seeded;           /* from the bundled programs instead of from nothing */
    bool resume;           /* what the table already has is kept */
    bool failed;           /* something could not be executed */
};

/* One process: a driver with one fault or several. */
struct detect_run {
    pid_t pid; /* 0: it does not run */
    unsigned mode, seed, members;
    unsigned member[DETECT_TOGETHER]; /* rows of detection.defect */
    uint64_t cap;
};

/* --- detect_group.c: what is to be run; the same for the same table, however many processes at once */
struct detect_plan {
    struct detect_run *run; /* the caller frees it */
    size_t count, room;
};
/* Each fault that is open below `cap`, by itself or in company. false: memory is out. */
bool detect_plan(const struct detection *d, uint64_t cap, bool company, struct detect_plan *plan);
/* The faults of a run that are still open, each by itself. */
bool detect_part(const struct detection *d, const struct detect_run *run, struct detect_plan *plan);
bool detect_is_framework(
    const struct gpup_defect *defect); /* of the suite's framework, a driver of its own */

/* --- detect_run.c */
void detect_measure(struct detection *d); /* everything up to the cap, the table is complete after each run */
void detect_driver(const struct detection *d, const struct detect_run *run, char *out, size_t size);

/* --- detect_table.c */
void detection_print(const struct detection *d, FILE *out);
bool detection_write(const struct detection *d); /* the whole table or the old one, never half of it */
/* Takes over what the table has of this build. */
void detection_read(struct detection *d);

#endif
