/* What the journals of all shards, the expectations and the settings of a package say together. */
#ifndef GPUP_REPORTS_PACKAGE_EVIDENCE_H
#define GPUP_REPORTS_PACKAGE_EVIDENCE_H

#include "member.h"

#define JOURNALS "journals/"
#define PROGRAMS "programs/"
#define TRACES "traces/"
#define EXPECTATIONS "expectations.yaml"
#define SETTINGS "settings.json"
#define RULES "rules.json.zst"

struct shard {
    uint32_t index, count, programs;
    char started[21], system[160], tool[64];
};
struct evidence {
    struct gpup_results results; /* of all shards; sorted */
    struct shard *shards;
    size_t shard_count;
    struct gpup_expectations expectations;
    bool expected; /* there are some */
    bool strict;
    char date[11]; /* of the last shard: the package's */
};

/* From the members. false: message names the member and what is wrong, missing or doubled in it. */
bool evidence_read(struct evidence *evidence, const struct gpup_package *package, char *message,
                   size_t message_size);
void evidence_free(struct evidence *evidence);
bool evidence_report(const struct evidence *evidence, struct gpup_report *report);

/* statement.txt, statement.json, results.json and rules.json, as they follow from the evidence. */
struct derived {
    const char *name;
    bool (*write)(const struct evidence *evidence, const struct gpup_report *report, FILE *out);
};
extern const struct derived derived_members[];
extern const size_t derived_count;
/* malloc'ed; NULL: out of memory. */
char *derived_text(const struct derived *derived, const struct evidence *evidence,
                   const struct gpup_report *report, size_t *size);
bool statement_text(const struct evidence *evidence, const struct gpup_report *report, FILE *out);
bool statement_json(const struct evidence *evidence, const struct gpup_report *report, FILE *out);

/* Name of the member for a program: PREFIX NAME SUFFIX. false: too long, or no name for a member. */
bool member_name(char out[GPUP_PACKAGE_MAX_NAME + 1], const char *prefix, const char *name,
                 const char *suffix);

#endif
