/* spec_tables.c: the tables of gpup/spec.h as constant data. */
#include "specc.h"

void specc_emit_string(FILE *to, const char *text) {
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", to);
        else if (*text == '"' || *text == '\\' || *text == '?')
            fprintf(to, "\\%c", *text);
        else
            fputc(*text, to);
    }
    fputc('"', to);
}

static void put_text(FILE *to, const char *field, const char *text) {
    fprintf(to, "     .%s = ", field);
    specc_emit_string(to, text ? text : "");
    fputs(",\n", to);
}

static void put_list(FILE *to, const char *field, const struct list16 *list) {
    if (list->count == 0)
        return;
    fprintf(to, "     .%s = (const uint16_t[]){", field);
    for (size_t i = 0; i < list->count; i++)
        fprintf(to, "%s%u", i ? ", " : "", list->items[i]);
    fputs("},\n", to);
}

/* C has no empty arrays: a table without rows gets one that nobody counts. */
static void begin(FILE *to, const char *type, const char *name) {
    fprintf(to, "const struct %s %s[] = {\n", type, name);
}

static void end(FILE *to, size_t count) {
    fputs(count ? "};\n\n" : "    {0},\n};\n\n", to);
}

static void put_sources(const struct specc *sc, FILE *to) {
    begin(to, "gpup_source", "gpup_sources");
    for (size_t i = 0; i < sc->source_count; i++) {
        const struct gpup_source *row = &sc->sources[i].row;
        fputs("    {\n", to);
        put_text(to, "id", row->id);
        put_text(to, "title", row->title);
        put_text(to, "kind", row->kind);
        put_text(to, "date", row->date);
        put_text(to, "url", row->url);
        fputs("    },\n", to);
    }
    end(to, sc->source_count);
}

static void put_rules(const struct specc *sc, FILE *to) {
    begin(to, "gpup_rule", "gpup_rules");
    for (size_t i = 0; i < sc->rule_count; i++) {
        const struct rule_row *rule = &sc->rules[i];
        fputs("    {\n", to);
        put_text(to, "id", rule->row.id);
        put_text(to, "area", rule->area);
        put_text(to, "sentence", rule->row.sentence);
        put_text(to, "where", rule->row.where);
        put_text(to, "note", rule->row.note);
        put_text(to, "beyond", rule->row.beyond);
        put_list(to, "sources", &rule->sources);
        put_list(to, "ddis", &rule->ddis);
        fprintf(to,
                "     .observers = 0x%x, .monitor = %u, .source_count = %u, .ddi_count = %u,\n"
                "     .level = %u, .basis = %u, .subject = %u},\n",
                rule->row.observers, rule->row.monitor, rule->row.source_count, rule->row.ddi_count,
                rule->row.level, rule->row.basis, rule->row.subject);
    }
    end(to, sc->rule_count);
}

static void put_words(FILE *to, const char *field, const char *const *words, size_t count) {
    if (count == 0)
        return;
    fprintf(to, "     .%s = {", field);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "%s\"%s\"", i ? ", " : "", words[i]);
    fputs("},\n", to);
}

static void put_ddi(const struct specc *sc, const struct ddi_row *ddi, FILE *to) {
    const struct gpup_ddi *row = &ddi->row;
    fputs("    {\n", to);
    put_text(to, "name", row->name);
    put_text(to, "since", row->since);
    put_text(to, "irql", row->irql);
    put_words(to, "arguments", row->arguments, row->argument_count);
    put_words(to, "results", row->results, row->result_count);
    if (ddi->statuses.count) {
        fputs("     .statuses = (const uint32_t[]){", to);
        for (size_t i = 0; i < ddi->statuses.count; i++)
            fprintf(to, "%s0x%08X", i ? ", " : "", sc->statuses[ddi->statuses.items[i]].row.value);
        fputs("},\n", to);
    }
    fprintf(to,
            "     .offset = %u, .structure = %u, .source = %u, .table = %u, .returns = %u, .gate = %u,\n"
            "     .constant = %s, .sync = %d, .vf_argument = %d, .basis_argument = %d,\n"
            "     .argument_count = %u, .result_count = %u, .status_count = %u},\n",
            row->offset, row->structure, row->source, row->table, row->returns, row->gate,
            row->constant ? "true" : "false", row->sync, row->vf_argument, row->basis_argument,
            row->argument_count, row->result_count, row->status_count);
}

static void put_structures(const struct specc *sc, FILE *to) {
    begin(to, "gpup_structure", "gpup_structures");
    for (size_t i = 0; i < sc->structure_count; i++) {
        const struct structure_row *structure = &sc->structures[i];
        fprintf(to, "    {.name = \"%s\", .size = %u, .field_count = %u", structure->row.name,
                structure->row.size, structure->row.field_count);
        if (structure->row.field_count)
            fputs(", .fields = (const struct gpup_field[]){\n", to);
        for (size_t k = 0; k < structure->row.field_count; k++) {
            const struct gpup_field *field = &structure->fields[k];
            fputs("         {.name = ", to);
            specc_emit_string(to, field->name);
            fprintf(to, ", .offset = %u, .size = %u, .direction = %u, .meaning = %u},\n", field->offset,
                    field->size, field->direction, field->meaning);
        }
        fputs(structure->row.field_count ? "     }},\n" : "},\n", to);
    }
    end(to, sc->structure_count);
}

static void put_statuses(const struct specc *sc, FILE *to) {
    begin(to, "gpup_status", "gpup_statuses");
    for (size_t i = 0; i < sc->status_count; i++)
        fprintf(to, "    {.name = \"%s\", .value = 0x%08X},\n", sc->statuses[i].row.name,
                sc->statuses[i].row.value);
    end(to, sc->status_count);
}

static void put_defects(const struct specc *sc, FILE *to) {
    begin(to, "gpup_defect", "gpup_defects");
    for (size_t i = 0; i < sc->defect_count; i++) {
        const struct defect_row *defect = &sc->defects[i];
        fputs("    {\n", to);
        put_text(to, "id", defect->row.id);
        put_text(to, "area", defect->row.area);
        put_text(to, "sentence", defect->row.sentence);
        put_text(to, "hides", defect->row.hides);
        put_list(to, "rules", &defect->rules);
        fprintf(to, "     .rule_count = %u, .built = %s},\n", defect->row.rule_count,
                defect->row.built ? "true" : "false");
    }
    end(to, sc->defect_count);
}

static void put_counts(const struct specc *sc, FILE *to) {
    fprintf(to,
            "const struct gpup_spec_counts gpup_spec_counts = {.sources = %zu, .rules = %zu, .ddis = %zu,\n"
            "    .structures = %zu, .statuses = %zu, .defects = %zu, .monitors = %zu, .machines = %zu};\n\n",
            sc->source_count, sc->rule_count, sc->ddi_count, sc->structure_count, sc->status_count,
            sc->defect_count, sc->monitor_count, sc->machine_count);
    fprintf(to, "const char *gpup_spec_version(void)\n{\n    return \"%016llx\";\n}\n",
            (unsigned long long)sc->hash);
}

void specc_emit_tables(const struct specc *sc, FILE *to) {
    fputs("/* Generated by gpup-specc from specs/: do not edit. */\n#include \"gpup/machine.h\"\n"
          "#include \"gpup/spec.h\"\n\n",
          to);
    put_sources(sc, to);
    put_rules(sc, to);
    begin(to, "gpup_ddi", "gpup_ddis");
    for (size_t i = 0; i < sc->ddi_count; i++)
        put_ddi(sc, &sc->ddis[i], to);
    end(to, sc->ddi_count);
    put_structures(sc, to);
    put_statuses(sc, to);
    put_defects(sc, to);
    fputs("const char *const gpup_monitors[] = {\n", to);
    for (size_t i = 0; i < sc->monitor_count; i++)
        fprintf(to, "    \"%s\",\n", sc->monitors[i]);
    fputs("    0,\n};\n\n", to);
    specc_emit_machines(sc, to);
    put_counts(sc, to);
}
