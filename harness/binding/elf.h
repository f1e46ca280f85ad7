/* The parts of an ELF file that say which writable bytes belong to an implementation. */
#ifndef GPUP_BINDING_ELF_H
#define GPUP_BINDING_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpup_range {
    uint64_t start, end; /* link-time addresses, end exclusive */
};
struct gpup_ranges {
    struct gpup_range *range; /* ascending, disjoint */
    size_t count, capacity;
};

/*
 * Writable ranges of the file at `path`: sections whose name starts with `prefix`, or, with prefix NULL, all
 * writable sections apart from what the dynamic linker owns. Coverage counters are cut out, by section name
 * and, for counters that gcc keeps in .bss, by symbol. *code: the executable range. false: message says what
 * is wrong with the file.
 */
bool gpup_elf_writable(const char *path, const char *prefix, struct gpup_ranges *out, struct gpup_range *code,
                       char *message, size_t message_size);
/* The file at `path`, if it is an ELF object, holds all that its program headers name. false: message says
 * what is wrong. */
bool gpup_elf_whole(const char *path, char *message, size_t message_size);
/* false: out of memory. An empty range is left out. */
bool gpup_ranges_add(struct gpup_ranges *ranges, uint64_t start, uint64_t end);
void gpup_ranges_free(struct gpup_ranges *ranges);

#endif
