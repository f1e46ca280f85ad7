#include "bad.h"

static volatile unsigned depth = 1; /* never 0, which the compiler cannot know */

__attribute__((noinline)) static unsigned deeper(volatile char *above) {
    volatile char frame[256];
    frame[0] = above ? above[0] : 0;
    return depth ? deeper(frame) + (unsigned)frame[0] : 0;
}

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    (void)args;
    depth += deeper(NULL);
}
