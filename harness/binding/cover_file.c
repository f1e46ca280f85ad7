/* Coverage of a run as a file that processes share: a header, the points, a byte for each. It is read back as
 * what anyone may have written. */
#include <gpup/coverage.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char title[32] = "gpup-cts image coverage 2\n";

struct header {
    char title[sizeof title];
    uint64_t preferred, count, counted;
};
struct record {
    uint32_t rva, size, flags;
};
enum { ENTRY = 1, UNKNOWN = 2 };

static bool say(char *message, size_t size, const char *path, const char *what) {
    snprintf(message, size, "%s: %s", path, what);
    return false;
}

static bool write_points(FILE *file, const struct gpup_points *points) {
    struct header header = {
        .preferred = points->preferred, .count = points->count, .counted = points->counted};
    memcpy(header.title, title, sizeof title);
    bool ok = fwrite(&header, sizeof header, 1, file) == 1;
    for (size_t i = 0; ok && i < points->count; i++) {
        const struct gpup_point *p = &points->point[i];
        uint32_t flags = (p->entry ? ENTRY : 0) | (p->unknown ? UNKNOWN : 0);
        ok = fwrite(&(struct record){p->rva, p->size, flags}, sizeof(struct record), 1, file) == 1;
    }
    for (size_t i = 0; ok && i < points->count; i++)
        ok = fputc(0, file) == 0;
    return ok;
}

bool gpup_coverage_create(const char *path, const struct gpup_points *points, char *message,
                          size_t message_size) {
    FILE *file = fopen(path, "wbe");
    bool ok = file && write_points(file, points);
    ok = file && fclose(file) == 0 && ok;
    return ok || say(message, message_size, path, "cannot be written");
}

static bool take(struct gpup_coverage_file *out, const uint8_t *bytes, size_t size) {
    struct header header;
    struct record r;
    if (size < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.title, title, sizeof title) != 0 || header.count > size / (sizeof r + 1) ||
        size != sizeof header + header.count * (sizeof r + 1))
        return false;
    out->points.point = calloc(header.count + 1, sizeof *out->points.point);
    out->points.preferred = header.preferred;
    out->points.counted = header.counted == 1;
    out->hit = (uint8_t *)out->mapping + sizeof header + header.count * sizeof r;
    uint64_t end = 0;
    for (size_t i = 0; out->points.point && i < header.count; i++) {
        memcpy(&r, bytes + sizeof header + i * sizeof r, sizeof r);
        if (r.rva < end || !r.size)
            return false;
        end = (uint64_t)r.rva + r.size;
        out->points.point[out->points.count++] =
            (struct gpup_point){r.rva, r.size, r.flags & ENTRY, r.flags & UNKNOWN};
    }
    return out->points.point != NULL;
}

bool gpup_coverage_open(const char *path, struct gpup_coverage_file *out, char *message,
                        size_t message_size) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;
    *out = (struct gpup_coverage_file){0};
    if (fd < 0)
        return say(message, message_size, path, "no such file, or it cannot be written");
    out->bytes = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
    void *mapping =
        out->bytes ? mmap(NULL, out->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    out->mapping = mapping == MAP_FAILED ? NULL : mapping;
    if (out->mapping && take(out, out->mapping, out->bytes))
        return true;
    gpup_coverage_close(out);
    return say(message, message_size, path, "expected a coverage file of this suite, found something else");
}

void gpup_coverage_close(struct gpup_coverage_file *file) {
    if (file->mapping)
        munmap(file->mapping, file->bytes);
    gpup_points_free(&file->points);
    *file = (struct gpup_coverage_file){0};
}

void gpup_points_free(struct gpup_points *points) {
    free(points->point);
    *points = (struct gpup_points){0};
}
