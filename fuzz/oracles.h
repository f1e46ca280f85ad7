/*
 * Oracles: what is asked of some executions beyond the rules that watch every step. Which executions follows
 * from the program alone, so that an input behaves the same each time an engine runs it.
 */
#ifndef GPUP_FUZZ_ORACLES_H
#define GPUP_FUZZ_ORACLES_H

#include <gpup/program.h>
#include <gpup/trace.h>
#include <twin.h>

#define FUZZ_ORACLE_RECOVERY                                                                                 \
    1u /* a canonical legal sequence still works; after the removal nothing is left */
#define FUZZ_ORACLE_TWIN                                                                                     \
    2u /* the same results where memory lies elsewhere and holds other bytes; and again */
#define FUZZ_ORACLES 3u
#define FUZZ_ORACLE_SHARE 64u /* unless told otherwise, one program of so many is asked */

/* `recovery,twin`, `all`, `none`; false: another word. */
bool fuzz_oracles_parse(const char *text, unsigned *oracles);

/* One program of `share`. */
bool fuzz_oracles_due(const struct gpup_program *program, uint32_t share);

/* What two further runs of a program gave. `again` is that of the second of them, or NULL when it was not
 * needed. false: nothing can be said. */
bool fuzz_oracles_compare(const struct twin *first, const struct twin *other, const struct twin *again,
                          struct gpup_event *out);

#endif
