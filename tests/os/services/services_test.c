/* Each service of the table has a trial, and does in it what its page says. */
#include "../support.h"
#include "trial.h"
#include <gpup/kernel.h>
#include <stdio.h>
#include <string.h>

static const struct trial *const tables[] = {
    pool_trials,     list_trials,     lock_trials,   wait_trials,   mutex_trials,
    resource_trials, timer_trials,    clock_trials,  thread_trials, processor_trials,
    memory_trials,   register_trials, string_trials, text_trials,   runtime_trials,
    bitmap_trials,   registry_trials, trace_trials,  file_trials,   wdk_trials,
};
enum { TABLES = sizeof tables / sizeof *tables }; // NOLINT(bugprone-sizeof-expression): of pointers

static const struct trial *trial_of(const char *service) {
    for (size_t i = 0; i < TABLES; i++)
        for (const struct trial *t = tables[i]; t->service; t++)
            if (!strcmp(t->service, service))
                return t;
    return NULL;
}

/* VMBus and KMDF are tested room by room, as is loading through DxgkInitialize. */
static bool ours(const struct gpup_service *service) {
    return service->header[0] != '\0';
}

static unsigned fails;

static void complain(const char *service, const char *what, uint64_t number) {
    printf("%s: %s (%llu)\n", service, what, (unsigned long long)number);
    fails++;
}

/* --- a device of plain registers */

static uint8_t registers[DEVICE_SIZE];

static bool claims(void *device, uint64_t physical, uint64_t size) {
    (void)device;
    return physical >= DEVICE_ADDRESS && size <= DEVICE_SIZE &&
           physical - DEVICE_ADDRESS <= DEVICE_SIZE - size;
}

static uint64_t bus_read(void *device, uint64_t physical, uint32_t width) {
    uint64_t value = 0;

    (void)device;
    memcpy(&value, &registers[physical - DEVICE_ADDRESS], width);
    return value;
}

static void bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value) {
    (void)device;
    memcpy(&registers[physical - DEVICE_ADDRESS], &value, width);
}

static const struct gpup_device_ops device = {
    .size = sizeof device, .claims = claims, .bus_read = bus_read, .bus_write = bus_write};

static void open_host(struct host *host) {
    memset(registers, 0, sizeof registers);
    host_open(host, true);
    gpup_os_set_device(host->os, &device, NULL);
}

/* --- one routine in a host of its own */

struct run {
    attempt what;
    KIRQL irql;
    void *room;
};

static uint64_t DDI_CALL at_irql(struct run *run) {
    uint64_t result;

    if (run->irql > PASSIVE_LEVEL)
        KfRaiseIrql(run->irql);
    result = run->what(run->room);
    if (KeGetCurrentIrql() > PASSIVE_LEVEL)
        KeLowerIrql(PASSIVE_LEVEL);
    return result;
}

static enum gpup_ran attempt_at(struct host *host, attempt what, KIRQL irql, uint64_t *result) {
    struct run *run = gpup_arena_alloc(host->arena, sizeof *run);
    struct gpup_os_call call = {.function = (void *)at_irql, .args = {(uint64_t)(uintptr_t)run}, .count = 1};
    enum gpup_ran ran;

    *run = (struct run){what, irql, gpup_os_buffer(host->os, ROOM, 0, NULL)};
    ran = gpup_os_call(host->os, &call);
    *result = call.result;
    return ran;
}

static bool misused(const struct log *log, const char *service, unsigned what) {
    size_t most = sizeof log->text[0] - 1, length = strlen(service);

    for (unsigned i = 0; i < log->count; i++) {
        const struct gpup_event *e = &log->events[i];

        if (e->kind == GPUP_EVENT_MISUSE && e->f[GPUP_MISUSE_what] == what &&
            (e->data_size == length || (what >= GPUP_MISUSE_RECURSION && e->data_size > length)) &&
            !strncmp(log->text[i], service, length < most ? length : most))
            return true;
    }
    return false;
}

static bool shows(const struct host *host, const struct trial *trial) {
    static const unsigned kinds[] = {[FAULTS] = GPUP_EVENT_FAULT,
                                     [STOPS] = GPUP_EVENT_BUGCHECK,
                                     [HANGS] = GPUP_EVENT_HANG,
                                     [DAMAGES] = GPUP_EVENT_POOL_DAMAGE,
                                     [LEAVES] = GPUP_EVENT_LEFT};
    static const unsigned misuses[] = {
        [LOCK] = GPUP_MISUSE_LOCK,   [OBJECT] = GPUP_MISUSE_OBJECT, [PARAMETER] = GPUP_MISUSE_PARAMETER,
        [STATE] = GPUP_MISUSE_STATE, [RAISED] = GPUP_MISUSE_IRQL,   [AGAIN] = GPUP_MISUSE_RECURSION};

    if (trial->evidence >= FAULTS)
        return count_of(&host->log, kinds[trial->evidence]) > 0;
    return misused(&host->log, trial->service, misuses[trial->evidence]);
}

static void check_effect(const struct gpup_service *service, const struct trial *trial) {
    struct host host;
    uint64_t result = 0;

    open_host(&host);
    if (attempt_at(&host, trial->effect, service->low, &result) != GPUP_RAN_RETURNED)
        complain(service->name, "the effect's routine did not return, event kind", host.log.events[0].kind);
    else if (result)
        complain(service->name, "no effect, in line", result);
    for (unsigned i = 0; i < host.log.count; i++)
        if (host.log.events[i].kind == GPUP_EVENT_MISUSE)
            complain(host.log.text[i], "reported in the effect's routine, misuse",
                     host.log.events[i].f[GPUP_MISUSE_what]);
    gpup_os_report_left(host.os);
    if (count_of(&host.log, GPUP_EVENT_LEFT))
        complain(service->name, "the effect's routine left something, kind",
                 logged(&host.log, GPUP_EVENT_LEFT, 0)->f[GPUP_LEFT_kind]);
    host_close(&host);
}

static void check_limit(const struct gpup_service *service, const struct trial *trial, KIRQL irql,
                        bool wrong) {
    struct host host;
    uint64_t result = 0;

    open_host(&host);
    attempt_at(&host, trial->effect ? trial->effect : trial->misuse, irql, &result);
    if (misused(&host.log, service->name, GPUP_MISUSE_IRQL) != wrong)
        complain(service->name, wrong ? "goes unreported at IRQL" : "is reported at the permitted IRQL",
                 irql);
    host_close(&host);
}

static void check_misuse(const struct trial *trial) {
    struct host host;
    uint64_t result = 0;

    open_host(&host);
    attempt_at(&host, trial->misuse, PASSIVE_LEVEL, &result);
    if (trial->evidence == LEAVES)
        gpup_os_report_left(host.os);
    if (!shows(&host, trial))
        complain(trial->service, "a misuse goes unnoticed, expected evidence", trial->evidence);
    host_close(&host);
}

static void check(const struct gpup_service *service) {
    const struct trial *trial = trial_of(service->name);

    if (!trial || !(trial->effect || trial->misuse)) {
        complain(service->name, "in the table and without a trial", 0);
        return;
    }
    if (trial->effect)
        check_effect(service, trial);
    if (service->high < HIGH_LEVEL) {
        check_limit(service, trial, service->high, false);
        check_limit(service, trial, (KIRQL)(service->high + 1), true);
    }
    if (service->low > PASSIVE_LEVEL)
        check_limit(service, trial, (KIRQL)(service->low - 1), true);
    if (trial->misuse)
        check_misuse(trial);
    else if ((trial->evidence == HARMLESS) == (service->high < HIGH_LEVEL || service->low > PASSIVE_LEVEL))
        complain(service->name, "has no misuse", 0);
}

static void all_services(void **state) {
    unsigned checked = 0;

    (void)state;
    for (size_t i = 0; i < gpup_kernel_count(); i++) {
        const struct gpup_service *service = gpup_kernel_service(i);

        if (ours(service) && !service->data) {
            check(service);
            checked++;
        }
    }
    printf("%u services\n", checked);
    assert_int_equal(fails, 0);
    assert_true(checked > 100);
}

/* A trial for something that is not in the table would never run. */
static void all_trials(void **state) {
    (void)state;
    for (size_t i = 0; i < TABLES; i++)
        for (const struct trial *t = tables[i]; t->service; t++) {
            size_t at = 0;

            while (at < gpup_kernel_count() && strcmp(gpup_kernel_service(at)->name, t->service) != 0)
                at++;
            if (at == gpup_kernel_count())
                fail_msg("%s has a trial and is not in the table", t->service);
        }
}

static void names_are_unique(void **state) {
    (void)state;
    for (size_t i = 0; i < gpup_kernel_count(); i++)
        for (size_t k = i + 1; k < gpup_kernel_count(); k++)
            assert_string_not_equal(gpup_kernel_service(i)->name, gpup_kernel_service(k)->name);
}

static void find(void **state) {
    const struct gpup_service *found = gpup_kernel_find("NTOSKRNL.exe", "KeSetEvent");

    (void)state;
    assert_non_null(found);
    assert_ptr_equal(found->address, (const void *)KeSetEvent);
    assert_string_equal(found->page, "KeSetEvent");
    assert_int_equal(found->high, DISPATCH_LEVEL);
    assert_ptr_equal(gpup_kernel_find("hal.dll", "KeSetEvent"), found);
    assert_ptr_equal(gpup_kernel_find(NULL, "KeSetEvent"), found);
    assert_null(gpup_kernel_find("ndis.sys", "KeSetEvent"));
    assert_null(gpup_kernel_find("ntoskrnl.exe", "KeSetEvents"));
    assert_null(gpup_kernel_find("ntoskrnl.exe", "kesetevent"));
    assert_null(gpup_kernel_find(NULL, "READ_REGISTER_ULONG"));
    assert_null(gpup_kernel_find("ntoskrnl.exe", "READ_REGISTER_ULONG")); /* inline in an image */
    assert_non_null(gpup_kernel_find("vmbkmcl.sys", "VmbChannelAllocate"));
    assert_null(gpup_kernel_service(gpup_kernel_count()));
}

/* --- objects are in the memory of the world: restoring it restores them */

struct kept {
    KEVENT event;
    ERESOURCE resource;
    KSPIN_LOCK lock;
    NPAGED_LOOKASIDE_LIST list;
    REGHANDLE provider;
    void *block;
    ULONG value;
};

static uint64_t DDI_CALL prepare(struct kept *k) {
    ULONG value = 1;
    GUID id = {0};

    KeInitializeEvent(&k->event, NotificationEvent, TRUE);
    ExInitializeResourceLite(&k->resource);
    ExInitializeNPagedLookasideList(&k->list, NULL, NULL, 0, 64, 0x74736554, 0);
    k->block = ExAllocateFromNPagedLookasideList(&k->list);
    ExFreeToNPagedLookasideList(&k->list, k->block);
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, u"Gpu", u"Level", REG_DWORD, &value, sizeof value);
    return (uint64_t)EtwRegister(&id, NULL, NULL, &k->provider);
}

static uint64_t DDI_CALL disturb(struct kept *k) {
    KeClearEvent(&k->event);
    ExAcquireResourceExclusiveLite(&k->resource, TRUE);
    KeAcquireSpinLockAtDpcLevel(&k->lock);
    ExDeleteNPagedLookasideList(&k->list);
    RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, u"Gpu", u"Level");
    return (uint64_t)EtwUnregister(k->provider);
}

static uint64_t DDI_CALL look(struct kept *k) {
    static WCHAR level[] = u"Level";
    RTL_QUERY_REGISTRY_TABLE table[2] = {{.Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_REQUIRED,
                                          .Name = level,
                                          .EntryContext = &k->value}};

    MUST(KeReadStateEvent(&k->event) == 1);
    MUST(ExAcquireResourceExclusiveLite(&k->resource, FALSE));
    ExReleaseResourceLite(&k->resource);
    MUST(KeTestSpinLock(&k->lock));
    MUST(ExAllocateFromNPagedLookasideList(&k->list) == k->block);
    ExFreeToNPagedLookasideList(&k->list, k->block);
    MUST(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"Gpu", table, NULL, NULL) == STATUS_SUCCESS);
    MUST(k->value == 1);
    ExDeleteNPagedLookasideList(&k->list);
    MUST(EtwUnregister(k->provider) == STATUS_SUCCESS);
    return 0;
}

static void restored(void **state) {
    struct host host;
    struct kept *kept;

    (void)state;
    open_host(&host);
    kept = gpup_arena_alloc(host.arena, sizeof *kept + 63);
    kept = (struct kept *)(((uintptr_t)kept + 63) & ~(uintptr_t)63);
    assert_int_equal(host_run(&host, (void *)prepare, kept), 0);
    assert_true(gpup_arena_snapshot(host.arena));
    for (int i = 0; i < 3; i++) {
        host_run(&host, (void *)disturb, kept);
        gpup_arena_restore(host.arena);
    }
    assert_int_equal(host_run(&host, (void *)look, kept), 0);
    host_close(&host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_services), cmocka_unit_test(all_trials), cmocka_unit_test(names_are_unique),
        cmocka_unit_test(find),         cmocka_unit_test(restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
