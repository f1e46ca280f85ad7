/* One finding, from the program as it was met to what people read. */
#ifndef GPUP_FUZZ_TRIAGE_H
#define GPUP_FUZZ_TRIAGE_H

#include "campaign.h"
#include "engine.h"

/* What must stay while a program shrinks. */
struct goal {
    struct fuzz_engine *engine; /* NULL: memory damage, each try in a process of its own */
    const struct gpup_implementation *implementation;
    struct gpup_image *image; /* of it, as it was loaded */
    char rule[24];
    uint32_t key;
    bool alone; /* the world that a C form makes gives this rule first, too */
    bool after; /* the finding is made when the steps are over */
};

bool goal_kept(void *goal, const struct gpup_program *candidate);
/* The program is made small; false: it does not do what it was kept for. */
bool goal_shrink(struct goal *goal, struct gpup_program *program);

/* program, program.yaml, repro.c, page.md in the folder. text: what was seen. */
bool page_write(const struct options *o, const char *folder, const struct goal *goal,
                const struct gpup_program *program, const char *text);

#endif
