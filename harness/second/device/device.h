/*
 * The second simulated GPU, as a `struct gpup_device_ops`: another legal part than the bundled one, so that
 * what the suite asks of a driver is not tailored to one piece of hardware. Its data sheet is registers.h.
 *
 * Beyond device.h:
 *  - Of the world it follows the number of VFs, the VRAM size, `performant` and `untracked`. MSI-X geometry,
 * number of segments and their page sizes are its own; a third segment, if there is one, cannot be tracked.
 *  - The log's `table` stands for every word that reaches an MSI-X table, through the PF's window (always
 *    powered) or VF BAR 2; the PF's access to VF configuration space is logged as `config`.
 *  - Observers see through power states. After `remove` nothing is readable.
 */
#ifndef GPUP_SECOND_DEVICE_H
#define GPUP_SECOND_DEVICE_H

#include <gpup/device.h>

/* Constant, lives as long as the process. */
#ifdef _WIN32 /* an image imports it */
__declspec(dllimport)
#endif
    extern const struct gpup_device_ops gpup_second_device_ops;

#endif
