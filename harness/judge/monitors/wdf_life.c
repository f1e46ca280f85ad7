/* Life of interrupt objects: resources, power, interrupts, and the end. */
#include "wdf.h"

#define DISPATCH 2u
enum {
    SEEN_ENTRY = 1,
    SEEN_ENABLE = 2,
    SEEN_ENABLED = 4,
    SEEN_DISABLED = 8,
    SEEN_DISABLE = 16,
    SEEN_EXIT = 32
};

static bool is_passive(const struct wdf_object *o) {
    return o->handling & WDF_PASSIVE;
}

static bool is_surplus(const struct wdf_device *d, const struct wdf_object *o) {
    return d->messages && !o->prepared && o->index >= d->messages;
}

/* One object a message, and none made in PrepareHardware that could share: then who gets what is fixed. */
static bool is_plain(const struct wdf_device *d) {
    return d->messages && !d->prepared;
}

static bool stays_connected(const struct wdf_object *o) {
    return o->handling & WDF_WAKE;
}

/* --- callbacks of the interrupt */

static bool another_runs(const struct wdf *w, const struct wdf_object *o) {
    for (uint32_t i = 0; i < w->objects; i++) {
        const struct wdf_object *p = &w->object[i];
        if (p != o && p->there && p->running && p->device == o->device &&
            ((p->spin && o->spin) || (p->wait && o->wait)))
            return true;
    }
    return false;
}

static void check_lock(struct gpup_judge *j, const struct wdf_object *o, const struct gpup_event *e) {
    uint64_t lock = e->f[GPUP_INTERRUPT_ACT_lock];
    if (lock && is_passive(o))
        CHECK(j, GPUP_RULE_WDFI_058, lock == 1,
              "the wait lock of the interrupt was free in its callback (act %llu)",
              (unsigned long long)e->f[GPUP_INTERRUPT_ACT_what]);
}

static void isr_runs(struct gpup_judge *j, const struct wdf *w, struct wdf_device *d, struct wdf_object *o,
                     const struct gpup_event *e) {
    uint64_t irql = e->f[GPUP_INTERRUPT_ACT_irql], message = e->f[GPUP_INTERRUPT_ACT_message];
    if (o->spin)
        CHECK(j, GPUP_RULE_WDFI_052, irql > DISPATCH && !another_runs(w, o),
              irql > DISPATCH ? "the ISRs of two objects with one spin lock ran at the same time"
                              : "the ISR of an object with a spin lock ran at a low IRQL");
    if (o->wait)
        CHECK(j, GPUP_RULE_WDFI_058, !another_runs(w, o),
              "the ISRs of two objects with one wait lock ran together");
    check_lock(j, o, e);
    if (stays_connected(o))
        CHECK(j, GPUP_RULE_WDFI_060, irql == 0 && d->entered,
              "the ISR of a wake-capable interrupt ran at IRQL %llu%s", (unsigned long long)irql,
              d->entered ? "" : " before EvtDeviceD0Entry succeeded");
    else
        CHECK(j, GPUP_RULE_WDFI_038, d->entered, "the ISR ran while its interrupt was not connected");
    if (is_surplus(d, o))
        CHECK(j, GPUP_RULE_WDFI_036, false, "the ISR of an object without a message ran");
    else if (is_plain(d) && d->signaling && d->entered)
        CHECK(j, GPUP_RULE_WDFI_034, o->index >= d->message,
              "message %u was signaled, the ISR of object %u ran", d->message, o->index);
    if (d->messages && o->numbered)
        CHECK(j, GPUP_RULE_WDFI_039, message == o->number, "the ISR got MessageID %llu, its object has %u",
              (unsigned long long)message, o->number);
    o->running = true;
    o->runs++;
    d->runs++;
}

/* Each of the two callbacks may be there without the other, which then is no witness. */
static bool may_disable(const struct wdf_object *o) {
    return o->callbacks & WDF_ENABLE ? o->enabled : !o->disables;
}

static void switched(struct gpup_judge *j, struct wdf_device *d, struct wdf_object *o,
                     const struct gpup_event *e) {
    bool on = e->f[GPUP_INTERRUPT_ACT_what] == GPUP_ACT_ENABLE;
    check_lock(j, o, e);
    if (on && is_surplus(d, o))
        CHECK(j, GPUP_RULE_WDFI_036, false, "an object without a message was enabled");
    if (!on && stays_connected(o) && d->moving && d->state == WDF_LOW)
        CHECK(j, GPUP_RULE_WDFI_060, false, "EvtInterruptDisable was called for a wake-capable interrupt");
    else if (d->moving && on)
        CHECK(j, GPUP_RULE_WDFI_059, d->entered && !(d->seen & SEEN_ENABLED) && !o->enabled,
              "EvtInterruptEnable came out of order");
    else if (d->moving && !stays_connected(o))
        CHECK(j, GPUP_RULE_WDFI_059, d->seen & SEEN_DISABLED && !(d->seen & SEEN_EXIT) && may_disable(o),
              "EvtInterruptDisable came out of order");
    d->seen |= on ? SEEN_ENABLE : SEEN_DISABLE;
    o->enabled = on;
    o->enables += on;
    o->disables += !on;
}

static void power_callback(struct gpup_judge *j, struct wdf_device *d, const struct gpup_event *e) {
    bool good = nt_success((uint32_t)e->f[GPUP_INTERRUPT_ACT_value]);
    uint8_t seen = d->seen;
    switch (e->f[GPUP_INTERRUPT_ACT_what]) {
    case GPUP_ACT_D0_ENTRY:
        CHECK(j, GPUP_RULE_WDFI_059, !seen, "EvtDeviceD0Entry was not the first callback on the way to D0");
        d->seen |= SEEN_ENTRY;
        d->entered = good;
        break;
    case GPUP_ACT_INTERRUPTS_ENABLED:
        CHECK(j, GPUP_RULE_WDFI_059, seen & SEEN_ENTRY, "PostInterruptsEnabled came before EvtDeviceD0Entry");
        d->seen |= SEEN_ENABLED;
        break;
    case GPUP_ACT_INTERRUPTS_DISABLED:
        CHECK(j, GPUP_RULE_WDFI_059, !seen,
              "PreInterruptsDisabled was not the first callback on the way from D0");
        d->seen |= SEEN_DISABLED;
        break;
    default:
        CHECK(j, GPUP_RULE_WDFI_059, seen & SEEN_DISABLED,
              "EvtDeviceD0Exit came before PreInterruptsDisabled");
        d->seen |= SEEN_EXIT;
        d->entered = false;
    }
}

/* --- the end of an object */

static void ended(struct gpup_judge *j, struct wdf_device *d, struct wdf_object *o,
                  const struct gpup_event *e) {
    bool cleanup = e->f[GPUP_INTERRUPT_ACT_what] == GPUP_ACT_CLEANUP;
    bool passive = e->f[GPUP_INTERRUPT_ACT_irql] == 0;
    if (cleanup)
        CHECK(j, GPUP_RULE_WDFI_043, passive && !o->cleaned && !o->destroyed, "the cleanup callback came %s",
              !passive     ? "above PASSIVE_LEVEL"
              : o->cleaned ? "twice"
                           : "after destroy");
    else
        CHECK(j, GPUP_RULE_WDFI_043,
              passive && !o->destroyed && (o->cleaned || !(o->end_callbacks & WDF_CLEANUP)),
              "the destroy callback came %s",
              !passive       ? "above PASSIVE_LEVEL"
              : o->destroyed ? "twice"
                             : "before cleanup");
    if (cleanup && o->context)
        CHECK(j, GPUP_RULE_WDFI_054, e->f[GPUP_INTERRUPT_ACT_value],
              "the context lost what was written there");
    if (cleanup && o->prepared)
        CHECK(j, GPUP_RULE_WDFI_041, d->state >= WDF_RELEASED,
              "an object of PrepareHardware went before the hardware was released");
    if (cleanup && !o->prepared)
        CHECK(j, GPUP_RULE_WDFI_042, o->deleted || d->state == WDF_REMOVED,
              "an object of DeviceAdd went before its device");
    o->cleaned += cleanup;
    o->destroyed += !cleanup;
}

static void about_queue(struct gpup_judge *j, struct wdf_device *d, bool cleaned) {
    if (cleaned) {
        d->queue_cleaned = true;
        if (d->queue_used)
            CHECK(j, GPUP_RULE_WDFI_057, d->state == WDF_REMOVED, "the parent queue went before its device");
    } else if (d->queue_used) {
        CHECK(j, GPUP_RULE_WDFI_057, !d->queue_cleaned, "the driver could delete the parent queue");
    } else if (d->queue_refused) {
        CHECK(j, GPUP_RULE_WDFI_033, d->queue_cleaned,
              "a failed create keeps a reference on the queue it named");
    }
}

static void told_number(struct gpup_judge *j, struct wdf_device *d, struct wdf_object *o, uint64_t number) {
    if (d->state == WDF_ADD)
        return; /* resources are not assigned yet */
    if (!o->prepared && is_plain(d) && !is_surplus(d, o))
        CHECK(j,
              d->rounds > 1 ? GPUP_RULE_WDFI_042
              : d->failures ? GPUP_RULE_WDFI_033
                            : GPUP_RULE_WDFI_035,
              number == o->index, "MessageNumber is %llu, expected %u", (unsigned long long)number, o->index);
    o->number = (uint32_t)number;
    o->numbered = true;
}

void wdf_act(struct gpup_judge *j, struct wdf *w, const struct gpup_event *e) {
    uint64_t device = e->f[GPUP_INTERRUPT_ACT_device], object = e->f[GPUP_INTERRUPT_ACT_object],
             what = e->f[GPUP_INTERRUPT_ACT_what];
    struct wdf_device *d = device < WDF_DEVICES ? &w->device[device] : NULL;
    struct wdf_object *o = object >= 1 && object <= w->objects ? &w->object[object - 1] : NULL;
    judge_about(j, e->host, GPUP_PF);
    if (!o && what <= GPUP_ACT_DESTROY && !j->call.active)
        CHECK(j, GPUP_RULE_WDFI_033, false, "a callback (act %llu) came for an object that no call returned",
              (unsigned long long)what);
    if (!d)
        return;
    if (what == GPUP_ACT_QUEUE_CLEANUP || what == GPUP_ACT_DELETE_QUEUE)
        about_queue(j, d, what == GPUP_ACT_QUEUE_CLEANUP);
    else if (what >= GPUP_ACT_D0_ENTRY && what <= GPUP_ACT_INTERRUPTS_DISABLED)
        power_callback(j, d, e);
    if (!o || !o->there)
        return;
    if (what == GPUP_ACT_ISR)
        isr_runs(j, w, d, o, e);
    else if (what == GPUP_ACT_ISR_END)
        o->running = false;
    else if (what == GPUP_ACT_ENABLE || what == GPUP_ACT_DISABLE)
        switched(j, d, o, e);
    else if (what == GPUP_ACT_SYNCHRONIZE)
        check_lock(j, o, e);
    else if (what == GPUP_ACT_CLEANUP || what == GPUP_ACT_DESTROY)
        ended(j, d, o, e);
    else if (what == GPUP_ACT_INFO)
        told_number(j, d, o, e->f[GPUP_INTERRUPT_ACT_message]);
    else if (what == GPUP_ACT_CONTEXT)
        CHECK(j, GPUP_RULE_WDFI_054, o->context = e->f[GPUP_INTERRUPT_ACT_value],
              "the new context is missing, too short or not zero");
    else if (what == GPUP_ACT_DELETE)
        o->deleted = true;
}

/* --- moves */

static void reached_d0(struct gpup_judge *j, struct wdf *w, struct wdf_device *d, bool failed) {
    if (!failed)
        CHECK(j, GPUP_RULE_WDFI_059, d->seen & SEEN_ENTRY && d->seen & SEEN_ENABLED,
              "a callback is missing on the way to D0");
    if (d->messages && d->added > d->messages && !failed)
        COUNT(j, GPUP_RULE_WDFI_036); /* each wrong callback was a finding */
    for (uint32_t i = 0; i < w->objects; i++) {
        struct wdf_object *o = &w->object[i];
        if (!o->there || &w->device[o->device] != d || o->destroyed)
            continue;
        if (failed && stays_connected(o) && o->enabled && o->callbacks & WDF_DISABLE)
            CHECK(j, GPUP_RULE_WDFI_060, false, "EvtDeviceD0Entry failed and the interrupt was not disabled");
        else if (failed && stays_connected(o))
            COUNT(j, GPUP_RULE_WDFI_060);
        else if (!failed && o->signaled)
            CHECK(j, GPUP_RULE_WDFI_060, o->runs, "the interrupt that woke the device did not reach its ISR");
        else if (!failed && is_plain(d) && !is_surplus(d, o) && o->callbacks & WDF_ENABLE &&
                 !stays_connected(o))
            CHECK(j, GPUP_RULE_WDFI_059, o->enables == 1, "EvtInterruptEnable came %u times on the way to D0",
                  o->enables);
        o->signaled = false;
        o->enabled = o->enabled && !failed;
    }
}

static void left_d0(struct gpup_judge *j, struct wdf *w, struct wdf_device *d) {
    CHECK(j, GPUP_RULE_WDFI_059, d->seen & SEEN_DISABLED && d->seen & SEEN_EXIT,
          "a callback is missing on the way from D0");
    for (uint32_t i = 0; i < w->objects; i++) {
        struct wdf_object *o = &w->object[i];
        uint8_t both = WDF_ENABLE | WDF_DISABLE;
        if (!o->there || &w->device[o->device] != d)
            continue;
        if ((o->callbacks & both) == both && stays_connected(o))
            CHECK(j, GPUP_RULE_WDFI_060, !o->disables,
                  "EvtInterruptDisable was called for a wake-capable interrupt");
        else if ((o->callbacks & both) == both)
            CHECK(j, GPUP_RULE_WDFI_059, !o->enabled, "EvtInterruptDisable did not come on the way from D0");
        o->enabled = o->enabled && stays_connected(o);
    }
}

static void removed(struct gpup_judge *j, struct wdf *w, struct wdf_device *d) {
    uint8_t both = WDF_CLEANUP | WDF_DESTROY;
    for (uint32_t i = 0; i < w->objects; i++) {
        struct wdf_object *o = &w->object[i];
        bool gone = o->cleaned == 1 && o->destroyed == 1;
        if (!o->there || &w->device[o->device] != d || o->end_callbacks != both)
            continue;
        CHECK(j, GPUP_RULE_WDFI_043, gone, "cleanup came %u times and destroy %u times", o->cleaned,
              o->destroyed);
        if (o->deleted)
            CHECK(j, GPUP_RULE_WDFI_044, gone, "an object that was deleted did not end once with its device");
    }
    if (d->queue_used)
        CHECK(j, GPUP_RULE_WDFI_057, d->queue_cleaned, "the parent queue stayed after its device");
}

/* The next PrepareHardware: what the last one made is gone by now. */
static void prepared_again(struct gpup_judge *j, struct wdf *w, struct wdf_device *d) {
    for (uint32_t i = 0; i < w->objects; i++) {
        struct wdf_object *o = &w->object[i];
        if (!o->there || &w->device[o->device] != d || !o->prepared)
            continue;
        if (o->end_callbacks & WDF_DESTROY)
            CHECK(j, GPUP_RULE_WDFI_041, o->destroyed,
                  "an object of the last PrepareHardware is still there");
        o->there = false;
    }
    d->prepared = 0;
    for (unsigned i = 0; i < 32; i++)
        d->claimed[i] = 0;
}

static void begin_move(struct gpup_judge *j, struct wdf *w, struct wdf_device *d, uint64_t to) {
    d->moving = true;
    d->before = d->state;
    d->state = (uint8_t)to;
    d->seen = 0;
    if (to == WDF_PREPARE && d->rounds++)
        prepared_again(j, w, d);
    for (uint32_t i = 0; i < w->objects; i++)
        w->object[i].enables = w->object[i].disables = w->object[i].runs = 0;
}

void wdf_move(struct gpup_judge *j, struct wdf *w, const struct gpup_event *e) {
    uint64_t device = e->f[GPUP_FRAMEWORK_MOVE_device], to = e->f[GPUP_FRAMEWORK_MOVE_state];
    struct wdf_device *d = device < WDF_DEVICES ? &w->device[device] : NULL;
    bool failed = !nt_success((uint32_t)e->f[GPUP_FRAMEWORK_MOVE_status]);
    judge_about(j, e->host, GPUP_PF);
    if (!d || !d->made)
        return;
    if (!e->f[GPUP_FRAMEWORK_MOVE_end]) {
        begin_move(j, w, d, to);
        return;
    }
    if (to == WDF_D0)
        reached_d0(j, w, d, failed || e->f[GPUP_FRAMEWORK_MOVE_fail]);
    else if (to == WDF_LOW)
        left_d0(j, w, d);
    else if (to == WDF_REMOVED)
        removed(j, w, d);
    d->moving = false;
    if (to == WDF_D0 && e->f[GPUP_FRAMEWORK_MOVE_fail])
        d->state = d->before;
}

/* --- signals */

/* One of the messages of the signal is that of its descriptor. */
static bool is_signaled(const struct wdf_device *d, const struct wdf_object *o) {
    return o->descriptor && o->descriptor - 2 - d->message < d->count;
}

static void signal_ended(struct gpup_judge *j, struct wdf *w, struct wdf_device *d) {
    bool d0 = d->state == WDF_D0 && d->entered;
    if (d->messages && d->message >= d->messages)
        return; /* no such message was granted: nothing can signal it */
    if (d0 && is_plain(d) && d->message >= d->added)
        CHECK(j, GPUP_RULE_WDFI_037, !d->runs, "a message without an object reached an ISR");
    for (uint32_t i = 0; i < w->objects && d0 && is_plain(d); i++) {
        const struct wdf_object *o = &w->object[i];
        if (o->there && &w->device[o->device] == d && !o->prepared && o->index == d->message)
            CHECK(j, GPUP_RULE_WDFI_034, o->runs == 1,
                  "message %u was signaled and the ISR of its object ran %u times", d->message, o->runs);
    }
    for (uint32_t i = 0; i < w->objects && d->state == WDF_LOW; i++) {
        struct wdf_object *o = &w->object[i];
        bool mine = o->there && &w->device[o->device] == d && stays_connected(o) && o->enabled;
        o->signaled = o->signaled || (mine && is_signaled(d, o) && w->objects == 1);
    }
    if (!d->entered)
        COUNT(j, GPUP_RULE_WDFI_038); /* an ISR would have been a finding */
}

void wdf_signal(struct gpup_judge *j, struct wdf *w, const struct gpup_event *e) {
    uint64_t device = e->f[GPUP_FRAMEWORK_SIGNAL_device];
    struct wdf_device *d = device < WDF_DEVICES ? &w->device[device] : NULL;
    judge_about(j, e->host, GPUP_PF);
    if (!d || !d->made)
        return;
    d->signaling = !e->f[GPUP_FRAMEWORK_SIGNAL_end];
    if (!d->signaling) {
        signal_ended(j, w, d);
        return;
    }
    d->message = (uint32_t)e->f[GPUP_FRAMEWORK_SIGNAL_message];
    d->count = e->f[GPUP_FRAMEWORK_SIGNAL_count] ? (uint32_t)e->f[GPUP_FRAMEWORK_SIGNAL_count] : 1;
    d->runs = 0;
    for (uint32_t i = 0; i < w->objects; i++)
        w->object[i].runs = 0;
}
