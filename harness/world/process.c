/* Processes of virtual machines and SetVirtualMachineData. */
#include "internal.h"

#include <string.h>

static struct process *process_of(struct host *h, const struct gpup_value *which, HANDLE *raw,
                                  uint64_t *object) {
    struct process *p = &h->process[which->number % WORLD_SLOTS];
    *raw = which->symbol == GPUP_SYMBOL_INVALID ? (HANDLE)(intptr_t)-1 : NULL;
    *object = which->symbol == GPUP_SYMBOL_INVALID ? UINT64_MAX : 0;
    if (which->symbol == GPUP_SYMBOL_STALE) {
        *raw = p->raw;
        for (unsigned i = 0; i < WORLD_SLOTS; i++) /* not ended at all, or its value was given out again */
            if (h->process[i].live && h->process[i].raw == p->raw) {
                *object = h->process[i].object;
                return &h->process[i];
            }
    }
    if (which->symbol != GPUP_SYMBOL_NONE || !p->live)
        return NULL;
    *raw = p->raw;
    *object = p->object;
    return p;
}

void op_create_process(struct host *h, uint32_t slot, uint32_t kind, uint32_t worker) {
    struct ddi_call c;
    struct process *p = &h->process[slot % WORLD_SLOTS], *w = &h->process[worker % WORLD_SLOTS];
    uint64_t a[] = {kind == 0 ? 8 : 4, 0, kind && w->live ? w->object : 0};
    if (p->live || (kind && !w->live)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, p->live ? "the process slot is in use" : "no worker process");
        return;
    }
    if (!ddi_begin(&c, h, GPUP_DDI_CreateProcess, a, 3, GPUP_SLOT_NONE))
        return;
    DXGKARG_CREATEPROCESS *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_OUT, false);
    if (args) {
        args->hDxgkProcess = (HANDLE)(uintptr_t)(0x1000 + slot * 8); /* opaque to the driver */
        args->Flags.VirtualMachineWorkerProcess = kind == 0;
        args->Flags.VirtualMachineProcess = kind != 0;
        args->hKmdVmWorkerProcess = kind ? w->raw : NULL;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success) {
            *p = (struct process){true, kind == 0, args->hKmdProcess, world_object(h->world)};
            c.r[0] = args->hKmdProcess ? p->object : 0;
        }
    }
    ddi_end(&c);
}

void op_destroy_process(struct host *h, const struct gpup_value *which) {
    struct ddi_call c;
    HANDLE raw;
    uint64_t object;
    struct process *p = process_of(h, which, &raw, &object);
    uint64_t a[] = {object};
    if (!p && !world_negative(h->world)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "no such process");
        return;
    }
    if (!ddi_begin(&c, h, GPUP_DDI_DestroyProcess, a, 1, GPUP_SLOT_NONE))
        return;
    ddi_go(&c, (uint64_t[]){(uintptr_t)raw}, 1);
    if (c.success && p)
        p->live = false;
    ddi_end(&c);
}

/* guid 0: none is given. Once the call is back its memory is gone: later use faults. */
void op_set_vm_data(struct host *h, const struct gpup_value *which, uint32_t flags, uint32_t guid,
                    uint8_t last) {
    struct ddi_call c;
    HANDLE raw;
    uint64_t object;
    struct process *p = process_of(h, which, &raw, &object);
    uint64_t a[] = {object, flags, guid != 0};
    bool legal = p && p->worker && guid && flags < 4;
    if (!legal && !world_negative(h->world)) {
        world_skip(h, p ? GPUP_SKIP_ILLEGAL : GPUP_SKIP_UNRESOLVED,
                   "the OS names a live worker process and a GUID");
        return;
    }
    if (!ddi_begin(&c, h, GPUP_DDI_SetVirtualMachineData, a, 3, GPUP_SLOT_NONE))
        return;
    DXGKARG_SETVIRTUALMACHINEDATA *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    GUID *id = guid ? ddi_buffer(&c, GPUP_ROLE_GUID, sizeof *id, DDI_IN | DDI_CONST, false) : NULL;
    if (args && (id || !guid)) {
        if (id)
            *id = (GUID){guid, 0x4D56, 0x4355, {0x9A, 0x31, 0x5E, 0x07, 0xB2, 0x64, 0x18, last}};
        args->hKmdVmWorkerProcess = raw;
        args->pVmGuid = id;
        args->Flags.Value = flags;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
}

void do_CreateProcess(struct host *h, const struct gpup_step *s) {
    op_create_process(h, step_u32(s, GPUP_CreateProcess_process), step_u32(s, GPUP_CreateProcess_kind),
                      step_u32(s, GPUP_CreateProcess_worker));
}

void do_DestroyProcess(struct host *h, const struct gpup_step *s) {
    op_destroy_process(h, &s->f[GPUP_DestroyProcess_process]);
}

void do_SetVirtualMachineData(struct host *h, const struct gpup_step *s) {
    op_set_vm_data(
        h, &s->f[GPUP_SetVirtualMachineData_process], step_u32(s, GPUP_SetVirtualMachineData_flags),
        step_u32(s, GPUP_SetVirtualMachineData_guid), (uint8_t)step_u32(s, GPUP_SetVirtualMachineData_last));
}
