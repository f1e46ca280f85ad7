/*
 * The scenarios against one faulty build, until a rule speaks that is expected to.
 *
 * What the programs judge is learnt once from the sound build, so that a fault needs only the programs that
 * judge the rules it is tied to. One process per run, programs in the order of their names: the result is the
 * same every time.
 */
#ifndef GPUP_TESTS_CAMPAIGN_H
#define GPUP_TESTS_CAMPAIGN_H

#include <gpup/runner.h>
#include <gpup/spec_ids.h>

struct campaign {
    struct gpup_run_program *programs;
    size_t count;
    bool *judges; /* [program][rule]: judged on the sound build */
    bool *passes; /* [rule]: passed on the sound build */
};

struct kill {
    uint16_t first;    /* rule of the first finding, GPUP_SPEC_NONE: none */
    bool tied;         /* that rule is one the fault is tied to */
    bool later;        /* a tied rule spoke after another one */
    bool died;         /* a program crashed, hung or could not be judged */
    bool unjudged;     /* `first` was not violated, but no longer judged: the run does not pass */
    unsigned rules;    /* that have findings up to and with the program of the first tied one */
    char program[128]; /* of the first finding, or the one that died */
};

/* sound: the implementation without a fault. false: it cannot be run, or it has findings itself (printed). */
bool campaign_open(struct campaign *campaign, const char *sound);
void campaign_close(struct campaign *campaign);

/* defect: stops at the first finding of a rule tied to it, and runs only programs that judge one of these;
 * NULL: all programs, stops at the first finding of any rule, crash or hang; without one, a MUST rule of the
 * driver that passes on the sound build has to pass here too, or not to apply. false: it could not be run;
 * message says why. */
bool campaign_run(const struct campaign *campaign, const char *implementation,
                  const struct gpup_defect *defect, struct kill *kill, char *message, size_t message_size);

#endif
