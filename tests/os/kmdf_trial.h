/* One WdfInterruptCreate with everything it takes, and callbacks that note what ran. */
#ifndef GPUP_TESTS_OS_KMDF_TRIAL_H
#define GPUP_TESTS_OS_KMDF_TRIAL_H

#include "support.h"
#include <string.h>

struct notes {
    char order[64]; /* i ISR, d DPC, w work item, + enable, - disable, c cleanup, x destroy */
    unsigned count;
    KIRQL isr_irql, dpc_irql, enable_irql, work_irql, sync_irql;
    ULONG message;
    bool queue_work;
};
extern struct notes n;

EVT_WDF_INTERRUPT_ISR trial_isr;
EVT_WDF_INTERRUPT_DPC trial_dpc;
EVT_WDF_INTERRUPT_WORKITEM trial_work;
EVT_WDF_INTERRUPT_ENABLE trial_enable;
EVT_WDF_INTERRUPT_DISABLE trial_disable;
EVT_WDF_OBJECT_CONTEXT_CLEANUP trial_cleaned;
EVT_WDF_OBJECT_CONTEXT_DESTROY trial_destroyed;

typedef struct {
    uint32_t a, b;
} PARTS;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(PARTS, get_parts)

struct trial { /* its host may die of it */
    struct host host;
    WDFDEVICE device;
    WDF_INTERRUPT_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    bool with_attributes;
    WDFINTERRUPT out;
};
#define UNTOUCHED ((WDFINTERRUPT)0x5555)

void trial_begin(struct trial *t, const struct gpup_kmdf_config *config); /* NULL: four messages */
void trial_end(struct trial *t);
struct gpup_os_call trial_call(struct trial *t);
NTSTATUS trial_create(struct trial *t);
void trial_move(struct trial *t, enum gpup_kmdf_state to);
void trial_prepare(struct trial *t);
void trial_name_resource(struct trial *t, uint32_t index);
NTSTATUS DDI_CALL trial_make_locks(void *locks); /* a spin lock and a wait lock */

#endif
