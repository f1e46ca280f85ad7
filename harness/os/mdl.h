/* What the parts of the memory descriptor lists share. */
#ifndef GPUP_OS_MDL_H
#define GPUP_OS_MDL_H

#include "services.h"

/* A list in the driver's name, without pages; NULL: no memory. */
PMDL gpup_mdl_new(struct gpup_os *os, PVOID address, ULONG length);
/* The same with pages of its own, whose numbers alone are in it, as MmAllocatePagesForMdl makes it. It is the
 * system that makes it for the driver: no planned failure hits it. NULL: arena full. */
PMDL gpup_mdl_with_pages(struct gpup_os *os, size_t size);
/* Where the bytes are, mapped or not; NULL: nowhere. */
PVOID gpup_mdl_address(struct gpup_os *os, const MDL *mdl);
/* The live block of the host that has that physical address, there; NULL: none. */
uint8_t *gpup_os_from_physical(struct gpup_os *os, uint64_t physical, size_t size);

#endif
