#include "bad.h"

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    volatile int *volatile nowhere = NULL;
    if (args)
        *nowhere = 1;
}
