/*
 * Dirty tracking, shared by its two files. Bit n of a basis is page n of its ranges, in the order given.
 *
 * The part has one plane for all. Bits that are taken out of it for one basis are put down in `carry` of
 * every other basis that tracks the same page, and of the basis itself until they were delivered: so each
 * basis has its own view, and a query that fails half way loses nothing.
 */
#ifndef REFERENCE_TRACKING_H
#define REFERENCE_TRACKING_H

#include "driver.h"

#define CHUNK_PAGES ((UINT64)DMA_PAGE * 8) /* bits that fit the memory of a command slot */

SIZE_T carry_size(const struct basis *b); /* bytes */

#endif
