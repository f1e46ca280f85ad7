/*
 * Pre-certification package: one archive with everything that a verdict rests on, so that somebody else can
 * derive it again, and a statement for people.
 *
 * A package is a ustar archive: its members sorted by name, all with the same mode, owner and time, so that
 * equal input gives equal bytes.
 *     MANIFEST             SHA-256, size and name of every other member, then the root hash: that of these
 * lines SIGNATURE            optional: Ed25519 over the root hash, with the public key statement.txt for
 * people; statement.json the same for machines results.json         schema: reports/results.schema.json
 *     settings.json        what `package` was told
 *     rules.json.zst       the rules as they were: id, level, basis, subject, sentence
 *     expectations.yaml    as given with --expect, or absent
 *     journals/NNNN.jsonl.zst   one per shard
 *     programs/NAME.yaml        every program that ran
 *     traces/NAME.trace.zst     everything that happened in it
 * Statement, results and rules are made from the rest; `verify` makes them again and compares.
 *
 * Reading takes any bytes: all in memory, with bounds (GPUP_PACKAGE_ constants), nothing is written to disk.
 * What is not byte for byte what this layout gives is refused with one message that names the member, or the
 * archive itself.
 */
#ifndef GPUP_PACKAGE_H
#define GPUP_PACKAGE_H

#include <gpup/reports.h>

#define GPUP_PACKAGE_FORMAT 1
#define GPUP_PACKAGE_MAX_BYTES ((size_t)1 << 30)    /* of the archive */
#define GPUP_PACKAGE_MAX_MEMBERS 20000u             /* in it */
#define GPUP_PACKAGE_MAX_MEMBER ((size_t)256 << 20) /* one member, unpacked */
#define GPUP_PACKAGE_MAX_NAME 99u /* characters of a name: a-z A-Z 0-9 . _ - and / between */

struct gpup_member {
    char name[GPUP_PACKAGE_MAX_NAME + 1];
    uint8_t *bytes; /* as stored: *.zst is packed */
    size_t size;
};
struct gpup_package {
    struct gpup_member *members; /* sorted by name */
    size_t count, capacity;
};
void gpup_package_free(struct gpup_package *package);
const struct gpup_member *gpup_package_find(const struct gpup_package *package, const char *name);

/* Takes a copy; a name that ends in .zst: of the packed bytes. false: message says why. */
bool gpup_package_add(struct gpup_package *package, const char *name, const void *bytes, size_t size,
                      char *message, size_t message_size);
/* The bytes of a member, unpacked, with a zero behind them; free() them. NULL: message names the member. */
uint8_t *gpup_package_unpack(const struct gpup_member *member, size_t *size, char *message,
                             size_t message_size);

/* Adds MANIFEST, and SIGNATURE with an Ed25519 secret key (64 bytes; NULL: unsigned), replacing those that
 * are there. root: 64 hexadecimal digits. */
bool gpup_package_seal(struct gpup_package *package, const uint8_t *secret_key, char root[65], char *message,
                       size_t message_size);
/* Every member is what MANIFEST says, and SIGNATURE is one over it. key: 32 bytes, must have signed; NULL:
 * whoever. signer: 64 hexadecimal digits, "" when it is not signed. */
bool gpup_package_check(const struct gpup_package *package, const uint8_t *key, char root[65],
                        char signer[65], char *message, size_t message_size);

/* The archive; free(*bytes). Read: members that are not sorted, doubled, no plain files or larger than the
 * bounds are refused, and in the end bytes that writing would not give. */
bool gpup_package_write(const struct gpup_package *package, uint8_t **bytes, size_t *size, char *message,
                        size_t message_size);
bool gpup_package_read(const void *bytes, size_t size, struct gpup_package *package, char *message,
                       size_t message_size);

/* What `package` and `verify` are told beside the evidence. */
struct gpup_package_options {
    const char *const *directories; /* of runs: the shards of one, with all traces */
    size_t directory_count;
    const char *expectations; /* file, or NULL */
    bool strict;
    const struct gpup_run_program *programs; /* by name; those that the journals name must be among them */
    size_t program_count;
    const uint8_t *secret_key; /* NULL: unsigned */
};
/* Exit status: 0 and the sealed package; 2 unusable input; 3 memory. status: the exit status that the results
 * amount to. */
int gpup_package_make(const struct gpup_package_options *options, struct gpup_package *package, char root[65],
                      int *status, char *message, size_t message_size);

struct gpup_verify_options {
    const uint8_t *key; /* 32 bytes, or NULL */
    /* Programs that this tool has for the profile and selection of a package; NULL: they are not compared.
     * They are released with the array. */
    struct gpup_run_program *(*expected)(void *context, const struct gpup_results *results, size_t *count);
    void *context;
    bool skip_hashes; /* for fuzzing: contents are looked at whatever MANIFEST says */
};
/* Prints what it finds, one line each. 0: the same verdicts follow from the evidence. 1: they do not, or
 * something is missing, doubled or changed. 4: whole, but of another specification: the differences of the
 * rules are printed. 2 and 3 as above. */
int gpup_package_verify(const struct gpup_package *package, const struct gpup_verify_options *options,
                        FILE *out);
/* The same of an archive. */
int gpup_package_verify_bytes(const void *bytes, size_t size, const char *name,
                              const struct gpup_verify_options *options, FILE *out);

#endif
