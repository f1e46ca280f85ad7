/*
 * Process objects, and the virtual machine behind a worker process. A handle is the address of the record;
 * it is looked for in the list before it is used. The order in which the OS tells of worker, machine and
 * guest processes is left to it.
 */
#include "driver.h"

struct process {
    LIST_ENTRY entry;
    bool worker;
    HANDLE worker_of_guest;
    GUID vm; /* zero: unknown */
    DXGK_VIRTUALMACHINEDATAFLAGS flags;
};

static struct process *find(struct adapter *a, HANDLE handle) {
    for (LIST_ENTRY *e = a->processes.Flink; e != &a->processes; e = e->Flink)
        if (e == handle)
            return CONTAINING_RECORD(e, struct process, entry);
    return NULL;
}
_Static_assert(offsetof(struct process, entry) == 0, "the handle is the address of both");

NTSTATUS DDI_CALL second_create_process(const HANDLE adapter, DXGKARG_CREATEPROCESS *args) {
    struct adapter *a = adapter;
    struct process *p = NULL;
    NTSTATUS status;

    if (!args)
        return STATUS_INVALID_PARAMETER;
    status = enter(a);
    if (!NT_SUCCESS(status))
        return status;
    p = allocate(sizeof *p);
    if (p) {
        p->worker = args->Flags.VirtualMachineWorkerProcess;
        p->worker_of_guest = args->Flags.VirtualMachineProcess ? args->hKmdVmWorkerProcess : NULL;
        InsertHeadList(&a->processes, &p->entry);
        args->hKmdProcess = p;
    }
    leave(a);
    return p ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS DDI_CALL second_destroy_process(const HANDLE adapter, const HANDLE handle) {
    struct adapter *a = adapter;
    struct process *p;
    NTSTATUS status = enter(a);

    if (!NT_SUCCESS(status))
        return status;
    p = find(a, handle);
    if (p)
        RemoveEntryList(&p->entry);
    leave(a);
    release(p);
    return p ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

NTSTATUS DDI_CALL second_set_virtual_machine_data(const HANDLE adapter,
                                                  const DXGKARG_SETVIRTUALMACHINEDATA *args) {
    static const GUID unknown;
    struct adapter *a = adapter;
    struct process *p;
    NTSTATUS status;

    if (!args || (args->Flags.Value & ~3u) != 0) /* a bit that this driver cannot honour */
        return STATUS_INVALID_PARAMETER;
    status = enter(a);
    if (!NT_SUCCESS(status))
        return status;
    p = find(a, args->hKmdVmWorkerProcess);
    if (p && p->worker) {
        p->vm = args->pVmGuid ? *args->pVmGuid : unknown;
        p->flags = args->Flags;
    } else {
        status = STATUS_INVALID_HANDLE;
    }
    leave(a);
    return status;
}

void process_free_all(struct adapter *a) {
    while (!IsListEmpty(&a->processes))
        release(CONTAINING_RECORD(RemoveHeadList(&a->processes), struct process, entry));
}
