/*
 * Files of a machine: data in blocks, and who has them open. All of it is in the arena, shared by the
 * adapters of one system, and is made when a driver first asks for a file. Contents that were given from
 * outside stay where they are until somebody writes to that file.
 */
#ifndef GPUP_OS_FILES_H
#define GPUP_OS_FILES_H

#include "services.h"
#include <gpup/files.h>

#define GPUP_FILES 64u
#define GPUP_OPEN_FILES 64u
#define GPUP_FILE_BLOCK 4096u /* bytes */
#define GPUP_FILE_BLOCKS 256u /* of all files together: 1 MiB */
#define GPUP_FILE_SECTOR 512u

struct gpup_file {
    struct gpup_file_name name; /* length 0: free */
    uint64_t size;              /* bytes; what is behind it in its last block is zero */
    const uint8_t *given;       /* contents from outside; NULL: in blocks */
    uint16_t block[GPUP_FILE_BLOCKS];
    uint32_t blocks, attributes, opens;
    uint64_t created, written; /* system time */
    bool directory;
    bool doomed; /* goes with its last handle */
};
struct gpup_open_file {     /* what a handle stands for */
    struct gpup_file *file; /* NULL: free */
    ACCESS_MASK access;     /* without generic rights */
    ULONG share, options;
    uint64_t position;
    bool doomed; /* it was marked for deletion through this handle, which may only be closed */
};
struct gpup_files {
    struct gpup_file file[GPUP_FILES];
    struct gpup_open_file open[GPUP_OPEN_FILES];
    uint8_t *block[GPUP_FILE_BLOCKS]; /* NULL: not made yet */
    bool taken[GPUP_FILE_BLOCKS];
    uint32_t free; /* blocks */
};

struct gpup_files *gpup_files_of(struct gpup_os *os); /* NULL: arena full */
struct gpup_file *gpup_file_find(struct gpup_files *files, const struct gpup_file_name *name);
/* NULL: as many as there can be. */
NTSTATUS gpup_disk_full(struct gpup_os *os); /* ours is small: in the trace an allocation that failed */
struct gpup_file *gpup_file_add(struct gpup_os *os, struct gpup_files *files,
                                const struct gpup_file_name *name);
void gpup_file_remove(struct gpup_files *files, struct gpup_file *file);
/* Cut, or extended with zeros. STATUS_DISK_FULL, STATUS_INSUFFICIENT_RESOURCES: nothing changed but that what
 * was given is in blocks. */
NTSTATUS gpup_file_resize(struct gpup_os *os, struct gpup_file *file, uint64_t size);
/* Inside of the file. */
void gpup_file_read(struct gpup_os *os, const struct gpup_file *file, uint64_t offset, void *out,
                    uint32_t count);
/* Extends it if need be; statuses as above. */
NTSTATUS gpup_file_write(struct gpup_os *os, struct gpup_file *file, uint64_t offset, const void *bytes,
                         uint32_t count);
uint64_t gpup_file_room(const struct gpup_file *file); /* what it takes, bytes */

/* --- handles */
struct gpup_open_request {
    ACCESS_MASK access;
    ULONG share, options, disposition, attributes;
    uint64_t allocation;
};
/* The name of OBJECT_ATTRIBUTES; reports what is no OBJECT_ATTRIBUTES. */
NTSTATUS gpup_file_name_of(struct gpup_os *os, const char *service, const OBJECT_ATTRIBUTES *attributes,
                           struct gpup_file_name *out);
/* *information: one of FILE_SUPERSEDED and so on. */
NTSTATUS gpup_file_open(struct gpup_os *os, const char *service, const OBJECT_ATTRIBUTES *attributes,
                        const struct gpup_open_request *request, PHANDLE handle, ULONG_PTR *information);
/* NULL: misuse reported. */
struct gpup_open_file *gpup_file_of(struct gpup_os *os, const char *service, HANDLE handle);
/* The same for what needs one of these rights (0: none) and is no longer done to a file that was marked for
 * deletion: reports, too. NULL: *status says why. */
struct gpup_open_file *gpup_file_for(struct gpup_os *os, const char *service, HANDLE handle,
                                     ACCESS_MASK rights, NTSTATUS *status);
bool gpup_file_positioned(const struct gpup_open_file *open); /* the handle has a position */
void gpup_file_tell(const struct gpup_file *file, FILE_NETWORK_OPEN_INFORMATION *out);

#endif
