/* Triage events: what went wrong with which partition, for whoever runs the fleet. */
#include "driver.h"

void triage(struct adapter *a, ULONG vf, DXGIDDI_PARTITIONING_EVENT_TYPE type, const char *text, UINT64 data1,
            UINT64 data2) {
    DXGKDDICB_PARTITIONING_EVENT_NOTIFICATION event;

    const DXGKRNL_INTERFACE *dxgkrnl = DEFECT(183) ? a->callers : &a->dxgkrnl;

    if (!dxgkrnl->DxgkCbLogEtwEvent || (DEFECT(95) && type == DXGK_PARTITION_EVENT_DRIVER_INTERNAL))
        return;
    RtlZeroMemory(&event, sizeof event);
    event.hAdapter = dxgkrnl->DeviceHandle;
    event.EventType = type;
    event.PartitionId = DEFECT(96) ? 0 : vf;
    for (ULONG i = 0; i < DXGKDDI_PARTITION_EVENT_DESCRIPTION_MAX - 1 && text[i]; i++)
        event.EventDescription[i] = (WCHAR)(UCHAR)text[i];
    event.EventData1 = data1;
    event.EventData2 = data2;
    dxgkrnl->DxgkCbLogEtwEvent(&GUID_DXGKDDI_AZURE_TRIAGE_EVENT, 0,
                               (USHORT)(DEFECT(98) ? sizeof(void *) : sizeof event), &event);
}
