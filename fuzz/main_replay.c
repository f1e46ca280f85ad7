/* A target without an engine: runs files, and the files in folders, each once. Status 0: none ended the
 * process. */
#include "coverage.h"
#include "targets/target.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
    (void)data;
    (void)max_size;
    return size;
}

static unsigned files;

static int run_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size + 1);
    bool ok = file && bytes && fread(bytes, 1, size, file) == size;
    if (ok) {
        LLVMFuzzerTestOneInput(bytes, size);
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
    int status = LLVMFuzzerInitialize(&argc, &argv) == 0 ? 0 : 3;
    for (int i = 1; status == 0 && i < argc; i++)
        status = run(argv[i]);
    fprintf(stderr, "%u inputs\n", files);
    return status;
}
