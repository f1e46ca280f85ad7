/*
 * Symbols: call stacks of an implementation (struct gpup_places) in words.
 *
 * Names and source lines come from LLVM's llvm-symbolizer, a process of its own, when it is installed: it
 * reads DWARF and symbol tables of ELF objects and of images for Windows, and program databases (PDB) that
 * lie beside an image. An image's exports and COFF symbols have no sizes, so that a name without a source
 * line counts only where the image's table of functions (.pdata) says that this function begins there. What
 * has no name is told as image+0x1234. Nothing of the implementation is run, and whatever its file or the
 * process say ends in addresses without names, never in an error.
 *
 * Threads: one at a time. The process that asks gets a child and waits for it, for at most ten seconds.
 */
#ifndef GPUP_SYMBOLS_H
#define GPUP_SYMBOLS_H

#include <gpup/binding.h>
#include <gpup/trace.h>

struct gpup_symbols;
/* implementation: as gpup_binding_open takes it; options after a colon are passed over. NULL: out of memory.
 */
struct gpup_symbols *gpup_symbols_open(const char *implementation,
                                       const struct gpup_static_implementation *known);
void gpup_symbols_close(struct gpup_symbols *symbols); /* NULL is allowed */

/* Looks all of these up at once, so that telling them asks nobody any more. */
void gpup_symbols_look_up(struct gpup_symbols *symbols, const struct gpup_places *const *places,
                          size_t count);
/*
 * A line for each frame, malloc'ed, without a newline at the end:
 *
 *   allocated at mydriver.sys!grab+0x1c (leak.c:12)
 *   called from mydriver.sys!StartDevice+0x44 (start.c:81)
 *
 * symbols NULL: addresses alone ("+0x1234"). NULL: the places are empty, or memory is out.
 */
char *gpup_symbols_tell(struct gpup_symbols *symbols, const struct gpup_places *places);

#endif
