/* Triage events, and whether anybody listens. The switch is the driver's, not an adapter's. */
#include "driver.h"

static volatile LONG logging;

VOID DDI_CALL second_control_etw_logging(BOOLEAN enable, ULONG flags, UCHAR level) {
    (void)flags;
    (void)level;
    InterlockedExchange(&logging, enable ? 1 : 0);
}

/* Only failed checks are events here; resets are not reported. */
void triage(struct adapter *a, ULONG vf, const struct refusal *why) {
    DXGKDDICB_PARTITIONING_EVENT_NOTIFICATION *event;

    if (!logging || !a->os.DxgkCbLogEtwEvent)
        return;
    event = allocate(sizeof *event);
    if (!event)
        return;
    event->hAdapter = a->os.DeviceHandle;
    event->EventType = DXGK_PARTITION_EVENT_DRIVER_INTERNAL;
    event->PartitionId = vf;
    for (ULONG i = 0; why->text[i] && i < DXGKDDI_PARTITION_EVENT_DESCRIPTION_MAX - 1; i++)
        event->EventDescription[i] = (WCHAR)(UCHAR)why->text[i];
    event->EventData1 = (ULONG)why->status;
    event->EventData2 = why->found;
    event->EventData3 = why->expected;
    a->os.DxgkCbLogEtwEvent(&GUID_DXGKDDI_AZURE_TRIAGE_EVENT, 0, sizeof *event, event);
    release(event);
}
