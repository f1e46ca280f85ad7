/*
 * The example simulator with one call that goes wrong: WriteVirtualizedInterrupt with the message data 0x53,
 * which exactly one step of one program makes (msix/power, step 6). Each file beside this one says what goes
 * wrong.
 */
#ifndef GPUP_TESTS_RUNNER_BAD_H
#define GPUP_TESTS_RUNNER_BAD_H

#include <gpup/implementation.h>

/* May come back; then the call goes on as it should. */
void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args);

#endif
