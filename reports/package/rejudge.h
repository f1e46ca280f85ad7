#ifndef GPUP_REPORTS_PACKAGE_REJUDGE_H
#define GPUP_REPORTS_PACKAGE_REJUDGE_H

#include "evidence.h"

/* The trace of the program gives what its line in a journal says, and is of the program that is there. false:
 * message names the member. */
bool rejudge(const struct gpup_package *package, const struct gpup_program_result *said, char *message,
             size_t message_size);
/* The trace of a program, unpacked, and the name of its member. NULL: message. */
uint8_t *rejudge_trace(const struct gpup_package *package, const char *program, size_t *size,
                       char name[GPUP_PACKAGE_MAX_NAME + 1], char *message, size_t message_size);

#endif
