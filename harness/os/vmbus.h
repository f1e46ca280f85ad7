/*
 * The VMBus client library, server side: channels a driver offers to a VM, and the guest behind them.
 *
 * Life of a channel: allocated, set up by the Init functions, enabled (offered), opened and closed by the
 * guest any number of times, disabled, cleaned up. Callbacks run as fibers of their own, never in the fiber
 * of the call that caused them.
 */
#ifndef GPUP_OS_VMBUS_H
#define GPUP_OS_VMBUS_H

#include "kernel.h"
#include "token.h"
#include <ddi/vmbuskernelmodeclientlibapi.h>

enum gpup_vmbus_token { GPUP_VMBUS_CHANNEL = 1, GPUP_VMBUS_INCOMING, GPUP_VMBUS_OUTGOING };
enum gpup_channel_state { GPUP_CHANNEL_NEW, GPUP_CHANNEL_OFFERED, GPUP_CHANNEL_OPEN, GPUP_CHANNEL_WITHDRAWN };

struct gpup_vmbus_packet { /* from the guest */
    struct gpup_vmbus_packet *next;
    struct gpup_vmbus_channel *channel;
    void *token;
    void *bytes; /* suite memory that ends at a guard page */
    uint32_t size, number;
};

struct gpup_vmbus_outgoing { /* to the guest */
    struct gpup_vmbus_outgoing *next;
    struct gpup_vmbus_channel *channel;
    void *token;
    void *pointer;
    PFN_VMB_PACKET_COMPLETION_ROUTINE completed;
    bool sent, answered; /* answered: its completion waits for the end of the Started callback */
};

struct gpup_vmbus_channel {
    struct gpup_vmbus_channel *next; /* all live ones, or the free list */
    struct gpup_os *os;              /* whose it is */
    VMBCHANNEL token;
    uint64_t number; /* in events */
    uint64_t handle; /* bound to; 0: none */
    uint32_t vf, vm;
    struct gpup_callers made;
    uint8_t state; /* enum gpup_channel_state */
    bool server, identified, passive;
    bool paused, suspended, closing;
    bool starting; /* in its Started callback: nothing comes from the guest */
    bool orphan;   /* cleaned up while it was being closed */
    void *pointer;
    GUID type, instance;
    uint32_t max_packet;  /* bytes, 0: no limit set */
    uint32_t outstanding; /* packets the driver has not completed */
    uint32_t packets;
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS on;
    PFN_VMB_CHANNEL_PROCESS_PACKET process;
    PFN_VMB_CHANNEL_PROCESSING_COMPLETE processed;
    struct gpup_vmbus_packet *held, *held_last; /* arrived while paused or suspended */
    KEVENT drained, closed, awake;
};

struct gpup_vmbus_handle {
    struct gpup_vmbus_handle *next; /* free list */
    struct gpup_os *os;             /* the adapter it was given to */
    uint64_t value;
    uint32_t vf, vm;
    bool open;
};

#define GPUP_VMBUS_QUARANTINE 64
struct gpup_vmbus {
    struct gpup_tokens tokens;
    struct gpup_vmbus_channel *channels, *free_channels;
    struct gpup_vmbus_packet *free_packets;
    struct gpup_vmbus_outgoing *free_outgoing;
    struct gpup_vmbus_handle *free_handles;
    /* Closed handles whose values are not given out again yet. */
    struct gpup_vmbus_handle *quarantine[GPUP_VMBUS_QUARANTINE];
    uint32_t quarantined;
    uint32_t fail_nth; /* calls until one fails; 0: none planned */
};

struct gpup_vmbus *gpup_vmbus_of(struct gpup_os *os); /* NULL: arena full */

/* What a token stands for; NULL, with the misuse reported, where it is not live or of another kind. */
void *gpup_vmbus_object(struct gpup_os *os, const char *name, const void *token, unsigned kind);
/* Entry of a function that takes a channel; NULL as above. os: whose channel it is, or who called. */
struct gpup_vmbus_channel *gpup_vmbus_enter(struct gpup_os **os, const char *name, VMBCHANNEL channel,
                                            KIRQL max_irql);
/* Shall this call fail, as the test planned. */
bool gpup_vmbus_fails(struct gpup_os *os);
bool gpup_vmbus_bind(struct gpup_os *os, HANDLE handle, struct gpup_vmbus_channel *channel);

/* CHANNEL event; data may be NULL. */
void gpup_vmbus_event(struct gpup_os *os, const struct gpup_vmbus_channel *channel, unsigned what,
                      NTSTATUS status, const void *data, size_t size);
/* Runs function(channel, argument) on a fiber of its own. at: its IRQL. */
bool gpup_vmbus_spawn(struct gpup_os *os, void *function, struct gpup_vmbus_channel *channel, void *argument,
                      KIRQL at);

void gpup_vmbus_begin_close(struct gpup_os *os, struct gpup_vmbus_channel *channel);
void gpup_vmbus_release(struct gpup_vmbus *vmbus, struct gpup_vmbus_channel *channel);
/* Hands the packets that were held back to the driver. */
void gpup_vmbus_flush(struct gpup_os *os, struct gpup_vmbus_channel *channel);
void gpup_vmbus_forget_packets(struct gpup_os *os, struct gpup_vmbus_channel *channel);
/* Completions that came while the Started callback ran. */
void gpup_vmbus_answer(struct gpup_os *os, const struct gpup_vmbus_channel *channel);
void gpup_vmbus_forget_outgoing(struct gpup_os *os, struct gpup_vmbus_channel *channel);
/* Puts a packet in the channel's queue; NULL: out of memory. */
struct gpup_vmbus_packet *gpup_vmbus_packet(struct gpup_os *os, struct gpup_vmbus_channel *channel,
                                            const void *bytes, size_t size);
/* Fiber routines. */
VOID DDI_CALL gpup_vmbus_deliver(struct gpup_vmbus_channel *channel, struct gpup_vmbus_packet *packet);
VOID DDI_CALL gpup_vmbus_resume(struct gpup_vmbus_channel *channel, void *unused);
VOID DDI_CALL gpup_vmbus_suspend_channel(struct gpup_vmbus_channel *channel, void *unused);

#define GPUP_EXPORT __attribute__((visibility("default")))

#endif
