/*
 * Runner: many programs against one implementation, each result safe whatever the implementation does.
 *
 * The implementation is loaded only in worker processes. A worker streams every event over a pipe before it
 * makes a call; the parent judges what it reads, so that a driver that crashes, hangs or scribbles over its
 * process loses nothing but its own program. A worker runs a batch of programs; a program that ends badly is
 * run again alone in a fresh process, and that result stands, so that no result depends on what ran before it
 * or beside it.
 *
 * Results are equal for any number of jobs, order, sharding and resumption; only `wall_ms` differs.
 * Threads: one run at a time per process (it forks and waits).
 */
#ifndef GPUP_RUNNER_H
#define GPUP_RUNNER_H

#include <gpup/binding.h>
#include <gpup/judge.h>
#include <gpup/program.h>

struct gpup_run_program {
    const char *name; /* e.g. "msix/program-all"; unique */
    struct gpup_program program;
};

struct gpup_program_result {
    char *name;
    bool done;           /* false: not run (another shard, or interrupted) */
    uint8_t outcome;     /* enum gpup_outcome */
    uint8_t class;       /* weakest class of its steps, as far as it came */
    char *why;           /* of ERROR, TIMEOUT, CRASH, SKIPPED: one line; else NULL */
    uint16_t ddi;        /* of the call that did not come back, or GPUP_SPEC_NONE */
    uint32_t step;       /* last step begun, or GPUP_NO_STEP */
    uint64_t trace_hash; /* of the encoded events */
    uint64_t events, calls;
    uint32_t offers; /* gpup_judge_offers */
    uint32_t wall_ms;
    struct gpup_rule_result *rules; /* gpup_spec_counts.rules rows */
    struct gpup_finding *findings;
    size_t finding_count;
};

struct gpup_results {
    char implementation[256];
    char implementation_hash[17]; /* of the file's bytes, or of the tool itself for a bundled one */
    char profile[16];
    char select[128];
    uint64_t seed;
    bool seeded;
    struct gpup_program_result *programs; /* sorted by name */
    size_t program_count;
};
void gpup_results_free(struct gpup_results *results);

/* One rule over all programs. */
struct gpup_rule_summary {
    uint8_t verdict, reason;
    uint8_t rank; /* of the verdict among those of the programs */
    uint32_t detail;
    uint64_t checks, violations;
    uint32_t programs;                /* that judged it */
    const struct gpup_finding *first; /* of the worst verdict, in program order; NULL none */
    const char *first_program;
};
/* rows: gpup_spec_counts.rules elements of the caller. */
void gpup_results_summarise(const struct gpup_results *results, struct gpup_rule_summary *rows);

struct gpup_run_options {
    const char *implementation; /* as gpup_binding_open takes it */
    const char *label;          /* what results call it; NULL: the same */
    const struct gpup_static_implementation *known;
    const struct gpup_run_program *programs;
    size_t program_count;
    const char *profile, *select;
    uint64_t seed;
    bool seeded;      /* seed given: replaces the programs' own, with one made from it and the name */
    const char *name; /* of the program of gpup_run_one; NULL: "program" */
    unsigned jobs;    /* worker processes, at least 1 */
    unsigned shard_index, shard_count; /* 1-based; 1/1: everything */
    unsigned batch;                    /* programs per process, 0: default */
    uint32_t timeout_ms;               /* wall clock per program, the last resort; 0: default */
    const char *out;                   /* directory, made if needed; NULL: nothing is written */
    bool resume;                       /* keep what the journal in `out` has */
    bool all_traces;                   /* traces of all programs, not of failures only */
    bool reverse;                      /* run in reversed order (for tests of independence) */
    bool once; /* do not run each program a second time with other fills (TWIN event) */
    /* Asked after each program; true ends the run early: what is not done then is not in the results. */
    bool (*enough)(void *context, const struct gpup_program_result *last);
    void (*progress)(void *context, size_t done, size_t total, const struct gpup_program_result *last);
    void *context;
};

/* Exit status so far: 0, 2 (unusable options or journal), 3 (the implementation could not be loaded, or the
 * suite failed); message says why. Results are valid after 0 and released with gpup_results_free. */
int gpup_run(const struct gpup_run_options *options, struct gpup_results *results, char *message,
             size_t message_size);

/* Runs one program in a worker and hands every event to the sink as well (replay, shrink). 0 or 3. */
int gpup_run_one(const struct gpup_run_options *options, const struct gpup_program *program,
                 const struct gpup_trace_sink *sink, struct gpup_program_result *result, char *message,
                 size_t message_size);
void gpup_program_result_free(struct gpup_program_result *result);

/* Journal: DIR/events.jsonl. Adds its programs to results (made empty before the first). 0, or 2 with
 * `file:line: ...`. allow_cut: a last line without its end is dropped instead (it was being written). */
int gpup_journal_read(const char *directory, bool allow_cut, struct gpup_results *results, char *message,
                      size_t message_size);
int gpup_journal_create(const char *directory, const struct gpup_results *header, char *message,
                        size_t message_size);
bool gpup_journal_append(const char *directory, const struct gpup_program_result *result);
void gpup_results_sort(struct gpup_results *results);

#endif
