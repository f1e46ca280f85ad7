/* The test hook of a driver team: the reference driver, with a recorder between it and Dxgkrnl. */
#undef DxgkInitialize
#undef gpup_implementation
#include <ddi/dispmprt.h>
#include <ddi/wdm.h>
#include <gpup/implementation.h>
#include <gpup/recorder.h>

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DDI_CALL hook_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path,
                                  PDRIVER_INITIALIZATION_DATA table);
const struct gpup_implementation *GPUP_CALL hooked_implementation(void);

/* In the test: where records go. */
bool recorded_write(const void *head, size_t head_size, const void *data, size_t data_size);

static bool write_record(void *context, const void *head, size_t head_size, const void *data,
                         size_t data_size) {
    (void)context;
    return recorded_write(head, head_size, data, data_size);
}

static uint32_t irql(void *context) {
    (void)context;
    return KeGetCurrentIrql();
}

static DXGKDDI_UNLOAD *wrapped_unload;

static VOID DDI_CALL unload(void) {
    wrapped_unload();
    gpup_recorder_end(0);
}

NTSTATUS DDI_CALL hook_initialize(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path,
                                  PDRIVER_INITIALIZATION_DATA table) {
    gpup_recorder_wrap(table, sizeof *table);
    wrapped_unload = table->DxgkDdiUnload;
    table->DxgkDdiUnload = unload;
    NTSTATUS status = DxgkInitialize(driver, registry_path, table);
    gpup_recorder_initialized(status);
    return status;
}

static int32_t DDI_CALL real_entry(void *driver, void *path) {
    return DriverEntry(driver, path);
}

static NTSTATUS DDI_CALL hook_entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
    static const struct gpup_recorder_options options = {.size = sizeof options,
                                                         .version = GPUP_RECORDER_VERSION,
                                                         .write = write_record,
                                                         .irql = irql,
                                                         .name = "recorded"};
    gpup_recorder_begin(&options);
    NTSTATUS status = gpup_recorder_driver_entry(real_entry, driver, registry_path);
    if (!NT_SUCCESS(status)) /* nothing more will come */
        gpup_recorder_end(0);
    return status;
}

const struct gpup_implementation *GPUP_CALL gpup_implementation(void) {
    static struct gpup_implementation hooked;
    hooked = *hooked_implementation();
    hooked.name = "recorded";
    hooked.driver_entry = hook_entry;
    return &hooked;
}
