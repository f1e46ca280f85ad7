/* The journal of a run, as `run --resume` and `report` read it: any bytes give results or a message. */
#include "target.h"

#include <gpup/runner.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[] = P_tmpdir "/gpup-fuzz-journal-XX"
                                   "XX"
                                   "XX";
static char path[sizeof directory + 16];

static void clean(void) {
    unlink(path);
    rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    if (!mkdtemp(directory))
        return 1;
    snprintf(path, sizeof path, "%s/events.jsonl", directory);
    atexit(clean);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_results results = {0};
    char message[1024] = "";
    FILE *file = size ? fopen(path, "wb") : NULL;
    if (!file)
        return 0;
    fwrite(data + 1, 1, size - 1, file);
    fclose(file);
    if (gpup_journal_read(directory, data[0] & 1, &results, message, sizeof message) != 0 && !message[0])
        abort(); /* refused without a word */
    gpup_results_free(&results);
    return 0;
}
