#include "bad.h"

#include <stdlib.h>

/* Takes all there is, keeps it, and goes on as if nothing were wrong. */
void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    static void *volatile last;
    for (size_t size = (size_t)256 << 20; size >= 16 && args; size /= 2)
        for (void *block; (block = malloc(size));)
            last = block;
    if (!last)
        abort();
}
