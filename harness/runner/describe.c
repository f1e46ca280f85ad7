/* What a run is of: the implementation by the hash of its bytes, the tool, the machine, the time, the plan.
 */
#include "describe.h"

#include <gpup/binding.h>

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define FNV_BASIS 0xCBF29CE484222325u
#define FNV_PRIME 0x100000001B3u

static uint64_t fnv(uint64_t h, const void *bytes, size_t size) {
    for (const uint8_t *p = bytes; size; p++, size--)
        h = (h ^ *p) * FNV_PRIME;
    return h;
}

uint64_t gpup_program_hash(const struct gpup_program *program) {
    size_t size = gpup_program_encode(program, NULL, 0);
    uint8_t *bytes = malloc(size + 1);
    if (!bytes)
        return 0;
    gpup_program_encode(program, bytes, size);
    uint64_t h = fnv(FNV_BASIS, bytes, size);
    free(bytes);
    return h ? h : 1;
}

/* A sum, so that the order of the programs is no part of the plan. */
void gpup_plan_add(struct gpup_plan *plan, const char *name, uint64_t source_hash) {
    plan->sum += fnv(fnv(FNV_BASIS, name, strlen(name) + 1), &source_hash, sizeof source_hash);
    plan->programs++;
}

void gpup_plan_print(const struct gpup_plan *plan, char out[17]) {
    snprintf(out, 17, "%016llx", (unsigned long long)plan->sum);
}

static void hash_file(crypto_hash_sha256_state *state, const char *path) {
    uint8_t bytes[65536];
    FILE *file = fopen(path, "rb");
    size_t n;
    while (file && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
        crypto_hash_sha256_update(state, bytes, n);
    if (file)
        fclose(file);
}

/* The file of a driver, and of the model behind it; a bundled one is in this program. */
static void hash_implementation(struct gpup_results *results, const char *implementation) {
    crypto_hash_sha256_state state;
    struct gpup_binding_parts parts;
    uint8_t hash[crypto_hash_sha256_BYTES];
    gpup_binding_split(implementation, &parts);
    bool file = strchr(parts.driver, '.') && access(parts.driver, R_OK) == 0;
    crypto_hash_sha256_init(&state);
    hash_file(&state, file ? parts.driver : "/proc/self/exe");
    if (parts.model[0])
        hash_file(&state, parts.model);
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(results->sha256, sizeof results->sha256, hash, sizeof hash);
    memcpy(results->implementation_hash, results->sha256, 16);
    results->implementation_hash[16] = 0;
}

/* Names in capitals: they are the same in any case. */
static void hash_files(struct gpup_results *results, const struct gpup_given_files *files) {
    crypto_hash_sha256_state state;
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[65];
    if (!files || !files->count)
        return;
    crypto_hash_sha256_init(&state);
    for (uint32_t i = 0; i < files->count; i++) {
        const struct gpup_given_file *f = &files->file[i];
        struct gpup_file_name name = f->name;
        uint64_t size = f->size;
        for (uint32_t k = 0; k < name.length; k++)
            name.text[k] = (WCHAR)toupper(name.text[k]); /* ASCII */
        crypto_hash_sha256_update(&state, (const uint8_t *)name.text, name.length * sizeof *name.text);
        crypto_hash_sha256_update(&state, (const uint8_t *)&size, sizeof size);
        if (f->size)
            crypto_hash_sha256_update(&state, f->bytes, f->size);
    }
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(text, sizeof text, hash, sizeof hash);
    memcpy(results->files, text, 16);
}

static void describe_machine(struct gpup_results *results) {
    struct utsname system;
    struct tm utc;
    time_t now = time(NULL);
    strftime(results->started, sizeof results->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    if (uname(&system) == 0)
        snprintf(results->system, sizeof results->system, "%.40s %.70s %.40s", system.sysname, system.release,
                 system.machine);
}

void describe_run(const struct gpup_run_options *o, struct gpup_results *results) {
    struct gpup_plan plan = {0};
    memset(results, 0, sizeof *results);
    snprintf(results->implementation, sizeof results->implementation, "%s",
             o->label ? o->label : o->implementation);
    snprintf(results->profile, sizeof results->profile, "%s", o->profile ? o->profile : "full");
    snprintf(results->select, sizeof results->select, "%s", o->select ? o->select : "");
    snprintf(results->tool, sizeof results->tool, "%s", o->tool ? o->tool : "");
    results->seed = o->seed;
    results->seeded = o->seeded;
    results->shard_index = o->shard_count ? o->shard_index : 1;
    results->shard_count = o->shard_count ? o->shard_count : 1;
    for (size_t i = 0; i < o->program_count; i++)
        gpup_plan_add(&plan, o->programs[i].name, gpup_program_hash(&o->programs[i].program));
    results->planned = plan.programs;
    gpup_plan_print(&plan, results->plan);
    hash_files(results, o->files);
    describe_machine(results);
    hash_implementation(results, o->implementation);
}
