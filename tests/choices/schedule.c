/*
 * The schedule, with two other ways to share: time of a VF that does not run is for paging; sources together
 * give as much as one would.
 */
#include "choices.h"

void schedule_forget(struct adapter *a) {
    for (ULONG i = 0; i <= SCHEDULE_PF; i++)
        a->schedule[i].applied_share = a->schedule[i].applied_paging = 0;
}

static ULONG sources(const struct adapter *a) {
    ULONG count = 0;

    for (ULONG i = 0; i < a->sriov.total_vfs; i++)
        count += a->schedule[i].want.mode == SCHEDULE_SOURCE;
    return count ? count : 1;
}

static bool rests(const struct adapter *a, ULONG vf) {
    return choice[CHOICE_idle] && vf < a->partitions && vf_quiet(&a->vf[vf]);
}

static ULONG vf_paging(const struct adapter *a, ULONG vf) {
    const struct schedule_entry *e = &a->schedule[vf];

    if (!e->want.present || rests(a, vf))
        return 0;
    switch (e->want.mode) {
    case SCHEDULE_SOURCE: /* it goes on running: at least half stays */
        return e->want.share - e->want.share / 2 / (choice[CHOICE_pooled] ? sources(a) : 1);
    case SCHEDULE_SOURCE_PAUSED:
    case SCHEDULE_TARGET:
        return 0;
    default:
        return e->want.share;
    }
}

static ULONG vf_share(const struct adapter *a, ULONG vf) {
    const struct schedule_entry *e = &a->schedule[vf];

    return e->want.present && !rests(a, vf) ? e->want.share : 0;
}

static ULONG pf_paging(const struct adapter *a) {
    ULONG left = SHARE_ALL;
    bool migrating = false;

    for (ULONG i = 0; i < a->sriov.total_vfs; i++) {
        left -= vf_paging(a, i);
        migrating |= a->schedule[i].want.mode != SCHEDULE_NORMAL;
    }
    return migrating || choice[CHOICE_idle] ? left : PF_SHARE;
}

static NTSTATUS set_shares(struct adapter *a, ULONG index, ULONG share, ULONG paging) {
    struct schedule_entry *e = &a->schedule[index];
    struct command c = {.opcode = GPU_COMMAND_SCHED_SET,
                        .vf = index == SCHEDULE_PF ? GPU_VF_NONE : index,
                        .arg = {share, paging}};
    NTSTATUS status = command_run(a, &c);

    if (NT_SUCCESS(status)) {
        e->applied_share = share;
        e->applied_paging = paging;
    }
    return status;
}

/* The VFs that there are, then the PF. */
static ULONG next_function(const struct adapter *a, ULONG i) {
    if (i + 1 < a->sriov.total_vfs)
        return i + 1;
    return i == SCHEDULE_PF ? SCHEDULE_PF + 1 : SCHEDULE_PF;
}

/* The part is told nothing more is wanted: after a power-up that failed, a driver that starts anew would not
 * know of the shares it has. */
void schedule_give_back(struct adapter *a) {
    for (ULONG i = 0; i <= SCHEDULE_PF; i = next_function(a, i))
        if (a->schedule[i].applied_share || a->schedule[i].applied_paging)
            (void)set_shares(a, i, 0, 0);
}

/* One round over all functions: takes what is too much, or gives all they are entitled to. */
static NTSTATUS round_of(struct adapter *a, bool give) {
    NTSTATUS status = STATUS_SUCCESS;

    for (ULONG i = 0; NT_SUCCESS(status) && i <= SCHEDULE_PF; i = next_function(a, i)) {
        const struct schedule_entry *e = &a->schedule[i];
        ULONG share = i == SCHEDULE_PF ? PF_SHARE : vf_share(a, i);
        ULONG paging = i == SCHEDULE_PF ? pf_paging(a) : vf_paging(a, i);

        if (!give) {
            share = (ULONG)smaller(share, e->applied_share);
            paging = (ULONG)smaller(paging, e->applied_paging);
        }
        if (e->applied_share != share || e->applied_paging != paging)
            status = set_shares(a, i, share, paging);
    }
    return status;
}

/* Takes first and gives then, because the sum may at no time exceed the whole. */
NTSTATUS schedule_apply(struct adapter *a) {
    NTSTATUS status = round_of(a, false);

    return NT_SUCCESS(status) ? round_of(a, true) : status;
}

/* Changes one entry; when the device does not follow, the entry is as before. */
static NTSTATUS change(struct adapter *a, ULONG vf, struct entitlement wanted) {
    struct entitlement *want = &a->schedule[vf].want, before;
    struct extra *x = extra_of(a);
    NTSTATUS status;

    ExAcquireFastMutex(&a->schedule_lock);
    before = *want;
    *want = wanted;
    if (x)
        x->easing = before.mode != SCHEDULE_NORMAL && wanted.mode == SCHEDULE_NORMAL;
    status = schedule_apply(a);
    if (x)
        x->easing = false;
    if (!NT_SUCCESS(status)) {
        *want = before;
        (void)schedule_apply(a);
    }
    ExReleaseFastMutex(&a->schedule_lock);
    return status;
}

NTSTATUS schedule_add(struct adapter *a, ULONG vf, ULONG share) {
    return change(a, vf, (struct entitlement){.present = true, .share = share});
}

void schedule_remove(struct adapter *a, ULONG vf) {
    /* The entry goes in any case: a device that does not answer now is told when it does. */
    ExAcquireFastMutex(&a->schedule_lock);
    a->schedule[vf].want = (struct entitlement){.present = false};
    (void)schedule_apply(a);
    ExReleaseFastMutex(&a->schedule_lock);
}

NTSTATUS schedule_mode(struct adapter *a, ULONG vf, enum schedule_mode mode) {
    struct entitlement wanted = a->schedule[vf].want;

    wanted.mode = mode;
    return change(a, vf, wanted);
}
