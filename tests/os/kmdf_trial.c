/* Callbacks and helpers of the interrupt object tests. */
#include "kmdf_trial.h"

struct notes n;

static void note(char what) {
    if (n.count < sizeof n.order - 1)
        n.order[n.count++] = what;
}

BOOLEAN DDI_CALL trial_isr(WDFINTERRUPT interrupt, ULONG message) {
    note('i');
    n.isr_irql = KeGetCurrentIrql();
    n.message = message;
    if (n.queue_work)
        WdfInterruptQueueWorkItemForIsr(interrupt);
    else
        WdfInterruptQueueDpcForIsr(interrupt);
    return TRUE;
}
VOID DDI_CALL trial_dpc(WDFINTERRUPT interrupt, WDFOBJECT object) {
    assert_ptr_equal(WdfInterruptGetDevice(interrupt), object);
    note('d');
    n.dpc_irql = KeGetCurrentIrql();
}
VOID DDI_CALL trial_work(WDFINTERRUPT interrupt, WDFOBJECT object) {
    (void)interrupt;
    (void)object;
    note('w');
    n.work_irql = KeGetCurrentIrql();
}
NTSTATUS DDI_CALL trial_enable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    (void)interrupt;
    (void)device;
    note('+');
    n.enable_irql = KeGetCurrentIrql();
    return STATUS_SUCCESS;
}
NTSTATUS DDI_CALL trial_disable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    (void)interrupt;
    (void)device;
    note('-');
    return STATUS_SUCCESS;
}
VOID DDI_CALL trial_cleaned(WDFOBJECT object) {
    (void)object;
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    note('c');
}
VOID DDI_CALL trial_destroyed(WDFOBJECT object) {
    (void)object;
    note('x');
}

void trial_begin(struct trial *t, const struct gpup_kmdf_config *config) {
    static const struct gpup_kmdf_config usual = {.messages = 4};
    memset(t, 0, sizeof *t);
    memset(&n, 0, sizeof n);
    host_open(&t->host, true);
    t->device = gpup_kmdf_device(t->host.os, config ? config : &usual);
    assert_non_null(t->device);
    WDF_INTERRUPT_CONFIG_INIT(&t->config, trial_isr, trial_dpc);
    WDF_OBJECT_ATTRIBUTES_INIT(&t->attributes);
    t->out = UNTOUCHED;
}

struct gpup_os_call trial_call(struct trial *t) {
    return (struct gpup_os_call){.function = (void *)WdfInterruptCreate,
                                 .args = {(uintptr_t)t->device, (uintptr_t)&t->config,
                                          t->with_attributes ? (uintptr_t)&t->attributes : 0,
                                          (uintptr_t)&t->out},
                                 .count = 4};
}

NTSTATUS trial_create(struct trial *t) {
    struct gpup_os_call call = trial_call(t);
    t->out = UNTOUCHED;
    assert_int_equal(gpup_os_call(t->host.os, &call), GPUP_RAN_RETURNED);
    NTSTATUS status = (NTSTATUS)(uint32_t)call.result;
    assert_int_equal(t->out != UNTOUCHED, NT_SUCCESS(status)); /* written on success only */
    return status;
}

void trial_move(struct trial *t, enum gpup_kmdf_state to) {
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    assert_true(gpup_kmdf_move(t->host.os, t->device, to, &status));
    assert_int_equal(status, STATUS_SUCCESS);
}

void trial_prepare(struct trial *t) {
    trial_move(t, GPUP_KMDF_PREPARE_HARDWARE);
}

void trial_name_resource(struct trial *t, uint32_t index) {
    struct gpup_os_call call = {.function = (void *)WdfCmResourceListGetDescriptor, .count = 2};
    for (unsigned translated = 0; translated < 2; translated++) {
        call.args[0] = (uintptr_t)gpup_kmdf_resources(t->host.os, t->device, translated);
        call.args[1] = index;
        assert_int_equal(gpup_os_call(t->host.os, &call), GPUP_RAN_RETURNED);
        if (translated)
            t->config.InterruptTranslated = (void *)call.result; // NOLINT(performance-no-int-to-ptr)
        else
            t->config.InterruptRaw = (void *)call.result; // NOLINT(performance-no-int-to-ptr)
    }
    assert_non_null(t->config.InterruptRaw);
}

void trial_end(struct trial *t) {
    host_close(&t->host);
}

NTSTATUS DDI_CALL trial_make_locks(void *argument) {
    void **locks = argument;
    NTSTATUS status = WdfSpinLockCreate(NULL, (WDFSPINLOCK *)&locks[0]);
    return status ? status : WdfWaitLockCreate(NULL, (WDFWAITLOCK *)&locks[1]);
}
