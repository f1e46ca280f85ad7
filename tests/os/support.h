/* A host with a recording emitter, for the tests of this folder. */
#ifndef GPUP_TESTS_OS_SUPPORT_H
#define GPUP_TESTS_OS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above
#include <cmocka.h>
#include <gpup/os.h>

struct log {
    struct gpup_event events[256];
    char text[256][32];
    struct gpup_places places[256];
    unsigned count;
};

struct host {
    struct gpup_arena *arena;
    struct gpup_os *os;
    struct log log;
};

struct gpup_os_config host_config(struct host *host);
void host_open(struct host *host, bool page_guards);
void host_close(struct host *host);
/* Runs function(argument) as a DDI; fails the test when the host dies. */
uint64_t host_run(struct host *host, void *function, void *argument);
enum gpup_ran host_try(struct host *host, void *function, void *argument);
/* Event of a kind, the nth; NULL: none. */
const struct gpup_event *logged(const struct log *log, unsigned kind, unsigned nth);
const struct gpup_places *logged_places(const struct log *log, unsigned kind, unsigned nth);
unsigned count_of(const struct log *log, unsigned kind);
void record(void *context, struct gpup_event *event);

#endif
