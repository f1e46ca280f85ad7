/* Files of this machine for a driver's: read once, kept on pages that nobody can write to. */
#include <gpup/files.h>

#include <ddi/ntstatus.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORM                                                                                                 \
    "expected NAME=PATH with NAME as Windows spells it, for example "                                        \
    "'\\SystemRoot\\System32\\drivers\\vendor_fw.bin=fw.bin'"

struct complaint {
    const char *about; /* the option's value */
    char *text;
    size_t size;
};

static bool wrong(const struct complaint *c, const char *what) {
    snprintf(c->text, c->size, "'%.200s%s': %s", c->about, strlen(c->about) > 200 ? "..." : "", what);
    return false;
}

static bool failed(const struct complaint *c, const char *path) {
    snprintf(c->text, c->size, "%.500s: cannot be read: %s", path, strerror(errno));
    return false;
}

static bool read_name(const struct complaint *c, const char *text, size_t length,
                      struct gpup_file_name *out) {
    WCHAR wide[GPUP_FILE_NAME];
    NTSTATUS status = STATUS_OBJECT_NAME_INVALID;
    size_t i = 0;

    while (i < length && i < GPUP_FILE_NAME && (text[i] & 0x80) == 0) {
        wide[i] = (WCHAR)text[i];
        i++;
    }
    if (i == length)
        status = gpup_file_name(wide, (uint32_t)length, out);
    if (NT_SUCCESS(status) && out->length > strlen("\\??\\C:"))
        return true;
    return wrong(c, status == STATUS_OBJECT_PATH_NOT_FOUND
                        ? "the name is on no volume: expected it to begin with \\SystemRoot, \\??\\C: or "
                          "\\Device\\HarddiskVolume1"
                    : status == STATUS_OBJECT_PATH_SYNTAX_BAD
                        ? FORM
                        : "the name has an empty part, a character that no file's name has, none after the "
                          "volume, or more than 255 of ASCII");
}

/* -1: before b. */
static int order(const struct gpup_file_name *a, const struct gpup_file_name *b) {
    for (uint32_t i = 0; i < a->length && i < b->length; i++) {
        char one[2] = {(char)a->text[i]}, other[2] = {(char)b->text[i]};
        int difference = strcasecmp(one, other);
        if (difference)
            return difference;
    }
    return (int)a->length - (int)b->length;
}

/* The bytes of an open file, on pages of their own. */
static bool read_bytes(int fd, struct gpup_given_file *file) {
    if (!file->size)
        return true;
    uint8_t *bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t done = 0;
    ssize_t now = bytes == MAP_FAILED ? -1 : 1;
    while (now > 0 && done < file->size) {
        now = read(fd, bytes + done, file->size - done);
        done += now > 0 ? (size_t)now : 0;
    }
    if (done == file->size && mprotect(bytes, file->size, PROT_READ) == 0) {
        file->bytes = bytes;
        return true;
    }
    if (now == 0)
        errno = EIO; /* it became shorter meanwhile */
    if (bytes != MAP_FAILED)
        munmap(bytes, file->size);
    return false;
}

static bool read_file(const struct complaint *c, const struct gpup_given_files *files, const char *path,
                      struct gpup_given_file *file) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    bool ok = fd >= 0 && fstat(fd, &about) == 0;

    if (!ok) {
        failed(c, path);
    } else if (!S_ISREG(about.st_mode)) {
        ok = false;
        snprintf(c->text, c->size, "%.500s: expected a file", path);
    } else if ((uint64_t)about.st_size > GPUP_GIVEN_BYTES - files->bytes) {
        ok = false;
        snprintf(c->text, c->size, "%.500s: too large: expected at most %zu MiB in all files together", path,
                 GPUP_GIVEN_BYTES >> 20);
    } else {
        file->size = (size_t)about.st_size;
        ok = read_bytes(fd, file) || failed(c, path);
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

bool gpup_files_give(struct gpup_given_files *files, const char *option, char *message, size_t message_size) {
    const struct complaint c = {option, message, message_size};
    const char *equals = strchr(option, '=');
    struct gpup_given_file file = {0};
    uint32_t at = 0;

    if (!equals || !equals[1])
        return wrong(&c, FORM);
    if (files->count == GPUP_GIVEN_FILES)
        return wrong(&c, "expected at most 16 files");
    if (!read_name(&c, option, (size_t)(equals - option), &file.name))
        return false;
    while (at < files->count && order(&files->file[at].name, &file.name) < 0)
        at++;
    if (at < files->count && order(&files->file[at].name, &file.name) == 0)
        return wrong(&c, "the name is given twice");
    if (!read_file(&c, files, equals + 1, &file))
        return false;
    memmove(&files->file[at + 1], &files->file[at], (files->count - at) * sizeof file);
    files->file[at] = file;
    files->count++;
    files->bytes += file.size;
    return true;
}

bool gpup_files_give_lines(struct gpup_given_files *files, const char *lines, char *message,
                           size_t message_size) {
    char line[4096 + GPUP_FILE_NAME];

    while (lines && *lines) {
        size_t length = strcspn(lines, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, lines);
        if (!gpup_files_give(files, line, message, message_size))
            return false;
        lines += length + (lines[length] == '\n');
    }
    return true;
}

void gpup_files_free(struct gpup_given_files *files) {
    for (uint32_t i = 0; i < files->count; i++)
        if (files->file[i].size)
            munmap((void *)(uintptr_t)files->file[i].bytes, files->file[i].size);
    *files = (struct gpup_given_files){0};
}
