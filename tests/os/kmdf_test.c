/* WdfInterruptCreate status by status, and the interrupt object at work. */
#include "support.h"
#include <string.h>

struct notes {
    char order[64];
    unsigned count;
    KIRQL isr_irql, dpc_irql, enable_irql, work_irql, sync_irql;
    ULONG message;
    bool queue_work;
};
static struct notes n;

static void note(char what) {
    if (n.count < sizeof n.order - 1)
        n.order[n.count++] = what;
}

static BOOLEAN DDI_CALL isr(WDFINTERRUPT interrupt, ULONG message) {
    note('i');
    n.isr_irql = KeGetCurrentIrql();
    n.message = message;
    if (n.queue_work)
        WdfInterruptQueueWorkItemForIsr(interrupt);
    else
        WdfInterruptQueueDpcForIsr(interrupt);
    return TRUE;
}
static VOID DDI_CALL dpc(WDFINTERRUPT interrupt, WDFOBJECT object) {
    assert_ptr_equal(WdfInterruptGetDevice(interrupt), object);
    note('d');
    n.dpc_irql = KeGetCurrentIrql();
}
static VOID DDI_CALL work(WDFINTERRUPT interrupt, WDFOBJECT object) {
    (void)interrupt;
    (void)object;
    note('w');
    n.work_irql = KeGetCurrentIrql();
}
static NTSTATUS DDI_CALL enable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    (void)interrupt;
    (void)device;
    note('+');
    n.enable_irql = KeGetCurrentIrql();
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL disable(WDFINTERRUPT interrupt, WDFDEVICE device) {
    (void)interrupt;
    (void)device;
    note('-');
    return STATUS_SUCCESS;
}
static VOID DDI_CALL cleaned(WDFOBJECT object) {
    (void)object;
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    note('c');
}
static VOID DDI_CALL destroyed(WDFOBJECT object) {
    (void)object;
    note('x');
}

typedef struct {
    uint32_t a, b;
} PARTS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(PARTS, get_parts)

/* Everything one creation takes; `host` may die of it. */
struct trial {
    struct host host;
    WDFDEVICE device;
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    bool with_attributes;
    WDFINTERRUPT out;
};

#define UNTOUCHED ((WDFINTERRUPT)0x5555)

static void begin(struct trial *t, const struct gpup_kmdf_config *config) {
    static const struct gpup_kmdf_config usual = {.messages = 4};
    memset(t, 0, sizeof *t);
    memset(&n, 0, sizeof n);
    host_open(&t->host, true);
    t->device = gpup_kmdf_device(t->host.os, config ? config : &usual);
    assert_non_null(t->device);
    WDF_INTERRUPT_CONFIG_INIT(&t->config, isr, dpc);
    WDF_OBJECT_ATTRIBUTES_INIT(&t->attributes);
    t->out = UNTOUCHED;
}

static struct gpup_os_call call_of(struct trial *t) {
    return (struct gpup_os_call){.function = (void *)WdfInterruptCreate,
                                 .args = {(uintptr_t)t->device, (uintptr_t)&t->config,
                                          t->with_attributes ? (uintptr_t)&t->attributes : 0,
                                          (uintptr_t)&t->out},
                                 .count = 4};
}

static NTSTATUS create(struct trial *t) {
    struct gpup_os_call call = call_of(t);
    t->out = UNTOUCHED;
    assert_int_equal(gpup_os_call(t->host.os, &call), GPUP_RAN_RETURNED);
    NTSTATUS status = (NTSTATUS)(uint32_t)call.result;
    assert_int_equal(t->out != UNTOUCHED, NT_SUCCESS(status)); /* written on success only */
    return status;
}

static void move(struct trial *t, enum gpup_kmdf_state to) {
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    assert_true(gpup_kmdf_move(t->host.os, t->device, to, &status));
    assert_int_equal(status, STATUS_SUCCESS);
}

static void prepare(struct trial *t) {
    move(t, GPUP_KMDF_PREPARE_HARDWARE);
}

static void name_resource(struct trial *t, uint32_t index) {
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

static void end(struct trial *t) {
    host_close(&t->host);
}

static void sizes(void **state) {
    static const ULONG good[] = {104, 96, 56};
    static const ULONG bad[] = {0, 1, 55, 57, 95, 97, 103, 105, MAXULONG};
    struct trial t;
    (void)state;
    begin(&t, NULL);
    for (unsigned i = 0; i < 9; i++) {
        t.config.Size = bad[i];
        assert_int_equal(create(&t), STATUS_INFO_LENGTH_MISMATCH);
    }
    for (unsigned i = 0; i < 3; i++) {
        t.config.Size = good[i];
        t.config.CanWakeDevice = good[i] < 104; /* not there in the older ones */
        assert_int_equal(create(&t), STATUS_SUCCESS);
        WDF_INTERRUPT_INFO info;
        WDF_INTERRUPT_INFO_INIT(&info);
        struct gpup_os_call ask = {.function = (void *)WdfInterruptGetInfo,
                                   .args = {(uintptr_t)t.out, (uintptr_t)&info},
                                   .count = 2};
        gpup_os_call(t.host.os, &ask);
        assert_int_equal(info.MessageNumber, i); /* failures used up none */
    }
    end(&t);
}

static void device_add(void **state) {
    struct trial t;
    (void)state;
    begin(&t, NULL);
    t.config.EvtInterruptIsr = NULL;
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.config.EvtInterruptIsr = isr;
    CM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = {.Type = CmResourceTypeInterrupt};
    t.config.InterruptTranslated = &descriptor;
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.config.InterruptTranslated = NULL;
    t.config.CanWakeDevice = TRUE;
    t.config.PassiveHandling = TRUE;
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.config.CanWakeDevice = FALSE;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    t.config.EvtInterruptWorkItem = work; /* and a DPC */
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    end(&t);
}

static void other_states(void **state) {
    static const enum gpup_kmdf_state path[] = {GPUP_KMDF_D0, GPUP_KMDF_LOW_POWER, GPUP_KMDF_RELEASED};
    struct trial t;
    (void)state;
    begin(&t, NULL);
    prepare(&t);
    assert_int_equal(create(&t), STATUS_INVALID_DEVICE_STATE); /* no descriptors */
    name_resource(&t, 1);
    void *raw = t.config.InterruptRaw;
    t.config.InterruptRaw = NULL;
    assert_int_equal(create(&t), STATUS_INVALID_DEVICE_STATE);
    t.config.InterruptRaw = raw;
    t.config.ShareVector = WdfTrue;
    assert_int_equal(create(&t), STATUS_INVALID_DEVICE_STATE);
    t.config.ShareVector = WdfUseDefault;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        move(&t, path[i]);
        assert_int_equal(create(&t), STATUS_INVALID_DEVICE_STATE);
    }
    NTSTATUS status;
    assert_false(gpup_kmdf_move(t.host.os, t.device, GPUP_KMDF_D0, &status));
    end(&t);
    begin(&t, &(struct gpup_kmdf_config){.control_device = true});
    assert_int_equal(create(&t), STATUS_INVALID_DEVICE_STATE);
    end(&t);
}

static void wake(void **state) {
    static const struct {
        struct gpup_kmdf_config config;
        bool passive;
        NTSTATUS status;
    } tries[] = {{{.wake_hint = true}, true, STATUS_SUCCESS},
                 {{.wake_hint = true}, false, STATUS_INVALID_PARAMETER},
                 {{.wake_hint = false}, true, STATUS_INVALID_PARAMETER},
                 {{.wake_hint = true, .pdo = true}, true, STATUS_INVALID_PARAMETER},
                 {{.wake_hint = true, .no_power_policy = true}, true, STATUS_INVALID_PARAMETER}};
    struct trial t;
    (void)state;
    for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
        begin(&t, &tries[i].config);
        prepare(&t);
        name_resource(&t, 1);
        t.config.CanWakeDevice = TRUE;
        t.config.PassiveHandling = tries[i].passive;
        assert_int_equal(create(&t), tries[i].status);
        end(&t);
    }
}

static NTSTATUS DDI_CALL make_locks(void *argument) {
    void **locks = argument;
    NTSTATUS status = WdfSpinLockCreate(NULL, (WDFSPINLOCK *)&locks[0]);
    return status ? status : WdfWaitLockCreate(NULL, (WDFWAITLOCK *)&locks[1]);
}

static void locks(void **state) {
    struct trial t;
    void *lock[2];
    (void)state;
    begin(&t, NULL);
    assert_int_equal(host_run(&t.host, (void *)make_locks, lock), STATUS_SUCCESS);
    t.config.WaitLock = lock[1];
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER); /* DIRQL */
    t.config.PassiveHandling = TRUE;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    t.config.SpinLock = lock[0];
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.config.WaitLock = NULL;
    t.config.PassiveHandling = FALSE;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    end(&t);
    begin(&t, &(struct gpup_kmdf_config){.before_windows8 = true});
    t.config.PassiveHandling = TRUE;
    assert_int_equal(create(&t), STATUS_NOT_SUPPORTED);
    end(&t);
}

static void attributes(void **state) {
    struct trial t;
    WDF_OBJECT_CONTEXT_TYPE_INFO type = *WDF_GET_CONTEXT_TYPE_INFO(PARTS);
    (void)state;
    begin(&t, NULL);
    t.with_attributes = true;
    t.attributes.Size = 55;
    assert_int_equal(create(&t), STATUS_INFO_LENGTH_MISMATCH);
    t.attributes.Size = 56;
    t.attributes.ContextTypeInfo = &type;
    type.Size = 39;
    assert_int_equal(create(&t), STATUS_INFO_LENGTH_MISMATCH);
    type.Size = 40;
    type.ContextName = NULL;
    assert_int_equal(create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    type.ContextName = "parts";
    t.attributes.ContextSizeOverride = sizeof(PARTS) - 1;
    assert_int_equal(create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    t.attributes.ContextSizeOverride = sizeof(PARTS);
    assert_int_equal(create(&t), STATUS_SUCCESS);
    t.attributes.ContextTypeInfo = NULL;
    assert_int_equal(create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    t.attributes.ContextSizeOverride = 0;
    t.attributes.ParentObject = t.device;
    assert_int_equal(create(&t), STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    t.attributes.ParentObject = NULL;
    t.attributes.ExecutionLevel = WdfExecutionLevelInvalid;
    assert_int_equal(create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    t.attributes.ExecutionLevel = WdfExecutionLevelPassive;
    assert_int_equal(create(&t), STATUS_WDF_EXECUTION_LEVEL_INVALID);
    t.attributes.SynchronizationScope = WdfSynchronizationScopeQueue; /* judged first */
    assert_int_equal(create(&t), STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    t.attributes.SynchronizationScope = (WDF_SYNCHRONIZATION_SCOPE)5;
    assert_int_equal(create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    end(&t);
}

static void parents(void **state) {
    struct trial t;
    (void)state;
    begin(&t, NULL);
    WDFDEVICE other = gpup_kmdf_device(t.host.os, &(struct gpup_kmdf_config){0});
    t.with_attributes = true;
    t.config.AutomaticSerialization = TRUE;
    t.attributes.ParentObject = gpup_kmdf_object(t.host.os, t.device, false);
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.attributes.ParentObject = gpup_kmdf_object(t.host.os, other, true);
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.attributes.ParentObject = other;
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.attributes.ParentObject = t.device;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    t.attributes.ParentObject = gpup_kmdf_object(t.host.os, t.device, true);
    assert_int_equal(create(&t), STATUS_SUCCESS);
    host_run(&t.host, (void *)WdfObjectDelete, t.attributes.ParentObject); /* held by the interrupt */
    assert_int_equal(create(&t), STATUS_SUCCESS);
    end(&t);
}

static void levels(void **state) {
    static const struct {
        WDF_EXECUTION_LEVEL level;
        WDF_SYNCHRONIZATION_SCOPE scope;
        bool dpc, work, passive;
        NTSTATUS status;
    } tries[] = {
        {WdfExecutionLevelPassive, WdfSynchronizationScopeDevice, true, false, false,
         STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL},
        {WdfExecutionLevelPassive, WdfSynchronizationScopeNone, true, false, false, STATUS_SUCCESS},
        {WdfExecutionLevelPassive, WdfSynchronizationScopeDevice, false, true, false, STATUS_SUCCESS},
        {WdfExecutionLevelDispatch, WdfSynchronizationScopeQueue, false, true, false,
         STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL},
        {WdfExecutionLevelDispatch, WdfSynchronizationScopeDevice, true, false, false, STATUS_SUCCESS},
        {WdfExecutionLevelPassive, WdfSynchronizationScopeDevice, false, false, false,
         STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL},
        {WdfExecutionLevelPassive, WdfSynchronizationScopeDevice, false, false, true, STATUS_SUCCESS},
    };
    struct trial t;
    (void)state;
    for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
        begin(&t, &(struct gpup_kmdf_config){.level = tries[i].level, .scope = tries[i].scope});
        t.config.AutomaticSerialization = TRUE;
        t.config.EvtInterruptDpc = tries[i].dpc ? dpc : NULL;
        t.config.EvtInterruptWorkItem = tries[i].work ? work : NULL;
        t.config.PassiveHandling = tries[i].passive;
        assert_int_equal(create(&t), tries[i].status);
        end(&t);
    }
}

static void verifier(void **state) {
    struct trial t;
    (void)state;
    begin(&t, &(struct gpup_kmdf_config){.messages = 2, .verifier = true});
    prepare(&t);
    name_resource(&t, 0); /* memory */
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    name_resource(&t, 1);
    CM_PARTIAL_RESOURCE_DESCRIPTOR copy = *t.config.InterruptTranslated, *own = t.config.InterruptTranslated;
    t.config.InterruptTranslated = &copy;
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.config.InterruptTranslated = t.config.InterruptRaw; /* swapped */
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    t.config.InterruptTranslated = own;
    own->Flags ^= CM_RESOURCE_INTERRUPT_WAKE_HINT;
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER);
    own->Flags ^= CM_RESOURCE_INTERRUPT_WAKE_HINT;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    assert_int_equal(create(&t), STATUS_INVALID_PARAMETER); /* twice */
    name_resource(&t, 2);
    assert_int_equal(create(&t), STATUS_SUCCESS);
    end(&t);
    begin(&t, &(struct gpup_kmdf_config){.messages = 0, .verifier = true});
    prepare(&t);
    name_resource(&t, 1);
    assert_int_equal(create(&t), STATUS_SUCCESS);
    assert_int_equal(create(&t), STATUS_SUCCESS); /* a line may be shared */
    end(&t);
}

static void memory(void **state) {
    struct trial t;
    (void)state;
    begin(&t, NULL);
    t.with_attributes = true;
    WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(&t.attributes, PARTS);
    for (uint32_t nth = 1; nth <= 2; nth++) {
        gpup_os_fail_allocation(t.host.os, nth, 1);
        assert_int_equal(create(&t), STATUS_INSUFFICIENT_RESOURCES);
    }
    gpup_os_fail_allocation(t.host.os, 0, 0);
    assert_int_equal(create(&t), STATUS_SUCCESS);
    end(&t);
}

static void violations(void **state) {
    struct trial t;
    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        begin(&t, NULL);
        t.with_attributes = true;
        t.config.AutomaticSerialization = i == 4;
        struct gpup_os_call call = call_of(&t);
        void *object = gpup_kmdf_object(t.host.os, t.device, false);
        if (i == 0)
            call.args[0] = (uintptr_t)object; /* wrong type */
        else if (i < 3)
            call.args[i == 1 ? 1 : 3] = 0;
        else if (i == 3)
            t.config.SpinLock = object;
        else if (i == 4)
            t.attributes.ParentObject = &t;
        else if (i == 5)
            t.config.WaitLock = object, t.config.PassiveHandling = TRUE;
        else
            call.args[0] = 0;
        assert_int_equal(gpup_os_call(t.host.os, &call), GPUP_RAN_DEAD);
        assert_int_equal(logged(&t.host.log, GPUP_EVENT_BUGCHECK, 0)->f[GPUP_BUGCHECK_code], 0x10D);
        assert_ptr_equal(t.out, UNTOUCHED);
        end(&t);
    }
}

static NTSTATUS DDI_CALL create_raised(void *argument) {
    struct trial *t = argument;
    KIRQL before, level = n.count ? DISPATCH_LEVEL + 1 : DISPATCH_LEVEL;
    KeRaiseIrql(level, &before);
    NTSTATUS status = WdfInterruptCreate(t->device, &t->config, NULL, &t->out);
    KeLowerIrql(before);
    return status;
}

static void irql(void **state) {
    struct trial t;
    (void)state;
    begin(&t, NULL);
    assert_int_equal(host_run(&t.host, (void *)create_raised, &t), STATUS_SUCCESS);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
    n.count = 1;
    host_run(&t.host, (void *)create_raised, &t);
    assert_int_equal(logged(&t.host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_IRQL);
    end(&t);
}

/* --- at work */

static void at_work(void **state) {
    struct trial t;
    (void)state;
    begin(&t, &(struct gpup_kmdf_config){.messages = 2});
    t.config.EvtInterruptEnable = enable;
    t.config.EvtInterruptDisable = disable;
    for (unsigned i = 0; i < 3; i++) /* one more than is granted */
        assert_int_equal(create(&t), STATUS_SUCCESS);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 1));
    prepare(&t);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 1)); /* not connected yet */
    move(&t, GPUP_KMDF_D0);
    assert_string_equal(n.order, "++");
    assert_true(n.enable_irql > DISPATCH_LEVEL);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 1));
    assert_string_equal(n.order, "++id");
    assert_int_equal(n.message, 1);
    assert_true(n.isr_irql > DISPATCH_LEVEL);
    assert_int_equal(n.dpc_irql, DISPATCH_LEVEL);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 2));
    move(&t, GPUP_KMDF_LOW_POWER);
    assert_string_equal(n.order, "++id--");
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 1));
    move(&t, GPUP_KMDF_RELEASED);
    prepare(&t); /* objects of DeviceAdd are still there */
    move(&t, GPUP_KMDF_D0);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 0));
    assert_int_equal(n.message, 0);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
    end(&t);
}

static void passive(void **state) {
    struct trial t;
    (void)state;
    begin(&t, &(struct gpup_kmdf_config){.wake_hint = true});
    prepare(&t);
    name_resource(&t, 1);
    t.config.PassiveHandling = TRUE;
    t.config.CanWakeDevice = TRUE;
    t.config.EvtInterruptDpc = NULL;
    t.config.EvtInterruptWorkItem = work;
    t.config.EvtInterruptEnable = enable;
    t.config.EvtInterruptDisable = disable;
    n.queue_work = true;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    move(&t, GPUP_KMDF_D0);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 0));
    assert_string_equal(n.order, "+iw");
    assert_int_equal(n.isr_irql + n.work_irql + n.enable_irql, PASSIVE_LEVEL);
    move(&t, GPUP_KMDF_LOW_POWER); /* stays connected, no Disable */
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 0));
    assert_string_equal(n.order, "+iw");
    move(&t, GPUP_KMDF_D0);
    gpup_os_advance(t.host.os, 0);
    assert_string_equal(n.order, "+iwiw");
    end(&t);
}

static BOOLEAN DDI_CALL inside(WDFINTERRUPT interrupt, WDFCONTEXT context) {
    (void)interrupt;
    n.sync_irql = KeGetCurrentIrql();
    return context == &n;
}

static NTSTATUS DDI_CALL use_locks(void *argument) {
    struct trial *t = argument;
    assert_true(WdfInterruptSynchronize(t->out, inside, &n));
    assert_true(n.sync_irql > DISPATCH_LEVEL);
    WdfInterruptAcquireLock(t->out);
    KIRQL held = KeGetCurrentIrql();
    WdfInterruptReleaseLock(t->out);
    assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
    return held;
}
static NTSTATUS DDI_CALL lock_twice(void *argument) {
    struct trial *t = argument;
    WdfInterruptAcquireLock(t->out);
    WdfInterruptAcquireLock(t->out);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL use_wait_lock(void *argument) {
    void **lock = argument;
    LONGLONG now = 0;
    make_locks(lock);
    NTSTATUS first = WdfWaitLockAcquire(lock[1], NULL);
    NTSTATUS second = WdfWaitLockAcquire(lock[1], &now);
    WdfWaitLockRelease(lock[1]);
    NTSTATUS third = WdfWaitLockAcquire(lock[1], &now);
    WdfWaitLockRelease(lock[1]);
    WdfSpinLockAcquire(lock[0]);
    bool raised = KeGetCurrentIrql() == DISPATCH_LEVEL;
    WdfSpinLockRelease(lock[0]);
    return raised && first == STATUS_SUCCESS && second == STATUS_TIMEOUT && third == STATUS_SUCCESS;
}

static void locking(void **state) {
    struct trial t;
    void *lock[2];
    (void)state;
    begin(&t, NULL);
    assert_int_equal(create(&t), STATUS_SUCCESS);
    assert_true(host_run(&t.host, (void *)use_locks, &t) > DISPATCH_LEVEL);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
    assert_int_equal(host_run(&t.host, (void *)use_wait_lock, lock), 1);
    assert_int_equal(host_try(&t.host, (void *)lock_twice, &t), GPUP_RAN_DEAD);
    assert_non_null(logged(&t.host.log, GPUP_EVENT_HANG, 0));
    end(&t);
}

static NTSTATUS DDI_CALL read_parts(void *argument) {
    struct trial *t = argument;
    const PARTS *parts = get_parts(t->out);
    return parts && !parts->a && !parts->b ? STATUS_SUCCESS : STATUS_DATA_ERROR;
}

static void contexts_and_deletion(void **state) {
    struct trial t;
    (void)state;
    begin(&t, NULL);
    t.with_attributes = true;
    WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(&t.attributes, PARTS);
    t.attributes.EvtCleanupCallback = cleaned;
    t.attributes.EvtDestroyCallback = destroyed;
    for (unsigned round = 0; round < 3; round++) { /* rebalance: made again each time */
        prepare(&t);
        name_resource(&t, 1);
        assert_int_equal(create(&t), STATUS_SUCCESS);
        assert_int_equal(host_run(&t.host, (void *)read_parts, &t), STATUS_SUCCESS);
        host_run(&t.host, (void *)WdfObjectDelete, t.out); /* without effect */
        move(&t, GPUP_KMDF_D0);
        move(&t, GPUP_KMDF_LOW_POWER);
        move(&t, GPUP_KMDF_RELEASED);
    }
    assert_string_equal(n.order, "cxcxcx");
    move(&t, GPUP_KMDF_REMOVED);
    gpup_os_report_left(t.host.os);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_LEFT), 0);
    WDFDEVICE gone = t.device;
    t.device = gpup_kmdf_device(t.host.os, &(struct gpup_kmdf_config){0});
    t.config.InterruptRaw = t.config.InterruptTranslated = NULL;
    assert_int_equal(create(&t), STATUS_SUCCESS);
    gpup_os_report_left(t.host.os);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_LEFT), 1);
    t.device = gone;
    struct gpup_os_call call = call_of(&t);
    assert_int_equal(gpup_os_call(t.host.os, &call), GPUP_RAN_DEAD); /* freed handle */
    end(&t);
}

static void many(void **state) {
    struct trial t;
    (void)state;
    begin(&t, &(struct gpup_kmdf_config){.messages = 2048});
    for (unsigned i = 0; i < 2048; i++)
        assert_int_equal(create(&t), STATUS_SUCCESS);
    prepare(&t);
    assert_true(gpup_arena_snapshot(t.host.arena));
    move(&t, GPUP_KMDF_D0);
    gpup_arena_restore(t.host.arena);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 2047));
    move(&t, GPUP_KMDF_D0);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 2047));
    assert_int_equal(n.message, 2047);
    end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),        cmocka_unit_test(device_add),
        cmocka_unit_test(other_states), cmocka_unit_test(wake),
        cmocka_unit_test(locks),        cmocka_unit_test(attributes),
        cmocka_unit_test(parents),      cmocka_unit_test(levels),
        cmocka_unit_test(verifier),     cmocka_unit_test(memory),
        cmocka_unit_test(violations),   cmocka_unit_test(irql),
        cmocka_unit_test(at_work),      cmocka_unit_test(passive),
        cmocka_unit_test(locking),      cmocka_unit_test(contexts_and_deletion),
        cmocka_unit_test(many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
