#ifndef GPUP_REPORTS_PACKAGE_OTHER_SPEC_H
#define GPUP_REPORTS_PACKAGE_OTHER_SPEC_H

#include "evidence.h"

#include <jansson.h>

/* What rules.json says when it is of another specification than this tool's; NULL: it is of this one, or
 * unusable. json_decref() it. */
json_t *other_spec(const struct gpup_package *package);
/* Prints how the rules differ and, where the traces can be read, which verdicts would. 4, or 1 when a member
 * cannot be used. */
int other_spec_print(const struct gpup_package *package, json_t *rules, FILE *out);

#endif
