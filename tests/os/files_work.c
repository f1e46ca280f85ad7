/* Files by name and handle in short, and a routine in a host. */
#include "files_work.h"

NTSTATUS open_as(struct work *w, const struct wanted *wanted, HANDLE *file) {
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    *file = NULL;
    RtlInitUnicodeString(&name, wanted->name);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, wanted->root, NULL);
    return ZwCreateFile(file, wanted->access, &attributes, &w->io, NULL, FILE_ATTRIBUTE_NORMAL, wanted->share,
                        wanted->disposition, wanted->options, NULL, 0);
}
NTSTATUS open_file(struct work *w, PCWSTR name, ULONG disposition, HANDLE *file) {
    const struct wanted wanted = {name, FILE_ALL_ACCESS, ANY_SHARE, disposition, SYNC, NULL};

    return open_as(w, &wanted, file);
}
NTSTATUS erase(PCWSTR path) {
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, path);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return ZwDeleteFile(&attributes);
}
NTSTATUS write_at(struct work *w, HANDLE file, uint64_t at, ULONG count) {
    w->offset.QuadPart = (LONGLONG)at;
    return ZwWriteFile(file, NULL, NULL, NULL, &w->io, w->bytes, count, &w->offset, NULL);
}
NTSTATUS read_at(struct work *w, HANDLE file, uint64_t at, ULONG count) {
    w->offset.QuadPart = (LONGLONG)at;
    return ZwReadFile(file, NULL, NULL, NULL, &w->io, w->bytes, count, &w->offset, NULL);
}
NTSTATUS set_end(struct work *w, HANDLE file, LONGLONG end) {
    FILE_END_OF_FILE_INFORMATION to = {.EndOfFile = {.QuadPart = end}};

    return ZwSetInformationFile(file, &w->io, &to, sizeof to, FileEndOfFileInformation);
}
NTSTATUS set_position(struct work *w, HANDLE file, LONGLONG at) {
    FILE_POSITION_INFORMATION to = {.CurrentByteOffset = {.QuadPart = at}};

    return ZwSetInformationFile(file, &w->io, &to, sizeof to, FilePositionInformation);
}
NTSTATUS doom(struct work *w, HANDLE file, BOOLEAN yes) {
    FILE_DISPOSITION_INFORMATION to = {yes};

    return ZwSetInformationFile(file, &w->io, &to, sizeof to, FileDispositionInformation);
}
LONGLONG size_of(struct work *w, HANDLE file) {
    NTSTATUS status =
        ZwQueryInformationFile(file, &w->io, &w->about, sizeof w->about, FileStandardInformation);

    return status ? status : w->about.EndOfFile.QuadPart;
}

struct work *work_of(struct host *host) {
    return gpup_arena_alloc(host->arena, sizeof(struct work));
}
void expect(struct host *host, void *routine, unsigned misuses) {
    unsigned before = count_of(&host->log, GPUP_EVENT_MISUSE);

    assert_int_equal(host_run(host, routine, work_of(host)), 0);
    assert_int_equal(count_of(&host->log, GPUP_EVENT_MISUSE) - before, misuses);
}
void alone(void *routine, unsigned misuses) {
    struct host host;

    host_open(&host, true);
    expect(&host, routine, misuses);
    gpup_os_report_left(host.os);
    assert_int_equal(count_of(&host.log, GPUP_EVENT_LEFT), 0);
    host_close(&host);
}
