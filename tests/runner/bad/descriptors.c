#include "bad.h"

#include <unistd.h>

void misbehave(const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args) {
    for (int fd = 0; fd < 1024 && args; fd++)
        close(fd);
}
