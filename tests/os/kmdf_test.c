/* WdfInterruptCreate, status by status. */
#include "kmdf_trial.h"

static void sizes(void **state) {
    static const ULONG good[] = {104, 96, 56};
    static const ULONG bad[] = {0, 1, 55, 57, 95, 97, 103, 105, MAXULONG};
    struct trial t;
    (void)state;
    trial_begin(&t, NULL);
    for (unsigned i = 0; i < 9; i++) {
        t.config.Size = bad[i];
        assert_int_equal(trial_create(&t), STATUS_INFO_LENGTH_MISMATCH);
    }
    for (unsigned i = 0; i < 3; i++) {
        t.config.Size = good[i];
        t.config.CanWakeDevice = good[i] < 104; /* not there in the older ones */
        assert_int_equal(trial_create(&t), STATUS_SUCCESS);
        WDF_INTERRUPT_INFO info;
        WDF_INTERRUPT_INFO_INIT(&info);
        struct gpup_os_call ask = {.function = (void *)WdfInterruptGetInfo,
                                   .args = {(uintptr_t)t.out, (uintptr_t)&info},
                                   .count = 2};
        gpup_os_call(t.host.os, &ask);
        assert_int_equal(info.MessageNumber, i); /* failures used up none */
    }
    trial_end(&t);
}

static void device_add(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, NULL);
    t.config.EvtInterruptIsr = NULL;
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.config.EvtInterruptIsr = trial_isr;
    CM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = {.Type = CmResourceTypeInterrupt};
    t.config.InterruptTranslated = &descriptor;
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.config.InterruptTranslated = NULL;
    t.config.CanWakeDevice = TRUE;
    t.config.PassiveHandling = TRUE;
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.config.CanWakeDevice = FALSE;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    t.config.EvtInterruptWorkItem = trial_work; /* and a DPC */
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    trial_end(&t);
}

static void other_states(void **state) {
    static const enum gpup_kmdf_state path[] = {GPUP_KMDF_D0, GPUP_KMDF_LOW_POWER, GPUP_KMDF_RELEASED};
    struct trial t;
    (void)state;
    trial_begin(&t, NULL);
    trial_prepare(&t);
    assert_int_equal(trial_create(&t), STATUS_INVALID_DEVICE_STATE); /* no descriptors */
    trial_name_resource(&t, 1);
    void *raw = t.config.InterruptRaw;
    t.config.InterruptRaw = NULL;
    assert_int_equal(trial_create(&t), STATUS_INVALID_DEVICE_STATE);
    t.config.InterruptRaw = raw;
    t.config.ShareVector = WdfTrue;
    assert_int_equal(trial_create(&t), STATUS_INVALID_DEVICE_STATE);
    t.config.ShareVector = WdfUseDefault;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        trial_move(&t, path[i]);
        assert_int_equal(trial_create(&t), STATUS_INVALID_DEVICE_STATE);
    }
    NTSTATUS status;
    assert_false(gpup_kmdf_move(t.host.os, t.device, GPUP_KMDF_D0, &status));
    trial_end(&t);
    trial_begin(&t, &(struct gpup_kmdf_config){.control_device = true});
    assert_int_equal(trial_create(&t), STATUS_INVALID_DEVICE_STATE);
    trial_end(&t);
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
        trial_begin(&t, &tries[i].config);
        trial_prepare(&t);
        trial_name_resource(&t, 1);
        t.config.CanWakeDevice = TRUE;
        t.config.PassiveHandling = tries[i].passive;
        assert_int_equal(trial_create(&t), tries[i].status);
        trial_end(&t);
    }
}

static void locks(void **state) {
    struct trial t;
    void *lock[2];
    (void)state;
    trial_begin(&t, NULL);
    assert_int_equal(host_run(&t.host, (void *)trial_make_locks, lock), STATUS_SUCCESS);
    t.config.WaitLock = lock[1];
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER); /* DIRQL */
    t.config.PassiveHandling = TRUE;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    t.config.SpinLock = lock[0];
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.config.WaitLock = NULL;
    t.config.PassiveHandling = FALSE;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    trial_end(&t);
    trial_begin(&t, &(struct gpup_kmdf_config){.before_windows8 = true});
    t.config.PassiveHandling = TRUE;
    assert_int_equal(trial_create(&t), STATUS_NOT_SUPPORTED);
    trial_end(&t);
}

static void attributes(void **state) {
    struct trial t;
    WDF_OBJECT_CONTEXT_TYPE_INFO type = *WDF_GET_CONTEXT_TYPE_INFO(PARTS);
    (void)state;
    trial_begin(&t, NULL);
    t.with_attributes = true;
    t.attributes.Size = 55;
    assert_int_equal(trial_create(&t), STATUS_INFO_LENGTH_MISMATCH);
    t.attributes.Size = 56;
    t.attributes.ContextTypeInfo = &type;
    type.Size = 39;
    assert_int_equal(trial_create(&t), STATUS_INFO_LENGTH_MISMATCH);
    type.Size = 40;
    type.ContextName = NULL;
    assert_int_equal(trial_create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    type.ContextName = "parts";
    t.attributes.ContextSizeOverride = sizeof(PARTS) - 1;
    assert_int_equal(trial_create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    t.attributes.ContextSizeOverride = sizeof(PARTS);
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    t.attributes.ContextTypeInfo = NULL;
    assert_int_equal(trial_create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    t.attributes.ContextSizeOverride = 0;
    t.attributes.ParentObject = t.device;
    assert_int_equal(trial_create(&t), STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    t.attributes.ParentObject = NULL;
    t.attributes.ExecutionLevel = WdfExecutionLevelInvalid;
    assert_int_equal(trial_create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    t.attributes.ExecutionLevel = WdfExecutionLevelPassive;
    assert_int_equal(trial_create(&t), STATUS_WDF_EXECUTION_LEVEL_INVALID);
    t.attributes.SynchronizationScope = WdfSynchronizationScopeQueue; /* judged first */
    assert_int_equal(trial_create(&t), STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    t.attributes.SynchronizationScope = (WDF_SYNCHRONIZATION_SCOPE)5;
    assert_int_equal(trial_create(&t), STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    trial_end(&t);
}

static void parents(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, NULL);
    WDFDEVICE other = gpup_kmdf_device(t.host.os, &(struct gpup_kmdf_config){0});
    t.with_attributes = true;
    t.config.AutomaticSerialization = TRUE;
    t.attributes.ParentObject = gpup_kmdf_object(t.host.os, t.device, false);
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.attributes.ParentObject = gpup_kmdf_object(t.host.os, other, true);
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.attributes.ParentObject = other;
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.attributes.ParentObject = t.device;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    t.attributes.ParentObject = gpup_kmdf_object(t.host.os, t.device, true);
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    host_run(&t.host, (void *)WdfObjectDelete, t.attributes.ParentObject); /* held by the interrupt */
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    trial_end(&t);
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
        {WdfExecutionLevelPassive, WdfSynchronizationScopeDevice, false, false, true, STATUS_SUCCESS}};
    struct trial t;
    (void)state;
    for (unsigned i = 0; i < sizeof tries / sizeof *tries; i++) {
        trial_begin(&t, &(struct gpup_kmdf_config){.level = tries[i].level, .scope = tries[i].scope});
        t.config.AutomaticSerialization = TRUE;
        t.config.EvtInterruptDpc = tries[i].dpc ? trial_dpc : NULL;
        t.config.EvtInterruptWorkItem = tries[i].work ? trial_work : NULL;
        t.config.PassiveHandling = tries[i].passive;
        assert_int_equal(trial_create(&t), tries[i].status);
        trial_end(&t);
    }
}

static void verifier(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, &(struct gpup_kmdf_config){.messages = 2, .verifier = true});
    trial_prepare(&t);
    trial_name_resource(&t, 0); /* memory */
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    trial_name_resource(&t, 1);
    CM_PARTIAL_RESOURCE_DESCRIPTOR copy = *t.config.InterruptTranslated, *own = t.config.InterruptTranslated;
    t.config.InterruptTranslated = &copy;
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.config.InterruptTranslated = t.config.InterruptRaw; /* swapped */
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    t.config.InterruptTranslated = own;
    own->Flags ^= CM_RESOURCE_INTERRUPT_WAKE_HINT;
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER);
    own->Flags ^= CM_RESOURCE_INTERRUPT_WAKE_HINT;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    assert_int_equal(trial_create(&t), STATUS_INVALID_PARAMETER); /* twice */
    trial_name_resource(&t, 2);
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    trial_end(&t);
    trial_begin(&t, &(struct gpup_kmdf_config){.messages = 0, .verifier = true});
    trial_prepare(&t);
    trial_name_resource(&t, 1);
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    assert_int_equal(trial_create(&t), STATUS_SUCCESS); /* a line may be shared */
    trial_end(&t);
}

static void memory(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, NULL);
    t.with_attributes = true;
    WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(&t.attributes, PARTS);
    for (uint32_t nth = 1; nth <= 2; nth++) {
        gpup_os_fail_allocation(t.host.os, nth, 1);
        assert_int_equal(trial_create(&t), STATUS_INSUFFICIENT_RESOURCES);
    }
    gpup_os_fail_allocation(t.host.os, 0, 0);
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    trial_end(&t);
}

static void violations(void **state) {
    struct trial t;
    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        trial_begin(&t, NULL);
        t.with_attributes = true;
        t.config.AutomaticSerialization = i == 4;
        struct gpup_os_call call = trial_call(&t);
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
        trial_end(&t);
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
    trial_begin(&t, NULL);
    assert_int_equal(host_run(&t.host, (void *)create_raised, &t), STATUS_SUCCESS);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
    n.count = 1;
    host_run(&t.host, (void *)create_raised, &t);
    assert_int_equal(logged(&t.host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_IRQL);
    trial_end(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),   cmocka_unit_test(device_add), cmocka_unit_test(other_states),
        cmocka_unit_test(wake),    cmocka_unit_test(locks),      cmocka_unit_test(attributes),
        cmocka_unit_test(parents), cmocka_unit_test(levels),     cmocka_unit_test(verifier),
        cmocka_unit_test(memory),  cmocka_unit_test(violations), cmocka_unit_test(irql)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
