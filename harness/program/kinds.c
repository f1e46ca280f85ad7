#include "kinds.h"

static const struct gpup_kind_info kinds[GPUP_KINDS] = {
    [GPUP_KIND_BOOL] = {"false or true", 2, .symbol_count = 1, .name = {"false", "true"}},
    [GPUP_KIND_U8] = {"a number of 8 bits", 0x100, .symbol_count = 1},
    [GPUP_KIND_U32] = {"a number of 32 bits", UINT64_C(1) << 32, .symbol_count = 1},
    [GPUP_KIND_U64] = {"a number of 64 bits", 0, .symbol_count = 1},
    [GPUP_KIND_COUNT] = {"a number of 32 bits, or count plus or minus one", UINT64_C(1) << 32,
                         .symbol_count = 2, .symbol = {GPUP_SYMBOL_NONE, GPUP_SYMBOL_COUNT}},
    [GPUP_KIND_INDEX] = {"a number from -32768 to 32767, or last or count plus or minus one", 0x10000,
                         .is_signed = true, .symbol_count = 3,
                         .symbol = {GPUP_SYMBOL_NONE, GPUP_SYMBOL_LAST, GPUP_SYMBOL_COUNT}},
    [GPUP_KIND_SIZE] = {"a number of bytes, or need or blob plus or minus a number", 0, .symbol_count = 3,
                        .symbol = {GPUP_SYMBOL_NONE, GPUP_SYMBOL_NEED, GPUP_SYMBOL_BLOB}},
    [GPUP_KIND_HANDLE] = {"a slot from 0 to 7, null, invalid, stale or foreign", 8, .symbol_count = 5,
                          .symbol = {GPUP_SYMBOL_NONE, GPUP_SYMBOL_NULL, GPUP_SYMBOL_INVALID,
                                     GPUP_SYMBOL_STALE, GPUP_SYMBOL_FOREIGN}},
    [GPUP_KIND_SLOT] = {"a slot from 0 to 7", 8, .symbol_count = 1},
    [GPUP_KIND_BLOB] = {"a blob from 0 to 15", 16, .symbol_count = 1},
    [GPUP_KIND_BUFFER] = {"null, exact, unaligned or read_only", 4, .symbol_count = 1,
                          .name = {"null", "exact", "unaligned", "read_only"}},
    [GPUP_KIND_ORDER] = {"ascending, descending or shuffled", 3, .symbol_count = 1,
                         .name = {"ascending", "descending", "shuffled"}},
    [GPUP_KIND_PATCH] = {"set, add or xor", 3, .symbol_count = 1, .name = {"set", "add", "xor"}},
    [GPUP_KIND_MIGRATION] = {"source, target or another number of 32 bits", UINT64_C(1) << 32,
                             .symbol_count = 1, .name = {"source", "target"}},
    [GPUP_KIND_POWER] = {"D0, D1, D2, D3 or another number of 32 bits", UINT64_C(1) << 32, .symbol_count = 1,
                         .name_base = 1, .name = {"D0", "D1", "D2", "D3"}},
    [GPUP_KIND_HOST] = {"a host, 0 or 1", GPUP_MAX_HOSTS, .symbol_count = 1},
    [GPUP_KIND_VF] =
        {"a virtual function from 0 to 63, or any number of 32 bits on a step with a negative class",
         GPUP_MAX_VFS, .by_vf = true, .symbol_count = 1},
};

static const struct {
    const char *name, *constant;
    bool offset;
} symbols[GPUP_SYMBOLS] = {
    [GPUP_SYMBOL_NONE] = {NULL, "GPUP_SYMBOL_NONE", true},
    [GPUP_SYMBOL_COUNT] = {"count", "GPUP_SYMBOL_COUNT", true},
    [GPUP_SYMBOL_LAST] = {"last", "GPUP_SYMBOL_LAST", true},
    [GPUP_SYMBOL_NEED] = {"need", "GPUP_SYMBOL_NEED", true},
    [GPUP_SYMBOL_BLOB] = {"blob", "GPUP_SYMBOL_BLOB", true},
    [GPUP_SYMBOL_NULL] = {"null", "GPUP_SYMBOL_NULL", false},
    [GPUP_SYMBOL_INVALID] = {"invalid", "GPUP_SYMBOL_INVALID", false},
    [GPUP_SYMBOL_STALE] = {"stale", "GPUP_SYMBOL_STALE", true},
    [GPUP_SYMBOL_FOREIGN] = {"foreign", "GPUP_SYMBOL_FOREIGN", true},
};

const struct gpup_kind_info *gpup_kind_info(unsigned kind) {
    return kind < GPUP_KINDS ? &kinds[kind] : NULL;
}

const char *gpup_symbol_name(unsigned symbol) {
    return symbol < GPUP_SYMBOLS ? symbols[symbol].name : NULL;
}

const char *gpup_symbol_enum(unsigned symbol) {
    return symbol < GPUP_SYMBOLS ? symbols[symbol].constant : NULL;
}

bool gpup_symbol_has_offset(unsigned symbol) {
    return symbol < GPUP_SYMBOLS && symbols[symbol].offset;
}

bool gpup_value_equal(struct gpup_value a, struct gpup_value b) {
    return a.symbol == b.symbol && a.number == b.number;
}

static bool allows(const struct gpup_kind_info *kind, uint8_t symbol) {
    for (unsigned i = 0; i < kind->symbol_count; i++)
        if (kind->symbol[i] == symbol)
            return true;
    return false;
}

/* What stands after a symbol is a distance in both directions: 16 bits for an index, 32 for a count. */
static uint64_t clamp_offset(unsigned kind, uint64_t number) {
    if (kind == GPUP_KIND_INDEX)
        return (uint64_t)(int16_t)number;
    if (kind == GPUP_KIND_COUNT)
        return (uint64_t)(int32_t)number;
    return kind == GPUP_KIND_HANDLE ? number % kinds[kind].modulo : number;
}

void gpup_value_clamp(unsigned kind, bool negative, struct gpup_value *value) {
    const struct gpup_kind_info *info = &kinds[kind];
    if (!allows(info, value->symbol))
        value->symbol = GPUP_SYMBOL_NONE;
    if (!gpup_symbol_has_offset(value->symbol))
        value->number = 0;
    else if (value->symbol != GPUP_SYMBOL_NONE)
        value->number = clamp_offset(kind, value->number);
    else if (info->is_signed)
        value->number = (uint64_t)(int16_t)value->number;
    else if (info->by_vf && negative)
        value->number = (uint32_t)value->number;
    else if (info->modulo)
        value->number %= info->modulo;
}
