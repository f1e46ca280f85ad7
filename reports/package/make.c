/* Directories of runs -> package. */
#include "evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct making {
    const struct gpup_package_options *options;
    struct gpup_package *package;
    size_t without_trace; /* programs */
    char first_without[256], first_directory[256];
    char *message;
    size_t message_size;
};

/* NULL with errno. */
static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes = NULL;
    errno = file ? 0 : errno;
    if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) &&
        (bytes = malloc((size_t)st.st_size + 1)))
        *size = fread(bytes, 1, (size_t)st.st_size, file);
    else if (file && !errno)
        errno = EISDIR;
    if (file)
        fclose(file);
    return bytes;
}

static bool add(struct making *m, const char *name, const void *bytes, size_t size) {
    return gpup_package_add(m->package, name, bytes, size, m->message, m->message_size);
}

static bool add_trace(struct making *m, const char *directory, const char *program) {
    char path[4096], name[GPUP_PACKAGE_MAX_NAME + 1];
    size_t size = 0;
    int at = snprintf(path, sizeof path, "%s/traces/", directory);
    int end = snprintf(path + at, sizeof path - (size_t)at, "%s.trace", program);
    for (char *c = path + at; end > 0 && *c; c++)
        if (*c == '/')
            *c = '-';
    uint8_t *bytes = read_file(path, &size);
    if (!bytes) {
        if (!m->without_trace++) {
            snprintf(m->first_without, sizeof m->first_without, "%s", program);
            snprintf(m->first_directory, sizeof m->first_directory, "%s", directory);
        }
        return true;
    }
    bool ok = member_name(name, TRACES, program, ".trace.zst");
    if (!ok)
        snprintf(m->message, m->message_size, "%s: no name for a member of a package", program);
    ok = ok && add(m, name, bytes, size);
    free(bytes);
    return ok;
}

static bool add_program(struct making *m, const struct gpup_program_result *p) {
    char name[GPUP_PACKAGE_MAX_NAME + 1];
    const struct gpup_run_program *program = NULL;
    for (size_t i = 0; i < m->options->program_count && !program; i++)
        if (strcmp(m->options->programs[i].name, p->name) == 0)
            program = &m->options->programs[i];
    if (!program || gpup_program_hash(&program->program) != p->source_hash) {
        snprintf(m->message, m->message_size,
                 "%s: this tool %s; package with the tool that ran it, or run again", p->name,
                 program ? "has another program of that name" : "does not have that program");
        return false;
    }
    char *text = gpup_program_print(&program->program);
    bool ok = text && member_name(name, PROGRAMS, p->name, ".yaml");
    if (!ok)
        snprintf(m->message, m->message_size, "%s: cannot be written as a member", p->name);
    ok = ok && add(m, name, text, strlen(text));
    free(text);
    return ok;
}

static bool add_directory(struct making *m, const char *directory) {
    struct gpup_results part = {0};
    char path[4096], name[GPUP_PACKAGE_MAX_NAME + 1];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/events.jsonl", directory);
    uint8_t *text = read_file(path, &size);
    bool ok = text;
    if (!ok)
        snprintf(m->message, m->message_size, "%s: cannot be read: %s", path, strerror(errno));
    ok = ok &&
         gpup_journal_parse((const char *)text, size, path, false, &part, m->message, m->message_size) == 0;
    snprintf(name, sizeof name, JOURNALS "%04u.jsonl.zst", part.shard_index % 100000);
    if (ok && gpup_package_find(m->package, name)) {
        snprintf(m->message, m->message_size, "%s: shard %u of %u is there twice", directory,
                 part.shard_index, part.shard_count);
        ok = false;
    }
    ok = ok && add(m, name, text, size);
    for (size_t i = 0; ok && i < part.program_count; i++)
        ok = add_program(m, &part.programs[i]) && add_trace(m, directory, part.programs[i].name);
    gpup_results_free(&part);
    free(text);
    return ok;
}

static bool add_settings(struct making *m) {
    const char *text = m->options->strict ? "{\"strict\": true}\n" : "{\"strict\": false}\n";
    return add(m, SETTINGS, text, strlen(text));
}

static bool add_expectations(struct making *m) {
    size_t size = 0;
    if (!m->options->expectations)
        return true;
    uint8_t *bytes = read_file(m->options->expectations, &size);
    bool ok = bytes && add(m, EXPECTATIONS, bytes, size);
    if (!bytes)
        snprintf(m->message, m->message_size, "%s: cannot be read: %s", m->options->expectations,
                 strerror(errno));
    free(bytes);
    return ok;
}

static bool add_derived(struct making *m, int *status) {
    struct evidence e;
    struct gpup_report report = {0};
    bool ok = evidence_read(&e, m->package, m->message, m->message_size);
    if (ok && !evidence_report(&e, &report)) {
        snprintf(m->message, m->message_size, "out of memory");
        ok = false;
    }
    *status = ok ? gpup_report_exit_status(&report) : 2;
    for (size_t i = 0; ok && i < derived_count; i++) {
        size_t size = 0;
        char *text = derived_text(&derived_members[i], &e, &report, &size);
        ok = text && add(m, derived_members[i].name, text, size);
        free(text);
    }
    gpup_report_close(&report);
    evidence_free(&e);
    return ok;
}

int gpup_package_make(const struct gpup_package_options *options, struct gpup_package *package, char root[65],
                      int *status, char *message, size_t message_size) {
    struct making m = {options, package, 0, "", "", message, message_size};
    *package = (struct gpup_package){0};
    snprintf(message, message_size, "out of memory");
    bool ok = add_settings(&m) && add_expectations(&m);
    for (size_t i = 0; ok && i < options->directory_count; i++)
        ok = add_directory(&m, options->directories[i]);
    if (ok && m.without_trace) {
        snprintf(message, message_size,
                 "%s: %zu programs have no trace, the first is %s; a package holds all of them: run with "
                 "--traces all",
                 m.first_directory, m.without_trace, m.first_without);
        ok = false;
    }
    ok = ok && add_derived(&m, status) &&
         gpup_package_seal(package, options->secret_key, root, message, message_size);
    if (!ok)
        gpup_package_free(package);
    return ok ? 0 : 2;
}
