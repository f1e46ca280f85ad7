/* Driver hot update: the driver saves what it knows of its vGPUs and is replaced while they run on. */
#include "internal.h"

#include <string.h>

static void save_memory(struct host *h, uint32_t flags, bool *saved) {
    struct ddi_call c;
    uint64_t a[] = {flags};
    *saved = false;
    gpup_dxgkrnl_forget_saved(h->os);
    if (!ddi_begin(&c, h, GPUP_DDI_SaveMemoryForHotUpdate, a, 1, GPUP_SLOT_NONE))
        return;
    DXGKARG_SAVEMEMORYFORHOTUPDATE *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        args->Flags.Value = flags;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    *saved = c.success;
}

/* From a success on the MDL is the driver's. */
static bool restore_block(struct host *h, const struct gpup_saved_block *block, uint32_t index) {
    struct ddi_call c;
    uint64_t a[] = {0, block->size, block->metadata_size, index};
    if (!ddi_begin(&c, h, GPUP_DDI_RestoreMemoryForHotUpdate, a, 4, GPUP_SLOT_NONE))
        return false;
    DXGKARG_RESTOREMEMORYFORHOTUPDATE *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    void *metadata = ddi_buffer(&c, GPUP_ROLE_INPUT, block->metadata_size, DDI_CONST, false);
    MDL *mdl = gpup_dxgkrnl_restored(h->os, block);
    if (args && mdl && metadata) {
        memcpy(metadata, block->metadata, block->metadata_size);
        *args = (DXGKARG_RESTOREMEMORYFORHOTUPDATE){.pDataMdl = mdl,
                                                    .MetaDataSize = (UINT)block->metadata_size,
                                                    .pMetaData = block->metadata_size ? metadata : NULL};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
    if (mdl && !c.success && !host_dead(h))
        gpup_dxgkrnl_restored_free(h->os, mdl);
    return c.success;
}

/* The driver may give away what it allocated for the restore, so the VFs are its own again by now. No page
 * says what else it could do, or when exactly this comes. */
static void complete_restore(struct host *h) {
    struct ddi_call c;
    uint64_t a[] = {1, 0, 0, 0};
    if (!ddi_begin(&c, h, GPUP_DDI_RestoreMemoryForHotUpdate, a, 4, GPUP_SLOT_NONE))
        return;
    DXGKARG_RESTOREMEMORYFORHOTUPDATE *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        *args = (DXGKARG_RESTOREMEMORYFORHOTUPDATE){.Flags.RestoreComplete = 1};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
}

static void unload(struct host *h) {
    host_dereference(h);
    host_take_down_driver(h, true);
}

/* The same image, with its sections as they were before it ever ran. */
static bool load_again(struct host *h) {
    world_make_current(h);
    gpup_image_reset(h->world->image);
    host_differ_again(h);
    return !host_dead(h) && host_load_driver(h) && host_add_device(h);
}

/* Bases, processes and migrations do not outlive the driver, and no document says what becomes of them. */
static bool can_update(const struct host *h) {
    for (unsigned i = 0; i < WORLD_BASES; i++)
        if (h->bases[i].live)
            return false;
    for (unsigned i = 0; i < WORLD_SLOTS; i++)
        if (h->process[i].live)
            return false;
    for (uint32_t vf = 0; vf < GPUP_MAX_VFS; vf++)
        if (gpup_machine_state_of(&h->machines, GPUP_MACHINE_migration, vf) != GPUP_STATE_migration_Idle)
            return false;
    return h->world->implementation->driver_entry && !h->world->config.one_system && !h->older;
}

static void hand_over_channels(struct host *h) {
    struct gpup_value fresh = {.number = 1};
    for (uint32_t vf = 0; vf < GPUP_MAX_VFS && !host_dead(h); vf++)
        if (h->vf[vf].created && h->vf[vf].vmbus)
            op_set_vmbus(h, vf, &fresh, 0);
}

/* The new driver cannot take over: its adapter goes, and with it every vGPU. A system would stop here, and a
 * driver whose device is gone is not to blame. */
static void give_up(struct host *h) {
    for (uint32_t vf = 0; vf < GPUP_MAX_VFS; vf++) {
        struct vf *v = &h->vf[vf];
        if (v->vmbus)
            gpup_vmbus_close_handle(h->os, v->vmbus);
        v->vmbus = NULL;
        v->created = v->sized[0] = v->sized[1] = false;
        v->reserve_count = 0;
    }
    if (!host_dead(h))
        host_take_down_driver(h, true);
    h->over = true;
}

static void bring_back(struct host *h, const struct gpup_machine_state *machines, uint32_t partitions) {
    const struct gpup_saved_block *blocks;
    uint32_t count = gpup_dxgkrnl_saved(h->os, &blocks);
    bool taken = load_again(h);
    for (uint32_t i = 0; taken && i < count && !host_dead(h); i++)
        taken = restore_block(h, &blocks[i], i);
    if (!taken || host_dead(h) || !host_start_device(h, 0)) {
        give_up(h);
        return;
    }
    h->machines = *machines;
    h->partitions = partitions;
    h->partitioned = partitions != 0;
    host_enable_logging(h, true);
    host_get_interfaces(h);
    if (ddi_function(h, GPUP_DDI_GetGpuPartitionInfo))
        op_get_partition_info(h, 64);
    host_query_capabilities(h);
    hand_over_channels(h);
    if (!host_dead(h))
        complete_restore(h);
}

void do_HotUpdate(struct host *h, const struct gpup_step *s) {
    uint32_t flags = step_u32(s, GPUP_HotUpdate_cancel) ? 1 : 0, partitions = h->partitions;
    bool saved;
    if (!can_update(h)) {
        world_skip(h, GPUP_SKIP_UNSUPPORTED,
                   "a hot update is played without bases, processes and migrations");
        return;
    }
    save_memory(h, 0, &saved);
    if (saved && flags)
        save_memory(h, flags, &saved); /* the old driver stays */
    else if (saved && !host_dead(h)) {
        struct gpup_machine_state machines = h->machines;
        unload(h);
        if (!host_dead(h) && !h->loaded)
            bring_back(h, &machines, partitions);
    }
    world_observe(h);
}
