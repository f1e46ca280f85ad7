/* Jump tables: the targets are code when none of them contradicts what is known. */
#include "blocks.h"

#define TRIAL 64u /* instructions that are looked at behind a target */

static uint32_t width_of(const struct table *t) {
    return t->value.form == FORM_ADDRESS ? 8 : 4;
}

static uint64_t target_of(const struct blocks *b, const struct table *t, uint64_t i) {
    const uint8_t *entry = b->pe->memory + t->value.at + i * width_of(t);
    switch (t->value.form) {
    case FORM_SIGNED:
        return t->value.base + (uint64_t)(int64_t)(int32_t)gpup_pe_u32(entry);
    case FORM_UNSIGNED:
        return t->value.base + (uint64_t)gpup_pe_u32(entry);
    default:
        return gpup_pe_u64(entry) - b->pe->preferred;
    }
}

/* A comparison of the program's own may allow more than the table has: where something else begins, it ends.
 */
static uint64_t entries(const struct blocks *b, const struct table *t) {
    uint32_t width = width_of(t);
    for (uint64_t i = 1; i < t->value.count; i++)
        for (uint32_t k = 0; k < width; k++)
            if (b->seen[t->value.at + i * width + k] & (SEEN_DATA | SEEN_START | SEEN_INSIDE))
                return i;
    return t->value.count;
}

/* Instructions from here on meet those that are known where they begin. */
static bool agrees(const struct blocks *b, uint32_t rva, uint32_t limit) {
    for (unsigned n = 0; n < TRIAL; n++) {
        struct instruction in;
        if (b->seen[rva] & SEEN_START)
            return true;
        if (!blocks_decode(b, rva, &in) || in.next > limit)
            return false;
        for (uint32_t i = rva; i < in.next; i++)
            if (b->seen[i] & (SEEN_START | SEEN_INSIDE))
                return false;
        if (in.i.mnemonic == ZYDIS_MNEMONIC_RET || in.i.mnemonic == ZYDIS_MNEMONIC_JMP ||
            in.i.mnemonic == ZYDIS_MNEMONIC_UD2 || in.i.mnemonic == ZYDIS_MNEMONIC_INT3)
            return true;
        rva = in.next;
        if (rva == limit)
            return false;
    }
    return true;
}

static bool possible(const struct blocks *b, const struct table *t, uint64_t target) {
    struct blocks_function from, to;
    if (!blocks_code_left(b, target))
        return false;
    bool known = blocks_function_of(b, t->from, &from), same = blocks_function_of(b, (uint32_t)target, &to);
    if (known != same || (known && from.begin != to.begin))
        return false;
    uint32_t limit = known ? from.end : (uint32_t)target + blocks_code_left(b, target);
    return agrees(b, (uint32_t)target, limit);
}

void blocks_follow_table(struct blocks *b, const struct table *t) {
    uint64_t count = entries(b, t);
    for (uint64_t i = 0; i < count; i++)
        if (!possible(b, t, target_of(b, t, i))) {
            b->refused++;
            b->not_followed++;
            return;
        }
    b->followed++;
    for (uint64_t i = 0; i < count; i++)
        blocks_add_place(b, (uint32_t)target_of(b, t, i), t->routine, NULL);
}
