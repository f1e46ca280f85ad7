#include "bad.h"

#include <signal.h>

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    (void)args;
    raise(SIGKILL);
}
