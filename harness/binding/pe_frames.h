/*
 * An image's table of functions (.pdata) and their unwind data (.xdata), as x64 exception handling of the
 * Microsoft documents has them: what the loader checks (pe_functions.c) and what leaves a frame
 * (pe_unwind.c).
 */
#ifndef GPUP_BINDING_PE_FRAMES_H
#define GPUP_BINDING_PE_FRAMES_H

#include "pe.h"

enum { /* codes of a prologue */
       PE_PUSH,
       PE_ALLOC_LARGE,
       PE_ALLOC_SMALL,
       PE_SET_FRAME,
       PE_SAVE,
       PE_SAVE_FAR,
       PE_EPILOG,
       PE_SPARE,
       PE_SAVE_XMM,
       PE_SAVE_XMM_FAR,
       PE_MACHINE
};
#define PE_HANDLERS                                                                                          \
    3                /* flags: what follows the codes is a handler, of exceptions (1) or when frames go (2) */
#define PE_CHAINED 4 /* flag: what follows is another entry */
#define PE_CHAIN 32u /* longest chain of unwind data */

struct gpup_pe_function {
    uint32_t begin, end, info; /* addresses in the image */
};

struct gpup_pe_function gpup_pe_function_at(const uint8_t *entry);
/* The same where it lies; NULL: none. */
const uint8_t *gpup_pe_find_entry(const struct gpup_pe *pe, uint32_t rva);
/* The entry that holds an address; false: a leaf function, or none. */
bool gpup_pe_find_function(const struct gpup_pe *pe, uint32_t rva, struct gpup_pe_function *out);
/* Header and codes, with what follows them inside the image; NULL: damaged. */
const uint8_t *gpup_pe_unwind_data(const struct gpup_pe *pe, uint32_t rva);
/* The entry that it goes on with; NULL: none. */
const uint8_t *gpup_pe_chained(const uint8_t *info);
/* Slots of two bytes that a code takes; 0: there is none such. */
unsigned gpup_pe_unwind_slots(unsigned operation, unsigned info);
/* Can code be there? */
bool gpup_pe_runs(const struct gpup_pe *pe, uint32_t rva);

#endif
