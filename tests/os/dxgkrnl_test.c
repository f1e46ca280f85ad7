/* Registration, the callback table and the interrupt, with a miniature driver on a fake bus. */
#include "support.h"
#include <string.h>

#define BAR_BASE 0xE0000000ull
#define BAR_SIZE 0x10000u

/* --- the bus: one BAR of which the first register is a cell, configuration space, one interrupt at will */

struct bus {
    uint32_t cell, pending;
    bool first; /* message 0 is pending, else message 1 */
    uint8_t config[4096];
};

static bool bus_bar(void *device, unsigned index, uint64_t *physical, uint64_t *size) {
    (void)device;
    *physical = index ? 1ull << 40 : BAR_BASE;
    *size = index ? 8ull << 30 : BAR_SIZE;
    return index == 0 || index == 2;
}
static uint64_t bus_read(void *device, uint64_t physical, uint32_t width) {
    const struct bus *bus = device;
    return physical == BAR_BASE && width == 4 ? bus->cell : UINT64_MAX;
}
static void bus_write(void *device, uint64_t physical, uint32_t width, uint64_t value) {
    struct bus *bus = device;
    if (physical == BAR_BASE && width == 4)
        bus->cell = (uint32_t)value;
}
static uint32_t config_read(void *device, uint32_t offset, uint32_t width) {
    const struct bus *bus = device;
    uint32_t value = 0;
    memcpy(&value, bus->config + offset, width);
    return value;
}
static void config_write(void *device, uint32_t offset, uint32_t width, uint32_t value) {
    struct bus *bus = device;
    memcpy(bus->config + offset, &value, width);
}
static bool claims(void *device, uint64_t physical, uint64_t size) {
    (void)device;
    return physical >= BAR_BASE && physical + size <= BAR_BASE + BAR_SIZE;
}
static bool take_interrupt(void *device, uint32_t *message) {
    struct bus *bus = device;
    *message = bus->first ? 0 : 1;
    return bus->pending && bus->pending--;
}
static size_t read_config(void *device, uint32_t vf, uint8_t *bytes, size_t capacity) {
    const struct bus *bus = device;
    assert_int_equal(vf, GPUP_PF);
    memcpy(bytes, bus->config, capacity);
    return capacity;
}
static const struct gpup_device_ops bus_ops = {
    .size = sizeof bus_ops,
    .version = GPUP_DEVICE_VERSION,
    .bar = bus_bar,
    .bus_read = bus_read,
    .bus_write = bus_write,
    .config_read = config_read,
    .config_write = config_write,
    .claims = claims,
    .take_interrupt = take_interrupt,
    .read_config = read_config,
};

/* --- the driver */

struct mini {
    DXGKRNL_INTERFACE dxgk;
    DXGK_DEVICE_INFO info;
    PVOID registers;
    unsigned isr, dpc, synchronized;
    ULONG message, config, done;
    KIRQL isr_irql, dpc_irql, synchronized_irql;
    BOOLEAN first_queue, second_queue, value;
    bool adds; /* its ISR uses the lock `ordinary` */

    NTSTATUS status;
};
static struct mini mini;
static ULONG mini_version;
static size_t mini_slots_from; /* byte offset from which on slots get junk */

static KSPIN_LOCK ordinary;

static BOOLEAN DDI_CALL mini_isr(const PVOID context, ULONG message) {
    struct mini *m = context;
    m->isr++;
    if (m->adds)
        ExInterlockedAddUlong(&m->done, 1, &ordinary);
    m->message = message;
    m->isr_irql = KeGetCurrentIrql();
    m->first_queue = m->dxgk.DxgkCbQueueDpc(m->dxgk.DeviceHandle);
    m->second_queue = m->dxgk.DxgkCbQueueDpc(m->dxgk.DeviceHandle);
    return TRUE;
}
static VOID DDI_CALL mini_dpc(const PVOID context) {
    struct mini *m = context;
    m->dpc++;
    m->dpc_irql = KeGetCurrentIrql();
    m->dxgk.DxgkCbNotifyDpc(m->dxgk.DeviceHandle);
}
static NTSTATUS DDI_CALL mini_entry(PDRIVER_OBJECT driver, PUNICODE_STRING path) {
    DRIVER_INITIALIZATION_DATA data = {.Version = mini_version};
    data.DxgkDdiInterruptRoutine = mini_isr;
    data.DxgkDdiDpcRoutine = mini_dpc;
    if (mini_slots_from)
        memset((char *)&data + mini_slots_from, 0x11, sizeof data - mini_slots_from);
    return DxgkInitialize(driver, path, &data);
}

struct fixture {
    struct host host;
    struct bus bus;
};

static void open_host(struct fixture *f, uint32_t number) {
    memset(f, 0, sizeof *f);
    memset(&mini, 0, sizeof mini);
    mini_version = DXGKDDI_INTERFACE_VERSION_WDDM3_2;
    mini_slots_from = 0;
    f->host.arena = gpup_arena_new((size_t)64 << 20);
    struct gpup_os_config config = host_config(&f->host);
    config.device_ops = &bus_ops;
    config.device = &f->bus;
    config.host = number;
    f->host.os = gpup_os_new(&config);
    assert_non_null(f->host.os);
}

static NTSTATUS load(struct fixture *f) {
    NTSTATUS status;
    assert_int_equal(gpup_dxgkrnl_load(f->host.os, mini_entry, &status), GPUP_RAN_RETURNED);
    return status;
}

static void start(struct fixture *f) {
    assert_int_equal(load(f), STATUS_SUCCESS);
    gpup_dxgkrnl_interface(f->host.os, &mini.dxgk);
    gpup_dxgkrnl_started(f->host.os, &mini);
}

static const struct gpup_event *misuse(const struct fixture *f, unsigned what, const char *service) {
    for (unsigned i = 0; i < f->host.log.count; i++) {
        const struct gpup_event *event = &f->host.log.events[i];
        if (event->kind == GPUP_EVENT_MISUSE && event->f[GPUP_MISUSE_what] == what &&
            !strcmp(f->host.log.text[i], service))
            return event;
    }
    return NULL;
}

/* --- tests */

static void copies_by_version(void **state) {
    static const struct {
        ULONG version;
        size_t size;
    } known[] = {{DXGKDDI_INTERFACE_VERSION_VISTA, 496},    {DXGKDDI_INTERFACE_VERSION_WIN7, 568},
                 {DXGKDDI_INTERFACE_VERSION_WDDM2_0, 832},  {DXGKDDI_INTERFACE_VERSION_WDDM2_4, 1152},
                 {DXGKDDI_INTERFACE_VERSION_WDDM2_9, 1264}, {DXGKDDI_INTERFACE_VERSION_WDDM3_1, 1376},
                 {DXGKDDI_INTERFACE_VERSION_WDDM3_2, 1544}};
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        open_host(&f, 0);
        mini_version = known[i].version;
        mini_slots_from = 64; /* everything behind is filled, whatever the version */
        assert_int_equal(load(&f), STATUS_SUCCESS);
        const struct gpup_event *slots = logged(&f.host.log, GPUP_EVENT_TABLE_SLOTS, 0);
        assert_int_equal(slots->f[GPUP_TABLE_SLOTS_size], known[i].size);
        assert_int_equal(slots->data_size, ((known[i].size - 8) / 8 + 7) / 8);
        const uint8_t *copy = (const uint8_t *)gpup_dxgkrnl_ddis(f.host.os);
        assert_int_equal(copy[known[i].size - 1], 0x11);
        if (known[i].size < sizeof(DRIVER_INITIALIZATION_DATA))
            assert_int_equal(copy[known[i].size], 0);
        host_close(&f.host);
    }
}

static void refuses_tables(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    mini_version = 0x11008;
    assert_int_equal(load(&f), STATUS_REVISION_MISMATCH);
    assert_null(gpup_dxgkrnl_ddis(f.host.os));
    assert_non_null(misuse(&f, GPUP_MISUSE_PARAMETER, "DxgkInitialize"));
    mini_version = DXGKDDI_INTERFACE_VERSION_WDDM3_2;
    gpup_dxgkrnl_set_options(f.host.os,
                             &(struct gpup_dxgkrnl_options){.initialize_status = STATUS_DATA_ERROR});
    assert_int_equal(load(&f), STATUS_DATA_ERROR);
    assert_null(gpup_dxgkrnl_ddis(f.host.os));
    gpup_dxgkrnl_set_options(f.host.os, &(struct gpup_dxgkrnl_options){0});
    assert_int_equal(load(&f), STATUS_SUCCESS);
    assert_non_null(gpup_dxgkrnl_ddis(f.host.os));
    host_close(&f.host);
}

static void interrupts(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    start(&f);
    f.bus.pending = 1;
    assert_int_equal(gpup_os_advance(f.host.os, 1000000), GPUP_RAN_RETURNED);
    assert_int_equal(mini.isr, 1);
    assert_int_equal(mini.message, 1);
    assert_true(mini.isr_irql > DISPATCH_LEVEL);
    assert_true(mini.first_queue);
    assert_false(mini.second_queue);
    assert_int_equal(mini.dpc, 1);
    assert_int_equal(mini.dpc_irql, DISPATCH_LEVEL);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 0);
    assert_int_equal(logged(&f.host.log, GPUP_EVENT_CALLBACK, 2)->f[GPUP_CALLBACK_id], 136);
    gpup_dxgkrnl_stopped(f.host.os);
    f.bus.pending = 1;
    gpup_os_advance(f.host.os, 1000000);
    assert_int_equal(mini.isr, 1);
    host_close(&f.host);
}

/* The driver registered once, in the first adapter's DriverEntry. */
static void interrupts_of_a_second_adapter(void **state) {
    struct fixture f, second;
    (void)state;
    open_host(&f, 0);
    assert_int_equal(load(&f), STATUS_SUCCESS);
    second = f;
    struct gpup_os_config config = host_config(&f.host);
    config.device_ops = &bus_ops;
    config.device = &second.bus;
    config.host = 1;
    config.system = f.host.os;
    second.host.os = gpup_os_new(&config);
    assert_non_null(second.host.os);
    gpup_dxgkrnl_interface(second.host.os, &mini.dxgk);
    gpup_dxgkrnl_started(second.host.os, &mini);
    second.bus.pending = 1;
    assert_int_equal(gpup_os_advance(second.host.os, 1000000), GPUP_RAN_RETURNED);
    assert_int_equal(mini.isr, 1);
    assert_int_equal(mini.dpc, 1);
    host_close(&f.host);
}

static NTSTATUS DDI_CALL ask(void *argument) {
    struct mini *m = argument;
    m->status = m->dxgk.DxgkCbGetDeviceInformation(m->dxgk.DeviceHandle, &m->info);
    ULONG value = 0x55667788;
    PHYSICAL_ADDRESS base = {.QuadPart = BAR_BASE};
    m->dxgk.DxgkCbWriteDeviceSpace(m->dxgk.DeviceHandle, DXGK_WHICHSPACE_CONFIG, &value, 0x41, 3, &m->done);
    m->dxgk.DxgkCbReadDeviceSpace(m->dxgk.DeviceHandle, DXGK_WHICHSPACE_CONFIG, &m->config, 0x41, 4,
                                  &m->done);
    m->dxgk.DxgkCbMapMemory(m->dxgk.DeviceHandle, base, 0x1000, FALSE, FALSE, MmNonCached, &m->registers);
    WRITE_REGISTER_ULONG(m->registers, 0xCAFE);
    value = READ_REGISTER_ULONG(m->registers);
    NTSTATUS unmapped = m->dxgk.DxgkCbUnmapMemory(m->dxgk.DeviceHandle, m->registers);
    return unmapped ? unmapped : (NTSTATUS)value;
}

static void resources(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    f.bus.config[0x34] = 0x90; /* MSI-X with four messages */
    f.bus.config[0x90] = 0x11;
    f.bus.config[0x92] = 3;
    start(&f);
    assert_int_equal(host_run(&f.host, (void *)ask, &mini), 0xCAFE);
    assert_int_equal(mini.status, STATUS_SUCCESS);
    assert_int_equal(f.bus.cell, 0xCAFE);
    assert_int_equal(mini.config, 0x667788);
    assert_int_equal(mini.done, 4);
    assert_int_equal(mini.info.DeviceRegistryPath.Buffer[0], '\\');
    const CM_PARTIAL_RESOURCE_LIST *list = &mini.info.TranslatedResourceList->List[0].PartialResourceList;
    assert_int_equal(list->Count, 6);
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *d = list->PartialDescriptors;
    assert_int_equal(d[0].Type, CmResourceTypeMemory);
    assert_int_equal(d[0].u.Memory.Start.QuadPart, BAR_BASE);
    assert_int_equal(d[0].u.Memory.Length, BAR_SIZE);
    assert_int_equal(d[1].Type, CmResourceTypeMemoryLarge);
    assert_int_equal(d[1].Flags, CM_RESOURCE_MEMORY_LARGE_40);
    assert_int_equal((uint64_t)d[1].u.Memory40.Length40 << 8, 8ull << 30);
    assert_int_equal(d[5].Type, CmResourceTypeInterrupt);
    assert_true(d[5].Flags & CM_RESOURCE_INTERRUPT_MESSAGE);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 0);
    gpup_dxgkrnl_stopped(f.host.os);
    gpup_os_report_left(f.host.os);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_LEFT), 0);
    host_close(&f.host);
}

static const GUID triage = {0x45125F6F, 0x6132, 0x4082, {0xAD, 0x17, 0xED, 0x27, 0xF8, 0xDD, 0x02, 0xF9}};

static NTSTATUS DDI_CALL log_events(void *argument) {
    struct mini *m = argument;
    DXGKDDICB_PARTITIONING_EVENT_NOTIFICATION event = {.hAdapter = m->dxgk.DeviceHandle, .PartitionId = 3};
    KIRQL before;
    m->dxgk.DxgkCbLogEtwEvent(&triage, 0, sizeof event, &event);
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    m->dxgk.DxgkCbLogEtwEvent(&triage, 0, 256, &event); /* small enough */
    m->dxgk.DxgkCbLogEtwEvent(&triage, 0, sizeof event, &event);
    KeLowerIrql(before);
    return STATUS_SUCCESS;
}

static uint64_t seen_handle;
static uint8_t seen_partition;
static void keep_data(void *context, struct gpup_event *event) {
    if (event->kind == GPUP_EVENT_CALLBACK && event->data_size == 568) {
        memcpy(&seen_handle, event->data, 8);
        seen_partition = event->data[12];
    }
    record(context, event);
}

static void etw(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    gpup_arena_free(f.host.arena);
    f.host.arena = gpup_arena_new((size_t)64 << 20);
    struct gpup_os_config config = host_config(&f.host);
    config.emitter.emit = keep_data;
    f.host.os = gpup_os_new(&config);
    start(&f);
    host_run(&f.host, (void *)log_events, &mini);
    const struct gpup_event *first = logged(&f.host.log, GPUP_EVENT_CALLBACK, 0);
    assert_int_equal(first->f[GPUP_CALLBACK_id], 0xA8);
    assert_int_equal(first->f[GPUP_CALLBACK_irql], PASSIVE_LEVEL);
    assert_int_equal(first->f[GPUP_CALLBACK_a1], 568);
    assert_memory_equal(&first->f[GPUP_CALLBACK_a2], &triage, sizeof triage);
    assert_int_equal(first->f[GPUP_CALLBACK_a4], 1);
    assert_int_equal(seen_handle, 0); /* no address in the trace */
    assert_int_equal(seen_partition, 3);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_CALLBACK), 3);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 1);
    assert_int_equal(misuse(&f, GPUP_MISUSE_IRQL, "DxgkCbLogEtwEvent")->f[GPUP_MISUSE_irql], DISPATCH_LEVEL);
    host_close(&f.host);
}

static BOOLEAN DDI_CALL inside(PVOID context) {
    struct mini *m = context;
    m->synchronized++;
    m->synchronized_irql = KeGetCurrentIrql();
    return TRUE;
}

static NTSTATUS DDI_CALL synchronize(void *argument) {
    struct mini *m = argument;
    return m->dxgk.DxgkCbSynchronizeExecution(m->dxgk.DeviceHandle, inside, m, 0, &m->value);
}

/* The interrupt's lock is one like others: it comes before the spin lock here, and after it there. */
static BOOLEAN DDI_CALL add_inside(PVOID context) {
    struct mini *m = context;
    ExInterlockedAddUlong(&m->done, 1, &ordinary);
    return TRUE;
}
static NTSTATUS DDI_CALL interrupt_first(void *argument) {
    struct mini *m = argument;
    return m->dxgk.DxgkCbSynchronizeExecution(m->dxgk.DeviceHandle, add_inside, m, 0, &m->value);
}
static NTSTATUS DDI_CALL interrupt_second(void *argument) {
    KIRQL irql;
    KeAcquireSpinLock(&ordinary, &irql);
    NTSTATUS status = synchronize(argument);
    KeReleaseSpinLock(&ordinary, irql);
    return status;
}

static NTSTATUS DDI_CALL untyped(void *argument) {
    const struct mini *m = argument;
    union {
        DXGKCB_UNTYPED untyped;
        NTSTATUS(DDI_CALL *call)(HANDLE);
    } children = {m->dxgk.DxgkCbEnumHandleChildren};
    return children.call(m->dxgk.DeviceHandle);
}

static NTSTATUS DDI_CALL update(void *argument) {
    const struct mini *m = argument;
    m->dxgk.DxgkCbMitigatedRangeUpdate(m->dxgk.DeviceHandle, 5);
    return m->dxgk.DxgkCbQueryServices(m->dxgk.DeviceHandle, DxgkServicesAgp, NULL);
}

static void misuses(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    start(&f);
    assert_int_equal(host_run(&f.host, (void *)synchronize, &mini), STATUS_SUCCESS);
    assert_true(mini.value && mini.synchronized_irql > DISPATCH_LEVEL);
    assert_int_equal(host_run(&f.host, (void *)update, &mini), (uint32_t)STATUS_NOT_SUPPORTED);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 0);
    assert_int_equal(host_run(&f.host, (void *)untyped, &mini), (uint32_t)STATUS_NOT_SUPPORTED);
    assert_non_null(misuse(&f, GPUP_MISUSE_UNSUPPORTED, "DxgkCbEnumHandleChildren"));
    HANDLE handle = mini.dxgk.DeviceHandle;
    mini.dxgk.DeviceHandle = &mini;
    host_run(&f.host, (void *)update, &mini);
    assert_non_null(misuse(&f, GPUP_MISUSE_OBJECT, "DxgkCbMitigatedRangeUpdate"));
    mini.dxgk.DeviceHandle = handle;
    gpup_dxgkrnl_stopped(f.host.os);
    host_run(&f.host, (void *)update, &mini);
    assert_non_null(misuse(&f, GPUP_MISUSE_STATE, "DxgkCbMitigatedRangeUpdate"));
    assert_int_equal(host_run(&f.host, (void *)synchronize, &mini), (uint32_t)STATUS_INVALID_PARAMETER);
    host_close(&f.host);
}

static void order_of_locks(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    start(&f);
    assert_int_equal(host_run(&f.host, (void *)interrupt_first, &mini), STATUS_SUCCESS);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 0);
    assert_int_equal(host_run(&f.host, (void *)interrupt_second, &mini), STATUS_SUCCESS);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 1);
    assert_int_equal(logged(&f.host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_ORDER);
    host_close(&f.host);
}

/* An ISR has the lock of its own message, and of no other. */
static void lock_of_an_isr(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    start(&f);
    mini.adds = true;
    f.bus.pending = 1;
    gpup_os_advance(f.host.os, 1000000);
    assert_int_equal(mini.message, 1);
    assert_int_equal(host_run(&f.host, (void *)interrupt_second, &mini), STATUS_SUCCESS);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 0);
    f.bus.first = true;
    f.bus.pending = 1;
    gpup_os_advance(f.host.os, 1000000);
    assert_int_equal(mini.message, 0);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 1);
    assert_int_equal(logged(&f.host.log, GPUP_EVENT_MISUSE, 0)->f[GPUP_MISUSE_what], GPUP_MISUSE_ORDER);
    mini.adds = false;
    host_close(&f.host);
}

static void tables_of_two_hosts(void **state) {
    struct fixture a, b;
    DXGKRNL_INTERFACE other;
    (void)state;
    open_host(&a, 0);
    start(&a);
    open_host(&b, 1);
    start(&b);
    gpup_dxgkrnl_interface(a.host.os, &other);
    assert_ptr_not_equal(other.DxgkCbLogEtwEvent, mini.dxgk.DxgkCbLogEtwEvent);
    assert_ptr_not_equal(other.DeviceHandle, mini.dxgk.DeviceHandle);
    host_run(&b.host, (void *)update, &mini);
    assert_int_equal(count_of(&b.host.log, GPUP_EVENT_MISUSE), 0);
    mini.dxgk.DxgkCbLogEtwEvent = other.DxgkCbLogEtwEvent;
    host_run(&b.host, (void *)log_events, &mini);
    assert_non_null(misuse(&b, GPUP_MISUSE_OBJECT, "DxgkCbLogEtwEvent"));
    host_close(&a.host);
    host_close(&b.host);
}

static void short_table(void **state) {
    struct fixture f;
    DXGKRNL_INTERFACE table;
    (void)state;
    open_host(&f, 0);
    gpup_dxgkrnl_interface(f.host.os, &table);
    assert_int_equal(table.Size, 576);
    assert_non_null(table.DxgkCbDisconnectDoorbell);
    gpup_dxgkrnl_set_options(
        f.host.os, &(struct gpup_dxgkrnl_options){.interface_size = 0xB0,
                                                  .interface_version = DXGKDDI_INTERFACE_VERSION_WIN7});
    gpup_dxgkrnl_interface(f.host.os, &table);
    assert_int_equal(table.Size, 0xB0);
    assert_int_equal(table.Version, DXGKDDI_INTERFACE_VERSION_WIN7);
    assert_non_null(table.DxgkCbLogEtwEvent);
    assert_null(table.DxgkCbExcludeAdapterAccess);
    host_close(&f.host);
}

/* --- hot update: memory in each of its forms, and what comes back of it */

static NTSTATUS save_block(struct mini *m, DXGKARGCB_SAVEMEMORYFORHOTUPDATE args) {
    return m->dxgk.DxgkCbSaveMemoryForHotUpdate(m->dxgk.DeviceHandle, &args);
}

/* As its page says: the pages are not mapped when they are given, and nobody frees them. */
static NTSTATUS DDI_CALL save_pages(struct mini *m) {
    const PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = -1};
    PMDL mdl = MmAllocatePagesForMdlEx(low, high, low, 5000, MmCached, 0);
    uint8_t *bytes = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    memset(bytes, 0x33, 5000);
    MmUnmapLockedPages(bytes, mdl);
    return save_block(m, (DXGKARGCB_SAVEMEMORYFORHOTUPDATE){.pDataMdl = mdl});
}

static NTSTATUS DDI_CALL save_ranges(struct mini *m) {
    const PHYSICAL_ADDRESS high = {.QuadPart = -1};
    uint8_t *pages = MmAllocateContiguousMemory((SIZE_T)3 * 4096, high);
    ULONGLONG first = (ULONGLONG)MmGetPhysicalAddress(pages).QuadPart >> 12;
    DXGK_KSR_MEMORY_RANGE ranges[] = {{(first + 2) | 1ull << 40}, {first | 2ull << 40}};
    for (unsigned i = 0; i < 3; i++)
        memset(pages + (size_t)i * 4096, (int)i + 1, 4096);
    NTSTATUS status = save_block(
        m, (DXGKARGCB_SAVEMEMORYFORHOTUPDATE){.NumDataMemoryRanges = 2, .pDataMemoryRanges = ranges});
    MmFreeContiguousMemory(pages);
    return status;
}

static NTSTATUS DDI_CALL save_elsewhere(struct mini *m) {
    DXGK_KSR_MEMORY_RANGE range = {1ull | 1ull << 40};
    return save_block(
        m, (DXGKARGCB_SAVEMEMORYFORHOTUPDATE){.NumDataMemoryRanges = 1, .pDataMemoryRanges = &range});
}

static NTSTATUS DDI_CALL free_restored(PMDL mdl) {
    const uint8_t *bytes = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    bool same = mdl->ByteCount == 3 * 4096 && bytes[0] == 3 && bytes[4096] == 1 && bytes[3 * 4096 - 1] == 2;
    MmUnmapLockedPages((PVOID)(uintptr_t)bytes, mdl);
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
    return same ? STATUS_SUCCESS : STATUS_DATA_ERROR;
}

static void saved_memory(void **state) {
    const struct gpup_saved_block *blocks;
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    start(&f);
    assert_int_equal(host_run(&f.host, (void *)save_pages, &mini), STATUS_SUCCESS);
    assert_int_equal(host_run(&f.host, (void *)save_ranges, &mini), STATUS_SUCCESS);
    assert_int_equal(host_run(&f.host, (void *)save_elsewhere, &mini), (uint32_t)STATUS_INVALID_PARAMETER);
    assert_int_equal(gpup_dxgkrnl_saved(f.host.os, &blocks), 2);
    assert_int_equal(blocks[0].size, 8192);
    assert_int_equal(((const uint8_t *)blocks[0].data)[4999], 0x33);
    PMDL kept = gpup_dxgkrnl_restored(f.host.os, &blocks[0]);
    PMDL freed = gpup_dxgkrnl_restored(f.host.os, &blocks[1]);
    assert_int_equal(host_run(&f.host, (void *)free_restored, freed), STATUS_SUCCESS);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 0);
    gpup_os_report_left(f.host.os);
    unsigned left = 0; /* `kept` and its pages, not what was saved */
    for (unsigned i = 0; logged(&f.host.log, GPUP_EVENT_LEFT, i); i++)
        left += logged(&f.host.log, GPUP_EVENT_LEFT, i)->f[GPUP_LEFT_kind] == GPUP_OBJECT_POOL;
    assert_int_equal(left, 2);
    gpup_dxgkrnl_restored_free(f.host.os, kept);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_POOL_DAMAGE), 0);
    host_close(&f.host);
}

static void snapshot(void **state) {
    struct fixture f;
    (void)state;
    open_host(&f, 0);
    start(&f);
    assert_true(gpup_arena_snapshot(f.host.arena));
    gpup_dxgkrnl_stopped(f.host.os);
    gpup_arena_restore(f.host.arena);
    host_run(&f.host, (void *)update, &mini);
    assert_int_equal(count_of(&f.host.log, GPUP_EVENT_MISUSE), 0);
    f.bus.pending = 1;
    gpup_os_advance(f.host.os, 1000);
    assert_int_equal(mini.isr, 1);
    host_close(&f.host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_by_version), cmocka_unit_test(refuses_tables),
        cmocka_unit_test(interrupts),        cmocka_unit_test(interrupts_of_a_second_adapter),
        cmocka_unit_test(resources),         cmocka_unit_test(etw),
        cmocka_unit_test(misuses),           cmocka_unit_test(order_of_locks),
        cmocka_unit_test(lock_of_an_isr),    cmocka_unit_test(tables_of_two_hosts),
        cmocka_unit_test(saved_memory),      cmocka_unit_test(short_table),
        cmocka_unit_test(snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
