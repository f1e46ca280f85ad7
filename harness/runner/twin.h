/* What a program's calls gave, kept small enough to compare two runs of it. */
#ifndef GPUP_RUNNER_TWIN_H
#define GPUP_RUNNER_TWIN_H

#include <gpup/trace.h>

struct twin_output {
    uint64_t hash;
    uint64_t call;
    uint16_t ddi;
};
#define TWIN_QUERIES 16u /* of QueryAdapterInfo that may be in the driver at once */

struct twin_query {
    uint64_t call;
    uint32_t defined; /* bits of the first four bytes that an answer has to set or clear */
};
struct twin {
    struct twin_output *outputs;
    size_t count, capacity;
    uint64_t varies;                       /* GPUP_VARIES_ bits */
    uint16_t ddi;                          /* of the call at hand */
    uint32_t defined;                      /* and its bits, as in twin_query */
    struct twin_query query[TWIN_QUERIES]; /* by number of the call */
    bool failed;                           /* out of memory */
};
void twin_reset(struct twin *twin);
void twin_free(struct twin *twin);
void twin_event(struct twin *twin, const struct gpup_event *event);
/* true: equal. Else *first is the first output that differs (of `a`, or of `b` where `a` ended). */
bool twin_equal(const struct twin *a, const struct twin *b, struct twin_output *first);

#endif
