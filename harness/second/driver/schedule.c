/*
 * Time slices of a frame, for work and for paging. A migrating VF gives paging time to the host: a source
 * half of it, all of it while it is paused; a target all. The host also takes half of what nobody has.
 */
#include "driver.h"

static ULONG vf_paging(const struct vf *vf) {
    if (vf->session == TARGET || (vf->session == SOURCE && vf->paused))
        return 0;
    return vf->session == SOURCE ? vf->quantum - vf->quantum / 2 : vf->quantum;
}

static ULONG pf_paging(const struct adapter *a) {
    ULONG held = PF_QUANTUM, given = 0;
    bool migrating = false;

    for (ULONG i = 0; i < a->partitions; i++) {
        held += a->vf[i].quantum;
        given += a->vf[i].quantum - vf_paging(&a->vf[i]);
        migrating = migrating || a->vf[i].session != NO_SESSION;
    }
    return PF_QUANTUM + given + (migrating ? (SECOND_FRAME_US - held + 1) / 2 : 0);
}

static void set(const struct adapter *a, ULONG who, ULONG offset, ULONG value, bool raise) {
    ULONG now = window(a, who, offset);

    if (raise ? now < value : now > value)
        set_window(a, who, offset, value);
}

/* The part to what the state says. Less comes first, because the sum may at no time exceed the frame. */
NTSTATUS schedule(const struct adapter *a) {
    NTSTATUS status = present(a);

    for (int raise = 0; raise < 2 && NT_SUCCESS(status); raise++) {
        for (ULONG i = 0; i < a->partitions; i++) {
            set(a, i, SECOND_WIN_QUANTUM, a->vf[i].quantum, raise);
            set(a, i, SECOND_WIN_PAGING_QUANTUM, vf_paging(&a->vf[i]), raise);
        }
        set(a, SECOND_WINDOW_PF, SECOND_WIN_QUANTUM, PF_QUANTUM, raise);
        set(a, SECOND_WINDOW_PF, SECOND_WIN_PAGING_QUANTUM, pf_paging(a), raise);
    }
    return status;
}
