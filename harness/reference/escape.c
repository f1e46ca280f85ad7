/*
 * Private channel of the emulation DLL. Input: GPUP_DRIVER_ESCAPE_INPUT, then optionally a 32-bit command, of
 * which there is one: 0, query the state of the VF. Output: struct answer, the rest of the buffer zero.
 */
#include "driver.h"

#define ESCAPE_QUERY 0u
#define STATE_POWERED 1u
#define STATE_PAUSED 2u

struct answer {
    ULONG version, partition, state, msix_entries;
};

NTSTATUS DDI_CALL reference_virtual_gpu_driver_escape(HANDLE context, DXGK_VIRTUALGPUDRIVERESCAPE *args) {
    struct adapter *a = context;
    struct answer answer = {.version = DRIVER_VERSION};
    GPUP_DRIVER_ESCAPE_INPUT in;
    ULONG command = ESCAPE_QUERY;
    struct vf *vf;
    NTSTATUS status;

    if (!args || !args->pInputBuffer || !args->pOutputBuffer || args->pInputBuffer == args->pOutputBuffer ||
        args->InputBufferSize < sizeof in)
        return STATUS_INVALID_PARAMETER;
    if (args->OutputBufferSize < sizeof answer && !DEFECT(173))
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(&in, args->pInputBuffer, sizeof in);
    if (args->InputBufferSize >= sizeof in + sizeof command)
        RtlCopyMemory(&command, (const UCHAR *)args->pInputBuffer + sizeof in, sizeof command);
    if (command != ESCAPE_QUERY)
        return STATUS_NOT_SUPPORTED;
#ifdef REFERENCE_DEFECTS
    if (a->secure) /* BUG-158 */
        return STATUS_NOT_SUPPORTED;
#endif
    status = vf_acquire(a, args->PartitionId, &vf);
    if (!NT_SUCCESS(status))
        return status;
    if (!RtlEqualMemory(&in.vfLUID, &vf->luid, sizeof in.vfLUID))
        status = STATUS_INVALID_PARAMETER;
    answer.partition = vf->index;
    answer.state = (vf->powered ? STATE_POWERED : 0) | (vf->paused ? STATE_PAUSED : 0);
    answer.msix_entries = vf->msix_entries;
    vf_release(vf);
    if (!NT_SUCCESS(status))
        return status;
    RtlZeroMemory(args->pOutputBuffer, args->OutputBufferSize);
    RtlCopyMemory(args->pOutputBuffer, &answer, sizeof answer);
    return STATUS_SUCCESS;
}
