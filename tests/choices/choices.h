/*
 * Honest choices: the reference driver, with things that the documents leave to a driver done another way.
 * Each is switched on at run time, so that no rule may find any of them. The files here include those of the
 * reference driver that they change.
 */
#ifndef TESTS_CHOICES_H
#define TESTS_CHOICES_H

#include "../../harness/reference/driver.h"

enum choice {
    CHOICE_plane,    /* a query takes the dirty bits of the whole segment, and keeps those of others */
    CHOICE_coarse,   /* so, and the part tells writes apart only by 16 pages */
    CHOICE_early,    /* tracking of a source's memory begins with its session, whoever asks for it later */
    CHOICE_poll,     /* the status of an order is polled, no interrupt is awaited */
    CHOICE_lazy,     /* memory is given back by a worker thread, a little later */
    CHOICE_watchdog, /* a timer looks after the part all the time */
    CHOICE_noise,    /* events of the driver's own are logged in many calls */
    CHOICE_codes,    /* failures have a code of the vendor's own, where no page names one */
    CHOICE_handles,  /* handles are small numbers, and used again at once */
    CHOICE_idle,     /* time of a VF that does not run goes to paging */
    CHOICE_pooled,   /* sources together give one share to paging */
    CHOICE_late,     /* packets of the guest are completed by a timer */
    CHOICE_deferred, /* what is restored to a VF without power gets to the part with D0 */
    CHOICE_masked,   /* the whole table is written, under the function mask, with 64 bits at a time */
    CHOICE_forgets,  /* a session ends when its VF is reset, or gets or loses power */
    CHOICE_posts,    /* orders by which a VF runs, and shares that a session gives back, are not waited for */
    CHOICE_nothing,  /* neither processes nor escapes mean anything to the driver */
    CHOICES
};
extern bool choice[CHOICES];

/* What the choices keep for an adapter. */
struct extra {
    struct adapter *adapter; /* NULL: free */
    UCHAR *stash[GPU_MAX_VFS];
    ULONG stash_size[GPU_MAX_VFS];
    bool early[GPU_MAX_VFS];
    bool again[GPU_MAX_VFS]; /* early, when the GPU has power again */
    KTIMER timer;
    KDPC dpc;
    bool watched;
    ULONG status;
    ULONG posted; /* bit mask: slots of orders that nobody waits for [slots] */
    bool easing;  /* shares that are given may come a little later [schedule_lock] */
};
struct extra *extra_of(struct adapter *a);

/* --- tracking.c */
void track_early(struct adapter *a, const struct vf *vf, bool on);
/* --- command.c */
void await_posted(struct adapter *a, const struct extra *x);
/* --- context.c */
void drop_stash(struct adapter *a, ULONG vf);
void bring_stash(struct adapter *a, ULONG index);
void bring_stashes(struct adapter *a);
/* --- packets.c */
void packets_init(void);
void packets_end(void);
/* --- handles.c */
void give_handle_back(HANDLE handle);

#endif
