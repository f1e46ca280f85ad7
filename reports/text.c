#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOT_UTF8 0xFFFDu

static bool continues(const char *at, unsigned count) {
    for (unsigned i = 1; i <= count; i++)
        if (((unsigned char)at[i] & 0xC0) != 0x80)
            return false;
    return true;
}

/* One code point, at least one byte further; NOT_UTF8 for a byte that begins none. */
static uint32_t next(const char **at) {
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const char *p = *at;
    unsigned char first = (unsigned char)*p;
    unsigned more = first < 0x80 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    *at = p + 1;
    if (first < 0x80)
        return first;
    if (first < 0xC2 || first > 0xF4 || !continues(p, more))
        return NOT_UTF8;
    uint32_t point = first & (0x3Fu >> more);
    for (unsigned i = 1; i <= more; i++)
        point = point << 6 | ((unsigned char)p[i] & 0x3F);
    if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return NOT_UTF8;
    *at = p + 1 + more;
    return point;
}

/* Control characters, line ends, marks of direction, and what XML does not take. */
static bool hidden(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c & 0xFFFE) == 0xFFFE;
}

static void put_point(FILE *out, uint32_t c) {
    if (c < 0x80) {
        fputc((int)c, out);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    fputc((int)((0xF0u << (3 - more) & 0xFF) | c >> 6 * more), out);
    while (more--)
        fputc((int)(0x80 | (c >> 6 * more & 0x3F)), out);
}

static const char *entity(uint32_t c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void put_in(FILE *out, enum text_form form, uint32_t c) {
    const char *name =
        form == TEXT_XML || (form == TEXT_MARKDOWN && c != '\'' && c != '"') ? entity(c) : NULL;
    static const char *const escaped[] = {
        [TEXT_TAP] = "#\\", [TEXT_QUOTED] = "\"\\", [TEXT_MARKDOWN] = "\\`*_{}[]()#|~!@", [TEXT_CODE] = ""};
    if (name) {
        fputs(name, out);
        return;
    }
    if (c < 0x80 && c && form != TEXT_PLAIN && escaped[form] && strchr(escaped[form], (int)c))
        fputc('\\', out);
    put_point(out, c);
}

static void put_hidden(FILE *out, enum text_form form, uint32_t c) {
    char number[16];
    snprintf(number, sizeof number, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
    for (const char *at = number; *at; at++)
        put_in(out, form, (unsigned char)*at);
}

/* A code span ends at as many backquotes as it begins with. */
static unsigned quotes_of(const char *text, size_t limit) {
    unsigned longest = 0, run = 0;
    for (size_t i = 0; text[i] && i < limit + 4; i++) {
        run = text[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest + 1;
}

static void put_run(FILE *out, unsigned count) {
    while (count--)
        fputc('`', out);
}

void text_put_short(FILE *out, enum text_form form, const char *text, size_t limit) {
    const char *at = text ? text : "";
    const char *start = at;
    unsigned quotes = form == TEXT_CODE ? quotes_of(at, limit) : 0;
    /* Spaces on both sides are dropped again; without them a backquote would touch the delimiter, and a
     * span of nothing would be none. */
    put_run(out, quotes);
    if (quotes > 1 || (quotes && !*at))
        fputc(' ', out);
    while (*at && (size_t)(at - start) < limit) {
        uint32_t c = next(&at);
        if (hidden(c))
            put_hidden(out, form, c);
        else
            put_in(out, form, c);
    }
    if (*at) {
        char rest[64];
        snprintf(rest, sizeof rest, "... (%zu bytes left out)", strlen(at));
        for (const char *p = rest; *p; p++)
            put_in(out, form, (unsigned char)*p);
    }
    if (quotes > 1 || (quotes && at == start))
        fputc(' ', out);
    put_run(out, quotes);
}

void text_put(FILE *out, enum text_form form, const char *text) {
    text_put_short(out, form, text, TEXT_LIMIT);
}

/* The first line of the rest, with its end; *rest: what follows, NULL nothing. */
static char *next_line(const char **rest) {
    size_t length = strcspn(*rest, "\n");
    char *line = strndup(*rest, length);
    *rest = (*rest)[length] ? *rest + length + 1 : NULL;
    return line;
}

void text_put_lines(FILE *out, enum text_form form, const char *lines, const char *before,
                    const char *after) {
    while (lines) {
        char *line = next_line(&lines);
        fputs(before, out);
        text_put(out, form, line);
        fputs(after, out);
        free(line);
    }
}

char *text_copy(const char *text) {
    char *copy = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&copy, &size);
    if (!memory)
        return NULL;
    text_put(memory, TEXT_PLAIN, text);
    if (fclose(memory) == 0)
        return copy;
    free(copy);
    return NULL;
}

bool text_is_plain(const char *text) {
    char *copy = text_copy(text);
    bool same = copy && strcmp(copy, text ? text : "") == 0;
    free(copy);
    return same;
}

json_t *text_json(const char *text) {
    char *copy = text_copy(text);
    json_t *value = copy ? json_string(copy) : NULL;
    free(copy);
    return value;
}

json_t *text_json_lines(const char *lines) {
    json_t *list = lines ? json_array() : NULL;
    while (list && lines) {
        char *line = next_line(&lines);
        json_array_append_new(list, text_json(line));
        free(line);
    }
    return list;
}

char *text_shell(const char *text) {
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,=+-@%";
    char *word = text_copy(text), *quoted = NULL;
    size_t size = 0;
    if (!word || (*word && word[0] != '-' && word[strspn(word, harmless)] == 0))
        return word;
    FILE *memory = open_memstream(&quoted, &size);
    if (memory) {
        fputc('\'', memory);
        for (const char *at = word; *at; at++)
            fputs(*at == '\'' ? "'\\''" : (char[]){*at, 0}, memory);
        fputc('\'', memory);
        if (fclose(memory) != 0) {
            free(quoted);
            quoted = NULL;
        }
    }
    free(word);
    return quoted;
}
