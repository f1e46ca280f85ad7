#include "bad.h"

#include <stdlib.h>
#include <unistd.h>

/* Writes over the heap of the process, from its first block to its end. */
void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    char *end = sbrk(0), *block = malloc(16);
    char *start = block && block < end && (size_t)(end - block) < ((size_t)64 << 20) ? block : end - 65536;
    for (volatile char *at = start - 32768; at < end && args; at++)
        *at = 0x5A;
}
