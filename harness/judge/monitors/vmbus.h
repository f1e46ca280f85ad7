/* What the monitor of VMBus channels keeps: the handles that were handed over, and the channels made of them.
 */
#ifndef GPUP_JUDGE_VMBUS_H
#define GPUP_JUDGE_VMBUS_H

#include "monitors.h"

#define VMBUS_CHANNELS 96 /* alive at a time on one host */
#define VMBUS_HANDLES 96  /* the newest ones */

struct channel {
    uint64_t number, handle; /* handle 0: not bound */
    uint32_t born;           /* event */
    uint32_t vf, vm;         /* vf: whose it is, GPUP_PF unknown */
    uint64_t held;           /* packets received and not completed: a bit each, by number modulo 64 */
    bool enabled, was_enabled;
    bool before;      /* enabled when the call at hand began */
    bool touched;     /* allocated or disabled in the call at hand */
    bool closing;     /* VmbChannelDisable waits for it */
    bool called_back; /* and its closed callback was called */
    bool suspended, starting;
    bool stale;  /* of a device that was stopped meanwhile */
    bool ending; /* of a destroyed vGPU: the driver may be at it */
    bool blamed; /* that it is left was said, or will be once time has passed */
    uint8_t ids[32];
};

struct handle {
    uint64_t value;
    uint32_t vf;
    bool over; /* the vGPU was destroyed */
};

/* One vGPU, in this life. */
struct receiver {
    uint64_t handle;   /* newest that was accepted, 0 none */
    uint32_t accepted; /* hand-overs */
    uint32_t since;    /* event of the call of the newest */
    bool failed;       /* the last hand-over */
    bool awaiting;     /* accepted, and no channel seen yet */
    bool pure;         /* nothing but hand-overs and their vGPU took memory since the first */
    bool had_channel;
    struct later offer;      /* awaiting */
    struct later old;        /* channels on replaced handles are left */
    bool rivalled;           /* the hand-over at hand meets one for another vGPU */
    bool refused;            /* the client library refused it a channel */
    uint32_t enabled_before; /* channels, when the call at hand began */
    uint64_t pool;           /* blocks before the first hand-over */
};

/* A vGPU that was destroyed with channels left. */
struct remains {
    struct later due;
    unsigned accepted; /* hand-overs */
    bool grew;         /* by memory that the hand-overs took, and nothing else was called since */
    uint64_t pool;     /* blocks before the first of them */
    uint64_t handle;   /* the newest */
};

struct vmbus_host {
    struct channel channel[VMBUS_CHANNELS];
    unsigned channels;
    struct handle handle[VMBUS_HANDLES];
    unsigned handles;
    bool full;        /* more channels than places: nothing is judged any more */
    bool unsupported; /* the call at hand met a limit of the suite */
    bool delivering;  /* the last that happened is that the driver was handed a packet */
    bool injected;    /* the call at hand was refused memory or a VMBus service */
};

struct vmbus {
    struct vmbus_host host[GPUP_MAX_HOSTS];
    struct receiver of[GPUP_MAX_HOSTS][JUDGE_VFS];
    struct remains left[GPUP_MAX_HOSTS][JUDGE_VFS];
};

struct channel *vmbus_channel(struct vmbus_host *h, uint64_t number);
const struct handle *vmbus_handle(const struct vmbus_host *h, uint64_t value); /* newest of that value */
struct receiver *vmbus_receiver(struct vmbus *v, unsigned host, uint32_t vf);  /* NULL: no such vf */
void vmbus_note_handle(struct vmbus_host *h, uint64_t value, uint32_t vf);
void vmbus_later(struct gpup_judge *j, void *state, uint8_t host, uint32_t vf);
void vmbus_settle(struct gpup_judge *j, void *state);

#endif
