/* Files: bounds, files from outside, hosts and worlds, and where something else fails. */
#include "files_work.h"
#include <gpup/files.h>
#include <string.h>

/* --- bounds */

static uint64_t DDI_CALL as_many_as_can_be(struct work *w) {
    WCHAR name[] = u"\\??\\C:\\file-00";
    LARGE_INTEGER allocation = {.QuadPart = MIB + 1};
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING text;

    for (unsigned i = 0; i < 65; i++) {
        name[12] = (WCHAR)('0' + i / 10);
        name[13] = (WCHAR)('0' + i % 10);
        MUST(open_file(w, name, FILE_CREATE, &w->file) == (i < 64 ? STATUS_SUCCESS : STATUS_DISK_FULL));
        if (w->file)
            ZwClose(w->file);
    }
    MUST(erase(u"\\??\\C:\\file-07") == STATUS_SUCCESS);
    MUST(open_file(w, name, FILE_CREATE, &w->file) == STATUS_SUCCESS);
    ZwClose(w->file);
    MUST(erase(u"\\??\\C:\\file-08") == STATUS_SUCCESS);
    RtlInitUnicodeString(&text, u"\\??\\C:\\large");
    InitializeObjectAttributes(&attributes, &text, OBJ_KERNEL_HANDLE, NULL, NULL);
    MUST(ZwCreateFile(&w->file, GENERIC_ALL, &attributes, &w->io, &allocation, 0, 0, FILE_CREATE, SYNC, NULL,
                      0) == STATUS_DISK_FULL);
    return 0;
}
static uint64_t DDI_CALL as_much_as_can_be(struct work *w) {
    memset(w->bytes, 0xFF, sizeof w->bytes);
    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    MUST(open_file(w, u"\\??\\C:\\two", FILE_CREATE, &w->other) == STATUS_SUCCESS);
    MUST(write_at(w, w->file, MIB - 4096, 4096) == STATUS_SUCCESS); /* all of it: what lies before is there */
    MUST(write_at(w, w->other, 0, 1) == STATUS_DISK_FULL && w->io.Information == 0);
    MUST(size_of(w, w->other) == 0);
    MUST(write_at(w, w->file, MIB, 1) == STATUS_DISK_FULL && size_of(w, w->file) == MIB);
    MUST(write_at(w, w->file, INT64_MAX - 5, 9) == STATUS_DISK_FULL);
    MUST(set_end(w, w->file, MIB + 1) == STATUS_DISK_FULL);
    MUST(set_end(w, w->file, 4096 * 254 + 1) == STATUS_SUCCESS); /* one block comes free */
    MUST(write_at(w, w->other, 0, 4096) == STATUS_SUCCESS);
    MUST(write_at(w, w->other, 4096, 1) == STATUS_DISK_FULL && size_of(w, w->other) == 4096);
    MUST(write_at(w, w->file, 0, 8192) == STATUS_SUCCESS); /* is not found in what takes its place */
    ZwClose(w->file);
    MUST(erase(u"\\??\\C:\\one") == STATUS_SUCCESS);
    MUST(set_end(w, w->other, MIB) == STATUS_SUCCESS);
    MUST(read_at(w, w->other, 4096, 1) == STATUS_SUCCESS && !w->bytes[0]);
    w->bytes[0] = 1;
    MUST(read_at(w, w->other, MIB - 1, 2) == STATUS_SUCCESS && w->io.Information == 1 && !w->bytes[0]);
    ZwClose(w->other);
    return 0;
}
static uint64_t DDI_CALL as_many_handles(struct work *w) {
    for (unsigned i = 0; i < 65; i++)
        MUST(open_file(w, u"\\??\\C:\\one", FILE_OPEN_IF, &w->many[i]) ==
             (i < 64 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES));
    for (unsigned i = 0; i < 64; i++)
        ZwClose(w->many[i]);
    MUST(open_file(w, u"\\??\\C:\\one", FILE_OPEN, &w->file) == STATUS_SUCCESS);
    ZwClose(w->file);
    return 0;
}
static void bounds(void **state) {
    (void)state;
    alone(as_many_as_can_be, 0);
    alone(as_much_as_can_be, 0);
    alone(as_many_handles, 0);
}

/* --- files from outside */

static uint8_t large[2 * MIB];
static struct gpup_given_files given;

static void give(unsigned i, const char *name, size_t size) {
    WCHAR wide[64];
    uint32_t length = 0;

    for (; name[length]; length++)
        wide[length] = (WCHAR)name[length];
    assert_int_equal(gpup_file_name(wide, length, &given.file[i].name), STATUS_SUCCESS);
    given.file[i].bytes = size ? large : NULL;
    given.file[i].size = size;
    given.count = i + 1;
}
static uint64_t DDI_CALL reads_it(struct work *w) {
    MUST(open_file(w, FIRMWARE, FILE_OPEN, &w->file) == STATUS_SUCCESS);
    MUST(size_of(w, w->file) == 6000 && w->about.AllocationSize.QuadPart == 8192);
    MUST(read_at(w, w->file, 4090, 4000) == STATUS_SUCCESS && w->io.Information == 1910);
    MUST(!memcmp(w->bytes, large + 4090, 1910));
    ZwClose(w->file);
    MUST(open_file(w, u"\\??\\C:\\empty", FILE_OPEN, &w->file) == STATUS_SUCCESS);
    MUST(read_at(w, w->file, 0, 1) == STATUS_END_OF_FILE);
    ZwClose(w->file);
    return 0;
}
static uint64_t DDI_CALL changes_it(struct work *w) {
    MUST(open_file(w, FIRMWARE, FILE_OPEN, &w->file) == STATUS_SUCCESS);
    memset(w->bytes, 0xEE, 4);
    MUST(write_at(w, w->file, 4094, 4) == STATUS_SUCCESS && size_of(w, w->file) == 6000);
    MUST(read_at(w, w->file, 4090, 12) == STATUS_SUCCESS);
    MUST(!memcmp(w->bytes, large + 4090, 4) && w->bytes[4] == 0xEE && w->bytes[7] == 0xEE);
    MUST(!memcmp(w->bytes + 8, large + 4098, 4));
    MUST(set_end(w, w->file, 10) == STATUS_SUCCESS);
    ZwClose(w->file);
    MUST(open_file(w, u"\\??\\C:\\huge", FILE_OPEN, &w->file) == STATUS_SUCCESS);
    MUST(size_of(w, w->file) == 2 * MIB);
    MUST(read_at(w, w->file, 2 * MIB - 4, 8) == STATUS_SUCCESS && w->io.Information == 4);
    MUST(write_at(w, w->file, 0, 1) == STATUS_DISK_FULL); /* it would be the area's */
    MUST(set_end(w, w->file, 5) == STATUS_DISK_FULL && size_of(w, w->file) == 2 * MIB);
    ZwClose(w->file);
    MUST(open_file(w, u"\\??\\C:\\huge", FILE_OVERWRITE, &w->file) == STATUS_SUCCESS);
    MUST(size_of(w, w->file) == 0 && write_at(w, w->file, 0, 1) == STATUS_SUCCESS);
    ZwClose(w->file);
    return 0;
}
static uint64_t DDI_CALL finds_it_changed(struct work *w) {
    MUST(open_file(w, FIRMWARE, FILE_OPEN, &w->file) == STATUS_SUCCESS && size_of(w, w->file) == 10);
    ZwClose(w->file);
    return 0;
}
static uint64_t DDI_CALL finds_none(struct work *w) {
    MUST(open_file(w, FIRMWARE, FILE_OPEN, &w->file) == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}
static void from_outside(void **state) {
    struct host one, other;

    (void)state;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 7 + i / 256);
    give(0, "\\??\\C:\\Windows\\System32\\drivers\\FW.bin", 6000);
    give(1, "\\??\\C:\\empty", 0);
    give(2, "\\??\\C:\\huge", sizeof large);
    host_open(&one, true);
    host_open(&other, true);
    gpup_os_give_files(one.os, &given);
    gpup_os_give_files(other.os, &given);
    expect(&one, reads_it, 0);
    expect(&one, changes_it, 0);
    expect(&one, finds_it_changed, 0);
    expect(&other, reads_it, 0); /* what one does is its own */
    host_close(&one);
    host_open(&one, true);
    expect(&one, finds_none, 0); /* nothing was given to it */
    host_close(&one);
    host_close(&other);
    for (size_t i = 0; i < sizeof large; i++)
        assert_int_equal(large[i], (uint8_t)(i * 7 + i / 256));
}

/* --- what a host's files are part of */

static uint64_t DDI_CALL leaves_one(struct work *w) {
    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    MUST(write_at(w, w->file, 0, 5) == STATUS_SUCCESS);
    ZwClose(w->file);
    return 0;
}
static uint64_t DDI_CALL finds_one(struct work *w) {
    MUST(open_file(w, u"\\??\\C:\\one", FILE_OPEN, &w->file) == STATUS_SUCCESS);
    MUST(size_of(w, w->file) == 5);
    ZwClose(w->file);
    return 0;
}
static uint64_t DDI_CALL erases_one(struct work *w) {
    MUST(erase(u"\\??\\C:\\one") == STATUS_SUCCESS);
    MUST(open_file(w, u"\\??\\C:\\other", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    MUST(write_at(w, w->file, 0, 9) == STATUS_SUCCESS);
    ZwClose(w->file);
    return 0;
}
static void snapshots(void **state) {
    struct host host;

    (void)state;
    host_open(&host, true);
    gpup_os_give_files(host.os, &given);
    assert_true(gpup_arena_snapshot(host.arena));
    for (int i = 0; i < 2; i++) {
        expect(&host, leaves_one, 0);
        expect(&host, changes_it, 0);
        gpup_arena_restore(host.arena);
    }
    expect(&host, leaves_one, 0);
    assert_true(gpup_arena_snapshot(host.arena));
    for (int i = 0; i < 2; i++) {
        expect(&host, erases_one, 0);
        expect(&host, changes_it, 0);
        gpup_arena_restore(host.arena);
        expect(&host, finds_one, 0);
        expect(&host, reads_it, 0);
    }
    host_close(&host);
}

/* Two adapters of a machine have one disk. */
static void one_machine(void **state) {
    struct host host, second;
    struct gpup_os_config config;

    (void)state;
    host_open(&host, true);
    config = host_config(&host);
    config.system = host.os;
    second = host;
    second.os = gpup_os_new(&config);
    assert_non_null(second.os);
    assert_int_equal(host_run(&second, (void *)leaves_one, work_of(&host)), 0);
    assert_int_equal(host_run(&host, (void *)finds_one, work_of(&host)), 0);
    host_close(&host);
}

/* And what a driver opened for itself it may use in the calls of both. */
static uint64_t DDI_CALL opens_one(struct work *w) {
    MUST(open_file(w, u"\\??\\C:\\both", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    return 0;
}
static uint64_t DDI_CALL closes_it(struct work *w) {
    IO_STATUS_BLOCK status;
    MUST(ZwFlushBuffersFile(w->file, &status) == STATUS_SUCCESS);
    MUST(ZwClose(w->file) == STATUS_SUCCESS);
    return 0;
}
static uint64_t DDI_CALL finds_it_closed(struct work *w) {
    IO_STATUS_BLOCK status;
    MUST(ZwFlushBuffersFile(w->file, &status) == STATUS_INVALID_HANDLE);
    return 0;
}

static void one_driver(void **state) {
    struct host host, second, other;
    struct gpup_os_config config;
    struct work *work;

    (void)state;
    host_open(&host, true);
    config = host_config(&host);
    second = other = host;
    other.os = gpup_os_new(&config);
    config.system = host.os;
    second.os = gpup_os_new(&config);
    assert_true(second.os && other.os);
    work = work_of(&host);
    assert_int_equal(host_run(&host, (void *)opens_one, work), 0);
    assert_int_equal(host_run(&other, (void *)finds_it_closed, work), 0);
    assert_int_equal(host_run(&second, (void *)closes_it, work), 0);
    assert_int_equal(host_run(&host, (void *)finds_it_closed, work), 0);
    host_close(&host);
}

/* --- where something else fails */

static uint64_t DDI_CALL is_refused(struct work *w) {
    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_INSUFFICIENT_RESOURCES);
    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    ZwClose(w->file);
    return 0;
}
static void planned_failures(void **state) {
    struct host host;

    (void)state;
    host_open(&host, true);
    gpup_os_fail_allocation(host.os, 1, 1);
    expect(&host, is_refused, 0);
    host_close(&host);
}

/* Until the arena has no more, one megabyte of the suite's at a time, and then what is left of that. */
static void fill(struct host *host) {
    for (size_t size = MIB; size >= 16; size /= 2)
        while (gpup_arena_alloc_raw(host->arena, size))
            ;
}
static uint64_t DDI_CALL does_nothing(struct work *w) {
    (void)w;
    return 0;
}
static uint64_t DDI_CALL finds_no_memory(struct work *w) {
    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_INSUFFICIENT_RESOURCES);
    MUST(erase(u"\\??\\C:\\one") == STATUS_INSUFFICIENT_RESOURCES);
    return 0;
}
static uint64_t DDI_CALL keeps_open(struct work *w) {
    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    MUST(write_at(w, w->file, 0, 5) == STATUS_SUCCESS);
    MUST(open_file(w, FIRMWARE, FILE_OPEN, &w->other) == STATUS_SUCCESS);
    return 0;
}
/* Two blocks that are there, and no memory for a third. */
static uint64_t DDI_CALL gives_two_back(struct work *w) {
    keeps_open(w);
    MUST(open_file(w, u"\\??\\C:\\other", FILE_CREATE, &w->many[0]) == STATUS_SUCCESS);
    MUST(set_end(w, w->many[0], 8192) == STATUS_SUCCESS && set_end(w, w->many[0], 0) == STATUS_SUCCESS);
    return 0;
}
static uint64_t DDI_CALL takes_two(struct work *w) {
    MUST(set_end(w, w->file, 16384) == STATUS_INSUFFICIENT_RESOURCES && size_of(w, w->file) == 5);
    MUST(set_end(w, w->many[0], 8192) == STATUS_SUCCESS);
    return 0;
}
static uint64_t DDI_CALL finds_no_block(struct work *w) {
    MUST(write_at(w, w->file, 4000, 500) == STATUS_INSUFFICIENT_RESOURCES && size_of(w, w->file) == 5);
    MUST(write_at(w, w->other, 0, 1) == STATUS_INSUFFICIENT_RESOURCES && size_of(w, w->other) == 6000);
    MUST(read_at(w, w->other, 5999, 9) == STATUS_SUCCESS && w->bytes[0] == large[5999]);
    ZwClose(w->file);
    ZwClose(w->other);
    return 0;
}
static void no_memory(void **state) {
    struct host host;
    struct work *work;

    (void)state;
    host_open(&host, false);
    gpup_os_give_files(host.os, &given);
    work = work_of(&host);
    assert_int_equal(host_run(&host, (void *)keeps_open, work), 0);
    fill(&host);
    assert_int_equal(host_run(&host, (void *)finds_no_block, work), 0);
    host_close(&host);
    host_open(&host, false);
    gpup_os_give_files(host.os, &given);
    work = work_of(&host);
    assert_int_equal(host_run(&host, (void *)gives_two_back, work), 0);
    fill(&host);
    assert_int_equal(host_run(&host, (void *)takes_two, work), 0);
    host_close(&host);
    host_open(&host, false);
    work = work_of(&host);
    host_run(&host, (void *)does_nothing, work); /* makes a stack */
    fill(&host);
    assert_int_equal(host_run(&host, (void *)finds_no_memory, work), 0);
    host_close(&host);
}

static uint64_t DDI_CALL asks_for_a_name(struct work *w) {
    open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file);
    return (uint64_t)ZwQueryInformationFile(w->file, &w->io, w->bytes, 512, (FILE_INFORMATION_CLASS)9);
}
static uint64_t DDI_CALL renames(struct work *w) {
    open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file);
    return (uint64_t)ZwSetInformationFile(w->file, &w->io, w->bytes, 512, (FILE_INFORMATION_CLASS)10);
}
static uint64_t DDI_CALL opens_by_number(struct work *w) {
    const struct wanted wanted = {u"\\??\\C:\\12345678", GENERIC_READ, 0, FILE_OPEN, FILE_OPEN_BY_FILE_ID, 0};

    return (uint64_t)open_as(w, &wanted, &w->file);
}
static uint64_t DDI_CALL opens_by_number_too(struct work *w) {
    OBJECT_ATTRIBUTES attributes = {0};

    return (uint64_t)ZwOpenFile(&w->file, GENERIC_READ, &attributes, &w->io, 0, FILE_OPEN_BY_FILE_ID);
}
/* Not played, and no fault of the driver: the host stops. */
static void beyond(void **state) {
    static void *const routines[] = {(void *)asks_for_a_name, (void *)renames, (void *)opens_by_number,
                                     (void *)opens_by_number_too};

    (void)state;
    for (size_t i = 0; i < sizeof routines / sizeof *routines; i++) {
        struct host host;

        host_open(&host, true);
        assert_int_equal(host_try(&host, routines[i], work_of(&host)), GPUP_RAN_DEAD);
        assert_true(gpup_os_beyond(host.os));
        host_close(&host);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bounds),     cmocka_unit_test(from_outside),
                                       cmocka_unit_test(snapshots),  cmocka_unit_test(one_machine),
                                       cmocka_unit_test(one_driver), cmocka_unit_test(planned_failures),
                                       cmocka_unit_test(no_memory),  cmocka_unit_test(beyond)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
