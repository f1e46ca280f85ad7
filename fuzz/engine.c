#include "engine.h"

#include "coverage.h"
#include "deaf.h"
#include "oracles.h"
#include "states.h"

#include <gpup/os.h>
#include <gpup/spec_ids.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <x86intrin.h>

#define WORLDS 48u                      /* shapes kept started */
#define FINDINGS 4096u                  /* different ones */
#define STEPS 64u                       /* of one program */
#define JUDGE_RESERVE ((size_t)1 << 30) /* address space only */

/* A started world and the judge that has heard its start; both are brought back by copying. */
struct shape {
    struct gpup_world_config config;
    struct gpup_world *world;
    struct gpup_arena *memory; /* of the judge */
    struct gpup_judge *judge;
    uint64_t used; /* execution it was last used in */
    bool starting;
};

struct fuzz_engine {
    struct gpup_given_files files; /* that its worlds have, of GPUP_FILES */
    struct fuzz_options options;
    struct gpup_binding binding;
    struct fuzz_states states;
    struct gpup_trace_sink tap;
    struct shape shape[WORLDS], *now;
    struct fuzz_finding finding[FINDINGS];
    size_t findings;
    struct twin first, other, again; /* what the calls of a program gave */
    struct twin *hears;              /* one of them, or NULL */
    bool repeating;                  /* for comparison only */
    bool inside[2];                  /* by host: a call is going on, of this DDI */
    uint16_t ddi[2];
    uint64_t executions, starts;
    struct fuzz_clock *clock;           /* NULL: not wanted */
    uint64_t called, judge_when_called; /* times of the call at hand */
};

/* libFuzzer reads and clears this section; AFL++'s wrapper copies it. */
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t counters[FUZZ_STATES];

static void judge_by_the_clock(struct fuzz_engine *f, const struct gpup_event *e) {
    uint64_t before = __rdtsc();
    if (e->kind == GPUP_EVENT_RETURN)
        f->clock->calls += before - f->called - (f->clock->judge - f->judge_when_called);
    gpup_judge_event(f->now->judge, e);
    f->clock->judge += __rdtsc() - before;
    if (e->kind == GPUP_EVENT_CALL) {
        f->called = __rdtsc();
        f->judge_when_called = f->clock->judge;
    }
}

static void on_event(void *context, const struct gpup_event *e) {
    struct fuzz_engine *f = context;
    if (f->clock && !f->now->starting && !f->repeating)
        judge_by_the_clock(f, e);
    else if (!f->repeating || f->now->starting)
        gpup_judge_event(f->now->judge, e);
    if (e->kind == GPUP_EVENT_CALL || e->kind == GPUP_EVENT_RETURN) {
        f->inside[e->host & 1] = e->kind == GPUP_EVENT_CALL;
        f->ddi[e->host & 1] = (uint16_t)e->f[GPUP_CALL_ddi];
    }
    if (f->now->starting)
        return;
    if (f->hears)
        twin_event(f->hears, e);
    if (f->repeating)
        return;
    if (e->kind == GPUP_EVENT_CALL || e->kind == GPUP_EVENT_RETURN)
        f->inside[e->host & 1] = e->kind == GPUP_EVENT_CALL;
    if (!f->options.blind)
        fuzz_states_event(&f->states, e);
    if (f->tap.event)
        f->tap.event(f->tap.context, e);
}

static void drop_shape(struct shape *s) {
    gpup_world_free(s->world);
    gpup_arena_free(s->memory);
    *s = (struct shape){0};
}

/* One VF with more VRAM than 32 bits can count. */
static void make_high(struct gpup_world_config *c) {
    c->hosts = c->vfs = c->partitions = 1;
    c->page_size = 2097152; /* drivers look at each page: with smaller ones an execution takes seconds */
    c->vram_mib = 16384;
    c->reserve_kib = 6u << 20;
}

/* One VF that has all memory but a little. */
static void make_tight(struct gpup_world_config *c) {
    c->hosts = c->vfs = c->partitions = 1;
    c->untracked = 0;
    c->vram_mib = 8;
    c->reserve_kib = 4096;
}

/* So few shapes that each is started once: small or large tables (the latter with reserved bits set), plain
 * or wide memory, performant or not, one host or two. What is rare comes with a plain world only: preemption,
 * a second adapter of one system, no dirty planes, a reserve beyond 4 GiB, memory for one VF only. */
static void simplify(struct gpup_world_config *c) {
    bool special = c->preempt || (c->one_system && c->hosts > 1);
    bool large = !special && (c->vfs > 4 || c->msix_entries > 256 || c->reserved);
    bool high = !special && !large && c->reserve_kib > 4u << 20;
    bool wide = !special && !high && (c->page_size > 4096 || c->segments > 1);
    struct gpup_world_config plain = {
        .hosts = c->hosts, .preempt = c->preempt, .one_system = special && !c->preempt};
    plain.vfs = large ? 8 : 4;
    plain.msix_entries = large ? 300 : 16;
    plain.msix_bar = 4;
    plain.msix_offset = 0x2000;
    plain.partitions = 4;
    plain.segments = wide ? 2 : 1;
    plain.scatter = wide;
    plain.uneven = wide && c->uneven;
    plain.reserved = large;
    plain.untracked = !special && !large && !wide && !high && c->untracked;
    plain.page_size = wide ? 65536 : 4096;
    plain.performant = special || c->performant;
    plain.vram_mib = 64; /* what a program touches stays resident */
    plain.reserve_kib = 512;
    plain.seed = c->preempt ? c->seed % 2 : 1; /* the seed is the schedule */
    if (high)
        make_high(&plain);
    else if (!special && !large && !wide && c->vram_mib == 8)
        make_tight(&plain);
    gpup_world_clamp(&plain);
    *c = plain;
}

static struct shape *oldest(struct fuzz_engine *f) {
    struct shape *best = &f->shape[0];
    for (unsigned i = 0; i < WORLDS; i++)
        if (f->shape[i].used < best->used)
            best = &f->shape[i];
    return best;
}

static void *judge_memory(void *arena, size_t size) {
    return gpup_arena_alloc(arena, size);
}

static bool make_judge(struct shape *s) {
    s->memory = gpup_arena_new(JUDGE_RESERVE);
    s->judge = s->memory ? gpup_judge_new_in(judge_memory, s->memory) : NULL;
    return s->judge != NULL;
}

static bool keep(struct shape *s) {
    return gpup_world_snapshot(s->world) && gpup_arena_snapshot(s->memory) && gpup_arena_track(s->memory);
}

static bool start(struct fuzz_engine *f, const struct gpup_world_config *config) {
    struct gpup_trace_sink sink = {on_event, f};
    char message[256];
    struct shape *s = oldest(f);
    f->starts++;
    drop_shape(s);
    s->config = *config;
    s->starting = true;
    f->now = s;
    if (!make_judge(s))
        return false;
    s->world = gpup_world_new_fast(f->binding.implementation, f->binding.image, config, &sink, message,
                                   sizeof message);
    if (!s->world)
        return false;
    gpup_world_give_files(s->world, &f->files);
    gpup_world_start(s->world);
    s->starting = false;
    if (fuzz_coverage_forget) /* a start is no part of the execution that was first to need it */
        fuzz_coverage_forget();
    if (keep(s))
        return true;
    drop_shape(s);
    return false;
}

static bool same_shape(const struct gpup_world_config *a, const struct gpup_world_config *b) {
    return a->hosts == b->hosts && a->vfs == b->vfs && a->segments == b->segments &&
           a->msix_entries == b->msix_entries && a->page_size == b->page_size &&
           a->performant == b->performant && a->seed == b->seed && a->preempt == b->preempt &&
           a->one_system == b->one_system && a->scatter == b->scatter && a->uneven == b->uneven &&
           a->reserved == b->reserved && a->untracked == b->untracked && a->bus == b->bus &&
           a->vram_mib == b->vram_mib && a->reserve_kib == b->reserve_kib && a->fill == b->fill;
}

static bool ready(struct fuzz_engine *f, const struct gpup_world_config *config) {
    for (unsigned i = 0; i < WORLDS; i++)
        if (f->shape[i].world && same_shape(&f->shape[i].config, config)) {
            f->now = &f->shape[i];
            gpup_world_restore(f->now->world);
            gpup_arena_restore(f->now->memory);
            return true;
        }
    return start(f, config);
}

static bool counts(const struct fuzz_engine *f, const struct gpup_finding *finding) {
    return gpup_rules[finding->rule].subject != GPUP_SUBJECT_HOST &&
           (finding->verdict == GPUP_FAIL || f->options.strict);
}

/* One file per finding, named by its key; the program as people read it is made by `gpup-cts` from it. */
static void write_program(const struct fuzz_engine *f, const struct gpup_finding *finding,
                          const struct gpup_program *p) {
    char path[4200];
    size_t size = gpup_program_encode(p, NULL, 0);
    uint8_t *bytes = f->options.findings ? malloc(size ? size : 1) : NULL;
    if (!bytes)
        return;
    gpup_program_encode(p, bytes, size);
    mkdir(f->options.findings, 0777);
    snprintf(path, sizeof path, "%s/%s-%08x", f->options.findings, gpup_rule_id(finding->rule), finding->key);
    FILE *file = fopen(path, "wb");
    if (file) {
        fwrite(bytes, 1, size, file);
        fclose(file);
    }
    free(bytes);
}

static struct fuzz_finding *known(struct fuzz_engine *f, uint32_t key) {
    for (size_t i = 0; i < f->findings; i++)
        if (f->finding[i].key == key)
            return &f->finding[i];
    return NULL;
}

static unsigned collect(struct fuzz_engine *f, const struct gpup_program *p) {
    const struct gpup_finding *all;
    size_t count = gpup_judge_findings(f->now->judge, &all);
    unsigned fresh = 0;
    for (size_t i = 0; i < count; i++) {
        struct fuzz_finding *old = known(f, all[i].key);
        if (old)
            old->times++;
        if (old || !counts(f, &all[i]) || f->findings == FINDINGS)
            continue;
        f->finding[f->findings++] = (struct fuzz_finding){all[i].key, all[i].rule, f->executions, 1};
        fresh++;
        write_program(f, &all[i], p);
        if (!f->options.quiet)
            fprintf(stderr, "NEW FINDING %s %08x after %llu executions: %s\n", gpup_rule_id(all[i].rule),
                    all[i].key, (unsigned long long)f->executions, all[i].text);
    }
    return fresh;
}

static bool is_less(const struct gpup_value *v) {
    return v->symbol != GPUP_SYMBOL_NONE && (int64_t)v->number < 0;
}

/* Beyond 64 KiB; relative to what is needed: either way. What is small once it is cut to 32 bits is no waste.
 */
static bool is_large(const struct gpup_value *v) {
    return (is_less(v) ? -v->number : v->number) > 65536 && v->number - (UINT64_C(1) << 32) > 4096;
}

/* Large buffers cost much (16 MiB as much as a hundred programs) and show little: of their sizes one in 16
 * stays as it is, whatever sizes the mutator likes: another one for each operation and VF. */
static void shorten(struct gpup_step *s) {
    const struct gpup_op_info *info = gpup_op_info(s->op);
    uint64_t whose = (uint64_t)s->op << 40 | (uint64_t)s->host << 32 | s->vf;
    for (unsigned i = 0; i < info->field_count; i++)
        if (info->field[i].kind == GPUP_KIND_SIZE && is_large(&s->f[i]) &&
            gpup_trace_mix(s->f[i].number ^ gpup_trace_mix(whose)) % 16)
            s->f[i].number = is_less(&s->f[i]) ? -(-s->f[i].number % 4096) : s->f[i].number % 4096;
}

/* What is not to be carried out is taken out, so that what is written down is what ran. */
static void leave_out(const struct fuzz_engine *f, struct gpup_program *p) {
    size_t kept = 0;
    for (size_t i = 0; i < p->step_count && kept < STEPS; i++)
        if (f->options.negative || p->steps[i].class < GPUP_ROBUSTNESS) {
            p->steps[kept] = p->steps[i];
            shorten(&p->steps[kept++]);
        }
    p->step_count = kept;
}

/* The steps, and the end when that is asked about. */
static void carry_out(struct fuzz_engine *f, const struct gpup_program *p, unsigned oracles,
                      struct twin *twin) {
    if (twin)
        twin_reset(twin);
    f->hears = twin;
    for (size_t i = 0; i < p->step_count; i++)
        if (!gpup_world_step(f->now->world, &p->steps[i], (uint32_t)i))
            break;
    if (oracles & FUZZ_ORACLE_RECOVERY)
        gpup_world_stop(f->now->world);
    f->hears = NULL;
}

static bool other_world(struct fuzz_engine *f, const struct gpup_program *p) {
    struct gpup_world_config config = p->world;
    config.fill ^= 1;
    bool ok = ready(f, &config);
    f->now->used = f->executions;
    return ok;
}

static bool repeat(struct fuzz_engine *f, const struct gpup_program *p, unsigned oracles, struct twin *twin) {
    struct shape *first = f->now;
    f->repeating = true;
    bool ok = other_world(f, p);
    if (ok)
        carry_out(f, p, oracles, twin);
    f->repeating = false;
    f->now = first;
    return ok;
}

/* Once more in another world, where memory lies elsewhere and holds other bytes. Where that differs,
 * there again: that tells what memory held from what the implementation makes up. */
static void compare(struct fuzz_engine *f, const struct gpup_program *p, unsigned oracles) {
    struct twin_output place;
    struct gpup_event e;
    if (!repeat(f, p, oracles, &f->other))
        return;
    bool equal = twin_equal(&f->first, &f->other, &place);
    if (!equal && !repeat(f, p, oracles, &f->again))
        return;
    if (fuzz_oracles_compare(&f->first, &f->other, equal ? NULL : &f->again, &e))
        gpup_judge_event(f->now->judge, &e);
}

unsigned fuzz_engine_run(struct fuzz_engine *f, struct gpup_program *p) {
    f->executions++;
    simplify(&p->world);
    leave_out(f, p);
    unsigned oracles =
        f->options.oracles && fuzz_oracles_due(p, f->options.oracle_share) ? f->options.oracles : 0;
    if (oracles & FUZZ_ORACLE_TWIN && !other_world(f, p)) /* started before the execution is counted */
        oracles &= ~FUZZ_ORACLE_TWIN;
    uint64_t begin = f->clock ? __rdtsc() : 0;
    if (!ready(f, &p->world))
        return 0;
    if (f->clock)
        f->clock->restore += __rdtsc() - begin;
    f->now->used = f->executions;
    fuzz_states_reset(&f->states);
    f->inside[0] = f->inside[1] = false;
    fuzz_states_world(&f->states, &p->world);
    carry_out(f, p, oracles, oracles & FUZZ_ORACLE_TWIN ? &f->first : NULL);
    if (oracles & FUZZ_ORACLE_TWIN)
        compare(f, p, oracles);
    uint64_t end = f->clock ? __rdtsc() : 0;
    gpup_judge_end(f->now->judge);
    unsigned fresh = collect(f, p);
    if (f->clock) {
        f->clock->judge += __rdtsc() - end;
        f->clock->all += __rdtsc() - begin;
    }
    return fresh;
}

struct fuzz_engine *fuzz_engine_new(const struct fuzz_options *options, char *message, size_t message_size) {
    struct fuzz_engine *f = calloc(1, sizeof *f);
    snprintf(message, message_size, "out of memory");
    if (!f)
        return NULL;
    f->options = *options;
    f->states.counters = counters;
    if (options->tap)
        f->tap = *options->tap;
    if (!gpup_files_give_lines(&f->files, getenv("GPUP_FILES"), message, message_size) ||
        gpup_binding_open(&f->binding, options->implementation, options->known, message, message_size) != 0) {
        gpup_files_free(&f->files);
        free(f);
        return NULL;
    }
    uintptr_t code, end;
    gpup_image_code(f->binding.image, &code, &end);
    if (options->deaf)
        fuzz_deafen(code);
    return f;
}

void fuzz_engine_free(struct fuzz_engine *f) {
    if (!f)
        return;
    for (unsigned i = 0; i < WORLDS; i++)
        drop_shape(&f->shape[i]);
    twin_free(&f->first);
    twin_free(&f->other);
    twin_free(&f->again);
    gpup_files_free(&f->files);
    gpup_image_reset(f->binding.image); /* who else has the object open finds it as it was loaded */
    gpup_binding_close(&f->binding);
    free(f);
}

const struct gpup_binding *fuzz_engine_binding(const struct fuzz_engine *f) {
    return &f->binding;
}

void fuzz_engine_clock(struct fuzz_engine *f, struct fuzz_clock *clock) {
    f->clock = clock;
}

void fuzz_engine_tap(struct fuzz_engine *f, const struct gpup_trace_sink *tap) {
    f->tap = tap ? *tap : (struct gpup_trace_sink){0};
}

void fuzz_engine_where(const struct fuzz_engine *f, char *text, size_t size) {
    const struct fuzz_states *s = &f->states;
    unsigned host = f->inside[1];
    const struct gpup_ddi *d = &gpup_ddis[f->ddi[host] % gpup_spec_counts.ddis];
    uint32_t state = 2166136261u;
    snprintf(text, size, "%s", "");
    if (!f->inside[host])
        return;
    if (f->now->starting || f->repeating) { /* states are not followed there */
        snprintf(text, size, "%s 00000000", d->name);
        return;
    }
    uint32_t vf = d->vf_argument >= 0 ? (uint32_t)s->a[host][d->vf_argument] : GPUP_SLOT_NONE;
    for (uint16_t m = 0; m < gpup_spec_counts.machines; m++)
        state = (state ^ gpup_machine_state_of(&s->at[host], m, vf)) * 16777619u;
    snprintf(text, size, "%s %08x", d->name, state);
}

uint64_t fuzz_engine_executions(const struct fuzz_engine *f) {
    return f->executions;
}

uint64_t fuzz_engine_starts(const struct fuzz_engine *f) {
    return f->starts;
}

size_t fuzz_engine_findings(const struct fuzz_engine *f, const struct fuzz_finding **findings) {
    *findings = f->finding;
    return f->findings;
}

const struct gpup_finding *fuzz_engine_made(const struct fuzz_engine *f, uint32_t key) {
    const struct gpup_finding *all;
    size_t count = f->now && f->now->judge ? gpup_judge_findings(f->now->judge, &all) : 0;
    for (size_t i = 0; i < count; i++)
        if (all[i].key == key && counts(f, &all[i]))
            return &all[i];
    return NULL;
}

const struct gpup_finding *fuzz_engine_next(const struct fuzz_engine *f, size_t *i) {
    const struct gpup_finding *all;
    size_t count = f->now && f->now->judge ? gpup_judge_findings(f->now->judge, &all) : 0;
    while (*i < count && !counts(f, &all[*i]))
        ++*i;
    return *i < count ? &all[(*i)++] : NULL;
}
