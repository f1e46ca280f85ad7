/* One program in one worker: replay, shrink and the like. */
#include "slot.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

int gpup_run_one(const struct gpup_run_options *options, const struct gpup_program *program,
                 const struct gpup_trace_sink *sink, struct gpup_program_result *result, char *message,
                 size_t message_size) {
    struct gpup_run_program only = {options->name ? options->name : "program", *program};
    struct gpup_run_options o = *options;
    struct slot slot;
    o.programs = &only;
    o.program_count = 1;
    o.out = NULL;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    sigaction(SIGPIPE, &ignore, &old);
    enum slot_news news = SLOT_NOTHING;
    bool ok = slot_init(&slot, &o) && slot_spawn(&slot);
    slot.tap = sink;
    while (ok && news == SLOT_NOTHING) {
        struct pollfd fd = {.fd = slot.events, .events = POLLIN};
        if (slot.ready && !slot.busy)
            slot_give(&slot, 0);
        poll(&fd, 1, 100);
        news = fd.revents ? slot_read(&slot) : SLOT_NOTHING;
        if (news == SLOT_NOTHING)
            news = slot_check_time(&slot);
        ok = slot.pid || news != SLOT_NOTHING;
    }
    if (news == SLOT_DONE) {
        *result = slot.result;
        slot.result = (struct gpup_program_result){0};
    } else {
        snprintf(message, message_size, "%s",
                 slot.why[0] ? slot.why : "the worker process could not be started");
    }
    slot_free(&slot);
    sigaction(SIGPIPE, &old, NULL);
    return news == SLOT_DONE ? 0 : 3;
}
