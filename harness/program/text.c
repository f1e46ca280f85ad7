#include "text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct gpup_text *text, size_t more) {
    if (text->failed || text->capacity > text->size + more)
        return !text->failed;
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity <= text->size + more)
        capacity *= 2;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void gpup_text_put(struct gpup_text *text, const char *piece, size_t size) {
    if (!text->fixed && !reserve(text, size))
        return;
    for (size_t i = 0; i < size && text->size + i + 1 < text->capacity; i++)
        text->bytes[text->size + i] = piece[i];
    text->size += size;
    if (text->capacity)
        text->bytes[text->size < text->capacity ? text->size : text->capacity - 1] = 0;
}

void gpup_text_printf(struct gpup_text *text, const char *format, ...) {
    char piece[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (size > 0)
        gpup_text_put(text, piece, (size_t)size < sizeof piece ? (size_t)size : sizeof piece - 1);
}

char *gpup_text_take(struct gpup_text *text) {
    gpup_text_put(text, "", 0);
    char *bytes = text->bytes;
    if (text->failed) {
        free(bytes);
        bytes = NULL;
    }
    *text = (struct gpup_text){0};
    return bytes;
}

void gpup_text_number(struct gpup_text *text, uint64_t number) {
    bool decimal = number < 4096 || (number % 1000 == 0 && number <= UINT64_C(1000000000000));
    gpup_text_printf(text, decimal ? "%llu" : "0x%llx", (unsigned long long)number);
}

static void put_signed(struct gpup_text *text, uint64_t number, const char *plus) {
    bool negative = number >> 63;
    gpup_text_printf(text, "%s", negative ? "-" : plus);
    gpup_text_number(text, negative ? -number : number);
}

void gpup_text_value(struct gpup_text *text, unsigned kind, struct gpup_value value) {
    const struct gpup_kind_info *info = gpup_kind_info(kind);
    const char *symbol = gpup_symbol_name(value.symbol);
    uint64_t name = value.number - info->name_base;
    if (symbol) {
        gpup_text_printf(text, "%s", symbol);
        if (value.number)
            put_signed(text, value.number, "+");
    } else if (name < GPUP_KIND_NAMES && info->name[name]) {
        gpup_text_printf(text, "%s", info->name[name]);
    } else if (info->is_signed) {
        put_signed(text, value.number, "");
    } else {
        gpup_text_number(text, value.number);
    }
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

bool gpup_parse_number(const char *text, size_t size, bool *negative, uint64_t *number) {
    size_t at = 0;
    unsigned base = 10;
    *negative = size > 0 && text[0] == '-';
    *number = 0;
    at += *negative;
    if (size >= at + 3 && text[at] == '0' && (text[at + 1] == 'x' || text[at + 1] == 'X')) {
        base = 16;
        at += 2;
    }
    if (at == size)
        return false;
    for (; at < size; at++) {
        unsigned value = (unsigned)digit(text[at]);
        if (value >= base || __builtin_mul_overflow(*number, (uint64_t)base, number) ||
            __builtin_add_overflow(*number, (uint64_t)value, number))
            return false;
    }
    return true;
}

static bool is(const char *name, const char *text, size_t size) {
    return name && strlen(name) == size && memcmp(name, text, size) == 0;
}

/* Tells a value that the kind keeps as it is from one that would be cut. */
static bool keep(unsigned kind, bool negative_step, struct gpup_value value, struct gpup_value *out) {
    *out = value;
    gpup_value_clamp(kind, negative_step, out);
    return gpup_value_equal(value, *out);
}

static bool parse_symbol(unsigned kind, bool negative_step, const char *text, size_t size,
                         struct gpup_value *value) {
    const struct gpup_kind_info *info = gpup_kind_info(kind);
    for (unsigned i = 1; i < info->symbol_count; i++) {
        const char *name = gpup_symbol_name(info->symbol[i]);
        size_t length = strlen(name);
        struct gpup_value found = {.symbol = info->symbol[i]};
        bool negative = false;
        if (size < length || memcmp(name, text, length) != 0)
            continue;
        if (size == length)
            return keep(kind, negative_step, found, value);
        if ((text[length] != '+' && text[length] != '-') || size == length + 1 || text[length + 1] == '-' ||
            !gpup_parse_number(text + length + 1, size - length - 1, &negative, &found.number) ||
            found.number > INT64_MAX)
            return false;
        if (text[length] == '-')
            found.number = -found.number;
        return keep(kind, negative_step, found, value);
    }
    return false;
}

bool gpup_parse_value(unsigned kind, bool negative_step, const char *text, size_t size,
                      struct gpup_value *value) {
    const struct gpup_kind_info *info = gpup_kind_info(kind);
    struct gpup_value found = {0};
    bool negative = false;
    for (unsigned i = 0; i < GPUP_KIND_NAMES; i++) {
        if (!is(info->name[i], text, size))
            continue;
        *value = (struct gpup_value){.number = info->name_base + i};
        return true;
    }
    if (!gpup_parse_number(text, size, &negative, &found.number))
        return parse_symbol(kind, negative_step, text, size, value);
    if (negative && (!info->is_signed || found.number > INT16_MAX + 1))
        return false;
    if (negative)
        found.number = -found.number;
    return keep(kind, negative_step, found, value);
}
