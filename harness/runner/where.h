/* Call stacks of findings: in words, and in the journal. */
#ifndef GPUP_RUNNER_WHERE_H
#define GPUP_RUNNER_WHERE_H

#include <gpup/runner.h>
#include <jansson.h>

/* Tells all findings that have places; symbols may be NULL. Without memory they are left without words. */
void where_tell(struct gpup_program_result *result, struct gpup_symbols *symbols);
void where_free(struct gpup_program_result *result);

/* For the journal: the addresses as three lists, of an instruction as a fourth member; NULL: there are none.
 */
json_t *where_pack_places(const struct gpup_finding *finding);
/* The words as a list of lines; NULL: there are none. */
json_t *where_pack(const struct gpup_finding *finding);
/* And back; value NULL: none. false: it is something else. */
bool where_read_places(const json_t *value, struct gpup_finding *finding);
bool where_read(const json_t *value, struct gpup_finding *finding);

#endif
