#include "tool.h"

#include <gpup/compare.h>

int command_compare(const struct options *o) {
    char message[4600];
    if (o->word_count != 2)
        return usage_error("compare: expected OLD NEW, directories or packages");
    json_t *before = gpup_compare_load(o->words[0], message, sizeof message);
    json_t *after = before ? gpup_compare_load(o->words[1], message, sizeof message) : NULL;
    json_t *comparison = after ? gpup_compare(before, after) : NULL;
    int status = 2;
    if (!after)
        usage_error("%s", message);
    else if (!comparison)
        status = (usage_error("out of memory"), 3);
    else
        status = json_array_size(json_object_get(comparison, "regressions")) ? 1 : 0;
    if (comparison && o->json) {
        json_dumpf(comparison, stdout, JSON_INDENT(1));
        putchar('\n');
    } else if (comparison) {
        gpup_compare_print(comparison, stdout);
    }
    json_decref(before);
    json_decref(after);
    json_decref(comparison);
    return status;
}
