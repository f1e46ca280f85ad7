/* Messages about a YAML program: where, what was expected, what was found, and the line with a caret. */
#include "yaml.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REPORTED 100
#define SHOWN 400u /* bytes of a line */

static void put_source(struct gpup_yaml *yaml, unsigned line, unsigned column) {
    const char *at = yaml->text, *end = yaml->text + yaml->size;
    for (unsigned i = 1; i < line && at < end; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((newline ? newline : end) - at);
    /* Of a very long line only what surrounds the place. */
    if (column > SHOWN / 2 && length > SHOWN) {
        size_t skip = column - SHOWN / 4 < length ? column - SHOWN / 4 : length;
        at += skip;
        length -= skip;
        column -= (unsigned)skip;
    }
    length = length < SHOWN ? length : SHOWN;
    gpup_text_put(yaml->errors, at, length);
    gpup_text_put(yaml->errors, "\n", 1);
    /* Columns count characters, so the bytes in the middle of one are left out; tabs keep their width. */
    for (size_t i = 0, passed = 1; i < length && passed < column; i++) {
        if (((unsigned char)at[i] & 0xC0) == 0x80)
            continue;
        gpup_text_put(yaml->errors, at[i] == '\t' ? "\t" : " ", 1);
        passed++;
    }
    gpup_text_put(yaml->errors, "^\n", 2);
}

void gpup_yaml_message(struct gpup_yaml *yaml, unsigned line, unsigned column, const char *message) {
    yaml->failed = true;
    gpup_text_put(yaml->errors, yaml->name, strlen(yaml->name));
    if (line)
        gpup_text_printf(yaml->errors, ":%u:%u", line, column);
    gpup_text_put(yaml->errors, ": error: ", 9);
    gpup_text_put(yaml->errors, message, strlen(message));
    gpup_text_put(yaml->errors, "\n", 1);
    if (line)
        put_source(yaml, line, column);
}

const char *gpup_yaml_scalar(struct fy_node *node, size_t *size) {
    if (!node || !fy_node_is_scalar(node) || fy_node_is_alias(node))
        return NULL;
    return fy_node_get_scalar(node, size);
}

static size_t collected(struct gpup_yaml *yaml) {
    void *position = NULL;
    size_t count = 0;
    while (fy_diag_errors_iterate(yaml->diag, &position) != NULL)
        count++;
    return count;
}

/* True when the library could tell the place: it cannot for a value that was left out, nor for what holds
 * one. */
static bool report(struct gpup_yaml *yaml, struct fy_node *node, const char *message) {
    size_t before = collected(yaml);
    fy_node_report(node, FYET_ERROR, "%s", message);
    return collected(yaml) > before;
}

/* The key that the node, or the list it is in, stands behind. */
static struct fy_node *key_above(struct fy_node *node) {
    struct fy_node *parent = fy_node_get_parent(node);
    for (; parent && !fy_node_is_mapping(parent); parent = fy_node_get_parent(node))
        node = parent;
    void *position = NULL;
    struct fy_node_pair *pair = NULL;
    while (parent && (pair = fy_node_mapping_iterate(parent, &position)) != NULL)
        if (fy_node_pair_value(pair) == node)
            return fy_node_pair_key(pair);
    return NULL;
}

/* The library knows the place of a collection only while it reports: let it report, then take it from what it
 * collected. */
void gpup_yaml_error(struct gpup_yaml *yaml, struct fy_node *node, const char *format, ...) {
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    yaml->failed = true;
    if (yaml->reported >= MAX_REPORTED)
        return;
    if (++yaml->reported == MAX_REPORTED)
        snprintf(message, sizeof message, "too many errors, the rest is not shown");
    if (node && report(yaml, node, message))
        return;
    struct fy_node *key = node ? key_above(node) : NULL;
    if (!key || !report(yaml, key, message))
        gpup_yaml_message(yaml, 1, 1, message);
}

void gpup_yaml_expected(struct gpup_yaml *yaml, struct fy_node *node, const char *expected) {
    size_t size = 0;
    const char *text = gpup_yaml_scalar(node, &size);
    for (size_t i = 0; i < size; i++) /* a message is one line */
        if ((unsigned char)text[i] < 0x20)
            size = i;
    if (text && size)
        gpup_yaml_error(yaml, node, "expected %s, found '%.*s'", expected, (int)(size < 60 ? size : 60),
                        text);
    else
        gpup_yaml_error(yaml, node, "expected %s, found %s", expected,
                        !node                       ? "nothing"
                        : fy_node_is_alias(node)    ? "an alias"
                        : fy_node_is_mapping(node)  ? "a mapping"
                        : fy_node_is_sequence(node) ? "a list"
                                                    : "nothing");
}

struct place {
    unsigned line, column;
    const char *message;
};

static int in_order(const void *a, const void *b) {
    const struct place *left = a, *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->column < right->column ? -1 : left->column > right->column;
}

void gpup_yaml_library_errors(struct gpup_yaml *yaml) {
    struct place *places = NULL;
    size_t count = 0;
    void *position = NULL;
    struct fy_diag_error *error;
    while ((error = fy_diag_errors_iterate(yaml->diag, &position)) != NULL) {
        struct place *more = error->type >= FYET_ERROR ? realloc(places, (count + 1) * sizeof *places) : NULL;
        if (!more)
            continue;
        places = more;
        places[count++] = (struct place){error->line > 0 ? (unsigned)error->line : 0,
                                         error->column > 0 ? (unsigned)error->column : 1, error->msg};
    }
    if (count)
        qsort(places, count, sizeof *places, in_order);
    for (size_t i = 0; i < count; i++)
        gpup_yaml_message(yaml, places[i].line, places[i].column, places[i].message);
    free(places);
}

static int find(const char *const *keys, const char *text, size_t size) {
    for (int i = 0; keys[i]; i++)
        if (text && strlen(keys[i]) == size && memcmp(keys[i], text, size) == 0)
            return i;
    return -1;
}

static void unknown_key(struct gpup_yaml *yaml, struct fy_node *key, const char *const *keys) {
    char allowed[300] = "one of";
    size_t used = strlen(allowed);
    for (unsigned i = 0; keys[i] && used < sizeof allowed; i++)
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s %s", i ? "," : "", keys[i]);
    gpup_yaml_expected(yaml, key, allowed);
}

static bool has_value(struct fy_node *node) {
    return node && (!fy_node_is_scalar(node) || fy_node_is_alias(node) || fy_node_get_scalar_token(node));
}

void gpup_yaml_mapping(struct gpup_yaml *yaml, struct fy_node *node, const char *const *keys,
                       struct fy_node **found) {
    void *position = NULL;
    struct fy_node_pair *pair;
    for (unsigned i = 0; keys[i]; i++)
        found[i] = NULL;
    if (!node || !fy_node_is_mapping(node)) {
        gpup_yaml_expected(yaml, node, "a mapping");
        return;
    }
    while ((pair = fy_node_mapping_iterate(node, &position)) != NULL) {
        size_t size = 0;
        struct fy_node *key = fy_node_pair_key(pair);
        const char *text = gpup_yaml_scalar(key, &size);
        int index = find(keys, text, size);
        if (index < 0)
            unknown_key(yaml, key ? key : node, keys);
        else if (has_value(fy_node_pair_value(pair)))
            found[index] = fy_node_pair_value(pair);
        else
            gpup_yaml_error(yaml, key, "expected a value after '%s', found nothing", keys[index]);
    }
}
