/* What of a world's trace a recorder in the driver would have seen. */
#ifndef GPUP_TESTS_FILTER_H
#define GPUP_TESTS_FILTER_H

#include <gpup/spec.h>
#include <gpup/trace.h>

/* The observer that an event comes from; 0: the calls themselves. */
uint32_t filter_observer(const struct gpup_event *event);
/* Makes the event what it is where only these observers are there; false: it is not seen at all. */
bool filter_keep(struct gpup_event *event, uint32_t observers);

#endif
