/* What the parts of the memory descriptor lists share. */
#ifndef GPUP_OS_MDL_H
#define GPUP_OS_MDL_H

#include "services.h"

/* A list in the driver's name, without pages; NULL: no memory. */
PMDL gpup_mdl_new(struct gpup_os *os, PVOID address, ULONG length);
/* The live block of the host that has that physical address, there; NULL: none. */
uint8_t *gpup_os_from_physical(struct gpup_os *os, uint64_t physical, size_t size);

#endif
