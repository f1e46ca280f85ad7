/* What no two VFs may share: the memory behind their BARs, and a place on the bus where each has its own. */
#include "monitors.h"

#include <string.h>

#define BARS 6u
#define UNIQUE_RID 0x100u /* DXGK_VIRTUALIZED_UNIQUE_RID of VirtualizationFlags */
enum { TYPE_MEMORY = 3, TYPE_MEMORY_LARGE = 7 };

struct place {
    uint32_t life;   /* of the vGPU when it was told; 0: never */
    uint64_t set[3]; /* segment, bus, function */
};
struct memory {
    uint32_t life;
    uint64_t start, length; /* start: relative to what the adapter told first */
};
struct own {
    struct place place;
    struct memory bar[BARS];
};
struct apart {
    struct own of[GPUP_MAX_HOSTS][JUDGE_VFS];
    bool unique[GPUP_MAX_HOSTS]; /* each VF has a requester id of its own */
};

/* It was told of the vGPU that is there now. */
static bool is_current(const struct host *h, unsigned vf, uint32_t life) {
    return h->vf[vf].present && life && h->vf[vf].life == life;
}

static bool overlap(const struct memory *a, const struct memory *b) {
    return a->start - b->start < b->length || b->start - a->start < a->length;
}

static void judge_memory(struct gpup_judge *j, struct apart *s) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    uint64_t bar = c->a[GPUP_ARG_GetResourceForBar_BarIndex], type = c->r[GPUP_RES_GetResourceForBar_Type];
    if (!nt_success(c->status) || bar >= BARS || (type != TYPE_MEMORY && type != TYPE_MEMORY_LARGE))
        return;
    struct memory *own = &s->of[c->host][c->vf].bar[bar];
    *own = (struct memory){h->vf[c->vf].life, c->r[GPUP_RES_GetResourceForBar_Start],
                           c->r[GPUP_RES_GetResourceForBar_Length]};
    for (unsigned vf = 0; vf < JUDGE_VFS; vf++)
        for (unsigned i = 0; i < BARS; i++) {
            const struct memory *other = &s->of[c->host][vf].bar[i];
            bool upper = vf == c->vf && own->start == other->start && own->length == other->length;
            if (other != own && !upper && is_current(h, vf, other->life)) /* upper: half of a 64-bit BAR */
                CHECK(j, GPUP_RULE_VF_024, !overlap(own, other),
                      "BAR %u of VF %u and BAR %u of VF %u are in the same memory", (unsigned)bar, c->vf, i,
                      vf);
        }
}

static void judge_place(struct gpup_judge *j, struct apart *s) {
    const struct call *c = &j->call;
    const struct host *h = &j->host[c->host];
    struct place *own = &s->of[c->host][c->vf].place;
    own->life = h->vf[c->vf].life;
    memcpy(own->set, &c->r[GPUP_RES_GetDeviceLocation_SegmentNumber], sizeof own->set);
    for (unsigned vf = 0; vf < JUDGE_VFS && s->unique[c->host]; vf++) {
        const struct place *other = &s->of[c->host][vf].place;
        if (other != own && is_current(h, vf, other->life))
            CHECK(j, GPUP_RULE_VF_025, memcmp(own->set, other->set, sizeof own->set) != 0,
                  "VF %u is where VF %u is: bus %llu, function %llu", c->vf, vf,
                  (unsigned long long)own->set[1], (unsigned long long)own->set[2]);
    }
}

/* A function number may hold the device as well, below as PCI counts, or above as the PnP manager writes it.
 */
static bool is_at(const struct call *c, uint32_t routing) {
    uint64_t function = c->r[GPUP_RES_GetDeviceLocation_FunctionNumber], low = routing & 0xFF;
    return c->r[GPUP_RES_GetDeviceLocation_BusNumber] == routing >> 8 &&
           (function == low || function == (low >> 3 << 16 | (low & 7)));
}

/* What the SR-IOV capability of the PF says of its VFs. */
static void judge_hardware(struct gpup_judge *j) {
    const struct call *c = &j->call;
    const struct vf *v = &j->host[c->host].vf[c->vf];
    uint64_t vendor = c->r[GPUP_RES_GetVendorAndDevice_VendorId];
    uint64_t device = c->r[GPUP_RES_GetVendorAndDevice_DeviceId];
    if (c->ddi == GPUP_DDI_GetVendorAndDevice && v->id)
        CHECK(j, GPUP_RULE_VF_027, (vendor | device << 16) == v->id,
              "VF %u is told to be %04llx:%04llx, and is %04x:%04x", c->vf, (unsigned long long)vendor,
              (unsigned long long)device, v->id & 0xFFFF, v->id >> 16);
    if (c->ddi == GPUP_DDI_GetDeviceLocation && v->routing)
        CHECK(j, GPUP_RULE_VF_027, is_at(c, v->routing - 1),
              "VF %u is told to be on bus %llu, function %llu; its routing id is 0x%04x", c->vf,
              (unsigned long long)c->r[GPUP_RES_GetDeviceLocation_BusNumber],
              (unsigned long long)c->r[GPUP_RES_GetDeviceLocation_FunctionNumber], v->routing - 1);
}

static void settle(struct gpup_judge *j, void *state) {
    struct apart *s = state;
    const struct call *c = &j->call;
    if (c->ddi == GPUP_DDI_GetVirtualGpuProfile && nt_success(c->status))
        s->unique[c->host] = c->r[GPUP_RES_GetVirtualGpuProfile_VirtualizationFlags] & UNIQUE_RID;
    if (j->host[c->host].impaired || c->overlapped || c->vf >= JUDGE_VFS || !c->before.present)
        return;
    if (c->ddi == GPUP_DDI_GetResourceForBar)
        judge_memory(j, s);
    else if (c->ddi == GPUP_DDI_GetDeviceLocation)
        judge_place(j, s);
    judge_hardware(j);
}

static void reset(struct gpup_judge *j, void *state) {
    struct apart *s = state;
    judge_clear_used(j, s->of, sizeof s->of[0][0]);
    memset(s->unique, 0, sizeof s->unique);
}

const struct monitor monitor_apart = {
    .id = GPUP_MONITOR_apart, .state_size = sizeof(struct apart), .settle = settle, .reset = reset};
