/* Growing text, and the text form of single values. */
#ifndef GPUP_PROGRAM_TEXT_H
#define GPUP_PROGRAM_TEXT_H

#include "kinds.h"

/* All zero is an empty text. With `fixed` it writes into the caller's bytes like snprintf instead of growing.
 */
struct gpup_text {
    char *bytes;
    size_t size, capacity; /* size: as if there were room for all; no terminating zero counted */
    bool fixed, failed;    /* failed: no memory, bytes are freed by gpup_text_take */
};
void gpup_text_put(struct gpup_text *text, const char *piece, size_t size);
__attribute__((format(printf, 2, 3))) void gpup_text_printf(struct gpup_text *text, const char *format, ...);
char *gpup_text_take(struct gpup_text *text); /* malloc'ed, NULL when no memory */

/* Decimal where people count, hex where bits matter: canonical. */
void gpup_text_number(struct gpup_text *text, uint64_t number);
void gpup_text_value(struct gpup_text *text, unsigned kind, struct gpup_value value);
/* The step as it stands after `- `. */
void gpup_text_step(struct gpup_text *text, const struct gpup_step *step);

/* Decimal, or hex with 0x; an optional minus. False: not a number; or beyond 64 bits. */
bool gpup_parse_number(const char *text, size_t size, bool *negative, uint64_t *number);
/* The text of a value of that kind. False: not one; gpup_kind_info(kind)->expected says what is. */
bool gpup_parse_value(unsigned kind, bool negative_step, const char *text, size_t size,
                      struct gpup_value *value);

#endif
