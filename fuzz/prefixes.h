/*
 * Programs that lead into a state: of the adapter, of a vGPU, of a migration. Text in corpus/prefixes, packed
 * when building; sorted by name, so the number of one is its place as long as names are only added at the
 * end.
 */
#ifndef GPUP_FUZZ_PREFIXES_H
#define GPUP_FUZZ_PREFIXES_H

#include <gpup/program.h>

struct fuzz_prefix {
    const char *name;
    const uint8_t *bytes;
    size_t size;
};
extern const struct fuzz_prefix fuzz_prefixes[];
extern const size_t fuzz_prefix_count;

/* The program of a prefix, by number (modulo the count) or by name; false: out of memory, or no such name. */
bool fuzz_prefix(size_t number, struct gpup_program *out);
bool fuzz_prefix_named(const char *name, struct gpup_program *out);

#endif
