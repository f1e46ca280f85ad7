/* GPUP_FILES: an engine's worlds have them, restored or new, and so has the world of an emitted C test.
 *
 *   test_fuzz_files example-miniport.so WORK */
#include "bundled.h"

#include <gpup/binding.h>
#include <gpup/repro.h>

#include <stdlib.h>
#include <string.h>

#define NAME "\\??\\C:\\Windows\\System32\\drivers\\example_miniport.bin"

static void count(void *context, const struct gpup_event *event) {
    *(unsigned *)context += event->kind == GPUP_EVENT_CALL;
}

static bool give(const char *work, const char *contents) {
    char path[4096], line[9000];
    snprintf(path, sizeof path, "%s/firmware.bin", work);
    FILE *file = fopen(path, "wb");
    bool ok = file && fputs(contents, file) >= 0;
    ok = file && fclose(file) == 0 && ok;
    snprintf(line, sizeof line, "\\SystemRoot\\other=%s\n" NAME "=%s\n", path, path);
    return ok && setenv("GPUP_FILES", line, 1) == 0;
}

/* Calls that the programs about the adapter come to, twice over; 0: it does not start. */
static unsigned calls(const char *object) {
    char message[512];
    unsigned made = 0, before = 0;
    struct gpup_trace_sink tap = {count, &made};
    struct fuzz_options options = {
        .implementation = object, .tap = &tap, .negative = true, .blind = true, .quiet = true};
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    if (!engine)
        printf("%s\n", message);
    for (int round = 0; engine && round < 2; round++) {
        for (size_t i = 0; i < gpup_scenario_count; i++) {
            struct gpup_program p;
            if (strncmp(gpup_scenarios[i].name, "adapter/power", 13) != 0 || !bundled(i, &p))
                continue;
            fuzz_engine_run(engine, &p);
            gpup_program_free(&p);
        }
        if (round == 1 && made != 2 * before)
            printf("%u calls, then %u: the files were not as they were\n", before, made - before);
        before = made;
    }
    fuzz_engine_free(engine);
    return made;
}

static bool refused(const char *object) {
    char message[512] = "";
    struct fuzz_options options = {.implementation = object, .quiet = true};
    struct gpup_binding binding;
    struct gpup_program p;
    setenv("GPUP_FILES", NAME "=nothing.bin", 1);
    struct fuzz_engine *engine = fuzz_engine_new(&options, message, sizeof message);
    bool ok = !engine && strstr(message, "nothing.bin: cannot be read");
    if (gpup_binding_open(&binding, object, NULL, message, sizeof message) != 0 || !bundled(0, &p))
        return false;
    message[0] = 0;
    ok = gpup_world_run_and_judge(&p, binding.implementation, message, sizeof message) == -1 && ok &&
         strstr(message, "nothing.bin: cannot be read");
    unsetenv("GPUP_FILES");
    ok = gpup_world_run_and_judge(&p, binding.implementation, message, sizeof message) >= 0 && ok;
    gpup_program_free(&p);
    gpup_binding_close(&binding);
    return ok;
}

int main(int argc, char **argv) {
    unsigned none = argc == 3 ? calls(argv[1]) : 0;
    unsigned good = none && give(argv[2], "MINI and more") ? calls(argv[1]) : 0;
    unsigned bad = good && give(argv[2], "none of it") ? calls(argv[1]) : 1;
    bool named = argc == 3 && refused(argv[1]);
    printf("%u calls without firmware, %u with, %u with wrong; a file that is missing is %s\n", none, good,
           bad, named ? "named" : "not named");
    return none && good == none && !bad && named ? 0 : 1;
}
