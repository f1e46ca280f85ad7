/* The mutator: what comes out is a program, the same for the same seed, and legal where it says so. */
#include <gpup/mutate.h>

#include "../../harness/program/steer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 8000u

/* Encodes to itself: every number is inside what its kind allows. */
static void check(const struct gpup_program *p) {
    static uint8_t first[1 << 16], second[1 << 16];
    struct gpup_program again;
    size_t size = gpup_program_encode(p, first, sizeof first);
    assert_true(size <= sizeof first);
    assert_true(gpup_program_decode(first, size, &again));
    assert_int_equal(again.step_count, p->step_count);
    assert_int_equal(gpup_program_encode(&again, second, sizeof second), size);
    assert_memory_equal(first, second, size);
    if (p->step_count)
        assert_memory_equal(again.steps, p->steps, p->step_count * sizeof *p->steps);
    gpup_program_free(&again);
}

static void start(struct gpup_program *p) {
    assert_true(gpup_program_decode("", 0, p));
}

static void stays_a_program(void **state) {
    struct gpup_mutator_options options = {.max_steps = 24, .negative = *(bool *)*state};
    struct gpup_mutator *m = gpup_mutator_new(&options);
    struct gpup_program p, other;
    start(&p);
    start(&other);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        assert_true(gpup_mutate(m, i % 3 ? &p : &other, i));
        if (i % 7 == 0)
            assert_true(gpup_cross(m, &p, &other, i));
        assert_true(p.step_count <= 24 && other.step_count <= 24);
        check(&p);
        for (size_t k = 0; k < p.step_count; k++)
            assert_true(options.negative || p.steps[k].class <= GPUP_STATED);
    }
    gpup_program_free(&p);
    gpup_program_free(&other);
    gpup_mutator_free(m);
}

static void one_seed_one_result(void **state) {
    (void)state;
    struct gpup_mutator_options options = {.negative = true};
    struct gpup_mutator *a = gpup_mutator_new(&options), *b = gpup_mutator_new(&options);
    struct gpup_program p, q;
    start(&p);
    start(&q);
    for (uint64_t i = 0; i < 1000; i++) {
        gpup_mutate(a, &p, i);
        gpup_mutate(b, &q, i);
        assert_int_equal(p.step_count, q.step_count);
        if (p.step_count)
            assert_memory_equal(p.steps, q.steps, p.step_count * sizeof *p.steps);
        assert_memory_equal(&p.world, &q.world, sizeof p.world);
    }
    gpup_program_free(&p);
    gpup_program_free(&q);
    gpup_mutator_free(a);
    gpup_mutator_free(b);
}

/* Steered insertion reaches what bytes hardly do: a saved migration within a few thousand programs. */
static void gets_deep(void **state) {
    (void)state;
    struct gpup_mutator_options options = {.max_steps = 16};
    struct gpup_mutator *m = gpup_mutator_new(&options);
    unsigned deep = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        struct gpup_program p;
        struct steer s;
        start(&p);
        for (unsigned k = 0; k < 8; k++)
            gpup_mutate(m, &p, i * 8 + k);
        steer_names(&s);
        steer_start(&s, &p.world);
        for (size_t k = 0; k < p.step_count; k++) {
            steer_follow(&s, &p.steps[k]);
            deep += gpup_machine_state_of(&s.at[p.steps[k].host], gpup_machine_find("migration"),
                                          p.steps[k].vf) ==
                    gpup_machine_state_find(gpup_machine_find("migration"), "ImmutableSized");
        }
        gpup_program_free(&p);
    }
    print_message("%u programs reached ImmutableSized\n", deep);
    assert_true(deep > 0);
    gpup_mutator_free(m);
}

static bool of_miniport(const struct gpup_program *p) {
    for (size_t k = 0; k < p->step_count; k++) {
        const char *name = gpup_op_info(p->steps[k].op)->name;
        if (!strstr(name, "Framework") && !strstr(name, "Interrupt") && strcmp(name, "Together") != 0)
            return true;
    }
    return false;
}

/* Where a framework is asked, what a miniport is asked is noise; but one program in eight is begun anew, so
 * that a corpus of nothing else is no dead end. */
static void stays_with_a_framework(void **state) {
    (void)state;
    struct gpup_mutator_options options = {.max_steps = 24, .negative = true};
    struct gpup_mutator *m = gpup_mutator_new(&options);
    unsigned astray = 0, steps = 0;
    for (uint64_t i = 0; i < 2400; i++) {
        struct gpup_program p;
        struct gpup_step first;
        start(&p);
        gpup_step_defaults(&first, (unsigned)gpup_op_find("FrameworkDevice"));
        assert_true(gpup_program_append(&p, &first));
        gpup_mutate(m, &p, i);
        astray += of_miniport(&p);
        steps += (unsigned)p.step_count;
        gpup_program_free(&p);
    }
    print_message("%u of 2400 programs were begun anew\n", astray);
    assert_in_range(astray, 2400 / 16, 2400 / 6);
    assert_true(steps > 2400);
    gpup_mutator_free(m);
}

/* What runs at once is about VMs that are there, of two VFs now and then. */
static void runs_at_once(void **state) {
    (void)state;
    struct gpup_mutator_options options = {.max_steps = 24};
    struct gpup_mutator *m = gpup_mutator_new(&options);
    unsigned apart = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        struct gpup_program p;
        start(&p);
        for (unsigned k = 0; k < 8; k++)
            gpup_mutate(m, &p, i * 8 + k);
        for (size_t k = 0; k + 2 < p.step_count; k++)
            apart += p.steps[k].op == gpup_op_find("Together") && p.steps[k + 1].op == p.steps[k + 2].op &&
                     p.steps[k + 1].vf != p.steps[k + 2].vf;
        gpup_program_free(&p);
    }
    print_message("%u times a call for two VFs at once\n", apart);
    assert_true(apart > 30);
    gpup_mutator_free(m);
}

/* What the OS does in a row is there as a whole: data of one VF restored to another, of both kinds; and under
 * a fault a call comes again, with nothing in between. */
static void plays_scenes(void **state) {
    (void)state;
    struct gpup_mutator_options options = {.max_steps = 32, .negative = true};
    struct gpup_mutator *m = gpup_mutator_new(&options);
    int restore = gpup_op_find("RestoreMutableMigrationData"), fault = gpup_op_find("FailAllocation");
    unsigned restored = 0, again = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        struct gpup_program p;
        struct steer s;
        start(&p);
        gpup_mutate(m, &p, i);
        steer_names(&s);
        steer_start(&s, &p.world);
        for (size_t k = 0; k < p.step_count; k++) {
            const struct gpup_step *step = &p.steps[k];
            restored += step->op == restore && steer_legal(&s, step) && steer_useful(&s, step);
            again += k + 2 < p.step_count && step->op == fault && step[1].op == step[2].op;
            steer_follow(&s, step);
        }
        gpup_program_free(&p);
    }
    print_message("%u restores of mutable data, %u calls again after a fault\n", restored, again);
    assert_true(restored > 20);
    assert_true(again > 10);
    gpup_mutator_free(m);
}

/* Every kind of world is met, each often enough for a campaign. */
static void makes_all_worlds(void **state) {
    (void)state;
    struct gpup_mutator_options options = {.max_steps = 32, .max_hosts = 2};
    struct gpup_mutator *m = gpup_mutator_new(&options);
    enum { TWO, SYSTEM, PREEMPT, SEGMENTS, UNTRACKED, HIGH, RESERVED, ENTRIES, PLANES, KINDS };
    unsigned met[KINDS] = {0};
    struct gpup_program p;
    start(&p);
    for (uint64_t i = 0; i < 20000; i++) {
        const struct gpup_world_config *w = &p.world;
        gpup_mutate(m, &p, i);
        met[TWO] += w->hosts == 2 && !w->one_system;
        met[SYSTEM] += w->one_system;
        met[PREEMPT] += w->preempt;
        met[SEGMENTS] += w->segments == 2;
        met[UNTRACKED] += w->untracked;
        met[HIGH] += w->reserve_kib > 4u << 20;
        met[RESERVED] += w->reserved;
        met[ENTRIES] += w->msix_entries > 256;
        met[PLANES] += !w->performant;
    }
    gpup_program_free(&p);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        print_message("world %u: %u of 20000\n", kind, met[kind]);
        assert_true(met[kind] > 500);
    }
    gpup_mutator_free(m);
}

int main(void) {
    static bool no = false, yes = true;
    static bool *legal = &no, *negative = &yes;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(stays_a_program, legal),
        cmocka_unit_test_prestate(stays_a_program, negative),
        cmocka_unit_test(one_seed_one_result),
        cmocka_unit_test(gets_deep),
        cmocka_unit_test(stays_with_a_framework),
        cmocka_unit_test(runs_at_once),
        cmocka_unit_test(plays_scenes),
        cmocka_unit_test(makes_all_worlds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
