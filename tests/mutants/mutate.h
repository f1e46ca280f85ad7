/*
 * Small mechanical faults in C source, found on its tokens.
 *
 * Kinds: a relation moved or turned (< <= > >= == !=), a number one off, a dropped statement, a dropped lock
 * call, a negated condition. Code that only a seeded fault reaches (DEFECT(...)) is left alone, it is not in
 * the sound build.
 */
#ifndef GPUP_TESTS_MUTATE_H
#define GPUP_TESTS_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mutant_kind {
    MUTANT_RELATION,
    MUTANT_OFF_BY_ONE,
    MUTANT_DROPPED,
    MUTANT_LOCK,
    MUTANT_NEGATED,
    MUTANT_KINDS
};

struct mutant {
    char id[160];      /* file:function:kind:number in the function; stays when other functions change */
    char change[160];  /* what stands there -> what the mutant has, on one line */
    size_t at, length; /* bytes of the source that are replaced */
    char with[160];
    unsigned line;
    enum mutant_kind kind;
    size_t file;    /* the caller's: which source */
    uint64_t place; /* the caller's: order of the sample */
};

/* Appends what can be done to one source to *list (grown with realloc). name: as it stands in the ids. false:
 * no memory. */
bool mutants_find(const char *name, const char *text, size_t size, struct mutant **list, size_t *count);

#endif
