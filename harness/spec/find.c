/* Looks rows up by name. Rules are sorted and many; the other tables are short. */
#include "gpup/spec.h"
#include <string.h>

uint16_t gpup_rule_find(const char *id) {
    size_t low = 0, high = id ? gpup_spec_counts.rules : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(gpup_rules[middle].id, id);
        if (order == 0)
            return (uint16_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return GPUP_SPEC_NONE;
}

/* One loop over a table; the macro keeps the name of the key field. */
#define FIND(table, key, name)                                                                               \
    for (size_t i = 0; (name) && i < gpup_spec_counts.table; i++) {                                          \
        if (!strcmp(gpup_##table[i].key, (name)))                                                            \
            return (uint16_t)i;                                                                              \
    }                                                                                                        \
    return GPUP_SPEC_NONE

uint16_t gpup_ddi_find(const char *name) {
    static const char prefix[] = "DxgkDdi";
    if (name && !strncmp(name, prefix, sizeof prefix - 1))
        name += sizeof prefix - 1;
    FIND(ddis, name, name);
}

uint16_t gpup_source_find(const char *id) {
    FIND(sources, id, id);
}

uint16_t gpup_structure_find(const char *name) {
    FIND(structures, name, name);
}

uint16_t gpup_defect_find(const char *id) {
    FIND(defects, id, id);
}

uint16_t gpup_monitor_find(const char *name) {
    for (size_t i = 0; name && i < gpup_spec_counts.monitors; i++) {
        if (!strcmp(gpup_monitors[i], name))
            return (uint16_t)i;
    }
    return GPUP_SPEC_NONE;
}

const char *gpup_ddi_name(uint16_t ddi) {
    return ddi < gpup_spec_counts.ddis ? gpup_ddis[ddi].name : "?";
}

const char *gpup_rule_id(uint16_t rule) {
    return rule < gpup_spec_counts.rules ? gpup_rules[rule].id : "?";
}

const char *gpup_status_name(uint32_t status) {
    for (size_t i = 0; i < gpup_spec_counts.statuses; i++) {
        if (gpup_statuses[i].value == status)
            return gpup_statuses[i].name;
    }
    return NULL;
}

bool gpup_status_find(const char *name, uint32_t *value) {
    for (size_t i = 0; name && i < gpup_spec_counts.statuses; i++) {
        if (!strcmp(gpup_statuses[i].name, name)) {
            *value = gpup_statuses[i].value;
            return true;
        }
    }
    return false;
}

static int position(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; name && i < count; i++) {
        if (!strcmp(names[i], name))
            return (int)i;
    }
    return -1;
}

int gpup_ddi_argument(uint16_t ddi, const char *name) {
    if (ddi >= gpup_spec_counts.ddis)
        return -1;
    return position(gpup_ddis[ddi].arguments, gpup_ddis[ddi].argument_count, name);
}

int gpup_ddi_result(uint16_t ddi, const char *name) {
    if (ddi >= gpup_spec_counts.ddis)
        return -1;
    return position(gpup_ddis[ddi].results, gpup_ddis[ddi].result_count, name);
}
