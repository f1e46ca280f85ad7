#include "tool.h"

#include <gpup/scenarios.h>

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct gpup_implementation *gpup_implementation_reference(void);
const struct gpup_implementation *gpup_implementation_second(void);
const struct gpup_implementation *gpup_implementation_null(void);
const struct gpup_implementation *gpup_implementation_refuser(void);
const struct gpup_implementation *gpup_implementation_yesman(void);
const struct gpup_implementation *gpup_implementation_framework(void);
const struct gpup_implementation *gpup_implementation_faulty_framework(void);

const struct gpup_static_implementation *implementation_known(void) {
    static const struct gpup_static_implementation known[] = {
        {"reference", gpup_implementation_reference, "gpup_impl_reference_"},
        {"second", gpup_implementation_second, "gpup_impl_second_"},
        {"null", gpup_implementation_null, "gpup_impl_null_"},
        {"refuser", gpup_implementation_refuser, "gpup_impl_refuser_"},
        {"yesman", gpup_implementation_yesman, "gpup_impl_yesman_"},
        {"framework", gpup_implementation_framework, "gpup_impl_framework_"},
        {"framework-defects", gpup_implementation_faulty_framework, "gpup_impl_faulty_framework_"},
        {NULL, NULL, NULL}};
    return known;
}

/* The object with the defects lies beside the tool, in the build tree as when installed. */
static void defects_path(char *out, size_t size) {
    static const char *const places[] = {"reference-defects.so", "harness/reference/reference-defects.so",
                                         "../lib/gpup-cts/reference-defects.so"};
    char self[2048] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    char *directory = dirname(self);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(out, size, "%s/%s", directory, places[i]);
        if (access(out, R_OK) == 0)
            return;
    }
}

void implementation_resolve(struct implementation *out, const char *name) {
    static const char defect[] = "reference:";
    static const char framework[] = "framework:";
    name = name ? name : "reference";
    snprintf(out->label, sizeof out->label, "%s", name);
    snprintf(out->path, sizeof out->path, "%s", name);
    if (strncmp(name, defect, sizeof defect - 1) == 0) {
        char path[3072];
        defects_path(path, sizeof path);
        snprintf(out->path, sizeof out->path, "%s:%s", path, name + sizeof defect - 1);
    }
    if (strncmp(name, framework, sizeof framework - 1) ==
        0) { /* a fault of ours, or the framework of an object */
        const char *rest = name + sizeof framework - 1;
        snprintf(out->path, sizeof out->path, "%s%s",
                 strncmp(rest, "BUG-", 4) == 0 ? "framework-defects:" : "", rest);
    }
}

static bool open_binary(const char *path, struct gpup_program *program) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 20);
    size_t size = file && bytes ? fread(bytes, 1, 1 << 20, file) : 0;
    bool ok = file && bytes && gpup_program_decode(bytes, size, program);
    if (!ok)
        usage_error("%s: cannot be read", path);
    if (file)
        fclose(file);
    free(bytes);
    return ok;
}

bool program_open(const char *name, struct gpup_program *program) {
    for (size_t i = 0; i < gpup_scenario_count; i++)
        if (strcmp(gpup_scenarios[i].name, name) == 0)
            return gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, program);
    struct stat st;
    if (stat(name, &st) != 0 || !S_ISREG(st.st_mode)) {
        usage_error(
            "%s: neither a bundled program nor a file; `gpup-cts list scenarios` names the bundled ones",
            name);
        return false;
    }
    const char *dot = strrchr(name, '.');
    if (!dot || (strcmp(dot, ".yaml") != 0 && strcmp(dot, ".yml") != 0))
        return open_binary(name, program);
    char *errors = NULL;
    bool ok = gpup_program_load(name, program, &errors) == 0;
    if (!ok)
        fprintf(stderr, "%s", errors ? errors : "out of memory\n");
    free(errors);
    return ok;
}
