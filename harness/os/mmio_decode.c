/* Instructions by which compiled code reaches registers: moves, classic operations, vectors, strings. */
#include "mmio.h"

#include <string.h>

struct cursor {
    const uint8_t *at;
    uint8_t rex;       /* 0x40 to 0x4F, or 0 */
    uint8_t mandatory; /* 0x66, 0xF2, 0xF3: the last of them, or 0 */
    bool word;         /* 0x66 */
    unsigned modrm;
};

static bool prefixes(struct cursor *c) {
    for (unsigned i = 0; i < 8; i++, c->at++) {
        if (*c->at == 0x66)
            c->word = true;
        if (*c->at == 0x66 || *c->at == 0xF2 || *c->at == 0xF3)
            c->mandatory = c->mandatory == 0xF2 || c->mandatory == 0xF3 ? c->mandatory : *c->at;
        else if (*c->at != 0xF0 && *c->at != 0x3E &&
                 *c->at != 0x2E) /* LOCK, and segments without a meaning */
            break;
    }
    c->rex = (*c->at & 0xF0) == 0x40 ? *c->at++ : 0;
    return true;
}

/* Behind the operand in memory; false: there is none. */
static bool operand(struct cursor *c) {
    c->modrm = *c->at++;
    unsigned mod = c->modrm >> 6, rm = c->modrm & 7;
    if (mod == 3)
        return false;
    if (rm == 4) {
        unsigned base = *c->at++ & 7;
        c->at += !mod && base == 5 ? 4 : 0;
    } else if (!mod && rm == 5)
        c->at += 4;
    c->at += mod == 1 ? 1 : mod == 2 ? 4 : 0;
    return true;
}

static uint8_t wide(const struct cursor *c) {
    return c->rex & 8 ? 8 : c->word ? 2 : 4;
}

static void take_register(const struct cursor *c, struct gpup_mmio_code *out) {
    out->number = (uint8_t)((c->modrm >> 3 & 7) | (c->rex & 4 ? 8 : 0));
    out->high = out->width == 1 && !c->rex && out->number >= 4 &&
                (out->operation != GPUP_MMIO_LOAD || out->destination == 1);
    if (out->high)
        out->number = (uint8_t)(out->number - 4);
}

/* Sign-extended from 1, 2 or 4 bytes. */
static void take_value(struct cursor *c, unsigned bytes, struct gpup_mmio_code *out) {
    int8_t one = (int8_t)*c->at;
    int16_t two;
    int32_t four;

    out->immediate = true;
    if (bytes == 1)
        out->value = (uint64_t)one;
    else if (bytes == 2) {
        memcpy(&two, c->at, 2);
        out->value = (uint64_t)two;
    } else {
        memcpy(&four, c->at, 4);
        out->value = (uint64_t)four;
    }
    c->at += bytes;
}

static unsigned group(const struct cursor *c) {
    return c->modrm >> 3 & 7;
}

static bool extend(struct cursor *c, uint8_t width, bool sign, uint8_t destination,
                   struct gpup_mmio_code *out) {
    *out = (struct gpup_mmio_code){
        .operation = GPUP_MMIO_LOAD, .width = width, .destination = destination, .sign = sign};
    if (!operand(c))
        return false;
    take_register(c, out);
    return true;
}

/* Width of a vector move, 0: it is none; and whether it stores. */
static unsigned vector(const struct cursor *c, uint8_t code, bool *store) {
    *store = code == 0x11 || code == 0x29 || code == 0x7F || code == 0xD6 || code == 0x7E || code == 0xE7 ||
             code == 0x2B;
    switch (code) {
    case 0x10:
    case 0x11:
        return c->mandatory == 0xF3 ? 4 : c->mandatory == 0xF2 ? 8 : 16;
    case 0x28:
    case 0x29:
    case 0x2B:
        return c->mandatory == 0xF2 || c->mandatory == 0xF3 ? 0 : 16;
    case 0x6F:
    case 0x7F:
        return c->mandatory == 0x66 || c->mandatory == 0xF3 ? 16 : 0;
    case 0xE7:
        return c->mandatory == 0x66 ? 16 : 0;
    case 0x6E:
        return c->mandatory != 0x66 ? 0 : c->rex & 8 ? 8 : 4;
    case 0x7E:
        *store = c->mandatory == 0x66;
        return c->mandatory == 0xF3 ? 8 : c->mandatory != 0x66 ? 0 : c->rex & 8 ? 8 : 4;
    case 0xD6:
        return c->mandatory == 0x66 ? 8 : 0;
    default:
        return 0;
    }
}

static bool two_bytes(struct cursor *c, struct gpup_mmio_code *out) {
    uint8_t code = *c->at++;
    bool store;
    unsigned width = vector(c, code, &store);

    if ((code & 0xF6) == 0xB6)
        return extend(c, code & 1 ? 2 : 1, code & 8, wide(c), out);
    if (code == 0xC3) { /* MOVNTI */
        *out = (struct gpup_mmio_code){.operation = GPUP_MMIO_STORE, .width = c->rex & 8 ? 8 : 4};
        return operand(c) && (take_register(c, out), true);
    }
    if (!width || !operand(c))
        return false;
    *out = (struct gpup_mmio_code){.operation = store ? GPUP_MMIO_VECTOR_STORE : GPUP_MMIO_VECTOR_LOAD,
                                   .width = (uint8_t)width,
                                   .number = (uint8_t)((c->modrm >> 3 & 7) | (c->rex & 4 ? 8 : 0))};
    return true;
}

static bool string(struct cursor *c, uint8_t code, uint8_t width, struct gpup_mmio_code *out) {
    *out = (struct gpup_mmio_code){.operation = code >= 0xAA ? GPUP_MMIO_FILL : GPUP_MMIO_COPY,
                                   .width = width,
                                   .repeat = c->mandatory == 0xF2 || c->mandatory == 0xF3};
    return true;
}

static bool with_register(struct cursor *c, uint8_t operation, uint8_t width, struct gpup_mmio_code *out) {
    *out = (struct gpup_mmio_code){.operation = operation, .width = width, .destination = width};
    if (!operand(c))
        return false;
    take_register(c, out);
    return true;
}

/* The eight operations: with a register on either side. */
static bool classic(struct cursor *c, uint8_t code, uint8_t width, struct gpup_mmio_code *out) {
    bool ok = with_register(c, GPUP_MMIO_COMPUTE, width, out);

    out->compute = code >> 3;
    out->to_register = code & 2;
    return ok;
}

/* 80, 81, 83, C6, C7, F6, F7, FE, FF: what it is stands in the middle of the next byte. */
static bool grouped(struct cursor *c, uint8_t code, uint8_t width, struct gpup_mmio_code *out) {
    unsigned bytes = code == 0x83 || width == 1 ? 1 : width == 2 ? 2 : 4;

    *out = (struct gpup_mmio_code){.width = width};
    if (!operand(c))
        return false;
    out->compute = (uint8_t)group(c);
    switch (code & 0xFE) {
    case 0x80:
    case 0x82:
        out->operation = GPUP_MMIO_COMPUTE;
        take_value(c, bytes, out);
        return code != 0x82;
    case 0xC6:
        out->operation = GPUP_MMIO_STORE;
        take_value(c, bytes, out);
        return group(c) == 0;
    case 0xF6:
        out->operation = group(c) == 2 ? GPUP_MMIO_NOT : GPUP_MMIO_TEST;
        if (group(c) == 0)
            take_value(c, bytes, out);
        return group(c) == 0 || group(c) == 2;
    default: /* FE, FF */
        out->operation = GPUP_MMIO_COUNT;
        return group(c) < 2;
    }
}

static bool one_byte(struct cursor *c, struct gpup_mmio_code *out) {
    uint8_t code = *c->at++, width = code & 1 ? wide(c) : 1;

    if (code < 0x40)
        return (code & 7) < 4 && classic(c, code, width, out);
    switch (code) {
    case 0x63:
        return extend(c, 4, true, wide(c), out);
    case 0x84:
    case 0x85:
        return with_register(c, GPUP_MMIO_TEST, width, out);
    case 0x86:
    case 0x87:
        return with_register(c, GPUP_MMIO_EXCHANGE, width, out);
    case 0x88:
    case 0x89:
        return with_register(c, GPUP_MMIO_STORE, width, out);
    case 0x8A:
    case 0x8B:
        return with_register(c, GPUP_MMIO_LOAD, width, out);
    case 0xA4:
    case 0xA5:
    case 0xAA:
    case 0xAB:
        return string(c, code, width, out);
    case 0x80:
    case 0x81:
    case 0x83:
    case 0xC6:
    case 0xC7:
    case 0xF6:
    case 0xF7:
    case 0xFE:
    case 0xFF:
        return grouped(c, code, width, out);
    default:
        return false;
    }
}

bool gpup_mmio_decode(const uint8_t *code, struct gpup_mmio_code *out) {
    struct cursor c = {.at = code};
    bool ok = prefixes(&c);

    if (*c.at == 0x0F) {
        c.at++;
        ok = ok && two_bytes(&c, out);
    } else
        ok = ok && one_byte(&c, out);
    if (ok)
        out->length = (uint8_t)(c.at - code);
    return ok;
}
