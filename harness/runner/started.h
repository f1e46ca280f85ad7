/* How the start of an adapter went, from its events: what to say of a program for which there was none. */
#ifndef GPUP_RUNNER_STARTED_H
#define GPUP_RUNNER_STARTED_H

#include <gpup/trace.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero to begin with. The first call that kept an adapter from starting stays. */
struct started {
    bool failed;     /* what follows is of such a call */
    uint16_t ddi;    /* GPUP_DDI_ */
    uint32_t status; /* that it returned */
    bool enrolled;   /* DxgkInitialize came before it */
    uint32_t answer; /* and returned this */
};

void started_follow(struct started *started, const struct gpup_event *event);
/* "the adapter did not start", and why if a call tells. */
void started_words(const struct started *started, char *text, size_t size);
/* What to do about a call of an import ("module!name") that is not played, as ": words". "": nothing known.
 */
const char *started_advice(const char *import, size_t length);

#endif
