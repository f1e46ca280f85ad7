/* Events with a name: found again by it, alive as long as somebody has a handle of one or a reference to it.
 */
#include "asan.h"
#include "callers.h"
#include "services.h"

#define EVENTS 32u
#define LONGEST 128u /* characters */

struct named {
    KEVENT event;
    uint64_t object; /* 0: free */
    struct gpup_callers made;
    uint32_t handles, references;
    uint32_t length; /* bytes */
    WCHAR name[LONGEST];
};

static struct named *all(struct gpup_os *os) {
    if (!os->machine->named)
        os->machine->named = gpup_os_alloc(os, EVENTS * sizeof(struct named));
    return os->machine->named;
}

static void drop(struct named *n) {
    if (!n->handles && !n->references) {
        n->object = 0;
        n->event.Header.Tag = 0; /* whoever still uses it shows */
    }
}

static void close_one(struct gpup_os *os, void *target) {
    struct named *n = target;

    (void)os;
    n->handles--;
    drop(n);
}

static struct named *find(struct named *events, const WCHAR *name, uint32_t length) {
    for (uint32_t i = 0; i < EVENTS; i++)
        if (events[i].object && events[i].length == length && !memcmp(events[i].name, name, length))
            return &events[i];
    return NULL;
}

static struct named *make(struct gpup_os *os, struct named *events, const WCHAR *name, uint32_t length,
                          bool resets) {
    for (uint32_t i = 0; i < EVENTS; i++) {
        struct named *n = &events[i];

        if (n->object)
            continue;
        *n = (struct named){.object = gpup_os_object(os), .length = length};
        gpup_callers_here(os, &n->made);
        memcpy(n->name, name, length);
        gpup_dispatcher_init(&n->event.Header, resets ? GPUP_DISPATCHER_SYNC_EVENT : GPUP_DISPATCHER_EVENT,
                             1);
        return n;
    }
    return NULL;
}

static PKEVENT open_named(const struct gpup_service_limit *service, const UNICODE_STRING *asked,
                          PHANDLE handle, bool resets) {
    struct gpup_os *os = gpup_os_enter(service);
    struct named *events = os && !gpup_os_fails(os) ? all(os) : NULL, *n;
    WCHAR name[LONGEST];
    UNICODE_STRING string;

    if (!events)
        return NULL;
    gpup_copy_driver(&string, asked, sizeof string);
    if (!string.Length || string.Length % sizeof(WCHAR) || string.Length > sizeof name) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return NULL;
    }
    gpup_copy_driver(name, string.Buffer, string.Length);
    n = find(events, name, string.Length);
    if (!n)
        n = make(os, events, name, string.Length, resets);
    *handle = n ? gpup_handle_new(os, GPUP_HANDLE_EVENT, n, n->object, close_one) : NULL;
    if (!*handle)
        gpup_os_failed(os);
    if (!n)
        return NULL;
    n->handles += *handle != NULL;
    drop(n);
    return *handle ? &n->event : NULL;
}

PKEVENT DDI_CALL IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle) {
    return open_named(GPUP_SERVICE(IoCreateNotificationEvent), EventName, EventHandle, false);
}

PKEVENT DDI_CALL IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle) {
    return open_named(GPUP_SERVICE(IoCreateSynchronizationEvent), EventName, EventHandle, true);
}

static struct named *at(struct gpup_os *os, const void *object) {
    struct named *events = os->machine->named;

    for (uint32_t i = 0; events && i < EVENTS; i++)
        if (&events[i].event == object)
            return &events[i];
    return NULL;
}

PKEVENT gpup_named_event(struct gpup_os *os, HANDLE handle) {
    struct gpup_handle *entry = gpup_handle_get(os, handle, GPUP_HANDLE_EVENT);
    struct named *n = entry ? entry->target : NULL;

    return n ? &n->event : NULL;
}

bool gpup_named_event_reference(struct gpup_os *os, const void *object, int32_t change, int64_t *left) {
    struct named *n = at(os, object);

    if (!n)
        return false;
    if (!n->object || (change < 0 && !n->references)) {
        gpup_os_misuse(os, change < 0 ? "ObfDereferenceObject" : "ObfReferenceObject", GPUP_MISUSE_OBJECT,
                       n->object);
        *left = 0;
        return true;
    }
    n->references += (uint32_t)change;
    *left = (int64_t)n->references + n->handles;
    drop(n);
    return true;
}

void gpup_named_event_left(struct gpup_os *os) {
    const struct named *events = os->machine->named;

    for (uint32_t i = 0; events && i < EVENTS; i++)
        if (events[i].object && events[i].references)
            gpup_os_left(os, GPUP_OBJECT_REFERENCE, events[i].object, 0, 0, &events[i].made);
}
