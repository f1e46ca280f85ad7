/* Events of a trace in words. */
#include "html.h"

#include <ddi/dispmprt.h>
#include <stddef.h>
#include <string.h>

static void tell_callback(FILE *out, const struct gpup_event *e) {
    static const struct {
        size_t offset;
        const char *name;
    } names[] = {
#define CALLBACK(name) {offsetof(DXGKRNL_INTERFACE, name), #name}
        CALLBACK(DxgkCbGetDeviceInformation),
        CALLBACK(DxgkCbMapMemory),
        CALLBACK(DxgkCbQueueDpc),
        CALLBACK(DxgkCbQueryServices),
        CALLBACK(DxgkCbReadDeviceSpace),
        CALLBACK(DxgkCbSynchronizeExecution),
        CALLBACK(DxgkCbUnmapMemory),
        CALLBACK(DxgkCbWriteDeviceSpace),
        CALLBACK(DxgkCbIsDevicePresent),
        CALLBACK(DxgkCbNotifyInterrupt),
        CALLBACK(DxgkCbNotifyDpc),
        CALLBACK(DxgkCbLogEtwEvent),
        CALLBACK(DxgkCbMitigatedRangeUpdate),
        CALLBACK(DxgkCbSaveMemoryForHotUpdate),
#undef CALLBACK
    };
    const char *name = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].offset == e->f[GPUP_CALLBACK_id])
            name = names[i].name;
    if (name)
        fprintf(out, "callback <b>%s</b>", name);
    else
        fprintf(out, "callback at offset %llu", (unsigned long long)e->f[GPUP_CALLBACK_id]);
    for (unsigned i = GPUP_CALLBACK_a0; i < GPUP_CALLBACK_FIELDS; i++)
        if (e->f[i])
            fprintf(out, " 0x%llx", (unsigned long long)e->f[i]);
}

static const char *const regions[] = {"PF BAR0", "PF BAR2", "PF BAR4", "VF BAR0",
                                      "VF BAR2", "VF BAR4", "memory"};

static void tell_mmio(FILE *out, const struct gpup_event *e) {
    uint64_t region = e->f[GPUP_MMIO_region];
    fprintf(out, "%s %s + 0x%llx %s 0x%llx", e->f[GPUP_MMIO_write] ? "writes" : "reads",
            region < sizeof regions / sizeof *regions ? regions[region] : "?",
            (unsigned long long)e->f[GPUP_MMIO_offset], e->f[GPUP_MMIO_write] ? "&#x2190;" : "&#x2192;",
            (unsigned long long)e->f[GPUP_MMIO_value]);
}

static void vf_name(FILE *out, uint64_t vf) {
    if (vf >= UINT32_MAX)
        fputs("PF", out);
    else
        fprintf(out, "VF %llu", (unsigned long long)vf);
}

static void tell_table(FILE *out, const struct gpup_event *e) {
    static const char *const words[] = {"address, low", "address, high", "data", "control"};
    uint64_t offset = e->f[GPUP_TABLE_offset];
    fputs("writes MSI-X ", out);
    if (e->f[GPUP_TABLE_area])
        fprintf(out, "pending bits + 0x%llx of ", (unsigned long long)offset);
    else
        fprintf(out, "entry %llu, %s of ", (unsigned long long)offset / 16, words[offset / 4 % 4]);
    vf_name(out, e->f[GPUP_TABLE_vf]);
    fprintf(out, " &#x2190; 0x%llx%s", (unsigned long long)e->f[GPUP_TABLE_value],
            e->f[GPUP_TABLE_powered] ? "" : ", without power");
}

static void tell_channel(FILE *out, const struct gpup_event *e) {
    static const char *const words[] = {[GPUP_CHANNEL_ALLOCATE] = "VmbChannelAllocate",
                                        [GPUP_CHANNEL_CONFIGURE] = "configured",
                                        [GPUP_CHANNEL_ENABLE] = "VmbChannelEnable",
                                        [GPUP_CHANNEL_OPENED] = "opened",
                                        [GPUP_CHANNEL_CLOSED] = "closed",
                                        [GPUP_CHANNEL_DISABLE] = "VmbChannelDisable",
                                        [GPUP_CHANNEL_CLEANUP] = "VmbChannelCleanup",
                                        [GPUP_CHANNEL_PACKET] = "packet",
                                        [GPUP_CHANNEL_COMPLETE] = "packet completed",
                                        [GPUP_CHANNEL_SEND] = "sent",
                                        [GPUP_CHANNEL_SUSPEND] = "suspended",
                                        [GPUP_CHANNEL_START] = "started",
                                        [GPUP_CHANNEL_GONE] = "VmbChannelDisable came back"};
    uint64_t what = e->f[GPUP_CHANNEL_what];
    fprintf(out, "channel %llu: %s", (unsigned long long)e->f[GPUP_CHANNEL_channel],
            what < sizeof words / sizeof *words && words[what] ? words[what] : "?");
    if (e->f[GPUP_CHANNEL_status])
        fprintf(out, ", 0x%08llx", (unsigned long long)e->f[GPUP_CHANNEL_status]);
}

static void tell_config(FILE *out, const struct gpup_event *e) {
    fprintf(out, "%s configuration of ", e->f[GPUP_CONFIG_write] ? "writes" : "reads");
    vf_name(out, e->f[GPUP_CONFIG_vf]);
    fprintf(out, " + 0x%llx %s 0x%llx", (unsigned long long)e->f[GPUP_CONFIG_offset],
            e->f[GPUP_CONFIG_write] ? "&#x2190;" : "&#x2192;", (unsigned long long)e->f[GPUP_CONFIG_value]);
}

/* Names of fields and numbers, and the text that some events carry. */
static void tell_any(FILE *out, const struct gpup_event *e, bool text) {
    for (const char *c = gpup_event_name(e->kind); c && *c; c++)
        fputc(*c == '_' ? ' ' : *c, out);
    for (unsigned i = 0; i < gpup_event_field_count(e->kind); i++) {
        const char *name = gpup_event_field_name(e->kind, i);
        if (!e->f[i] || strcmp(name, "call") == 0)
            continue;
        if (strcmp(name, "vf") == 0) {
            fputc(' ', out);
            vf_name(out, e->f[i]);
        } else {
            fprintf(out, " %s %s%llx", name, e->f[i] > 9 ? "0x" : "", (unsigned long long)e->f[i]);
        }
    }
    if (text && e->data_size) {
        fputs(": ", out);
        put_bytes(out, e->data, e->data_size);
    }
}

bool event_tell(FILE *out, const struct gpup_event *e) {
    switch (e->kind) {
    case GPUP_EVENT_CALLBACK:
        tell_callback(out, e);
        return true;
    case GPUP_EVENT_MMIO:
        tell_mmio(out, e);
        return true;
    case GPUP_EVENT_TABLE:
        tell_table(out, e);
        return true;
    case GPUP_EVENT_CHANNEL:
        tell_channel(out, e);
        return true;
    case GPUP_EVENT_CONFIG:
        tell_config(out, e);
        return true;
    case GPUP_EVENT_MISUSE:
    case GPUP_EVENT_SKIP:
        tell_any(out, e, true);
        return true;
    case GPUP_EVENT_FAULT:
    case GPUP_EVENT_BUGCHECK:
    case GPUP_EVENT_HANG:
    case GPUP_EVENT_DAMAGE:
    case GPUP_EVENT_POOL_DAMAGE:
    case GPUP_EVENT_LEFT:
    case GPUP_EVENT_RAISE:
    case GPUP_EVENT_MESSAGE:
    case GPUP_EVENT_GUEST_WRITE:
    case GPUP_EVENT_GUEST_WORK:
    case GPUP_EVENT_PAGING:
    case GPUP_EVENT_INTERRUPT_ACT:
    case GPUP_EVENT_FRAMEWORK_STOP:
    case GPUP_EVENT_LANDED:
    case GPUP_EVENT_CHANGED:
    case GPUP_EVENT_TWIN:
        tell_any(out, e, false);
        return true;
    default:
        return false;
    }
}
