/*
 * report.html: one file for people, without network and without a framework.
 *
 * template.html is the page; each {{name}} in it is a part (page.c has their table). Text from outside goes
 * through put(), and nothing else does. A part works with what is there: a journal that was cut, no traces.
 */
#ifndef GPUP_REPORTS_HTML_H
#define GPUP_REPORTS_HTML_H

#include "../text.h"

#include <gpup/machine.h>
#include <gpup/reports.h>

/* The page may be opened on a phone: what would make it larger is left out, and said. */
#define PAGE_TIMELINE_BYTES (1000u << 10) /* of all timelines */
#define PAGE_TIMELINE_ROWS 400u           /* of one */

/* A transition of a machine, from one of its states: how often a call took it. */
#define COVERAGE_TRANSITIONS 64u
struct coverage {
    uint32_t taken[GPUP_MACHINE_MAX][COVERAGE_TRANSITIONS][GPUP_MACHINE_STATES_MAX];
    size_t traces, programs; /* stored ones, of so many */
};

/* How long a VF stood still in a migration: from its pause on the source to its power on the target. */
struct blackout {
    const char *program;
    uint64_t reserve, page; /* bytes */
    uint64_t copied;        /* bytes that the host paged out meanwhile */
    uint64_t before;        /* and before, while the VF ran */
    uint64_t driver_ns;     /* in calls of the driver, on the simulated clock */
};

struct page {
    const struct gpup_report *report;
    FILE *out;
    struct coverage *coverage;
    struct blackout *blackouts;
    size_t blackout_count;
    bool failed; /* out of memory */
};

/* Escaped, on one line, at most TEXT_LIMIT bytes. */
static inline void put(FILE *out, const char *text) {
    text_put(out, TEXT_XML, text);
}
/* Call stacks, a line each. NULL: none. */
static inline void put_lines(FILE *out, const char *lines) {
    text_put_lines(out, TEXT_XML, lines, "<br><code class=\"stack\">", "</code>");
}
void put_bytes(FILE *out, const void *text, size_t size); /* the same of text without a terminating zero */
/* A link where the address is one of the web, else the text alone. */
void put_link(FILE *out, const char *url, const char *text);
void put_rule(FILE *out, unsigned rule);             /* its id, linked to its card */
void put_program_id(FILE *out, const char *program); /* the id of its timeline, as an attribute's value */
void put_where(FILE *out,
               const struct gpup_rule_summary *summary);        /* of its first finding: program and step */
const char *verdict_class(const struct page *p, unsigned rule); /* CSS */
const char *standing_name(enum gpup_standing standing);         /* CSS and filter */

/* The trace of a program, if it is stored and is the one that the journal speaks of. free() it. */
uint8_t *trace_load(const struct page *p, const struct gpup_program_result *program, size_t *size);

/* Follows the state machines through a trace. */
#define FOLLOW_CALLS 8u
struct follow_call {
    uint64_t number, begin_ns, a[GPUP_DDI_ARGUMENTS_MAX];
    uint16_t ddi;
    bool open;
};
struct follow {
    struct gpup_machine_state at[2];
    uint64_t basis[2][GPUP_MACHINE_SLOTS]; /* object of the handle */
    struct follow_call call[2][FOLLOW_CALLS];
};
/* A call that came back. */
struct follow_return {
    struct follow_call call;
    struct gpup_machine_state before;
    uint32_t vf, basis; /* slots, or GPUP_SLOT_NONE */
    bool success;
};
void follow_begin(struct follow *f);
/* true: the event is the return of a call that is known, and *out tells it. */
bool follow_event(struct follow *f, const struct gpup_event *e, struct follow_return *out);
/* Slot of a machine that the call speaks of. */
uint32_t follow_slot(const struct follow_return *r, unsigned machine);
void coverage_add(struct coverage *coverage, const struct follow_return *r);

/* Reads every stored trace once: coverage and blackouts. */
void survey(struct page *p);

/* Looks for migrations in a trace. */
struct blackout_watch {
    struct blackout seen;
    uint64_t paged;
    uint32_t vf;
    uint8_t host;
    bool paused, restored;
};
void blackout_begin(struct blackout_watch *watch, const char *program);
/* r: the call that came back with this event, or NULL. true: a migration is complete; keep it. */
bool blackout_event(struct blackout_watch *watch, const struct gpup_event *e, const struct follow_return *r);
void blackout_keep(struct page *p, const struct blackout_watch *watch);

/* What an observer showed before and after. */
struct readings;
struct readings *readings_new(void);
void readings_free(struct readings *readings);
/* true: the event is a reading; a line is written when it differs from the one before. */
bool readings_event(struct readings *readings, const struct gpup_event *e, FILE *out);

/* One program as a list. false: out of memory. */
bool timeline_write(const struct page *p, const struct gpup_program_result *program, FILE *out);
/* What happened inside a call, in words. false: nothing that a reader misses. */
bool event_tell(FILE *out, const struct gpup_event *e);

/* The parts. */
void part_title(struct page *p);
void part_verdict(struct page *p);
void part_areas(struct page *p);
void part_findings(struct page *p);
void part_filter(struct page *p);
void part_rules(struct page *p);
void part_programs(struct page *p);
void part_machines(struct page *p);
void part_gaps(struct page *p);
void part_code(struct page *p);
void part_compare(struct page *p);
void part_blackout(struct page *p);
void part_about(struct page *p);

/* Made from the files of this folder when it is built (embed.c). */
extern const char html_template[], html_style[], html_script[];
extern const char html_style_hash[], html_script_hash[]; /* as a Content-Security-Policy has them */

#endif
