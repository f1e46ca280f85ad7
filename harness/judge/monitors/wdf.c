/* Interrupt objects of the framework: the answer to each WdfInterruptCreate, and how a driver calls it. */
#include "wdf.h"

#define MANY 16u /* objects that any device may have; beyond, the limit of messages speaks */
#define CONFIG_SIZE 104u
#define SHARE_AT 16u
#define ISR_AT 24u
#define DPC_AT 32u
#define REPORT_AT 92u
#define USE_DEFAULT 2u

struct wdf_monitor {
    struct wdf host[GPUP_MAX_HOSTS];
};

static uint32_t argument(const struct call *c, unsigned at) {
    return (uint32_t)c->a[at];
}

static struct wdf_device *device_of(struct wdf *w, const struct call *c) {
    uint64_t number = c->a[GPUP_ARG_WdfInterruptCreate_Device];
    return number < WDF_DEVICES ? &w->device[number] : NULL;
}

static unsigned faults_of(const struct wdf *w, const struct wdf_device *d, const struct call *c,
                          struct wdf_fault out[WDF_MOST_FAULTS]) {
    static const struct wdf_device nobody;
    struct wdf_call call = {.bad_device = !d,
                            .no_config = !argument(c, GPUP_ARG_WdfInterruptCreate_Configuration),
                            .no_place = !argument(c, GPUP_ARG_WdfInterruptCreate_Interrupt),
                            .attributes = argument(c, GPUP_ARG_WdfInterruptCreate_Attributes)};
    return wdf_faults(w, d ? d : &nobody, &call, out);
}

/* --- a call without fault */

/* The rule that speaks most to the point for this success. */
static uint16_t success_rule(const struct wdf *w, const struct wdf_device *d, const struct call *c) {
    struct wdf_config config = wdf_effective(&w->config);
    const struct wdf_attributes *a = &w->attributes;
    bool with = argument(c, GPUP_ARG_WdfInterruptCreate_Attributes);
    if (config.size != CONFIG_SIZE)
        return GPUP_RULE_WDFI_003;
    if (config.handling & WDF_SERIALIZED && wdf_levels_differ(d, &config))
        return GPUP_RULE_WDFI_017;
    if (with && a->type && a->override && a->override == a->context)
        return GPUP_RULE_WDFI_027;
    if (with && a->type == 1 && !a->context)
        return GPUP_RULE_WDFI_028;
    if (d->flags & WDF_VERIFIER && d->state == WDF_PREPARE && !d->messages && d->prepared)
        return GPUP_RULE_WDFI_046;
    return d->added >= MANY ? GPUP_RULE_WDFI_053 : GPUP_RULE_WDFI_001;
}

static void made(struct gpup_judge *j, struct wdf *w, struct wdf_device *d) {
    const struct call *c = &j->call;
    struct wdf_config config = wdf_effective(&w->config);
    bool with = argument(c, GPUP_ARG_WdfInterruptCreate_Attributes);
    const struct wdf_attributes *a = &w->attributes;
    if (c->handle < 1 || c->handle > WDF_OBJECTS)
        return;
    struct wdf_object *o = &w->object[c->handle - 1];
    w->objects = c->handle > w->objects ? (uint32_t)c->handle : w->objects;
    *o = (struct wdf_object){.there = true,
                             .prepared = d->state == WDF_PREPARE,
                             .device = (uint8_t)(d - w->device),
                             .callbacks = (uint8_t)config.callbacks,
                             .handling = (uint8_t)config.handling,
                             .end_callbacks = with ? (uint8_t)a->callbacks : 0,
                             .spin = config.spin_lock == 1,
                             .wait = config.wait_lock == 1,
                             .descriptor = wdf_odd_descriptors(&config) ? 0 : config.raw,
                             .index = d->added};
    if (o->prepared && config.raw >= 2 && config.raw - 2 < 2048)
        d->claimed[(config.raw - 2) / 64] |= UINT64_C(1) << (config.raw - 2) % 64;
    d->added += !o->prepared;
    d->prepared += o->prepared;
    d->queue_used = d->queue_used || (with && a->parent == 2);
}

static void judge_success(struct gpup_judge *j, struct wdf *w, struct wdf_device *d, bool written) {
    const struct call *c = &j->call;
    if (argument(c, GPUP_ARG_WdfInterruptCreate_FailedAllocation) && !nt_success(c->status)) {
        CHECK(j, GPUP_RULE_WDFI_031, c->status == GPUP_STATUS_INSUFFICIENT_RESOURCES,
              "an allocation failed and the call returned 0x%08x", c->status);
        return;
    }
    uint16_t rule = success_rule(w, d, c);
    CHECK(j, rule, nt_success(c->status) && c->handle && written, "a good call returned 0x%08x%s", c->status,
          nt_success(c->status) ? " and no handle" : "");
}

/* --- a call with faults */

static bool is_right(const struct wdf_fault *f, uint32_t status) {
    return f->answer == WDF_FAILURE ? !nt_success(status) : status == f->status[0] || status == f->status[1];
}

static void judge_failure(struct gpup_judge *j, const struct wdf_fault *faults, unsigned count) {
    const struct wdf_fault *first = &faults[0];
    uint32_t status = j->call.status;
    if (first->answer == WDF_BUG_CHECK) {
        CHECK(j, first->rule, false, "the call returned 0x%08x, expected a bug check", status);
    } else if (count == 1) {
        CHECK(j, first->rule, is_right(first, status), "the call returned 0x%08x, expected 0x%08x", status,
              first->status[0]);
    } else if (nt_success(status)) {
        CHECK(j, first->rule, false, "the call succeeded");
    } else if (is_right(first, status) ||
               (j->result[first->rule].checks && !j->result[first->rule].violations)) {
        /* The first fault is one that the framework finds when it is alone. */
        CHECK(j, GPUP_RULE_WDFI_049, is_right(first, status),
              "of %u faults the first is that of %s (0x%08x), the call returned 0x%08x", count,
              gpup_rule_id(first->rule), first->status[0], status);
    }
}

/* The start gave that message to an object of EvtDriverDeviceAdd: whether the verifier takes this for the
 * first use of its descriptor nobody says. */
static bool perhaps_second_use(const struct wdf *w, const struct wdf_device *d) {
    struct wdf_config c = wdf_effective(&w->config);
    return d && d->flags & WDF_VERIFIER && d->state == WDF_PREPARE && c.raw >= 2 && c.raw - 2 < d->added;
}

static void settle(struct gpup_judge *j, void *state) {
    const struct call *c = &j->call;
    struct wdf *w = &((struct wdf_monitor *)state)->host[c->host];
    struct wdf_device *d = c->ddi == GPUP_DDI_WdfInterruptCreate ? device_of(w, c) : NULL;
    struct wdf_fault faults[WDF_MOST_FAULTS];
    if (c->ddi != GPUP_DDI_WdfInterruptCreate)
        return;
    bool written = c->r[GPUP_RES_WdfInterruptCreate_Interrupt];
    unsigned count = faults_of(w, d, c, faults);
    bool starved = argument(c, GPUP_ARG_WdfInterruptCreate_FailedAllocation) &&
                   c->status == GPUP_STATUS_INSUFFICIENT_RESOURCES;
    bool unclear = c->status == GPUP_STATUS_INVALID_PARAMETER && perhaps_second_use(w, d);
    if (d && !nt_success(c->status) && !(count && faults[0].answer == WDF_BUG_CHECK))
        unclear = unclear || wdf_unclear_descriptors(d, &w->config);
    if (count && !starved && !unclear) /* memory may be asked for before or after any check */
        judge_failure(j, faults, count);
    if (!count && !unclear)
        judge_success(j, w, d, written);
    if (!nt_success(c->status))
        CHECK(j, GPUP_RULE_WDFI_032, !written, "the call failed with 0x%08x and wrote the handle", c->status);
    if (d && nt_success(c->status))
        made(j, w, d);
    if (d && !nt_success(c->status)) {
        d->failures++;
        d->queue_refused = d->queue_refused ||
                           (argument(c, GPUP_ARG_WdfInterruptCreate_Attributes) && w->attributes.parent == 2);
    }
}

/* As the steps' defaults: what holds until a step says otherwise. */
static void defaults(struct wdf *w) {
    w->config = (struct wdf_config){.size = CONFIG_SIZE, .callbacks = 27, .share = USE_DEFAULT};
    w->attributes =
        (struct wdf_attributes){.size = 56, .level = 1, .scope = 1, .type = 1, .context = 16, .callbacks = 3};
}

static void forget(struct wdf *w) {
    for (unsigned i = 0; i < WDF_DEVICES; i++)
        w->device[i] = (struct wdf_device){0};
    for (uint32_t i = 0; i < w->objects; i++)
        w->object[i] = (struct wdf_object){0};
    w->objects = 0;
    defaults(w);
}

/* The host of the framework was stopped by a bug check in the call. */
static void stopped(struct gpup_judge *j, struct wdf *w) {
    const struct call *c = &j->call;
    struct wdf_fault faults[WDF_MOST_FAULTS];
    if (c->active && c->ddi == GPUP_DDI_WdfInterruptCreate) {
        unsigned count = faults_of(w, device_of(w, c), c, faults), at = 0;
        while (at < count && faults[at].answer != WDF_BUG_CHECK)
            at++;
        uint16_t rule = !count ? GPUP_RULE_WDFI_001 : at == count ? faults[0].rule : faults[at].rule;
        CHECK(j, rule, at < count, "the call ended in a bug check");
        if (count > 1 && at < count)
            CHECK(j, GPUP_RULE_WDFI_049, at == 0 || faults[0].answer == WDF_BUG_CHECK,
                  "the call ended in a bug check, the framework looks for the fault of %s first",
                  gpup_rule_id(faults[0].rule));
    }
    forget(w); /* the next device comes with a new host */
}

/* --- what else is told */

static void initialised(struct gpup_judge *j, const struct gpup_event *e) {
    uint8_t expected[CONFIG_SIZE] = {CONFIG_SIZE};
    expected[SHARE_AT] = expected[REPORT_AT] = USE_DEFAULT;
    expected[ISR_AT] = 1;
    expected[DPC_AT] = 2;
    size_t at = 0;
    bool whole = e->data_size == CONFIG_SIZE;
    while (whole && at < CONFIG_SIZE && e->data[at] == expected[at])
        at++;
    CHECK(j, GPUP_RULE_WDFI_048, whole && at == CONFIG_SIZE, "byte %zu after the INIT function is wrong", at);
}

static void used(struct gpup_judge *j, const struct gpup_event *e) {
    const uint64_t *f = e->f;
    judge_about(j, e->host, GPUP_PF);
    CHECK(j, GPUP_RULE_WDFI_050, f[GPUP_INTERRUPT_USE_irql] <= 2,
          "WdfInterruptCreate was called at IRQL %llu", (unsigned long long)f[GPUP_INTERRUPT_USE_irql]);
    CHECK(j, GPUP_RULE_WDFI_051, !f[GPUP_INTERRUPT_USE_miniport],
          "the device was made by WdfDeviceMiniportCreate");
    if (f[GPUP_INTERRUPT_USE_messages] && nt_success((uint32_t)f[GPUP_INTERRUPT_USE_status]))
        CHECK(j, GPUP_RULE_WDFI_040, !f[GPUP_INTERRUPT_USE_passive],
              "passive-level handling for a message-signaled interrupt");
}

static void new_device(struct wdf *w, const struct gpup_event *e) {
    uint64_t number = e->f[GPUP_FRAMEWORK_DEVICE_device];
    if (number >= WDF_DEVICES)
        return;
    w->device[number] = (struct wdf_device){.made = true,
                                            .level = (uint32_t)e->f[GPUP_FRAMEWORK_DEVICE_level],
                                            .scope = (uint32_t)e->f[GPUP_FRAMEWORK_DEVICE_scope],
                                            .messages = (uint32_t)e->f[GPUP_FRAMEWORK_DEVICE_messages],
                                            .flags = (uint32_t)e->f[GPUP_FRAMEWORK_DEVICE_flags]};
}

/* The numbers of the event are the members, in the same order. */
static void copy_members(void *members, const struct gpup_event *e, unsigned count) {
    uint32_t *to = members;
    for (unsigned i = 0; i < count; i++)
        to[i] = (uint32_t)e->f[i];
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct wdf *w = &((struct wdf_monitor *)state)->host[e->host];
    switch (e->kind) {
    case GPUP_EVENT_FRAMEWORK_DEVICE:
        new_device(w, e);
        break;
    case GPUP_EVENT_FRAMEWORK_MOVE:
        wdf_move(j, w, e);
        break;
    case GPUP_EVENT_FRAMEWORK_SIGNAL:
        wdf_signal(j, w, e);
        break;
    case GPUP_EVENT_INTERRUPT_CONFIG:
        copy_members(&w->config, e, 8);
        break;
    case GPUP_EVENT_INTERRUPT_ATTRIBUTES:
        copy_members(&w->attributes, e, 8);
        break;
    case GPUP_EVENT_FRAMEWORK_STOP:
        stopped(j, w);
        break;
    case GPUP_EVENT_INTERRUPT_USE:
        used(j, e);
        break;
    default:
        if (e->f[GPUP_INTERRUPT_ACT_what] == GPUP_ACT_INITIALISED)
            initialised(j, e);
        else
            wdf_act(j, w, e);
    }
}

static void reset(struct gpup_judge *j, void *state) {
    struct wdf_monitor *m = state;
    (void)j;
    for (unsigned i = 0; i < GPUP_MAX_HOSTS; i++) {
        struct wdf *w = &m->host[i];
        forget(w);
    }
}

const struct monitor monitor_wdf = {
    .id = GPUP_MONITOR_wdf,
    .state_size = sizeof(struct wdf_monitor),
    .kinds = KIND(FRAMEWORK_DEVICE) | KIND(FRAMEWORK_MOVE) | KIND(FRAMEWORK_SIGNAL) | KIND(INTERRUPT_CONFIG) |
             KIND(INTERRUPT_ATTRIBUTES) | KIND(INTERRUPT_ACT) | KIND(FRAMEWORK_STOP) | KIND(INTERRUPT_USE),
    .event = event,
    .settle = settle,
    .reset = reset};
