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
    struct gpup_step *block; /* scratch of options.max_steps steps */
};

uint64_t mutate_random(struct gpup_mutator *m);
uint32_t mutate_below(struct gpup_mutator *m, uint32_t limit); /* limit 0: 0 */
/* One field of a step gets another value that its kind allows. */
void mutate_field(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step);
/* A new step: legal where the machines stand, or with options.negative sometimes one that is not. */
void mutate_new_step(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *step);
void mutate_world(struct gpup_mutator *m, struct gpup_world_config *world);

#endif
