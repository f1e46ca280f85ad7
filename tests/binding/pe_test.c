/* The loader of driver images: a good one, one that is damaged in each way that it knows, and in ways that it
 * does not. */
#include "pe.h"

#include <ddi/ntdef.h>
#include <gpup/binding.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE_SYMBOL(pe, name) gpup_pe_export(pe, name)

static uint8_t *sample;
static size_t sample_size;

/* --- what the sample imports */

static int data = 100;
static const struct gpup_pe *running;
static struct gpup_frame seen[8];
static unsigned frames;
static const char *called; /* unsupported */
static jmp_buf back;

/* Called with the Windows convention: the frames of the image above it. */
__attribute__((noinline)) static int DDI_CALL service(int value) {
    uint64_t *frame = __builtin_frame_address(0);
    struct gpup_frame f = {.pc = frame[1], .registers[GPUP_SP] = (uintptr_t)(frame + 2)};
    struct gpup_frame_found found;
    f.registers[5] = frame[0];
    for (frames = 0; frames < 8 && f.pc - (uintptr_t)running->memory < running->image_size; frames++) {
        seen[frames] = f;
        if (!gpup_pe_leave(running, &f, (uintptr_t)frame, (uintptr_t)frame + (1 << 16), &found))
            break;
    }
    return value * 2;
}

static int DDI_CALL numbered(int value) {
    return value + 1;
}

static void DDI_CALL unsupported(const char *name) {
    called = name;
    longjmp(back, 1); // NOLINT(cert-err52-cpp): nothing but this test is in between
}

static void *resolve(void *context, const char *module, const char *name, uint16_t ordinal) {
    (void)context;
    if (strcmp(module, "other.sys") != 0)
        return NULL;
    if (!name)
        return ordinal == 7 ? (void *)(uintptr_t)numbered : NULL;
    return strcmp(name, "sample_service") == 0 ? (void *)(uintptr_t)service
           : strcmp(name, "sample_data") == 0  ? &data
                                               : NULL;
}

static bool load(struct gpup_pe *pe, const void *bytes, size_t size, char *why, size_t why_size) {
    struct gpup_pe_error error = {why, why_size};
    why[0] = 0;
    return gpup_pe_load(pe, bytes, size, resolve, NULL, (void *)(uintptr_t)unsupported, &error);
}

static void load_sample(struct gpup_pe *pe) {
    char why[400];
    if (!load(pe, sample, sample_size, why, sizeof why))
        fail_msg("the sample %s", why);
    running = pe;
}

/* --- a good image */

static void it_runs(void **state) {
    struct gpup_pe pe;
    (void)state;
    load_sample(&pe);
    int(DDI_CALL * entry)(void *, void *) =
        (int(DDI_CALL *)(void *, void *))(uintptr_t)(pe.memory + pe.entry);
    assert_int_equal(entry(NULL, NULL), 8 + 31 + 100 + 1000);
    assert_int_equal(*(int *)BASE_SYMBOL(&pe, "sample_writable"), 6);
    assert_true(*(uint64_t *)BASE_SYMBOL(&pe, "__security_cookie") != UINT64_C(0x00002B992DDFA232));
    assert_null(gpup_pe_export(&pe, "sample_servic"));
    gpup_pe_unmap(&pe);
}

/* leaf, which has a frame register; middle, whose frame is larger than a page's tenth; the entry. */
static void its_frames_are_known(void **state) {
    struct gpup_pe pe;
    (void)state;
    load_sample(&pe);
    int(DDI_CALL * entry)(void *, void *) =
        (int(DDI_CALL *)(void *, void *))(uintptr_t)(pe.memory + pe.entry);
    entry(NULL, NULL);
    uintptr_t expected[] = {(uintptr_t)BASE_SYMBOL(&pe, "leaf"), (uintptr_t)BASE_SYMBOL(&pe, "middle"),
                            (uintptr_t)pe.memory + pe.entry};
    assert_int_equal(frames, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(seen[i].pc, expected[i], expected[i] + 400);
    gpup_pe_unmap(&pe);
}

static void a_missing_import_is_told_when_called(void **state) {
    struct gpup_pe pe;
    (void)state;
    load_sample(&pe);
    int(DDI_CALL * missing)(void) = (int(DDI_CALL *)(void))(uintptr_t)BASE_SYMBOL(&pe, "call_missing");
    called = NULL;
    if (setjmp(back) == 0)
        missing();
    assert_non_null(called);
    assert_string_equal(called, "other.sys!sample_missing");
    gpup_pe_unmap(&pe);
}

/* Letters of /proc/self/maps for the page of an address. */
static void protection(const void *address, char letters[5]) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    memcpy(letters, "none", 5);
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        char *rest;
        uintptr_t start = strtoul(line, &rest, 16), end = strtoul(rest + 1, &rest, 16);
        if ((uintptr_t)address >= start && (uintptr_t)address < end)
            memcpy(letters, rest + 1, 4);
    }
    fclose(maps);
}

static void pages_have_their_protection(void **state) {
    struct gpup_pe pe;
    char letters[5];
    unsigned executable = 0, writable = 0;
    (void)state;
    load_sample(&pe);
    for (uint32_t i = 0; i < pe.section_count; i++) {
        const struct gpup_pe_section *s = &pe.section[i];
        protection(pe.memory + s->span.rva, letters);
        assert_int_equal(letters[2] == 'x', (s->access & GPUP_PE_EXECUTE) != 0);
        assert_int_equal(letters[1] == 'w', (s->access & GPUP_PE_WRITE) != 0);
        assert_false(letters[1] == 'w' && letters[2] == 'x');
        executable += letters[2] == 'x';
        writable += letters[1] == 'w';
    }
    assert_true(executable == 1 && writable == 1);
    protection(pe.memory, letters);
    assert_string_equal(letters, "r--p");
    protection(pe.stubs, letters);
    assert_string_equal(letters, "r-xp");
    gpup_pe_unmap(&pe);
}

/* --- as an implementation */

static void writable_sections_are_brought_back(void **state) {
    struct gpup_binding b;
    char message[512];
    (void)state;
    if (gpup_binding_open(&b, GPUP_TEST_REFERENCE, NULL, message, sizeof message) != 0)
        fail_msg("%s", message);
    assert_string_equal(b.implementation->name, "reference");
    size_t size = gpup_image_size(b.image);
    char *one = malloc(size), *two = malloc(size);
    assert_true(size && one && two);
    gpup_image_save(b.image, one);
    assert_true(b.implementation->differ(GPUP_DIFFERS_FIRMWARE));
    gpup_image_save(b.image, two);
    assert_memory_not_equal(one, two, size);
    gpup_image_reset(b.image);
    gpup_image_save(b.image, two);
    assert_memory_equal(one, two, size);
    struct gpup_image *found;
    assert_int_equal(gpup_image_of(b.implementation, &found, message, sizeof message), 0);
    assert_int_equal(gpup_image_size(found), size);
    assert_true(b.implementation->differ(GPUP_DIFFERS_DRIVER));
    gpup_image_reset(found);
    gpup_image_save(b.image, two);
    assert_memory_equal(one, two, size);
    gpup_image_free(found);
    free(one);
    free(two);
    gpup_binding_close(&b);
}

static void names_that_are_no_images(void **state) {
    static const char *const names[][2] = {{"nothing.sys", "no such file"}, {"/.sys", "no such file"}};
    struct gpup_binding b;
    char message[512];
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(gpup_binding_open(&b, names[i][0], NULL, message, sizeof message), -1);
        assert_non_null(strstr(message, names[i][1]));
    }
}

/* --- damage that has a name */

enum place { AT_FILE, AT_HEADER, AT_OPTIONAL, AT_DIRECTORY, AT_SECTION, AT_RVA, AT_TABLE, SIZE };
struct damage {
    const char *expected; /* part of the message; its own */
    enum place place;
    unsigned index;  /* of directory or section; AT_TABLE: directory whose address is followed */
    unsigned offset; /* in it */
    unsigned width;
    uint64_t value;
};

static const struct damage damages[] = {
    {"begin with MZ", AT_FILE, 0, 0, 2, 0x4D5A},
    {"expected a multiple of 4 behind the DOS header", AT_FILE, 0, 60, 4, 66},
    {"the PE header would end at", AT_FILE, 0, 60, 4, 0x7FFFFFF0},
    {"expected the signature PE", AT_HEADER, 0, 0, 2, 0x454E},
    {"is built for 32-bit x86", AT_HEADER, 0, 4, 2, 0x14C},
    {"is built for Arm64", AT_HEADER, 0, 4, 2, 0xAA64},
    {"expected PE32+", AT_OPTIONAL, 0, 0, 2, 0x10B},
    {"not marked as executable", AT_HEADER, 0, 22, 2, 0x2020},
    {"relocations stripped", AT_HEADER, 0, 22, 2, 0x2023},
    {"is for subsystem 3", AT_OPTIONAL, 0, 68, 2, 3},
    {"with 17 directories", AT_OPTIONAL, 0, 108, 4, 17},
    {"optional header of 16 bytes", AT_HEADER, 0, 20, 2, 16},
    {"has 0 sections", AT_HEADER, 0, 6, 2, 0},
    {"has 97 sections", AT_HEADER, 0, 6, 2, 97},
    {"aligns its sections to 512 bytes", AT_OPTIONAL, 0, 32, 4, 512},
    {"a file alignment of 100", AT_OPTIONAL, 0, 36, 4, 100},
    {"no multiple of 64 KiB", AT_OPTIONAL, 0, 24, 4, 0x1000},
    {"says it takes 0 bytes", AT_OPTIONAL, 0, 56, 4, 0},
    {"says it takes 4294963200 bytes", AT_OPTIONAL, 0, 56, 4, 0xFFFFF000},
    {"has 64 bytes of headers", AT_OPTIONAL, 0, 60, 4, 64},
    {"has a directory (number 0)", AT_DIRECTORY, GPUP_PE_EXPORT, 4, 4, 0xFFFFFFFF},
    {"is managed code", AT_DIRECTORY, GPUP_PE_MANAGED, 0, 4, 0x2000},
    {"thread-local storage", AT_DIRECTORY, GPUP_PE_TLS, 0, 4, 0x2000},
    {"has delayed imports", AT_DIRECTORY, GPUP_PE_DELAY_IMPORT, 0, 4, 0x2000},
    {"has section .rdata at 0x1000", AT_SECTION, 1, 12, 4, 0x1000},
    {"has section .text of 268435456 bytes", AT_SECTION, 0, 8, 4, 0x10000000},
    {"which is writable and executable", AT_SECTION, 0, 36, 4, 0xE0000020},
    {"contents of section .text at byte 1025", AT_SECTION, 0, 20, 4, 1025},
    {"the contents would end at", AT_SECTION, 0, 16, 4, 0x7FFFF000},
    {"has no entry point", AT_OPTIONAL, 0, 16, 4, 0},
    {"which is in no executable section", AT_OPTIONAL, 0, 16, 4, 8},
    {"has a relocation of type", AT_TABLE, GPUP_PE_RELOCATION, 8, 2, 0x3000},
    {"outside of its sections", AT_TABLE, GPUP_PE_RELOCATION, 0, 4, 0x100000},
    {"damaged relocation table: a block of 4 bytes", AT_TABLE, GPUP_PE_RELOCATION, 4, 4, 4},
    {"damaged relocation table: a block of 65536 bytes", AT_TABLE, GPUP_PE_RELOCATION, 4, 4, 65536},
    {"has a load configuration of", AT_TABLE, GPUP_PE_LOAD_CONFIG, 0, 4, 0x10000},
    {"has its security cookie at", AT_TABLE, GPUP_PE_LOAD_CONFIG, 88, 4, 0x1000},
    {"imports from a module without a name", AT_TABLE, GPUP_PE_IMPORT, 12, 4, 0xFFFFF0},
    {"a list of imports from other.sys", AT_TABLE, GPUP_PE_IMPORT, 16, 4, 0xFFFFF0},
    {"neither a name nor an ordinal", AT_TABLE, GPUP_PE_IMPORT, 0, 4, 0x1000},
    {"a list of imported modules without an end", AT_DIRECTORY, GPUP_PE_IMPORT, 0, 4, 0xF00},
    {"damaged table of functions (.pdata): 13 bytes", AT_DIRECTORY, GPUP_PE_EXCEPTION, 4, 4, 13},
    {"damaged table of functions (.pdata): entry 0", AT_TABLE, GPUP_PE_EXCEPTION, 8, 4, 0xFFFFF0},
    {"damaged table of functions (.pdata): entry 1", AT_TABLE, GPUP_PE_EXCEPTION, 12, 4, 0x10},
    {"the headers would end at", SIZE, 0, 0x300, 0, 0},
    {"the section table would end at", SIZE, 0, 0x190, 0, 0},
};
#define DAMAGES (sizeof damages / sizeof *damages)

static size_t in_file(uint32_t rva) {
    struct gpup_pe pe;
    char why[400];
    struct gpup_pe_error error = {why, sizeof why};
    assert_true(gpup_pe_read(&pe, sample, sample_size, &error));
    const struct gpup_pe_section *s = gpup_pe_section_of(&pe, rva, 1);
    assert_non_null(s);
    return s->file + (rva - s->span.rva);
}

static size_t place_of(const struct damage *d) {
    size_t header = gpup_pe_u32(sample + 60), optional = header + 24;
    size_t directory = optional + 112 + (size_t)8 * d->index;
    switch (d->place) {
    case AT_FILE:
        return d->offset;
    case AT_HEADER:
        return header + d->offset;
    case AT_OPTIONAL:
        return optional + d->offset;
    case AT_DIRECTORY:
        return directory + d->offset;
    case AT_SECTION:
        return optional + 240 + (size_t)40 * d->index + d->offset;
    default:
        return in_file(gpup_pe_u32(sample + directory)) + d->offset;
    }
}

static void each_damage_has_its_message(void **state) {
    uint8_t *copy = malloc(sample_size);
    (void)state;
    assert_non_null(copy);
    for (size_t i = 0; i < DAMAGES; i++) {
        const struct damage *d = &damages[i];
        size_t size = d->place == SIZE ? d->offset : sample_size;
        struct gpup_pe pe;
        char why[400];
        memcpy(copy, sample, sample_size);
        if (d->place != SIZE)
            memcpy(copy + place_of(d), &d->value, d->width);
        bool loaded = load(&pe, copy, size, why, sizeof why);
        if (loaded || !strstr(why, d->expected))
            fail_msg("expected '%s', found '%s'", d->expected, loaded ? "it loads" : why);
        for (size_t k = 0; k < DAMAGES; k++)
            if (k != i && strstr(why, damages[k].expected))
                fail_msg("'%s' answers to '%s' too", why, damages[k].expected);
    }
    free(copy);
}

static void imports_that_must_be_there(void **state) {
    struct gpup_pe pe;
    char why[400];
    struct gpup_pe_error error = {why, sizeof why};
    (void)state;
    assert_false(gpup_pe_load(&pe, sample, sample_size, resolve, NULL, NULL, &error));
    assert_non_null(strstr(why, "imports other.sys!sample_missing, which this program does not have"));
}

/* --- damage that has none: nothing happens but a message, or an image that stays in its bounds */

static void look_at_all(struct gpup_pe *pe) {
    static const char *const names[] = {"middle", "leaf", "no such"};
    uint64_t stack[64];
    for (unsigned i = 0; i < 3; i++)
        gpup_pe_export(pe, names[i]);
    for (uint64_t pc = 0; pc < pe->image_size; pc += 61) {
        struct gpup_frame f = {.pc = (uintptr_t)pe->memory + pc, .registers[GPUP_SP] = (uintptr_t)stack};
        struct gpup_frame_found found;
        f.registers[5] = (uintptr_t)(stack + 20);
        gpup_pe_leave(pe, &f, (uintptr_t)stack, (uintptr_t)(stack + 64), &found);
    }
}

static bool try_it(const uint8_t *bytes, size_t size) {
    struct gpup_pe pe;
    char why[400];
    bool loaded = load(&pe, bytes, size, why, sizeof why);
    if (loaded) {
        look_at_all(&pe);
        gpup_pe_unmap(&pe);
    } else {
        assert_true(why[0] != 0);
    }
    return loaded;
}

static void every_length(void **state) {
    (void)state;
    unsigned loaded = 0;
    for (size_t size = 0; size < sample_size; size += size < 0x400 ? 1 : 16) {
        uint8_t *copy = malloc(size + 1); /* its end is watched where memory is */
        assert_non_null(copy);
        memcpy(copy, sample, size);
        loaded += try_it(copy, size);
        free(copy);
    }
    assert_int_equal(loaded, 0); /* no linker leaves bytes behind that nobody needs */
}

static void every_byte(void **state) {
    static const uint8_t values[] = {0x00, 0xFF, 0x80, 0x01};
    uint8_t *copy = malloc(sample_size);
    unsigned loaded = 0;
    (void)state;
    assert_non_null(copy);
    memcpy(copy, sample, sample_size);
    for (size_t i = 0; i < sample_size; i++) {
        for (unsigned k = 0; k < sizeof values && (i < 0x400 || k < 2); k++) {
            copy[i] = values[k] ^ (i < 0x400 && k == 3 ? sample[i] : 0);
            loaded += try_it(copy, sample_size);
        }
        copy[i] = sample[i];
    }
    assert_true(loaded > 1000);
    free(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs),
        cmocka_unit_test(its_frames_are_known),
        cmocka_unit_test(a_missing_import_is_told_when_called),
        cmocka_unit_test(pages_have_their_protection),
        cmocka_unit_test(writable_sections_are_brought_back),
        cmocka_unit_test(names_that_are_no_images),
        cmocka_unit_test(each_damage_has_its_message),
        cmocka_unit_test(imports_that_must_be_there),
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_byte),
    };
    FILE *file = fopen(GPUP_TEST_SAMPLE, "rb");
    sample = malloc(1 << 20);
    sample_size = file && sample ? fread(sample, 1, 1 << 20, file) : 0;
    if (file)
        fclose(file);
    int failed = sample_size ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    free(sample);
    return failed ? 1 : 0;
}
