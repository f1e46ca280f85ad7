/* What the commands of gpup-cts share. Each command is one function that returns the exit status of the
 * program. */
#ifndef GPUP_TOOL_H
#define GPUP_TOOL_H

#include <gpup/files.h>
#include <gpup/reports.h>
#include <gpup/runner.h>

struct options {
    const char *words[128]; /* arguments that are no options */
    unsigned word_count;
    const char *profile, *select, *out, *expect, *baseline, *sign, *key;
    uint64_t seed;
    unsigned jobs, shard_index, shard_count, timeout_ms;
    bool seeded, resume, all_traces, strict, json, reverse;
    struct gpup_given_files files; /* of --file */
};

/* false: a message is printed; exit with 2. */
bool options_parse(struct options *options, const char *command, int argc, char **argv);

struct implementation {
    char path[4096]; /* for gpup_binding_open */
    char label[256]; /* what the user called it */
};
/* `reference` by default; `reference:DEFECT` stands in an object of its own beside the tool. */
void implementation_resolve(struct implementation *out, const char *name);
const struct gpup_static_implementation *implementation_known(void);

/* A bundled program by name, or a file (YAML, or binary). false: a message is printed. */
bool program_open(const char *name, struct gpup_program *program);

/* A whole file, malloc'ed; NULL: a message is printed. */
uint8_t *file_read(const char *path, size_t *size);

/* Where traces are, and what was there before. */
struct report_sources {
    const char *const *evidence; /* directories with traces/ */
    size_t evidence_count;
    char *last; /* text of an earlier results.json, or NULL; the caller's */
    char *
        code; /* text of coverage/summary.json in the directory that is written into, or NULL; the caller's */
};
/* Files into directory (NULL: none), then the console or the JSON; exit status. */
int report_results(const struct gpup_results *results, const struct options *options, const char *directory,
                   const struct report_sources *sources);
/* Text of DIRECTORY/results.json, malloc'ed; NULL: there is none. */
char *results_before(const char *directory);
/* The same of coverage/summary.json. */
char *coverage_of(const char *directory);

struct gpup_scenario;
bool in_profile(const struct gpup_scenario *scenario, const char *profile); /* of a run */
int command_run(const struct options *options);
int command_list(const struct options *options);
int list_imports(const struct options *options); /* `list imports FILE` */
int list_blocks(const struct options *options);  /* `list blocks FILE` */
int command_image_coverage(const struct options *options);
int command_replay(const struct options *options);
int command_shrink(const struct options *options);
int command_check(const struct options *options);
int command_report(const struct options *options);
int command_package(const struct options *options);
int command_verify(const struct options *options);
int command_keygen(const struct options *options);
int command_compare(const struct options *options);
int command_bench(const struct options *options);

/* One message on stderr, prefixed with the program's name; returns 2. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
