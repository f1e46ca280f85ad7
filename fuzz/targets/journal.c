/* The journal of a run, as `run --resume` and `report` read it: any bytes give results, which
 * every document takes, or a message. */
#include "target.h"

#include <gpup/reports.h>

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

/* Every document of a report, as long as there are results. */
static void write_all(const struct gpup_results *results) {
    struct gpup_report report;
    const char *select =
        *results->select ? results->select : "PAUSE-*"; /* not the whole catalogue each time */
    FILE *nowhere = fopen("/dev/null", "w");
    if (!nowhere || !gpup_report_open_at(&report, results, select, NULL, false, "2026-01-01")) {
        if (nowhere)
            fclose(nowhere);
        return;
    }
    for (size_t i = 0; i < gpup_writer_count; i++)
        if (!gpup_writers[i].write(&report, nowhere))
            abort(); /* text that a document does not take */
    gpup_report_close(&report);
    fclose(nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gpup_results results = {0};
    char message[1024] = "";
    FILE *file = size ? fopen(path, "wb") : NULL;
    if (!file)
        return 0;
    fwrite(data + 1, 1, size - 1, file);
    fclose(file);
    int status = gpup_journal_read(directory, data[0] & 1, &results, message, sizeof message);
    if (status != 0 && !message[0])
        abort(); /* refused without a word */
    if (status == 0)
        write_all(&results);
    gpup_results_free(&results);
    return 0;
}
