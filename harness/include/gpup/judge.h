/*
 * Judge: trace -> findings. It sees events and spec tables, nothing else, so that a verdict can be derived
 * again anywhere from a stored trace.
 *
 * Monitors (harness/judge/monitors) are state machines over events; each rule belongs to exactly one (the
 * `monitor` key of its entry in specs/rules). A monitor says, with the event at hand, "rule checked" or "rule
 * violated because". The judge grades: level MUST -> FAIL, SHOULD -> WARN, MAY and ASSUMED -> POLICY; then
 * the program's weakest class so far caps: robustness at WARN, policy at POLICY, except rules of memory
 * outside the caller's buffers and of effects on other VFs, which stay what they are after a robustness step.
 *
 * One judge serves one program; gpup_judge_reset makes it ready for the next. All memory is allocated in
 * gpup_judge_new and on growth of models; no globals; one thread at a time.
 */
#ifndef GPUP_JUDGE_H
#define GPUP_JUDGE_H

#include <gpup/spec.h>
#include <gpup/trace.h>

enum gpup_verdict {
    GPUP_PASS,
    GPUP_FAIL,
    GPUP_WARN,
    GPUP_POLICY_FINDING,
    GPUP_NOT_APPLICABLE, /* the implementation does not advertise what the rule is about */
    GPUP_NOT_OBSERVABLE, /* an observer the rule needs is missing */
    GPUP_NOT_EXERCISED,  /* nothing in the programs touched it */
    GPUP_NOT_COVERED,    /* no monitor */
    GPUP_VERDICTS
};
const char *gpup_verdict_name(unsigned verdict); /* "PASS" ... */

/* Why a rule is not PASS (enumerated, printed): */
enum gpup_reason {
    GPUP_REASON_NONE,
    GPUP_REASON_VIOLATED, /* a finding says how */
    GPUP_REASON_NOT_ADVERTISED,
    GPUP_REASON_NO_OBSERVER, /* detail: the missing observer bits */
    GPUP_REASON_NO_PROGRAM,  /* no program touched it */
    GPUP_REASON_NO_MONITOR,
    GPUP_REASON_BEYOND, /* no black-box test can judge it: gpup_rule.beyond says why */
    GPUP_REASONS
};
const char *gpup_reason_name(unsigned reason);
/* Verdict and reason of a rule that nothing has judged yet. */
void gpup_rule_unjudged(unsigned rule, uint8_t *verdict, uint8_t *reason);

struct gpup_finding {
    uint16_t rule;   /* row of gpup_rules */
    uint16_t ddi;    /* row of gpup_ddis of the call at hand, or GPUP_SPEC_NONE */
    uint8_t verdict; /* GPUP_FAIL, GPUP_WARN or GPUP_POLICY_FINDING */
    uint8_t class;   /* enum gpup_class that held */
    uint8_t host;
    uint32_t vf;    /* or GPUP_PF */
    uint32_t step;  /* or GPUP_NO_STEP */
    uint32_t event; /* number of the event in the trace, from 0 */
    uint32_t key;   /* hash of (rule, ddi, state, cause): equal findings have equal keys */
    char text[200]; /* what was expected and what was seen, one sentence */
    /* Where in the implementation, as the event at hand tells it; no verdict and no key rests on it. */
    struct gpup_places places;
    char *where; /* the same in words, a line each; of results (gpup/runner.h), whose it is. NULL: not told */
};

struct gpup_rule_result {
    uint32_t checks; /* times the rule was judged, violated or not */
    uint32_t violations;
    uint8_t verdict; /* worst of this program */
    uint8_t reason;
    uint32_t detail; /* observer bits with GPUP_REASON_NO_OBSERVER; GPUP_DETAIL_UNUSED */
};
#define GPUP_DETAIL_UNUSED                                                                                   \
    1u /* NOT_APPLICABLE: offered, and the implementation was seen to do without it                          \
        */

struct gpup_judge;
struct gpup_judge *gpup_judge_new(void); /* NULL: out of memory */
/* The same in memory of the caller, who may copy it away and back at any time between two events: a judge of
 * a started world. What models grow by comes from there too. alloc gives zeroed memory; nothing is given
 * back, and gpup_judge_free is not called. */
struct gpup_judge *gpup_judge_new_in(void *(*alloc)(void *context, size_t size), void *context);
void gpup_judge_free(struct gpup_judge *judge);
void gpup_judge_reset(struct gpup_judge *judge);

/* Feed every event in order, then end. After `end` results are final. An event of a kind this build does not
 * know is passed over. */
void gpup_judge_event(struct gpup_judge *judge, const struct gpup_event *event);
void gpup_judge_end(struct gpup_judge *judge);

/* Findings in the order they were made (of a rule violated often, the first four and any that is worse), and
 * one result per rule (gpup_spec_counts.rules rows). */
size_t gpup_judge_findings(const struct gpup_judge *judge, const struct gpup_finding **findings);
/* What the implementation was seen to offer (capabilities and tables, as bits), and whether a rule is about
 * some of that: worlds of one run differ, and a rule that one of them offers is not inapplicable because
 * another does not. */
uint32_t gpup_judge_offers(const struct gpup_judge *judge);
bool gpup_rule_offered(unsigned rule, uint32_t offers);
const struct gpup_rule_result *gpup_judge_results(const struct gpup_judge *judge);
/* Out of memory or more findings than kept: the program's outcome is ERROR. */
bool gpup_judge_overflowed(const struct gpup_judge *judge);

#endif
