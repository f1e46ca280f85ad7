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
#include <gpup/files.h>
#include <gpup/judge.h>
#include <gpup/program.h>
#include <gpup/symbols.h>

struct gpup_run_program {
    const char *name; /* e.g. "msix/program-all"; unique */
    struct gpup_program program;
};

struct gpup_program_result {
    char *name;
    bool done;            /* false: not run (another shard, or interrupted) */
    uint8_t outcome;      /* enum gpup_outcome */
    uint8_t class;        /* weakest class of its steps, as far as it came */
    char *why;            /* of ERROR, TIMEOUT, CRASH, SKIPPED: one line; else NULL */
    uint16_t ddi;         /* of the call that did not come back, or GPUP_SPEC_NONE */
    uint32_t step;        /* last step begun, or GPUP_NO_STEP */
    uint64_t trace_hash;  /* of the encoded events */
    uint64_t source_hash; /* of the program in its binary form, 0 unknown */
    uint64_t events, calls;
    uint32_t offers; /* gpup_judge_offers */
    uint32_t wall_ms;
    struct gpup_rule_result *rules; /* gpup_spec_counts.rules rows */
    struct gpup_finding *findings;
    size_t finding_count;
};

struct gpup_results {
    char implementation[256];
    char implementation_hash[17];      /* the first half of the next, rounded down to 64 bits */
    char sha256[65];                   /* of the file's bytes, or of the tool itself for a bundled one */
    char build[128];                   /* what the implementation calls its build, "" nothing */
    char tool[64], system[160];        /* that ran it: "gpup-cts 0.1.0", "Linux 6.1.0 x86_64" */
    char started[21];                  /* UTC, "2026-01-31T12:00:00Z" */
    uint32_t shard_index, shard_count; /* 0: not known (an older journal, or several merged) */
    uint32_t planned;                  /* programs of all shards together */
    char plan[17];                     /* hash of their names and what they are */
    char files[17]; /* hash of what was given with --file, names and contents; "" nothing */
    char profile[16];
    char select[128];
    uint64_t seed;
    bool seeded;
    struct gpup_program_result *programs; /* sorted by name */
    size_t program_count;
};
void gpup_results_free(struct gpup_results *results);

/* Programs of a run as one number: equal for equal names and contents, whatever their order. */
struct gpup_plan {
    uint64_t sum;
    uint32_t programs;
};
uint64_t gpup_program_hash(const struct gpup_program *program); /* never 0, unless memory is out */
void gpup_plan_add(struct gpup_plan *plan, const char *name, uint64_t source_hash);
void gpup_plan_print(const struct gpup_plan *plan, char out[17]);

/*
 * The two axes of a verdict: how a program ended (enum gpup_outcome), what was seen of a rule (enum
 * gpup_verdict). What a program that ended in ERROR says of a rule is no evidence, so all its rules are
 * unjudged; every other pair is legal. Over several programs the worst verdict holds, and any judgement is
 * above none: FAIL, WARN, POLICY, PASS, NOT_OBSERVABLE, NOT_APPLICABLE (offered and unused), NOT_EXERCISED
 * (offered), NOT_APPLICABLE, the rest.
 */
bool gpup_pair_legal(unsigned outcome, unsigned verdict);
bool gpup_reason_legal(unsigned verdict, unsigned reason); /* every verdict but PASS has one */
unsigned gpup_verdict_rank(unsigned verdict, uint32_t detail, bool offered);
/* A complete program that judged nothing, and one whose judgement is broken, end in ERROR; what is legal
 * beside an ERROR is left. */
void gpup_program_result_settle(struct gpup_program_result *result, bool broken);

/* One rule over all programs. */
struct gpup_rule_summary {
    uint8_t verdict, reason;
    uint8_t rank; /* of the verdict among those of the programs */
    uint32_t detail;
    uint64_t checks, violations;
    uint32_t programs;                /* that judged it */
    const struct gpup_finding *first; /* the most telling of that verdict: in a step, and soon; or NULL */
    const char *first_program;        /* its program, else the first with that verdict */
};
/* rows: gpup_spec_counts.rules elements of the caller. */
void gpup_results_summarise(const struct gpup_results *results, struct gpup_rule_summary *rows);
/* The same without what `skip` says true of. */
void gpup_results_summarise_but(const struct gpup_results *results, struct gpup_rule_summary *rows,
                                bool (*skip)(const void *context, unsigned rule,
                                             const struct gpup_program_result *program),
                                const void *context);

struct gpup_run_options {
    const char *implementation; /* as gpup_binding_open takes it */
    const char *label;          /* what results call it; NULL: the same */
    const char *tool;           /* name and version of the program that runs it, or NULL */
    const struct gpup_static_implementation *known;
    const struct gpup_run_program *programs;
    size_t program_count;
    const char *profile, *select;
    uint64_t seed;
    bool seeded;      /* seed given: replaces the programs' own, with one made from it and the name */
    const char *name; /* of the program of gpup_run_one; NULL: "program" */
    unsigned jobs;    /* worker processes, at least 1 */
    unsigned shard_index, shard_count;    /* 1-based; 1/1: everything */
    unsigned batch;                       /* programs per process, 0: default */
    uint32_t timeout_ms;                  /* wall clock per program, the last resort; 0: default */
    const char *out;                      /* directory, made if needed; NULL: nothing is written */
    bool resume;                          /* keep what the journal in `out` has */
    bool all_traces;                      /* traces of all programs, not of failures only */
    bool reverse;                         /* run in reversed order (for tests of independence) */
    const struct gpup_given_files *files; /* that the driver finds (files.h), or NULL */
    bool once;                    /* do not run each program a second time with other fills (TWIN event) */
    struct gpup_symbols *symbols; /* names for call stacks in findings; NULL: addresses alone */
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

/* Judges a stored trace as a run would: everything of result but name, why, source_hash and wall_ms. spec:
 * version of the specification that the trace was written with. tap also gets every event, or is NULL. 0, or
 * -1 and the offset of what is damaged or missing. */
int gpup_trace_judge(const void *bytes, size_t size, const struct gpup_trace_sink *tap,
                     struct gpup_program_result *result, char spec[32], char *message, size_t message_size);

/* Journal: DIR/events.jsonl. Adds its programs to results (made empty before the first). 0, or 2 with
 * `file:line: ...`. allow_cut: a last line without its end is dropped instead (it was being written). */
int gpup_journal_read(const char *directory, bool allow_cut, struct gpup_results *results, char *message,
                      size_t message_size);
/* The same of a journal in memory; path stands in messages. */
int gpup_journal_parse(const char *text, size_t size, const char *path, bool allow_cut,
                       struct gpup_results *results, char *message, size_t message_size);
int gpup_journal_create(const char *directory, const struct gpup_results *header, char *message,
                        size_t message_size);
bool gpup_journal_append(const char *directory, const struct gpup_program_result *result);
/* A line with what the implementation calls its build, known when the first worker has loaded it. */
bool gpup_journal_append_build(const char *directory, const char *build);
void gpup_results_sort(struct gpup_results *results);

#endif
