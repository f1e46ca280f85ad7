/* VMBus client library: the life of a channel, every wrong order, packets, suspend, and what is left. */
#include "support.h"
#include <ddi/vmbuskernelmodeclientlibapi.h>
#include <string.h>

static const GUID type = {1, 2, 3, {4}};
static const GUID instance = {5, 6, 7, {8}};

struct driver {
    VMBCHANNEL channel;
    HANDLE handle;
    NTSTATUS status, opened_status;
    unsigned opened, closed, suspended, started, posted, processed, completed;
    KIRQL opened_irql, packet_irql, completed_irql;
    bool keep; /* packets are not completed at once */
    bool wait_in_closed, request_in_started;
    LARGE_INTEGER timeout;
    NTSTATUS answer;
    VMBPACKETCOMPLETION kept;
    VMBPACKET packet;
    uint8_t bytes[16];
    UINT32 size;
};
static struct driver d;

static NTSTATUS DDI_CALL opened(VMBCHANNEL channel) {
    assert_ptr_equal(channel, d.channel);
    d.opened++;
    d.opened_irql = KeGetCurrentIrql();
    return d.opened_status;
}
static VOID DDI_CALL closed(VMBCHANNEL channel) {
    assert_ptr_equal(VmbChannelGetPointer(channel), &d);
    d.closed++;
    if (d.wait_in_closed) {
        LARGE_INTEGER wait = {.QuadPart = -10000};
        KeDelayExecutionThread(KernelMode, FALSE, &wait);
    }
}
static VOID DDI_CALL suspended(VMBCHANNEL channel) {
    (void)channel;
    d.suspended++;
}
static VOID DDI_CALL started(VMBCHANNEL channel) {
    d.started++;
    if (d.request_in_started)
        d.answer = VmbChannelSendSynchronousRequest(channel, d.bytes, 8, NULL, 0, NULL, NULL, &d.timeout);
}
static VOID DDI_CALL posted(VMBCHANNEL channel) {
    (void)channel;
    d.posted++;
}
static VOID DDI_CALL process(VMBCHANNEL channel, VMBPACKETCOMPLETION packet, PVOID buffer, UINT32 size,
                             UINT32 flags) {
    (void)channel;
    (void)flags;
    d.packet_irql = KeGetCurrentIrql();
    d.size = size;
    memcpy(d.bytes, buffer, size < sizeof d.bytes ? size : sizeof d.bytes);
    if (d.keep)
        d.kept = packet;
    else
        VmbChannelPacketComplete(packet, d.bytes, 4);
}
static VOID DDI_CALL processed(VMBCHANNEL channel, UINT32 count) {
    (void)channel;
    d.processed += count;
}
static VOID DDI_CALL sent(VMBPACKET packet, NTSTATUS status, PVOID buffer, UINT32 size) {
    (void)buffer;
    assert_int_equal(status, STATUS_SUCCESS);
    assert_int_equal(size, 0);
    assert_ptr_equal(VmbPacketGetPointer(packet), &d);
    d.completed++;
    d.completed_irql = KeGetCurrentIrql();
}

static NTSTATUS DDI_CALL allocate(void *argument) {
    (void)argument;
    return VmbChannelAllocate(NULL, TRUE, &d.channel);
}
static NTSTATUS DDI_CALL configure(void *argument) {
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS on;
    (void)argument;
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&on);
    on.EvtChannelOpened = opened;
    on.EvtChannelClosed = closed;
    on.EvtChannelSuspend = suspended;
    on.EvtChannelStarted = started;
    on.EvtChannelPostStarted = posted;
    NTSTATUS status = VmbServerChannelInitSetVmbusHandle(d.channel, d.handle);
    if (NT_SUCCESS(status))
        status = VmbServerChannelInitSetTargetInterfaceId(d.channel, type, instance);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetStateChangeCallbacks(d.channel, &on);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetProcessPacketCallbacks(d.channel, process, processed);
    if (NT_SUCCESS(status))
        status = VmbChannelInitSetMaximumPacketSize(d.channel, 4096);
    VmbChannelSetPointer(d.channel, &d);
    return status;
}
static NTSTATUS DDI_CALL enable(void *argument) {
    (void)argument;
    return VmbChannelEnable(d.channel);
}
static NTSTATUS DDI_CALL disable(void *argument) {
    (void)argument;
    VmbChannelDisable(d.channel);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL cleanup(void *argument) {
    (void)argument;
    VmbChannelCleanup(d.channel);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL set_size(void *argument) {
    return VmbChannelInitSetMaximumPacketSize(d.channel, *(UINT32 *)argument);
}
static NTSTATUS DDI_CALL complete_kept(void *argument) {
    (void)argument;
    VmbChannelPacketComplete(d.kept, NULL, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS run(struct host *host, void *function, void *argument) {
    return (NTSTATUS)(uint32_t)host_run(host, function, argument);
}

static void offer(struct host *host) {
    memset(&d, 0, sizeof d);
    host_open(host, true);
    d.handle = gpup_vmbus_handle(host->os, 3);
    assert_int_equal(run(host, (void *)allocate, NULL), STATUS_SUCCESS);
    assert_int_equal(run(host, (void *)configure, NULL), STATUS_SUCCESS);
    assert_int_equal(run(host, (void *)enable, NULL), STATUS_SUCCESS);
}

static void finish(struct host *host, unsigned left) {
    gpup_os_report_left(host->os);
    assert_int_equal(count_of(&host->log, GPUP_EVENT_LEFT), left);
    host_close(host);
}

static const struct gpup_event *step(const struct host *host, unsigned what) {
    for (unsigned i = host->log.count; i--;) {
        const struct gpup_event *event = &host->log.events[i];
        if (event->kind == GPUP_EVENT_CHANNEL && event->f[GPUP_CHANNEL_what] == what)
            return event;
    }
    return NULL;
}
static bool misused(const struct host *host, unsigned what, const char *service) {
    for (unsigned i = 0; i < host->log.count; i++) {
        const struct gpup_event *event = &host->log.events[i];
        if (event->kind == GPUP_EVENT_MISUSE && event->f[GPUP_MISUSE_what] == what &&
            !strncmp(host->log.text[i], service, 31))
            return true;
    }
    return false;
}

static void life(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    assert_false(gpup_vmbus_guest_send(host.os, d.handle, "no", 2));
    assert_true(gpup_vmbus_guest_open(host.os, d.handle));
    assert_int_equal(d.opened + d.started + d.posted, 3);
    assert_int_equal(d.opened_irql, PASSIVE_LEVEL);
    assert_true(gpup_vmbus_guest_send(host.os, d.handle, "hello", 6));
    assert_string_equal((char *)d.bytes, "hello");
    assert_int_equal(d.packet_irql, DISPATCH_LEVEL);
    assert_int_equal(d.processed, 1);
    assert_true(gpup_vmbus_guest_close(host.os, d.handle));
    assert_int_equal(d.closed, 1);
    assert_int_equal(d.suspended, 1);
    assert_true(gpup_vmbus_guest_open(host.os, d.handle)); /* and once more */
    assert_int_equal(run(&host, (void *)disable, NULL), STATUS_SUCCESS);
    assert_int_equal(d.closed, 2);
    assert_false(gpup_vmbus_guest_open(host.os, d.handle));
    run(&host, (void *)cleanup, NULL);
    static const unsigned order[] = {
        GPUP_CHANNEL_ALLOCATE,  GPUP_CHANNEL_CONFIGURE, GPUP_CHANNEL_CONFIGURE, GPUP_CHANNEL_CONFIGURE,
        GPUP_CHANNEL_CONFIGURE, GPUP_CHANNEL_CONFIGURE, GPUP_CHANNEL_ENABLE,    GPUP_CHANNEL_OPENED,
        GPUP_CHANNEL_START,     GPUP_CHANNEL_PACKET,    GPUP_CHANNEL_COMPLETE,  GPUP_CHANNEL_SUSPEND,
        GPUP_CHANNEL_CLOSED,    GPUP_CHANNEL_OPENED,    GPUP_CHANNEL_START,     GPUP_CHANNEL_DISABLE,
        GPUP_CHANNEL_SUSPEND,   GPUP_CHANNEL_CLOSED,    GPUP_CHANNEL_GONE,      GPUP_CHANNEL_CLEANUP};
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
        const struct gpup_event *event = logged(&host.log, GPUP_EVENT_CHANNEL, i);
        assert_non_null(event);
        assert_int_equal(event->f[GPUP_CHANNEL_what], order[i]);
        assert_int_equal(event->f[GPUP_CHANNEL_status], 0);
        if (i > 0) {
            assert_int_equal(event->f[GPUP_CHANNEL_vf], 3);
            assert_int_equal(event->f[GPUP_CHANNEL_handle], (uint64_t)d.handle);
        }
    }
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 0);
    finish(&host, 0);
}

static void wrong_order(void **state) {
    struct host host;
    UINT32 size = 16, zero = 0;
    (void)state;
    memset(&d, 0, sizeof d);
    host_open(&host, true);
    d.handle = gpup_vmbus_handle(host.os, 1);
    run(&host, (void *)allocate, NULL);
    assert_int_equal(run(&host, (void *)set_size, &zero), STATUS_INVALID_PARAMETER_2);
    assert_true(misused(&host, GPUP_MISUSE_PARAMETER, "VmbChannelInitSetMaximumPacketSize"));
    assert_int_equal(run(&host, (void *)enable, NULL), STATUS_INVALID_DEVICE_STATE); /* no handle */
    assert_true(misused(&host, GPUP_MISUSE_STATE, "VmbChannelEnable"));
    run(&host, (void *)disable, NULL);
    assert_int_equal(step(&host, GPUP_CHANNEL_DISABLE)->f[GPUP_CHANNEL_status],
                     (uint32_t)STATUS_INVALID_DEVICE_STATE);
    run(&host, (void *)configure, NULL);
    run(&host, (void *)enable, NULL);
    assert_int_equal(run(&host, (void *)set_size, &size), STATUS_INVALID_PARAMETER_1);
    assert_true(misused(&host, GPUP_MISUSE_STATE, "VmbChannelInitSetMaximumPacketSize"));
    assert_int_equal(run(&host, (void *)enable, NULL), STATUS_INVALID_DEVICE_STATE); /* twice */
    assert_false(misused(&host, GPUP_MISUSE_STATE, "VmbChannelCleanup"));
    run(&host, (void *)cleanup, NULL); /* without Disable */
    assert_true(misused(&host, GPUP_MISUSE_STATE, "VmbChannelCleanup"));
    assert_false(gpup_vmbus_guest_open(host.os, d.handle));
    assert_int_equal(run(&host, (void *)set_size, &size), STATUS_INVALID_PARAMETER_1); /* gone */
    assert_true(misused(&host, GPUP_MISUSE_OBJECT, "VmbChannelInitSetMaximumPacketSize"));
    VMBCHANNEL stale = d.channel;
    run(&host, (void *)allocate, NULL);
    assert_ptr_not_equal(stale, d.channel); /* the same slot, another channel */
    finish(&host, 1);
}

static NTSTATUS DDI_CALL disable_raised(void *argument) {
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    disable(argument);
    KeLowerIrql(before);
    return STATUS_SUCCESS;
}

static void levels(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    run(&host, (void *)disable_raised, NULL);
    assert_true(misused(&host, GPUP_MISUSE_IRQL, "VmbChannelDisable"));
    run(&host, (void *)cleanup, NULL);
    finish(&host, 0);
}

static void handles(void **state) {
    struct host host;
    (void)state;
    memset(&d, 0, sizeof d);
    host_open(&host, true);
    HANDLE first = gpup_vmbus_handle(host.os, 1);
    gpup_vmbus_close_handle(host.os, first);
    assert_ptr_not_equal(gpup_vmbus_handle(host.os, 1), first);
    run(&host, (void *)allocate, NULL);
    d.handle = first;
    assert_int_equal(run(&host, (void *)configure, NULL), STATUS_INVALID_HANDLE);
    d.handle = NULL;
    assert_int_equal(run(&host, (void *)configure, NULL), STATUS_INVALID_HANDLE);
    run(&host, (void *)cleanup, NULL);
    for (int i = 0; i < 2000; i++) { /* numbers come back in the end: the table is finite */
        HANDLE next = gpup_vmbus_handle(host.os, 2);
        assert_non_null(next);
        gpup_vmbus_close_handle(host.os, next);
    }
    d.handle = gpup_vmbus_handle(host.os, 2);
    assert_int_equal(run(&host, (void *)ZwClose, d.handle), STATUS_SUCCESS);
    assert_true(misused(&host, GPUP_MISUSE_STATE, "ZwClose"));
    finish(&host, 0);
}

static void late_completion(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    gpup_vmbus_guest_open(host.os, d.handle);
    d.keep = true;
    gpup_vmbus_guest_send(host.os, d.handle, "x", 1);
    assert_non_null(d.kept);
    assert_true(gpup_vmbus_guest_close(host.os, d.handle));
    assert_int_equal(d.suspended, 1);
    assert_int_equal(d.closed, 0); /* waits for the packet */
    assert_null(step(&host, GPUP_CHANNEL_COMPLETE));
    run(&host, (void *)complete_kept, NULL);
    gpup_os_advance(host.os, 0);
    assert_int_equal(d.closed, 1);
    run(&host, (void *)complete_kept, NULL);
    assert_true(misused(&host, GPUP_MISUSE_OBJECT, "VmbChannelPacketComplete"));
    run(&host, (void *)disable, NULL);
    run(&host, (void *)cleanup, NULL);
    finish(&host, 0);
}

static void disable_waits(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    gpup_vmbus_guest_open(host.os, d.handle);
    d.wait_in_closed = true;
    uint64_t before = gpup_os_now(host.os);
    run(&host, (void *)disable, NULL);
    assert_int_equal(d.closed, 1);
    assert_true(gpup_os_now(host.os) >= before + 1000000);
    run(&host, (void *)cleanup, NULL);
    finish(&host, 0);
}

static void disable_hangs(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    gpup_vmbus_guest_open(host.os, d.handle);
    d.keep = true;
    gpup_vmbus_guest_send(host.os, d.handle, "x", 1);
    assert_int_equal(host_try(&host, (void *)disable, NULL), GPUP_RAN_DEAD); /* nobody completes the packet */
    assert_int_equal(logged(&host.log, GPUP_EVENT_HANG, 0)->f[GPUP_HANG_cause], GPUP_HANG_WAIT);
    assert_false(gpup_vmbus_guest_open(host.os, d.handle));
    host_close(&host);
}

/* Its answer comes after the callback: who waits for it there gives up in time, or did not wait at all. */
static void request_with_timeout(void **state) {
    static const struct {
        LONGLONG timeout;
        NTSTATUS answer;
        uint64_t waits_ns;
    } cases[] = {{0, STATUS_SUCCESS, 0}, {-20000, STATUS_CANCELLED, 2000000}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host host;
        offer(&host);
        d.request_in_started = true;
        d.timeout.QuadPart = cases[i].timeout;
        uint64_t before = gpup_os_now(host.os);
        gpup_vmbus_guest_open(host.os, d.handle);
        assert_int_equal(d.started, 1);
        assert_int_equal(d.answer, cases[i].answer);
        assert_in_range(gpup_os_now(host.os) - before, cases[i].waits_ns, cases[i].waits_ns + 1000000);
        assert_int_equal(count_of(&host.log, GPUP_EVENT_HANG), 0);
        run(&host, (void *)disable, NULL);
        run(&host, (void *)cleanup, NULL);
        finish(&host, 0);
    }
}

static void refused_open(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    d.opened_status = STATUS_ACCESS_DENIED;
    assert_true(gpup_vmbus_guest_open(host.os, d.handle));
    assert_int_equal(step(&host, GPUP_CHANNEL_CLOSED)->f[GPUP_CHANNEL_status],
                     (uint32_t)STATUS_ACCESS_DENIED);
    assert_int_equal(d.started + d.closed, 0);
    assert_false(gpup_vmbus_guest_send(host.os, d.handle, "x", 1));
    finish(&host, 1);
}

static NTSTATUS DDI_CALL pause_channel(void *argument) {
    (void)argument;
    VmbChannelPause(d.channel);
    return STATUS_SUCCESS;
}
static NTSTATUS DDI_CALL start(void *argument) {
    (void)argument;
    VmbChannelStart(d.channel);
    return STATUS_SUCCESS;
}

static void pause_and_suspend(void **state) {
    struct host host;
    uint8_t large[5000] = {0};
    (void)state;
    offer(&host);
    gpup_vmbus_guest_open(host.os, d.handle);
    run(&host, (void *)pause_channel, NULL);
    gpup_vmbus_guest_send(host.os, d.handle, "one", 4);
    assert_int_equal(d.processed, 0);
    run(&host, (void *)start, NULL);
    gpup_os_advance(host.os, 0);
    assert_int_equal(d.processed, 1);
    assert_int_equal(d.started, 2);
    gpup_vmbus_suspend(host.os, d.handle);
    assert_int_equal(d.suspended, 1);
    gpup_vmbus_guest_send(host.os, d.handle, "two", 4);
    assert_int_equal(d.processed, 1);
    gpup_vmbus_start(host.os, d.handle);
    gpup_os_advance(host.os, 0);
    assert_int_equal(d.processed, 2);
    gpup_vmbus_guest_send(host.os, d.handle, large, sizeof large); /* beyond the maximum */
    gpup_vmbus_guest_send(host.os, d.handle, NULL, 0);
    assert_int_equal(d.processed, 3);
    assert_int_equal(d.size, 0);
    run(&host, (void *)disable, NULL);
    run(&host, (void *)cleanup, NULL);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 0);
    finish(&host, 0);
}

static NTSTATUS DDI_CALL send_one(void *argument) {
    (void)argument;
    d.packet = VmbPacketAllocate(d.channel);
    if (!d.packet)
        return STATUS_NO_MEMORY;
    VmbPacketSetPointer(d.packet, &d);
    VmbPacketSetCompletionRoutine(d.packet, sent);
    assert_ptr_equal(VmbPacketGetChannel(d.packet), d.channel);
    return VmbPacketSend(d.packet, d.bytes, 8, NULL, 0);
}
static NTSTATUS DDI_CALL free_packet(void *argument) {
    (void)argument;
    VmbPacketFree(d.packet);
    return STATUS_SUCCESS;
}

static void sends(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    assert_int_equal(run(&host, (void *)send_one, NULL), STATUS_DEVICE_NOT_CONNECTED);
    run(&host, (void *)free_packet, NULL);
    gpup_vmbus_guest_open(host.os, d.handle);
    assert_int_equal(run(&host, (void *)send_one, NULL), STATUS_SUCCESS);
    gpup_os_advance(host.os, 0);
    assert_int_equal(d.completed, 1);
    assert_int_equal(d.completed_irql, DISPATCH_LEVEL);
    assert_int_equal(step(&host, GPUP_CHANNEL_SEND)->data_size, 8);
    run(&host, (void *)free_packet, NULL);
    run(&host, (void *)free_packet, NULL);
    assert_true(misused(&host, GPUP_MISUSE_OBJECT, "VmbPacketFree"));
    finish(&host, 1);
}

static void failing_steps(void **state) {
    struct host host;
    unsigned failures = 0;
    (void)state;
    memset(&d, 0, sizeof d);
    host_open(&host, true);
    d.handle = gpup_vmbus_handle(host.os, 1);
    for (uint32_t nth = 1; nth <= 7; nth++) {
        gpup_vmbus_fail_step(host.os, nth);
        NTSTATUS status = run(&host, (void *)allocate, NULL);
        bool made = NT_SUCCESS(status);
        if (made)
            status = run(&host, (void *)configure, NULL);
        if (NT_SUCCESS(status))
            status = run(&host, (void *)enable, NULL);
        failures += status == STATUS_INSUFFICIENT_RESOURCES;
        if (made)
            run(&host, (void *)cleanup, NULL);
    }
    assert_int_equal(failures, 7); /* allocate, five settings, enable */
    gpup_os_fail_allocation(host.os, 1, 1);
    assert_int_equal(run(&host, (void *)allocate, NULL), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_MISUSE), 0);
    finish(&host, 0);
}

/* A packet that is not given as planned is a failed allocation to whoever reads the trace. */
static void failing_packet(void **state) {
    struct host host;
    const struct gpup_event *e = NULL;
    (void)state;
    offer(&host);
    gpup_vmbus_guest_open(host.os, d.handle);
    gpup_vmbus_fail_step(host.os, 1);
    assert_int_equal(run(&host, (void *)send_one, NULL), STATUS_NO_MEMORY);
    for (unsigned i = count_of(&host.log, GPUP_EVENT_ALLOC); i > 0 && !e; i--) {
        e = logged(&host.log, GPUP_EVENT_ALLOC, i - 1);
        e = e && e->f[GPUP_ALLOC_failed] ? e : NULL;
    }
    assert_non_null(e);
    assert_int_equal(run(&host, (void *)send_one, NULL), STATUS_SUCCESS);
    gpup_os_advance(host.os, 0);
    run(&host, (void *)free_packet, NULL);
    finish(&host, 1);
}

static void snapshot(void **state) {
    struct host host;
    (void)state;
    offer(&host);
    assert_true(gpup_arena_snapshot(host.arena));
    run(&host, (void *)disable, NULL);
    run(&host, (void *)cleanup, NULL);
    gpup_arena_restore(host.arena);
    assert_true(gpup_vmbus_guest_open(host.os, d.handle));
    assert_int_equal(d.opened, 1);
    finish(&host, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life),
        cmocka_unit_test(wrong_order),
        cmocka_unit_test(levels),
        cmocka_unit_test(handles),
        cmocka_unit_test(late_completion),
        cmocka_unit_test(disable_waits),
        cmocka_unit_test(disable_hangs),
        cmocka_unit_test(request_with_timeout),
        cmocka_unit_test(refused_open),
        cmocka_unit_test(pause_and_suspend),
        cmocka_unit_test(sends),
        cmocka_unit_test(failing_steps),
        cmocka_unit_test(failing_packet),
        cmocka_unit_test(snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
