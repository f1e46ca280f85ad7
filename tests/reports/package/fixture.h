/* Packages of small runs, made and checked in this process. */
#ifndef GPUP_TESTS_PACKAGE_FIXTURE_H
#define GPUP_TESTS_PACKAGE_FIXTURE_H

#include "../../runner/tool.h"

#include <gpup/package.h>

#define SPACE 8192

/* A run of the tool into $D/NAME/1 ... $D/NAME/shards, with all traces. */
void fixture_run(const char *name, const char *implementation, const char *select, unsigned shards);
/* The package of it; expectations: a file, or NULL. Its result, and *status of the run. */
int fixture_make(const char *name, unsigned shards, const char *expectations, const uint8_t *secret_key,
                 struct gpup_package *package, int *status, char message[SPACE]);
/* As fixture_make, and must work. */
void fixture_package(const char *name, unsigned shards, struct gpup_package *package);
/* Verifies and returns the status; what was printed goes to out. */
int fixture_verify(const struct gpup_package *package, const uint8_t *key, char out[SPACE]);
/* Seals it again and expects that verifying fails and says `words`. */
void fixture_refused(struct gpup_package *package, const char *words);
/* Replaces a member's plain bytes. */
void fixture_replace(struct gpup_package *package, const char *name, const void *bytes, size_t size);

#endif
