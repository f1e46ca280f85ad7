/* Packets of the guest, completed 5 ms after they came. */
#include "choices.h"

#define LATER_100NS (-50000ll)
#define WAITING 64u

static struct {
    KSPIN_LOCK lock;
    KTIMER timer;
    KDPC dpc;
    VMBPACKETCOMPLETION packet[WAITING];
    ULONG count;
} late;

static VOID DDI_CALL complete_all(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    VMBPACKETCOMPLETION packet;
    KIRQL irql;

    (void)dpc;
    (void)context;
    (void)first;
    (void)second;
    do {
        KeAcquireSpinLock(&late.lock, &irql);
        packet = late.count ? late.packet[--late.count] : NULL;
        KeReleaseSpinLock(&late.lock, irql);
        if (packet)
            VmbChannelPacketComplete(packet, NULL, 0);
    } while (packet);
}

void packets_init(void) {
    KeInitializeSpinLock(&late.lock);
    KeInitializeTimer(&late.timer);
    KeInitializeDpc(&late.dpc, complete_all, NULL);
}

void packets_end(void) {
    KeCancelTimer(&late.timer);
    KeFlushQueuedDpcs();
}

static VOID complete(VMBPACKETCOMPLETION packet, PVOID buffer, UINT32 size) {
    LARGE_INTEGER due = {.QuadPart = LATER_100NS};
    bool kept = false;
    KIRQL irql;

    if (choice[CHOICE_late]) {
        KeAcquireSpinLock(&late.lock, &irql);
        kept = late.count < WAITING;
        if (kept)
            late.packet[late.count++] = packet;
        KeReleaseSpinLock(&late.lock, irql);
    }
    if (kept)
        KeSetTimer(&late.timer, due, &late.dpc);
    else
        VmbChannelPacketComplete(packet, buffer, size);
}

#define VmbChannelPacketComplete complete
#include "../../harness/reference/vmbus.c" /* NOLINT(bugprone-suspicious-include) */
