/* The bytes of a package: the same for the same run; none can change unseen; hostile ones are refused. */
#include "fixture.h"

#include "../../../reports/package/member.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FLIPS 10000 /* GPUP_TEST_FLIPS: fewer, where only what they reach is asked */

static void to_bytes(const struct gpup_package *package, uint8_t **bytes, size_t *size) {
    char message[512];
    if (!gpup_package_write(package, bytes, size, message, sizeof message))
        fail_msg("%s", message);
}

static void same_bytes(void **state) {
    struct gpup_package a, b;
    uint8_t *x, *y;
    size_t n, m;
    (void)state;
    fixture_package("small", 2, &a);
    fixture_package("small", 2, &b);
    to_bytes(&a, &x, &n);
    to_bytes(&b, &y, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    struct tool t = tool_run("package $D/small-2 $D/small-1 -o $D/turned.gpup"); /* order is no input */
    assert_int_equal(t.status, 0);
    char *file = tool_file(tool_path("turned.gpup"), &m);
    tool_free(&t);
    struct gpup_package back;
    char message[512];
    assert_true(gpup_package_read(file, m, &back, message, sizeof message));
    assert_int_equal(back.count, a.count);
    for (size_t i = 0; i < a.count; i++) { /* the tool's programs have titles, too */
        bool title =
            strncmp(a.members[i].name, "programs/", 9) == 0 || strcmp(a.members[i].name, "MANIFEST") == 0;
        assert_string_equal(back.members[i].name, a.members[i].name);
        if (!title)
            assert_memory_equal(back.members[i].bytes, a.members[i].bytes, a.members[i].size);
    }
    gpup_package_free(&back);
    gpup_package_free(&a);
    gpup_package_free(&b);
    free(file);
    free(x);
    free(y);
}

/* The member whose header, bytes or padding are at an offset; NULL: behind the last. */
static const struct gpup_member *member_at(const struct gpup_package *p, size_t at, bool *inside) {
    size_t offset = 0;
    for (size_t i = 0; i < p->count; i++) {
        size_t end = offset + 512 + (p->members[i].size + 511) / 512 * 512;
        *inside = at >= offset + 512 && at < offset + 512 + p->members[i].size;
        if (at < end)
            return &p->members[i];
        offset = end;
    }
    *inside = false;
    return NULL;
}

static uint32_t next(uint32_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Every flip is found, and told of the member it is in; in what lies between members, of that or of the
 * archive. */
static void flipped_bytes(void **state) {
    struct gpup_package package;
    struct gpup_verify_options options = {0};
    uint8_t *bytes;
    size_t size;
    uint32_t seed = 2463534242u;
    const char *fewer = getenv("GPUP_TEST_FLIPS");
    int flips = fewer ? (int)strtol(fewer, NULL, 10) : FLIPS;
    (void)state;
    assert_true(flips > 0);
    fixture_package("small", 2, &package);
    to_bytes(&package, &bytes, &size);
    for (int i = 0; i < flips; i++) {
        char out[2048] = "", wanted[128] = "";
        size_t at = i % 4 == 0
                        ? (size_t)i / 4 * 7 % size
                        : next(&seed) % size; /* headers and MANIFEST well covered, others however few */
        uint8_t mask = (uint8_t)(1u + next(&seed) % 255);
        bool inside;
        const struct gpup_member *m = member_at(&package, at, &inside);
        bytes[at] ^= mask;
        FILE *file = fmemopen(out, sizeof out, "w");
        int status = gpup_package_verify_bytes(bytes, size, "package", &options, file);
        fclose(file);
        bytes[at] ^= mask;
        snprintf(wanted, sizeof wanted, "  %s: ", m ? m->name : "the archive itself");
        bool named = strstr(out, wanted) || (!inside && strstr(out, "the archive itself"));
        if (status != 1 || !named)
            fail_msg("byte %zu ^ 0x%02x (%s): status %d\n%s", at, mask, wanted, status, out);
    }
    gpup_package_free(&package);
    free(bytes);
}

static void cut_and_longer(void **state) {
    struct gpup_package package, back;
    char message[512];
    uint8_t *bytes;
    size_t size;
    (void)state;
    fixture_package("small", 2, &package);
    to_bytes(&package, &bytes, &size);
    for (size_t keep = 0; keep < size; keep += keep < 4096 ? 64 : 4999)
        assert_false(gpup_package_read(bytes, keep, &back, message, sizeof message));
    for (size_t more = 1; more <= 1024; more *= 2) {
        uint8_t *longer = calloc(1, size + more);
        memcpy(longer, bytes, size);
        assert_false(gpup_package_read(longer, size + more, &back, message, sizeof message));
        assert_non_null(strstr(message, "the archive itself"));
        free(longer);
    }
    gpup_package_free(&package);
    free(bytes);
}

/* --- archives that others made ------------------------------------------------------------------------- */
struct entry {
    const char *name, *link;
    unsigned type, mode;
    const char *bytes;
};

static void refused(const struct entry *entries, unsigned count, int format, const char *words) {
    static char bytes[1 << 20];
    size_t size = 0;
    struct gpup_package package;
    char message[512] = "";
    struct archive *a = archive_write_new();
    archive_write_set_format(a, format);
    archive_write_set_bytes_per_block(a, 0);
    assert_int_equal(archive_write_open_memory(a, bytes, sizeof bytes, &size), ARCHIVE_OK);
    for (unsigned i = 0; i < count; i++) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, entries[i].name);
        archive_entry_set_filetype(e, entries[i].type);
        archive_entry_set_perm(e, (uint16_t)entries[i].mode);
        archive_entry_set_mtime(e, 0, 0);
        if (entries[i].type == AE_IFLNK)
            archive_entry_set_symlink(e, entries[i].link);
        else if (entries[i].link)
            archive_entry_set_hardlink(e, entries[i].link);
        size_t length = entries[i].bytes ? strlen(entries[i].bytes) : 0;
        archive_entry_set_size(e, (int64_t)length);
        assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
        if (length)
            archive_write_data(a, entries[i].bytes, length);
        archive_entry_free(e);
    }
    archive_write_close(a);
    archive_write_free(a);
    if (gpup_package_read(bytes, size, &package, message, sizeof message))
        fail_msg("accepted: %s", words);
    if (!strstr(message, words) || strchr(message, '\n'))
        fail_msg("expected '%s', found '%s'", words, message);
}

static void hostile(void **state) {
    const int ustar = ARCHIVE_FORMAT_TAR_USTAR, pax = ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE;
    (void)state;
    static const struct {
        struct entry entries[2];
        unsigned count;
        const char *words;
    } rows[] = {
        {{{"../../etc/passwd", NULL, AE_IFREG, 0644, "x"}}, 1, "a name that no member"},
        {{{"/etc/passwd", NULL, AE_IFREG, 0644, "x"}}, 1, "a name that no member"},
        {{{"traces/../x", NULL, AE_IFREG, 0644, "x"}}, 1, "a name that no member"},
        {{{"traces//x", NULL, AE_IFREG, 0644, "x"}}, 1, "a name that no member"},
        {{{"x\033[31m", NULL, AE_IFREG, 0644, "x"}}, 1, "a name that no member"},
        {{{"MANIFEST", "/etc/passwd", AE_IFLNK, 0777, NULL}}, 1, "MANIFEST: not a plain file"},
        {{{"MANIFEST", "/etc/passwd", AE_IFREG, 0644, NULL}}, 1, "MANIFEST: not a plain file"},
        {{{"traces", NULL, AE_IFDIR, 0755, NULL}}, 1, "a name that no member"},
        {{{"pipe", NULL, AE_IFIFO, 0644, NULL}}, 1, "pipe: not a plain file"},
        {{{"a", NULL, AE_IFREG, 0644, "x"}, {"a", NULL, AE_IFREG, 0644, "y"}}, 2, "a: stands twice"},
        {{{"b", NULL, AE_IFREG, 0644, "x"}, {"a", NULL, AE_IFREG, 0644, "y"}}, 2, "a: not in the order"},
        {{{"a", NULL, AE_IFREG, 0755, "x"}}, 1, "a: its header differs"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refused(rows[i].entries, rows[i].count, ustar, rows[i].words);
    struct entry plain = {"a", NULL, AE_IFREG, 0644, "x"};
    refused(&plain, 1, ARCHIVE_FORMAT_CPIO_SVR4_NOCRC, "the archive itself");
    struct entry wide = {"\xc3\xa4", NULL, AE_IFREG, 0644, "x"};
    refused(&wide, 1, pax, "a name that no member");
}

/* A member that says it is a gigabyte, one that unpacks to it, one that is not packed at all. */
static void bombs(void **state) {
    struct gpup_package package = {0};
    char message[512];
    size_t size = GPUP_PACKAGE_MAX_MEMBER + 1, got;
    (void)state;
    uint8_t *zeros = calloc(1, size);
    assert_true(gpup_package_add(&package, "bomb.zst", zeros, size, message, sizeof message));
    assert_true(package.members[0].size < size / 1000);
    assert_null(gpup_package_unpack(&package.members[0], &got, message, sizeof message));
    assert_non_null(strstr(message, "bomb.zst: unpacks to more"));
    assert_true(gpup_package_add_stored(&package, "plain.zst", "not packed", 10, message, sizeof message));
    assert_null(gpup_package_unpack(gpup_package_find(&package, "plain.zst"), &got, message, sizeof message));
    assert_non_null(strstr(message, "plain.zst: expected bytes packed"));
    gpup_package_free(&package);
    free(zeros);
    assert_true(gpup_package_add(&package, "a", "x", 1, message, sizeof message));
    uint8_t *bytes;
    to_bytes(&package, &bytes, &size);
    gpup_package_free(&package);
    /* The size field of the header, and the checksum that makes it sound. */
    memset(bytes + 124, '7', 11);
    unsigned sum = 0;
    memset(bytes + 148, ' ', 8);
    for (unsigned i = 0; i < 512; i++)
        sum += bytes[i];
    snprintf((char *)bytes + 148, 8, "%06o", sum);
    assert_false(gpup_package_read(bytes, size, &package, message, sizeof message));
    assert_non_null(strstr(message, "a: larger than the archive"));
    free(bytes);
}

static int start(void **state) {
    (void)state;
    tool_directory("archive");
    fixture_run("small", "reference", "pause/[ow]*", 2);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes), cmocka_unit_test(flipped_bytes),
                                       cmocka_unit_test(cut_and_longer), cmocka_unit_test(hostile),
                                       cmocka_unit_test(bombs)};
    return cmocka_run_group_tests(tests, start, NULL) ? 1 : 0;
}
