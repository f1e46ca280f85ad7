#include "bad.h"

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    (void)args;
    for (volatile unsigned i = 0;; i++)
        ;
}
