/* a0..a7 of a call: members of the argument structure by the table, and what is not plain by hand. */
#include "record.h"

static uint64_t record_handle(uint8_t kind, const void *from) {
    return record_number(kind, record_get(from, 8), false);
}

/* The first eight bytes behind a pointer, 0 for NULL. */
static uint64_t record_behind(const uint8_t *bytes, unsigned size) {
    return bytes ? record_get(bytes, size) : 0;
}

static bool record_odd(const uint8_t *data) {
    return ((uintptr_t)data & 7) != 0;
}

static void record_arguments_save(struct record_call *c) {
    const uint8_t *size = record_pointer(c->s + 8), *data = record_pointer(c->s + 16);
    c->a[1] = record_behind(size, 8);
    c->a[2] = data != NULL;
    c->a[3] = size == NULL;
    c->a[4] = record_odd(data);
}

static void record_arguments_restore(struct record_call *c) {
    const uint8_t *data = record_pointer(c->s + 16);
    c->a[2] = data != NULL;
    c->a[3] = record_odd(data);
}

static void record_arguments_interface(struct record_call *c) {
    const uint8_t *guid = record_pointer(c->s);
    c->a[0] = 0;
    for (unsigned i = 1; guid && i <= 4; i++)
        if (record_hash(guid, 16) == record_hash(record_guids[i].guid, 16))
            c->a[0] = i;
}

static void record_arguments_escape(struct record_call *c) {
    const uint8_t *in = record_pointer(c->s + 16);
    bool has_luid = in && c->a[1] >= 8;
    c->a[3] = has_luid ? record_get(in, 4) : 0;
    c->a[4] = has_luid ? record_get(in + 4, 4) : 0;
    c->a[5] = in && in == record_pointer(c->s + 24);
}

/* Outputs that are only filled: what stood there before. */
static void record_arguments_query(struct record_call *c, unsigned count) {
    const uint8_t *out = record_pointer(c->s + 8);
    for (unsigned i = 0; i < count; i++)
        c->a[1 + i] = record_behind(out ? out + 4 * (uint64_t)i : NULL, 4);
}

static void record_arguments_process(struct record_call *c) {
    c->a[2] = record_handle(RECORD_PROCESS, c->s + 32);
}

static void record_arguments_block(struct record_call *c) {
    const uint8_t *mdl = record_pointer(c->s + 8);
    c->a[0] = record_get(c->s, 4) & 1;
    c->a[1] = record_behind(mdl ? mdl + 40 : NULL, 4);
    c->a[2] = record_get(c->s + 16, 4);
    c->a[3] = c->a[0] ? 0 : recorder.block; /* the last call only says that there are no more */
}

static void record_arguments_resources(struct record_call *c) {
    if (!c->a[1])
        return;
    c->a[2] = record_get(c->s + 8, 8);
    c->a[3] = record_get(c->s + 16, 4);
    c->a[4] = record_get(c->s + 24, 8);
    c->a[5] = record_get(c->s + 32, 8);
}

static void record_arguments_resources2(struct record_call *c) {
    if (!c->a[1])
        return;
    c->a[2] = record_get(c->s + 8, 8);
    c->a[3] = record_handle(RECORD_BASIS, c->s + 16);
}

static void record_arguments_migration(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_SaveImmutableMigrationData:
    case RECORD_DDI_SaveMutableMigrationData:
        record_arguments_save(c);
        break;
    case RECORD_DDI_RestoreImmutableMigrationData:
    case RECORD_DDI_RestoreMutableMigrationData:
        record_arguments_restore(c);
        break;
    case RECORD_DDI_WriteVirtualizedInterrupt:
        c->a[1] = (uint64_t)(int64_t)(int16_t)c->a[1];
        c->a[2] = record_get(c->s + 8, 8);
        c->a[3] = record_get(c->s + 16, 4);
        c->a[4] = record_get(c->s + 20, 4);
        break;
    case RECORD_DDI_QueryDirtyBitData:
        c->a[0] = record_handle(RECORD_BASIS, c->s);
        break;
    case RECORD_DDI_DestroyMemoryBasis:
    case RECORD_DDI_StartDirtyTracking:
    case RECORD_DDI_StopDirtyTracking:
        c->a[0] = record_number(RECORD_BASIS, c->p[1], false);
        break;
    default:
        break;
    }
}

static void record_arguments_partition(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_CreateVirtualGpu: /* the profile's memory */
        for (unsigned i = 0; i < 3; i++)
            c->a[1 + i] = record_get(c->s + 8 + 8 * i, 8);
        break;
    case RECORD_DDI_SetVirtualGpuResources:
        record_arguments_resources(c);
        break;
    case RECORD_DDI_SetVirtualGpuResources2:
        record_arguments_resources2(c);
        break;
    case RECORD_DDI_VirtualGpuDriverEscape:
        record_arguments_escape(c);
        break;
    case RECORD_DDI_SetVirtualGpuVmBus:
        c->a[1] = record_number(RECORD_VMBUS, record_get(c->s + 8, 8), true);
        break;
    case RECORD_DDI_WriteVirtualFunctionConfig:
        c->a[3] = record_behind(record_pointer(c->s), c->a[2] < 4 ? (unsigned)c->a[2] : 4);
        break;
    case RECORD_DDI_QueryProbedBars:
        record_arguments_query(c, 6);
        break;
    case RECORD_DDI_QueryVirtualFunctionLuid:
        record_arguments_query(c, 2);
        break;
    default:
        break;
    }
}

static void record_arguments_adapter(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_StartDevice: { /* 0: all of it */
        uint64_t size = record_behind((const uint8_t *)(uintptr_t)c->p[2], 4);
        c->a[0] = size >= RECORD_CALLBACKS_SIZE ? 0 : size;
        break;
    }
    case RECORD_DDI_QueryInterface:
        record_arguments_interface(c);
        break;
    case RECORD_DDI_QueryAdapterInfo:
        c->a[4] = c->a[1] >= 4 ? record_behind(record_pointer(c->s + 8), 4) : 0;
        break;
    case RECORD_DDI_CreateProcess:
        record_arguments_process(c);
        break;
    case RECORD_DDI_DestroyProcess:
        c->a[0] = record_number(RECORD_PROCESS, c->p[1], false);
        break;
    case RECORD_DDI_SetVirtualMachineData:
        c->a[0] = record_handle(RECORD_PROCESS, c->s);
        c->a[2] = record_pointer(c->s + 8) != NULL;
        break;
    case RECORD_DDI_SaveMemoryForHotUpdate:
        c->a[0] = record_get(c->s, 4);
        recorder.block = 0;
        break;
    case RECORD_DDI_RestoreMemoryForHotUpdate:
        record_arguments_block(c);
        break;
    default:
        break;
    }
}

static void record_arguments(struct record_call *c) {
    const struct record_row *row = c->row;
    for (unsigned i = 0; i < row->argument_count; i++) {
        const struct record_place *place = &row->argument[i];
        if (place->size && row->form == RECORD_STRUCTURE && c->s)
            c->a[i] = record_get(c->s + place->offset, place->size);
        else if (place->size && row->form != RECORD_STRUCTURE)
            c->a[i] = record_get(&c->p[place->offset], place->size);
    }
    if (row->form == RECORD_STRUCTURE && !c->s)
        return;
    record_arguments_adapter(c);
    record_arguments_migration(c);
    record_arguments_partition(c);
}
