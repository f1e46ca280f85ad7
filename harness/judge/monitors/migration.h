/* The migration session of each VF: phases, sizes, and what a session must leave alone. */
#ifndef GPUP_JUDGE_MIGRATION_H
#define GPUP_JUDGE_MIGRATION_H

#include "monitors.h"

struct phase {       /* immutable 0, mutable 1 */
    bool sized;      /* in this session, and for mutable data in this pause */
    bool saved;      /* data phase succeeded */
    bool hash_known; /* of data saved with nothing happening since */
    uint64_t need;   /* bytes the size phase asked for */
    uint64_t hash;   /* of the data saved */
    uint32_t at;     /* event of the size phase */
};

struct cycle { /* one session from Prepare to End, for what is equal to it */
    uint64_t calls, objects;
    bool known;
};

struct session_of {
    struct phase phase[2];
    uint64_t immutable_size; /* of this life, once it was asked for */
    bool immutable_known;
    bool worked[2][2];      /* of this life: size and data phase of each kind in some earlier call */
    bool restored, refused; /* RestoreImmutable succeeded / a restore was refused */
    bool reset, power;      /* happened in this source session */
    bool tracking;          /* of the device, at Prepare */
    bool untouched;         /* nothing but the session was done to the VF */
    uint64_t guest, vram;   /* content at Prepare */
    uint64_t calls;         /* hash of the session's calls */
    struct cycle last;
    struct row row;  /* of equal sessions */
    uint32_t begun;  /* calls that name another VF or none, and steps that call nothing, at Prepare */
    uint32_t others; /* those at the last End */
    uint32_t own;    /* calls that name this one, then */
};

#define MIGRATION_LENT 32u
#define MIGRATION_TRACKS 32u

struct track {
    uint64_t object; /* a memory basis; 0: the place is free */
    uint64_t vfs;    /* bit mask: VFs whose whole reserve is a range of it */
    bool on;
};
struct tracks {
    struct track of[GPUP_MAX_HOSTS][MIGRATION_TRACKS];
    uint64_t coming; /* vfs of a basis that comes */
};

struct migration {
    struct tracks tracks;
    uint64_t lent[MIGRATION_LENT]; /* buffers of saves that came back */
    unsigned lents;
    struct session_of of[GPUP_MAX_HOSTS][JUDGE_VFS];
    uint32_t calls[GPUP_MAX_HOSTS];          /* all, and steps beside them */
    uint32_t own[GPUP_MAX_HOSTS][JUDGE_VFS]; /* that name the VF */
};

void migration_save(struct gpup_judge *j, struct session_of *s, const struct vf *v, unsigned kind);
void migration_session(struct gpup_judge *j, struct migration *m, struct session_of *s, const struct vf *v);
/* A range of the basis that comes, another reserve, and calls about bases. */
void migration_tracks_range(const struct gpup_judge *j, struct tracks *t, const struct gpup_event *e);
void migration_tracks_reserve(struct tracks *t, const struct gpup_event *e);
void migration_tracks(const struct gpup_judge *j, struct tracks *t);
/* The device is a performant one, and a basis of all that the VF has tracks: of a part of it the device may
 * track more than that for as long as a session is open. */
bool migration_tracked(const struct gpup_judge *j, const struct tracks *t);
bool migration_is_save(uint16_t ddi);
bool migration_is_restore(uint16_t ddi);

#endif
