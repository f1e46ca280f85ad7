/*
 * Data of virtual machines. What a driver does with it shows in one place only: whether an escape of a VM's
 * vGPU still passes. So the same escape, in the same state of the vGPU, is compared with its answer before
 * anything was said of any VM. Refusing or passing escapes of a secure VM is the driver's choice.
 */
#include "monitors.h"

#include <string.h>

#define WORKERS 16
#define GUIDS 16
#define LUID_SIZE 8u /* an escape's input begins with the vGPU's LUID, which differs */

enum data { DATA_NONE, DATA_PLAIN, DATA_SECURE };

struct worker {
    uint64_t handle; /* as an object number, 0: place is free */
    uint32_t vf;     /* of its VM, as the step said */
    uint32_t flags;
    uint8_t guid[16];
    bool set, guest_first; /* guest_first: a guest process was there before the data */
    bool guest;
};

/* What is known of the VM of a vGPU. */
struct machine {
    bool known, passed; /* answer to the escape before any data; known: there is one */
    uint64_t asked[GPUP_DDI_ARGUMENTS_MAX], input; /* that escape: sizes, LUID, hash of what it says */
    bool powered, paused, session, was_powered;
    uint32_t life;
    bool secure, linux_only, unnamed, ended; /* what was said last; ended: and the worker is gone */
    bool was_secure, other_passes;           /* other_passes: since then, of a vGPU that had no secure VM */
    bool refused_known, refused;             /* answer while secure, for a repeat */
};

struct host_data {
    struct worker worker[WORKERS];
    uint64_t guid_object[GUIDS]; /* buffers that GUIDs were passed in, now gone */
    unsigned guid_objects;
    uint64_t guid_buffer; /* of the call to come */
    uint8_t guid[16];
    uint64_t input;   /* of the call to come, without the LUID */
    bool unsure;      /* processes may be there that nobody saw being made */
    bool told;        /* some VM has data */
    bool shared;      /* two workers were given equal GUIDs */
    struct row row;   /* of cycles */
    bool cycled;      /* there was one, and nothing else since */
    uint8_t phase;    /* 1 created, 2 set */
    uint64_t cycling; /* the worker of this cycle */
    struct {
        bool known, refused;
        uint64_t asked;
    } order[2]; /* escapes of secure VMs: guest process after, before the data */
};

struct vmdata {
    struct host_data host[GPUP_MAX_HOSTS];
    struct machine of[GPUP_MAX_HOSTS][JUDGE_VFS];
};

static struct worker *find(struct host_data *h, uint64_t handle) {
    for (unsigned i = 0; i < WORKERS && handle; i++)
        if (h->worker[i].handle == handle)
            return &h->worker[i];
    return NULL;
}

static struct worker *worker_of(struct host_data *h, uint32_t vf) {
    for (unsigned i = 0; i < WORKERS; i++)
        if (h->worker[i].handle && h->worker[i].vf == vf)
            return &h->worker[i];
    return NULL;
}

/* --- memory: the same cycle of create, set, destroy again and again must not take more each time */

static void end_cycle(struct gpup_judge *j, struct host_data *h) {
    const struct host *host = &j->host[j->call.host];
    uint64_t before = h->row.level;
    uint32_t grown = 0;
    if (!h->cycled)
        row_begins(&h->row, host);
    else if (row_goes_on(&h->row, host, &grown))
        CHECK_GROWTH(j, GPUP_RULE_VMD_010, grown,
                     "each of %u worker processes that ended left memory: %llu blocks, then %llu", grown,
                     (unsigned long long)before, (unsigned long long)host->pool_count);
    h->cycled = !host->impaired;
}

static void cycle(struct gpup_judge *j, struct host_data *h) {
    const struct call *c = &j->call;
    bool ok = nt_success(c->status);
    if (c->ddi == GPUP_DDI_CreateProcess && ok && c->a[GPUP_ARG_CreateProcess_Flags] == 8) {
        h->cycled = h->cycled && !h->phase;
        h->phase = 1;
        h->cycling = c->r[0];
    } else if (c->ddi == GPUP_DDI_SetVirtualMachineData && ok && h->phase == 1 && c->a[0] == h->cycling) {
        h->phase = 2;
    } else if (c->ddi == GPUP_DDI_DestroyProcess && ok && h->phase == 2 && c->a[0] == h->cycling) {
        h->phase = 0;
        end_cycle(j, h);
    } else {
        h->phase = 0;
        h->cycled = false;
    }
}

/* --- calls */

static void created(struct gpup_judge *j, struct host_data *h) {
    const struct call *c = &j->call;
    struct worker *w = NULL;
    if (!nt_success(c->status))
        return;
    if (c->a[GPUP_ARG_CreateProcess_Flags] != 8) {
        w = find(h, c->a[GPUP_ARG_CreateProcess_hKmdVmWorkerProcess]);
        if (w)
            w->guest = true;
        return;
    }
    for (unsigned i = 0; i < WORKERS && !w; i++)
        w = h->worker[i].handle ? NULL : &h->worker[i];
    if (w)
        *w = (struct worker){.handle = c->r[0], .vf = j->op_vf};
}

static void ended(struct gpup_judge *j, struct vmdata *d, struct host_data *h) {
    const struct call *c = &j->call;
    struct worker *w = find(h, c->a[0]);
    if (!w)
        return;
    if (h->shared && call_must_succeed(j))
        CHECK(j, GPUP_RULE_VMD_013, nt_success(c->status), "the end of a worker process returned 0x%08x",
              c->status);
    if (!nt_success(c->status))
        return;
    if (w->set && w->vf < JUDGE_VFS)
        d->of[c->host][w->vf].ended = true;
    if (w->set && w->vf < JUDGE_VFS)
        d->of[c->host][w->vf].other_passes = false;
    *w = (struct worker){0};
}

/* Same data for two workers apart, in all 16 bytes or all but a few. */
static bool has_rival(const struct host_data *h, const struct worker *w, bool *equal) {
    bool any = false;
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct worker *o = &h->worker[i];
        if (!o->handle || o == w || !o->set)
            continue;
        any = true;
        *equal = *equal || memcmp(o->guid, h->guid, sizeof o->guid) == 0;
    }
    return any;
}

static void judge_status(struct gpup_judge *j, const struct host_data *h, const struct worker *w) {
    const struct call *c = &j->call;
    uint64_t flags = c->a[GPUP_ARG_SetVirtualMachineData_Flags];
    bool guid = c->a[GPUP_ARG_SetVirtualMachineData_GuidPresent] != 0, equal = false;
    if (!guid)
        COUNT(j, GPUP_RULE_VMD_008);
    uint64_t handle = c->a[GPUP_ARG_SetVirtualMachineData_hKmdVmWorkerProcess];
    if (!w && h->unsure && handle && handle != UINT64_MAX)
        return;
    if (!w) {
        CHECK(j, GPUP_RULE_VMD_007, !nt_success(c->status), "an unknown worker process was accepted");
        return;
    }
    bool rival = has_rival(h, w, &equal);
    if (equal)
        return; /* no VM has the GUID of another */
    if (!call_must_succeed(j) || !guid || flags >= 4)
        return;
    if (w->set) {
        CHECK(j, GPUP_RULE_VMD_009, nt_success(c->status), "the second call returned 0x%08x", c->status);
        return;
    }
    if (w->guest)
        return; /* a driver may insist on the data before the guest processes */
    if ((flags & 3) && !nt_success(c->status))
        return; /* "or another appropriate failure", and nobody asked whether it does that, or Linux, for a VM
                 */
    CHECK(j, GPUP_RULE_VMD_001, nt_success(c->status), "the call returned 0x%08x", c->status);
    CHECK(j, GPUP_RULE_VMD_002,
          c->status != GPUP_STATUS_INVALID_HANDLE && c->status != GPUP_STATUS_INVALID_PARAMETER,
          "the handle of the worker process was refused");
    if (rival)
        CHECK(j, GPUP_RULE_VMD_013, nt_success(c->status),
              "the data of a second VM with another GUID was refused with 0x%08x", c->status);
}

static void told(struct gpup_judge *j, struct vmdata *d, struct host_data *h) {
    const struct call *c = &j->call;
    struct worker *w = find(h, c->a[0]);
    uint32_t flags = (uint32_t)c->a[GPUP_ARG_SetVirtualMachineData_Flags];
    bool equal = false;
    judge_status(j, h, w);
    if (w && flags >= 4 && !nt_success(c->status))
        COUNT(j, GPUP_RULE_VMD_006); /* refused */
    COUNT(j, GPUP_RULE_VMD_011);
    if (h->guid_buffer && h->guid_objects < GUIDS)
        h->guid_object[h->guid_objects++] = h->guid_buffer;
    if (h->guid_buffer)
        COUNT(j, GPUP_RULE_VMD_003);
    if (!nt_success(c->status) || !w)
        return;
    (void)has_rival(h, w, &equal);
    h->shared = h->shared || equal;
    h->told = true;
    memcpy(w->guid, h->guid, sizeof w->guid);
    w->guest_first = w->guest && !w->set;
    w->set = true;
    w->vf = j->op_vf;
    struct machine *m = w->vf < JUDGE_VFS ? &d->of[c->host][w->vf] : NULL;
    if (!m)
        return;
    if (!(w->flags == flags && m->secure))
        m->refused_known = false;
    w->flags = flags;
    m->secure = flags & 1;
    m->was_secure = m->was_secure || m->secure;
    m->linux_only = flags == 2;
    m->unnamed = flags >= 4 && !(flags & 3);
    m->ended = false;
}

/* --- the escape, before and after */

static bool same_question(const struct call *c, const struct machine *m) {
    const struct vf *v = &c->before;
    return memcmp(m->asked, c->a, sizeof m->asked) == 0 && m->input == c->input.hash && m->life == v->life &&
           m->powered == v->powered && m->paused == v->paused && m->was_powered == v->was_powered &&
           m->session == (v->session != SESSION_NONE);
}

static void learn(const struct call *c, struct machine *m) {
    const struct vf *v = &c->before;
    *m = (struct machine){.known = true,
                          .passed = nt_success(c->status),
                          .input = c->input.hash,
                          .life = v->life,
                          .powered = v->powered,
                          .paused = v->paused,
                          .was_powered = v->was_powered,
                          .session = v->session != SESSION_NONE};
    memcpy(m->asked, c->a, sizeof m->asked);
}

/* What a driver may go by when a secure VM's escape comes, whichever VM it is. */
static uint64_t asked_of(const struct call *c, const struct host_data *h, const struct worker *w) {
    uint64_t words[] = {c->input.there ? h->input : 0, c->a[GPUP_ARG_VirtualGpuDriverEscape_InputBufferSize],
                        c->a[GPUP_ARG_VirtualGpuDriverEscape_OutputBufferSize],
                        c->a[GPUP_ARG_VirtualGpuDriverEscape_SameBuffer], w->flags};
    return gpup_trace_hash(12, words, sizeof words);
}

/* Secure: whatever the driver does, a repeat of the data and the order of the processes change nothing. */
static void judge_secure(struct gpup_judge *j, struct host_data *h, struct machine *m) {
    bool refused = !nt_success(j->call.status);
    const struct worker *w = worker_of(h, j->call.vf);
    bool first = w && w->guest_first;
    if (m->refused_known)
        CHECK(j, GPUP_RULE_VMD_009, refused || !m->refused,
              "the escape passes after the same data was given again, and did not before");
    m->refused_known = true;
    m->refused = refused;
    if (!w || !w->guest)
        return;
    h->order[first].known = true;
    h->order[first].refused = refused;
    h->order[first].asked = asked_of(&j->call, h, w);
    if (h->order[!first].known && h->order[0].asked == h->order[1].asked)
        CHECK(j, GPUP_RULE_VMD_012, h->order[0].refused == h->order[1].refused,
              "escapes of a secure VM are treated by the order of its processes and its data");
}

/* Some VM, but for that of the vGPU, is said to be secure. */
static bool other_is_secure(const struct host_data *h, uint32_t vf) {
    for (unsigned i = 0; i < WORKERS; i++)
        if (h->worker[i].handle && h->worker[i].set && (h->worker[i].flags & 1) && h->worker[i].vf != vf)
            return true;
    return false;
}

/* Escapes pass now, for who had no secure VM. */
static void note_pass(const struct gpup_judge *j, struct vmdata *d) {
    const struct call *c = &j->call;
    struct machine *of = d->of[c->host];
    for (uint64_t used = j->used[c->host]; used && !of[c->vf].was_secure; used &= used - 1) {
        unsigned vf = (unsigned)__builtin_ctzll(used);
        of[vf].other_passes = of[vf].other_passes || vf != c->vf;
    }
}

static void escaped(struct gpup_judge *j, struct vmdata *d, struct host_data *h) {
    const struct call *c = &j->call;
    struct machine *m = c->vf < JUDGE_VFS ? &d->of[c->host][c->vf] : NULL;
    bool passes = nt_success(c->status);
    if (!m || !c->before.present || c->failed_alloc || c->overlapped || j->host[c->host].impaired)
        return;
    if (!c->a[GPUP_ARG_VirtualGpuDriverEscape_InputBufferSize] ||
        !c->a[GPUP_ARG_VirtualGpuDriverEscape_OutputBufferSize])
        return; /* whether an empty buffer is NULL is not told */
    if (passes)
        note_pass(j, d);
    if (!h->told) {
        learn(c, m);
        return;
    }
    if (!m->known || !m->passed || !same_question(c, m))
        return;
    if (m->secure && !m->ended) {
        judge_secure(j, h, m);
        return;
    }
    bool other = other_is_secure(h, c->vf);
    if (m->ended && !passes && other)
        return; /* because of its own data, or of the other VM's */
    if (m->ended && !passes && !m->other_passes)
        return; /* a host that had a secure VM may let no escape through any more */
    if (m->ended)
        CHECK(j, GPUP_RULE_VMD_010, passes, "an escape of vGPU %u is refused, as if its VM's data still held",
              c->vf);
    else if (m->unnamed)
        CHECK(j, GPUP_RULE_VMD_006, passes, "flag bits without a name count as those of a secure VM");
    else if (m->linux_only)
        CHECK(j, GPUP_RULE_VMD_015, passes, "a Linux VM's escape is refused");
    else if (passes || other)
        CHECK(j, GPUP_RULE_VMD_005, passes, "an escape of vGPU %u is refused, and another VM is secure",
              c->vf);
}

static void settle(struct gpup_judge *j, void *state) {
    struct vmdata *d = state;
    const struct call *c = &j->call;
    struct host_data *h = &d->host[c->host];
    if (c->overlapped)
        return;
    cycle(j, h);
    if (c->ddi == GPUP_DDI_CreateProcess)
        created(j, h);
    else if (c->ddi == GPUP_DDI_DestroyProcess)
        ended(j, d, h);
    else if (c->ddi == GPUP_DDI_SetVirtualMachineData)
        told(j, d, h);
    else if (c->ddi == GPUP_DDI_VirtualGpuDriverEscape)
        escaped(j, d, h);
    else if (c->ddi == GPUP_DDI_StopDevice)
        *h = (struct host_data){.unsure = true};
}

/* What became of processes in calls that overlapped, others may have seen otherwise. */
static void overlapped(struct gpup_judge *j, void *state) {
    struct vmdata *d = state;
    struct host_data *h = &d->host[j->call.host];
    bool changes = j->call.ddi == GPUP_DDI_CreateProcess || j->call.ddi == GPUP_DDI_DestroyProcess ||
                   j->call.ddi == GPUP_DDI_SetVirtualMachineData;
    if (changes)
        *h = (struct host_data){.unsure = true};
    for (uint64_t used = changes ? j->used[j->call.host] : 0; used; used &= used - 1)
        d->of[j->call.host][__builtin_ctzll(used)].refused_known = false;
    h->cycled = false;
}

/* --- what goes wrong meanwhile */

static void died(struct gpup_judge *j, const struct host_data *h, const struct gpup_event *e) {
    const struct call *c = &j->call;
    bool process =
        c->active && (c->ddi == GPUP_DDI_SetVirtualMachineData || c->ddi == GPUP_DDI_DestroyProcess);
    for (unsigned i = 0; e->kind == GPUP_EVENT_FAULT && i < h->guid_objects; i++)
        CHECK(j, GPUP_RULE_VMD_003, e->f[GPUP_FAULT_object] != h->guid_object[i],
              "the GUID of an earlier call is read where it stood then");
    if (!process)
        return;
    if (c->ddi == GPUP_DDI_SetVirtualMachineData && !c->a[GPUP_ARG_SetVirtualMachineData_GuidPresent])
        CHECK(j, GPUP_RULE_VMD_008, false, "the call without a GUID died");
    else if (c->ddi == GPUP_DDI_SetVirtualMachineData && (!c->a[0] || c->a[0] == UINT64_MAX))
        CHECK(j, GPUP_RULE_VMD_007, false, "the call for an unknown worker process died");
    else if (h->shared)
        CHECK(j, GPUP_RULE_VMD_013, false, "the driver died on the data of a VM whose GUID another has, too");
}

static void event(struct gpup_judge *j, void *state, const struct gpup_event *e) {
    struct host_data *h = &((struct vmdata *)state)->host[e->host];
    switch (e->kind) {
    case GPUP_EVENT_BUFFER:
        if (e->f[GPUP_BUFFER_role] == GPUP_ROLE_INPUT && e->data_size > LUID_SIZE)
            h->input = gpup_trace_hash(2, e->data + LUID_SIZE, e->data_size - LUID_SIZE);
        else if (e->f[GPUP_BUFFER_role] == GPUP_ROLE_INPUT)
            h->input = 0;
        if (e->f[GPUP_BUFFER_role] != GPUP_ROLE_GUID)
            break;
        h->guid_buffer = e->f[GPUP_BUFFER_object];
        if (e->data_size == sizeof h->guid)
            memcpy(h->guid, e->data, sizeof h->guid);
        break;
    case GPUP_EVENT_CALL:
        if (j->call.ddi != GPUP_DDI_SetVirtualMachineData ||
            !j->call.a[GPUP_ARG_SetVirtualMachineData_GuidPresent])
            h->guid_buffer = 0;
        break;
    case GPUP_EVENT_DAMAGE:
        if (j->call.ddi == GPUP_DDI_SetVirtualMachineData && e->f[GPUP_DAMAGE_what] == GPUP_DAMAGE_CONST)
            CHECK(j, GPUP_RULE_VMD_011, false, "the driver wrote to an input at offset %llu",
                  (unsigned long long)e->f[GPUP_DAMAGE_offset]);
        break;
    case GPUP_EVENT_STEP:
        h->cycled = h->cycled && !judge_acts_beside(e->f[GPUP_STEP_op]);
        break;
    default:
        died(j, h, e);
        break;
    }
}

static void reset(struct gpup_judge *j, void *state) {
    struct vmdata *d = state;
    judge_clear_used(j, d->of, sizeof d->of[0][0]);
    memset(d->host, 0, sizeof d->host);
}

const struct monitor monitor_vmdata = {.id = GPUP_MONITOR_vmdata,
                                       .state_size = sizeof(struct vmdata),
                                       .kinds = KIND(BUFFER) | KIND(CALL) | KIND(DAMAGE) | KIND(FAULT) |
                                                KIND(BUGCHECK) | KIND(POOL_DAMAGE) | KIND(STEP),
                                       .event = event,
                                       .settle = settle,
                                       .overlapped = overlapped,
                                       .reset = reset};
