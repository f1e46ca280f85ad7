#include "fixture.h"

#include "../../../reports/package/member.h"

#include <gpup/scenarios.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void fixture_run(const char *name, const char *implementation, const char *select, unsigned shards) {
    for (unsigned i = 1; i <= shards; i++) {
        struct tool t = tool_run("run %s --select '%s' --traces all --shard %u/%u --jobs 1 --out $D/%s-%u",
                                 implementation, select, i, shards, name, i);
        if (t.status > 1 && t.status != 4)
            fail_msg("run %s: %d %s", implementation, t.status, t.err);
        tool_free(&t);
    }
}

/* Programs live as long as the test. */
static const struct gpup_run_program *bundled(size_t *count) {
    static struct gpup_run_program *programs;
    *count = gpup_scenario_count;
    if (programs)
        return programs;
    programs = calloc(gpup_scenario_count, sizeof *programs);
    for (size_t i = 0; i < gpup_scenario_count; i++) {
        programs[i].name = gpup_scenarios[i].name;
        gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, &programs[i].program);
    }
    return programs;
}

int fixture_make(const char *name, unsigned shards, const char *expectations, const uint8_t *secret_key,
                 struct gpup_package *package, int *status, char message[SPACE]) {
    char paths[4][2 * TOOL_LONGEST], root[65];
    const char *directories[4];
    for (unsigned i = 0; i < shards; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", tool_path("%s-%u", name, i + 1));
        directories[i] = paths[i];
    }
    struct gpup_package_options options = {.directories = directories,
                                           .directory_count = shards,
                                           .expectations = expectations,
                                           .secret_key = secret_key};
    options.programs = bundled(&options.program_count);
    return gpup_package_make(&options, package, root, status, message, SPACE);
}

void fixture_package(const char *name, unsigned shards, struct gpup_package *package) {
    char message[SPACE];
    int status;
    if (fixture_make(name, shards, NULL, NULL, package, &status, message) != 0)
        fail_msg("%s", message);
}

int fixture_verify(const struct gpup_package *package, const uint8_t *key, char out[SPACE]) {
    struct gpup_verify_options options = {.key = key};
    memset(out, 0, SPACE);
    FILE *file = fmemopen(out, SPACE, "w");
    assert_non_null(file);
    int status = gpup_package_verify(package, &options, file);
    fclose(file);
    out[SPACE - 1] = 0;
    return status;
}

void fixture_refused(struct gpup_package *package, const char *words) {
    char message[SPACE], root[65];
    assert_true(gpup_package_seal(package, NULL, root, message, sizeof message));
    int status = fixture_verify(package, NULL, message);
    if (status != 1 || !strstr(message, words))
        fail_msg("expected status 1 and '%s', found %d and:\n%s", words, status, message);
}

void fixture_replace(struct gpup_package *package, const char *name, const void *bytes, size_t size) {
    char message[SPACE];
    gpup_package_remove(package, name);
    if (!gpup_package_add(package, name, bytes, size, message, sizeof message))
        fail_msg("%s", message);
}
