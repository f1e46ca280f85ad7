#include "schema.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

struct check {
    const json_t *root;
    const json_t *value;
    char *message;
    size_t size;
    const char *path;
};

static bool at(const struct check *c, const json_t *schema);

static bool wrong(const struct check *c, const char *keyword, const json_t *wanted) {
    char *found = json_dumps(c->value, JSON_ENCODE_ANY | JSON_COMPACT);
    char *text = json_dumps(wanted, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(c->message, c->size, "%s: %s %.200s, found %.200s", c->path, keyword, text ? text : "?",
             found ? found : "?");
    free(found);
    free(text);
    return false;
}

static bool is_type(const json_t *value, const char *type) {
    static const struct {
        const char *name;
        json_type type;
    } types[] = {{"object", JSON_OBJECT},   {"array", JSON_ARRAY}, {"string", JSON_STRING},
                 {"integer", JSON_INTEGER}, {"null", JSON_NULL},   {"number", JSON_REAL}};
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, type) == 0)
            return json_typeof(value) == types[i].type;
    return false;
}

static bool check_type(const struct check *c, const json_t *wanted) {
    bool ok = json_is_string(wanted) && is_type(c->value, json_string_value(wanted));
    for (size_t i = 0; i < json_array_size(wanted); i++)
        ok = ok || is_type(c->value, json_string_value(json_array_get(wanted, i)));
    return ok || wrong(c, "type", wanted);
}

static bool check_const(const struct check *c, const json_t *wanted) {
    return json_equal(c->value, wanted) || wrong(c, "const", wanted);
}

static bool check_enum(const struct check *c, const json_t *wanted) {
    for (size_t i = 0; i < json_array_size(wanted); i++)
        if (json_equal(c->value, json_array_get(wanted, i)))
            return true;
    return wrong(c, "enum", wanted);
}

static bool check_minimum(const struct check *c, const json_t *wanted) {
    return !json_is_integer(c->value) || json_integer_value(c->value) >= json_integer_value(wanted) ||
           wrong(c, "minimum", wanted);
}

static bool check_min_items(const struct check *c, const json_t *wanted) {
    return !json_is_array(c->value) || (json_int_t)json_array_size(c->value) >= json_integer_value(wanted) ||
           wrong(c, "minItems", wanted);
}

static bool check_pattern(const struct check *c, const json_t *wanted) {
    regex_t regex;
    if (!json_is_string(c->value))
        return true;
    if (regcomp(&regex, json_string_value(wanted), REG_EXTENDED | REG_NOSUB) != 0)
        return wrong(c, "bad pattern", wanted);
    bool ok = regexec(&regex, json_string_value(c->value), 0, NULL, 0) == 0;
    regfree(&regex);
    return ok || wrong(c, "pattern", wanted);
}

static bool check_required(const struct check *c, const json_t *wanted) {
    for (size_t i = 0; json_is_object(c->value) && i < json_array_size(wanted); i++)
        if (!json_object_get(c->value, json_string_value(json_array_get(wanted, i))))
            return wrong(c, "required", json_array_get(wanted, i));
    return true;
}

static bool member(const struct check *c, const json_t *schema, const char *name, json_t *value) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", c->path, name);
    struct check inner = *c;
    inner.value = value;
    inner.path = path;
    return at(&inner, schema);
}

static bool check_properties(const struct check *c, const json_t *wanted) {
    const char *name;
    json_t *schema;
    json_object_foreach((json_t *)wanted, name, schema) {
        json_t *value = json_object_get(c->value, name);
        if (value && !member(c, schema, name, value))
            return false;
    }
    return true;
}

static bool check_items(const struct check *c, const json_t *wanted) {
    for (size_t i = 0; i < json_array_size(c->value); i++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        if (!member(c, wanted, name, json_array_get(c->value, i)))
            return false;
    }
    return true;
}

static bool check_any_of(const struct check *c, const json_t *wanted) {
    for (size_t i = 0; i < json_array_size(wanted); i++)
        if (at(c, json_array_get(wanted, i)))
            return true;
    return wrong(c, "anyOf", wanted);
}

static bool check_ref(const struct check *c, const json_t *wanted) {
    static const char prefix[] = "#/$defs/";
    const char *name = json_string_value(wanted);
    if (!name || strncmp(name, prefix, sizeof prefix - 1) != 0)
        return wrong(c, "bad $ref", wanted);
    const json_t *schema = json_object_get(json_object_get(c->root, "$defs"), name + sizeof prefix - 1);
    return schema ? at(c, schema) : wrong(c, "bad $ref", wanted);
}

/* additionalProperties needs its neighbour, so it takes the schema. Only `false` is known. */
static bool check_additional(const struct check *c, const json_t *schema) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)c->value, name, value) {
        if (!json_object_get(json_object_get(schema, "properties"), name)) {
            snprintf(c->message, c->size, "%s: unknown member %s", c->path, name);
            return false;
        }
    }
    return true;
}

static bool nothing(const struct check *c, const json_t *wanted) {
    (void)c;
    return wanted != NULL;
}

static const struct keyword {
    const char *name;
    bool (*check)(const struct check *, const json_t *);
} keywords[] = {{"$schema", nothing},
                {"title", nothing},
                {"description", nothing},
                {"$defs", nothing},
                {"$ref", check_ref},
                {"type", check_type},
                {"const", check_const},
                {"enum", check_enum},
                {"minimum", check_minimum},
                {"minItems", check_min_items},
                {"pattern", check_pattern},
                {"required", check_required},
                {"properties", check_properties},
                {"items", check_items},
                {"anyOf", check_any_of}};

static bool apply(const struct check *c, const json_t *schema, const char *name, const json_t *wanted) {
    if (strcmp(name, "additionalProperties") == 0)
        return json_is_false(wanted) ? check_additional(c, schema)
                                     : wrong(c, "only false is known here", wanted);
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcmp(keywords[i].name, name) == 0)
            return keywords[i].check(c, wanted);
    snprintf(c->message, c->size, "%s: the schema uses the unknown keyword %s", c->path, name);
    return false;
}

static bool at(const struct check *c, const json_t *schema) {
    const char *name;
    json_t *wanted;
    if (!json_is_object(schema))
        return wrong(c, "bad schema", schema);
    json_object_foreach((json_t *)schema, name, wanted) {
        if (!apply(c, schema, name, wanted))
            return false;
    }
    return true;
}

bool schema_check(const json_t *root, const json_t *schema, const json_t *value, char *message, size_t size) {
    struct check c = {.root = root, .value = value, .message = message, .size = size, .path = ""};
    message[0] = 0;
    return at(&c, schema);
}
