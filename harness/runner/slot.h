/* One worker process and the program it runs, as the parent sees them. */
#ifndef GPUP_RUNNER_SLOT_H
#define GPUP_RUNNER_SLOT_H

#include "protocol.h"
#include "started.h"
#include "twin.h"

#include <gpup/runner.h>
#include <sys/types.h>
#include <time.h>

struct slot {
    const struct gpup_run_options *options;
    pid_t pid; /* 0: no process */
    int commands, events;
    struct reader reader;
    struct gpup_judge *judge;
    struct gpup_trace_buffer trace;
    const struct gpup_trace_sink *tap; /* also gets every event, may be NULL */
    bool ready, busy;
    unsigned ran; /* programs this process finished before the one at hand */
    uint32_t index;
    uint32_t variant;           /* enum twin_variant: which run of the program this is */
    struct twin twin[2];        /* outputs of the first run, and of the one after it */
    struct twin_output differs; /* where the second run left the first */
    bool ended;                 /* END of the first run came; it is held back until the others are done */
    struct gpup_event end;
    struct timespec started;
    uint32_t used; /* ms of CPU time that the worker had then */
    struct gpup_program_result result;
    uint64_t open_call;   /* call that has not come back, 0 none */
    uint16_t last_ddi;    /* of the last call, come back or not */
    struct started start; /* how it went */
    bool hung, cause_known;
    char why[320];
    char build[128]; /* what the implementation calls its build, once it is loaded */
};

enum slot_news {
    SLOT_NOTHING,
    SLOT_DONE,  /* slot->result is complete (taken over by the caller) */
    SLOT_LOST,  /* program to be run again alone: the process had run others before */
    SLOT_FAILED /* the implementation cannot be loaded: slot->why */
};

bool slot_init(struct slot *slot, const struct gpup_run_options *options);
void slot_free(struct slot *slot);
bool slot_spawn(struct slot *slot);
/* At once, whatever it does. */
void slot_kill(struct slot *slot);
/* A worker that waits for a program closes the implementation first: what counts the code that ran (gcov) is
 * written then. Any other is killed. */
void slot_end(struct slot *slot);
/* Gives the idle worker a program. */
bool slot_give(struct slot *slot, uint32_t index);
/* Call when the event pipe is readable, or every now and then for the time limit. */
enum slot_news slot_read(struct slot *slot);
enum slot_news slot_check_time(struct slot *slot);
uint32_t slot_elapsed_ms(const struct slot *slot);

#endif
