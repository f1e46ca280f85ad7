/*
 * A target under AFL++: persistent, input in shared memory, coverage through guards of our own.
 *
 * Compiled by the plain compiler, not by afl-clang-fast. The guards are reserved before AFL++ measures its
 * map; after each execution the counters that the code counted (states of the model first) are written where
 * the guards point. The first input runs before the process is forked, so that the common world is started
 * already.
 */
#include "coverage.h"
#include "images.h"
#include "targets/target.h"

#include <stdbool.h>
#include <unistd.h>

#define GUARDS 32768u
#define RUNS 5000u /* executions of one process */
#define LARGEST ((size_t)1 << 20)

/* AFL++'s run-time library. */
extern uint8_t *__afl_area_ptr;
extern unsigned char *__afl_fuzz_ptr;
extern unsigned int *__afl_fuzz_len;
int __afl_persistent_loop(unsigned int runs);
void __afl_manual_init(void);
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);
extern int __afl_sharedmem_fuzzing;
int __afl_sharedmem_fuzzing = 1;

/* afl-fuzz looks for these words in the file. */
static const char *volatile const signatures[] = {"##SIG_AFL_PERSISTENT##", "##SIG_AFL_DEFER_FORKSRV##"};

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
    (void)data;
    (void)max_size;
    return size;
}

static uint32_t guards[GUARDS];
static uint8_t from_stdin[LARGEST];

__attribute__((constructor)) static void reserve(void) {
    __sanitizer_cov_trace_pc_guard_init(guards, guards + GUARDS);
}

static void mark(void *context, size_t number, uint8_t value) {
    (void)context;
    __afl_area_ptr[guards[number % GUARDS]] |= value;
}

static void ignore(void *context, size_t number, uint8_t value) {
    (void)context;
    (void)number;
    (void)value;
}

static size_t read_all(void) {
    size_t size = 0;
    for (ssize_t got; size < LARGEST && (got = read(0, from_stdin + size, LARGEST - size)) > 0;)
        size += (size_t)got;
    return size;
}

int main(int argc, char **argv) {
    static const uint8_t nothing[1];
    (void)signatures[0];
    if (LLVMFuzzerInitialize(&argc, &argv) != 0)
        return 3;
    LLVMFuzzerTestOneInput(nothing, 0);
    fuzz_coverage_take(ignore, NULL);
    __afl_manual_init();
    bool shared = __afl_fuzz_ptr != NULL;
    while (__afl_persistent_loop(RUNS)) {
        size_t size = shared ? *__afl_fuzz_len : read_all();
        const uint8_t *input = shared ? __afl_fuzz_ptr : from_stdin;
        if (fuzz_image_input)
            fuzz_image_input(input, size);
        LLVMFuzzerTestOneInput(input, size);
        fuzz_coverage_take(mark, NULL);
    }
    return 0;
}
