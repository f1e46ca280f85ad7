/* The list of --known: a line RULE-KEY (or `RULE KEY`) for one finding, a rule's id alone for all of that
 * rule; what follows on a line, and lines with #, are the reader's. */
#ifndef GPUP_FUZZ_KNOWN_H
#define GPUP_FUZZ_KNOWN_H

#include "campaign.h"

struct known_line {
    char name[280]; /* RULE-KEY, or RULE when it stands for the whole rule */
    bool rule;
    const char *next;
};

char *known_read(const struct options *o); /* malloc'ed; NULL: there is no list */
/* Line after line of the list (NULL: none), from a line that is all 0. */
bool known_next(const char *list, struct known_line *line);
bool known_has(const char *list, const char *name);
/* The program of a finding, where the campaign lies that the list was written by: path of PATH_ROOM bytes. */
bool known_program(const struct options *o, const char *name, char *path);

#endif
