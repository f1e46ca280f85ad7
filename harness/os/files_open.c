/* Files by name: creating, opening, sharing, deleting. */
#include "asan.h"
#include "files.h"

#define SYNCHRONOUS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)
#define READS (FILE_READ_DATA | FILE_EXECUTE)
#define WRITES (FILE_WRITE_DATA | FILE_APPEND_DATA)

bool gpup_file_positioned(const struct gpup_open_file *open) {
    return open->options & SYNCHRONOUS;
}

static ACCESS_MASK specific(ACCESS_MASK access) {
    static const ACCESS_MASK generic[][2] = {{GENERIC_READ, FILE_GENERIC_READ},
                                             {GENERIC_WRITE, FILE_GENERIC_WRITE},
                                             {GENERIC_EXECUTE, FILE_GENERIC_EXECUTE},
                                             {GENERIC_ALL, FILE_ALL_ACCESS},
                                             {MAXIMUM_ALLOWED, FILE_ALL_ACCESS}};

    for (size_t i = 0; i < sizeof generic / sizeof *generic; i++)
        if (access & generic[i][0])
            access = (access & ~generic[i][0]) | generic[i][1];
    return access;
}

/* What the page says of options, rights and disposition together. `asked`: with its generic rights. */
static bool fits(const struct gpup_open_request *r, ACCESS_MASK asked) {
    bool directory = r->options & FILE_DIRECTORY_FILE;
    bool kept =
        r->disposition == FILE_CREATE || r->disposition == FILE_OPEN || r->disposition == FILE_OPEN_IF;

    if (r->disposition > FILE_OVERWRITE_IF || (directory && !kept))
        return false;
    if (directory && (r->options & FILE_NON_DIRECTORY_FILE))
        return false;
    if ((r->options & SYNCHRONOUS) == SYNCHRONOUS)
        return false;
    if ((r->options & SYNCHRONOUS) && !(r->access & SYNCHRONIZE))
        return false;
    if ((r->options & FILE_DELETE_ON_CLOSE) && !(r->access & DELETE))
        return false;
    return !((r->options & FILE_NO_INTERMEDIATE_BUFFERING) && (asked & FILE_APPEND_DATA));
}

/* --- sharing */

static bool forbids(const struct gpup_open_file *other, ACCESS_MASK access) {
    return ((access & READS) && !(other->share & FILE_SHARE_READ)) ||
           ((access & WRITES) && !(other->share & FILE_SHARE_WRITE)) ||
           ((access & DELETE) && !(other->share & FILE_SHARE_DELETE));
}

/* Would it get in the way of those who have the file open, or they in its? Who neither reads, writes nor
 * deletes is in nobody's. */
static bool shared(const struct gpup_files *files, const struct gpup_file *file, ACCESS_MASK access,
                   ULONG share) {
    const struct gpup_open_file mine = {.share = share};

    if (!(access & (READS | WRITES | DELETE)))
        return true;
    for (uint32_t i = 0; i < GPUP_OPEN_FILES; i++) {
        const struct gpup_open_file *other = &files->open[i];

        if (other->file == file && (other->access & (READS | WRITES | DELETE)) &&
            (forbids(other, access) || forbids(&mine, other->access)))
            return false;
    }
    return true;
}

/* --- what becomes of the file */

static NTSTATUS existing(struct gpup_os *os, struct gpup_files *files, struct gpup_file *file,
                         const struct gpup_open_request *r, ULONG_PTR *information) {
    bool replaced = r->disposition == FILE_SUPERSEDE;
    bool overwritten = r->disposition == FILE_OVERWRITE || r->disposition == FILE_OVERWRITE_IF;
    ACCESS_MASK access = r->access | (replaced ? DELETE : overwritten ? FILE_WRITE_DATA : 0);

    *information = FILE_EXISTS;
    if (file->doomed)
        return STATUS_DELETE_PENDING;
    if (r->disposition == FILE_CREATE)
        return STATUS_OBJECT_NAME_COLLISION;
    if (!file->directory && (r->options & FILE_DIRECTORY_FILE))
        return STATUS_NOT_A_DIRECTORY;
    if (file->directory && ((r->options & FILE_NON_DIRECTORY_FILE) || replaced || overwritten))
        return STATUS_FILE_IS_A_DIRECTORY;
    if (!shared(files, file, access, r->share))
        return STATUS_SHARING_VIOLATION;
    *information = replaced ? FILE_SUPERSEDED : overwritten ? FILE_OVERWRITTEN : FILE_OPENED;
    if (!replaced && !overwritten)
        return STATUS_SUCCESS;
    file->attributes = r->attributes | (overwritten ? file->attributes : 0);
    return gpup_file_resize(os, file, 0);
}

/* A directory is there as soon as somebody asks for it. */
static NTSTATUS missing(struct gpup_os *os, struct gpup_files *files, const struct gpup_file_name *name,
                        const struct gpup_open_request *r, struct gpup_file **file, ULONG_PTR *information) {
    bool directory = r->options & FILE_DIRECTORY_FILE;
    bool opens = r->disposition == FILE_OPEN || r->disposition == FILE_OVERWRITE;

    *information = FILE_DOES_NOT_EXIST;
    if (opens && !directory)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (r->allocation > (uint64_t)files->free * GPUP_FILE_BLOCK || !(*file = gpup_file_add(os, files, name)))
        return gpup_disk_full(os);
    (*file)->directory = directory;
    (*file)->attributes = r->attributes;
    *information = directory && r->disposition != FILE_CREATE ? FILE_OPENED : FILE_CREATED;
    return STATUS_SUCCESS;
}

/* --- handles */

static void closed(struct gpup_os *os, void *target) {
    struct gpup_open_file *open = target;
    struct gpup_file *file = open->file;

    file->doomed = file->doomed || (open->options & FILE_DELETE_ON_CLOSE);
    if (!--file->opens && file->doomed)
        gpup_file_remove(gpup_files_of(os), file);
    open->file = NULL;
}

static struct gpup_open_file *free_open(struct gpup_files *files) {
    for (uint32_t i = 0; i < GPUP_OPEN_FILES; i++)
        if (!files->open[i].file)
            return &files->open[i];
    return NULL;
}

NTSTATUS gpup_file_open(struct gpup_os *os, const char *service, const OBJECT_ATTRIBUTES *attributes,
                        const struct gpup_open_request *asked, PHANDLE handle, ULONG_PTR *information) {
    struct gpup_files *files = gpup_files_of(os);
    struct gpup_open_file *open = files && !gpup_os_fails(os) ? free_open(files) : NULL;
    struct gpup_open_request r = *asked;
    struct gpup_file_name name;
    struct gpup_file *file;
    NTSTATUS status;
    HANDLE made;

    *information = 0;
    r.access = specific(asked->access);
    if (!fits(&r, asked->access)) {
        gpup_os_misuse(os, service, GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    status = gpup_file_name_of(os, service, attributes, &name);
    if (!NT_SUCCESS(status))
        return status;
    made = open ? gpup_handle_new(os, GPUP_HANDLE_FILE, open, gpup_os_object(os), closed) : NULL;
    if (!made)
        return gpup_os_full(os);
    file = gpup_file_find(files, &name);
    status =
        file ? existing(os, files, file, &r, information) : missing(os, files, &name, &r, &file, information);
    if (!NT_SUCCESS(status)) {
        gpup_handle_drop(os, made);
        return status;
    }
    *open = (struct gpup_open_file){.file = file, .access = r.access, .share = r.share, .options = r.options};
    file->opens++;
    *handle = made;
    return STATUS_SUCCESS;
}

struct gpup_open_file *gpup_file_of(struct gpup_os *os, const char *service, HANDLE handle) {
    struct gpup_handle *entry = gpup_handle_get(os, handle, GPUP_HANDLE_FILE);

    if (!entry)
        gpup_os_misuse(os, service, GPUP_MISUSE_OBJECT, 0);
    return entry ? entry->target : NULL;
}

struct gpup_open_file *gpup_file_for(struct gpup_os *os, const char *service, HANDLE handle,
                                     ACCESS_MASK rights, NTSTATUS *status) {
    struct gpup_open_file *open = os ? gpup_file_of(os, service, handle) : NULL;

    *status = STATUS_INVALID_HANDLE;
    if (!open)
        return NULL;
    if (open->doomed &&
        rights != DELETE) /* which is how a deletion is taken back; carried out, as file systems do */
        gpup_os_misuse(os, service, GPUP_MISUSE_STATE, 0);
    *status = STATUS_ACCESS_DENIED;
    if (!rights || (open->access & rights))
        return open;
    gpup_os_misuse(os, service, GPUP_MISUSE_PARAMETER, 0);
    return NULL;
}

/* --- the services */

static NTSTATUS finish(PIO_STATUS_BLOCK block, NTSTATUS status, ULONG_PTR information) {
    *block = (IO_STATUS_BLOCK){.Information = information};
    block->Status = status;
    return status;
}

NTSTATUS DDI_CALL ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                               PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                               ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwCreateFile);
    struct gpup_os *os = gpup_os_enter(service);
    const struct gpup_open_request request = {.access = DesiredAccess,
                                              .share = ShareAccess,
                                              .options = CreateOptions,
                                              .disposition = CreateDisposition,
                                              .attributes = FileAttributes,
                                              .allocation =
                                                  AllocationSize ? (uint64_t)AllocationSize->QuadPart : 0};
    ULONG_PTR information = 0;
    NTSTATUS status;

    if (!os)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (EaBuffer || EaLength || ShareAccess > (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)) {
        gpup_os_misuse(os, service->name, GPUP_MISUSE_PARAMETER, 0);
        return finish(IoStatusBlock, STATUS_INVALID_PARAMETER, 0);
    }
    if (CreateOptions & FILE_OPEN_BY_FILE_ID)
        gpup_os_unsupported("ntoskrnl.exe!ZwCreateFile with FILE_OPEN_BY_FILE_ID");
    status = gpup_file_open(os, service->name, ObjectAttributes, &request, FileHandle, &information);
    return finish(IoStatusBlock, status, information);
}

NTSTATUS DDI_CALL ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                             ULONG ShareAccess, ULONG OpenOptions) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwOpenFile);
    struct gpup_os *os = gpup_os_enter(service);
    const struct gpup_open_request request = {
        .access = DesiredAccess, .share = ShareAccess, .options = OpenOptions, .disposition = FILE_OPEN};
    ULONG_PTR information = 0;
    NTSTATUS status;

    if (!os)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (OpenOptions & FILE_OPEN_BY_FILE_ID)
        gpup_os_unsupported("ntoskrnl.exe!ZwOpenFile with FILE_OPEN_BY_FILE_ID");
    status = gpup_file_open(os, service->name, ObjectAttributes, &request, FileHandle, &information);
    return finish(IoStatusBlock, status, information);
}

/* The file of that name for a service without a handle. */
static struct gpup_file *named(struct gpup_os *os, const char *service, const OBJECT_ATTRIBUTES *attributes,
                               NTSTATUS *status) {
    struct gpup_files *files = os ? gpup_files_of(os) : NULL;
    struct gpup_file_name name;
    struct gpup_file *file;

    *status = STATUS_INSUFFICIENT_RESOURCES;
    if (!files)
        return NULL;
    *status = gpup_file_name_of(os, service, attributes, &name);
    if (!NT_SUCCESS(*status))
        return NULL;
    file = gpup_file_find(files, &name);
    *status = !file ? STATUS_OBJECT_NAME_NOT_FOUND : file->doomed ? STATUS_DELETE_PENDING : STATUS_SUCCESS;
    return NT_SUCCESS(*status) ? file : NULL;
}

NTSTATUS DDI_CALL ZwDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwDeleteFile);
    struct gpup_os *os = gpup_os_enter(service);
    NTSTATUS status;
    struct gpup_file *file = named(os, service->name, ObjectAttributes, &status);

    if (!file)
        return status;
    if (!shared(gpup_files_of(os), file, DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE))
        return STATUS_SHARING_VIOLATION;
    file->doomed = true;
    if (!file->opens)
        gpup_file_remove(gpup_files_of(os), file);
    return STATUS_SUCCESS;
}

NTSTATUS DDI_CALL ZwQueryFullAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes,
                                            PFILE_NETWORK_OPEN_INFORMATION FileInformation) {
    const struct gpup_service_limit *service = GPUP_SERVICE(ZwQueryFullAttributesFile);
    struct gpup_os *os = gpup_os_enter(service);
    FILE_NETWORK_OPEN_INFORMATION told;
    NTSTATUS status;
    struct gpup_file *file = named(os, service->name, ObjectAttributes, &status);

    if (!file)
        return status;
    gpup_file_tell(file, &told);
    gpup_copy_driver(FileInformation, &told, sizeof told);
    return STATUS_SUCCESS;
}
