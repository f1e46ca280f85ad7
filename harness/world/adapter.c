/* Adapter-wide calls: QueryAdapterInfo and QueryInterface. */
#include "internal.h"

#include <string.h>

/* Questions that the OS does not ask of this adapter. */
static const char *never_asked(const struct host *h, uint32_t type) {
    if (type != DXGKQAITYPE_GPUPCAPS && type != DXGKQAITYPE_DIRTYBITTRACKINGCAPS &&
        type != DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS && type != DXGKQAITYPE_SCATTER_RESERVE)
        return "only the queries of partitioning have inputs that this suite can make";
    if (type == DXGKQAITYPE_GPUPCAPS && !h->supported)
        return "GPUPCAPS is asked of an adapter that supports partitioning";
    if (type == DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS && !h->dirty_caps.DirtyBitTrackingSupported)
        return "segment capabilities are asked when dirty tracking is reported";
    if (type == DXGKQAITYPE_SCATTER_RESERVE && !h->caps.Caps.ScatterMapReserve)
        return "SCATTER_RESERVE is asked when ScatterMapReserve is reported";
    return NULL;
}

static bool has_segment(const struct host *h, uint32_t id, bool local) {
    bool found = !h->shape.segments; /* unknown: any may be there */
    for (uint32_t i = 0; i < h->shape.segments; i++)
        found = found || (h->shape.segment[i].id == id && (!local || h->shape.segment[i].local));
    return found;
}

static uint32_t output_of(uint32_t type) {
    return type == DXGKQAITYPE_SCATTER_RESERVE ? sizeof(DXGK_QUERYSCATTERRESERVEOUT) : 4;
}

/* Sizes as the structures have them, about a segment that is there. */
static bool well_asked(const struct host *h, uint32_t type, uint32_t input, uint32_t input_size,
                       uint32_t output_size) {
    bool scatter = type == DXGKQAITYPE_SCATTER_RESERVE;
    bool segment = scatter || type == DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS;
    return output_size == output_of(type) && input_size == (segment ? sizeof input : 0) &&
           (!segment || has_segment(h, input, scatter));
}

void op_query_adapter_info(struct host *h, uint32_t type, uint32_t input, uint32_t input_size,
                           uint32_t output_size, uint8_t fill, void *output) {
    struct ddi_call c;
    uint64_t a[] = {type, input_size, output_size, 0, input};
    const char *why = world_negative(h->world) ? NULL : never_asked(h, type);
    if (why) {
        world_skip(h, GPUP_SKIP_ABSENT, why);
        return;
    }
    if (world_never(h, !well_asked(h, type, input, input_size, output_size),
                    "a query has the sizes of its structures, and is about a segment of the adapter"))
        return;
    if (!ddi_begin(&c, h, GPUP_DDI_QueryAdapterInfo, a, 5, GPUP_SLOT_NONE))
        return;
    DXGKARG_QUERYADAPTERINFO *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    void *in = ddi_buffer(&c, GPUP_ROLE_INPUT, input_size, DDI_IN | DDI_CONST, false);
    void *out = ddi_buffer(&c, GPUP_ROLE_DATA, output_size, DDI_OUT, false);
    if (args && in && out) {
        memcpy(in, &input, input_size < sizeof input ? input_size : sizeof input);
        memset(out, fill, output_size);
        *args = (DXGKARG_QUERYADAPTERINFO){.Type = (DXGK_QUERYADAPTERINFOTYPE)type,
                                           .pInputData = input_size ? in : NULL,
                                           .InputDataSize = input_size,
                                           .pOutputData = out,
                                           .OutputDataSize = output_size};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success) {
            c.buffer[2].used = output_size;
            memcpy(&c.r[0], out, output_size < 8 ? output_size : 8);
            if (output)
                memcpy(output, out, output_size);
        }
    }
    ddi_end(&c);
}

struct kind {
    const GUID *guid;
    size_t size, place;
};

static const GUID unknown_interface = {
    0x7C3A91E0,
    0x52B4,
    0x4D0F,
    {0x9E, 0x11, 0x08, 0x6D, 0xF2, 0x5B, 0x33, 0xA7}}; /* made up here; nobody's */

static struct kind kind_of(unsigned interface) {
    switch (interface) {
    case 1:
        return (struct kind){&GUID_DXGKDDI_GPU_PARTITION_INTERFACE, sizeof(DXGKDDI_GPU_PARTITION_INTERFACE),
                             offsetof(struct host, partition)};
    case 2:
        return (struct kind){&GUID_DXGKDDI_SRIOV_INTERFACE, sizeof(DXGKDDI_SRIOV_INTERFACE),
                             offsetof(struct host, sriov)};
    case 3:
        return (struct kind){&GUID_DXGKDDI_MITIGABLE_DEVICE_INTERFACE,
                             sizeof(DXGKDDI_MITIGABLE_DEVICE_INTERFACE), offsetof(struct host, mitigable)};
    case 4:
        return (struct kind){&GUID_DXGKDDI_FLEXIOV_DEVICE_INTERFACE, sizeof(DXGKDDI_FLEXIOV_DEVICE_INTERFACE),
                             offsetof(struct host, flexiov)};
    default:
        return (struct kind){&unknown_interface, 64, 0};
    }
}

void world_emit_slots(struct host *h, unsigned interface, const void *bytes, size_t size) {
    struct gpup_event e = world_event(h, GPUP_EVENT_TABLE_SLOTS);
    const DXGKDDI_GPU_PARTITION_INTERFACE *head = bytes;
    uint8_t bits[8] = {0};
    for (size_t i = 0; 8 + i * 8 + 8 <= size && i < 64; i++) { /* Context is slot 0 */
        uint64_t pointer;
        memcpy(&pointer, (const char *)bytes + 8 + i * 8, 8);
        if (pointer)
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    e.f[GPUP_TABLE_SLOTS_table] = interface;
    e.f[GPUP_TABLE_SLOTS_version] = head->Version;
    e.f[GPUP_TABLE_SLOTS_size] = head->Size;
    e.data = bits;
    e.data_size = ((size - 8) / 8 + 7) / 8;
    world_emit(h, &e);
}

static void keep_interface(struct host *h, unsigned interface, struct kind k, const void *table) {
    memcpy((char *)h + k.place, table, k.size);
    h->has[interface] = true;
    world_emit_slots(h, interface, table, k.size);
}

bool op_query_interface(struct host *h, unsigned interface, uint16_t size, uint16_t version, bool keep) {
    struct ddi_call c;
    struct kind k = kind_of(interface);
    uint64_t a[] = {interface, size, version};
    bool done = false;
    INTERFACE head = {0};
    if (!ddi_begin(&c, h, GPUP_DDI_QueryInterface, a, 3, GPUP_SLOT_NONE))
        return false;
    QUERY_INTERFACE *args = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN, false);
    GUID *guid = ddi_buffer(&c, GPUP_ROLE_GUID, sizeof *guid, DDI_IN | DDI_CONST, false);
    DXGKDDI_GPU_PARTITION_INTERFACE *table = ddi_buffer(&c, GPUP_ROLE_INTERFACE, size, DDI_OUT, false);
    if (args && guid && table) {
        *guid = *k.guid;
        *args = (QUERY_INTERFACE){
            .InterfaceType = guid, .Size = size, .Version = version, .Interface = (void *)table};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success && size >= 4) {
            c.r[0] = table->Size;
            c.r[1] = table->Version;
        }
        done = c.success && size >= k.size && interface;
        if (done && keep)
            keep_interface(h, interface, k, table);
        else if (c.success && interface && size >= sizeof head && table->Size >= sizeof head)
            memcpy(&head, table, sizeof head);
    }
    ddi_end(&c);
    host_dereference_table(h, &head); /* nobody calls the functions of a table that is not kept */
    return done;
}

void do_StopDevice(struct host *h, const struct gpup_step *s) {
    (void)s;
    host_stop_device(h);
}

/* No system that partitions has less of the table than its first version. */
#define OLDEST_INTERFACE 0xA8u

void do_StartDevice(struct host *h, const struct gpup_step *s) {
    uint32_t interface = step_u32(s, GPUP_StartDevice_interface);
    host_start_device(h, interface && interface < OLDEST_INTERFACE ? OLDEST_INTERFACE : interface);
}

void do_QueryAdapterInfo(struct host *h, const struct gpup_step *s) {
    uint32_t type = step_u32(s, GPUP_QueryAdapterInfo_type);
    uint32_t size = step_size(s, GPUP_QueryAdapterInfo_output_size, output_of(type));
    op_query_adapter_info(h, type, step_u32(s, GPUP_QueryAdapterInfo_input),
                          step_size(s, GPUP_QueryAdapterInfo_input_size, 4) % 4096, size < 4096 ? size : 4096,
                          (uint8_t)step_number(s, GPUP_QueryAdapterInfo_fill), NULL);
}

void do_QueryInterface(struct host *h, const struct gpup_step *s) {
    unsigned interface = step_number(s, GPUP_QueryInterface_interface) % 5;
    uint32_t size = step_size(s, GPUP_QueryInterface_size, (uint32_t)kind_of(interface).size);
    op_query_interface(h, interface, (uint16_t)(size < 4096 ? size : 4096),
                       (uint16_t)step_number(s, GPUP_QueryInterface_version), false);
}
