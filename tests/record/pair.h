/* Two traces of one run, the world's and the recorder's, brought to one form and compared. */
#ifndef GPUP_TESTS_PAIR_H
#define GPUP_TESTS_PAIR_H

#include <gpup/trace.h>

#define PAIR_NAMES 4096u

/* Numbers of objects or calls in the order in which they first occur. */
struct pair_names {
    uint64_t from[PAIR_NAMES];
    unsigned count;
};
struct pair_side {
    struct gpup_trace_buffer trace[2]; /* by host, what the recorder would see, in the common form */
    size_t offset[2];
    struct pair_names calls[2], objects[2];
    unsigned events;
};

void pair_begin(struct pair_side *side);
void pair_free(struct pair_side *side);
/* Takes an event as it is; leaves out what says how it was seen rather than what happened. */
void pair_add(struct pair_side *side, const struct gpup_event *event);
/* Numbers start over on that host; what comes is something else than what had them before. */
void pair_renumber(struct pair_side *side, unsigned host);
/* Events that are the same on both sides; a first difference is put into words. */
unsigned pair_compare(const struct pair_side *world, const struct pair_side *recorder, char *text,
                      size_t size);

#endif
