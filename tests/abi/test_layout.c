/* Checks a dumped layout (arguments: the .layout and .lbits sections) against layout.expected. */
#include "expected.h"
#include "layout.h"

#include "ddi/dispmprt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *layout_path;
static const char *bits_path;

struct data {
    struct expected_line *expected;
    size_t expected_count;
    struct layout_entry *entries;
    size_t entry_count;
    struct layout_bits *bits;
    size_t bits_count;
};

/* The whole file as records of a size; NULL unless it holds a whole number of them and at least one. */
static void *read_records(const char *path, size_t record, size_t *count) {
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    long size = -1;
    if (file == NULL)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size > 0 && (size_t)size % record == 0 && fseek(file, 0, SEEK_SET) == 0)
        bytes = malloc((size_t)size);
    if (bytes != NULL && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        free(bytes);
        bytes = NULL;
    }
    (void)fclose(file);
    *count = bytes == NULL ? 0 : (size_t)size / record;
    return bytes;
}

static int setup(void **state) {
    struct data *data = calloc(1, sizeof(*data));
    if (data == NULL)
        return -1;
    *state = data;
    data->expected = expected_read(GPUP_LAYOUT_EXPECTED, &data->expected_count);
    data->entries = read_records(layout_path, sizeof(*data->entries), &data->entry_count);
    data->bits = read_records(bits_path, sizeof(*data->bits), &data->bits_count);
    return data->expected == NULL || data->entries == NULL || data->bits == NULL ? -1 : 0;
}

static int teardown(void **state) {
    struct data *data = *state;
    if (data != NULL) {
        free(data->expected);
        free(data->entries);
        free(data->bits);
    }
    free(data);
    return 0;
}

static int report(const struct expected_line *line, uint64_t first, uint64_t second) {
    fprintf(stderr, "layout.expected:%u: %s %s %s: expected %llu %llu, measured %llu %llu\n", line->number,
            line->keyword, line->type, line->member, (unsigned long long)line->first,
            (unsigned long long)line->second, (unsigned long long)first, (unsigned long long)second);
    return 1;
}

static enum layout_kind kind_of(const struct expected_line *line) {
    if (strcmp(line->keyword, "size") == 0)
        return LAYOUT_KIND_SIZE;
    return strcmp(line->keyword, "field") == 0 ? LAYOUT_KIND_FIELD : LAYOUT_KIND_VALUE;
}

static int wrong(const struct expected_line *line, const struct layout_entry *entry) {
    if (entry->kind != (uint32_t)kind_of(line) || strcmp(entry->type, line->type) != 0 ||
        strcmp(entry->member, line->member) != 0) {
        fprintf(stderr, "layout.expected:%u: %s %s was not measured\n", line->number, line->type,
                line->member);
        return 1;
    }
    uint64_t first = entry->kind == LAYOUT_KIND_SIZE ? entry->size : entry->offset;
    uint64_t second = entry->kind == LAYOUT_KIND_FIELD ? entry->size : 0;
    return first == line->first && second == line->second ? 0 : report(line, first, second);
}

/* The table has the lines' order, so both can be walked together and nothing measured stays unchecked. */
static void sizes_offsets_and_constants(void **state) {
    const struct data *data = *state;
    int failures = 0;
    size_t at = 0;
    for (size_t i = 0; i < data->expected_count; i++) {
        const struct expected_line *line = &data->expected[i];
        if (strcmp(line->keyword, "bits") == 0 || strcmp(line->keyword, "guid") == 0)
            continue;
        assert_true(at < data->entry_count);
        failures += wrong(line, &data->entries[at++]);
    }
    assert_int_equal(at, data->entry_count);
    assert_int_equal(failures, 0);
}

static void bit_positions(void **state) {
    const struct data *data = *state;
    int failures = 0;
    size_t at = 0;
    for (size_t i = 0; i < data->expected_count; i++) {
        const struct expected_line *line = &data->expected[i];
        if (strcmp(line->keyword, "bits") != 0)
            continue;
        assert_true(at < data->bits_count);
        const struct layout_bits *bits = &data->bits[at++];
        assert_string_equal(bits->member, line->member);
        uint64_t image = 0;
        memcpy(&image, bits->image, sizeof(image));
        uint64_t want = ((UINT64_C(1) << line->second) - 1) << line->first;
        if (image != want)
            failures += report(line, image == 0 ? 64 : (uint64_t)__builtin_ctzll(image),
                               (uint64_t)__builtin_popcountll(image));
    }
    assert_int_equal(at, data->bits_count);
    assert_int_equal(failures, 0);
}

/* Fields in the file leave only holes that alignment explains: a member the file forgot is noticed. */
static void no_field_is_missing(void **state) {
    const struct data *data = *state;
    uint64_t size = 0;
    uint64_t end = 0;
    unsigned structure = 0;
    int failures = 0;
    for (size_t i = 0; i <= data->expected_count; i++) {
        const struct expected_line *line = i < data->expected_count ? &data->expected[i] : NULL;
        int field = line != NULL && strcmp(line->keyword, "field") == 0;
        if (field && line->first > end + 7)
            failures += report(line, end, 0);
        if (field && line->first + line->second > end)
            end = line->first + line->second;
        if (field)
            continue;
        if (end != 0 && (end > size || size > end + 7)) {
            fprintf(stderr, "layout.expected:%u: fields end at %llu of %llu\n", structure,
                    (unsigned long long)end, (unsigned long long)size);
            failures++;
        }
        size = line != NULL && strcmp(line->keyword, "size") == 0 ? line->first : 0;
        structure = line != NULL ? line->number : 0;
        end = 0;
    }
    assert_int_equal(failures, 0);
}

static const GUID *guid_named(const char *name) {
    static const struct {
        const char *name;
        const GUID *value;
    } known[] = {
#define KNOWN(guid) {#guid, &(guid)}
        KNOWN(GUID_DXGKDDI_GPU_PARTITION_INTERFACE),    KNOWN(GUID_DXGKDDI_SRIOV_INTERFACE),
        KNOWN(GUID_DXGKDDI_MITIGABLE_DEVICE_INTERFACE), KNOWN(GUID_DXGKDDI_FLEXIOV_DEVICE_INTERFACE),
        KNOWN(GUID_DXGKDDI_AZURE_TRIAGE_EVENT),
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].value;
    return NULL;
}

static void identifiers(void **state) {
    const struct data *data = *state;
    size_t seen = 0;
    for (size_t i = 0; i < data->expected_count; i++) {
        const struct expected_line *line = &data->expected[i];
        if (strcmp(line->keyword, "guid") != 0)
            continue;
        const GUID *guid = guid_named(line->type);
        char text[40];
        assert_non_null(guid);
        const uint8_t *d = guid->Data4;
        (void)snprintf(text, sizeof(text), "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", guid->Data1,
                       guid->Data2, guid->Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
        assert_string_equal(text, line->text);
        seen++;
    }
    assert_int_equal(seen, 5);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_offsets_and_constants),
        cmocka_unit_test(bit_positions),
        cmocka_unit_test(no_field_is_missing),
        cmocka_unit_test(identifiers),
    };
    if (argc != 3) {
        fprintf(stderr, "usage: %s LAYOUT BITS\n", argv[0]);
        return 2;
    }
    layout_path = argv[1];
    bits_path = argv[2];
    return cmocka_run_group_tests(tests, setup, teardown) ? 1 : 0;
}
