/* Model of dirty tracking: what was written, what was reported. One bit per page of a basis. */
#ifndef GPUP_JUDGE_DIRTY_H
#define GPUP_JUDGE_DIRTY_H

#include "monitors.h"

#define DIRTY_BASES 64
#define DIRTY_RANGES 4096
#define DIRTY_PAGES (1u << 24)

struct piece {
    uint64_t offset, size; /* bytes in the segment */
};

/* Pages, in the order of the basis. written: since start or clear; late: written while a query ran, hence not
 * due in its result; paged: by the host's paging; shown: reported and not cleared since; raced: written while
 * the query before ran. */
enum { WRITTEN, LATE, PAGED, SHOWN, RACED, MAPS };

struct basis {
    bool live, tracking, started; /* started: at least once */
    bool clean;                   /* tracking began and nothing was written since, and no call came between */
    uint32_t calm;                /* dirty.calls of the host when tracking began */
    bool shared;                  /* overlaps another basis: then nothing is known */
    bool others_started, others_stopped, part_cleared; /* since the last good query */
    uint64_t object, pages;
    uint32_t segment, page, vf, count;
    struct piece *piece;
    uint8_t *map[MAPS];
    size_t piece_room, map_room;
};

struct dirty {
    struct basis basis[GPUP_MAX_HOSTS][DIRTY_BASES];
    unsigned live[GPUP_MAX_HOSTS];
    uint32_t calls[GPUP_MAX_HOSTS];  /* calls that may write VRAM */
    struct piece next[DIRTY_RANGES]; /* ranges of the basis that comes */
    uint32_t next_count, next_vf, next_segment;
    bool next_whole;
    struct {
        uint32_t segment;
        uint64_t offset, size;
    } reserve[GPUP_MAX_HOSTS][JUDGE_VFS][GPUP_MAX_SEGMENTS];
    uint8_t reserve_count[GPUP_MAX_HOSTS][JUDGE_VFS];
    bool reserve_open[GPUP_MAX_HOSTS][JUDGE_VFS]; /* RESERVE events of one assignment are coming in */
};

static inline bool page_bit(const uint8_t *map, uint64_t page) {
    return map[page / 8] >> page % 8 & 1;
}
struct basis *dirty_find(struct dirty *d, unsigned host, uint64_t object);
void dirty_query(struct gpup_judge *j, struct dirty *d, const struct gpup_event *e);
void dirty_settle(struct gpup_judge *j, void *state);

#endif
