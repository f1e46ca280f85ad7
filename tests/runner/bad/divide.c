#include "bad.h"

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    volatile int zero = 0;
    if (args)
        zero = 100 / zero;
}
