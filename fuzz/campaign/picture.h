/* What the corpus of a campaign does to the machines of the specification: a grid of states and calls. */
#ifndef GPUP_FUZZ_PICTURE_H
#define GPUP_FUZZ_PICTURE_H

#include "states.h"

#include <gpup/spec_ids.h>

#include <stdio.h>

struct cell {
    uint32_t succeeded, failed;
};
struct picture {
    struct fuzz_states follow;
    uint8_t counters[FUZZ_STATES];
    struct cell cell[GPUP_MACHINE_MAX][GPUP_MACHINE_STATES_MAX][GPUP_DDI_COUNT];
};

/* A machine has a transition for this call from this state. */
bool picture_expects(unsigned machine, unsigned state, uint16_t ddi);
/* The call was made somewhere, or a machine expects it. */
bool picture_has_row(const struct picture *p, uint16_t ddi);
void picture_svg(FILE *out, const struct picture *p, const char *title); /* svg.c */

#endif
