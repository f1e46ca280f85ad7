/* Build tool: checks every scenario and writes them, in binary form, as one C file.
 *
 *   gpup-pack OUTPUT.c ROOT SMOKE.txt FILE.yaml ...
 *
 * Every bad file is reported with file:line:col; nothing is written then and the status is 2. */
#include "lines.h"

#include <gpup/program.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    char name[200];
    struct gpup_program program;
    uint16_t *lines; /* of its steps */
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static void name_of(const char *root, const char *path, char *out, size_t size) {
    size_t skip = strncmp(path, root, strlen(root)) == 0 ? strlen(root) + 1 : 0;
    snprintf(out, size, "%s", path + skip);
    char *dot = strrchr(out, '.');
    if (dot)
        *dot = 0;
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = file ? calloc(1, 65536) : NULL;
    if (text && fread(text, 1, 65535, file) == 0)
        text[0] = 0;
    if (file)
        fclose(file);
    return text;
}

/* A name stands on a line of its own. */
static bool listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; at && (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == '\n') && (at[length] == '\n' || !at[length]))
            return true;
    return false;
}

static bool negative(const struct gpup_program *p) {
    for (size_t i = 0; i < p->step_count; i++)
        if (p->steps[i].class == GPUP_ROBUSTNESS || p->steps[i].class == GPUP_POLICY)
            return true;
    return false;
}

static void quoted(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static bool write_bytes(FILE *out, size_t index, const struct gpup_program *p) {
    size_t size = gpup_program_encode(p, NULL, 0);
    uint8_t *bytes = malloc(size + 1);
    if (!bytes)
        return false;
    gpup_program_encode(p, bytes, size);
    fprintf(out, "static const uint8_t program_%zu[] = {", index);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%s%u,", i % 24 ? "" : "\n    ", bytes[i]);
    fputs("\n};\n", out);
    free(bytes);
    return true;
}

static void write_lines(FILE *out, size_t index, const struct item *item) {
    fprintf(out, "static const uint16_t lines_%zu[] = {", index);
    for (size_t i = 0; i < item->program.step_count; i++)
        fprintf(out, "%s%u,", i % 24 ? "" : "\n    ", item->lines[i]);
    fputs(item->program.step_count ? "\n};\n" : "0};\n", out);
}

static bool write_all(const char *path, const struct item *items, size_t count, const char *smoke) {
    FILE *out = fopen(path, "w");
    bool ok = out != NULL;
    if (!ok)
        return false;
    fputs("/* Made from conformance/ by gpup-pack. */\n#include <gpup/scenarios.h>\n\n", out);
    for (size_t i = 0; ok && i < count; i++) {
        ok = write_bytes(out, i, &items[i].program);
        write_lines(out, i, &items[i]);
    }
    fputs("const struct gpup_scenario gpup_scenarios[] = {\n", out);
    for (size_t i = 0; i < count; i++) {
        fputs("    {", out);
        quoted(out, items[i].name);
        fputs(", ", out);
        quoted(out, items[i].program.title);
        fputs(", ", out);
        quoted(out, items[i].program.area);
        fprintf(out, ", %d, %d, program_%zu, sizeof program_%zu, lines_%zu, %zu},\n",
                listed(smoke, items[i].name), negative(&items[i].program), i, i, i,
                items[i].program.step_count);
    }
    fprintf(out, "};\nconst size_t gpup_scenario_count = %zu;\n", count);
    return fclose(out) == 0 && ok;
}

/* Loads one file; every error is printed. */
static bool load(struct item *item, const char *root, const char *path) {
    char *errors = NULL;
    name_of(root, path, item->name, sizeof item->name);
    bool ok = gpup_program_load(path, &item->program, &errors) == 0;
    if (!ok)
        fprintf(stderr, "%s", errors ? errors : "out of memory\n");
    free(errors);
    item->lines = ok ? calloc(item->program.step_count + 1, sizeof *item->lines) : NULL;
    if (ok && (!item->lines || !lines_of_steps(path, item->lines, item->program.step_count))) {
        fprintf(stderr, "%s: error: the lines of its steps cannot be found\n", path);
        ok = false;
    }
    return ok;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "gpup-pack: expected OUTPUT.c ROOT SMOKE.txt FILE.yaml...\n");
        return 2;
    }
    size_t count = (size_t)argc - 4;
    struct item *items = calloc(count, sizeof *items);
    char *smoke = read_all(argv[3]);
    int status = items && smoke ? 0 : 3;
    for (size_t i = 0; status != 3 && i < count; i++)
        if (!load(&items[i], argv[2], argv[4 + i]))
            status = 2;
    if (status == 0) {
        qsort(items, count, sizeof *items, by_name);
        status = write_all(argv[1], items, count, smoke) ? 0 : 3;
    }
    for (size_t i = 0; items && i < count; i++) {
        gpup_program_free(&items[i].program);
        free(items[i].lines);
    }
    free(items);
    free(smoke);
    return status;
}
