/* MANIFEST and SIGNATURE. */
#include "member.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST "MANIFEST"
#define SIGNATURE "SIGNATURE"
#define HEX (2 * crypto_hash_sha256_BYTES)

static void sha256(const void *bytes, size_t size, char hex[HEX + 1]) {
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, bytes, size);
    sodium_bin2hex(hex, HEX + 1, hash, sizeof hash);
}

static bool listed(const struct gpup_member *m) {
    return strcmp(m->name, MANIFEST) != 0 && strcmp(m->name, SIGNATURE) != 0;
}

/* NULL: out of memory. */
static char *make_manifest(const struct gpup_package *package, char root[65]) {
    char *text = NULL, hash[HEX + 1];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "gpup-cts package %d\n", GPUP_PACKAGE_FORMAT);
    for (size_t i = 0; i < package->count; i++) {
        const struct gpup_member *m = &package->members[i];
        if (!listed(m))
            continue;
        sha256(m->bytes, m->size, hash);
        fprintf(out, "%s %zu %s\n", hash, m->size, m->name);
    }
    fflush(out);
    sha256(text, size, root);
    fprintf(out, "root %s\n", root);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* What is signed says what it is, so that the signature fits nothing else. */
static int signed_text(const char root[65], char out[128]) {
    return snprintf(out, 128, "gpup-cts package %d root %s\n", GPUP_PACKAGE_FORMAT, root);
}

static int print_signature(const uint8_t key[32], const uint8_t signature[64], char out[256]) {
    char key_hex[65], signature_hex[129];
    sodium_bin2hex(key_hex, sizeof key_hex, key, 32);
    sodium_bin2hex(signature_hex, sizeof signature_hex, signature, 64);
    return snprintf(out, 256, "key %s\nsignature %s\n", key_hex, signature_hex);
}

bool gpup_package_seal(struct gpup_package *package, const uint8_t *secret_key, char root[65], char *message,
                       size_t message_size) {
    gpup_package_remove(package, MANIFEST);
    gpup_package_remove(package, SIGNATURE);
    char *text = make_manifest(package, root);
    bool ok = text;
    if (!ok)
        snprintf(message, message_size, "out of memory");
    ok = ok && gpup_package_add_stored(package, MANIFEST, text, strlen(text), message, message_size);
    free(text);
    if (!ok || !secret_key)
        return ok;
    char what[128], lines[256];
    uint8_t signature[crypto_sign_BYTES], key[crypto_sign_PUBLICKEYBYTES];
    int size = signed_text(root, what);
    crypto_sign_ed25519_sk_to_pk(key, secret_key);
    crypto_sign_detached(signature, NULL, (const uint8_t *)what, (size_t)size, secret_key);
    size = print_signature(key, signature, lines);
    return gpup_package_add_stored(package, SIGNATURE, lines, (size_t)size, message, message_size);
}

/* --- checking ------------------------------------------------------------------------------------------ */
__attribute__((format(printf, 3, 4))) static bool wrong(char *message, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(message, size, format, list);
    va_end(list);
    return false;
}

/* MANIFEST's own bytes first: else a change in it would be told as one of the member on that line. */
static bool check_root(const struct gpup_member *m, char root[65], char *message, size_t message_size) {
    const size_t last = 5 + HEX + 1;
    if (m->size < last || memchr(m->bytes, 0, m->size))
        return wrong(message, message_size, MANIFEST ": not a manifest");
    sha256(m->bytes, m->size - last, root);
    const char *line = (const char *)m->bytes + m->size - last;
    if (memcmp(line, "root ", 5) != 0 || memcmp(line + 5, root, HEX) != 0 || line[last - 1] != '\n')
        return wrong(message, message_size, MANIFEST ": changed: its root hash is not that of its lines");
    return true;
}

/* Lines and members in the same order, so the first that do not fit say what is the matter. */
static bool check_members(const struct gpup_package *package, const char *text, char *message,
                          size_t message_size) {
    const char *at = strchr(text, '\n') + 1; /* behind the head */
    for (size_t i = 0; i < package->count; i++) {
        const struct gpup_member *m = &package->members[i];
        char line[GPUP_PACKAGE_MAX_NAME + HEX + 64], hash[HEX + 1];
        char name[GPUP_PACKAGE_MAX_NAME + 1] = "";
        if (!listed(m))
            continue;
        sha256(m->bytes, m->size, hash);
        int length = snprintf(line, sizeof line, "%s %zu %s\n", hash, m->size, m->name);
        if (strncmp(at, line, (size_t)length) == 0) {
            at += length;
            continue;
        }
        bool named = sscanf(at, "%*64[0-9a-f] %*u %99[^\n]", name) == 1;
        if (named && strcmp(name, m->name) == 0)
            return wrong(message, message_size, "%s: changed: its bytes are not those of " MANIFEST, name);
        if (named && strcmp(name, m->name) < 0)
            return wrong(message, message_size, "%s: missing", name);
        return wrong(message, message_size, "%s: not in " MANIFEST, m->name);
    }
    char name[GPUP_PACKAGE_MAX_NAME + 1] = "";
    if (strncmp(at, "root ", 5) == 0 && strlen(at) == 5 + HEX + 1)
        return true;
    return sscanf(at, "%*64[0-9a-f] %*u %99[^\n]", name) == 1
               ? wrong(message, message_size, "%s: missing", name)
               : wrong(message, message_size, MANIFEST ": has lines for no member");
}

static bool check_signature(const struct gpup_member *m, const uint8_t *key, const char root[65],
                            char signer[65], char *message, size_t message_size) {
    char key_hex[65] = "", signature_hex[129] = "", what[128], lines[256];
    uint8_t public_key[32], signature[64];
    size_t n = 0;
    const char *text = (const char *)m->bytes;
    bool ok = m->size < sizeof lines && !memchr(text, 0, m->size);
    snprintf(lines, sizeof lines, "%.*s", ok ? (int)m->size : 0, text);
    ok = ok && sscanf(lines, "key %64[0-9a-f]\nsignature %128[0-9a-f]\n", key_hex, signature_hex) == 2 &&
         sodium_hex2bin(public_key, 32, key_hex, 64, NULL, &n, NULL) == 0 && n == 32 &&
         sodium_hex2bin(signature, 64, signature_hex, 128, NULL, &n, NULL) == 0 && n == 64;
    char again[256];
    ok = ok && print_signature(public_key, signature, again) == (int)m->size &&
         memcmp(again, text, m->size) == 0;
    if (!ok)
        return wrong(message, message_size, SIGNATURE ": not a signature");
    int size = signed_text(root, what);
    if (crypto_sign_verify_detached(signature, (const uint8_t *)what, (size_t)size, public_key) != 0)
        return wrong(message, message_size, SIGNATURE ": does not fit the root hash");
    if (key && memcmp(key, public_key, 32) != 0)
        return wrong(message, message_size, SIGNATURE ": made with another key, %s", key_hex);
    memcpy(signer, key_hex, 65);
    return true;
}

bool gpup_package_check(const struct gpup_package *package, const uint8_t *key, char root[65],
                        char signer[65], char *message, size_t message_size) {
    const struct gpup_member *manifest = gpup_package_find(package, MANIFEST);
    const struct gpup_member *signature = gpup_package_find(package, SIGNATURE);
    char head[64];
    int length = snprintf(head, sizeof head, "gpup-cts package %d\n", GPUP_PACKAGE_FORMAT);
    signer[0] = 0;
    root[0] = 0;
    if (sodium_init() < 0)
        return wrong(message, message_size, "libsodium cannot be used");
    if (!manifest)
        return wrong(message, message_size, MANIFEST ": missing");
    if (!check_root(manifest, root, message, message_size))
        return false;
    if (manifest->size < (size_t)length || memcmp(manifest->bytes, head, (size_t)length) != 0)
        return wrong(message, message_size, MANIFEST ": expected a package of format %d",
                     GPUP_PACKAGE_FORMAT);
    char *text = strndup((const char *)manifest->bytes, manifest->size);
    bool ok = text ? check_members(package, text, message, message_size)
                   : wrong(message, message_size, "out of memory");
    free(text);
    if (ok && !signature && key)
        return wrong(message, message_size, SIGNATURE ": missing: the package is not signed");
    return ok && (!signature || check_signature(signature, key, root, signer, message, message_size));
}
