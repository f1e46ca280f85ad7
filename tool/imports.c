/* What a driver image imports, and what of it this suite plays. */
#include "tool.h"

#include <gpup/binding.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void add(void *context, const struct gpup_import *import) {
    json_t *row =
        json_pack("{s:s, s:s?, s:o, s:b}", "module", import->module, "name", import->name, "ordinal",
                  import->name ? json_null() : json_integer(import->ordinal), "supported", import->supported);
    json_array_append_new(context, row);
}

static void print(const json_t *row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *module = json_string_value(json_object_get(row, "module"));
    printf("%-12s %-16s ", json_is_true(json_object_get(row, "supported")) ? "supported" : "-", module);
    if (name)
        printf("%s\n", name);
    else
        printf("#%d\n", (int)json_integer_value(json_object_get(row, "ordinal")));
}

int list_imports(const struct options *o) {
    char message[1024];
    json_t *all = json_array(), *row;
    size_t i, supported = 0;
    if (o->word_count != 2) {
        json_decref(all);
        return usage_error("list imports: expected one driver image, found %u words", o->word_count - 1);
    }
    if (gpup_binding_imports(o->words[1], add, all, message, sizeof message) != 0) {
        json_decref(all);
        return usage_error("%s", message);
    }
    if (o->json) {
        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
    }
    json_array_foreach(all, i, row) {
        supported += json_is_true(json_object_get(row, "supported"));
        if (!o->json)
            print(row);
    }
    if (!o->json)
        printf("%zu imports, %zu supported\n", i, supported);
    json_decref(all);
    return 0;
}
