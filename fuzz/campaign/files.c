#include "campaign.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder(const char *format, ...) {
    char path[PATH_ROOM];
    va_list list;
    va_start(list, format);
    vsnprintf(path, sizeof path, format, list);
    va_end(list);
    for (char *at = path + 1; *at; at++)
        if (*at == '/') {
            *at = 0;
            mkdir(path, 0777);
            *at = '/';
        }
    return mkdir(path, 0777) == 0 || errno == EEXIST;
}

char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat st;
    char *bytes = NULL;
    if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) &&
        (bytes = malloc((size_t)st.st_size + 1)))
        bytes[ *size = fread(bytes, 1, (size_t)st.st_size, file)] = 0;
    if (file)
        fclose(file);
    return bytes;
}

static bool unwritten;

void tell_unwritable(const char *path) {
    if (!unwritten)
        fprintf(stderr, "fuzz: %s cannot be written: %s; make room there, or name another --out\n", path,
                strerror(errno));
    unwritten = true;
}

bool anything_unwritten(void) {
    return unwritten;
}

bool write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(bytes, 1, size, file) == size;
    ok = file && fclose(file) == 0 && ok;
    if (!ok)
        tell_unwritable(path);
    return ok;
}

static int seen(const struct dirent *d) {
    return d->d_name[0] != '.';
}

size_t list_names(const char *path, char ***names) {
    struct dirent **entries;
    int count = scandir(path, &entries, seen, alphasort);
    *names = NULL;
    if (count <= 0)
        return 0;
    size_t kept = 0;
    *names = calloc((size_t)count, sizeof **names);
    for (int i = 0; i < count; i++) {
        if (*names && ((*names)[kept] = strdup(entries[i]->d_name)))
            kept++;
        free(entries[i]);
    }
    free(entries);
    return kept;
}

void free_names(char **names, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

uint64_t folder_size(const char *path, size_t *files) {
    char **names;
    uint64_t total = 0;
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        char below[PATH_ROOM];
        struct stat st;
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        if (stat(below, &st) == 0 && S_ISREG(st.st_mode)) {
            total += (uint64_t)st.st_blocks * 512;
            ++*files;
        } else if (S_ISDIR(st.st_mode)) {
            total += folder_size(below, files);
        }
    }
    free_names(names, count);
    return total;
}

size_t copy_files(const char *from, const char *to, const char *prefix, bool (*wanted)(const char *name)) {
    char **names, source[PATH_ROOM], target[PATH_ROOM];
    size_t count = list_names(from, &names), copied = 0;
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        size_t size = 0;
        snprintf(source, sizeof source, "%s/%s", from, names[i]);
        snprintf(target, sizeof target, "%s/%s%s", to, prefix, names[i]);
        if (wanted && !wanted(names[i]))
            continue;
        if (stat(target, &st) == 0 || stat(source, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        char *bytes = read_file(source, &size);
        copied += bytes && write_file(target, bytes, size);
        free(bytes);
    }
    free_names(names, count);
    return copied;
}

void empty_folder(const char *path) {
    char **names, below[PATH_ROOM];
    size_t count = list_names(path, &names);
    for (size_t i = 0; i < count; i++) {
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        unlink(below);
    }
    free_names(names, count);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void remove_tree(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
