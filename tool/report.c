/* Results of stored journals; the shards of one run become one result. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool same_run(const struct gpup_results *a, const struct gpup_results *b) {
    return strcmp(a->implementation_hash, b->implementation_hash) == 0 &&
           strcmp(a->implementation, b->implementation) == 0 && strcmp(a->profile, b->profile) == 0 &&
           strcmp(a->select, b->select) == 0 && a->seed == b->seed && a->seeded == b->seeded &&
           strcmp(a->files, b->files) == 0;
}

/* A journal whose last line was being written when the run ended tells what stands before it. It is left as
 * it is. */
static int read_journal(const char *directory, struct gpup_results *results) {
    char path[4096], message[1024];
    size_t length = 0;
    snprintf(path, sizeof path, "%s/events.jsonl", directory);
    char *text = (char *)file_read(path, &length);
    if (!text)
        return 2;
    if (length && text[length - 1] != '\n')
        fprintf(stderr,
                "gpup-cts: %s: the last line is cut short and left out; `run --resume` completes the run\n",
                path);
    int status = gpup_journal_parse(text, length, path, true, results, message, sizeof message);
    if (status != 0)
        usage_error("%s", message);
    free(text);
    return status;
}

/* A directory alone is written into; what was in it before came from the same journal. */
static int report_words(const struct gpup_results *results, const struct options *o) {
    const char *out = o->out ? o->out : o->word_count == 1 ? o->words[0] : NULL;
    struct report_sources sources = {o->words, o->word_count, results_before(o->baseline), coverage_of(out)};
    int status = report_results(results, o, out, &sources);
    free(sources.last);
    free(sources.code);
    return status;
}

int command_report(const struct options *o) {
    struct gpup_results results = {0}, first = {0};
    if (o->word_count < 1)
        return usage_error("report: expected a directory with events.jsonl");
    int status = 0;
    for (unsigned i = 0; status == 0 && i < o->word_count; i++) {
        status = read_journal(o->words[i], &results);
        if (status == 0 && i == 0) {
            first = results;
        } else if (status == 0 && !same_run(&first, &results)) {
            status = usage_error(
                "%s: belongs to another run than %s (implementation, profile, selection or seed differ)",
                o->words[i], o->words[0]);
        }
    }
    if (status == 0 && o->out && mkdir(o->out, 0777) != 0 && errno != EEXIST)
        status = usage_error("%s: cannot be made: %s", o->out, strerror(errno));
    gpup_results_sort(&results);
    if (status == 0)
        status = report_words(&results, o);
    gpup_results_free(&results);
    return status;
}
