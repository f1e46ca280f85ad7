#include "bad.h"

/* A kernel service in a loop that nothing ends: simulated time passes, so a counted budget sees it. */
void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    while (args)
        KeStallExecutionProcessor(10);
}
