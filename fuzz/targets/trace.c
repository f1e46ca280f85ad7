/*
 * Traces: the first byte chooses the binary file or the text. Whatever is read is judged: a trace from
 * elsewhere is untrusted. An event that was read is written and read again as the same.
 */
#include "target.h"

#include <gpup/judge.h>

#include <stdlib.h>
#include <string.h>

#define EVENTS 4096u
#define RECORD 65536u

static struct gpup_judge *judge; /* of the input at hand: one that was used before has grown */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    return 0;
}

static void same_again(const struct gpup_event *e) {
    static uint8_t bytes[RECORD];
    struct gpup_event back;
    long size = gpup_trace_encode(e, bytes, sizeof bytes);
    if (size <= 0 || size > (long)sizeof bytes)
        return;
    if (gpup_trace_decode(bytes, (size_t)size, &back) != size || back.kind != e->kind ||
        memcmp(back.f, e->f, sizeof e->f) != 0 || back.data_size != e->data_size)
        abort();
}

static void binary(const uint8_t *data, size_t size) {
    struct gpup_trace_reader reader;
    struct gpup_event event;
    if (gpup_trace_open(&reader, data, size) != 0)
        return;
    for (unsigned i = 0; i < EVENTS && gpup_trace_next(&reader, &event) == 1; i++) {
        same_again(&event);
        gpup_judge_event(judge, &event);
    }
}

static void text(const uint8_t *data, size_t size) {
    static uint8_t storage[RECORD];
    char *copy = malloc(size + 1), *save = NULL, message[200];
    if (!copy)
        return;
    memcpy(copy, data, size);
    copy[size] = 0;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct gpup_event event;
        if (gpup_event_parse(line, &event, storage, sizeof storage, message, sizeof message) == 0) {
            same_again(&event);
            gpup_judge_event(judge, &event);
        }
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    judge = size ? gpup_judge_new() : NULL;
    if (!judge)
        return 0;
    if (data[0] & 1)
        binary(data + 1, size - 1);
    else
        text(data + 1, size - 1);
    gpup_judge_end(judge);
    gpup_judge_free(judge);
    return 0;
}
