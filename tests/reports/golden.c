/*
 * golden [--accept] DIRECTORY NAME [OUT]: what every writer makes of DIRECTORY/NAME.jsonl, compared with the
 * stored DIRECTORY/NAME/FILE, byte for byte; as it is it also goes to OUT/NAME-FILE. In the stored page
 * @STYLE@ and @SCRIPT@ stand for its own files, which have their hashes in it.
 *
 * In the journal @SPEC@ stands for the version of the specification, @MEGA@ for a megabyte of markup; what is
 * @BAD@ in a name, a reason or a text becomes bytes that are no UTF-8 once the journal is read, as a name on
 * a command line can be. NAME.expect.yaml, if there, is what --expect would be; NAME.baseline/ what
 * --baseline.
 */
#include "html/html.h"

#include <gpup/reports.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TODAY "2026-06-01"
#define MEGA (1u << 20)
#define LARGEST (256u << 10)    /* a document of any of these journals */
#define SPEC "fedcba9876543210" /* in the stored outputs, for the version of the specification */

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    FILE *memory = file ? open_memstream(&text, size) : NULL;
    for (int c; memory && (c = fgetc(file)) != EOF;)
        fputc(c, memory);
    if (memory)
        fclose(memory);
    if (file)
        fclose(file);
    return text;
}

/* The text with every `word` replaced; the old one is freed. */
static char *replaced(char *text, size_t *size, const char *word, const char *by) {
    char *out = NULL;
    FILE *memory = open_memstream(&out, size);
    const char *at = text;
    for (const char *hit; (hit = strstr(at, word)); at = hit + strlen(word)) {
        fwrite(at, 1, (size_t)(hit - at), memory);
        fputs(by, memory);
    }
    fputs(at, memory);
    fclose(memory);
    free(text);
    return out;
}

static char *megabyte(void) {
    static const char piece[] = "<b onload='x'>&amp;]]>`|**";
    char *text = malloc(MEGA + 1);
    for (size_t i = 0; text && i < MEGA; i++)
        text[i] = piece[i % (sizeof piece - 1)];
    if (text)
        text[MEGA] = 0;
    return text;
}

static void spoil(char *text) {
    static const unsigned char bad[] = {0xFF, 0xED, 0xA0, 0x80, 0xC3};
    for (char *at = text; at && (at = strstr(at, "@BAD@"));)
        memcpy(at, bad, sizeof bad);
}

static void spoil_all(struct gpup_results *results) {
    spoil(results->implementation);
    spoil(results->select);
    for (size_t i = 0; i < results->program_count; i++) {
        spoil(results->programs[i].name);
        spoil(results->programs[i].why);
        for (size_t f = 0; f < results->programs[i].finding_count; f++)
            spoil(results->programs[i].findings[f].text);
    }
}

static bool load(const char *path, struct gpup_results *results) {
    char message[1024];
    size_t size = 0;
    char *mega = megabyte(), *text = read_file(path, &size);
    if (!text || !mega) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    text = replaced(text, &size, "@SPEC@", gpup_spec_version());
    text = replaced(text, &size, "@MEGA@", mega);
    bool ok = gpup_journal_parse(text, size, path, true, results, message, sizeof message) == 0;
    if (!ok)
        fprintf(stderr, "%s\n", message);
    free(text);
    free(mega);
    spoil_all(results);
    gpup_results_sort(results);
    return ok;
}

static void show_difference(const char *path, const char *stored, const char *now) {
    unsigned line = 1;
    size_t at = 0, start = 0;
    while (stored[at] && stored[at] == now[at])
        if (stored[at++] == '\n') {
            line++;
            start = at;
        }
    fprintf(stderr, "%s:%u: expected %.200s\nfound %.200s\n", path, line, stored + start, now + start);
}

/* What changes with the specification or the look of the page is no part of what is stored. */
static char *plain(char *text, size_t *size) {
    text = replaced(text, size, gpup_spec_version(), SPEC);
    text = replaced(text, size, html_style, "@STYLE@");
    text = replaced(text, size, html_script, "@SCRIPT@");
    text = replaced(text, size, html_style_hash, "@STYLE-HASH@");
    return replaced(text, size, html_script_hash, "@SCRIPT-HASH@");
}

static bool compare(const char *path, const char *now, bool accept) {
    size_t size;
    if (accept) {
        FILE *out = fopen(path, "w");
        bool ok = out && fputs(now, out) >= 0;
        return (!out || fclose(out) == 0) && ok;
    }
    char *stored = read_file(path, &size);
    bool same = stored && strcmp(stored, now) == 0;
    if (!stored)
        fprintf(stderr, "%s: there is no stored output\n", path);
    else if (!same)
        show_difference(path, stored, now);
    free(stored);
    return same;
}

static bool check(const struct gpup_report *report, const char *directory, const char *name, const char *out,
                  bool accept) {
    bool ok = true;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (accept)
        mkdir(path, 0777);
    for (size_t i = 0; i < gpup_writer_count; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&text, &size);
        bool written = memory && gpup_writers[i].write(report, memory);
        written = memory && fclose(memory) == 0 && written;
        if (size > LARGEST) {
            fprintf(stderr, "%s: %zu bytes of a small journal\n", gpup_writers[i].file, size);
            ok = false;
        }
        if (!written || strlen(text) != size) {
            fprintf(stderr, "%s: not written, or with a zero byte\n", gpup_writers[i].file);
            ok = false;
        } else {
            snprintf(path, sizeof path, "%s/%s-%s", out, name, gpup_writers[i].file);
            ok = (!out || compare(path, text, true)) && ok;
            text = plain(text, &size);
            snprintf(path, sizeof path, "%s/%s/%s", directory, name, gpup_writers[i].file);
            ok = compare(path, text, accept) && ok;
        }
        free(text);
    }
    return ok;
}

/* The exit status is 1 just when something is told as failed. */
static bool consistent(const struct gpup_report *report) {
    unsigned failed = 0;
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        failed += report->selected[i] && gpup_report_standing(report, i) == GPUP_STANDS_FAILED;
    for (size_t i = 0; i < report->results->program_count; i++)
        failed += report->results->programs[i].done &&
                  gpup_report_program_standing(report, &report->results->programs[i]) == GPUP_STANDS_FAILED;
    int status = gpup_report_exit_status(report);
    if ((status == 1 || status == 3) == (failed != 0))
        return true;
    fprintf(stderr, "the exit status is %d, and %u are told as failed\n", status, failed);
    return false;
}

int main(int argc, char **argv) {
    bool accept = argc > 1 && strcmp(argv[1], "--accept") == 0;
    if (argc != 3 + accept && argc != 4 + accept)
        return fputs("usage: golden [--accept] DIRECTORY NAME [OUT]\n", stderr), 2;
    const char *directory = argv[1 + accept], *name = argv[2 + accept], *out = argv[3 + accept];
    struct gpup_results results = {0};
    struct gpup_report report;
    struct gpup_expectations expectations = {0};
    struct stat st;
    char path[1024], message[1024], *errors = NULL;
    snprintf(path, sizeof path, "%s/%s.jsonl", directory, name);
    if (!load(path, &results))
        return 2;
    snprintf(path, sizeof path, "%s/%s.expect.yaml", directory, name);
    bool expect = stat(path, &st) == 0;
    if (expect && gpup_expectations_load(path, &expectations, &errors) != 0)
        return fprintf(stderr, "%s", errors ? errors : "out of memory\n"), 2;
    bool ok =
        gpup_report_open_at(&report, &results, results.select, expect ? &expectations : NULL, false, TODAY);
    snprintf(path, sizeof path, "%s/%s.baseline", directory, name);
    struct gpup_baseline *baseline =
        stat(path, &st) == 0 ? gpup_baseline_load(path, message, sizeof message) : NULL;
    report.baseline = baseline;
    ok = ok && check(&report, directory, name, out, accept) && consistent(&report);
    gpup_report_close(&report);
    gpup_baseline_free(baseline);
    gpup_expectations_free(&expectations);
    gpup_results_free(&results);
    return ok ? 0 : 1;
}
