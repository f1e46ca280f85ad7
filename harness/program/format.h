/*
 * The binary program: a header of 24 bytes for the world, then cells of 4 bytes. Any bytes decode.
 *
 *   header   each number of the world XOR what the default world has there: zero bytes are the default world
 *     0      hosts - 1, performant, preempt, fill (2 bits), segments - 1 (2 bits), one system
 *     1      page size (2 bits), BAR / 2 (2 bits), log2 of partitions (3 bits)
 *     2      vfs - 1
 *     3..4   MSI-X entries - 1        5..7   MSI-X offset / 8
 *     8..9   VRAM in MiB - 8          10..13 reserve in KiB
 *     14..21 seed                     22     scatter, uneven, reserved, untracked; 23 bus
 *
 *   cell     first byte 1ooooooo: starts a step of operation o; then flags, and 16 bits of vf
 *              flags: host (bit 0), class (bits 1..2), exact (bit 3: host and vf count as they are, else
 * modulo what the world has) first byte 01------: 16 more bits of an exact vf, then one byte not used first
 * byte 00fffsss: 24 bits of field f's number; a second and third cell of the same field give the bits above.
 * s: symbol, as an index into those the kind allows; on a host or vf: exact.
 *
 * A field without a cell has its default, so a plain step costs 4 bytes. Cells sit at fixed places and say
 * themselves what they are: a changed byte harms the step it belongs to and at most splits it or joins it to
 * the one before; a cell that fits nowhere is skipped. Signed numbers are stored as zigzag. Numbers are
 * little-endian.
 */
#ifndef GPUP_PROGRAM_FORMAT_H
#define GPUP_PROGRAM_FORMAT_H

#include "kinds.h"

#define GPUP_FORMAT_HEADER 24
#define GPUP_FORMAT_CELL 4
#define GPUP_FORMAT_NUMBER_CELLS 3

_Static_assert(GPUP_OPS <= 128, "an operation is 7 bits of the first byte of a cell");

void gpup_format_put_world(uint8_t out[GPUP_FORMAT_HEADER], const struct gpup_world_config *world);
void gpup_format_get_world(const uint8_t in[GPUP_FORMAT_HEADER], struct gpup_world_config *world);

/* True for numbers that are stored as zigzag: an index, and what is added to a symbol. */
static inline bool gpup_format_is_signed(unsigned kind, unsigned symbol) {
    return symbol != GPUP_SYMBOL_NONE || kind == GPUP_KIND_INDEX;
}

#endif
