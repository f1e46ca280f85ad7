/* A scenario played on the driver with the recorder in it: what the world saw, and what the recorder wrote.
 */
#ifndef GPUP_TESTS_PLAYED_H
#define GPUP_TESTS_PLAYED_H

#include "pair.h"
#include <gpup/binding.h>
#include <gpup/judge.h>
#include <gpup/program.h>

struct played {
    struct pair_side world, recorder;
    struct gpup_judge *full, *seen; /* of the world's trace, of the recorder's; ended */
    bool damaged;                   /* a record that does not decode */
    unsigned records, headers, ends;
    bool died;                    /* a fault, hang or bug check */
    struct gpup_trace_buffer raw; /* the recorder's bytes of host 0 as they came */
    bool together;                /* calls of several threads: their order is seen elsewhere */
    uint8_t host;                 /* whose driver runs */
    unsigned refuse_from, refuse; /* records that are not taken */
    uint64_t lost;                /* as LOST events tell */
};

/* `known` names nothing: the driver is a shared object. */
bool played_begin(struct played *played);
bool played_run(struct played *played, const struct gpup_binding *driver, const struct gpup_program *program);
void played_end(struct played *played);

/* Steps that a recorder meets: what an OS does. */
bool played_is_legal(const struct gpup_program *program);

#endif
