#include "started.h"

#include <gpup/spec_ids.h>

#include <gpup/spec.h>

#include <stdio.h>
#include <string.h>

#define SUCCESS(status) ((int32_t)(status) >= 0) /* as NT_SUCCESS */

static bool is_of_start(uint64_t ddi) {
    return ddi == GPUP_DDI_DriverEntry || ddi == GPUP_DDI_AddDevice || ddi == GPUP_DDI_StartDevice;
}

/* A driver that returns success may still have registered nothing, or declined the device. */
static bool stopped_there(const struct started *started, const struct gpup_event *e) {
    if (!SUCCESS(e->f[GPUP_RETURN_status]))
        return true;
    if (e->f[GPUP_RETURN_ddi] == GPUP_DDI_DriverEntry)
        return !started->enrolled || !SUCCESS(started->answer);
    return e->f[GPUP_RETURN_ddi] == GPUP_DDI_AddDevice && !e->f[GPUP_RETURN_r0];
}

void started_follow(struct started *started, const struct gpup_event *e) {
    if (started->failed)
        return;
    if (e->kind == GPUP_EVENT_CALL && e->f[GPUP_CALL_ddi] == GPUP_DDI_DriverEntry) {
        started->enrolled = false; /* each host loads the driver */
    } else if (e->kind == GPUP_EVENT_INITIALIZED) {
        started->enrolled = true;
        started->answer = (uint32_t)e->f[GPUP_INITIALIZED_status];
    } else if (e->kind == GPUP_EVENT_RETURN && is_of_start(e->f[GPUP_RETURN_ddi])) {
        started->failed = stopped_there(started, e);
        started->ddi = (uint16_t)e->f[GPUP_RETURN_ddi];
        started->status = (uint32_t)e->f[GPUP_RETURN_status];
    }
}

void started_words(const struct started *started, char *text, size_t size) {
    const char *more = "";
    char answer[64];

    if (!started->failed) {
        snprintf(text, size, "the adapter did not start");
        return;
    }
    if (started->ddi == GPUP_DDI_DriverEntry && !started->enrolled) {
        more = ", and had not called DxgkInitialize, with which a display miniport registers";
    } else if (started->ddi == GPUP_DDI_DriverEntry && !SUCCESS(started->answer)) {
        snprintf(answer, sizeof answer, " after DxgkInitialize had refused with 0x%08x", started->answer);
        more = answer;
    } else if (SUCCESS(started->status)) {
        more = ", and no context: it declined the device";
    }
    snprintf(text, size, "the adapter did not start: %s returned 0x%08x%s", gpup_ddi_name(started->ddi),
             started->status, more);
}

/* The WDK's displib opens Dxgkrnl's device and sends it an IOCTL. */
static const char displib[] =
    "; if that is DxgkInitialize of the WDK's displib.lib, link the suite's in its place";

const char *started_advice(const char *import, size_t length) {
    static const struct {
        const char *import, *advice;
    } known[] = {
        {"ntoskrnl.exe!ZwLoadDriver", displib},
        {"ntoskrnl.exe!IoGetDeviceObjectPointer", displib},
        {"dxgkrnl.sys!DxgkInitializeDisplayOnlyDriver", "; a display-only driver has no virtual functions"},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (length == strlen(known[i].import) && !memcmp(import, known[i].import, length))
            return known[i].advice;
    return "";
}
