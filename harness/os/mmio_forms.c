/* Opcodes with an operand in memory: what they do with it, how wide it is, what stands behind it. As Intel's
 * "Software Developer's Manual", volume 2, appendix A has them. Not here, so refused: x87 and MMX, masked and
 * gathering vector moves, EVEX, far pointers, and what only a kernel may execute. */
#include "mmio.h"

enum { R = GPUP_MMIO_READS, W = GPUP_MMIO_WRITES, RW = R | W };
enum { LEGACY = 1, VEX = 2, BOTH = 3 };
enum {          /* widths that are no number of bytes */
       V = 64,  /* the operand size: 2, 4, 8 */
       Y,       /* 4, or 8 with W */
       X,       /* 16, or 32 with L; then parts of it: */
       HALF,    /* 8, 16 */
       QUARTER, /* 4, 8 */
       EIGHTH,  /* 2, 4 */
       DOUBLED  /* 8, 32 */
};
#define Z 64 /* an immediate of the operand size, of 4 bytes at most */

struct form {
    uint8_t access, immediate, encoding;
    uint8_t width[4]; /* by prefix; 0: there is none */
};
#define INTEGER(access, width, immediate)                                                                    \
    {                                                                                                        \
        access, immediate, LEGACY, {                                                                         \
            width, width, width, width                                                                       \
        }                                                                                                    \
    }
#define IN(encoding, access, none, p66, pf3, pf2, immediate)                                                 \
    {                                                                                                        \
        access, immediate, encoding, {                                                                       \
            none, p66, pf3, pf2                                                                              \
        }                                                                                                    \
    }
#define VECTOR(access, none, p66, pf3, pf2) IN(BOTH, access, none, p66, pf3, pf2, 0)
#define CLASSIC(code, access)                                                                                \
    [code] = INTEGER(access, 1, 0), [(code) + 1] = INTEGER(access, V, 0), [(code) + 2] = INTEGER(R, 1, 0),   \
    [(code) + 3] = INTEGER(R, V, 0)

static const struct form one_byte[256] = {
    CLASSIC(0x00, RW),          CLASSIC(0x08, RW),          CLASSIC(0x10, RW),
    CLASSIC(0x18, RW),          CLASSIC(0x20, RW),          CLASSIC(0x28, RW),
    CLASSIC(0x30, RW),          CLASSIC(0x38, R),           [0x63] = INTEGER(R, 4, 0),
    [0x69] = INTEGER(R, V, Z),  [0x6B] = INTEGER(R, V, 1),  [0x80] = INTEGER(RW, 1, 1),
    [0x81] = INTEGER(RW, V, Z), [0x83] = INTEGER(RW, V, 1), [0x84] = INTEGER(R, 1, 0),
    [0x85] = INTEGER(R, V, 0),  [0x86] = INTEGER(RW, 1, 0), [0x87] = INTEGER(RW, V, 0),
    [0x88] = INTEGER(W, 1, 0),  [0x89] = INTEGER(W, V, 0),  [0x8A] = INTEGER(R, 1, 0),
    [0x8B] = INTEGER(R, V, 0),  [0x8C] = INTEGER(W, 2, 0),  [0x8F] = INTEGER(W, 8, 0),
    [0xC0] = INTEGER(RW, 1, 1), [0xC1] = INTEGER(RW, V, 1), [0xC6] = INTEGER(W, 1, 1),
    [0xC7] = INTEGER(W, V, Z),  [0xD0] = INTEGER(RW, 1, 0), [0xD1] = INTEGER(RW, V, 0),
    [0xD2] = INTEGER(RW, 1, 0), [0xD3] = INTEGER(RW, V, 0), [0xF6] = INTEGER(R, 1, 0),
    [0xF7] = INTEGER(R, V, 0),  [0xFE] = INTEGER(RW, 1, 0), [0xFF] = INTEGER(RW, V, 0),
};

static const struct form after_0f[256] = {
    [0x10] = VECTOR(R, X, X, 4, 8),
    [0x11] = VECTOR(W, X, X, 4, 8),
    [0x12] = VECTOR(R, 8, 8, X, DOUBLED),
    [0x13] = VECTOR(W, 8, 8, 0, 0),
    [0x14 ... 0x15] = VECTOR(R, X, X, 0, 0),
    [0x16] = VECTOR(R, 8, 8, X, 0),
    [0x17] = VECTOR(W, 8, 8, 0, 0),
    [0x28] = VECTOR(R, X, X, 0, 0),
    [0x29] = VECTOR(W, X, X, 0, 0),
    [0x2A] = VECTOR(R, 0, 0, Y, Y),
    [0x2B] = VECTOR(W, X, X, 0, 0),
    [0x2C ... 0x2D] = VECTOR(R, 0, 0, 4, 8),
    [0x2E ... 0x2F] = VECTOR(R, 4, 8, 0, 0),
    [0x40 ... 0x4F] = INTEGER(R, V, 0),
    [0x51] = VECTOR(R, X, X, 4, 8),
    [0x52 ... 0x53] = VECTOR(R, X, 0, 4, 0),
    [0x54 ... 0x57] = VECTOR(R, X, X, 0, 0),
    [0x58 ... 0x59] = VECTOR(R, X, X, 4, 8),
    [0x5A] = VECTOR(R, HALF, X, 4, 8),
    [0x5B] = VECTOR(R, X, X, X, 0),
    [0x5C ... 0x5F] = VECTOR(R, X, X, 4, 8),
    [0x60 ... 0x6D] = VECTOR(R, 0, X, 0, 0),
    [0x6E] = VECTOR(R, 0, Y, 0, 0),
    [0x6F] = VECTOR(R, 0, X, X, 0),
    [0x70] = IN(BOTH, R, 0, X, X, X, 1),
    [0x74 ... 0x76] = VECTOR(R, 0, X, 0, 0),
    [0x7C ... 0x7D] = VECTOR(R, 0, X, 0, X),
    [0x7E] = VECTOR(W, 0, Y, 8, 0),
    [0x7F] = VECTOR(W, 0, X, X, 0),
    [0x90 ... 0x9F] = INTEGER(W, 1, 0),
    [0xA3] = INTEGER(R, V, 0),
    [0xA4] = INTEGER(RW, V, 1),
    [0xA5] = INTEGER(RW, V, 0),
    [0xAB] = INTEGER(RW, V, 0),
    [0xAC] = INTEGER(RW, V, 1),
    [0xAD] = INTEGER(RW, V, 0),
    [0xAE] = VECTOR(R, 4, 0, 0, 0),
    [0xAF] = INTEGER(R, V, 0),
    [0xB0] = INTEGER(RW, 1, 0),
    [0xB1] = INTEGER(RW, V, 0),
    [0xB3] = INTEGER(RW, V, 0),
    [0xB6] = INTEGER(R, 1, 0),
    [0xB7] = INTEGER(R, 2, 0),
    [0xB8] = IN(LEGACY, R, 0, 0, V, 0, 0),
    [0xBA] = INTEGER(RW, V, 1),
    [0xBB] = INTEGER(RW, V, 0),
    [0xBC ... 0xBD] = INTEGER(R, V, 0),
    [0xBE] = INTEGER(R, 1, 0),
    [0xBF] = INTEGER(R, 2, 0),
    [0xC0] = INTEGER(RW, 1, 0),
    [0xC1] = INTEGER(RW, V, 0),
    [0xC2] = IN(BOTH, R, X, X, 4, 8, 1),
    [0xC3] = IN(LEGACY, W, Y, 0, 0, 0, 0),
    [0xC4] = IN(BOTH, R, 0, 2, 0, 0, 1),
    [0xC6] = IN(BOTH, R, X, X, 0, 0, 1),
    [0xC7] = INTEGER(RW, 8, 0),
    [0xD0] = VECTOR(R, 0, X, 0, X),
    [0xD1 ... 0xD3] = VECTOR(R, 0, 16, 0, 0),
    [0xD4 ... 0xD5] = VECTOR(R, 0, X, 0, 0),
    [0xD6] = VECTOR(W, 0, 8, 0, 0),
    [0xD8 ... 0xE0] = VECTOR(R, 0, X, 0, 0),
    [0xE1 ... 0xE2] = VECTOR(R, 0, 16, 0, 0),
    [0xE3 ... 0xE5] = VECTOR(R, 0, X, 0, 0),
    [0xE6] = VECTOR(R, 0, X, HALF, X),
    [0xE7] = VECTOR(W, 0, X, 0, 0),
    [0xE8 ... 0xEF] = VECTOR(R, 0, X, 0, 0),
    [0xF0] = VECTOR(R, 0, 0, 0, X),
    [0xF1 ... 0xF3] = VECTOR(R, 0, 16, 0, 0),
    [0xF4 ... 0xF6] = VECTOR(R, 0, X, 0, 0),
    [0xF8 ... 0xFE] = VECTOR(R, 0, X, 0, 0),
};

#define ONLY_VEX(width) IN(VEX, R, 0, width, 0, 0, 0)
#define FUSED(code) /* multiply and add: the odd ones from 9 on are of one number */                         \
    [(code) + 6 ...(code) + 8] = ONLY_VEX(X), [(code) + 9] = ONLY_VEX(Y), [(code) + 10] = ONLY_VEX(X),       \
                            [(code) + 11] = ONLY_VEX(Y), [(code) + 12] = ONLY_VEX(X),                        \
                            [(code) + 13] = ONLY_VEX(Y), [(code) + 14] = ONLY_VEX(X),                        \
                            [(code) + 15] = ONLY_VEX(Y)

static const struct form after_0f38[256] = {
    [0x00 ... 0x0B] = VECTOR(R, 0, X, 0, 0),
    [0x0C ... 0x0F] = ONLY_VEX(X),
    [0x10] = IN(LEGACY, R, 0, X, 0, 0, 0),
    [0x13] = ONLY_VEX(HALF),
    [0x14 ... 0x15] = IN(LEGACY, R, 0, X, 0, 0, 0),
    [0x16] = ONLY_VEX(X),
    [0x17] = VECTOR(R, 0, X, 0, 0),
    [0x18] = ONLY_VEX(4),
    [0x19] = ONLY_VEX(8),
    [0x1A] = ONLY_VEX(16),
    [0x1C ... 0x1E] = VECTOR(R, 0, X, 0, 0),
    [0x20] = VECTOR(R, 0, HALF, 0, 0),
    [0x21] = VECTOR(R, 0, QUARTER, 0, 0),
    [0x22] = VECTOR(R, 0, EIGHTH, 0, 0),
    [0x23] = VECTOR(R, 0, HALF, 0, 0),
    [0x24] = VECTOR(R, 0, QUARTER, 0, 0),
    [0x25] = VECTOR(R, 0, HALF, 0, 0),
    [0x28 ... 0x2B] = VECTOR(R, 0, X, 0, 0),
    [0x30] = VECTOR(R, 0, HALF, 0, 0),
    [0x31] = VECTOR(R, 0, QUARTER, 0, 0),
    [0x32] = VECTOR(R, 0, EIGHTH, 0, 0),
    [0x33] = VECTOR(R, 0, HALF, 0, 0),
    [0x34] = VECTOR(R, 0, QUARTER, 0, 0),
    [0x35] = VECTOR(R, 0, HALF, 0, 0),
    [0x36] = ONLY_VEX(X),
    [0x37 ... 0x41] = VECTOR(R, 0, X, 0, 0),
    [0x45 ... 0x47] = ONLY_VEX(X),
    [0x58] = ONLY_VEX(4),
    [0x59] = ONLY_VEX(8),
    [0x5A] = ONLY_VEX(16),
    [0x78] = ONLY_VEX(1),
    [0x79] = ONLY_VEX(2),
    FUSED(0x90),
    FUSED(0xA0),
    FUSED(0xB0),
    [0xC8 ... 0xCD] = IN(LEGACY, R, X, 0, 0, 0, 0),
    [0xDB ... 0xDF] = VECTOR(R, 0, X, 0, 0),
    [0xF0] = IN(LEGACY, R, V, V, 0, 1, 0),
    [0xF1] = IN(LEGACY, W, V, V, 0, V, 0),
    [0xF2 ... 0xF3] = IN(VEX, R, Y, 0, 0, 0, 0),
    [0xF5] = IN(VEX, R, Y, 0, Y, Y, 0),
    [0xF6] = VECTOR(R, 0, Y, Y, Y),
    [0xF7] = IN(VEX, R, Y, Y, Y, Y, 0),
};

#define WITH_BYTE(access, width) IN(BOTH, access, 0, width, 0, 0, 1)
#define VEX_WITH_BYTE(access, width) IN(VEX, access, 0, width, 0, 0, 1)

static const struct form after_0f3a[256] = {
    [0x00 ... 0x02] = VEX_WITH_BYTE(R, X),
    [0x04 ... 0x06] = VEX_WITH_BYTE(R, X),
    [0x08 ... 0x09] = WITH_BYTE(R, X),
    [0x0A] = WITH_BYTE(R, 4),
    [0x0B] = WITH_BYTE(R, 8),
    [0x0C ... 0x0F] = WITH_BYTE(R, X),
    [0x14] = WITH_BYTE(W, 1),
    [0x15] = WITH_BYTE(W, 2),
    [0x16] = WITH_BYTE(W, Y),
    [0x17] = WITH_BYTE(W, 4),
    [0x18] = VEX_WITH_BYTE(R, 16),
    [0x19] = VEX_WITH_BYTE(W, 16),
    [0x1D] = VEX_WITH_BYTE(W, HALF),
    [0x20] = WITH_BYTE(R, 1),
    [0x21] = WITH_BYTE(R, 4),
    [0x22] = WITH_BYTE(R, Y),
    [0x38] = VEX_WITH_BYTE(R, 16),
    [0x39] = VEX_WITH_BYTE(W, 16),
    [0x40 ... 0x42] = WITH_BYTE(R, X),
    [0x44] = WITH_BYTE(R, X),
    [0x46] = VEX_WITH_BYTE(R, X),
    [0x4A ... 0x4C] = VEX_WITH_BYTE(R, X),
    [0x60 ... 0x63] = WITH_BYTE(R, 16),
    [0xCC] = IN(LEGACY, R, X, 0, 0, 0, 1),
    [0xDF] = WITH_BYTE(R, X),
    [0xF0] = IN(VEX, R, 0, 0, 0, Y, 1),
};

static uint8_t bytes_of(uint8_t width, const struct gpup_mmio_opcode *o) {
    uint8_t more = o->long_vectors ? 2 : 1;

    switch (width) {
    case V:
        return o->wide ? 8 : o->word ? 2 : 4;
    case Y:
        return o->wide ? 8 : 4;
    case X:
        return (uint8_t)(16 * more);
    case HALF:
        return (uint8_t)(8 * more);
    case QUARTER:
        return (uint8_t)(4 * more);
    case EIGHTH:
        return (uint8_t)(2 * more);
    case DOUBLED:
        return o->long_vectors ? 32 : 8;
    default:
        return width;
    }
}

/* FF: up or down by one, or a call, a jump or a push of what is there. */
static bool with_ff(const struct gpup_mmio_opcode *o, struct form *f, uint8_t *kind) {
    static const uint8_t kinds[8] = {
        [2] = GPUP_MMIO_CALL, [4] = GPUP_MMIO_JUMP, [6] = GPUP_MMIO_PUSH}; /* 0, 1: an operand */

    *kind = kinds[o->group];
    if (*kind != GPUP_MMIO_OPERAND)
        *f = (struct form)INTEGER(R, 8, 0);
    return o->group < 2 || (*kind != GPUP_MMIO_OPERAND && !o->word);
}

/* Opcodes that mean several instructions. false: not this one. */
static bool grouped_one(const struct gpup_mmio_opcode *o, struct form *f, uint8_t *kind) {
    switch (o->code) {
    case 0x80:
    case 0x81:
    case 0x83:
        f->access = o->group == 7 ? R : RW;
        return true;
    case 0x8F:
        *kind = GPUP_MMIO_POP;
        return !o->group && !o->word;
    case 0xC6:
    case 0xC7:
        return !o->group;
    case 0xF6:
    case 0xF7:
        f->immediate = o->group > 1 ? 0 : o->code == 0xF6 ? 1 : Z;
        f->access = o->group == 2 || o->group == 3 ? RW : R;
        return true;
    case 0xFE:
        return o->group < 2;
    case 0xFF:
        return with_ff(o, f, kind);
    default:
        return true;
    }
}

static bool grouped_0f(const struct gpup_mmio_opcode *o, struct form *f) {
    switch (o->code) {
    case 0x7E:
        f->access = o->prefix == 2 ? R : W;
        return true;
    case 0xAE: /* LDMXCSR, STMXCSR */
        f->access = o->group == 2 ? R : W;
        return o->group == 2 || o->group == 3;
    case 0xBA:
        f->access = o->group == 4 ? R : RW;
        return o->group >= 4;
    case 0xC7: /* CMPXCHG8B, CMPXCHG16B */
        f->width[0] = f->width[1] = f->width[2] = f->width[3] = o->wide ? 16 : 8;
        return o->group == 1;
    default:
        return true;
    }
}

static const struct form *const maps[] = {one_byte, after_0f, after_0f38, after_0f3a};

bool gpup_mmio_known(const struct gpup_mmio_opcode *o) {
    return maps[o->map][o->code].access != 0;
}

bool gpup_mmio_form(const struct gpup_mmio_opcode *o, struct gpup_mmio_form *out) {
    struct form f = maps[o->map][o->code];
    uint8_t kind = GPUP_MMIO_OPERAND;

    if (o->map == GPUP_MMIO_ONE_BYTE ? !grouped_one(o, &f, &kind)
                                     : o->map == GPUP_MMIO_0F && !grouped_0f(o, &f))
        return false;
    if (o->map == GPUP_MMIO_0F38 && o->code == 0xF1 && o->prefix == 3) /* CRC32, not MOVBE */
        f.access = R;
    if (!f.width[o->prefix] || !(f.encoding & (o->vex ? VEX : LEGACY)))
        return false;
    *out = (struct gpup_mmio_form){kind, f.access, bytes_of(f.width[o->prefix], o),
                                   f.immediate == Z ? (o->word && !o->wide ? 2 : 4) : f.immediate};
    return true;
}
