/* What each field kind allows: range of its number, symbols, and names of single numbers. */
#ifndef GPUP_PROGRAM_KINDS_H
#define GPUP_PROGRAM_KINDS_H

#include <gpup/program.h>

#define GPUP_KIND_SYMBOLS 5
#define GPUP_KIND_NAMES 5

struct gpup_kind_info {
    const char *expected; /* for messages */
    uint64_t modulo;      /* numbers are below it; 0: 2^64 */
    bool is_signed;       /* the number is a 16-bit signed one, kept sign-extended */
    bool by_vf;           /* any 32-bit number on a negative step, below `modulo` on a legal one */
    uint8_t symbol_count; /* the first is always GPUP_SYMBOL_NONE */
    uint8_t symbol[GPUP_KIND_SYMBOLS];
    uint8_t name_base; /* number that name[0] stands for */
    const char *name[GPUP_KIND_NAMES];
};

/* NULL when out of range. */
const struct gpup_kind_info *gpup_kind_info(unsigned kind);
const char *gpup_symbol_name(unsigned symbol); /* NULL for NONE and beyond */
const char *gpup_symbol_enum(unsigned symbol); /* e.g. "GPUP_SYMBOL_LAST" */
bool gpup_symbol_has_offset(unsigned symbol);  /* `last-1`, but never `null-1` */
void gpup_value_clamp(unsigned kind, bool negative, struct gpup_value *value); /* into what the kind allows */
bool gpup_value_equal(struct gpup_value a, struct gpup_value b);

#endif
