/* A tracked arena comes back as it was, whatever was written to it: lines that were zero and others, pages
 * that are written every time, now and then, or never. */
#include "arena.h"
#include "kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 48u
#define SIZE (PAGES * GPUP_PAGE + 100u) /* the last page is not whole */
#define LINE 64u
#define ROUNDS 1000u /* pages that nobody writes to are protected again after some hundred */

static uint64_t random_state = 7;

static uint64_t next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* By page: zero, full, a few lines, or a byte in some lines. */
static void fill(uint8_t *bytes) {
    for (size_t at = 0; at < SIZE; at += LINE) {
        size_t size = SIZE - at < LINE ? SIZE - at : LINE;
        switch (at / GPUP_PAGE % 4) {
        case 1:
            memset(bytes + at, (int)(1 + next() % 255), size);
            break;
        case 2:
            memset(bytes + at, next() % 8 ? 0 : 0xA5, size);
            break;
        case 3:
            bytes[at + next() % size] = (uint8_t)(next() % 3 ? 0 : 0x80);
            break;
        default:
            break;
        }
    }
}

static void scribble(uint8_t *bytes, unsigned round) {
    size_t busy = (size_t)(round / 200) % PAGES; /* a few pages are written to in each round of a while */
    for (uint64_t writes = next() % 12; writes; writes--) {
        size_t page = next() % 4 ? busy + next() % 3 : next() % (PAGES + 1);
        size_t at = page * GPUP_PAGE + next() % GPUP_PAGE;
        size_t size = 1 + next() % (2 * LINE);
        if (at + size <= SIZE)
            memset(bytes + at, next() % 2 ? (int)(next() & 0xFF) : 0, size);
    }
}

static void comes_back(void **state) {
    static uint8_t copy[SIZE];
    struct gpup_arena *arena = gpup_arena_new((size_t)16 << 20);
    (void)state;
    assert_non_null(arena);
    assert_true(gpup_fault_install());
    uint8_t *bytes = gpup_arena_alloc(arena, SIZE);
    assert_non_null(bytes);
    fill(bytes);
    memcpy(copy, bytes, SIZE);
    assert_true(gpup_arena_snapshot(arena));
    assert_true(gpup_arena_track(arena));
    for (unsigned round = 0; round < ROUNDS; round++) {
        scribble(bytes, round);
        gpup_arena_restore(arena);
        assert_memory_equal(bytes, copy, SIZE);
    }
    gpup_arena_free(arena);
}

/* Every line by itself, so that none is left to chance. */
static void each_line(void **state) {
    static uint8_t copy[SIZE];
    struct gpup_arena *arena = gpup_arena_new((size_t)16 << 20);
    (void)state;
    assert_non_null(arena);
    assert_true(gpup_fault_install());
    uint8_t *bytes = gpup_arena_alloc(arena, SIZE);
    assert_non_null(bytes);
    fill(bytes);
    memcpy(copy, bytes, SIZE);
    assert_true(gpup_arena_snapshot(arena));
    assert_true(gpup_arena_track(arena));
    for (size_t at = 0; at < SIZE; at += LINE) {
        size_t place = at + next() % LINE;
        place = place < SIZE ? place : at;
        bytes[place] ^= 1;
        gpup_arena_restore(arena);
        assert_int_equal(bytes[place], copy[place]);
    }
    assert_memory_equal(bytes, copy, SIZE);
    gpup_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(each_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
