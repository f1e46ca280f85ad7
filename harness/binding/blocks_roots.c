/* Where code begins: the entry point, the functions of .pdata, exports, handlers of exceptions, and leaf
 * functions that something points at. */
#include "blocks.h"

#include <string.h>

#define ENTRY 12u
#define CHAINED 4u
#define HANDLERS 3u
#define SCOPES 4096u

/* --- functions with unwind data */

static const uint8_t *functions(const struct blocks *b, uint32_t *count) {
    struct gpup_pe_span d = b->pe->directory[GPUP_PE_EXCEPTION];
    const uint8_t *table = gpup_pe_at(b->pe, d.rva, d.size);
    *count = table ? d.size / ENTRY : 0;
    return table;
}

/* The number of the first that ends behind rva. */
static uint32_t search(const uint8_t *table, uint32_t count, uint32_t rva) {
    uint32_t low = 0;
    while (count) {
        uint32_t half = count / 2;
        if (gpup_pe_u32(table + (size_t)(low + half) * ENTRY + 4) <= rva) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

bool blocks_function_of(const struct blocks *b, uint32_t rva, struct blocks_function *out) {
    uint32_t count;
    const uint8_t *table = functions(b, &count);
    uint32_t i = count ? search(table, count, rva) : 0;
    if (i >= count || gpup_pe_u32(table + (size_t)i * ENTRY) > rva)
        return false;
    const uint8_t *info = gpup_pe_at(b->pe, gpup_pe_u32(table + (size_t)i * ENTRY + 8), 4);
    *out = (struct blocks_function){.begin = gpup_pe_u32(table + (size_t)i * ENTRY),
                                    .end = gpup_pe_u32(table + (size_t)i * ENTRY + 4),
                                    .part = info && (info[0] >> 3 & CHAINED)};
    return true;
}

uint32_t blocks_next_function(const struct blocks *b, uint32_t rva) {
    uint32_t count;
    const uint8_t *table = functions(b, &count);
    uint32_t i = count ? search(table, count, rva) : 0;
    return i < count ? gpup_pe_u32(table + (size_t)i * ENTRY) : UINT32_MAX;
}

/* --- handlers: the blocks behind __except, which nothing jumps to */

static bool is_specific(const struct blocks *b, uint32_t handler) {
    struct instruction in;
    bool thunk = blocks_decode(b, handler, &in) && in.i.mnemonic == ZYDIS_MNEMONIC_JMP &&
                 in.operand[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
                 in.operand[0].mem.base == ZYDIS_REGISTER_RIP;
    for (size_t i = 0; thunk && i < b->specific_count; i++)
        if (b->specific[i] == in.next + (uint64_t)in.operand[0].mem.disp.value)
            return true;
    return false;
}

static void add_scopes(struct blocks *b, const uint8_t *entry) {
    uint32_t begin = gpup_pe_u32(entry), end = gpup_pe_u32(entry + 4), rva = gpup_pe_u32(entry + 8);
    const uint8_t *info = gpup_pe_at(b->pe, rva, 4);
    uint64_t at = info ? rva + 4 + 2 * (uint64_t)((info[2] + 1) & ~1) : 0;
    const uint8_t *data =
        info && (info[0] >> 3 & HANDLERS) && !(info[0] >> 3 & CHAINED) ? gpup_pe_at(b->pe, at, 8) : NULL;
    uint32_t count = data ? gpup_pe_u32(data + 4) : 0;
    if (!count || count > SCOPES || !is_specific(b, gpup_pe_u32(data)) ||
        !gpup_pe_at(b->pe, at + 8, (uint64_t)count * 16))
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t target = gpup_pe_u32(data + 8 + (size_t)i * 16 + 12);
        if (target > begin && target < end)
            blocks_add_place(b, target, b->entry_at[begin], NULL);
    }
}

/* --- leaf functions */

void blocks_add_candidate(struct blocks *b, uint32_t rva) {
    if (b->seen[rva] & (SEEN_START | SEEN_INSIDE))
        return;
    uint32_t *grown = blocks_grow(b, b->candidates, b->candidate_count, sizeof *grown);
    if (!grown)
        return;
    b->candidates = grown;
    grown[b->candidate_count++] = rva;
}

#define LEAF 512u /* bytes of one that is believed */

static bool touches_stack(const struct instruction *in) {
    for (unsigned i = 0; i < in->i.operand_count; i++)
        if (in->operand[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            in->operand[i].reg.value == ZYDIS_REGISTER_RSP &&
            (in->operand[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            return true;
    return false;
}

/* Where it goes on, at most two places. -1: not as in a leaf function. */
static int goes_on(const struct blocks *b, const struct instruction *in, uint32_t to[2]) {
    struct blocks_function f;
    uint64_t target = in->next + in->operand[0].imm.value.u;
    bool relative = in->operand[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && in->operand[0].imm.is_relative;
    to[0] = in->next;
    to[1] = (uint32_t)target;
    switch (in->i.meta.category) {
    case ZYDIS_CATEGORY_RET:
        return 0;
    case ZYDIS_CATEGORY_COND_BR:
        return relative && !(target >> 32) ? 2 : -1;
    case ZYDIS_CATEGORY_UNCOND_BR:
        if (!relative)
            return 0; /* to a function that it was given */
        to[0] = to[1];
        if (target >> 32 || blocks_function_of(b, to[0], &f))
            return target >> 32 || f.begin != to[0] || f.part ? -1 : 0;
        return blocks_code_left(b, to[0]) && (b->seen[to[0]] & SEEN_ENTRY) ? 0 : 1;
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP: /* what fills up to the next function */
        return in->next % 16 ? 1 : -1;
    default:
        return in->i.meta.category == ZYDIS_CATEGORY_CALL ||
                       in->i.meta.category == ZYDIS_CATEGORY_INTERRUPT ||
                       in->i.meta.category == ZYDIS_CATEGORY_IO ||
                       in->i.meta.category == ZYDIS_CATEGORY_SYSTEM || touches_stack(in)
                   ? -1
                   : 1;
    }
}

/* What Windows' convention asks of a function without unwind data: it calls nothing and leaves the stack
 * alone. All its ways end, inside of LEAF bytes, and none runs into what is known, into another function or
 * what fills the space before it. Nothing reads it. */
bool blocks_is_leaf(struct blocks *b, uint32_t rva) {
    uint8_t seen[LEAF] = {0};
    uint32_t pile[LEAF], count = 1, to[2];
    struct blocks_function f;
    struct instruction in;
    pile[0] = rva;
    while (count) {
        uint32_t at = pile[--count];
        if (at - rva >= LEAF - 16 || !blocks_code_left(b, at) ||
            (b->seen[at] & (SEEN_START | SEEN_INSIDE | SEEN_READ)) || blocks_function_of(b, at, &f))
            return false;
        if (seen[at - rva] == 1)
            continue;
        if (seen[at - rva] || !blocks_decode(b, at, &in))
            return false;
        memset(seen + (at - rva), 2, in.i.length);
        seen[at - rva] = 1;
        int ways = goes_on(b, &in, to);
        if (ways < 0 || count + 2 > LEAF)
            return false;
        for (int i = 0; i < ways; i++)
            pile[count++] = to[i];
    }
    return true;
}

/* --- what is told */

/* A function, or perhaps a leaf; inside of a function it is neither. */
static void add_pointer(struct blocks *b, uint64_t rva) {
    struct blocks_function f;
    if (rva >> 32 || !blocks_code_left(b, rva))
        return;
    if (!blocks_function_of(b, (uint32_t)rva, &f))
        blocks_add_candidate(b, (uint32_t)rva);
}

static void add_relocated(struct blocks *b) {
    struct gpup_pe_span d = b->pe->directory[GPUP_PE_RELOCATION];
    const uint8_t *table = gpup_pe_at(b->pe, d.rva, d.size);
    for (uint32_t at = 0; table && d.size - at >= 8;) {
        uint32_t page = gpup_pe_u32(table + at), size = gpup_pe_u32(table + at + 4);
        if (size < 8 || size > d.size - at)
            return;
        for (uint32_t i = 8; i + 2 <= size; i += 2) {
            unsigned entry = gpup_pe_u16(table + at + i);
            const uint8_t *pointer = gpup_pe_at(b->pe, (uint64_t)page + (entry & 0xFFF), 8);
            if (entry >> 12 == 10 && pointer)
                add_pointer(b, gpup_pe_u64(pointer) - b->pe->preferred);
        }
        at += size;
    }
}

static void add_exports(struct blocks *b) {
    struct gpup_pe_span d = b->pe->directory[GPUP_PE_EXPORT];
    const uint8_t *table = d.rva && d.size >= 40 ? gpup_pe_at(b->pe, d.rva, 40) : NULL;
    uint32_t count = table ? gpup_pe_u32(table + 20) : 0;
    const uint8_t *addresses = count ? gpup_pe_at(b->pe, gpup_pe_u32(table + 28), (uint64_t)count * 4) : NULL;
    for (uint32_t i = 0; addresses && i < count; i++)
        add_pointer(b, gpup_pe_u32(addresses + (size_t)i * 4));
}

void blocks_roots(struct blocks *b) {
    uint32_t count;
    const uint8_t *table = functions(b, &count);
    struct blocks_function f;
    if (b->pe->entry)
        blocks_add_routine(b, b->pe->entry);
    for (uint32_t i = 0; i < count; i++)
        if (blocks_function_of(b, gpup_pe_u32(table + (size_t)i * ENTRY), &f) && !f.part)
            blocks_add_routine(b, f.begin);
    for (uint32_t i = 0; i < count; i++)
        add_scopes(b, table + (size_t)i * ENTRY);
    add_exports(b);
    add_relocated(b);
}
