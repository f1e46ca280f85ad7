/* The files' data: blocks that a file takes and gives back, in the arena. */
#include "files.h"
#include "asan.h"
#include "crt.h"

static uint64_t system_time(const struct gpup_os *os) {
    return GPUP_SYSTEM_TIME + os->machine->now / 100;
}

static void put_given(struct gpup_os *os, struct gpup_files *files) {
    const struct gpup_given_files *given = os->machine->given;

    for (uint32_t i = 0; given && i < given->count; i++) { /* fewer than there is room for */
        struct gpup_file *file = gpup_file_add(os, files, &given->file[i].name);

        file->given = given->file[i].bytes;
        file->size = given->file[i].size;
    }
}

struct gpup_files *gpup_files_of(struct gpup_os *os) {
    struct gpup_files *files = os->machine->files;

    if (files)
        return files;
    os->machine->files = files = gpup_os_alloc(os, sizeof *files);
    if (!files)
        return NULL;
    files->free = GPUP_FILE_BLOCKS;
    put_given(os, files);
    return files;
}

void gpup_os_give_files(struct gpup_os *os, const struct gpup_given_files *given) {
    os->machine->given = given;
}

struct gpup_file *gpup_file_find(struct gpup_files *files, const struct gpup_file_name *name) {
    for (uint32_t i = 0; i < GPUP_FILES; i++) {
        struct gpup_file *file = &files->file[i];

        if (file->name.length == name->length &&
            !gpup_crt_wcsnicmp(file->name.text, name->text, name->length))
            return file;
    }
    return NULL;
}

NTSTATUS gpup_disk_full(struct gpup_os *os) {
    gpup_os_failed(os);
    return STATUS_DISK_FULL;
}

struct gpup_file *gpup_file_add(struct gpup_os *os, struct gpup_files *files,
                                const struct gpup_file_name *name) {
    for (uint32_t i = 0; i < GPUP_FILES; i++)
        if (!files->file[i].name.length) {
            files->file[i] =
                (struct gpup_file){.name = *name, .created = system_time(os), .written = system_time(os)};
            return &files->file[i];
        }
    return NULL;
}

/* --- blocks */

static void give_back(struct gpup_files *files, struct gpup_file *file, uint32_t keep) {
    while (file->blocks > keep) {
        files->taken[file->block[--file->blocks]] = false;
        files->free++;
    }
}

void gpup_file_remove(struct gpup_files *files, struct gpup_file *file) {
    give_back(files, file, 0);
    file->name.length = 0;
}

static bool take_block(struct gpup_os *os, struct gpup_files *files, struct gpup_file *file) {
    uint32_t i = 0;

    while (files->taken[i])
        i++;
    if (!files->block[i])
        files->block[i] = gpup_os_alloc(os, GPUP_FILE_BLOCK);
    if (!files->block[i])
        return false;
    memset(files->block[i], 0, GPUP_FILE_BLOCK);
    files->taken[i] = true;
    files->free--;
    file->block[file->blocks++] = (uint16_t)i;
    return true;
}

static NTSTATUS take_blocks(struct gpup_os *os, struct gpup_files *files, struct gpup_file *file,
                            uint32_t count) {
    uint32_t before = file->blocks;

    if (count - before > files->free)
        return gpup_disk_full(os);
    while (file->blocks < count)
        if (!take_block(os, files, file)) {
            give_back(files, file, before);
            return gpup_os_full(os);
        }
    return STATUS_SUCCESS;
}

static uint32_t blocks_of(uint64_t size) {
    return (uint32_t)((size + GPUP_FILE_BLOCK - 1) / GPUP_FILE_BLOCK);
}

uint64_t gpup_file_room(const struct gpup_file *file) {
    return (uint64_t)blocks_of(file->size) * GPUP_FILE_BLOCK;
}

static uint8_t *place(const struct gpup_files *files, const struct gpup_file *file, uint64_t offset) {
    return files->block[file->block[offset / GPUP_FILE_BLOCK]] + offset % GPUP_FILE_BLOCK;
}

/* Bytes at `offset` that lie in one block, `count` at most. */
static uint32_t in_a_row(uint64_t offset, uint64_t count) {
    uint64_t rest = GPUP_FILE_BLOCK - offset % GPUP_FILE_BLOCK;

    return (uint32_t)(count < rest ? count : rest);
}

/* Contents from outside become the file's own. */
static NTSTATUS own(struct gpup_os *os, struct gpup_files *files, struct gpup_file *file) {
    const uint8_t *given = file->given;
    NTSTATUS status;

    if (!given)
        return STATUS_SUCCESS;
    if (file->size > GPUP_FILE_BLOCKS * GPUP_FILE_BLOCK)
        return gpup_disk_full(os);
    status = take_blocks(os, files, file, blocks_of(file->size));
    if (!NT_SUCCESS(status))
        return status;
    for (uint64_t at = 0; at < file->size; at += GPUP_FILE_BLOCK)
        memcpy(place(files, file, at), given + at, in_a_row(at, file->size - at));
    file->given = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS gpup_file_resize(struct gpup_os *os, struct gpup_file *file, uint64_t size) {
    struct gpup_files *files = gpup_files_of(os);
    NTSTATUS status;

    if (size > GPUP_FILE_BLOCKS * GPUP_FILE_BLOCK)
        return gpup_disk_full(os);
    if (!size)
        file->given = NULL;
    status = own(os, files, file);
    if (NT_SUCCESS(status) && blocks_of(size) > file->blocks)
        status = take_blocks(os, files, file, blocks_of(size));
    if (!NT_SUCCESS(status))
        return status;
    give_back(files, file, blocks_of(size));
    if (size < file->size && size % GPUP_FILE_BLOCK)
        memset(place(files, file, size), 0, GPUP_FILE_BLOCK - size % GPUP_FILE_BLOCK);
    file->size = size;
    file->written = system_time(os);
    return STATUS_SUCCESS;
}

void gpup_file_read(struct gpup_os *os, const struct gpup_file *file, uint64_t offset, void *out,
                    uint32_t count) {
    const struct gpup_files *files = gpup_files_of(os);
    uint8_t *to = out;

    if (file->given)
        gpup_copy_driver(to, file->given + offset, count);
    for (uint32_t done = 0, part; !file->given && done < count; done += part) {
        part = in_a_row(offset + done, count - done);
        gpup_copy_driver(to + done, place(files, file, offset + done), part);
    }
}

NTSTATUS gpup_file_write(struct gpup_os *os, struct gpup_file *file, uint64_t offset, const void *bytes,
                         uint32_t count) {
    struct gpup_files *files = gpup_files_of(os);
    const uint8_t *from = bytes;
    uint64_t end = offset + count > file->size ? offset + count : file->size;
    NTSTATUS status = gpup_file_resize(os, file, end);

    for (uint32_t done = 0, part; NT_SUCCESS(status) && done < count; done += part) {
        part = in_a_row(offset + done, count - done);
        gpup_copy_driver(place(files, file, offset + done), from + done, part);
    }
    return status;
}

void gpup_file_tell(const struct gpup_file *file, FILE_NETWORK_OPEN_INFORMATION *out) {
    uint32_t attributes = file->attributes & ~(uint32_t)FILE_ATTRIBUTE_NORMAL;

    attributes |= file->directory ? FILE_ATTRIBUTE_DIRECTORY : 0;
    memset(out, 0, sizeof *out);
    out->CreationTime.QuadPart = (LONGLONG)file->created;
    out->LastAccessTime.QuadPart = out->LastWriteTime.QuadPart = out->ChangeTime.QuadPart =
        (LONGLONG)file->written;
    out->AllocationSize.QuadPart = (LONGLONG)gpup_file_room(file);
    out->EndOfFile.QuadPart = (LONGLONG)file->size;
    out->FileAttributes = attributes ? attributes : FILE_ATTRIBUTE_NORMAL;
}
