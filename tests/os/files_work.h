/* Files as the tests of this folder use them: a routine of a driver gives 0, or the line that found something
 * else than it should be. */
#ifndef GPUP_TESTS_OS_FILES_WORK_H
#define GPUP_TESTS_OS_FILES_WORK_H

#include "support.h"

#define ANY_SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define SYNC FILE_SYNCHRONOUS_IO_NONALERT
#define MIB 1048576u
#define FIRMWARE u"\\SystemRoot\\System32\\drivers\\fw.bin"

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            return __LINE__;                                                                                 \
    } while (0)

struct work {
    IO_STATUS_BLOCK io;
    HANDLE file, other, many[80];
    LARGE_INTEGER offset;
    FILE_STANDARD_INFORMATION about;
    uint8_t bytes[8192];
};

struct wanted {
    PCWSTR name;
    ACCESS_MASK access;
    ULONG share, disposition, options;
    HANDLE root;
};

NTSTATUS open_as(struct work *w, const struct wanted *wanted, HANDLE *file);
NTSTATUS open_file(struct work *w, PCWSTR name, ULONG disposition, HANDLE *file);
NTSTATUS erase(PCWSTR path);
NTSTATUS write_at(struct work *w, HANDLE file, uint64_t at, ULONG count);
NTSTATUS read_at(struct work *w, HANDLE file, uint64_t at, ULONG count);
NTSTATUS set_end(struct work *w, HANDLE file, LONGLONG end);
NTSTATUS set_position(struct work *w, HANDLE file, LONGLONG at);
NTSTATUS doom(struct work *w, HANDLE file, BOOLEAN yes);
LONGLONG size_of(struct work *w, HANDLE file);
struct work *work_of(struct host *host);
void expect(struct host *host, void *routine, unsigned misuses);
void alone(void *routine, unsigned misuses);

#endif
