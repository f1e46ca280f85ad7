/*
 * The bundled simulated SR-IOV GPU, as a `struct gpup_device_ops`.
 *
 * Its data sheet for driver authors is harness/device/registers.h. One device per `create`; all of its state
 * is in the memory given there, so that copying that memory back restores it; there are no globals. A device
 * and its callbacks stay on one thread.
 *
 * Beyond device.h:
 *  - The log's `table` stands for a driver's write to an MSI-X table or PBA instead of `mmio`; reads of them
 *    are `mmio`. The aperture of VF configuration spaces is logged as `config` only.
 *  - Observers see through power states: a VF in D3 is readable. After `remove` nothing is.
 *  - read_guest gives the context that the guest can see, in a fixed order (see context.c), the same on both
 *    sides of a migration; no host address is in it.
 */
#ifndef GPUP_GPU_H
#define GPUP_GPU_H

#include <gpup/device.h>

/* The table; constant, lives as long as the process. */
const struct gpup_device_ops *gpup_gpu_ops(void);

/*
 * hash_vram of two neighbouring pieces joined: the hash that one piece holding `first` (first_size bytes, a
 * multiple of 4096) followed by `second` would have. So the content of a VF can be compared however its
 * reserve is cut. An all-zero piece has hash 0.
 */
uint64_t gpup_gpu_hash_join(uint64_t first, uint64_t first_size, uint64_t second);

#endif
