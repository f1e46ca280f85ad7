/* One instruction: where its operand in memory is, and the same instruction with the operand elsewhere. */
#include "mmio.h"

#include <string.h>

struct cursor {
    const uint8_t *at;
    uint8_t rex; /* 0x40 to 0x4F, or 0 */
    unsigned modrm;
    struct gpup_mmio_opcode opcode;
    struct gpup_mmio_code *out;
};

/* A byte of the instruction that the other one has, too. false: it would be longer than there are. */
static bool keep(struct cursor *c, uint8_t byte) {
    if (c->out->size >= sizeof c->out->bytes)
        return false;
    c->out->bytes[c->out->size++] = byte;
    return true;
}

/* false: of a segment that does not begin at 0, or of an address of 32 bits. */
static bool prefixes(struct cursor *c) {
    for (unsigned i = 0; i < 14; i++, c->at++) {
        uint8_t byte = *c->at;
        if (byte == 0x64 || byte == 0x65 || byte == 0x67)
            return false;
        if (byte == 0x66)
            c->opcode.word = true;
        else if (byte == 0xF2 || byte == 0xF3)
            c->opcode.prefix = byte == 0xF3 ? 2 : 3;
        else if (byte != 0xF0 && byte != 0x26 && byte != 0x2E && byte != 0x36 && byte != 0x3E)
            break;
        if (byte != 0x26 && byte != 0x2E && byte != 0x36 && byte != 0x3E && !keep(c, byte))
            return false;
    }
    if (!c->opcode.prefix && c->opcode.word)
        c->opcode.prefix = 1;
    if ((*c->at & 0xF0) == 0x40) {
        c->rex = *c->at++;
        c->opcode.wide = c->rex & 8;
        return keep(c, c->rex & 0x4C);
    }
    return true;
}

/* C4 and C5: all prefixes in two or three bytes, some of them inverted. */
static bool vex(struct cursor *c) {
    bool three = *c->at++ == 0xC4;
    uint8_t first = *c->at++, last = three ? *c->at++ : first;
    unsigned map = three ? first & 31 : 1;
    static const uint8_t prefix_of[4] = {0, 1, 2, 3};

    if (c->rex || c->out->size || map < 1 || map > 3)
        return false;
    c->rex = (uint8_t)((first & 0x80 ? 0 : 4) | (three && !(first & 0x40) ? 2 : 0) |
                       (three && !(first & 0x20) ? 1 : 0));
    c->opcode.map = (enum gpup_mmio_map)map;
    c->opcode.vex = c->out->vex = true;
    c->opcode.wide = three && (last & 0x80);
    c->opcode.long_vectors = last & 4;
    c->opcode.prefix = prefix_of[last & 3];
    keep(c, three ? 0xC4 : 0xC5);
    keep(c, three ? first | 0x60 : first);
    return !three || keep(c, last);
}

static bool opcode(struct cursor *c) {
    if (*c->at == 0xC4 || *c->at == 0xC5) {
        if (!vex(c))
            return false;
    } else if (*c->at == 0x0F) {
        keep(c, *c->at++);
        c->opcode.map = *c->at == 0x38 ? GPUP_MMIO_0F38 : *c->at == 0x3A ? GPUP_MMIO_0F3A : GPUP_MMIO_0F;
        if (c->opcode.map != GPUP_MMIO_0F && !keep(c, *c->at++))
            return false;
    }
    c->opcode.code = c->out->opcode = *c->at++;
    return keep(c, c->opcode.code);
}

static uint64_t number(struct cursor *c, unsigned bytes) {
    int8_t one;
    int32_t four;

    c->at += bytes;
    if (bytes == 1)
        memcpy(&one, c->at - 1, 1);
    else
        memcpy(&four, c->at - 4, 4);
    return bytes == 1 ? (uint64_t)one : (uint64_t)four;
}

/* Behind the operand; false: it is a register. */
static bool operand(struct cursor *c) {
    struct gpup_mmio_code *o = c->out;
    unsigned mod, rm;

    c->modrm = *c->at++;
    mod = c->modrm >> 6;
    rm = c->modrm & 7;
    o->base = (uint8_t)(rm | (c->rex & 1 ? 8 : 0));
    o->index = GPUP_MMIO_NONE;
    if (rm == 4) {
        unsigned sib = *c->at++;
        o->scale = sib >> 6;
        o->index = (uint8_t)((sib >> 3 & 7) | (c->rex & 2 ? 8 : 0));
        o->index = o->index == GPUP_SP ? GPUP_MMIO_NONE : o->index;
        o->base = (uint8_t)((sib & 7) | (c->rex & 1 ? 8 : 0));
        rm = sib & 7;
        if (!mod && rm == 5)
            o->base = GPUP_MMIO_NONE;
    } else if (!mod && rm == 5)
        o->base = GPUP_MMIO_PC;
    if (mod == 1)
        o->displacement = number(c, 1);
    else if (mod == 2 || (!mod && rm == 5))
        o->displacement = number(c, 4);
    c->opcode.group = c->modrm >> 3 & 7;
    o->number = (uint8_t)(c->opcode.group | (c->rex & 4 ? 8 : 0));
    return mod != 3;
}

static bool is_string(const struct cursor *c) {
    return c->opcode.map == GPUP_MMIO_ONE_BYTE && ((c->opcode.code >= 0xA4 && c->opcode.code <= 0xA7) ||
                                                   (c->opcode.code >= 0xAA && c->opcode.code <= 0xAF));
}

static bool string(struct cursor *c) {
    struct gpup_mmio_code *o = c->out;

    o->kind = GPUP_MMIO_STRING;
    o->width = !(o->opcode & 1) ? 1 : c->opcode.wide ? 8 : c->opcode.word ? 2 : 4;
    o->repeat = c->opcode.prefix >= 2;
    o->differs = c->opcode.prefix == 3;
    return true;
}

/* A0 to A3 have an address of 8 bytes; the same with an operand are 8A, 8B, 88, 89. */
static bool absolute(struct cursor *c, struct gpup_mmio_form *form) {
    static const uint8_t same[4] = {0x8A, 0x8B, 0x88, 0x89};

    memcpy(&c->out->displacement, c->at, 8);
    c->at += 8;
    c->out->base = c->out->index = GPUP_MMIO_NONE;
    c->opcode.code = c->out->bytes[c->out->size - 1] = same[c->opcode.code & 3];
    return gpup_mmio_form(&c->opcode, form);
}

/* The operand as next instruction's address plus four bytes, and what stands behind it. */
static bool moved(struct cursor *c, unsigned immediate) {
    if (!keep(c, (uint8_t)((c->modrm & 0x38) | 5)))
        return false;
    c->out->operand_at = c->out->size;
    for (unsigned i = 0; i < 4; i++)
        if (!keep(c, 0))
            return false;
    for (unsigned i = 0; i < immediate; i++)
        if (!keep(c, *c->at++))
            return false;
    return true;
}

static bool is_bits(const struct gpup_mmio_opcode *o) {
    return o->map == GPUP_MMIO_0F &&
           (o->code == 0xA3 || o->code == 0xAB || o->code == 0xB3 || o->code == 0xBB);
}

bool gpup_mmio_decode(const uint8_t *code, struct gpup_mmio_code *out) {
    struct cursor c = {.at = code, .out = out};
    struct gpup_mmio_form form;
    bool ok;

    *out = (struct gpup_mmio_code){0};
    ok = prefixes(&c) && opcode(&c);
    if (!ok)
        return false;
    if (is_string(&c))
        ok = string(&c);
    else {
        ok = c.opcode.map == GPUP_MMIO_ONE_BYTE && (c.opcode.code & 0xFC) == 0xA0
                 ? absolute(&c, &form)
                 : gpup_mmio_known(&c.opcode) && operand(&c) && gpup_mmio_form(&c.opcode, &form);
        out->moves = c.opcode.map == GPUP_MMIO_ONE_BYTE && out->opcode == 0x89;
        ok = ok && (out->moves || moved(&c, form.immediate));
        if (!ok)
            return false;
        out->vectors = c.opcode.map != GPUP_MMIO_ONE_BYTE;
        out->kind = form.kind;
        out->access = form.access;
        out->width = form.width;
        out->bits = is_bits(&c.opcode);
    }
    out->length = (uint8_t)(c.at - code);
    return ok;
}

uint64_t gpup_mmio_address(const struct gpup_mmio_code *code, const struct gpup_frame *frame) {
    uint64_t address = code->displacement;

    if (code->base == GPUP_MMIO_PC)
        address += frame->pc + code->length;
    else if (code->base != GPUP_MMIO_NONE)
        address += frame->registers[code->base];
    if (code->index != GPUP_MMIO_NONE)
        address += frame->registers[code->index] << code->scale;
    if (code->kind == GPUP_MMIO_POP && code->base == GPUP_SP)
        address += 8;
    if (code->bits) { /* in units of the operand, towards both sides */
        unsigned bits = 8u * code->width;
        int64_t count = (int64_t)(frame->registers[code->number] << (64 - bits)) >> (64 - bits);
        address += (uint64_t)(count >> (code->width == 2 ? 4 : code->width == 4 ? 5 : 6)) * code->width;
    }
    return address;
}
