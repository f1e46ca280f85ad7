/*
 * Opaque handles of the VMBus library and of the framework.
 *
 * A handle is a number no memory lies at, made of slot and generation: a driver that looks behind one faults,
 * and one that was given back is told apart from its successor in the same slot.
 */
#ifndef GPUP_OS_TOKEN_H
#define GPUP_OS_TOKEN_H

#include <gpup/os.h>

#define GPUP_TOKEN_CHUNK 128
#define GPUP_TOKEN_CHUNKS 64

struct gpup_token_slot {
    void *object; /* NULL: free */
    uint32_t generation;
    uint16_t kind;
    uint32_t next; /* free list, slot number plus 1 */
};
struct gpup_tokens {
    struct gpup_token_slot *chunk[GPUP_TOKEN_CHUNKS];
    uint32_t slots; /* used so far, freed ones included */
    uint32_t free;  /* first of the free list plus 1, 0: none */
};

/* NULL: arena or table full. kind: the owner's own numbering, not 0. */
void *gpup_token_new(struct gpup_arena *arena, struct gpup_tokens *tokens, unsigned kind, void *object);
/* The object of a live token; kind 0: any kind. NULL: unknown, stale or of another kind. */
void *gpup_token_object(const struct gpup_tokens *tokens, const void *token, unsigned kind);
unsigned gpup_token_kind(const struct gpup_tokens *tokens, const void *token); /* 0: not live */
void gpup_token_free(struct gpup_tokens *tokens, const void *token);
/* Walks live tokens in slot order: *at starts at 0. NULL: the end. */
void *gpup_token_next(const struct gpup_tokens *tokens, uint32_t *at, unsigned kind);

#endif
