#include <gpup/scenarios.h>

#include <string.h>

const struct gpup_scenario *gpup_scenario_find(const char *name) {
    size_t from = 0, to = gpup_scenario_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(name, gpup_scenarios[middle].name);
        if (order == 0)
            return &gpup_scenarios[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}
