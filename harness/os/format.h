/*
 * printf for strings in the Windows convention: the host's own takes another kind of argument list.
 */
#ifndef GPUP_OS_FORMAT_H
#define GPUP_OS_FORMAT_H

#include <stddef.h>

/* Like vsnprintf: writes at most size bytes with the terminator, returns the length the text has.
 * Understands d i u x X o c s p % with flags - 0 + space #, width, precision, *, and the sizes h l ll I64 I32
 * w z; S and ls take 16-bit strings, wZ takes a UNICODE_STRING. */
size_t gpup_format(char *out, size_t size, const char *format, __builtin_ms_va_list arguments);

#endif
