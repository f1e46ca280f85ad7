/* validate SCHEMA FILE: status 0 when FILE conforms, else 1 and a line that says where it does not. */
#include "schema.h"

#include <stdio.h>

static json_t *load(const char *path) {
    json_error_t error;
    json_t *value = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        fprintf(stderr, "%s:%d:%d: %s\n", path, error.line, error.column, error.text);
    return value;
}

int main(int argc, char **argv) {
    char message[1024];
    if (argc != 3) {
        fputs("usage: validate SCHEMA FILE\n", stderr);
        return 2;
    }
    json_t *schema = load(argv[1]), *value = load(argv[2]);
    bool ok = schema && value && schema_check(schema, schema, value, message, sizeof message);
    if (schema && value && !ok)
        fprintf(stderr, "%s: %s\n", argv[2], message);
    json_decref(schema);
    json_decref(value);
    return ok ? 0 : 1;
}
