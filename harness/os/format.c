/* Formatting for DbgPrint and RtlStringCbPrintf. */
#include "format.h"
#include <ddi/ntdef.h>
#include <stdbool.h>
#include <string.h>

struct sink {
    char *out;
    size_t size, length;
};

struct spec {
    bool left, zero, plus, space, alternate, wide;
    int width, precision; /* precision -1: none */
    unsigned bits;
};

static void put(struct sink *sink, char c) {
    if (sink->length + 1 < sink->size)
        sink->out[sink->length] = c;
    sink->length++;
}

static void pad(struct sink *sink, char c, int count) {
    while (count-- > 0)
        put(sink, c);
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text, size_t length) {
    int fill = spec->width - (int)length;

    if (!spec->left)
        pad(sink, ' ', fill);
    for (size_t i = 0; i < length; i++)
        put(sink, text[i]);
    if (spec->left)
        pad(sink, ' ', fill);
}

static void put_narrow(struct sink *sink, const struct spec *spec, const char *text) {
    size_t length = 0;

    if (!text)
        text = "(null)";
    while ((spec->precision < 0 || length < (size_t)spec->precision) && text[length])
        length++;
    put_text(sink, spec, text, length);
}

static void put_wide(struct sink *sink, const struct spec *spec, const WCHAR *text, size_t limit) {
    size_t length = 0;

    if (!text)
        return;
    while (length < limit && (spec->precision < 0 || length < (size_t)spec->precision) && text[length])
        length++;
    if (!spec->left)
        pad(sink, ' ', spec->width - (int)length);
    for (size_t i = 0; i < length; i++)
        put(sink, (char)(text[i] < 128 ? (int)text[i] : (int)'?'));
    if (spec->left)
        pad(sink, ' ', spec->width - (int)length);
}

static void put_number(struct sink *sink, struct spec *spec, uint64_t value, bool negative, unsigned base,
                       bool upper) {
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[72];
    size_t at = sizeof text;
    int count = 0;
    int least = spec->precision >= 0 ? spec->precision : 1;

    for (; value || count < least; value /= base, count++) {
        if (at <= 4)
            break;
        text[--at] = digits[value % base];
    }
    if (spec->zero && !spec->left && spec->precision < 0)
        for (; count < spec->width - negative && at > 4; count++)
            text[--at] = '0';
    if (spec->alternate && base == 16) {
        text[--at] = upper ? 'X' : 'x';
        text[--at] = '0';
    }
    if (negative || spec->plus || spec->space)
        text[--at] = "- +"[negative ? 0 : 1 + spec->plus];
    put_text(sink, spec, text + at, sizeof text - at);
}

static int number(const char **format) {
    int value = 0;

    while (**format >= '0' && **format <= '9' && value < 10000)
        value = value * 10 + (*(*format)++ - '0');
    return value;
}

static const char *flags(const char *f, struct spec *spec) {
    for (;; f++)
        switch (*f) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        default:
            return f;
        }
}

static const char *length(const char *f, struct spec *spec) {
    for (;;) {
        if (f[0] == 'I' && f[1] == '6' && f[2] == '4') {
            spec->bits = 64;
            f += 3;
        } else if (f[0] == 'I' && f[1] == '3' && f[2] == '2')
            f += 3;
        else if (f[0] == 'l' && f[1] == 'l') {
            spec->bits = 64;
            f += 2;
        } else if (*f == 'z' || *f == 'I') {
            spec->bits = 64;
            f++;
        } else if (*f == 'l' || *f == 'w') {
            spec->wide = true;
            f++;
        } else if (*f == 'h')
            f++;
        else
            return f;
    }
}

size_t gpup_format(char *out, size_t size, const char *format, __builtin_ms_va_list arguments) {
    struct sink sink = {out, size, 0};

    for (const char *f = format; *f; f++) {
        struct spec spec = {.precision = -1, .bits = 32};
        uint64_t raw;

        if (*f != '%') {
            put(&sink, *f);
            continue;
        }
        f = flags(f + 1, &spec);
        if (*f == '*') {
            spec.width = __builtin_va_arg(arguments, int);
            f++;
        } else
            spec.width = number(&f);
        if (*f == '.') {
            f++;
            if (*f == '*') {
                spec.precision = __builtin_va_arg(arguments, int);
                f++;
            } else
                spec.precision = number(&f);
        }
        f = length(f, &spec);
        if (!*f)
            break;
        if (*f == '%') {
            put(&sink, '%');
            continue;
        }
        raw = __builtin_va_arg(arguments, uint64_t); /* every argument has eight bytes */
        switch (*f) {
        case 'd':
        case 'i': {
            int64_t value = spec.bits == 64 ? (int64_t)raw : (int32_t)raw;

            put_number(&sink, &spec, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, 10, false);
            break;
        }
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            put_number(&sink, &spec, spec.bits == 64 ? raw : (uint32_t)raw, false,
                       *f == 'u'   ? 10
                       : *f == 'o' ? 8
                                   : 16,
                       *f == 'X');
            break;
        case 'p':
            spec.precision = 16;
            put_number(&sink, &spec, raw, false, 16, true);
            break;
        case 'c':
            put_text(&sink, &spec, (const char *)&raw, 1);
            break;
        case 's':
        case 'S':
            if (spec.wide || *f == 'S')
                put_wide(&sink, &spec, (const WCHAR *)raw, SIZE_MAX);
            else
                put_narrow(&sink, &spec, (const char *)raw);
            break;
        case 'Z': {
            const UNICODE_STRING *string = (const UNICODE_STRING *)raw;

            if (string)
                put_wide(&sink, &spec, string->Buffer, string->Length / 2);
            break;
        }
        default: /* nothing a kernel message has */
            put(&sink, '?');
        }
    }
    if (size)
        out[sink.length < size ? sink.length : size - 1] = '\0';
    return sink.length;
}
