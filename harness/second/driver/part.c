/*
 * The part: registers, interrupts, and the one mailbox. A thread of the driver carries out the orders, one at
 * a time; whoever gives one waits for it. An order always ends: with its interrupt, or when it is cancelled.
 */
#include "driver.h"

#define ORDER_100NS (-2000000ll) /* 200 ms, relative */
#define ALL_CAUSES (SECOND_CAUSE_MAILBOX | SECOND_CAUSE_DRAINED | SECOND_CAUSE_LOG | SECOND_CAUSE_FAULT)

static volatile ULONG *at(const struct adapter *a, ULONG offset) {
    return (volatile ULONG *)(volatile void *)(a->registers + offset);
}

ULONG get(const struct adapter *a, ULONG offset) {
    return READ_REGISTER_ULONG(at(a, offset));
}

void put(const struct adapter *a, ULONG offset, ULONG value) {
    WRITE_REGISTER_ULONG(at(a, offset), value);
}

ULONG window(const struct adapter *a, ULONG vf, ULONG offset) {
    return get(a, SECOND_WINDOW(vf) + offset);
}

void set_window(const struct adapter *a, ULONG vf, ULONG offset, ULONG value) {
    put(a, SECOND_WINDOW(vf) + offset, value);
}

ULONG get_config(const struct adapter *a, ULONG vf, ULONG offset) {
    set_window(a, vf, SECOND_WIN_CFG_ADDRESS, offset & 0xFFCu);
    return window(a, vf, SECOND_WIN_CFG_DATA);
}

/* bytes: bit n, byte n of the dword is meant. */
void set_config(const struct adapter *a, ULONG vf, ULONG offset, ULONG bytes, ULONG value) {
    set_window(a, vf, SECOND_WIN_CFG_ADDRESS, (offset & 0xFFCu) | bytes << 28);
    set_window(a, vf, SECOND_WIN_CFG_DATA, value);
}

NTSTATUS present(const struct adapter *a) {
    if (!a->power)
        return STATUS_DEVICE_NOT_READY;
    return get(a, SECOND_REG_MAGIC) == SECOND_MAGIC ? STATUS_SUCCESS : STATUS_DEVICE_REMOVED;
}

void part_listen(const struct adapter *a, bool on) {
    put(a, SECOND_REG_ENABLE, 0);
    if (!on)
        return;
    put(a, SECOND_REG_CAUSE, MAXULONG);
    put(a, SECOND_REG_ENABLE, ALL_CAUSES);
}

BOOLEAN DDI_CALL second_interrupt(const PVOID context, ULONG message) {
    struct adapter *a = context;
    ULONG causes;

    (void)message; /* each has its cause, and the register tells them all */
    if (!a || !a->registers)
        return FALSE;
    causes = get(a, SECOND_REG_CAUSE);
    if (causes == 0 || causes == MAXULONG)
        return FALSE;
    put(a, SECOND_REG_CAUSE, causes);
    InterlockedOr(&a->causes, (LONG)causes);
    a->os.DxgkCbQueueDpc(a->os.DeviceHandle);
    return TRUE;
}

static void acknowledge(const struct adapter *a, ULONG offset) {
    put(a, offset, get(a, offset));
    put(a, offset + 4, get(a, offset + 4));
}

VOID DDI_CALL second_dpc(const PVOID context) {
    struct adapter *a = context;
    ULONG causes = a ? (ULONG)InterlockedExchange(&a->causes, 0) : 0;

    if (!causes || !a->registers)
        return;
    if (causes & SECOND_CAUSE_DRAINED)
        acknowledge(a, SECOND_REG_DRAINED_LO);
    if (causes & SECOND_CAUSE_FAULT)
        acknowledge(a, SECOND_REG_FAULTED_LO);
    if (causes & SECOND_CAUSE_LOG)
        drain_logs(a);
    if (causes & SECOND_CAUSE_MAILBOX)
        KeSetEvent(&a->mailbox, 0, FALSE);
    if (causes & SECOND_CAUSE_DRAINED)
        KeSetEvent(&a->drained, 0, FALSE);
}

/* --- the mailbox; in the thread only --- */

static NTSTATUS meaning(ULONG result) {
    switch (result) {
    case SECOND_OK:
        return STATUS_SUCCESS;
    case SECOND_E_ORDER:
        return STATUS_NOT_IMPLEMENTED;
    case SECOND_E_ARGUMENT:
        return STATUS_INVALID_PARAMETER;
    case SECOND_E_AWAKE:
        return STATUS_DEVICE_BUSY;
    case SECOND_E_OVERLAP:
        return STATUS_CONFLICTING_ADDRESSES;
    case SECOND_E_LENGTH:
        return STATUS_BUFFER_TOO_SMALL;
    case SECOND_E_CONTEXT:
        return STATUS_INVALID_PARAMETER;
    case SECOND_E_MEMORY:
        return STATUS_INSUFFICIENT_RESOURCES;
    case SECOND_E_CANCELLED:
        return STATUS_IO_TIMEOUT;
    default:
        return STATUS_IO_DEVICE_ERROR;
    }
}

static void post(struct adapter *a, const struct order *o, UINT64 buffer) {
    put(a, SECOND_REG_MB_INDEX, 0);
    for (ULONG i = 0; i < sizeof o->word / sizeof *o->word; i++)
        put(a, SECOND_REG_MB_DATA, o->word[i]); /* the index steps on */
    put(a, SECOND_REG_MB_DATA, (ULONG)buffer);
    put(a, SECOND_REG_MB_DATA, (ULONG)(buffer >> 32));
    put(a, SECOND_REG_MB_DATA, o->size);
    KeClearEvent(&a->mailbox);
    put(a, SECOND_REG_MB_BELL, o->code);
}

static NTSTATUS collect(struct adapter *a, struct order *o) {
    LARGE_INTEGER timeout = {.QuadPart = ORDER_100NS};
    NTSTATUS status = STATUS_SUCCESS;
    ULONG result;

    while (status != STATUS_TIMEOUT && get(a, SECOND_REG_MB_STATE) == SECOND_MB_BUSY)
        status = KeWaitForSingleObject(&a->mailbox, Executive, KernelMode, FALSE, &timeout);
    if (get(a, SECOND_REG_MB_STATE) == SECOND_MB_BUSY)
        put(a, SECOND_REG_MB_BELL, SECOND_BELL_CANCEL);
    put(a, SECOND_REG_MB_INDEX, SECOND_MB_RESULT);
    result = get(a, SECOND_REG_MB_DATA);
    o->length = get(a, SECOND_REG_MB_DATA);
    return meaning(result);
}

static NTSTATUS carry_out(struct adapter *a, struct order *o) {
    PHYSICAL_ADDRESS anywhere = {.QuadPart = INT64_MAX};
    UCHAR *buffer = NULL;
    NTSTATUS status = present(a);

    if (!NT_SUCCESS(status))
        return status;
    if (o->size && !(buffer = MmAllocateContiguousMemory(o->size, anywhere)))
        return STATUS_NO_MEMORY;
    if (buffer && o->in)
        RtlCopyMemory(buffer, o->in, o->size);
    else if (buffer)
        RtlZeroMemory(buffer, o->size);
    post(a, o, buffer ? (UINT64)MmGetPhysicalAddress(buffer).QuadPart : 0);
    status = collect(a, o);
    if (NT_SUCCESS(status) && buffer && o->out)
        RtlCopyMemory(o->out, buffer, o->length < o->size ? o->length : o->size);
    if (buffer)
        MmFreeContiguousMemory(buffer);
    return status;
}

static VOID DDI_CALL serve(PVOID context) {
    struct adapter *a = context;

    for (;;) {
        KeWaitForSingleObject(&a->order_given, Executive, KernelMode, FALSE, NULL);
        if (a->stopping)
            break;
        a->order->status = carry_out(a, a->order);
        KeSetEvent(&a->order_done, 0, FALSE);
    }
    KeSetEvent(&a->order_done, 0, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* With the adapter's lock held: orders come one by one. */
NTSTATUS give_order(struct adapter *a, struct order *order) {
    a->order = order;
    KeSetEvent(&a->order_given, 0, FALSE);
    KeWaitForSingleObject(&a->order_done, Executive, KernelMode, FALSE, NULL);
    return order->status;
}

/* --- opening and closing --- */

/* The registers are the second memory resource: BAR2. */
static NTSTATUS map(struct adapter *a) {
    DXGK_DEVICE_INFO info = {0};
    NTSTATUS status = a->os.DxgkCbGetDeviceInformation(a->os.DeviceHandle, &info);
    const CM_PARTIAL_RESOURCE_LIST *list;
    ULONG memory = 0;

    if (!NT_SUCCESS(status) || !info.TranslatedResourceList || !info.TranslatedResourceList->Count)
        return STATUS_DEVICE_NOT_CONNECTED;
    list = &info.TranslatedResourceList->List[0].PartialResourceList;
    for (ULONG i = 0; i < list->Count && !a->registers; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = &list->PartialDescriptors[i];
        bool is_memory = d->Type == CmResourceTypeMemory || d->Type == CmResourceTypeMemoryLarge;

        if (is_memory && memory++ == 1)
            a->registers =
                MmMapIoSpaceEx(d->u.Memory.Start, SECOND_PF_BAR2_SIZE, PAGE_READWRITE | PAGE_NOCACHE);
    }
    return a->registers ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS start_server(struct adapter *a) {
    HANDLE thread;
    PVOID object = NULL;
    NTSTATUS status;

    a->stopping = false;
    status = PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, serve, a);
    if (!NT_SUCCESS(status))
        return status;
    status = ObReferenceObjectByHandle(thread, SYNCHRONIZE, NULL, KernelMode, &object, NULL);
    if (NT_SUCCESS(status)) {
        a->server = object;
    } else {
        a->stopping = true;
        KeSetEvent(&a->order_given, 0, FALSE);
        KeWaitForSingleObject(&a->order_done, Executive, KernelMode, FALSE, NULL);
    }
    (void)ZwClose(thread);
    return status;
}

NTSTATUS part_open(struct adapter *a) {
    NTSTATUS status;

    KeInitializeEvent(&a->order_given, SynchronizationEvent, FALSE);
    KeInitializeEvent(&a->order_done, SynchronizationEvent, FALSE);
    KeInitializeEvent(&a->mailbox, SynchronizationEvent, FALSE);
    KeInitializeEvent(&a->drained, SynchronizationEvent, FALSE);
    status = map(a);
    return NT_SUCCESS(status) ? start_server(a) : status;
}

void part_close(struct adapter *a) {
    if (a->registers)
        part_listen(a, false);
    if (a->server) {
        a->stopping = true;
        KeSetEvent(&a->order_given, 0, FALSE);
        KeWaitForSingleObject(a->server, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(a->server);
    }
    if (a->registers)
        MmUnmapIoSpace((PVOID)(ULONG_PTR)a->registers, SECOND_PF_BAR2_SIZE);
    a->server = NULL;
    a->registers = NULL;
}
