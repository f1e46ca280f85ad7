/* Tables on their way to the system, and the callbacks on their way to the driver. */
#include "record.h"

static void record_announce_slots(unsigned table, const uint8_t *bytes, uint64_t size, uint64_t version,
                                  uint64_t said) {
    struct record_event e;
    uint8_t bits[32] = {0};
    uint64_t count = (size - 8) / 8;
    for (uint64_t i = 0; i < count && i < 8 * sizeof bits; i++)
        if (record_get(bytes + 8 + 8 * i, 8))
            bits[i / 8] |= (uint8_t)(1u << i % 8);
    record_event_of(&e, RECORD_EVENT_table_slots);
    e.f[RECORD_table_slots_table] = table;
    e.f[RECORD_table_slots_version] = version;
    e.f[RECORD_table_slots_size] = said;
    e.data = bits;
    e.data_size = (count + 7) / 8;
    uint64_t hash = record_hash(bits, sizeof bits) ^ record_hash(e.f, sizeof e.f);
    if (recorder.slots[table] != hash) /* told again when it changed */
        record_write(&e);
    recorder.slots[table] = hash;
}

static void record_wrap_slots(unsigned table, uint8_t *bytes, uint64_t size) {
    for (unsigned i = 0; i < GPUP_RECORD_ROWS; i++) {
        const struct record_row *row = &record_rows[i];
        void *slot;
        if (row->table != table || row->offset + 8u > size)
            continue;
        memcpy(&slot, bytes + row->offset, 8);
        if (!slot || slot == row->wrapper)
            continue;
        recorder.original[i] = slot;
        memcpy(bytes + row->offset, &row->wrapper, 8);
    }
}

/* Bytes of a DRIVER_INITIALIZATION_DATA up to and with the slots that its last filled one is behind. */
void gpup_recorder_wrap(void *table, size_t size) {
    if (!recorder.on || !table || size < 16)
        return;
    record_lock();
    record_announce_slots(0, (const uint8_t *)table, size, record_get(table, 4), size);
    record_wrap_slots(0, (uint8_t *)table, size);
    record_unlock();
}

static void record_take_interface(unsigned which, uint8_t *bytes, uint64_t size) {
    record_announce_slots(which, bytes, size, record_get(bytes + 2, 2), record_get(bytes, 2));
    record_wrap_slots(which, bytes, size);
}

void gpup_recorder_wrap_interface(unsigned which, void *table, size_t size) {
    if (!recorder.on || !table || which < 1 || which > 4 || size < record_guids[which].size)
        return;
    record_lock();
    record_take_interface(which, (uint8_t *)table, record_guids[which].size);
    record_unlock();
}

void gpup_recorder_initialized(int32_t status) {
    struct record_event e;
    if (!recorder.on)
        return;
    record_lock();
    record_event_of(&e, RECORD_EVENT_initialized);
    e.f[RECORD_initialized_call] = record_current();
    e.f[RECORD_initialized_status] = (uint32_t)status;
    record_write(&e);
    record_unlock();
}

/* --- callbacks ------------------------------------------------------------------------------------------ */

/* A mutex cannot be taken up there. */
static bool record_may_write(void) {
    if (!recorder.on)
        return false;
    if (record_irql() <= 1)
        return true;
    record_lose();
    return false;
}

static void record_callback(uint64_t offset, const uint64_t *values, unsigned count, const void *data,
                            uint64_t size) {
    struct record_event e;
    record_lock();
    record_event_of(&e, RECORD_EVENT_callback);
    e.f[RECORD_callback_call] = record_current();
    e.f[RECORD_callback_id] = offset;
    e.f[RECORD_callback_irql] = record_irql();
    for (unsigned i = 0; i < count; i++)
        e.f[RECORD_callback_a0 + i] = values[i];
    e.data = data;
    e.data_size = data ? size : 0;
    record_write(&e);
    record_unlock();
}

/* Handles are addresses: 1 the DeviceHandle, 2 the context of AddDevice, 0 neither. */
static uint64_t record_which_handle(uint64_t handle) {
    if (handle == recorder.device_handle)
        return 1;
    return handle && handle == recorder.adapter ? 2 : 0;
}

static void GPUP_RECORDER_CALL record_log_event(uint64_t guid, uint64_t type, uint64_t size,
                                                uint64_t buffer) {
    uint64_t values[5] = {type & 0xFF, size & 0xFFFF, 0, 0, 0};
    uint8_t event[600];
    const void *data = (const void *)(uintptr_t)buffer;
    record_function function;
    if (record_may_write()) {
        if (guid)
            memcpy(values + 2, (const void *)(uintptr_t)guid, 16);
        if (data && guid && values[1] == record_guids[RECORD_TRIAGE].size &&
            record_hash(values + 2, 16) == record_hash(record_guids[RECORD_TRIAGE].guid, 16)) {
            memcpy(event, data, (size_t)values[1]);
            values[4] = record_which_handle(record_get(event, 8));
            memset(event, 0, 8);
            data = event;
        }
        record_callback(RECORD_LOG_EVENT, values, 5, data, values[1]);
    }
    memcpy(&function, &recorder.log_event, sizeof function);
    function(guid, type, size, buffer, 0);
}

static void GPUP_RECORDER_CALL record_range_update(uint64_t handle, uint64_t vf) {
    uint64_t value = (uint32_t)vf;
    record_function function;
    if (record_may_write())
        record_callback(RECORD_RANGE_UPDATE, &value, 1, NULL, 0);
    memcpy(&function, &recorder.range_update, sizeof function);
    function(handle, vf, 0, 0, 0);
}

static uint64_t GPUP_RECORDER_CALL record_save_memory(uint64_t handle, uint64_t arguments) {
    const uint8_t *s = (const uint8_t *)(uintptr_t)arguments;
    uint64_t values[4] = {0, 0, 0, 0};
    record_function function;
    if (s) {
        values[0] = record_get(s, 4);
        values[1] = record_get(s + 24, 4);
        values[2] = record_get(s + 40, 4);
        values[3] = (record_pointer(s + 8) ? 1u : 0u) | (record_pointer(s + 16) ? 2u : 0u) |
                    (record_pointer(s + 32) ? 4u : 0u) | (record_pointer(s + 48) ? 8u : 0u);
    }
    if (record_may_write())
        record_callback(RECORD_SAVE_MEMORY, values, 4, NULL, 0);
    memcpy(&function, &recorder.save_memory, sizeof function);
    return function(handle, arguments, 0, 0, 0);
}

static void record_divert(unsigned offset, uint64_t size, uint64_t *original, uintptr_t wrapper) {
    uint64_t *slot = &recorder.callbacks[offset / 8];
    if (offset + 8 > size || !*slot)
        return;
    *original = *slot;
    *slot = wrapper;
}

/* StartDevice: the driver gets a copy of the callbacks, three of them diverted. */
static void record_give_table(struct record_call *c) {
    const uint8_t *table = (const uint8_t *)(uintptr_t)c->p[2];
    uint64_t size = c->row->ddi == RECORD_DDI_StartDevice && table ? record_get(table, 4) : 0;
    if (size < 16)
        return;
    size = size < sizeof recorder.callbacks ? size : sizeof recorder.callbacks;
    memset(recorder.callbacks, 0, sizeof recorder.callbacks);
    memcpy(recorder.callbacks, table, (size_t)size);
    recorder.device_handle = record_get(table + 8, 8);
    record_divert(RECORD_LOG_EVENT, size, &recorder.log_event, (uintptr_t)record_log_event);
    record_divert(RECORD_RANGE_UPDATE, size, &recorder.range_update, (uintptr_t)record_range_update);
    record_divert(RECORD_SAVE_MEMORY, size, &recorder.save_memory, (uintptr_t)record_save_memory);
    c->table = (uint8_t *)recorder.callbacks;
}

/* Interfaces that a QueryInterface gave out, and an adapter that is gone. */
static void record_take_tables(struct record_call *c) {
    uint8_t *bytes;
    if (!c->success)
        return;
    if (c->row->ddi == RECORD_DDI_RemoveDevice)
        recorder.adapter = 0;
    if (c->row->ddi != RECORD_DDI_QueryInterface || !c->s || !c->a[0])
        return;
    bytes = (uint8_t *)(uintptr_t)record_get(c->s + 16, 8);
    if (bytes && c->a[1] >= record_guids[c->a[0]].size)
        record_take_interface((unsigned)c->a[0], bytes, record_guids[c->a[0]].size);
}
