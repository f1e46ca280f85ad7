/* Files: names, dispositions, rights, sharing, positions, the bounds. */
#include "trial.h"
#include <string.h>

#define U(name, text)                                                                                        \
    static WCHAR name##_text[] = u##text;                                                                    \
    static UNICODE_STRING name = {sizeof name##_text - 2, sizeof name##_text, name##_text}
U(dump, "\\SystemRoot\\LiveKernelReports\\Gpu.dmp");
U(same_dump, "\\??\\c:\\WINDOWS\\LiveKernelReports\\gpu.DMP");
U(volume_dump, "\\Device\\HarddiskVolume12\\Windows\\LiveKernelReports\\Gpu.dmp");
U(other, "\\DosDevices\\D:\\Other.bin");
U(same_other, "\\GLOBAL\?\?\\D:\\Other.bin");

#define SYNC FILE_SYNCHRONOUS_IO_NONALERT
#define BOTH (GENERIC_READ | GENERIC_WRITE)
#define ANY_SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

struct opened {
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK io;
    HANDLE file, more;
    LARGE_INTEGER offset;
    union {
        FILE_BASIC_INFORMATION basic;
        FILE_STANDARD_INFORMATION standard;
        FILE_POSITION_INFORMATION position;
        FILE_END_OF_FILE_INFORMATION end;
        FILE_DISPOSITION_INFORMATION disposition;
        FILE_NETWORK_OPEN_INFORMATION network;
    } about;
    char bytes[2048];
};

static NTSTATUS create(struct opened *o, PUNICODE_STRING name, ACCESS_MASK access, ULONG share,
                       ULONG disposition, ULONG options) {
    InitializeObjectAttributes(&o->attributes, name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    o->more = NULL;
    o->io.Information = 99;
    return ZwCreateFile(&o->more, access, &o->attributes, &o->io, NULL, FILE_ATTRIBUTE_NORMAL, share,
                        disposition, options, NULL, 0);
}
/* The file of most trials, empty. */
static HANDLE open_dump(struct opened *o, ACCESS_MASK access) {
    return create(o, &dump, access, ANY_SHARE, FILE_OVERWRITE_IF, SYNC) == STATUS_SUCCESS ? o->more : NULL;
}
static NTSTATUS write(struct opened *o, HANDLE file, const char *text, const LARGE_INTEGER *offset) {
    return ZwWriteFile(file, NULL, NULL, NULL, &o->io, (PVOID)(uintptr_t)text, (ULONG)strlen(text),
                       (PLARGE_INTEGER)(uintptr_t)offset, NULL);
}
static NTSTATUS read(struct opened *o, HANDLE file, ULONG length, const LARGE_INTEGER *offset) {
    memset(o->bytes, '-', 16);
    return ZwReadFile(file, NULL, NULL, NULL, &o->io, o->bytes, length, (PLARGE_INTEGER)(uintptr_t)offset,
                      NULL);
}
static NTSTATUS set_end(struct opened *o, HANDLE file, LONGLONG end) {
    o->about.end.EndOfFile.QuadPart = end;
    return ZwSetInformationFile(file, &o->io, &o->about, sizeof o->about.end, FileEndOfFileInformation);
}
static NTSTATUS set_position(struct opened *o, HANDLE file, LONGLONG to) {
    o->about.position.CurrentByteOffset.QuadPart = to;
    return ZwSetInformationFile(file, &o->io, &o->about, sizeof o->about.position, FilePositionInformation);
}
static LONGLONG position(struct opened *o, HANDLE file) {
    NTSTATUS status = ZwQueryInformationFile(file, &o->io, &o->about, 8, FilePositionInformation);
    return NT_SUCCESS(status) ? o->about.position.CurrentByteOffset.QuadPart : status;
}
static LONGLONG size(struct opened *o, HANDLE file) {
    NTSTATUS status =
        ZwQueryInformationFile(file, &o->io, &o->about, sizeof o->about.standard, FileStandardInformation);
    return NT_SUCCESS(status) ? o->about.standard.EndOfFile.QuadPart : status;
}

EFFECT(ZwCreateFile) {
    static const struct {
        ULONG disposition;
        NTSTATUS status[2]; /* it is not there; it is */
        ULONG_PTR information[2];
        bool empties;
    } rows[] = {
        {FILE_OPEN,
         {STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS},
         {FILE_DOES_NOT_EXIST, FILE_OPENED},
         false},
        {FILE_CREATE, {STATUS_SUCCESS, STATUS_OBJECT_NAME_COLLISION}, {FILE_CREATED, FILE_EXISTS}, false},
        {FILE_OPEN_IF, {STATUS_SUCCESS, STATUS_SUCCESS}, {FILE_CREATED, FILE_OPENED}, false},
        {FILE_OVERWRITE,
         {STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS},
         {FILE_DOES_NOT_EXIST, FILE_OVERWRITTEN},
         true},
        {FILE_OVERWRITE_IF, {STATUS_SUCCESS, STATUS_SUCCESS}, {FILE_CREATED, FILE_OVERWRITTEN}, true},
        {FILE_SUPERSEDE, {STATUS_SUCCESS, STATUS_SUCCESS}, {FILE_CREATED, FILE_SUPERSEDED}, true},
    };
    struct opened *o = room;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        MUST(create(o, &dump, BOTH, 0, rows[i].disposition, SYNC) == rows[i].status[0]);
        MUST(o->io.Status == rows[i].status[0] && o->io.Information == rows[i].information[0]);
        MUST(NT_SUCCESS(rows[i].status[0]) == (o->more != NULL));
        if (!o->more)
            MUST(create(o, &dump, BOTH, 0, FILE_CREATE, SYNC) == STATUS_SUCCESS);
        MUST(write(o, o->more, "abc", NULL) == STATUS_SUCCESS);
        ZwClose(o->more);
        MUST(create(o, &dump, BOTH, 0, rows[i].disposition, SYNC) == rows[i].status[1]);
        MUST(o->io.Status == rows[i].status[1] && o->io.Information == rows[i].information[1]);
        if (o->more) {
            MUST(size(o, o->more) == (rows[i].empties ? 0 : 3));
            ZwClose(o->more);
        }
        MUST(ZwDeleteFile(&o->attributes) == STATUS_SUCCESS);
    }
    return 0;
}
MISUSE(ZwCreateFile) { /* stays open */
    open_dump(room, BOTH);
    return 0;
}

/* --- names */

static NTSTATUS opens(struct opened *o, PUNICODE_STRING name) {
    NTSTATUS status;

    InitializeObjectAttributes(&o->attributes, name, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = ZwOpenFile(&o->more, FILE_GENERIC_READ, &o->attributes, &o->io, FILE_SHARE_READ, SYNC);
    if (NT_SUCCESS(status))
        ZwClose(o->more);
    return status;
}
static NTSTATUS opens_text(struct opened *o, PCWSTR text) {
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, text);
    return opens(o, &name);
}
EFFECT(ZwOpenFile) {
    struct opened *o = room;
    static WCHAR long_text[400];

    MUST(opens(o, &dump) == STATUS_OBJECT_NAME_NOT_FOUND);
    MUST(create(o, &dump, BOTH, 0, FILE_CREATE, SYNC) == STATUS_SUCCESS);
    ZwClose(o->more);
    MUST(create(o, &other, BOTH, 0, FILE_CREATE, SYNC) == STATUS_SUCCESS);
    ZwClose(o->more);
    MUST(opens(o, &dump) == STATUS_SUCCESS && o->io.Information == FILE_OPENED);
    MUST(opens(o, &same_dump) == STATUS_SUCCESS);
    MUST(opens(o, &volume_dump) == STATUS_SUCCESS);
    MUST(opens(o, &same_other) == STATUS_SUCCESS);
    MUST(opens_text(o, u"\\??\\C:\\Other.bin") == STATUS_OBJECT_NAME_NOT_FOUND);
    MUST(opens_text(o, u"Other.bin") == STATUS_OBJECT_PATH_SYNTAX_BAD);
    MUST(opens_text(o, u"") == STATUS_OBJECT_PATH_SYNTAX_BAD);
    MUST(opens_text(o, u"\\??\\C:\\Dir\\\\x") == STATUS_OBJECT_NAME_INVALID);
    MUST(opens_text(o, u"\\??\\C:\\Dir\\") == STATUS_OBJECT_NAME_INVALID);
    MUST(opens_text(o, u"\\??\\C:\\a*") == STATUS_OBJECT_NAME_INVALID);
    MUST(opens_text(o, u"\\??\\C:\\a\tb") == STATUS_OBJECT_NAME_INVALID);
    MUST(opens_text(o, u"\\??\\1:\\a") == STATUS_OBJECT_PATH_NOT_FOUND);
    MUST(opens_text(o, u"\\??\\C-\\a") == STATUS_OBJECT_PATH_NOT_FOUND);
    MUST(opens_text(o, u"\\??\\C:a") == STATUS_OBJECT_PATH_NOT_FOUND);
    MUST(opens_text(o, u"\\Device\\HarddiskVolume\\a") == STATUS_OBJECT_PATH_NOT_FOUND);
    MUST(opens_text(o, u"\\Device\\HarddiskVolume1x\\a") == STATUS_OBJECT_PATH_NOT_FOUND);
    MUST(opens_text(o, u"\\SystemRooter\\a") == STATUS_OBJECT_PATH_NOT_FOUND);
    MUST(opens_text(o, u"\\SystemRoot") == STATUS_OBJECT_NAME_NOT_FOUND);
    memcpy(long_text, u"\\??\\C:\\", 14);
    for (size_t i = 7; i < 399; i++)
        long_text[i] = 'x';
    MUST(opens_text(o, long_text) == STATUS_OBJECT_NAME_INVALID);
    return 0;
}
MISUSE(ZwOpenFile) { /* through attributes that are none */
    struct opened *o = room;

    return (uint64_t)ZwOpenFile(&o->file, FILE_GENERIC_READ, &o->attributes, &o->io, 0, SYNC);
}

/* --- data */

EFFECT(ZwReadFile) {
    struct opened *o = room;
    HANDLE file = open_dump(o, BOTH);
    LARGE_INTEGER at = {.QuadPart = 2}, here = {.LowPart = FILE_USE_FILE_POINTER_POSITION, .HighPart = -1};

    MUST(file && write(o, file, "abcdef", NULL) == STATUS_SUCCESS && o->io.Information == 6);
    MUST(read(o, file, 4, NULL) == STATUS_END_OF_FILE && o->io.Information == 0);
    MUST(read(o, file, 2, &at) == STATUS_SUCCESS && o->io.Information == 2);
    MUST(!memcmp(o->bytes, "cd-", 3) && position(o, file) == 4);
    MUST(read(o, file, 16, &here) == STATUS_SUCCESS && o->io.Information == 2);
    MUST(!memcmp(o->bytes, "ef-", 3) && position(o, file) == 6);
    MUST(read(o, file, 0, &here) == STATUS_SUCCESS && o->io.Information == 0);
    MUST(set_position(o, file, 1) == STATUS_SUCCESS && read(o, file, 1, NULL) == STATUS_SUCCESS);
    MUST(o->bytes[0] == 'b' && o->io.Status == STATUS_SUCCESS);
    at.QuadPart = 7;
    MUST(read(o, file, 1, &at) == STATUS_END_OF_FILE);
    ZwClose(file);
    /* without a position of its own, each says where */
    MUST(create(o, &dump, FILE_READ_DATA, ANY_SHARE, FILE_OPEN, 0) == STATUS_SUCCESS);
    file = o->more;
    at.QuadPart = 3;
    MUST(read(o, file, 3, &at) == STATUS_SUCCESS && !memcmp(o->bytes, "def", 3));
    ZwClose(file);
    return 0;
}
MISUSE(ZwReadFile) { /* a handle of which only writing was asked */
    struct opened *o = room;
    HANDLE file = open_dump(o, GENERIC_WRITE);

    MUST(write(o, file, "x", NULL) == STATUS_SUCCESS);
    return (uint64_t)(read(o, file, 1, NULL) != STATUS_ACCESS_DENIED);
}

EFFECT(ZwWriteFile) {
    struct opened *o = room;
    HANDLE file = open_dump(o, BOTH), add;
    LARGE_INTEGER at = {.QuadPart = 9000}, end = {.LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1};
    LARGE_INTEGER start = {0};

    MUST(file && write(o, file, "begin", NULL) == STATUS_SUCCESS && position(o, file) == 5);
    MUST(write(o, file, "far", &at) == STATUS_SUCCESS && position(o, file) == 9003);
    MUST(size(o, file) == 9003 && o->about.standard.AllocationSize.QuadPart == 12288);
    at.QuadPart = 8998;
    MUST(read(o, file, 16, &at) == STATUS_SUCCESS && !memcmp(o->bytes, "\0\0far-", 6));
    at.QuadPart = 4094; /* over the edge of a block */
    MUST(write(o, file, "edge", &at) == STATUS_SUCCESS);
    MUST(read(o, file, 4, &at) == STATUS_SUCCESS && !memcmp(o->bytes, "edge", 4));
    MUST(write(o, file, "!", &end) == STATUS_SUCCESS && size(o, file) == 9004);
    MUST(write(o, file, "", NULL) == STATUS_SUCCESS && o->io.Information == 0);
    /* a handle that only appends goes to the end, wherever it is told to */
    MUST(create(o, &dump, FILE_APPEND_DATA | SYNCHRONIZE, ANY_SHARE, FILE_OPEN, SYNC) == STATUS_SUCCESS);
    add = o->more;
    MUST(write(o, add, "more", &start) == STATUS_SUCCESS && size(o, add) == 9008);
    MUST(read(o, file, 5, &start) == STATUS_SUCCESS && !memcmp(o->bytes, "begin", 5));
    ZwClose(add);
    ZwClose(file);
    return 0;
}
MISUSE(ZwWriteFile) { /* where, without a position? */
    struct opened *o = room;

    MUST(create(o, &dump, FILE_WRITE_DATA, 0, FILE_OVERWRITE_IF, 0) == STATUS_SUCCESS);
    return (uint64_t)(write(o, o->more, "x", NULL) != STATUS_INVALID_PARAMETER);
}

EFFECT(ZwFlushBuffersFile) {
    struct opened *o = room;
    HANDLE file = open_dump(o, GENERIC_WRITE);

    MUST(file && write(o, file, "x", NULL) == STATUS_SUCCESS);
    MUST(ZwFlushBuffersFile(file, &o->io) == STATUS_SUCCESS && o->io.Information == 0);
    ZwClose(file);
    return 0;
}
MISUSE(ZwFlushBuffersFile) {
    struct opened *o = room;
    HANDLE file = open_dump(o, GENERIC_WRITE);

    ZwClose(file);
    return (uint64_t)(ZwFlushBuffersFile(file, &o->io) != STATUS_INVALID_HANDLE);
}

/* --- what is known of them */

EFFECT(ZwQueryInformationFile) {
    struct opened *o = room;
    HANDLE file = open_dump(o, BOTH);

    MUST(file && write(o, file, "abc", NULL) == STATUS_SUCCESS && size(o, file) == 3);
    MUST(o->io.Information == sizeof o->about.standard && o->about.standard.NumberOfLinks == 1);
    MUST(!o->about.standard.Directory && !o->about.standard.DeletePending);
    MUST(position(o, file) == 3 && o->io.Information == 8);
    memset(&o->about, 0xFF, sizeof o->about);
    MUST(ZwQueryInformationFile(file, &o->io, &o->about, sizeof o->about.basic, FileBasicInformation) ==
         STATUS_SUCCESS);
    MUST(o->about.basic.FileAttributes == FILE_ATTRIBUTE_NORMAL);
    MUST(o->about.basic.CreationTime.QuadPart > 0);
    MUST(ZwQueryInformationFile(file, &o->io, &o->about, sizeof o->about.network,
                                FileNetworkOpenInformation) == STATUS_SUCCESS);
    MUST(o->about.network.EndOfFile.QuadPart == 3 && o->about.network.AllocationSize.QuadPart == 4096);
    ZwClose(file);
    return 0;
}
MISUSE(ZwQueryInformationFile) { /* a buffer that is too short */
    struct opened *o = room;

    return (uint64_t)(ZwQueryInformationFile(open_dump(o, BOTH), &o->io, &o->about, 7,
                                             FilePositionInformation) != STATUS_INFO_LENGTH_MISMATCH);
}

EFFECT(ZwSetInformationFile) {
    struct opened *o = room;
    HANDLE file = open_dump(o, BOTH | DELETE);

    MUST(file && write(o, file, "abcdef", NULL) == STATUS_SUCCESS);
    MUST(set_end(o, file, 2) == STATUS_SUCCESS && size(o, file) == 2);
    MUST(set_end(o, file, 5000) == STATUS_SUCCESS && size(o, file) == 5000);
    MUST(set_position(o, file, 0) == STATUS_SUCCESS && read(o, file, 8, NULL) == STATUS_SUCCESS);
    MUST(!memcmp(o->bytes, "ab\0\0\0\0\0\0-", 9)); /* what was cut off is not found again */
    MUST(position(o, file) == 8);
    o->about.disposition.DeleteFile = TRUE;
    MUST(ZwSetInformationFile(file, &o->io, &o->about, 1, FileDispositionInformation) == STATUS_SUCCESS);
    MUST(opens(o, &dump) == STATUS_DELETE_PENDING); /* until it is closed */
    ZwClose(file);
    MUST(opens(o, &dump) == STATUS_OBJECT_NAME_NOT_FOUND);
    return 0;
}
MISUSE(ZwSetInformationFile) { /* anything but closing, once it is marked for deletion */
    struct opened *o = room;
    HANDLE file = open_dump(o, BOTH | DELETE);

    o->about.disposition.DeleteFile = TRUE;
    MUST(ZwSetInformationFile(file, &o->io, &o->about, 1, FileDispositionInformation) == STATUS_SUCCESS);
    return (uint64_t)set_end(o, file, 1);
}

static ULONG attributes_after(struct opened *o, ULONG disposition) {
    if (ZwCreateFile(&o->file, BOTH | DELETE, &o->attributes, &o->io, NULL, FILE_ATTRIBUTE_SYSTEM, 0,
                     disposition, SYNC, NULL, 0) != STATUS_SUCCESS)
        return 0;
    ZwClose(o->file);
    ZwQueryFullAttributesFile(&o->attributes, &o->about.network);
    return o->about.network.FileAttributes;
}
EFFECT(ZwQueryFullAttributesFile) {
    struct opened *o = room;

    InitializeObjectAttributes(&o->attributes, &dump, OBJ_KERNEL_HANDLE, NULL, NULL);
    MUST(ZwQueryFullAttributesFile(&o->attributes, &o->about.network) == STATUS_OBJECT_NAME_NOT_FOUND);
    MUST(ZwCreateFile(&o->file, BOTH, &o->attributes, &o->io, NULL, FILE_ATTRIBUTE_HIDDEN, 0, FILE_CREATE,
                      SYNC, NULL, 0) == STATUS_SUCCESS);
    MUST(write(o, o->file, "abc", NULL) == STATUS_SUCCESS);
    MUST(ZwQueryFullAttributesFile(&o->attributes, &o->about.network) == STATUS_SUCCESS);
    MUST(o->about.network.EndOfFile.QuadPart == 3);
    MUST(o->about.network.FileAttributes == FILE_ATTRIBUTE_HIDDEN);
    ZwClose(o->file);
    MUST(attributes_after(o, FILE_OVERWRITE) == (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM)); /* adds */
    MUST(attributes_after(o, FILE_SUPERSEDE) == FILE_ATTRIBUTE_SYSTEM); /* replaces */
    return 0;
}
MISUSE(ZwQueryFullAttributesFile) {
    struct opened *o = room;

    return (uint64_t)ZwQueryFullAttributesFile(NULL, &o->about.network);
}

EFFECT(ZwDeleteFile) {
    struct opened *o = room;
    HANDLE file = open_dump(o, BOTH);
    OBJECT_ATTRIBUTES dumps = o->attributes;

    MUST(file && ZwDeleteFile(&dumps) == STATUS_SUCCESS);
    MUST(ZwDeleteFile(&dumps) == STATUS_DELETE_PENDING);
    MUST(write(o, file, "x", NULL) == STATUS_SUCCESS); /* it is there for those who have it open */
    ZwClose(file);
    MUST(ZwDeleteFile(&dumps) == STATUS_OBJECT_NAME_NOT_FOUND);
    MUST(create(o, &dump, GENERIC_READ, FILE_SHARE_READ, FILE_CREATE, SYNC) == STATUS_SUCCESS);
    MUST(ZwDeleteFile(&dumps) == STATUS_SHARING_VIOLATION);
    ZwClose(o->more);
    return 0;
}
MISUSE(ZwDeleteFile) {
    struct opened *o = room;

    return (uint64_t)ZwDeleteFile(&o->attributes);
}

const struct trial file_trials[] = {
    TRIAL(ZwCreateFile, LEAVES),        TRIAL(ZwOpenFile, PARAMETER),
    TRIAL(ZwReadFile, PARAMETER),       TRIAL(ZwWriteFile, PARAMETER),
    TRIAL(ZwFlushBuffersFile, OBJECT),  TRIAL(ZwQueryInformationFile, PARAMETER),
    TRIAL(ZwSetInformationFile, STATE), TRIAL(ZwQueryFullAttributesFile, PARAMETER),
    TRIAL(ZwDeleteFile, PARAMETER),     {0},
};
