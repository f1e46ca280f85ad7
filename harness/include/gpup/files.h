/*
 * Files that a driver finds: given to a run from outside, for one that reads firmware.
 *
 * They are read once, before anything of the implementation runs, and are the same in every world and on
 * every host; what a driver changes in them is changed in that world alone. Where else its files lie, and how
 * names are spelled, is in ddi/wdm_file.h.
 *
 * A table is constant once it is complete: any number of worlds may use it, in processes forked later, too.
 * Its bytes are on pages that nobody can write to.
 */
#ifndef GPUP_FILES_H
#define GPUP_FILES_H

#include <ddi/ntdef.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPUP_FILE_NAME 256u                     /* characters */
#define GPUP_GIVEN_FILES 16u                    /* in a table */
#define GPUP_GIVEN_BYTES ((size_t)64 * 1048576) /* of all of them together */

/* A name in its one form: \??\C:\..., as it was written otherwise; not terminated. */
struct gpup_file_name {
    WCHAR text[GPUP_FILE_NAME];
    uint32_t length; /* characters */
};

/* STATUS_OBJECT_PATH_SYNTAX_BAD: it does not begin with a backslash; STATUS_OBJECT_PATH_NOT_FOUND: it is on
 * no volume; STATUS_OBJECT_NAME_INVALID: a part of it is empty, or has characters that no file's name has, or
 * it is too long. */
NTSTATUS gpup_file_name(const WCHAR *text, uint32_t length, struct gpup_file_name *out);

struct gpup_given_file {
    struct gpup_file_name name;
    const uint8_t *bytes; /* may be NULL when size is 0 */
    size_t size;
};
struct gpup_given_files { /* sorted by name */
    struct gpup_given_file file[GPUP_GIVEN_FILES];
    uint32_t count;
    size_t bytes; /* of all of them */
};

/* Adds one to a table, which is zeroed at first: option is `NAME=PATH`, NAME as Windows spells it (ASCII,
 * split at the first `=`), PATH a file of this machine. false: message says what is wrong with which of the
 * two, and the table is as it was. */
bool gpup_files_give(struct gpup_given_files *files, const char *option, char *message, size_t message_size);
/* Several, a line each; NULL, or an empty text: none. */
bool gpup_files_give_lines(struct gpup_given_files *files, const char *lines, char *message,
                           size_t message_size);
/* Gives the bytes back: no world may use them any more. */
void gpup_files_free(struct gpup_given_files *files);

#endif
