/* Entry addresses of the callbacks: which callback of which adapter's table was called. */
#ifndef GPUP_OS_DXGKRNL_STUBS_H
#define GPUP_OS_DXGKRNL_STUBS_H

#include <stdint.h>

#define GPUP_DXGKRNL_SLOTS 70   /* functions of DXGKRNL_INTERFACE, from offset 16 on */
#define GPUP_DXGKRNL_ADAPTERS 4 /* hosts with addresses of their own */

struct gpup_dxgkrnl_entry {
    uint32_t slot, adapter;
};
/* Of the stub that led here; to be asked before anything else is called. */
struct gpup_dxgkrnl_entry gpup_dxgkrnl_entered(void);
void *gpup_dxgkrnl_stub(uint32_t adapter, uint32_t slot);
/* Where the stubs go, by slot; defined with the callbacks. */
extern void *const gpup_dxgkrnl_functions[GPUP_DXGKRNL_SLOTS] __attribute__((visibility("hidden")));

#endif
