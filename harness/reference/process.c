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
    if (!DEFECT(160))
        release(p->machine);
    release(p);
    return STATUS_SUCCESS;
}

/* The adapter goes: what Dxgkrnl did not end, ends with it. */
void process_forget_all(struct adapter *a) {
    while (!IsListEmpty(&a->processes)) {
        struct process *p = CONTAINING_RECORD(RemoveHeadList(&a->processes), struct process, entry);

        if (!DEFECT(160))
            release(p->machine);
        release(p);
    }
}

#ifdef REFERENCE_DEFECTS
static struct machine *same_machine(struct adapter *a, const GUID *id) {
    for (LIST_ENTRY *e = a->processes.Flink; e != &a->processes; e = e->Flink) {
        struct process *p = CONTAINING_RECORD(e, struct process, entry);

        if (DEFECT(161) && p->machine && RtlEqualMemory(&p->machine->id, id, sizeof *id))
            return p->machine;
    }
    return NULL;
}
#endif

/* *spare: taken when the worker has no record yet.
 * The flags ask nothing of this driver: Dxgkrnl holds a secure VM to its limits. */
static void keep(struct adapter *a, struct process *p, const DXGKARG_SETVIRTUALMACHINEDATA *args,
                 struct machine **spare) {
    (void)a;
#ifdef REFERENCE_DEFECTS
    a->secure = a->secure || (DEFECT(158) && args->Flags.SecureVirtualMachine);
    if (!p->machine)
        p->machine = same_machine(a, args->pVmGuid);
#endif
    if (!p->machine) {
        p->machine = *spare;
        *spare = NULL;
    }
    if (DEFECT(161))
        p->machine->id = *args->pVmGuid;
}

NTSTATUS DDI_CALL reference_set_virtual_machine_data(const HANDLE adapter,
                                                     const DXGKARG_SETVIRTUALMACHINEDATA *args) {
    struct adapter *a = adapter;
    struct machine *spare;
    struct process *p;
    bool worker;

    if (!a || !args || !args->pVmGuid)
        return STATUS_INVALID_PARAMETER;
    spare = allocate(sizeof *spare);
    if (!spare)
        return STATUS_INSUFFICIENT_RESOURCES;
    ExAcquireFastMutex(&a->process_lock);
    p = find(a, args->hKmdVmWorkerProcess);
    worker = p && p->flags.VirtualMachineWorkerProcess;
    if (worker)
        keep(a, p, args, &spare);
    ExReleaseFastMutex(&a->process_lock);
    release(spare);
    return worker ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
