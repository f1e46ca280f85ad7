/* Values by what a field means: boundaries first, small numbers next, any bits last. */
#include "kinds.h"
#include "mutate.h"

#include <string.h>

static const uint64_t addresses[] = {
    0,          4,           0xFEE00000,  0xFEE00001,         0xFEE00010,
    0xFFFFFFFC, 0x100000000, UINT64_MAX,  0x8000000000000000, 0x1122334455667788,
    1,          0x1000,      0xFFFFF000u, 0xFFFFFFFFFFFFF000, 0x10000};
static const uint64_t places[] = {0,       0x1000,  0x2000,  0x8000,   0xF000,      0x10000,    0x20000,
                                  0x3F000, 0x40000, 0x7F000, 0x100000, 0x100000000, 0x140000000};
static const uint64_t words[] = {0,          1,          2,          3,          0x80000000, 0xFFFFFFFF,
                                 0xA5A55A5A, 0x7FFFFFFF, 0xFFFF0000, 0x00FF0000, 4,          0x1000};
static const uint64_t bytes[] = {0, 1, 2, 0x7F, 0x80, 0xFF};
static const uint64_t sizes[] = {0, 1, 2, 4, 8, 16, 64, 4095, 4096, 4097, 65536, 0x100000000};
static const uint64_t indexes[] = {
    0, 1, 2, 255, 256, 2047, 2048, 32767, (uint64_t)-1, (uint64_t)-2, (uint64_t)-32768};
static const uint64_t counts[] = {0, 1, 2, 3, 4, 7, 8, 9, 64};
static const uint64_t powers[] = {1, 4, 1, 4, 2, 3, 0, 5};
static const uint64_t vfs[] = {4, 31, 32, 63, 64, 255, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};

#define PICK(m, list) (list)[mutate_below(m, sizeof(list) / sizeof *(list))]

static uint64_t boundary(struct gpup_mutator *m, unsigned kind) {
    switch (kind) {
    case GPUP_KIND_U8:
        return PICK(m, bytes);
    case GPUP_KIND_U32:
        return PICK(m, words);
    case GPUP_KIND_U64:
        return mutate_below(m, 2) ? PICK(m, addresses) : PICK(m, places);
    case GPUP_KIND_COUNT:
        return PICK(m, counts);
    case GPUP_KIND_INDEX:
        return PICK(m, indexes);
    case GPUP_KIND_SIZE:
        return PICK(m, sizes);
    case GPUP_KIND_POWER:
        return PICK(m, powers);
    default:
        return mutate_below(m, 4);
    }
}

/* Of the numbers of a kind. */
static unsigned bits_of(unsigned kind) {
    uint64_t modulo = gpup_kind_info(kind)->modulo;
    return modulo > 1 ? 64u - (unsigned)__builtin_clzll(modulo - 1) : 64;
}

/* Another number that is the same, or a small one, once it is cut to 8, 16 or 32 bits. */
static uint64_t same_when_cut(struct gpup_mutator *m, unsigned kind, uint64_t old) {
    bool short_kind = kind == GPUP_KIND_COUNT || kind == GPUP_KIND_INDEX;
    unsigned width = kind == GPUP_KIND_SIZE ? 16u << mutate_below(m, 2)
                     : short_kind           ? 16u >> (mutate_below(m, 4) == 0)
                                            : 8u << mutate_below(m, 3);
    return (mutate_below(m, 2) ? old : mutate_below(m, 4)) + (UINT64_C(1) << width);
}

static uint64_t other_number(struct gpup_mutator *m, unsigned kind, uint64_t old) {
    uint32_t shift;
    switch (mutate_below(m, 10)) {
    case 0:
        return old + 1;
    case 1:
        return old - 1;
    case 2:
        return old ^ (UINT64_C(1) << mutate_below(m, bits_of(kind)));
    case 3:
        shift = mutate_below(m, 64);
        return mutate_random(m) >> shift;
    case 4:
        return mutate_below(m, 16);
    case 5:
    case 6:
        return same_when_cut(m, kind, old);
    default:
        return boundary(m, kind);
    }
}

void mutate_value(struct gpup_mutator *m, unsigned kind, struct gpup_value *value) {
    const struct gpup_kind_info *info = gpup_kind_info(kind);
    bool symbolic = info->symbol_count > 1 && mutate_below(m, 2);
    if (!symbolic) {
        value->symbol = info->symbol[0];
        value->number = other_number(m, kind, value->number);
        return;
    }
    value->symbol = info->symbol[mutate_below(m, info->symbol_count)];
    if (value->symbol != GPUP_SYMBOL_NONE) /* need, need - 1, need + 1 */
        value->number = gpup_symbol_has_offset(value->symbol) && mutate_below(m, 3) == 0
                            ? (uint64_t)((int64_t)mutate_below(m, 3) - 1)
                            : 0;
}

uint64_t mutate_page(const struct gpup_world_config *world) {
    if (world->reserve_kib > 4u << 20)
        return 2097152;
    return world->page_size > 4096 || world->segments > 1 ? 65536 : 4096;
}

/* Whole pages, or a place across an edge of one: where VRAM is meant, other numbers say little. The last
 * page, and places beyond 32 bits, are where drivers are wrong. */
uint64_t mutate_pages(struct gpup_mutator *m, const struct gpup_world_config *world, bool size) {
    uint64_t page = mutate_page(world), all = (uint64_t)world->reserve_kib * 1024 / page,
             pages = mutate_below(m, 17);
    if (size)
        return (1 + pages % 4) * page;
    if (page == 2097152 && mutate_below(m, 2))
        pages += 2048;
    else if (all > 1 && mutate_below(m, 8) == 0)
        pages = all / (1 + mutate_below(m, 2)) - 1; /* of all of it, or of two ranges' first */
    return pages * page - (pages && mutate_below(m, 2) ? mutate_below(m, 64) : 0);
}

/* Sizes about the one that it has, and numbers that are choices or bits. */
static uint64_t of_framework(struct gpup_mutator *m, bool size, uint64_t usual) {
    if (size)
        return usual - 8u * mutate_below(m, 8) + (mutate_below(m, 2) ? mutate_below(m, 3) - 1u : 0);
    return mutate_below(m, 2) ? mutate_below(m, 6) : 1u << mutate_below(m, 6);
}

/* By what it is called, and else by its kind. */
static void other_field(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s,
                        uint32_t which) {
    const struct gpup_op_info *info = gpup_op_info(s->op);
    bool size = strcmp(info->field[which].name, "size") == 0,
         offset = strcmp(info->field[which].name, "offset") == 0;
    if (info->field[which].kind == GPUP_KIND_U64 && (size || offset) && mutate_below(m, 2))
        s->f[which] = (struct gpup_value){.number = mutate_pages(m, world, size)};
    else if (mutate_of_framework(s->op) && info->field[which].kind == GPUP_KIND_U32 && mutate_below(m, 4))
        s->f[which] = (struct gpup_value){.number = of_framework(m, size, info->field[which].value)};
    else
        mutate_value(m, info->field[which].kind, &s->f[which]);
}

uint32_t mutate_vf(struct gpup_mutator *m, const struct gpup_world_config *world, bool any) {
    if (any && mutate_below(m, 2))
        return (uint32_t)PICK(m, vfs);
    uint32_t used = world->partitions < 4 ? world->partitions : 4;
    return mutate_below(m, mutate_below(m, 2) && used > 2 ? 2 : used);
}

void mutate_field(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    const struct gpup_op_info *info = gpup_op_info(s->op);
    uint32_t which = mutate_below(m, info->field_count + 2u);
    if (m->options.negative && s->class == GPUP_LEGAL && mutate_below(m, 4) == 0)
        s->class = GPUP_ROBUSTNESS; /* else what the OS never passes is left out */
    if (which < info->field_count)
        other_field(m, world, s, which);
    else if (which == info->field_count)
        s->vf = mutate_vf(m, world, s->class != GPUP_LEGAL);
    else
        s->host = (uint8_t)mutate_below(m, world->hosts);
    gpup_step_clamp(s);
}

void mutate_world(struct gpup_mutator *m, struct gpup_world_config *w) {
    static const uint16_t entries[] = {1, 3, 8, 16, 64, 256, 300};
    switch (mutate_below(m, 13)) {
    case 0:
        w->hosts = (uint8_t)(1 + mutate_below(m, m->options.max_hosts));
        break;
    case 1:
        w->msix_entries = entries[mutate_below(m, sizeof entries / sizeof *entries)];
        break;
    case 3:
        w->page_size = w->page_size == 4096 ? 65536 : 4096;
        break;
    case 4:
        w->segments = (uint8_t)(1 + mutate_below(m, 2));
        break;
    case 5:
        w->reserved ^= 1;
        break;
    case 6:
        w->uneven ^= 1;
        w->segments = 2;
        break;
    case 7:
        w->untracked ^= 1;
        break;
    case 8: /* more than 32 bits can count, or as usual */
        w->vram_mib = w->reserve_kib > 4u << 20 ? 256 : 16384;
        w->reserve_kib = w->reserve_kib > 4u << 20 ? 1024 : 6u << 20;
        break;
    case 9: /* no more memory than the VFs have */
        w->vram_mib = w->vram_mib > 8 ? 8 : 256;
        break;
    case 10:
        w->preempt ^= 1;
        break;
    case 11: /* two adapters of one driver, seldom: most migrations are between machines */
        w->one_system = !w->one_system && m->options.max_hosts > 1 && !mutate_below(m, 4);
        w->hosts = w->one_system ? 2 : w->hosts;
        break;
    default: /* most of tracking is seen when nothing is tracked before it is asked for */
        w->performant ^= 1;
    }
    gpup_world_clamp(w);
}
