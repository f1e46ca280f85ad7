/*
 * The writable sections of an implementation: brought back between programs, swapped between hosts, and
 * coverage counters left alone. The same tests for a shared object and for one that is linked in.
 */
#include "state.h"

#include <gpup/binding.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

const struct gpup_implementation *gpup_implementation_teststate(void);
const struct gpup_implementation *gpup_implementation_teststate2(void);

static const struct gpup_static_implementation known[] = {
    {"teststate", gpup_implementation_teststate, "gpup_impl_teststate_"},
    {"teststate2", gpup_implementation_teststate2, "gpup_impl_teststate2_"},
    {"stateless", gpup_implementation_teststate, NULL},
    {NULL, NULL, NULL}};
static const struct state_look fresh = {{42, 0, 7, 1, 0, 1}}, touched = {{43, 1, 8, 2, 1, 0}};
static int own = 1; /* the suite's data is no implementation's */

static void open_it(struct gpup_binding *b, const char *name) {
    char message[512];
    if (gpup_binding_open(b, name, known, message, sizeof message) != 0)
        fail_msg("%s", message);
}

static void ask(const struct gpup_binding *b, const char *what, void *to) {
    char text[32];
    snprintf(text, sizeof text, "%p", to);
    assert_true(b->implementation->set_option(what, text));
}

static void expect(const struct gpup_binding *b, const struct state_look *wanted) {
    struct state_look now;
    ask(b, "look", &now);
    assert_memory_equal(&now, wanted, sizeof now);
}

static void touch(const struct gpup_binding *b) {
    assert_true(b->implementation->set_option("touch", ""));
}

static void reset_brings_it_back(void **state) {
    struct gpup_binding b;
    open_it(&b, *state);
    for (unsigned i = 0; i < 3; i++) {
        expect(&b, &fresh);
        touch(&b);
        expect(&b, &touched);
        own++;
        gpup_image_reset(b.image);
        assert_int_equal(own, i + 2);
    }
    own = 1;
    gpup_binding_close(&b);
}

static void two_hosts(void **state) {
    struct gpup_binding b;
    open_it(&b, *state);
    size_t size = gpup_image_size(b.image);
    char *host[2] = {malloc(size), malloc(size)};
    assert_true(size >= 100000 && host[0] && host[1]);
    gpup_image_save(b.image, host[0]);
    gpup_image_save(b.image, host[1]);
    gpup_image_load(b.image, host[0]);
    touch(&b);
    gpup_image_save(b.image, host[0]);
    gpup_image_load(b.image, host[1]);
    expect(&b, &fresh);
    gpup_image_load(b.image, host[0]);
    expect(&b, &touched);
    gpup_image_reset(b.image);
    expect(&b, &fresh);
    free(host[0]);
    free(host[1]);
    gpup_binding_close(&b);
}

/* An option is part of what a fresh image looks like. */
static void option_stays(void **state) {
    struct gpup_binding b;
    char name[1024];
    struct state_look with = fresh;
    with.value[STATE_DATA] += 'B' * 1000ul;
    snprintf(name, sizeof name, "%s:B", (const char *)*state);
    open_it(&b, name);
    expect(&b, &with);
    touch(&b);
    gpup_image_reset(b.image);
    expect(&b, &with);
    assert_true(b.implementation->set_option("defect", (const char[]){0}));
    gpup_binding_close(&b);
}

static void two_linked_in(void **state) {
    struct gpup_binding a, b;
    (void)state;
    open_it(&a, "teststate");
    open_it(&b, "teststate2");
    touch(&a);
    gpup_image_reset(b.image);
    expect(&a, &touched);
    expect(&b, &fresh);
    gpup_image_reset(a.image);
    gpup_binding_close(&a);
    gpup_binding_close(&b);
}

static void without_sections(void **state) {
    struct gpup_binding b;
    (void)state;
    open_it(&b, "stateless");
    assert_null(b.image);
    assert_int_equal(gpup_image_size(b.image), 0);
    gpup_image_reset(b.image);
    gpup_binding_close(&b);
}

static unsigned long sum(const struct state_counters *c) {
    unsigned long total = 0;
    for (const unsigned char *p = c->start; p < c->stop; p++)
        total += *p;
    return total;
}

/* What was covered before a reset stays covered. */
static void clang_counters(void **state) {
    struct gpup_binding b;
    struct state_counters counters;
    open_it(&b, *state);
    ask(&b, "counters", &counters);
    assert_true(counters.start < counters.stop);
    unsigned long before = sum(&counters);
    touch(&b);
    unsigned long after = sum(&counters);
    assert_true(after > before);
    char *copy = malloc(gpup_image_size(b.image));
    assert_non_null(copy);
    gpup_image_save(b.image, copy);
    touch(&b);
    unsigned long last = sum(&counters);
    gpup_image_load(b.image, copy);
    gpup_image_reset(b.image);
    assert_int_equal(sum(&counters), last);
    expect(&b, &fresh);
    free(copy);
    gpup_binding_close(&b);
}

/* gcov's own tool counts: the five calls of touch, with resets between them. */
static void gcc_counters(void **state) {
    struct gpup_binding b;
    remove(GPUP_TEST_GCDA); /* runs before this one would count too */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        open_it(&b, *state);
        for (unsigned i = 0; i < 5; i++) {
            touch(&b);
            gpup_image_reset(b.image);
        }
        gpup_binding_close(&b); /* the counters are written when the object goes */
        exit(0);
    }
    int rc;
    assert_int_equal(waitpid(pid, &rc, 0), pid);
    assert_true(WIFEXITED(rc) && WEXITSTATUS(rc) == 0);
    assert_int_equal(system("cd '" GPUP_TEST_WORK "' && rm -f *.gcov && '" GPUP_TEST_GCOV "' '" GPUP_TEST_GCDA
                            "' >/dev/null && grep -Eq '^ *5: *[0-9]+:    state_bss \\+= 1;' *.gcov"),
                     0);
}

int main(void) {
#define BOTH(test)                                                                                           \
    {#test " of a shared object", test, NULL, NULL, (void *)GPUP_TEST_SHARED}, {                             \
#test " of one linked in", test, NULL, NULL, (void *)"teststate"                                     \
    }
    const struct CMUnitTest tests[] = {
        BOTH(reset_brings_it_back),
        BOTH(two_hosts),
        BOTH(option_stays),
        cmocka_unit_test(two_linked_in),
        cmocka_unit_test(without_sections),
#ifdef GPUP_TEST_GCDA
        {"gcov counters", gcc_counters, NULL, NULL, (void *)GPUP_TEST_GCC},
#endif
#ifdef GPUP_TEST_CLANG
        {"inline 8-bit counters", clang_counters, NULL, NULL, (void *)GPUP_TEST_CLANG},
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
