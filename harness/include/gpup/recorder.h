/*
 * Recorder: what a driver team compiles into its own test hook, so that calls of the real system to a real
 * driver become a trace that `gpup-cts check` judges.
 *
 * It is one source file, gpup_recorder.c, which the build makes of harness/record and of the tables of the
 * specification, and this header. It needs C11, no header of the WDK and no library: of libc only memcpy and
 * memset, which compilers call by themselves. It compiles for Windows (kernel and user mode) and for Linux,
 * 64 bits, little-endian. It allocates nothing: its state has a fixed size (GPUP_RECORDER_... below).
 *
 * In a miniport:
 *
 *     NTSTATUS DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path) {
 *         gpup_recorder_begin(&options);
 *         status = gpup_recorder_driver_entry(RealDriverEntry, driver, path);
 *         if (!NT_SUCCESS(status))
 *             gpup_recorder_end(0);
 *         return status;
 *     }
 *     ... where the driver registers:
 *         gpup_recorder_wrap(&data, sizeof data);
 *         status = DxgkInitialize(driver, path, &data);
 *         gpup_recorder_initialized(status);
 *     ... and when nothing more is to come, after Unload for instance:
 *         gpup_recorder_end(0);
 *
 * A simulator that hands over tables wraps each of them: gpup_recorder_wrap, gpup_recorder_wrap_interface.
 *
 * What it sees: the slots of DRIVER_INITIALIZATION_DATA that the specification knows and that are called at
 * APC_LEVEL or below, all of the partition, SR-IOV, mitigable-device and FlexIOV interfaces (they are wrapped
 * when QueryInterface gives them out), and three Dxgkrnl callbacks (DxgkCbLogEtwEvent,
 * DxgkCbMitigatedRangeUpdate, DxgkCbSaveMemoryForHotUpdate). Other slots stay as they are. It sees no
 * registers, no memory of the GPU, no pool and no fault: rules that need these are NOT_OBSERVABLE, unless the
 * hook adds such events by itself (gpup_recorder_add) and says so in `observers`.
 *
 * One adapter is recorded: the first that is added. Calls for others pass through and leave no event.
 *
 * Nothing is lost in silence. What could not be written is counted, and a LOST event with the number stands
 * before the next event that could; a trace with one passes no rule. Without an END event it is refused.
 *
 * Threads: any number. The hook gives a lock that its own `write` may be called under. All wrapped functions
 * are called at APC_LEVEL or below and touch pageable memory while they hold it: a mutex, no spin lock.
 */
#ifndef GPUP_RECORDER_H
#define GPUP_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GPUP_RECORDER_VERSION 1

/* Limits of its state; more of anything is counted as lost. To be changed for both files at once. */
#ifndef GPUP_RECORDER_CALLS
#define GPUP_RECORDER_CALLS 32 /* calls in the driver at a time */
#endif
#ifndef GPUP_RECORDER_OBJECTS
#define GPUP_RECORDER_OBJECTS 256 /* handles: bases, processes, VMBus handles */
#endif
#ifndef GPUP_RECORDER_RANGES
#define GPUP_RECORDER_RANGES 2048 /* of memory bases that live, and of reserves */
#endif

/* Calling convention of the wrapped functions: that of Windows. */
#if defined(__x86_64__) && !defined(_WIN32)
#define GPUP_RECORDER_CALL __attribute__((ms_abi))
#else
#define GPUP_RECORDER_CALL
#endif

struct gpup_recorder_options {
    uint32_t size;    /* sizeof(struct gpup_recorder_options) */
    uint32_t version; /* GPUP_RECORDER_VERSION */
    void *context;    /* handed to the functions below */
    /* One record of the trace, in two pieces that belong together: both, or neither and false (it counts as
     * lost). Called with the lock held, at the IRQL of the call that is recorded. Required. */
    bool (*write)(void *context, const void *head, size_t head_size, const void *data, size_t data_size);
    void (*lock)(void *context); /* both or neither; without them only one thread may be in the driver */
    void (*unlock)(void *context);
    uint64_t (*thread)(
        void *context); /* of the caller, any number; NULL: callbacks are laid to the only call */
    uint64_t (*now_ns)(void *context); /* NULL: times are 0 */
    uint32_t (*irql)(void *context);   /* NULL: PASSIVE_LEVEL everywhere */
    const char *name;                  /* of the driver, for the report; may be NULL */
    uint32_t observers; /* bits of enum gpup_observer (gpup/spec.h) that the hook adds events of */
    uint32_t largest;   /* bytes of one buffer that are written; 0: 16 MiB. A larger one counts as lost. */
};

/* From here on calls are recorded; the options are copied. Writes the file header and the first events.
 * false: options without size, version or `write`. A second time: a new trace begins. */
bool gpup_recorder_begin(const struct gpup_recorder_options *options);

/* The driver's own entry point, recorded as DriverEntry. Returns what it returns. */
int32_t gpup_recorder_driver_entry(int32_t(GPUP_RECORDER_CALL *entry)(void *driver, void *path), void *driver,
                                   void *path);

/* Puts wrappers into the slots of a DRIVER_INITIALIZATION_DATA of that many bytes, before it is registered,
 * and remembers what was there. A table that is wrapped already stays as it is. */
void gpup_recorder_wrap(void *table, size_t size);
/* What DxgkInitialize answered. */
void gpup_recorder_initialized(int32_t status);
/* The same for an interface that was not asked for by QueryInterface. which: 1 partition, 2 SR-IOV, 3
 * mitigable device, 4 FlexIOV. */
void gpup_recorder_wrap_interface(unsigned which, void *table, size_t size);

/* An event of the hook's own: a reading, a step. Kinds and fields are those of gpup/events.def, by number
 * (docs/trace.md). The data is copied into the trace before it returns. false: it counts as lost. */
struct gpup_recorder_event {
    uint16_t kind;
    uint16_t field_count; /* at most 12 */
    const uint64_t *fields;
    const void *data;
    size_t data_size;
};
bool gpup_recorder_add(const struct gpup_recorder_event *event);

/* Events that could not be written so far. Any thread, any IRQL. */
uint64_t gpup_recorder_lost(void);

/* Writes END, and LOST before it if anything is missing; wrappers pass calls through from here on. outcome: 0
 * complete, 4 it crashed. false: END could not be written; the trace will be refused. */
bool gpup_recorder_end(uint32_t outcome);

#ifdef __cplusplus
}
#endif

#endif
