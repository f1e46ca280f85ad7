/* One call through a wrapper: what goes in, the call, what comes out. */
#include "record.h"

typedef uint64_t(GPUP_RECORDER_CALL *record_function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

static uint64_t record_invoke(unsigned row, const uint64_t *p) {
    record_function function;
    memcpy(&function, &recorder.original[row], sizeof function);
    return function(p[0], p[1], p[2], p[3], p[4]);
}

static uint64_t record_thread(void) {
    return recorder.o.thread ? recorder.o.thread(recorder.o.context) : 0;
}

/* The number of the call that the calling thread is in: what a callback belongs to. */
static uint64_t record_current(void) {
    uint64_t thread = record_thread(), number = 0;
    for (unsigned i = 0; i < GPUP_RECORDER_CALLS; i++)
        if (recorder.active[i].number > number && recorder.active[i].thread == thread)
            number = recorder.active[i].number;
    return number;
}

static bool record_enter(uint64_t number) {
    for (unsigned i = 0; i < GPUP_RECORDER_CALLS; i++)
        if (!recorder.active[i].number) {
            recorder.active[i].number = number;
            recorder.active[i].thread = record_thread();
            return true;
        }
    return false;
}

static void record_leave(uint64_t number) {
    for (unsigned i = 0; i < GPUP_RECORDER_CALLS; i++)
        if (recorder.active[i].number == number)
            recorder.active[i].number = 0;
}

static bool record_shown(const struct record_buffer *b) {
    return (b->flags & RECORD_SHOW) ||
           ((b->flags & RECORD_IN) && b->role != RECORD_ROLE_ARGUMENTS && b->role != RECORD_ROLE_INTERFACE);
}

static void record_tell_buffers(const struct record_call *c) {
    struct record_event e;
    for (unsigned i = 0; i < c->buffers; i++) {
        const struct record_buffer *b = &c->buffer[i];
        record_event_of(&e, RECORD_EVENT_buffer);
        e.f[RECORD_buffer_call] = c->number;
        e.f[RECORD_buffer_role] = b->role;
        e.f[RECORD_buffer_size] = b->size;
        if (record_shown(b)) {
            e.data = b->bytes;
            e.data_size = b->size;
        }
        record_write(&e);
    }
}

static void record_tell_call(const struct record_call *c) {
    struct record_event e;
    record_event_of(&e, RECORD_EVENT_call);
    e.f[RECORD_call_call] = c->number;
    e.f[RECORD_call_ddi] = c->row->ddi;
    memcpy(&e.f[RECORD_call_a0], c->a, sizeof c->a);
    record_write(&e);
}

static void record_tell_return(const struct record_call *c) {
    struct record_event e;
    record_event_of(&e, RECORD_EVENT_return);
    e.f[RECORD_return_call] = c->number;
    e.f[RECORD_return_ddi] = c->row->ddi;
    e.f[RECORD_return_status] = c->row->is_status ? (uint32_t)c->result : 0;
    e.f[RECORD_return_handle] = c->handle;
    e.f[RECORD_return_irql] = record_irql();
    memcpy(&e.f[RECORD_return_r0], c->r, sizeof c->r);
    record_write(&e);
}

static void record_tell_outputs(const struct record_call *c) {
    struct record_event e;
    for (unsigned i = 0; i < c->buffers; i++) {
        const struct record_buffer *b = &c->buffer[i];
        if (!(b->flags & RECORD_SHOW) && (!(b->flags & RECORD_OUT) || b->role == RECORD_ROLE_ARGUMENTS ||
                                          b->role == RECORD_ROLE_INTERFACE))
            continue;
        record_event_of(&e, RECORD_EVENT_output);
        e.f[RECORD_output_call] = c->number;
        e.f[RECORD_output_role] = b->role;
        e.f[RECORD_output_size] = b->size;
        e.f[RECORD_output_used] = b->used;
        e.data = b->bytes;
        e.data_size = b->size;
        record_write(&e);
    }
}

/* First and last byte of what changed in the kept part; else the whole is named. */
static void record_find_change(const struct record_buffer *b, struct record_event *e) {
    uint64_t kept = b->size < RECORD_COPY ? b->size : RECORD_COPY, at = 0, last = kept;
    while (at < kept && b->copy[at] == b->bytes[at])
        at++;
    while (last > at && b->copy[last - 1] == b->bytes[last - 1])
        last--;
    e->f[RECORD_damage_offset] = at;
    e->f[RECORD_damage_size] = (last > at ? last : b->size) - at;
}

static void record_tell_damage(const struct record_call *c) {
    struct record_event e;
    for (unsigned i = 0; i < c->buffers; i++) {
        const struct record_buffer *b = &c->buffer[i];
        if (!(b->flags & RECORD_CONST) || b->size > recorder.o.largest ||
            record_hash(b->bytes, b->size) == b->hash)
            continue;
        record_event_of(&e, RECORD_EVENT_damage);
        e.f[RECORD_damage_call] = c->number;
        e.f[RECORD_damage_what] = RECORD_CONST_DAMAGE;
        e.f[RECORD_damage_role] = b->role;
        record_find_change(b, &e);
        record_write(&e);
    }
}

static bool record_succeeded(const struct record_call *c) {
    if (c->row->is_handle)
        return c->result != 0;
    return !c->row->is_status || RECORD_NT_SUCCESS((uint32_t)c->result);
}

/* Before the call, all in one stretch: what belongs to it follows itself. */
static bool record_begin_call(struct record_call *c) {
    record_lock();
    c->number = recorder.calls + 1;
    bool fits = record_enter(c->number);
    if (!fits) {
        record_lose(); /* a call that nobody saw */
    } else {
        recorder.calls++;
        record_give_table(c);
        record_arguments(c);
        record_buffers(c);
        record_announce(c);
        record_tell_buffers(c);
        record_tell_call(c);
    }
    record_unlock();
    return fits;
}

static void record_end_call(struct record_call *c) {
    record_lock();
    record_leave(c->number);
    c->success = record_succeeded(c);
    record_results(c);
    if (c->row->ddi == RECORD_DDI_CreateMemoryBasis)
        record_created_basis(c);
    record_take_tables(c);
    record_tell_return(c);
    record_tell_outputs(c);
    record_tell_damage(c);
    record_aftermath(c);
    record_unlock();
}

/* AddDevice of a second adapter, and all that is for it: not recorded. */
static bool record_is_for_others(const struct record_row *row, const uint64_t *p) {
    if (row->ddi == RECORD_DDI_AddDevice)
        return recorder.adapter != 0;
    return row->form != RECORD_BARE && record_foreign(p[0]);
}

static void record_note_other(const struct record_row *row, const uint64_t *p) {
    uint64_t context;
    if (row->ddi != RECORD_DDI_AddDevice || !p[1])
        return;
    context = record_get((const void *)(uintptr_t)p[1], 8);
    record_lock();
    if (recorder.other_count < RECORD_CONTEXTS)
        recorder.others[recorder.other_count++] = context;
    else
        record_lose(); /* it will be taken for the first */
    record_unlock();
}

static uint64_t record_call(unsigned row, const uint64_t *p) {
    struct record_call c;
    uint64_t call[5] = {p[0], p[1], p[2], p[3], p[4]};
    if (!recorder.on)
        return record_invoke(row, p);
    if (record_is_for_others(&record_rows[row], p)) {
        uint64_t result = record_invoke(row, p);
        record_note_other(&record_rows[row], p);
        return result;
    }
    memset(&c, 0, sizeof c);
    c.row = &record_rows[row];
    c.p = p;
    if (c.row->form == RECORD_STRUCTURE)
        c.s = (uint8_t *)(uintptr_t)p[1];
    if (!record_begin_call(&c))
        return record_invoke(row, p);
    if (c.table)
        call[2] = (uintptr_t)c.table;
    c.result = record_invoke(row, call);
    record_end_call(&c);
    return c.result;
}
