/* The documented start order of an adapter, on one host. */
#include "internal.h"

#include <string.h>

static void emit_table0(struct host *h) {
    /* A driver that registers is announced by DxgkInitialize; tables that were handed over are announced
     * here. */
    struct gpup_event e = world_event(h, GPUP_EVENT_TABLE_SLOTS);
    uint8_t bits[24] = {0};
    const char *slots = (const char *)&h->ddis + 8;
    for (size_t i = 0; i < 192; i++) {
        uint64_t pointer;
        memcpy(&pointer, slots + i * 8, 8);
        if (pointer)
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    e.f[GPUP_TABLE_SLOTS_version] = h->ddis.Version;
    e.f[GPUP_TABLE_SLOTS_size] = sizeof h->ddis;
    e.data = bits;
    e.data_size = sizeof bits;
    world_emit(h, &e);
}

static bool step_machine(struct host *h, uint16_t ddi) {
    static const uint64_t none[GPUP_DDI_ARGUMENTS_MAX];
    gpup_machine_step(&h->machines, ddi, GPUP_SLOT_NONE, GPUP_SLOT_NONE, none);
    return true;
}

/* DriverEntry is no slot of a table, so the call is written out. */
bool host_load_driver(struct host *h) {
    struct gpup_world *w = h->world;
    struct gpup_event e = world_event(h, GPUP_EVENT_CALL);
    NTSTATUS status = 0;
    world_make_current(h);
    h->call = ++w->calls;
    e.f[GPUP_CALL_ddi] = GPUP_DDI_DriverEntry;
    world_emit(h, &e);
    gpup_image_discard(w->image, false);
    enum gpup_ran ran = gpup_dxgkrnl_load(h->os, w->implementation->driver_entry, &status);
    gpup_image_discard(w->image, true);
    if (ran != GPUP_RAN_RETURNED) {
        h->call = 0;
        return false;
    }
    e = world_event(h, GPUP_EVENT_RETURN);
    e.f[GPUP_RETURN_ddi] = GPUP_DDI_DriverEntry;
    e.f[GPUP_RETURN_status] = (uint32_t)status;
    world_emit(h, &e);
    h->call = 0;
    if (!NT_SUCCESS(status) || !gpup_dxgkrnl_ddis(h->os))
        return false;
    h->ddis = *gpup_dxgkrnl_ddis(h->os);
    h->has[GPUP_TABLE_DRIVER_INITIALIZATION_DATA - 1] = true;
    h->loaded = true;
    return step_machine(h, GPUP_DDI_DriverEntry);
}

bool host_add_device(struct host *h) {
    struct ddi_call c;
    if (!ddi_begin(&c, h, GPUP_DDI_AddDevice, NULL, 0, GPUP_SLOT_NONE))
        return false;
    PVOID *context = ddi_buffer(&c, GPUP_ROLE_INTERFACE, sizeof *context, DDI_OUT, false);
    if (context) {
        h->adapter = gpup_dxgkrnl_physical_device(h->os); /* the first argument here, not a context yet */
        ddi_go(&c, (uint64_t[]){(uintptr_t)context}, 1);
        h->adapter = *context;
        c.r[0] = *context ? world_object(h->world) : 0;
    }
    ddi_end(&c);
    /* SUCCESS with a NULL context: the driver does not support this device. */
    h->added = c.success && h->adapter;
    return h->added;
}

/* The table was lent for the call: it is overwritten, and a driver that kept the pointer shows. */
static void lend(struct host *h, DXGKRNL_INTERFACE *table) {
    gpup_os_buffer_free(h->os, h->lent);
    h->lent = table;
    if (table)
        gpup_dxgkrnl_overwrite(table);
}

bool host_start_device(struct host *h, uint32_t interface_size) {
    struct ddi_call c;
    struct gpup_dxgkrnl_options options = {.interface_size = interface_size & ~7u};
    uint64_t a[] = {interface_size & ~7u};
    if (world_never(h, options.interface_size && options.interface_size < sizeof(DXGKRNL_INTERFACE),
                    "a driver gets the callbacks of the version it registered with") ||
        !ddi_begin(&c, h, GPUP_DDI_StartDevice, a, 1, GPUP_SLOT_NONE))
        return false;
    bool before = h->started; /* a negative step: the call is refused, the adapter goes on */
    DXGK_START_INFO *info = ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *info, DDI_IN | DDI_CONST, false);
    DXGKRNL_INTERFACE *table =
        ddi_buffer(&c, GPUP_ROLE_INTERFACE, sizeof *table, DDI_IN | DDI_CONST | DDI_KEEP, false);
    ULONG *outputs = ddi_buffer(&c, GPUP_ROLE_DATA, 2 * sizeof *outputs, DDI_OUT, false);
    if (info && table && outputs) {
        gpup_dxgkrnl_start_info(h->os, info);
        gpup_dxgkrnl_set_options(h->os, &options);
        gpup_dxgkrnl_interface(h->os, table);
        gpup_dxgkrnl_started(h->os, h->adapter); /* callbacks and interrupts are legal from here */
        ddi_go(&c,
               (uint64_t[]){(uintptr_t)info, (uintptr_t)table, (uintptr_t)outputs, (uintptr_t)(outputs + 1)},
               4);
        c.r[0] = outputs[0];
        c.r[1] = outputs[1];
        c.buffer[2].used = c.success ? 2 * sizeof *outputs : 0;
        if (!c.success && !before)
            gpup_dxgkrnl_stopped(h->os);
    }
    ddi_end(&c);
    lend(h, table);
    h->older = options.interface_size && options.interface_size < sizeof(DXGKRNL_INTERFACE);
    h->started = c.success || before;
    h->asleep = h->asleep && !c.success;
    h->world->started = h->world->started || h->started;
    return c.success;
}

static bool open_tables(struct host *h) {
    struct gpup_world *w = h->world;
    world_make_current(h);
    if (!w->implementation->open(&h->open) || !h->open.ddis)
        return false;
    h->adapter = h->open.adapter;
    h->device = h->open.device;
    if (h->device_ops && h->device) {
        struct gpup_device_log log = world_device_log(h);
        if (h->device_ops->attach)
            h->device_ops->attach(h->device, &log);
        gpup_os_set_device(h->os, h->device_ops, h->device);
    }
    h->ddis = *h->open.ddis;
    h->has[GPUP_TABLE_DRIVER_INITIALIZATION_DATA - 1] = true;
    h->loaded = h->added = h->started = w->started = true;
    gpup_machine_set(&h->machines, GPUP_MACHINE_adapter, 0, GPUP_STATE_adapter_Started);
    emit_table0(h);
    return true;
}

static void take_interface(struct host *h, unsigned table, const void *from, void *to, size_t size) {
    if (!from)
        return;
    memcpy(to, from, size);
    h->has[table - 1] = true;
    world_emit_slots(h, table - 1, from, size);
}

/* Interfaces handed over directly; the rest is asked for by GUID, as a miniport's are. */
void host_get_interfaces(struct host *h) {
    take_interface(h, GPUP_TABLE_DXGKDDI_GPU_PARTITION_INTERFACE, h->open.partition, &h->partition,
                   sizeof h->partition);
    take_interface(h, GPUP_TABLE_DXGKDDI_SRIOV_INTERFACE, h->open.sriov, &h->sriov, sizeof h->sriov);
    take_interface(h, GPUP_TABLE_DXGKDDI_MITIGABLE_DEVICE_INTERFACE, h->open.mitigable, &h->mitigable,
                   sizeof h->mitigable);
    take_interface(h, GPUP_TABLE_DXGKDDI_FLEXIOV_DEVICE_INTERFACE, h->open.flexiov, &h->flexiov,
                   sizeof h->flexiov);
    static const uint16_t sizes[] = {
        0, sizeof(DXGKDDI_GPU_PARTITION_INTERFACE), sizeof(DXGKDDI_SRIOV_INTERFACE),
        sizeof(DXGKDDI_MITIGABLE_DEVICE_INTERFACE), sizeof(DXGKDDI_FLEXIOV_DEVICE_INTERFACE)};
    for (unsigned i = 1; i <= 4; i++)
        if (!h->has[i] && ddi_function(h, GPUP_DDI_QueryInterface))
            op_query_interface(h, i, sizes[i], 1, true);
}

/* What PCI says of the VFs of a PF: an extended capability with this id. */
#define SRIOV_CAPABILITY 0x10u
#define SRIOV_VF_OFFSET 0x14u /* and the stride behind it */
#define SRIOV_VF_DEVICE 0x1Au
struct identity {
    uint32_t vendor, device, offset, stride; /* device 0: not known */
};

static struct identity identify(const struct host *h) {
    uint32_t (*read)(void *, uint32_t, uint32_t) = h->device_ops ? h->device_ops->config_read : NULL;
    uint32_t at = 0x100, header = 0;
    for (unsigned i = 0; read && h->device && i < 64 && at >= 0x100; i++, at = header >> 20) {
        header = read(h->device, at, 4);
        if ((header & 0xFFFF) != SRIOV_CAPABILITY)
            continue;
        uint32_t places = read(h->device, at + SRIOV_VF_OFFSET, 4);
        return (struct identity){read(h->device, 0, 2), read(h->device, at + SRIOV_VF_DEVICE, 2),
                                 places & 0xFFFF, places >> 16};
    }
    return (struct identity){0};
}

/* 1 + routing id of a VF whose PF is where the PnP manager says; 0: nobody was told. */
static uint32_t routing(const struct host *h, const struct identity *who, uint32_t vf) {
    uint32_t bus = world_bus(h->world, h->index), function = bus ? 1u << 3 | 2 : 0;
    if (!who->device || !h->world->implementation->driver_entry)
        return 0;
    return 1 + (bus << 8 | function) + who->offset + vf * who->stride;
}

static void describe(struct host *h) {
    if (h->device_ops && h->device)
        h->device_ops->describe(h->device, &h->shape);
    h->observers = world_observers(h);
    const struct identity who = identify(h);
    struct gpup_event e = world_event(h, GPUP_EVENT_ADAPTER);
    e.f[GPUP_ADAPTER_observers] = h->observers;
    e.f[GPUP_ADAPTER_vfs] = h->shape.vfs;
    e.f[GPUP_ADAPTER_segments] = h->shape.segments;
    if (h->world->implementation->driver_entry)
        e.f[GPUP_ADAPTER_bus] = 1u + world_bus(h->world, h->index);
    world_emit(h, &e);
    for (unsigned i = 0; i < h->shape.segments && i < GPUP_MAX_SEGMENTS; i++) {
        e = world_event(h, GPUP_EVENT_SEGMENT);
        e.f[GPUP_SEGMENT_id] = h->shape.segment[i].id;
        e.f[GPUP_SEGMENT_size] = h->shape.segment[i].size;
        e.f[GPUP_SEGMENT_local] = h->shape.segment[i].local;
        e.f[GPUP_SEGMENT_page] = h->shape.segment[i].dirty_page;
        world_emit(h, &e);
    }
    for (uint32_t vf = 0; vf < h->shape.vfs; vf++) {
        e = world_event(h, GPUP_EVENT_SHAPE);
        e.f[GPUP_SHAPE_vf] = vf;
        e.f[GPUP_SHAPE_entries] = h->shape.msix_entries;
        e.f[GPUP_SHAPE_bar] = h->shape.msix_bar;
        e.f[GPUP_SHAPE_offset] = h->shape.msix_offset;
        e.f[GPUP_SHAPE_pba_bar] = h->shape.pba_bar;
        e.f[GPUP_SHAPE_pba_offset] = h->shape.pba_offset;
        e.f[GPUP_SHAPE_id] = who.device ? who.vendor | who.device << 16 : 0;
        e.f[GPUP_SHAPE_routing] = routing(h, &who, vf);
        world_emit(h, &e);
    }
    for (unsigned i = 0; h->device_ops && h->device_ops->bar && h->device && i < 6; i++) {
        uint64_t physical, size;
        if (!h->device_ops->bar(h->device, i, &physical, &size))
            continue;
        e = world_event(h, GPUP_EVENT_ADDRESSES);
        e.f[GPUP_ADDRESSES_kind] = 1;
        e.f[GPUP_ADDRESSES_base] = physical;
        e.f[GPUP_ADDRESSES_size] = size;
        world_emit(h, &e);
    }
}

/* Unit of scattered reserves in that segment. */
static void query_reserve_page(struct host *h, uint32_t id, uint8_t fill) {
    DXGK_QUERYSCATTERRESERVEOUT out = {0};
    op_query_adapter_info(h, DXGKQAITYPE_SCATTER_RESERVE, id, 4, sizeof out, fill, &out);
    uint64_t size = out.SetVGPUResourcesPageSize;
    if (id <= GPUP_MAX_SEGMENTS)
        h->reserve_page[id] = size >= 4096 && (size & (size - 1)) == 0 ? size : 0;
}

/* Capabilities, in the order of the live migration article. */
void host_query_capabilities(struct host *h) {
    uint8_t fill = h->world->config.fill & 1 ? 0x00 : 0xFF;
    if (h->supported)
        op_query_adapter_info(h, DXGKQAITYPE_GPUPCAPS, 0, 0, sizeof h->caps, fill, &h->caps);
    op_query_adapter_info(h, DXGKQAITYPE_DIRTYBITTRACKINGCAPS, 0, 0, sizeof h->dirty_caps, fill,
                          &h->dirty_caps);
    for (unsigned i = 0; h->dirty_caps.DirtyBitTrackingSupported && i < h->shape.segments; i++) {
        DXGK_DIRTY_BIT_TRACKING_SEGMENT_CAPS caps = {0};
        uint32_t id = h->shape.segment[i].id;
        op_query_adapter_info(h, DXGKQAITYPE_DIRTYBITTRACKINGSEGMENTCAPS, id, sizeof id, sizeof caps, fill,
                              &caps);
        bool valid = caps.PageSize >= 4096 && (caps.PageSize & (caps.PageSize - 1)) == 0;
        if (id <= GPUP_MAX_SEGMENTS)
            h->dirty_page[id] = valid ? caps.PageSize : 0;
    }
    for (unsigned i = 0; h->caps.Caps.ScatterMapReserve && i < h->shape.segments; i++)
        if (h->shape.segment[i].local)
            query_reserve_page(h, h->shape.segment[i].id, fill);
}

/* Event logging is on before anything can be worth an event. */
void host_enable_logging(struct host *h, bool on) {
    struct ddi_call c;
    uint64_t a[] = {on, UINT32_MAX, 5}; /* every keyword, most verbose */
    if (!ddi_function(h, GPUP_DDI_ControlEtwLogging) ||
        !ddi_begin(&c, h, GPUP_DDI_ControlEtwLogging, a, 3, GPUP_SLOT_NONE))
        return;
    ddi_go(&c, a, 3);
    ddi_end(&c);
}

static uint32_t best_count(const struct host *h, uint32_t wanted) {
    uint32_t best = 0;
    for (uint32_t i = 0; i < h->option_count; i++)
        if (h->options[i] == wanted || (h->options[i] > best && best != wanted))
            best = h->options[i];
    return best;
}

static bool finish_start(struct host *h) {
    if (host_dead(h))
        return false;
    host_enable_logging(h, true);
    host_get_interfaces(h);
    bool partitioned = ddi_function(h, GPUP_DDI_GetGpuPartitionInfo) && op_get_partition_info(h, 64);
    h->supported = partitioned;
    host_query_capabilities(h);
    if (partitioned && h->option_count)
        h->partitioned = op_set_partition_count(h, best_count(h, h->world->config.partitions));
    world_observe(h);
    return !host_dead(h);
}

/* A second adapter of the driver that the first host loaded. */
static bool share_driver(struct host *h) {
    const struct host *first = &h->world->host[0];
    if (!first->loaded)
        return false;
    h->ddis = first->ddis;
    h->has[GPUP_TABLE_DRIVER_INITIALIZATION_DATA - 1] = h->loaded = true;
    emit_table0(h);
    return step_machine(h, GPUP_DDI_DriverEntry);
}

bool host_start(struct host *h) {
    struct gpup_world *w = h->world;
    bool second = w->config.one_system && h->index && w->implementation->driver_entry;
    bool up = second                            ? share_driver(h)
              : w->implementation->driver_entry ? host_load_driver(h)
                                                : open_tables(h);
    if (w->implementation->open || up)
        describe(h);
    if (up && w->implementation->driver_entry)
        up = host_add_device(h) && host_start_device(h, 0);
    return up && finish_start(h);
}

void do_ControlEtwLogging(struct host *h, const struct gpup_step *s) {
    host_enable_logging(h, step_number(s, GPUP_ControlEtwLogging_enable) != 0);
}

/* A load that DxgkInitialize refuses; the image goes, and comes back as new. */
static bool load_again(struct host *h, NTSTATUS refusal) {
    struct gpup_dxgkrnl_options options = {.initialize_status = refusal};
    world_make_current(h);
    gpup_image_reset(h->world->image);
    if (refusal) {
        gpup_dxgkrnl_set_options(h->os, &options);
        host_load_driver(h);
        options.initialize_status = 0;
        gpup_dxgkrnl_set_options(h->os, &options);
        gpup_image_reset(h->world->image);
    }
    host_differ_again(h);
    return !host_dead(h) && host_load_driver(h);
}

void do_Restart(struct host *h, const struct gpup_step *s) {
    NTSTATUS refusal = (NTSTATUS)step_u32(s, GPUP_Restart_status);
    bool unload = step_number(s, GPUP_Restart_unload) || refusal;
    bool error = (uint32_t)refusal >> 28 == 0xC; /* severity error, one of Microsoft's */
    refusal = refusal && !error ? STATUS_UNSUCCESSFUL : refusal;
    if (!h->world->implementation->driver_entry || h->world->config.one_system) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED, "only a driver of its own is loaded and unloaded");
        return;
    }
    if (unload && !ddi_function(h, GPUP_DDI_Unload)) {
        world_skip(h, GPUP_SKIP_ABSENT, "the driver cannot be unloaded");
        return;
    }
    /* Whatever class the start is of, the way down is the documented one. */
    h->world->class = GPUP_LEGAL;
    act_wake(h);
    host_take_down(h, unload);
    h->world->class = s->class;
    if (host_dead(h) || h->added || (unload && h->loaded))
        return;
    if (unload && !load_again(h, refusal))
        return;
    if (host_add_device(h) && host_start_device(h, 0))
        finish_start(h);
}
