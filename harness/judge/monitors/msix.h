/* Model of the MSI-X tables: what is in them, and what the writes said should be. */
#ifndef GPUP_JUDGE_MSIX_H
#define GPUP_JUDGE_MSIX_H

#include "monitors.h"

#define MSIX_ENTRIES 2048
#define MSIX_PLAIN 16u

enum known {
    KNOWN_NOTHING,
    KNOWN_VALUE, /* the entry must hold `model`, which was written */
    KNOWN_SEEN,  /* the same, but power or a reset put it there */
    KNOWN_LATE   /* written while the VF had no power: `model` is looked for after D0 */
};

struct table {
    uint8_t *now;   /* last reading, 16 bytes per entry */
    uint8_t *model; /* last value written */
    uint8_t *known; /* enum known per entry */
    uint32_t capacity, entries;
    bool read;                  /* `now` is there */
    bool written;               /* some entry was written in this life */
    bool jointly;               /* one was in a call beside others, with whatever value */
    bool former;                /* an earlier life of the vGPU wrote entries */
    bool restored;              /* a Restore succeeded and the table was not read since */
    bool resetting;             /* the guest may have asked for a reset, and no entry was looked at since */
    uint32_t changed_at;        /* 1 + event of the call in which the reading last changed */
    int32_t other;              /* entry which that call changed apart from the one it names, -1 none */
    uint64_t plain[MSIX_PLAIN]; /* hashes of writes without padding that worked */
    unsigned plains;
    bool small_works, small_fails;     /* writes of entries whose index takes eight bits */
    uint8_t pending[MSIX_ENTRIES / 8]; /* the device's pending bits */
    uint8_t raised[MSIX_ENTRIES / 8];  /* raised while the entry was masked */
};

/* What one WriteVirtualizedInterrupt did. */
struct write {
    bool at_hand, read; /* read: the entry before the call is known */
    int32_t index;
    uint64_t address;
    uint32_t data, control;
    uint8_t before[16], shadow[16];
    uint32_t hits, misses, aliased, foreign, unpowered, other_mmio; /* table writes by place */
    bool function_masked; /* the call wrote the VF's configuration */
    bool early_unmask, late_mask, open_change;
    bool mixed;
    uint32_t messages, wrong_messages;
};

struct msix {
    struct table table[GPUP_MAX_HOSTS][JUDGE_VFS];
    uint64_t used[GPUP_MAX_HOSTS]; /* bit mask: tables that are not empty */
    struct write write;
};

static inline uint64_t get64(const uint8_t *p) {
    uint64_t value;
    __builtin_memcpy(&value, p, 8);
    return value;
}
static inline uint32_t get32(const uint8_t *p) {
    uint32_t value;
    __builtin_memcpy(&value, p, 4);
    return value;
}
static inline bool bit_of(const uint8_t *bits, int32_t index) {
    return bits[index / 8] >> (index % 8) & 1;
}

struct table *msix_table(struct msix *m, unsigned host, uint64_t vf);
bool msix_changed(const struct gpup_judge *j, const struct table *t); /* by the call at hand */
bool msix_in_table(const struct table *t, int32_t index);
/* The call at hand was perhaps one of power, and had no memory, or no answer, to keep the tables by. */
void msix_forget_power(const struct gpup_judge *j, struct msix *m);
void msix_settle(struct gpup_judge *j, void *state);

#endif
