/* The shrinker's passes. Each leaves `program` at the smallest it found and keeps to the budget of tries. */
#ifndef GPUP_PROGRAM_SHRINK_H
#define GPUP_PROGRAM_SHRINK_H

#include "kinds.h"

struct gpup_shrink {
    struct gpup_program *program; /* the best so far */
    struct gpup_step *spare;      /* room for as many steps as the program had at the start */
    bool (*keeps)(void *context, const struct gpup_program *candidate);
    void *context;
    size_t tries, max_tries;
    bool changed; /* something got smaller */
};

/* Asks about the best with another world or with its steps changed in place; the caller undoes what was not
 * kept. */
bool gpup_shrink_ask(struct gpup_shrink *shrink);
void gpup_shrink_fields(struct gpup_shrink *shrink);
void gpup_shrink_world(struct gpup_shrink *shrink);

#endif
