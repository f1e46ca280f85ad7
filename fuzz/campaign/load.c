/* Whether an implementation can be fuzzed at all: it is loaded, and a world is opened for it. */
#include "campaign.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES 6u /* of what it said */

bool takes_programs(const struct options *o) {
    static const char *const of_programs[] = {"program", "call", "blob", "packet"};
    for (size_t i = 0; i < sizeof of_programs / sizeof *of_programs; i++)
        if (strcmp(o->target, of_programs[i]) == 0)
            return true;
    return false;
}

static int try(const struct options *o, const char *target_name, const char *log, char *input) {
    char target[PATH_ROOM], *argv[] = {target, input, NULL};
    snprintf(target, sizeof target, "%s/fuzz_%s_replay", o->tools, target_name);
    unlink(log);
    set_target_environment(o, false);
    return run_tool(log, argv, campaign_stopped);
}

static void tell_first_lines(const char *said) {
    for (unsigned i = 0; *said && i < LINES; said += strcspn(said, "\n"), said += *said == '\n') {
        int length = (int)strcspn(said, "\n");
        if (length && strspn(said, "=") < (size_t)length) { /* not a sanitizer's ruler */
            fprintf(stderr, "  %.*s\n", length, said);
            i++;
        }
    }
}

/* Says why not; 0: it was in a call of the driver, which its first input shows, too. */
static int tell(const struct options *o, int status, const char *log) {
    size_t size;
    char *said = read_file(log, &size);
    bool calls = said && strstr(said, "DURING "), own = status == 2 || status == 3;
    if (calls && status != FUZZ_HUNG)
        return free(said), 0;
    fprintf(stderr, "fuzz: %s cannot be fuzzed: ", o->implementation);
    if (status == FUZZ_HUNG)
        fprintf(stderr, "it did not return within %u s while it was loaded; all is in %s\n", fuzz_limit(),
                log);
    else if (!own)
        fprintf(stderr, "the process ended while it was loaded; all is in %s\n", log);
    else
        fputs("\n", stderr);
    tell_first_lines(said ? said : "");
    free(said);
    return own ? status : 3;
}

/* Tables are opened, a driver's entry is called, when a world begins: an empty program is one. */
static int try_world(const struct options *o, const char *log) {
    char input[PATH_ROOM];
    const char *oracles = o->oracles;
    snprintf(input, sizeof input, "%s/log/empty", o->out);
    if (!write_file(input, "\0\0\0\0", 4))
        return 0;
    struct options plain = *o;
    plain.oracles = "none";
    setenv("GPUP_FUZZ_WHERE", "1", 1);
    int status = try(&plain, "program", log, input);
    unsetenv("GPUP_FUZZ_WHERE");
    if (!oracles)
        unsetenv("GPUP_FUZZ_ORACLES");
    unlink(input);
    return status;
}

int regression_load(const struct options *o) {
    char log[PATH_ROOM];
    snprintf(log, sizeof log, "%s/log/load.log", o->out);
    int status = try(o, o->target, log, NULL);
    if (status == 0 && takes_programs(o) && !campaign_stopped())
        status = try_world(o, log);
    return status == 0 || campaign_stopped() ? 0 : tell(o, status, log);
}
