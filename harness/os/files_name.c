/* Names of files: the ways in which Windows spells a path, brought to one. */
#include "crt.h"
#include "files.h"

#define PART(text) text, sizeof(text) / sizeof(WCHAR) - 1
#define DRIVE 6u /* characters of \??\C: */

static const struct {
    const WCHAR *text;
    uint32_t length;
    const WCHAR *means;
    uint32_t meant;
} beginnings[] = {
    {PART(u"\\SystemRoot"), PART(u"\\??\\C:\\Windows")},
    {PART(u"\\DosDevices"), PART(u"\\??")},
    {PART(u"\\GLOBAL\?\?"), PART(u"\\??")},
    {PART(u"\\Device\\HarddiskVolume"), PART(u"\\??\\C:")}, /* and its number */
};
#define BEGINNINGS (sizeof beginnings / sizeof *beginnings)
#define VOLUME (BEGINNINGS - 1)

static bool is_digit(WCHAR c) {
    return c >= '0' && c <= '9';
}

/* Characters of `text` that the beginning takes; 0: it is another. */
static uint32_t taken_by(size_t which, const WCHAR *text, uint32_t length) {
    uint32_t at = beginnings[which].length, digits = at;

    if (length < at || gpup_crt_wcsnicmp(text, beginnings[which].text, at) != 0)
        return 0;
    while (which == VOLUME && at < length && is_digit(text[at]))
        at++;
    if ((which == VOLUME && at == digits) || (at < length && text[at] != '\\'))
        return 0;
    return at;
}

static bool is_drive(const struct gpup_file_name *name) {
    WCHAR letter = name->length >= DRIVE ? name->text[4] | 0x20 : 0;

    return letter >= 'a' && letter <= 'z' && !gpup_crt_wcsnicmp(name->text, u"\\??\\", 4) &&
           name->text[5] == ':' && (name->length == DRIVE || name->text[DRIVE] == '\\');
}

/* Of what is behind the drive: no part is empty, and no character one that no name has. */
static bool is_path(const WCHAR *text, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        if (text[i] < 0x20 || gpup_crt_wcschr(u"\"*/:<>?|", text[i]))
            return false;
        if (text[i] == '\\' && (i + 1 == length || text[i + 1] == '\\'))
            return false;
    }
    return true;
}

NTSTATUS gpup_file_name(const WCHAR *text, uint32_t length, struct gpup_file_name *out) {
    uint32_t taken = 0, meant = 0;

    if (!length || text[0] != '\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    for (size_t i = 0; i < BEGINNINGS && !taken; i++)
        if ((taken = taken_by(i, text, length))) {
            meant = beginnings[i].meant;
            memcpy(out->text, beginnings[i].means, meant * sizeof(WCHAR));
        }
    if (length - taken > GPUP_FILE_NAME - meant)
        return STATUS_OBJECT_NAME_INVALID;
    memcpy(out->text + meant, text + taken, (length - taken) * sizeof(WCHAR));
    out->length = meant + length - taken;
    if (!is_drive(out))
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (out->length == DRIVE + 1) /* the drive's root */
        out->length--;
    return is_path(out->text + DRIVE, out->length - DRIVE) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}

/* Below an open directory. */
static NTSTATUS relative(const struct gpup_open_file *root, const UNICODE_STRING *name,
                         struct gpup_file_name *out) {
    const struct gpup_file_name *above = &root->file->name;
    uint32_t length = name->Length / 2u;

    *out = *above;
    if (!length)
        return STATUS_SUCCESS;
    if (length >= GPUP_FILE_NAME - above->length || name->Buffer[0] == '\\')
        return STATUS_OBJECT_NAME_INVALID;
    out->text[above->length] = '\\';
    memcpy(out->text + above->length + 1, name->Buffer, length * sizeof(WCHAR));
    out->length = above->length + 1 + length;
    return is_path(out->text + DRIVE, out->length - DRIVE) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}

NTSTATUS gpup_file_name_of(struct gpup_os *os, const char *service, const OBJECT_ATTRIBUTES *attributes,
                           struct gpup_file_name *out) {
    const struct gpup_open_file *root;

    if (!attributes || attributes->Length != sizeof *attributes || !attributes->ObjectName ||
        attributes->ObjectName->Length % sizeof(WCHAR)) {
        gpup_os_misuse(os, service, GPUP_MISUSE_PARAMETER, 0);
        return STATUS_INVALID_PARAMETER;
    }
    if (!attributes->RootDirectory)
        return gpup_file_name(attributes->ObjectName->Buffer, attributes->ObjectName->Length / 2u, out);
    root = gpup_file_of(os, service, attributes->RootDirectory);
    if (!root)
        return STATUS_INVALID_HANDLE;
    return root->file->directory ? relative(root, attributes->ObjectName, out) : STATUS_NOT_A_DIRECTORY;
}
