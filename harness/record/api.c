/* Beginning, end, and events of the hook's own. */
#include "record.h"

static void record_tell_head(void) {
    static const uint8_t head[] = {'G', 'P', 'U', 'P', 'T', 'R', 'A', 'C', 1, 0, 12, 0};
    struct record_event e;
    if (!recorder.o.write(recorder.o.context, head, sizeof head, NULL, 0))
        record_lose(); /* nothing can be made of what follows */
    record_event_of(&e, RECORD_EVENT_world);
    e.f[RECORD_world_hosts] = 1;
    e.data = RECORD_SPEC;
    e.data_size = sizeof RECORD_SPEC - 1;
    record_write(&e);
    record_event_of(&e, RECORD_EVENT_implementation);
    e.f[RECORD_implementation_form] = 3;
    e.f[RECORD_implementation_version] = 1;
    e.data = recorder.o.name;
    while (recorder.o.name && recorder.o.name[e.data_size])
        e.data_size++;
    record_write(&e);
    record_event_of(&e, RECORD_EVENT_adapter);
    e.f[RECORD_adapter_observers] = recorder.o.observers | RECORD_OBSERVER_callbacks;
    record_write(&e);
}

bool gpup_recorder_begin(const struct gpup_recorder_options *options) {
    if (!options || options->size < sizeof *options || options->version != GPUP_RECORDER_VERSION ||
        !options->write || !options->lock != !options->unlock)
        return false;
    void *original[GPUP_RECORD_ROWS];
    memcpy(original, recorder.original, sizeof original); /* tables stay wrapped */
    memset(&recorder, 0, sizeof recorder);
    memcpy(recorder.original, original, sizeof original);
    recorder.o = *options;
    if (!recorder.o.largest || recorder.o.largest > RECORD_EVENT_MAX_DATA)
        recorder.o.largest = RECORD_EVENT_MAX_DATA;
    record_lock();
    record_tell_head();
    recorder.on = true;
    record_unlock();
    return true;
}

int32_t gpup_recorder_driver_entry(int32_t(GPUP_RECORDER_CALL *entry)(void *driver, void *path), void *driver,
                                   void *path) {
    struct record_event e;
    uint64_t number = 0;
    if (recorder.on) {
        record_lock();
        number = ++recorder.calls;
        if (!record_enter(number))
            record_lose();
        record_event_of(&e, RECORD_EVENT_call);
        e.f[RECORD_call_call] = number;
        e.f[RECORD_call_ddi] = RECORD_DDI_DriverEntry;
        record_write(&e);
        record_unlock();
    }
    int32_t status = entry(driver, path);
    if (number) {
        record_lock();
        record_leave(number);
        record_event_of(&e, RECORD_EVENT_return);
        e.f[RECORD_return_call] = number;
        e.f[RECORD_return_ddi] = RECORD_DDI_DriverEntry;
        e.f[RECORD_return_status] = (uint32_t)status;
        record_write(&e);
        record_unlock();
    }
    return status;
}

bool gpup_recorder_add(const struct gpup_recorder_event *event) {
    struct record_event e;
    bool written;
    if (!recorder.on || event->kind >= RECORD_KINDS || event->field_count > 12) {
        record_lose();
        return false;
    }
    record_event_of(&e, event->kind);
    for (unsigned i = 0; i < event->field_count; i++)
        e.f[i] = event->fields[i];
    e.data = event->data;
    e.data_size = event->data_size;
    record_lock();
    written = record_write(&e);
    record_unlock();
    return written;
}

uint64_t gpup_recorder_lost(void) {
    return recorder.lost;
}

bool gpup_recorder_end(uint32_t outcome) {
    struct record_event e;
    bool written;
    if (!recorder.on)
        return false;
    record_event_of(&e, RECORD_EVENT_end);
    e.f[RECORD_end_outcome] = outcome;
    e.f[RECORD_end_calls] = recorder.calls;
    record_lock();
    written = record_write(&e);
    recorder.on = false;
    record_unlock();
    return written;
}
