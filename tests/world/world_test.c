/* The world over the reference driver: order, legality, evidence, restore. */
#include <gpup/binding.h>
#include <gpup/scenarios.h>
#include <gpup/spec.h>
#include <gpup/spec_ids.h>
#include <gpup/world.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct gpup_implementation *gpup_implementation_reference(void);
const struct gpup_implementation *gpup_implementation_null(void);
const struct gpup_implementation *gpup_implementation_second(void);

static const struct gpup_static_implementation known[] = {
    {"reference", gpup_implementation_reference, "gpup_impl_reference_"},
    {"null", gpup_implementation_null, "gpup_impl_null_"},
    {"second", gpup_implementation_second, "gpup_impl_second_"},
    {NULL, NULL, NULL}};

#define STEPS 512u /* of a scenario */

struct recorded {
    struct gpup_trace_buffer trace;
    unsigned count[GPUP_EVENT_KINDS];
    unsigned skipped[GPUP_SKIP_DEAD + 1];
    bool left_out[STEPS];
    uint64_t last_status;
    uint16_t last_ddi;
};

static void record(void *context, const struct gpup_event *e) {
    struct recorded *r = context;
    gpup_trace_append(&r->trace, e);
    r->count[e->kind]++;
    if (e->kind == GPUP_EVENT_SKIP) {
        r->skipped[e->f[GPUP_SKIP_reason]]++;
        r->left_out[e->step % STEPS] = true;
    }
    if (e->kind == GPUP_EVENT_RETURN) {
        r->last_status = e->f[GPUP_RETURN_status];
        r->last_ddi = (uint16_t)e->f[GPUP_RETURN_ddi];
    }
}

static void forget(struct recorded *r) {
    gpup_trace_free(&r->trace);
    memset(r, 0, sizeof *r);
}

static struct gpup_world *open_world(const struct gpup_binding *b, const struct gpup_world_config *config,
                                     struct recorded *r) {
    struct gpup_trace_sink sink = {record, r};
    char message[256];
    struct gpup_world *w =
        gpup_world_new(b->implementation, b->image, config, &sink, message, sizeof message);
    assert_non_null(w);
    return w;
}

static void bind(struct gpup_binding *b, const char *name) {
    char message[256] = "";
    int rc = gpup_binding_open(b, name, known, message, sizeof message);
    if (rc != 0)
        print_error("%s\n", message);
    assert_int_equal(rc, 0);
}

static enum gpup_outcome run(const struct gpup_binding *b, const struct gpup_program *p, struct recorded *r) {
    struct gpup_world *w = open_world(b, &p->world, r);
    enum gpup_outcome outcome = gpup_world_run(w, p);
    gpup_world_free(w);
    return outcome;
}

/* A slot that the reference lacks is one that the second driver has: every step is carried out somewhere. */
static unsigned left_out(const struct gpup_program *p, const struct recorded *first,
                         const struct recorded *second) {
    unsigned count = 0;
    assert_true(p->step_count <= STEPS);
    for (size_t i = 0; i < p->step_count; i++)
        count += first->left_out[i] && (!second || second->left_out[i]);
    return count;
}

static void every_scenario_runs_twice_alike(void **state) {
    struct gpup_binding b, other;
    unsigned bad = 0;
    (void)state;
    bind(&b, "reference");
    bind(&other, "second");
    for (size_t i = 0; i < gpup_scenario_count; i++) {
        struct gpup_program p = {0};
        struct recorded first = {0}, again = {0}, elsewhere = {0};
        assert_true(gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, &p));
        assert_int_equal(run(&b, &p, &first), GPUP_COMPLETE);
        assert_int_equal(run(&b, &p, &again), GPUP_COMPLETE);
        assert_int_equal(first.trace.size, again.trace.size);
        assert_memory_equal(first.trace.bytes, again.trace.bytes, first.trace.size);
        assert_int_equal(first.count[GPUP_EVENT_STEP], p.step_count);
        bool absent = first.skipped[GPUP_SKIP_ABSENT] != 0;
        if (absent)
            assert_int_equal(run(&other, &p, &elsewhere), GPUP_COMPLETE);
        unsigned missing = left_out(&p, &first, absent ? &elsewhere : NULL);
        if (missing)
            print_error("%s leaves %u steps out\n", gpup_scenarios[i].name, missing);
        bad += missing;
        forget(&first);
        forget(&again);
        forget(&elsewhere);
        gpup_program_free(&p);
    }
    assert_int_equal(bad, 0);
    gpup_binding_close(&other);
    gpup_binding_close(&b);
}

static struct gpup_step step_of(unsigned op) {
    struct gpup_step s;
    gpup_step_defaults(&s, op);
    return s;
}

static void what_the_os_never_does_is_left_out_unless_marked(void **state) {
    struct gpup_binding b;
    struct recorded r = {0};
    struct gpup_world_config config;
    struct gpup_step step = step_of(GPUP_OP_EndLiveMigration);
    (void)state;
    bind(&b, "reference");
    gpup_world_defaults(&config);
    struct gpup_world *w = open_world(&b, &config, &r);
    assert_true(gpup_world_start(w));
    unsigned calls = r.count[GPUP_EVENT_CALL];
    gpup_world_step(w, &step, 0);
    assert_int_equal(r.skipped[GPUP_SKIP_ILLEGAL], 1);
    assert_int_equal(r.count[GPUP_EVENT_CALL], calls);
    step.class = GPUP_ROBUSTNESS;
    gpup_world_step(w, &step, 1);
    assert_int_equal(r.skipped[GPUP_SKIP_ILLEGAL], 1);
    assert_int_equal(r.count[GPUP_EVENT_CALL], calls + 1);
    assert_int_equal(r.last_ddi, GPUP_DDI_EndLiveMigration);
    gpup_world_stop(w);
    gpup_world_free(w);
    forget(&r);
    gpup_binding_close(&b);
}

static void restoring_gives_the_same_run_again(void **state) {
    struct gpup_binding b;
    struct gpup_program p = {0};
    struct recorded r = {0};
    (void)state;
    bind(&b, "reference");
    for (size_t i = 0; i < gpup_scenario_count; i++)
        if (strcmp(gpup_scenarios[i].name, "migration/full") == 0)
            assert_true(gpup_program_decode(gpup_scenarios[i].bytes, gpup_scenarios[i].size, &p));
    assert_true(p.step_count > 0);
    struct gpup_world *w = open_world(&b, &p.world, &r);
    assert_true(gpup_world_start(w));
    assert_true(gpup_world_snapshot(w));
    struct recorded first = {0};
    for (unsigned round = 0; round < 3; round++) {
        forget(&r);
        for (size_t i = 0; i < p.step_count; i++)
            gpup_world_step(w, &p.steps[i], (uint32_t)i);
        if (round == 0) {
            first = r;
            memset(&r, 0, sizeof r);
        } else {
            assert_int_equal(r.trace.size, first.trace.size);
            assert_memory_equal(r.trace.bytes, first.trace.bytes, first.trace.size);
        }
        gpup_world_restore(w);
    }
    gpup_world_free(w);
    forget(&r);
    forget(&first);
    gpup_program_free(&p);
    gpup_binding_close(&b);
}

static void each_operation_can_be_made_in_any_world(void **state) {
    static const char *const names[] = {"reference", "null"};
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        struct gpup_binding b;
        bind(&b, names[n]);
        for (unsigned op = 0; op < GPUP_OPS; op++)
            for (unsigned class = 0; class < GPUP_CLASSES; class ++) {
                struct gpup_program p = {0};
                struct recorded r = {0};
                struct gpup_step start = step_of(GPUP_OP_StartVm), step = step_of(op);
                gpup_world_defaults(&p.world);
                p.world.hosts = 2;
                gpup_world_clamp(&p.world);
                step.class = (uint8_t) class;
                assert_true(gpup_program_append(&p, &start) && gpup_program_append(&p, &step) &&
                            gpup_program_append(&p, &step));
                enum gpup_outcome outcome = run(&b, &p, &r);
                if (outcome != GPUP_COMPLETE)
                    print_error("%s, %s, class %u: outcome %d\n", names[n], gpup_op_info(op)->name, class,
                                outcome);
                assert_int_equal(outcome, GPUP_COMPLETE);
                forget(&r);
                gpup_program_free(&p);
            }
        gpup_binding_close(&b);
    }
}

static uint64_t next(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Random bytes are a program too; the world carries out what it can and the reference driver survives it. */
static void random_programs_complete(void **state) {
    struct gpup_binding b;
    uint64_t x = 88172645463325252u;
    (void)state;
    bind(&b, "reference");
    for (unsigned i = 0; i < 150; i++) {
        struct gpup_program p = {0};
        struct recorded r = {0};
        uint8_t bytes[400];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)next(&x);
        memset(bytes, 0, 24); /* the default world: the steps are what is tried here */
        assert_true(gpup_program_decode(bytes, sizeof bytes, &p));
        enum gpup_outcome outcome = run(&b, &p, &r);
        if (outcome != GPUP_COMPLETE) {
            char *text = gpup_program_print(&p);
            print_error("round %u:\n%s\n", i, text);
            free(text);
        }
        assert_int_equal(outcome, GPUP_COMPLETE);
        forget(&r);
        gpup_program_free(&p);
    }
    gpup_binding_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scenario_runs_twice_alike),
        cmocka_unit_test(what_the_os_never_does_is_left_out_unless_marked),
        cmocka_unit_test(restoring_gives_the_same_run_again),
        cmocka_unit_test(each_operation_can_be_made_in_any_world),
        cmocka_unit_test(random_programs_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
