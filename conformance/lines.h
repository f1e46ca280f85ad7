/* Where the steps of a program stand in its file. */
#ifndef GPUP_CONFORMANCE_LINES_H
#define GPUP_CONFORMANCE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Line of each of the `count` steps, from 1, of a file that gpup_program_load takes. false: it has another
 * number of steps, or cannot be read. */
bool lines_of_steps(const char *path, uint16_t *lines, size_t count);

#endif
