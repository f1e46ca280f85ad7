/* What registers hold on the way to an indirect jump, as far as jump tables need it: the address of a table,
 * an index that the code has compared with a bound, an entry, and the sum that is jumped to. Compilers for
 * Windows write tables of offsets from the table (clang) or from the start of the image (Microsoft's, at
 * times by way of a table of bytes), and addresses. */
#include "blocks.h"

#include <string.h>

#define LARGEST 4096u /* entries of a table that is believed */

static int number_of(ZydisRegister r) {
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return wide >= ZYDIS_REGISTER_RAX && wide <= ZYDIS_REGISTER_R15 ? (int)(wide - ZYDIS_REGISTER_RAX) : -1;
}

static struct value fresh(struct blocks *b) {
    return (struct value){.id = b->next_id++};
}

/* --- places on the stack */

static struct slot *slot_of(struct facts *f, const ZydisDecodedOperand *o) {
    bool stack = o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.index == ZYDIS_REGISTER_NONE &&
                 (o->mem.base == ZYDIS_REGISTER_RSP || o->mem.base == ZYDIS_REGISTER_RBP);
    for (unsigned i = 0; stack && i < SLOTS; i++)
        if (f->slot[i].value.id && f->slot[i].base == o->mem.base && f->slot[i].offset == o->mem.disp.value)
            return &f->slot[i];
    return NULL;
}

/* base NONE: every one. */
static void forget_slots(struct facts *f, ZydisRegister base, int64_t offset, int64_t width) {
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *s = &f->slot[i];
        if (s->base == base && s->offset < offset + width && offset < s->offset + 8)
            s->value.id = 0;
    }
}

static void store(struct facts *f, const ZydisDecodedOperand *to, const struct value *value) {
    bool stack = to->mem.index == ZYDIS_REGISTER_NONE &&
                 (to->mem.base == ZYDIS_REGISTER_RSP || to->mem.base == ZYDIS_REGISTER_RBP);
    if (!stack)
        return;
    forget_slots(f, to->mem.base, to->mem.disp.value, to->size / 8);
    if (value && to->size == 64)
        f->slot[f->next_slot++ % SLOTS] = (struct slot){to->mem.base, to->mem.disp.value, *value};
}

/* --- tables */

static const uint8_t *constant_at(const struct blocks *b, uint64_t rva, uint64_t size) {
    const struct gpup_pe_section *s = gpup_pe_section_of(b->pe, rva, size);
    return s && !(s->access & GPUP_PE_WRITE) ? b->pe->memory + rva : NULL;
}

/* The entry of a table at [address + index * width + offset]. */
static bool entry_of(const struct facts *f, const ZydisDecodedOperand *o, uint64_t width, struct value *out) {
    int x = number_of(o->mem.base), y = number_of(o->mem.index);
    if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || x < 0 || y < 0 || o->size != width * 8)
        return false;
    const struct value *address = &f->value[x], *index = &f->value[y];
    if (o->mem.scale == 1 && address->kind == VALUE_INDEX) {
        address = &f->value[y];
        index = &f->value[x];
    }
    uint64_t at = address->at + (uint64_t)o->mem.disp.value;
    if (address->kind != VALUE_ADDRESS || index->kind != VALUE_INDEX || o->mem.scale != width || at >> 32)
        return false;
    *out = (struct value){.kind = VALUE_ENTRY, .at = (uint32_t)at, .count = index->count};
    return true;
}

/* A table of bytes or words gives another index: no larger than the largest of them. */
static bool second_index(const struct blocks *b, const struct facts *f, const ZydisDecodedOperand *o,
                         struct value *out) {
    uint64_t width = o->size / 8, most = 0;
    struct value entry;
    if (width > 2 || !entry_of(f, o, width, &entry))
        return false;
    const uint8_t *bytes = constant_at(b, entry.at, entry.count * width);
    for (uint64_t i = 0; bytes && i < entry.count; i++) {
        uint64_t one = width == 1 ? bytes[i] : gpup_pe_u16(bytes + 2 * i);
        most = one > most ? one : most;
    }
    *out = (struct value){.kind = VALUE_INDEX, .count = most + 1};
    return bytes && most < LARGEST;
}

bool facts_target(const struct blocks *b, const struct facts *f, const struct instruction *in,
                  struct value *out) {
    const ZydisDecodedOperand *o = &in->operand[0];
    if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && entry_of(f, o, 8, out)) {
        out->form = FORM_ADDRESS;
    } else if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && number_of(o->reg.value) >= 0) {
        *out = f->value[number_of(o->reg.value)];
        if (out->kind != VALUE_TARGET && !(out->kind == VALUE_ENTRY && out->form == FORM_ADDRESS))
            return false;
    } else {
        return false;
    }
    uint64_t width = out->form == FORM_ADDRESS ? 8 : 4;
    return constant_at(b, out->at, out->count * width) != NULL;
}

/* --- instructions */

static bool moved(struct blocks *b, const struct facts *f, const struct instruction *in, struct value *out) {
    const ZydisDecodedOperand *from = &in->operand[1];
    ZydisMnemonic m = in->i.mnemonic;
    if (from->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        if (m == ZYDIS_MNEMONIC_MOVZX || number_of(from->reg.value) < 0 || from->size < 32)
            return false;
        *out = f->value[number_of(from->reg.value)];
        if (from->size == 32 && out->kind != VALUE_INDEX)
            out->kind = VALUE_ANY;
        return true;
    }
    if (from->type != ZYDIS_OPERAND_TYPE_MEMORY)
        return false;
    const struct slot *slot = slot_of((struct facts *)(uintptr_t)f, from);
    if (slot && m == ZYDIS_MNEMONIC_MOV && (from->size == 64 || slot->value.kind == VALUE_INDEX)) {
        *out = slot->value;
        return true;
    }
    bool found = m == ZYDIS_MNEMONIC_MOVZX ? second_index(b, f, from, out)
                                           : entry_of(f, from, from->size / 8u, out) && from->size >= 32;
    out->id = b->next_id++;
    if (out->kind == VALUE_ENTRY)
        out->form = m == ZYDIS_MNEMONIC_MOVSXD ? FORM_SIGNED
                    : from->size == 64         ? FORM_ADDRESS
                                               : FORM_UNSIGNED;
    return found;
}

static bool sum(struct blocks *b, const struct facts *f, const struct instruction *in, struct value *out) {
    int x = number_of(in->operand[0].reg.value), y = number_of(in->operand[1].reg.value);
    if (in->operand[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
        in->operand[1].type != ZYDIS_OPERAND_TYPE_REGISTER || x < 0 || y < 0 || in->operand[0].size != 64)
        return false;
    const struct value *entry = &f->value[x], *base = &f->value[y];
    if (entry->kind == VALUE_ADDRESS) {
        entry = &f->value[y];
        base = &f->value[x];
    }
    if (entry->kind != VALUE_ENTRY || entry->form == FORM_ADDRESS || base->kind != VALUE_ADDRESS)
        return false;
    *out = *entry;
    out->kind = VALUE_TARGET;
    out->base = base->at;
    out->id = b->next_id++;
    return true;
}

static bool address(struct blocks *b, const struct instruction *in, struct value *out) {
    const ZydisDecodedOperand *o = &in->operand[1];
    uint64_t at = in->next + (uint64_t)o->mem.disp.value;
    *out = (struct value){.kind = VALUE_ADDRESS, .id = b->next_id++, .at = (uint32_t)at};
    return o->mem.base == ZYDIS_REGISTER_RIP && at < b->pe->image_size;
}

/* What the first operand holds afterwards, where that is of use. */
static bool result(struct blocks *b, const struct facts *f, const struct instruction *in, struct value *out) {
    switch (in->i.mnemonic) {
    case ZYDIS_MNEMONIC_LEA:
        return address(b, in, out);
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVSXD:
    case ZYDIS_MNEMONIC_MOVZX:
        return moved(b, f, in, out);
    case ZYDIS_MNEMONIC_ADD:
        return sum(b, f, in, out);
    default:
        return false;
    }
}

/* Of a comparison with a number, or a subtraction that is one. */
static void compare(struct facts *f, const struct instruction *in) {
    const ZydisDecodedOperand *o = &in->operand[0], *with = &in->operand[1];
    const struct slot *slot = slot_of(f, o);
    int number = o->type == ZYDIS_OPERAND_TYPE_REGISTER ? number_of(o->reg.value) : -1;
    bool compares = in->i.mnemonic == ZYDIS_MNEMONIC_CMP || in->i.mnemonic == ZYDIS_MNEMONIC_SUB;
    const ZydisAccessedFlags *flags = in->i.cpu_flags;
    if (flags && (flags->modified | flags->set_0 | flags->set_1 | flags->undefined))
        f->compared = 0;
    if (!compares || with->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || (number < 0 && !slot) || o->size < 32)
        return;
    f->compared = number >= 0 ? f->value[number].id : slot->value.id;
    f->limit = o->size == 32 ? (uint32_t)with->imm.value.u : with->imm.value.u;
}

static void overwrite(struct blocks *b, struct facts *f, const ZydisDecodedOperand *o) {
    int number = o->type == ZYDIS_OPERAND_TYPE_REGISTER ? number_of(o->reg.value) : -1;
    if (!(o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        return;
    if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
        store(f, o, NULL);
    if (number < 0)
        return;
    f->value[number] = fresh(b);
    for (unsigned i = 0; i < SLOTS; i++)
        if (f->slot[i].base == (ZydisRegister)(ZYDIS_REGISTER_RAX + number))
            f->slot[i].value.id = 0;
}

static void call(struct blocks *b, struct facts *f) {
    static const uint8_t changed[] = {0, 1, 2, 8, 9, 10, 11};
    for (unsigned i = 0; i < sizeof changed; i++)
        f->value[changed[i]] = fresh(b);
    f->compared = 0;
}

void facts_after(struct blocks *b, struct facts *f, const struct instruction *in) {
    const ZydisDecodedOperand *to = &in->operand[0];
    struct value value = {0};
    bool known = in->i.operand_count_visible == 2 && result(b, f, in, &value);
    int source = in->i.operand_count_visible == 2 && in->operand[1].type == ZYDIS_OPERAND_TYPE_REGISTER
                     ? number_of(in->operand[1].reg.value)
                     : -1;
    compare(f, in);
    if (in->i.meta.category == ZYDIS_CATEGORY_CALL) {
        call(b, f);
        return;
    }
    for (unsigned i = 0; i < in->i.operand_count; i++)
        overwrite(b, f, &in->operand[i]);
    if (known && to->type == ZYDIS_OPERAND_TYPE_REGISTER && number_of(to->reg.value) >= 0 && to->size >= 32)
        f->value[number_of(to->reg.value)] = value;
    if (in->i.mnemonic == ZYDIS_MNEMONIC_MOV && to->type == ZYDIS_OPERAND_TYPE_MEMORY && source >= 0)
        store(f, to, &f->value[source]);
}

static void bound(struct value *v, uint32_t id, uint64_t count) {
    if (v->id == id && (v->kind == VALUE_ANY || v->kind == VALUE_INDEX)) {
        v->kind = VALUE_INDEX;
        v->count = count;
    }
}

void facts_branch(struct facts *f, ZydisMnemonic jump, bool taken) {
    bool above = jump == ZYDIS_MNEMONIC_JNBE || jump == ZYDIS_MNEMONIC_JNB;
    bool below = jump == ZYDIS_MNEMONIC_JBE || jump == ZYDIS_MNEMONIC_JB;
    uint64_t count = f->limit + (jump == ZYDIS_MNEMONIC_JNBE || jump == ZYDIS_MNEMONIC_JBE);
    if (!f->compared || !(taken ? below : above) || f->limit >= LARGEST || !count)
        return;
    for (unsigned i = 0; i < 16; i++)
        bound(&f->value[i], f->compared, count);
    for (unsigned i = 0; i < SLOTS; i++)
        if (f->slot[i].value.id)
            bound(&f->slot[i].value, f->compared, count);
}
