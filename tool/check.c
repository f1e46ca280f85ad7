/* Judges a stored trace: the verdicts of a run, derived again from its evidence. */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint8_t *file_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes = NULL;
    if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) &&
        (bytes = malloc((size_t)st.st_size + 1)))
        *size = fread(bytes, 1, (size_t)st.st_size, file);
    if (!bytes)
        usage_error("%s: cannot be read: %s", path, errno ? strerror(errno) : "not a file");
    if (file)
        fclose(file);
    return bytes;
}

static int report(struct gpup_program_result *program, const struct options *o) {
    struct gpup_results results = {.programs = program, .program_count = 1};
    snprintf(results.implementation, sizeof results.implementation, "%s", "stored trace");
    snprintf(results.profile, sizeof results.profile, "%s", "full");
    return report_results(&results, o, NULL, &(struct report_sources){0});
}

int command_check(const struct options *o) {
    size_t size = 0;
    if (o->word_count != 1)
        return usage_error("check: expected one TRACE file");
    uint8_t *bytes = file_read(o->words[0], &size);
    if (!bytes)
        return 2;
    struct gpup_program_result program;
    char spec[32], message[512];
    int status = 2;
    if (gpup_trace_judge(bytes, size, NULL, &program, spec, message, sizeof message) != 0)
        usage_error("%s: %s", o->words[0], message);
    else if (!(program.name = strdup(o->words[0])))
        status = (usage_error("out of memory"), 3);
    else
        status = report(&program, o);
    gpup_program_result_free(&program);
    free(bytes);
    return status;
}
