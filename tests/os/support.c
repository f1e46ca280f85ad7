#include "support.h"
#include <string.h>

void record(void *context, struct gpup_event *event) {
    struct log *log = context;

    if (log->count == 256)
        return;
    log->events[log->count] = *event;
    if (event->kind == GPUP_EVENT_MISUSE)
        memcpy(log->text[log->count], event->data, event->data_size < 31 ? event->data_size : 31);
    gpup_event_places(event, &log->places[log->count]);
    log->count++;
}

const struct gpup_places *logged_places(const struct log *log, unsigned kind, unsigned nth) {
    const struct gpup_event *event = logged(log, kind, nth);

    return event ? &log->places[event - log->events] : NULL;
}

struct gpup_os_config host_config(struct host *host) {
    return (struct gpup_os_config){
        .arena = host->arena, .emitter = {record, &host->log}, .seed = 7, .fill = 0xA5, .page_guards = true};
}

void host_open(struct host *host, bool page_guards) {
    struct gpup_os_config config;

    memset(host, 0, sizeof *host);
    host->arena = gpup_arena_new((size_t)256 << 20);
    assert_non_null(host->arena);
    config = host_config(host);
    config.page_guards = page_guards;
    host->os = gpup_os_new(&config);
    assert_non_null(host->os);
}

void host_close(struct host *host) {
    gpup_arena_free(host->arena);
}

enum gpup_ran host_try(struct host *host, void *function, void *argument) {
    struct gpup_os_call call = {.function = function, .args = {(uint64_t)(uintptr_t)argument}, .count = 1};

    return gpup_os_call(host->os, &call);
}

uint64_t host_run(struct host *host, void *function, void *argument) {
    struct gpup_os_call call = {.function = function, .args = {(uint64_t)(uintptr_t)argument}, .count = 1};

    assert_int_equal(gpup_os_call(host->os, &call), GPUP_RAN_RETURNED);
    return call.result;
}

const struct gpup_event *logged(const struct log *log, unsigned kind, unsigned nth) {
    for (unsigned i = 0; i < log->count; i++)
        if (log->events[i].kind == kind && !nth--)
            return &log->events[i];
    return NULL;
}

unsigned count_of(const struct log *log, unsigned kind) {
    unsigned count = 0;

    for (unsigned i = 0; i < log->count; i++)
        count += log->events[i].kind == kind;
    return count;
}
