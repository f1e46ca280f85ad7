#include "words.h"
#include <stddef.h>

const char *const gpup_words_source_kind[] = {"reference", "concept", "header", "code", "standard", NULL};
const char *const gpup_words_level[] = {"MUST", "SHOULD", "MAY", "ASSUMED", NULL};
const char *const gpup_words_basis[] = {"D", "H", "C", "I", "A", NULL};
const char *const gpup_words_subject[] = {"driver", "framework", "host", NULL};
const char *const gpup_words_observer[] = {
    "msix_table", "msix_messages", "vram",      "dirty_bits",  "schedule",   "guest_state", "config",
    "pool",       "vmbus",         "callbacks", "irql",        "interrupts", "time",        "faults",
    "guest",      "device",        "program",   "whole_trace", NULL};
const char *const gpup_words_table[] = {"none",
                                        "DRIVER_INITIALIZATION_DATA",
                                        "DXGKDDI_GPU_PARTITION_INTERFACE",
                                        "DXGKDDI_SRIOV_INTERFACE",
                                        "DXGKDDI_MITIGABLE_DEVICE_INTERFACE",
                                        "DXGKDDI_FLEXIOV_DEVICE_INTERFACE",
                                        NULL};
const char *const gpup_words_returns[] = {"NTSTATUS", "HANDLE", "VOID", "BOOLEAN", NULL};
const char *const gpup_words_gate[] = {
    "none", "LiveMigration", "ScatterMapReserve", "DirtyBitTrackingSupported", "HotDriverUpdate", NULL};
const char *const gpup_words_irql[] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL",
                                       "DIRQL",         "unstated",  NULL};
const char *const gpup_words_direction[] = {"in", "out", "inout", "none", NULL};
const char *const gpup_words_meaning[] = {"index",   "handle",  "size",     "flags", "enum",
                                          "address", "pointer", "reserved", "blob",  "count",
                                          "value",   "bool",    NULL};
const char *const gpup_words_per[] = {"adapter", "vf", "basis", NULL};
