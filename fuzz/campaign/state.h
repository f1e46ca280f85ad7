#ifndef GPUP_FUZZ_STATE_H
#define GPUP_FUZZ_STATE_H

#include "campaign.h"

struct memory {
    bool there;
    char target[32], label[PATH_ROOM];
    uint64_t executions, seconds; /* of all runs */
};
void campaign_recall(const struct options *o, struct memory *m);
void campaign_remember(const struct options *o, const struct memory *m);
/* false: not with this target, which was said. */
bool campaign_goes_on(const struct options *o, const struct memory *m);

#endif
