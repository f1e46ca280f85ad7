/*
 * Packages, as `verify` and `compare` read them. The first byte chooses: the bytes of an archive, a file of
 * expectations, or edits of a sound package: each takes a member, what to do with its plain bytes, where, and
 * how many of the input's bytes. Whatever comes of it is verified or refused in words; hashes are passed
 * over, or nothing behind them would be reached.
 */
#include "input.h"
#include "target.h"

#include <gpup/package.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EDITS 8u

static struct gpup_package sound;
static FILE *nowhere;

static bool write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(bytes, 1, size, file) == size;
    return file && fclose(file) == 0 && ok;
}

/* A run of one program that started no VM, as a run would have written it. */
static bool make_run(const char *directory, struct gpup_run_program *program) {
    struct gpup_program_result result;
    struct gpup_trace_buffer trace = {0};
    struct gpup_event e = {.kind = GPUP_EVENT_WORLD, .step = GPUP_NO_STEP};
    char path[256], text[256], spec[32], message[512], *errors = NULL;
    static const char yaml[] = "title: t\narea: PAUSE\nsteps:\n  - StartVm: {vf: 1}\n";
    if (gpup_program_parse(yaml, sizeof yaml - 1, "p", &program->program, &errors) != 0)
        return false;
    gpup_trace_begin(&trace);
    e.data = (const uint8_t *)gpup_spec_version();
    e.data_size = strlen(gpup_spec_version());
    gpup_trace_append(&trace, &e);
    e = (struct gpup_event){.kind = GPUP_EVENT_STEP, .data = (const uint8_t *)text};
    e.data_size = (size_t)gpup_step_print(&program->program.steps[0], text, sizeof text);
    gpup_trace_append(&trace, &e);
    e = (struct gpup_event){.kind = GPUP_EVENT_END, .step = GPUP_NO_STEP, .f = {[GPUP_END_steps] = 1}};
    gpup_trace_append(&trace, &e);
    bool ok = gpup_trace_judge(trace.bytes, trace.size, NULL, &result, spec, message, sizeof message) == 0;
    struct gpup_plan plan = {0};
    struct gpup_results results = {.shard_index = 1, .shard_count = 1, .planned = 1};
    result.name = strdup(program->name);
    result.why = strdup("vacuous");
    result.source_hash = gpup_program_hash(&program->program);
    gpup_plan_add(&plan, program->name, result.source_hash);
    gpup_plan_print(&plan, results.plan);
    strcpy(results.implementation, "reference");
    strcpy(results.implementation_hash, "0123456789abcdef");
    strcpy(results.sha256, "0123456789abcdef");
    strcpy(results.profile, "full");
    strcpy(results.select, "PAUSE-*"); /* not the whole catalogue each time */
    strcpy(results.started, "2026-01-31T12:00:00Z");
    ok = ok && gpup_journal_create(directory, &results, message, sizeof message) == 0 &&
         gpup_journal_append(directory, &result);
    snprintf(path, sizeof path, "%s/traces", directory);
    ok = ok && mkdir(path, 0700) == 0;
    snprintf(path, sizeof path, "%s/traces/p.trace", directory);
    ok = ok && write_file(path, trace.bytes, trace.size);
    gpup_program_result_free(&result);
    gpup_trace_free(&trace);
    return ok;
}

static void clean(const char *directory) {
    char path[256];
    static const char *const names[] = {"traces/p.trace", "traces", "events.jsonl", "e.yaml", "."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        remove(i + 1 < sizeof names / sizeof *names ? path : directory);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static char directory[] = P_tmpdir "/gpup-fuzz-package-XX"
                                       "XX"
                                       "XX";
    static const char yaml[] =
        "- {rule: PAUSE-001, kind: waiver, reason: r, until: 2027-01-31, implementation: 'ref*', "
        "hash: 0123456789abcdef, approver: a, link: l, ddi: none, key: 7}\n";
    struct gpup_run_program program = {.name = "p"};
    char root[65], message[512] = "", expectations[256];
    const char *directories[] = {mkdtemp(directory)};
    int status;
    (void)argc;
    (void)argv;
    snprintf(expectations, sizeof expectations, "%s/e.yaml", directory);
    struct gpup_package_options options = {.directories = directories,
                                           .directory_count = 1,
                                           .expectations = expectations,
                                           .programs = &program,
                                           .program_count = 1};
    struct gpup_verify_options verify = {0};
    nowhere = fopen("/dev/null", "w");
    bool ok = nowhere && directories[0] && write_file(expectations, yaml, sizeof yaml - 1) &&
              make_run(directory, &program) &&
              gpup_package_make(&options, &sound, root, &status, message, sizeof message) == 0 &&
              gpup_package_verify(&sound, &verify, nowhere) == 0;
    clean(directory);
    gpup_program_free(&program.program);
    if (!ok)
        fprintf(stderr, "the sound package is none: %s\n", message);
    return ok ? 0 : 1;
}

static void verify(const struct gpup_package *package) {
    struct gpup_verify_options options = {.skip_hashes = true};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    int status = gpup_package_verify(package, &options, out);
    fclose(out);
    if (status < 0 || status > 4 || !size)
        abort(); /* without a word */
    free(text);
}

/* Plain bytes of a member, with an edit in them, put back. */
static void edit(struct gpup_package *package, struct input *in) {
    if (!package->count)
        return;
    struct gpup_member *m = &package->members[input_take(in, 1) % package->count];
    unsigned what = (unsigned)input_take(in, 1);
    size_t size = 0, at, length = (size_t)input_take(in, 1);
    char message[512], name[GPUP_PACKAGE_MAX_NAME + 1];
    struct gpup_package packed = {0};
    uint8_t *plain = gpup_package_unpack(m, &size, message, sizeof message);
    uint8_t *bytes = plain ? realloc(plain, size + 256) : NULL;
    if (!bytes) {
        free(plain);
        return;
    }
    at = (size_t)input_take(in, 2) % (size + 1);
    length = length < in->left ? length : in->left;
    if (what % 4 == 0) { /* replace */
        length = length < size - at ? length : size - at;
        memcpy(bytes + at, in->data, length);
    } else if (what % 4 == 1) { /* insert */
        memmove(bytes + at + length, bytes + at, size - at);
        memcpy(bytes + at, in->data, length);
        size += length;
    } else { /* cut there, or take out */
        size_t end = what % 4 == 2 || length > size - at ? size : at + length;
        memmove(bytes + at, bytes + end, size - end);
        size -= end - at;
    }
    in->data += what % 4 < 2 ? length : 0;
    in->left -= what % 4 < 2 ? length : 0;
    snprintf(name, sizeof name, "%s", m->name);
    if (gpup_package_add(&packed, name, bytes, size, message, sizeof message)) {
        free(m->bytes);
        m->bytes = packed.members[0].bytes;
        m->size = packed.members[0].size;
        packed.members[0].bytes = NULL;
    }
    gpup_package_free(&packed);
    free(bytes);
}

/* What is written is read again as the same. */
static void round_trip(const struct gpup_package *package) {
    struct gpup_package back;
    char message[512];
    uint8_t *bytes;
    size_t size;
    if (!gpup_package_write(package, &bytes, &size, message, sizeof message))
        return;
    if (!gpup_package_read(bytes, size, &back, message, sizeof message) || back.count != package->count)
        abort();
    gpup_package_free(&back);
    free(bytes);
}

static void edited(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct gpup_package package = {0};
    for (size_t i = 0; i < sound.count; i++) { /* as stored: the copies must not be packed twice */
        struct gpup_member *grown = realloc(package.members, (i + 1) * sizeof *grown);
        uint8_t *bytes = malloc(sound.members[i].size + 1);
        if (!grown || !bytes)
            abort();
        memcpy(bytes, sound.members[i].bytes, sound.members[i].size);
        package.members = grown;
        package.members[i] = sound.members[i];
        package.members[i].bytes = bytes;
        package.count = package.capacity = i + 1;
    }
    for (unsigned i = 0; i < EDITS && in.left; i++)
        edit(&package, &in);
    round_trip(&package);
    verify(&package);
    gpup_package_free(&package);
}

static void expectations(const uint8_t *data, size_t size) {
    struct gpup_expectations e;
    char *errors;
    if (gpup_expectations_parse((const char *)data, size, "input", &e, &errors) != 0 && !errors)
        abort(); /* refused without a word */
    free(errors);
    gpup_expectations_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_verify_options options = {.skip_hashes = true};
    if (!size)
        return 0;
    if (data[0] % 4 == 0)
        gpup_package_verify_bytes(data + 1, size - 1, "input", &options, nowhere);
    else if (data[0] % 4 == 1)
        expectations(data + 1, size - 1);
    else
        edited(data + 1, size - 1);
    return 0;
}
