#include "prefixes.h"

#include <string.h>

bool fuzz_prefix(size_t number, struct gpup_program *out) {
    const struct fuzz_prefix *p = &fuzz_prefixes[number % fuzz_prefix_count];
    return gpup_program_decode(p->bytes, p->size, out);
}

bool fuzz_prefix_named(const char *name, struct gpup_program *out) {
    for (size_t i = 0; i < fuzz_prefix_count; i++)
        if (strcmp(fuzz_prefixes[i].name, name) == 0)
            return fuzz_prefix(i, out);
    return false;
}
