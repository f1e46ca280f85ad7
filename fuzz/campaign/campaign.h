/*
 * Campaigns: the engines run as processes on one corpus; this program starts them, watches, sorts what they
 * found.
 *
 * A campaign folder:
 *   corpus/               inputs, shared by the engines          afl/       AFL++'s own folders
 *   raw/RULE-KEY          programs of findings as they were met  crashes/   inputs that ended a process
 *   findings/RULE-KEY/    program.yaml, program, repro.c, page.md: shrunk, as people read them
 *   known.txt             findings that are known, one a line
 *   log/                  what the engines printed
 *   summary.md            the outcome; rules.md, findings.md, states.svg, states.txt are its parts
 */
#ifndef GPUP_FUZZ_CAMPAIGN_H
#define GPUP_FUZZ_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#define PATH_ROOM 4096u
#define MAX_WORKERS 64u
#define MAX_INPUT "1024" /* bytes of a measured campaign; others: max_input */

struct options {
    const char *label; /* what the user called the implementation */
    char implementation[PATH_ROOM];
    char tools[PATH_ROOM - 64]; /* folder of this program: targets, mutator, seeds */
    char out[PATH_ROOM - 512];
    const char *known;   /* file of known findings, or NULL */
    const char *oracles; /* words of fuzz_oracles_parse, or NULL: what a target does by itself */
    const char *target;
    bool libfuzzer, afl, negative, strict, resume, forever, quiet;
    uint64_t seconds, runs, cap_mib, seed;
    time_t began;  /* of this run */
    bool replayed; /* all that was found before was run again */
    unsigned jobs;
};

/* --- what options say (main.c); false: neither a number but 0 nor 90, 90s, 10m, 8h */
bool option_number(const char *text, uint64_t *out);
bool option_duration(const char *text, uint64_t *seconds);

/* --- folders and files (files.c) */
bool folder(const char *format, ...) __attribute__((format(printf, 1, 2))); /* made, with those above it */
char *read_file(const char *path, size_t *size);                            /* malloc'ed, ends with 0; NULL */
/* What cannot be written is told, once. */
bool write_file(const char *path, const void *bytes, size_t size);
void tell_unwritable(const char *path); /* why: errno */
bool anything_unwritten(void);
/* Names in a folder without those that begin with a dot, sorted; the caller frees with free_names. */
size_t list_names(const char *path, char ***names);
void free_names(char **names, size_t count);
uint64_t folder_size(const char *path, size_t *files);
/* Those not there yet that are `wanted` (NULL: all). */
size_t copy_files(const char *from, const char *to, const char *prefix, bool (*wanted)(const char *name));
void empty_folder(const char *path); /* files only */
void remove_tree(const char *path);

/* --- processes (worker.c) */
struct worker {
    pid_t pid;
    bool afl, ended;
    unsigned index, lives, barren; /* barren: lives in a row that did next to nothing */
    uint64_t before, now;          /* executions of earlier lives; of this one */
    unsigned covered, features;    /* as the engine counts */
};
bool worker_start(const struct options *o, struct worker *w, uint64_t seconds, uint64_t runs);
void worker_look(const struct options *o, struct worker *w); /* reads its figures */
void worker_stop(struct worker *w);
/* Runs argv to its end, or until `over` says that it is not to be waited for; output to a log. Exit status,
 * or 128 + signal, or -1. */
int run_tool(const char *log, char *const argv[], bool (*over)(void));
bool takes_programs(const struct options *o);   /* its target: load.c */
const char *max_input(const struct options *o); /* bytes; fuzz/oss-fuzz/build.sh has the same */
void set_target_environment(const struct options *o, bool quiet);

/* --- phases */
bool campaign_lock(const struct options *o);  /* state.c; false: another runs there, which was said */
int campaign_run(struct options *o);          /* campaign.c: exit status */
void campaign_heed_signals(void);             /* SIGINT, SIGTERM, SIGHUP ask it to end soon */
bool campaign_stopped(void);                  /* asked once: what looks for more ends */
bool campaign_hurried(void);                  /* asked twice: what remains is left as it is */
int regression_load(const struct options *o); /* 2, 3: the implementation cannot be fuzzed, which was said */
/* What was found before, once more. */
struct replayed {
    int bad;    /* inputs that ended a process */
    bool whole; /* none was left out */
};
struct replayed regression_replay(const struct options *o);
void oracle_replay(const struct options *o); /* the corpus, each input asked by all oracles */
void minimise(const struct options *o);      /* corpus by afl-cmin where it is, and libFuzzer's -merge=1 */
/* What was found, sorted. */
struct sorted {
    unsigned fresh, known, rules; /* findings; rules with a new one */
    unsigned fixed;               /* known once, replayed, and not shown */
    char best[280];               /* the new one with the smallest program */
};
void triage(const struct options *o, struct sorted *sorted);
/* One finding RULE-KEY, shrunk and written to findings/ of the options. */
bool triage_one(const struct options *o, const char *name, const char *source);
void draw_states(const struct options *o);                             /* states.txt, states.svg: picture.c */
int detect(int argc, char **argv, struct options *o);                  /* detect.c: exit status */
int speed(const struct options *o);                                    /* speed.c: exit status */
int images(struct options *o, const char *plain, const char *counted); /* images.c: exit status */

/* How a campaign went. */
struct course {
    const struct worker *worker;
    unsigned workers;
    uint64_t seconds, all_seconds, all_executions; /* of this run; of all */
    struct replayed replayed;
    bool interrupted; /* by a signal */
};
/* The line that replays a program without fuzzing. */
void tell_replay(FILE *out, const struct options *o, const char *program);
/* summary.md, and its outcome on the standard output. */
void summarise(const struct options *o, const struct course *course, const struct sorted *sorted);

#endif
