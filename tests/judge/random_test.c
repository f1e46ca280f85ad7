/* Events that no world would write: the judge must bear any sequence of any fields. */
#include "proof.h"

#include <gpup/judge.h>
#include <gpup/spec_ids.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 0x5EED;

static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Mostly small numbers and edges: indexes, flags, sizes that fit and that do not. */
static uint64_t value(void) {
    static const uint64_t edges[] = {0,          1,          2,       4,          16,         63,
                                     64,         0x1000,     0x10000, 0x100000,   0x7FFFFFFF, 0x80000000,
                                     0xFFFFFFFF, 0xC0000001, 50,      UINT64_MAX, INT64_MAX,  0x103,
                                     30,         39,         40,      568,        168};
    return next() % 4 ? next() % 5 : next() % 8 ? edges[next() % (sizeof edges / sizeof edges[0])] : next();
}

static uint8_t bytes[70000];

static struct gpup_event random_event(void) {
    struct gpup_event e = {.kind = (uint16_t)(next() % (GPUP_EVENT_KINDS + 1)),
                           .host = next() % 8 == 0,
                           .step = (uint32_t)value(),
                           .time_ns = next() % 1000000};
    for (unsigned i = 0; i < GPUP_EVENT_MAX_FIELDS; i++)
        e.f[i] = value();
    if (e.kind == GPUP_EVENT_CALL || (e.kind == GPUP_EVENT_RETURN && next() % 4))
        e.f[GPUP_CALL_ddi] = next() % (GPUP_DDI_COUNT + 1u);
    e.data_size = next() % 3 ? next() % 40 : next() % 16 ? next() % 600 : next() % sizeof bytes;
    e.data = e.data_size ? bytes : NULL;
    if (next() % 64 == 0)
        bytes[next() % sizeof bytes] = (uint8_t)next();
    return e;
}

/* Calls that return, so that judging goes deep. */
static void random_call(struct gpup_judge *judge) {
    struct gpup_event call = random_event(), back;
    call.kind = GPUP_EVENT_CALL;
    call.f[GPUP_CALL_ddi] = next() % GPUP_DDI_COUNT;
    back = random_event();
    back.kind = GPUP_EVENT_RETURN;
    back.host = call.host;
    back.f[GPUP_RETURN_ddi] = call.f[GPUP_CALL_ddi];
    back.f[GPUP_RETURN_status] = next() % 3 ? 0 : 0xC0000001;
    gpup_judge_event(judge, &call);
    for (unsigned i = 0; i < next() % 4; i++) {
        struct gpup_event e = random_event();
        gpup_judge_event(judge, &e);
    }
    gpup_judge_event(judge, &back);
}

static void test_random_events(void **state) {
    struct gpup_judge *judge = gpup_judge_new();
    (void)state;
    assert_non_null(judge);
    for (unsigned program = 0; program < 300; program++) {
        for (unsigned i = 0; i < 300; i++) {
            struct gpup_event e = random_event();
            if (next() % 2)
                random_call(judge);
            else
                gpup_judge_event(judge, &e);
        }
        gpup_judge_end(judge);
        gpup_judge_reset(judge);
    }
    gpup_judge_free(judge);
}

static uint8_t storage[1 << 16];

/* A real trace with a few numbers changed, events left out and events said twice. */
static void spoil(struct gpup_judge *judge, const struct proof *p) {
    for (size_t i = 0; i < p->count; i++) {
        struct gpup_event e;
        char message[300];
        assert_true(proof_event(p->line[i].text, &e, storage, sizeof storage, message, sizeof message));
        if (next() % 16 == 0)
            continue;
        for (unsigned again = next() % 16 == 0 ? 2 : 1; again; again--) {
            if (next() % 8 == 0)
                e.f[next() % GPUP_EVENT_MAX_FIELDS] = value();
            if (next() % 32 == 0)
                e.data_size = e.data_size ? next() % e.data_size : 0;
            gpup_judge_event(judge, &e);
        }
    }
    gpup_judge_end(judge);
}

static void test_spoiled_proofs(void **state) {
    struct gpup_judge *judge = gpup_judge_new();
    (void)state;
    assert_non_null(judge);
    for (uint16_t rule = 0; rule < gpup_spec_counts.rules; rule++) {
        struct proof p;
        if (gpup_rules[rule].monitor == GPUP_SPEC_NONE)
            continue;
        if (!proof_load(&p, PROOFS, gpup_rules[rule].id))
            fail_msg("%s", p.error);
        for (unsigned i = 0; i < 8; i++) {
            gpup_judge_reset(judge);
            spoil(judge, &p);
        }
        proof_free(&p);
    }
    gpup_judge_free(judge);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_events),
                                       cmocka_unit_test(test_spoiled_proofs)};
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
