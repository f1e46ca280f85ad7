/* What a worker says over its pipe: a byte that names the message, its length, its bytes. The parent trusts
 * none of it. */
#ifndef GPUP_RUNNER_PROTOCOL_H
#define GPUP_RUNNER_PROTOCOL_H

#include <gpup/trace.h>

enum message {
    MESSAGE_READY = 'R',  /* the implementation is loaded: what it calls its build */
    MESSAGE_FAILED = 'F', /* it could not be: text */
    MESSAGE_EVENT = 'E',  /* one encoded event */
    MESSAGE_DONE = 'D'    /* program over: uint32 index, uint8 outcome, uint8 enum process_state */
};
enum process_state { PROCESS_DAMAGED, PROCESS_INTACT, PROCESS_EXHAUSTED };
#define MESSAGE_HEAD 5u
#define MESSAGE_MAX (GPUP_EVENT_MAX_DATA + 4096u)

struct writer {
    int fd;
    uint8_t *bytes;
    size_t used, capacity;
    bool failed;
};
bool writer_put(struct writer *w, enum message kind, const void *bytes, size_t size);
bool writer_event(struct writer *w, const struct gpup_event *event);
bool writer_flush(struct writer *w);

struct reader {
    uint8_t *bytes;
    size_t used, taken, capacity;
};
/* Reads what is there. 1 something, 0 end of file, -1 error or out of memory. */
int reader_fill(struct reader *r, int fd);
/* 1 and the next whole message, 0 none yet, -1 not our protocol. Valid until the next fill. */
int reader_next(struct reader *r, uint8_t *kind, const uint8_t **bytes, size_t *size);

#endif
