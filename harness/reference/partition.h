/* What one vGPU can get of the part; shared by the files of the partition interface. kind: 0..3 as in
 * DXGK_VGPU_CAPABILITY_TYPE. */
#ifndef REFERENCE_PARTITION_H
#define REFERENCE_PARTITION_H

#include "driver.h"

#define MAXULONG64 (~0ull)

UINT64 capability_total(const struct adapter *a, ULONG kind);
UINT64 capability_min(const struct adapter *a, ULONG kind);
UINT64 capability_max(const struct adapter *a, ULONG kind, ULONG count); /* of each of `count` partitions */
ULONG vf_segment(const struct adapter *a, ULONG vf);          /* index, from 0: where its VRAM lies */
ULONG memory_granule(const struct adapter *a, ULONG segment); /* bytes */

#endif
