/* Members <-> one ustar archive, every byte of which follows from them. */
#include "member.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

struct sink {
    uint8_t *bytes; /* NULL: only compared with `expected` */
    const uint8_t *expected;
    size_t size, at, capacity;
    bool differs;
};

static ssize_t take(struct archive *a, void *context, const void *bytes, size_t size) {
    struct sink *s = context;
    (void)a;
    if (s->expected) {
        for (size_t i = 0; i < size && !s->differs; i++)
            if (s->at + i >= s->size || s->expected[s->at + i] != ((const uint8_t *)bytes)[i]) {
                s->differs = true;
                s->at += i;
            }
    } else {
        if (s->capacity - s->at < size) {
            size_t capacity = (s->at + size) * 2;
            uint8_t *grown = realloc(s->bytes, capacity);
            if (!grown)
                return -1;
            s->bytes = grown;
            s->capacity = capacity;
        }
        memcpy(s->bytes + s->at, bytes, size);
    }
    s->at += s->differs ? 0 : size;
    return (ssize_t)size;
}

static bool put_member(struct archive *a, const struct gpup_member *m) {
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return false;
    archive_entry_set_pathname(entry, m->name);
    archive_entry_set_size(entry, (int64_t)m->size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    bool ok = archive_write_header(a, entry) == ARCHIVE_OK &&
              (!m->size || archive_write_data(a, m->bytes, m->size) == (ssize_t)m->size);
    archive_entry_free(entry);
    return ok;
}

static bool emit(const struct gpup_package *package, struct sink *sink) {
    struct archive *a = archive_write_new();
    bool ok = a && archive_write_set_format_ustar(a) == ARCHIVE_OK &&
              archive_write_set_bytes_per_block(a, 0) == ARCHIVE_OK &&
              archive_write_open(a, sink, NULL, take, NULL) == ARCHIVE_OK;
    for (size_t i = 0; ok && i < package->count; i++)
        ok = put_member(a, &package->members[i]);
    ok = ok && archive_write_close(a) == ARCHIVE_OK;
    archive_write_free(a);
    return ok;
}

bool gpup_package_write(const struct gpup_package *package, uint8_t **bytes, size_t *size, char *message,
                        size_t message_size) {
    struct sink sink = {0};
    bool ok = emit(package, &sink);
    if (!ok) {
        snprintf(message, message_size, "out of memory");
        free(sink.bytes);
        sink.bytes = NULL;
    }
    *bytes = sink.bytes;
    *size = sink.at;
    return ok;
}

/* --- reading ------------------------------------------------------------------------------------------- */
struct reading {
    struct gpup_package *package;
    const void *bytes;
    size_t size;
    char *message;
    size_t message_size;
};

static bool refused(struct reading *r, const char *name, const char *what) {
    snprintf(r->message, r->message_size, "%s: %s", name ? name : "the archive itself", what);
    return false;
}

/* In what the layout gives, where a byte that differs lies: a member's header, its padding, or the end. */
static void name_place(struct reading *r, size_t at) {
    size_t offset = 0;
    for (size_t i = 0; i < r->package->count; i++) {
        const struct gpup_member *m = &r->package->members[i];
        size_t end = offset + 512 + (m->size + 511) / 512 * 512;
        if (at < end) {
            snprintf(r->message, r->message_size, "%s: its %s differs from what a package has, at byte %zu",
                     m->name, at < offset + 512 ? "header" : "padding", at);
            return;
        }
        offset = end;
    }
    snprintf(r->message, r->message_size, "the archive itself: bytes behind the last member, at byte %zu",
             at);
}

static bool exact(struct reading *r) {
    struct sink sink = {.expected = r->bytes, .size = r->size};
    if (!emit(r->package, &sink))
        return refused(r, NULL, "out of memory");
    if (sink.differs || sink.at != r->size)
        name_place(r, sink.at);
    return !sink.differs && sink.at == r->size;
}

static bool take_data(struct reading *r, struct archive *a, const char *name, size_t size) {
    uint8_t *bytes = malloc(size + 1);
    size_t got = 0;
    ssize_t n = 1;
    if (!bytes)
        return refused(r, name, "out of memory");
    while (got < size && (n = archive_read_data(a, bytes + got, size - got)) > 0)
        got += (size_t)n;
    bool ok = got == size;
    if (!ok)
        refused(r, name, "cut short");
    else
        ok = gpup_package_add_stored(r->package, name, bytes, size, r->message, r->message_size);
    free(bytes);
    return ok;
}

static bool take_entry(struct reading *r, struct archive *a, struct archive_entry *entry) {
    const char *name = archive_entry_pathname(entry);
    const struct gpup_package *p = r->package;
    if (!name || !gpup_package_name_ok(name))
        return refused(r, NULL, "a member has a name that no member of a package has");
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
        archive_entry_symlink(entry))
        return refused(r, name, "not a plain file");
    if (p->count == GPUP_PACKAGE_MAX_MEMBERS)
        return refused(r, name, "more members than a package may have");
    if (p->count && strcmp(p->members[p->count - 1].name, name) == 0)
        return refused(r, name, "stands twice");
    if (p->count && strcmp(p->members[p->count - 1].name, name) > 0)
        return refused(r, name, "not in the order of names");
    int64_t size = archive_entry_size(entry);
    if (size < 0 || (uint64_t)size > r->size)
        return refused(r, name, "larger than the archive that it is in");
    return take_data(r, a, name, (size_t)size);
}

static bool damaged(struct reading *r, struct archive *a) {
    const struct gpup_package *p = r->package;
    const char *why = archive_error_string(a);
    snprintf(r->message, r->message_size, "the archive itself: damaged or cut short behind %s (%s)",
             p->count ? p->members[p->count - 1].name : "its beginning", why ? why : "no archive");
    return false;
}

static bool read_members(struct reading *r, struct archive *a) {
    struct archive_entry *entry;
    int rc;
    if (archive_read_open_memory(a, r->bytes, r->size) != ARCHIVE_OK)
        return damaged(r, a);
    while ((rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK)
        if (!take_entry(r, a, entry))
            return false;
    return rc == ARCHIVE_EOF || damaged(r, a);
}

bool gpup_package_read(const void *bytes, size_t size, struct gpup_package *package, char *message,
                       size_t message_size) {
    struct reading r = {package, bytes, size, message, message_size};
    *package = (struct gpup_package){0};
    if (size > GPUP_PACKAGE_MAX_BYTES)
        return refused(&r, NULL, "larger than a package may be");
    struct archive *a = archive_read_new();
    bool ok = a && archive_read_support_format_tar(a) == ARCHIVE_OK;
    ok = ok ? read_members(&r, a) && exact(&r) : refused(&r, NULL, "out of memory");
    archive_read_free(a);
    if (!ok)
        gpup_package_free(package);
    return ok;
}
