/* The interrupt object at work: power, delivery, locks, contexts, deletion. */
#include "kmdf_trial.h"

static void at_work(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, &(struct gpup_kmdf_config){.messages = 2});
    t.config.EvtInterruptEnable = trial_enable;
    t.config.EvtInterruptDisable = trial_disable;
    for (unsigned i = 0; i < 3; i++) /* one more than is granted */
        assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 1));
    trial_prepare(&t);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 1)); /* not connected yet */
    trial_move(&t, GPUP_KMDF_D0);
    assert_string_equal(n.order, "++");
    assert_true(n.enable_irql > DISPATCH_LEVEL);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 1));
    assert_string_equal(n.order, "++id");
    assert_int_equal(n.message, 1);
    assert_true(n.isr_irql > DISPATCH_LEVEL);
    assert_int_equal(n.dpc_irql, DISPATCH_LEVEL);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 2));
    trial_move(&t, GPUP_KMDF_LOW_POWER);
    assert_string_equal(n.order, "++id--");
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 1));
    trial_move(&t, GPUP_KMDF_RELEASED);
    trial_prepare(&t); /* objects of DeviceAdd are still there */
    trial_move(&t, GPUP_KMDF_D0);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 0));
    assert_int_equal(n.message, 0);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
    trial_end(&t);
}

static void passive(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, &(struct gpup_kmdf_config){.wake_hint = true});
    trial_prepare(&t);
    trial_name_resource(&t, 1);
    t.config.PassiveHandling = TRUE;
    t.config.CanWakeDevice = TRUE;
    t.config.EvtInterruptDpc = NULL;
    t.config.EvtInterruptWorkItem = trial_work;
    t.config.EvtInterruptEnable = trial_enable;
    t.config.EvtInterruptDisable = trial_disable;
    n.queue_work = true;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    trial_move(&t, GPUP_KMDF_D0);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 0));
    assert_string_equal(n.order, "+iw");
    assert_int_equal(n.isr_irql + n.work_irql + n.enable_irql, PASSIVE_LEVEL);
    trial_move(&t, GPUP_KMDF_LOW_POWER); /* stays connected, no Disable */
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 0));
    assert_string_equal(n.order, "+iw");
    trial_move(&t, GPUP_KMDF_D0);
    gpup_os_advance(t.host.os, 0);
    assert_string_equal(n.order, "+iwiw");
    trial_end(&t);
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
    trial_make_locks(lock);
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

static void take_both(WDFWAITLOCK first, WDFWAITLOCK second, LONGLONG *timeout) {
    WdfWaitLockAcquire(first, NULL);
    if (WdfWaitLockAcquire(second, timeout) == STATUS_SUCCESS)
        WdfWaitLockRelease(second);
    WdfWaitLockRelease(first);
}
static NTSTATUS DDI_CALL one_way(void *argument) {
    void **lock = argument;
    take_both(lock[1], lock[3], NULL);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL other_way_tried(void *argument) {
    void **lock = argument;
    LONGLONG soon = -10;
    take_both(lock[3], lock[1], &soon);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL other_way(void *argument) {
    void **lock = argument;
    take_both(lock[3], lock[1], NULL);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL other_locks(void *argument) { /* in the memory of those before */
    void **lock = argument;
    for (unsigned i = 4; i--;)
        WdfObjectDelete(lock[i]);
    return trial_make_locks(lock) ? STATUS_UNSUCCESSFUL : trial_make_locks(lock + 2);
}

static void lock_orders(void **state) {
    struct trial t;
    void *lock[4];
    (void)state;
    trial_begin(&t, NULL);
    assert_int_equal(host_run(&t.host, (void *)trial_make_locks, lock), STATUS_SUCCESS);
    assert_int_equal(host_run(&t.host, (void *)trial_make_locks, lock + 2), STATUS_SUCCESS);
    host_run(&t.host, (void *)one_way, lock);
    host_run(&t.host, (void *)other_way_tried, lock);
    assert_int_equal(host_run(&t.host, (void *)other_locks, lock), STATUS_SUCCESS);
    host_run(&t.host, (void *)other_way, lock);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
    host_run(&t.host, (void *)one_way, lock);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 1);
    assert_int_equal(logged(&t.host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_ORDER);
    trial_end(&t);
}

static void locking(void **state) {
    struct trial t;
    void *lock[2];
    (void)state;
    trial_begin(&t, NULL);
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    assert_true(host_run(&t.host, (void *)use_locks, &t) > DISPATCH_LEVEL);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_MISUSE), 0);
    assert_int_equal(host_run(&t.host, (void *)use_wait_lock, lock), 1);
    assert_int_equal(host_try(&t.host, (void *)lock_twice, &t), GPUP_RAN_DEAD);
    assert_int_equal(logged(&t.host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_RECURSION);
    assert_non_null(logged(&t.host.log, GPUP_EVENT_HANG, 0));
    trial_end(&t);
}

static NTSTATUS DDI_CALL read_parts(void *argument) {
    struct trial *t = argument;
    const PARTS *parts = get_parts(t->out);
    return parts && !parts->a && !parts->b ? STATUS_SUCCESS : STATUS_DATA_ERROR;
}

static void contexts_and_deletion(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, NULL);
    t.with_attributes = true;
    WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(&t.attributes, PARTS);
    t.attributes.EvtCleanupCallback = trial_cleaned;
    t.attributes.EvtDestroyCallback = trial_destroyed;
    for (unsigned round = 0; round < 3; round++) { /* rebalance: made again each time */
        trial_prepare(&t);
        trial_name_resource(&t, 1);
        assert_int_equal(trial_create(&t), STATUS_SUCCESS);
        assert_int_equal(host_run(&t.host, (void *)read_parts, &t), STATUS_SUCCESS);
        host_run(&t.host, (void *)WdfObjectDelete, t.out); /* without effect */
        trial_move(&t, GPUP_KMDF_D0);
        trial_move(&t, GPUP_KMDF_LOW_POWER);
        trial_move(&t, GPUP_KMDF_RELEASED);
    }
    assert_string_equal(n.order, "cxcxcx");
    trial_move(&t, GPUP_KMDF_REMOVED);
    gpup_os_report_left(t.host.os);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_LEFT), 0);
    WDFDEVICE gone = t.device;
    t.device = gpup_kmdf_device(t.host.os, &(struct gpup_kmdf_config){0});
    t.config.InterruptRaw = t.config.InterruptTranslated = NULL;
    assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    gpup_os_report_left(t.host.os);
    assert_int_equal(count_of(&t.host.log, GPUP_EVENT_LEFT), 1);
    t.device = gone;
    struct gpup_os_call call = trial_call(&t);
    assert_int_equal(gpup_os_call(t.host.os, &call), GPUP_RAN_DEAD); /* freed handle */
    trial_end(&t);
}

static void many(void **state) {
    struct trial t;
    (void)state;
    trial_begin(&t, &(struct gpup_kmdf_config){.messages = 2048});
    for (unsigned i = 0; i < 2048; i++)
        assert_int_equal(trial_create(&t), STATUS_SUCCESS);
    trial_prepare(&t);
    assert_true(gpup_arena_snapshot(t.host.arena));
    trial_move(&t, GPUP_KMDF_D0);
    gpup_arena_restore(t.host.arena);
    assert_false(gpup_kmdf_fire(t.host.os, t.device, 2047));
    trial_move(&t, GPUP_KMDF_D0);
    assert_true(gpup_kmdf_fire(t.host.os, t.device, 2047));
    assert_int_equal(n.message, 2047);
    trial_end(&t);
}

/* What DriverEntry made, a call of a second adapter of the machine may use; another machine may not. */
static uint64_t DDI_CALL makes_a_lock(WDFSPINLOCK *lock) {
    return (uint32_t)WdfSpinLockCreate(NULL, lock);
}
static uint64_t DDI_CALL uses_it(WDFSPINLOCK *lock) {
    WdfSpinLockAcquire(*lock);
    WdfSpinLockRelease(*lock);
    return 0;
}
static void one_machine(void **state) {
    struct host host, second, other;
    struct gpup_os_config config;
    WDFSPINLOCK lock = NULL;

    (void)state;
    host_open(&host, true);
    config = host_config(&host);
    second = other = host;
    other.os = gpup_os_new(&config);
    config.system = host.os;
    second.os = gpup_os_new(&config);
    assert_true(second.os && other.os);
    assert_int_equal(host_run(&host, (void *)makes_a_lock, &lock), 0);
    assert_int_equal(host_run(&second, (void *)uses_it, &lock), 0);
    struct gpup_os_call call = {.function = (void *)uses_it, .args = {(uintptr_t)&lock}, .count = 1};
    assert_int_equal(gpup_os_call(other.os, &call), GPUP_RAN_DEAD);
    host_close(&host);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(at_work),     cmocka_unit_test(one_machine),
                                       cmocka_unit_test(passive),     cmocka_unit_test(locking),
                                       cmocka_unit_test(lock_orders), cmocka_unit_test(contexts_and_deletion),
                                       cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
