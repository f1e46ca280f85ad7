#include "where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LINES 1024u /* frames, with what was inlined there */
#define MOST_LETTERS 4096u

static bool has_places(const struct gpup_finding *f) {
    return f->places.of[GPUP_CALLERS_HERE].count || f->places.of[GPUP_CALLERS_ALLOCATED].count ||
           f->places.of[GPUP_CALLERS_FREED].count;
}

void where_tell(struct gpup_program_result *result, struct gpup_symbols *symbols) {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers
    const struct gpup_places **places = calloc(result->finding_count + 1, sizeof *places);
    size_t count = 0;
    for (size_t i = 0; places && i < result->finding_count; i++)
        if (has_places(&result->findings[i]))
            places[count++] = &result->findings[i].places;
    if (count && symbols)
        gpup_symbols_look_up(symbols, places, count); /* of a whole program at once */
    free((void *)places);
    for (size_t i = 0; i < result->finding_count; i++)
        result->findings[i].where =
            has_places(&result->findings[i]) ? gpup_symbols_tell(symbols, &result->findings[i].places) : NULL;
}

void where_free(struct gpup_program_result *result) {
    for (size_t i = 0; i < result->finding_count; i++)
        free(result->findings[i].where);
}

/* --- in the journal */

json_t *where_pack_places(const struct gpup_finding *f) {
    json_t *lists = has_places(f) ? json_array() : NULL;
    for (unsigned kind = 0; lists && kind < GPUP_CALLERS_KINDS; kind++) {
        json_t *list = json_array();
        for (unsigned i = 0; i < f->places.of[kind].count; i++)
            json_array_append_new(list, json_integer(f->places.of[kind].at[i]));
        json_array_append_new(lists, list);
    }
    if (lists && f->places.instruction)
        json_array_append_new(lists, json_true());
    return lists;
}

json_t *where_pack(const struct gpup_finding *f) {
    json_t *lines = f->where ? json_array() : NULL;
    for (const char *at = f->where; lines && at && *at; at += strcspn(at, "\n"), at += *at == '\n')
        json_array_append_new(lines, json_stringn(at, strcspn(at, "\n")));
    return lines;
}

static bool read_list(const json_t *list, struct gpup_callers *callers) {
    if (!json_is_array(list) || json_array_size(list) > GPUP_CALLERS)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_integer(number) || json_integer_value(number) < 0 ||
            json_integer_value(number) > UINT32_MAX)
            return false;
        callers->at[callers->count++] = (uint32_t)json_integer_value(number);
    }
    return true;
}

bool where_read_places(const json_t *value, struct gpup_finding *f) {
    size_t size = json_array_size(value);
    if (!value)
        return true;
    if (size < GPUP_CALLERS_KINDS || size > GPUP_CALLERS_KINDS + 1)
        return false;
    for (unsigned kind = 0; kind < GPUP_CALLERS_KINDS; kind++)
        if (!read_list(json_array_get(value, kind), &f->places.of[kind]))
            return false;
    f->places.instruction = size > GPUP_CALLERS_KINDS;
    return true;
}

bool where_read(const json_t *value, struct gpup_finding *f) {
    size_t size = 0;
    if (!value)
        return true;
    if (!json_is_array(value) || json_array_size(value) > MOST_LINES)
        return false;
    FILE *out = open_memstream(&f->where, &size);
    bool ok = out;
    for (size_t i = 0; ok && i < json_array_size(value); i++) {
        const char *line = json_string_value(json_array_get(value, i));
        ok = line && *line && strlen(line) <= MOST_LETTERS && !strchr(line, '\n');
        if (ok)
            fprintf(out, "%s%s", i ? "\n" : "", line);
    }
    return out && fclose(out) == 0 && ok;
}
