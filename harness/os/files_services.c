/* Files by handle: data, position, what is known of them. */
#include "asan.h"
#include "files.h"

#define MOST INT64_MAX

/* Every way out of a service by handle. A block that is missing is the driver's fault where it is written. */
static NTSTATUS finish(PIO_STATUS_BLOCK block, NTSTATUS status, ULONG_PTR information) {
    *block = (IO_STATUS_BLOCK){.Information = information};
    block->Status = status;
    return status;
}

static NTSTATUS refuse(struct gpup_os *os, const char *service, unsigned what, NTSTATUS status) {
    gpup_os_misuse(os, service, what, 0);
    return status;
}

/* --- data */

struct transfer {
    HANDLE event;
    PIO_APC_ROUTINE apc;
    ULONG length;
    const LARGE_INTEGER *offset;
    bool writes;
};

/* Of a write through a handle that may only append. */
static bool appends(const struct gpup_open_file *open, const struct transfer *t) {
    return t->writes && !(open->access & FILE_WRITE_DATA);
}

/* Where it begins. false: no offset, where one is needed, or none that there is. */
static bool begin_at(const struct gpup_open_file *open, const struct transfer *t, uint64_t *at) {
    LONGLONG offset = t->offset ? t->offset->QuadPart : (LONGLONG)-2;
    bool position = offset == (LONGLONG)(int32_t)FILE_USE_FILE_POINTER_POSITION;
    bool end = t->writes && offset == (LONGLONG)(int32_t)FILE_WRITE_TO_END_OF_FILE;

    if (appends(open, t) || end)
        *at = open->file->size;
    else
        *at = position ? open->position : (uint64_t)offset;
    return *at <= MOST && (!position || appends(open, t) || gpup_file_positioned(open));
}

static bool is_unbuffered(const struct gpup_open_file *open) {
    return open->options & FILE_NO_INTERMEDIATE_BUFFERING;
}

/* What reading and writing have in common; the place is in *at. */
static NTSTATUS check(struct gpup_os *os, const char *service, const struct gpup_open_file *open,
                      const struct transfer *t, uint64_t *at) {
    if (t->event && !gpup_named_event(os, t->event))
        return refuse(os, service, GPUP_MISUSE_OBJECT, STATUS_INVALID_HANDLE);
    if (open->file->directory)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (t->apc || !begin_at(open, t, at) ||
        (is_unbuffered(open) && (*at % GPUP_FILE_SECTOR || t->length % GPUP_FILE_SECTOR)))
        return refuse(os, service, GPUP_MISUSE_PARAMETER, STATUS_INVALID_PARAMETER);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                             PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                             PLARGE_INTEGER ByteOffset, PULONG Key) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwReadFile);
    struct gpup_os *os = gpup_os_enter(service);
    const struct transfer transfer = {
        .event = Event, .apc = ApcRoutine, .length = Length, .offset = ByteOffset};
    NTSTATUS status;
    struct gpup_open_file *open = gpup_file_for(os, service->name, FileHandle, FILE_READ_DATA, &status);
    uint64_t at = 0, rest;

    (void)ApcContext;
    (void)Key;
    if (!open || (status = check(os, service->name, open, &transfer, &at)))
        return finish(IoStatusBlock, status, 0);
    rest = at < open->file->size ? open->file->size - at : 0;
    if (!rest && Length)
        return finish(IoStatusBlock, STATUS_END_OF_FILE, 0);
    if (Length > rest)
        Length = (ULONG)rest;
    gpup_file_read(os, open->file, at, Buffer, Length);
    if (Event)
        KeSetEvent(gpup_named_event(os, Event), IO_NO_INCREMENT, FALSE);
    open->position = at + Length;
    return finish(IoStatusBlock, STATUS_SUCCESS, Length);
}

NTSTATUS DDI_CALL ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                              PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                              PLARGE_INTEGER ByteOffset, PULONG Key) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwWriteFile);
    struct gpup_os *os = gpup_os_enter(service);
    const struct transfer transfer = {
        .event = Event, .apc = ApcRoutine, .length = Length, .offset = ByteOffset, .writes = true};
    NTSTATUS status;
    struct gpup_open_file *open =
        gpup_file_for(os, service->name, FileHandle, FILE_WRITE_DATA | FILE_APPEND_DATA, &status);
    uint64_t at = 0;

    (void)ApcContext;
    (void)Key;
    if (!open || (status = check(os, service->name, open, &transfer, &at)))
        return finish(IoStatusBlock, status, 0);
    if (Length)
        status = gpup_file_write(os, open->file, at, Buffer, Length);
    if (status)
        return finish(IoStatusBlock, status, 0);
    if (Event)
        KeSetEvent(gpup_named_event(os, Event), IO_NO_INCREMENT, FALSE);
    open->position = at + Length;
    return finish(IoStatusBlock, STATUS_SUCCESS, Length);
}

NTSTATUS DDI_CALL ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwFlushBuffersFile);
    struct gpup_os *os = gpup_os_enter(service);
    NTSTATUS status;

    if (gpup_file_for(os, service->name, FileHandle, 0, &status))
        status = STATUS_SUCCESS;
    return finish(IoStatusBlock, status, 0);
}

/* --- information */

union information {
    FILE_BASIC_INFORMATION basic;
    FILE_STANDARD_INFORMATION standard;
    FILE_POSITION_INFORMATION position;
    FILE_END_OF_FILE_INFORMATION end;
    FILE_DISPOSITION_INFORMATION disposition;
    FILE_NETWORK_OPEN_INFORMATION network;
};

struct class {
    FILE_INFORMATION_CLASS class;
    uint32_t size;
    ACCESS_MASK rights; /* one of them; 0: none is needed */
};
static const struct class asked[] = {
    {FileBasicInformation, sizeof(FILE_BASIC_INFORMATION), FILE_READ_ATTRIBUTES},
    {FileStandardInformation, sizeof(FILE_STANDARD_INFORMATION), 0},
    {FilePositionInformation, sizeof(FILE_POSITION_INFORMATION), FILE_READ_DATA | FILE_WRITE_DATA},
    {FileNetworkOpenInformation, sizeof(FILE_NETWORK_OPEN_INFORMATION), FILE_READ_ATTRIBUTES},
};
static const struct class set[] = {
    {FileDispositionInformation, sizeof(FILE_DISPOSITION_INFORMATION), DELETE},
    {FilePositionInformation, sizeof(FILE_POSITION_INFORMATION), 0},
    {FileEndOfFileInformation, sizeof(FILE_END_OF_FILE_INFORMATION), FILE_WRITE_DATA},
};

/* A class that is not there is none of the driver's faults: the program ends. */
static const struct class *class_of(const struct class *all, size_t count, FILE_INFORMATION_CLASS class,
                                    const char *name) {
    for (size_t i = 0; i < count; i++)
        if (all[i].class == class)
            return &all[i];
    gpup_os_unsupported(name);
    return NULL;
}
#define CLASS_OF(all, class, name) class_of(all, sizeof(all) / sizeof *(all), class, name)

static void standard(const struct gpup_file *file, FILE_STANDARD_INFORMATION *out) {
    out->AllocationSize.QuadPart = (LONGLONG)gpup_file_room(file);
    out->EndOfFile.QuadPart = (LONGLONG)file->size;
    out->NumberOfLinks = file->doomed ? 0 : 1;
    out->DeletePending = file->doomed;
    out->Directory = file->directory;
}

static void basic(const struct gpup_file *file, FILE_BASIC_INFORMATION *out) {
    FILE_NETWORK_OPEN_INFORMATION told;

    gpup_file_tell(file, &told);
    *out = (FILE_BASIC_INFORMATION){.CreationTime = told.CreationTime,
                                    .LastAccessTime = told.LastAccessTime,
                                    .LastWriteTime = told.LastWriteTime,
                                    .ChangeTime = told.ChangeTime,
                                    .FileAttributes = told.FileAttributes};
}

static bool tell(const struct gpup_open_file *open, FILE_INFORMATION_CLASS class, union information *out) {
    switch ((unsigned)class) {
    case FileBasicInformation:
        basic(open->file, &out->basic);
        return true;
    case FileStandardInformation:
        standard(open->file, &out->standard);
        return true;
    case FileNetworkOpenInformation:
        gpup_file_tell(open->file, &out->network);
        return true;
    default:
        out->position.CurrentByteOffset.QuadPart = (LONGLONG)open->position;
        return gpup_file_positioned(open);
    }
}

NTSTATUS DDI_CALL ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                         PVOID FileInformation, ULONG Length,
                                         FILE_INFORMATION_CLASS FileInformationClass) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwQueryInformationFile);
    struct gpup_os *os = gpup_os_enter(service);
    const struct class *class = CLASS_OF(asked, FileInformationClass,
                                         "ntoskrnl.exe!ZwQueryInformationFile with that information class");
    union information told = {0};
    NTSTATUS status;
    struct gpup_open_file *open =
        gpup_file_for(os, service->name, FileHandle, class ? class->rights : 0, &status);

    if (!open)
        return finish(IoStatusBlock, status, 0);
    if (Length < class->size)
        return finish(IoStatusBlock,
                      refuse(os, service->name, GPUP_MISUSE_PARAMETER, STATUS_INFO_LENGTH_MISMATCH), 0);
    if (!tell(open, FileInformationClass, &told))
        return finish(IoStatusBlock,
                      refuse(os, service->name, GPUP_MISUSE_PARAMETER, STATUS_INVALID_PARAMETER), 0);
    gpup_copy_driver(FileInformation, &told, class->size);
    return finish(IoStatusBlock, STATUS_SUCCESS, class->size);
}

static NTSTATUS change(struct gpup_os *os, const char *service, struct gpup_open_file *open,
                       FILE_INFORMATION_CLASS class, const union information *to) {
    LONGLONG number = to->position.CurrentByteOffset.QuadPart;

    if (class == FileDispositionInformation) {
        open->doomed = open->file->doomed = to->disposition.DeleteFile;
        return STATUS_SUCCESS;
    }
    if (number < 0 || (class == FilePositionInformation && is_unbuffered(open) && number % GPUP_FILE_SECTOR))
        return refuse(os, service, GPUP_MISUSE_PARAMETER, STATUS_INVALID_PARAMETER);
    if (class == FileEndOfFileInformation)
        return open->file->directory ? STATUS_INVALID_PARAMETER
                                     : gpup_file_resize(os, open->file, (uint64_t)number);
    open->position = (uint64_t)number;
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                       PVOID FileInformation, ULONG Length,
                                       FILE_INFORMATION_CLASS FileInformationClass) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwSetInformationFile);
    struct gpup_os *os = gpup_os_enter(service);
    const struct class *class =
        CLASS_OF(set, FileInformationClass, "ntoskrnl.exe!ZwSetInformationFile with that information class");
    union information to = {0};
    NTSTATUS status;
    struct gpup_open_file *open =
        gpup_file_for(os, service->name, FileHandle, class ? class->rights : 0, &status);

    if (!open)
        return finish(IoStatusBlock, status, 0);
    if (Length < class->size)
        return finish(IoStatusBlock,
                      refuse(os, service->name, GPUP_MISUSE_PARAMETER, STATUS_INFO_LENGTH_MISMATCH), 0);
    gpup_copy_driver(&to, FileInformation, class->size);
    return finish(IoStatusBlock, change(os, service->name, open, FileInformationClass, &to), 0);
}
