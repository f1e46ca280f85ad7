#include "bad.h"

#include <unistd.h>

/* Writes over the stack of the thread that called, which is not the one this function runs on. */
void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    extern char **environ;
    char *top = environ[0];
    for (volatile char *at = top - (128 << 10); at < top && args; at++)
        *at = 0x5A;
}
