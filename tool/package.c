/* package, verify, keygen: results that can be handed over. */
#include "tool.h"

#include <gpup/package.h>
#include <gpup/scenarios.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The bundled programs that a run of this profile and selection has; NULL for both: all. */
static struct gpup_run_program *collect(const char *profile, const char *select, size_t *count) {
    struct gpup_run_program *programs = calloc(gpup_scenario_count + 1, sizeof *programs);
    bool by_program = false;
    *count = 0;
    for (size_t i = 0; select && i < gpup_scenario_count; i++)
        by_program = by_program || fnmatch(select, gpup_scenarios[i].name, 0) == 0;
    for (size_t i = 0; programs && i < gpup_scenario_count; i++) {
        const struct gpup_scenario *s = &gpup_scenarios[i];
        if ((profile && !in_profile(s, profile)) || (by_program && fnmatch(select, s->name, 0) != 0))
            continue;
        struct gpup_run_program *p = &programs[*count];
        p->name = s->name;
        *count += gpup_program_decode(s->bytes, s->size, &p->program);
        snprintf(p->program.title, sizeof p->program.title, "%s", s->title);
        snprintf(p->program.area, sizeof p->program.area, "%s", s->area);
    }
    return programs;
}

static void release(struct gpup_run_program *programs, size_t count) {
    for (size_t i = 0; programs && i < count; i++)
        gpup_program_free(&programs[i].program);
    free(programs);
}

/* --- keys ---------------------------------------------------------------------------------------------- */
/* One line of hexadecimal digits, in a file or as the word itself. */
static bool read_key(const char *word, uint8_t *key, size_t size) {
    char text[160] = "";
    size_t got = 0;
    FILE *file = fopen(word, "r");
    if (file) {
        bool ok = fgets(text, sizeof text, file) != NULL;
        fclose(file);
        text[ok ? strcspn(text, "\n") : 0] = 0;
    } else {
        snprintf(text, sizeof text, "%s", word);
    }
    bool ok = sodium_hex2bin(key, size, text, strlen(text), NULL, &got, NULL) == 0 && got == size;
    sodium_memzero(text, sizeof text);
    if (!ok)
        usage_error("%s: expected a key of %zu hexadecimal digits, as `gpup-cts keygen` writes it", word,
                    2 * size);
    return ok;
}

static bool write_key(const char *path, int mode, const uint8_t *key, size_t size) {
    char text[160];
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    sodium_bin2hex(text, sizeof text, key, size);
    text[2 * size] = '\n';
    bool ok = file >= 0 && write(file, text, 2 * size + 1) == (ssize_t)(2 * size + 1);
    if (!ok)
        usage_error("%s: cannot be written: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    sodium_memzero(text, sizeof text);
    return ok;
}

int command_keygen(const struct options *o) {
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    char path[4096];
    if (o->word_count != 1)
        return usage_error("keygen: expected the FILE for the secret key; FILE.pub will be the public one");
    if (sodium_init() < 0)
        return usage_error("keygen: libsodium cannot be used"), 3;
    crypto_sign_keypair(public_key, secret_key);
    snprintf(path, sizeof path, "%s.pub", o->words[0]);
    bool ok = write_key(o->words[0], 0600, secret_key, sizeof secret_key) &&
              write_key(path, 0644, public_key, sizeof public_key);
    sodium_memzero(secret_key, sizeof secret_key);
    return ok ? 0 : 2;
}

/* --- package ------------------------------------------------------------------------------------------- */
static bool write_archive(const struct gpup_package *package, const char *path) {
    uint8_t *bytes;
    size_t size;
    char message[512];
    if (!gpup_package_write(package, &bytes, &size, message, sizeof message))
        return usage_error("%s", message), false;
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(bytes, 1, size, file) == size;
    ok = file && fclose(file) == 0 && ok;
    if (!ok)
        usage_error("%s: cannot be written: %s", path, strerror(errno));
    free(bytes);
    return ok;
}

int command_package(const struct options *o) {
    struct gpup_package package;
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    char root[65], message[4600];
    if (o->word_count < 1 || !o->out)
        return usage_error("package: expected DIR... -o FILE");
    if (o->sign && !read_key(o->sign, secret_key, sizeof secret_key))
        return 2;
    struct gpup_package_options options = {.directories = o->words,
                                           .directory_count = o->word_count,
                                           .expectations = o->expect,
                                           .strict = o->strict,
                                           .secret_key = o->sign ? secret_key : NULL};
    struct gpup_run_program *programs = collect(NULL, NULL, &options.program_count);
    options.programs = programs;
    int status = 0;
    int rc = gpup_package_make(&options, &package, root, &status, message, sizeof message);
    if (rc != 0)
        usage_error("%s", message);
    else if (!write_archive(&package, o->out))
        rc = 2;
    else
        printf("%s: %zu members, root hash %s%s\nthe results in it: exit status %d\n", o->out, package.count,
               root, o->sign ? ", signed" : "", status);
    sodium_memzero(secret_key, sizeof secret_key);
    release(programs, options.program_count);
    gpup_package_free(&package);
    return rc;
}

/* --- verify -------------------------------------------------------------------------------------------- */
static struct gpup_run_program *expected(void *context, const struct gpup_results *results, size_t *count) {
    (void)context;
    return collect(results->profile, *results->select ? results->select : NULL, count);
}

static uint8_t *read_archive(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    if (!file || fseek(file, 0, SEEK_END) != 0 || ftell(file) < 0)
        usage_error("%s: cannot be read: %s", path, strerror(errno));
    else if ((size_t)ftell(file) > GPUP_PACKAGE_MAX_BYTES)
        usage_error("%s: larger than a package may be", path);
    else
        bytes = malloc((size_t)ftell(file) + 1);
    if (bytes) {
        *size = (size_t)ftell(file);
        rewind(file);
        *size = fread(bytes, 1, *size, file);
    }
    if (file)
        fclose(file);
    return bytes;
}

int command_verify(const struct options *o) {
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    size_t size = 0;
    if (o->word_count != 1)
        return usage_error("verify: expected one package FILE");
    if (o->key && !read_key(o->key, key, sizeof key))
        return 2;
    uint8_t *bytes = read_archive(o->words[0], &size);
    if (!bytes)
        return 2;
    struct gpup_verify_options options = {.key = o->key ? key : NULL, .expected = expected};
    int status = gpup_package_verify_bytes(bytes, size, o->words[0], &options, stdout);
    free(bytes);
    return status;
}
