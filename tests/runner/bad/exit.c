#include "bad.h"

#include <stdlib.h>

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    (void)args;
    exit(0);
}
