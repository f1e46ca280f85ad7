/* One finding, from the program as it was met to what people read. */
#ifndef GPUP_FUZZ_TRIAGE_H
#define GPUP_FUZZ_TRIAGE_H

#include "campaign.h"
#include "engine.h"

/* What must stay while a program shrinks. */
struct goal {
    struct fuzz_engine *engine; /* NULL: memory damage or a hang, each try in a process of its own */
    struct fuzz_engine *dying;  /* for those tries; NULL: in the world of a C form */
    const struct gpup_implementation *implementation;
    struct gpup_image *image; /* of it, as it was loaded */
    char rule[24];
    uint32_t key;
    bool alone; /* the world that a C form makes gives this rule first, too */
    bool after; /* the finding is made when the steps are over */
    bool hangs; /* no end is what it is about */
    time_t began;
};

bool goal_kept(void *goal, const struct gpup_program *candidate);
/* The program is made small; false: it does not do what it was kept for. */
bool goal_shrink(struct goal *goal, struct gpup_program *program);

/* Shrunk and written to findings/NAME, in a process of its own. crash: what ended a process, NULL: a rule's
 * finding. false: as it was met. */
struct crash;
bool finding_write(const struct options *o, const char *name, const char *source, const struct crash *crash);

/* program, program.yaml, repro.c, page.md in the folder. text: what was seen. */
bool page_write(const struct options *o, const char *folder, const struct goal *goal,
                const struct gpup_program *program, const char *text);

#endif
