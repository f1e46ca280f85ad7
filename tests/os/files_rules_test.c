/* Files: sharing, what the pages forbid, deletion, directories. */
#include "files_work.h"
#include <string.h>

/* --- sharing */

static uint64_t DDI_CALL shares(struct work *w) {
    static const struct {
        ACCESS_MASK access;
        ULONG share, disposition;
        ACCESS_MASK then;
        ULONG then_share;
        bool fits;
    } rows[] = {
        {GENERIC_READ, FILE_SHARE_READ, FILE_OPEN, GENERIC_READ, FILE_SHARE_READ, true},
        {GENERIC_READ, 0, FILE_OPEN, GENERIC_READ, FILE_SHARE_READ, false},
        {GENERIC_READ, FILE_SHARE_READ, FILE_OPEN, GENERIC_READ, 0, false},
        {GENERIC_READ, FILE_SHARE_READ, FILE_OPEN, GENERIC_WRITE, ANY_SHARE, false},
        {GENERIC_READ, FILE_SHARE_WRITE, FILE_OPEN, GENERIC_WRITE, FILE_SHARE_READ, true},
        {GENERIC_READ, FILE_SHARE_WRITE, FILE_OPEN, FILE_APPEND_DATA | SYNCHRONIZE, 0, false},
        {GENERIC_READ, FILE_SHARE_READ, FILE_OPEN, DELETE | SYNCHRONIZE, ANY_SHARE, false},
        {GENERIC_READ, FILE_SHARE_DELETE, FILE_OPEN, DELETE | SYNCHRONIZE, ANY_SHARE, true},
        {DELETE | SYNCHRONIZE, ANY_SHARE, FILE_OPEN, GENERIC_READ, FILE_SHARE_READ, false},
        {GENERIC_READ, 0, FILE_OPEN, FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0, true},
        {FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0, FILE_OPEN, GENERIC_ALL, 0, true},
        {GENERIC_EXECUTE, FILE_SHARE_WRITE, FILE_OPEN, GENERIC_READ, ANY_SHARE, false},
        {GENERIC_EXECUTE, FILE_SHARE_READ, FILE_OPEN, GENERIC_READ, ANY_SHARE, true},
        /* replacing needs what writing and deleting need */
        {GENERIC_READ, FILE_SHARE_READ, FILE_OVERWRITE, GENERIC_READ, ANY_SHARE, false},
        {GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OVERWRITE, GENERIC_READ, ANY_SHARE, true},
        {GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_SUPERSEDE, GENERIC_READ, ANY_SHARE, false},
        {GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, FILE_SUPERSEDE, GENERIC_READ, ANY_SHARE, true},
        {GENERIC_READ, FILE_SHARE_READ, FILE_OPEN, MAXIMUM_ALLOWED, ANY_SHARE, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct wanted first = {u"\\??\\C:\\one", rows[i].access, rows[i].share,
                                     FILE_OPEN_IF,     SYNC,           NULL};
        const struct wanted second = {u"\\??\\C:\\ONE",    rows[i].then, rows[i].then_share,
                                      rows[i].disposition, SYNC,         NULL};
        NTSTATUS status;

        MUST(open_as(w, &first, &w->file) == STATUS_SUCCESS);
        status = open_as(w, &second, &w->other);
        if (status != (rows[i].fits ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION))
            return 1000 + i;
        if (w->other)
            ZwClose(w->other);
        ZwClose(w->file);
        MUST(open_as(w, &second, &w->other) == STATUS_SUCCESS); /* once the first is closed */
        ZwClose(w->other);
    }
    return 0;
}
static void sharing(void **state) {
    (void)state;
    alone(shares, 0);
}

/* --- what the page forbids */

static uint64_t DDI_CALL wrong_options(struct work *w) {
    static const struct wanted rows[] = {
        {u"\\??\\C:\\one", FILE_READ_DATA, 0, FILE_OPEN_IF, SYNC, NULL},
        {u"\\??\\C:\\one", GENERIC_READ, 0, FILE_OPEN_IF, SYNC | FILE_SYNCHRONOUS_IO_ALERT, NULL},
        {u"\\??\\C:\\one", GENERIC_READ, 0, FILE_OVERWRITE_IF + 1, SYNC, NULL},
        {u"\\??\\C:\\one", GENERIC_READ, 8, FILE_OPEN_IF, SYNC, NULL},
        {u"\\??\\C:\\one", GENERIC_READ, 0, FILE_OPEN_IF, SYNC | FILE_DELETE_ON_CLOSE, NULL},
        {u"\\??\\C:\\one", FILE_APPEND_DATA, 0, FILE_OPEN_IF, FILE_NO_INTERMEDIATE_BUFFERING, NULL},
        {u"\\??\\C:\\one", GENERIC_READ, 0, FILE_SUPERSEDE, SYNC | FILE_DIRECTORY_FILE, NULL},
        {u"\\??\\C:\\one", GENERIC_READ, 0, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE,
         NULL},
    };
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (open_as(w, &rows[i], &w->file) != STATUS_INVALID_PARAMETER || w->file)
            return 1000 + i;
    RtlInitUnicodeString(&name, u"\\??\\C:\\one");
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    MUST(ZwCreateFile(&w->file, GENERIC_READ, &attributes, &w->io, NULL, 0, 0, FILE_CREATE, SYNC, w->bytes,
                      4) == STATUS_INVALID_PARAMETER);
    name.Length--; /* half a character */
    MUST(ZwOpenFile(&w->file, FILE_GENERIC_READ, &attributes, &w->io, 0, SYNC) == STATUS_INVALID_PARAMETER);
    return 0;
}
static uint64_t DDI_CALL tells_an_event(struct work *w) {
    UNICODE_STRING name;
    HANDLE handle;
    PKEVENT event;

    RtlInitUnicodeString(&name, u"\\BaseNamedObjects\\Done");
    event = IoCreateNotificationEvent(&name, &handle);
    MUST(event && open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    KeClearEvent(event);
    MUST(ZwWriteFile(w->file, handle, NULL, NULL, &w->io, w->bytes, 4, NULL, NULL) == STATUS_SUCCESS);
    MUST(KeReadStateEvent(event) == 1);
    KeClearEvent(event);
    MUST(set_position(w, w->file, 0) == STATUS_SUCCESS);
    MUST(ZwReadFile(w->file, handle, NULL, NULL, &w->io, w->bytes, 4, NULL, NULL) == STATUS_SUCCESS);
    MUST(KeReadStateEvent(event) == 1);
    ZwClose(handle);
    ZwClose(w->file);
    return 0;
}
static VOID DDI_CALL never(PVOID context, PIO_STATUS_BLOCK block, ULONG reserved) {
    (void)context;
    (void)block;
    (void)reserved;
}
static uint64_t DDI_CALL wrong_transfers(struct work *w) {
    const struct wanted unbuffered = {
        u"\\??\\C:\\two", GENERIC_ALL, 0, FILE_CREATE, SYNC | FILE_NO_INTERMEDIATE_BUFFERING, NULL};
    const struct wanted loose = {u"\\??\\C:\\one", FILE_READ_DATA, ANY_SHARE, FILE_OPEN, 0, NULL};

    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    MUST(write_at(w, w->file, (uint64_t)-3, 1) == STATUS_INVALID_PARAMETER);
    MUST(read_at(w, w->file, (uint64_t)-1, 1) == STATUS_INVALID_PARAMETER); /* to the end: only of a write */
    MUST(ZwReadFile(w->file, w->file, NULL, NULL, &w->io, w->bytes, 1, NULL, NULL) == STATUS_INVALID_HANDLE);
    MUST(ZwReadFile(w->file, NULL, never, NULL, &w->io, w->bytes, 1, NULL, NULL) == STATUS_INVALID_PARAMETER);
    MUST(set_position(w, w->file, -1) == STATUS_INVALID_PARAMETER);
    MUST(set_end(w, w->file, -1) == STATUS_INVALID_PARAMETER);
    MUST(ZwSetInformationFile(w->file, &w->io, w->bytes, 7, FileEndOfFileInformation) ==
         STATUS_INFO_LENGTH_MISMATCH);
    MUST(open_as(w, &loose, &w->other) == STATUS_SUCCESS);
    MUST(ZwQueryInformationFile(w->other, &w->io, w->bytes, 8, FilePositionInformation) ==
         STATUS_INVALID_PARAMETER); /* it has none */
    MUST(set_end(w, w->other, 0) == STATUS_ACCESS_DENIED);
    MUST(doom(w, w->other, TRUE) == STATUS_ACCESS_DENIED);
    ZwClose(w->other);
    ZwClose(w->file);
    MUST(open_as(w, &unbuffered, &w->file) == STATUS_SUCCESS);
    MUST(write_at(w, w->file, 0, 100) == STATUS_INVALID_PARAMETER);
    MUST(write_at(w, w->file, 100, 512) == STATUS_INVALID_PARAMETER);
    MUST(set_position(w, w->file, 100) == STATUS_INVALID_PARAMETER);
    MUST(write_at(w, w->file, 512, 512) == STATUS_SUCCESS && set_position(w, w->file, 512) == STATUS_SUCCESS);
    ZwClose(w->file);
    MUST(read_at(w, w->file, 0, 512) == STATUS_INVALID_HANDLE);
    return 0;
}
static void forbidden(void **state) {
    (void)state;
    alone(wrong_options, 10);
    alone(wrong_transfers, 14);
    alone(tells_an_event, 0);
}

/* --- deletion */

static uint64_t DDI_CALL deletes(struct work *w) {
    const struct wanted passing = {u"\\??\\C:\\one", FILE_GENERIC_READ | DELETE,  ANY_SHARE,
                                   FILE_CREATE,      SYNC | FILE_DELETE_ON_CLOSE, NULL};

    MUST(open_as(w, &passing, &w->file) == STATUS_SUCCESS);
    MUST(open_file(w, u"\\??\\C:\\one", FILE_OPEN, &w->other) == STATUS_SUCCESS);
    ZwClose(w->file); /* not the last */
    MUST(open_file(w, u"\\??\\C:\\one", FILE_OPEN, &w->file) == STATUS_DELETE_PENDING);
    MUST(size_of(w, w->other) == 0 && w->about.DeletePending && w->about.NumberOfLinks == 0);
    ZwClose(w->other);
    MUST(open_file(w, u"\\??\\C:\\one", FILE_OPEN, &w->file) == STATUS_OBJECT_NAME_NOT_FOUND);
    MUST(open_file(w, u"\\??\\C:\\one", FILE_CREATE, &w->file) == STATUS_SUCCESS);
    MUST(doom(w, w->file, TRUE) == STATUS_SUCCESS && doom(w, w->file, FALSE) == STATUS_SUCCESS);
    ZwClose(w->file);
    MUST(open_file(w, u"\\??\\C:\\one", FILE_OPEN, &w->file) == STATUS_SUCCESS);
    ZwClose(w->file);
    return 0;
}
static void deletion(void **state) {
    (void)state;
    alone(deletes, 0);
}

/* --- directories */

static uint64_t DDI_CALL goes_down(struct work *w) {
    struct wanted down = {u"\\??\\C:\\Dir", FILE_LIST_DIRECTORY | SYNCHRONIZE, ANY_SHARE,
                          FILE_OPEN,        SYNC | FILE_DIRECTORY_FILE,        NULL};
    struct wanted in = {u"In\\File", GENERIC_ALL, ANY_SHARE, FILE_CREATE, SYNC, NULL};
    WCHAR long_name[255];

    MUST(open_as(w, &down, &w->file) == STATUS_SUCCESS && w->io.Information == FILE_OPENED);
    MUST(size_of(w, w->file) == 0 && w->about.Directory);
    in.root = w->file;
    MUST(open_as(w, &in, &w->other) == STATUS_SUCCESS);
    MUST(write_at(w, w->other, 0, 7) == STATUS_SUCCESS);
    ZwClose(w->other);
    MUST(open_file(w, u"\\??\\C:\\dir\\in\\file", FILE_OPEN, &w->other) == STATUS_SUCCESS);
    MUST(size_of(w, w->other) == 7);
    down.root = w->other; /* no directory */
    MUST(open_as(w, &down, &w->many[0]) == STATUS_NOT_A_DIRECTORY);
    ZwClose(w->other);
    in.name = u"\\In";
    MUST(open_as(w, &in, &w->other) == STATUS_OBJECT_NAME_INVALID);
    in.name = u"In\\";
    MUST(open_as(w, &in, &w->other) == STATUS_OBJECT_NAME_INVALID);
    for (unsigned i = 0; i < 254; i++)
        long_name[i] = 'x';
    long_name[254] = 0;
    in.name = long_name;
    MUST(open_as(w, &in, &w->other) == STATUS_OBJECT_NAME_INVALID);
    in.name = u""; /* itself */
    in.disposition = FILE_OPEN;
    MUST(open_as(w, &in, &w->other) == STATUS_SUCCESS);
    MUST(write_at(w, w->other, 0, 1) == STATUS_INVALID_DEVICE_REQUEST);
    MUST(set_end(w, w->other, 0) == STATUS_INVALID_PARAMETER);
    ZwClose(w->other);
    in.options = SYNC | FILE_NON_DIRECTORY_FILE;
    MUST(open_as(w, &in, &w->other) == STATUS_FILE_IS_A_DIRECTORY);
    in.options = SYNC;
    in.disposition = FILE_OVERWRITE_IF;
    MUST(open_as(w, &in, &w->other) == STATUS_FILE_IS_A_DIRECTORY);
    ZwClose(w->file);
    down.root = NULL;
    down.name = u"\\??\\C:\\Dir\\In\\File";
    MUST(open_as(w, &down, &w->file) == STATUS_NOT_A_DIRECTORY);
    down.name = u"\\??\\D:\\";
    down.disposition = FILE_CREATE;
    MUST(open_as(w, &down, &w->file) == STATUS_SUCCESS && w->io.Information == FILE_CREATED);
    ZwClose(w->file);
    MUST(open_as(w, &down, &w->file) == STATUS_OBJECT_NAME_COLLISION);
    down.root = (HANDLE)8;
    MUST(open_as(w, &down, &w->file) == STATUS_INVALID_HANDLE);
    return 0;
}
static void directories(void **state) {
    (void)state;
    alone(goes_down, 1);
}

/* Outside of any host, as in an initialiser that runs when an object is loaded. */
static void nowhere(void **state) {
    static struct work w;

    (void)state;
    assert_int_equal(open_file(&w, u"\\??\\C:\\one", FILE_CREATE, &w.file), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(erase(u"\\??\\C:\\one"), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(read_at(&w, NULL, 0, 1), STATUS_INVALID_HANDLE);
    assert_int_equal(ZwOpenFile(&w.file, 0, NULL, &w.io, 0, 0), STATUS_INSUFFICIENT_RESOURCES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sharing), cmocka_unit_test(forbidden),
                                       cmocka_unit_test(deletion), cmocka_unit_test(directories),
                                       cmocka_unit_test(nowhere)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
