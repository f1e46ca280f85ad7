/*
 * Blocks: pool memory, contiguous memory and the suite's buffers, one mechanism.
 *
 * A slot is where a block lies. Guarded: whole pages between two pages without access; the block ends
 * (rounded to 16 bytes) at the second one. Unguarded: 16 or more bytes of canary on both sides. The canary
 * fills everything of a slot that is not the block. Freed slots wait in a queue, without access or filled
 * with poison, before they are used again. What is known of a block lies outside of it.
 */
#ifndef GPUP_OS_POOL_H
#define GPUP_OS_POOL_H

#include "callers.h"

#define GPUP_POOL_ALIGNMENT 16u
#define GPUP_POOL_POISON 0xDFu

struct gpup_slot {
    uint8_t *start; /* first byte of canary or block */
    uint32_t size;  /* bytes, guard pages left out */
    uint8_t class;
    bool guarded;
    bool closed; /* freed and without access */
    /* The block in it. */
    bool live;
    bool disowned; /* the system's as well: nobody has to free it */
    uint8_t kind;  /* enum gpup_block_kind */
    uint32_t tag;
    uint8_t *address;
    uint64_t bytes, object;
    struct gpup_callers made, freed; /* who allocated it, and gave it back */
    struct gpup_slot *hash;          /* next with the same hash of `address` */
    struct gpup_slot *next;          /* all slots */
    struct gpup_slot *free;          /* next in its queue */
};

#define GPUP_POOL_HASH 512u
#define GPUP_POOL_CLASSES 64u

struct gpup_free_queue {
    struct gpup_slot *first, *last;
    uint32_t count;
};
struct gpup_pool {
    struct gpup_slot *slots;
    struct gpup_slot *hash[GPUP_POOL_HASH];
    struct gpup_free_queue guarded[GPUP_POOL_CLASSES], plain[GPUP_POOL_CLASSES];
    uint8_t *chunk, *chunk_end; /* where unguarded slots are cut from */
    uint64_t live_count, live_bytes;
    uint8_t canary;
};

/* A slot with room for `size` bytes at the end, `slack` bytes behind them; NULL: arena full. */
struct gpup_slot *gpup_slot_take(struct gpup_os *os, size_t size, size_t slack, bool guarded);
void gpup_slot_give(struct gpup_os *os, struct gpup_slot *slot);
/* 0, or enum gpup_damage and the offset of the first wrong byte relative to the block. */
unsigned gpup_slot_check(const struct gpup_os *os, const struct gpup_slot *slot, uint64_t *offset);
unsigned gpup_slot_check_freed(const struct gpup_slot *slot, uint64_t *offset);
struct gpup_slot *gpup_slot_find(struct gpup_os *os, const void *address); /* by a block's exact address */
/* slot: NULL for what is no block. */
void gpup_pool_damage(struct gpup_os *os, const struct gpup_slot *slot, unsigned what, uint64_t offset);
/* The slot in or beside which the address lies; NULL: none. */
const struct gpup_slot *gpup_slot_near(const struct gpup_os *os, const void *address);

#endif
