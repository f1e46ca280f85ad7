/*
 * The reference tables of docs/, made of what the code is made of, so that they cannot fall behind it.
 *
 *   docs_reference events|steps|world|kinds|assumed ROOT       prints one table as Markdown
 *   docs_reference check|update ROOT FILE...                   compares (or replaces) what stands between
 *                                                              `<!-- table NAME -->` and `<!-- end -->`
 */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    bool (*make)(struct text *out, const char *root);
} tables[] = {{"events", make_events},      {"classes", make_classes}, {"steps", make_steps},
              {"world", make_world},        {"kinds", make_kinds},     {"assumed", make_assumed},
              {"observers", make_observers}};
#define TABLES (sizeof tables / sizeof *tables)

void put(struct text *text, const char *piece, size_t size) {
    if (text->size + size + 1 > text->capacity) {
        text->capacity = 2 * (text->size + size) + 1024;
        char *grown = realloc(text->bytes, text->capacity);
        if (!grown)
            exit(3);
        text->bytes = grown;
    }
    memcpy(text->bytes + text->size, piece, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

void put_string(struct text *text, const char *string) {
    put(text, string, strlen(string));
}

/* In a cell of a table: one line, no bars. */
void put_cell(struct text *text, const char *string) {
    for (; *string; string++)
        put(text,
            *string == '|'    ? "\\|"
            : *string == '<'  ? "&lt;"
            : *string == '\n' ? " "
                              : string,
            *string == '|'   ? 2
            : *string == '<' ? 4
                             : 1);
}

char *read_whole(const char *root, const char *name) {
    char path[4096], buffer[65536];
    struct text text = {0};
    size_t n;
    snprintf(path, sizeof path, "%s%s%s", root, *root ? "/" : "", name);
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return NULL;
    }
    put_string(&text, "");
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0)
        put(&text, buffer, n);
    fclose(file);
    return text.bytes;
}

static bool make(struct text *out, const char *root, const char *name, size_t length) {
    for (size_t i = 0; i < TABLES; i++)
        if (strlen(tables[i].name) == length && memcmp(tables[i].name, name, length) == 0)
            return tables[i].make(out, root);
    fprintf(stderr, "there is no table '%.*s'\n", (int)length, name);
    return false;
}

/* The file as it should be; NULL: something is wrong with it. */
static char *renew(const char *root, const char *file, unsigned *found) {
    static const char open[] = "<!-- table ", end[] = "<!-- end -->";
    char *whole = read_whole("", file), *at = whole, *start;
    struct text text = {0};
    bool ok = whole != NULL;
    put_string(&text, "");
    while (ok && (start = strstr(at, open))) {
        char *name = start + sizeof open - 1, *close = strstr(name, " -->"), *stop = strstr(name, end);
        if (!close || !stop) {
            fprintf(stderr, "%s: a table without its end\n", file);
            ok = false;
            break;
        }
        put(&text, at, (size_t)(close + 4 - at));
        put_string(&text, "\n");
        ok = make(&text, root, name, (size_t)(close - name));
        put(&text, end, sizeof end - 1);
        at = stop + sizeof end - 1;
        (*found)++;
    }
    if (ok)
        put_string(&text, at);
    else
        free(text.bytes);
    free(whole);
    return ok ? text.bytes : NULL;
}

static int renew_all(bool update, const char *root, char **files, int count) {
    int rc = 0;
    for (int i = 0; i < count; i++) {
        unsigned found = 0;
        char *now = read_whole("", files[i]), *wanted = renew(root, files[i], &found);
        bool same = now && wanted && strcmp(now, wanted) == 0;
        FILE *out = update && wanted && !same ? fopen(files[i], "w") : NULL;
        if (out && (fputs(wanted, out) < 0 || fclose(out)))
            rc = 3;
        if (!wanted || !found || (!update && !same)) {
            fprintf(stderr, "%s: %s\n", files[i],
                    !wanted  ? "cannot be made"
                    : !found ? "has no table"
                             : "is not what the code says; docs_reference update ROOT FILE makes it again");
            rc = 1;
        }
        free(now);
        free(wanted);
    }
    return rc;
}

int main(int argc, char **argv) {
    struct text text = {0};
    bool update = argc > 3 && strcmp(argv[1], "update") == 0;
    if (update || (argc > 3 && strcmp(argv[1], "check") == 0))
        return renew_all(update, argv[2], argv + 3, argc - 3);
    if (argc != 3)
        return fputs("usage: docs_reference TABLE ROOT | check ROOT FILE... | update ROOT FILE...\n", stderr),
               2;
    if (!make(&text, argv[2], argv[1], strlen(argv[1])))
        return 2;
    fputs(text.bytes, stdout);
    free(text.bytes);
    return 0;
}
