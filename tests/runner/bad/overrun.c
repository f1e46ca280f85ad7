#include "bad.h"

#include <string.h>

/* One byte behind the argument structure. */
void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    volatile char *bytes = (volatile char *)(uintptr_t)args;
    bytes[sizeof *args] = 1;
}
