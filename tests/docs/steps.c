/* docs/program.md: steps with their fields, kinds of fields, the world; docs/open-questions.md: assumed
 * rules. */
#include "../../harness/program/kinds.h"
#include "reference.h"

#include <gpup/spec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[GPUP_KINDS] = {"BOOL",  "U8",        "U32",   "U64",  "COUNT",  "INDEX",
                                                   "SIZE",  "HANDLE",    "SLOT",  "BLOB", "BUFFER", "ORDER",
                                                   "PATCH", "MIGRATION", "POWER", "HOST", "VF"};

static void put_default(struct text *out, unsigned kind, uint64_t value) {
    const struct gpup_kind_info *info = gpup_kind_info(kind);
    char text[40];
    if (value >= info->name_base && value - info->name_base < GPUP_KIND_NAMES &&
        info->name[value - info->name_base])
        snprintf(text, sizeof text, "%s", info->name[value - info->name_base]);
    else
        snprintf(text, sizeof text, value < 4096 ? "%llu" : "0x%llx", (unsigned long long)value);
    put_string(out, text);
}

static void put_step(struct text *out, const struct gpup_op_info *op, const struct entry *e) {
    put_string(out, "| `");
    put_string(out, op->name);
    put_string(out, "` | ");
    for (unsigned i = 0; i < op->field_count; i++) {
        put_string(out, i ? ", `" : "`");
        put_string(out, op->field[i].name);
        put_string(out, "` ");
        put_string(out, kind_names[op->field[i].kind]);
        put_string(out, " ");
        put_default(out, op->field[i].kind, op->field[i].value);
    }
    put_string(out, " | ");
    put_string(out, e->second);
    put_string(out, " | ");
    put_cell(out, e->comment);
    put_string(out, " |\n");
}

bool make_steps(struct text *out, const char *root) {
    char *def = read_whole(root, "harness/include/gpup/ops.def"), section[128] = "";
    const char *at = def ? strstr(def, "*/\n") + 3 : NULL;
    struct entry e = {0};
    unsigned number = 0;
    for (; at && next_entry(&at, "OP", &e); number++) {
        const struct gpup_op_info *op = gpup_op_info(number);
        if (!op || strcmp(op->name, e.name) != 0)
            return fprintf(stderr, "ops.def: %s is out of order\n", e.name), false;
        if (number == 0 || strcmp(section, e.section) != 0) {
            snprintf(section, sizeof section, "%s", e.section);
            put_string(out, "\n**");
            put_cell(out, section);
            put_string(
                out,
                "**\n\n| step | fields: name, kind, default | group | what it does |\n|---|---|---|---|\n");
        }
        put_step(out, op, &e);
    }
    put_string(out, "\n");
    free(def);
    return number == GPUP_OPS;
}

bool make_kinds(struct text *out, const char *root) {
    (void)root;
    put_string(out, "\n| kind | a value is |\n|---|---|\n");
    for (unsigned i = 0; i < GPUP_KINDS; i++) {
        put_string(out, "| ");
        put_string(out, kind_names[i]);
        put_string(out, " | ");
        put_cell(out, gpup_kind_info(i)->expected);
        put_string(out, " |\n");
    }
    put_string(out, "\n");
    return true;
}

bool make_world(struct text *out, const char *root) {
    char *header = read_whole(root, "harness/include/gpup/program.h");
    const char *at = header ? strstr(header, "struct gpup_world_config {") : NULL,
               *end = at ? strstr(at, "\n};") : NULL;
    unsigned members = 0;
    put_string(out, "\n| member | bits | what it is |\n|---|---|---|\n");
    while (at && (at = strstr(at, "\n    uint")) && at < end) {
        char name[64], comment[512] = "", line[700], *type;
        unsigned bits;
        const char *from = strstr(at, "/* "), *to = from ? strstr(from, " */") : NULL;
        bits = (unsigned)strtoul(at + strlen("\n    uint"), &type, 10);
        if (sscanf(type, "_t %63[^;]", name) != 1 || !to)
            return fprintf(stderr, "program.h: a member of the world without its comment\n"), false;
        snprintf(comment, sizeof comment, "%.*s", (int)(to - from - 3), from + 3);
        for (char *c = comment; (c = strstr(c, "\n "));) /* a long one, on one line */
            memmove(c + 1, c + 1 + strspn(c + 1, " "), strlen(c + 1 + strspn(c + 1, " ")) + 1), *c = ' ';
        if (strncmp(name, "msix_", 5) == 0)
            name[4] = '.'; /* a mapping of its own in the text */
        snprintf(line, sizeof line, "| `%s` | %u | ", name, bits);
        put_string(out, line);
        put_cell(out, comment);
        put_string(out, " |\n");
        members++;
        at++;
    }
    put_string(out, "\n");
    free(header);
    return members > 0;
}

bool make_assumed(struct text *out, const char *root) {
    (void)root;
    put_string(out, "\n| rule | what we assume | why it is open |\n|---|---|---|\n");
    for (unsigned i = 0; i < gpup_spec_counts.rules; i++) {
        const struct gpup_rule *rule = &gpup_rules[i];
        if (rule->level != GPUP_LEVEL_ASSUMED)
            continue;
        put_string(out, "| ");
        put_string(out, rule->id);
        put_string(out, " | ");
        put_cell(out, rule->sentence);
        put_string(out, " | ");
        put_cell(out, *rule->note ? rule->note : rule->where);
        put_string(out, " |\n");
    }
    put_string(out, "\n");
    return true;
}
