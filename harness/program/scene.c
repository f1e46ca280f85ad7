/* Scenes: what the OS does in a row, each step with what the next one needs. Played once or in rounds, as
 * they are or with one thing that goes another way; what tells of them is asked before and meanwhile. */
#include "mutate.h"

#include <gpup/framework.h>
#include <gpup/spec_ids.h>

#define SETS 3u   /* values that the scene gives to a step */
#define TRIES 20u /* to find a call that tells something */

enum who { FIRST, OTHER, THIRD, VMS }; /* OTHER may be on the other host */
enum { AS_BEFORE = 0, ALWAYS = 8 };

/* chance: of 8, AS_BEFORE: when the act before it was played. */
struct act {
    uint8_t op, who, chance, sets;
    struct {
        uint8_t field, symbol;
        uint32_t number;
    } set[SETS]; /* values that the scene needs */
};

#define NUMBER(op, field, number)                                                                            \
    { GPUP_##op##_##field, GPUP_SYMBOL_NONE, number }
#define SYMBOL(op, field, symbol)                                                                            \
    { GPUP_##op##_##field, GPUP_SYMBOL_##symbol, 0 }
#define ACT(op, who, chance)                                                                                 \
    {                                                                                                        \
        GPUP_OP_##op, who, chance, 0, {                                                                      \
            { 0, 0, 0 }                                                                                      \
        }                                                                                                    \
    }
#define WITH(op, who, chance, field, number)                                                                 \
    {                                                                                                        \
        GPUP_OP_##op, who, chance, 1, {                                                                      \
            NUMBER(op, field, number)                                                                        \
        }                                                                                                    \
    }
#define SAVE_SIZE(op)                                                                                        \
    {                                                                                                        \
        GPUP_OP_##op, FIRST, ALWAYS, 2, {                                                                    \
            NUMBER(op, size, 0), NUMBER(op, data, GPUP_BUFFER_NULL)                                          \
        }                                                                                                    \
    }
#define SAVE_DATA(op, number)                                                                                \
    {                                                                                                        \
        GPUP_OP_##op, FIRST, ALWAYS, 3, {                                                                    \
            SYMBOL(op, size, NEED), NUMBER(op, data, GPUP_BUFFER_EXACT), NUMBER(op, blob, number)            \
        }                                                                                                    \
    }
#define RESTORE(op, number)                                                                                  \
    {                                                                                                        \
        GPUP_OP_##op, OTHER, ALWAYS, 3, {                                                                    \
            SYMBOL(op, size, BLOB), NUMBER(op, data, GPUP_BUFFER_EXACT), NUMBER(op, blob, number)            \
        }                                                                                                    \
    }

static const struct act migration[] = {
    ACT(StartVm, FIRST, ALWAYS),
    ACT(GuestSetRegister, FIRST, 4),
    ACT(GuestWork, FIRST, 3),
    ACT(ProgramInterrupts, FIRST, 4),
    WITH(PrepareLiveMigration, FIRST, ALWAYS, type, 0),
    SAVE_SIZE(SaveImmutableMigrationData),
    SAVE_DATA(SaveImmutableMigrationData, 0),
    WITH(SetVirtualFunctionPauseState, FIRST, ALWAYS, pause, 1),
    SAVE_SIZE(SaveMutableMigrationData),
    SAVE_DATA(SaveMutableMigrationData, 1),
    ACT(EndLiveMigration, FIRST, 6),
    ACT(ChangeDriver, OTHER, 1), /* a host of another make */
    ACT(SetGpuPartitionCount, OTHER, AS_BEFORE),
    ACT(CreateVm, OTHER, ALWAYS),
    WITH(PrepareLiveMigration, OTHER, ALWAYS, type, 1),
    RESTORE(RestoreImmutableMigrationData, 0),
    RESTORE(RestoreMutableMigrationData, 1),
    ACT(EndLiveMigration, OTHER, 7),
    WITH(SetVirtualFunctionPowerState, OTHER, 7, state, 1),
    ACT(RaiseInterrupt, OTHER, 2),
    ACT(GuestRead, OTHER, 2),
};
static const struct act tracking[] = {
    ACT(StartVm, FIRST, ALWAYS),
    ACT(StartVm, OTHER, 3),
    ACT(CreateMemoryBasis, FIRST, ALWAYS),
    ACT(CreateMemoryBasis, OTHER, ALWAYS),
    ACT(StartDirtyTracking, FIRST, ALWAYS),
    ACT(StartDirtyTracking, OTHER, ALWAYS),
    ACT(GuestWrite, FIRST, ALWAYS),
    ACT(QueryDirtyBitData, FIRST, 6),
    ACT(QueryDirtyBitData, FIRST, 4),
    ACT(StopDirtyTracking, OTHER, 4),
    ACT(StopDirtyTracking, FIRST, 2), /* what was dirty before is not of the next time */
    ACT(StartDirtyTracking, FIRST, AS_BEFORE),
    ACT(QueryDirtyBitData, FIRST, AS_BEFORE),
    ACT(GuestWrite, FIRST, 4),
    ACT(QueryDirtyBitData, FIRST, AS_BEFORE),
};
static const struct act reserve[] = {
    ACT(CreateVirtualGpu, FIRST, ALWAYS),
    WITH(CreateReserveBasis, FIRST, 3, slot, 2),
    ACT(PlaceReserve, FIRST, 4),
    WITH(CreateReserveBasis, FIRST, ALWAYS, slot, 0),
    WITH(CreateReserveBasis, FIRST, ALWAYS, slot, 1),
    ACT(SetVirtualGpuResources2, FIRST, ALWAYS),
    ACT(DestroyMemoryBasis, FIRST, 4),
    WITH(SetVirtualFunctionPowerState, FIRST, 6, state, 1),
    ACT(GuestWrite, FIRST, 2),
};
static const struct act copying[] = {
    ACT(StartVm, FIRST, ALWAYS),
    ACT(StopDirtyTracking, FIRST, 4), /* to begin anew with clean pages */
    ACT(StartDirtyTracking, FIRST, AS_BEFORE),
    ACT(GuestWrite, FIRST, ALWAYS),
    ACT(QueryDirtyBitData, FIRST, 4),
    ACT(CreateVm, OTHER, ALWAYS),
    ACT(CopyVram, FIRST, ALWAYS),
    ACT(QueryDirtyBitData, OTHER, 5),
    ACT(CopyDirty, FIRST, 3),
};
static const struct act worker[] = {
    ACT(StartVm, FIRST, 4),
    ACT(CreateProcess, OTHER, ALWAYS),
    ACT(SetVirtualMachineData, OTHER, ALWAYS),
    ACT(DestroyProcess, OTHER, 6),
};
static const struct act power[] = {
    ACT(StartVm, FIRST, ALWAYS),
    ACT(ProgramInterrupts, FIRST, 3),
    WITH(SetVirtualFunctionPowerState, FIRST, ALWAYS, state, 4),
    ACT(PowerCycle, FIRST, 5),
    WITH(SetVirtualFunctionPowerState, FIRST, ALWAYS, state, 1),
    ACT(RaiseInterrupt, FIRST, 2),
};
static const struct act life[] = {
    ACT(SetGpuPartitionCount, FIRST, 4),   ACT(CreateVirtualGpu, FIRST, ALWAYS),
    ACT(SetVirtualGpuResources, FIRST, 4), WITH(SetVirtualFunctionPowerState, FIRST, AS_BEFORE, state, 1),
    ACT(DestroyVirtualGpu, FIRST, 7),
};
static const struct act pause[] = {
    ACT(StartVm, FIRST, ALWAYS),
    ACT(GuestWork, FIRST, 4),
    WITH(SetVirtualFunctionPauseState, FIRST, ALWAYS, pause, 1),
    WITH(SetVirtualFunctionPauseState, FIRST, ALWAYS, pause, 0),
};
static const struct act channel[] = {
    ACT(StartVm, FIRST, ALWAYS),    ACT(SetVirtualGpuVmBus, FIRST, 6), ACT(GuestOpenChannel, FIRST, 7),
    ACT(GuestSendPacket, FIRST, 6), ACT(GuestCloseChannel, FIRST, 4),
};
static const struct act partitions[] = {
    ACT(GetGpuPartitionInfo, FIRST, 3),       ACT(SetGpuPartitionCount, FIRST, ALWAYS),
    ACT(GetVirtualGpuProfile, FIRST, 3),      ACT(CreateVirtualGpu, FIRST, 4),
    ACT(DestroyVirtualGpu, FIRST, AS_BEFORE),
};
static const struct act at_once[] = {
    ACT(StartVm, FIRST, ALWAYS),
    ACT(StartVm, OTHER, ALWAYS),
    ACT(StartVm, THIRD, ALWAYS),
    ACT(ProgramInterrupts, FIRST, ALWAYS),
    ACT(ProgramInterrupts, OTHER, ALWAYS),
    ACT(ProgramInterrupts, THIRD, ALWAYS),
    WITH(Together, FIRST, ALWAYS, count, 3), /* what worked one after the other */
    ACT(ProgramInterrupts, FIRST, ALWAYS),
    ACT(ProgramInterrupts, OTHER, ALWAYS),
    ACT(ProgramInterrupts, THIRD, ALWAYS),
};
static const struct act interrupt_object[] = {
    ACT(FrameworkDevice, FIRST, ALWAYS),
    ACT(InterruptConfig, FIRST, 6),
    ACT(InterruptAttributes, FIRST, 3),
    ACT(WdfInterruptCreate, FIRST, 5),
    WITH(FrameworkMove, FIRST, 6, state, GPUP_KMDF_PREPARE_HARDWARE),
    ACT(InterruptConfig, FIRST, AS_BEFORE),
    ACT(WdfInterruptCreate, FIRST, AS_BEFORE),
    WITH(FrameworkMove, FIRST, AS_BEFORE, state, GPUP_KMDF_D0),
    ACT(InterruptSignal, FIRST, 4),
    ACT(InterruptAct, FIRST, 4),
    WITH(FrameworkMove, FIRST, 4, state, GPUP_KMDF_LOW_POWER),
    WITH(FrameworkMove, FIRST, AS_BEFORE, state, GPUP_KMDF_RELEASED),
};

enum {
    APART = 1,     /* OTHER may be on another host */
    SCARCE = 2,    /* there may be hardly memory for one VM */
    UNTRACKED = 4, /* nothing is tracked before it is asked for */
    WIDE = 8,      /* two segments, large pages */
    HIGH = 16,     /* more memory than 32 bits count */
    SPREAD = 32    /* two segments: elsewhere memory is not assigned by bases */
};

#define ACTS(list) list, sizeof(list) / sizeof *(list)
static const struct scene {
    const struct act *act;
    size_t acts;
    uint8_t rounds; /* at most */
    uint8_t worlds; /* that it is worth to be played in */
    uint8_t worth;  /* how often it is chosen */
} scenes[] = {
    {ACTS(migration), 1, APART, 6}, {ACTS(tracking), 1, UNTRACKED | WIDE | HIGH, 6},
    {ACTS(reserve), 1, SPREAD, 2},  {ACTS(copying), 1, APART, 1},
    {ACTS(worker), 5, 0, 2},        {ACTS(power), 2, 0, 1},
    {ACTS(life), 4, SCARCE, 2},     {ACTS(at_once), 3, 0, 2},
    {ACTS(pause), 2, 0, 1},         {ACTS(channel), 3, 0, 1},
    {ACTS(partitions), 3, 0, 1},
};
static const struct scene framework = {ACTS(interrupt_object), 1, 0, 0};

/* One that is played. */
struct play {
    const struct scene *scene;
    struct gpup_program *p;
    size_t at;
    uint8_t host[VMS];
    uint32_t vf[VMS];
    struct gpup_step last[VMS]; /* of each of them */
    bool again;                 /* steps are as they were */
    uint64_t slot;              /* of devices and processes */
    size_t odd;                 /* the act that goes another way; as many as there are: none */
    unsigned way;
    struct gpup_step look; /* what is asked again and again */
    bool looks, dropped;   /* dropped: the act before was not played */
};

/* A framework's, where it is about one, or could be. */
static const struct scene *choose(struct gpup_mutator *m, const struct gpup_program *p) {
    uint32_t total = 0, at;
    size_t i = 0;
    if (m->framework || (p->step_count == 0 && mutate_below(m, 8) == 0))
        return &framework;
    for (i = 0; i < sizeof scenes / sizeof *scenes; i++)
        total += scenes[i].worth;
    at = mutate_below(m, total);
    for (i = 0; at >= scenes[i].worth; i++)
        at -= scenes[i].worth;
    return &scenes[i];
}

static bool put(struct gpup_mutator *m, struct play *y, const struct gpup_step *s) {
    if (y->p->step_count >= m->options.max_steps)
        return true;
    steer_follow(&m->steer, s);
    return mutate_put(m, y->p, y->at++, s, 1);
}

/* The step of an act, before anything odd. */
static void prepare(struct gpup_mutator *m, const struct play *y, const struct act *a, struct gpup_step *s) {
    const struct gpup_op_info *info = gpup_op_info(a->op);
    if (y->again && y->last[a->who].op == a->op) {
        *s = y->last[a->who];
        return;
    }
    gpup_step_defaults(s, a->op);
    s->host = y->host[a->who];
    s->vf = y->vf[a->who];
    mutate_plausible(m, &y->p->world, s);
    for (unsigned i = 0; i < a->sets; i++)
        s->f[a->set[i].field] = (struct gpup_value){a->set[i].symbol, a->set[i].number};
    if (mutate_of_framework(a->op) && info->field[0].kind == GPUP_KIND_SLOT)
        s->f[0].number = y->slot;
    if (a->op == GPUP_OP_Together)
        s->f[GPUP_Together_seed].number = mutate_below(m, 1u << 16);
    gpup_step_clamp(s);
}

static bool is_restore(unsigned op) {
    return op == GPUP_OP_RestoreImmutableMigrationData || op == GPUP_OP_RestoreMutableMigrationData;
}

static bool is_call(unsigned op) {
    return gpup_op_info(op)->group == GPUP_GROUP_call && gpup_op_info(op)->field_count;
}

/* Something happens to the data that a restore is given, or to the machine under any other call. */
static bool disturb(struct gpup_mutator *m, struct play *y, unsigned how, struct gpup_step *next) {
    uint8_t cut = mutate_below(m, 2) ? GPUP_OP_ResizeBlob : GPUP_OP_PatchBlob;
    const uint8_t edits[] = {GPUP_OP_ChangeBuffer, GPUP_OP_ChangeBuffer, GPUP_OP_ChangeBuffer, cut};
    static const uint8_t faults[] = {GPUP_OP_FailAllocation, GPUP_OP_FailAllocation, GPUP_OP_FailAllocation,
                                     GPUP_OP_LoseCompletions};
    struct gpup_step s;
    gpup_step_defaults(&s, is_restore(next->op) ? edits[how % 4] : faults[how % 4]);
    s.host = next->host;
    s.vf = next->vf;
    mutate_plausible(m, &y->p->world, &s);
    if (gpup_op_info(s.op)->group == GPUP_GROUP_blob)
        s.f[0] = next->f[GPUP_RestoreMutableMigrationData_blob];
    gpup_step_clamp(&s);
    return put(m, y, &s);
}

/* What is refused may be asked again: a restore with other data each time, a call under a fault until the
 * fault is over. */
static bool insist(struct gpup_mutator *m, struct play *y, struct gpup_step *s) {
    int other = steer_bit(m->steer.saved[0] | m->steer.saved[1], mutate_below(m, 16));
    unsigned how = mutate_below(m, 5);
    bool restore = is_restore(s->op), ok = true;
    if (restore && how == 4 && other >= 0) /* or data of the other kind */
        s->f[GPUP_RestoreMutableMigrationData_blob].number = (uint64_t)other;
    else if (mutate_of_framework(s->op)) /* which has faults of its own */
        mutate_field(m, &y->p->world, s);
    else
        ok = disturb(m, y, how, s);
    for (uint32_t n = mutate_below(m, 4); ok && n; n--)
        ok = put(m, y, s) && (!restore || how == 4 || disturb(m, y, how, s));
    return ok && put(m, y, s);
}

/* Where a scene goes another way: data from elsewhere is what is odd most often. */
static size_t choose_odd(struct gpup_mutator *m, const struct scene *s) {
    bool data = mutate_below(m, 2);
    size_t at = mutate_below(m, (uint32_t)s->acts);
    for (unsigned tries = TRIES; tries && !(data ? is_restore(s->act[at].op) : is_call(s->act[at].op));
         tries--)
        at = mutate_below(m, (uint32_t)s->acts);
    return mutate_below(m, 4) ? at : s->acts;
}

/* Left out; with values that the OS never passes; twice; under a fault, and then again without. */
static bool go_another_way(struct gpup_mutator *m, struct play *y, struct gpup_step *s) {
    struct gpup_step as_it_should_be;
    bool ok = true;
    if (is_restore(s->op) && mutate_below(m, 2)) /* what data from elsewhere is most of the time */
        return insist(m, y, s);
    switch (y->way) {
    case 0:
        return true;
    case 1:
    case 2:
    case 3: /* and then, perhaps, as it should be */
        as_it_should_be = *s;
        mutate_odd(m, &y->p->world, s);
        return put(m, y, s) && (mutate_below(m, 2) || put(m, y, &as_it_should_be));
    case 4:
        mutate_field(m, &y->p->world, s);
        break;
    case 5:
        ok = put(m, y, s);
        break;
    default:
        return insist(m, y, s);
    }
    return ok && put(m, y, s);
}

static bool play_act(struct gpup_mutator *m, struct play *y, size_t i) {
    const struct act *a = &y->scene->act[i];
    struct gpup_step s;
    bool skip = a->chance == AS_BEFORE ? y->dropped : mutate_below(m, 8) >= a->chance;
    prepare(m, y, a, &s);
    y->dropped = skip;
    if (skip || !steer_legal(&m->steer, &s) || !steer_useful(&m->steer, &s))
        return true;
    if (a->op != GPUP_OP_Together)
        y->last[a->who] = s;
    y->again = y->again || a->op == GPUP_OP_Together;
    if (i == y->odd)
        return go_another_way(m, y, &s);
    return put(m, y, &s) && (!y->looks || mutate_below(m, 4) || put(m, y, &y->look));
}

/* A call that tells of what the scene is about, asked of the first VM. */
static bool find_look(struct gpup_mutator *m, struct play *y) {
    for (unsigned tries = 0; tries < TRIES; tries++) {
        const struct act *a = &y->scene->act[mutate_below(m, (uint32_t)y->scene->acts)];
        unsigned op = mutate_op(m, mutate_topics(a->op));
        if (!mutate_topics(a->op) || !mutate_looks(op) || gpup_op_info(op)->group != GPUP_GROUP_call)
            continue;
        gpup_step_defaults(&y->look, op);
        y->look.host = y->host[FIRST];
        y->look.vf = y->vf[FIRST];
        mutate_plausible(m, &y->p->world, &y->look);
        gpup_step_clamp(&y->look);
        return true;
    }
    return false;
}

static void choose_world(struct gpup_mutator *m, struct gpup_world_config *w, unsigned worlds) {
    if (worlds & APART && m->options.max_hosts > 1 && mutate_below(m, 2))
        w->hosts = 2;
    if (worlds & SCARCE && mutate_below(m, 2))
        w->vram_mib = 8;
    if (worlds & SCARCE && w->vram_mib == 8)
        w->reserve_kib = 4096;
    if (worlds & UNTRACKED && mutate_below(m, 2))
        w->performant = false;
    if (worlds & WIDE && mutate_below(m, 2))
        w->segments = (uint8_t)(1 + mutate_below(m, 2));
    if (worlds & SPREAD && mutate_below(m, 8)) {
        w->segments = 2;
        w->scatter = true;
    }
    if (worlds & HIGH && mutate_below(m, 8) == 0) {
        w->vram_mib = 16384;
        w->reserve_kib = 6u << 20;
    }
    gpup_world_clamp(w);
}

static void set_up(struct gpup_mutator *m, struct play *y) {
    struct gpup_world_config *w = &y->p->world;
    uint32_t used = w->partitions < 4 ? w->partitions : 4;
    if (!m->options.keep_world)
        choose_world(m, w, y->scene->worlds);
    y->host[FIRST] = (uint8_t)mutate_below(m, w->hosts);
    y->vf[FIRST] = y->scene->worlds & SCARCE && w->vram_mib == 8 ? 0 : mutate_below(m, used);
    y->host[OTHER] = y->scene->worlds & APART ? (uint8_t)mutate_below(m, w->hosts) : y->host[FIRST];
    y->vf[OTHER] = y->host[OTHER] == y->host[FIRST] ? (y->vf[FIRST] + 1) % used : mutate_below(m, used);
    y->slot = mutate_below(m, 8);
    y->vf[THIRD] = (y->vf[FIRST] + 2) % used;
    y->host[THIRD] = y->host[FIRST];
    y->odd = choose_odd(m, y->scene);
    y->way = mutate_below(m, 10);
    y->looks = mutate_below(m, 2) && find_look(m, y);
}

bool mutate_retry(struct gpup_mutator *m, struct gpup_program *p) {
    struct play y = {.p = p, .at = mutate_below(m, (uint32_t)p->step_count)};
    struct gpup_step s = p->steps[y.at];
    if (gpup_op_info(s.op)->group != GPUP_GROUP_call || p->step_count + 1 >= m->options.max_steps)
        return true;
    mutate_stand_at(m, p, y.at);
    return insist(m, &y, &s);
}

bool mutate_scene(struct gpup_mutator *m, struct gpup_program *p, size_t at) {
    struct play y = {.scene = choose(m, p), .p = p, .at = at};
    bool ok = true;
    set_up(m, &y);
    mutate_stand_at(m, p, at);
    if (y.looks && mutate_below(m, 2))
        ok = put(m, &y, &y.look);
    uint32_t rounds = 1 + mutate_below(m, y.scene->rounds), odd_round = mutate_below(m, rounds);
    size_t odd = y.odd;
    for (uint32_t n = 0; ok && n < rounds; n++) {
        y.odd = n == odd_round ? odd : y.scene->acts;
        for (size_t i = 0; ok && i < y.scene->acts; i++)
            ok = play_act(m, &y, i);
    }
    return ok;
}
