/* Build tool: programs as text -> what fuzzers take.
 *
 *   gpup-fuzz-pack -c OUTPUT.c FILE.yaml...   the table of fuzz/prefixes.h
 *   gpup-fuzz-pack -d DIRECTORY FILE.yaml...  one binary file each: a seed corpus
 *   gpup-fuzz-pack -w binary|yaml FILE        a dictionary: words of the form
 *   gpup-fuzz-pack -p BYTE OUTPUT INPUT        a file behind one byte, as fuzz_trace takes it
 *   gpup-fuzz-pack -j OUTPUT                   a small journal of today's specification, behind one byte
 *
 * Names are the last two parts of the path. Status 2 and file:line:col for what cannot be read. */
#include <gpup/program.h>
#include <gpup/spec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void name_of(const char *path, char *out, size_t size) {
    const char *last = strrchr(path, '/'), *from = last;
    while (from && from > path && from[-1] != '/')
        from--;
    snprintf(out, size, "%s", from ? from : path);
    for (char *c = out; *c; c++)
        if (*c == '/')
            *c = '-';
    char *dot = strrchr(out, '.');
    if (dot)
        *dot = 0;
}

static uint8_t *load(const char *path, size_t *size) {
    struct gpup_program p;
    char *errors = NULL;
    if (gpup_program_load(path, &p, &errors) != 0) {
        fprintf(stderr, "%s", errors ? errors : "out of memory\n");
        free(errors);
        return NULL;
    }
    *size = gpup_program_encode(&p, NULL, 0);
    uint8_t *bytes = malloc(*size + 1);
    if (bytes)
        gpup_program_encode(&p, bytes, *size);
    gpup_program_free(&p);
    return bytes;
}

static int write_table(const char *path, int count, char **files) {
    FILE *out = fopen(path, "w");
    char name[256];
    if (!out)
        return 3;
    fputs("/* Made from corpus/prefixes by gpup-fuzz-pack. */\n#include \"prefixes.h\"\n\n", out);
    for (int i = 0; i < count; i++) {
        size_t size;
        uint8_t *bytes = load(files[i], &size);
        if (!bytes)
            return fclose(out), 2;
        fprintf(out, "static const uint8_t prefix_%d[] = {", i);
        for (size_t k = 0; k < size; k++)
            fprintf(out, "%u,", bytes[k]);
        fputs("};\n", out);
        free(bytes);
    }
    fputs("\nconst struct fuzz_prefix fuzz_prefixes[] = {\n", out);
    for (int i = 0; i < count; i++) {
        name_of(files[i], name, sizeof name);
        const char *base = strchr(name, '-');
        fprintf(out, "    {\"%s\", prefix_%d, sizeof prefix_%d},\n", base ? base + 1 : name, i, i);
    }
    fprintf(out, "};\nconst size_t fuzz_prefix_count = %d;\n", count);
    return fclose(out) == 0 ? 0 : 3;
}

static int write_file(const char *directory, const char *file, const void *bytes, size_t size) {
    char path[4096], name[256];
    name_of(file, name, sizeof name);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *out = fopen(path, "wb");
    if (!out)
        return 3;
    size_t written = fwrite(bytes, 1, size, out);
    return fclose(out) == 0 && written == size ? 0 : 3;
}

static int write_seeds(const char *directory, int count, char **files) {
    int status = 0;
    mkdir(directory, 0777);
    for (int i = 0; status == 0 && i < count; i++) {
        size_t size;
        uint8_t *bytes = load(files[i], &size);
        if (!bytes)
            return 2;
        status = write_file(directory, files[i], bytes, size);
        free(bytes);
    }
    return status;
}

/* The bytes of a step are one word; as text its name, and the names of its fields. */
static void word_of(FILE *out, unsigned op, bool text) {
    const struct gpup_op_info *info = gpup_op_info(op);
    struct gpup_program p = {0};
    struct gpup_step s;
    uint8_t bytes[256];
    if (text) {
        fprintf(out, "\"- %s: {\"\n", info->name);
        for (unsigned i = 0; i < info->field_count; i++)
            fprintf(out, "\"%s: \"\n", info->field[i].name);
        return;
    }
    gpup_world_defaults(&p.world);
    gpup_step_defaults(&s, op);
    p.steps = &s;
    p.step_count = 1;
    size_t size = gpup_program_encode(&p, bytes, sizeof bytes);
    fprintf(out, "%s=\"", info->name);
    for (size_t i = 24; i < size && i < sizeof bytes; i++)
        fprintf(out, "\\x%02x", bytes[i]);
    fputs("\"\n", out);
}

static int write_words(const char *form, const char *path) {
    static const char *const values[] = {"need",      "need-1",  "blob",   "count",      "last",
                                         "null",      "invalid", "stale",  "foreign",    "exact",
                                         "unaligned", "source",  "target", "robustness", "world: {hosts: 2}"};
    bool text = strcmp(form, "yaml") == 0;
    FILE *out = fopen(path, "w");
    if (!out)
        return 3;
    for (unsigned op = 0; op < GPUP_OPS; op++)
        word_of(out, op, text);
    for (size_t i = 0; text && i < sizeof values / sizeof *values; i++)
        fprintf(out, "\"%s\"\n", values[i]);
    return fclose(out) == 0 ? 0 : 3;
}

static int write_behind(const char *byte, const char *path, const char *input) {
    static char bytes[65536];
    FILE *in = fopen(input, "rb"), *out = fopen(path, "wb");
    size_t size = in ? fread(bytes, 1, sizeof bytes, in) : 0;
    bool ok = in && out && fputc(*byte, out) != EOF && fwrite(bytes, 1, size, out) == size;
    if (in)
        fclose(in);
    return out && fclose(out) == 0 && ok ? 0 : 3;
}

static int write_journal(const char *path) {
    FILE *out = fopen(path, "w");
    if (!out)
        return 3;
    fprintf(out,
            "1{\"gpup-cts-journal\":1,\"spec\":\"%s\",\"implementation\":\"reference\",\"hash\":"
            "\"0123456789abcdef\","
            "\"profile\":\"full\","
            "\"select\":\"\",\"seed\":0,\"seeded\":false}\n"
            "{\"program\":\"a\",\"outcome\":\"COMPLETE\",\"class\":0,\"ddi\":\"\",\"step\":1,\"trace\":\"0\","
            "\"events\":1,"
            "\"calls\":1,\"offers\":0,\"rules\":{\"%s\":[1,0,\"PASS\",0]},\"findings\":[],\"wall_ms\":0}\n",
            gpup_spec_version(), gpup_rule_id(0));
    return fclose(out) == 0 ? 0 : 3;
}

int main(int argc, char **argv) {
    if (argc >= 4 && strcmp(argv[1], "-c") == 0)
        return write_table(argv[2], argc - 3, argv + 3);
    if (argc >= 4 && strcmp(argv[1], "-d") == 0)
        return write_seeds(argv[2], argc - 3, argv + 3);
    if (argc == 4 && strcmp(argv[1], "-w") == 0)
        return write_words(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "-p") == 0)
        return write_behind(argv[2], argv[3], argv[4]);
    if (argc == 3 && strcmp(argv[1], "-j") == 0)
        return write_journal(argv[2]);
    fputs("gpup-fuzz-pack: expected -c OUT.c or -d DIR and FILE.yaml..., or -w binary|yaml FILE\n", stderr);
    return 2;
}
