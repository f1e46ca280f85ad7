/*
 * Comparisons that nobody hears.
 *
 * -fsanitize=fuzzer-no-link has an implementation report every comparison; libFuzzer remembers the operands
 * for its own mutators to insert. Where mutation is typed, nothing reads them, and hearing them was a tenth
 * of an execution. Here the calls of one loaded object return from where they jump through its slots, so that
 * the same object serves targets whose mutators do listen. Edges are counted as before.
 */
#ifndef GPUP_FUZZ_DEAF_H
#define GPUP_FUZZ_DEAF_H

#include <stdint.h>

/* Of the loaded object that holds this address. The number of slots that were changed: 0 where the object is
 * not instrumented so, or none holds the address. */
unsigned fuzz_deafen(uintptr_t code);

#endif
