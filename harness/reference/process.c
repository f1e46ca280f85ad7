/* Process objects, and what is known of the virtual machine behind a worker process. */
#include "driver.h"

static struct process *find(struct adapter *a, HANDLE handle) {
    for (LIST_ENTRY *e = a->processes.Flink; e != &a->processes; e = e->Flink) {
        struct process *p = CONTAINING_RECORD(e, struct process, entry);

        if (p->handle == handle)
            return p;
    }
    return NULL;
}

/* A guest's process names the worker of its VM. */
static bool worker_known(struct adapter *a, const DXGKARG_CREATEPROCESS *args) {
    const struct process *worker;

    if (!args->Flags.VirtualMachineProcess || !args->hKmdVmWorkerProcess)
        return true;
    worker = find(a, args->hKmdVmWorkerProcess);
    return worker && worker->flags.VirtualMachineWorkerProcess;
}

NTSTATUS DDI_CALL reference_create_process(const HANDLE adapter, DXGKARG_CREATEPROCESS *args) {
    struct adapter *a = adapter;
    struct process *p;
    bool known;

    if (!a || !args)
        return STATUS_INVALID_PARAMETER;
    p = allocate(sizeof *p);
    if (!p)
        return STATUS_INSUFFICIENT_RESOURCES;
    p->flags = args->Flags;
    p->worker = args->Flags.VirtualMachineProcess ? args->hKmdVmWorkerProcess : NULL;
    p->handle = new_handle(a);
    ExAcquireFastMutex(&a->process_lock);
    known = worker_known(a, args);
    if (known)
        InsertTailList(&a->processes, &p->entry);
    ExReleaseFastMutex(&a->process_lock);
    if (!known) {
        release(p);
        return STATUS_INVALID_PARAMETER;
    }
    args->hKmdProcess = p->handle;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_destroy_process(const HANDLE adapter, const HANDLE handle) {
    struct adapter *a = adapter;
    struct process *p;

    if (!a)
        return STATUS_INVALID_PARAMETER;
    ExAcquireFastMutex(&a->process_lock);
    p = find(a, handle);
    if (p)
        RemoveEntryList(&p->entry);
    ExReleaseFastMutex(&a->process_lock);
    if (!p)
        return STATUS_INVALID_PARAMETER;
    release(p);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL reference_set_virtual_machine_data(const HANDLE adapter,
                                                     const DXGKARG_SETVIRTUALMACHINEDATA *args) {
    struct adapter *a = adapter;
    struct process *p;
    bool worker;

    if (!a || !args || !args->pVmGuid)
        return STATUS_INVALID_PARAMETER;
    ExAcquireFastMutex(&a->process_lock);
    p = find(a, args->hKmdVmWorkerProcess);
    worker = p && p->flags.VirtualMachineWorkerProcess;
    if (worker) {
        p->vm = *args->pVmGuid;
        p->vm_flags.SecureVirtualMachine = args->Flags.SecureVirtualMachine; /* other bits have no meaning */
        p->vm_flags.LinuxVirtualMachine = args->Flags.LinuxVirtualMachine;
        p->has_data = true;
    }
    ExReleaseFastMutex(&a->process_lock);
    return worker ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

void process_free_all(struct adapter *a) {
    ExAcquireFastMutex(&a->process_lock);
    while (!IsListEmpty(&a->processes))
        release(CONTAINING_RECORD(RemoveHeadList(&a->processes), struct process, entry));
    ExReleaseFastMutex(&a->process_lock);
}
