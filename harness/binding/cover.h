/* Coverage of images: what the files of this room share. */
#ifndef GPUP_BINDING_COVER_H
#define GPUP_BINDING_COVER_H

#include "pe.h"

#include <gpup/coverage.h>

/* The point that begins there; NULL: none does. */
const struct gpup_point *gpup_point_at(const struct gpup_points *points, uint32_t rva);

/* Counters of an image in memory whose absolute addresses are those of an image at `base`. As
 * gpup_image_counters. */
bool gpup_pe_counters(const struct gpup_pe *pe, uint64_t base, struct gpup_counters *out);

#endif
