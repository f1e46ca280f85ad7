/* WdfInterruptCreate: what is wrong with a call, in the order in which the published framework looks. */
#include "wdf.h"

#define SIZE_NOW 104u
#define SIZE_1_11 96u
#define SIZE_1_9 56u
#define ATTRIBUTES_SIZE 56u
#define LEVEL_INHERIT 1u
#define LEVEL_PASSIVE 2u
#define LEVEL_LAST 3u
#define SCOPE_DEVICE 2u
#define SCOPE_QUEUE 3u
#define SCOPE_LAST 4u
#define USE_DEFAULT 2u
#define PARENT_DEVICE 1u
#define PARENT_QUEUE 2u
#define PARENT_FOREIGN 3u
#define PARENT_NOTHING 5u /* no handle at all */
#define RIGHT_LOCK 1u
#define ODD_DESCRIPTOR 0x3000u /* a copy, or changed */

struct list {
    struct wdf_fault *out;
    unsigned count;
};

static void add(struct list *l, bool wrong, uint16_t rule, unsigned answer, uint32_t a, uint32_t b) {
    if (wrong && l->count < WDF_MOST_FAULTS)
        l->out[l->count++] = (struct wdf_fault){rule, (uint8_t)answer, {a, b}};
}

static void status(struct list *l, bool wrong, uint16_t rule, uint32_t value) {
    add(l, wrong, rule, WDF_STATUS, value, value);
}

static void stops(struct list *l, bool wrong, uint16_t rule) {
    add(l, wrong, rule, WDF_BUG_CHECK, 0, 0);
}

/* The list has that descriptor: code n + 1, with marks. */
static bool is_there(const struct wdf_device *d, uint32_t code) {
    uint32_t at = code & 0xFFF, last = d->messages ? d->messages : 1;
    return at && at - 1 <= last;
}

/* The first descriptor of a list, or a copy of it: a range of memory, which has nothing that an interrupt
 * has. */
static bool is_memory(uint32_t code) {
    return (code & 0xFFF) == 1;
}

/* A parent that means no handle at all: nothing was ever made there. */
static uint32_t parent_of(const struct wdf *w, const struct wdf_device *d) {
    const struct wdf_device *next = &w->device[(d - w->device + 1) % WDF_DEVICES];
    if (w->attributes.parent == PARENT_FOREIGN && !next->made)
        return 0;
    bool stale = (w->attributes.parent == PARENT_FOREIGN && next->queue_cleaned) ||
                 (w->attributes.parent == PARENT_QUEUE && d->queue_cleaned);
    return stale ? PARENT_NOTHING : w->attributes.parent;
}

struct wdf_config wdf_effective(const struct wdf_config *config) {
    struct wdf_config c = *config;
    if (c.size == SIZE_1_9) {
        c.callbacks &= ~(uint32_t)WDF_WORK_ITEM;
        c.handling &= WDF_SERIALIZED;
        c.raw = c.translated = c.wait_lock = 0;
    }
    if (c.size == SIZE_1_11)
        c.handling &= ~(uint32_t)WDF_WAKE;
    return c;
}

static void attributes(struct list *l, const struct wdf_attributes *a, const struct wdf_config *c) {
    uint32_t invalid = GPUP_STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    bool level = a->level >= LEVEL_INHERIT && a->level <= LEVEL_LAST,
         scope = a->scope >= 1 && a->scope <= SCOPE_LAST;
    status(l, a->size != ATTRIBUTES_SIZE, GPUP_RULE_WDFI_022, GPUP_STATUS_INFO_LENGTH_MISMATCH);
    status(l, a->type == 2 && a->context, GPUP_RULE_WDFI_028, invalid);
    status(l, !a->type && a->override, GPUP_RULE_WDFI_026, invalid);
    status(l, a->type && a->override && a->override < a->context, GPUP_RULE_WDFI_027, invalid);
    status(l, a->parent && !(c->handling & WDF_SERIALIZED), GPUP_RULE_WDFI_019,
           GPUP_STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    status(l, !level || !scope, GPUP_RULE_WDFI_023, invalid);
    status(l, a->scope == SCOPE_DEVICE || a->scope == SCOPE_QUEUE, GPUP_RULE_WDFI_025,
           GPUP_STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    status(l, level && a->level != LEVEL_INHERIT, GPUP_RULE_WDFI_024,
           GPUP_STATUS_WDF_EXECUTION_LEVEL_INVALID);
    stops(l, a->parent == PARENT_NOTHING, GPUP_RULE_WDFI_029);
}

static void state(struct list *l, const struct wdf_device *d, const struct wdf_config *c) {
    bool add_state = d->state == WDF_ADD, prepare = d->state == WDF_PREPARE;
    bool wake = c->handling & WDF_WAKE;
    if (d->flags & WDF_CONTROL)
        add(l, true, GPUP_RULE_WDFI_061, WDF_FAILURE, 0, 0);
    else
        status(l, !add_state && !prepare, GPUP_RULE_WDFI_004, GPUP_STATUS_INVALID_DEVICE_STATE);
    status(l, add_state && (c->raw || c->translated), GPUP_RULE_WDFI_006, GPUP_STATUS_INVALID_PARAMETER);
    status(l, add_state && wake, GPUP_RULE_WDFI_009, GPUP_STATUS_INVALID_PARAMETER);
    status(l, prepare && (!c->raw || !c->translated), GPUP_RULE_WDFI_005, GPUP_STATUS_INVALID_DEVICE_STATE);
    status(l, prepare && c->share != USE_DEFAULT, GPUP_RULE_WDFI_047, GPUP_STATUS_INVALID_DEVICE_STATE);
    bool hint = d->flags & WDF_WAKE_HINT && !is_memory(c->translated);
    bool may_wake = hint && !(d->flags & (WDF_NO_POWER_POLICY | WDF_PDO));
    status(l, prepare && wake && c->raw && c->translated && !may_wake, GPUP_RULE_WDFI_011,
           GPUP_STATUS_INVALID_PARAMETER);
}

static void handling(struct list *l, const struct wdf_device *d, const struct wdf_config *c) {
    uint32_t both = WDF_DPC | WDF_WORK_ITEM;
    bool passive = c->handling & WDF_PASSIVE;
    status(l, (c->callbacks & both) == both, GPUP_RULE_WDFI_007, GPUP_STATUS_INVALID_PARAMETER);
    status(l, !passive && c->wait_lock, GPUP_RULE_WDFI_013, GPUP_STATUS_INVALID_PARAMETER);
    status(l, !passive && (c->handling & WDF_WAKE), GPUP_RULE_WDFI_010, GPUP_STATUS_INVALID_PARAMETER);
    status(l, passive && (d->flags & WDF_OLD_SYSTEM), GPUP_RULE_WDFI_014, GPUP_STATUS_NOT_SUPPORTED);
    status(l, passive && c->spin_lock, GPUP_RULE_WDFI_012, GPUP_STATUS_INVALID_PARAMETER);
}

/* Descriptor n of a list is code n + 1; the first is memory. */
bool wdf_odd_descriptors(const struct wdf_config *c) {
    return (c->raw | c->translated) & ODD_DESCRIPTOR || c->raw != c->translated || c->raw < 2;
}

static void descriptors(struct list *l, const struct wdf_device *d, const struct wdf_config *c) {
    bool looked_at = d->flags & WDF_VERIFIER && d->state == WDF_PREPARE && c->raw && c->translated;
    bool odd = wdf_odd_descriptors(c);
    uint32_t message = c->raw - 2;
    status(l, looked_at && odd, GPUP_RULE_WDFI_045, GPUP_STATUS_INVALID_PARAMETER);
    status(l,
           looked_at && !odd && d->messages && message < 2048 &&
               (d->claimed[message / 64] >> message % 64 & 1),
           GPUP_RULE_WDFI_046, GPUP_STATUS_INVALID_PARAMETER);
}

bool wdf_levels_differ(const struct wdf_device *d, const struct wdf_config *c) {
    bool passive = c->callbacks & WDF_WORK_ITEM || (!(c->callbacks & WDF_DPC) && c->handling & WDF_PASSIVE);
    return passive != (d->level == LEVEL_PASSIVE);
}

static void parent(struct list *l, const struct wdf_device *d, const struct wdf_config *c,
                   const struct wdf_attributes *a) {
    uint32_t level = GPUP_STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    stops(l, c->spin_lock > RIGHT_LOCK || c->wait_lock > RIGHT_LOCK, GPUP_RULE_WDFI_029);
    if (!(c->handling & WDF_SERIALIZED))
        return;
    if (a && a->parent > PARENT_QUEUE && a->parent != PARENT_NOTHING) {
        if (a->parent == PARENT_FOREIGN)
            status(l, true, GPUP_RULE_WDFI_020, GPUP_STATUS_INVALID_PARAMETER);
        else
            add(l, true, GPUP_RULE_WDFI_018, WDF_STATUS, GPUP_STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
                GPUP_STATUS_INVALID_PARAMETER);
    } else if ((d->scope == SCOPE_DEVICE || d->scope == SCOPE_QUEUE) && wdf_levels_differ(d, c)) {
        status(l, true,
               c->callbacks & WDF_DPC         ? GPUP_RULE_WDFI_015
               : c->callbacks & WDF_WORK_ITEM ? GPUP_RULE_WDFI_016
                                              : GPUP_RULE_WDFI_056,
               level);
    }
}

/* As the framework finds it: a descriptor that no list has is none. */
static struct wdf_config found(const struct wdf_device *d, const struct wdf_config *config) {
    struct wdf_config c = wdf_effective(config);
    c.raw = is_there(d, c.raw) ? c.raw : 0;
    c.translated = is_there(d, c.translated) ? c.translated : 0;
    return c;
}

bool wdf_unclear_descriptors(const struct wdf_device *d, const struct wdf_config *config) {
    struct wdf_config c = found(d, config);
    return !(d->flags & WDF_VERIFIER) && d->state == WDF_PREPARE && c.raw && c.translated &&
           wdf_odd_descriptors(&c);
}

unsigned wdf_faults(const struct wdf *w, const struct wdf_device *d, const struct wdf_call *call,
                    struct wdf_fault out[WDF_MOST_FAULTS]) {
    struct list l = {out, 0};
    struct wdf_attributes copy = w->attributes;
    const struct wdf_attributes *a = call->attributes ? &copy : NULL;
    struct wdf_config c = found(d, &w->config);
    stops(&l, call->bad_device || d->state == WDF_REMOVED, GPUP_RULE_WDFI_029);
    stops(&l, call->no_config, GPUP_RULE_WDFI_030);
    stops(&l, call->no_place, GPUP_RULE_WDFI_030);
    if (l.count)
        return l.count; /* nothing comes after a bug check */
    copy.parent = parent_of(w, d);
    status(&l, c.size != SIZE_NOW && c.size != SIZE_1_11 && c.size != SIZE_1_9, GPUP_RULE_WDFI_002,
           GPUP_STATUS_INFO_LENGTH_MISMATCH);
    status(&l, !(c.callbacks & WDF_ISR), GPUP_RULE_WDFI_008, GPUP_STATUS_INVALID_PARAMETER);
    if (a)
        attributes(&l, a, &c);
    state(&l, d, &c);
    handling(&l, d, &c);
    descriptors(&l, d, &c);
    parent(&l, d, &c, a);
    return l.count;
}
