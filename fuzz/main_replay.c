/* A target without an engine: runs files, and the files in folders, each once. Status 0: none ended the
 * process; FUZZ_HUNG: one did not come back. */
#include "coverage.h"
#include "settings.h"
#include "targets/target.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
    (void)data;
    (void)max_size;
    return size;
}

static unsigned files;

/* GPUP_FUZZ_REACHED=FILE: the numbers of the counters that the inputs reached, one a line. */
#define COUNTERS 131072u
static bool reached[COUNTERS];

static void mark(void *context, size_t number, uint8_t value) {
    (void)context;
    (void)value;
    if (number < COUNTERS)
        reached[number] = true;
}

static int write_reached(const char *path) {
    FILE *file = fopen(path, "we");
    bool ok = file != NULL;
    for (size_t i = 0; ok && i < COUNTERS; i++)
        ok = !reached[i] || fprintf(file, "%zu\n", i) > 0;
    ok = file && fclose(file) == 0 && ok;
    return ok ? 0 : (fprintf(stderr, "%s: cannot be written\n", path), 2);
}

/* What does not come back is told as what ends the process is. */
static void on_alarm(int number) {
    static const char word[] = "HANG\n";
    (void)number;
    if (write(STDERR_FILENO, word, sizeof word - 1) > 0 && fuzz_tell_where)
        fuzz_tell_where();
    _exit(FUZZ_HUNG);
}

static int run_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size + 1);
    bool ok = file && bytes && fread(bytes, 1, size, file) == size;
    if (ok) {
        alarm(fuzz_limit());
        LLVMFuzzerTestOneInput(bytes, size);
        fuzz_coverage_take(mark, NULL);
        files++;
    } else {
        fprintf(stderr, "%s: cannot be read\n", path);
    }
    if (file)
        fclose(file);
    free(bytes);
    return ok ? 0 : 2;
}

static int run(const char *path);

static int run_folder(const char *path) {
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort), status = count < 0 ? 2 : 0;
    for (int i = 0; i < count; i++) {
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && status == 0)
            status = run(below);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return status;
}

static int run(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        fprintf(stderr, "%s: there is no such file\n", path);
        return 2;
    }
    return S_ISDIR(st.st_mode) ? run_folder(path) : run_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv) {
    struct sigaction ended = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};
    sigaction(SIGALRM, &ended, NULL);
    alarm(fuzz_limit());
    int status = LLVMFuzzerInitialize(&argc, &argv) == 0 ? 0 : 3;
    const char *list = getenv("GPUP_FUZZ_REACHED");
    for (int i = 1; status == 0 && i < argc; i++)
        status = run(argv[i]);
    if (status == 0 && list)
        status = write_reached(list);
    fprintf(stderr, "%u inputs\n", files);
    return status;
}
