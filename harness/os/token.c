/* Opaque handles: slot and generation behind a number in an unused part of the kernel half. */
#include "token.h"

#define BASE 0xFFFFD00000000000ull
#define SLOT_BITS 16
#define GENERATION_MASK 0xFFFFFFu

static struct gpup_token_slot *slot_at(const struct gpup_tokens *tokens, uint32_t slot) {
    struct gpup_token_slot *chunk = tokens->chunk[slot / GPUP_TOKEN_CHUNK];
    return &chunk[slot % GPUP_TOKEN_CHUNK];
}

static void *encode(uint32_t slot, uint32_t generation) {
    /* Shifted by 4: handles look aligned, as pointers to structures would. */
    uint64_t number = ((uint64_t)(generation & GENERATION_MASK) << SLOT_BITS | slot) << 4;
    return (void *)(BASE | number); // NOLINT(performance-no-int-to-ptr)
}

static struct gpup_token_slot *find(const struct gpup_tokens *tokens, const void *token) {
    uint64_t value = (uint64_t)token;
    if ((value & ~0xFFFFFFFFFFFull) != BASE || value & 0xF)
        return NULL;
    uint32_t slot = (uint32_t)(value >> 4) & ((1u << SLOT_BITS) - 1);
    if (slot >= tokens->slots)
        return NULL;
    struct gpup_token_slot *found = slot_at(tokens, slot);
    bool live = found->object && encode(slot, found->generation) == token;
    return live ? found : NULL;
}

static uint32_t take_slot(struct gpup_arena *arena, struct gpup_tokens *tokens) {
    if (tokens->free) {
        uint32_t slot = tokens->free - 1;
        tokens->free = slot_at(tokens, slot)->next;
        return slot;
    }
    uint32_t slot = tokens->slots;
    if (slot == GPUP_TOKEN_CHUNK * GPUP_TOKEN_CHUNKS)
        return UINT32_MAX;
    struct gpup_token_slot **chunk = &tokens->chunk[slot / GPUP_TOKEN_CHUNK];
    if (!*chunk)
        *chunk = gpup_arena_alloc(arena, GPUP_TOKEN_CHUNK * sizeof **chunk);
    if (!*chunk)
        return UINT32_MAX;
    tokens->slots++;
    return slot;
}

void *gpup_token_new(struct gpup_arena *arena, struct gpup_tokens *tokens, unsigned kind, void *object) {
    uint32_t slot = take_slot(arena, tokens);
    if (slot == UINT32_MAX)
        return NULL;
    struct gpup_token_slot *made = slot_at(tokens, slot);
    made->object = object;
    made->kind = (uint16_t)kind;
    made->generation++;
    return encode(slot, made->generation);
}

void *gpup_token_object(const struct gpup_tokens *tokens, const void *token, unsigned kind) {
    const struct gpup_token_slot *found = find(tokens, token);
    return found && (!kind || found->kind == kind) ? found->object : NULL;
}

unsigned gpup_token_kind(const struct gpup_tokens *tokens, const void *token) {
    const struct gpup_token_slot *found = find(tokens, token);
    return found ? found->kind : 0;
}

void gpup_token_free(struct gpup_tokens *tokens, const void *token) {
    struct gpup_token_slot *found = find(tokens, token);
    if (!found)
        return;
    uint32_t slot = (uint32_t)((uint64_t)token >> 4) & ((1u << SLOT_BITS) - 1);
    found->object = NULL;
    found->next = tokens->free;
    tokens->free = slot + 1;
}

void *gpup_token_next(const struct gpup_tokens *tokens, uint32_t *at, unsigned kind) {
    while (*at < tokens->slots) {
        const struct gpup_token_slot *slot = slot_at(tokens, (*at)++);
        if (slot->object && (!kind || slot->kind == kind))
            return slot->object;
    }
    return NULL;
}
