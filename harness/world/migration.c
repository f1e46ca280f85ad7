/* Live migration, pause and the MSI-X table. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WIDE_MAX (UINT64_C(5) << 30)     /* bytes of address space for a buffer above 4 GiB */
#define STACKS_SPAN (UINT64_C(64) << 20) /* at the end of the arena, for all stacks there may be */
#define WIDE_PART (UINT64_C(64) << 20)

void op_prepare(struct host *h, uint32_t vf, uint32_t type) {
    struct ddi_call c;
    uint64_t a[] = {vf, type};
    if (!ddi_begin(&c, h, GPUP_DDI_PrepareLiveMigration, a, 2, GPUP_SLOT_NONE))
        return;
    DXGKARG_GPUP_PREPARE_LIVE_MIGRATION *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        args->vfIndex = vf;
        memcpy(&args->MigrationType, &type, sizeof type); /* any number, also none of the enumeration */
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
}

void op_end(struct host *h, uint32_t vf) {
    struct ddi_call c;
    uint64_t a[] = {vf};
    if (!ddi_begin(&c, h, GPUP_DDI_EndLiveMigration, a, 1, GPUP_SLOT_NONE))
        return;
    ddi_go(&c, a, 1);
    if (c.success && vf < GPUP_MAX_VFS)
        h->vf[vf].sized[0] = h->vf[vf].sized[1] = false;
    ddi_end(&c);
}

struct save {
    uint32_t vf;
    bool mutable_data;
    uint64_t size; /* *DataSize before the call */
    uint8_t data;  /* enum gpup_buffer */
    bool no_size;  /* DataSize is NULL */
    uint64_t blob;
};

/* Each Save comes first with (0, NULL), then with the size it returned and a buffer of that size. */
static bool save_legal(const struct save *s, const struct vf *v) {
    if (s->no_size)
        return false;
    if (s->data == GPUP_BUFFER_NULL)
        return s->size == 0;
    return v->sized[s->mutable_data] && s->size == v->need[s->mutable_data];
}

static void keep_blob(struct host *h, uint64_t slot, const uint8_t *bytes, uint64_t size) {
    struct blob *b = &h->world->blob[slot % WORLD_BLOBS];
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) {
        h->world->broken = true;
        return;
    }
    memcpy(copy, bytes, size);
    free(b->bytes);
    *b = (struct blob){copy, size, true, false};
}

/* Whether something may lie there: memory that was handed out, or a stack at the end of the reservation. What
 * is between is so large that chance finds it. */
static bool is_in_use(const struct gpup_world *w, uint64_t offset) {
    return offset < gpup_arena_used(w->arena) ||
           (offset < WORLD_RESERVE && offset >= WORLD_RESERVE - STACKS_SPAN);
}

/* Addresses of the host's memory, or of the driver's code, told as object and offset. A pointer lies at a
 * multiple of four bytes; between, parts of two numbers make one up by chance, once in some million saves. */
static void find_addresses(struct host *h, const uint8_t *bytes, uint64_t size) {
    uintptr_t base = (uintptr_t)h->world, start, end; /* the world is the first thing in its arena */
    gpup_image_code(h->world->image, &start, &end);
    for (uint64_t at = 0; at + 8 <= size; at += 4) {
        struct gpup_event e = world_event(h, GPUP_EVENT_ADDRESSES);
        uint64_t value, object = 0, offset = 0;
        memcpy(&value, bytes + at, 8);
        if (!is_in_use(h->world, value - base) && value - start >= end - start)
            continue;
        if (is_in_use(h->world, value - base) &&
            !gpup_os_locate(h->os, (const void *)(uintptr_t)value, &object, &offset)) // NOLINT
            offset = value - base;
        e.f[GPUP_ADDRESSES_kind] = 3;
        e.f[GPUP_ADDRESSES_base] = at;
        e.f[GPUP_ADDRESSES_size] = GPUP_ROLE_DATA;
        e.f[GPUP_ADDRESSES_object] = object;
        e.f[GPUP_ADDRESSES_offset] = offset;
        world_emit(h, &e);
        return; /* one tells it */
    }
}

static void saved(struct host *h, struct ddi_call *c, const struct save *s, uint64_t size,
                  const uint8_t *data, uint64_t capacity) {
    struct vf *v = &h->vf[s->vf % GPUP_MAX_VFS];
    c->r[0] = size;
    if (!c->success)
        return;
    if (s->data == GPUP_BUFFER_NULL) {
        v->need[s->mutable_data] = size;
        v->sized[s->mutable_data] = true;
    } else {
        uint64_t used = size < capacity ? size : capacity;
        c->buffer[2].used = used;
        keep_blob(h, s->blob, data, used);
        find_addresses(h, data, used);
    }
}

/* A buffer of more than 4 GiB that takes little memory: one stretch of memory, again and again. NULL: none.
 */
static uint8_t *wide_map(uint64_t size) {
    int file = memfd_create("wide", MFD_CLOEXEC);
    uint8_t *base = file >= 0 && ftruncate(file, WIDE_PART) == 0
                        ? mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                        : MAP_FAILED;
    bool whole = base != MAP_FAILED;
    for (uint64_t at = 0; whole && at < size; at += WIDE_PART)
        whole = mmap(base + at, size - at < WIDE_PART ? size - at : WIDE_PART, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    if (file >= 0)
        close(file);
    if (!whole && base != MAP_FAILED)
        munmap(base, size);
    return whole ? base : NULL;
}

static bool is_wide(const struct save *s) {
    return s->data != GPUP_BUFFER_NULL && s->size > UINT32_MAX && s->size <= WIDE_MAX;
}

static void save(struct host *h, const struct save *s) {
    struct ddi_call c;
    uint16_t ddi = s->mutable_data ? GPUP_DDI_SaveMutableMigrationData : GPUP_DDI_SaveImmutableMigrationData;
    uint64_t a[] = {s->vf, s->size, s->data != GPUP_BUFFER_NULL, s->no_size,
                    s->data == GPUP_BUFFER_UNALIGNED};
    if (!world_negative(h->world) && !save_legal(s, &h->vf[s->vf % GPUP_MAX_VFS])) {
        world_skip(h, GPUP_SKIP_ILLEGAL, "a Save comes with (0, NULL) first, then with the size it returned");
        return;
    }
    if (!ddi_begin(&c, h, ddi, a, 5, GPUP_SLOT_NONE))
        return;
    uint64_t real = s->data == GPUP_BUFFER_NULL ? 0 : s->size < WORLD_BLOB_MAX ? s->size : WORLD_BLOB_MAX;
    DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    UINT64 *size = ddi_buffer(&c, GPUP_ROLE_SIZE, sizeof *size, DDI_IN | DDI_OUT, false);
    uint8_t *data = ddi_buffer(&c, GPUP_ROLE_DATA, real, DDI_OUT, s->data == GPUP_BUFFER_UNALIGNED);
    uint8_t *wide = is_wide(s) ? wide_map(s->size) : NULL;
    if (args && size && data) {
        memset(data, h->world->config.fill & 1 ? 0x55 : 0xAA, real);
        *size = s->size;
        *args = (DXGKARG_GPUP_SAVE_MUTABLE_MIGRATION_DATA){s->vf, s->no_size ? NULL : size,
                                                           s->data == GPUP_BUFFER_NULL ? NULL : data};
        if (wide)
            args->Data = wide;
        if (ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1)) {
            if (wide && c.success)
                memcpy(data, wide, *size < real ? *size : real);
            c.buffer[1].used = sizeof *size;
            saved(h, &c, s, *size, data, real);
        }
    }
    if (wide)
        munmap(wide, s->size);
    ddi_end(&c);
}

static uint64_t resolve_size(const struct gpup_value *value, uint64_t need, uint64_t blob) {
    return value_size(value, value->symbol == GPUP_SYMBOL_NEED ? need : blob);
}

void op_save(struct host *h, const struct gpup_step *step, bool mutable_data) {
    const struct vf *v = &h->vf[step->vf % GPUP_MAX_VFS];
    const struct gpup_value *f = step->f; /* both operations have the same fields */
    struct save s = {.vf = step->vf,
                     .mutable_data = mutable_data,
                     .data = (uint8_t)f[GPUP_SaveMutableMigrationData_data].number,
                     .no_size = f[GPUP_SaveMutableMigrationData_no_size].number != 0,
                     .blob = f[GPUP_SaveMutableMigrationData_blob].number};
    uint64_t blob = h->world->blob[s.blob % WORLD_BLOBS].size;
    if (f[GPUP_SaveMutableMigrationData_size].symbol == GPUP_SYMBOL_NEED && !v->sized[mutable_data] &&
        !world_negative(h->world)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the size was not asked for before");
        return;
    }
    s.size = resolve_size(&f[GPUP_SaveMutableMigrationData_size], v->need[mutable_data], blob);
    save(h, &s);
}

static void restored(struct host *h, const struct gpup_step *step, bool mutable_data) {
    /* The VM lives here from now on: its secret moved with its state. */
    if (!mutable_data || step->vf >= GPUP_MAX_VFS)
        return;
    for (unsigned i = 0; i < h->world->config.hosts; i++)
        for (unsigned k = 0; k < GPUP_MAX_VFS; k++)
            if (gpup_machine_state_of(&h->world->host[i].machines, GPUP_MACHINE_migration, k) ==
                    GPUP_STATE_migration_MutableSaved &&
                h->world->host[i].vf[k].cookie) {
                struct gpup_event e = world_event(h, GPUP_EVENT_COOKIE);
                h->vf[step->vf].cookie = h->world->host[i].vf[k].cookie;
                e.f[GPUP_COOKIE_vf] = step->vf;
                e.f[GPUP_COOKIE_value] = h->vf[step->vf].cookie;
                world_emit(h, &e);
            }
}

void op_restore(struct host *h, const struct gpup_step *step, bool mutable_data) {
    struct ddi_call c;
    uint16_t ddi =
        mutable_data ? GPUP_DDI_RestoreMutableMigrationData : GPUP_DDI_RestoreImmutableMigrationData;
    const struct gpup_value *f = step->f;
    const struct blob *b = &h->world->blob[f[GPUP_RestoreMutableMigrationData_blob].number % WORLD_BLOBS];
    uint64_t size = resolve_size(&f[GPUP_RestoreMutableMigrationData_size], b->size, b->size);
    uint64_t how = f[GPUP_RestoreMutableMigrationData_data].number;
    uint64_t a[] = {step->vf, size, how != GPUP_BUFFER_NULL, how == GPUP_BUFFER_UNALIGNED};
    if (!b->there && !world_negative(h->world)) {
        world_skip(h, GPUP_SKIP_UNRESOLVED, "the blob does not exist");
        return;
    }
    if (!world_negative(h->world) && (how == GPUP_BUFFER_NULL || size != b->size)) {
        world_skip(h, GPUP_SKIP_ILLEGAL, "the OS passes the blob with its size");
        return;
    }
    if (!ddi_begin(&c, h, ddi, a, 4, GPUP_SLOT_NONE))
        return;
    uint64_t real = how == GPUP_BUFFER_NULL ? 0 : size < WORLD_BLOB_MAX ? size : WORLD_BLOB_MAX;
    unsigned flags = DDI_IN | DDI_CONST | (how == GPUP_BUFFER_READ_ONLY ? DDI_READ_ONLY : 0) |
                     (b->edited || size != b->size ? DDI_GUARD : 0);
    DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    uint8_t *data = ddi_buffer(&c, GPUP_ROLE_INPUT, real, flags, how == GPUP_BUFFER_UNALIGNED);
    if (args && data) {
        if (b->bytes)
            memcpy(data, b->bytes, real < b->size ? real : b->size);
        *args = (DXGKARG_GPUP_RESTORE_MUTABLE_MIGRATION_DATA){step->vf, size,
                                                              how == GPUP_BUFFER_NULL ? NULL : data};
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success)
            restored(h, step, mutable_data);
    }
    ddi_end(&c);
}

void op_pause(struct host *h, uint32_t vf, uint8_t pause, uint8_t padding) {
    struct ddi_call c;
    uint64_t a[] = {vf, pause};
    if (!ddi_begin(&c, h, GPUP_DDI_SetVirtualFunctionPauseState, a, 2, GPUP_SLOT_NONE))
        return;
    DXGKARG_SETVIRTUALFUNCTIONPAUSESTATE *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        memset(args, padding, sizeof *args);
        args->vfIndex = vf;
        args->bPause = pause;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
    }
    ddi_end(&c);
}

int16_t world_index(const struct host *h, const struct gpup_value *value) {
    uint64_t base = value->symbol == GPUP_SYMBOL_COUNT  ? h->shape.msix_entries
                    : value->symbol == GPUP_SYMBOL_LAST ? h->shape.msix_entries - 1
                                                        : 0;
    return (int16_t)(base + value->number);
}

static void track(struct host *h, uint32_t vf, int16_t index, const DXGK_INTERRUPT_TABLE_ENTRY *entry) {
    struct vf *v = &h->vf[vf];
    uint32_t count = h->shape.msix_entries;
    if (!v->shadow) {
        v->shadow = gpup_arena_alloc(h->world->arena, count * sizeof *v->shadow);
        v->shadow_known = gpup_arena_alloc(h->world->arena, count);
    }
    if (v->shadow && v->shadow_known && index >= 0 && (uint32_t)index < count) {
        v->shadow[index] = *entry;
        v->shadow_known[index] = 1;
    }
}

void op_write_interrupt(struct host *h, uint32_t vf, int16_t index, const DXGK_INTERRUPT_TABLE_ENTRY *entry,
                        uint8_t padding) {
    struct ddi_call c;
    uint64_t a[] = {vf, (uint64_t)(int64_t)index, entry->MessageAddress, entry->MessageData,
                    entry->VectorControl};
    bool outside = h->shape.msix_entries && (index < 0 || (uint32_t)index >= h->shape.msix_entries);
    if (!world_negative(h->world) && (outside || (entry->MessageAddress & 3))) {
        world_skip(h, GPUP_SKIP_ILLEGAL,
                   "the guest's table has no such entry, or the address is not a dword address");
        return;
    }
    if (!ddi_begin(&c, h, GPUP_DDI_WriteVirtualizedInterrupt, a, 5, GPUP_SLOT_NONE))
        return;
    DXGKARG_GPUP_WRITE_VIRTUALIZED_MSIX *args =
        ddi_buffer(&c, GPUP_ROLE_ARGUMENTS, sizeof *args, DDI_IN | DDI_CONST, false);
    if (args) {
        memset(args, padding, sizeof *args);
        args->vfIndex = vf;
        args->InterruptTableIndex = index;
        args->WriteValue = *entry;
        ddi_go(&c, (uint64_t[]){(uintptr_t)args}, 1);
        if (c.success && vf < GPUP_MAX_VFS)
            track(h, vf, index, entry);
    }
    ddi_end(&c);
}

void do_PrepareLiveMigration(struct host *h, const struct gpup_step *s) {
    op_prepare(h, s->vf, step_u32(s, GPUP_PrepareLiveMigration_type));
}

void do_SaveImmutableMigrationData(struct host *h, const struct gpup_step *s) {
    op_save(h, s, false);
}

void do_SaveMutableMigrationData(struct host *h, const struct gpup_step *s) {
    op_save(h, s, true);
}

void do_RestoreImmutableMigrationData(struct host *h, const struct gpup_step *s) {
    op_restore(h, s, false);
}

void do_RestoreMutableMigrationData(struct host *h, const struct gpup_step *s) {
    op_restore(h, s, true);
}

void do_EndLiveMigration(struct host *h, const struct gpup_step *s) {
    op_end(h, s->vf);
}

void do_SetVirtualFunctionPauseState(struct host *h, const struct gpup_step *s) {
    op_pause(h, s->vf, (uint8_t)step_number(s, GPUP_SetVirtualFunctionPauseState_pause),
             (uint8_t)step_number(s, GPUP_SetVirtualFunctionPauseState_padding));
}

void do_WriteVirtualizedInterrupt(struct host *h, const struct gpup_step *s) {
    DXGK_INTERRUPT_TABLE_ENTRY entry = {step_number(s, GPUP_WriteVirtualizedInterrupt_address),
                                        step_u32(s, GPUP_WriteVirtualizedInterrupt_data),
                                        step_u32(s, GPUP_WriteVirtualizedInterrupt_control)};
    op_write_interrupt(h, s->vf, world_index(h, &s->f[GPUP_WriteVirtualizedInterrupt_index]), &entry,
                       (uint8_t)step_number(s, GPUP_WriteVirtualizedInterrupt_padding));
}
