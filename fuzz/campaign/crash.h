/*
 * What ended a process: told apart as other findings are, by (rule, DDI, state, cause). The rule is CRASH,
 * DDI and state are those of the call that was going on, and the cause is the kind of report with the top
 * frames of its stack inside the implementation, as offsets in its image: the same wherever it was loaded.
 */
#ifndef GPUP_FUZZ_CRASH_H
#define GPUP_FUZZ_CRASH_H

#include "campaign.h"

struct crash {
    uint32_t key;   /* of all four */
    uint32_t cause; /* alone: what must stay while a program shrinks */
    char text[256]; /* the kind, where it was, the top frame */
    bool again;     /* it does so when it is run alone */
    bool hang;      /* it did not end, and was ended */
};

/* From what a sanitizer printed, addresses as offsets (symbolize=0); `image`: path of the implementation.
 * Frames elsewhere count when none lies in it. false: no report is in it. */
bool crash_read(const char *report, const char *image, struct crash *crash);

/* Gives the input to the target once more, in a process of its own. false: it did not end that. */
bool crash_again(const struct options *o, const char *input, struct crash *crash);

#endif
