/* Several threads in the driver at once, on real threads: every call whole, none lost, callbacks at their
 * call. */
#include <ddi/dispmprt.h>
#include <gpup/judge.h>
#include <gpup/recorder.h>
#include <gpup/spec_ids.h>
#include <gpup/trace.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 6u
#define CALLS 400u

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *bytes;
static size_t size;
static size_t room;

static bool keep(void *context, const void *head, size_t head_size, const void *data, size_t data_size) {
    (void)context;
    if (size + head_size + data_size > room)
        return false;
    memcpy(bytes + size, head, head_size);
    if (data_size)
        memcpy(bytes + size + head_size, data, data_size);
    size += head_size + data_size;
    return true;
}

static void lock(void *context) {
    pthread_mutex_lock(context);
}

static void unlock(void *context) {
    pthread_mutex_unlock(context);
}

static uint64_t self(void *context) {
    (void)context;
    return (uint64_t)pthread_self();
}

/* --- the driver and the system around it ------------------------------------------------------------------
 */
static DXGKRNL_INTERFACE given;

static VOID DDI_CALL log_event(const GUID *guid, UCHAR type, USHORT length, PVOID buffer) {
    (void)guid;
    (void)type;
    (void)length;
    (void)buffer;
}

static NTSTATUS DDI_CALL add_device(const PDEVICE_OBJECT device, PVOID *context) {
    (void)device;
    *context = &given;
    return STATUS_SUCCESS;
}

static NTSTATUS DDI_CALL start_device(const PVOID context, PDXGK_START_INFO info, PDXGKRNL_INTERFACE table,
                                      PULONG sources, PULONG children) {
    (void)context;
    (void)info;
    given = *table;
    *sources = *children = 0;
    return STATUS_SUCCESS;
}

/* Its status is the VF, which its event names too. */
static NTSTATUS DDI_CALL prepare(const HANDLE adapter, const DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *args) {
    static const GUID guid = {1, 2, 3, {4}};
    (void)adapter;
    given.DxgkCbLogEtwEvent(&guid, (UCHAR)(args->vfIndex & 0xFF), 4, (PVOID)(uintptr_t)&args->vfIndex);
    return (NTSTATUS)args->vfIndex;
}

static DRIVER_INITIALIZATION_DATA table = {.Version = 0x11007,
                                           .DxgkDdiAddDevice = add_device,
                                           .DxgkDdiStartDevice = start_device,
                                           .DxgkDdiPrepareLiveMigration = prepare};

static void *work(void *argument) {
    uint32_t base = (uint32_t)(uintptr_t)argument * 10000;
    for (uint32_t i = 0; i < CALLS; i++) {
        DXGKARG_GPUP_PREPARE_LIVE_MIGRATION args = {.vfIndex = base + i};
        if (table.DxgkDdiPrepareLiveMigration(&given, &args) != (NTSTATUS)(base + i))
            return argument;
    }
    return NULL;
}

static void begin(size_t capacity) {
    static struct gpup_recorder_options o = {.size = sizeof o,
                                             .version = GPUP_RECORDER_VERSION,
                                             .context = &mutex,
                                             .write = keep,
                                             .lock = lock,
                                             .unlock = unlock,
                                             .thread = self};
    PVOID context;
    DXGK_START_INFO info = {0};
    DXGKRNL_INTERFACE callbacks = {.Size = sizeof callbacks, .DxgkCbLogEtwEvent = log_event};
    ULONG a, b;
    size = 0;
    room = capacity;
    bytes = realloc(bytes, capacity);
    assert_non_null(bytes);
    assert_true(gpup_recorder_begin(&o));
    gpup_recorder_wrap(&table, sizeof table);
    assert_int_equal(table.DxgkDdiAddDevice(NULL, &context), 0);
    assert_int_equal(table.DxgkDdiStartDevice(context, &info, &callbacks, &a, &b), 0);
}

static void run_threads(void) {
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(thread[i], &bad);
        assert_null(bad);
    }
}

static void calls_stay_whole(void **state) {
    static uint32_t vf_of[THREADS * CALLS + 100];
    struct gpup_trace_reader reader;
    struct gpup_event e;
    unsigned returns = 0, events = 0, ends = 0;
    int more;
    (void)state;
    begin(8u << 20);
    run_threads();
    assert_true(gpup_recorder_end(0));
    assert_int_equal(gpup_recorder_lost(), 0);
    gpup_trace_open(&reader, bytes, size);
    while ((more = gpup_trace_next(&reader, &e)) == 1) {
        uint64_t call = e.kind == GPUP_EVENT_CALL       ? e.f[GPUP_CALL_call]
                        : e.kind == GPUP_EVENT_RETURN   ? e.f[GPUP_RETURN_call]
                        : e.kind == GPUP_EVENT_CALLBACK ? e.f[GPUP_CALLBACK_call]
                                                        : 0;
        assert_true(call < sizeof vf_of / sizeof *vf_of);
        if (e.kind == GPUP_EVENT_CALL && e.f[GPUP_CALL_ddi] == GPUP_DDI_PrepareLiveMigration)
            vf_of[call] = (uint32_t)e.f[GPUP_CALL_a0];
        if (e.kind == GPUP_EVENT_RETURN && e.f[GPUP_RETURN_ddi] == GPUP_DDI_PrepareLiveMigration) {
            assert_int_equal(e.f[GPUP_RETURN_status], vf_of[call]);
            returns++;
        }
        if (e.kind == GPUP_EVENT_CALLBACK) {
            uint32_t vf;
            memcpy(&vf, e.data, sizeof vf);
            assert_int_equal(vf, vf_of[call]);
            events++;
        }
        ends += e.kind == GPUP_EVENT_END;
    }
    assert_int_equal(more, 0);
    assert_int_equal(returns, THREADS * CALLS);
    assert_int_equal(events, THREADS * CALLS);
    assert_int_equal(ends, 1);
}

/* The hook's own room runs out: the trace has no END, and says nothing of being whole. */
static void full(void **state) {
    (void)state;
    begin(20000);
    run_threads();
    assert_true(gpup_recorder_lost() > 100);
    assert_false(gpup_recorder_end(0));
}

static void refusals(void **state) {
    struct gpup_recorder_options o = {.size = sizeof o, .version = GPUP_RECORDER_VERSION, .write = keep};
    (void)state;
    assert_false(gpup_recorder_begin(NULL));
    o.version++;
    assert_false(gpup_recorder_begin(&o));
    o.version--;
    o.size--;
    assert_false(gpup_recorder_begin(&o));
    o.size++;
    o.write = NULL;
    assert_false(gpup_recorder_begin(&o));
    o.write = keep;
    o.lock = lock;
    assert_false(gpup_recorder_begin(&o));
    assert_false(gpup_recorder_add(&(struct gpup_recorder_event){.kind = GPUP_EVENT_KINDS}));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_stay_whole), cmocka_unit_test(full),
                                       cmocka_unit_test(refusals)};
    int rc = cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
    free(bytes);
    return rc;
}
