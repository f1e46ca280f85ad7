/* Pages of requirements, one per area, and their index.
 *
 *   requirements --check|--accept PAGES PROOFS RUN...   RUN: what `gpup-cts run --out` wrote; its last name
 * is the driver
 *
 * --check fails when a stored page is not what it would be now, is missing, or is of no area. */
#include "page.h"

#include <gpup/spec.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* The page as text, malloc'ed; NULL area: the index. */
static char *page_text(const struct evidence *e, const char *area) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (area)
        area_write(out, e, area);
    else
        index_write(out, e);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The first line that differs is shown. */
static bool same(const char *path, const char *text) {
    char line[8192];
    FILE *stored = fopen(path, "r");
    bool equal = stored != NULL;
    while (equal && fgets(line, sizeof line, stored)) {
        size_t length = strlen(line);
        equal = strncmp(text, line, length) == 0;
        if (equal)
            text += length;
    }
    if (!stored)
        printf("%s: there is no such page\n", path);
    else if (!equal || *text)
        printf("%s:\n  stored: %s  now:    %.*s\n", path, equal ? "(end)\n" : line, (int)strcspn(text, "\n"),
               text);
    if (stored)
        fclose(stored);
    return equal && !*text;
}

static bool store(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    bool ok = file && fputs(text, file) >= 0;
    if (file)
        ok = fclose(file) == 0 && ok;
    if (!ok)
        printf("%s: cannot be written\n", path);
    return ok;
}

static bool page(const struct evidence *e, bool accept, const char *directory, const char *area) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.md", directory, area ? area : "README");
    char *text = page_text(e, area);
    bool ok = text && (accept ? store(path, text) : same(path, text));
    free(text);
    return ok;
}

static bool is_area(const char *name, size_t length) {
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (strlen(gpup_rules[i].area) == length && strncmp(gpup_rules[i].area, name, length) == 0)
            return true;
    return false;
}

static bool no_others(const char *directory) {
    DIR *d = opendir(directory);
    bool ok = d != NULL;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        size_t length = strcspn(entry->d_name, ".");
        if (length && strcmp(entry->d_name, "README.md") != 0 && !is_area(entry->d_name, length)) {
            printf("%s/%s: there is no such area\n", directory, entry->d_name);
            ok = false;
        }
    }
    if (d)
        closedir(d);
    return ok;
}

int main(int argc, char **argv) {
    struct evidence e = {0};
    char message[1024];
    if (argc < 5 || argc - 4 > (int)RUNS_MAX) {
        fputs("usage: requirements --check|--accept PAGES PROOFS RUN...\n", stderr);
        return 2;
    }
    bool accept = strcmp(argv[1], "--accept") == 0, ok = true;
    e.proofs = argv[3];
    for (int i = 4; i < argc; i++) {
        const char *name = strrchr(argv[i], '/');
        e.names[e.run_count] = name ? name + 1 : argv[i];
        if (gpup_journal_read(argv[i], false, &e.runs[e.run_count++], message, sizeof message) != 0) {
            fprintf(stderr, "%s\n", message);
            return 2;
        }
    }
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++)
        if (i == 0 || strcmp(gpup_rules[i].area, gpup_rules[i - 1].area) != 0)
            ok = page(&e, accept, argv[2], gpup_rules[i].area) && ok;
    ok = page(&e, accept, argv[2], NULL) && no_others(argv[2]) && ok;
    if (!ok && !accept)
        printf(
            "look at what changed, then: sh tests/requirements/pages.sh --accept BUILD docs/requirements\n");
    for (unsigned i = 0; i < e.run_count; i++)
        gpup_results_free(&e.runs[i]);
    return ok ? 0 : 1;
}
