/* Calls of several threads at once: what they did as a group, and what was so before. */
#ifndef GPUP_JUDGE_SYNC_H
#define GPUP_JUDGE_SYNC_H

#include "monitors.h"

#define SYNC_CALLS 64
#define SYNC_ENTRIES 2048
#define SYNC_PAGES 4096 /* of a VF, that are compared */
#define SYNC_ALONE 256  /* kinds of calls that are remembered */

/* A call of the group, as it came back. */
struct did {
    uint8_t host, class;
    uint16_t ddi;
    uint32_t vf, status, begin, end; /* begin, end: events */
    uint64_t a[GPUP_DDI_ARGUMENTS_MAX], r0;
    bool names_vf, excused;                 /* excused: memory ran out, or the device was made to fail */
    bool present, powered, paused, session; /* of its VF, when it began */
    bool disturbed;                         /* the session may be lost */
    bool asleep;                            /* without power of the device when it came back */
    bool others, again; /* other sessions are open; it is not the first such call of the VF in this life */
};

/* Readings of one VF. */
struct view {
    uint8_t *table, *table_before; /* 16 bytes per entry */
    uint32_t entries, capacity;
    bool read, known; /* known: table_before is there */
    struct schedule schedule_before;
    bool rising_before, paused_before, powered_before;
    bool resetting; /* its guest had asked for a reset, that may come in the group */
    uint8_t dirty[SYNC_PAGES / 8], dirty_before[SYNC_PAGES / 8];
    uint32_t calls;  /* of the group that name it */
    uint32_t handed; /* 1 + its life when it was last handed a channel */
};

/* One basis: which VF it is of, and where its last range lies. */
struct basis_of {
    uint64_t object, offset, size;
    uint32_t vf, ranges, segment;
};

struct sync {
    bool open, died, freed; /* died, freed: a fault, a use of freed memory since the group began */
    bool more;              /* calls than can be remembered */
    struct did did[SYNC_CALLS];
    unsigned count;
    struct view view[GPUP_MAX_HOSTS][JUDGE_VFS];
    uint64_t used[GPUP_MAX_HOSTS];
    struct { /* answers of QueryAdapterInfo to single threads */
        uint64_t type, input, value;
    } answer[GPUP_MAX_HOSTS][8];
    uint8_t answers[GPUP_MAX_HOSTS];
    struct { /* shares at a moment without session and pause */
        bool known;
        uint32_t structure;
        bool young; /* shares were still moving */
        struct schedule pf, vf[JUDGE_VFS];
        uint64_t working; /* bit mask: VFs with work pending */
        uint8_t since,
            proved;        /* what came since; after what it was seen to come back, with no other thread */
        bool over;         /* it was seen not to, or to share out more than there is */
        struct later back; /* after a group it was not: asked again once time has passed */
        uint16_t rule;     /* that asks */
    } calm[GPUP_MAX_HOSTS];
    uint32_t sessions[GPUP_MAX_HOSTS]; /* open when the group, or the call, began */
    uint64_t alone[SYNC_ALONE];        /* hashes of calls that worked with no other thread in the driver */
    unsigned alone_count;
    bool strayed;      /* the call at hand changed entries that it does not name */
    bool query_works;  /* a query alone returned, and cleared, what the device had marked */
    bool killer_works; /* what ended the driver, or used freed memory, is a call that works alone */
    struct basis_of basis[16], next;
    unsigned bases;
    struct { /* bits that queries of the group returned of one basis */
        uint64_t object;
        uint32_t queries;
        uint64_t part[JUDGE_LANES]; /* bases of which some were taken; where those lie is not looked at */
        uint32_t parts;
        uint8_t bits[SYNC_PAGES / 8];
    } taken;
};

/* Its bits are those of the VF's reserve, one by one. */
bool sync_is_reserve(struct gpup_judge *j, unsigned host, const struct basis_of *b);
struct view *sync_view(struct sync *s, unsigned host, uint64_t vf);
bool sync_holds(const struct did *d, const uint8_t *entry); /* the value that the call wrote */
/* A VF whose schedule is not that of the last moment without session and pause; JUDGE_VFS none, and the PF
 * neither; JUDGE_VFS + 1 the PF. */
uint32_t sync_other_schedule(const struct gpup_judge *j, const struct sync *s, unsigned host);
/* The same VFs run as at that moment, and what there is to do is other: time may be shared out by it. */
bool sync_other_work(const struct gpup_judge *j, const struct sync *s, unsigned host);
/* --- what works with no other thread about; only then are others to blame for what does not --- */
struct did sync_did(const struct gpup_judge *j, const struct sync *s); /* the call at hand */
void sync_learn(struct gpup_judge *j, struct sync *s);
void sync_later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf);
void sync_learn_calm(const struct gpup_judge *j, struct sync *s);
void sync_note_calm(const struct gpup_judge *j, struct sync *s);
/* precise: with these arguments, and to the full effect that a single call can be asked for. */
bool sync_works_alone(const struct sync *s, const struct did *d, bool precise);
void sync_judge(struct gpup_judge *j, struct sync *s); /* the group is over and its readings are in */
void sync_hosts(struct gpup_judge *j);                 /* a call begins: what the host promised of others */

#endif
