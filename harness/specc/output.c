/* Writes a generated file only when it changes, so that nothing is compiled again without need. */
#include "specc.h"
#include <stdlib.h>
#include <string.h>

static bool holds(const char *path, const char *text, size_t size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char *present = specc_grow(NULL, 0, size + 1);
    bool same = fread(present, 1, size + 1, file) == size && !memcmp(present, text, size);
    free(present);
    (void)fclose(file);
    return same;
}

static bool replace(const char *path, const char *text, size_t size) {
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(text, 1, size, file) == size;
    if (file && fclose(file) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "gpup-specc: %s cannot be written\n", path);
    return good;
}

bool specc_write(const struct specc *sc, const char *name, void (*emit)(const struct specc *, FILE *)) {
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return false;
    emit(sc, memory);
    if (fclose(memory) != 0)
        return false;
    char *path = specc_format("%s/%s", sc->out, name);
    bool good = holds(path, text, size) || replace(path, text, size);
    free(path);
    free(text);
    return good;
}
