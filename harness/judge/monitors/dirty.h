/* Model of dirty tracking: what was written, what was reported. One bit per page of a basis. */
#ifndef GPUP_JUDGE_DIRTY_H
#define GPUP_JUDGE_DIRTY_H

#include "monitors.h"

#define DIRTY_BASES 64
#define DIRTY_RANGES 4096
#define DIRTY_PAGES (1u << 24)
#define DIRTY_MADE 256
#define DIRTY_MARKS 512       /* bytes of the device's bits that are followed, for each VF */
#define DIRTY_NEAR (2u << 20) /* bytes: the coarsest granularity that hardware is taken to have */

struct piece {
    uint64_t offset, size; /* bytes in the segment */
};

/* Pages, in the order of the basis. written: since start or clear; late: written while a query ran, hence not
 * due in its result; paged: by the host's paging; shown: reported and not cleared since; raced: written while
 * the query before ran; touched: written by anyone, as far as a report may be owed to it; read: by the VF;
 * out: by paging; known, answer: what the last answer said, with nothing since that may change it; old:
 * written when another basis was started, stopped or queried. */
enum { WRITTEN, LATE, PAGED, SHOWN, RACED, TOUCHED, READ, OUT, KNOWN, ANSWER, OLD, MAPS };

struct basis {
    bool live, tracking, started; /* started: at least once */
    bool clean;    /* tracking began, nothing was written since or is stirred, and no call came between */
    bool stirred;  /* since the last clear something happened for which a driver may report too much */
    bool told;     /* a page was reported since; a driver may report it once more */
    uint32_t calm; /* dirty.calls of the host when tracking began */
    bool shared;   /* overlaps another basis: then nothing is known */
    bool unaligned, touched; /* no model of its pages; it was written while it tracked */
    bool outlives;           /* its vGPU is gone, and its memory may be another's, who writes */
    bool paged_before;       /* the host wrote there before the start */
    bool answered;           /* a whole query with index and offset 0 worked since the start */
    bool blurred;            /* since the start something happened that may set any bit */
    bool rewritten;          /* written in its segment since the last answer: `known` is void */
    struct piece only;       /* of an unaligned basis of one range; several are not followed */
    bool began; /* its VF got power for the first time since the last good query of the whole basis */
    bool neighbour, near; /* writes beside it, within DIRTY_NEAR */
    /* Since the last good query of the whole basis: */
    bool others_started, others_stopped, others_queried, part_cleared, repeated, failed_clear, unknown_flags,
        upset;
    uint16_t blame;                 /* the rule that explains what was lost since the start; GPUP_SPEC_NONE */
    bool paged_shown;               /* pages that paging wrote were reported */
    bool answer_whole, answer_part; /* what `known` came from */
    bool unsettled;                 /* a basis was stopped, or a migration ended, while it tracked */
    bool loose; /* so did its VF's, of a device that is not performant: it may track no more */
    uint64_t object, list, pages; /* list: object of the argument structure it was made from */
    uint64_t pool;                /* level before it was made */
    uint32_t lives, other_calls;  /* of the host, then */
    uint32_t serial;              /* of its start */
    uint32_t segment, page, vf, count;
    uint32_t given, extra; /* ranges at creation, with pages or not; times that its handle came again */
    bool twice;            /* so it did */
    struct piece *piece;
    uint8_t *map[MAPS];
    size_t piece_room, map_room;
};

/* How a basis was made, and what was done with it since. */
struct usage {
    uint64_t made;  /* hash of what was asked for */
    uint32_t kinds; /* bit mask: calls, with and without success */
    bool starved;   /* there was no memory in one of them */
};

struct cycle { /* a basis made and destroyed with nothing else between */
    bool known;
    struct usage usage;
    uint32_t live, lives, other_calls;
};

struct dirty {
    struct basis basis[GPUP_MAX_HOSTS][DIRTY_BASES];
    unsigned live[GPUP_MAX_HOSTS];
    uint32_t calls[GPUP_MAX_HOSTS];       /* calls that may write VRAM */
    uint32_t other_calls[GPUP_MAX_HOSTS]; /* calls that are not about bases, and steps that call nothing but
                                             let time pass */
    struct usage usage[GPUP_MAX_HOSTS];   /* of the basis that was made last */
    uint32_t lives[GPUP_MAX_HOSTS];       /* bases made and destroyed so far */
    uint32_t starts[GPUP_MAX_HOSTS];
    struct cycle cycle[GPUP_MAX_HOSTS];
    struct row row[GPUP_MAX_HOSTS];  /* of such cycles */
    bool left_alive[GPUP_MAX_HOSTS]; /* bases at StopDevice */
    bool session[GPUP_MAX_HOSTS];    /* of migration: was asked for */
    bool lost[GPUP_MAX_HOSTS]; /* lives of bases overlapped with other calls: nothing is known any more */
    uint64_t segment_size[GPUP_MAX_HOSTS][GPUP_MAX_SEGMENTS + 1];
    bool paged[GPUP_MAX_HOSTS][JUDGE_VFS]; /* the host wrote there in this life */
    struct piece next[DIRTY_RANGES];       /* ranges of the basis that comes */
    uint32_t next_count, next_vf, next_segment;
    uint64_t next_list; /* argument structure of the call that comes */
    bool next_whole;
    /* Of the driver, so far as this program shows it: */
    uint32_t works;   /* bit mask: kinds of queries that reported what was due */
    uint16_t plain;   /* the rule that it breaks in the plainest of queries; GPUP_SPEC_NONE */
    bool emptied;     /* the query at hand left nothing: which rule that is, the readings after it say */
    bool keeps;       /* a page that was reported, and not cleared, was reported again */
    bool later_works; /* pages of ranges after the first were reported */
    bool reversed;    /* it stores the first page in the highest bit */
    bool ordered;     /* it does not: an answer said so */
    bool moved;       /* it pads or sorts ranges */
    uint32_t most;    /* ranges of a basis that was made */
    uint64_t made[DIRTY_MADE]; /* memory taken in calls about bases, the newest */
    unsigned mades;
    uint8_t mark[GPUP_MAX_HOSTS][JUDGE_VFS][DIRTY_MARKS]; /* the device's bits at the last reading */
    bool unmarked; /* a bit of the device went in the call at hand, of the VF `unmarked_vf` */
    uint32_t unmarked_vf;
    uint8_t fill; /* of the caller's buffers */
    struct {
        uint32_t segment;
        uint64_t offset, size;
    } reserve[GPUP_MAX_HOSTS][JUDGE_VFS][GPUP_MAX_SEGMENTS];
    uint8_t reserve_count[GPUP_MAX_HOSTS][JUDGE_VFS];
    bool reserve_open[GPUP_MAX_HOSTS][JUDGE_VFS]; /* RESERVE events of one assignment are coming in */
};

/* What a query asks for. */
struct query {
    struct basis *b;
    const uint8_t *bits;
    uint64_t first, count, size; /* pages; size: bits there are */
    bool whole, clears, reversed;
    bool blamed, odd; /* pages are missing, and a rule is to blame; laid out in another way */
};

static inline void dirty_stir(struct basis *b) {
    b->clean = false;
    b->stirred = true;
}

static inline bool page_bit(const uint8_t *map, uint64_t page) {
    return map[page / 8] >> page % 8 & 1;
}
/* The bit of a page, counted from the first that was asked for. */
static inline bool dirty_is_set(const struct query *q, uint64_t page) {
    uint64_t at = q->reversed ? page ^ 7 : page;
    return at < q->size && page_bit(q->bits, at);
}
/* dirty_layout.c. WHOLE: all that is due is there; LACKS: it is not; ODD: read otherwise, it is. */
enum answer { ANSWER_WHOLE, ANSWER_LACKS, ANSWER_ODD };
enum answer dirty_read(struct gpup_judge *j, struct dirty *d, struct query *q);
/* Whether a page of the query is reported in a layout that may be the driver's. */
bool dirty_may_show(const struct dirty *d, const struct query *q, uint64_t page);

/* dirty_loss.c */
/* Whether a rule was found to blame, now or once the readings are in. */
bool dirty_judge_loss(struct gpup_judge *j, struct dirty *d, const struct query *q);
void dirty_judge_emptied(struct gpup_judge *j, struct dirty *d, const struct basis *b);
void dirty_note_good(const struct call *c, struct dirty *d, const struct query *q);
bool dirty_is_trusted(const struct call *c, const struct dirty *d, const struct query *q);
void dirty_count_survival(struct gpup_judge *j, const struct query *q);

struct basis *dirty_find(struct dirty *d, unsigned host, uint64_t object);
bool dirty_range(const struct call *c, struct query *q); /* false: not inside the basis */
void dirty_query(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e);
void dirty_note_usage(struct dirty *d, const struct call *c);
void dirty_asked(struct gpup_judge *j, struct basis *b);
void dirty_life(struct gpup_judge *j, struct dirty *d, struct basis *b); /* create, destroy, start, stop */
/* What is wrong with the ranges of the basis that comes, NULL when nothing is. */
const char *dirty_bad_ranges(const struct gpup_judge *j, const struct dirty *d, unsigned host);
void dirty_left(struct gpup_judge *j, const struct dirty *d, const struct gpup_event *e);
void dirty_died(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e);
/* What may have ended the tracking of a basis, if the driver is wrong. */
void dirty_note_endings(const struct gpup_judge *j, struct dirty *d);
void dirty_settle(struct gpup_judge *j, void *state);

#endif
