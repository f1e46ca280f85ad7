/* The buffers of a call, in the order and with the roles that a world of the suite gives them. */
#include "record.h"

static struct record_buffer *record_buffer(struct record_call *c, uint8_t role, const uint8_t *bytes,
                                           uint64_t size, unsigned flags) {
    struct record_buffer *b = &c->buffer[c->buffers++];
    b->bytes = bytes;
    b->size = bytes ? size : 0;
    b->role = role;
    b->flags = (uint8_t)flags;
    b->used = 0;
    if (!(flags & RECORD_CONST))
        return b;
    if (b->size > recorder.o.largest) /* it will count as lost */
        return b;
    memcpy(b->copy, bytes, bytes ? (size_t)(b->size < RECORD_COPY ? b->size : RECORD_COPY) : 0);
    b->hash = record_hash(bytes, b->size);
    return b;
}

static unsigned record_input(bool write) {
    return write ? RECORD_IN | RECORD_CONST : RECORD_OUT;
}

/* The argument structure with its variable tail. */
static uint64_t record_structure_size(const struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_CreateMemoryBasis:
        return 16 + 16 * c->a[1];
    case RECORD_DDI_SetVirtualGpuResources:
        return 8 + 32 * (c->a[1] ? c->a[1] : 1);
    case RECORD_DDI_SetVirtualGpuResources2:
        return 8 + 16 * (c->a[1] ? c->a[1] : 1);
    default:
        return c->row->structure;
    }
}

static unsigned record_structure_flags(const struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_GetVirtualGpuProfile: /* no pointers in it: shown as it is */
    case RECORD_DDI_CreateVirtualGpu:
    case RECORD_DDI_GetVirtualGpuInfo:
        return RECORD_IN | RECORD_OUT | RECORD_SHOW;
    case RECORD_DDI_SaveImmutableMigrationData: /* what they fill is behind pointers */
    case RECORD_DDI_SaveMutableMigrationData:
    case RECORD_DDI_ReadVirtualFunctionConfig:
    case RECORD_DDI_ReadVirtualFunctionConfigBlock:
    case RECORD_DDI_GetResourceForBar:
    case RECORD_DDI_SetVirtualGpuVmBus:
        return RECORD_IN | RECORD_CONST;
    default:
        return c->row->constant ? RECORD_IN | RECORD_CONST : RECORD_IN;
    }
}

static void record_buffers_migration(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_QueryDirtyBitData:
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 32), c->a[4], RECORD_OUT);
        break;
    case RECORD_DDI_SaveImmutableMigrationData:
    case RECORD_DDI_SaveMutableMigrationData:
        record_buffer(c, RECORD_ROLE_SIZE, record_pointer(c->s + 8), 8, RECORD_IN | RECORD_OUT);
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 16), c->a[1], RECORD_OUT);
        break;
    case RECORD_DDI_RestoreImmutableMigrationData:
    case RECORD_DDI_RestoreMutableMigrationData:
        record_buffer(c, RECORD_ROLE_INPUT, record_pointer(c->s + 16), c->a[1], RECORD_IN | RECORD_CONST);
        break;
    case RECORD_DDI_RestoreMemoryForHotUpdate: /* the MDL is the driver's, and gone by the return perhaps */
        if (!c->a[0])
            record_buffer(c, RECORD_ROLE_INPUT, record_pointer(c->s + 24), c->a[2], RECORD_CONST);
        break;
    default:
        break;
    }
}

static void record_buffers_ranges(struct record_call *c) {
    unsigned element = c->row->ddi == RECORD_DDI_QueryMitigatedRanges ? 16 : 24;
    record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 16), c->a[2] * element, RECORD_OUT);
}

static void record_buffers_sriov(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_ReadVirtualFunctionConfig:
    case RECORD_DDI_ReadVirtualFunctionConfigBlock:
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s), c->a[2], record_input(false));
        break;
    case RECORD_DDI_WriteVirtualFunctionConfig:
    case RECORD_DDI_WriteVirtualFunctionConfigBlock:
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s), c->a[2], record_input(true));
        break;
    case RECORD_DDI_QueryProbedBars:
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 8), 24, RECORD_OUT);
        break;
    case RECORD_DDI_QueryVirtualFunctionLuid:
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 8), 8, RECORD_OUT);
        break;
    case RECORD_DDI_GetResourceForBar:
    case RECORD_DDI_GetBackingResource: {
        const uint8_t *resource = record_pointer(c->s + 8);
        record_buffer(c, RECORD_ROLE_INTERFACE, resource, 20, RECORD_OUT);
        if (resource) /* and the MDL, which stands behind it in the structure */
            memcpy(c->before, resource, 20);
        if (c->row->ddi == RECORD_DDI_GetBackingResource)
            memcpy(c->before + 24, c->s + 16, 8);
        break;
    }
    case RECORD_DDI_QueryMitigatedRanges:
    case RECORD_DDI_GetMmioRanges:
        record_buffers_ranges(c);
        break;
    default:
        break;
    }
}

static void record_buffers_escape(struct record_call *c) {
    uint64_t size = c->a[5] && c->a[2] > c->a[1] ? c->a[2] : c->a[1];
    record_buffer(c, RECORD_ROLE_INPUT, record_pointer(c->s + 16), size, RECORD_IN);
    if (!c->a[5])
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 24), c->a[2], RECORD_OUT);
}

static void record_buffers_adapter(struct record_call *c) {
    switch (c->row->ddi) {
    case RECORD_DDI_QueryInterface:
        record_buffer(c, RECORD_ROLE_GUID, record_pointer(c->s), 16, RECORD_IN | RECORD_CONST);
        record_buffer(c, RECORD_ROLE_INTERFACE, record_pointer(c->s + 16), c->a[1], RECORD_OUT);
        break;
    case RECORD_DDI_QueryAdapterInfo:
        record_buffer(c, RECORD_ROLE_INPUT, record_pointer(c->s + 8), c->a[1], RECORD_IN | RECORD_CONST);
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 24), c->a[2], RECORD_OUT);
        break;
    case RECORD_DDI_SetVirtualMachineData:
        if (c->a[2])
            record_buffer(c, RECORD_ROLE_GUID, record_pointer(c->s + 8), 16, RECORD_IN | RECORD_CONST);
        break;
    case RECORD_DDI_GetGpuPartitionInfo:
        record_buffer(c, RECORD_ROLE_DATA, record_pointer(c->s + 8), 2 * c->a[0], RECORD_OUT);
        break;
    case RECORD_DDI_VirtualGpuDriverEscape:
        record_buffers_escape(c);
        break;
    default:
        break;
    }
}

/* Pointers that are parameters themselves. */
static void record_buffers_start(struct record_call *c) {
    if (c->row->ddi == RECORD_DDI_AddDevice)
        record_buffer(c, RECORD_ROLE_INTERFACE, (const uint8_t *)(uintptr_t)c->p[1], 8, RECORD_OUT);
    if (c->row->ddi != RECORD_DDI_StartDevice)
        return;
    record_buffer(c, RECORD_ROLE_INTERFACE, c->table, RECORD_CALLBACKS_SIZE, RECORD_IN | RECORD_CONST);
    record_buffer(c, RECORD_ROLE_DATA, c->before, 8, RECORD_OUT);
}

static void record_buffers(struct record_call *c) {
    if (c->row->form == RECORD_STRUCTURE && c->s)
        record_buffer(c, RECORD_ROLE_ARGUMENTS, c->s, record_structure_size(c), record_structure_flags(c));
    record_buffers_start(c);
    if (c->row->form != RECORD_STRUCTURE || !c->s)
        return;
    record_buffers_adapter(c);
    record_buffers_migration(c);
    record_buffers_sriov(c);
}
