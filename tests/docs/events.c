/* docs/trace.md: event kinds with their fields, observers, classes of steps. */
#include "../record/filter.h"
#include "reference.h"

#include <gpup/program.h>
#include <gpup/spec.h>
#include <gpup/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_row(struct text *out, unsigned kind, const struct entry *e) {
    char cell[64];
    struct gpup_event event = {.kind = (uint16_t)kind};
    uint32_t observer = filter_observer(&event);
    snprintf(cell, sizeof cell, "| %u | `%s` | ", kind, gpup_event_name(kind));
    put_string(out, cell);
    for (unsigned i = 0; i < gpup_event_field_count(kind); i++) {
        put_string(out, i ? ", `" : "`");
        put_string(out, gpup_event_field_name(kind, i));
        put_string(out, "`");
    }
    put_string(out, " | ");
    put_string(out, observer ? gpup_observer_name(observer) : "");
    put_string(out, " | ");
    put_cell(out, e->comment);
    put_string(out, " |\n");
}

/* In the order of the file, which is that of the numbers. */
bool make_events(struct text *out, const char *root) {
    char *def = read_whole(root, "harness/include/gpup/events.def"), section[128] = "";
    const char *at = def ? strstr(def, "*/\n") + 3 : NULL; /* behind the comment at its head */
    struct entry e = {0};
    unsigned kind = 0;
    for (; at && next_entry(&at, "EVENT", &e); kind++) {
        if (kind >= GPUP_EVENT_KINDS || strcmp(e.second, gpup_event_name(kind)) != 0)
            return fprintf(stderr, "events.def: %s is out of order\n", e.second), false;
        if (kind == 0 || strcmp(section, e.section) != 0) {
            snprintf(section, sizeof section, "%s", e.section);
            put_string(out, "\n**");
            put_cell(out, section);
            put_string(out,
                       "**\n\n| number | kind | fields | observer | what it says |\n|---|---|---|---|---|\n");
        }
        put_row(out, kind, &e);
    }
    put_string(out, "\n");
    free(def);
    return kind == GPUP_EVENT_KINDS;
}

bool make_observers(struct text *out, const char *root) {
    char *header = read_whole(root, "harness/include/gpup/spec.h");
    put_string(out, "\n| bit | observer | sees |\n|---|---|---|\n");
    for (unsigned i = 0; header && i < GPUP_OBSERVER_COUNT; i++) {
        char line[512], name[80];
        snprintf(name, sizeof name, "GPUP_OBSERVER_%s = ", gpup_observer_name(1u << i));
        const char *at = strstr(header, name), *from = at ? strstr(at, "/* ") : NULL,
                   *to = from ? strstr(from, " */") : NULL;
        if (!to)
            return fprintf(stderr, "spec.h: %s has no comment\n", name), false;
        snprintf(line, sizeof line, "| %u | `%s` | ", i, gpup_observer_name(1u << i));
        put_string(out, line);
        snprintf(line, sizeof line, "%.*s", (int)(to - from - 3), from + 3);
        put_cell(out, line);
        put_string(out, " |\n");
    }
    put_string(out, "\n");
    free(header);
    return header != NULL;
}

bool make_classes(struct text *out, const char *root) {
    static const char *const means[GPUP_CLASSES] = {
        "the documents allow it", "forbidden or odd, but a document says what must happen",
        "nothing is said: no crash, no damage, no effect on others", "our reading"};
    (void)root;
    put_string(out, "\n| number | class | a step |\n|---|---|---|\n");
    for (unsigned i = 0; i < GPUP_CLASSES; i++) {
        char line[256];
        snprintf(line, sizeof line, "| %u | `%s` | %s |\n", i, gpup_class_name(i), means[i]);
        put_string(out, line);
    }
    put_string(out, "\n");
    return true;
}
