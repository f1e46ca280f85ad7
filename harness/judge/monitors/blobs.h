/* Saved data: recognised again by content when it is restored, with what the source looked like. */
#ifndef GPUP_JUDGE_BLOBS_H
#define GPUP_JUDGE_BLOBS_H

#include "migration.h"

#define BLOBS 16
#define BLOBS_WHOLE 16
#define BLOB_KEPT (1u << 20) /* bytes of a blob that are kept for comparison */

struct saved {
    uint64_t hash, size, reserve, amount, profile; /* reserve: its shape; amount: all bytes of it */
    uint64_t secrets, pause_ns, differs;
    uint8_t *bytes; /* first BLOB_KEPT of them; memory is kept for the next program */
    size_t kept, capacity;
    struct content guest, vram;
    uint32_t vf, life, session, entries, partitions;
    uint8_t kind, host;  /* kind: 0 immutable, 1 mutable */
    bool there, settled; /* settled: the readings of the source are in */
    bool quiet, work_pending;
    bool second_hand; /* of a VF whose own immutable data was restored */
};

enum likeness { LIKE_NOTHING, LIKE_ALTERED, LIKE_CUT, LIKE_EXTENDED, LIKE_SAME };

/* What the data of a restore is, compared with saved data of each kind. */
struct input {
    bool there;
    uint64_t size;
    uint8_t like[2]; /* enum likeness, the closest */
    int8_t from[2];  /* row of blobs.saved, -1 */
};

/* How the content of a target came about. */
struct transfer {
    bool there, full_paused, full_tracked,
        last_paused; /* last: dirty pages copied while the source is paused */
    uint8_t host;
    uint32_t vf;
};

struct expected { /* state of a restored VF, to be looked at after D0 */
    bool there, repeated, moved;
    bool astray; /* the restore changed another VF: what it brought went there */
    uint64_t guest;
};

struct target {
    struct transfer transfer;
    struct expected expected;
    uint8_t immutable; /* 1 + row of what RestoreImmutable took */
    bool restored_mutable;
    bool refused[2];  /* a restore of the kind failed in this session: the documents know of one call only */
    bool came;        /* immutable data was restored in this life */
    uint64_t vram;    /* content the source had, once mutable data was restored */
    uint32_t vram_vf; /* that source */
    uint8_t vram_host;
    bool vram_known;
    uint64_t paused_ns; /* spent in calls since the pause, as source */
};

/* A basis of the whole reserve of a VF, or the ranges of one that comes. */
struct covering {
    uint64_t object, reach; /* reach: up to where its ranges go with no gap, in the segment */
    uint32_t vf;
};

struct blobs {
    struct saved saved[BLOBS];
    unsigned next;
    bool unmoved; /* a VF restored to its own index had its state */
    int8_t fresh; /* row saved by the call at hand, -1 */
    struct input input;
    struct target target[GPUP_MAX_HOSTS][JUDGE_VFS];
    struct {
        bool there;
        uint8_t host;
        uint32_t vf;
    } out; /* last paging out of VRAM */
    struct covering coming, whole[GPUP_MAX_HOSTS][BLOBS_WHOLE];
    struct { /* a copy of dirty pages: bits were taken, which target they are for the paging shows */
        bool open, last; /* last: of the whole reserve, while the source is paused */
        uint8_t host;
        uint32_t vf;
    } pass;
};

void blobs_output(struct gpup_judge *j, struct blobs *b, const struct gpup_event *e);
/* An address that the suite found in an output. */
void blobs_address(struct gpup_judge *j, const struct gpup_event *e);
void blobs_input(const struct gpup_judge *j, struct blobs *b, const struct gpup_event *e);
void blobs_restore(struct gpup_judge *j, struct blobs *b);
/* The secrets that a successful restore brought, of `saved` or, NULL, of all that was ever saved. */
void blobs_carry(struct gpup_judge *j, const struct blobs *b, const struct saved *saved);
void blobs_after(struct gpup_judge *j, struct blobs *b);
void blobs_died(struct gpup_judge *j, struct blobs *b, const struct gpup_event *e);
void blobs_content(struct gpup_judge *j, struct blobs *b);

#endif
