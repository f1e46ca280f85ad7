/* Functions declared through the DDI types fill the tables without casts, and arguments arrive unharmed. */
#include "ddi/dispmprt.h"
#include "ddi/vmbuskernelmodeclientlibapi.h"
#include "ddi/wdf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    const void *adapter;
    UINT index;
    INT16 entry;
    UCHAR level;
};
static struct seen seen;

static DXGKDDI_START_DEVICE start_device;
static DXGKDDI_WRITEVIRTUALIZEDINTERRUPT write_interrupt;
static DXGKDDI_CREATEMEMORYBASIS create_basis;
static DXGKDDI_CONTROL_ETW_LOGGING control_logging;
static DXGKDDI_GETVENDORANDDEVICE get_vendor;

static NTSTATUS DDI_CALL start_device(const PVOID MiniportDeviceContext, PDXGK_START_INFO DxgkStartInfo,
                                      PDXGKRNL_INTERFACE DxgkInterface, PULONG NumberOfVideoPresentSources,
                                      PULONG NumberOfChildren) {
    seen.adapter = MiniportDeviceContext;
    *NumberOfVideoPresentSources = DxgkStartInfo->RequiredDmaQueueEntry;
    *NumberOfChildren = DxgkInterface->Size;
    return STATUS_SUCCESS;
}

/* Spelled out rather than through DDI_CALL: a header that lost the convention no longer takes this function.
 */
#ifdef __x86_64__
__attribute__((ms_abi))
#endif
static NTSTATUS
end_live_migration(const HANDLE hAdapter, UINT vfIndex) {
    seen.adapter = hAdapter;
    seen.index = vfIndex;
    return STATUS_INVALID_PARAMETER;
}

static NTSTATUS DDI_CALL write_interrupt(const HANDLE hAdapter,
                                         const DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *pArgs) {
    seen.adapter = hAdapter;
    seen.index = pArgs->vfIndex;
    seen.entry = pArgs->InterruptTableIndex;
    return STATUS_SUCCESS;
}

static HANDLE DDI_CALL create_basis(const HANDLE hAdapter, const DXGKARG_CREATEMEMORYBASIS *pArgs) {
    return pArgs->RangeCount != 0 ? hAdapter : NULL;
}

static VOID DDI_CALL control_logging(BOOLEAN Enable, ULONG Flags, UCHAR Level) {
    seen.index = Enable ? Flags : 0;
    seen.level = Level;
}

static VOID DDI_CALL get_vendor(HANDLE Context, DXGKARG_GETVENDORANDDEVICE *pArgs) {
    seen.adapter = Context;
    pArgs->VendorId = 0x1234;
}

static int context_storage;

static void table_functions_are_called(void **state) {
    DRIVER_INITIALIZATION_DATA table = {.Version = DXGKDDI_INTERFACE_VERSION,
                                        .DxgkDdiStartDevice = start_device,
                                        .DxgkDdiControlEtwLogging = control_logging,
                                        .DxgkDdiCreateMemoryBasis = create_basis,
                                        .DxgkDdiEndLiveMigration = end_live_migration,
                                        .DxgkDdiWriteVirtualizedInterrupt = write_interrupt};
    DXGK_START_INFO start = {.RequiredDmaQueueEntry = 7};
    DXGKRNL_INTERFACE callbacks = {.Size = sizeof(callbacks)};
    DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX msix = {.vfIndex = 3, .InterruptTableIndex = -2};
    DXGKARG_CREATEMEMORYBASIS basis = {.RangeCount = 1};
    ULONG sources = 0;
    ULONG children = 0;
    (void)state;
    assert_true(
        NT_SUCCESS(table.DxgkDdiStartDevice(&context_storage, &start, &callbacks, &sources, &children)));
    assert_ptr_equal(seen.adapter, &context_storage);
    assert_int_equal(sources, 7);
    assert_int_equal(children, 576);
    assert_false(NT_SUCCESS(table.DxgkDdiEndLiveMigration(NULL, 0xFFFFFFFEu)));
    assert_int_equal(seen.index, 0xFFFFFFFEu);
    assert_int_equal(table.DxgkDdiWriteVirtualizedInterrupt(&context_storage, &msix), STATUS_SUCCESS);
    assert_int_equal(seen.index, 3);
    assert_int_equal(seen.entry, -2);
    assert_ptr_equal(table.DxgkDdiCreateMemoryBasis(&context_storage, &basis), &context_storage);
    table.DxgkDdiControlEtwLogging(TRUE, 0x80000001u, 0xFE);
    assert_int_equal(seen.index, 0x80000001u);
    assert_int_equal(seen.level, 0xFE);
}

static void interface_functions_get_their_context(void **state) {
    DXGKDDI_SRIOV_INTERFACE table = {.Context = &context_storage, .DxgkDdiGetVendorAndDevice = get_vendor};
    DXGKARG_GETVENDORANDDEVICE args = {.VirtualFunctionIndex = 1};
    (void)state;
    table.DxgkDdiGetVendorAndDevice(table.Context, &args);
    assert_ptr_equal(seen.adapter, &context_storage);
    assert_int_equal(args.VendorId, 0x1234);
}

typedef struct {
    UINT64 count;
    UINT64 limit;
} COUNTER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(COUNTER, counter_of)

/* The framework under this test: it has one context, of one type. */
static COUNTER only_context;
PVOID DDI_CALL WdfObjectGetTypedContextWorker(WDFOBJECT Handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo) {
    return Handle == &context_storage && TypeInfo == WDF_GET_CONTEXT_TYPE_INFO(COUNTER) ? &only_context
                                                                                        : NULL;
}

static void context_types_are_declared(void **state) {
    WDF_OBJECT_ATTRIBUTES attributes;
    (void)state;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, COUNTER);
    assert_string_equal(attributes.ContextTypeInfo->ContextName, "COUNTER");
    assert_int_equal(attributes.ContextTypeInfo->ContextSize, sizeof(COUNTER));
    assert_int_equal(attributes.ContextTypeInfo->Size, 40);
    assert_ptr_equal(attributes.ContextTypeInfo->UniqueType, attributes.ContextTypeInfo);
    assert_ptr_equal(counter_of(&context_storage), &only_context);
}

static void initializers_set_documented_defaults(void **state) {
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
    (void)state;
    memset(&config, 0xA5, sizeof(config));
    memset(&attributes, 0xA5, sizeof(attributes));
    memset(&callbacks, 0xA5, sizeof(callbacks));
    WDF_INTERRUPT_CONFIG_INIT(&config, NULL, NULL);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
    assert_int_equal(config.Size, 104);
    assert_int_equal(config.ShareVector, WdfUseDefault);
    assert_int_equal(config.ReportInactiveOnPowerDown, WdfUseDefault);
    assert_int_equal(config.CanWakeDevice, FALSE);
    assert_null(config.WaitLock);
    assert_int_equal(attributes.Size, 56);
    assert_int_equal(attributes.ExecutionLevel, WdfExecutionLevelInheritFromParent);
    assert_int_equal(attributes.SynchronizationScope, WdfSynchronizationScopeInheritFromParent);
    assert_null(attributes.ContextTypeInfo);
    assert_int_equal(callbacks.Size, 48);
    assert_null(callbacks.EvtChannelPostStarted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_functions_are_called),
        cmocka_unit_test(interface_functions_get_their_context),
        cmocka_unit_test(context_types_are_declared),
        cmocka_unit_test(initializers_set_documented_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
