/* Typed access to YAML nodes; every complaint names what was expected and what was found, with a caret. */
#include "specc.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool counted(struct specc *sc) {
    if (++sc->errors == SPECC_ERRORS_MAX + 1)
        fputs("gpup-specc: more errors follow, not shown\n", stderr);
    return sc->errors <= SPECC_ERRORS_MAX;
}

void specc_error(struct specc *sc, struct fy_node *node, const char *format, ...) {
    va_list arguments;
    /* No node: a key that is absent, which specc_keys() has reported. */
    if ((!node && sc->errors) || !counted(sc))
        return;
    if (!node) {
        fputs("gpup-specc: a required key is absent\n", stderr);
        return;
    }
    va_start(arguments, format);
    fy_node_vreport(node, FYET_ERROR, format, arguments);
    va_end(arguments);
}

void specc_error_at_file(struct specc *sc, const char *file, const char *message) {
    if (counted(sc))
        fprintf(stderr, "%s: error: %s\n", file, message);
}

static const char *kind_of(struct fy_node *node) {
    if (fy_node_is_mapping(node))
        return "a mapping";
    if (fy_node_is_sequence(node))
        return "a list";
    return "a scalar";
}

/* Whether the word stands in a list like "id! note". */
static bool listed(const char *keys, const char *key) {
    size_t length = strlen(key);
    for (const char *at = keys; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " !");
        if (word == length && !memcmp(at, key, length))
            return true;
        at += word + (at[word] == '!');
    }
    return false;
}

/* Reported at the first key: the whole mapping would underline every line of it. */
static void required(struct specc *sc, struct fy_node *map, const char *keys) {
    void *position = NULL;
    struct fy_node_pair *first = fy_node_mapping_iterate(map, &position);
    struct fy_node *place = first ? fy_node_pair_key(first) : map;
    char *missing = specc_format("%s", "");
    for (const char *at = keys; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " !");
        if (at[word] == '!' && !fy_node_mapping_lookup_by_string(map, at, word)) {
            char *longer = specc_format("%s%s%.*s", missing, *missing ? ", " : "", (int)word, at);
            free(missing);
            missing = longer;
        }
        at += word + (at[word] == '!');
    }
    if (*missing)
        specc_error(sc, place, "required here and missing: %s", missing);
    free(missing);
}

/* "a! b" as "a, b" for a message. */
static char *plain_keys(const char *keys) {
    char *text = specc_format("%s", "");
    for (const char *at = keys; *at; at += strspn(at, " !")) {
        size_t word = strcspn(at, " !");
        char *longer = specc_format("%s%s%.*s", text, *text ? ", " : "", (int)word, at);
        free(text);
        text = longer;
        at += word;
    }
    return text;
}

static void unknown_key(struct specc *sc, struct fy_node *node, const char *text, const char *keys) {
    char *choice = plain_keys(keys);
    specc_error(sc, node, "unknown key '%s', expected one of %s", text ? text : "", choice);
    free(choice);
}

bool specc_keys(struct specc *sc, struct fy_node *map, const char *keys) {
    if (!fy_node_is_mapping(map)) {
        char *choice = plain_keys(keys);
        specc_error(sc, map, "expected a mapping with the keys %s, found %s", choice, kind_of(map));
        free(choice);
        return false;
    }
    void *position = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(map, &position)) != NULL) {
        struct fy_node *key = fy_node_pair_key(pair);
        const char *text = key && fy_node_is_scalar(key) ? fy_node_get_scalar0(key) : NULL;
        if (!text || !listed(keys, text))
            unknown_key(sc, key, text, keys);
    }
    required(sc, map, keys);
    return true;
}

struct fy_node *specc_get(struct fy_node *map, const char *key) {
    return fy_node_mapping_lookup_by_string(map, key, strlen(key));
}

const char *specc_scalar(struct specc *sc, struct fy_node *node, const char *what) {
    if (!node)
        return NULL;
    if (!fy_node_is_scalar(node)) {
        specc_error(sc, node, "expected %s, found %s", what, kind_of(node));
        return NULL;
    }
    const char *text = fy_node_get_scalar0(node);
    return text ? text : "";
}

const char *specc_text(struct specc *sc, struct fy_node *map, const char *key) {
    struct fy_node *node = specc_get(map, key);
    const char *text = node ? specc_scalar(sc, node, "text") : "";
    return text ? text : "";
}

bool specc_identifier(const char *text) {
    if (!isalpha((unsigned char)*text))
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

const char *specc_name(struct specc *sc, struct fy_node *map, const char *key) {
    struct fy_node *node = specc_get(map, key);
    const char *text = node ? specc_scalar(sc, node, "a name") : NULL;
    if (text && !specc_identifier(text)) {
        specc_error(sc, node, "expected a name of letters, digits and '_', found '%s'", text);
        return NULL;
    }
    return text;
}

bool specc_integer(struct specc *sc, struct fy_node *node, uint64_t max, uint64_t *value) {
    const char *text = specc_scalar(sc, node, "a number");
    char *end = NULL;
    if (!text)
        return false;
    unsigned long long number = strtoull(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end || number > max) {
        specc_error(sc, node, "expected a number from 0 to %llu, found '%s'", (unsigned long long)max, text);
        return false;
    }
    *value = number;
    return true;
}

uint64_t specc_number(struct specc *sc, struct fy_node *map, const char *key, uint64_t max) {
    struct fy_node *node = specc_get(map, key);
    uint64_t value = 0;
    if (node)
        (void)specc_integer(sc, node, max, &value);
    return value;
}

bool specc_bool(struct specc *sc, struct fy_node *map, const char *key) {
    struct fy_node *node = specc_get(map, key);
    const char *text = node ? specc_scalar(sc, node, "true or false") : NULL;
    if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        specc_error(sc, node, "expected true or false, found '%s'", text);
    return text && !strcmp(text, "true");
}

/* The words as "a, b, c" for a message. */
static char *joined(const char *const *words) {
    char *text = specc_format("%s", words[0]);
    for (size_t i = 1; words[i]; i++) {
        char *longer = specc_format("%s, %s", text, words[i]);
        free(text);
        text = longer;
    }
    return text;
}

unsigned specc_word(struct specc *sc, struct fy_node *map, const char *key, const char *const *words) {
    struct fy_node *node = fy_node_is_mapping(map) ? specc_get(map, key) : map;
    const char *text = node ? specc_scalar(sc, node, "a word") : NULL;
    if (!text)
        return 0;
    for (unsigned i = 0; words[i]; i++) {
        if (!strcmp(words[i], text))
            return i;
    }
    char *choice = joined(words);
    specc_error(sc, node, "expected one of %s, found '%s'", choice, text);
    free(choice);
    return 0;
}

bool specc_is_list(struct specc *sc, struct fy_node *node, const char *what) {
    if (fy_node_is_sequence(node))
        return true;
    specc_error(sc, node, "expected a list of %s, found %s", what, kind_of(node));
    return false;
}

struct fy_node *specc_list(struct specc *sc, struct fy_node *map, const char *key) {
    struct fy_node *node = specc_get(map, key);
    return node && specc_is_list(sc, node, key) ? node : NULL;
}
