/* Values by what a field means: boundaries first, small numbers next, any bits last. */
#include "kinds.h"
#include "mutate.h"

#include <gpup/spec_ids.h>

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
static const uint64_t sizes[] = {0, 1, 2, 4, 8, 16, 64, 4095, 4096, 4097, 65536};
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

static uint64_t other_number(struct gpup_mutator *m, unsigned kind, uint64_t old) {
    switch (mutate_below(m, 8)) {
    case 0:
        return old + 1;
    case 1:
        return old - 1;
    case 2:
        return old ^ (UINT64_C(1) << mutate_below(m, 64));
    case 3:
        return mutate_random(m) >> mutate_below(m, 64);
    case 4:
        return mutate_below(m, 16);
    default:
        return boundary(m, kind);
    }
}

static void other_value(struct gpup_mutator *m, unsigned kind, struct gpup_value *value) {
    const struct gpup_kind_info *info = gpup_kind_info(kind);
    bool symbolic = info->symbol_count > 1 && mutate_below(m, 2);
    if (!symbolic) {
        value->symbol = info->symbol[0];
        value->number = other_number(m, kind, value->number);
        if (kind == GPUP_KIND_SIZE && mutate_below(m, 16)) /* large buffers cost much and show little */
            value->number &= 0xFFF;
        return;
    }
    value->symbol = info->symbol[mutate_below(m, info->symbol_count)];
    if (value->symbol != GPUP_SYMBOL_NONE) /* need, need - 1, need + 1 */
        value->number = gpup_symbol_has_offset(value->symbol) && mutate_below(m, 3) == 0
                            ? (uint64_t)((int64_t)mutate_below(m, 3) - 1)
                            : 0;
}

static uint32_t some_vf(struct gpup_mutator *m, const struct gpup_world_config *world, bool any) {
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
        other_value(m, info->field[which].kind, &s->f[which]);
    else if (which == info->field_count)
        s->vf = some_vf(m, world, s->class != GPUP_LEGAL);
    else
        s->host = (uint8_t)mutate_below(m, world->hosts);
    gpup_step_clamp(s);
}

/* One of the set bits, most of the time. */
static void pick_saved(struct gpup_mutator *m, uint16_t saved, struct gpup_value *value) {
    uint32_t first = mutate_below(m, 16);
    for (uint32_t i = 0; saved && mutate_below(m, 64) && i < 16; i++)
        if (saved >> (first + i) % 16 & 1) {
            *value = (struct gpup_value){.number = (first + i) % 16};
            return;
        }
}

/* What earlier steps made: a basis in a state that the call is for, a blob with data of its kind. */
static void existing(struct gpup_mutator *m, struct gpup_step *s) {
    unsigned created = 1u << GPUP_STATE_tracking_Created, tracking = 1u << GPUP_STATE_tracking_Tracking;
    unsigned states = 0;
    switch (s->op) {
    case GPUP_OP_StartDirtyTracking:
        states = created;
        break;
    case GPUP_OP_StopDirtyTracking:
    case GPUP_OP_QueryDirtyBitData:
    case GPUP_OP_CopyDirty:
        states = tracking;
        break;
    case GPUP_OP_DestroyMemoryBasis:
        states = created | tracking;
        break;
    case GPUP_OP_RestoreImmutableMigrationData:
    case GPUP_OP_RestoreMutableMigrationData:
        pick_saved(m, m->steer.saved[s->op == GPUP_OP_RestoreMutableMigrationData],
                   &s->f[GPUP_RestoreMutableMigrationData_blob]);
        break;
    case GPUP_OP_PatchBlob:
    case GPUP_OP_ResizeBlob:
    case GPUP_OP_CopyBlob: /* the blob comes first in all of them */
        pick_saved(m, m->steer.saved[0] | m->steer.saved[1], &s->f[0]);
        break;
    default:
        break;
    }
    int slot = states ? steer_basis(&m->steer, s, states, mutate_below(m, 8)) : -1;
    if (slot >= 0 && mutate_below(m, 16))
        s->f[0] = (struct gpup_value){.number = (uint64_t)slot};
}

/* Values that make the step one that happens: sizes and buffers as the OS gives them, a session of the right
 * type. */
static void plausible(struct gpup_mutator *m, struct gpup_step *s) {
    bool second = mutate_below(m, 2);
    switch (s->op) {
    case GPUP_OP_SaveImmutableMigrationData:
    case GPUP_OP_SaveMutableMigrationData:
        if (second) {
            s->f[GPUP_SaveMutableMigrationData_size] = (struct gpup_value){.symbol = GPUP_SYMBOL_NEED};
            s->f[GPUP_SaveMutableMigrationData_data].number = GPUP_BUFFER_EXACT;
            s->f[GPUP_SaveMutableMigrationData_blob].number = s->op == GPUP_OP_SaveMutableMigrationData;
        }
        break;
    case GPUP_OP_RestoreImmutableMigrationData:
    case GPUP_OP_RestoreMutableMigrationData:
        s->f[GPUP_RestoreMutableMigrationData_size] = (struct gpup_value){.symbol = GPUP_SYMBOL_BLOB};
        s->f[GPUP_RestoreMutableMigrationData_data].number = GPUP_BUFFER_EXACT;
        s->f[GPUP_RestoreMutableMigrationData_blob].number = s->op == GPUP_OP_RestoreMutableMigrationData;
        break;
    case GPUP_OP_QueryAdapterInfo:
        if (second) {
            s->f[GPUP_QueryAdapterInfo_type].number = 39 + mutate_below(m, 3);
            s->f[GPUP_QueryAdapterInfo_output_size].symbol = GPUP_SYMBOL_NEED;
            s->f[GPUP_QueryAdapterInfo_output_size].number = 0;
            s->f[GPUP_QueryAdapterInfo_input].number = 1 + mutate_below(m, 2);
            s->f[GPUP_QueryAdapterInfo_input_size].number =
                s->f[GPUP_QueryAdapterInfo_type].number == 39 ? 0 : 4;
        }
        break;
    case GPUP_OP_QueryDirtyBitData:
        s->f[GPUP_QueryDirtyBitData_buffer] = (struct gpup_value){.symbol = GPUP_SYMBOL_NEED};
        s->f[GPUP_QueryDirtyBitData_flags].number = second;
        break;
    case GPUP_OP_PrepareLiveMigration:
        s->f[GPUP_PrepareLiveMigration_type].number = second;
        break;
    case GPUP_OP_SetVirtualFunctionPauseState:
        s->f[GPUP_SetVirtualFunctionPauseState_pause].number = second;
        break;
    case GPUP_OP_SetVirtualFunctionPowerState:
        s->f[GPUP_SetVirtualFunctionPowerState_state].number = second ? 1 : 4;
        break;
    default:
        break;
    }
}

/* What ends or upsets everything, and what only a framework does, comes seldom: one of so many times. */
static uint32_t rarity(unsigned op) {
    switch (op) {
    case GPUP_OP_StopDevice:
    case GPUP_OP_StartDevice:
    case GPUP_OP_SetPowerState:
    case GPUP_OP_PowerCycle:
    case GPUP_OP_Restart:
    case GPUP_OP_ChangeDriver:
    case GPUP_OP_RemoveHardware:
    case GPUP_OP_SuspendVirtualGpu:
    case GPUP_OP_ResumeVirtualGpu:
    case GPUP_OP_GetGpuEngines:
        return 8;
    case GPUP_OP_Together:
    case GPUP_OP_StopVm:
    case GPUP_OP_DestroyVirtualGpu:
    case GPUP_OP_DestroyProcess:
    case GPUP_OP_Wait:
        return 4;
    case GPUP_OP_CreateVm:
    case GPUP_OP_CreateVirtualGpu:
        return 2;
    case GPUP_OP_FrameworkDevice:
    case GPUP_OP_FrameworkMove:
    case GPUP_OP_FrameworkDriver:
    case GPUP_OP_InterruptConfig:
    case GPUP_OP_InterruptAttributes:
    case GPUP_OP_InterruptAct:
    case GPUP_OP_InterruptSignal:
    case GPUP_OP_WdfInterruptCreate:
        return 24;
    default:
        return gpup_op_info(op)->group == GPUP_GROUP_fault ? 4 : 1;
    }
}

unsigned mutate_op(struct gpup_mutator *m) {
    unsigned op;
    do
        op = mutate_below(m, GPUP_OPS);
    while (mutate_below(m, rarity(op)));
    return op;
}

/* Half of the time one that looks at what a step near by did. */
static unsigned some_op(struct gpup_mutator *m) {
    unsigned tries = m->focus_op < GPUP_OPS && (m->story || mutate_below(m, 2)) ? 32 : 0, op = mutate_op(m);
    while (tries && tries-- && !mutate_related(op, m->focus_op))
        op = mutate_op(m);
    return op;
}

static void try_step(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    gpup_step_defaults(s, some_op(m));
    s->host = m->focus_host;
    s->vf = m->focus_vf;
    if (mutate_below(m, 8) == 0) {
        s->host = (uint8_t)mutate_below(m, world->hosts);
        s->vf = some_vf(m, world, false);
    }
    plausible(m, s);
    existing(m, s);
}

/* The field whose bounds a driver has to mind, rather than data that it only carries. */
static void mutate_bound(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s) {
    const struct gpup_op_info *info = gpup_op_info(s->op);
    uint32_t first = mutate_below(m, info->field_count);
    for (uint32_t i = 0; i < info->field_count; i++) {
        uint32_t at = (first + i) % info->field_count;
        unsigned kind = info->field[at].kind;
        if (kind == GPUP_KIND_INDEX || kind == GPUP_KIND_COUNT || kind == GPUP_KIND_SIZE ||
            kind == GPUP_KIND_HANDLE || kind == GPUP_KIND_MIGRATION || kind == GPUP_KIND_POWER) {
            other_value(m, kind, &s->f[at]);
            gpup_step_clamp(s);
            return;
        }
    }
    mutate_field(m, world, s);
}

/* A call at its time with arguments that the OS never passes. */
static void odd_arguments(struct gpup_mutator *m, const struct gpup_world_config *world,
                          struct gpup_step *s) {
    for (unsigned tries = 0; tries < 60; tries++) {
        try_step(m, world, s);
        if (gpup_op_info(s->op)->group == GPUP_GROUP_call && gpup_op_info(s->op)->field_count &&
            steer_legal(&m->steer, s))
            break;
    }
    s->class = GPUP_ROBUSTNESS;
    if (mutate_below(m, 2))
        mutate_bound(m, world, s);
    for (uint32_t n = mutate_below(m, 3); n; n--)
        mutate_field(m, world, s);
    gpup_step_clamp(s);
}

void mutate_new_step(struct gpup_mutator *m, const struct gpup_world_config *world, struct gpup_step *s,
                     bool negative) {
    bool wrong = negative && mutate_below(m, 2), forward = !wrong && mutate_below(m, 8) < m->onward;
    if (negative && !wrong) {
        odd_arguments(m, world, s);
        return;
    }
    for (unsigned tries = 0; tries < 60; tries++) {
        try_step(m, world, s);
        if (!steer_useful(&m->steer, s) && mutate_below(m, 8))
            continue;
        if (forward ? steer_legal(&m->steer, s) && rarity(s->op) < 8 &&
                          steer_moves(&m->steer, s, mutate_below(m, 4) != 0)
                    : steer_legal(&m->steer, s) != wrong)
            break;
    }
    for (uint32_t n = mutate_below(m, m->story ? 4 : 2) ? 0 : mutate_below(m, 3); n && !forward;
         n--) /* as it is, or with a value or two of its own */
        if (gpup_op_info(s->op)->field_count)
            mutate_field(m, world, s);
    if (wrong)
        s->class = GPUP_ROBUSTNESS;
    gpup_step_clamp(s);
}

void mutate_world(struct gpup_mutator *m, struct gpup_world_config *w) {
    static const uint16_t entries[] = {1, 3, 8, 16, 64, 256, 300};
    switch (mutate_below(m, 11)) {
    case 0:
        w->hosts = (uint8_t)(1 + mutate_below(m, m->options.max_hosts));
        break;
    case 1:
        w->msix_entries = entries[mutate_below(m, sizeof entries / sizeof *entries)];
        break;
    case 2:
        w->performant ^= 1;
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
    default:
        w->preempt ^= 1;
    }
    gpup_world_clamp(w);
}
