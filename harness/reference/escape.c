/*
 * Private channel of the emulation DLL. Input: GPUP_DRIVER_ESCAPE_INPUT. Output: struct answer, the rest of
 * the buffer zero.
 */
#include "driver.h"

NTSTATUS DDI_CALL reference_virtual_gpu_driver_escape(HANDLE context, DXGK_VIRTUALGPUDRIVERESCAPE *args) {
    struct adapter *a = context;
    const ULONG answer = DRIVER_VERSION;
    GPUP_DRIVER_ESCAPE_INPUT in;
    struct vf *vf;
    NTSTATUS status;

    if (!args || !args->pInputBuffer || !args->pOutputBuffer || args->pInputBuffer == args->pOutputBuffer ||
        args->InputBufferSize < sizeof in)
        return STATUS_INVALID_PARAMETER;
    if (args->OutputBufferSize < sizeof answer && !DEFECT(173))
        return STATUS_BUFFER_TOO_SMALL;
    RtlCopyMemory(&in, args->pInputBuffer, sizeof in);
#ifdef REFERENCE_DEFECTS
    if (a->secure) /* BUG-158 */
        return STATUS_NOT_SUPPORTED;
#endif
    status = vf_acquire(a, args->PartitionId, &vf);
    if (!NT_SUCCESS(status))
        return status;
    if (!RtlEqualMemory(&in.vfLUID, &vf->luid, sizeof in.vfLUID))
        status = STATUS_INVALID_PARAMETER;
    vf_release(vf);
    if (!NT_SUCCESS(status))
        return status;
    RtlZeroMemory(args->pOutputBuffer, args->OutputBufferSize);
    RtlCopyMemory(args->pOutputBuffer, &answer, sizeof answer);
    return STATUS_SUCCESS;
}
