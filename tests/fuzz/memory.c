/* Replaying a fixed corpus needs no more memory after many rounds than after few. */
#include "bundled.h"

#include <stdlib.h>
#include <string.h>

#define FEW 10u
#define MANY 60u
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

/* Each program as often; worlds of few shapes, so that none is started anew. */
static void rounds(struct fuzz_engine *engine, unsigned from, unsigned to) {
    for (unsigned n = from; n < to; n++)
        for (size_t i = 0; i < bundled_count(); i++) {
            struct gpup_program p;
            if (bundled(i, &p)) {
                fuzz_engine_run(engine, &p);
                gpup_program_free(&p);
            }
        }
}

int main(void) {
    struct fuzz_engine *engine = bundled_engine(NULL);
    if (!engine)
        return 3;
    rounds(engine, 0, FEW);
    long few = resident_kib();
    rounds(engine, FEW, MANY);
    long many = resident_kib();
    printf("%llu executions, %llu worlds started, resident after %u rounds %ld KiB, after %u %ld KiB\n",
           (unsigned long long)fuzz_engine_executions(engine), (unsigned long long)fuzz_engine_starts(engine),
           FEW, few, MANY, many);
    fuzz_engine_free(engine);
    return few > 0 && many - few <= GROWTH_KIB ? 0 : 1;
}
