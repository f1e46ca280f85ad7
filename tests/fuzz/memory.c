/* Replaying a fixed corpus needs no more memory after many executions than after few:
 *   test_fuzz_memory FEW MANY   numbers of executions; resident memory may differ by 1 MiB */
#include "bundled.h"

#include <stdlib.h>
#include <string.h>

#define GROWTH_KIB 1024

static long resident_kib(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

/* One program after the other; worlds of few shapes, so that none is started anew. */
static void replay(struct fuzz_engine *engine, unsigned long from, unsigned long to) {
    for (unsigned long n = from; n < to; n++) {
        struct gpup_program p;
        if (bundled(n % bundled_count(), &p)) {
            fuzz_engine_run(engine, &p);
            gpup_program_free(&p);
        }
    }
}

int main(int argc, char **argv) {
    unsigned long few = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long many = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    struct fuzz_engine *engine = few && many > few ? bundled_engine(NULL) : NULL;
    if (!engine)
        return 3;
    replay(engine, 0, few);
    long before = resident_kib();
    replay(engine, few, many);
    long after = resident_kib();
    printf("%llu executions, %llu worlds started, resident after %lu %ld KiB, after %lu %ld KiB\n",
           (unsigned long long)fuzz_engine_executions(engine), (unsigned long long)fuzz_engine_starts(engine),
           few, before, many, after);
    fuzz_engine_free(engine);
    return before > 0 && labs(after - before) <= GROWTH_KIB ? 0 : 1;
}
