/* What the files of the mutator share. */
#ifndef GPUP_PROGRAM_MUTATE_H
#define GPUP_PROGRAM_MUTATE_H

#include "steer.h"
#include <gpup/mutate.h>

struct gpup_mutator {
    struct gpup_mutator_options options;
    struct steer steer;
    uint64_t random;
    uint32_t focus_vf; /* of most new steps */
    uint8_t focus_host;
    uint16_t focus_op;       /* an operation near by; GPUP_OPS: none */
    bool story;              /* all new steps are about it */
    uint8_t onward;          /* so many of 8 new steps take a machine to a new state */
    struct gpup_step *block; /* scratch of options.max_steps steps */
};

uint64_t mutate_random(struct gpup_mutator *m);
uint32_t mutate_below(struct gpup_mutator *m, uint32_t limit); /* limit 0: 0 */
/* One field of a step gets another value that its kind allows. */
void mutate_field(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step);
/* A new step: legal where the machines stand, or `negative`: one that the OS never makes there. */
void mutate_new_step(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step,
                     bool negative);
/* Any operation, as often as it is worth. */
unsigned mutate_op(struct gpup_mutator *m);
/* The two operations look at the same state. */
bool mutate_related(unsigned a, unsigned b);
void mutate_world(struct gpup_mutator *m, struct gpup_world_config *world);

#endif
